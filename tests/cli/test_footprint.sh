#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal carbon footprint and carbon equivalents: by hand, of runs, timelines and real hours.
. "$(dirname "$0")/tap.sh"
cd "$folder" || exit 1
export TZ=UTC
hours=${FRUGAL_SHARED:-$(dirname "$0")/../../../shared/data}/carbon/electricitymaps
near='(lambda m, by_hand: abs(m["value"] - by_hand) <= 1e-8 * abs(by_hand))'
foot() { # CODE ARGUMENTS…: with f.json
  want=$1
  shift
  exits "$want" carbon footprint "$@" --json f.json
}
cat >grid.csv <<'END'
start,end,g_per_kwh
2024-03-01T00:00:00Z,2024-03-01T01:00:00Z,100
2024-03-01T01:00:00Z,2024-03-01T02:00:00Z,900
2024-03-01T02:00:00Z,2024-03-01T02:30:00Z,200
2024-03-01T03:00:00Z,2024-03-01T04:00:00Z,400
END

ok "one intensity" foot 0 --energy 2kWh --intensity 400 --pue 1.5
ok "is energy times it times PUE, to the last bit" json \
  "j['result']['grams']['value'] == 7.2e6 * (1.5 / 3.6e6) * 400
   and j['result']['location']['pue'] == 1.5 and j['result']['start'] is None" f.json
ok "a range stays one" foot 0 --energy 1-3kWh --intensity 400
ok "low with low" json "[j['result']['grams'][k] for k in ('low', 'value', 'high')] == [400, 800, 1200]" f.json
ok "hour by hour" foot 0 --energy 4kWh --start 2024-03-01T00:30:00Z --duration 2h \
  --intensity csv:grid.csv
ok "each at its own intensity" json \
  "$near(j['result']['grams'], 1 * 100 + 2 * 900 + 1 * 200) and $near(j['result']['location']['intensity'], 525)
   and j['result']['start'] == '2024-03-01T00:30:00Z' and j['result']['end'] == '2024-03-01T02:30:00Z'" f.json
ok "local times are local" sh -c "TZ=Asia/Tokyo '$frugal' carbon footprint --energy 4kWh \
  --start '2024-03-01 09:30' --duration 2h --intensity csv:grid.csv --json f.json"
ok "to the same grams" json "$near(j['result']['grams'], 2100)" f.json

# A spike of power in the dirty hour: 0.1 kWh an hour, but 3.6 kWh within ten minutes of it.
ok "a timeline" python3 -c "
t, energy = 0, 0.0
with open('spike.csv', 'w') as f:
    f.write('t_s,power_w,energy_j,program_j,core_s,marked,phase\n0.000000,,0,0,0,0,\"unmarked\"\n')
    for i in range(1, 7201):
        w = 100 + (21600 if 4200 < i <= 4800 else 0)
        energy += w
        f.write('%d.000000,%g,%.9g,%.9g,0,0,\"unmarked\"\n' % (i, w, energy, energy / 2))"
ok "with a spike" foot 0 --power spike.csv --start 2024-03-01T00:00:00Z --intensity csv:grid.csv
ok "the spike is dirty" json \
  "$near(j['result']['grams'], 0.1 * 100 + 3.7 * 900)
   and $near(j['result']['location']['hours'], 500)
   and 'would have been' in j['result']['words']" f.json
ok "its program" foot 0 --power spike.csv --of program --start 2024-03-01 --intensity csv:grid.csv
ok "is half" json "$near(j['result']['grams'], (0.1 * 100 + 3.7 * 900) / 2) and j['result']['of'] == 'program'" f.json
ok "from power alone" sh -c "cut -d, -f1,2 spike.csv >power.csv"
ok "the same" foot 0 --power power.csv --start 2024-03-01T00:00:00Z --intensity csv:grid.csv
ok "to the gram" json "$near(j['result']['grams'], 0.1 * 100 + 3.7 * 900)" f.json
ok "a long one" python3 -c "
t, energy = 0, 0.0
with open('long.csv', 'w') as f:
    f.write('t_s,energy_j\n')
    for i in range(1, 720001):
        energy += 1 + (216 if 420000 < i <= 480000 else 0)
        f.write('%.2f,%.9g\n' % (i / 100, energy))"
