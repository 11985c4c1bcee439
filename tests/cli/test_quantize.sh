#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fewer bits from the command line: what is saved, what stays the same, what is refused.
. "$(dirname "$0")/tap.sh"
data='synthetic:subjects=3&trials=3&seconds=15'
whole="$folder/whole.safetensors"

ok "a model to quantize" exits 0 train --quiet --data "$data" --net "conv1d(12,5) bn relu lstm(12) dense(classes)" \
  --epochs 6 -o "$whole"
for scheme in bf16 f16 int8-dynamic int8 int8-aware; do
  ok "$scheme is made" exits 0 quantize "$whole" --to $scheme --epochs 2 -o "$folder/$scheme.safetensors" \
    --json "$folder/$scheme.json"
  ok "both are tested, and what each costs is told" json \
    "all(j['result'][k]['accuracy']['value'] > 0.3 and j['result'][k]['core_seconds_per_1000'] > 0
         and j['result'][k]['program_per_1000']['value'] > 0 for k in ('before', 'after'))
     and j['result']['after']['scheme'] == j['result']['scheme'] == '$scheme'" "$folder/$scheme.json"
  ok "it runs so from its file" exits 0 test "$folder/$scheme.safetensors" --quiet --json "$folder/tested.json"
  ok "with the answers that were told" sh -c "python3 -c \"
import json
a = json.load(open('$folder/$scheme.json'))['result']
b = json.load(open('$folder/tested.json'))['result']
raise SystemExit(b['scheme'] != '$scheme' or a['confusion'] != b['confusion'])\""
  ok "its card says so" sh -c "'$frugal' info '$folder/$scheme.safetensors' | grep -q 'Weights in $scheme'"
  ok "with the bytes of its file" card_counts "$folder/$scheme.safetensors"
  ok "it is exported" exits 0 export "$folder/$scheme.safetensors" --to c -o "$folder/$scheme.c"
done
ok "bn is folded" json "'bn' not in j['result']['network']" "$folder/int8.json"
ok "weights take half" json "0.5 <= j['result']['after']['bytes'] / j['result']['before']['bytes'] < 0.6" \
  "$folder/bf16.json"
ok "and a fourth with a scale for each channel" json \
  "0.25 < j['result']['after']['bytes'] / j['result']['before']['bytes'] < 0.5" "$folder/int8.json"
ok "int8 is exported in integers" grep -q int8_t "$folder/int8.c"
ok "float32 of it can be had" exits 0 test "$folder/int8.safetensors" --precision f32 --quiet
ok "int8 of a float32 model, passed over five times" exits 0 test "$whole" --precision int8 --repeat 5 \
  --quiet --json "$folder/r.json"
ok "is told the cost of one" json "j['result']['passes'] == 5" "$folder/r.json"

ok "the best is chosen" exits 0 quantize "$whole" --to auto --within 2 --epochs 2 -o "$folder/best.safetensors" \
  --json "$folder/auto.json"
ok "among all of them, by the rule that is told" json \
  "[s['scheme'] for s in j['result']['schemes']] ==
     ['f32', 'bf16', 'f16', 'int8-dynamic', 'int8', 'int8-aware']
   and sum(s['kept'] for s in j['result']['schemes']) == 1 and 'validation' in j['result']['choice']
   and [s['scheme'] for s in j['result']['schemes'] if s['kept']] == [j['result']['scheme']]" "$folder/auto.json"
ok "which it keeps to" json \
  "(lambda all: (lambda good: (lambda least: [s for s in good if s['kept']][0]['program_per_1000']['value'] <= 1.1 * least + 1e-12)(
      min(s['program_per_1000']['value'] for s in good)))(
      [s for s in all if s['accuracy']['value'] >= all[0]['accuracy']['value'] - 0.02 - 1e-9]))(j['result']['schemes'])" \
  "$folder/auto.json"
ok "the test side can stay closed" exits 0 quantize "$whole" --to int8 --no-test --json "$folder/closed.json"
ok "and nothing of it is told" json "'openings' not in j['result'] and j['result']['accuracy'] is None" \
  "$folder/closed.json"

ok "integers take no threads" exits 1 test "$folder/int8.safetensors" --threads 2
ok "but int8-dynamic does" exits 0 test "$folder/int8-dynamic.safetensors" --threads 2 --quiet --json "$folder/two.json"
ok "to the same answers" sh -c "python3 -c \"
import json
a = json.load(open('$folder/int8-dynamic.json'))['result']['confusion']
raise SystemExit(a != json.load(open('$folder/two.json'))['result']['confusion'])\""
ok "a scheme must be told" exits 2 quantize "$whole"
ok "one that there is" exits 2 quantize "$whole" --to int4
ok "--within is of auto" exits 2 quantize "$whole" --to int8 --within 1
ok "what is quantized already is left" exits 1 quantize "$folder/int8.safetensors" --to bf16
ok "which is said" grep -q "is in int8 already" "$folder/err"
ok "auto needs a validation side" exits 1 quantize "$whole" --to auto --validate none
ok "a model that is none" exits 1 quantize "$folder/none.safetensors" --to int8
finish
