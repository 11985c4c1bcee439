#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --normalize: remembered by the model, and obeyed by all that use it.
. "$(dirname "$0")/tap.sh"
data='synthetic:subjects=3&trials=3&seconds=16'

for how in zscore minmax robust window none; do
  ok "train by $how" exits 0 train --data "$data" --normalize $how --epochs 3 --quiet \
    -o "$folder/$how.safetensors" --json "$folder/$how.json"
  ok "$how is remembered" exits 0 info "$folder/$how.safetensors" --json "$folder/info.json"
  ok "$how is told" json "j['result']['normalize'] == '$how'" "$folder/info.json"
  ok "test by $how" exits 0 test "$folder/$how.safetensors" --json "$folder/test.json"
  ok "$how repeats what train measured" python3 -c "
import json, sys
a, b = (json.load(open(f))['result'] for f in sys.argv[1:])
assert a['confusion'] == b['confusion'], (a['accuracy'], b['accuracy'])" \
    "$folder/$how.json" "$folder/test.json"
  ok "ONNX by $how" exits 0 export "$folder/$how.safetensors" --to onnx -o "$folder/m.onnx"
  ok "int8 in C by $how" exits 0 export "$folder/$how.safetensors" --to c --precision int8 \
    -o "$folder/m.c"
done
ok "without a word it is the z-score" exits 0 train --data "$data" --epochs 3 --quiet \
  --json "$folder/plain.json"
ok "to the bit" python3 -c "
import json, sys
a, b, c = (json.load(open(f))['result'] for f in sys.argv[1:])
assert a['confusion'] == b['confusion'] != c['confusion']" \
  "$folder/plain.json" "$folder/zscore.json" "$folder/minmax.json"
ok "normalising is metered" json \
  "'normalize' in {p['name'] for p in j['result']['phases']}" "$folder/window.json"

ok "a trained model has its own" fails_saying 1 "'window', not by 'minmax'" test \
  "$folder/window.safetensors" --normalize minmax
ok "which may be named" exits 0 test "$folder/window.safetensors" --normalize window
ok "transfer goes on the same way" exits 0 transfer "$folder/window.safetensors" \
  --data "$data&seed=2" --epochs 1 -o "$folder/next.safetensors"
ok "by window again" exits 0 info "$folder/next.safetensors" --json "$folder/info.json"
ok "it is" json "j['result']['normalize'] == 'window'" "$folder/info.json"
ok "or as told" exits 0 transfer "$folder/window.safetensors" --data "$data&seed=2" \
  --epochs 1 --normalize robust -o "$folder/next.safetensors"
ok "which the old layers do not know" grep -q "trained on input normalised by 'window'" "$folder/err"
ok "robust now" exits 0 info "$folder/next.safetensors" --json "$folder/info.json"
ok "indeed" json "j['result']['normalize'] == 'robust'" "$folder/info.json"
ok "a student sees what its teacher sees" exits 0 train --data "$data" --epochs 1 \
  --teacher "$folder/window.safetensors" -o "$folder/next.safetensors"
ok "and says so" exits 0 info "$folder/next.safetensors" --json "$folder/info.json"
ok "by window too" json "j['result']['normalize'] == 'window'" "$folder/info.json"

ok "feature vectors have no window" fails_saying 1 "one step" train --normalize window \
  --data 'synthetic:subjects=2&trials=3&seconds=40&features=extrasensory' --epochs 1
ok "another word is wrong usage" exits 2 train --data "$data" --normalize z-score
finish
