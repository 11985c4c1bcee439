#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal run --green: it really waits, pauses and goes on, by series of seconds, and leaves the
# command alone.
. "$(dirname "$0")/green.sh"

# ---- usage ----
ok "it is to be said how" fails_saying 2 "say how" run --deadline 1h -- true
ok "not both ways" fails_saying 2 "say one" run --green --slurm --deadline 1h -- true
ok "a command is needed" fails_saying 2 "say which command" run $at_once
ok "a grid is needed" fails_saying 2 "which grid" run --green --deadline 1h --duration 1s -- true
ok "the clock cannot be faked" fails_saying 2 "by the clock" \
  run $at_once --now 2020-01-01T00:00:00Z -- true
ok "it runs here" fails_saying 2 "on this machine" run $at_once --regions gcp -- true
ok "what never pauses is never resumed" fails_saying 2 "may pause" \
  run $at_once --no-pause --resume-time 5s -- true
ok "a duration is needed" fails_saying 125 "how long it takes" \
  run --green --intensity 400 --deadline 1h -- true
ok "a deadline is needed" fails_saying 125 "deadline" \
  run --green --intensity 400 --duration 1s -- true
ok "what does not fit is refused" fails_saying 125 "do not fit" \
  run --green --intensity 400 --deadline 10s --duration 1h -- touch "$folder/ran"
ok "and the command does not run" test ! -e "$folder/ran"
ok "nothing of these is kept" test -z "$(ls "$runs" 2>/dev/null)"
ok "an unknown grid is our failure" exits 125 run --green --intensity csv:/no/such.csv \
  --deadline 1h --duration 1s -- true

# ---- the command is left alone ----
ok "exit 0 is passed through" exits 0 run $at_once -- true
ok "exit 3 is passed through" exits 3 run $at_once -- sh -c 'exit 3'
ok "a signal is 128 and it" exits 137 run $at_once -- sh -c 'kill -9 $$'
ok "not found is 127" fails_saying 127 "cannot be run" run $at_once -- no-such-command
echo data >"$folder/data.txt"
ok "not executable is 126" exits 126 run $at_once -- "$folder/data.txt"
ok "options of the command are the command's" exits 0 run $at_once sh -c \
  'test "$1" = --green' x --green
head -c 300000 /dev/urandom >"$folder/bytes"
same() {
  "$frugal" run $at_once -q -- cat <"$folder/bytes" | cmp - "$folder/bytes"
}
ok "stdin and stdout are untouched" same
ok "a run that has ended leaves nothing" test -z "$(ls "$runs")"
ok "JSON goes to stderr with -" sh -c "'$frugal' run $at_once -q --json - -- true 2>&1 \
  >/dev/null | sed -n '/^{/,\$p' >'$folder/j.json'"
ok "and has its keys" json "set('id pieces asked deadline deadline_met taken_up exit_code
  duration_s waited_s paused_s pauses energy grams now planned'.split()) <= set(j['result'])
  and j['result']['deadline_met'] and len(j['result']['pieces']) == 1" "$folder/j.json"
ok "the newest finished run tells the duration" exits 0 run --green --intensity 400 \
  --deadline 1h -- true

# ---- waits, pauses, goes on ----
cat >"$folder/ticks.sh" <<'SHELL'
i=0
while [ $i -lt $1 ]; do
  date +%s.%N >>"$2"
  sleep 0.1
  i=$((i + 1))
done
SHELL
series 3 500 100 500 500 100 500 500 500 500 500
ok "it waits for clean hours and pauses in dirty ones" exits 0 run --green $grid \
  --deadline 28s --duration 5s --min-piece 1s --energy 1kJ --json "$folder/p.json" -- \
  sh "$folder/ticks.sh" 40 "$folder/ticks"
ok "saying so" grep -q "pauses for" "$folder/err"
ok "in two pieces" json "len(j['result']['pieces']) == 2 and j['result']['pauses'] == 1 and
  j['result']['waited_s'] >= 2 and j['result']['paused_s'] >= 5 and
  j['result']['deadline_met']" "$folder/p.json"
