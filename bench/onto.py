#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where extending a model breaks even with training anew: signs known against signs added.

usage: onto.py [--frugal build/frugal] [--data DIR/psl_126/psl.npy] [--net sign-small]
               [--choices 10] [--pairs 4+2,4+4,...] [--replay 10] [--test] [--out DIR]

For each pair K+M and each choice K + M signs are drawn; a model learns K of them (split
blocks:5, fold and seed turn with the choice), `frugal extend --compare scratch` adds M and
trains all from scratch by the same stopping rule. Shares are of what scratch took:
operations, and joules of the training phases; points are extend's less scratch's, of all
classes' macro-F1 and of old and new ones' share that was called right. Without --test
figures are of the validation side. Mean and 95 % interval over choices (Student's t).
"""
import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile

PAIRS = "3+1,3+3,3+6,3+12,6+2,6+6,6+12,6+18,12+2,12+6,12+12,12+24,19+2,19+10,19+19,30+2,30+8"
# Student's t, 97.5 %, by degrees of freedom.
T = [math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
     2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093]


def signs_of(data):
    with open(data[:-len(".npy")] + ".index.csv", encoding="utf-8") as rows:
        names = {line.split(",")[1].strip('"') for line in rows.readlines()[1:]}
    return sorted(names)


def run(a, command, *more):
    told = [a.frugal, command, *[str(m) for m in more], "--threads", "1", "--quiet",
            "--json", "-", "--store", os.path.join(a.out, "onto.sqlite")]
    told += [] if a.test else ["--no-test"]
    done = subprocess.run(told, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(" ".join(told) + "\n" + done.stderr)
    return json.loads(done.stdout)["result"]


def value(of, *keys):
    for key in keys:
        of = of[key]
    return of["value"]


def one(a, old, new, choice):
    drawn = random.Random(1000 * choice + old).sample(signs_of(a.data), old + new)
    split = ["--split", "blocks:5", "--validate", "blocks", "--fold", choice % 5 + 1]
    model = os.path.join(a.out, "old.safetensors")
    spec = f"keypoints:{a.data}?signs="
    base = run(a, "train", "--data", spec + ",".join(drawn[:old]), "--net", a.net,
               "--seed", choice, "-o", model, *split)
    r = run(a, "extend", model, "--data", spec + ",".join(drawn), "--compare", "scratch",
            "--replay", a.replay, "--seed", choice, *split)
    all_of = r if a.test else r["validate"]
    scratch = r["scratch"]
    return {
        "operations": 100 * r["operations"] / scratch["operations"],
        "program": 100 * value(r, "training", "program") / value(scratch, "program"),
        "all": 100 * (value(all_of, "macro_f1") -
                      value(scratch, "all_classes", "macro_f1")),
        "old": 100 * (value(r, "old_classes", "after", "accuracy") -
                      value(scratch, "old_classes", "accuracy")),
        "new": 100 * (value(r, "new_classes", "accuracy") -
                      value(scratch, "new_classes", "accuracy")),
        "scratch": 100 * value(scratch, "all_classes", "macro_f1"),
        "epochs": scratch["epochs"],
        "was": base["epochs"],
    }


def told(values):
    mean = statistics.mean(values)
    n = len(values)
    if n < 2:
        return f"{mean:.1f}"
    half = T[min(n - 1, len(T) - 1)] * statistics.stdev(values) / math.sqrt(n)
    return f"{mean:.1f} ± {half:.1f}"


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--frugal", default="build/frugal")
    p.add_argument("--data", default=os.path.join(os.environ.get("FRUGAL_DATA", "."),
                                                  "psl_126/psl.npy"))
    p.add_argument("--net", default="sign-small")
    p.add_argument("--choices", type=int, default=10)
    p.add_argument("--pairs", default=PAIRS)
    p.add_argument("--replay", default="10")
    p.add_argument("--test", action="store_true")
    p.add_argument("--out")
    a = p.parse_args()
    if a.out is None:
        a.out = tempfile.mkdtemp(prefix="onto-")
    columns = ["operations", "program", "all", "old", "new", "scratch", "epochs"]
    print(f"{a.net}, {'test' if a.test else 'validation'} side, {a.choices} choices")
    print("| known | new | " + " | ".join(columns) + " |")
    print("|---" * (2 + len(columns)) + "|")
    for pair in a.pairs.split(","):
        old, new = (int(n) for n in pair.split("+"))
        found = [one(a, old, new, c) for c in range(1, a.choices + 1)]
        print(f"| {old} | {new} | " +
              " | ".join(told([f[c] for f in found]) for c in columns) + " |", flush=True)


main()
