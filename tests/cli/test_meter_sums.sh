#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal meter: phases, processes and samples of one run add up, whatever the run was and
# however it ended; no part is more than its whole, in no output.
. "$(dirname "$0")/tap.sh"
export TMPDIR="$folder/tmp"
mkdir "$TMPDIR"
unset XDG_RUNTIME_DIR FRUGAL_PHASE_SOCKET FRUGAL_PHASE_FD

# JSON, CSV and store of a run against each other.
cat >"$folder/sums.py" <<'PYTHON'
import csv, json, sqlite3, sys
folder = sys.argv[1]
j = json.load(open(folder + '/m.json'))
r = j['result']
last = list(csv.DictReader(open(folder + '/m.csv')))[-1]

def near(what, a, b, by=1e-6):
    assert abs(a - b) <= by * max(1, abs(b) / 100), (what, a, b)

energy, phases = r['energy']['value'], r['phases']
near('phases, J', sum(p['energy']['value'] for p in phases), energy)
near('phases, s', sum(p['duration_s'] for p in phases), r['duration_s'])
near('csv, J', float(last['energy_j']), energy)
near('csv, s', float(last['t_s']), r['duration_s'])
if r['core_seconds']:
    core_s, program = r['core_seconds']['value'], r['program']['value']
    near('phases, core-s', sum(p['core_s'] for p in phases), core_s)
    near('phases, program', sum(p['program']['value'] for p in phases), program)
    near('csv, core-s', float(last['core_s']), core_s)
    near('csv, program', float(last['program_j']), program)
if r['run']:
    db = sqlite3.connect(folder + '/m.sqlite')
    t_ns, energy_j = db.execute('select t_ns, energy_j from samples where run = ? '
                                'order by t_ns desc limit 1', (r['run'],)).fetchone()
    near('store, s', t_ns * 1e-9, r['duration_s'])
    near('store, J', energy_j, energy)
    for begin, end in db.execute('select begin_ns, end_ns from phases where run = ?',
                                 (r['run'],)):
        assert begin <= t_ns and (end or 0) <= t_ns, (begin, end, t_ns)

def inside(what, part, whole):
    slack = 1e-9 * max(1, whole['high'])
    assert 0 <= part['low'] <= part['value'] + slack, (what, part)
    assert part['value'] <= part['high'] + slack, (what, part)
    assert part['high'] <= whole['high'] + slack, (what, part, whole)

inside('energy', r['energy'], r['energy'])
if r.get('program'):
    inside('program', r['program'], r['energy'])
for p in phases:
    inside(p['name'], p['energy'], r['energy'])
    if p['program']:
        inside(p['name'], p['program'], r['program'])
for p in r['processes'] or []:
    inside(p['name'], p['energy'], r['program' if p['of_program'] else 'other_programs'])
if r['processes'] is not None:
    near('all', sum(r[k]['value'] for k in ('program', 'other_programs', 'at_rest')), energy)
    own = [p for p in r['processes'] if p['of_program']]
    near('processes', sum(p['energy']['value'] for p in own), r['program']['value'])
    near('processes, core-s', sum(p['core_seconds']['value'] for p in own),
         r['core_seconds']['value'])
PYTHON
# metered OPTIONS… -- COMMAND…
metered() {
  rm -f "$folder"/m.*
  run meter --json "$folder/m.json" --csv "$folder/m.csv" --store "$folder/m.sqlite" "$@"
  cat "$folder/err"
}
adds_up() { python3 "$folder/sums.py" "$folder"; }
metered_adds_up() { metered "$@" && adds_up; }

# without a command: however it is ended
cat >"$folder/interrupt.py" <<'PYTHON'
import os, pty, signal, subprocess, sys, time
main, end = pty.openpty()
p = subprocess.Popen(sys.argv[3:], stderr=end, stdout=subprocess.DEVNULL)
os.close(end)
until = time.monotonic() + float(sys.argv[2])
os.set_blocking(main, False)
while time.monotonic() < until:
    try:
        os.read(main, 65536)
    except BlockingIOError:
        time.sleep(0.005)
p.send_signal(getattr(signal, sys.argv[1]))
for _ in range(1000):
    try:
        os.read(main, 65536)
    except BlockingIOError:
        pass
    except OSError:
        break
    if p.poll() is not None:
        break
    time.sleep(0.01)
assert p.wait(timeout=20) in (0, 130, 143), p.returncode
PYTHON
watched() { # SIGNAL SECONDS OPTIONS…
  signal=$1 seconds=$2
  shift 2
  rm -f "$folder"/m.*
  python3 "$folder/interrupt.py" "$signal" "$seconds" "$frugal" meter --watch \
    --json "$folder/m.json" --csv "$folder/m.csv" --store "$folder/m.sqlite" "$@" && adds_up
}
ok "the machine alone adds up, interrupted" watched SIGINT 0.63
ok "and terminated, at another interval" watched SIGTERM 0.333 -i 7ms
ok "and before the first sample" watched SIGINT 0.4 -i 1s

# phases by what a command prints
ok "a pattern's phases" metered_adds_up --phase-pattern '^epoch (.*)' -- \
  sh -c 'for i in 1 2 a/b 3; do echo epoch $i; sleep 0.1; done'
ok "the last one is not left open" json "not any('open' in w for w in j['warnings'])" \
  "$folder/m.json"
