#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make src/carbon/tables/region.txt and region_year.txt: cloud regions, their grids.

usage: tools/make_region_table.py PACKAGES GCP ZONES REGION.txt REGION_YEAR.txt

GCP holds Google Cloud's region-carbon-info, 2019.csv to 2024.csv (Apache-2.0): intensity
of the grid and carbon-free share. The headings of 2019 and 2020 call the intensity
life-cycle; of the later ones its readme says that it is operational, which is direct.

ZONES is zone_intensity.txt of make_zone_table.py. PACKAGES holds, each unpacked in a
folder of its name and version:

  botocore-1.44.5 (PyPI, Apache-2.0)                     AWS's regions
  cloud-regions-info-1.0.1 (PyPI, MIT)                   Azure's regions and their countries
  cloud-carbon-footprint-aws-0.15.0, -azure-1.8.0        mean PUE of AWS and Azure; zones as
    (npm @cloud-carbon-footprint/..., Apache-2.0)        Electricity Maps calls them

AWS and Azure publish no intensity of their regions. Theirs is the grid's: Google's figure
of a region in the same zone, else that of the state, else of the zone, else of the country.
0 gCO2e/kWh, which no grid has, is left unknown.
"""
import csv
import json
import pathlib
import re
import sys

# Country or state, city: what the sources' own names and coordinates say.
PLACES = {
    "gcp": """
africa-south1 ZA Johannesburg
asia-east1 TW Changhua County
asia-east2 HK Hong Kong
asia-northeast1 JP Tokyo
asia-northeast2 JP Osaka
asia-northeast3 KR Seoul
asia-south1 IN Mumbai
asia-south2 IN Delhi
asia-southeast1 SG Singapore
asia-southeast2 ID Jakarta
australia-southeast1 AU-NSW Sydney
australia-southeast2 AU-VIC Melbourne
europe-central2 PL Warsaw
europe-north1 FI Hamina
europe-north2 SE Stockholm
europe-southwest1 ES Madrid
europe-west1 BE St. Ghislain
europe-west2 GB London
europe-west3 DE Frankfurt
europe-west4 NL Eemshaven
europe-west6 CH Zurich
europe-west8 IT Milan
europe-west9 FR Paris
europe-west10 DE Berlin
europe-west12 IT Turin
me-central1 QA Doha
me-central2 SA Dammam
me-west1 IL Tel Aviv
northamerica-northeast1 CA-QC Montreal
northamerica-northeast2 CA-ON Toronto
northamerica-south1 MX Queretaro
southamerica-east1 BR Sao Paulo
southamerica-west1 CL Santiago
us-central1 US-IA Council Bluffs
us-central2 US-OK Oklahoma
us-east1 US-SC Moncks Corner
us-east2 US-GA Georgia
us-east4 US-VA Ashburn
us-east5 US-OH Columbus
us-south1 US-TX Dallas
us-west1 US-OR The Dalles
us-west2 US-CA Los Angeles
us-west3 US-UT Salt Lake City
us-west4 US-NV Las Vegas
""",
    "aws": """
af-south-1 ZA Cape Town
ap-east-1 HK Hong Kong
ap-east-2 TW Taipei
ap-northeast-1 JP Tokyo
ap-northeast-2 KR Seoul
ap-northeast-3 JP Osaka
ap-south-1 IN Mumbai
ap-south-2 IN Hyderabad
ap-southeast-1 SG Singapore
ap-southeast-2 AU-NSW Sydney
ap-southeast-3 ID Jakarta
ap-southeast-4 AU-VIC Melbourne
ap-southeast-5 MY Malaysia
ap-southeast-6 NZ New Zealand
ap-southeast-7 TH Thailand
ca-central-1 CA-QC Montreal
ca-west-1 CA-AB Calgary
cn-north-1 CN-BJ Beijing
cn-northwest-1 CN-NX Ningxia
eu-central-1 DE Frankfurt
eu-central-2 CH Zurich
eu-north-1 SE Stockholm
eu-south-1 IT Milan
eu-south-2 ES Spain
eu-west-1 IE Dublin
eu-west-2 GB London
eu-west-3 FR Paris
eusc-de-east-1 DE Germany
il-central-1 IL Tel Aviv
me-central-1 AE United Arab Emirates
me-south-1 BH Bahrain
mx-central-1 MX Mexico
sa-east-1 BR Sao Paulo
us-east-1 US-VA N. Virginia
us-east-2 US-OH Ohio
us-gov-east-1 US Eastern USA
us-gov-west-1 US Western USA
us-west-1 US-CA N. California
us-west-2 US-OR Oregon
""",
    "azure": """
