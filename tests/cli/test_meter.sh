#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal meter: the command is left alone, what it cost is told, its phases are taken.
. "$(dirname "$0")/tap.sh"
export TMPDIR="$folder/tmp"
mkdir "$TMPDIR"
unset XDG_RUNTIME_DIR FRUGAL_PHASE_SOCKET FRUGAL_PHASE_FD

ok "exit 0 is passed through" exits 0 meter -- true
ok "exit 3 is passed through" exits 3 meter -- sh -c 'exit 3'
ok "a command that a signal ended is 128 + signal" exits 137 meter -- sh -c 'kill -9 $$'
ok "a command that is not there is 127" \
  fails_saying 127 "'no-such-command' cannot be run" meter -- no-such-command
echo data >"$folder/data.txt"
ok "a file that is not executable is 126" \
  fails_saying 126 "cannot be run" meter -- "$folder/data.txt"
ok "our own failure is 125" fails_saying 125 "cannot be made" \
  meter --store /proc/no/such/store -- true
ok "a CSV that cannot be written is 125, before the command runs" \
  exits 125 meter --csv "$folder/no/such.csv" -- touch "$folder/ran"
ok "and the command did not run" test ! -e "$folder/ran"
ok "no command is wrong usage" fails_saying 2 "say which command" meter
ok "options of the command are the command's" exits 0 meter sh -c 'test "$1" = --help' x --help
ok "an interval out of range is wrong usage" \
  fails_saying 2 "--interval takes a time" meter --interval 0.1ms -- true
ok "what does not go together is wrong usage" \
  fails_saying 2 "a recording" meter --replay "$folder" -- true

# stdin and stdout
head -c 3000000 /dev/urandom >"$folder/bytes"
same() { # options…
  "$frugal" meter "$@" -- cat <"$folder/bytes" 2>"$folder/err" | cmp - "$folder/bytes"
}
ok "stdin and stdout are untouched" same
ok "and so through a pattern" same --phase-pattern '^x(.*)'
ok "a reader that leaves early ends the command" timeout 20 sh -c \
  "'$frugal' meter --phase-pattern '^x(.*)' -- yes 2>/dev/null | head -n 1 | grep -qx y"
ok "the table is on stderr alone" sh -c \
  "test \"\$('$frugal' meter -- echo hello 2>'$folder/err')\" = hello &&
   grep -q '^machine' '$folder/err'"
ok "--json - goes where the table would" sh -c \
  "'$frugal' meter -q --json - -- true 2>&1 >/dev/null | sed -n '/^{/,\$p' >'$folder/j.json'"
ok "and is JSON" json "j['command'] == 'meter'" "$folder/j.json"

# signals, from Python since a shell's background jobs ignore SIGINT
cat >"$folder/send_signal.py" <<'PYTHON'
import signal, subprocess, sys, time
frugal, name, code = sys.argv[1], sys.argv[2], int(sys.argv[3])
signal.signal(getattr(signal, name), signal.SIG_DFL) # nohup ignores SIGHUP, and so would we
p = subprocess.Popen([frugal, 'meter', '-q', '--'] + sys.argv[4:], stdout=subprocess.PIPE,
                     stderr=subprocess.DEVNULL)
p.stdout.readline()
p.send_signal(getattr(signal, name))
got = p.wait(timeout=20)
assert got == code, got
PYTHON
for signal in INT:130 TERM:143 HUP:129; do
  ok "SIG${signal%:*} reaches the command" python3 "$folder/send_signal.py" "$frugal" \
    "SIG${signal%:*}" "${signal#*:}" sh -c 'echo; exec sleep 30'
done
ok "a command may end in its own way" python3 "$folder/send_signal.py" "$frugal" SIGTERM 9 \
  sh -c 'trap "exit 9" TERM; echo; while :; do sleep 0.05; done'
ok "a command that takes no notice goes on" python3 "$folder/send_signal.py" "$frugal" SIGTERM 4 \
  sh -c 'trap "" TERM; echo; sleep 0.5; exit 4'

