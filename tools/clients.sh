#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks what frugal writes with the clients that people read it with, in a private environment
# below the build directory.
set -eu
build=$1
environment=$build/clients
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_DATA_HOME="$folder/data" XDG_CACHE_HOME="$folder/cache"

if [ ! -x "$environment/bin/python" ]; then
  python3 -m venv "$environment"
fi
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
  -r tests/clients/requirements.txt

for net in small big 'conv1d(8,3) relu lstm(6) dense(classes)'; do
  "$build/frugal" train --quiet --data 'synthetic:subjects=3&trials=3&seconds=15' --net "$net" \
    --epochs 1 -o "$folder/model.safetensors" >/dev/null
  "$environment/bin/python" tests/clients/check_safetensors.py "$folder/model.safetensors"
done
ninja -C "$build" tests/write_sample >/dev/null
"$environment/bin/python" tests/clients/check_tensorboard.py "$build/tests/write_sample"
echo "clients: all checks passed"
