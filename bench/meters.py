#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What meters cost and what they say, of one and the same command, in turn.

usage: meters.py build/frugal [--rounds N] [--seconds S] [--venv DIR]

The command keeps one core busy for half of S seconds and sleeps for the other half. It tells its
own CPU time and wake-ups, which are taken off those of the whole: the rest is the meter's. What a
command of 0.2 s costs it is its start, what a long one costs beyond that is metering.
CodeCarbon and pyJoules are installed into DIR (default: a temporary folder, removed at the end);
perf, turbostat and scaphandre are used where PATH has them. Who cannot meter here is told with
what it said, who is not installed is skipped. Medians of the rounds.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

CODECARBON = """
import json, subprocess, sys
from codecarbon import OfflineEmissionsTracker
tracker = OfflineEmissionsTracker(country_iso_code="DEU", measure_power_secs=float(sys.argv[1]),
                                  save_to_file=False, log_level="warning")
tracker.start()
subprocess.run(sys.argv[2:], check=True)
tracker.stop()
said = tracker.final_emissions_data
print("JOULES", 3.6e6 * said.energy_consumed)
print("NOTE CPU %.1f J, RAM %.1f J" % (3.6e6 * said.cpu_energy, 3.6e6 * said.ram_energy))
"""
PYJOULES = """
import subprocess, sys
from pyJoules.energy_meter import EnergyMeter
from pyJoules.device import DeviceFactory
meter = EnergyMeter(DeviceFactory.create_devices())
meter.start()
subprocess.run(sys.argv[1:], check=True)
meter.stop()
print("JOULES", sum(sum(s.energy.values()) for s in meter.get_trace()) * 1e-6)
"""


def load(busy_s, rest_s, path):
    """The command itself: it tells when it began and what it used."""
    began = time.time()
    end = time.monotonic() + busy_s
    while time.monotonic() < end:
        sum(range(20000))
    time.sleep(rest_s)
    with open(path, "w") as out:
        used = os.times()
        wakes = [int(line.split()[1]) for line in open("/proc/self/status")
                 if line.startswith("voluntary_ctxt")]
        json.dump({"began": began, "cpu_s": used.user + used.system, "wakes": wakes[0],
                   "ns": time.process_time()}, out)
        out.flush()
        os._exit(0)


def run(command, folder, busy_s, rest_s, beside):
    """One metered run; None for a figure that is not known."""
    told = f"{folder}/told"
    if os.path.exists(told):
        os.remove(told)
    own = [sys.executable, "-S", os.path.abspath(__file__), "--load", str(busy_s), str(rest_s), told]
    start = time.time()
    with open(f"{folder}/out", "w+") as out:
        meter = subprocess.Popen(command(own), stdout=out, stderr=out, cwd=folder)
        other = subprocess.Popen(own) if beside else None
        time.sleep(max(busy_s + rest_s - 1, 0))
        peak = None
        try:
            status = open(f"/proc/{meter.pid}/status").read()
            peak = int(re.search(r"VmHWM:\s*(\d+)", status).group(1)) / 1024
        except (OSError, AttributeError):
            pass
        _, code, used = os.wait4(meter.pid, 0)
        wall_s = time.time() - start
        meter.returncode = os.waitstatus_to_exitcode(code)
        if other is not None:
            other.wait()
        out.seek(0)
        text = out.read()
    said = json.load(open(told)) if os.path.exists(told) else None
    cpu_s = used.ru_utime + used.ru_stime
    wakes = used.ru_nvcsw
    if not beside and said is not None:
        cpu_s -= said["ns"]
        wakes -= said["wakes"]
    return {"code": meter.returncode, "text": text, "cpu_s": cpu_s, "wakes": wakes, "peak": peak,
            "wall_s": wall_s, "start_s": said["began"] - start if said and not beside else None}


def frugal_joules(text):
    found = re.search(r"^machine\s+([\d.]+) (m|k|)J .*; (\w+)\)", text, re.M)
    if not found:
        return None
    return float(found.group(1)) * {"m": 1e-3, "": 1, "k": 1e3}[found.group(2)]


def perf_joules(text):
    found = re.search(r"([\d.,]+)\s+Joules\s+power/energy", text)
    return float(found.group(1).replace(",", "")) if found else None


def told_joules(text):
    found = re.search(r"^JOULES ([\d.eE+-]+)", text, re.M)
    return float(found.group(1)) if found else None


