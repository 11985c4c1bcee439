#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal meter: who caused a spike is told by name, live, from the processes of this machine.
. "$(dirname "$0")/tap.sh"
export TMPDIR="$folder/tmp"
mkdir "$TMPDIR"
unset XDG_RUNTIME_DIR FRUGAL_PHASE_SOCKET FRUGAL_PHASE_FD

# Programs of known names, and a wall meter of a machine on which they alone run: 20 W and 60 W
# for each core that they use, whatever else this machine is at.
for name in steady transcribe launcher; do
  cp "$(readlink -f "$(command -v sh)")" "$folder/$name"
done
cat >"$folder/watts.py" <<'PYTHON'
import os, sys, time
used = {}
def look():
    for pid in os.listdir('/proc'):
        try:
            if not pid.isdigit() or \
               open('/proc/%s/comm' % pid).read().strip() not in sys.argv[2:]:
                continue
            if os.readlink('/proc/%s/exe' % pid).startswith(sys.argv[1]):
                used[pid] = int(open('/proc/%s/schedstat' % pid).read().split()[0]) * 1e-9
        except OSError:
            pass
    return time.monotonic(), sum(used.values())
t, core_s = look()
while True:
    time.sleep(0.08)
    now, then = look(), (t, core_s)
    t, core_s = now
    print('%.2f W' % (20 + 60 * (now[1] - then[1]) / (now[0] - then[0])), flush=True)
PYTHON
# a load of a third of a core or so, all the time
cat >"$folder/steady.sh" <<'SHELL'
while :; do
  i=0
  while [ $i -lt 4000 ]; do i=$((i + 1)); done
  sleep 0.02
done
SHELL
# launcher SECONDS: starts a transcriber for so long, and waits
cat >"$folder/launcher.sh" <<SHELL
sleep 5
timeout \$1 '$folder/transcribe' -c 'while :; do :; done'
sleep 5
SHELL

meter() { # COMMAND…: its text in $folder/out, its JSON in $folder/j.json
  rm -f "$folder/j.json"
  "$frugal" meter --json "$folder/j.json" --sensor \
    "exec:exec python3 '$folder/watts.py' '$folder' steady transcribe launcher" \
    -- "$@" 2>"$folder/out" >/dev/null
}

# The spike is the one with the most energy. Programs that this machine runs beside the test may
# rise in it, too, and more where they leave no core to the transcriber: of those that this wall
# meter is fed by the transcriber is the first, and in one of three runs among the five told.
cat >"$folder/first.py" <<'PYTHON'
import json, sys
spikes = json.load(open(sys.argv[1]))['result']['spikes']
most = max(spikes, key=lambda s: s['energy']['value'])
causes = [c['name'] for c in most['causes'] if c['name'] in ('steady', 'transcribe', 'launcher')]
assert causes[0] == 'transcribe' and 2 < most['duration_s'] < 5, most
PYTHON
named_first() { # COMMAND…
  for attempt in 1 2 3; do
    "$@" && python3 "$folder/first.py" "$folder/j.json" && return
  done
  return 1
}

ok "a program that starts a transcriber for three seconds is told so by name" \
  named_first meter "$folder/launcher" "$folder/launcher.sh" 3
ok "for people too" grep -q '^spikes  *+.* W at .* s for .*: by [a-z(]' "$folder/out"

"$folder/steady" "$folder/steady.sh" &
steady=$!
ok "a burner started beside a steady load is named first" \
  named_first meter "$folder/launcher" "$folder/launcher.sh" 3
kill $steady
wait $steady 2>/dev/null

# the steady load is the program's own, and the burner is another program
cat >"$folder/beside.sh" <<SHELL
'$folder/steady' '$folder/steady.sh' &
sleep 13
kill \$!
SHELL
other() {
  "$folder/launcher" "$folder/launcher.sh" 3 &
  meter sh "$folder/beside.sh"
  wait
}
ok "so is one that the program did not start" named_first other
finish
