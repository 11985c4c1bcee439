#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Python's csv and datetime read of the hourly files: argument 1 is their folder.
Writes carbon_files.h beside itself."""
import csv
import datetime as dt
import math
import os
import sys

folder = sys.argv[1]
maps = [("BR", 2023), ("DE", 2022), ("ES", 2023), ("GB", 2022), ("NO", 2023), ("US-CAL-CISO", 2023)]
cast = ["CISO", "DE", "PJM", "PL", "SE"]


def seconds(text):
    text = text.removesuffix("+00:00")
    # CISO's and PJM's rows go 01/01, 01/02 ... within days: the month stands first
    form = "%m/%d/%Y %H:%M:%S" if "/" in text else "%Y-%m-%d %H:%M:%S"
    return int(dt.datetime.strptime(text, form).replace(tzinfo=dt.timezone.utc).timestamp())


def row(name, factor, zone, times, values, estimated):
    pairs = sorted(zip(times, values))
    assert len(set(times)) == len(times)
    return '    {"%s", %s, "%s", %d, %d, %d, %d, %.17g, %.17g, %.17g},' % (
        name, factor, zone, len(times), estimated, pairs[0][0], pairs[-1][0], pairs[0][1], pairs[-1][1],
        math.fsum(values))


lines = []
for zone, year in maps:
    name = f"electricitymaps/{zone}_{year}_hourly.csv"
    with open(os.path.join(folder, name), newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    times = [seconds(r["Datetime (UTC)"]) for r in rows]
    estimated = sum(r["Data Estimated"] == "true" for r in rows)
    for word, factor in (("direct", "FR_FACTOR_DIRECT"), ("LCA", "FR_FACTOR_LIFECYCLE")):
        values = [float(r[f"Carbon Intensity gCO₂eq/kWh ({word})"]) for r in rows]
        lines.append(row(name, factor, zone, times, values, estimated))
for zone in cast:
    name = f"carboncast/{zone}_lifecycle_emissions.csv"
    with open(os.path.join(folder, name), newline="") as f:
        rows = list(csv.DictReader(f))
    times = [seconds(r["UTC time"]) for r in rows]
    lines.append(row(name, "FR_FACTOR_LIFECYCLE", "", times, [float(r["carbon_intensity"]) for r in rows], 0))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "carbon_files.h"), "w") as out:
    print("/* SPDX-License-Identifier: Apache-2.0 */\n/* Made by carbon_files.py. */", file=out)
    print("static const struct {\n  const char *file;\n  enum fr_factor factor;\n  const char *zone;\n"
          "  size_t count, estimated;\n  int64_t first_s, last_s; /* starts of them */\n"
          "  double first, last, sum;\n} golden[] = {", file=out)
    print("\n".join(lines) + "\n};", file=out)
