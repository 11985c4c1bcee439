#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What frugal run keeps, and takes up after it was killed; what it hands to Slurm.
. "$(dirname "$0")/green.sh"

# ---- what is kept ----
series 20 500 500 100 500 500
"$frugal" run --green $grid --deadline 90s --duration 10s -- true 2>"$folder/err1" &
other=$!
until_says waits "$folder/err1"
kill -TERM $other
wait $other
ok "what waits is listed" exits 0 run --list --json "$folder/list.json"
ok "as cut off, with what it was" json "[(r['state'], r['command'], r['process'])
  for r in j['result']['runs']] == [('cut off', ['true'], None)]" "$folder/list.json"
ok "one of another name is not there" fails_saying 1 "there is no run" run --forget 0123456789abcdef
id=$(ls "$runs")
ok "the state is nobody else's" sh -c "[ \$(stat -c %a '$runs') = 700 ] &&
  [ \$(stat -c %a '$runs/$id') = 700 ]"
ok "and holds nothing of the environment" sh -c "! grep -q '$folder/data' '$runs/$id/state.json'"
"$frugal" run $grid --green --deadline 90s --duration 10s -- true 2>"$folder/err2" &
other=$!
until_says 'waits\|goes on' "$folder/err2"
ok "two at once are refused" fails_saying 125 "another frugal run" run $grid --green \
  --deadline 90s --duration 10s -- true
ok "and one at work is not forgotten" fails_saying 1 "is at work" run --forget "$id"
ok "it was taken up" grep -q "stays" "$folder/err2"
kill -INT $other 2>/dev/null || kill -TERM $other
kill -TERM $other 2>/dev/null
wait $other
"$frugal" run --forget all
echo '{"format": 1, "parts": [' >"$folder/broken.json"
mkdir -p "$runs/0123456789abcdef"
cp "$folder/broken.json" "$runs/0123456789abcdef/state.json"
ok "a broken state is told" sh -c "'$frugal' run --list 2>&1 | grep -q 'no state'"
ok "and can be forgotten" exits 0 run --forget 0123456789abcdef --json "$folder/f.json"
ok "which JSON tells" json "j['result'] == {'forgotten': ['0123456789abcdef']}" "$folder/f.json"

# ---- killed with -9, taken up to the same bits ----
mkdir "$folder/bin"
ln -s "$frugal" "$folder/bin/frugal"
export PATH="$folder/bin:$PATH"
train="frugal train --data synthetic:subjects=3 --net small --patience 0 --no-test -q"
cat >"$folder/weights.py" <<'PYTHON'
import struct, sys
def weights(name):
    b = open(name, 'rb').read()
    return b[8 + struct.unpack('<Q', b[:8])[0]:]
