#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# extend: signs are added, old ones stay, and what was forgotten, spent and saved is told.
. "$(dirname "$0")/tap.sh"
model="$folder/four.safetensors"
data='synthetic:subjects=2&trials=6&signs=7&activities'
old="$data=sign1,sign2,sign3,sign4"

ok "four signs are learned" exits 0 train --data "$old" --epochs 20 -o "$model" \
  --json "$folder/old.json" --quiet

# extends NAME DATA ARGUMENTS…: into $folder/NAME.json
extends() {
  into=$1
  more=$2
  shift 2
  exits 0 extend "$model" --data "$more" --quiet --json "$folder/$into.json" "$@"
}

ok "one more is added" extends one "$data=sign5" -o "$folder/five.safetensors"
ok "behind the old ones" json \
  "j['result']['classes'] == ['sign1', 'sign2', 'sign3', 'sign4', 'sign5']
     and j['result']['added'] == j['result']['new_classes']['names'] == ['sign5']
     and j['result']['old_classes']['names'] == j['result']['classes'][:4]" "$folder/one.json"
ok "old ones before and after, and the new one" json \
  "(lambda o, n: o['before']['samples'] == o['after']['samples'] == 4 * n['samples'] > 0
     and o['before']['accuracy']['value'] >= o['after']['accuracy']['value'] > 0.5
     and n['accuracy']['value'] > 0.5)(
     j['result']['old_classes'], j['result']['new_classes'])" "$folder/one.json"
ok "replayed from the model's own data" json \
  "(lambda r: r['per_class'] == 10 and 0 < r['samples'] <= 40
     and 'sign4' in r['from'])(j['result']['replay'])" "$folder/one.json"
ok "training is the sum of its phases" json \
  "abs(j['result']['training']['program']['value'] - sum(p['program']['value']
     for p in j['result']['phases']
     if p['name'].split('/')[0] in ('features', 'choose', 'head', 'refine'))) < 1e-9
     and j['result']['stages'][0]['name'] == 'head'" "$folder/one.json"
ok "the new model reads all of it again" exits 0 test "$folder/five.safetensors" --quiet \
  --json "$folder/test.json"
ok "to the same answers" python3 -c "
import json, sys
one, test = (json.load(open(f))['result'] for f in sys.argv[1:])
assert one['confusion'] == test['confusion']" "$folder/one.json" "$folder/test.json"
ok "its card tells who was added" sh -c "'$frugal' info '$folder/five.safetensors' |
  grep -q 'added sign5'"

model="$folder/five.safetensors"
ok "only what is asked for is added" extends six "$data=sign6,sign7" --signs sign6 \
  -o "$folder/six.safetensors" --compare scratch
ok "so it is" json "j['result']['added'] == ['sign6']" "$folder/six.json"
ok "scratch is trained beside" json \
  "(lambda s: s['epochs'] > 0 and s['share'] > 0 and s['all_classes']['samples'] ==
     s['old_classes']['samples'] + s['new_classes']['samples'])(j['result']['scratch'])" \
  "$folder/six.json"
ok "and is none of the model's cost" python3 -c "
import json, sys
r = json.load(open(sys.argv[2]))['result']
blob = open(sys.argv[1], 'rb').read()
head = json.loads(blob[8:8 + int.from_bytes(blob[:8], 'little')])['__metadata__']
past = json.loads(head['provenance'])
assert [p['command'] for p in past] == ['train', 'extend', 'extend']
assert past[-1]['added'] == ['sign6']
assert past[-1]['program']['value'] < r['program']['value'] - 0.9 * r['scratch']['program']['value']" \
  "$folder/six.safetensors" "$folder/six.json"

ok "in batches of 16, as told" extends told "$data=sign6" --compare scratch \
  --batch 16 --epochs 2 --patience 0 --refine 0
ok "in the usual ones" extends usual "$data=sign6" --compare scratch --epochs 2 \
  --patience 0 --refine 0
ok "scratch takes what is told, too" python3 -c "
import json, sys
told, usual = (json.load(open(f))['result'] for f in sys.argv[1:])
def steps(r):
    return sum(p['count'] for p in r['phases'] if p['name'] == 'scratch/train/update')
assert steps(told) > 2 * steps(usual), (steps(told), steps(usual))
assert told['confusion'] == usual['confusion']" "$folder/told.json" "$folder/usual.json"

ok "three examples are enough to begin with" extends few "$data=sign6" --shots 3 \
  -o "$folder/few.safetensors"
ok "no more are seen" json "(j['result']['new_samples'], j['result']['shots']) == (3, 3)
     and j['result']['stages'][0]['validate_loss'] is None" "$folder/few.json"
model="$folder/few.safetensors"
ok "nor when the next is added" extends next "$data=sign7" --replay all
ok "which replays three of them" python3 -c "
import json, sys
five, last = (json.load(open(f))['result'] for f in sys.argv[1:])
# all of five signs and three of the sixth
each = five['new_samples']
assert last['replay']['samples'] == 5 * each + 3, (each, last['replay'])" \
  "$folder/one.json" "$folder/next.json"

model="$folder/four.safetensors"
ok "without replay" extends none "$data=sign5" --replay 0
ok "it is told what was forgotten" json \
  "j['result']['replay']['samples'] == 0
     and j['result']['old_classes']['after']['samples'] > 0
     and len(j['result']['stages']) == 1" "$folder/none.json"
ok "with the test side closed" extends closed "$data=sign5" --no-test
ok "the validation side tells" json \
  "j['result']['accuracy'] is None and j['result']['old_classes']['after']['samples'] > 0" \
  "$folder/closed.json"

ok "where some old signs are nowhere" extends some "$data=sign5" \
  --replay-from "$data=sign1,sign2"
ok "that is said" json "sum('2 of the 4 old classes' in w for w in j['warnings']) == 1
     and j['result']['replay']['samples'] <= 20" "$folder/some.json"
ok "and nothing where all are there" json \
  "not any('old classes' in w for w in j['warnings'])" "$folder/one.json"

ok "what is known already is refused" fails_saying 1 "nothing to add" extend "$model" \
  --data "$old"
ok "a sign that is not there, too" fails_saying 1 "'sign9' is not in the data" extend \
  "$model" --data "$data=sign5" --signs sign9
ok "and one that is known" fails_saying 1 "knows 'sign1' already" extend "$model" \
  --data "$data=sign1,sign5" --signs sign1
ok "another normaliser than the model's is refused" fails_saying 1 "not by 'minmax'" \
  extend "$model" --data "$data=sign5" --normalize minmax
ok "its own may be named" extends named "$data=sign5" --normalize zscore --epochs 1
ok "a model is needed" exits 2 extend --data "$old"
ok "data is needed" exits 2 extend "$model"
ok "the teacher is the old model" exits 2 extend "$model" --data "$old" --teacher "$model"
for option in '--worth 0' '--refine-epochs 2' '--refine-from 1' '--precision bf16' \
  '--augment jitter(0.1)'; do
  # shellcheck disable=SC2086 # an option and its value
  ok "$option is of a stage that --refine 0 leaves out" fails_saying 2 "second stage" extend \
    "$model" --data "$data=sign5" --refine 0 $option
done
finish
