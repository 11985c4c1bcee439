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

# The same for each kind of machine, its files bind-mounted over the real paths.
cat >"$folder/rise.py" <<'EOF'
"""ZONE=WATTS… -- COMMAND…: powercap's counters rise while the command runs."""
import os, subprocess, sys, time
at = sys.argv.index("--")
counters = []
for one in sys.argv[1:at]:
    zone, watts = one.split("=")
    path = "/sys/class/powercap/%s/energy_uj" % zone
    counters.append((os.open(path, os.O_WRONLY), float(watts) * 1e6))
def tick(seconds):
    for fd, rate in counters:
        os.pwrite(fd, b"%d\n" % (100000000 + int(seconds * rate)), 0)
start = time.monotonic()
tick(0)
child = subprocess.Popen(sys.argv[at + 1:])
while child.poll() is None:
    time.sleep(0.002)
    tick(time.monotonic() - start)
sys.exit(child.returncode)
EOF
# machine NAME ZONE=WATTS…: doctor's words in NAME.doctor, some metering in NAME.json. The
# files are in $folder/NAME; this user may read only what their modes allow.
machine() {
  out=$folder/$1
  shift
  # shellcheck disable=SC2016
  unshare -rm setpriv --bounding-set=-dac_override,-dac_read_search sh -c '
    set -eu
    mount -t tmpfs none /sys/class
    mkdir /sys/class/powercap
    mount --bind "$3" /sys/class/powercap
    [ ! -d /sys/bus/event_source ] || mount -t tmpfs none /sys/bus/event_source
    frugal=$1 rise=$2 out=$3
    shift 3
    python3 "$rise" "$@" -- "$frugal" doctor --json "$out.doctor" >/dev/null
    python3 "$rise" "$@" -- "$frugal" meter --store none --json "$out.json" \
      -- sleep 0.6 2>"$out.err"' sh "$frugal" "$folder/rise.py" "$out" "$@"
}
# counts NAME WATTS: the mean, by counters; the domains of the total add up to it.
counts() {
  json "j['result']['energy']['source'] == 'powercap'
     and abs(j['result']['power_w']['mean'] - $2) < 0.15 * $2
     and abs(sum(d['energy']['value'] for d in j['result']['domains'] if d['counted'])
       - j['result']['energy']['value']) < 1e-6" "$folder/$1.json"
}
modelled() {
  json "j['result']['energy']['source'] == 'model' and j['result']['sensor'] == 'model'" \
    "$folder/$1.json"
}
if unshare -rm setpriv --bounding-set=-dac_override true 2>/dev/null; then
  at=$folder/swapped
  zone "$at/intel-rapl:0" package-1 1
  zone "$at/intel-rapl:1" package-0 1
  zone "$at/intel-rapl:0:0" dram 1
  zone "$at/intel-rapl:0:1" core 1
  ok "at the real path: two sockets in swapped order" machine swapped \
    intel-rapl:0=10 intel-rapl:1=20 intel-rapl:0:0=8 intel-rapl:0:1=5
  ok "are added, with DRAM and without cores" counts swapped 38

  at=$folder/psys
  zone "$at/intel-rapl:0" package-0 1
  zone "$at/intel-rapl:1" psys 1
  ok "at the real path: psys beside its package" machine psys intel-rapl:0=20 intel-rapl:1=50
  ok "is the total alone" counts psys 50

  at=$folder/twins
  zone "$at/intel-rapl:0" package-0 1
  zone "$at/intel-rapl-mmio:0" package-0 1
  ok "at the real path: a package by registers and memory" machine twins \
    intel-rapl:0=15 intel-rapl-mmio:0=15
  ok "counts once" counts twins 15

  at=$folder/dies
  zone "$at/intel-rapl:0" package-0-die-0 1
  zone "$at/intel-rapl:1" package-0-die-1 1
  ln -f "$at/intel-rapl:0/energy_uj" "$at/intel-rapl:1/energy_uj"
  ok "at the real path: dies that mirror one counter" machine dies intel-rapl:0=25
  ok "count once" counts dies 25

  at=$folder/range
  zone "$at/intel-rapl:0" package-0 1
  rm "$at/intel-rapl:0/max_energy_range_uj"
  ok "at the real path: a counter without its range" machine range intel-rapl:0=25
  ok "counts" counts range 25
  ok "and the report says what is bridged" grep -q 'max_energy_range_uj' "$folder/range.err"

  at=$folder/dead
  zone "$at/intel-rapl:0" package-0 0
  ok "at the real path: a counter that stays 0" machine dead
  ok "is dead" json "any(s['state'] == 'dead' and 'intel-rapl:0' in s['name']
    for s in j['result']['sensors'])" "$folder/dead.doctor"
  ok "and the model serves" modelled dead

  at=$folder/closed
  zone "$at/intel-rapl:0" package-0 1
  chmod 000 "$at/intel-rapl:0/energy_uj"
  ok "at the real path: a counter that may not be read" machine closed
  ok "is forbidden, with the line that grants it" json \
    "any(s['state'] == 'forbidden' and 'chmod a+r /sys/class/powercap/intel-rapl:0' in s['fix']
     for s in j['result']['sensors'])" "$folder/closed.doctor"
  ok "and the model serves there, too" modelled closed

  mkdir "$folder/guest"
  ok "at the real path: a guest without any sensor" machine guest
  ok "has the model" modelled guest
  ok "and is told so" grep -q 'no working energy counter' "$folder/guest.err"
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
