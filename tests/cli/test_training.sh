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
ok "it says so" json "j['result']['stop'] == 'budget' and j['result']['duration_s'] > 0.2" \
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
small --epochs 4 --patience 0 --checkpoint "$folder/points" --resume \
  --tensorboard "$folder/again" >/dev/null 2>&1
ok "TensorBoard is told that it was taken up" sh -c \
  "LC_ALL=C grep -qaP ':\x02\x08\x01' $folder/again/events.out.*" # session_log { START }
ok "another run's checkpoints are refused" fails_saying 1 "another run" train --data "$data" \
  --net small --epochs 5 --patience 0 --checkpoint "$folder/points" --resume
ok "without --resume they are not lost either" fails_saying 1 "--resume goes on" train \
  --data "$data" --net small --epochs 4 --checkpoint "$folder/points"
for budget in 300mJ 600mJ 600mJ 10kJ; do
  "$frugal" train --quiet --data "$data" --net small --epochs 30 --patience 0 \
    --budget "$budget" --checkpoint "$folder/bits" --resume --json "$folder/spent-$budget.json" \
    -o "$folder/bits.safetensors" >"$folder/table" 2>/dev/null
done
ok "what every process spent is counted" python3 -c "
import json, sys
small, large = (json.load(open(f))['result'] for f in sys.argv[1:])
assert large['earlier']['program']['value'] > 0.6, large['earlier']
assert large['earlier']['core_seconds']['value'] \\
  > small['earlier']['core_seconds']['value'] + 0.9 * small['core_seconds']['value']" \
  "$folder/spent-600mJ.json" "$folder/spent-10kJ.json"
ok "the table tells of it" grep -q "taken up .* had spent" "$folder/table"
run info "$folder/bits.safetensors"
ok "the card names who spent what" sh -c "grep -c 'Spent by train: .*, program, by ' '$folder/out' |
  grep -qx 2 && ! grep -q null '$folder/out'"
set -- train --data "$data" --net small --epochs 100000 --patience 0 \
  --checkpoint "$folder/held" --resume
"$frugal" "$@" >/dev/null 2>&1 &
sleep 1
ok "a folder that another process uses is refused" fails_saying 1 "right now" "$@"
ok "and nothing is told of the refused one there" test ! -e "$folder/held/spent.json"
kill -9 $! && wait $! 2>/dev/null
ok "a killed process holds nothing" exits 0 "$@" --budget 1mJ
ok "--resume needs a folder" exits 2 train --data "$data" --resume

small --epochs 2 --threads 2 -o "$folder/two.safetensors" >/dev/null 2>&1
small --epochs 2 -o "$folder/one.safetensors" >/dev/null 2>&1
ok "threads change no bit" same_weights "$folder/one.safetensors" "$folder/two.safetensors"
for threads in 1 3 all; do
  run test "$folder/one.safetensors" --quiet --threads $threads --json "$folder/$threads.json"
done
ok "they test to the same figures" python3 -c "
import json, sys
one, three, all_ = (json.load(open(f))['result'] for f in sys.argv[1:])
for key in ('accuracy', 'macro_f1', 'balanced_accuracy', 'classes', 'confusion'):
    assert one.get(key) == three.get(key) == all_.get(key), key
assert one['accuracy']" "$folder/1.json" "$folder/3.json" "$folder/all.json"
ok "integers take no threads" fails_saying 2 "one thread" test \
  "$folder/one.safetensors" --precision int8 --threads 2
ok "no threads at all are refused" exits 2 train --data "$data" --threads 0

small --epochs 2 --precision bf16 -o "$folder/bf16.safetensors" --json "$folder/bf16.json" \
  >"$folder/table" 2>/dev/null
ok "bf16 is told" json "j['result']['precision'] == j['result']['test_precision'] == 'bf16'
  and 'precision_reason' not in j['result']" "$folder/bf16.json"
ok "in the table, too" grep -q '^precision *bf16$' "$folder/table"
run info "$folder/bf16.safetensors"
ok "and on the model's card" grep -q '^Spent by train: .*; in bf16$' "$folder/out"
ok "it is no float32" sh -c "! cmp -s $folder/bf16.safetensors $folder/one.safetensors"
for precision in f32 float32 bf16; do
  ok "a model is tested in $precision" exits 0 test "$folder/bf16.safetensors" --quiet \
    --precision $precision --json "$folder/$precision.json"
