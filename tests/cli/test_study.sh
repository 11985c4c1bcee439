#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A study from file to report: resumed without repeating, and what it says of bad files.
. "$(dirname "$0")/tap.sh"
cd "$folder" || exit 1

cat >tiny.yaml <<'YAML'
name: tiny
repeats: 2
training: {epochs: 2, patience: 2}
networks: [{code: S, name: small}]
data:
  - {code: M, name: walkers, spec: "synthetic:subjects=3&trials=3&seconds=25&features=extrasensory"}
  - {code: E, name: others, spec: "synthetic:subjects=3&trials=3&seconds=25&seed=7&features=extrasensory"}
mechanisms: [{name: append}]
groups: [{name: poster, data: [M, E], mechanisms: [append]}]
claims:
  - {text: "training a transferred network takes less", group: poster, mechanism: append,
     phase: train, quantity: program, range: [0, 1]}
YAML

ok "study exits 0" exits 0 study tiny.yaml --json first.json --quiet
ok "tables are on stdout" grep -q 'RMS' out
ok "cells are named as on the poster" json \
  "{c['name'] for c in j['result']['cells']} == {'RMS', 'EMS', 'RES', 'EES'}" first.json
ok "each has energy, program and accuracy with bounds and source" json \
  "all(c[k]['low'] <= c[k]['value'] <= c[k]['high'] and c[k]['source'] != 'none'
     for c in j['result']['cells'] for k in ('energy', 'program', 'accuracy'))" first.json
ok "statements have a verdict" json \
  "all(c['verdict'] in ('holds', 'does not hold', 'undecided')
     for c in j['result']['claims'])" first.json
for file in index.html energy.svg energy.png accuracy.svg accuracy.png results.json \
  results.csv; do
  ok "$file is there" test -s "tiny/$file"
done
ok "the page loads nothing from elsewhere" sh -c \
  "! grep -qE '(src|href)=\"(https?:)?//' tiny/index.html"
ok "run again, nothing is repeated" exits 0 study tiny.yaml --json second.json -o again --quiet
ok "all cells were found" json "j['result']['reused'] == len(j['result']['runs'])" second.json
ok "with the same figures" python3 -c "
import json
a, b = (json.load(open(f))['result']['cells'] for f in ('first.json', 'second.json'))
assert a == b"
ok "runs list names the study" exits 0 runs list
ok "done, twice" sh -c '[ "$(grep -c "study .*tiny .*done" out)" = 2 ]'
ok "runs show gives its tables" exits 0 runs show 1
ok "with the cells" grep -q 'RMS' out
ok "report writes it again" exits 0 report -o third --json third.json
ok "the same page" test -s third/index.html

ok "--list runs nothing" exits 0 study tiny.yaml --list --json list.json
ok "and says what is there" json \
  "all(c['stored'] == c['runs'] == 2 for c in j['result']['cells']) and j['result']['expected']['runs'] == 0" list.json
sed 's/append/replace/' tiny.yaml >more.yaml
ok "of another study, what is missing" exits 0 study more.yaml --list --json list.json
ok "with what it is expected to take" json \
  "j['result']['expected']['runs'] == 4 and j['result']['expected']['program_j'] > 0" list.json

cat >same.py <<'PYTHON'
import json, sys
a, b = (json.load(open(f))['result'] for f in sys.argv[1:])
assert len(a['runs']) == len(b['runs'])
for x, y in zip(a['runs'], b['runs']):
    assert x['key'] == y['key']
    for part in ('train', 'test'):
        for figure in ('accuracy', 'macro_f1', 'loss', 'samples', 'operations'):
            assert x[part][figure] == y[part][figure], figure
PYTHON
ok "two jobs exit 0" exits 0 study tiny.yaml --jobs 2 --store two.sqlite --json two.json -o two --quiet
ok "one job exits 0" exits 0 study tiny.yaml -j 1 --store one.sqlite --json one.json -o one --quiet
ok "with the same results" python3 same.py one.json two.json
sed 's/repeats: 2/repeats: 50/' tiny.yaml >long.yaml
"$frugal" study long.yaml --jobs 2 --store long.sqlite -o long --quiet >out 2>err </dev/null &
study=$!
workers=
tries=0
while [ -z "$workers" ] && [ "$tries" -lt 200 ]; do # it reads data first
  sleep 0.1
  tries=$((tries + 1))
  workers=$(cat /proc/$study/task/$study/children)
done
kill -TERM $study
wait $study
ok "a signal ends it with 1" test $? = 1
ok "it says how to go on" grep -q "the same command goes on" err
ok "no job is left" sh -c "[ -n '$workers' ] && for pid in $workers; do ! [ -e /proc/\$pid ] || exit 1; done"

