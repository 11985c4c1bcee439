#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Advice from the command line: what is missing is run within a budget, units, refusals.
. "$(dirname "$0")/tap.sh"
cd "$folder" || exit 1
data="synthetic:subjects=3&trials=3&seconds=25&features=extrasensory"
asked="--accuracy 0.3 --tests-per-day 10k --quiet"

ok "without --accuracy it is wrong usage" exits 2 advise --data "$data" --tests-per-day 5
ok "a share is no percent" exits 2 advise --data "$data" --accuracy 93 --tests-per-day 5
ok "a life has a unit" exits 2 advise --data "$data" $asked --life 2
ok "a test a day is above 0" exits 2 advise --data "$data" --accuracy 0.5 --tests-per-day 0
ok "an unknown metric is refused" exits 2 advise --data "$data" $asked --metric f2
ok "a normalisation is not told, but chosen" exits 2 advise --data "$data" $asked --normalize minmax
ok "what studies have no word for is not listed" sh -c \
  "! '$frugal' advise --help | grep -E -e '--(normalize|rate|short|fold)'"
ok "accuracy is no budget here" exits 2 advise --data "$data" $asked --budget accuracy=0.9
ok "without a store it fails" exits 1 advise --data "$data" $asked
ok "and says what to do" grep -q 'budget 2kJ' err
ok "and makes none" sh -c '! ls ./*.sqlite "$XDG_DATA_HOME"/frugal/*.sqlite 2>/dev/null'

ok "with a budget it runs the matrix" exits 0 advise --data "$data" $asked --budget 2kJ \
  --net small --json first.json
ok "the answer names the least" grep -q '^Least  *small, ' out
ok "and the runner-up" grep -q '^Runner-up  *small, ' out
ok "it says that energy is modelled or who measured" grep -qE 'modelled|measured by' out
ok "life is training and its tests" json \
  "abs(j['result']['choice']['life']['value'] / (j['result']['choice']['train']['value'] +
     7305000 * j['result']['choice']['test']['value']) - 1) < 1e-6" first.json
ok "the choice has the least of those that reach" json \
  "j['result']['choice']['life']['value'] ==
     min(w['life']['value'] for w in j['result']['ways'] if w['reaches'])" first.json
ok "what was spent is below the budget" json \
  "0 < j['result']['budget']['spent_j'] < 2000" first.json
ok "asked again without one, it reads the store" exits 0 advise --data "$data" $asked \
  --json second.json
ok "to the same figures" python3 -c "
import json
a, b = (json.load(open(f))['result'] for f in ('first.json', 'second.json'))
assert a['choice'] == b['choice'] and a['ways'] == b['ways'] and b['study'] is None"
ok "with a budget nothing is run twice" exits 0 advise --data "$data" $asked --budget 1mJ \
  --net small --json third.json
ok "and nothing spent" json "j['result']['budget']['spent_j'] == 0" third.json
ok "18 months are 547.875 days" exits 0 advise --data "$data" $asked --life 18mo --json l.json
ok "to the digit" json "j['result']['asked']['life_d'] == 547.875" l.json
ok "what nothing reaches names the nearest" exits 0 advise --data "$data" --accuracy 1 \
  --tests-per-day 10k --json none.json
ok "and chooses nothing" json \
  "j['result']['choice'] is None and j['result']['nearest'] is not None" none.json
ok "in words, too" grep -q '^Nearest' out
ok "another split is another question" exits 1 advise --data "$data" $asked --split time:0.5
ok "which it says" grep -q 'another task, split' err
ok "another network was not measured" exits 1 advise --data "$data" $asked --net big
ok "grams follow the intensity" exits 0 advise --data "$data" $asked --intensity 1000 \
  --json grams.json
ok "of the life's joules" json \
  "abs(j['result']['grams']['value'] * 3600 /
     j['result']['choice']['life']['value'] - 1) < 1e-6" grams.json
finish
