#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# train --onto MODEL: which way is gone, why, and that it is gone.
. "$(dirname "$0")/tap.sh"
model="$folder/six.safetensors"
signs='synthetic:subjects=2&trials=6'

ok "six signs are learned" exits 0 train --data "$signs&signs=6" --epochs 20 -o "$model" \
  --json "$folder/old.json" --quiet

# onto NAME DATA ARGUMENTS…: into $folder/NAME.json
onto() {
  into=$1
  data=$2
  shift 2
  exits 0 train --onto "$model" --data "$data" --quiet --json "$folder/$into.json" "$@"
}

# decides NAME WAY RULE
decides() {
  json "(j['result']['decision']['way'], j['result']['decision']['rule']) == ('$2', '$3')" \
    "$folder/$1.json"
}

ok "two more extend it" onto more "$signs&signs=8" --epochs 20 -o "$folder/eight.safetensors"
ok "by the last rule" decides more extend extend
ok "with figures" json \
  "(lambda d: d['old_classes'] == d['old_here'] == 6 and d['new_classes'] == 2
     and d['old_samples'] == 6 * d['new_samples'] // 2 and d['fewest_new'] == d['new_samples'] // 2
     and 0 < d['extend_operations'] < d['scratch_operations']
     and '2 new classes' in d['reason'])(j['result']['decision'])" "$folder/more.json"
ok "in no more operations than it said" json \
  "j['result']['operations'] <= j['result']['decision']['extend_operations']" "$folder/more.json"
ok "as extend does" json "j['result']['added'] == ['sign7', 'sign8']" "$folder/more.json"
ok "and says so" sh -c "'$frugal' train --onto '$model' --data '$signs&signs=8' --epochs 20 --quiet \
  2>/dev/null | grep -q '^decision *extend: 2 new classes'"
ok "the model knows all" exits 0 test "$folder/eight.safetensors" --quiet --json "$folder/test.json"
ok "eight" json "len(j['result']['classes']) == 8" "$folder/test.json"

ok "what is to be warned of is told once" sh -c "'$frugal' train --onto '$model' --epochs 20 \
  --data '$signs&signs=8' --split random:0.75 --quiet 2>&1 >/dev/null | grep -c leaky | grep -qx 1"

ok "what was extended can be again" exits 0 train --onto "$folder/eight.safetensors" \
  --data "$signs&signs=9" --quiet --json "$folder/nine.json"
ok "against what the first training took" json \
  "j['result']['decision']['way'] == 'extend' and j['result']['decision']['epochs'] == 20" \
  "$folder/nine.json"

ok "what the data lacks is kept" onto keep "$signs&signs=8&activities=sign7,sign8" --epochs 2
ok "by extending" decides keep extend keep
ok "old samples being where the model's were" json "j['result']['decision']['old_elsewhere']" \
  "$folder/keep.json"

ok "nothing new is trained anew" onto same "$signs&signs=6" --epochs 2
ok "by that rule" decides same scratch no-new

ok "far more new than old are trained anew" onto many "$signs&signs=26" --epochs 2 \
  -o "$folder/many.safetensors"
ok "by that rule, too" decides many scratch more-new
ok "in the model's own network, the head but for" python3 -c "
import json, sys
a, b = (json.load(open(f))['result']['network'] for f in sys.argv[1:])
assert a.replace('dense(6)', 'dense(26)') == b, (a, b)" "$folder/old.json" "$folder/many.json"
ok "which is no child of it" sh -c "'$frugal' info '$folder/many.safetensors' --json - |
  python3 -c \"import json, sys; assert len(json.load(sys.stdin)['result']['provenance']) == 1\""

ok "a smaller network costs less" onto small "$signs&signs=8" --epochs 2 \
  --net 'avgpool(all) dense(classes)'
ok "than extending" decides small scratch cheaper
ok "and is what is trained" json "j['result']['network'] == 'avgpool(all) dense(8)'" \
  "$folder/small.json"

ok "other features are trained anew" onto other "$signs&signs=8&shape=10" --epochs 2
ok "since the layers take others" decides other scratch input
ok "windows of another length, too" onto window "$signs&signs=8" --window 20 --epochs 2
ok "for the same reason" decides window scratch input
ok "who signs is another task" onto task "$signs&signs=8" --task subject --epochs 2
ok "and trained anew" decides task scratch task

ok "of a split in folds" exits 0 train --data "$signs&signs=6" --split blocks:3 --fold 2 \
  --epochs 1 -o "$folder/fold.safetensors" --quiet
ok "what is trained anew" exits 0 train --onto "$folder/fold.safetensors" --quiet \
  --data "$signs&signs=6" --epochs 1 -o "$folder/again.safetensors"
ok "is of the model's fold" sh -c "'$frugal' info '$folder/again.safetensors' --json - |
  python3 -c \"import json, sys; assert json.load(sys.stdin)['result']['fold'] == 2\""

ok "a model that is not there" fails_saying 1 "No such file" train --onto "$folder/none" \
  --data "$signs&signs=8"
ok "a teacher beside it" fails_saying 2 "exclude each other" train --onto "$model" \
  --teacher "$model" --data "$signs&signs=8"
finish
