#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Four networks, frugal beside its peers: one table from one interleaved run.

usage: networks.py [--build build] [--python DIR/bin/python] [options]

Every worker (bench_network, peers.py) does short blocks of whole steps in turn, pinned to
one core. A multiply-add probe runs before and after each block; a block counts where both
are within the tolerance of the run's best, for shared hosts slow down at times. Best is
what one probe in ten reaches: the few seen while a clock is boosted are no measure.
The figures are CPU time of all threads, medians of the blocks that count. A worker that
has too few of them is marked with * and shows the least disturbed ones instead.

Peers need an environment of their own: bench/setup-peers.sh DIR.
"""
import argparse
import datetime
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH = {"n1": 64, "n2": 64, "n3": 32, "n4": 256}
MODES = {"train": ("train", None), "infer-1": ("infer", 1), "infer-64": ("infer", 64)}

# Forward and, of the first layer, backward to its input, FLOP of one sample: products
# alone, 2 for each multiply-add, an LSTM with T (8 (C + H) H).
def conv(steps, channels, out, width=5):
    return 2 * (steps - width + 1) * width * channels * out


def lstm(steps, channels, units):
    return 8 * steps * (channels + units) * units


def dense(*sizes):
    return sum(2 * a * b for a, b in zip(sizes, sizes[1:]))


FLOP = {
    "n1": [conv(128, 12, 64), conv(124, 64, 64), dense(64, 24)],
    "n2": [conv(128, 12, 64), conv(124, 64, 128), conv(120, 128, 192), conv(116, 192, 256),
           lstm(112, 256, 128), lstm(112, 128, 128), dense(128, 24)],
    "n3": [lstm(30, 1662, 64), lstm(30, 64, 128), lstm(30, 128, 64), dense(64, 64, 32, 10)],
    "n4": [dense(225, 512), dense(512, 256, 60)],
}
# What the first layer's input gradient would take: an LSTM's recurrent part is not its.
FIRST = {name: layers[0] for name, layers in FLOP.items()} | {"n3": 30 * dense(1662, 256)}

FRUGAL = {"train": ["f32", "bf16", "f32x2", "bf16x2"],
          "infer": ["f32", "bf16", "int8"]}
PEERS = {"train": ["torch", "torch-fused", "torch-bf16", "torch-compile", "tf", "tf-xla"],
         "infer": ["torch", "torch-jit", "torch-compile", "torch-bf16", "tf", "tf-xla", "ort",
                   "ort-int8-dynamic", "ort-int8-static"]}
# How far the worker's numbers may be from frugal's float32, as a share of the greatest.
TOLERATED = {"int8": 0.2, "bf16": 0.05, "": 0.005}


class Worker:
    """A process that answers one line for one line."""

    def __init__(self, name, command, core, log):
        env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS")}
        env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
                "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONWARNINGS": "ignore"}
        self.name, self.blocks, self.log = name, [], log
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        self.process = subprocess.Popen(pinned + command, env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=log)

    def hear(self, timeout_s=600):
        if not select.select([self.process.stdout], [], [], timeout_s)[0]:
            raise RuntimeError(f"{self.name} is silent")
        words = self.process.stdout.readline().decode().split()
        if not words or words[0] == "error:":
            raise RuntimeError(f"{self.name}: {' '.join(words) or 'ended'}")
        return words

    def ask(self, line):
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(f"{self.name} has ended") from None
        return self.hear()

    def end(self):
        try:
            self.process.communicate(b"quit\n", timeout=30)
        except (subprocess.TimeoutExpired, BrokenPipeError, ValueError):
            self.process.kill()
            self.process.wait()

    def why(self):
        """The last line that it wrote to the terminal."""
        self.log.seek(0)
        lines = [line.strip() for line in self.log.read().decode(errors="replace").splitlines()]
        return next((line for line in reversed(lines) if line), "no reason told")


class Probe:
    def __init__(self, bench, core):
        self.worker = Worker("probe", [bench, "probe"], core, tempfile.TemporaryFile())
        self.worker.hear()
        self.rates = []
        for _ in range(40):
            self.take()

    def take(self):
        self.rates.append(float(self.worker.ask("probe")[0]))
        return self.rates[-1]

    @property
    def best(self):
        return sorted(self.rates)[len(self.rates) * 9 // 10]


def start(name, command, core, absent):
    """A worker that is ready, warm and has told its numbers, or None."""
    log = tempfile.TemporaryFile()
    worker = Worker(name, command, core, log)
    try:
        words = worker.hear()
        worker.parameters, worker.version = int(words[1]), " ".join(words[2:])
        worker.check = [float(v) for v in worker.ask("check")]
        worker.ask("run 0.1")
        return worker
    except RuntimeError as error:
        worker.end()
        absent[name] = worker.why() if worker.process.returncode else str(error)
        return None


def commands(options, network, mode, batch, folder):
    """(name, command, core) of every worker of a cell."""
    for how in FRUGAL[mode]:
        precision, _, threads = how.partition("x")
        yield (f"frugal {how}", [options.bench, network, mode, str(batch), precision,
                                 threads or "1"], None if threads else options.core)
    for peer in PEERS[mode] if options.python else []:
        if any(peer == p or peer.startswith(p + "-") for p in options.peers):
            yield peer, [options.python, f"{HERE}/peers.py", peer, mode, str(batch),
                         folder], options.core


def interleave(options, workers, probe):
    """Blocks in turn until every worker has enough that count."""
    def counted(worker):
        return [b for b in worker.blocks if b["probe"] >= (1 - options.tolerance) * probe.best]

    for _ in range(options.blocks * 4):
        waiting = [w for w in workers if len(counted(w)) < options.blocks]
        for worker in waiting:
            before = probe.take()
            samples, cpu_s, wall_s = map(float, worker.ask(f"run {options.seconds}"))
            worker.blocks.append({"probe": min(before, probe.take()),
                                  "core_s": 1000 * cpu_s / samples,
                                  "wall_s": 1000 * wall_s / samples})
        if not waiting:
            break
    for worker in workers:
        used = counted(worker)
        worker.disturbed = len(used) < options.blocks
        if worker.disturbed:
            used = sorted(worker.blocks, key=lambda b: -b["probe"])[:options.blocks]
        worker.used = used


def deviation(worker, reference):
    """Greatest difference to the reference's numbers, as a share of the greatest one."""
    if reference is None or len(worker.check) != len(reference.check):
        return None
    greatest = max(abs(v) for v in reference.check)
    return max(abs(a - b) for a, b in zip(worker.check, reference.check)) / greatest


