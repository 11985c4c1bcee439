# SPDX-License-Identifier: Apache-2.0
"""A forecast by NumPy, straight from the formulas of docs/forecast.md, of a series that
both sides make: a day's sine, quieter weekends, and a level that wanders.

Run as a script it prints tests/golden/forecast.h.
"""
import numpy as np

HOURS, LEADS, DAYS_BACK = 24 * 80 + 7, 60, (3, 10)
LEAD = [0, 1, 2, 3, 5, 8, 12, 17, 23, 24, 36, 47, 72, 120, 168]
PRIOR = np.array([
    [0.972, -0.142, 0.142, 0.002, 0.008], [0.935, -0.066, 0.218, 0.015, 0.055],
    [0.896, -0.008, 0.235, 0.026, 0.106], [0.853, -0.025, 0.272, 0.041, 0.155],
    [0.775, 0.036, 0.244, 0.063, 0.253], [0.685, 0.009, 0.206, 0.076, 0.404],
    [0.601, 0.018, 0.134, 0.074, 0.554], [0.576, 0, -0.028, 0.008, 0.663],
    [0.514, -0.058, 0.150, -0.015, 0.679], [0.567, -0.021, 0.181, 0, 0.685],
    [0.317, 0.005, 0.087, 0.085, 0.690], [0.254, -0.033, 0.075, 0.059, 0.642],
    [0.296, -0.015, 0.024, 0.004, 0.588], [0.208, -0.012, 0.024, -0.031, 0.476],
    [0.25, 0, 0, -0.05, 0.4]])


def made(count):
    state, level, out = 12345, 0.0, []
    for k in range(count):
        state = (1103515245 * state + 12345) % (1 << 31)
        level = 0.9 * level + 40 * (state / (1 << 31) - 0.5)
        weekend = 30 if k // 24 % 7 >= 5 else 0
        out.append(300 + 80 * np.sin(2 * np.pi * (k % 24) / 24) - weekend + level)
    return np.array(out)


def profile(v):
    """(N + 24): the same hour of the days before, each day back 0.92 as much."""
    out = np.full(len(v) + 24, np.nan)
    for t in range(24, len(v) + 24):
        past = np.arange(t - 24, -1, -24)
        past = past[past < len(v)]
        weight = 0.92 ** np.arange(len(past))
        out[t] = (v[past] * weight).sum() / weight.sum()
    return out


def offsets(v):
    """(N + 1, 7): of the weekdays, as known at the beginning of each hour's day."""
    days = v[: len(v) // 24 * 24].reshape(-1, 24).mean(1)
    table = [np.zeros(7)]
    for d in range(1, len(days) + 1):
        now = np.zeros(7)
        for w in range(7):
            of = [e for e in range(d - 1, 5, -1) if e % 7 == w]
            gap = np.array([days[e] - days[e - 6 : e + 1].mean() for e in of])
            weight = 0.8 ** np.arange(len(of))
            now[w] = (gap * weight).sum() / (weight.sum() + 2) if of else 0
        table.append(now - now.mean())
    return np.array([table[t // 24] for t in range(len(v) + 1)])


def forecast(v, leads):
    count, p, week = len(v), profile(v), offsets(v)
    a = np.nan_to_num(v - p[:count])

    def see(t, h):
        day = lambda i: i // 24 % 7
        return np.array([a[t - 1], a[t - 1] - a[t - 2], a[t - 1] - a[t - 3],
                         a[t - 24 : t].mean(),
                         week[t, day(t + h)] - week[t, day(t - 1)]])

    weights = []
    for h, prior in zip(LEAD, PRIOR):
        rows = range(max(27, count - h - 24 * 60), count - h)
        x = np.array([see(t, h) for t in rows])
        y = np.array([v[t + h] - p[t + h % 24] for t in rows])
        gram, days = x.T @ x, len(rows) / 24
        ridge = np.diag(30 * max(1, h / 12) / max(1, days) * np.diag(gram) + 1e-6)
        weights.append(np.linalg.solve(gram + ridge, x.T @ y + ridge @ prior))
    weights = np.array(weights)
    told = []
    for h in range(leads):
        w = np.array([np.interp(h, LEAD, weights[:, i]) for i in range(5)])
        told.append(p[count + h % 24] + w @ see(count, h))
    return np.array(told)


def show(name, values):
    rows = ",\n    ".join(", ".join(f"{x:.12g}" for x in values[i : i + 5])
                          for i in range(0, len(values), 5))
    print(f"static const double {name}[] = {{\n    {rows}}};")


if __name__ == "__main__":
    v = made(HOURS)
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by tests/golden/forecast.py with NumPy. */")
    print(f"enum {{ GOLDEN_HOURS = {HOURS}, GOLDEN_LEADS = {LEADS} }};")
    show("golden_told", forecast(v, LEADS))
    for d in DAYS_BACK:
        origin = HOURS - 24 * d
        show(f"golden_error_{d}", v[origin : origin + LEADS] - forecast(v[:origin], LEADS))
