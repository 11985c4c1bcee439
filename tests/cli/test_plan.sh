#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal plan: by hand on small files, energy out of runs, places and what is left out, both
# changes to summer time, and that nothing later than --now is seen.
. "$(dirname "$0")/tap.sh"
docs=$(realpath "$(dirname "$0")/../../docs")
cd "$folder" || exit 1
export TZ=UTC0
is='(lambda x, by_hand: abs(x - by_hand) <= 1e-6 * max(1, abs(by_hand)))'

# ---- a constant: energy × intensity × PUE, and no hour is better than another ----
job="--energy 2kWh --duration 3h --deadline 24h --now 2023-03-01T12:00Z"
ok "a number is an intensity" exits 0 plan $job --intensity 400 --pue 1.25 --json c.json
ok "2 kWh at 400 g/kWh and PUE 1.25 are exactly 1000 g" json \
  "[j['result'][k]['grams'][v] for k in ('now',) for v in ('value', 'low', 'high')] == [1000.0] * 3
   and j['result']['options'][0]['grams'] == j['result']['now']['grams']
   and j['result']['now']['grams']['unit'] == 'gCO2e'" c.json
ok "now is as good as any time" json \
  "j['command'] == 'plan' and j['result']['advice'] == 'now'
   and j['result']['options'][0]['start'] == '2023-03-01T12:00:00Z'
   and j['result']['options'][0]['pieces'] ==
     [{'start': '2023-03-01T12:00:00Z', 'end': '2023-03-01T15:00:00Z'}]
   and j['result']['words'].startswith('Start now')" c.json
ok "which is said" json "any('waiting saves nothing' in w for w in j['warnings'])" c.json
ok "a range of energy is a range of grams" exits 0 plan --energy 1-3kWh --duration 3h --deadline 24h \
  --now 2023-03-01T12:00Z --intensity 882lb/MWh --json r.json
ok "by hand" json "(lambda g: $is(g['value'], 2 * 882 * .45359237) and $is(g['low'], 882 * .45359237)
  and $is(g['high'], 3 * 882 * .45359237))(j['result']['options'][0]['grams'])" r.json
ok "watts and hours are an energy" exits 0 plan --power 500W --duration 4h --deadline 4h --intensity 100 \
  --json p.json
ok "2 kWh" json "$is(j['result']['now']['grams']['value'], 200)" p.json
ok "watts and an energy are hours" exits 0 plan --power 500W --energy 2kWh --deadline 5h --intensity 100 \
  --json p.json
ok "4 h" json "j['result']['job']['duration_s'] == 14400" p.json
ok "so much more of it" exits 0 plan $job --scale 2.5 --intensity 100 --json p.json
ok "is so much longer, too" json "j['result']['job']['duration_s'] == 27000 and
  $is(j['result']['now']['grams']['value'], 500)" p.json

# ---- hours, by hand: 2023-03-01 is known, what came on the 2nd stands behind it ----
hours() { # FROM CLEAN…: 48 hours of 400 from FROM (Unix s), 100 in the hours CLEAN
  python3 -c "
import sys
start = int(sys.argv[1])
clean = set(map(int, sys.argv[2:]))
print('start,end,g_per_kwh')
for h in range(48):
    print(f'{start + 3600 * h},{start + 3600 * (h + 1)},{100 if h in clean else 400}')" "$@"
}
hours 1677628800 27 28 32 40 >h.csv # 2023-03-01T00:00Z; clean are 3, 4, 8 and 16 h of the 2nd
midnight="--now 2023-03-02T00:00Z --deadline 24h --forecast perfect"
ok "the cleanest two hours" exits 0 plan --energy 1kWh --duration 2h $midnight --intensity csv:h.csv --json w.json
ok "are from 3 to 5, and a quarter" json \
  "(lambda o: o['start'] == '2023-03-02T03:00:00Z' and o['end'] == '2023-03-02T05:00:00Z'
     and $is(o['grams']['value'], 100) and $is(o['gain_share'], .75))(j['result']['options'][0])
   and $is(j['result']['now']['grams']['value'], 400) and j['result']['advice'] == 'wait'" w.json
ok "in words" json "j['result']['words'].startswith(
  'Wait, and run it from Thu 2 Mar 03:00 to 05:00 UTC: 75 % less than at once (100 gCO2e in place of 400 gCO2e')" w.json
ok "further starts do not overlap it" json \
  "len(j['result']['alternatives']) >= 1 and all(a['end'] <= '2023-03-02T03:00:00Z'
    or a['start'] >= '2023-03-02T05:00:00Z' for a in j['result']['alternatives'])" w.json
