#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the meter's processor tables.

    make_cpu_table.py text cpu_power.csv > src/meter/tables/cpu_tdp.txt
    make_cpu_table.py c cpu_tdp.txt cpu_family.txt -o cpu_table.c

The first step is done by hand when codecarbon's list changes and its result is committed; the
second one is done by the build. cpu_family.txt is written by hand.
"""
import argparse
import csv
import sys

SOURCE = "codecarbon"
# The list is undated. Its newest processors (Xeon 6788P, EPYC 4585PX) appeared in 2025.
YEAR = 2025

HEADER = f"""\
# Thermal design power of processors, watts per package, as their makers state it.
# Made by tools/make_cpu_table.py from cpu_power.csv of codecarbon (MIT licence, see NOTICE),
# https://github.com/mlco2/codecarbon, codecarbon/data/hardware/cpu_power.csv; the list is
# undated, the year is that of its newest processors.
# name<TAB>tdp_w<TAB>source<TAB>year
"""

# Names that the kernel gives to many different processors: a match would say nothing.
TOO_GENERAL = {"ARMv8 Processor rev 0 (v8l)"}


def text(path, out):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    out.write(HEADER)
    for row in rows:
        name = row["Name"].strip()
        if name in TOO_GENERAL:
            continue
        try:
            tdp = float(row["TDP"])
        except ValueError:  # such as "27.29.5"
            tdp = 0.0
        if not 0 < tdp < 2000 or "\t" in name or not name:
            # Unknown, so left out: a guess would look like a fact.
            print(f"left out: '{name}' with '{row['TDP']}' W", file=sys.stderr)
            continue
        out.write(f"{name}\t{tdp:g}\t{SOURCE}\t{YEAR}\n")


def rows_of(path, columns):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            fields = line.split("\t")
            if len(fields) != columns:
                sys.exit(f"{path}:{number}: {len(fields)} columns, not {columns}")
            yield number, fields


def quoted(s):
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"'


def c_source(tdp, family, out):
    out.write("/* SPDX-License-Identifier: Apache-2.0 */\n")
    out.write("/* Made by tools/make_cpu_table.py from src/meter/tables; do not edit. */\n")
    out.write('#include "meter/cpu_table.h"\n\n')
    out.write("const fr__cpu_tdp fr__cpu_tdp_table[] = {\n")
    for _, (name, watts, source, year) in rows_of(tdp, 4):
        out.write(f"    {{{quoted(name)}, {float(watts)!r}, {quoted(source)}, {int(year)}}},\n")
    out.write("};\nconst size_t fr__cpu_tdp_count =\n"
              "    sizeof fr__cpu_tdp_table / sizeof fr__cpu_tdp_table[0];\n\n")
    out.write("const fr__cpu_family fr__cpu_family_table[] = {\n")
    for number, fields in rows_of(family, 11):
        vendor, *numbers, name, source, year = fields
        fam, low, high = (int(x, 0) for x in numbers[:3])
        w_low, w, w_high = (float(x) for x in numbers[3:6])
        threads = int(numbers[6])
        if not (low <= high and 0 < w_low <= w <= w_high and threads in (1, 2)):
            sys.exit(f"{family}:{number}: the numbers are not in order")
        out.write(f"    {{{quoted(vendor)}, {fam}, {low}, {high}, {w_low!r}, {w!r}, {w_high!r}, "
                  f"{threads}, {quoted(name)}, {quoted(source)}, {int(year)}}},\n")
    out.write("};\nconst size_t fr__cpu_family_count =\n"
              "    sizeof fr__cpu_family_table / sizeof fr__cpu_family_table[0];\n")


def main():
    parser = argparse.ArgumentParser(description="make the meter's processor tables")
    sub = parser.add_subparsers(dest="command", required=True)
    step = sub.add_parser("text")
    step.add_argument("csv")
    step = sub.add_parser("c")
    step.add_argument("tdp")
    step.add_argument("family")
    step.add_argument("-o", dest="output", required=True)
    arguments = parser.parse_args()
    if arguments.command == "text":
        text(arguments.csv, sys.stdout)
        return
    with open(arguments.output, "w", encoding="utf-8") as out:
        c_source(arguments.tdp, arguments.family, out)


main()
