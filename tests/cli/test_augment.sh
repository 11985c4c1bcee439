#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Augmentation from the command line: what is done, and what is refused with which sentence.
. "$(dirname "$0")/tap.sh"
command -v python3 >/dev/null || { echo "1..0 # SKIP python3 is needed"; exit 0; }
data='synthetic:subjects=3&trials=4&seconds=8'

# small TEXT FILE ARGUMENTS…
small() {
  text=$1
  file=$2
  shift 2
  exits 0 train --quiet --data "$data" --task activity --net 'lstm(6) dense(classes)' \
    --epochs 2 --augment "$text" --json "$file" "$@"
}

ok "every change of motion, one behind the other" small "rotate(60) permute(3) timewarp(0.2,6)
 mixup(0.3) crop(0.9) magwarp(0.1) dropchannel(0.1) scale(0.1) jitter(0.05)" "$folder/all.json"
ok "it is a phase of its own" python3 -c "
import json
names = [p['name'] for p in json.load(open('$folder/all.json'))['result']['phases']]
assert 'train/augment' in names, names"
ok "again" small "rotate(60) mixup(0.3)" "$folder/one.json" -o "$folder/one.safetensors"
ok "with two threads" small "rotate(60) mixup(0.3)" "$folder/two.json" --threads 2 \
  -o "$folder/two.safetensors"
ok "to the same bits" python3 -c "
import json, struct
def tensors(path):
    b = open(path, 'rb').read()
    return b[8 + struct.unpack('<Q', b[:8])[0]:]
assert tensors('$folder/one.safetensors') == tensors('$folder/two.safetensors')"
ok "not as without" small "" "$folder/none.json" -o "$folder/none.safetensors"
ok "which is another network" sh -c \
  "! cmp -s '$folder/one.safetensors' '$folder/none.safetensors'"
ok "with all channels, attitude too, the rotation is bound" small "rotate(180)" "$folder/turned.json"
ok "labels are mixed as values" exits 0 train --quiet --task activity --loss binary \
  --data "$data" --net 'lstm(4) dense(classes)' --epochs 1 --augment 'mixup(1)'

ok "an unknown change is said with those that are known" fails_saying 2 \
  "augmentation 'turn(3)' is not jitter, scale, rotate," train --data "$data" --augment 'turn(3)'
ok "arguments out of range with their ranges" fails_saying 2 \
  "KNOTS a whole number from 1 to 32" train --data "$data" --augment 'timewarp(0.2,0)'
ok "two mixups" fails_saying 2 "a sample is mixed with one other" train --data "$data" \
  --augment 'mixup(1) mixup(1)'
ok "a rotation of what does not turn" fails_saying 1 "is the same whichever way the phone lies" \
  train --quiet --data "$data&frame=gravity" --task activity --augment 'rotate(90)'
ok "a rotation of features" fails_saying 1 "is a feature" train --quiet --task activity \
  --data 'synthetic:subjects=3&seconds=30&features=extrasensory' --augment 'rotate(90)'
ok "time of what has none" fails_saying 1 "changes time, which feature vectors have not" train \
  --quiet --task activity --data 'synthetic:subjects=3&seconds=30&features=extrasensory' \
  --augment 'timewarp(0.1)'
ok "key points of a phone" fails_saying 1 "is of key points" train --quiet --data "$data" \
  --augment 'mirror(0.5)'
ok "a rotation behind --normalize window" fails_saying 1 "what the normaliser did" train --quiet \
  --data "$data" --normalize window --augment 'rotate(90)'
ok "samples of frozen layers" fails_saying 1 "augmentation and frozen layers exclude each other" \
  transfer "$folder/one.safetensors" --quiet --data "$data" --augment 'mixup(0.2)'
ok "frames with hands, by their channels' names" sh -c "
python3 - >'$folder/hands.csv' <<'END'
import random
random.seed(1)
names = [f'{h}_hand.{i}.{a}' for h in ('left', 'right') for i in range(21) for a in 'xyz']
print('time,label,trial,' + ','.join(names))
for trial in range(8):
    for t in range(30):
        there = random.random() < 0.8
        row = [f'{random.random():.4f}' if there or n.startswith('left') else '0' for n in names]
        print(f'{t / 25},{\"ab\"[trial % 2]},{trial},' + ','.join(row))
END
exec '$frugal' train --quiet --data 'csv:$folder/hands.csv?label=label&trial=trial&time=time&rate=25' \
  --task activity --window 16 --step 8 --split random:0.7 --validate none --epochs 2 \
  --augment 'mirror(0.5) affine(15,0.1,0.05) resample(0.2) drophand(0.5) mixup(0.2)'"
finish
