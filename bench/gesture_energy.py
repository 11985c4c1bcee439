#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each step of a recogniser of signs takes, from recordings to an hour of use.

usage: gesture_energy.py [--frugal build/frugal] [--data DIR] [--net sign-small] [--repeats 5]
                         [--epochs 60] [--minutes 10] [--live 30] [--out DIR]

Every figure is one that frugal itself tells: joules of the program, of the phases that make
the step, divided by what it was done to. Each step is done REPEATS times; its mean stands
beside half of Student's 95 % interval, which is of this machine's noise, and the bounds
of the sensor, which are of what it knows. Writes OUT/gesture-energy.json and .md.
The signs are those of psl_126, the folder of single frames is made of signs_1662.
"""
import argparse
import array
import csv
import json
import math
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

# Student's t, 97.5 %, by degrees of freedom.
T = [math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]
FRAMES, WIDTH = 30, 1662  # of a sequence of signs_1662
SPLIT = ["--split", "blocks:5", "--validate", "blocks"]
OLD, NEW = 10, 2  # signs that are trained, and added


# ---- frugal ----

def frugal(options, *arguments, **more):
    """The result of one command; its joules are kept in a store of this script's own."""
    path = os.path.join(options.room, "result.json")
    words = [options.frugal, *map(str, arguments), "--quiet", "--json", path,
             "--store", os.path.join(options.room, "runs.sqlite")]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}\n{done.stderr}")
    with open(path, encoding="utf-8") as file:
        return json.load(file)["result"]


def spent(result, *names):
    """Core-seconds, joules and their bounds of phases and what is below them."""
    phases = [p for p in result["phases"]
              if any(p["name"] == n or p["name"].startswith(n + "/") for n in names)]
    programs = [p["program"] for p in phases if p["program"]]
    joules = [sum(p[key] for p in programs) for key in ("value", "low", "high")]
    source = programs[0]["source"] if programs else "none"
    return {"core_s": sum(p["core_s"] for p in phases), "joules": joules, "source": source}


def without(all_of, part):
    return {"core_s": all_of["core_s"] - part["core_s"],
            "joules": [a - b for a, b in zip(all_of["joules"], part["joules"])],
            "source": all_of["source"]}


# ---- recordings of one file a frame ----

def read_packed(path, sequences):
    """The first sequences of a float32 array of version 1, as rows of frames."""
    with open(path, "rb") as file:
        if file.read(8) != b"\x93NUMPY\x01\x00":
            sys.exit(f"{path} is not of version 1")
        header = file.read(struct.unpack("<H", file.read(2))[0]).decode()
        if "'<f4'" not in header or f"{FRAMES}, {WIDTH})" not in header:
            sys.exit(f"{path} has the header {header}")
        numbers = array.array("f")
        numbers.fromfile(file, sequences * FRAMES * WIDTH)
    return numbers


def write_frames(folder, numbers, index, sequences):
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({WIDTH},), }}"
    head += " " * (64 - (10 + len(head) + 1) % 64) + "\n"
    start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode()
    for row in range(sequences):
        where = os.path.join(folder, "MP_Data", index[row]["action"], index[row]["sequence"])
        os.makedirs(where)
        for frame in range(FRAMES):
            at = (row * FRAMES + frame) * WIDTH
            with open(os.path.join(where, f"{frame}.npy"), "wb") as file:
                file.write(start + array.array("d", numbers[at:at + WIDTH]).tobytes())


def make_folder(options):
    """MP_Data/<sign>/<sequence>/<frame>.npy of one signer; how many sequences."""
    base = os.path.join(options.data, "signs_1662", "signer-1")
    with open(base + ".index.csv", newline="", encoding="utf-8") as file:
        index = list(csv.DictReader(file))
    write_frames(options.room, read_packed(base + ".npy", len(index)), index, len(index))
    return len(index)


# ---- the steps ----

