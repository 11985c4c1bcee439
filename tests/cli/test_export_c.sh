#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal export --to c and frugal test --precision int8, on synthetic walkers.
. "$(dirname "$0")/tap.sh"
model="$folder/a.safetensors"
ok "train exits 0" exits 0 train --data 'synthetic:subjects=3&trials=4&seconds=20' \
  --net small --epochs 4 -o "$model" --quiet --json "$folder/train.json"

ok "export in float32" exits 0 export "$model" --to c -o "$folder/walk.c" \
  --json "$folder/float.json"
ok "a source and a header" test -s "$folder/walk.c" -a -s "$folder/walk.h"
ok "its sizes are told" json "j['result']['precision'] == 'float32'
  and j['result']['weight_bytes'] == 4 * (j['result']['parameters'] + 2 * 12)
  and j['result']['activation_bytes'] > 0 and j['result']['operations'] > 0" \
  "$folder/float.json"
ok "export in int8" exits 0 export "$model" --to c --precision int8 -o "$folder/walk8.c" \
  --json "$folder/int8.json"
ok "which is smaller" python3 -c "
import json, sys
a, b = (json.load(open(f))['result'] for f in sys.argv[1:])
assert 2 * b['weight_bytes'] < a['weight_bytes'], (a, b)
assert 3 * b['activation_bytes'] < a['activation_bytes'], (a, b)" \
  "$folder/float.json" "$folder/int8.json"
cp "$folder/walk8.c" "$folder/first"
ok "export again" exits 0 export "$model" --to c --precision int8 -o "$folder/walk8.c"
ok "the same bytes" cmp "$folder/first" "$folder/walk8.c"
ok "the ranges from other data" exits 0 export "$model" --to c --precision int8 \
  --data 'synthetic:subjects=3&trials=4&seconds=20&seed=5' -o "$folder/walk8.c"
ok "are others" sh -c "! cmp -s '$folder/first' '$folder/walk8.c'"

ok "test in float32" exits 0 test "$model" --json "$folder/test.json"
ok "test in int8" exits 0 test "$model" --precision int8 --json "$folder/test8.json"
ok "macro-F1 within a point of float32" python3 -c "
import json, sys
a, b = (json.load(open(f))['result'] for f in sys.argv[1:])
assert abs(a['macro_f1']['value'] - b['macro_f1']['value']) <= 0.01, (a, b)
assert a['precision'] == 'float32' and b['precision'] == 'int8'
assert b['weight_bytes'] > 0 and a['samples'] == b['samples']" \
  "$folder/test.json" "$folder/test8.json"
ok "quantizing is a phase" json \
  "{'quantize', 'test'} <= {p['name'] for p in j['result']['phases']}" "$folder/test8.json"
ok "nothing to find ranges on but the test side is a warning" exits 0 test "$model" \
  --split all --precision int8
ok "on stderr" grep -q 'warning: nothing is trained on' "$folder/err"

ok "another precision is wrong usage" exits 2 test "$model" --precision int4
ok "int8 is not for ONNX" exits 2 export "$model" --to onnx --precision int8 \
  -o "$folder/m.onnx"
ok "a name that is no source's" fails_saying 1 "walk.txt" export "$model" --to c \
  -o "$folder/walk.txt"
ok "a folder that is not there" fails_saying 1 "nowhere" export "$model" --to c \
  -o "$folder/nowhere/walk.c"
ok "data that is not there" fails_saying 1 "absent.csv" export "$model" --to c \
  --precision int8 --data "csv:$folder/absent.csv" -o "$folder/walk8.c"
finish
