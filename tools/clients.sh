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

number=0
# train DATA NET: a model of one epoch as $folder/model-1.safetensors and so on.
train() {
  number=$((number + 1))
  "$build/frugal" train --quiet --data "$1" --net "$2" --epochs 1 \
    -o "$folder/model-$number.safetensors" >/dev/null
  "$environment/bin/python" tests/clients/check_safetensors.py \
    "$folder/model-$number.safetensors"
}
for scheme in bf16 f16 int8-dynamic int8; do
  train 'synthetic:subjects=3&trials=3&seconds=15' 'conv1d(8,3) relu lstm(6) dense(classes)'
  "$build/frugal" quantize --quiet "$folder/model-$number.safetensors" --to "$scheme" \
    -o "$folder/narrow.safetensors" >/dev/null
  "$environment/bin/python" tests/clients/check_safetensors.py "$folder/narrow.safetensors" \
    "$folder/model-$number.safetensors"
done
for net in small big sain 'conv1d(8,3) relu lstm(6) dense(classes)'; do
  train 'synthetic:subjects=3&trials=3&seconds=15' "$net"
done
train 'synthetic:subjects=3&trials=3&seconds=40&features=extrasensory' small
ninja -C "$build" tests/write_sample >/dev/null
"$build/frugal" train --quiet --data 'synthetic:subjects=3&trials=3&seconds=15' --epochs 3 \
  --net 'conv1d(8,3) bn relu lstm(6) dense(classes)' --tensorboard "$folder/board" \
  --json "$folder/board.json"
"$environment/bin/python" tests/clients/check_training_board.py "$folder/board" \
  "$folder/board.json"
"$environment/bin/python" tests/clients/check_tensorboard.py "$build/tests/write_sample"
ninja -C "$build" tests/write_onnx_cases >/dev/null
mkdir "$folder/onnx"
"$build/tests/write_onnx_cases" "$folder/onnx" "$folder"/model-*.safetensors
"$environment/bin/python" tests/clients/check_onnx.py "$folder/onnx"
sh tests/clients/check_c.sh "$build/frugal"
"$environment/bin/python" tests/clients/check_metrics.py "$build/frugal"
echo "clients: all checks passed"