# phases
cat >"$folder/phases.sh" <<SHELL
'$frugal' phase begin load || exit 1
sleep 0.3
echo begin inner >&\$FRUGAL_PHASE_FD
sleep 0.3
echo end inner >&\$FRUGAL_PHASE_FD
'$frugal' phase end load || exit 1
'$frugal' phase end load && exit 1
'$frugal' phase begin a/b && exit 1
sleep 0.2
SHELL
ok "phases from the shell" exits 0 meter --json "$folder/m.json" --csv "$folder/m.csv" -- \
  sh "$folder/phases.sh"
ok "nested, each with its time" json \
  "[(p['name'], p['count'], round(p['duration_s'] * 5) >= 1) for p in j['result']['phases']]
   == [('load', 1, True), ('load/inner', 1, True), ('unmarked', 0, True)]" "$folder/m.json"
ok "phases and unmarked are the total" json \
  "abs(sum(p['energy']['value'] for p in j['result']['phases'])
     - j['result']['energy']['value']) < 1e-6 and
   abs(sum(p['duration_s'] for p in j['result']['phases']) - j['result']['duration_s'])
     < 0.05" "$folder/m.json"
ok "marks that were not taken are told" json \
  "any('2 marks' in w for w in j['warnings'])" "$folder/m.json"
ok "JSON has the contract's keys" json \
  "set('energy delta program normal_w power_w core_seconds duration_s exit_code domains
        phases spikes processes'.split()) <= set(j['result']) and
   j['result']['power_w']['min'] <= j['result']['power_w']['mean']
     <= j['result']['power_w']['max'] and j['result']['exit_code'] == 0" "$folder/m.json"
ok "what is not known is null and says so" json \
  "j['result']['delta'] is None and any('delta' in w for w in j['warnings'])" \
  "$folder/m.json"
ok "the timeline has its columns" sh -c "head -n 1 '$folder/m.csv' |
  grep -qx 't_s,power_w,energy_j,program_j,core_s,marked,phase'"
ok "and a row for each sample, in order" python3 - "$folder/m.csv" "$folder/m.json" <<'PYTHON'
import csv, json, sys
rows = list(csv.DictReader(open(sys.argv[1])))
j = json.load(open(sys.argv[2]))['result']
t = [float(r['t_s']) for r in rows]
assert len(rows) >= 5 and t == sorted(t), t
assert abs(float(rows[-1]['energy_j']) - j['energy']['value']) < 0.2 * j['energy']['value']
assert any(r['phase'] == 'load/inner' for r in rows)
PYTHON
ok "a phase without a meter is one sentence" fails_saying 1 "there is no meter" phase begin x
ok "phases by the command's output" exits 0 meter --phase-pattern '^epoch ([0-9]+)' \
  --json "$folder/p.json" -- sh -c 'for i in 1 2; do echo epoch $i; sleep 0.2; done'
ok "a match ends the phase before" json \
  "[p['name'] for p in j['result']['phases']] == ['1', '2', 'unmarked'] and
   all(p['duration_s'] > 0.15 for p in j['result']['phases'][:2])" "$folder/p.json"
ok "a pattern without a group is our failure" \
  fails_saying 125 "0 groups" meter --phase-pattern 'epoch' -- true

# hostile lines: too long, without end, binary, far too many
cat >"$folder/hostile.py" <<'PYTHON'
import os, socket
def talk(data, read=True):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ['FRUGAL_PHASE_SOCKET'])
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    return s.makefile('rb').read() if read else b''
assert talk(b'begin ' + b'x' * 100000 + b'\n').startswith(b'error')
assert talk(os.urandom(50000) + b'\n').count(b'error') >= 1
assert talk(b'begin \x1b[2J\n').startswith(b'error')
talk(b'begin x\nend x\n' * 20000, read=False)
for i in range(300):
    talk(b'begin n%d\n' % i)
for i in range(300):
    talk(b'end\n')
assert talk(b'begin last\nend last\n') != b''
os.write(int(os.environ['FRUGAL_PHASE_FD']), b'\xff\xfe begin')
PYTHON
ok "hostile marks are bounded" exits 0 meter --json "$folder/h.json" -- \
  timeout 60 python3 "$folder/hostile.py"