assert weights(sys.argv[1]) == weights(sys.argv[2])
PYTHON
cd "$folder" || exit 1
$train --epochs 100 -o whole.safetensors >/dev/null 2>&1
series 3 100 500 100 500 100 500 100 500 100 500 100 500 100
green="run --green $grid --deadline 32s --duration 8s --min-piece 1s"
frugal $green -- $train --epochs 100 -o cut.safetensors >/dev/null 2>"$folder/cut.err" &
run=$!
until_says "starts" "$folder/cut.err"
i=0
while ! ls "$runs"/*/checkpoint/*.safetensors >/dev/null 2>&1 && [ $i -lt 100 ]; do
  sleep 0.05
  i=$((i + 1))
done
kill -9 $run $(pgrep -P $run) 2>/dev/null
wait $run 2>/dev/null
ok "what was killed with -9 is listed as cut off" sh -c \
  "frugal run --list --json - | grep -q 'cut off'"
ok "the same command line takes it up" exits 0 $green --json "$folder/t.json" -- \
  $train --epochs 100 -o cut.safetensors
ok "saying so" grep -q "goes on with this command line" "$folder/err"
ok "in several pieces" json "j['result']['taken_up'] and len(j['result']['pieces']) >= 2 and
  not any(p['lost'] for p in j['result']['pieces'])" "$folder/t.json"
ok "to the bits of a run that was never interrupted" \
  python3 "$folder/weights.py" whole.safetensors cut.safetensors
ok "and its checkpoints are gone" test -z "$(ls "$runs")"
frugal run $at_once -- $train --epochs 100 -o term.safetensors >/dev/null 2>"$folder/term.err" &
run=$!
until_says "starts" "$folder/term.err"
i=0
while ! ls "$runs"/*/checkpoint/*.safetensors >/dev/null 2>&1 && [ $i -lt 100 ]; do
  sleep 0.05
  i=$((i + 1))
done
kill -TERM $run
wait $run
code=$?
ok "TERM ends a frugal command with a checkpoint, and its exit code" test $code = 1
ok "which the same command line goes on from" exits 0 run $at_once --json "$folder/g.json" -- \
  $train --epochs 100 -o term.safetensors
ok "to the same bits" python3 "$folder/weights.py" whole.safetensors term.safetensors
ok "with what both pieces took" json "len(j['result']['pieces']) == 2 and
  all(p['energy'] for p in j['result']['pieces'])" "$folder/g.json"
$train --epochs 1 --checkpoint own >/dev/null 2>&1
ok "a folder that holds an earlier run is refused" fails_saying 1 "holds" \
  run $at_once -q -- $train --epochs 2 --checkpoint own
ok "again, since --resume is the user's to say" exits 1 run $at_once -q -- \
  $train --epochs 2 --checkpoint own
ok "a foreign program begins anew" sh -c "
  frugal run --green --intensity 400 --deadline 1h --duration 1s -- sleep 3 2>'$folder/f.err' &
  p=\$!; sleep 0.5; kill -9 \$p \$(pgrep -P \$p); wait \$p
  frugal run --green --intensity 400 --deadline 1h --duration 1s --json '$folder/f.json' -- \
    sleep 3 2>'$folder/f.err' && grep -q 'begins anew' '$folder/f.err'"
ok "and what it had cost is not forgotten" json \
  "[p['lost'] for p in j['result']['pieces']] == [True, False]" "$folder/f.json"

# ---- Slurm ----
cat >"$folder/bin/sbatch" <<'PYTHON'
#!/usr/bin/env python3
import json, os, sys
log = os.environ['SBATCH_LOG']
with open(log, 'a') as f:
    f.write(json.dumps({'argv': sys.argv[1:], 'script': sys.stdin.read()}) + '\n')
if os.environ.get('SBATCH_FAILS'):
    sys.exit('sbatch: error: Invalid partition')
print('%d;cluster' % (100 + sum(1 for _ in open(log))))
PYTHON
chmod +x "$folder/bin/sbatch"
export SBATCH_LOG="$folder/sbatch.log" TZ=Europe/Berlin
series 600 500 100 500 100 500 500 500 500
ok "Slurm gets one job" exits 0 run --slurm $grid --deadline 1h --duration 10m --no-pause \
  --slurm-option=--partition=short --json "$folder/s.json" -- \
  printf '<%s>' "it's" '$(exit 1)' '' 'a
#SBATCH --bad' '\\'
ok "and its id is told" json "[r['id'] for r in j['result']['jobs']] == ['101']" "$folder/s.json"
ok "what is saved as a share, and no grams of an energy that nobody told" json "j['result']['grams'] is None and
  '80 % less than at once;' in j['result']['advice'] and 'gCO2e' not in j['result']['advice']" "$folder/s.json"
ok "which begins when the grid is clean, for so long" python3 - "$SBATCH_LOG" "$folder/grid.csv" <<'PYTHON'
import csv, datetime, json, subprocess, sys, zoneinfo
job = json.loads(open(sys.argv[1]).readline())
clean = [r for r in csv.DictReader(open(sys.argv[2])) if float(r['g_per_kwh']) == 100][0]
at = datetime.datetime.fromisoformat(clean['start'].replace('Z', '+00:00'))
local = at.astimezone(zoneinfo.ZoneInfo('Europe/Berlin')).strftime('%Y-%m-%dT%H:%M:%S')
assert '--begin=' + local in job['argv'], (local, job['argv'])
assert '--time=10' in job['argv'] and job['argv'][-1] == '--partition=short'
assert job['script'].startswith('#!/bin/sh\n')
said = subprocess.run(['sh'], input=job['script'].encode(), capture_output=True).stdout
assert said == b"<it's><$(exit 1)><><a\n#SBATCH --bad><\\\\>", said
PYTHON
rm "$SBATCH_LOG"
ok "a frugal command is a chain of pieces" exits 0 run --slurm $grid --deadline 1h \
  --duration 20m --min-piece 5m -- frugal train --data synthetic: -o m.safetensors
ok "each after the one before, from its checkpoint" python3 - "$SBATCH_LOG" <<'PYTHON'
import json, sys
jobs = [json.loads(line) for line in open(sys.argv[1])]
assert len(jobs) == 2
assert '--dependency=afterany:101' in jobs[1]['argv'] and '--requeue' in jobs[1]['argv']
assert not any('dependency' in w for w in jobs[0]['argv'])
assert 'timeout --signal=TERM 600 ' in jobs[0]['script'] and 'timeout' not in jobs[1]['script']
assert all("'--checkpoint'" in j['script'] and "'--resume'" in j['script'] for j in jobs)
assert 'run --forget' in jobs[1]['script']
PYTHON
ok "it is not handed over twice" fails_saying 125 "handed to Slurm" run --slurm $grid \
  --deadline 1h --duration 20m --min-piece 5m -- frugal train --data synthetic: -o m.safetensors
"$frugal" run --forget all
ok "what sbatch refuses is our failure" sh -c "export SBATCH_FAILS=1
  '$frugal' run --slurm --intensity 400 --deadline 1h --duration 1m -- true 2>'$folder/e'
  [ \$? = 125 ] && grep -q 'Invalid partition' '$folder/e' && grep -q 'did not take' '$folder/e'"
ok "and leaves nothing" test -z "$(ls "$runs")"
rm "$folder/bin/sbatch"
ok "without sbatch it says so" sh -c "PATH='$folder/bin'
  '$frugal' run --slurm --intensity 400 --deadline 1h --duration 1m -- true 2>&1 |
  /usr/bin/grep -q 'no sbatch'"

finish