ok "in pieces" exits 0 plan --energy 1kWh --duration 4h $midnight --intensity csv:h.csv --interruptible --json w.json
ok "the clean hours, a quarter" json \
  "[(p['start'][11:13], p['end'][11:13]) for p in j['result']['options'][0]['pieces']] ==
     [('03', '05'), ('08', '09'), ('16', '17')]
   and $is(j['result']['options'][0]['grams']['value'], 100)" w.json
ok "in two at most" exits 0 plan --energy 1kWh --duration 4h $midnight --intensity csv:h.csv --interruptible \
  --pieces 2 --json w.json
ok "one dirty hour is among them" json "len(j['result']['options'][0]['pieces']) == 2
  and $is(j['result']['options'][0]['grams']['value'], 175)" w.json
ok "at least 90 min each" exits 0 plan --energy 1kWh --duration 4h $midnight --intensity csv:h.csv --interruptible \
  --min-piece 90m --json w.json
ok "three clean hours, and one that is not" json "all(p['end'] > p['start'] for p in
  j['result']['options'][0]['pieces']) and $is(j['result']['options'][0]['grams']['value'], 175)" w.json
ok "resuming costs" exits 0 plan --energy 4kWh --duration 4h $midnight --intensity csv:h.csv --interruptible \
  --resume-time 60s --resume-energy 4kWh --json w.json
ok "a clean hour more saves 300 g, and would cost 400" json "$is(j['result']['options'][0]['grams']['value'], 1000)
  and len(j['result']['options'][0]['pieces']) == 1" w.json
ok "the picture and the pieces stand in the table" sh -c "'$frugal' plan --energy 1kWh --duration 4h $midnight \
  --intensity csv:h.csv --interruptible 2>/dev/null >table; grep -q '█' table && grep -q '^  runs ' table &&
  grep -q 'Thu 2 Mar 03:00 to 05:00; 08:00 to 09:00; 16:00 to 17:00' table"
ok "a deadline that is just enough" exits 0 plan --energy 1kWh --duration 24h $midnight --intensity csv:h.csv --json w.json
ok "leaves no choice" json "j['result']['advice'] == 'now' and $is(j['result']['now']['grams']['value'], 350)" w.json

# ---- both changes to summer time ----
europe='CET-1CEST,M3.5.0,M10.5.0/3'
at_night() { # TZ FILE DEADLINE NOW
  TZ=$1 exits 0 plan --energy 1kWh --duration 2h --intensity "csv:$2" --now "$4" --deadline "$3" \
    --forecast perfect --json z.json && cp out table
}
hours 1679702400 25 26 >spring.csv # from 2023-03-25T00:00Z; clean are 01:00Z and 02:00Z of the 26th
ok "the hour is left out in spring" at_night "$europe" spring.csv 2023-03-26T06:00 2023-03-26T00:30
ok "the deadline is summer time's, now is winter's" json "j['result']['job']['deadline'] == '2023-03-26T04:00:00Z'
  and j['result']['job']['now'] == '2023-03-25T23:30:00Z'
  and j['result']['options'][0]['start'] == '2023-03-26T01:00:00Z'" z.json
ok "times tell their zone" grep -q 'Sun 26 Mar 03:00 CEST .*05:00 CEST' table
ok "now's as well" grep -q 'Sun 26 Mar 00:30 CET .*02:30\|Sun 26 Mar 00:30 CET .*03:30 CEST' table
hours 1698451200 24 25 >autumn.csv # from 2023-10-28T00:00Z; clean are 00:00Z and 01:00Z of the 29th
ok "it is there twice in autumn" at_night "$europe" autumn.csv 2023-10-29T06:00 2023-10-29T00:30
ok "in hours that lie behind each other" json "j['result']['job']['deadline'] == '2023-10-29T05:00:00Z'
  and j['result']['job']['now'] == '2023-10-28T22:30:00Z'
  and j['result']['options'][0]['start'] == '2023-10-29T00:00:00Z'
  and j['result']['options'][0]['end'] == '2023-10-29T02:00:00Z'" z.json
ok "two hours from 02:00 end at 03:00" grep -q 'Sun 29 Oct 02:00 CEST .*03:00 CET' table
ok "one zone stands in the title" at_night "$europe" h.csv 2023-03-02T23:00 2023-03-02T01:00
ok "alone" grep -q 'Start (CET)' table

