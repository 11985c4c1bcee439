# SPDX-License-Identifier: Apache-2.0
"""Golden values of tests/study/test_effects.c: SciPy and statsmodels, and the bootstrap's
formulas (Efron 1987) over every resample. Prints study_stats.h."""
import itertools

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri
from statsmodels.stats.multitest import multipletests

samples = {
    "saved": [-0.91, -0.84, -1.02, -0.88, -0.95],
    "mixed": [0.12, -0.07, 0.31, 0.02, -0.11],
    "skewed": [0.01, 0.02, 0.03, 0.05, 0.9],
    "three": [1.0, 2.0, 4.0],
    "eight": [0.3, -0.2, 0.5, 0.7, -0.1, 0.4, 0.6, 0.2],
}


def bca_all(x):
    """Over all n^n resamples, ties with the mean counted half, percentiles of type 7."""
    x = np.asarray(x)
    means = np.array([np.mean(c) for c in itertools.product(x, repeat=len(x))])
    mean = x.mean()
    tie = np.abs(means - mean) <= 1e-12 * (means.max() - means.min())
    z0 = ndtri((np.sum((means < mean) & ~tie) + 0.5 * tie.sum()) / len(means))
    jack = np.array([np.delete(x, i).mean() for i in range(len(x))])
    u = jack.mean() - jack
    a = np.sum(u**3) / (6 * np.sum(u**2) ** 1.5)
    at = [ndtr(z0 + (z0 + z) / (1 - a * (z0 + z))) for z in ndtri([0.025, 0.975])]
    return np.quantile(means, at)


print("/* SPDX-License-Identifier: Apache-2.0 */")
print("/* Made by study_stats.py with SciPy and statsmodels. */")
print("static const struct {")
print("  const char *name;")
print("  size_t n;")
print("  double x[8], p_student, p_signs, low, high;")
print("  double tolerance; /* of low and high: drawn resamples differ */")
print("} golden_samples[] = {")
for name, x in samples.items():
    student = stats.ttest_1samp(x, 0).pvalue
    signs = stats.permutation_test(
        (x,), lambda v: abs(np.sum(v)), permutation_type="samples",
        alternative="greater", n_resamples=np.inf, vectorized=False).pvalue
    if len(x) <= 5:
        (low, high), tolerance = bca_all(x), 1e-9
    else:
        b = stats.bootstrap((x,), np.mean, n_resamples=1000000, batch=20000,
                            method="BCa", rng=np.random.default_rng(1))
        low, high, tolerance = *b.confidence_interval, 0.01
    values = ", ".join(f"{v:.6g}" for v in x)
    print(f'    {{"{name}", {len(x)}, {{{values}}},')
    print(f"     {student:.15g}, {signs:.15g}, {low:.12g}, {high:.12g}, {tolerance:g}}},")
print("};")
families = [[0.01, 0.04, 0.03, 0.005], [0.9, 0.5, 0.2], [0.001, 0.001, 0.02, 0.3, 0.049]]
print("static const struct {")
print("  size_t n;")
print("  double p[5], adjusted[5];")
print("} golden_families[] = {")
for family in families:
    adjusted = multipletests(family, method="holm")[1]
    p = ", ".join(f"{v:.15g}" for v in family)
    q = ", ".join(f"{v:.15g}" for v in adjusted)
    print(f"    {{{len(family)}, {{{p}}},")
    print(f"     {{{q}}}}},")
print("};")
