#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Exit codes, help, and what goes to stdout and stderr.
. "$(dirname "$0")/tap.sh"

ok "--version exits 0" exits 0 --version
ok "the version is one line" grep -qx 'frugal [0-9.]*' "$folder/out"
ok "--help exits 0" exits 0 --help
for command in $(sed -n 's/^  \([a-z]*\) .*/\1/p' "$folder/out"); do
  ok "$command --help exits 0" exits 0 "$command" --help
  ok "$command --help says how it is used" grep -q "Usage: frugal $command" "$folder/out"
  ok "$command with an unknown option is wrong usage" exits 2 "$command" --no-such-option
done
ok "no command is wrong usage" exits 2
ok "an unknown command is wrong usage" fails_saying 2 "'fly' is not a command" fly
ok "train without data is wrong usage" fails_saying 2 "--data SPEC" train
ok "a number out of range is wrong usage" \
  fails_saying 2 "--window takes a whole number" train --data synthetic: --window 0
ok "so is a text that is no data" fails_saying 2 "KIND:PATH" train --data ''
ok "so is a task that there is none" fails_saying 2 "'foo' is not a task" train \
  --data synthetic: --task foo
ok "so is a split that there is none" fails_saying 2 "'bogus' is not known" train \
  --data synthetic: --split bogus
ok "and a validation" fails_saying 2 "'bogus' is not known" train \
  --data synthetic: --validate bogus
ok "a missing model is one sentence" fails_saying 1 "no-such-file" info no-such-file
ok "an unknown kind of data lists the known" \
  fails_saying 1 "synthetic" train --data fly:away
ok "an unknown layer is named" fails_saying 1 "fly" info --net 'fly(3)'
ok "info describes a named network" exits 0 info --net small --json "$folder/info.json"
ok "its JSON has the contract's envelope" json \
  "set(j) == {'command', 'version', 'result', 'warnings'} and j['command'] == 'info'" \
  "$folder/info.json"
ok "parameters are the sum over layers" json \
  "j['result']['parameters'] == sum(l['parameters'] for l in j['result']['layers'])" \
  "$folder/info.json"
ok "--json - replaces the table" exits 0 info --net small --json -
ok "stdout is then JSON and nothing else" json "j['result']['layers']" "$folder/out"
ok "a full disk behind stdout fails" sh -c "! '$frugal' info --net small >/dev/full"
ok "runs list works on an empty store" exits 0 runs list
ok "runs show of a missing run is one sentence" fails_saying 1 "42" runs show 42
ok "runs show of no number is one sentence" fails_saying 1 "'x'" runs show x
finish