# At once: five seconds from when it was asked, which a busy machine may do late.
ok "for fewer grams than at once" python3 - "$folder/p.json" "$folder/grid.csv" <<'PYTHON'
import csv, datetime, json, sys
def seconds(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp()
result = json.load(open(sys.argv[1]))['result']
asked = seconds(result['asked'])
at_once = sum(float(r["g_per_kwh"]) * max(0, min(seconds(r["end"]), asked + 5) -
                                        max(seconds(r["start"]), asked))
              for r in csv.DictReader(open(sys.argv[2])))
assert result['grams']['value'] < 0.5 * result['now']['grams']['value']
told = result['now']['forecast']['value'] / result['planned']['grams']['value']
assert abs(told - at_once / 500) < 0.01, (told, at_once)
PYTHON
ok "the program stood still meanwhile" python3 - "$folder/ticks" "$folder/grid.csv" <<'PYTHON'
import csv, datetime, sys
ticks = [float(t) for t in open(sys.argv[1])]
rows = list(csv.DictReader(open(sys.argv[2])))
clean = [tuple(datetime.datetime.fromisoformat(r[k].replace('Z', '+00:00')).timestamp()
               for k in ('start', 'end')) for r in rows if float(r['g_per_kwh']) == 100]
assert len(ticks) == 40
inside = [t for t in ticks if any(a - 0.1 <= t <= b + 0.7 for a, b in clean)]
assert len(inside) == 40, [t - ticks[0] for t in ticks]
assert sum(b - a > 4 for a, b in zip(ticks, ticks[1:])) == 1
PYTHON

# The deadline goes first: clean hours come too late.
series 2 400 500 500 500 100 100 100 100
start=$(date +%s)
ok "what is left of the time is used when the slack is gone" exits 0 run --green $grid \
  --deadline 4s --duration 2s --no-pause --json "$folder/d.json" -- sleep 1
ok "and the deadline is met" json "j['result']['deadline_met']" "$folder/d.json"
ok "a duration that was wrong is told, and it runs on" exits 0 run --green $grid \
  --deadline 2s --duration 1s --json "$folder/l.json" -- sleep 4
ok "late" grep -q "deadline is over" "$folder/err"
ok "and in the JSON, too" json "not j['result']['deadline_met']" "$folder/l.json"

# ---- signals ----
cat >"$folder/signals.py" <<'PYTHON'
# signals.py FRUGAL CSV WHEN SIGNAL CODE: the signal while it waits, runs or is paused.
import os, signal, subprocess, sys, time
frugal, grid, when, name, code = sys.argv[1:6]
for s in (signal.SIGINT, signal.SIGHUP):
    signal.signal(s, signal.SIG_DFL)
def children(pid):
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        for p in os.listdir('/proc'):
            try:
                text = open('/proc/%s/stat' % p).read() if p.isdigit() else ''
            except OSError:
                continue
            if text and int(text.rpartition(')')[2].split()[1]) == parent:
                found.append(int(p))
                todo.append(int(p))
    return found
def state(pid):
    try:
        return open('/proc/%d/stat' % pid).read().rpartition(')')[2].split()[0]
    except OSError:
        return None
def name_of(pid):
    try:
        return open('/proc/%d/comm' % pid).read().strip()
    except OSError:
        return ''
p = subprocess.Popen([frugal, 'run', '--green', '--intensity', 'csv:' + grid, '--forecast',
                      'perfect', '--deadline', '50s', '--duration', '9s', '--min-piece', '1s',
                      '--', 'sh', '-c', 'sleep 60 & (setsid sleep 61 &) ; sleep 62; exit 7'],
                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                     start_new_session=True)
want = {'waits': 'waits', 'runs': 'starts', 'paused': 'pauses'}[when]
said = ''
while want not in said:
    said = p.stderr.readline()
    assert said, 'it ended'
time.sleep(0.3)
below = [c for c in children(p.pid)]
sleeps = [c for c in below if name_of(c) == 'sleep']
assert len(sleeps) == (0 if when == 'waits' else 3), (below, sleeps)
if when == 'paused':
    assert all(state(c) == 'T' for c in sleeps), [state(c) for c in sleeps]
p.send_signal(getattr(signal, name))
got = p.wait(timeout=20)
assert got == int(code), got
time.sleep(0.5)
stopped = [c for c in below if state(c) == 'T']
assert not stopped, stopped
left = [c for c in sleeps if state(c) not in (None, 'Z')]
for c in left: # the one with a session of its own, unless it was told, too
    os.kill(c, signal.SIGKILL)
assert len(left) <= 1, left
PYTHON
signals() {
  python3 "$folder/signals.py" "$frugal" "$folder/$1.csv" "$1" "$2" "$3"
}
fresh() { # NAME G…
  name=$1
  shift
  series 2 "$@"
  mv "$folder/grid.csv" "$folder/$name.csv"
}
high="500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500 500"
fresh waits 500 500 500 500 100 100 100 100 100 $high
ok "TERM while it waits is 143" signals waits SIGTERM 143
ok "and its deadline is kept" test -n "$(ls "$runs")"
exits 0 run --forget all
ok "until it is forgotten" test -z "$(ls "$runs")"
fresh waits 500 500 500 500 100 100 100 100 100 $high
ok "INT while it waits is 130, and nothing is kept" signals waits SIGINT 130
ok "so" test -z "$(ls "$runs")"
fresh runs 100 100 100 100 100 $high
ok "TERM while it runs reaches it" signals runs SIGTERM 143
"$frugal" run --forget all
fresh paused 500 100 100 500 500 500 100 100 500 500 500 100 100 $high
ok "TERM while it is paused continues and ends it" signals paused SIGTERM 143
"$frugal" run --forget all
fresh paused 500 100 100 500 500 500 100 100 500 500 500 100 100 $high
ok "killed while it is paused, it leaves nobody stopped" signals paused SIGKILL -9
"$frugal" run --forget all

# ---- asleep ----
cat >"$folder/asleep.py" <<'PYTHON'
import resource, subprocess, sys, time
p = subprocess.Popen(sys.argv[1:], stderr=subprocess.PIPE, text=True)
while 'waits' not in p.stderr.readline():
    pass
def ticks():
    return sum(map(int, open('/proc/%d/stat' % p.pid).read().rpartition(')')[2].split()[11:13]))
def switches():
    return sum(int(l.split()[1]) for l in open('/proc/%d/status' % p.pid) if 'ctxt' in l)
time.sleep(0.3)
before, woken = ticks(), switches()
time.sleep(3)
assert ticks() - before <= 1, ticks() - before
assert switches() - woken <= 4, switches() - woken
p.terminate()
assert p.wait(timeout=10) == 143
PYTHON
series 20 500 500 100 500 500
ok "waiting takes next to no processor time" python3 "$folder/asleep.py" "$frugal" run --green \
  $grid --deadline 90s --duration 10s -- true
# A machine that slept, or a job that was stopped, past the time to begin.
cat >"$folder/slept.py" <<'PYTHON'
import signal, subprocess, sys, time
p = subprocess.Popen(sys.argv[1:], stderr=subprocess.PIPE, text=True)
while 'waits' not in p.stderr.readline():
    pass
p.send_signal(signal.SIGSTOP)
time.sleep(4)
p.send_signal(signal.SIGCONT)
before = time.time()
said = p.stderr.read()
assert p.wait() == 0 and time.time() - before < 2.5, (time.time() - before, said)
PYTHON
series 3 500 100 100 100 500 500
ok "what slept through its time to begin does so at once" python3 "$folder/slept.py" \
  "$frugal" run --green $grid --deadline 60s --duration 3s --no-pause -- true

# ---- at a terminal ----
cat >"$folder/terminal.py" <<'PYTHON'
import os, pty, select, sys, time
frugal = sys.argv[1]
pid, fd = pty.fork()
if pid == 0:
    os.environ['PS1'] = '$ '
    os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])
