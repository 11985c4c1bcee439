#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Features of key points: chosen by the data's spec and --parts, remembered by the model,
# and obeyed by all that use it.
. "$(dirname "$0")/tap.sh"
signs='synthetic:signs=3&subjects=2&trials=3'
net='gru(8) dense(classes)'

ok "train on features without a mirror" exits 0 train --data "$signs&mirror=no" --net "$net" \
  --epochs 1 --quiet -o "$folder/plain.st"
ok "info tells them" exits 0 info "$folder/plain.st" --json "$folder/info.json"
ok "with every key" json "'layout=126 parts=hands mirror=no' in j['result']['frames']" \
  "$folder/info.json"
ok "test reads other data so" exits 0 test "$folder/plain.st" --data "$signs&seed=2" \
  --json "$folder/test.json"
ok "prune does" exits 0 prune "$folder/plain.st" --data "$signs&seed=2" \
  --amount 0.3 --epochs 1 -o "$folder/pruned.st"
ok "and writes them down" exits 0 info "$folder/pruned.st" --json "$folder/info.json"
ok "as they were" json "'mirror=no' in j['result']['frames']" "$folder/info.json"
ok "several specs are read so" exits 0 test "$folder/plain.st" \
  --data "$signs&seed=2 + $signs&seed=3" --json "$folder/test.json"
ok "transfer does" exits 0 transfer "$folder/plain.st" --data "$signs&seed=3" \
  --epochs 1 -o "$folder/moved.st"
ok "and writes them down, too" exits 0 info "$folder/moved.st" --json "$folder/info.json"
ok "as they are" json "'mirror=no' in j['result']['frames']" "$folder/info.json"
ok "other features are refused" fails_saying 1 "the model takes mirror=no" test \
  "$folder/plain.st" --data "$signs&mirror=yes"
ok "raw numbers are" fails_saying 1 "no features of key points" test "$folder/plain.st" \
  --data "$signs&features=raw"
ok "data without key points is" fails_saying 1 "no features of key points" test \
  "$folder/plain.st" --data 'synthetic:subjects=2'

ok "raw numbers are remembered as such" exits 0 train --data "$signs&features=raw" \
  --net "$net" --epochs 1 --quiet -o "$folder/raw.st"
ok "test reads raw numbers" exits 0 test "$folder/raw.st" --data "$signs&seed=2"

ok "--parts chooses" exits 0 train --data "$signs" --parts hands --net "$net" \
  --epochs 1 --quiet -o "$folder/parts.st"
ok "what there is" fails_saying 1 "have no pose" train --data "$signs" --parts pose \
  --net "$net"
ok "once" fails_saying 1 "says again" train --data "$signs&parts=hands" --parts hands \
  --net "$net"
ok "of key points" fails_saying 1 "is of key points" train --data 'synthetic:subjects=2' \
  --parts hands --net "$net"
finish
