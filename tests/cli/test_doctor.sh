#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each sensor is working, dead, forbidden or absent; what is chosen works.
. "$(dirname "$0")/tap.sh"

ok "doctor exits 0" exits 0 doctor --json "$folder/doctor.json"
ok "every sensor has a state and a reason" json \
  "all(s['state'] in ('working', 'dead', 'forbidden', 'absent') and s['reason']
     for s in j['result']['sensors'])" "$folder/doctor.json"
ok "what is chosen works" json \
  "[s['state'] for s in j['result']['sensors'] if s['name'] == j['result']['chosen']]
     == ['working']" "$folder/doctor.json"
ok "the model says its rule and a band" json \
  "j['result']['model']['rule'] and j['result']['model']['core_w']['low']
     < j['result']['model']['core_w']['high']" "$folder/doctor.json"

ok "and the instruction set of the kernels" json \
  "j['result']['kernels']['set'] and j['result']['kernels']['int8']" "$folder/doctor.json"
ok "as it is held down" env FRUGAL_CPU=scalar "$frugal" doctor --json "$folder/held.json"
ok "to plain floats" json \
  "j['result']['kernels'] == {'set': 'scalar', 'bf16': None, 'int8': 'scalar'}" "$folder/held.json"

# A machine whose only counter stands still: dead, and the model is used.
zone="$folder/root/sys/class/powercap/intel-rapl:0"
mkdir -p "$zone" "$folder/root/proc"
cp /proc/cpuinfo /proc/stat "$folder/root/proc/"
echo package-0 >"$zone/name"
echo 0 >"$zone/energy_uj"
echo 262143328850 >"$zone/max_energy_range_uj"
ok "doctor works on another root" exits 0 doctor --root "$folder/root" \
  --json "$folder/dead.json"
ok "a counter that stands still is dead" json \
  "[s['state'] for s in j['result']['sensors'] if 'intel-rapl:0' in s['name']] == ['dead']" \
  "$folder/dead.json"
ok "and the model is used" json "'model' in j['result']['chosen']" "$folder/dead.json"

ok "doctor records this machine" exits 0 doctor --record "$folder/recording" --seconds 0.3 \
  --json "$folder/record.json"
ok "with its processor and a timeline" test -s "$folder/recording/proc/cpuinfo" -a \
  -s "$folder/recording/timeline.csv"
ok "but never over another recording" exits 1 doctor --record "$folder/recording" --seconds 0.1
ok "and for a time only with a place" exits 2 doctor --seconds 3
finish