ok "and counted" json "any('were not taken' in w for w in j['warnings'])" "$folder/h.json"

# processes
ok "the command's processes are told" exits 0 meter --json "$folder/q.json" -- \
  sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 0.3'
ok "with their core-seconds" json \
  "any(p['of_program'] and p['core_seconds']['value'] > 0 for p in j['result']['processes'])
   and sum(p['energy']['value'] for p in j['result']['processes'] if p['of_program'])
     <= j['result']['energy']['value']" "$folder/q.json"

# short, repeated, recorded
ok "a short run says so" exits 0 meter --json "$folder/s.json" -- true
ok "and offers to repeat it" json "any('--repeat auto' in w for w in j['warnings'])" \
  "$folder/s.json"
ok "repeats are counted" sh -c "rm -f '$folder/n'; '$frugal' meter -q --repeat 3 \
  --json '$folder/r.json' -- sh -c 'echo x >>\"$folder/n\"' 2>/dev/null &&
  test \"\$(wc -l <'$folder/n')\" = 3"
ok "and their mean is told" json "j['result']['repeats']['count'] == 3" "$folder/r.json"
ok "in one CSV, told apart" exits 0 meter -q --repeat 3 --csv "$folder/r.csv" -- sleep 0.05
ok "by a column" python3 - "$folder/r.csv" <<'PYTHON'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
assert list(rows[0])[:2] == ['run', 't_s'], rows[0]
assert [r['run'] for r in rows] == sorted(r['run'] for r in rows)
assert {r['run'] for r in rows} == {'1', '2', '3'}, rows
PYTHON
ok "a repeat that fails is the last" exits 5 meter --repeat 3 -- sh -c 'exit 5'
ok "which is said" grep -q 'repeat 1 of 3 ended with exit code 5' "$folder/err"
ok "the second one, too" exits 6 meter -q --repeat 4 --json "$folder/rf.json" -- \
  sh -c "echo x >>'$folder/tries'; test \$(wc -l <'$folder/tries') -lt 2 || exit 6"
ok "and is no part of the mean" json "j['result']['repeats']['count'] == 1 and
  any('repeat 2 of 4 ended with exit code 6' in w for w in j['warnings'])" "$folder/rf.json"

zone="$folder/rec/sys/class/powercap/intel-rapl:0"
mkdir -p "$zone" "$folder/rec/proc" "$folder/rec/dev"
cp /proc/stat /proc/cpuinfo "$folder/rec/proc"
echo package-0 >"$zone/name"
echo 0 >"$zone/energy_uj"
echo 262143328850 >"$zone/max_energy_range_uj"
awk 'BEGIN { print "t_ns,path,value"
  for (i = 1; i <= 400; i++) { e += (i >= 200 && i < 230 ? 60 : 20) * 100000
    printf "%.0f,/sys/class/powercap/intel-rapl:0/energy_uj,%.0f\n", i * 1e8, e } }' \
  >"$folder/rec/timeline.csv"
ok "a recording is replayed" exits 0 meter --replay "$folder/rec" --json "$folder/v.json"
ok "to its joules: 40 s of 20 W and 3 s of 40 W more" json \
  "abs(j['result']['energy']['value'] - 920) < 4 and
   abs(j['result']['power_w']['max'] - 60) < 0.1" "$folder/v.json"
ok "and its spike" json "[(round(s['start_s']), round(s['duration_s']), round(s['height_w']))
  for s in j['result']['spikes']] == [(20, 3, 40)]" "$folder/v.json"
cat >"$folder/hw.csv" <<'CSV'
Date,Time,"CPU Package Power [W]"
1.2.2026,10:00:00.000,10.0
1.2.2026,10:00:01.000,12.0
1.2.2026,10:00:02.000,14.0
1.2.2026,10:00:03.000,12.0
CSV
ok "a log of HWiNFO's is imported" exits 0 meter --import "$folder/hw.csv" \
  --json "$folder/i.json"
ok "to 12 + 14 + 12 J" json "abs(j['result']['energy']['value'] - 38) < 1e-6 and
  j['result']['energy']['source'] == 'import' and j['result']['power_w']['max'] == 14" \
  "$folder/i.json"