def row_of(worker, network, mode, rows_flop, probe, reference):
    core_s = statistics.median(b["core_s"] for b in worker.used)
    return {"network": network, "mode": mode, "worker": worker.name,
            "version": worker.version, "parameters": worker.parameters,
            "core_s_per_1000": core_s,
            "wall_s_per_1000": statistics.median(b["wall_s"] for b in worker.used),
            "least": min(b["core_s"] for b in worker.used),
            "greatest": max(b["core_s"] for b in worker.used),
            "gflop_per_s": rows_flop * 1e-6 / core_s,
            "share_of_peak": rows_flop * 1e-6 / core_s / probe.best,
            "peak_mib": int(worker.ask("memory")[0]) / 1024,
            "blocks": len(worker.blocks), "disturbed": worker.disturbed,
            "deviation": deviation(worker, reference)}


def cell(options, network, mode, probe, absent):
    """Rows of one network in one mode."""
    kind, batch = MODES[mode]
    batch = batch or BATCH[network]
    forward = sum(FLOP[network])
    flop = 3 * forward - FIRST[network] if kind == "train" else forward
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([options.bench, network, "write", str(batch), folder], check=True)
        missing = {}
        workers = [w for name, command, core in commands(options, network, kind, batch, folder)
                   if (w := start(name, command, core, missing))]
        absent |= {f"{network} {mode} {name}": why for name, why in missing.items()}
        try:
            interleave(options, workers, probe)
            reference = next((w for w in workers if w.name == "frugal f32"), None)
            return [row_of(w, network, mode, flop, probe, reference) for w in workers]
        finally:
            for worker in workers:
                worker.end()


# ---- the table ----

def ratios(row, rows):
    """What the row costs, divided by what frugal's precisions cost."""
    for how in ("f32", "bf16", "int8"):
        base = next((r for r in rows if r["worker"] == f"frugal {how}"), None)
        yield "-" if base is None else f"{row['core_s_per_1000'] / base['core_s_per_1000']:.2f}"


def kind_of(name):
    return next((k for k in ("int8", "bf16") if k in name), "")


