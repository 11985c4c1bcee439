#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The protocols of docs/protocols.md, end to end: train, open the test side once, tell.

usage: protocols.py ID... [--frugal build/frugal] [--data DIR] [--seeds 5] [--first 1] [--out DIR]

Each seed (and fold) is trained on the whole training side with the test side closed, again
and again where a run is short, until the interval of its core-seconds is below 5 % of the
mean or it was done ten times; then `frugal test --repeat auto` opens the test side once.
Openings are counted in OUT/protocols.sqlite; figures are kept in OUT/ID.json. What was
chosen, and where, stands in docs/protocols.md: nothing is chosen here.
"""
import argparse
import glob
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile

SHORT = 10.0  # core-seconds: a longer training is measured once
REPEATS = 10
# Student's t, 97.5 %, by degrees of freedom.
T = [math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]

MOTION = "motionsense:DIR/motionsense/A_DeviceMotion_data.zip?"
WALKS = "activities=dws,ups,wlk,jog"
MINUTES = "extrasensory:DIR/extrasensory?"
HANDS = "csv:DIR/hand_keypoints/keypoint.csv?header=no&label=1&subject=1"
ONCE = ["--schedule", "one-cycle", "--label-smoothing", 0.1]

SIX = {  # 25 Hz: 8 s are 200 steps, 64 of the recorded ones 32
    "data": MOTION + "frame=pocket&rate=25", "task": "activity",
    "window": ["--window", 200, "--step", 32],
    "net": "conv1d(32,9,2) bn relu conv1d(48,9,2) bn relu conv1d(64,5,2) bn relu "
           "conv1d(96,3) bn relu avgpool(all) dropout(0.5) dense(classes)",
    "train": [*ONCE, "--epochs", 3]}

PROTOCOLS = {
    "MS-S6": {**SIX, "split": "subject:1,6,14,19,23",
              "also": {"half overlap": ["--step", 100]}},
    "MS-S4": {
        "data": MOTION + WALKS + "&frame=body&rate=25", "task": "activity",
        "split": "subject:4,9,11,21", "window": ["--window", 64, "--step", 32],
        "net": "conv1d(32,9) bn relu conv1d(48,9,2) bn relu conv1d(48,5) bn relu "
               "avgpool(all) dropout(0.5) dense(classes)",
        "train": [*ONCE, "--epochs", 16, "--augment", "timewarp(0.3) magwarp(0.3)"]},
    "HK": {"data": HANDS, "task": "activity", "split": "random:0.75",
           "net": "dense(20) relu dense(10) relu dense(classes)",
           "train": ["--schedule", "one-cycle", "--epochs", 60, "--learning-rate", 0.01,
                     "--weight-decay", 0.01]},
}
PROTOCOLS["HK-blocked"] = {
    **PROTOCOLS["HK"], "split": "time:0.75",
    "net": "dense(20) bn relu dense(10) relu dense(classes)",
    "train": ["--schedule", "one-cycle", "--epochs", 60, "--learning-rate", 0.01,
              "--augment", "jitter(0.6) mixup(0.4)"]}
PROTOCOLS["ES"] = {
    "data": MINUTES + "features=all", "task": "labels",
    "split": "folds:DIR/extrasensory/cv_5_folds", "folds": 5, "people": True,
    "net": "tanh dropout(0.3) dense(64) relu dropout(0.5) dense(classes)",
    "train": ["--schedule", "one-cycle", "--epochs", 2, "--class-weights", "balanced"]}
PROTOCOLS["ES-LR"] = {
    **PROTOCOLS["ES"], "net": "dense(classes)", "repeats": 1,
    "train": ["--schedule", "one-cycle", "--epochs", 10, "--class-weights", "balanced"]}
PROTOCOLS["ES-ID"] = {
    "data": MINUTES + "pocket=1", "task": "subject", "split": "time:0.7", "net": "big",
    "train": ["--validate", 0.1],
    "source": ["--data", MOTION + "features=extrasensory", "--task", "subject", "--split",
               "trial", "--net", "big"],
    "ways": {"append": ["--append"], "replace": ["--replace"],
             "refined": ["--replace", "--freeze", 0, "--refine", 0.1]}}
BIG = ("conv1d(96,9,pad=same) bn relu maxpool(4) dropout(0.2) "
       "conv1d(160,5,pad=same) bn relu maxpool(2) dropout(0.3) "
       "conv1d(160,5,pad=same) bn relu avgpool(all) dropout(0.5) dense(classes)")
PROTOCOLS["MS-ID"] = {
    "data": MOTION + WALKS + "&frame=motion", "task": "subject", "split": "trial",
    "window": ["--window", 128, "--step", 64], "net": BIG,
    "train": ["--schedule", "one-cycle", "--epochs", 20, "--learning-rate", 0.006,
              "--precision", "bf16", "--augment", "timewarp(0.2)"]}
PROTOCOLS["MS-ID-gravity"] = {**PROTOCOLS["MS-ID"],
                              "data": MOTION + WALKS + "&frame=gravity"}
PROTOCOLS["MS-LOSO"] = {**SIX, "split": "subject:loo", "folds": 24, "repeats": 1}


def mean_of(values):
    """Mean and half of its 95 % interval (Student's t)."""
    n = len(values)
    if n < 2:
        return values[0], math.nan
    t = T[n - 1] if n <= len(T) else 1.96 + 2.5 / (n - 1)
    return statistics.mean(values), t * statistics.stdev(values) / math.sqrt(n)


class Runner:
    def __init__(self, options):
        self.options = options
        self.folder = tempfile.TemporaryDirectory()
        self.store = os.path.join(options.out, "protocols.sqlite")

    def frugal(self, command, *words):
        path = os.path.join(self.folder.name, "last.json")
        done = subprocess.run(
            [self.options.frugal, command, "--quiet", "--store", self.store, "--json", path,
             *map(str, words)], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit("%s %s: %s" % (command, " ".join(map(str, words)), done.stderr.strip()))
        with open(path, encoding="utf-8") as file:
            return json.load(file)["result"]

    def work(self, words, model, repeats):
        """Until it is known what it costs; every run gives the same bits."""
        runs = []
        while True:
            result = self.frugal(*words, "-o", model)
            runs.append(training_of(result))
            core = [run["core_s"] for run in runs]
            if core[0] >= SHORT or len(runs) >= repeats:
                break
            if len(runs) > 2 and 2 * mean_of(core)[1] < 0.05 * mean_of(core)[0]:
                break
        cost = {key: statistics.mean(run[key] for run in runs) for key in runs[0]}
        cost.update(runs=len(runs), epochs=result["epochs"], parameters=result["parameters"],
                    operations=result["operations"], sensor=result["sensor"],
                    rule=result["rule"])
        return cost


def training_of(result):
    """The phases of training alone: not reading, not testing."""
    phases = [p for p in result["phases"] if p["name"].split("/")[0] == "train"]
    return {"core_s": sum(p["core_s"] for p in phases),
            "program_j": sum(p["program"]["value"] for p in phases)}


def testing_of(result):
    keys = ("accuracy", "macro_f1", "weighted_f1", "balanced_accuracy")
    figures = {key: result[key] and result[key]["value"] for key in keys}
    figures.update(samples=result["samples"], openings=result["openings"],
                   protocol=result["protocol"], confusion=result["confusion"],
                   classes=result["classes"], labels=result.get("labels"),
                   operations=result["operations"])
    if "passes" in result:
        thousand = 1000 / result["samples"]
        figures.update(program_per_1000_j=result["program_per_1000"]["value"],
                       core_per_1000_s=result["test_core_seconds"]["value"] * thousand,
                       passes=result["passes"])
    return figures


def run_transfer(runner, protocol, seed):
    """A network from scratch, and others that begin with one for MotionSense's people."""
    folder, data = runner.folder.name, runner.options.data
    target = ["--data", protocol["data"].replace("DIR", data), "--task", protocol["task"],
              "--split", protocol["split"], "--seed", seed, *protocol["train"], "--no-test"]
    source = [word.replace("DIR", data) for word in protocol["source"]]
    models = {way: os.path.join(folder, way + ".safetensors")
              for way in ("source", "scratch", *protocol["ways"])}
    cost = {"source": runner.work(["train", *source, "--seed", seed, "--no-test"],
                                  models["source"], 1),
            "scratch": runner.work(["train", *target, "--net", protocol["net"]],
                                   models["scratch"], REPEATS)}
    for way, words in protocol["ways"].items():
        cost[way] = runner.work(["transfer", models["source"], *target, *words], models[way],
                                REPEATS)
    return {"seed": seed, "cost": cost, "test": {
        way: testing_of(runner.frugal("test", models[way], "--repeat", "auto"))
        for way in ("scratch", *protocol["ways"])}}


def tell_transfer(name, runs):
    print("## %s" % name)
    base = [run["test"]["scratch"] for run in runs]
    for way in runs[0]["test"]:
        test = [run["test"][way] for run in runs]
        cost = [run["cost"][way] for run in runs]
        print("%s: accuracy %s, macro-F1 %s, train %s J, %s core-seconds, openings %d" % (
            way, spread([t["accuracy"] for t in test]), spread([t["macro_f1"] for t in test]),
            spread([c["program_j"] for c in cost], 3), spread([c["core_s"] for c in cost], 3),
            max(t["openings"] for t in test)))
        for what, mine, theirs in (
                ("accuracy", [t["accuracy"] for t in test], [t["accuracy"] for t in base]),
                ("training", [c["core_s"] for c in cost],
                 [run["cost"]["scratch"]["core_s"] for run in runs]),
                ("testing", [t["core_per_1000_s"] for t in test],
                 [t["core_per_1000_s"] for t in base])):
            mean, half = mean_of([math.log(a / b) for a, b in zip(mine, theirs)])
            print("  %s over scratch: %.3f (%.3f to %.3f)" % (
                what, math.exp(mean), math.exp(mean - half), math.exp(mean + half)))
        print("  test: %s mJ per 1,000" % spread(
            [1000 * t["program_per_1000_j"] for t in test], 3))
    print("pre-training: %s J" % spread([r["cost"]["source"]["program_j"] for r in runs], 2))
    print("scratch: %d parameters" % runs[0]["cost"]["scratch"]["parameters"])


def run_fold(runner, protocol, seed, fold):
    model = os.path.join(runner.folder.name, "model.safetensors")
    data = protocol["data"].replace("DIR", runner.options.data)
    split = protocol["split"].replace("DIR", runner.options.data)
    where = ["--data", data, "--task", protocol["task"], "--split", split, "--fold", fold]
    window = protocol.get("window", [])
    cost = runner.work(["train", *where, *window, *protocol["train"], "--net", protocol["net"],
                         "--validate", "none", "--patience", 0, "--no-test",
                         "--seed", seed], model, protocol.get("repeats", REPEATS))
    test = testing_of(runner.frugal("test", model, *where, *window, "--repeat", "auto"))
    run = {"seed": seed, "fold": fold, "train": cost, "test": test}
    for name, words in protocol.get("also", {}).items():
        run[name] = testing_of(runner.frugal("test", model, *where, *window, *words))
    if protocol.get("people"):
        run["people"] = {person: testing_of(runner.frugal(
            "test", model, "--data", data, "--task", protocol["task"], "--split",
            "subject:" + person)) for person in people_of(runner.options.data, fold)}
    return run


# ---- labels: answers of all people together, intervals over people ----

def people_of(data, fold):
    """Who of ExtraSensory's fold is there."""
    folder = os.path.join(data, "extrasensory")
    there = {os.path.basename(path).split(".")[0]
             for path in glob.glob(os.path.join(folder, "*.features_labels.csv*"))}
    listed = set()
    for path in glob.glob(os.path.join(folder, "cv_5_folds", "fold_%d_test_*" % (fold - 1))):
        with open(path, encoding="utf-8") as file:
            listed |= set(file.read().split())
    return sorted(there & listed)


def counts_of(test):
    """For each label: right yeses, yeses, right noes, noes."""
    counts = {}
    for label in test["labels"]:
        yes, no = label["yes"], label["no"]
        counts[label["name"]] = (round((label["sensitivity"] or 0) * yes), yes,
                                 round((label["specificity"] or 0) * no), no)
    return counts


def balanced_accuracy(people):
    """Mean over labels of (sensitivity + specificity) / 2, answers of all people pooled."""
    total = {}
    for counts in people:
        for name, four in counts.items():
            total[name] = [a + b for a, b in zip(total.get(name, [0] * 4), four)]
    each = {name: (a / b + c / d) / 2 for name, (a, b, c, d) in total.items() if b and d}
    return statistics.mean(each.values()), each


def by_person(people, draws=2000):
    """95 % interval: people drawn with replacement."""
    rng = random.Random(1)
    drawn = sorted(balanced_accuracy(rng.choices(people, k=len(people)))[0]
                   for _ in range(draws))
    return drawn[int(0.025 * draws)], drawn[int(0.975 * draws)]


def absent_labels(runs):
    """Of each fold: labels without both answers on one of its sides."""
    known = sorted({label["name"] for run in runs for label in run["test"]["labels"]})
    absent = {}
    for run in runs:
        both = {label["name"] for label in run["test"]["labels"] if label["yes"] and label["no"]}
        absent[run["fold"]] = [name for name in known if name not in both]
    return absent


# ---- tables ----

def spread(values, digits=4):
    mean, half = mean_of(values)
    return "%.*f ± %.*f" % (digits, mean, digits, half) if not math.isnan(half) else \
        "%.*f" % (digits, mean)


def tell(name, protocol, runs):
    seeds = sorted({run["seed"] for run in runs})
    of_seed = [[run for run in runs if run["seed"] == seed] for seed in seeds]
    print("## %s: %s, %d parameters" % (name, protocol["net"], runs[0]["train"]["parameters"]))
    for part in ("test", *protocol.get("also", {})):
        if part == "test" and protocol.get("people"):
            continue
        for key in ("macro_f1", "weighted_f1", "accuracy"):
            values = [statistics.mean(run[part][key] for run in group) for group in of_seed]
            print("%s %s: %s  mean %s" % (part, key, " ".join("%.4f" % v for v in values),
                                          spread(values)))
        print("%s openings: %s of %d test sides" % (
            part, max(run[part]["openings"] for run in runs),
            len({run[part]["protocol"] for run in runs})))
    if protocol.get("people"):
        tell_labels(of_seed)
    if protocol["split"] == "subject:loo":
        for run in runs:
            print("person %d: accuracy %.4f macro-F1 %.4f" % (
                run["fold"], run["test"]["accuracy"], run["test"]["macro_f1"]))
    train = [sum(run["train"]["program_j"] for run in group) for group in of_seed]
    core = [sum(run["train"]["core_s"] for run in group) for group in of_seed]
    print("train: %s J, %s core-seconds (%s runs each)" % (
        spread(train, 2), spread(core, 2),
        "/".join(sorted({str(run["train"]["runs"]) for run in runs}))))
    test = [statistics.mean(run["test"]["program_per_1000_j"] for run in g) for g in of_seed]
    core = [statistics.mean(run["test"]["core_per_1000_s"] for run in g) for g in of_seed]
    print("test: %s mJ and %s core-milliseconds per 1,000; %d FLOP a sample" % (
        spread([1000 * v for v in test], 2), spread([1000 * v for v in core], 2),
        runs[0]["test"]["operations"]))
    print("meter: %s, %s" % (runs[0]["train"]["sensor"], runs[0]["train"]["rule"]))


def tell_labels(of_seed):
    values, low, high = [], [], []
    for group in of_seed:
        people = [counts_of(test) for run in group for test in run["people"].values()]
        values.append(balanced_accuracy(people)[0])
        bounds = by_person(people)
        low.append(bounds[0])
        high.append(bounds[1])
    print("balanced accuracy: %s  mean %s; by person %.4f to %.4f" % (
        " ".join("%.4f" % v for v in values), spread(values), statistics.mean(low),
        statistics.mean(high)))
    print("openings of a fold: %d" % max(r["test"]["openings"] for g in of_seed for r in g))
    for fold, names in absent_labels(of_seed[0]).items():
        print("fold %d lacks: %s" % (fold - 1, ", ".join(names) or "none"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("id", nargs="+", choices=PROTOCOLS)
    parser.add_argument("--frugal", default="build/frugal")
    parser.add_argument("--data", default=os.environ.get("FRUGAL_DATA", "../shared/data"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="seed")
    parser.add_argument("--out", default="protocols")
    options = parser.parse_args()
    options.data = os.path.abspath(options.data)
    os.makedirs(options.out, exist_ok=True)
    runner = Runner(options)
    for name in options.id:
        protocol = PROTOCOLS[name]
        seeds = range(options.first, options.first + options.seeds)
        if "source" in protocol:
            runs = [run_transfer(runner, protocol, seed) for seed in seeds]
        else:
            runs = [run_fold(runner, protocol, seed, fold) for seed in seeds
                    for fold in range(1, protocol.get("folds", 1) + 1)]
        with open(os.path.join(options.out, name + ".json"), "w", encoding="utf-8") as file:
            json.dump({"protocol": protocol, "runs": runs}, file, indent=1)
        if "source" in protocol:
            tell_transfer(name, runs)
        else:
            tell(name, protocol, runs)


if __name__ == "__main__":
    main()
