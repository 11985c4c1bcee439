#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal carbon intensity: what is told of a file, of which part, and what is refused.
. "$(dirname "$0")/tap.sh"
docs=$(realpath "$(dirname "$0")/../../docs/intensity.md")
cd "$folder" || exit 1
export TZ=Europe/Berlin

# 100 days of hours from 2023-01-01T00:00Z on: 200, but 100 from 10 to 14 UTC, 300 at 18.
python3 - <<'PYTHON' >hours.csv
import datetime
print("time,gCO2/kWh (LCA),estimated")
for i in range(2400):
    t = datetime.datetime(2023, 1, 1) + datetime.timedelta(hours=i)
    v = 100 if 10 <= t.hour < 14 else 300 if t.hour == 18 else 200
    print(f"{t.isoformat()}Z,{v},{str(t.day == 2).lower()}")
PYTHON
look="carbon intensity csv:hours.csv --now 2023-02-01T12:30Z"

ok "a day of a file" exits 0 $look --json day.json
ok "is the latest that is over" json \
  "j['result']['latest']['start'] == '2023-02-01T11:00:00Z' and j['result']['latest']['age_s'] == 1800
   and j['result']['latest']['intensity']['value'] == 100 and j['result']['verb'] == 'intensity'" day.json
# 12:30 to 12:30: 23.5 h known, of them 1.5 + 2 h of 100, 1 h of 300
ok "a mean over the time that is known" json \
  "abs(j['result']['past']['mean']['value'] - (3.5 * 100 + 300 + 19 * 200) / 23.5) < 1e-6
   and abs(j['result']['past']['known_share'] - 23.5 / 24) < 1e-6
   and j['result']['past']['least']['intensity']['value'] == 100
   and j['result']['past']['most']['start'] == '2023-01-31T18:00:00Z'" day.json
ok "hours of it" json "len(j['result']['by']) == 25 and j['result']['ahead'] is None" day.json
ok "local times are those of TZ" grep -q 'Wed 1 Feb 12:00' out
ok "a time without a zone is local" exits 0 $look --from '2023-01-02 01:00' --to '2023-01-03 01:00' --json l.json
ok "and estimated is told" json \
  "j['result']['past']['start'] == '2023-01-02T00:00:00Z' and j['result']['past']['estimated_share'] == 1
   and j['result']['past']['known_share'] == 1 and len(j['result']['steps']) == 24" l.json
ok "units are for people" exits 0 $look --last 24h --unit lb/MWh
ok "a hundred grams are 220.5 lb/MWh" grep -q '^least  *220.5 lb/MWh' out
ok "days" exits 0 $look --last 30d --json d.json
ok "from midnight to midnight of TZ" json \
  "j['result']['by'][1]['start'] == '2023-01-02T23:00:00Z' and len(j['result']['by']) == 31" d.json
ok "months by name" exits 0 $look --last 30d --by month
ok "of which there are two" grep -q '^Feb 2023' out

ok "a forecast" exits 0 $look --ahead 24h --json f.json
ok "of hours like those before, with its error" json \
  "[s['forecast'] for s in j['result']['ahead']['steps']].count(True) == len(j['result']['ahead']['steps'])
   and j['result']['ahead']['skill']['tested'] > 0
   and j['result']['ahead']['least']['intensity']['value'] < 110
   and 290 < j['result']['ahead']['most']['intensity']['value'] < 310" f.json
ok "what comes later is not seen" sh -c "sed '1,757!s/,[0-9]*,/,4999,/' hours.csv >absurd.csv && cmp -s hours.csv absurd.csv; [ \$? = 1 ]"
ok "whatever it is" exits 0 carbon intensity csv:absurd.csv --now 2023-02-01T12:30Z --ahead 24h --json a.json
ok "to the last digit" python3 -c "
import json
a, f = (json.load(open(n))['result'] for n in ('a.json', 'f.json'))
for r in (a, f):
    r.pop('intensity_spec'), r.pop('origin')
assert a == f"
ok "unless it is asked for" exits 0 carbon intensity csv:absurd.csv --now 2023-02-01T12:30Z --ahead 24h \
  --forecast perfect --json a.json
ok "then it is" json "j['result']['ahead']['mean']['value'] > 4000" a.json

ok "a file of it" exits 0 $look --last 2d --ahead 24h --unit kg/MJ --csv out.csv
ok "is read again" exits 0 carbon intensity csv:out.csv --now 2023-02-01T12:30Z --last 2d --ahead 24h --json o.json
ok "as the same" json \
  "abs(j['result']['past']['mean']['value'] - (7.5 * 100 + 2 * 300 + 38 * 200) / 47.5) < 1e-6
   and j['result']['ahead']['method'] == \"the source's own\"" o.json

