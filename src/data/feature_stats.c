/* SPDX-License-Identifier: Apache-2.0 */
/* Features of values: of the magnitude, and of the three axes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/feature.h"

#define VALUE_BINS 20 /* of the value entropy */
#define FINE 32       /* fine bins in each of them, for ranks */
#define BINS (VALUE_BINS * FINE)
/* A variance below this share of the mean's square is rounding: nothing varies. */
#define CONSTANT 1e-12

const char *const fr__feature_names[FR__FEATURES] = {
    "magnitude_stats:mean",
    "magnitude_stats:std",
    "magnitude_stats:moment3",
    "magnitude_stats:moment4",
    "magnitude_stats:percentile25",
    "magnitude_stats:percentile50",
    "magnitude_stats:percentile75",
    "magnitude_stats:value_entropy",
    "magnitude_stats:time_entropy",
    "magnitude_spectrum:log_energy_band0",
    "magnitude_spectrum:log_energy_band1",
    "magnitude_spectrum:log_energy_band2",
    "magnitude_spectrum:log_energy_band3",
    "magnitude_spectrum:log_energy_band4",
    "magnitude_spectrum:spectral_entropy",
    "magnitude_autocorrelation:period",
    "magnitude_autocorrelation:normalized_ac",
    "3d:mean_x",
    "3d:mean_y",
    "3d:mean_z",
    "3d:std_x",
    "3d:std_y",
    "3d:std_z",
    "3d:ro_xy",
    "3d:ro_xz",
    "3d:ro_yz",
};

/* ---- a sensor over a record ---- */

enum fr_status fr__motion_init(fr__motion *motion, size_t steps, fr_error *err) {
  const size_t room = steps + 1;
  fr__motion made = {.steps = steps, .owner = calloc(room, 6 * sizeof(double))};
  made.missing = calloc(room, sizeof *made.missing);
  if (!made.owner || !made.missing) {
    fr__motion_release(&made);
    return fr__fail_memory(err, "features");
  }
  for (size_t i = 0; i < 3; i++)
    made.axis[i] = made.owner + i * room;
  made.magnitude = made.owner + 3 * room;
  made.sum = made.owner + 4 * room;
  made.information = made.owner + 5 * room;
  *motion = made;
  return FR_OK;
}

void fr__motion_prepare(fr__motion *motion, size_t steps) {
  motion->steps = steps;
  for (size_t t = 0; t < steps; t++) {
    const double x = motion->axis[0][t], y = motion->axis[1][t], z = motion->axis[2][t];
    const double m = sqrt(x * x + y * y + z * z);
    const bool there = isfinite(m) != 0;
    const double value = there ? m : 0;
    motion->magnitude[t] = value;
    motion->sum[t + 1] = motion->sum[t] + value;
    motion->information[t + 1] =
        motion->information[t] + (value > 0 ? value * log(value) : 0);
    motion->missing[t + 1] = motion->missing[t] + !there;
  }
}

void fr__motion_release(fr__motion *motion) {
  free(motion->owner);
  free(motion->missing);
  *motion = (fr__motion){0};
}

/* ---- ranks ---- */

enum fr_status fr__ranks_init(fr__ranks *ranks, size_t n, fr_error *err) {
  *ranks = (fr__ranks){malloc(n * sizeof *ranks->value), malloc(n * sizeof *ranks->bin)};
  if (ranks->value && ranks->bin)
    return FR_OK;
  fr__ranks_release(ranks);
  return fr__fail_memory(err, "features");
}

void fr__ranks_release(fr__ranks *ranks) {
  free(ranks->value);
  free(ranks->bin);
  *ranks = (fr__ranks){0};
}

static int compare_double(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Values by bin into ranks->value, bin b from begin[b] to begin[b + 1]. */
static void sort_bins(const double *m, size_t n, double low, double high,
                      fr__ranks *ranks, size_t begin[BINS + 1]) {
  const double per_bin = high > low ? BINS / (high - low) : 0;
  size_t at[BINS];
  memset(begin, 0, (BINS + 1) * sizeof *begin);
  for (size_t t = 0; t < n; t++) {
    const int b = (int)((m[t] - low) * per_bin);
    ranks->bin[t] = (uint16_t)(b < BINS ? b : BINS - 1);
    begin[ranks->bin[t] + 1]++;
  }
  for (size_t b = 0; b < BINS; b++) {
    at[b] = begin[b];
    begin[b + 1] += begin[b];
  }
  for (size_t t = 0; t < n; t++)
    ranks->value[at[ranks->bin[t]]++] = m[t];
}

/* The value of rank k, after sorting the bin that holds it. */
static double value_of_rank(fr__ranks *ranks, const size_t begin[BINS + 1], size_t k) {
  size_t low = 0, high = BINS;
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    if (begin[middle] <= k)
      low = middle;
    else
      high = middle;
  }
  qsort(ranks->value + begin[low], begin[low + 1] - begin[low], sizeof *ranks->value,
        compare_double);
  return ranks->value[k];
}

