#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What data sets there are, and what a reader says of bad ones.
. "$(dirname "$0")/tap.sh"

ok "data list exits 0 with nothing there" exits 0 data list --json "$folder/list.json"
ok "it says how to fetch what is missing" grep -q 'frugal data fetch' "$folder/out"
ok "nothing but the walkers is found" json \
  "[s['name'] for s in j['result']['data_sets'] if s['found']] == ['synthetic']" \
  "$folder/list.json"
ok "an unknown data set is one sentence" fails_saying 1 "fly" data fetch fly
ok "fetch without a name is wrong usage" exits 2 data fetch

printf 'who,x,y\na,1,2\na,3,4\nb,5,6\n' >"$folder/good.csv"
ok "check counts a CSV file" exits 0 data check "csv:$folder/good.csv?subject=who" \
  --json "$folder/check.json"
ok "three rows of two people" json \
  "(j['result']['rows'], j['result']['subjects']) == (3, 2)" "$folder/check.json"
printf 'who,x,y\na,1,2\na,3,oops\n' >"$folder/bad.csv"
ok "text in a number names file, line and column" fails_saying 1 "bad.csv:3" \
  data check "csv:$folder/bad.csv?subject=who"
ok "and quotes it" grep -q "oops" "$folder/err"
: >"$folder/empty.csv"
ok "an empty file is one sentence" fails_saying 1 "empty.csv" \
  data check "csv:$folder/empty.csv?subject=who"
ok "a missing file is one sentence" fails_saying 1 "nowhere.csv" \
  data check "csv:$folder/nowhere.csv"
ok "check tells sequences and their window" exits 0 data check \
  "synthetic:signs=2&trials=5" --json "$folder/signs.json"
ok "two signs by three people, five times" json \
  "[j['result'][k] for k in ('records', 'activities', 'window', 'shorter')] == [30, 2, 30, 0]" \
  "$folder/signs.json"
mkdir -p "$folder/sets/ann/MP_Data/hello/0" "$folder/sets/other"
ok "list finds folders of key points" exits 0 data list -d "$folder/sets" \
  --json "$folder/found.json"
ok "and nothing in others" json \
  "[s['name'] for s in j['result']['data_sets'] if s['found']] == ['ann', 'synthetic']" \
  "$folder/found.json"
if [ -d "${FRUGAL_SHARED:-/nowhere}/motionsense" ]; then
  ok "the published zip is whole" exits 0 data check \
    "motionsense:$FRUGAL_SHARED/motionsense/A_DeviceMotion_data.zip" --json "$folder/ms.json"
  ok "360 files, 1,412,865 rows, 24 people" json \
    "(j['result']['files'], j['result']['rows'], j['result']['subjects'])
       == (360, 1412865, 24)" "$folder/ms.json"
else
  echo "# skipped: the folder of real recordings is not there"
fi
finish
