#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Frames on stdin become signs on stdout, a line each and at once; bad lines; interrupts.
. "$(dirname "$0")/tap.sh"
model="$folder/model.safetensors"

# Two signs, each a channel that is up; the rest is noise around nothing: class "no sign".
python3 - "$folder" <<'END'
import json, random, struct, sys
random.seed(1)
folder = sys.argv[1]
def frame(sign):
    return [round((1.0 if sign == k else 0.0) + random.gauss(0, 0.1), 4) for k in range(2)]
signs = ['wave', 'nod', 'no sign']
with open(folder + '/signs.csv', 'w') as f:
    print('sign,trial,x,y', file=f)
    for trial in range(18):
        for _ in range(40):
            print(signs[trial % 3], trial // 3, *frame(trial % 3), sep=',', file=f)
stream = [2] * 40 + [0] * 20 + [2] * 40 + [1] * 20 + [2] * 40
frames = [frame(sign) for sign in stream]
with open(folder + '/frames.jsonl', 'w') as f:
    for i in frames:
        print(json.dumps(i), file=f)
with open(folder + '/timed.jsonl', 'w') as f:
    for i, values in enumerate(frames):
        print(json.dumps({'t': 100 + i / 20, 'frame': values}), file=f)
with open(folder + '/frames.f32', 'wb') as f:
    for i in frames:
        f.write(struct.pack('2f', *i))
bad = [json.dumps(i) for i in frames]
bad[10:10] = ['nonsense', '[1,2,3]', '\xff\x80']
open(folder + '/bad.jsonl', 'w', encoding='latin-1').write('\n'.join(bad) + '\n')
END

# recognize INPUT ARGUMENTS…
recognize() {
  input=$1
  shift
  code=0
  "$frugal" recognize "$model" "$@" <"$input" >"$folder/out" 2>"$folder/err" || code=$?
  [ "$code" = 0 ] || cat "$folder/err"
  return "$code"
}

# signs EXPRESSION: over the lines, as `s`.
signs() {
  python3 -c "
import json, sys
s = [json.loads(i) for i in open(sys.argv[2])]
assert eval(' '.join(sys.argv[1].split())), s" "$1" "$folder/out"
}

ok "a model is trained" exits 0 train --data "csv:$folder/signs.csv?label=sign&trial=trial&rate=20" \
  --task gesture --window 10 --step 2 --net 'conv1d(4,3) relu avgpool(all) dense(classes)' --epochs 40 \
  --learning-rate 0.05 --quiet -o "$model"
ok "lines of JSON are recognised" recognize "$folder/frames.jsonl" --json "$folder/j.json"
ok "each sign is told once, in its order" signs "[i['sign'] for i in s] == ['wave', 'nod']"
ok "with the keys that were promised" signs \
  "all(list(i) == ['sign', 'confidence', 'start_s', 'end_s', 'said_s'] for i in s)"
ok "where it was" signs \
  "abs(s[0]['start_s'] - 2) < 0.4 and abs(s[0]['end_s'] - 3) < 0.4 and
   abs(s[1]['start_s'] - 5) < 0.4 and abs(s[1]['end_s'] - 6) < 0.4"
cp "$folder/out" "$folder/first"
ok "the figures are there" json "(lambda r: r['frames'] == 160 and r['signs'] == 2 and
  r['skipped'] == 0 and r['stream_s'] == 8 and r['rate_hz'] == 20 and
  0 < r['real_time_factor'] < 1 and r['operations'] < r['window_operations'] and
  0 < r['frame_us']['median'] <= r['frame_us']['p95'] <= r['frame_us']['p99'] and
  r['parse_us']['median'] > 0 and r['program_per_frame']['unit'] == 'J' and
  r['per_hour']['delta']['source'] in ('model', 'exec') and
  {'open', 'read', 'recognize'} <= {p['name'] for p in r['phases']} and
  abs(r['per_hour']['program']['value'] / (r['program_per_frame']['value'] * 72000) - 1)
  < 1e-6)(j['result'])" "$folder/j.json"
ok "raw numbers give the same" recognize "$folder/frames.f32" --raw f32
ok "to the bit" cmp "$folder/out" "$folder/first"
ok "times are taken from the frames" recognize "$folder/timed.jsonl"
ok "and stand in the lines" signs "len(s) == 2 and abs(s[0]['start_s'] - 102) < 0.4"