ok "is thinned out" foot 0 --power long.csv --start 2024-03-01T00:00:00Z --intensity csv:grid.csv
ok "to the same grams" json \
  "abs(j['result']['grams']['value'] / (0.1 * 100 + 3.7 * 900) - 1) < 1e-5" f.json
ok "a file has no delta" fails_saying 1 "does not tell the delta" carbon footprint --power spike.csv \
  --of delta --start 2024-03-01 --intensity 400

# Gaps.
ok "a gap" foot 0 --energy 2kWh --start 2024-03-01T02:00:00Z --duration 2h --intensity csv:grid.csv
ok "leaves the grams unknown" json \
  "j['result']['grams'] is None and j['result']['location']['gaps'] == 0.25
   and j['result']['location']['gap'] == {'from': '2024-03-01T02:30:00Z', 'to': '2024-03-01T03:00:00Z'}
   and any('no intensity is known' in w for w in j['warnings'])" f.json
ok "may be filled" foot 0 --energy 2kWh --start 2024-03-01T02:00:00Z --duration 2h \
  --intensity csv:grid.csv --fill mean
ok "by the mean" json \
  "$near(j['result']['grams'], 0.5 * 200 + 0.5 * (100 + 900 + 100 + 400) / 3.5 + 400)
   and j['result']['location']['gaps'] == 0.25 and any('mean' in w for w in j['warnings'])" f.json
ok "or the last" foot 0 --energy 2kWh --start 2024-03-01T02:00:00Z --duration 2h \
  --intensity csv:grid.csv --fill last
ok "value before" json "$near(j['result']['grams'], 0.5 * 200 + 0.5 * 200 + 400)" f.json
ok "what was not known then is a gap" foot 0 --energy 2kWh --start 2024-03-01T00:00:00Z \
  --duration 2h --intensity csv:grid.csv --now 2024-03-01T01:30:00Z
ok "half of it" json "j['result']['location']['gaps'] == 0.5" f.json
ok "energy without a time" fails_saying 1 "changes with time" carbon footprint --energy 2kWh \
  --intensity csv:grid.csv

# Contracts, offsets, hardware, score.
ok "all of it" foot 0 --energy 2kWh --start 2024-03-01T00:00Z --duration 2h --intensity csv:grid.csv \
  --market 30 --pue 1.25 --embodied 300kg --life 4y --use 8h/day --cores 2/8 --keep 1y \
  --per inference=1000000 --offset 1.2kg --offset-price 25USD/t
ok "contracts stand beside" json \
  "$near(j['result']['market']['grams'], 75) and $near(j['result']['location']['grams'], 1250)
   and j['result']['market']['grid']['basis'] == 'market'" f.json
m='300e3 * 2 / (4 * 365.25 * 8) / 4'
ok "the hardware's share" json "$near(j['result']['embodied']['grams'], $m)" f.json
ok "and the sum, without contracts and offsets" json "$near(j['result']['grams'], 1250 + $m)" f.json
ok "a year longer" json \
  "[round(j['result']['keeping'][k]['value']) for k in ('before', 'after', 'saved')] == [75000, 60000, 15000]" f.json
ok "the score and its parts" json \
  "(lambda s: $near(s['score'], (1250 + $m) / 1e6) and s['r'] == 1e6 and s['unit'] == 'inference'
    and $near(s['e'], 9e6) and $near(s['i'], 500) and $near(s['m'], $m))(j['result']['sci'])" f.json
ok "contracts of nothing" exits 0 carbon footprint --energy 1kWh --intensity 400 --market 0 --json z.json
ok "change nothing in the place" json \
  "j['result']['market']['grams']['value'] == 0 and j['result']['grams']['value'] == 400" z.json
