#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sequences joined into a stream, and what is recognised in it scored against its truth.
. "$(dirname "$0")/tap.sh"
model="$folder/model.safetensors"
# Three signs, eight times each: hands that open, close, or turn about the wrist.
python3 - "$folder" <<'EOF'
import math, random, struct, sys
random.seed(1)
values = []
for row in range(24):
    sign = row % 3
    for t in range(20):
        for hand in range(2):
            x, y = 0.3 + 0.4 * hand + random.gauss(0, 0.002), 0.6
            open_ = (1, 0.4, 0.8)[sign] + (0.02, -0.01, 0)[sign] * t
            turn = 0.05 * t if sign == 2 else 0
            for p in range(21):
                finger, joint = (p - 1) // 4, (p - 1) % 4 + 1
                angle = (finger - 2) * 0.3 + turn
                far = 0 if p == 0 else 0.03 + 0.02 * joint * open_
                values += [x + far * math.sin(angle), y - far * math.cos(angle), 0.0]
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (24, 20, 126), }"
header += ' ' * (63 - (10 + len(header)) % 64) + '\n'
with open(sys.argv[1] + '/made.npy', 'wb') as f:
    f.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode())
    f.write(struct.pack('<%df' % len(values), *values))
with open(sys.argv[1] + '/made.index.csv', 'w') as f:
    f.write('row,action,sequence\n')
    for row in range(24):
        f.write('%d,%s,%d\n' % (row, 'abc'[row % 3], row // 3))
EOF
spec="keypoints:$folder/made.npy?no_sign=2"

ok "a stream of frames" exits 0 data export --stream --data "$spec" --split blocks:4 \
  --minutes 0.5 -o "$folder/s.f32" --json "$folder/s.json"
ok "each line as wide as it says" python3 -c "
import json, os, sys
r = json.load(open(sys.argv[1] + '/s.json'))['result']
assert r['numbers'] == 126 and r['sequences'] == 6 and r['duration_s'] >= 30, r
assert os.path.getsize(sys.argv[1] + '/s.f32') == r['frames'] * 126 * 4
truth = [json.loads(l) for l in open(r['truth'])]
assert len(truth) == r['signs'] > 6 and {t['sign'] for t in truth} == set('abc')
assert all(abs(t['end_s'] - t['start_s'] - 20 / 30) < 1e-5 for t in truth)" "$folder"
ok "the same in JSON" exits 0 data export --stream --data "$spec" --split blocks:4 \
  --minutes 0.5 -o "$folder/t.jsonl"
ok "has the same numbers" python3 -c "
import json, struct, sys
lines = [json.loads(l) for l in open(sys.argv[1] + '/t.jsonl')]
raw = open(sys.argv[1] + '/s.f32', 'rb').read()
assert len(raw) == len(lines) * 504
for i in range(0, len(lines), 37):
    same = struct.pack('<126f', *lines[i]['frame']) == raw[i * 504:(i + 1) * 504]
    assert same and abs(lines[i]['t'] - i / 30) < 1e-5
assert open(sys.argv[1] + '/s.truth.jsonl').read() == \
    open(sys.argv[1] + '/t.truth.jsonl').read()" "$folder"
ok "a stream without signs" exits 0 data export --stream --data "$spec" --split blocks:4 \
  --minutes 0.5 --no-signs -o "$folder/none.f32"
ok "has an empty truth" [ ! -s "$folder/none.truth.jsonl" ]

ok "a model of the other sequences" exits 0 train --data "$spec" --task gesture \
  --split blocks:4 --validate none --net 'conv1d(16,5) relu avgpool(all) dense(classes)' \
  --epochs 60 --quiet -o "$model"
recognize() { # NAME: of a stream
  "$frugal" recognize "$model" --raw f32 --truth "$folder/$1.truth.jsonl" \
    --json "$folder/$1.score.json" <"$folder/$1.f32" >"$folder/$1.lines" 2>"$folder/err"
}
ok "is scored" recognize s
ok "sign by sign and line by line" python3 -c "
import json, sys
r = json.load(open(sys.argv[1] + '/s.score.json'))['result']
s = r['score']
assert s['lines'] == r['signs'] == len(list(open(sys.argv[1] + '/s.lines')))
assert s['signs'] == s['hits'] + s['wrong'] + s['missed'] > 6
assert s['lines'] == s['hits'] + s['wrong'] + s['duplicates'] + s['false_alarms']
assert abs(s['duration_s'] - s['outside_s'] - s['signs'] * 20 / 30) < 1e-3
assert s['recall']['value'] == s['hits'] / s['signs'] > 0.5
assert s['false_alarms_per_min']['low'] <= s['false_alarms_per_min']['value']" "$folder"
ok "on stderr too" grep -q '^recall ' "$folder/err"
ok "also where nothing is signed" recognize none
ok "every line is a false alarm" json \
  "j['result']['score']['false_alarms'] == j['result']['score']['lines'] and
   j['result']['score']['recall'] is None" "$folder/none.score.json"
sed 's/"a"/"z"/' "$folder/s.truth.jsonl" >"$folder/z.truth.jsonl"
cp "$folder/s.f32" "$folder/z.f32"
ok "signs that the model does not know" recognize z
ok "are counted apart" json "0 < j['result']['score']['unknown'] and
  'none of the model' in ' '.join(j['warnings'])" "$folder/z.score.json"

: >"$folder/nothing.f32"
cp "$folder/s.truth.jsonl" "$folder/nothing.truth.jsonl"
ok "no frames" recognize nothing
ok "have no score" json "j['result']['score'] is None" "$folder/nothing.score.json"

printf '{"sign":"a","start_s":2,"end_s":1}\n' >"$folder/bad.jsonl"
ok "a truth that is none" fails_saying 1 "bad.jsonl:1: not a sign" recognize "$model" \
  --raw f32 --truth "$folder/bad.jsonl"
ok "another ending is wrong usage" fails_saying 2 ".jsonl or .f32" data export --stream \
  --data "$spec" -o "$folder/s.csv"
ok "so is nothing to export" fails_saying 2 "say --stream" data export --data "$spec"
ok "and a split that is none" fails_saying 2 "bogus" data export --stream --data "$spec" \
  --split bogus -o "$folder/s.f32"
ok "a side without sequences is named" fails_saying 1 "no sequence" data export --stream \
  --data "$spec" --split all --side validate -o "$folder/s.f32"
ok "data without key points too" fails_saying 1 "features" data export --stream \
  --data "synthetic:subjects=2" -o "$folder/s.f32"
ok "hands that sign are key points" exits 0 data export --stream --minutes 0.2 \
  --data "synthetic:signs=3&subjects=2&no_sign=2&velocity=no" --split subject:2 -o "$folder/s.f32"
finish
