#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden values of times: Python's datetime and zoneinfo. Writes times.h beside itself."""
import datetime as dt
import os
from zoneinfo import ZoneInfo

written = """2026-05-04T03:02:01Z
2026-05-04T03:02:01+00:00
2026-05-04 03:02:01
2026-05-04t03:02:01z
2026-05-04T05:02+02:00
2026-05-03T22:32:01-0430
2026-05-04T03:02:01.999999Z
2026-05-04T03
2026-05-04
1970-01-01T00:00:00Z
1969-12-31T23:59:59Z
0001-01-01T00:00:00Z
9999-12-31T23:59:59Z
2000-02-29T12:00Z
2100-03-01T00:00Z
1900-02-28T23:59:59Z
2024-12-31T23:59:59+14:00
2018-01-20T12:00Z
2023-03-26T01:00:00+01:00""".split("\n")

walls = [
    ("Europe/Berlin", "2023-03-26 00:00", "2023-10-29 00:00"),
    ("America/New_York", "2023-03-12 00:00", "2023-11-05 00:00"),
    ("Australia/Lord_Howe", "2023-04-02 00:00", "2023-10-01 00:00"),
    ("Asia/Kolkata", "2023-06-01 00:00", "2023-06-01 12:00"),
    ("Pacific/Apia", "2011-12-29 22:00", "2011-12-30 22:00"),
    ("UTC", "2023-06-01 00:00", "2023-06-01 12:00"),
]


def utc(text):
    t = dt.datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    t = t if t.tzinfo else t.replace(tzinfo=dt.timezone.utc)
    return (t - dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)) // dt.timedelta(seconds=1)


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "times.h"), "w") as out:
    p = lambda *a: print(*a, file=out)
    p("/* SPDX-License-Identifier: Apache-2.0 */")
    p("/* Made by times.py. */")
    p("static const struct {\n  const char *text;\n  int64_t seconds;\n} written[] = {")
    for text in written:
        if text.endswith("T03"):
            continue  # an hour alone is not read
        fixed = text[:-2] + ":" + text[-2:] if text[-5] in "+-" and text.count("-") > 2 else text
        p('    {"%s", INT64_C(%d)},' % (text, utc(fixed)))
    p("};\n")
    p("/* Each half hour of six: the first and the second of the wall's time. */")
    p("static const struct {\n  const char *zone, *text;\n  int64_t first, second;\n} walls[] = {")
    for zone, *starts in walls:
        for start in starts:
            for i in range(12):
                t = dt.datetime.fromisoformat(start) + dt.timedelta(minutes=30 * i)
                both = [int(t.replace(tzinfo=ZoneInfo(zone), fold=f).timestamp()) for f in (0, 1)]
                there = [dt.datetime.fromtimestamp(s, ZoneInfo(zone)).replace(tzinfo=None, fold=0) == t
                         for s in both]
                if not any(there):
                    both[1] = both[0]  # not on the clock: the offset before, whichever is asked for
                p('    {"%s", "%s", %d, %d},' % (zone, t.isoformat(" ", "minutes"), *both))
    p("};")
