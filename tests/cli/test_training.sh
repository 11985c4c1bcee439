#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Budgets, checkpoints, threads, optimizers and losses from the command line.
. "$(dirname "$0")/tap.sh"
data='synthetic:subjects=3&trials=3&seconds=15'
small() { # OPTIONS…
  "$frugal" train --quiet --data "$data" --net small "$@"
}
weights() { # MODEL: what stands behind the header, as a digest
  python3 -c "
import hashlib, struct, sys
b = open(sys.argv[1], 'rb').read()
print(hashlib.sha256(b[8 + struct.unpack('<Q', b[:8])[0]:]).hexdigest())" "$1"
}
same_weights() { [ "$(weights "$1")" = "$(weights "$2")" ]; }

ok "a budget of energy ends a run" exits 0 train --data "$data" --net small --epochs 100000 \
  --patience 0 --budget 500mJ --json "$folder/joules.json"
ok "it says so, and overshoots by little" json \
  "j['result']['stop'] == 'budget' and j['result']['program']['value'] < 5" \
  "$folder/joules.json"
ok "a budget of time ends a run" exits 0 train --data "$data" --net small --epochs 100000 \
  --patience 0 --budget 0.3s --json "$folder/time.json"
ok "it says so" json "j['result']['stop'] == 'budget' and j['result']['duration_s'] > 0.29" \
  "$folder/time.json"
ok "a budget of grams warns of the grid that it assumes" exits 0 train --data "$data" \
  --epochs 100000 --patience 0 --budget '5min, 0.05mgCO2e' --json "$folder/grams.json"
ok "it does" json "j['result']['stop'] == 'budget' and
  any('--intensity' in w for w in j['warnings'])" "$folder/grams.json"
ok "an accuracy ends a run" exits 0 train --data "$data" --net small --epochs 100 \
  --budget accuracy=0.7 --json "$folder/accuracy.json"
ok "it is reached" json \
  "j['result']['stop'] == 'target' and j['result']['validate_accuracy'] >= 0.7" \
  "$folder/accuracy.json"
for wrong in 5parsecs J -3J accuracy=2 accuracy=0 '' '3J,' 1e999J; do
  ok "'$wrong' is no budget" exits 2 train --data "$data" --budget "$wrong"
done

small --epochs 4 --patience 0 -o "$folder/whole.safetensors" >/dev/null 2>&1
for seconds in 0.1 0.2 0.25; do
  small --epochs 4 --patience 0 -o "$folder/parts.safetensors" --checkpoint "$folder/points" \
    --resume >/dev/null 2>&1 &
  sleep "$seconds"
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
done
small --epochs 4 --patience 0 -o "$folder/parts.safetensors" --checkpoint "$folder/points" \
  --resume >/dev/null 2>&1
ok "a run that was killed ends in the same weights" same_weights "$folder/whole.safetensors" \
  "$folder/parts.safetensors"
ok "a finished run is left as it is" exits 0 train --data "$data" --net small --epochs 4 \
  --patience 0 --checkpoint "$folder/points" --resume --json "$folder/done.json"
ok "it tells what was spent before" json \
  "j['result']['resumed_from'] > 0 and j['result']['earlier']['program']['value'] > 0" \
  "$folder/done.json"
ok "another run's checkpoints are refused" fails_saying 1 "another run" train --data "$data" \
  --net small --epochs 5 --patience 0 --checkpoint "$folder/points" --resume
ok "--resume needs a folder" exits 2 train --data "$data" --resume

small --epochs 2 --threads 2 -o "$folder/two.safetensors" >/dev/null 2>&1
small --epochs 2 -o "$folder/one.safetensors" >/dev/null 2>&1
ok "threads change no bit" same_weights "$folder/one.safetensors" "$folder/two.safetensors"
ok "no threads at all are refused" exits 2 train --data "$data" --threads 0

ok "everything at once trains" exits 0 train --data "$data" --net small --epochs 2 \
  --nesterov --optimizer sgd --learning-rate 0.05 --schedule 'cosine warmup(1)' --clip-norm 1 \
  --clip-value 0.5 --balanced --accumulate 2 --class-weights balanced --label-smoothing 0.1 \
  --focal 1 --threads all -o "$folder/teacher.safetensors"
ok "and teaches" exits 0 train --data "$data" --net 'conv1d(8,3) relu avgpool(all) dense(classes)' \
  --epochs 2 --teacher "$folder/teacher.safetensors" --distill 0.7 --temperature 3
ok "a teacher of other classes is refused" fails_saying 1 "classes" train \
  --data 'synthetic:subjects=4&trials=3&seconds=15' --teacher "$folder/teacher.safetensors"
ok "--distill needs a teacher" exits 2 train --data "$data" --distill 0.5
ok "rmsprop and one-cycle train" exits 0 train --data "$data" --epochs 2 --optimizer rmsprop \
  --schedule one-cycle
ok "layer rates are one a layer" fails_saying 1 "7 numbers" train --data "$data" --net small \
  --layer-rates 1,2
ok "class weights are one a class" fails_saying 1 "3 numbers" train --data "$data" \
  --class-weights 1,2
ok "layer rates work" exits 0 train --data "$data" --net small --epochs 1 \
  --layer-rates 0,1,1,0.1,1,1,1
for wrong in 'cosine(2,3)' 'up' 'step(0.5)' 'cosine warmup(-1)'; do
  ok "'$wrong' is no schedule" exits 2 train --data "$data" --schedule "$wrong"
done
ok "a rate that explodes is named by layer and step" fails_saying 1 "step" train \
  --data "$data" --net 'dense(8) relu dense(classes)' --optimizer sgd --learning-rate 100 \
  --loss squared --momentum 0.9

ok "event files are written" exits 0 train --data "$data" --net small --epochs 2 \
  --tensorboard "$folder/board"
ok "they are there" sh -c "ls $folder/board/events.out.tfevents.*"
ok "a folder that cannot be made is said" fails_saying 1 "/proc/nothing" train --data "$data" \
  --tensorboard /proc/nothing/board
finish
