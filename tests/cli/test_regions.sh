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

printf 'region,latency_ms,pue,zone\neurope-west3,21,1.1,\nbasement,1,1.3,DE\nshed,,,\n' >c.csv
ok "criteria go over it" exits 0 carbon regions --criteria c.csv --max-latency 80ms --json c.json
ok "what they tell, and no more" json "(lambda r: [x['region'] for x in r]
  == ['gcp:europe-west3', 'basement'] and r[0]['pue'] == 1.1
  and r[0]['pue_source'] == 'the criteria' and r[1]['provider'] is None
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
ok "another provider is refused" fails_saying 1 "no cloud region 'nope'" carbon regions --provider nope
ok "and another country" fails_saying 2 "'XX' is none of" carbon regions --country XX
ok "and another order" fails_saying 2 "not 'price'" carbon regions --sort price
ok "where nothing is left it says so" fails_saying 1 "none of 143" carbon regions --country LI
printf 'region,colour\na,red\n' >bad.csv
ok "an unknown column is refused by name" fails_saying 1 "'colour' is no column" carbon regions \
  --criteria bad.csv
finish
