#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Recordings shorter than a window: dropped, or kept and remembered by the model.
. "$(dirname "$0")/tap.sh"
model="$folder/model.safetensors"
python3 -c "
import math, random
random.seed(1)
print('sign,trial,x,y')
for i in range(40):
    phase, rate = random.uniform(0, 6), 0.2 if i % 2 else 0.6
    for t in range(random.randint(20, 60)):
        print('slow' if i % 2 else 'fast', i, math.sin(phase + rate * t),
              math.cos(phase + rate * t), sep=',')" >"$folder/signs.csv"
spec="csv:$folder/signs.csv?label=sign&trial=trial&rate=50"

ok "without --short nothing is long enough" fails_saying 1 "no record" train --data "$spec" \
  --task activity --window 64 --step 32 --quiet
ok "--short keep trains on all" exits 0 train --data "$spec" --task activity --window 64 \
  --step 32 --short keep --net 'conv1d(6,5) relu maxpool(2) lstm(5) dense(classes)' \
  --epochs 3 --quiet -o "$model" --json "$folder/train.json"
ok "and tests every trial of the test side" json "12 <= j['result']['samples'] <= 16" \
  "$folder/train.json"
ok "the model remembers it" exits 0 test "$model" --quiet --json "$folder/test.json"
ok "and gives the same figures" python3 -c "
import json, sys
a, b = (json.load(open(f))['result'] for f in sys.argv[1:])
assert a['confusion'] == b['confusion'] and a['samples'] == b['samples']" \
  "$folder/train.json" "$folder/test.json"
ok "--short drop says otherwise" fails_saying 1 "no record" test "$model" --short drop --quiet
ok "another word is wrong usage" fails_saying 2 "keep or drop" test "$model" --short maybe
finish
