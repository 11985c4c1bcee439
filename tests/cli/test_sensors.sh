#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sensors at the paths where they are, and recordings of them.
. "$(dirname "$0")/tap.sh"

# zone DIRECTORY NAME UJ: a powercap zone.
zone() {
  mkdir -p "$1"
  echo "$2" >"$1/name"
  echo 262143328850 >"$1/max_energy_range_uj"
  echo "$3" >"$1/energy_uj"
}

# A recording of 25 W for 4 s.
record=$folder/recording
zone "$record/sys/class/powercap/intel-rapl:0" package-0 1000
{
  echo t_ns,path,value
  for i in $(seq 1 40); do
    echo "$((i * 100000000)),sys/class/powercap/intel-rapl:0/energy_uj,$((1000 + i * 2500000))"
  done
} >"$record/timeline.csv"
ok "a recording is metered" exits 0 meter --replay "$record" --json "$folder/replay.json"
ok "to the joules that its counter has" json \
  "abs(j['result']['energy']['value'] - 100) < 1e-6
     and j['result']['energy']['source'] == 'powercap'
     and abs(j['result']['duration_s'] - 4) < 1e-9" "$folder/replay.json"
ok "in watts that are steady" json \
  "abs(j['result']['power_w']['min'] - 25) < 0.01
     and abs(j['result']['power_w']['max'] - 25) < 0.01" "$folder/replay.json"
ok "what is no recording is refused" exits 1 meter --replay "$folder/nothing"

# The default paths, in a mount namespace: a counter that runs at /sys/class/powercap.
# $1: frugal, $2: a folder.
mounted='
  set -eu
  mount -t tmpfs none /sys/class
  at=/sys/class/powercap/intel-rapl:0
  mkdir -p $at
  echo package-0 >$at/name
  echo 262143328850 >$at/max_energy_range_uj
  echo 1000000 >$at/energy_uj
  (uj=1000000
   while [ ! -e "$2/stop" ]; do
     uj=$((uj + 100000)); printf "%d\n" $uj >"$2/next"; cat "$2/next" 1<>$at/energy_uj; sleep 0.01
   done) &
  "$1" doctor --json "$2/here.json" >/dev/null
  first=$(cat $at/energy_uj)
  "$1" meter --json "$2/metered.json" -- sleep 1 2>/dev/null
  echo "$first $(cat $at/energy_uj)" >"$2/ends"
  touch "$2/stop"
  wait'
if unshare -rm sh -c 'mount -t tmpfs none /sys/class' 2>/dev/null; then
  ok "a counter at the real path is tried and metered" \
    unshare -rm sh -c "$mounted" sh "$frugal" "$folder"
  ok "doctor uses it" json "'intel-rapl:0' in j['result']['chosen']" "$folder/here.json"
  ok "and so does the meter" json \
    "j['result']['energy']['source'] == 'powercap'" "$folder/metered.json"
  read -r first last <"$folder/ends"
  ok "which counts no more than the counter did" json \
    "0 < j['result']['energy']['value'] <= ($last - $first) * 1e-6" "$folder/metered.json"
else
  echo "# skipped: no mount namespace here"
fi

# A card of 50 W at rest that a process keeps busy at 150 W for two seconds.
fake=$(dirname "$frugal")/tests/fake_nvml.so
cat >"$folder/use.sh" <<'EOF'
sleep 0.5
echo 150000 >"$1.next" && mv "$1.next" "$1"
for i in $(seq 1 20); do
  echo "$$:80:$(date +%s%6N)" >"$2.next" && mv "$2.next" "$2"
  sleep 0.1
done
echo 50000 >"$1.next" && mv "$1.next" "$1"
sleep 0.5
EOF
echo 50000 >"$folder/mw"
: >"$folder/use"
export FRUGAL_NVML=$fake FAKE_MW=@$folder/mw FAKE_USE_1=@$folder/use CUDA_VISIBLE_DEVICES=1
ok "a command that uses a card is metered" exits 0 meter --json "$folder/card.json" \
  -- sh "$folder/use.sh" "$folder/mw" "$folder/use"
ok "its table has a column for the card's time" grep -q 'GPU-seconds' "$folder/err"
ok "the card's energy above rest is of the process that used it" json \
  "100 < max(p['energy']['value'] for p in j['result']['processes']
       if p['name'].startswith('sh') and p['of_program']) < 300
     and 1 < max(p['gpu_seconds'] for p in j['result']['processes']) < 4" "$folder/card.json"
ok "its energy at rest is nobody's, and all of it adds up" json \
  "100 < j['result']['cards_at_rest']['value'] < 300
     and abs(sum(j['result'][k]['value'] for k in ('other_programs', 'at_rest', 'cards_at_rest'))
       + sum(p['energy']['value'] for p in j['result']['processes'] if p['of_program'])
       - j['result']['energy']['value']) < 1e-3 * j['result']['energy']['value']" \
  "$folder/card.json"
unset FRUGAL_NVML FAKE_MW FAKE_USE_1 CUDA_VISIBLE_DEVICES
ok "without one there is no such column" exits 0 meter --json "$folder/none.json" -- true
ok "nor any figure" json "j['result']['cards_at_rest'] is None
     and all(p['gpu_seconds'] is None for p in j['result']['processes'])" "$folder/none.json"
finish
