#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What features of key points are worth: the table of docs/keypoints.md.

usage: keypoints.py [--frugal build/frugal] [--data DIR] [--seeds 2] [CHOICE...]

CHOICE is what stands behind '?' in a spec, such as shape=10 or features=raw; without any,
those of the table. Everything is measured on validation sides, the test side stays closed.
Prints Markdown: macro-F1 and its standard error over folds (pairs of signers) and seeds.
"""
import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys

NET = "conv1d(48,5) bn relu lstm(48) dense(classes)"
CHOICES = ["features=raw", "", "mirror=no", "shape=10", "shape=20", "shape=20&depth=yes",
           "velocity=yes", "hold=0", "hold=2", "parts=hands", "parts=pose",
           "parts=hands,pose,face"]
SIGNERS = ["signer-1", "signer-2", "signer-3"]


def train(options, spec, split):
    command = [options.frugal, "train", "--data", spec, "--task", "gesture", "--net", NET,
               "--epochs", "60", "--patience", "20", "--batch", "32", "--no-test", "--quiet",
               "--json", "-", *split]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode != 0:
        print(f"{spec}: {made.stderr.strip()}", file=sys.stderr)
        return None
    return json.loads(made.stdout)["result"]["validate"]["macro_f1"]["value"]


def tell(options, spec, splits):
    scores = []
    for split, seed in itertools.product(splits, range(1, options.seeds + 1)):
        score = train(options, spec, [*split, "--seed", str(seed)])
        if score is None:
            return "–"
        scores.append(score)
    error = statistics.stdev(scores) / len(scores) ** 0.5
    return f"{statistics.mean(scores):.3f} ± {error:.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frugal", default="build/frugal")
    parser.add_argument("--data", default=os.environ.get("FRUGAL_DATA", "../shared/data"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("choice", nargs="*")
    options = parser.parse_args()
    blocks = [["--split", "blocks:5", "--fold", str(fold), "--validate", "blocks"]
              for fold in range(1, 6)]
    pairs = [["--split", f"subject:{away}", "--validate", f"subject:{other}"]
             for away, other in itertools.permutations(SIGNERS, 2)]
    print("| features | `psl_126` | `signs_1662`, unseen signer |\n|---|---|---|")
    for choice in options.choice or CHOICES:
        psl = f"keypoints:{options.data}/psl_126" + ("?" + choice if choice else "")
        signs = f"keypoints:{options.data}/signs_1662?signs=hello,thanks&signer=file"
        signs += "&" + choice if choice else ""
        name = f"`{choice}`" if choice else "the usual"
        print(f"| {name} | {tell(options, psl, blocks)} | {tell(options, signs, pairs)} |",
              flush=True)


main()