def signs_of(options):
    with open(os.path.join(options.data, "psl_126", "psl.index.csv"), newline="",
              encoding="utf-8") as file:
        return sorted({row["action"] for row in csv.DictReader(file)})


def read_folder(options, sequences):
    """Reading alone: one epoch of a network that is next to nothing."""
    spec = f"keypoints:{os.path.join(options.room, 'MP_Data')}"
    r = frugal(options, "train", "--data", spec, "--net", "avgpool(all) dense(classes)",
               "--epochs", 1, "--no-test")
    features = spent(r, "read/features")
    reading = without(spent(r, "read"), features)
    return [("reading, a file a frame", "sequence", sequences, reading),
            ("features of 1662 numbers", "sequence", sequences, features)]


def train(options, spec, net, model, seed):
    r = frugal(options, "train", "--data", spec, "--net", net, *SPLIT, "--epochs", options.epochs,
               "--seed", seed, *options.train, "-o", model)
    features = spent(r, "read/features")
    return r, features, without(spent(r, "read"), features)


def all_signs(options, model, seed):
    """38 signs and none of them: reading, features, training, testing."""
    signs = len(signs_of(options))
    spec = f"keypoints:{os.path.join(options.data, 'psl_126')}?no_sign=1"
    r, features, reading = train(options, spec, options.net, model, seed)
    tested = frugal(options, "test", model, "--repeat", 20)
    count = frugal(options, "data", "check", spec)["records"]  # with those of no sign
    test = spent(tested, "test")
    times = next(p["count"] for p in tested["phases"] if p["name"] == "test")
    return [("reading, packed", "sequence", count, reading),
            ("features of 126 numbers", "sequence", count, features),
            ("training", f"model of {signs} signs", 1, spent(r, "train", "validate")),
            ("training", "sign", signs, spent(r, "train", "validate")),
            ("testing", "1,000 sequences", tested["samples"] * times / 1000, test)]


def extension(options, model, seed):
    """Two signs more on top of ten, and the same from scratch."""
    signs = signs_of(options)
    psl = f"keypoints:{os.path.join(options.data, 'psl_126')}"
    old, new = ",".join(signs[:OLD]), ",".join(signs[OLD:OLD + NEW])
    train(options, f"{psl}?signs={old}", options.net, model, seed)
    r = frugal(options, "extend", model, "--data", f"{psl}?signs={old},{new}", *SPLIT,
               "--epochs", options.epochs, "--seed", seed, "--compare", "scratch")
    made = spent(r, "features", "choose", "head", "refine")
    return [("extending by two signs", "sign added", NEW, made),
            ("all twelve from scratch instead", "sign added", NEW, spent(r, "scratch"))]


def stream(options):
    path = os.path.join(options.room, "stream.f32")
    psl = f"keypoints:{os.path.join(options.data, 'psl_126')}"
    if not os.path.exists(path):
        frugal(options, "data", "export", "--stream", "--data", psl, *SPLIT,
               "--minutes", options.minutes, "-o", path)
    return path


def recognition(options, model):
    with open(stream(options), "rb") as frames:
        r = frugal(options, "recognize", model, "--raw", "f32", stdin=frames)
    whole = spent(r, "read", "recognize")
    return [("recognising", "frame", r["frames"], spent(r, "recognize")),
            ("taking frames from the pipe", "frame", r["frames"], spent(r, "read")),
            ("recognising", "hour of use", r["frames"] / (r["rate_hz"] * 3600), whole)]


def as_they_come(options, model):
    """The stream again, a frame every thirtieth of a second: the processor falls asleep
    between two frames, and what wakes it finds its caches with other things."""
    rate, bytes_a_frame = 30, 126 * 4
    path = os.path.join(options.room, "live.json")
    words = [options.frugal, "recognize", model, "--raw", "f32", "--quiet", "--json", path,
             "--store", os.path.join(options.room, "runs.sqlite")]
    with open(stream(options), "rb") as frames, subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        start = time.monotonic()
        for i in range(round(rate * options.live)):
            time.sleep(max(0.0, start + i / rate - time.monotonic()))
            process.stdin.write(frames.read(bytes_a_frame))
            process.stdin.flush()
        process.stdin.close()
    if process.returncode != 0:
        sys.exit(f"{' '.join(words)} ended with {process.returncode}")
    with open(path, encoding="utf-8") as file:
        r = json.load(file)["result"]
    options.hour, options.run = r["per_hour"], r["run"]
    return [("recognising, frames as they come", "hour of use", options.live / 3600,
             spent(r, "read", "recognize"))]


