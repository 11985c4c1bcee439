#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long frugal takes to start: wall time, median of many, programs in turn.

usage: startup.py build/frugal

Goals: `frugal --version` below 5 ms, `frugal test` on one window below 20 ms. What `true`
takes is the machine's own part. With an energy counter, `test` also tries the sensors,
which takes up to 200 ms once.
"""
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

TIMES = 41


def milliseconds(command, **how):
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, **how)
    return 1e3 * (time.perf_counter() - start)


def write_window(path, channels):
    with open(path, "w") as out:
        print("subject", *(f"c{c}" for c in range(channels)), sep=",", file=out)
        for person in (1, 2):
            for step in range(256 if person == 1 else 128):
                print(person, *(f"{math.sin(person * step / 9 + c):.4f}" for c in range(channels)),
                      sep=",", file=out)


def main():
    frugal = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        how = {"cwd": folder, "env": dict(os.environ, XDG_DATA_HOME=folder, XDG_CACHE_HOME=folder)}
        write_window(f"{folder}/two.csv", 12)
        lines = open(f"{folder}/two.csv").read().splitlines()
        with open(f"{folder}/one.csv", "w") as out:
            out.write("\n".join(lines[:129]) + "\n")
        data = "?subject=subject&rate=50"
        milliseconds([frugal, "train", "-q", "--data", "csv:two.csv" + data, "--split",
                      "random:0.5", "--validate", "none", "--epochs", "1", "-o",
                      "m.safetensors"], **how)
        commands = {
            "true": ["true"],
            "frugal --version": [frugal, "--version"],
            "frugal test, one window": [frugal, "test", "m.safetensors", "-q", "--data",
                                        "csv:one.csv" + data, "--split", "all"]}
        samples = {name: [] for name in commands}
        for _ in range(TIMES):
            for name, command in commands.items():
                samples[name].append(milliseconds(command, **how))
    for name, taken in samples.items():
        print(f"{name:26} {statistics.median(taken):6.2f} ms (least {min(taken):.2f})")


main()