ok "a recording is kept" exits 0 meter --replay "$folder/rec/" -i 1s --csv "$folder/v1.csv" \
  --json "$folder/v1.json"
ok "at the interval that was asked for" sh -c "[ \$(wc -l <'$folder/v1.csv') = 41 ]"
ok "as a run" exits 0 runs show \
  "$(python3 -c "import json; print(json.load(open('$folder/v1.json'))['result']['run'])")" \
  --json "$folder/v1s.json"
ok "that is done, with its line and samples" json "j['result']['state'] == 'done' and
  j['result']['name'] == 'rec' and j['result']['samples'] == 40 and
  abs(j['result']['sampled_energy_j'] - 920) < 4 and
  len(j['result']['result']['spikes']) == 1" "$folder/v1s.json"
cp -r "$folder/rec" "$folder/soon"
echo 100000000 >"$folder/soon/sys/class/powercap/intel-rapl:0/max_energy_range_uj"
ok "an interval that a counter does not allow" exits 0 meter --replay "$folder/soon" -i 1s \
  --json "$folder/w.json"
ok "is told" json "j['result']['interval_s'] < 0.1 and
  any('sampled every 0.01 s, not 1 s' in w for w in j['warnings'])" "$folder/w.json"
cat >"$folder/gap.csv" <<'CSV'
Date,Time,"CPU Package Power [W]"
1.2.2026,10:00:00.000,10.0
1.2.2026,10:00:01.000,12.0
1.2.2026,10:00:02.000,14.0
1.2.2026,10:10:02.000,90.0
1.2.2026,10:10:03.000,12.0
CSV
ok "a log with a gap" exits 0 meter --import "$folder/gap.csv" --csv "$folder/g.csv" \
  --json "$folder/g.json"
ok "is of the time that was read" json "
  (lambda r: (r['energy']['value'], r['duration_s'], r['gap_s'], r['interval_s'],
    r['power_w']['max'], r['marked'])
   == (38, 3, 600, 1, 14, 1) and r['began'].startswith('1.2.2026') and abs(r['power_w']['mean'] * r['duration_s'] - 38) < 1e-6)
  (j['result']) and any('no energy is assumed there' in w for w in j['warnings'])" "$folder/g.json"
head -2 "$folder/gap.csv" >"$folder/row.csv"
ok "a log of one row" exits 0 meter --import "$folder/row.csv" --json "$folder/row.json"
ok "has measured nothing, which is not 0 J" json "j['result']['energy'] is None and
  j['result']['power_w'] is None and any('no two rows' in w for w in j['warnings'])" \
  "$folder/row.json"
ok "the row behind it is marked and has no power" grep -qx '602.000000,,26,,,1,' "$folder/g.csv"
ok "a recording that is not there is one sentence" \
  fails_saying 1 "no-such" meter --replay "$folder/no-such"

# normal power
ok "the normal power alone" exits 0 meter --baseline 1.5s --json "$folder/b.json"
ok "is told with its bounds" json \
  "j['result']['normal_w']['low'] <= j['result']['normal_w']['value']" "$folder/b.json"
ok "a delta with a baseline" exits 0 meter --baseline 1.5s --json "$folder/d.json" -- sleep 0.5
ok "the figures are the run's, not the baseline's" json \
  "0.4 < j['result']['duration_s'] < 1.4 and
  abs(sum(p['energy']['value'] for p in j['result']['phases'])
    - j['result']['energy']['value']) < 1e-6" "$folder/d.json"
ok "is a measure" json "j['result']['delta']['unit'] == 'J' and j['result']['normal_w']" \
  "$folder/d.json"
ok "the next run takes it up" exits 0 meter --json "$folder/e.json" -- true
ok "and says so" json "j['result']['delta']['unit'] == 'J' and
  any('normal power is that of' in w for w in j['warnings'])" "$folder/e.json"