# ---- places ----
hours 1677628800 30 31 >A_h.csv
hours 1677628800 >B_h.csv
sed 's/,400$/,50/' B_h.csv >clean.csv
two="--energy 1kWh --duration 2h $midnight"
ok "home and two more" exits 0 plan $two --intensity csv:h.csv --regions a=csv:A_h.csv,b=csv:B_h.csv,c=60 --json l.json
ok "ranked by grams" json "[o['region'] for o in j['result']['options']] == ['c', 'home', 'a', 'b']
  and [round(o['grams']['value']) for o in j['result']['options']] == [60, 100, 100, 400]
  and j['result']['advice'] == 'move' and j['result']['now']['region'] == 'home'" l.json
ok "there is no better hour in c, which is said" json \
  "any('1 of 4 places' in w for w in j['warnings']) and j['result']['options'][0]['constant'] is True" l.json
ok "data is brought there" exits 0 plan $two --intensity csv:h.csv --regions c=60 --data 100GB \
  --data-energy 0.01kWh/GB --json l.json
ok "at the mean of both ends" json "[o['region'] for o in j['result']['options']] == ['home', 'c']
  and $is(j['result']['options'][1]['data_grams']['value'], ((20 * 400 + 4 * 100) / 24 + 60) / 2)
  and $is(j['result']['options'][1]['grams']['value'], 60 + ((20 * 400 + 4 * 100) / 24 + 60) / 2)" l.json
cat >criteria.csv <<'EOF'
region,country,zone,intensity,pue,latency_ms,price_per_h
near,DE,,csv:A_h.csv,1.1,9,3.5
far,FR,,csv:clean.csv,1.2,90,1.5
dear,US,,csv:clean.csv,1.3,9,9
silent,DE,,csv:clean.csv,,,
EOF
ok "pieces elsewhere, with data" exits 0 plan --energy 2kWh --duration 4h $midnight --intensity csv:h.csv --interruptible \
  --resume-time 60s --resume-energy 4kJ --regions criteria --criteria criteria.csv --data 1GB --data-energy 0.1kWh/GB --json l.json
ok "each row's figures agree" json "(lambda data: len(j['result']['options']) == 5 and all($is(o['grams']['value'],
  o['energy']['value'] / 3.6e6 * (o['pue'] or 1) * o['mean_g_per_kwh'] + data(o))
  and $is(o['told_grams']['value'], o['grams']['value'] - data(o))
  for o in j['result']['options'] + [j['result']['now']]) and [o['region'] for o in j['result']['options']
    if data(o) == 0] == ['home'])(lambda o: (o['data_grams'] or {'value': 0})['value'])
  and max(len(o['pieces']) for o in j['result']['options']) == 3" l.json
ok "criteria of one's own" exits 0 plan $two --intensity csv:h.csv --regions criteria --criteria criteria.csv --json l.json
ok "their PUE counts" json "[(o['region'], round(o['grams']['value'], 6)) for o in j['result']['options']] ==
  [('silent', 50), ('far', 60), ('dear', 65), ('home', 100), ('near', 110)]
  and any('the PUE of silent is not known' in w for w in j['warnings'])" l.json
ok "what must hold is asked" exits 0 plan $two --intensity csv:h.csv --regions criteria --criteria criteria.csv \
  --max-latency 50ms --max-price 5 --json l.json
ok "what is not known does not hold, and each has its reason" json \
  "[o['region'] for o in j['result']['options']] == ['near'] and
   {o['region']: o['why'] for o in j['result']['left_out']}.keys() == {'home', 'far', 'dear', 'silent'}
   and 'latency' in [o['why'] for o in j['result']['left_out'] if o['region'] == 'far'][0]
   and j['result']['now']['region'] == 'home'" l.json
ok "it is compared with home all the same" json "$is(j['result']['options'][0]['gain']['value'], 290)" l.json
ok "countries" exits 0 plan $two --intensity csv:h.csv --regions criteria --criteria criteria.csv --residency EU --json l.json
ok "of the Union" json "[o['region'] for o in j['result']['options']] == ['silent', 'far', 'near']
  and 'US' in [o['why'] for o in j['result']['left_out'] if o['region'] == 'dear'][0]
  and 'not known' in [o['why'] for o in j['result']['left_out'] if o['region'] == 'home'][0]" l.json
ok "factors of two kinds" exits 0 plan $two --intensity 400 --regions gcp:europe-west3,DE --json l.json
ok "are not mixed silently, though home's is not told" json \
  "any('of two kinds' in w and \"gcp:europe-west3's is direct\" in w and \"DE's life-cycle\" in w for w in j['warnings'])" l.json
