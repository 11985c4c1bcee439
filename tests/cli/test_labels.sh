#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Several yes or no a sample: balanced weights of the yes.
. "$(dirname "$0")/tap.sh"

# Three people; 'rare' is a yes in about one minute of 25 and can be told, but not surely.
python3 -c "
import random, sys
random.seed(2)
for person in ('AA', 'BB', 'CC'):
    with open(f'{sys.argv[1]}/{person}.features_labels.csv', 'w') as f:
        print('timestamp,raw_acc:a,raw_acc:b,label:rare,label:often,label_source', file=f)
        for i in range(500):
            a, b = random.gauss(0, 1), random.gauss(0, 1)
            rare = '' if i % 7 == 0 else int(a + random.gauss(0, 1) > 2.5)
            print(f'{60 * i},{a},{b},{rare},{int(b > -1)},1', file=f)" "$folder"
labels() { # OPTIONS…
  run train --quiet --data "extrasensory:$folder" --task labels --net 'dense(classes)' \
    --split subject:CC --epochs 20 --patience 0 --learning-rate 0.05 "$@"
}
labels --json "$folder/plain.json"
ok "labels are trained" test "$code" = 0
labels --class-weights balanced --json "$folder/balanced.json" --checkpoint "$folder/points"
ok "with balanced weights too" test "$code" = 0
ok "which raise the balanced accuracy" python3 -c "
import json, sys
plain, balanced = (json.load(open(f))['result']['balanced_accuracy']['value'] for f in sys.argv[1:])
assert balanced > plain + 0.1, (plain, balanced)" "$folder/plain.json" "$folder/balanced.json"
labels --checkpoint "$folder/points" --resume
ok "a run without them is another one" sh -c "grep -q 'positive weights' '$folder/err'"
finish
