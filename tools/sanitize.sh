#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole suite under AddressSanitizer and UndefinedBehaviorSanitizer.
set -eu
build=build-sanitize
test -f "$build/build.ninja" ||
  meson setup "$build" -Db_sanitize=address,undefined -Dbuildtype=debugoptimized -Db_lundef=false
ninja -C "$build"
ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 \
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
  sh tools/test.sh "$build"
