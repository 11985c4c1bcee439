#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal meter --calibrate: what it finds, what is kept of it, and who takes it.
. "$(dirname "$0")/tap.sh"
cd "$folder" || exit 1
kept=$XDG_DATA_HOME/frugal/calibrations.json

# A meter of a machine of 20 W, and 7 W a busy processor.
cat >plug.py <<'PYTHON'
import os, time
tick = os.sysconf("SC_CLK_TCK")
def busy():
    with open("/proc/stat") as stat:
        field = stat.readline().split()
    return sum(int(field[i]) for i in (1, 2, 3, 6, 7)) / tick
then, before = time.monotonic(), busy()
while True:
    time.sleep(0.1)
    now, after = time.monotonic(), busy()
    print("%.3f W" % (20 + 7 * (after - before) / (now - then)), flush=True)
    then, before = now, after
PYTHON

# ---- what is refused ----

for wrong in 5s 2h never; do
  ok "'$wrong' is no time to calibrate for" exits 2 meter --calibrate=$wrong
done
ok "a command is not calibrated" exits 2 meter --calibrate -- true
ok "another machine is not, either" exits 2 meter --calibrate --root "$folder"
ok "what is forgotten is not looked for" exits 2 meter --calibrate=forget --sensor model
ok "the model is not its own measure" fails_saying 1 "against itself" meter --calibrate=10s \
  --sensor model
ok "a sensor that is renewed too seldom is told how long it takes" fails_saying 1 \
  "calibrate for" meter --calibrate=10s --sensor "exec:while echo 30 W; do sleep 0.5; done"
ok "nothing is kept of it" test ! -e "$kept"
ok "there is nothing to forget" exits 0 meter --calibrate=forget --json none.json
ok "and that is told" json "j['result']['forgotten'] is False" none.json

# ---- a kept file, whatever stands in it ----

"$frugal" doctor --json doctor.json >doctor.out 2>&1
# keep EXPRESSION: a calibration of this machine, changed by the expression over its row, `r`.
keep() {
  python3 -c "
import json, os, socket, sys
cpu = json.load(open('doctor.json'))['result']['model']
w = lambda v: {'value': v, 'low': 0.9 * v, 'high': 1.1 * v}
r = {'cpu': cpu['name'], 'cores': cpu['cores'], 'sensor': 'exec:plug',
     'of': 'the whole machine', 'source': 'exec', 'utc_s': 1795305600,
     'core_w': w(5), 'idle_w': w(20)}
$1
os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True)
json.dump({socket.gethostname() or 'localhost': r}, open(sys.argv[1], 'w'))" "$kept"
}
metered() { exits 0 meter --sensor model --json m.json -- true; }
rule_is() { json "j['result']['rule'].startswith('$1')" m.json; }
told() { metered && rule_is "$1" && [ "$(grep -c 'it is not used' err)" = "$2" ]; }

keep pass
ok "a calibration is taken by the meter" told calibration: 0
ok "with its date, sensor and watts" json "j['result']['rule'] == 'calibration: 2026-11-22 ' \
  'with exec:plug, the whole machine (5 W a core, 4.5-5.5; 20 W at rest, 18-22)'" m.json
ok "and by doctor" exits 0 doctor --json d.json
ok "which shows it" json "j['result']['model']['rule'].startswith('calibration:')
  and abs(j['result']['model']['core_w']['low'] - 4.5) < 1e-9
  and [s['reason'] for s in j['result']['sensors'] if s['name'] == 'model'][0]
    .startswith('calibration:')" d.json
ok "but not of another machine" exits 0 doctor --root / --json d.json
ok "which has the table's" json "'calibration' not in j['result']['model']['rule']" d.json
ok "training takes it" exits 0 train --quiet --epochs 1 --net small --json t.json \
  --data 'synthetic:subjects=3&trials=2&seconds=10'
ok "and says so" json "j['result']['rule'].startswith('calibration:')" t.json