plug='while echo 25 W; do sleep 0.05; done'
ok "the normal power of a command's meter" exits 0 meter --sensor "exec:$plug" --baseline 1s
ok "is kept for it" exits 0 meter --sensor "exec:$plug" --json "$folder/k.json" -- true
ok "as long as it is the same" json "abs(j['result']['normal_w']['value'] - 25) < 1e-6" \
  "$folder/k.json"
ok "and for no other command" exits 0 meter --sensor "exec:: other; $plug" \
  --json "$folder/k.json" -- true
ok "whose normal power is not known" json "j['result']['normal_w'] is None" "$folder/k.json"
echo '{"x": [' >"$XDG_DATA_HOME/frugal/baselines.json"
ok "a kept file that is none is passed over" exits 0 meter -- true

# a spike and its cause: a meter that prints 60 W while a burner runs, else 20 W
cp "$(readlink -f "$(command -v sh)")" "$folder/transcribe"
cat >"$folder/watts.sh" <<SHELL
while :; do
  if [ -e '$folder/loud' ]; then echo 60 W; else echo 20 W; fi
  sleep 0.05
done
SHELL
cat >"$folder/steady.sh" <<SHELL
sleep 4
touch '$folder/loud'
echo begin speech >&\$FRUGAL_PHASE_FD
timeout 2 '$folder/transcribe' -c 'while :; do :; done'
rm '$folder/loud'
echo end >&\$FRUGAL_PHASE_FD
sleep 4
SHELL
ok "a program that starts another for two seconds" exits 0 meter \
  --sensor "exec:sh '$folder/watts.sh'" --json "$folder/x.json" -- sh "$folder/steady.sh"
# beside whatever else began on this machine just then
ok "is told so by name" json "[round(s['height_w']) for s in j['result']['spikes']] == [40] and
  'transcribe' in [c['name'] for c in j['result']['spikes'][0]['causes']]" "$folder/x.json"

ok "and its phase" json "j['result']['spikes'][0]['phases'][0]['name'] == 'speech' and
  j['result']['spikes'][0]['phases'][0]['share'] > 0.5" "$folder/x.json"
ok "in the table as well" grep -q 'in phase speech' "$folder/err"

# killed, side by side
killed() {
  TMPDIR="$folder" "$frugal" meter -q --store "$folder/k.sqlite" -- \
    sh -c 'echo begin load >&$FRUGAL_PHASE_FD; exec sleep 3' 2>/dev/null &
  sleep 2
  kill -9 $!
  wait $! 2>/dev/null
  run runs list --store "$folder/k.sqlite"
  grep -q 'cut off' "$folder/out" && run runs show 1 --store "$folder/k.sqlite" &&
    cat "$folder/out" && [ "$code" = 0 ]
}
ok "a killed meter leaves its run in the store" killed
ok "whose figures say of when they are" grep -q '^figures as of [12]\.[0-9] s' "$folder/out"
ok "with its figures so far" exits 0 runs show 1 --store "$folder/k.sqlite" \
  --json "$folder/k.json"
ok "bounds, phases and spikes among them" json "
  (lambda s, r: s['state'] == 'cut off' and r['energy']['low'] <= r['energy']['value']
     <= r['energy']['high'] and r['program']['unit'] == 'J' and r['exit_code'] is None and
     s['figures']['core_seconds']['value'] >= 0 and s['figures']['energy'] == r['energy'] and
     s['duration_s'] - 1.7 < r['duration_s'] <= s['duration_s'] + 0.2 and r['spikes'] == [] and
     [p['name'] for p in r['phases']] == ['load', 'unmarked'])
  (j['result'], j['result']['result'])" "$folder/k.json"
ok "and its table" grep -q '^load' "$folder/out"
ok "with its samples" sh -c "python3 - '$folder/k.sqlite' <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
count, last = db.execute('select count(*), max(t_ns) from samples').fetchone()
assert count >= 5 and last > 0.5e9, (count, last)
PYTHON"
beside() {
  "$frugal" meter -q --store "$folder/t.sqlite" -- sleep 1 2>/dev/null &
  "$frugal" meter -q --store "$folder/t.sqlite" -- sleep 1 2>/dev/null && wait $! &&
    run runs list --store "$folder/t.sqlite" && [ "$(grep -c done "$folder/out")" = 2 ]
}
ok "two meters side by side" beside