def last_words(text):
    """The line that says what is wrong, else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any("panicked at" in line for line in lines[:-1]):
        return lines[[i for i, line in enumerate(lines) if "panicked at" in line][0] + 1][:160]
    wrong = [line for line in lines if re.search(
        r"error|not supported|no such|cannot|can't|can not|no .* found|panicked|fall|permission",
        line, re.I)]
    return (wrong or lines or [""])[-1][:160]


def version_of(command):
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return ((said.stdout or said.stderr).splitlines() or [""])[0].strip()
    except OSError:
        return None


def python_of(venv):
    python = f"{venv}/bin/python"
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "codecarbon", "pyJoules"],
                       check=False, stdout=subprocess.DEVNULL)
    return python


def package_version(python, name):
    said = subprocess.run([python, "-c", f"import importlib.metadata as m; print(m.version('{name}'))"],
                          capture_output=True, text=True)
    return said.stdout.strip() if said.returncode == 0 else None


def meters(frugal, python, seconds):
    """name, version or None where it is not installed, command, joules of its text, beside"""
    def with_interval(interval):
        return lambda own: [frugal, "meter", "-i", interval, "--", *own]

    def codecarbon(interval):
        return lambda own: [python, "-c", CODECARBON, interval, *own]

    carbon = package_version(python, "codecarbon")
    found = [("no meter", "", lambda own: own, lambda text: None, False),
             ("frugal meter", version_of([frugal, "--version"]), with_interval("0.1s"), frugal_joules, False),
             ("frugal meter -i 1s", version_of([frugal, "--version"]), with_interval("1s"), frugal_joules,
              False),
             ("CodeCarbon, 15 s (its default)", carbon, codecarbon("15"), told_joules, False),
             ("CodeCarbon, 1 s", carbon, codecarbon("1"), told_joules, False),
             ("pyJoules", package_version(python, "pyJoules"), lambda own: [python, "-c", PYJOULES, *own],
              told_joules, False)]
    for event in ("psys", "pkg"):
        found.append((f"perf stat -a -e power/energy-{event}/", version_of(["perf", "--version"]),
                      lambda own, event=event: ["perf", "stat", "-a", "-e", f"power/energy-{event}/", *own],
                      perf_joules, False))
    found.append(("turbostat --quiet --show PkgWatt", version_of(["turbostat", "--version"]),
                  lambda own: ["turbostat", "--quiet", "--show", "PkgWatt", *own], lambda text: None, False))
    found.append(("scaphandre stdout", version_of(["scaphandre", "--version"]),
                  lambda own: ["scaphandre", "stdout", "-t", str(int(float(own[-3]) + float(own[-2]) + 1))],
                  lambda text: None, True))
    return found


def figure(values, form="{:.3g}"):
    known = [v for v in values if v is not None]
    return form.format(statistics.median(known)) if known else "–"


def processor():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else 'unknown'} × {os.cpu_count()}, Linux {os.uname().release}"


def compare(frugal, rounds, seconds, venv):
    folder = tempfile.mkdtemp(prefix="frugal-meters-")
    os.environ.update(XDG_DATA_HOME=f"{folder}/data", XDG_CACHE_HOME=f"{folder}/cache", LC_ALL="C")
    try:
        all_of = meters(os.path.abspath(frugal), python_of(venv or f"{folder}/venv"), seconds)
        able = []
        for meter in all_of:
            name, version, command, joules, beside = meter
            if version is None:
                print(f"skipped: {name} is not installed")
                continue
            once = run(command, folder, 0.2, 0, beside)
            if once["code"] != 0:
                print(f"cannot: {name} ({version}): exit code {once['code']}: {last_words(once['text'])}")
                continue
            able.append(meter)
        taken, short = ({meter[0]: [] for meter in able} for _ in range(2))
        for _ in range(rounds):
            for name, _, command, _, beside in able:
                short[name].append(run(command, folder, 0.2, 0, beside))
                taken[name].append(run(command, folder, seconds / 2, seconds / 2, beside))
    finally:
        shutil.rmtree(folder)
    tell(able, taken, short, rounds, seconds)


def tell(able, taken, short, rounds, seconds):
    print(f"\n{processor()}; {time.strftime('%Y-%m-%d')}; medians of {rounds} rounds of {seconds:g} s, "
          f"load average {os.getloadavg()[0]:.1f}\n")
    print("| meter | start, ms | its CPU, ms | then CPU, ms a minute | wake-ups a second | memory, MiB "
          "| joules | of 0.2 s |")
    print("|---|---|---|---|---|---|---|---|")
    bare = {key: statistics.median(r[key] for r in taken["no meter"]) for key in ("cpu_s", "wakes", "start_s")}
    bare["short_s"] = statistics.median(r["cpu_s"] for r in short["no meter"])
    for name, version, _, joules, _ in able:
        rows = taken[name]
        first = [1e3 * (r["cpu_s"] - bare["short_s"]) for r in short[name]]
        cpu = [6e4 * (r["cpu_s"] - bare["cpu_s"] - 1e-3 * statistics.median(first)) / seconds for r in rows]
        wakes = [(r["wakes"] - bare["wakes"]) / r["wall_s"] for r in rows]
        start = [None if r["start_s"] is None else 1e3 * (r["start_s"] - bare["start_s"]) for r in rows]
        title = f"{name} ({version})" if version else name
        print("|", " | ".join([title, figure(start, "{:.0f}"), figure(first, "{:.0f}"), figure(cpu, "{:.0f}"),
                               figure(wakes, "{:.1f}"), figure([r["peak"] for r in rows], "{:.0f}"),
                               figure([joules(r["text"]) for r in rows]),
                               figure([joules(r["text"]) for r in short[name]])]), "|")
    for name, _, _, joules, _ in able:
        if name != "no meter" and joules(taken[name][0]["text"]) in (None, 0):
            print(f"\n{name} said: {last_words(taken[name][0]['text'])}")
        elif name.startswith("CodeCarbon"):
            for line in re.findall(r"^.*(?:NOTE|default power|tracking mode).*$", taken[name][0]["text"], re.M):
                print(f"\n{name} said: {re.sub('^.*?[]] ', '', line.strip())[:200]}")


def main():
    if sys.argv[1:2] == ["--load"]:
        load(float(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frugal")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--venv")
    given = parser.parse_args()
    compare(given.frugal, given.rounds, given.seconds, given.venv)


if __name__ == "__main__":
    main()
