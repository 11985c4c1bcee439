#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py OUTPUT HEADER NAME=FILE...: text files as C strings."""
import json
import sys


def main():
    output, header, pairs = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(output, "w", encoding="utf-8") as out:
        out.write("/* SPDX-License-Identifier: Apache-2.0 */\n")
        out.write(f'#include "{header}"\n')
        for pair in pairs:
            name, path = pair.split("=", 1)
            out.write(f"\nconst char {name}[] =\n")
            with open(path, encoding="utf-8") as text:
                for line in text:
                    out.write(f"    {json.dumps(line, ensure_ascii=True)}\n")
            out.write("    ;\n")


main()
