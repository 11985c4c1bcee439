#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Weights from elsewhere become a model that the other commands take.
here=$(dirname "$(realpath "$0")")
. "$(dirname "$0")/tap.sh"
weights="$here/../golden/import_torch_sequence.safetensors"
model="$folder/model.safetensors"
net='conv1d(8,5) bn relu conv1d(8,3,groups=2) lstm(6,all) lstm(6,all) gru(4,all,both)
  attention(2) layernorm avgpool(all) dense(classes)'

ok "import exits 0" exits 0 import "$weights" --net "$net" --input 16x3 \
  --classes a,b,c,d,e --mean 0,0,1 --deviation 1,2,4 -o "$model" --json "$folder/import.json"
ok "the table tells what came from where" grep -q "lstm.bias_ih_l0 + lstm.bias_hh_l0" "$folder/out"
ok "the figures too" json "j['command'] == 'import' and j['result']['from'] == 'pytorch' and
  len(j['result']['tensors']) == 30 and j['warnings'] == [] and
  {'tensor': '0.weight', 'from': 'conv1.weight'} in j['result']['tensors']" "$folder/import.json"
ok "info reads it" exits 0 info "$model" --json "$folder/info.json"
ok "with its classes and provenance" json "j['result']['classes'] == list('abcde') and
  j['result']['provenance'][0]['command'] == 'import'" "$folder/info.json"
ok "export takes it" exits 0 export "$model" --to onnx -o "$folder/model.onnx"

ok "a shape that differs is one sentence" fails_saying 1 "(8, 3, 5)" import "$weights" \
  --net 'conv1d(8,3) avgpool(all) dense(classes)' --input 16x3 --classes 5 -o "$folder/no"
ok "and nothing is written" test ! -e "$folder/no"
ok "numbers for other channels are one sentence" fails_saying 1 "3 channels" import "$weights" \
  --net "$net" --input 16x3 --classes 5 --mean 1,2 -o "$folder/no"
ok "no network is wrong usage" fails_saying 2 "--net" import "$weights" --input 16x3 --classes 5 -o x
ok "a wrong shape is wrong usage" fails_saying 2 "STEPSxCHANNELS" import "$weights" --net small \
  --input 16 --classes 5 -o x
ok "an unknown origin is wrong usage" fails_saying 2 "pytorch or keras" import "$weights" \
  --net small --input 16x3 --classes 5 --from matlab -o x
finish