ok "what it costs to offset" json \
  "(lambda p: p['currency'] == 'USD' and $near(p['cost'], 25e-6 * (1250 + $m)))(j['result']['offset_price'])" f.json
ok "what was offset is a share" json \
  "abs(j['result']['offset']['share'] - 1200 / (1250 + $m)) < 1e-8" f.json
ok "in words" json "all(w in j['result']['words'] for w in ('falls from 75.0 kgCO2e to 60.0', 'not taken off'))" f.json
ok "a hundred thousand watt-hours a year" exits 0 carbon footprint --energy 5kWh --intensity 500 --per test=10k
ok "a score without hardware is said" grep -q 'without the hardware' err

# What it is like.
ok "like a car's" json "[e['name'] for e in j['result']['equivalents']][0].startswith('litre of petrol')
  and len(j['result']['equivalents']) == 4" f.json
ok "the list" exits 0 carbon equivalents --json e.json
ok "has sources and an order" json \
  "(lambda l: all(e['source'] for e in l) and l == sorted(l, key=lambda e: e['grams']) and len(l) >= 10)(
    j['result']['equivalents'])" e.json
ok "an amount" exits 0 carbon equivalents 2kg --json e.json
ok "is as many phones" json \
  "[$near(e['times'], 2000 / 12.4) for e in j['result']['equivalents'] if e['name'] == 'smartphone charged'] == [True]" e.json
ok "an energy" exits 0 carbon equivalents 2kWh --intensity 400 --json e.json
ok "is 800 g" json "j['result']['grams']['value'] == 800" e.json
ok "anything else is refused" fails_saying 1 "neither grams" carbon equivalents lots
ok "so is nothing" fails_saying 1 "neither grams" carbon equivalents 0kg

# Kinds of factors.
ok "direct and life-cycle" exits 0 carbon footprint --energy 1kWh --intensity table:world --market table:DE
ok "are not mixed silently" grep -q 'not of one kind' err
ok "nor direct electricity with hardware" sh -c "'$frugal' carbon footprint --energy 1kWh --duration 1h \
  --intensity table:world --embodied 1t --life 1y 2>&1 | grep -q 'two kinds are added up'"

# A run of the store.
ok "a metered run" exits 0 meter --sensor model --interval 20ms --json m.json --quiet -- sleep 0.3
id=$(python3 -c "import json; print(json.load(open('m.json'))['result']['run'])")
ok "its footprint" foot 0 --run "$id" --intensity 400
ok "is its energy times it" json \
  "(lambda m: abs(j['result']['grams']['value'] - m * 400 / 3.6e6) <= 1e-8 * m)(
    json.load(open('m.json'))['result']['energy']['value']) and 'over its samples' in j['result']['energy_from']" f.json
ok "its program" foot 0 --run "$id" --of program --intensity 400
ok "likewise" json "abs(j['result']['energy']['high'] / json.load(open('m.json'))['result']['program']['high'] - 1) < 1e-7" f.json
ok "its delta is not known" fails_saying 1 "--baseline" carbon footprint --run "$id" --of delta --intensity 400
python3 - "$id" <<'END'
import json, sqlite3, sys
run = int(sys.argv[1])
with sqlite3.connect('data/frugal/runs.sqlite') as store:
    measure = lambda v, low, high: {'value': v, 'low': low, 'high': high, 'unit': 'J', 'source': 'perf'}
    result = {'duration_s': 7200, 'energy': measure(7.2e6, 3.6e6, 1.08e7), 'program': measure(3.6e6, 3.6e6, 3.6e6),
              'delta': measure(1.44e6, 7.2e5, 2.16e6)}
    start = 1709251200 * 10**9  # 2024-03-01T00:00:00Z
    store.execute('UPDATE runs SET result = ?, started = ?, ended = ? WHERE id = ?',
                  (json.dumps(result), start, start + 7200 * 10**9, run))
    store.execute('DELETE FROM samples WHERE run = ?', (run,))
