#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Train, test, transfer and look at what is stored, on synthetic walkers.
. "$(dirname "$0")/tap.sh"
model="$folder/a.safetensors"
data='synthetic:subjects=4&trials=4&seconds=20'

ok "train exits 0" exits 0 train --data "$data" --net small --epochs 4 -o "$model" \
  --json "$folder/train.json" --quiet
ok "the model is there" test -s "$model"
ok "accuracy is a measure with bounds" json \
  "(lambda a: 0 <= a['low'] <= a['value'] <= a['high'] <= 1 and a['source'] == 'count')(
     j['result']['accuracy'])" "$folder/train.json"
ok "so are macro-F1, weighted F1 and balanced accuracy" json \
  "all(j['result'][k]['low'] <= j['result'][k]['value'] <= j['result'][k]['high'] <= 1
     for k in ('macro_f1', 'weighted_f1', 'balanced_accuracy'))" "$folder/train.json"
ok "the confusion matrix counts every sample" json \
  "sum(map(sum, j['result']['confusion'])) == j['result']['samples'] > 0" \
  "$folder/train.json"
ok "energy has a source and a band" json \
  "all(e['low'] < e['value'] < e['high'] and e['unit'] == 'J' and e['source'] != 'none'
     for e in (j['result']['energy'], j['result']['program']))" "$folder/train.json"
ok "phases and unmarked add up to the program's energy" json \
  "abs(sum(p['program']['value'] for p in j['result']['phases'])
     - j['result']['program']['value']) < 1e-3 * j['result']['program']['value']" \
  "$folder/train.json"
ok "forward, backward and update are phases" json \
  "{'train/forward', 'train/backward', 'train/update', 'test', 'read', 'normalize'}
     <= {p['name'] for p in j['result']['phases']}" "$folder/train.json"

ok "test exits 0" exits 0 test "$model" --json "$folder/test.json" --quiet
ok "test repeats what train measured" python3 -c "
import json, sys
a, b = (json.load(open(f))['result'] for f in sys.argv[1:])
assert a['confusion'] == b['confusion'] and a['accuracy'] == b['accuracy']" \
  "$folder/train.json" "$folder/test.json"
ok "test passes again and again" exits 0 test "$model" --repeat 4 --json "$folder/four.json" \
  --store "$folder/four.sqlite"
ok "which is one opening, and one pass is what is told" python3 -c "
import json, sys
a, b = (json.load(open(f))['result'] for f in sys.argv[1:])
assert b['passes'] == 4 and b['openings'] == 1
assert [p['count'] for p in b['phases'] if p['name'] == 'test'] == [4]
assert a['confusion'] == b['confusion'] and a['accuracy'] == b['accuracy']
core = b['test_core_seconds']
assert 0 <= core['low'] <= core['value'] <= core['high'] and core['value'] > 0" \
  "$folder/test.json" "$folder/four.json"
ok "until it is known what one costs" exits 0 test "$model" --repeat auto --quiet \
  --store "$folder/four.sqlite"
ok "a number of passes is one" fails_saying 2 "neither auto" test "$model" --repeat often
ok "in integers, too" exits 0 test "$model" --repeat 2 --precision int8 \
  --quiet --store "$folder/four.sqlite"
ok "--split all tests more" exits 0 test "$model" --split all --json "$folder/all.json"
ok "it does" python3 -c "
import json, sys
a, b = (json.load(open(f))['result']['samples'] for f in sys.argv[1:])
assert b > a" "$folder/test.json" "$folder/all.json"
ok "other channels are refused with a sentence" fails_saying 1 "channel" test "$model" \
  --data "$data&features=extrasensory"

ok "the same seed gives the same model" exits 0 train --data "$data" --net small --epochs 4 \
  -o "$folder/b.safetensors" --json "$folder/b.json" --quiet
ok "bit for bit in its figures" python3 -c "
import json, sys
a, b = (json.load(open(f))['result'] for f in sys.argv[1:])
assert a['confusion'] == b['confusion']" "$folder/train.json" "$folder/b.json"

ok "an opening of the test side is counted" json \
  "j['result']['openings'] == 1 and len(j['result']['protocol']) == 16" "$folder/train.json"
ok "each of them, whatever opens it" json "j['result']['openings'] == 2" "$folder/test.json"
ok "another test side has its own count" json "j['result']['openings'] == 1" \
  "$folder/all.json"