ok "without a time, where it ends" exits 0 carbon intensity csv:hours.csv --json e.json
ok "which is warned of" json "j['result']['past']['end'] == '2023-04-11T00:00:00Z'
  and 'old: that is looked at' in j['warnings'][0]" e.json
ok "a yearly mean knows no hours" exits 0 carbon intensity table:DE --json t.json
ok "as it says" json "j['result']['constant'] and j['result']['latest'] is None" t.json
ok "a number has a unit" exits 0 carbon intensity 0.1kg/MJ --json n.json
ok "which is converted" json "abs(j['result']['past']['mean']['value'] - 360) < 1e-9" n.json

if command -v gnuplot >/dev/null; then
  ok "pictures of it" exits 0 $look --last 7d --ahead 24h --chart c.svg --heat-map h.png
  ok "are an SVG and a PNG" sh -c "grep -q '</svg>' c.svg && head -c 4 h.png | grep -q PNG"
else
  ok "pictures of it # SKIP no gnuplot" true
  ok "are an SVG and a PNG # SKIP no gnuplot" true
fi
ok "no picture of another kind" fails_saying 1 'ends in .svg or .png' $look --chart c.gif
ok "no picture of one number" fails_saying 1 'knows no hours' carbon intensity 400 --chart c.svg

ok "no such time" fails_saying 1 'tells no intensity from' $look --from 2020-01-01 --to 2020-01-02
ok "no such file" fails_saying 1 "'none.csv' cannot be opened" carbon intensity csv:none.csv
ok "no such factor" fails_saying 1 'no direct intensities' $look --factor direct
ok "no time" fails_saying 2 "'tomorrow' is not a time" $look --from tomorrow
ok "no duration" fails_saying 2 "'fortnight' is not a duration" $look --last fortnight
ok "no unit" fails_saying 2 'not' $look --unit kg/mJ
ok "from behind to" fails_saying 1 'nothing lies between' $look --from 2023-01-03 --to 2023-01-02
ok "what ends before now has no latest" json "j['result']['latest'] is None" l.json
ok "a year by the hour" exits 0 carbon intensity csv:hours.csv --from 2022-06-01 --to 2023-04-01 --by hour
ok "is cut, and says so" grep -q 'ends after 4000 rows' err
files=${FRUGAL_SHARED:-}/carbon/electricitymaps
if [ -f "$files/DE_2022_hourly.csv" ]; then
  ln -s "$files/DE_2022_hourly.csv" .
  line=$(sed -n 's/^frugal \(carbon intensity csv:DE_2022.*\)/\1/p' "$docs")
  ok "the documentation's example runs" exits 0 $line
  ok "as it says" grep -q 'lb/MWh' out
else
  ok "the documentation's example runs # SKIP no data" true
  ok "as it says # SKIP no data" true
fi
# A server on this machine that answers as Great Britain's: 200, but 100 ahead.
cat >server.py <<'PYTHON'
import datetime, http.server, json
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        start, end = self.path.split("/")[2:4]
        at = datetime.datetime.fromisoformat(start.replace("Z", "+00:00"))
        ahead = end == "fw48h"
        to = at + datetime.timedelta(hours=48) if ahead else datetime.datetime.fromisoformat(end.replace("Z", "+00:00"))
        now, data, half = datetime.datetime.now(datetime.timezone.utc), [], datetime.timedelta(minutes=30)
        while at < to:
            data.append({"from": f"{at:%Y-%m-%dT%H:%MZ}", "to": f"{at + half:%Y-%m-%dT%H:%MZ}", "intensity":
                         {"forecast": 100, "actual": 200 if at + half <= now and not ahead else None}})
            at += half
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
open("port.new", "w").write(str(server.server_port))
__import__("os").rename("port.new", "port")
server.serve_forever()
PYTHON
python3 server.py &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$folder"' EXIT
while [ ! -f port ] && kill -0 $server; do sleep 0.05; done
export FRUGAL_UK_URL="http://127.0.0.1:$(cat port)"
ok "a server is asked" exits 0 carbon intensity uk: --last 6h --ahead 12h --json u.json
ok "for what was and what will be" json \
  "j['result']['latest']['intensity']['value'] == 200 and j['result']['latest']['intensity']['source'] == 'api'
   and j['result']['past']['mean']['value'] == 200 and j['result']['zone'] == 'GB' and j['result']['read'] is not None
   and j['result']['ahead']['mean']['value'] == 100 and j['result']['ahead']['known_share'] == 1" u.json
kill $server
wait $server 2>/dev/null
ok "offline it is what was kept" exits 0 carbon intensity uk: --last 6h --ahead 12h --offline --json v.json
ok "of a moment ago" json "j['warnings'] == [] and j['result']['read'] is not None and j['result']['past']['mean']['value'] == 200" v.json

ok "two words for one" fails_saying 2 '--last and --from' $look --from 2023-01-03 --last 3h
ok "one word too many" fails_saying 2 'one word too many' $look more
finish
