#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make src/carbon/tables/zone_intensity.txt: yearly means of countries, states and grids.

usage: tools/make_zone_table.py PACKAGES CARBONCAST > src/carbon/tables/zone_intensity.txt

PACKAGES holds these packages of PyPI, each unpacked in a folder of its name and version
(their data files are under the MIT licence as they are):

  carbontracker-2.4.7, carbontracker-1.2.5   countries, 2020 to 2024
  codecarbon-3.3.2, codecarbon-2.3.5   countries; states of the USA, provinces of Canada
                                       and China, bidding zones of Sweden and Norway
  codecarbon-2.8.4                     countries of the EU, 2000 to 2020

CARBONCAST holds CarbonCast's hourly files (Apache-2.0), whose means by year are taken.

One row for each zone, year and factor: of several the first of the list below. A row whose
source does not tell its factor stands only where there is no other of that zone and year.
A figure of 0 gCO2e/kWh, which no grid has, is left out: it stays unknown.
"""
import collections
import csv
import json
import pathlib
import sys

# ISO 3166-1, alpha-3 to alpha-2.
ALPHA_2 = dict(pair.split(":") for pair in """
ABW:AW AFG:AF AGO:AO AIA:AI ALA:AX ALB:AL AND:AD ARE:AE ARG:AR ARM:AM ASM:AS ATA:AQ
ATF:TF ATG:AG AUS:AU AUT:AT AZE:AZ BDI:BI BEL:BE BEN:BJ BES:BQ BFA:BF BGD:BD BGR:BG
BHR:BH BHS:BS BIH:BA BLM:BL BLR:BY BLZ:BZ BMU:BM BOL:BO BRA:BR BRB:BB BRN:BN BTN:BT
BVT:BV BWA:BW CAF:CF CAN:CA CCK:CC CHE:CH CHL:CL CHN:CN CIV:CI CMR:CM COD:CD COG:CG
COK:CK COL:CO COM:KM CPV:CV CRI:CR CUB:CU CUW:CW CXR:CX CYM:KY CYP:CY CZE:CZ DEU:DE
DJI:DJ DMA:DM DNK:DK DOM:DO DZA:DZ ECU:EC EGY:EG ERI:ER ESH:EH ESP:ES EST:EE ETH:ET
FIN:FI FJI:FJ FLK:FK FRA:FR FRO:FO FSM:FM GAB:GA GBR:GB GEO:GE GGY:GG GHA:GH GIB:GI
GIN:GN GLP:GP GMB:GM GNB:GW GNQ:GQ GRC:GR GRD:GD GRL:GL GTM:GT GUF:GF GUM:GU GUY:GY
HKG:HK HMD:HM HND:HN HRV:HR HTI:HT HUN:HU IDN:ID IMN:IM IND:IN IOT:IO IRL:IE IRN:IR
IRQ:IQ ISL:IS ISR:IL ITA:IT JAM:JM JEY:JE JOR:JO JPN:JP KAZ:KZ KEN:KE KGZ:KG KHM:KH
KIR:KI KNA:KN KOR:KR KWT:KW LAO:LA LBN:LB LBR:LR LBY:LY LCA:LC LIE:LI LKA:LK LSO:LS
LTU:LT LUX:LU LVA:LV MAC:MO MAF:MF MAR:MA MCO:MC MDA:MD MDG:MG MDV:MV MEX:MX MHL:MH
MKD:MK MLI:ML MLT:MT MMR:MM MNE:ME MNG:MN MNP:MP MOZ:MZ MRT:MR MSR:MS MTQ:MQ MUS:MU
MWI:MW MYS:MY MYT:YT NAM:NA NCL:NC NER:NE NFK:NF NGA:NG NIC:NI NIU:NU NLD:NL NOR:NO
NPL:NP NRU:NR NZL:NZ OMN:OM PAK:PK PAN:PA PCN:PN PER:PE PHL:PH PLW:PW PNG:PG POL:PL
PRI:PR PRK:KP PRT:PT PRY:PY PSE:PS PYF:PF QAT:QA REU:RE ROU:RO RUS:RU RWA:RW SAU:SA
SDN:SD SEN:SN SGP:SG SGS:GS SHN:SH SJM:SJ SLB:SB SLE:SL SLV:SV SMR:SM SOM:SO SPM:PM
SRB:RS SSD:SS STP:ST SUR:SR SVK:SK SVN:SI SWE:SE SWZ:SZ SXM:SX SYC:SC SYR:SY TCA:TC
TCD:TD TGO:TG THA:TH TJK:TJ TKL:TK TKM:TM TLS:TL TON:TO TTO:TT TUN:TN TUR:TR TUV:TV
TWN:TW TZA:TZ UGA:UG UKR:UA UMI:UM URY:UY USA:US UZB:UZ VAT:VA VCT:VC VEN:VE VGB:VG
VIR:VI VNM:VN VUT:VU WLF:WF WSM:WS YEM:YE ZAF:ZA ZMB:ZM ZWE:ZW
""".split())

OWID = "Our World in Data, via "
LIFECYCLE, DIRECT, UNKNOWN = "LIFECYCLE", "DIRECT", "UNKNOWN"
GRAMS_PER_POUND = 453.59237

# CarbonCast's name of a zone: Electricity Maps', and what it is.
GRIDS = {
    "CISO": ("US-CAL-CISO", "California ISO"),
    "PJM": ("US-MIDA-PJM", "PJM Interconnection"),
    "DE": ("DE", "Germany"),
    "PL": ("PL", "Poland"),
    "SE": ("SE", "Sweden"),
}

PROVINCES = {  # of Canada, ISO 3166-2:CA
    "alberta": "AB", "british columbia": "BC", "manitoba": "MB", "new brunswick": "NB",
    "newfoundland and labrador": "NL", "northwest territories": "NT", "nova scotia": "NS",
    "nunavut": "NU", "ontario": "ON", "prince edward island": "PE", "quebec": "QC",
    "saskatchewan": "SK", "yukon": "YT",
}
# A source's word in canada_energy_mix.json: that of carbon_intensity_per_source.json.
FUELS = {"naturalGas": "natural_gas", "hydro": "hydroelectricity"}

Row = collections.namedtuple("Row", "zone other name grams year factor source")


def text(value):
    """A C string literal."""
    return json.dumps(value, ensure_ascii=True)


def read_json(path):
    return json.loads(path.read_text("utf-8"))


def read_csv(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def carbontracker(packages, version, factor):
    """Countries; 1.2.5 says gCO2 where the later ones say gCO2eq, or have Ember's."""
    folder = packages / f"carbontracker-{version}" / "carbontracker" / "data"
    for line in read_csv(folder / "carbon-intensities.csv"):
        code = line["Code"]
        grams = next(v for k, v in line.items() if k.startswith("Carbon intensity"))
        if code in ALPHA_2:
            yield Row(ALPHA_2[code], code, line["Entity"], float(grams), int(line["Year"]),
                      factor, f"{OWID}carbontracker {version} (MIT)")