END
ok "a run without samples" foot 0 --run "$id" --intensity csv:grid.csv
ok "is spread over its time" json \
  "$near(j['result']['grams'], 100 + 900) and j['result']['grams']['low'] == 500
   and 'evenly' in j['result']['energy_from']" f.json
ok "its delta too" foot 0 --run "$id" --of delta --intensity csv:grid.csv
ok "with its bounds" json "[round(j['result']['grams'][k], 6) for k in ('low', 'value', 'high')] == [100, 200, 300]" f.json
ok "moved" foot 0 --run "$id" --start 2024-03-01T00:30Z --intensity csv:grid.csv
ok "into other hours" json "$near(j['result']['grams'], 0.5 * 100 + 900 + 0.5 * 200)" f.json
ok "no such run" fails_saying 1 "999" carbon footprint --run 999 --intensity 400
ok "with samples" python3 - "$id" <<'END'
import sqlite3, sys
with sqlite3.connect('data/frugal/runs.sqlite') as store:
    for t, e in ((0, 0), (1800, 1), (3600, 1), (7200, 4)):
        store.execute('INSERT INTO samples (run, t_ns, power_w, energy_j, program_j) VALUES (?, ?, 1, ?, NULL)',
                      (int(sys.argv[1]), t * 10**9, e))
END
ok "it has their shape" foot 0 --run "$id" --intensity csv:grid.csv
ok "and its own sum" json \
  "$near(j['result']['grams'], 0.5 * 100 + 1.5 * 900) and j['result']['energy']['high'] == 1.08e7" f.json
ok "the delta" foot 0 --run "$id" --of delta --intensity csv:grid.csv
ok "is the energy less an even normal power" json \
  "$near(j['result']['grams'], (0.5 - 0.8) * 100 + (1.5 - 0.8) * 900) and $near(j['result']['energy'], 1.44e6)" f.json
ok "what the samples do not tell" foot 0 --run "$id" --of program --intensity csv:grid.csv
ok "is spread evenly" json "$near(j['result']['grams'], 500) and 'evenly' in j['result']['energy_from']" f.json
python3 -c "
import sqlite3
with sqlite3.connect('data/frugal/runs.sqlite') as store:
    store.execute('UPDATE runs SET argv = ?', ('[\"frugal\",\"meter\",\"--replay\",\"x\"]',))"
ok "a recording does not know its time" fails_saying 1 "--start TIME" carbon footprint --run "$id" --intensity 400

# frugal meter tells grams where a grid is named, second by second of the run.
ok "without a grid" exits 0 meter --sensor model --quiet --json g.json -- true
ok "no grams are told" json "j['result']['carbon'] is None" g.json
ok "with one" exits 0 meter --sensor model --quiet --intensity 400 --pue 1.5 --json g.json -- sleep 0.1
ok "they are energy times it" json \
  "(lambda c, e, p: abs(c['grams']['energy']['value'] - e * 600 / 3.6e6) <= 1e-8 * e and c['grams']['delta'] is None
     and abs(c['grams']['program']['high'] - p * 600 / 3.6e6) <= 1e-8 * p and c['location']['pue'] == 1.5)(
     j['result']['carbon'], j['result']['energy']['value'], j['result']['program']['high'])" g.json
python3 -c "
import time
now, stamp = int(time.time()), lambda t: time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(t))
with open('seconds.csv', 'w') as f:
    f.write('start,end,g_per_kwh\n')
    for t in range(now - 2, now + 60):
        f.write('%s,%s,%d\n' % (stamp(t), stamp(t + 1), 100 + 800 * (t % 2)))"
ok "seconds that differ" exits 0 meter --sensor model --interval 10ms --quiet --intensity csv:seconds.csv \
  --csv timeline.csv --json g.json -- python3 -c '
