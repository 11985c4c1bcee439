#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signs in a stream: recall, false alarms a minute and delay, on held-back sequences.

usage: stream_signs.py [--frugal build/frugal] [--data PATH] [--net sign-small] [options]

For each fold: trains on the training blocks with the class "no sign" and chooses smoothing
and thresholds on two streams of the validation block (with signs; without any), one setting
for all seeds. Then trains anew on training and validation blocks together, and opens the
test block at that setting: two streams of at least ten minutes. The setting is that of the
greatest mean recall whose false alarms are within --limit in both streams; where there is
none, that of the fewest. Unattended; a minute a fold on a quiet machine. Figures are means
over seeds, with the least and the greatest of them.
"""
import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile

KEYS = ["recall", "precision", "false_alarms", "none", "errors", "delay", "delay_95"]
HEAD = ["recall", "precision", "false alarms/min", "without signs/min", "errors/min",
        "delay, s", "delay 95 %, s"]


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--frugal", default="build/frugal")
    p.add_argument("--data", default=os.path.join(os.environ.get("FRUGAL_DATA", "."),
                                                  "psl_126/psl.npy"))
    p.add_argument("--made", default="no_sign=60&shifted=3",
                   help="what is made beside the recorded sequences")
    p.add_argument("--features", default="mirror=no", help="keys of features")
    p.add_argument("--net", default="sign-small")
    p.add_argument("--train", default="--epochs 80 --patience 0 --batch 32 "
                   "--learning-rate 0.004 --schedule cosine --label-smoothing 0.05",
                   help="options of training")
    p.add_argument("--augment", default="affine(15,0.1)")
    p.add_argument("--blocks", type=int, default=5)
    p.add_argument("--folds", default="1,2,3,4,5")
    p.add_argument("--minutes", type=float, default=10)
    p.add_argument("--seeds", type=int, default=2)
    p.add_argument("--limit", type=float, nargs=2, default=[0.8, 3],
                   help="false alarms a minute in validation, with signs and without")
    p.add_argument("--begin", default="0.4,0.5,0.6,0.7,0.8,0.9")
    p.add_argument("--most", default="0.2,0.3")
    p.add_argument("--smooth", default="0.1,0.2")
    p.add_argument("--no-test", action="store_true", help="leave the test block closed")
    p.add_argument("--json", help="all figures")
    return p.parse_args()


class Bench:
    def __init__(self, args, fold, folder):
        self.args, self.folder = args, folder
        self.split = ["--split", f"blocks:{args.blocks}", "--fold", fold]
        self.env = dict(os.environ, XDG_DATA_HOME=folder, XDG_CACHE_HOME=folder)

    def spec(self, more):
        keys = "&".join(k for k in (more, self.args.features) if k)
        return f"keypoints:{self.args.data}" + (f"?{keys}" if keys else "")

    def run(self, *command, stdin=None):
        done = subprocess.run([self.args.frugal, *command], env=self.env, stdin=stdin,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: {done.stderr}")

    def result(self, *command, stdin=None):
        name = os.path.join(self.folder, "result.json")
        self.run(*command, "--quiet", "--json", name, stdin=stdin)
        with open(name) as f:
            return json.load(f)["result"]

    def export(self, side, signs, seed):
        name = os.path.join(self.folder, f"{side}.{'signs' if signs else 'none'}.f32")
        told = self.result("data", "export", "--stream", "--data", self.spec(""), *self.split,
                           "--validate", "blocks", "--side", side, "--minutes", str(self.args.minutes), "--seed",
                           str(seed), "-o", name, *([] if signs else ["--no-signs"]))
        print(f"{side:9} {told['duration_s'] / 60:5.1f} min, {told['signs']:4} signs of "
              f"{told['sequences']} sequences", flush=True)
        return name

    def train(self, seed, validate):
        name = os.path.join(self.folder, f"{validate}.{seed}.safetensors")
        augment = ["--augment", self.args.augment] if self.args.augment else []
        r = self.result("train", "--data", self.spec(self.args.made), "--task", "gesture",
                        *self.split, "--validate", validate, "--net", self.args.net, *self.args.train.split(),
                        *augment, "--seed", str(seed), "--threads", "1", "--no-test", "-o",
                        name)
        f1 = r["validate"] and r["validate"]["macro_f1"]["value"]
        print(f"seed {seed}: {r['parameters']} parameters, {r['core_seconds']['value']:.1f} "
              "core-seconds" + (f", validation macro-F1 {f1:.3f}" if f1 else ""), flush=True)
        return name

    def score(self, model, stream, setting):
        options = [str(x) for k, v in setting.items() for x in ("--" + k, v)]
        with open(stream, "rb") as f:
            return self.result("recognize", model, "--raw", "f32", "--truth",
                               stream.replace(".f32", ".truth.jsonl"), *options,
                               stdin=f)["score"]

    def figures(self, model, streams, setting):
        s, none = (self.score(model, stream, setting) for stream in streams)
        return {"recall": s["recall"]["value"], "precision": s["precision"] or 0,
                "false_alarms": s["false_alarms_per_min"]["value"],
                "none": none["false_alarms_per_min"]["value"],
                "errors": s["errors_per_min"], "delay": s["delay_median_s"] or 0,
                "delay_95": s["delay_95_s"] or 0, "signs": s, "without": none}


def mean(rows):
    return {k: statistics.fmean(r[k] for r in rows) for k in KEYS}


def choose(bench, models, streams):
    args = bench.args
    grid = [dict(zip(("begin", "most", "smooth"), x)) for x in itertools.product(
        *(map(float, t.split(",")) for t in (args.begin, args.most, args.smooth)))]
    tried = [(mean([bench.figures(m, streams, s) for m in models]), s) for s in grid]
    within = [t for t in tried if t[0]["false_alarms"] <= args.limit[0] and
              t[0]["none"] <= args.limit[1]]
    if within:
        return max(within, key=lambda t: t[0]["recall"])
    return min(tried, key=lambda t: t[0]["false_alarms"] + t[0]["none"])


def tell(name, rows):
    print(f"\n{name}")
    for key, head in zip(KEYS, HEAD):
        values = [r[key] for r in rows]
        print(f"  {head:18} {statistics.fmean(values):7.3f}  "
              f"({min(values):.3f} to {max(values):.3f})")


def measure(args, fold, folder):
    bench, seeds = Bench(args, fold, folder), range(1, args.seeds + 1)
    print(f"\n== fold {fold}")
    streams = [bench.export("validate", signs, 101) for signs in (True, False)]
    models = [bench.train(seed, "blocks") for seed in seeds]
    _, setting = choose(bench, models, streams)
    told = {"fold": fold, "setting": setting,
            "validate": [bench.figures(m, streams, setting) for m in models]}
    print("setting:", " ".join(f"--{k} {v}" for k, v in setting.items()))
    tell("validation block", told["validate"])
    if not args.no_test:
        streams = [bench.export("test", signs, 202) for signs in (True, False)]
        told["held"] = [bench.figures(m, streams, setting) for m in models]
        tell("test block, validation block not learned", told["held"])
        models = [bench.train(seed, "none") for seed in seeds]
        told["test"] = [bench.figures(m, streams, setting) for m in models]
        tell("test block", told["test"])
    return told


def main():
    args, folds = arguments(), []
    for fold in args.folds.split(","):
        with tempfile.TemporaryDirectory() as folder:
            folds.append(measure(args, fold, folder))
    for side in ("validate", "held", "test"):
        if len(folds) > 1 and side in folds[0]:
            tell(f"all folds, {side}", [r for f in folds for r in f[side]])
    if args.json:
        with open(args.json, "w") as f:
            json.dump(folds, f, indent=1)


main()