# ---- the table ----

def si(value, unit):
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    power = max(-4, min(3, math.floor(math.log10(abs(value)) / 3)))
    prefix = ["p", "n", "µ", "m", "", "k", "M", "G"][power + 4]
    return f"{value / 1000 ** power:.3g} {prefix}{unit}"


def summary(step, per, rows):
    """Means over repeats of (share, spent)."""
    joules = [s["joules"][0] / n for n, s in rows]
    half = math.nan
    if len(rows) > 1:
        half = T[min(len(rows) - 1, len(T) - 1)] * statistics.stdev(joules) / math.sqrt(len(rows))
    return {"step": step, "per": per, "repeats": len(rows),
            "core_s": statistics.mean(s["core_s"] / n for n, s in rows),
            "program_j": statistics.mean(joules), "half_95_j": half,
            "low_j": statistics.mean(s["joules"][1] / n for n, s in rows),
            "high_j": statistics.mean(s["joules"][2] / n for n, s in rows),
            "source": rows[0][1]["source"]}


def table(rows):
    lines = ["| step | per | core time | program | repeats differ by | bounds of the sensor "
             "| source |", "|---|---|---|---|---|---|---|"]
    for r in rows:
        cells = [r["step"], r["per"], si(r["core_s"], "s"), si(r["program_j"], "J"),
                 "–" if r["repeats"] < 2 else "± " + si(r["half_95_j"], "J"),
                 si(r["low_j"], "J") + " to " + si(r["high_j"], "J"), r["source"]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def measure(options):
    sequences = make_folder(options)
    model, small = (os.path.join(options.room, n) for n in ("all.safetensors", "ten.safetensors"))
    found = {}
    for repeat in range(options.repeats):
        for step, per, count, cost in (
                *read_folder(options, sequences), *all_signs(options, model, repeat + 1),
                *extension(options, small, repeat + 1), *recognition(options, model),
                *as_they_come(options, model)):
            found.setdefault((step, per), []).append((count, cost))
        print(f"repeat {repeat + 1} of {options.repeats}", file=sys.stderr)
    rows = [summary(step, per, costs) for (step, per), costs in found.items()]
    fleet = frugal(options, "carbon", "fleet", "--run", options.run, "--hours", "2/day",
                   "--users", 10000, "--intensity", "table:world", "--training", model,
                   "--trainings", "4/year")
    return rows, fleet


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--frugal", default="build/frugal")
    parser.add_argument("--data", default=os.environ.get("FRUGAL_DATA"))
    parser.add_argument("--net", default="sign-small")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--live", type=float, default=30, help="seconds of frames as they come")
    parser.add_argument("--train", nargs="*", default=[], help="more options of training")
    parser.add_argument("--out", default=".")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data DIR, or $FRUGAL_DATA")
    options.frugal = os.path.abspath(options.frugal)
    os.makedirs(options.out, exist_ok=True)
    with tempfile.TemporaryDirectory() as options.room:
        rows, fleet = measure(options)
    text = f"{table(rows)}\nOn users' devices: {fleet['words']}.\n"
    base = os.path.join(options.out, "gesture-energy")
    with open(base + ".json", "w", encoding="utf-8") as file:
        json.dump({"steps": rows, "per_hour": options.hour, "fleet": fleet}, file, indent=1)
    with open(base + ".md", "w", encoding="utf-8") as file:
        file.write(text)
    print(text, end="")


if __name__ == "__main__":
    main()