australiacentral AU-ACT Canberra
australiacentral2 AU-ACT Canberra
australiaeast AU-NSW Sydney
australiasoutheast AU-VIC Melbourne
brazilsouth BR Sao Paulo
brazilsoutheast BR Rio de Janeiro
canadacentral CA-ON Toronto
canadaeast CA-QC Quebec City
centralindia IN Pune
centralus US-IA Des Moines
chilecentral CL Santiago
chinaeast CN-SH Shanghai
chinaeast2 CN-SH Shanghai
chinanorth CN-BJ Beijing
chinanorth2 CN-BJ Beijing
chinanorth3 CN-BJ Beijing
eastasia HK Hong Kong
eastus US-VA Virginia
eastus2 US-VA Boydton
francecentral FR Central France
francesouth FR Southern France
germanynorth DE Northern Germany
germanywestcentral DE Frankfurt
indonesiacentral ID Jakarta
israelcentral IL Israel
italynorth IT Milan
japaneast JP Tokyo
japanwest JP Osaka
jioindiacentral IN Central India
jioindiawest IN Western India
koreacentral KR Seoul
koreasouth KR Busan
malaysiawest MY Kuala Lumpur
mexicocentral MX Mexico
northcentralus US-IL Chicago
northeurope IE Dublin
norwayeast NO Oslo
norwaywest NO Stavanger
polandcentral PL Warsaw
qatarcentral QA Doha
southafricanorth ZA Pretoria
southafricawest ZA Cape Town
southcentralus US-TX San Antonio
southeastasia SG Singapore
southindia IN Chennai
swedencentral SE Gavle
swedensouth SE Lund
switzerlandnorth CH Zurich
switzerlandwest CH Geneva
taiwannorth TW Taipei
uaecentral AE Abu Dhabi
uaenorth AE Dubai
uksouth GB Southern England
ukwest GB Merseyside
westcentralus US-WY Cheyenne
westeurope NL Amsterdam
westindia IN Mumbai
westus US-CA San Francisco
westus2 US-WA Quincy
westus3 US-AZ Phoenix
""",
}

# Cloud Carbon Footprint names another grid than the one there: of Chicago (PJM),
# Quincy, Cheyenne and Phoenix (none of PacifiCorp's). Left unknown.
NOT_THERE = {("azure", code) for code in
             ("northcentralus", "westcentralus", "westus2", "westus3")}
# Countries that are one zone.
WHOLE = set("AE BE BH CH DE ES FI FR GB HK IE IL KR NL NZ PL QA SA SG TH TW ZA".split())
# Countries with one grid almost everywhere, whose zone no source names.
ONE_GRID = {"CL", "MX"}
# Of a place that Cloud Carbon Footprint names for AWS or Azure, for the others' there.
SAME_PLACE = """
JP Tokyo JP-TK
JP Osaka JP-KN
IN Mumbai IN-WE
ID Jakarta ID
AU-NSW Sydney AU-NSW
AU-VIC Melbourne AU-VIC
SE Stockholm SE-SE3
CA-QC Montreal CA-QC
CA-ON Toronto CA-ON
BR Sao|Paulo BR-CS
IT Milan IT-NO
IT Turin IT-NO
US-IA Council|Bluffs US-MIDW-MISO
US-VA Ashburn US-MIDA-PJM
US-OH Columbus US-MIDA-PJM
US-TX Dallas US-TEX-ERCO
US-UT Salt|Lake|City US-NW-PACE
"""
NAMES = {  # of countries whose row is long, or missing
    "US": "USA", "KR": "South Korea", "TW": "Taiwan", "HK": "Hong Kong",
    "AE": "United Arab Emirates", "GB": "United Kingdom",
}
STATES = {
    "US-AZ": "Arizona", "US-CA": "California", "US-GA": "Georgia", "US-IA": "Iowa",
    "US-IL": "Illinois", "US-NV": "Nevada", "US-OH": "Ohio", "US-OK": "Oklahoma",
    "US-OR": "Oregon", "US-SC": "South Carolina", "US-TX": "Texas", "US-UT": "Utah",
    "US-VA": "Virginia", "US-WA": "Washington", "US-WY": "Wyoming",
    "CA-AB": "Alberta", "CA-ON": "Ontario", "CA-QC": "Quebec",
    "AU-ACT": "Australian Capital Territory", "AU-NSW": "New South Wales",
    "AU-VIC": "Victoria", "CN-BJ": "Beijing", "CN-NX": "Ningxia", "CN-SH": "Shanghai",
}
LIFECYCLE, DIRECT = "LIFECYCLE", "DIRECT"
GOOGLE = "Google Cloud, region-carbon-info (Apache-2.0)"
NOT_KNOWN = "NAN"


def text(value):
    """A C string literal."""
    return json.dumps(value, ensure_ascii=True)


def places():
    for provider, lines in PLACES.items():
        for line in lines.strip().splitlines():
            code, where, city = line.split(" ", 2)
            yield provider, code, where, city


def read_google(folder):
    """{code: {year: (grams, factor, carbon-free share)}}"""
    found = {}
    for path in sorted(pathlib.Path(folder).glob("20*.csv")):
        with open(path, encoding="utf-8-sig", newline="") as file:
            for line in csv.DictReader(file):
                column = next(k for k in line if "carbon intensity" in k)
                factor = LIFECYCLE if column.startswith("Lifecycle") else DIRECT
                found.setdefault(line["Google Cloud Region"], {})[int(path.stem)] = (
                    line[column] if float(line[column] or 0) > 0 else NOT_KNOWN, factor,
                    line["Google CFE"] or NOT_KNOWN)
    return found


def read_zones(path):
    """{zone: (name, grams, year, factor, source)}: the row that frugal chooses, too."""
    rows = re.findall(r'ROW\("([^"]*)", "[^"]*", (".*"), ([\d.]+), (\d+), (\w+),\n'
                      r'\s*(".*")\)', pathlib.Path(path).read_text("utf-8"))
    found = {}
    for want in (LIFECYCLE, DIRECT):
        for zone, name, grams, year, factor, source in rows:
            if factor == want:
                found.setdefault(zone, (json.loads(name), grams, year, factor,
                                        json.loads(source)))
    return found


def check_aws(packages):
    """Each region of the table is one that botocore knows, and the other way round."""
    path = packages / "botocore-1.44.5" / "botocore" / "data" / "endpoints.json"
    known = {code for partition in json.loads(path.read_text("utf-8"))["partitions"]
             if "-iso" not in partition["partition"] for code in partition["regions"]}
    named = {code for provider, code, _, _ in places() if provider == "aws"}
    assert known == named, known ^ named


def check_azure(packages, zones):
    path = (packages / "cloud-regions-info-1.0.1" / "cloud_regions_info" / "mappings" /
            "azure_regions.json")
    known = json.loads(path.read_text("utf-8"))
    del known["southeastasiastandard"]  # not one that Azure has
    known["westcentralus"] = {"country": "United States"}  # left out there
    for provider, code, where, _ in places():
        if provider == "azure":
            said = known.pop(code)["country"]
            assert said == zones[where[:2]][0], (code, said)
    assert not known, known


def footprint(packages, provider, version):
    folder = packages / f"cloud-carbon-footprint-{provider}-{version}" / "src"
    title = provider.capitalize()
    constants = (folder / "domain" / f"{title}FootprintEstimationConstants.ts").read_text()
    pue = re.search(r"PUE_AVG: ([\d.]+)", constants).group(1)
    regions = (folder / "lib" / f"{provider.upper() if provider == 'aws' else title}"
               "Regions.ts").read_text()
    names = dict(re.findall(r"(\w+): \{\s*name: '(\w+)'", regions)
                 + re.findall(r"(\w+) = '([\w-]+)'", regions))
    zones = {names[key].lower(): zone for key, zone in
             re.findall(r"\[\w+_REGIONS\.(\w+?)(?:\.name)?\]: '([\w-]+)',", regions)}
    source = (f"Cloud Carbon Footprint, @cloud-carbon-footprint/{provider} {version} "
              "(Apache-2.0): mean of the provider")
    return pue, source, zones


def zone_of(provider, code, where, city, mapped):
    if (provider, code) in NOT_THERE:
        return ""
    if code in mapped:
        return mapped[code]
    for line in SAME_PLACE.strip().splitlines():
        state, name, zone = line.split()
        if (state, name.replace("|", " ")) == (where, city):
            return zone
    return where if where in WHOLE else ""


def main(packages, google, zone_table, region_path, year_path):
    packages = pathlib.Path(packages)
    years, zones = read_google(google), read_zones(zone_table)
    check_aws(packages)
    check_azure(packages, zones)
    theirs = {"gcp": (NOT_KNOWN, "", {}), "aws": footprint(packages, "aws", "0.15.0"),
              "azure": footprint(packages, "azure", "1.8.0")}
    assert set(years) == {code for p, code, _, _ in places() if p == "gcp"}
    grid_of = {}  # a zone's figure by Google: that of its first region there
    lines, told = [], []
    for provider, code, where, city in places():
        country, state = where[:2], where if "-" in where else ""
        pue, pue_source, mapped = theirs[provider]
        zone = zone_of(provider, code, where, city, mapped)
        name = NAMES.get(country, zones[country][0])
        parts = [part for part in (STATES.get(state), name) if part and part not in city]
        place = ", ".join([city, *parts])
        free = (NOT_KNOWN, 0, "")
        if provider == "gcp":
            for year, (grams, factor, share) in sorted(years[code].items(), reverse=True):
                told.append(f"YEAR({text(provider)}, {text(code)}, {year}, {grams}, "
                            f"{factor}, {share})")
            newest = max(years[code])
            grams, factor, _ = years[code][newest]
            grid = (grams, newest, factor, GOOGLE)
            known = [y for y in years[code] if years[code][y][2] != NOT_KNOWN]
            if known:
                free = (years[code][max(known)][2], max(known), GOOGLE)
            if zone or country in ONE_GRID:
                grid_of.setdefault(zone or country, (grams, newest, factor,
                                                      f"{GOOGLE}: the grid of gcp:{code}"))
        elif (zone or country) in grid_of:
            grid = grid_of[zone or country]
        else:
            row = next(zones[z] for z in (state, zone, country) if z in zones)
            grid = (row[1], row[2], row[3], f"{row[0]}: {row[4]}")
        lines.append((provider, code, f"REGION({text(provider)}, {text(code)}, "
                      f"{text(place)}, {text(country)}, {text(state)}, {text(zone)},\n"
                      f"       {grid[0]}, {grid[1]}, {grid[2]}, {text(grid[3])},\n"
                      f"       {free[0]}, {free[1]}, {text(free[2])},\n"
                      f"       {pue}, 0, {text(pue_source)})"))
    pathlib.Path(region_path).write_text(
        "/* Made by tools/make_region_table.py; do not edit. Provider, code, place, country, "
        "state, zone;\n * gCO2e/kWh, year, factor, source; carbon-free share, year, source; "
        "PUE, year (0: not told), source. */\n" +
        "\n".join(line for _, _, line in sorted(lines)) + "\n")
    pathlib.Path(year_path).write_text(
        "/* Made by tools/make_region_table.py; do not edit. Provider, code, year, "
        "gCO2e/kWh, factor, carbon-free\n * share; from " + GOOGLE + ". */\n" +
        "\n".join(told) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