ok "nor beside the world's mean" exits 0 plan $two --regions DE --json l.json
ok "which is no home" json "any(\"the world's is direct\" in w for w in j['warnings'])" l.json
ok "of one kind" exits 0 plan $two --intensity table:FR --regions DE,400 --json l.json
ok "nothing is said" json "not any('kinds' in w for w in j['warnings'])" l.json
mkdir zones && cp A_h.csv zones/DE.csv && cp clean.csv zones/FR.csv
ok "a zone's own hours" exits 0 plan $two --intensity csv:h.csv --regions DE,FR,PL --series 'csv:zones/{zone}.csv' --json l.json
ok "where there is no file the yearly mean stands" json \
  "(lambda o: o['FR']['intensity'] == 'csv:zones/FR.csv' and not o['FR']['constant'] and o['PL']['constant']
     and o['PL']['intensity'] == 'table:PL' and 'zones/PL.csv' in o['PL']['note'])(
     {o['region']: o for o in j['result']['options']})
   and any('1 of 4 places' in w and 'PL.csv' in w for w in j['warnings'])" l.json
ok "home is a region" exits 0 plan $two --home FR --regions DE --series 'csv:zones/{zone}.csv' --json l.json
ok "with its hours" json "j['result']['now']['region'] == 'FR' and
  $is(j['result']['now']['grams']['value'], 50)" l.json
ok "a provider's regions" exits 0 plan $two --regions gcp --json l.json
ok "are ranked, against the world's mean" json "len(j['result']['options']) > 30 and
  all(o['region'].startswith('gcp:') for o in j['result']['options']) and j['result']['home_told'] is False
  and any('home is not told' in w for w in j['warnings'])
  and sorted(o['grams']['value'] for o in j['result']['options']) ==
    [o['grams']['value'] for o in j['result']['options']]" l.json
ok "and marked" grep -q 'gcp:[a-z0-9-]* \*' out
ok "many more than a table holds" grep -q 'more, which --json tells' out
ok "carbon-free enough" exits 0 plan $two --regions gcp --min-carbon-free 0.8 --json l.json
ok "are some" json "0 < len(j['result']['options']) < 30
  and all(o['carbon_free'] >= .8 for o in j['result']['options'])" l.json

# ---- forecasts ----
python3 - <<'EOF'
import math
start = 1677628800 - 40 * 86400  # 40 days before 2023-03-01; each a sine of the hour, and level
with open('sine.csv', 'w') as out:
    print('start,end,g_per_kwh', file=out)
    for h in range(60 * 24):
        level = 300 + 20 * math.sin(h / 24 * 1.7)
        g = level + 120 * math.cos((h % 24 - 14) / 24 * 2 * math.pi + math.pi)
        print(f'{start + 3600 * h},{start + 3600 * (h + 1)},{g:.2f}', file=out)
EOF
ok "frugal's own forecast" exits 0 plan --energy 1kWh --duration 3h --deadline 24h --now 2023-03-02T00:00Z \
  --intensity csv:sine.csv --json f.json
ok "finds the noon that each day has" json "j['result']['options'][0]['start'] in
  ('2023-03-02T12:00:00Z', '2023-03-02T13:00:00Z') and j['result']['advice'] == 'wait'" f.json
ok "and its row's figures agree" json "all($is(o['grams']['value'], o['mean_g_per_kwh'])
  for o in j['result']['options'] + j['result']['alternatives'] + [j['result']['now']])" f.json
ok "with its error, and how sure it is" json "(lambda o: o['error_known'] and o['chance'] > .9
  and o['grams']['low'] < o['grams']['value'] < o['grams']['high'] and o['forecast_error']['tested'] > 100
  and o['known_until'] == '2023-03-02T00:00:00Z' and not o['constant'])(j['result']['options'][0])
  and 'of 100 cases' in j['result']['words']" f.json
ok "twice the energy, and within bounds" exits 0 plan --energy 1-3kWh --duration 3h --deadline 24h \
  --now 2023-03-02T00:00Z --intensity csv:sine.csv --json g.json
ok "is as sure: a share has nothing of the energy's bounds" python3 -c "
import json
f, g = (json.load(open(n))['result'] for n in ('f.json', 'g.json'))
assert f['words'].split('; by ')[1] == g['words'].split('; by ')[1], (f['words'], g['words'])
low, high = (o['grams']['high'] / o['grams']['low'] for o in (f['options'][0], g['options'][0]))
assert abs(high / low - 3) < 1e-6"
ok "which is of 95 in 100" sh -c "COLUMNS=120 '$frugal' plan --energy 1-3kWh --duration 3h --deadline 24h \
  --now 2023-03-02T00:00Z --intensity csv:sine.csv 2>/dev/null | grep -q '95 % interval'"
