# SPDX-License-Identifier: Apache-2.0
# Sourced by the shell tests of the command line: TAP, and a folder and a home of their own.
set -u
frugal=$(realpath "$1")
number=0
failures=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export HOME="$folder" XDG_DATA_HOME="$folder/data" XDG_CACHE_HOME="$folder/cache"
unset FRUGAL_DATA

# ok NAME COMMAND…: the command's success is the test's.
ok() {
  number=$((number + 1))
  name=$1
  shift
  if "$@" >"$folder/log" 2>&1; then
    echo "ok $number - $name"
  else
    echo "not ok $number - $name"
    sed 's/^/# /' "$folder/log"
    failures=$((failures + 1))
  fi
}

# run ARGUMENTS…: runs frugal; its output is in $folder/out and $folder/err, its code in $code.
run() {
  code=0
  "$frugal" "$@" >"$folder/out" 2>"$folder/err" </dev/null || code=$?
}

# exits CODE ARGUMENTS…
exits() {
  expected=$1
  shift
  run "$@"
  [ "$code" = "$expected" ] || {
    echo "exit code $code, not $expected; stderr:"
    cat "$folder/err"
    return 1
  }
}

# fails_saying CODE TEXT ARGUMENTS…: that code, and one line on stderr that holds the text.
fails_saying() {
  expected=$1
  text=$2
  shift 2
  exits "$expected" "$@" || return 1
  grep -qF -e "$text" "$folder/err" || {
    echo "stderr lacks '$text':"
    cat "$folder/err"
    return 1
  }
  [ "$expected" != 1 ] || [ "$(grep -vc 'warning' "$folder/err")" = 1 ] || {
    echo "not one sentence:"
    cat "$folder/err"
    return 1
  }
}

# json EXPRESSION FILE: a Python expression over the parsed file, as `j`, is true.
json() {
  python3 -c "
import json, sys
j = json.load(open(sys.argv[2]))
assert eval(' '.join(sys.argv[1].split())), (sys.argv[1], j)" "$1" "$2"
}

finish() {
  echo "1..$number"
  [ "$failures" = 0 ]
}

# card_counts MODEL: the bytes on its card are those of the tensors in its file.
card_counts() {
  said=$("$frugal" info "$1" | sed -n 's/^Weights in .*, \([0-9]*\) bytes$/\1/p')
  header=$(od -An -t u8 -N 8 "$1" | tr -d ' ')
  there=$(($(wc -c <"$1") - 8 - header))
  [ "$said" = "$there" ] || {
    echo "the card says $said bytes, the file holds $there"
    return 1
  }
}
