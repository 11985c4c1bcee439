#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signs of people and recordings that were not trained on: the figures of docs/gestures.md.

usage: signs.py [PSL|PAIRS|TRIPLES|OWN]... [--frugal build/frugal] [--data DIR] [--seeds 3]
                [--nets 'sign-small;sain'] [--jobs 1] [--no-test] [--out DIR]

PSL      38 signs of psl_126, five blocks of consecutive sequences: four train, one tests
PAIRS    signs_1662: one signer trains, another tests, over the signs that both have
TRIPLES  signs_1662: two signers train, the third tests, over the signs of all three
OWN      signs_1662: PAIRS' signs of one signer, five blocks (what PAIRS loses is the person)

Each network, fold and seed is trained and tested once; its result is a line of
OUT/signs.jsonl, and what is there is not done again. With --no-test the block beside the
test block validates and the test side stays closed (PSL and OWN): so was chosen what
stands here. Intervals are Student's 95 %: of seeds, each over all folds; of folds, each
over all seeds, which has the spread of recordings or people in it. PAIRS and TRIPLES have
Wilson's beside them, over the test windows of one seed, all folds together.
"""
import argparse
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
import threading

# Student's t, 97.5 %, by degrees of freedom.
T = [math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]

SHARED = {1: {"hello", "thanks", "iloveyou"}, 2: {"hello", "thanks", "iloveyou"},
          3: {"hello", "thanks", "seeyoulater"}}
POINTS = {"PSL": {"small": "mirror=no&shape=20&hold=5&depth=yes",
                  "tiny": "mirror=no&shape=20&hold=5"},
          "SIGNS": {"small": "", "tiny": ""}}
STEADY = ["--batch", "32", "--schedule", "cosine", "--patience", "0"]
VARIED = ["--augment", "crop(0.8) mixup(0.2) affine(15,0.1) drophand(0.3)"]
LEAN = [*STEADY, "--epochs", "60", "--learning-rate", "0.004", *VARIED]
PAGE = [*STEADY, "--epochs", "60", "--learning-rate", "0.002", "--clip-norm", "1"]
LONG = ["--epochs", "200"]  # sain's of signs_1662: an epoch is a few steps there

# What is compared: network, features and training.
WAYS = {
    "sign-small": {"net": "sign-small", "points": "small", "train": LEAN},
    "sign-tiny": {"net": "sign-tiny", "points": "tiny", "train": LEAN},
    "sain": {"net": "sain", "points": None, "train": PAGE},
    "sain, features": {"net": "sain", "points": "small", "train": PAGE},
    "sain, features, augmented": {"net": "sain", "points": "small",
                                  "train": [*PAGE, *VARIED]},
}


# ---- what is trained and tested ----

def spec(options, folder, keys):
    keys = "&".join(k for k in keys if k)
    return f"keypoints:{options.data}/{folder}" + (f"?{keys}" if keys else "")


def training(way, data):
    return [*way["train"], *(LONG if way["net"] == "sain" and data == "SIGNS" else [])]


def points_of(way, data):
    return "features=raw" if way["points"] is None else POINTS[data][way["points"]]


def blocks(data, fold, train, options):
    validate = "blocks" if options.no_test else "none"
    return {"data": data, "name": str(fold), "train": train,
            "split": ["--split", "blocks:5", "--fold", fold, "--validate", validate]}


def psl(way, options):
    data = spec(options, "psl_126", [points_of(way, "PSL")])
    return [blocks(data, fold, training(way, "PSL"), options) for fold in range(1, 6)]


def signers(way, options, train, test, signs):
    files = ",".join(f"{options.data}/signs_1662/signer-{n}.npy" for n in (*train, test))
    keys = ["signs=" + ",".join(sorted(signs)), "signer=file", points_of(way, "SIGNS")]
    return {"data": f"keypoints:{files}?" + "&".join(k for k in keys if k),
            "name": "%s to %d" % ("+".join(map(str, train)), test),
            "train": training(way, "SIGNS"),
            "split": ["--split", f"subject:signer-{test}", "--validate", "none"]}


def pairs(way, options):
    return [signers(way, options, [a], b, SHARED[a] & SHARED[b])
            for a, b in itertools.permutations((1, 2, 3), 2)]


def triples(way, options):
    return [signers(way, options, [n for n in (1, 2, 3) if n != b], b,
                    set.intersection(*SHARED.values())) for b in (1, 2, 3)]


def own(way, options):
    out = []
    for n, fold in itertools.product((1, 2, 3), range(1, 6)):
        data = spec(options, f"signs_1662/signer-{n}.npy",
                    ["signs=" + ",".join(sorted(SHARED[n])), points_of(way, "SIGNS")])
        one = blocks(data, fold, training(way, "SIGNS"), options)
        out.append({**one, "name": f"{n}, {fold}"})
    return out


PROTOCOLS = {"PSL": psl, "PAIRS": pairs, "TRIPLES": triples, "OWN": own}


# ---- running ----

def frugal(options, job):
    words = [options.frugal, "train", "--data", job["data"], "--task", "gesture",
             "--net", job["way"]["net"], *job["split"], *job["train"],
             "--seed", job["seed"], "--threads", "1", "--quiet", "--json", "-",
             "--store", os.path.join(options.out, "signs.sqlite")]
    if options.no_test:
        words.append("--no-test")
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(" ".join(map(str, words)) + "\n" + done.stderr)
    return json.loads(done.stdout)["result"]


def figures(result):
    """Without a test side all there is is the accuracy of the validation side."""
    if result["accuracy"] is None:
        return {"accuracy": result["validate_accuracy"]}
    return {"accuracy": result["accuracy"]["value"], "macro_f1": result["macro_f1"]["value"],
            "confusion": result["confusion"], "classes": result["classes"]}


def line_of(job, result):
    core = sum(p["core_s"] for p in result["phases"] if p["name"].split("/")[0] == "train")
    return {"key": job["key"], **figures(result), "parameters": result["parameters"],
            "operations": result["operations"], "core_s": core}


def key_of(options, protocol, way, job, seed):
    """All that the figures depend on but the program and the data's place."""
    data = job["data"].replace(options.data, "DIR")
    return json.dumps([protocol, way, job["name"], seed, data, WAYS[way]["net"],
                       job["train"], job["split"]])


