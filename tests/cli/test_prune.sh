#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Smaller models from the command line: what is saved, what is said, what is refused.
. "$(dirname "$0")/tap.sh"
data='synthetic:subjects=3&trials=3&seconds=15'
whole="$folder/whole.safetensors"
half="$folder/half.safetensors"
sparse="$folder/sparse.safetensors"

ok "a model to prune" exits 0 train --quiet --data "$data" --net small --epochs 8 -o "$whole"
ok "half of it goes" exits 0 prune "$whole" -o "$half" --epochs 4 --json "$folder/half.json"
ok "its layers are half as wide" json \
  "j['result']['network'] == 'conv1d(16,5,pad=same) relu maxpool(2) conv1d(16,5,pad=same) relu avgpool(all) dense(3)'" \
  "$folder/half.json"
ok "both were tested, and what each costs is told" json \
  "all(j['result'][k]['accuracy']['value'] > 0.3 and j['result'][k]['core_seconds_per_1000'] > 0
       and j['result'][k]['program_per_1000']['value'] > 0 and j['result'][k]['bytes'] > 0
       and j['result'][k]['macro_f1']['low'] is not None for k in ('before', 'after'))" \
  "$folder/half.json"
ok "operations fall as by hand" json \
  "j['result']['after']['operations'] == 128*16*(2*5*12 + 1) + 64*16*2 + 64*16*(2*5*16 + 2) + 2*16*3" \
  "$folder/half.json"
ok "the test side was opened once for it" json "j['result']['openings'] >= 1" "$folder/half.json"
ok "what is written is that model" exits 0 test "$half" --quiet --json "$folder/tested.json"
ok "with the accuracy that was told" sh -c "python3 -c \"
import json
a = json.load(open('$folder/half.json'))['result']['after']['accuracy']['value']
b = json.load(open('$folder/tested.json'))['result']['accuracy']['value']
raise SystemExit(abs(a - b) > 1e-9)\""
ok "its card tells what was spent" sh -c "'$frugal' info '$half' | grep -q 'Spent by prune'"
ok "without the tests before and after" sh -c "'$frugal' info '$half' --json '$folder/card.json' >'$folder/out' && python3 -c \"
import json
card = json.load(open('$folder/card.json'))['result']['provenance'][-1]
made = json.load(open('$folder/half.json'))['result']
tests = sum(p['core_s'] for p in made['phases'] if p['name'] in ('before', 'after'))
left = made['core_seconds']['value'] - card['core_seconds']['value']
raise SystemExit(not (tests > 0 and abs(left - tests) < 1e-3 * tests))\""
ok "it is exported as ONNX" exits 0 export "$half" --to onnx -o "$folder/half.onnx"
ok "and as C" exits 0 export "$half" --to c -o "$folder/half.c"
ok "and runs in int8" exits 0 test "$half" --quiet --precision int8

ok "single weights go" exits 0 prune "$whole" -o "$sparse" --unstructured --amount 0.9 \
  --epochs 2 --json "$folder/sparse.json"
ok "nine tenths of them" json "j['result']['prune']['zeros'] > 0.89 * j['result']['prune']['weights_before']" \
  "$folder/sparse.json"
ok "its card counts them out" card_counts "$sparse"
ok "what it runs by is said" json \
  "j['result']['prune']['sparse_layers'] > 0 or any('saves memory only' in w for w in j['warnings'])" \
  "$folder/sparse.json"
ok "operations on the card are those executed" sh -c "'$frugal' info '$sparse' --json '$folder/card.json' && python3 -c \"
import json
card = json.load(open('$folder/card.json'))['result']
made = json.load(open('$folder/sparse.json'))['result']
raise SystemExit((card['operations'], card['sparse_layers']) !=
                 (made['after']['operations'], made['prune']['sparse_layers']))\""
ok "in fewer bits" exits 0 quantize "$sparse" --to int8 --no-test -o "$folder/few.safetensors" \
  --json "$folder/few.json"
ok "training for int8 fills zeros" exits 0 quantize "$sparse" --to int8-aware --epochs 1 --no-test
ok "and says so" grep -q 'int8-aware fills them' "$folder/err"
ok "calibrating does not" sh -c "! grep -q 'int8-aware fills' '$folder/few.json'"
ok "it is held against what its zeros left of it" json \
  "j['result']['before']['bytes'] == $(python3 -c "
import json
print(json.load(open('$folder/sparse.json'))['result']['after']['bytes'])")" "$folder/few.json"
ok "a model in integers can be pruned" exits 0 prune "$folder/few.safetensors" --epochs 1 --no-test
ok "in float32, which is said" grep -q "is in int8" "$folder/err"
ok "a pruned model can be pruned" exits 0 prune "$sparse" -o "$folder/both.safetensors" \
  --epochs 2 --no-test

ok "the greatest amount is found" exits 0 prune "$whole" --until 'accuracy -5%' --epochs 2 \
  --no-test --json "$folder/until.json"
ok "in five tries, within the points" json \
  "j['result']['prune']['tries'] == 5 and 'openings' not in j['result'] and
   j['result']['prune']['validate_after'] >= j['result']['prune']['validate_before'] - 0.05 - 1e-9" \
  "$folder/until.json"
ok "gradually" exits 0 prune "$whole" --gradual --epochs 4 --no-test --quiet
ok "from the beginning" exits 0 prune "$whole" --rewind --epochs 6 --no-test --quiet
ok "a scan tells every layer" exits 0 prune "$whole" --scan --json "$folder/scan.json"
ok "at every amount" json \
  "len(j['result']['scan']['layers']) == 2 and
   all(len(l['accuracy']) == len(j['result']['scan']['amounts']) for l in j['result']['scan']['layers'])" \
  "$folder/scan.json"

ok "a network without units" exits 0 train --quiet --data "$data" --epochs 1 --no-test \
  --net "attention(3) avgpool(all) dense(classes)" -o "$folder/none.safetensors"
ok "is trained on" exits 0 prune "$folder/none.safetensors" --epochs 1 --no-test
ok "and that is said" grep -q "no units that could be taken out" "$folder/err"

ok "an amount of 1 is none" exits 2 prune "$whole" --amount 1
ok "two ways exclude each other" exits 2 prune "$whole" --gradual --rewind
ok "so do units and weights" exits 2 prune "$whole" --structured --unstructured
ok "and all and each" exits 2 prune "$whole" --per-layer --global
ok "but not the same twice" exits 0 prune "$whole" --unstructured --unstructured --scan --quiet
ok "an amount and until exclude each other" exits 2 prune "$whole" --amount 0.3 --until 'accuracy -1%'
for wrong in 1% 'accuracy' 'accuracy -0%' 'accuracy 1x'; do
  ok "'$wrong' is no limit" exits 2 prune "$whole" --until "$wrong"
done
ok "checkpoints are refused" exits 2 prune "$whole" --checkpoint "$folder/points"
ok "no model is refused" exits 2 prune
ok "a file that is none is refused" exits 1 prune "$folder/half.json"
finish
