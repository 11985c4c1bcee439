#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal carbon fleet: by hand, from runs and models in the store, and what is refused.
. "$(dirname "$0")/tap.sh"
cd "$folder" || exit 1
page="--delta 30W --hours 2/day --users 10000"
near='(lambda m, by_hand, unit: abs(m["value"] - by_hand) <= 1e-8 * by_hand and m["unit"] == unit)'

ok "the page: 30 W, 2 h a day, 10,000 users" exits 0 carbon fleet $page --intensity 400 --json p.json
ok "are 788.94 GJ and 87.66 t a year" json \
  "$near(j['result']['per_year']['users']['energy'], 788.94e9, 'J')
   and $near(j['result']['per_year']['users']['grams'], 87.66e6, 'gCO2e')
   and j['command'] == 'carbon' and j['result']['verb'] == 'fleet'" p.json
ok "a user's are 21.915 kWh" json \
  "$near(j['result']['per_user_year']['energy'], 21.915 * 3.6e6, 'J')" p.json
ok "a car's lifetime is 57.15 t" json \
  "[abs(e['times']['value'] - 87.66e6 / (126000 * 453.59237)) < 1e-8
    for e in j['result']['equivalents'] if e['name'].startswith('Car')] == [True]" p.json
ok "without training there is no share" json \
  "j['result']['training'] is None and j['result']['per_year']['training'] is None
   and j['result']['users_share'] == {'energy': None, 'grams': None}" p.json

ok "years, a charger, two grids, trainings" exits 0 carbon fleet $page --years 3 --charger 0.75 \
  --users-in 300:0.6,50:0.4 --training 500kJ --trainings 4/year --pue 1.25 \
  --training-intensity 100 --json y.json
ok "in all, by hand" json \
  "(lambda a, t: $near(a['energy'], 3155.76e9, 'J') and $near(a['grams'], 175.32e6, 'gCO2e')
     and $near(t['energy'], 7.5e6, 'J') and $near(t['grams'], 7.5 / 3.6 * 100, 'gCO2e'))(
     j['result']['in_all']['users'], j['result']['in_all']['training'])" y.json
ok "a year is a third of it" json \
  "$near(j['result']['per_year']['training']['energy'], 2.5e6, 'J')
   and $near(j['result']['per_year']['total']['energy'], 1051.9225e9, 'J')" y.json
ok "the share, and in words" json \
  "abs(j['result']['users_share']['energy']['value'] - 3155.76e9 / 3155.7675e9) < 1e-8
   and '99.9998 % of the energy' in j['result']['words']" y.json
ok "once in three years is a third a year" exits 0 carbon fleet $page --years 3 --intensity 400 \
  --training 3J --json - --quiet
ok "so it is" json "$near(j['result']['per_year']['training']['energy'], 1, 'J')
  and j['result']['training']['grid']['intensity']['value'] == 400" out
ok "a range is a range" exits 0 carbon fleet --delta 25-35W --hours 14/week --users 10k \
  --intensity table:DE --json r.json
ok "to the grams" json \
  "(lambda e, g: abs(e['low'] / e['high'] - 25 / 35) < 1e-8 and abs(g['low'] / g['high'] - 25 / 35)
     < 1e-8 and $near(e, 788.94e9, 'J'))(*j['result']['per_year']['users'].values())" r.json
ok "so much a test, so often" exits 0 carbon fleet --per-test 2mJ --rate 30/s --hours 1/year \
  --users 1 --intensity 1000 --json t.json
ok "are 60 mW, 216 J, 0.06 g" json \
  "$near(j['result']['delta'], 0.06, 'W') and $near(j['result']['in_all']['users']['energy'], 216, 'J')
   and $near(j['result']['in_all']['users']['grams'], 0.06, 'gCO2e')" t.json

# A model and runs of it.
ok "a model" exits 0 train --quiet --data 'synthetic:subjects=3&trials=3&seconds=15' \
  --net 'dense(4) relu dense(classes)' --split time:0.7 --epochs 2 -o m.safetensors --json m.json
ok "what a test takes is asked of the store" fails_saying 1 "no run in the store" carbon fleet \
  --model m.safetensors --rate 30/s --hours 1/day --users 10
ok "which is told by testing" exits 0 test m.safetensors --quiet --json tested.json
ok "its joules times the rate" exits 0 carbon fleet --model m.safetensors --rate 30/s \
  --hours 1/day --users 10 --training m.safetensors --intensity 400 --json f.json
ok "are the delta, and the card the training" python3 -c "
import json
f, t, m = (json.load(open(n))['result'] for n in ('f.json', 'tested.json', 'm.json'))
for key in ('value', 'low', 'high'):
    assert abs(f['delta'][key] - 30 * t['program_per_1000'][key] / 1000) <= 1e-7 * f['delta'][key]
    assert abs(f['training']['energy'][key] - m['program'][key]) <= 1e-7 * m['program'][key]