import time
end = time.time() + 3.6
while time.time() < end:
    if int(time.time()) % 2 == 0:
        time.sleep(0.01)'
ok "are integrated" python3 -c "
import csv, json, sqlite3
r = json.load(open('g.json'))['result']
with sqlite3.connect('data/frugal/runs.sqlite') as store:
    start = store.execute('SELECT started FROM runs WHERE id = ?', (r['run'],)).fetchone()[0] / 1e9
def by_hand(known):  # the last second that has ended stands for those after it
    last, grams, total = (0, 0), 0, 0
    for row in csv.DictReader(open('timeline.csv')):
        t, e = float(row['t_s']), float(row['energy_j'])
        second = min(int(start + (t + last[0]) / 2), known - 1)
        grams += (e - last[1]) * (100 + 800 * (second % 2))
        total += e - last[1]
        last = (t, e)
    return grams / total * r['energy']['value'] / 3.6e6
is_ = r['carbon']['grams']['energy']['value']
end = int(start + r['duration_s'])  # it was asked then, or a little later
assert min(abs(is_ / by_hand(end + i) - 1) for i in (0, 1, 2)) < 0.04, is_
assert 100 < r['carbon']['location']['intensity']['value'] < 900, r['carbon']"
ok "a grid that is not there" fails_saying 125 "'ZZ'" meter --intensity table:ZZ -- touch ran
ok "stops the command before it begins" test ! -e ran
ok "a grid that knows nothing of today" exits 0 meter --sensor model --quiet --intensity csv:grid.csv \
  --json g.json -- sleep 0.1
ok "leaves the grams unknown, and says so" json \
  "j['result']['carbon']['grams']['energy'] is None and any('no intensity is known' in w for w in j['warnings'])" g.json
for wrong in '--pue 2 -- true' '--intensity 400 --pue 0.5 -- true' '--intensity 400 --baseline 1s' \
  '--intensity 400 --replay x' '--intensity 400 --calibrate'; do
  ok "meter $wrong is wrong" exits 2 meter $wrong
done

# Real hours, against a sum of Python's.
if [ -f "$hours/DE_2022_hourly.csv" ]; then
  for factor in direct lifecycle; do
    ok "a day in Germany, $factor" foot 0 --energy 24kWh --start 2022-07-14T00:00Z --duration 24h \
      --intensity "csv:$hours/DE_2022_hourly.csv" --factor $factor
    ok "is the sum of its hours" python3 -c "
import csv, json
j = json.load(open('f.json'))['result']
kind = {'direct': ('direct', ''), 'lifecycle': ('LCA', 'cycle')}['$factor']
rows = list(csv.reader(open('$hours/DE_2022_hourly.csv')))
column = [i for i, name in enumerate(rows[0]) if 'gCO' in name and any(k and k.lower() in name.lower() for k in kind)][0]
by_hand = sum(float(r[column]) for r in rows[1:] if r[0].startswith('2022-07-14'))
assert abs(j['grams']['value'] - by_hand) < 1e-6 * by_hand, (j['grams'], by_hand)
assert j['location']['grid']['factor'] == '$factor'"
  done
  here=$PWD
  ok "the example of the documentation" sh -c "cd '$hours' && '$frugal' carbon footprint --energy 2kWh \
    --start 2022-03-12T18:00Z --duration 3h --intensity csv:DE_2022_hourly.csv --pue 1.2 --embodied 300kg \
    --life 4y --use 8h/day --per inference=1000000 --json '$here/f.json'"
  ok "is its hours" python3 -c "
import csv, json
j = json.load(open('f.json'))['result']
rows = list(csv.reader(open('$hours/DE_2022_hourly.csv')))
column = [i for i, name in enumerate(rows[0]) if 'gCO' in name and ('LCA' in name or 'cycle' in name)][0]
mean = sum(float(r[column]) for r in rows[1:] if r[0][:13] in ('2022-03-12 18', '2022-03-12 19', '2022-03-12 20')) / 3
assert abs(j['location']['grams']['value'] - 2.4 * mean) < 1e-6, (j['location'], mean)"
else
  echo "# skipped: real hours: $hours is not there"
