/* SPDX-License-Identifier: Apache-2.0 */
/* Made by study_stats.py with SciPy and statsmodels. */
static const struct {
  const char *name;
  size_t n;
  double x[8], p_student, p_signs, low, high;
  double tolerance; /* of low and high: drawn resamples differ */
} golden_samples[] = {
    {"saved",
     5,
     {-0.91, -0.84, -1.02, -0.88, -0.95},
     7.50247296319009e-06,
     0.0625,
     -0.978482570535,
     -0.87,
     1e-09},
    {"mixed",
     5,
     {0.12, -0.07, 0.31, 0.02, -0.11},
     0.51279635725775,
     0.5625,
     -0.056,
     0.214,
     1e-09},
    {"skewed",
     5,
     {0.01, 0.02, 0.03, 0.05, 0.9},
     0.311747522386477,
     0.0625,
     0.022,
     0.726,
     1e-09},
    {"three", 3, {1, 2, 4}, 0.118082896311803, 0.25, 1.33333333333, 3.76658965232, 1e-09},
    {"eight",
     8,
     {0.3, -0.2, 0.5, 0.7, -0.1, 0.4, 0.6, 0.2},
     0.0331455002637737,
     0.0546875,
     0.0625,
     0.4875,
     0.01},
};
static const struct {
  size_t n;
  double p[5], adjusted[5];
} golden_families[] = {
    {4, {0.01, 0.04, 0.03, 0.005}, {0.03, 0.06, 0.06, 0.02}},
    {3, {0.9, 0.5, 0.2}, {1, 1, 0.6}},
    {5, {0.001, 0.001, 0.02, 0.3, 0.049}, {0.005, 0.005, 0.06, 0.3, 0.098}},
};
