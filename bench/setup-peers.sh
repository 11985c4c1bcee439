#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: bench/setup-peers.sh DIR
# A Python environment in DIR with everything that bench/networks.py compares frugal with.
# PyPI's PyTorch brings CUDA's libraries along: 6 GB on disk. What cannot be installed is
# named, and its rows are left out of the table.
set -eu
if [ $# -ne 1 ]; then
  echo "usage: $0 DIR" >&2
  exit 2
fi
folder=$1
here=$(dirname "$0")
python3 -m venv "$folder"
missing=
grep -v '^#' "$here/requirements.txt" > "$folder/wanted.txt"
if ! "$folder/bin/pip" install --quiet -r "$folder/wanted.txt"; then
  # Together they may not agree on a version of something: one after the other.
  while read -r package; do
    "$folder/bin/pip" install --quiet "$package" || missing="$missing $package"
  done < "$folder/wanted.txt"
fi
"$folder/bin/pip" list --format=freeze |
  grep -iE '^(numpy|onnx|onnxruntime|tensorflow.cpu|torch)==' || true
if [ -n "$missing" ]; then
  echo "could not be installed:$missing" >&2
  exit 1
fi
