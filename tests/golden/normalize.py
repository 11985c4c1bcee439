# SPDX-License-Identifier: Apache-2.0
"""Normalised input by scikit-learn 1.x, and by NumPy where it has no such scaler.

Run as a script it prints tests/golden/normalize.h. Channels: normal, with values missing;
constant; heavy tails; ties; seen on the test side alone; far from zero; around zero.
"""
import warnings

import numpy as np
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

TRAIN, TEST, CHANNELS, STILL = 23, 8, 7, 0.01
warnings.filterwarnings("ignore")


def make():
    rng = np.random.default_rng(20)
    x = np.empty((TRAIN + TEST, CHANNELS))
    n = len(x)
    x[:, 0] = 5 + 2 * rng.standard_normal(n)
    x[:, 1] = 5.3
    x[:, 2] = rng.standard_cauchy(n)
    x[:, 3] = rng.integers(0, 3, n)
    x[:, 4] = rng.standard_normal(n)
    x[:, 5] = 1e4 + 10 * rng.standard_normal(n)
    x[:, 6] = np.where(rng.random(n) < 0.3, -0.0, rng.normal(0, 1e-3, n))
    x[[2, 7, 8, 20, 25], 0] = np.nan
    x[:TRAIN, 4] = np.nan
    x[TRAIN + 1, 6] = np.nan
    return x.astype(np.float32).astype(np.float64)


def by_window(x, train):
    """Each row's distance from the window's mean over its deviation, floored."""
    most = 1 / (STILL * StandardScaler().fit(train).scale_)
    most[1] = 1  # a constant channel has no scale
    y = (x - np.nanmean(x, 0)) * np.minimum(1 / np.nanstd(x, 0), most)
    return y


def clean(y):
    """Missing values become 0, and so does a channel that training never saw."""
    y = np.array(y)
    y[:, 4] = 0
    return np.nan_to_num(y, nan=0.0) + 0.0


def number(v):
    text = f"{v:.9g}"
    return "NAN" if np.isnan(v) else text + "f" if "." in text or "e" in text else text


def show(name, table):
    print(f"static const float {name}[{len(table)}][{CHANNELS}] = {{")
    for row in table:
        print("    {" + ", ".join(number(v) for v in row) + "},")
    print("};")


x = make()
train, test = x[:TRAIN], x[TRAIN:]
least = MinMaxScaler(feature_range=(-1, 1)).fit(train)
ranged = least.transform(test)
ranged[:, 1] = 0  # scikit-learn puts a constant at the lower end, we in the middle
none = np.where(np.isnan(test), np.nanmean(train, 0), test)
none[:, 4] = 0
still = np.array(test)
# A window that all but stands still where training does not.
still[:, 3] = np.float32([6.999, 7.001] * (TEST // 2))
print("/* SPDX-License-Identifier: Apache-2.0 */")
print("/* Made by tests/golden/normalize.py. */")
print("#include <math.h>\n")
print(f"enum {{ GOLDEN_TRAIN = {TRAIN}, GOLDEN_TEST = {TEST}, GOLDEN_CHANNELS = {CHANNELS} }};")
show("golden_input", x)
show("golden_zscore", clean(StandardScaler().fit(train).transform(test)))
show("golden_minmax", clean(ranged))
show("golden_robust", clean(RobustScaler().fit(train).transform(test)))
show("golden_none", none)
show("golden_window", clean(by_window(test, train)))
show("golden_still", clean(by_window(still, train)))