# Prometheus
cat >"$folder/scrape.py" <<'PYTHON'
import re, socket, subprocess, sys, urllib.request
p = subprocess.Popen([sys.argv[1], 'meter', '--listen', '127.0.0.1:0', '--', 'sleep', '30'],
                     stderr=subprocess.PIPE, text=True)
port = int(re.search(r'127\.0\.0\.1:(\d+)', p.stderr.readline()).group(1))
url = 'http://127.0.0.1:%d' % port
def raw(data):
    s = socket.create_connection(('127.0.0.1', port), timeout=20)
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        return s.makefile('rb').read()
    except OSError: # it has closed already
        return b''
idle = [socket.create_connection(('127.0.0.1', port)) for _ in range(10)]
assert raw(b'garbage\r\n\r\n').startswith(b'HTTP/1.1 400')
assert raw(b'GET /metrics HTTP/1.1\r\nX: ' + b'x' * 100000)[:12] in (b'HTTP/1.1 431', b'')
assert raw(b'POST /metrics HTTP/1.1\r\n\r\n').startswith(b'HTTP/1.1 405')
assert raw(b'GET /other HTTP/1.1\r\n\r\n').startswith(b'HTTP/1.1 404')
assert raw(b'HEAD /metrics HTTP/1.0\r\n\r\n').endswith(b'\r\n\r\n')
import time
for _ in range(100): # what is not known before the first sample is left out until then
    answer = urllib.request.urlopen(url + '/metrics', timeout=20)
    text = answer.read().decode()
    if '# TYPE frugal_power_watts' in text:
        break
    time.sleep(0.1)
assert answer.headers['Content-Type'].startswith('text/plain; version=0.0.4')
for line in text.splitlines():
    assert re.fullmatch(r'# (HELP|TYPE) \w+ .*|\w+(\{\w+="[^"]*"\})? [-+.e\d]+', line), line
for name in ('frugal_energy_joules_total', 'frugal_power_watts',
             'frugal_program_energy_joules_total', 'frugal_cpu_seconds_total'):
    assert '# TYPE ' + name in text, name
p.terminate()
assert p.wait(timeout=20) == 143
PYTHON
ok "Prometheus is answered, garbage too" timeout 60 python3 "$folder/scrape.py" "$frugal"
ok "timeline and figures are two files" fails_saying 125 "one file" meter \
  --csv "$folder/same" --json "$folder/same" -- true
ok "an address that is none is our failure" \
  fails_saying 125 "--listen takes" meter --listen nowhere:1 -- true

# Between samples nothing of the meter runs: its loop's sleeps are counted.
sleeps_of() { awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$1/status"; }
rests() {
  "$frugal" meter --quiet --interval 10s -- sh -c "echo >'$folder/began'; sleep 4" \
    2>"$folder/err" &
  meter=$!
  for _ in $(seq 100); do test -s "$folder/began" || sleep 0.1; done
  sleep 0.7
  before=$(sleeps_of $meter)
  sleep 1.5
  after=$(sleeps_of $meter)
  wait $meter && test -n "$after" && test "$before" = "$after"
}
ok "nothing wakes up between samples" rests
is_kept() { # while the command sleeps
  "$frugal" meter --quiet --interval 10s --store "$folder/marks" --phase-pattern '^phase (.*)' \
    -- sh -c "echo phase one; sleep 6; echo >'$folder/over'" >"$folder/out" 2>"$folder/err" &
  meter=$!
  kept=1
  for _ in $(seq 100); do
    python3 -c 'import sqlite3, sys
rows = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute("SELECT path FROM phases")
sys.exit(list(rows) != [("one",)])' "$folder/marks" 2>"$folder/why" && kept=0 && break
    test -e "$folder/over" && break
    sleep 0.1
  done
  test ! -e "$folder/over" || kept=1
  wait $meter && return $kept
}
ok "a mark is kept within the interval" is_kept
ok "nothing is left behind" sh -c "! ls '$TMPDIR' | grep ."
finish
