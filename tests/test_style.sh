#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a machine can see of the code's style: licence lines, widths, lengths of functions and
# files, and that the library never prints, exits or aborts. TAP.
set -u
cd "$1" || exit 1
files=$(find src include tests bench examples tools web -name '*.[ch]' 2>/dev/null | sort)
sources=$(find src -name '*.c' | sort)

number=0
status=0
check() { # name, findings
  number=$((number + 1))
  if [ -z "$2" ]; then
    echo "ok $number - $1"
  else
    echo "not ok $number - $1"
    echo "$2" | sed 's/^/# /'
    status=1
  fi
}

echo "1..5"
check "every file names its licence" "$(grep -L 'SPDX-License-Identifier: Apache-2.0' $files)"
check "lines have at most 90 columns" \
  "$(LC_ALL=C.UTF-8 grep -nE '^.{91,}' $files)"
check "functions have at most 80 lines" "$(awk '
  FNR == 1 { start = 0 }
  /^\{/ || /^[a-z].*\) \{$/ { start = FNR; name = $0 }
  /^\}/ { if (start && FNR - start > 80) print FILENAME ":" start ": " name; start = 0 }
  ' $sources)"
check "files have at most 600 lines" "$(wc -l $files | awk '$1 > 600 && $2 != "total"')"
# A job that the study forks has no caller to return to: _exit ends it.
check "only the command line prints, exits or aborts" "$(grep -nE \
  '(^|[^a-z_0-9])(printf|puts|putchar|perror|exit|_exit|abort|vprintf)\(' $sources |
  grep -vE '^src/(cli|serve)/|printf\(NULL|^src/study/(jobs|worker)\.c:[0-9]+: *_exit\(')"
exit $status