ok "but of what was seen the energy's bounds alone are none that has odds" sh -c "COLUMNS=120 '$frugal' plan \
  --energy 1-3kWh --duration 3h --deadline 24h --now 2023-03-02T00:00Z --intensity csv:sine.csv --forecast perfect \
  2>/dev/null | grep -e interval -e Bounds | grep -q 'CO2e *Bounds'"
ok "the age of the last value is told" sh -c "'$frugal' plan --energy 1kWh --duration 3h --deadline 24h \
  --now 2023-03-02T00:48Z --intensity csv:sine.csv 2>/dev/null | grep -q 'up to Thu 2 Mar 00:00 UTC, 48 min before now'"
ok "at noon there is nothing to wait for" exits 0 plan --energy 1kWh --duration 3h --deadline 12h \
  --now 2023-03-02T14:30Z --intensity csv:sine.csv --json f.json
ok "which is an answer" json "j['result']['advice'] == 'now' and j['result']['words'].startswith('Start now')" f.json
ok "a past of a few hours is too short" fails_saying 1 "24 h" plan --energy 1kWh --duration 3h --deadline 24h \
  --now 2023-01-20T05:00Z --intensity csv:sine.csv
ok "a source without a forecast has none" fails_saying 1 "no forecast of its own" plan --energy 1kWh --duration 3h \
  --deadline 24h --now 2023-03-02T00:00Z --intensity csv:sine.csv --forecast source

# ---- nothing later than now is seen ----
plant() { # FROM TO: what begins from 2022-06-15T10:00Z on is absurd, in turn high and 0
  python3 -c "
import sys
rows = open(sys.argv[1], newline='').read().split('\n')
for i, row in enumerate(rows):
    cells = row.split(',')
    if cells[0] >= '2022-06-15 10:00:00' and cells[0].startswith('2022'):
        cells[4] = cells[5] = '4999' if i % 3 else '0'
    rows[i] = ','.join(cells)
open(sys.argv[2], 'w', newline='').write('\n'.join(rows))" "$1" "$2"
}
same_plan() { # FOLDER NAME: there, as JSON and as text
  (cd "$1" && "$frugal" plan --energy 2kWh --duration 3h --deadline 36h --now 2022-06-15T10:30Z \
    --intensity csv:DE_2022_hourly.csv --regions GB --series 'csv:{zone}_2022_hourly.csv' \
    --interruptible --min-piece 1h --json "../$2.json" >"../$2.txt" 2>"../$2.err")
}
maps=${FRUGAL_SHARED:-/nowhere}/carbon/electricitymaps
if [ -d "$maps" ]; then
  mkdir real planted
  cp "$maps/DE_2022_hourly.csv" "$maps/GB_2022_hourly.csv" real
  for zone in DE GB; do plant "real/${zone}_2022_hourly.csv" "planted/${zone}_2022_hourly.csv"; done
  ok "the planted rows are absurd" sh -c "! cmp -s real/DE_2022_hourly.csv planted/DE_2022_hourly.csv &&
    grep -q '^2022-06-15 10:00:00,.*,4999,4999,\|^2022-06-15 10:00:00,.*,0,0,' planted/DE_2022_hourly.csv"
  ok "a plan on a real file" same_plan real a
  ok "and on one with absurd rows after now" same_plan planted b
  ok "is the same plan, byte for byte" sh -c "cmp a.json b.json && cmp a.txt b.txt && cmp a.err b.err"
  ok "the hour that goes on is not known either" json \
    "j['result']['now']['known_until'] == '2022-06-15T10:00:00Z'" a.json
  ok "but what happened before now matters" sh -c \
    "sed 's/^2022-06-15 0\([89]\):00:00,\([^,]*,[^,]*,[^,]*\),[^,]*,[^,]*,/2022-06-15 0\1:00:00,\2,900,900,/' \
      -i planted/DE_2022_hourly.csv; true"
  ok "so the plan changes" same_plan planted b
  ok "with it" sh -c "! cmp -s a.json b.json"
else
  ok "nothing later than now is seen # SKIP no real files" true
fi

