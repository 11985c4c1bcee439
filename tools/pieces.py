#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""pieces.py OUTPUT NAME PREFIX FILE...: sources cut at their marks into a table of pieces.

A line "/*: NAME, WHAT IT NEEDS */" begins a piece, "/*: end */" ends the last one. PREFIX
(of types that others than exported C see, too; "-" for none) is taken away.
"""
import json
import re
import sys

MARK = re.compile(r"/\*: (\w+)(?:, ([\w ]+))? \*/\n")


def pieces_of(path, prefix):
    """(name, needs, text) of one file, in order."""
    with open(path, encoding="utf-8") as source:
        text = source.read()
    if prefix != "-":
        text = text.replace(prefix, "")
    parts = MARK.split(text)[1:]
    for name, needs, body in zip(parts[0::3], parts[1::3], parts[2::3]):
        if name == "end":
            return
        yield name, needs or "", body.strip("\n") + "\n"


def main():
    output, table, prefix, paths = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    with open(output, "w", encoding="utf-8") as out:
        out.write("/* SPDX-License-Identifier: Apache-2.0 */\n")
        out.write(f'#include "model/export_c.h"\n\nconst fr__piece {table}[] = {{\n')
        for path in paths:
            for name, needs, body in pieces_of(path, prefix):
                lines = "\n     ".join(json.dumps(line + "\n", ensure_ascii=True)
                                       for line in body.splitlines())
                out.write(f'    {{"{name}", "{needs}",\n     {lines}}},\n')
        out.write("    {0, 0, 0},\n};\n")


main()
