# SPDX-License-Identifier: Apache-2.0
"""Headers of NumPy's files of key points, and what NumPy finds in real recordings.

Run as a script, with the folder of recordings, it prints tests/golden/gestures.h. Of the
recordings only counts and sums are told.
"""
import csv
import io
import sys

import numpy as np

HEADERS = {
    "packed": ((4, 3, 42), "<f4", (1, 0), False),
    "turned": ((2, 3, 126), ">f8", (2, 0), True),
    "wide": ((2, 2, 258), "<f8", (1, 0), False),
    "holistic": ((1662,), "<f8", (1, 0), False),
    "hands": ((126,), "<f8", (1, 0), False),
    "sequence": ((5, 63), "<f4", (3, 0), False),
    "row": ((1, 63), "<f4", (1, 0), False),
    "other": ((100,), "<f8", (1, 0), False),
}


def header(shape, dtype, version, fortran):
    file = io.BytesIO()
    array = np.zeros(shape, dtype, order="F" if fortran else "C")
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()[: -array.nbytes]


def sums(folder, name):
    x = np.load(f"{folder}/{name}.npy").astype(np.float64)
    with open(f"{folder}/{name}.index.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for action in sorted({r["action"] for r in rows}):
        mine = [r for r in rows if r["action"] == action]
        of = x[[int(r["row"]) for r in mine]]
        yield (name, action, len(mine), of.sum(), np.abs(of[:, 7, 11::17]).sum(),
               int((of == 0).sum()))


def main():
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* By tests/golden/gestures.py, NumPy", np.__version__, "*/\n")
    for name, about in HEADERS.items():
        data = header(*about)
        print(f"/* {about} */\nstatic const unsigned char header_{name}[{len(data)}] = {{")
        for i in range(0, len(data), 16):
            print("    " + " ".join(f"{b}," for b in data[i : i + 16]))
        print("};")
    print("/* Sums of all values and of those of frame 7 from number 11 on, every 17th. */")
    print("static const struct {\n  const char *file, *sign;\n  size_t sequences;")
    print("  double all, some;\n  size_t zeros;\n} recorded[] = {")
    shared = sys.argv[1]
    for folder, name in [("signs_1662", "signer-1"), ("signs_1662", "signer-2"),
                         ("signs_1662", "signer-3"), ("psl_126", "psl")]:
        for file, action, n, total, some, zeros in sums(f"{shared}/{folder}", name):
            print(f'    {{"{file}", "{action}", {n}, {total:.9g}, {some:.9g}, {zeros}}},')
    print("};")


if __name__ == "__main__":
    main()