ok "runs openings lists them" exits 0 runs openings --json "$folder/openings.json"
ok "by protocol, with what was found at first" python3 -c "
import json, sys
train, log = (json.load(open(f))['result'] for f in sys.argv[1:])
one = [p for p in log['protocols'] if p['protocol'] == train['protocol']][0]
assert one['count'] == len(one['openings']) == 3, one
assert one['first']['accuracy'] == train['accuracy']['value']
assert one['first']['weighted_f1'] == train['weighted_f1']['value']
assert one['openings'][0]['run'] == train['run'] and one['openings'][1]['command'] == 'test'
assert one['openings'][0]['model'] == one['openings'][1]['model']" \
  "$folder/train.json" "$folder/openings.json"
ok "--no-test leaves the test side closed" exits 0 train --data "$data" --net small \
  --epochs 2 --no-test --json "$folder/closed.json" --quiet
ok "what it tells is of the validation side" json \
  "all(j['result'][k] is None for k in ('accuracy', 'macro_f1', 'confusion', 'samples'))
     and 0 <= j['result']['validate']['weighted_f1']['value'] <= 1
     and abs(j['result']['validate']['accuracy']['value']
             - j['result']['validate_accuracy']) < 1e-6
     and 'test' not in {p['name'] for p in j['result']['phases']}" "$folder/closed.json"
ok "and closed it is" json "'openings' not in j['result']" "$folder/closed.json"
ok "without a validation side it has nothing to tell" fails_saying 1 "validation side" \
  train --data "$data" --validate none --no-test
ok "but a model to keep" exits 0 train --data "$data" --net small --epochs 1 --quiet \
  --validate none --no-test -o "$folder/unseen.safetensors" --json "$folder/unseen.json"
ok "of which it tells what it cost" json \
  "j['result']['validate'] is None and j['result']['accuracy'] is None
     and j['result']['program']['value'] > 0 and 'openings' not in j['result']" \
  "$folder/unseen.json"
ok "transfer knows it too" exits 0 transfer "$model" --data "$data" --epochs 1 --no-test

ok "append and replace exclude each other" exits 2 transfer "$model" --append --replace \
  --data "$data"
ok "transfer exits 0" exits 0 transfer "$model" --epochs 3 -o "$folder/c.safetensors" \
  --data 'synthetic:subjects=3&trials=4&seconds=20&seed=9' --json "$folder/c.json"
ok "it trained the new head only" json "j['result']['epochs'] <= 3" "$folder/c.json"
ok "append works too" exits 0 transfer "$model" --append --epochs 2 \
  --data 'synthetic:subjects=3&trials=4&seconds=20&seed=9'

ok "a leaky split is called so" exits 0 train --data "$data" --split random:0.75 --epochs 1
ok "on stderr" grep -q leaky "$folder/err"
ok "people who are classes cannot all be new" fails_saying 1 "people are the classes" train \
  --data "$data" --split subject:1
for pair in 'cross-entropy softmax' 'binary sigmoid'; do
  end=${pair#* }
  run train --data "$data" --loss "${pair% *}" --net "dense(classes) $end" --epochs 1
  ok "$end is inside the loss: once said" test "$(grep -c "$end is inside" "$folder/err")" = 1
done
run train --data "$data" --loss squared --net 'dense(classes) softmax' --epochs 1
ok "of the squared loss it is not" sh -c "! grep -q 'is inside' '$folder/err'"
ok "augmentation is a phase with a cost" exits 0 train --data "$data" --epochs 2 \
  --augment 'jitter(0.05) scale(0.1)' --json "$folder/augment.json"
ok "train/augment" json "[p for p in j['result']['phases'] if p['name'] == 'train/augment'
  and p['core_s'] > 0]" "$folder/augment.json"
ok "an unknown augmentation is wrong usage" exits 2 train --data "$data" --augment 'turn(3)'
ok "info tells what it cost" exits 0 info "$model" --json "$folder/card.json"
ok "provenance is in the card" json "j['result']['provenance'][0]['program']['value'] > 0" \
  "$folder/card.json"
ok "runs list shows them" exits 0 runs list
ok "train is there, done" grep -q 'train .*done' "$folder/out"
ok "runs show exits 0" exits 0 runs show 1 --json "$folder/show.json"
ok "with its figures" json "j['result']['figures']['program']['value'] > 0" \
  "$folder/show.json"
ok "a folder in the model's place is one sentence" fails_saying 1 "$folder" test "$folder"
head -c 100 "$model" >"$folder/cut.safetensors"
ok "a truncated model is one sentence" fails_saying 1 "cut.safetensors" info \
  "$folder/cut.safetensors"
ok "a log that takes nothing" python3 -c "
import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute('DROP TABLE openings')" "$folder/data/frugal/runs.sqlite"
ok "ends no test" exits 0 test "$model" --json "$folder/unlogged.json"
ok "but is told" json "j['result']['openings'] is None
  and any('not logged' in w for w in j['warnings'])" "$folder/unlogged.json"
finish
