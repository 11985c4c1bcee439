#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What learning more signs costs, and what it forgets: ten, then five times two more.

usage: extend.py [--frugal build/frugal] [--data DIR/psl_126/psl.npy] [--net sign-small]
                 [--choices 10] [--seeds 1] [--first 1] [--fold 0] [--shots N] [--no-test]
                 [--train "..."] [--extend "..."] [--out DIR]

Each choice draws twenty signs. A model of ten is trained; `frugal extend` adds two, five
times; another is trained on all twenty from scratch, with the same stopping rule, split
and seed, and (with --shots, which limits the examples of each added sign) by --compare
scratch of the last extension, done again for it, from as many examples. Choices go through
the folds of the split. Shares are of what training all twenty took: of the whole program's
joules, of its training's alone, of operations. Points are against scratch. With --no-test
all figures are of the validation side. Mean and 95 % interval over choices and seeds
(Student's t).
"""
import argparse
import csv
import json
import math
import os
import random
import shlex
import statistics
import subprocess
import sys
import tempfile

BASE, STEP, TIMES = 10, 2, 5
# Student's t, 97.5 %, by degrees of freedom.
T = [math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
     2.201, 2.179, 2.160, 2.145, 2.131]


def run(a, command, *more):
    told = [a.frugal, command, *[str(m) for m in more], "--threads", "1", "--quiet",
            "--json", "-", "--store", os.path.join(a.out, "extend.sqlite")]
    if a.no_test and command in ("train", "extend"):
        told.append("--no-test")
    done = subprocess.run(told, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(" ".join(told) + "\n" + done.stderr)
    return json.loads(done.stdout)["result"]


def spec(a, signs):
    return f"keypoints:{a.data}?signs={','.join(signs)}{a.keys}"


def of_phases(result, names, key="program"):
    """Joules of the phases under one of the names."""
    total = 0.0
    for phase in result["phases"]:
        if phase["name"].split("/")[0] in names:
            total += phase["core_s"] if key == "core_s" else phase["program"]["value"]
    return total


def joules(result, aside=("scratch", "compare")):
    """Of the whole program, but for what only compares."""
    return result["program"]["value"] - of_phases(result, aside)


def tested(result):
    return result["validate"] if result["accuracy"] is None else result


def recall(result, names):
    """Of the samples of some classes, the share that was called right."""
    rows, at = tested(result)["confusion"], result["classes"]
    right = sum(rows[at.index(n)][at.index(n)] for n in names)
    return right / sum(sum(rows[at.index(n)]) for n in names)


def figures(step, scratch):
    training = {"features", "choose", "head", "refine"}
    whole = {"train", "validate"}
    return {
        "program": joules(step) / scratch["program"]["value"],
        "training": of_phases(step, training) / of_phases(scratch, whole),
        "core_s": of_phases(step, training, "core_s") / of_phases(scratch, whole, "core_s"),
        "operations": step["operations"] / scratch["operations"],
        "forgot": step["old_classes"]["before"]["accuracy"]["value"]
                  - step["old_classes"]["after"]["accuracy"]["value"],
        "refined": float(len(step["stages"]) > 1 and step["stages"][1]["kept"]),
    }


def chain(a, signs, seed, fold):
    common = ["--split", a.split, "--fold", fold, "--validate", a.validate]
    train = ["--net", a.net, "--seed", seed, *shlex.split(a.train)]
    path = os.path.join(a.out, "model-%d.safetensors")
    base = run(a, "train", "--data", spec(a, signs[:BASE]), *common, *train, "-o", path % 0)
    scratch = run(a, "train", "--data", spec(a, signs), *common, *train)
    steps = []
    for i in range(TIMES):
        new = signs[BASE + STEP * i:BASE + STEP * (i + 1)]
        how = ["--seed", seed, *shlex.split(a.extend)]
        how += ["--shots", a.shots] if a.shots else []
        told = [path % i, "--data", spec(a, new), *how]
        steps.append(run(a, "extend", *told, "-o", path % (i + 1)))
    few = run(a, "extend", *told, "--compare", "scratch")["scratch"] if a.shots else None
    last = steps[-1]
    mean = tested(last)["accuracy"]["value"]
    found = {
        "steps": [figures(s, scratch) for s in steps],
        "scratch_j": scratch["program"]["value"],
        "base": tested(base)["accuracy"]["value"],
        "scratch": tested(scratch)["accuracy"]["value"],
        "extended": mean,
        "old": recall(last, signs[:BASE]),
        "old_points": recall(last, signs[:BASE]) - recall(scratch, signs[:BASE]),
        "points": mean - tested(scratch)["accuracy"]["value"],
        "f1_points": tested(last)["macro_f1"]["value"] - tested(scratch)["macro_f1"]["value"],
    }
    if few and few["all_classes"]:
        found["few_points"] = mean - few["all_classes"]["accuracy"]["value"]
    return found


def interval(values):
    n = len(values)
    mean = statistics.fmean(values)
    if n < 2:
        return f"{mean:8.3f}"
    reach = T[min(n - 1, len(T) - 1)] * statistics.stdev(values) / math.sqrt(n)
    return f"{mean:8.3f} ({mean - reach:.3f} to {mean + reach:.3f})"


def tell(found):
    def row(name, values, scale=1.0):
        print(f"{name:44}{interval([scale * v for v in values])}", flush=True)
    for key, what in (("program", "program, % of scratch"),
                      ("training", "training alone, %"), ("core_s", "its core-seconds, %"),
                      ("operations", "operations, %"),
                      ("forgot", "forgotten by it, points"), ("refined", "refined, %")):
        for i in range(TIMES):
            row(f"+{STEP}, time {i + 1}: {what}", [f["steps"][i][key] for f in found], 100)
    row("scratch, J", [f["scratch_j"] for f in found])
    for key, what in (("base", "the ten, accuracy, %"), ("scratch", "all by scratch, %"),
                      ("extended", "all by extending, %"),
                      ("old", "the first ten by extending, %"),
                      ("old_points", "the first ten, points to scratch"),
                      ("points", "all, points to scratch"),
                      ("f1_points", "all, points of macro-F1"),
                      ("few_points", "all, points to scratch of as few examples")):
        if key in found[0]:
            row(what, [f[key] for f in found], 100)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--frugal", default="build/frugal")
    p.add_argument("--data", default=os.path.join(os.environ.get("FRUGAL_DATA", "."),
                                                  "psl_126", "psl.npy"))
    p.add_argument("--keys", default="", help="more of the spec: '&velocity=yes'")
    p.add_argument("--net", default="sign-small")
    p.add_argument("--split", default="blocks:5")
    p.add_argument("--fold", type=int, default=0, help="0: each choice another one of five")
    p.add_argument("--validate", default="blocks")
    p.add_argument("--choices", type=int, default=10)
    p.add_argument("--first", type=int, default=1)
    p.add_argument("--seeds", type=int, default=1)
    p.add_argument("--shots", type=int, default=0)
    p.add_argument("--train", default="")
    p.add_argument("--extend", default="")
    p.add_argument("--no-test", action="store_true")
    p.add_argument("--out", default="")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        a.out = a.out or folder
        with open(os.path.splitext(a.data)[0] + ".index.csv", encoding="utf-8") as index:
            known = sorted({r["action"] for r in csv.DictReader(index)})
        found = []
        for choice in range(a.first, a.first + a.choices):
            signs = random.Random(choice).sample(known, BASE + STEP * TIMES)
            for seed in range(1, a.seeds + 1):
                found.append(chain(a, signs, seed, a.fold or (choice - 1) % 5 + 1))
        tell(found)
        with open(os.path.join(a.out, "extend.json"), "w", encoding="utf-8") as out:
            json.dump(found, out, indent=1)


if __name__ == "__main__":
    main()