assert str(t['run']) in f['delta_from']"
ok "and that is no delta, which is said" json "any('stand in the place' in w for w in j['warnings'])" f.json
ok "a test does not tell how often" fails_saying 1 "--rate" carbon fleet --model m.safetensors \
  --hours 1/day --users 10
run_is() { # RESULT: of run 1
  python3 -c "
import sqlite3, sys
with sqlite3.connect('$XDG_DATA_HOME/frugal/runs.sqlite') as store:
    store.execute('UPDATE runs SET result = ? WHERE id = 1', (sys.argv[1],))" "$1"
}
fleet_of_run() { exits "$1" carbon fleet --run 1 --hours 2/day --users 10000 --intensity 400 --json d.json; }
ok "a run without a delta" fails_saying 1 "does not tell a delta" carbon fleet --run 1 --hours 2/day --users 5
delta='{"value": 300, "low": -30, "high": 450, "unit": "J", "source": "perf"}'
ok "one with 300 J in 10 s" run_is "{\"duration_s\": 10, \"delta\": $delta}"
ok "is 30 W" fleet_of_run 0
ok "from nothing to 45" json "(lambda d: (d['value'], d['low'], d['high'], d['source']))(
  j['result']['delta']) == (30, 0, 45, 'perf')" d.json
ok "one of recognising" run_is "{\"duration_s\": 10, \"per_hour\": {\"delta\": $delta}}"
ok "is 300 J an hour" fleet_of_run 0
ok "a twelfth of a watt" json "abs(j['result']['delta']['value'] - 1 / 12) < 1e-8" d.json
ok "one that took nothing more" run_is \
  '{"duration_s": 10, "delta": {"value": -3, "low": -30, "high": 4, "unit": "J", "source": "perf"}}'
ok "is refused" fails_saying 1 "no more than the normal power" carbon fleet --run 1 --hours 2/day --users 5
for broken in 'null' '[' '{"duration_s": 0, "delta": 3}' \
  '{"duration_s": 1, "delta": {"value": 3, "low": 9, "high": 1, "unit": "J", "source": "perf"}}'; do
  ok "so is '$broken'" run_is "$broken"
  ok "with a sentence" fails_saying 1 "does not tell a delta" carbon fleet --run 1 --hours 2/day --users 5
done
ok "no such run" fails_saying 1 "999" carbon fleet --run 999 --hours 2/day --users 5

# Wrong usage.
for wrong in '' '--delta 30' '--delta -30W' '--delta 35-25W' '--delta 30W --run 1' '--run 0' \
  '--per-test 2mJ' '--delta 30W --rate 3/s' '--delta nanW'; do
  ok "'$wrong' is no delta" exits 2 carbon fleet $wrong --hours 2/day --users 10
done
for wrong in '--hours 25/day --users 5' '--hours 2 --users 5' '--hours 2/day' '--users 5' \
  '--hours 2/day --users 0' '--hours 2/day --users -4' '--hours 2/day --users 5 --charger 1.1' \
  '--hours 2/day --users 5 --charger 0' '--hours 2/day --users 5 --years 0' \
  '--hours 2/day --users 5 --pue 0.5 --training 5J' '--hours 2/day --users 5 --trainings 2/year' \
  '--hours 2/day --users 5 --trainings often --training 5J'; do
  ok "'$wrong' is wrong" exits 2 carbon fleet --delta 30W $wrong
done
for rest in '' '--training 5J --training-intensity 100'; do
  ok "an intensity that is nobody's is wrong ($rest)" fails_saying 2 "nobody's" carbon fleet $page \
    --users-in DE:1 --intensity 400 $rest
done
ok "shares add up to 1" fails_saying 1 "add up to 0.9" carbon fleet $page --users-in DE:0.5,FR:0.4
ok "a zone is known" fails_saying 1 "'ZZ'" carbon fleet $page --users-in ZZ:1
ok "a training is a file or an energy" fails_saying 1 "5X" carbon fleet $page --training 5X
ok "the world's grid is said" sh -c "'$frugal' carbon fleet $page 2>&1 >/dev/null | grep -q world"
ok "kinds of means are not mixed silently" sh -c \
  "'$frugal' carbon fleet $page --users-in DE:0.5,world:0.5 2>&1 >/dev/null | grep -q 'not of one kind'"
ok "another verb is wrong usage" fails_saying 2 "'fly' is not a verb" carbon fly
ok "so is none" exits 2 carbon
ok "a verb has help" exits 0 carbon fleet --help
finish