cat >ways.yaml <<'YAML'
name: ways
repeats: 8
training: {epochs: 2, patience: 2}
networks: [{code: S, name: small}]
data:
  - {code: M, name: walkers, spec: "synthetic:subjects=3&trials=3&seconds=25&features=extrasensory"}
mechanisms:
  - {name: slim, prune: "structured(0.5,epochs=1)"}
  - {name: bytes, quantize: int8}
  - {name: span, normalize: minmax}
groups: [{name: all, data: [M], mechanisms: [slim, bytes, span], pairs: true}]
YAML
"$frugal" study ways.yaml --jobs 2 --store ways.sqlite -o ways --quiet >out 2>err </dev/null &
study=$!
tries=0
while [ "$tries" -lt 200 ] && ! "$frugal" study ways.yaml --list --store ways.sqlite --json - 2>err |
  grep -q '"stored": *[1-9]'; do
  tries=$((tries + 1))
  sleep 0.1
done
kill -KILL $study
wait $study 2>err
ok "a study that was killed goes on" exits 0 study ways.yaml --jobs 2 --store ways.sqlite --json ways.json -o ways --quiet
ok "with what was finished" json "0 < j['result']['reused'] < len(j['result']['runs'])" ways.json
ok "pairs are those of three" json \
  "{c['mechanism'] for c in j['result']['cells']} == {'scratch', 'slim', 'bytes', 'span', 'slim+bytes',
     'slim+span', 'bytes+span'}" ways.json
ok "one job exits 0 with mechanisms" exits 0 study ways.yaml -j 1 --store ways1.sqlite --json ways1.json -o ways --quiet
ok "with the same results, whatever the jobs" python3 same.py ways.json ways1.json
ok "no jobs are wrong usage" exits 2 study tiny.yaml --jobs 0
ok "nor is a word a count of jobs" exits 2 study tiny.yaml --jobs many

ok "a budget ends it" exits 0 study tiny.yaml --budget 0.001mJ --store poor.sqlite -o poor \
  --json poor.json --quiet
ok "before anything is run" json \
  "j['result']['budget']['runs'] == 0 and 'budget ended' in ' '.join(j['warnings'])" poor.json
ok "with a larger one it goes on" exits 0 study tiny.yaml --budget 1kJ,1h --store poor.sqlite \
  -o poor --json rich.json --quiet
ok "to the end, below it" json \
  "j['result']['budget']['not_run'] == 0 and 0 < j['result']['budget']['spent_j'] < 1000" \
  rich.json
ok "what reused runs took counts" exits 0 study tiny.yaml --budget 1kJ --store poor.sqlite \
  -o poor --json again.json --quiet
ok "to the same joules" python3 -c "
import json
a, b = (json.load(open(f))['result']['budget']['spent_j'] for f in ('rich.json', 'again.json'))
assert a == b"
ok "each mechanism has a verdict" json \
  "[m['mechanism'] for m in j['result']['mechanisms']] == ['append'] and
     j['result']['mechanisms'][0]['train']['verdict'] in
     ('saves', 'costs more', 'no difference shown')" rich.json
ok "each data set has its fronts" json \
  "{(f['data'], f['of']) for f in j['result']['fronts']} ==
     {(d, o) for d in 'ME' for o in ('train', 'test', 'life')}" rich.json
ok "which are drawn" test -s poor/front.svg
ok "accuracy is no budget of a study" exits 2 study tiny.yaml --budget accuracy=0.9
ok "a budget has a unit" exits 2 study tiny.yaml --budget 20

ok "a missing file is one sentence" fails_saying 1 "nowhere.yaml" study nowhere.yaml
printf 'name: x\nrepeats: many\n' >bad.yaml
ok "a wrong type is one sentence with its line" fails_saying 1 "bad.yaml:2" study bad.yaml
printf 'name: x\nrepeats: [1\nseed: }\n' >syntax.yaml
ok "bad syntax is one sentence with its line" fails_saying 1 "syntax.yaml:" study syntax.yaml
sed 's/repeats: 2/repeats: 0/' tiny.yaml >zero.yaml
ok "no repeats are refused with the line" fails_saying 1 "zero.yaml:2: 'repeats'" \
  study zero.yaml
sed 's/patience: 2/patience: 0/' tiny.yaml >zero.yaml
ok "nor is a zero of another kind taken for the default" fails_saying 1 \
  "zero.yaml:3: 'patience'" study zero.yaml
ok "the protocol is in the settings, beside what it came to" json \
  "all(d['validate'] == '0.1' and d['validate_samples'] > 0
     for d in j['result']['settings']['data'])" first.json
ok "no file is wrong usage" exits 2 study
ok "no gnuplot is said, not hidden" sh -c "
  mkdir -p bin && PATH=\$PWD/bin '$frugal' study tiny.yaml -o bare --quiet 2>err >out &&
  grep -q gnuplot err"
finish