bad_line() {
  ! "$frugal" recognize "$model" <"$folder/bad.jsonl" >"$folder/out" 2>"$folder/err" &&
    grep -q "line 11: 'nonsense' where an array" "$folder/err"
}
ok "a bad line ends it with its number" bad_line
ok "--skip-bad goes on" recognize "$folder/bad.jsonl" --skip-bad --json "$folder/j.json"
ok "to the same signs" signs "[i['sign'] for i in s] == ['wave', 'nod']"
ok "and counts them" json "j['result']['skipped'] == 3 and j['result']['frames'] == 160 and
  any('no frames: 3' in w and 'line 11' in w for w in j['warnings'])" "$folder/j.json"
python3 - "$folder" <<'END'
import json, sys
folder = sys.argv[1]
lines = [json.loads(i) for i in open(folder + '/timed.jsonl')]
with open(folder + '/slow.jsonl', 'w') as f:
    for i in lines[::2]:
        print(json.dumps(i), file=f)
END
printf '\377\200\n' >"$folder/bytes.jsonl"
ok "bytes that are no text are counted, too" recognize "$folder/bytes.jsonl" --skip-bad \
  --json "$folder/j.json"
ok "and told" json "any('no frames: 1' in w and 'line 1' in w for w in j['warnings'])" "$folder/j.json"
ok "frames at half the rate give the same signs" recognize "$folder/slow.jsonl"
ok "at the same times" signs "[i['sign'] for i in s] == ['wave', 'nod'] and
  abs(s[0]['start_s'] - 102) < 0.4 and abs(s[1]['end_s'] - 106) < 0.4"
ok "and are warned of" grep -q 'come at 10 Hz, the model takes 20' "$folder/err"
ok "--rate says so of frames without times" recognize "$folder/frames.f32" --raw f32 --rate 10 \
  --json "$folder/j.json"
ok "whose stream then is twice as long" json "j['result']['stream_s'] == 16 and
  j['result']['rate_hz'] == 20" "$folder/j.json"
ok "no frames are no signs" recognize /dev/null --json "$folder/j.json"
ok "and no figures" json "(lambda r: r['frames'] == 0 and r['per_hour'] is None and
  r['frame_us']['median'] is None and r['real_time_factor'] is None)(j['result'])" \
  "$folder/j.json"
truncated() {
  head -c 1005 "$folder/frames.f32" >"$folder/cut.f32"
  ! "$frugal" recognize "$model" --raw f32 <"$folder/cut.f32" >/dev/null 2>"$folder/err" &&
    grep -q 'frame 126 ends after 5 of its 8 bytes' "$folder/err"
}
ok "raw frames that are cut off are said" truncated

# A pipe that stays open: the first sign is there before the stream goes on; an interrupt
# ends it well.
ok "a sign is told at once, and an interrupt ends it well" python3 - "$frugal" "$model" "$folder" <<'END'
import json, os, select, signal, subprocess, sys, time
frugal, model, folder = sys.argv[1:]
lines = open(folder + '/frames.jsonl').readlines()
p = subprocess.Popen([frugal, 'recognize', model, '--json', folder + '/i.json'],
                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
for line in lines[:100]:
    p.stdin.write(line.encode())
p.stdin.flush()
assert select.select([p.stdout], [], [], 30)[0], 'nothing was told'
assert json.loads(p.stdout.readline())['sign'] == 'wave'
p.stdin.write(b'[0.5,')   # half a line
p.stdin.flush()
time.sleep(0.3)
p.send_signal(signal.SIGINT)
assert p.wait(30) == 0, p.returncode
j = json.load(open(folder + '/i.json'))
assert j['result']['frames'] == 100 and j['result']['signs'] == 1, j
END
ok "a device that is full is said" sh -c \
  "! '$frugal' recognize '$model' <'$folder/frames.jsonl' >/dev/full 2>'$folder/err' &&
   grep -q 'standard output cannot be written' '$folder/err'"
ok "stdout is not for JSON" fails_saying 2 "stdout is for signs" recognize "$model" --json -
ok "a probability above 1 is wrong usage" fails_saying 2 "0.001 to 1" recognize "$model" --begin 2
ok "a model must be named" fails_saying 2 "say which model" recognize
ok "a model must be there" fails_saying 1 "nowhere" recognize "$folder/nowhere"
finish
