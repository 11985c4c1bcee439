#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: check_c.sh FRUGAL
# Compiles exported C for what it is meant for: a Cortex-M4 and a Cortex-M0, wasm32 and this
# machine by two compilers, strictly; and looks that it asks for nothing from any library.
# A compiler that is not there is skipped with a line.
set -eu
frugal=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export XDG_DATA_HOME="$folder/data" XDG_CACHE_HOME="$folder/cache"
strict='-std=c99 -Wall -Wextra -Werror -pedantic -c'

# compile NAME UNDEFINED COMMAND…: compiles the source; what the object lacks are names
# like UNDEFINED alone: helpers of the compiler's own, and the copying and filling of memory
# that compilers make of loops.
compile() {
  name=$1 allowed=$2
  shift 2
  if ! command -v "$1" >/dev/null; then
    echo "check_c: skipped $name: no $1"
    return 0
  fi
  for level in -Os -O3 -O2; do # each warns of other things
    "$@" $strict $level "$folder/m.c" -o "$folder/m.o"
  done
  nm=nm
  case $1 in arm-*) nm=arm-none-eabi-nm ;; clang-14) nm=llvm-nm-14 ;; esac
  if command -v $nm >/dev/null &&
    $nm -u "$folder/m.o" | grep -vE "^ *(U )?($allowed|memcpy|memset|__stack_pointer|__linear_memory)?$|:$"; then
    echo "check_c: $name: the object needs what stands above" >&2
    return 1
  fi
  echo "check_c: $precision $name: $net"
}

check() {
  compile cortex-m4 '__aeabi_[a-z0-9]+' arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb
  compile cortex-m0 '__aeabi_[a-z0-9]+' arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb
  compile wasm32 none clang-14 --target=wasm32 -ffreestanding
  compile gcc none gcc
  compile clang none clang-14
  if command -v g++ >/dev/null; then
    g++ -x c++ -Wall -Wextra -Werror -pedantic -fsyntax-only "$folder/m.h"
  fi
}

# train NET METHOD: exports and compiles it in both precisions.
train() {
  net=$1
  "$frugal" train --quiet --data 'synthetic:subjects=3&trials=3&seconds=15' --net "$net" \
    --normalize "$2" --epochs 1 -o "$folder/model.safetensors" >/dev/null 2>&1
  for precision in float32 int8; do
    "$frugal" export "$folder/model.safetensors" --to c --precision $precision \
      -o "$folder/m.c" >/dev/null
    check
  done
}

for net in 'dense(classes)' small big sain 'conv1d(8,3) layernorm attention(2) gru(6,all,both) avgpool(all) dense(classes)' \
  'parallel(conv1d(4,3) gelu | residual(conv1d(12,3) bn tanh)) lstm(4,last,both) dense(classes) softmax'; do
  train "$net" zscore
done
for how in window none; do
  train 'dense(classes)' $how
done
