#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Transfer: how deep, from where, kept where, repaid when.
. "$(dirname "$0")/tap.sh"
model="$folder/a.safetensors"
arch='conv1d(8,5,pad=same) relu maxpool(4) conv1d(8,5,pad=same) relu avgpool(all) dense(classes)'
old='synthetic:subjects=4&trials=4&seconds=20'
new='synthetic:subjects=3&trials=4&seconds=20&seed=9'

ok "a network is trained" exits 0 train --data "$old" --net "$arch" --epochs 4 -o "$model" \
  --json "$folder/old.json" --quiet

# transfers NAME ARGUMENTS…: into $folder/NAME.json
transfers() {
  into=$1
  shift
  exits 0 transfer "$model" --data "$new" --epochs 3 --quiet --json "$folder/$into.json" "$@"
}

ok "all that is kept is frozen" transfers plain
ok "their outputs are kept in memory" json \
  "(j['result']['kept_layers'], j['result']['frozen_layers']) == (6, 6)
     and j['result']['frozen_outputs']['kept'] == 'memory'
     and j['result']['frozen_outputs']['bytes'] > 0
     and j['result']['frozen_outputs']['reused'] == 0" "$folder/plain.json"
ok "what the source has cost stands beside" python3 -c "
import json, sys
old, new = (json.load(open(f))['result'] for f in sys.argv[1:])
p = new['pretraining']
assert abs(p['program']['value'] - old['program']['value']) < 1e-6 * old['program']['value']
assert abs(p['core_seconds']['value'] - old['core_seconds']['value']) < 1e-6
assert p['commands'] == 1 and p['repaid_after'] is None" "$folder/old.json" "$folder/plain.json"
ok "its training apart, which is the phases of it" python3 -c "
import json, sys
old, new = (json.load(open(f))['result'] for f in sys.argv[1:])
made = sum(p['core_s'] for p in old['phases'] if p['name'].split('/')[0] in ('train', 'validate'))
told = new['pretraining']['training']['core_seconds']['value']
assert abs(told - made) < 1e-6 < old['core_seconds']['value'] - made" \
  "$folder/old.json" "$folder/plain.json"
ok "when it is repaid is not known, and said" json \
  "any('--compare scratch' in w for w in j['warnings'])" "$folder/plain.json"
ok "training is the sum of its phases" json \
  "abs(j['result']['training']['program']['value'] - sum(p['program']['value']
     for p in j['result']['phases'] if p['name'].split('/')[0] in ('train', 'validate')))
     < 1e-9" "$folder/plain.json"

ok "a cut keeps so many layers" transfers cut --cut 3 \
  '--replace=conv1d(4,3) relu avgpool(all) dense(classes)'
ok "and puts the head behind them" json \
  "j['result']['network'] == 'conv1d(8,5,pad=same) relu maxpool(4) conv1d(4,3) relu '
     'avgpool(all) dense(3)' and j['result']['frozen_layers'] == 3" "$folder/cut.json"
ok "append has nothing to cut" fails_saying 1 "cannot be cut" transfer "$model" --append \
  --cut 3 --data "$new"

ok "layers thaw" transfers thaw --unfreeze 1 --refine-decay 0.5
ok "down to the first" json "j['result']['frozen_layers'] == 0
     and {p['name']: p['count'] for p in j['result']['phases']}['train/frozen'] == 4" \
  "$folder/thaw.json"
ok "a decay without layers to refine is refused" fails_saying 1 "means nothing" \
  transfer "$model" --data "$new" --refine-decay 0.5

ok "a file keeps outputs, too" transfers mapped --keep mapped
ok "and tells so" json "j['result']['frozen_outputs']['kept'] == 'mapped'" \
  "$folder/mapped.json"
