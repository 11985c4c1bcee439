#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A model leaves as a file for other runtimes.
. "$(dirname "$0")/tap.sh"
model="$folder/model.safetensors"
onnx="$folder/model.onnx"

ok "a model to export" exits 0 train --data 'synthetic:subjects=3&trials=3&seconds=15' \
  --net 'conv1d(8,5) bn relu maxpool(2) lstm(8) dense(classes)' --epochs 1 -o "$model" --quiet
ok "export exits 0" exits 0 export "$model" --to onnx -o "$onnx" --json "$folder/export.json"
ok "the table names file and operators" grep -q "Operators" "$folder/out"
ok "the figures are the file's" json "j['command'] == 'export' and
  j['result']['format'] == 'onnx' and j['result']['file'].endswith('/model.onnx') and
  j['result']['size_bytes'] == $(wc -c <"$onnx")" "$folder/export.json"
ok "parameters are the network's" exits 0 info "$model" --json "$folder/info.json"
ok "as info counts them" python3 -c "
import json, sys
a, b = (json.load(open(f))['result'] for f in sys.argv[1:])
assert a['parameters'] == b['parameters'] and a['operations'] == b['operations']
assert a['operators'] >= len(b['layers'])" "$folder/export.json" "$folder/info.json"
ok "operators stand in the file by name" grep -q 'BatchNormalization' "$onnx"
ok "so does the rate" grep -q 'rate_hz' "$onnx"
ok "--json - takes the table's place" exits 0 export "$model" --to onnx -o "$onnx" --json -
ok "stdout is then JSON and nothing else" json "j['result']['operators'] > 0" "$folder/out"

ok "no format is wrong usage" fails_saying 2 "--to FORMAT" export "$model" -o "$onnx"
ok "no file is wrong usage" fails_saying 2 "-o FILE" export "$model" --to onnx
ok "no model is wrong usage" fails_saying 2 "MODEL" export --to onnx -o "$onnx"
ok "two models are wrong usage" fails_saying 2 "one word too many" \
  export "$model" "$model" --to onnx -o "$onnx"
ok "an unknown format lists the known" fails_saying 2 "onnx" export "$model" --to fly -o x
ok "a missing model is one sentence" fails_saying 1 "no-such-file" \
  export no-such-file --to onnx -o "$onnx"
ok "a place that cannot be written is one sentence" fails_saying 1 "$folder/none/m.onnx" \
  export "$model" --to onnx -o "$folder/none/m.onnx"
ok "a full disk is one sentence" fails_saying 1 "/dev/full" \
  export "$model" --to onnx -o /dev/full
ok "the old file is still whole" test "$(wc -c <"$onnx")" = \
  "$(python3 -c "import json; print(json.load(open('$folder/export.json'))['result']['size_bytes'])")"
cp "$model" "$folder/same.st"
ok "a model is not replaced by its export" fails_saying 1 "one file" export "$folder/same.st" \
  --to onnx -o "$folder/same.st"
finish