def jobs_of(options):
    for protocol, way in itertools.product(options.protocols, options.nets):
        for job in PROTOCOLS[protocol](WAYS[way], options):
            for seed in range(1, options.seeds + 1):
                yield {**job, "protocol": protocol, "name_of_way": way, "way": WAYS[way],
                       "seed": seed, "key": key_of(options, protocol, way, job, seed)}


def read_lines(path):
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return {one["key"]: one for one in map(json.loads, file)}


def work(options, jobs, done):
    path, lock = os.path.join(options.out, "signs.jsonl"), threading.Lock()
    left = iter([job for job in jobs if job["key"] not in done])
    failed = []

    def worker():
        while not failed:
            with lock:
                job = next(left, None)
            if job is None:
                return
            try:
                line = line_of(job, frugal(options, job))
            except RuntimeError as error:
                failed.append(error)
                return
            with lock, open(path, "a", encoding="utf-8") as file:
                done[line["key"]] = line
                file.write(json.dumps(line) + "\n")
            print(job["protocol"], job["name_of_way"], job["name"], job["seed"],
                  "%.3f" % line["accuracy"], file=sys.stderr, flush=True)

    threads = [threading.Thread(target=worker) for _ in range(options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        sys.exit(str(failed[0]))


# ---- telling ----

def interval(values):
    n = len(values)
    if n < 2:
        return math.nan
    t = T[n - 1] if n <= len(T) else 1.96 + 2.5 / (n - 1)
    return t * statistics.stdev(values) / math.sqrt(n)


def spread(rows, key, of):
    """Half of the interval over the means of `of`, fold or seed."""
    groups = {}
    for job, line in rows:
        groups.setdefault(job[of], []).append(line[key])
    return interval([statistics.mean(g) for g in groups.values()])


def wilson(rows):
    """Of the test windows of one seed, folds together, at the mean accuracy."""
    n = sum(sum(map(sum, line["confusion"])) for job, line in rows if job["seed"] == 1)
    right = sum(line["confusion"][i][i] for _, line in rows
                for i in range(len(line["confusion"])))
    p = right / sum(sum(map(sum, line["confusion"])) for _, line in rows)
    z = 1.96
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return "%.1f to %.1f of %d" % (100 * (middle - half), 100 * (middle + half), n)


def mean(rows, key):
    return statistics.mean(line[key] for _, line in rows)


def row(way, rows, key):
    cells = [way, "%.4f" % mean(rows, key), "± %.4f" % spread(rows, key, "seed"),
             "± %.4f" % spread(rows, key, "name"),
             "%.2f" % (100 * mean(rows, "accuracy"))]
    if key == "macro_f1":
        cells.append(wilson(rows))
    cells += ["%d" % mean(rows, "parameters"), "%.3g" % (mean(rows, "operations") / 1e9),
              "%.2f" % mean(rows, "core_s")]
    return cells


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for cells in rows:
        print("| " + " | ".join(cells) + " |")
    print()


def differences(by_way, key):
    """Of the first way to each other, fold by fold and seed by seed."""
    first, out = next(iter(by_way)), []
    at = {(job["name"], job["seed"]): line[key] for job, line in by_way[first]}
    for way, rows in by_way.items():
        if way == first:
            continue
        folds = {}
        for job, line in rows:
            folds.setdefault(job["name"], []).append(at[job["name"], job["seed"]] - line[key])
        values = [statistics.mean(f) for f in folds.values()]
        out.append([f"{first} - {way}", "%+.4f" % statistics.mean(values),
                    "± %.4f" % interval(values)])
    return out


def by_fold(by_way, key):
    names = list(dict.fromkeys(job["name"] for job, _ in next(iter(by_way.values()))))
    return names, [[way, *("%.3f" % mean([r for r in rows if r[0]["name"] == n], key)
                           for n in names)] for way, rows in by_way.items()]


def confusions(rows, most=12):
    """What is taken for what, of all windows, seeds together."""
    count = {}
    for _, line in rows:
        for i, counts in enumerate(line["confusion"]):
            for j, n in enumerate(counts):
                if i != j and n:
                    pair = f"{line['classes'][i]} as {line['classes'][j]}"
                    count[pair] = count.get(pair, 0) + n
    best = sorted(count.items(), key=lambda item: -item[1])[:most]
    return ", ".join(f"{pair} {n}" for pair, n in best)


def tell(options, jobs, done):
    for protocol in options.protocols:
        by_way = {}
        for job in jobs:
            if job["protocol"] == protocol and job["key"] in done:
                by_way.setdefault(job["name_of_way"], []).append((job, done[job["key"]]))
        if not by_way:
            continue
        key = "accuracy" if options.no_test else "macro_f1"
        print(f"## {protocol}, {options.seeds} seeds\n")
        head = [protocol, key, "seeds", "folds", "accuracy, %"]
        head += ["Wilson, %"] if key == "macro_f1" else []
        table([*head, "parameters", "training, GFLOP", "core-seconds"],
              [row(way, rows, key) for way, rows in by_way.items()])
        names, rows = by_fold(by_way, key)
        table([key, *names], rows)
        if len(by_way) > 1:
            table(["difference of " + key, "mean", "folds"], differences(by_way, key))
        if key == "macro_f1":
            for way, rows in by_way.items():
                print(f"{way}: {confusions(rows)}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("protocols", nargs="*", metavar="PROTOCOL",
                        help=", ".join(PROTOCOLS) + " (default: all)")
    parser.add_argument("--frugal", default="build/frugal")
    parser.add_argument("--data", default=os.environ.get("FRUGAL_DATA", "data"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--nets", default=";".join(WAYS),
                        help="of " + "; ".join(WAYS) + ", with ; between")
    parser.add_argument("--jobs", type=int, default=1, help="at a time")
    parser.add_argument("--no-test", action="store_true")
    parser.add_argument("--out", default="bench-signs")
    options = parser.parse_args()
    options.protocols = options.protocols or list(PROTOCOLS)
    options.nets = options.nets.split(";")
    for name, known in ((n, PROTOCOLS) for n in options.protocols):
        if name not in known:
            parser.error(f"no protocol '{name}': " + ", ".join(known))
    for name in options.nets:
        if name not in WAYS:
            parser.error(f"no network '{name}': " + "; ".join(WAYS))
    if options.no_test:
        options.protocols = [p for p in options.protocols if p in ("PSL", "OWN")]
    os.makedirs(options.out, exist_ok=True)
    jobs = list(jobs_of(options))
    done = read_lines(os.path.join(options.out, "signs.jsonl"))
    work(options, jobs, done)
    tell(options, jobs, done)


if __name__ == "__main__":
    main()