ok "the cache" transfers cache --keep cache
ok "is found again" transfers cached --keep cache
ok "by whom it was paid is told" python3 -c "
import json, sys
plain, mapped, first, second = (json.load(open(f))['result'] for f in sys.argv[1:])
assert plain['confusion'] == mapped['confusion'] == first['confusion'] == second['confusion']
assert first['frozen_outputs']['reused'] == 0
assert second['frozen_outputs']['reused'] == second['frozen_outputs']['bytes'] > 0
assert plain['operations'] == first['operations'] > second['operations']" \
  "$folder/plain.json" "$folder/mapped.json" "$folder/cache.json" "$folder/cached.json"
ok "a full or absent disk is a sentence" sh -c "TMPDIR=/proc/nowhere '$frugal' transfer \
  '$model' --data '$new' --keep mapped --epochs 1 2>&1 | grep -q \"no room in '/proc/nowhere'\""
ok "a limit is of auto" exits 2 transfer "$model" --data "$new" --keep memory --keep-limit 5
ok "another place is refused" exits 2 transfer "$model" --data "$new" --keep nowhere

ok "the depth is chosen" transfers auto --freeze auto -o "$folder/b.safetensors" \
  --compare scratch
ok "by trials, since people are the classes" json \
  "(lambda c: c['held_back'] == 'trials' and c['samples'] > 0 and c['chosen'] in
     [d['freeze'] for d in c['depths']] and c['program']['value'] > 0
     and c['chosen'] == j['result']['frozen_layers'])(j['result']['choice'])" \
  "$folder/auto.json"
ok "what it takes is in the training" json \
  "j['result']['training']['program']['value'] > j['result']['choice']['program']['value']" \
  "$folder/auto.json"
ok "scratch is trained beside, its cost apart" json \
  "(lambda s: s['epochs'] == 3 and s['program']['value'] > 0 and s['share'] > 0)(
     j['result']['scratch'])" "$folder/auto.json"
ok "repaid by what training alone saves" json \
  "(lambda p, saved: p['repaid_after'] == (-(-p['training']['program']['value'] // saved)
     if saved > 0 else None))(j['result']['pretraining'],
     j['result']['scratch']['program']['value'] - j['result']['training']['program']['value'])" \
  "$folder/auto.json"
ok "and none of the new model's" python3 -c "
import json, subprocess, sys
r = json.load(open(sys.argv[2]))['result']
blob = open(sys.argv[1], 'rb').read()
head = json.loads(blob[8:8 + int.from_bytes(blob[:8], 'little')])['__metadata__']
spent = json.loads(head['provenance'])[-1]['program']['value']
assert spent < r['program']['value'] - 0.9 * r['scratch']['program']['value']" \
  "$folder/b.safetensors" "$folder/auto.json"
ok "people are held back where they are not the classes" exits 0 train \
  --data 'synthetic:subjects=5&trials=2&seconds=8&activities=wlk,jog' --task activity \
  --split trial --net "$arch" --epochs 1 -o "$folder/act.safetensors"
ok "so it is" exits 0 transfer "$folder/act.safetensors" --freeze auto --epochs 1 \
  --data 'synthetic:subjects=5&trials=6&seconds=8&activities=wlk,jog&seed=3' \
  --split trial --json "$folder/people.json" --quiet
ok "and told" json "j['result']['choice']['held_back'] == 'people'" "$folder/people.json"
ok "thawing and choosing exclude each other" fails_saying 1 "exclude each other" \
  transfer "$model" --data "$new" --freeze auto --unfreeze 2

resumable() {
  exits 0 transfer "$model" --data "$new" --epochs 5 --unfreeze 1 --quiet \
    --json "$folder/$1.json" --checkpoint "$folder/$2" --resume
}
ok "a run of layers that thaw goes to its end" resumable whole one
ok "the same, cut off by a budget" exits 0 transfer "$model" --data "$new" --epochs 5 \
  --unfreeze 1 --quiet --checkpoint "$folder/two" --budget 0.001s
ok "and taken up" resumable rest two
ok "ends in the same" python3 -c "
import json, sys
a, b = (json.load(open(f))['result'] for f in sys.argv[1:])
assert a['confusion'] == b['confusion'] and a['operations'] == b['operations']
assert b['resumed_from'] > 0 and b['epochs'] == 5" "$folder/whole.json" "$folder/rest.json"

finish