def private(packages, version):
    return packages / f"codecarbon-{version}" / "codecarbon" / "data" / "private_infra"


def codecarbon(packages, version):
    mix = read_json(private(packages, version) / "global_energy_mix.json")
    for code, country in mix.items():
        if country.get("carbon_intensity") and code in ALPHA_2:
            yield Row(ALPHA_2[code], code, country["country_name"],
                      float(country["carbon_intensity"]), country["year"], LIFECYCLE,
                      f"{OWID}CodeCarbon {version} (MIT)")


def europe(packages, version="2.8.4"):
    """The European Environment Agency's: what is burnt."""
    path = private(packages, version) / "2020" / "eu-carbon-intensity-electricity.csv"
    for line in read_csv(path):
        code = line["Code"]
        if code in ALPHA_2 or line["Entity"] == "EU-27":
            yield Row(ALPHA_2.get(code, "EU"), code, line["Entity"],
                      float(line["Carbon intensity of electricity (gCO2/kWh)"]),
                      int(line["Year"]), DIRECT, "European Environment Agency, "
                      f"via Our World in Data and CodeCarbon {version} (MIT)")


def states(packages, version="3.3.2"):
    """eGRID's total output emission rate of CO2e (STC2ERTA): what is burnt."""
    table = read_json(private(packages, version) / "2023" / "usa_emissions.json")
    year = table["_source"]["year"]
    for name, state in table.items():
        if name.startswith("_"):
            continue
        whole = name == "usa"
        code = "US" if whole else "US-" + state["regionCode"].upper()
        said = "United States" if whole else name.title().replace(" Of ", " of ")
        yield Row(code, "USA" if whole else "", said + ("" if whole else ", United States"),
                  round(state["emissions"] * GRAMS_PER_POUND / 1000, 3), year, DIRECT,
                  f"EPA eGRID{year}, total output, via CodeCarbon {version} (MIT)")