/* Linear between the two nearest ranks. */
static double percentile(fr__ranks *ranks, const size_t begin[BINS + 1], size_t n,
                         double share) {
  const double at = share * (double)(n - 1);
  const size_t k = (size_t)at;
  const double low = value_of_rank(ranks, begin, k);
  if (k + 1 == n)
    return low;
  return low + (at - (double)k) * (value_of_rank(ranks, begin, k + 1) - low);
}

/* -sum of p ln p over a histogram of 20 bins from the least to the greatest value. */
static double value_entropy(const size_t begin[BINS + 1], size_t n) {
  double entropy = 0;
  for (size_t b = 0; b < VALUE_BINS; b++) {
    const size_t count = begin[(b + 1) * FINE] - begin[b * FINE];
    const double p = (double)count / (double)n;
    entropy -= count > 0 ? p * log(p) : 0;
  }
  return entropy;
}

/* ---- features ---- */

typedef struct moments {
  double mean, second, third, fourth; /* central from the second on */
} moments;

static moments moments_of(const double *m, size_t n, double mean) {
  moments s = {mean, 0, 0, 0};
  for (size_t t = 0; t < n; t++) {
    const double d = m[t] - mean, d2 = d * d;
    s.second += d2;
    s.third += d2 * d;
    s.fourth += d2 * d2;
  }
  s.second /= (double)n;
  s.third /= (double)n;
  s.fourth /= (double)n;
  return s;
}

void fr__feature_stats(const fr__motion *motion, size_t start, size_t n, fr__ranks *ranks,
                       float out[9]) {
  const double *m = motion->magnitude + start;
  const double total = motion->sum[start + n] - motion->sum[start];
  const double information = motion->information[start + n] - motion->information[start];
  const moments s = moments_of(m, n, total / (double)n);
  double low = m[0], high = m[0];
  for (size_t t = 1; t < n; t++) {
    low = m[t] < low ? m[t] : low;
    high = m[t] > high ? m[t] : high;
  }
  size_t begin[BINS + 1];
  sort_bins(m, n, low, high, ranks, begin);
  out[0] = (float)s.mean;
  out[1] = (float)sqrt(s.second);
  out[2] = (float)cbrt(s.third);
  out[3] = (float)sqrt(sqrt(s.fourth));
  for (size_t i = 0; i < 3; i++)
    out[4 + i] = (float)percentile(ranks, begin, n, 0.25 * (double)(i + 1));
  out[7] = (float)value_entropy(begin, n);
  /* With p = m / total: -sum of p ln p = ln total - (sum of m ln m) / total. */
  out[8] = total > 0 ? (float)(log(total) - information / total) : NAN;
}

static double covariance(const double *a, const double *b, size_t n, double mean_a,
                         double mean_b) {
  double sum = 0;
  for (size_t t = 0; t < n; t++)
    sum += (a[t] - mean_a) * (b[t] - mean_b);
  return sum / (double)n;
}

void fr__feature_axes(const fr__motion *motion, size_t start, size_t n, float out[9]) {
  static const size_t pairs[3][2] = {{0, 1}, {0, 2}, {1, 2}};
  double mean[3] = {0}, variance[3];
  for (size_t i = 0; i < 3; i++) {
    const double *x = motion->axis[i] + start;
    for (size_t t = 0; t < n; t++)
      mean[i] += x[t];
    mean[i] /= (double)n;
    variance[i] = covariance(x, x, n, mean[i], mean[i]);
    out[i] = (float)mean[i];
    out[3 + i] = (float)sqrt(variance[i]);
    if (variance[i] <= CONSTANT * mean[i] * mean[i])
      variance[i] = 0;
  }
  for (size_t p = 0; p < 3; p++) {
    const size_t i = pairs[p][0], k = pairs[p][1];
    const double scale = sqrt(variance[i] * variance[k]);
    const double c =
        covariance(motion->axis[i] + start, motion->axis[k] + start, n, mean[i], mean[k]);
    out[6 + p] = scale > 0 ? (float)(c / scale) : NAN;
  }
}
