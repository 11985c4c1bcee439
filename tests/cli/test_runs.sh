#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is left of a metered run, however it ended; looking makes and changes nothing.
. "$(dirname "$0")/tap.sh"
cd "$folder" || exit 1

ok "no store, no runs" exits 0 runs list --json none.json
ok "an empty list" json "j['result']['runs'] == []" none.json
ok "and none is made by looking" test ! -e data
ok "a run of no store is one sentence" fails_saying 1 "no run 3" runs show 3
ok "a report of no store is one sentence" fails_saying 1 "no store" report

ok "a command is metered" exits 0 meter -q -- sh -c 'sleep 0.6; exit 0'
ok "it is listed" exits 0 runs list
ok "as done" grep -q 'meter .*done' out
ok "with min, mean and max" exits 0 runs show 1 --json one.json
ok "that are in order" json \
  "j['result']['power_w']['min'] <= j['result']['power_w']['mean'] <= j['result']['power_w']['max']
   and j['result']['samples'] >= 5 and 'spikes' in j['result']" one.json
ok "its timeline is reported" exits 0 report 1 -o first --json report.json
ok "a row per sample" sh -c '[ "$(wc -l <first/timeline.csv)" -ge 6 ]'
ok "and a page" grep -q 'What it cost' first/index.html
ok "the files are told" json \
  "all(__import__('os').path.getsize(f) > 0 for f in j['result']['files'])" report.json

# Killed: all but the last second is there, the command's end is not waited for.
"$frugal" meter -q -- sh -c 'echo $$ >pid; exec sleep 30' >/dev/null 2>&1 &
meter=$!
sleep 3.3
ok "a run that goes on is running" exits 0 runs list
ok "by its process" grep -q ' 2 .*running' out
kill -9 $meter
wait $meter 2>/dev/null
kill "$(cat pid)"
ok "a killed run is listed" exits 0 runs list
ok "as cut off" grep -q ' 2 .*cut off' out
ok "it is shown" exits 0 runs show 2 --json cut.json
ok "with all but the last second" json \
  "j['result']['state'] == 'cut off' and j['result']['duration_s'] > 2
   and j['result']['samples'] > 15" cut.json
ok "and reported" exits 0 report 2 -o second
ok "whose page says so" grep -q 'This run was cut off' second/index.html
ok "with its rows" sh -c '[ "$(wc -l <second/timeline.csv)" -gt 16 ]'

ok "two meters side by side" sh -c '
  "$1" meter -q -- sleep 0.5 & "$1" meter -q -- sleep 0.5 && wait $!' - "$frugal"
ok "are two runs" exits 0 runs list --json two.json
ok "both done" json "[r['state'] for r in j['result']['runs']].count('done') == 3" two.json

# A log of HWiNFO's is a run like one that was metered here.
cat >log.csv <<'CSV'
Date,Time,"CPU Package Power [W]","GPU Power [W]"
11.5.2026,13:05:20.500,10.0,4
11.5.2026,13:05:22.500,20.0,5
11.5.2026,13:05:24.500,40.0,
CSV
ok "a log is imported" exits 0 meter --import log.csv --json log.json
ok "and kept" json "j['result']['run'] == 5" log.json
ok "it is shown" exits 0 runs show 5 --json shown.json
ok "with its min, mean and max" json \
  "j['result']['power_w'] == {'min': 20, 'mean': 30, 'max': 40}
   and j['result']['sampled_energy_j'] == 120" shown.json
ok "and reported" exits 0 report 5 -o third
ok "by domain, what is missing empty" grep -q '^4.000000000,40,120,,0,40,$' third/timeline.csv
finish
