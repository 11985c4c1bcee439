#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What meters cost and what they say, of one and the same command, in turn.

usage: meters.py build/frugal [--rounds N] [--seconds S] [--venv DIR]

The command keeps one core busy for half of S seconds and sleeps for the other half. It tells its
own CPU time, which is taken off that of the whole: what is left of a command of 0.2 s is what the
meter's start and end cost. What metering costs is the meter's process alone, between 4 s after the
start (its own included) and 1 s before the end.
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
        json.dump({"began": began, "cpu_s": time.process_time()}, out)
        out.flush()
        os._exit(0)


def own_of(pid):
    """CPU time of a process by the kernel's clock of it, sleeps of all its threads, peak in MiB."""
    wakes = 0
    threads = sorted(os.listdir(f"/proc/{pid}/task"))
    for thread in threads:
        status = open(f"/proc/{pid}/task/{thread}/status").read()
        wakes += int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.M).group(1))
    peak = re.search(r"VmHWM:\s*(\d+)", status)
    return {"t_s": time.monotonic(), "cpu_s": time.clock_gettime((~pid << 3) | 2), "wakes": wakes,
            "threads": threads, "peak": int(peak.group(1)) / 1024 if peak else None}


def run(command, folder, busy_s, rest_s, beside):
    """One metered run; None for a figure that is not known."""
    told = f"{folder}/told"
    if os.path.exists(told):
        os.remove(told)
    own = [sys.executable, "-S", os.path.abspath(__file__), "--load", str(busy_s), str(rest_s), told]
    start = time.time()
    first = last = None
    with open(f"{folder}/out", "w+") as out:
        meter = subprocess.Popen(command(own), stdout=out, stderr=out, cwd=folder)
        other = subprocess.Popen(own) if beside else None
        if busy_s + rest_s > 6:
            time.sleep(4)
            first = own_of(meter.pid)
            time.sleep(busy_s + rest_s - 5)
            last = own_of(meter.pid)
        _, code, used = os.wait4(meter.pid, 0)
        meter.returncode = os.waitstatus_to_exitcode(code)
        if other is not None:
            other.wait()
        out.seek(0)
        text = out.read()
    said = json.load(open(told)) if os.path.exists(told) else None
    cpu_s = used.ru_utime + used.ru_stime - (said["cpu_s"] if said and not beside else 0)
    steady = {key: (last[key] - first[key]) / (last["t_s"] - first["t_s"]) for key in ("cpu_s", "wakes")} \
        if first else None
    if steady and first["threads"] != last["threads"]:
        steady["wakes"] = None  # those of threads that ended are told nowhere
    return {"code": meter.returncode, "text": text, "cpu_s": cpu_s, "steady": steady,
            "peak": last and last["peak"], "start_s": said["began"] - start if said and not beside else None}


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
                if name == "no meter":
                    short[name].append(run(command, folder, 0.2, 0, beside))
                    continue
                short[name].append(run(command, folder, 0.2, 0, beside))
                taken[name].append(run(command, folder, seconds / 2, seconds / 2, beside))
    finally:
        shutil.rmtree(folder)
    tell(able, taken, short, rounds, seconds)


def tell(able, taken, short, rounds, seconds):
    print(f"\n{processor()}; {time.strftime('%Y-%m-%d')}; medians of {rounds} rounds of {seconds:g} s, "
          f"load average {os.getloadavg()[0]:.1f}\n")
    print("| meter | starts in, ms | CPU of start and end, ms | CPU of a minute, ms | wake-ups a second "
          "| memory, MiB | joules | of 0.2 s |")
    print("|---|---|---|---|---|---|---|---|")
    bare = {key: statistics.median(r[key] for r in short["no meter"]) for key in ("cpu_s", "start_s")}
    for name, version, _, joules, _ in able:
        rows, brief = taken[name], short[name]
        if name == "no meter":
            continue
        start = [None if r["start_s"] is None else 1e3 * (r["start_s"] - bare["start_s"]) for r in brief]
        print("|", " | ".join([f"{name} ({version})", figure(start, "{:.0f}"),
                               figure([1e3 * (r["cpu_s"] - bare["cpu_s"]) for r in brief], "{:.0f}"),
                               figure([6e4 * r["steady"]["cpu_s"] for r in rows], "{:.0f}"),
                               figure([r["steady"]["wakes"] for r in rows], "{:.1f}"),
                               figure([r["peak"] for r in rows], "{:.0f}"),
                               figure([joules(r["text"]) for r in rows]),
                               figure([joules(r["text"]) for r in brief])]), "|")
    for name, _, _, joules, _ in able:
        if name == "no meter":
            continue
        if joules(taken[name][0]["text"]) in (None, 0):
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
    parser.add_argument("--seconds", type=float, default=20, help="more than 6")
    parser.add_argument("--venv")
    given = parser.parse_args()
    compare(given.frugal, given.rounds, given.seconds, given.venv)


if __name__ == "__main__":
    main()
