# SPDX-License-Identifier: Apache-2.0
"""What the published .ts files hold, by plain Python: `python3 ts.py FOLDER > ts.h`."""
import math
import sys
from collections import Counter
from pathlib import Path

NAMES = ["BasicMotions", "GunPoint", "NATOPS", "PickupGestureWiimoteZ"]


def cases(path):
    at_data = False
    for line in path.read_text(encoding="latin-1").splitlines():
        line = line.strip()
        if at_data and line and line[0] != "#":
            *channels, label = line.split(":")
            series = [[float("nan" if v.strip() == "?" else v) for v in c.split(",")]
                      for c in channels]
            steps = list(zip(*series))
            while all(math.isnan(v) for v in steps[-1]):
                steps.pop()
            yield steps, label
        at_data = at_data or line.lower() == "@data"


def main():
    folder = Path(sys.argv[1])
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by tests/golden/ts.py. */")
    print("static const ts_golden ts_published[] = {")
    for name in NAMES:
        for side in ["TRAIN", "TEST"]:
            found = list(cases(folder / f"{name}_{side}.ts"))
            lengths = [len(steps) for steps, _ in found]
            total = math.fsum(v for steps, _ in found for row in steps for v in row)
            square = math.fsum(v * v for steps, _ in found for row in steps for v in row)
            first, label = found[0]
            most = max(Counter(label for _, label in found).values())
            classes = len({label for _, label in found})
            print(f'    {{"{name}", "{name}_{side}", {len(found)}, {len(first[0])}, '
                  f"{min(lengths)}, {max(lengths)}, {classes}, {most}, "
                  f"{total:.9g}, {square:.9g}, \n"
                  f'     "{label}", {first[7][-1]:.9g}}},')
    print("};")


main()
