/* SPDX-License-Identifier: Apache-2.0 */
/* The bias-corrected accelerated bootstrap of a mean (Efron 1987). */
#include "study/stats.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

#define ALL_UP_TO 5 /* values: 5^5 = 3,125 resamples are all there are */
#define DRAWN 9999  /* resamples where there are more */
#define LEVEL 0.95

static double mean_of(const double *x, size_t n) {
  double sum = 0.0;
  for (size_t i = 0; i < n; i++)
    sum += x[i];
  return sum / (double)n;
}

static double normal_below(double z) { return 0.5 * erfc(-z / sqrt(2.0)); }

/* By bisection; p is kept off 0 and 1, where every resample lies on one side. */
static double normal_quantile(double p) {
  double low = -10.0, high = 10.0;
  for (int i = 0; i < 80; i++) {
    const double middle = 0.5 * (low + high);
    if (normal_below(middle) < p)
      low = middle;
    else
      high = middle;
  }
  return 0.5 * (low + high);
}

/* Means of all n^n resamples: `index` counts in base n. */
static size_t all_resamples(const double *x, size_t n, double *means) {
  size_t count = 1;
  for (size_t i = 0; i < n; i++)
    count *= n;
  for (size_t index = 0; index < count; index++) {
    double sum = 0.0;
    size_t digits = index;
    for (size_t i = 0; i < n; i++, digits /= n)
      sum += x[digits % n];
    means[index] = sum / (double)n;
  }
  return count;
}

static size_t drawn_resamples(const double *x, size_t n, double *means) {
  fr__rng rng;
  fr__rng_init(&rng, 1, 0);
  for (size_t b = 0; b < DRAWN; b++) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
      sum += x[fr__rng_below(&rng, n)];
    means[b] = sum / (double)n;
  }
  return DRAWN;
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Between neighbours as the line goes, at (count - 1) p (Hyndman and Fan's type 7). */
static double percentile(const double *sorted, size_t count, double p) {
  const double at = p * (double)(count - 1);
  const size_t i = (size_t)at;
  if (i + 1 >= count)
    return sorted[count - 1];
  return sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]);
}

/* z0: how far the resamples' median is off, ties counted half. */
static double bias_of(const double *sorted, size_t count, double mean, double width) {
  double below = 0.0;
  for (size_t i = 0; i < count; i++)
    below += fabs(sorted[i] - mean) <= 1e-12 * width ? 0.5 : sorted[i] < mean;
  return normal_quantile(below / (double)count);
}

/* a = sum d^3 / (6 (sum d^2)^1.5); for a mean the jackknife's d is (x - mean) / (n - 1),
 * and the scale falls out. */
static double acceleration_of(const double *x, size_t n, double mean) {
  double squares = 0.0, cubes = 0.0;
  for (size_t i = 0; i < n; i++) {
    const double d = x[i] - mean;
    squares += d * d;
    cubes += d * d * d;
  }
  return cubes / (6.0 * pow(squares, 1.5));
}

static double corrected(double z0, double a, double p) {
  const double z = z0 + normal_quantile(p);
  return normal_below(z0 + z / (1.0 - a * z));
}

fr_interval fr__bootstrap_mean(const double *x, size_t n) {
  double means[DRAWN];
  const double unknown = (double)NAN;
  fr_interval out = {n > 0 ? mean_of(x, n) : unknown, unknown, unknown, n};
  if (n < 3 || !isfinite(out.mean))
    return out;
  const size_t count =
      n <= ALL_UP_TO ? all_resamples(x, n, means) : drawn_resamples(x, n, means);
  qsort(means, count, sizeof *means, by_size);
  const double width = means[count - 1] - means[0];
  if (!(width > 1e-12 * fabs(out.mean))) { /* rounding alone */
    out.low = out.high = out.mean;
    return out;
  }
  const double z0 = bias_of(means, count, out.mean, width);
  const double a = acceleration_of(x, n, out.mean);
  out.low = percentile(means, count, corrected(z0, a, (1.0 - LEVEL) / 2.0));
  out.high = percentile(means, count, corrected(z0, a, (1.0 + LEVEL) / 2.0));
  return out;
}