# ---- out of a run ----
ok "a run" exits 0 meter --quiet -- true
run_is() { # RESULT [STATE]: of run 1
  python3 -c "
import sqlite3, sys
with sqlite3.connect('$XDG_DATA_HOME/frugal/runs.sqlite') as store:
    store.execute('DELETE FROM samples WHERE run = 1')
    store.execute('UPDATE runs SET result = ?, command = ?, state = ?, ended = ? WHERE id = 1',
                  (sys.argv[1], 'train', sys.argv[2], None if sys.argv[2] == 'running' else 5))" "$1" "${2:-done}"
}
j() { echo "{\"value\": $1, \"low\": $2, \"high\": $3, \"unit\": \"J\", \"source\": \"perf\"}"; }
whole="\"energy\": $(j 3600000 1800000 7200000), \"duration_s\": 1000, \"epochs\": 5"
phases="\"phases\": [{\"name\": \"read\", \"duration_s\": 100, \"energy\": $(j 600000 1 900000)},
  {\"name\": \"train/forward\", \"duration_s\": 500, \"energy\": $(j 2000000 1 9000000)},
  {\"name\": \"training\", \"duration_s\": 50, \"energy\": $(j 100000 1 900000)},
  {\"name\": \"train\", \"duration_s\": 200, \"energy\": $(j 500000 1 900000)},
  {\"name\": \"validate\", \"duration_s\": 100, \"energy\": $(j 300000 1 900000)}]"
of_run="plan --run 1 --deadline 24h --now 2023-03-01T12:00Z --intensity 100"
ok "with a kilowatt hour in 1,000 s" run_is "{$whole, $phases}"
ok "is planned again" exits 0 $of_run --json r.json
ok "with its bounds" json "(lambda g: (g['value'], g['low'], g['high'], g['source']) == (100, 50, 200, 'perf'))(
  j['result']['now']['grams']) and j['result']['job']['duration_s'] == 1000
  and 'run 1 (train)' in j['result']['job']['from']" r.json
ok "for an hour" exits 0 $of_run --duration 1h --json r.json
ok "at its mean power" json "$is(j['result']['now']['grams']['value'], 360)" r.json
ok "for twice the energy" exits 0 $of_run --energy 2kWh --json r.json
ok "twice as long" json "j['result']['job']['duration_s'] == 2000" r.json
ok "with 50 epochs of its 5" exits 0 $of_run --epochs 50 --json r.json
ok "fixed 0.8 MJ and 200 s, and ten times 2.8 MJ and 800 s" json "j['result']['job']['duration_s'] == 8200 and
  $is(j['result']['job']['energy']['value'], 28.8e6) and $is(j['result']['job']['energy']['low'], 14.4e6)
  and 'extrapolated from 5 epochs to 50' in j['result']['job']['from']" r.json
ok "with as many as it had nothing is extrapolated" exits 0 $of_run --epochs 5 --json r.json
ok "which is as it was" json "$is(j['result']['job']['energy']['value'], 3.6e6)
  and 'extrapolated' not in j['result']['job']['from']" r.json
ok "one that was taken up" run_is "{$whole, $phases, \"earlier\": {\"energy\": $(j 3600000 1800000 7200000), \"duration_s\": 500}}"
ok "is both together" exits 0 $of_run --json r.json
ok "2 kWh in 1,500 s" json "$is(j['result']['now']['grams']['value'], 200) and j['result']['job']['duration_s'] == 1500" r.json
ok "but its epochs are not told" fails_saying 1 "taken up from a checkpoint" $of_run --epochs 50
ok "one whose phases cannot be true" run_is "{$whole, \"phases\": [{\"name\": \"train\", \"duration_s\": 1e9,
  \"energy\": $(j 9e9 1 9e9)}]}"
ok "is no more than the whole" exits 0 $of_run --epochs 50 --json r.json
ok "ten times of it" json "j['result']['job']['duration_s'] == 10000
  and $is(j['result']['job']['energy']['value'], 36e6)" r.json
ok "one without phases" run_is "{$whole}"
ok "does not tell its epochs" fails_saying 1 "does not tell what its epochs took" $of_run --epochs 50
for broken in null '[' '{"duration_s": 5}' "{\"duration_s\": 0, \"energy\": $(j 5 5 5)}" \
  "{\"duration_s\": 5, \"energy\": $(j 0 0 0)}" "{\"duration_s\": -5, \"energy\": $(j 5 5 5)}" '{"duration_s": 1e300}'; do
  ok "a run with '$broken'" run_is "$broken"
  ok "does not tell enough" fails_saying 1 "does not tell how long it ran" $of_run
done
ok "one that was cut off" run_is "{$whole}" running
ok "is planned as far as it came" exits 0 $of_run --json r.json
ok "which is said" json "any('has not ended' in w for w in j['warnings'])
  and $is(j['result']['now']['grams']['value'], 100)" r.json
ok "no such run" fails_saying 1 "999" plan --run 999 --deadline 24h --intensity 100

# ---- from a server, which has a forecast: asked twice a zone, and its past where it has none ----
cat >server.py <<'EOF'
import datetime, http.server, json, sys, urllib.parse
utc = datetime.timezone.utc
hour = datetime.timedelta(hours=1)
asked = open('asked', 'w', buffering=1)
def name(t): return t.strftime('%Y-%m-%dT%H:00:00.000Z')
def value(t): return 100 if t.hour in (3, 4) else 400
class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        told = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        what, zone = url.path.split('/')[-1], told['zone']
        print(what, zone, file=asked)
        now = datetime.datetime.now(utc).replace(minute=0, second=0, microsecond=0)
        row = lambda t: {'zone': zone, 'carbonIntensity': value(t), 'datetime': name(t), 'isEstimated': False,
                         'updatedAt': name(now), 'createdAt': name(t), 'emissionFactorType': 'lifecycle'}
        if what == 'history':
            out = {'zone': zone, 'history': [row(now - i * hour) for i in range(24, 0, -1)]}
        elif what == 'forecast' and zone == 'DE':
            out = {'zone': zone, 'updatedAt': name(now), 'forecast': [
                {'carbonIntensity': value(now + i * hour), 'datetime': name(now + i * hour)} for i in range(48)]}
        elif what == 'past-range':
            start, end = (datetime.datetime.fromisoformat(told[k].replace('Z', '+00:00')) for k in ('start', 'end'))
            out = {'zone': zone, 'data': [row(start + i * hour) for i in range(int((end - start) / hour))
                                          if start + i * hour < now]}
        else:
            out = {'error': 'your plan has no forecast'}
        body = json.dumps(out).encode()
        self.send_response(401 if 'error' in out else 200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Server)
open('port.new', 'w').write(str(server.server_address[1]))
import os
os.rename('port.new', 'port')
server.serve_forever()
EOF
python3 server.py &
served=$!
trap 'kill $served 2>/dev/null; rm -rf "$folder"' EXIT
for _ in $(seq 100); do [ -e port ] || sleep 0.1; done
export FRUGAL_ELECTRICITYMAPS_URL="http://127.0.0.1:$(cat port)/v3" FRUGAL_ELECTRICITYMAPS_KEY=not-a-real-key
ok "a server's own forecast" exits 0 plan --energy 1kWh --duration 2h --deadline 30h --intensity electricitymaps:DE --json s.json
ok "says when it is clean" json "j['result']['options'][0]['start'][11:] in ('03:00:00Z', j['result']['job']['now'][11:])
  and j['result']['options'][0]['forecast'] == \"the source's own\" and not j['result']['options'][0]['error_known']" s.json
ok "asked two times" sh -c "[ \"\$(sort asked | tr '\n' ' ')\" = 'forecast DE history DE ' ]"
ok "a zone without a forecast" exits 0 plan --energy 1kWh --duration 2h --deadline 30h --regions DE,FR \
  --series 'electricitymaps:{zone}' --intensity 500 --json s.json
ok "has frugal's own" json "(lambda o: o['FR']['forecast'].startswith('same hour') and o['FR']['error_known'] is False
  and o['DE']['forecast'] == \"the source's own\" and not o['FR']['constant'])(
    {o['region']: o for o in j['result']['options']})" s.json
ok "out of few questions" sh -c "[ \$(grep -c 'past-range FR' asked) -le 6 ] && ! grep -q 'past-range DE' asked"
ok "offline there is what was kept" exits 0 plan --energy 1kWh --duration 2h --deadline 30h \
  --intensity electricitymaps:DE --offline --json s.json
ok "the same" json "j['result']['options'][0]['forecast'] == \"the source's own\"" s.json
ok "the key stands nowhere" sh -c "! grep -rq not-a-real-key '$XDG_CACHE_HOME' '$XDG_DATA_HOME' s.json out err"
kill $served 2>/dev/null
unset FRUGAL_ELECTRICITYMAPS_URL FRUGAL_ELECTRICITYMAPS_KEY

# ---- pictures ----
if command -v gnuplot >/dev/null; then
  ok "the hours and the regions as pictures" exits 0 plan $two --intensity csv:h.csv --interruptible \
    --regions a=csv:A_h.csv --chart hours.svg --regions-chart regions.png
  ok "name what is chosen" grep -q 'home: 2 h from Thu 2 Mar 03:00 UTC' hours.svg
  ok "and are there" sh -c "[ \"\$(head -c 4 regions.png | tail -c 3)\" = PNG ]"
fi
ok "a picture is SVG or PNG" fails_saying 1 "ends in .svg or .png" plan $two --intensity csv:h.csv --chart h.pdf
ok "two files are two" fails_saying 1 "are one file" plan $two --intensity csv:h.csv --chart h.svg --json h.svg

# ---- what docs/plan.md shows ----
ok "the page's example is what comes out" python3 - "$frugal" "$docs/plan.md" <<'EOF'
import re, shlex, subprocess, sys
page = open(sys.argv[2]).read()
for name, text in re.findall(r'^```csv (\S+)\n(.*?)^```$', page, re.S | re.M):
    open(name, 'w').write(text)
shown = re.findall(r'^```console\n\$ frugal (.*?)\n(.*?)^```$', page, re.S | re.M)
assert shown
for command, text in shown:
    out = subprocess.run([sys.argv[1], *shlex.split(command)], capture_output=True, text=True).stdout
    assert out == text, out
EOF

# ---- what is refused ----
for wrong in '--energy 0' '--energy 2' '--energy -2kWh' '--energy nankWh' '--power 0W' '--duration 0' '--duration 3' \
  '--duration -3h' '--deadline soon' '--deadline 0h' '--now yesterday' '--now 0001-01-01' '--now 9999-12-31' '--deadline 1812-01-01' '--scale 0' '--pue 0.9' '--epochs 3' \
  '--min-piece 20m' '--pieces 2' '--resume-time 3s' '--resume-energy 5kJ' '--interruptible --resume-energy 5-6kJ' \
  '--data 20GB' '--data-energy 1kWh/GB' '--data 20GB --data-energy 1kWh/GB' '--series csv:a.csv' \
  '--forecast wrong' '--factor both' '--max-latency fast' '--min-carbon-free 2' '--max-price -1' \
  '--residency Mars' '--run 0' '--power 5W --energy 1J --duration 3h' '--run 1 --power 5W' \
  '--run 1 --energy 1J --duration 3h' '--run 1 --epochs 3 --energy 1J' 'one-word-too-many'; do
  ok "'$wrong' is wrong usage" exits 2 plan --intensity 400 --deadline 24h $wrong
done
plain="plan --energy 2kWh --duration 3h --intensity 400"
ok "no deadline" fails_saying 1 "--deadline 24h" $plain
ok "no energy" fails_saying 1 "--energy 2kWh" plan --duration 3h --intensity 400 --deadline 24h
ok "no duration" fails_saying 1 "--duration 3h" plan --energy 2kWh --intensity 400 --deadline 24h
ok "nowhere" fails_saying 1 "--regions LIST" plan --energy 2kWh --duration 3h --deadline 24h
ok "a deadline before the end" fails_saying 1 "3 h of work do not fit before the deadline" $plain --deadline 2h
ok "a deadline that is over" fails_saying 1 "is over" $plain --deadline 2023-03-01 --now 2023-03-02
ok "a deadline that is decades away" fails_saying 1 "ten years" $plain --deadline 2099-01-01
ok "a region that nobody has" fails_saying 1 "europe-west33" $plain --deadline 24h --regions gcp:europe-west33
ok "one is near" fails_saying 1 "near to it: 'gcp:europe-west3'" $plain --deadline 24h --regions gcp:europe-west33
ok "a place is not its region's name" fails_saying 1 "'gcp:us-east1'" $plain --deadline 24h --regions carolina
ok "a name without an intensity" fails_saying 1 "no intensity behind" $plain --deadline 24h --regions a=
ok "a region's file that is not there" fails_saying 1 "none.csv" $plain --deadline 24h --regions a=csv:none.csv
ok "an empty word" fails_saying 1 "empty word" $plain --deadline 24h --regions DE,,FR
ok "one name twice" fails_saying 1 "two regions are called 'a'" $plain --deadline 24h --regions a=1,a=2
ok "a file that is not there" fails_saying 1 "none.csv" plan --energy 2kWh --duration 3h --deadline 24h --intensity csv:none.csv
ok "nothing that is allowed" fails_saying 1 "fits nowhere" $plain --deadline 24h --residency FR
ok "JSON where it cannot be written" fails_saying 1 "/nowhere/x.json" $plain --deadline 24h --json /nowhere/x.json
ok "JSON in the table's place" sh -c "'$frugal' $plain --deadline 24h --json - 2>/dev/null | python3 -m json.tool >/dev/null"
finish
