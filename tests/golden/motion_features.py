# SPDX-License-Identifier: Apache-2.0
"""The 52 motion features by NumPy, from their definitions (docs/features.md).

Run as a script it prints tests/golden/motion_features.h: the features of a signal that
tests/data/test_features.c makes by the same formula.
"""
import numpy as np

RATE = 40.0


def entropy(p):
    p = p[p > 0] / p.sum()
    return -(p * np.log(p)).sum()


def magnitude_features(m):
    n = len(m)
    d = m - m.mean()
    spectrum = np.abs(np.fft.rfft(m * np.hamming(n))) ** 2
    hertz = np.fft.rfftfreq(n, 1 / RATE)
    edges = [0.5, 1, 3, 5]
    band = np.digitize(hertz, edges)
    share = spectrum / spectrum.sum()
    energy = [np.log1p(1000 * share[(band == b) & (hertz > 0)].sum()) for b in range(5)]
    full = np.correlate(d, d, "full")[n - 1:]
    r = (full / full[0])[: n // 2]
    after = np.nonzero(r <= 0)[0]
    lobe = after[0] if len(after) else len(r) - 1
    peak = lobe + np.argmax(r[lobe:])
    found = r[peak] > 0
    return [
        m.mean(), m.std(), np.cbrt((d**3).mean()), (d**4).mean() ** 0.25,
        *np.percentile(m, [25, 50, 75]),
        entropy(np.histogram(m, 20)[0].astype(float)), entropy(m),
        *energy, entropy(spectrum),
        peak / RATE if found else 0.0, r[peak] if found else 0.0,
    ]


def features(xyz):  # (800, 3)
    ro = np.corrcoef(xyz.T)
    return [*magnitude_features(np.sqrt((xyz**2).sum(1))), *xyz.mean(0), *xyz.std(0),
            ro[0, 1], ro[0, 2], ro[1, 2]]


def signal(steps):
    """(steps, 9): gravity, userAcceleration, rotationRate; float32 as the test stores it."""
    t = np.arange(steps) / RATE
    noise = np.sin(12.9898 * np.arange(steps) ** 2 % 1000)
    step = 2 * np.pi * 1.85
    x = np.zeros((steps, 9))
    x[:, 0], x[:, 1], x[:, 2] = 0.3, -0.9, 0.316
    x[:, 3] = 0.10 * np.sin(step / 2 * t + 0.3) + 0.05 * np.sin(2 * step * t)
    x[:, 4] = 0.35 * np.sin(step * t) + 0.12 * np.sin(2 * step * t + 1.1) + 0.04 * noise
    x[:, 5] = 0.20 * np.cos(step * t + 0.4) * (1 + 0.3 * np.sin(0.7 * t))
    x[:, 6] = 1.2 * np.sin(step / 2 * t) + 0.2 * noise
    x[:, 7] = 0.6 * np.cos(step * t + 0.9)
    x[:, 8] = 0.4 * np.sin(step / 2 * t + 0.5) + 0.1 * t / 20
    return x.astype(np.float32)


def main():
    x = signal(840).astype(float)
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by tests/golden/motion_features.py: windows from 0 s and 1 s of its signal. */")
    print("static const double golden_features[2][52] = {")
    for start in (0, 40):
        w = x[start:start + 800]
        row = features(w[:, 0:3] + w[:, 3:6]) + features(w[:, 6:9])
        print("    {")
        for i in range(0, 52, 4):
            print("        " + " ".join(f"{v:.9g}," for v in row[i:i + 4]))
        print("    },")
    print("};")


if __name__ == "__main__":
    main()
