#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs all tests of a build directory and ends with "N passed, N failed".
set -u
build=$1

status=0
meson test -C "$build" --print-errorlogs --no-rebuild || status=$?
python3 tools/count_tests.py "$build/meson-logs/testlog.junit.xml" || status=1
exit $status