seen = ''
def type_and_see(keys, text, seconds=10):
    global seen
    seen, end = '', time.time() + seconds
    os.write(fd, keys.encode())
    while text not in seen:
        assert time.time() < end, (keys, text, seen)
        if select.select([fd], [], [], 0.2)[0]:
            seen += os.read(fd, 65536).decode(errors='replace')
run = frugal + ' run --green --intensity 400 --deadline 1h --duration 10s -- '
type_and_see(run + 'sed -u s/^/heard:/\n', 'starts at')
time.sleep(0.3)
type_and_see('hello\n', 'heard:hello')
type_and_see('\x1a', 'Stopped')
type_and_see("ps -o stat= -o comm= | sed -n s/^T.*sed/stand''still/p\n", 'standstill')
type_and_see('fg\n', 'sed -u')
type_and_see('again\n', 'heard:again')
type_and_see('\x03', 'not done')
type_and_see('echo code $((100 + $?))\n', 'code 230')
type_and_see(run + "sh -c 'sleep 2; echo o$((1))ver' | cat\n", 'starts at')
time.sleep(0.3)
type_and_see('\x1a', 'Stopped')
type_and_see('fg\n', 'o1ver')
type_and_see('exit\n', 'exit')
PYTHON
if command -v bash >/dev/null; then
  ok "Ctrl-Z, fg and Ctrl-C are those of a job" timeout 60 python3 "$folder/terminal.py" "$frugal"
fi

finish
