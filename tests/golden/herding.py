# SPDX-License-Identifier: Apache-2.0
"""Herding by NumPy, straight from iCaRL's algorithm 4 (Rebuffi et al. 2017, arXiv
1611.07725), on rows of length 1; the first of equals.

Run as a script it prints tests/golden/herding.h.
"""
import numpy as np

COUNT, WIDTH, WANT = 17, 5, 9


def herd(points, want):
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    mean = unit.mean(0)
    chosen = []
    for k in range(1, want + 1):
        total = unit[chosen].sum(0)
        distance = np.linalg.norm(mean - (unit + total) / k, axis=1)
        distance[chosen] = np.inf
        chosen.append(int(distance.argmin()))
    return chosen


def array(name, kind, values):
    body = ", ".join(f"{v:.9g}f" if kind == "float" else str(v) for v in values)
    return f"static const {kind} {name}[] = {{{body}}};"


if __name__ == "__main__":
    points = np.random.default_rng(7).gamma(1.5, 1.0, (COUNT, WIDTH)).astype(np.float32)
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by tests/golden/herding.py with NumPy. */")
    print(f"enum {{ HERD_COUNT = {COUNT}, HERD_WIDTH = {WIDTH}, HERD_WANT = {WANT} }};")
    print(array("herd_points", "float", points.reshape(-1)))
    print(array("herd_chosen", "size_t", herd(points.astype(np.float64), WANT)))