fi

# Wrong usage.
for wrong in '' '--energy 0kWh' '--energy -2kWh' '--energy infkWh' '--energy nanJ' '--energy 1e300kWh' \
  '--energy 2' '--energy 3-2kWh' '--energy 1kWh --run 1' '--run 0' '--run x' '--power x.csv' '--energy 1kWh --of delta' \
  '--energy 1kWh --start 2024-03-01' '--run 1 --duration 2h' '--energy 1kWh --start never --duration 1h' \
  '--energy 1kWh --start 9999-01-01 --duration 1h' '--energy 1kWh --start 2024-01-01 --duration 1500w' \
  '--energy 1kWh --start 2024-01-01 --duration 0h'; do
  ok "'$wrong' is wrong" exits 2 carbon footprint --intensity 400 $wrong
done
for wrong in '--pue 0.9' '--pue nan' '--pue 11' '--per x=0' '--per x' '--per =5' '--per x=-1' '--per x=nan' \
  '--embodied 300kg' '--life 4y' '--embodied 300kg --life 0y' '--embodied 0kg --life 4y' '--embodied -1kg --life 4y' \
  '--embodied 300kg --life 4y --use 25h/day' '--embodied 300kg --life 4y --use 0' '--embodied 300kg --life 4y --cores 9/8' \
  '--embodied 300kg --life 4y --cores 0/8' '--embodied 300kg --life 4y --cores 2/0' '--keep 1y' '--use 8h/day' '--cores 1/2' \
  '--embodied 300kg --life 101y' '--offset-price 25/t' '--offset-price 25usd/t' '--offset-price -2USD/t' \
  '--offset-price 25USDx/t' '--offset 3' '--factor both' '--fill zero' '--now then' 'word'; do
  ok "'$wrong' is wrong" exits 2 carbon footprint --energy 1kWh --start 2024-03-01 --duration 1h --intensity 400 $wrong
done
ok "hardware without a time is wrong" exits 2 carbon footprint --energy 1kWh --embodied 1kg --life 1y
ok "work longer than a life" fails_saying 1 "in its life" carbon footprint --energy 1kWh --start 2020-01-01 \
  --duration 150w --intensity 4 --embodied 9kg --life 1y
ok "an unknown grid" fails_saying 1 "'ZZ'" carbon footprint --energy 1kWh --intensity table:ZZ
timeline() { # NAME TEXT SAYS
  printf "$2" >bad.csv
  ok "$1" fails_saying 1 "$3" carbon footprint --power bad.csv --start 2024-03-01 --intensity 400
}
timeline "an empty file" '' "empty"
timeline "no columns" 'a,b\n1,2\n' "no column t_s"
timeline "only a header" 't_s,power_w\n' "no energy over time"
timeline "a time that goes back" 't_s,power_w\n1,5\n0.5,5\n' "bad.csv:3"
timeline "a time before the start" 't_s,power_w\n-1,5\n' "bad.csv:2"
timeline "energy that goes back" 't_s,energy_j\n1,5\n2,4\n' "goes back"
timeline "power below nothing" 't_s,power_w\n1,-5\n' "goes back"
timeline "no number" 't_s,power_w\n1,many\n' "is not a number"
timeline "nothing told" 't_s,power_w\n1,\n' "neither power nor energy"
timeline "an infinity" 't_s,power_w\n1,1e400\n' "finite"
timeline "too much" 't_s,power_w\n1,1e30\n' "too large"
timeline "an age" 't_s,power_w\n1e12,1\n' "bad.csv:2"
timeline "two runs" 'run,t_s,power_w\n1,1,5\n2,1.5,5\n' "another run"
for verb in footprint equivalents; do
  ok "$verb has help" exits 0 carbon $verb --help
done
finish