def provinces_of_china(packages, version="3.3.2"):
    path = private(packages, version) / "2023" / "china_provincial_emissions.json"
    for code, province in read_json(path)["data"].items():
        yield Row(code, "", province["description"] + ", China",
                  province["emission_factor"], province["year"], DIRECT,
                  "Ministry of Ecology and Environment of China, announcement 2025 No. 47, "
                  f"CO2 alone, via CodeCarbon {version} (MIT)")


def bidding_zones(packages, version="3.3.2"):
    table = read_json(private(packages, version) / "nordic_emissions.json")["data"]
    for code, zone in table.items():
        if code == "FI":  # an older value, kept there without its year
            continue
        share = zone["coverage"].split("%")[0]
        name = zone["description"].split(", includes")[0]
        name += ")" if name.count("(") > name.count(")") else ""
        yield Row(f"{code[:2]}-{code}", code, name, zone["emission_factor"], zone["year"],
                  LIFECYCLE, f"{share} % of ENTSO-E's generation x CodeCarbon {version}'s "
                  "factors by source (MIT)")


def provinces_of_canada(packages, version="3.3.2"):
    """Shares of the mix x factors by source; what has no factor is counted at 0, as the
    bidding zones' own table does."""
    folder = private(packages, version)
    factor = read_json(folder / "carbon_intensity_per_source.json")
    for name, mix in read_json(folder / "2023" / "canada_energy_mix.json").items():
        grams = sum(share * factor.get(FUELS.get(fuel, fuel), 0)
                    for fuel, share in mix.items() if fuel != "total") / mix["total"]
        yield Row("CA-" + PROVINCES[name], "", name.title().replace(" And ", " and ")
                  + ", Canada", round(grams, 1), 2023, LIFECYCLE,
                  f"mix of generation x factors by source, both of CodeCarbon {version} "
                  "(MIT)")


def carboncast(folder):
    for name, (zone, said) in GRIDS.items():
        by_year = collections.defaultdict(list)
        for line in read_csv(folder / f"{name}_lifecycle_emissions.csv"):
            date = line["UTC time"].split(" ")[0]
            year = int(date[:4] if date[4] == "-" else date[-4:])
            by_year[year].append(float(line["carbon_intensity"]))
        for year, hours in by_year.items():
            yield Row(zone, "DEU POL SWE".split()["DE PL SE".split().index(zone)]
                      if zone in ALPHA_2.values() else name, said,
                      round(sum(hours) / len(hours), 3), year, LIFECYCLE,
                      f"mean of {len(hours)} hours, CarbonCast (Apache-2.0)")


def world(packages, version="3.3.2"):
    factor = read_json(private(packages, version) / "carbon_intensity_per_source.json")
    yield Row("world", "", "World", factor["world_average"], 2018, DIRECT,  # report of 2019
              "IEA, Global Energy & CO2 Status Report 2019, "
              f"via CodeCarbon {version} (MIT)")


def rows(packages, grids):
    """All there are, the preferred ones first."""
    yield from world(packages)
    yield from carbontracker(packages, "2.4.7", LIFECYCLE)
    yield from codecarbon(packages, "3.3.2")
    yield from codecarbon(packages, "2.3.5")
    yield from carboncast(grids)
    yield from bidding_zones(packages)
    yield from provinces_of_canada(packages)
    yield from states(packages)
    yield from provinces_of_china(packages)
    yield from europe(packages)
    yield from carbontracker(packages, "1.2.5", UNKNOWN)


HEAD = """/* Made by tools/make_zone_table.py; do not edit. Yearly mean carbon intensity of
 * electricity: zone, other name, name, gCO2e/kWh, year, factor, source. Of a zone the
 * newest year first, of a year life-cycle before direct. */
"""
ORDER = [LIFECYCLE, DIRECT, UNKNOWN]


def main(packages, grids):
    kept, names = {}, {}
    for row in rows(pathlib.Path(packages), pathlib.Path(grids)):
        key = (row.zone, row.year, row.factor)
        known = any((row.zone, row.year, f) in kept for f in (LIFECYCLE, DIRECT))
        if row.grams > 0 and key not in kept and not (row.factor == UNKNOWN and known):
            # one name for each zone, the first one's
            kept[key] = row._replace(name=names.setdefault(row.zone, row.name))
    print(HEAD, end="")
    for row in sorted(kept.values(), key=lambda r: (r.zone, -r.year, ORDER.index(r.factor))):
        print(f"ROW({text(row.zone)}, {text(row.other)}, {text(row.name)}, {row.grams}, "
              f"{row.year}, {row.factor},\n    {text(row.source)})")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