ok "a name with a slash is refused as elsewhere, and told" json \
  "[p['name'] for p in j['result']['phases']] == ['1', '2', '3', 'unmarked'] and
   any(\"'a/b' is not a phase's name\" in w for w in j['warnings'])" "$folder/m.json"
ok "nor does it lengthen the phase before" json \
  "j['result']['phases'][1]['duration_s'] < 0.19" "$folder/m.json"
ok "a phase that a program left open is told" sh -c "
  '$frugal' meter -- sh -c 'echo begin x >&\$FRUGAL_PHASE_FD' 2>&1 | grep -q 'still open'"

# processes: with the model a core-second has one price, however short the program was
cat >"$folder/burn.sh" <<'SHELL'
i=0
while [ $i -lt "$1" ]; do i=$((i + 1)); done
SHELL
cat >"$folder/price.py" <<'PYTHON'
import json, sys
r = json.load(open(sys.argv[1] + '/m.json'))['result']
if r['energy']['source'] == 'model':
    price = r['program']['value'] / r['core_seconds']['value']
    open(sys.argv[1] + '/prices', 'a').write('%r\n' % price)
    prices = [float(line) for line in open(sys.argv[1] + '/prices')]
    assert max(prices) - min(prices) < 1e-4 * price, prices # core-seconds are told to 1 us
PYTHON
priced() { metered "$@" && adds_up && python3 "$folder/price.py" "$folder"; }
names() { json "'$1' in [p['name'] for p in j['result']['processes'] if p['of_program']]" \
  "$folder/m.json"; }
ok "a command that ends at once" priced -- true
ok "has its own name" names true
for loops in 300 3000 10000 100000; do
  ok "a loop of $loops" priced -- sh "$folder/burn.sh" $loops
done
ok "is named with its script" names "sh burn.sh"
ok "one that becomes another" priced -- sh -c "exec sh -c 'exec sh $folder/burn.sh 2000'"
ok "a thousand that are short" priced -- \
  sh -c 'i=0; while [ $i -lt 1000 ]; do (:); i=$((i + 1)); done'
ok "an orphan, and one that forked twice" priced -- \
  sh -c "(sh '$folder/burn.sh' 20000 & ); (( sh '$folder/burn.sh' 40000 & ) & ); sleep 0.4"
ok "a daemon that outlives the command" priced -- \
  sh -c "setsid sh '$folder/burn.sh' 300000 >/dev/null 2>&1 & sleep 0.2"
ok "two beside each other" priced -- \
  sh -c "sh '$folder/burn.sh' 60000 & sh '$folder/burn.sh' 30000; wait"
ok "one that was stopped for a while" priced -i 5ms -- sh -c \
  "sh '$folder/burn.sh' 200000 & sleep 0.05; kill -STOP \$!; sleep 0.2; kill -CONT \$!; wait"
ok "one that was killed" priced -i 20ms -- sh -c \
  "sh '$folder/burn.sh' 900000 & sleep 0.1; kill -KILL \$!; wait; exit 0"
cat >"$folder/threads.py" <<'PYTHON'
import hashlib, threading
work = [threading.Thread(target=lambda: hashlib.sha256(b'x' * (30 << 20))) for _ in range(4)]
[t.start() for t in work]
[t.join() for t in work]
PYTHON
ok "threads" priced -i 10ms -- python3 "$folder/threads.py"

# a sample between the command's end and the last one
often() { # RUNS
  for n in $(seq "$1"); do
    metered -q -i 3ms -- sh "$folder/burn.sh" $((n * 60)) && adds_up || return 1
  done
}
ok "wherever the end falls between samples" often 60

# the same with a counter, here one that prints watts
ok "a counter's energy is shared" metered_adds_up --sensor 'exec:while :; do echo 20 W; sleep 0.02; done' \
  -- sh -c "sh '$folder/burn.sh' 100000 & sh '$folder/burn.sh' 30000; wait"

# metrics: what is not known yet is left out (tests/clients reads them with a real parser)
cat >"$folder/early.py" <<'PYTHON'
import re, subprocess, sys, urllib.request
def scrape(*arguments):
    p = subprocess.Popen([sys.argv[1], 'meter', '--listen', '127.0.0.1:0', *arguments],
                         stderr=subprocess.PIPE, text=True)
    url = re.search(r'http://\S+', p.stderr.readline()).group()
    text = urllib.request.urlopen(url, timeout=20).read().decode()
    p.terminate()
    p.wait(timeout=20)
    return {l.rsplit(' ', 1)[0]: float(l.rsplit(' ', 1)[1])
            for l in text.splitlines() if l[0] != '#'}
early = scrape('-i', '10s', '--', 'sleep', '30')
assert 'frugal_power_watts' not in early and early['frugal_meter_seconds_total'] > 0, early
own = early['frugal_meter_cpu_seconds_total']
assert 0 < own < early['frugal_meter_seconds_total'], early
baseline = scrape('--baseline', '60s', '--', 'sleep', '30')
assert baseline['frugal_energy_joules_total{domain="total"}'] > 0, baseline
assert 'frugal_program_energy_joules_total' not in baseline, baseline
PYTHON
ok "metrics leave out what is not known, and are told during a baseline too" \
  timeout 60 python3 "$folder/early.py" "$frugal"
finish