# $1: an expression, $2: what the rule begins with then.
table=$(python3 -c "
import json; print(json.load(open('doctor.json'))['result']['model']['rule'][:5])")
for change in "r['cpu'] = 'Another Processor'" "r['cores'] += 1" "r['core_w'] = w(1e300)" \
  "r['core_w'] = w(0)" "r['core_w']['low'] = -3" "r['idle_w']['high'] = 1" \
  "del r['idle_w']" "r['sensor'] = chr(27) + '[2J'" "r['cpu'] = 'x' * 1000" "r = 7" \
  "r['utc_s'] = 'today'" "r['core_w']['value'] = float('nan')" "r['source'] = 'oracle'"; do
  keep "$change"
  ok "passed over with a warning: $change" told "$table" 1
done
keep pass
size=$(wc -c <"$kept")
cp "$kept" whole
cut_off() {
  for at in $(seq 1 37 $((size - 1))); do
    head -c "$at" whole >"$kept"
    told "$table" 1 || return 1
  done
}
ok "passed over with a warning: a file that was cut off" cut_off
head -c 2000000 /dev/zero >"$kept"
ok "passed over with a warning: two million zeros" told "$table" 1
: >"$kept"
ok "passed over with a warning: an empty file" told "$table" 1
ok "what cannot be used can be forgotten" exits 0 meter --calibrate=forget --quiet
ok "and is no longer told" told "$table" 0
keep pass
ok "a calibration is forgotten" exits 0 meter --calibrate=forget --json f.json
ok "which is told" json "j['result']['forgotten'] is True" f.json
ok "the table is back" told "$table" 0

# ---- stopped ----

keep pass
cp "$kept" whole
export frugal
ok "Ctrl-C ends it, and leaves what was kept" python3 -c "
import os, signal, subprocess, time
p = subprocess.Popen([os.environ['frugal'], 'meter', '--calibrate=60s', '--sensor',
                      'exec:python3 plug.py'], stderr=subprocess.PIPE, text=True)
time.sleep(2)
p.send_signal(signal.SIGINT)
said = p.communicate(timeout=5)[1]
assert p.returncode == 1 and 'was stopped' in said, said
assert open('$kept').read() == open('whole').read()"
rm "$kept"

# ---- a machine of 20 W and 7 W a busy processor ----

"$frugal" meter --sensor model --baseline=1s --quiet >log 2>&1
run meter --calibrate=20s --sensor "exec:python3 plug.py --token=secret" --json c.json
if [ "$code" = 1 ] && grep -q 'not quiet\|never at rest\|calibrate for' err; then
  echo "# skipped: this machine is too busy to be calibrated: $(cat err)"
  finish
  exit
fi
ok "a machine is calibrated against a meter" test "$code" = 0
ok "to the watts that the meter has" json \
  "j['result']['calibration']['core_w']['low'] <= 7
     <= j['result']['calibration']['core_w']['high']
   and j['result']['calibration']['idle_w']['low'] <= 20
     <= j['result']['calibration']['idle_w']['high']" c.json
ok "narrowly" json "j['result']['calibration']['core_w']['high']
   - j['result']['calibration']['core_w']['low'] <= 2.8" c.json
ok "without the command's arguments" sh -c "! grep -q secret c.json '$kept'"
ok "a normal power of the table's model is not taken with it" metered
ok "so there is no delta" json "j['result']['delta'] is None" m.json

# The meter meters the meter: a burner beside whatever else runs.
ok "a burner is metered by both" exits 0 meter --sensor "exec:python3 plug.py" \
  --json plug.json -- "$frugal" meter --sensor model --json model.json -- \
  python3 -c "
import time
end = time.monotonic() + 4
while time.monotonic() < end: pass"
ok "who agree" python3 -c "
import json
plug, model = (json.load(open(f))['result'] for f in ('plug.json', 'model.json'))
a, b = (r['energy']['value'] / r['duration_s'] for r in (plug, model))
low, high = (model['energy'][k] / model['duration_s'] for k in ('low', 'high'))
assert abs(a / b - 1) < 0.06 and low * 0.95 <= a <= high * 1.05, (low, b, high, a)"
finish