def print_cell(rows):
    print(f"\n{rows[0]['network']} {rows[0]['mode']}")
    print(f"{'':18} {'core-s':>9} {'wall-s':>9} {'least':>9} {'/f32':>6} {'/bf16':>6} {'/int8':>6}"
          f" {'GFLOP/s':>8} {'peak':>6} {'MiB':>7} {'param.':>7} {'differs':>8}  blocks")
    for r in rows:
        differs = "-" if r["deviation"] is None else f"{r['deviation']:.1e}"
        wrong = (r["deviation"] or 0) > TOLERATED[kind_of(r["worker"])]
        print(f"{r['worker']:18} {r['core_s_per_1000']:9.5f} {r['wall_s_per_1000']:9.5f} "
              f"{r['least']:9.5f} " + " ".join(f"{v:>6}" for v in ratios(r, rows)) +
              f" {r['gflop_per_s']:8.1f} {r['share_of_peak']:6.1%} {r['peak_mib']:7.1f} "
              f"{r['parameters']:7} {differs:>8}{'!' if wrong else ' '} "
              f"{r['blocks']}{'*' if r['disturbed'] else ''}", flush=True)


def shell(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=HERE).stdout.strip()
    except OSError:
        return ""


def facts(options, probe):
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                if line.startswith("model name")), "unknown CPU")
    commit = shell("git", "rev-parse", "--short", "HEAD")
    changed = " + changes" if shell("git", "status", "--porcelain", "../src") else ""
    return {"cpu": cpu, "cores": os.cpu_count(), "commit": commit + changed,
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "kernels": os.environ.get("FRUGAL_CPU", "best of this CPU"),
            "peak_gflop_per_s": probe.best, "load": os.getloadavg()[0]}


def print_facts(about):
    print(f"{about['cpu']}, {about['cores']} cores; {about['date']}; load {about['load']:.1f}\n"
          f"frugal {about['commit']}, kernels: {about['kernels']}; "
          f"probe at best {about['peak_gflop_per_s']:.1f} GFLOP/s\n"
          "core-s, wall-s: for 1,000 samples; least: of the blocks; /f32 …: divided by what "
          "frugal takes;\npeak: share of the probe at its best, products alone; differs: first "
          "answers (training: losses of\n4 steps) from frugal's f32, share of the greatest; "
          "*: too few undisturbed blocks", flush=True)


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", default="build", help="where bench/bench_network is built")
    p.add_argument("--python", help="of the peers' environment; without: frugal alone")
    p.add_argument("--networks", default=",".join(BATCH))
    p.add_argument("--modes", default=",".join(MODES))
    p.add_argument("--peers", default="torch,tf,ort", help="torch, tf, ort or torch-jit …")
    p.add_argument("--blocks", type=int, default=5)
    p.add_argument("--seconds", type=float, default=0.4, help="CPU time of a block")
    p.add_argument("--tolerance", type=float, default=0.05)
    p.add_argument("--core", type=int, default=os.cpu_count() - 1)
    p.add_argument("--quick", action="store_true", help="three blocks of 0.15 s")
    p.add_argument("--json", metavar="FILE")
    options = p.parse_args()
    if options.quick:
        options.blocks, options.seconds = 3, 0.15
    options.bench = os.path.abspath(f"{options.build}/bench/bench_network")
    for key, known in (("networks", BATCH), ("modes", MODES)):
        chosen = getattr(options, key).split(",")
        setattr(options, key, chosen)
        if unknown := set(chosen) - set(known):
            p.error(f"--{key}: {', '.join(sorted(unknown))} is none of {', '.join(known)}")
    options.peers = options.peers.split(",")
    if not os.access(options.bench, os.X_OK):
        p.error(f"ninja -C {options.build} bench/bench_network first")
    return options


def main():
    options = parse()
    probe = Probe(options.bench, options.core)
    absent, rows, versions = {}, [], {}
    about = facts(options, probe)
    print_facts(about)
    for network in options.networks:
        for mode in options.modes:
            of_cell = cell(options, network, mode, probe, absent)
            rows += of_cell
            if of_cell:
                print_cell(of_cell)
            versions |= {r["version"]: None for r in of_cell if r["version"]}
    about |= {"peak_gflop_per_s": probe.best, "peers": list(versions), "absent": absent}
    print(f"\npeers: {'; '.join(versions) or 'none'}; probe at best {probe.best:.1f} GFLOP/s")
    for name, why in absent.items():
        print(f"absent: {name}: {why}")
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"about": about, "rows": rows}, out, indent=1)
    probe.worker.end()


if __name__ == "__main__":
    sys.exit(main())
