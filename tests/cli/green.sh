# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests of frugal run: a grid of seconds, and a place for what is kept.
. "$(dirname "$0")/tap.sh"
export XDG_STATE_HOME="$folder/state"
unset XDG_CONFIG_HOME
runs="$folder/state/frugal/run"

# series FILE STEP G…: an hour of the first one, then a step for each, from now on.
cat >"$folder/series.py" <<'PYTHON'
import datetime, sys, time
name, step, grams = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
t = int(time.time())
def iso(s):
    return datetime.datetime.fromtimestamp(s, datetime.timezone.utc).strftime('%FT%TZ')
with open(name, 'w') as f:
    f.write('start,end,g_per_kwh\n%s,%s,%s\n' % (iso(t - 3600), iso(t), grams[0]))
    for g in grams:
        f.write('%s,%s,%s\n' % (iso(t), iso(t + step), g))
        t += step
PYTHON
series() {
  python3 "$folder/series.py" "$folder/grid.csv" "$@"
}
grid="--intensity csv:$folder/grid.csv --forecast perfect"
at_once="--green --intensity 400 --deadline 1h --duration 1s"

# until TEXT FILE: waits for it, ten seconds at most.
until_says() {
  i=0
  until grep -q -e "$1" "$2" 2>/dev/null; do
    i=$((i + 1))
    [ $i -lt 200 ] || { echo "no '$1' in:"; cat "$2"; return 1; }
    sleep 0.05
  done
}
