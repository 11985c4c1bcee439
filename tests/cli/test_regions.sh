#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# frugal carbon regions: what is known, what is not, what the user adds, what is refused.
. "$(dirname "$0")/tap.sh"
cd "$folder" || exit 1

ok "all regions" exits 0 carbon regions --json all.json
ok "of three providers, by grams" json "
  [len([r for r in j['result']['regions'] if r['provider'] == p]) for p in ('gcp', 'aws', 'azure')]
    == [44, 39, 60] and (lambda g: g == sorted(g))([r['intensity']['value']
    for r in j['result']['regions']]) and len(j['warnings']) == 1" all.json
ok "what is not known is null, and has no source" json "
  all((r[k] is None) == (r[k + '_source'] is None) for r in j['result']['regions']
      for k in ('intensity', 'carbon_free', 'pue'))
  and any(r['pue'] is None for r in j['result']['regions'])
  and all(r['latency_ms'] is None for r in j['result']['regions'])" all.json
ok "and a dash in the table, which has no nan" sh -c "
  '$frugal' carbon regions >t 2>/dev/null && grep -q '–' t && ! grep -qiw 'nan' t"
ok "years are told" json "[y['year'] for r in j['result']['regions']
  if r['region'] == 'gcp:europe-west3' for y in r['years']] == [2024, 2023, 2022, 2021, 2020, 2019]" \
  all.json
ok "one provider, one union, by carbon-free share" exits 0 carbon regions --provider gcp \
  --country EU --sort carbon-free --json eu.json
ok "are eleven" json "(lambda r: len(r) == 11 and r[0]['region'] == 'gcp:europe-north2'
  and [x['carbon_free'] for x in r] == sorted([x['carbon_free'] for x in r], reverse=True)
  and not {x['country'] for x in r} & {'GB', 'CH'})(j['result']['regions'])" eu.json
ok "by name" exits 0 carbon regions --provider aws --country US-VA,CA --sort name --json us.json
ok "states and countries" json "[r['region'] for r in j['result']['regions']] ==
  ['aws:ca-central-1', 'aws:ca-west-1', 'aws:us-east-1']" us.json

gcp="${FRUGAL_SHARED:-}/carbon/gcp-region-carbon-info"
if [ -d "$gcp" ]; then
  ok "each year is Google's file, line by line" python3 -c "
import csv, json, pathlib, sys
told = {(r['region'][4:], y['year']): (y['g_per_kwh'], y['carbon_free'])
        for r in json.load(open('all.json'))['result']['regions'] for y in r['years']}
files = {}
for path in pathlib.Path(sys.argv[1]).glob('20*.csv'):
    for line in list(csv.reader(open(path, encoding='utf-8-sig')))[1:]:
        if line:
            files[line[0], int(path.stem)] = (float(line[3]) or None,
                                              float(line[2]) if line[2] else None)
assert told == files, set(told.items()) ^ set(files.items())" "$gcp"
else
  echo "# skipped: Google's files (FRUGAL_SHARED) are not there"
fi
cast="${FRUGAL_SHARED:-}/carbon/carboncast"
if [ -d "$cast" ]; then
  ok "a grid's year is the mean of CarbonCast's hours" python3 -c "
import csv, subprocess, sys, json
for name, column in (('CISO', slice(6, 10)), ('PJM', slice(6, 10)), ('PL', slice(0, 4)),
                     ('SE', slice(0, 4)), ('DE', slice(0, 4))):
    lines = list(csv.DictReader(open(f'{sys.argv[1]}/{name}_lifecycle_emissions.csv')))
    for year in ('2020', '2021'):
        hours = [float(l['carbon_intensity']) for l in lines if l['UTC time'][column] == year]
        said = subprocess.run([sys.argv[2], 'carbon', 'fleet', '--delta', '1kW', '--hours', '1/year',
            '--users', '1', '--intensity', f'table:{name}@{year}', '--json', '-'],
            capture_output=True, check=True).stdout
        grams = json.loads(said)['result']['users_grid']['intensity']['value']
        assert abs(grams - sum(hours) / len(hours)) <= 0.0005001, (name, year, grams)" "$cast" "$frugal"
fi

printf 'region,latency_ms,pue,zone\neurope-west3,21,1.1,\nbasement,1,1.3,DE\nshed,,,\n' >c.csv
ok "criteria go over it" exits 0 carbon regions --criteria c.csv --max-latency 80ms --json c.json
ok "what they tell, and no more" json "(lambda r: [x['region'] for x in r]
  == ['gcp:europe-west3', 'basement'] and r[0]['pue'] == 1.1
  and r[0]['pue_source'] == 'the criteria' and r[0]['pue_year'] is None and r[1]['provider'] is None
  and r[1]['intensity']['value'] == 344.13992)(j['result']['regions'])
  and '143 regions are left out' in j['warnings'][0]" c.json
ok "a place without a grid has none" exits 0 carbon regions --criteria c.csv \
  --provider criteria --json s.json
ok "which is null, with a warning" json "[r['intensity'] for r in j['result']['regions']
  if r['region'] == 'shed'] == [None] and any('shed' in w for w in j['warnings'])" s.json

if gnuplot --version >/dev/null 2>&1; then
  ok "a picture" exits 0 carbon regions --provider gcp --chart r.svg --home europe-west3
  ok "with home marked" grep -q '276, home' r.svg
fi
ok "home is one of them" fails_saying 1 "--home 'DE'" carbon regions --provider gcp --chart r.svg --home DE
ok "a picture is SVG or PNG" fails_saying 1 "ends in .svg or .png" carbon regions --chart r.pdf
ok "two files are two" fails_saying 1 "are one file" carbon regions --chart r.svg --json r.svg
ok "another provider is refused" fails_saying 1 "no cloud region 'nope'" carbon regions --provider nope
ok "and another country" fails_saying 2 "'XX' is none of" carbon regions --country XX
ok "and another order" fails_saying 2 "not 'price'" carbon regions --sort price
ok "where nothing is left it says so" fails_saying 1 "none of 143" carbon regions --country LI
printf 'region,colour\na,red\n' >bad.csv
ok "an unknown column is refused by name" fails_saying 1 "'colour' is no column" carbon regions \
  --criteria bad.csv
finish