done
ok "under its name" python3 -c "
import json, sys
f32, float32, bf16 = (json.load(open(f))['result'] for f in sys.argv[1:])
assert f32['precision'] == float32['precision'] == 'float32' and bf16['precision'] == 'bf16'
assert f32['confusion'] == float32['confusion']
assert abs(f32['accuracy']['value'] - bf16['accuracy']['value']) < 0.1" \
  "$folder/f32.json" "$folder/float32.json" "$folder/bf16.json"
for precision in auto bf16; do
  small --epochs 3 --precision $precision --validate none -o "$folder/$precision.safetensors" \
    --json "$folder/$precision.json" >/dev/null 2>&1
done
ok "auto tells what it chose and why" json "j['result']['precision'] == 'float32' and
  len(j['result']['precision_reason']) > 10" "$folder/auto.json"
ok "another precision is wrong usage" exits 2 train --data "$data" --precision int8
ok "a precision of weights is none" fails_saying 2 "float32" export "$folder/one.safetensors" \
  --to onnx --precision bf16 -o "$folder/one.onnx"

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

ok "momentum is of sgd and rmsprop" exits 2 train --data "$data" --momentum 0.5
ok "a warm-up as long as the run is refused" fails_saying 1 "warm-up" train --data "$data" \
  --epochs 3 --schedule 'cosine warmup(10)'
ok "an intensity without a budget of grams is refused" fails_saying 1 "2gCO2e" train \
  --data "$data" --intensity table:DE
ok "an accuracy that nobody looks at is refused" fails_saying 1 "validation side" train \
  --data "$data" --validate none --budget accuracy=0.5
ok "model and JSON are two files" fails_saying 1 "one file" train --data "$data" \
  -o "$folder/x" --json "$folder/x"
ok "a place that cannot be written is found out first" fails_saying 1 "/proc/m" train \
  --data "$data" --epochs 100000 --patience 0 -o /proc/m

"$frugal" train --quiet --data "$data" --net small --epochs 100000 --patience 0 \
  -o "$folder/cut.safetensors" >/dev/null 2>"$folder/cut.err" &
sleep 1.5
kill -INT $!
wait $! 2>/dev/null
ok "an interrupted run keeps its best weights" exits 0 test "$folder/cut.safetensors" --quiet
ok "and says so" grep -q "has the best weights so far" "$folder/cut.err"
(
  ulimit -f 8
  exec "$frugal" train --quiet --data "$data" --net small --epochs 1 -o "$folder/big" \
    >/dev/null 2>"$folder/limit.err"
)
ok "a file that may not grow is a sentence" test $? = 1 -a -s "$folder/limit.err"
ok "a transferred model knows what its source has cost" exits 0 transfer \
  "$folder/one.safetensors" --data "$data&seed=3" --epochs 1 -o "$folder/moved.safetensors"
run info "$folder/moved.safetensors"
ok "on its card" sh -c "grep -q 'Spent by train' '$folder/out' && grep -q 'Spent by transfer' '$folder/out'"
ok "escapes in a model do not reach the terminal" python3 -c "
import json, struct, subprocess, sys
frugal, source, to = sys.argv[1:]
b = open(source, 'rb').read()
end = 8 + struct.unpack('<Q', b[:8])[0]
header = json.loads(b[8:end])
header['__metadata__']['task'] = chr(27) + '[2J' + chr(0x9b) + 'red'
text = json.dumps(header).encode()
open(to, 'wb').write(struct.pack('<Q', len(text)) + text + b[end:])
out = subprocess.run([frugal, 'info', to], capture_output=True)
assert out.returncode == 0 and b'?[2J?red' in out.stdout, out
assert chr(27).encode() not in out.stdout" "$frugal" "$folder/one.safetensors" \
  "$folder/escape.safetensors"

ok "event files are written" exits 0 train --data "$data" --net small --epochs 2 \
  --tensorboard "$folder/board"
ok "they are there" sh -c "ls $folder/board/events.out.tfevents.*"
ok "a folder that cannot be made is said" fails_saying 1 "/proc/nothing" train --data "$data" \
  --tensorboard /proc/nothing/board
finish
