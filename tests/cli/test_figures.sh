#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal meter: the power and energy of one run in its table, JSON, CSV, store and `frugal
# runs show` are the same, and are what must be true of them.
. "$(dirname "$0")/tap.sh"
cd "$folder" || exit 1
store="$folder/m.sqlite"

cat >check.py <<'PYTHON'
import csv, json, math, sqlite3
r = json.load(open('m.json'))['result']
rows = list(csv.DictReader(open('m.csv')))
power, energy = r['power_w'], r['energy']

def near(what, a, b, by=1e-5):
    assert abs(a - b) <= max(by * abs(b), 1e-6), (what, a, b)

def fit(samples):
    """Least and most: of samples that are not marked and half an interval long."""
    found, before = [], 0
    for t, watts, marked in samples:
        if watts is not None and not marked and t - before >= r['interval_s'] / 2:
            found.append(watts)
        before = t
    return found

def check_range(what, samples):
    found = fit(samples)
    if found:
        near(what + ' least', min(found + [power['mean']]), power['min'])
        near(what + ' most', max(found + [power['mean']]), power['max'])

near('mean', power['mean'], energy['value'] / r['duration_s'])
assert power['min'] <= power['mean'] <= power['max'], power
assert energy['low'] <= energy['value'] <= energy['high'], energy
assert len(rows) == r['samples'], (len(rows), r['samples'])
check_range('csv', [(float(x['t_s']), float(x['power_w']) if x['power_w'] else None,
                     x['marked'] == '1') for x in rows])
near('csv, J', float(rows[-1]['energy_j']), energy['value'])
near('csv, s', float(rows[-1]['t_s']), r['duration_s'])
joules = [float(x['energy_j']) for x in rows]
assert joules == sorted(joules)

# The table has three or four digits.
words = next(line for line in open('m.txt') if line.startswith('power ')).split()
near('table, mean', float(words[1]), power['mean'], 1e-2)
near('table, least', float(words[4]), power['min'], 1e-2)
near('table, most', float(words[7]), power['max'], 1e-2)

if r['run']:
    db = sqlite3.connect('m.sqlite')
    kept = db.execute('select t_ns, power_w, marked, energy_j from samples where run = ?'
                      ' order by t_ns', (r['run'],)).fetchall()
    assert len(kept) == len(rows)
    check_range('store', [(t * 1e-9, watts, marked) for t, watts, marked, _ in kept])
    near('store, J', kept[-1][3], energy['value'])
    shown = json.load(open('show.json'))['result']
    for key in 'min', 'mean', 'max':
        near('show, ' + key, shown['power_w'][key], power[key])
    near('show, J', shown['sampled_energy_j'], energy['value'])
    near('show, s', shown['duration_s'], r['duration_s'])
    near('show, figure', shown['figures']['energy']['value'], energy['value'])

if energy['source'] == 'model' and r['program']:
    db = json.load(open('doctor.json'))['result']['model']
    core_w = db['core_w']['value']
    near('program', r['program']['value'], r['core_seconds']['value'] * core_w, 1e-4)
    assert r['program']['value'] <= energy['value'] * (1 + 1e-9)
    rest_w = db['cores'] * db['idle_w']['value']
    full_w = rest_w + db['cores'] * core_w
    for x in rows:
        assert rest_w - 1e-6 <= float(x['power_w']) <= full_w + 1e-4, x
PYTHON

# agree ARGUMENTS…: all outputs of a run.
agree() {
  rm -f m.json m.csv show.json
  exits 0 meter --store "$store" --json m.json --csv m.csv "$@" || return 1
  cp "$folder/out" m.txt
  [ -s m.txt ] && grep -q '^power ' m.txt || cp "$folder/err" m.txt
  id=$(python3 -c "import json; print(json.load(open('m.json'))['result']['run'] or '')")
  [ -z "$id" ] || "$frugal" runs show "$id" --store "$store" --json show.json >/dev/null ||
    return 1
  python3 check.py
}

"$frugal" doctor --json doctor.json >/dev/null
burn='i=0; while [ $i -lt LOOPS ]; do i=$((i + 1)); done'
for loops in 100 3000 30000 300000; do
  command=$(echo "$burn" | sed "s/LOOPS/$loops/")
  ok "a program of $loops loops" agree --sensor model -- sh -c "$command"
done
for interval in 1ms 10ms 30ms 0.2 10; do
  ok "samples of $interval" agree --sensor model --interval $interval -- sleep 0.5
done

watts='while echo 25 W; do sleep 0.05; done'
joules='j=0; while echo $j J; do j=$((j + 10)); sleep 0.2; done'
ok "watts of a command" agree --sensor "exec:$watts" -- sleep 0.55
ok "joules of a command" agree --sensor "exec:$joules" --interval 50ms -- sleep 1.33
ok "no power before it is known" sh -c 'sed -n 2p m.csv | grep -q "^[0-9.]*,,"'
mark='m() { echo "$1" >&$FRUGAL_PHASE_FD; }
sleep 0.3; m "begin a"; sleep 0.3; m "end a"; sleep 0.3'
ok "phases of a counter that is renewed twice a second" agree --interval 20ms \
  --sensor "exec:j=0; while echo \$j J; do j=\$((j + 10)); sleep 0.5; done" -- sh -c "$mark; sleep 1"
ok "have the energy of their time within their bounds" json "all(
  p['energy']['low'] <= j['result']['power_w']['mean'] * p['duration_s'] <= p['energy']['high']
  for p in j['result']['phases'])" m.json
ok "a command that is renewed too late" exits 0 meter --store "$store" --json m.json \
  --csv m.csv --sensor 'exec:echo 5 J; sleep 20' -- sleep 0.2
ok "has measured nothing, which is not 0 J" json \
  "j['result']['energy'] is None and j['result']['power_w'] is None" m.json

# 20 W; three seconds of a gap with 40 W; then 20 W; the last sample is short.
zone=sys/class/powercap/intel-rapl:0
mkdir -p "gap/$zone"
echo package-0 >"gap/$zone/name"
echo 262143328850 >"gap/$zone/max_energy_range_uj"
echo 1000 >"gap/$zone/energy_uj"
python3 - "$zone" >gap/timeline.csv <<'PYTHON'
import sys
path, uj = sys.argv[1] + '/energy_uj', 1000
print('t_ns,path,value')
for ms in range(10, 8010, 10):
    gap = 2000 < ms <= 5000
    uj += 400000 if gap else 200000
    print('%d000000,%s,%s' % (ms, path, '!EIO' if gap else uj))
PYTHON
for interval in 10ms 0.1 0.3 7; do
  ok "a recording with a gap, samples of $interval" agree --replay gap --interval $interval
done
finish
