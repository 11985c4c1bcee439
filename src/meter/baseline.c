/* SPDX-License-Identifier: Apache-2.0 */
/* The normal power of a machine at rest, and what a run took above it. */
#include "frugal/power.h"

#include "base/error.h"
#include "base/student.h"
#include "meter/uncertainty.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 10  /* at least */
#define BLOCK_S 1.0 /* of a block, where there is time for ten */
#define BLOCKS_LOW 10
#define BLOCKS_HIGH 30 /* of a long look the blocks grow: they outlast slow wobble */
#define BLOCKS 60      /* ceiling: n / (n / 30) is below it */
#define TRIM 0.2       /* of the blocks, at each end */

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static size_t block_count(size_t n, double interval_s) {
  size_t length = n / BLOCKS_HIGH;
  const double wanted = interval_s > 0 ? ceil(BLOCK_S / interval_s) : 1;
  if (wanted > (double)length)
    length = wanted < (double)n ? (size_t)wanted : n;
  if (length > n / BLOCKS_LOW)
    length = n / BLOCKS_LOW;
  return n / (length > 0 ? length : 1);
}

static void block_means(const double *x, size_t n, double *mean, size_t count) {
  for (size_t k = 0; k < count; k++) {
    const size_t from = k * n / count, to = (k + 1) * n / count;
    double sum = 0;
    for (size_t i = from; i < to; i++)
      sum += x[i];
    mean[k] = sum / (double)(to - from);
  }
}

/* Correlation of neighbours, corrected for what a short series hides of it (Marriott and
 * Pope 1954: about -(1 + 4 r) / n), and half as much again, without which simulated
 * intervals from ten blocks hold the truth in 93.5 of 100 cases. */
static double neighbours(const double *x, size_t n, double mean) {
  double together = 0, squares = 0;
  for (size_t i = 0; i < n; i++) {
    squares += (x[i] - mean) * (x[i] - mean);
    if (i > 0)
      together += (x[i] - mean) * (x[i - 1] - mean);
  }
  const double r = squares > 0 ? together / squares : 0;
  return fmin(fmax(r + 1.5 * (1 + 4 * r) / (double)n, 0), 0.8);
}

/*
 * The trimmed mean of the blocks and its half width by Tukey and McLaughlin (1963):
 * t × s_winsorized / ((1 - 2 trim) sqrt(n)); of blocks that are correlated only the
 * share (1 - r) / (1 + r) is independent.
 */
static double trimmed_mean(double *block, size_t n, double *half) {
  double sorted[BLOCKS];
  memcpy(sorted, block, n * sizeof *block);
  qsort(sorted, n, sizeof *sorted, ascending);
  const size_t cut = (size_t)(TRIM * (double)n);
  double sum = 0, winsorized = 0, squares = 0;
  for (size_t i = cut; i < n - cut; i++)
    sum += sorted[i];
  for (size_t i = 0; i < n; i++) {
    block[i] = fmin(fmax(block[i], sorted[cut]), sorted[n - 1 - cut]);
    winsorized += block[i] / (double)n;
  }
  for (size_t i = 0; i < n; i++)
    squares += (block[i] - winsorized) * (block[i] - winsorized);
  const double kept = (double)(n - 2 * cut), all = (double)n;
  const double r = neighbours(block, n, winsorized);
  const double independent = (1 - r) / (1 + r);
  const double error = sqrt(squares / (all - 1) / (all * independent)) / (kept / all);
  *half = fr__t_quantile(0.975, fmax((kept - 1) * independent, 1)) * error;
  return sum / kept;
}

static fr_measure watts(double value, double half, enum fr_source source) {
  return (fr_measure){.value = value,
                      .low = fmax(value - half, 0),
                      .high = value + half,
                      .unit = FR_UNIT_WATT,
                      .source = source};
}

enum fr_status fr_baseline_find(const double *power_w, size_t n, double interval_s,
                                enum fr_source source, double accuracy, fr_baseline *out,
                                fr_error *err) {
  if (n < SAMPLES)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a baseline needs %d samples, there are %zu: look longer", SAMPLES,
                    n);
  for (size_t i = 0; i < n; i++)
    if (!isfinite(power_w[i]))
      return fr__fail(err, FR_ERR_NUMERIC, "sample %zu of the baseline is not finite", i);
  double block[BLOCKS], spread;
  const size_t count = block_count(n, interval_s);
  block_means(power_w, n, block, count);
  const double normal = trimmed_mean(block, count, &spread);
  *out =
      (fr_baseline){.normal_w = watts(normal, hypot(spread, accuracy * normal), source),
                    .spread_w = spread,
                    .seconds = (double)n * interval_s,
                    .assumed = source == FR_SOURCE_MODEL};
  return FR_OK;
}

/* Half widths that are not from samples: the sensor's or the model's. */
static double common_of(const fr_baseline *baseline, double half) {
  return sqrt(fmax(half * half - baseline->spread_w * baseline->spread_w, 0));
}

static double common_below_w(const fr_baseline *baseline) {
  return common_of(baseline, baseline->normal_w.value - baseline->normal_w.low);
}

static double common_w(const fr_baseline *baseline) {
  return common_of(baseline, baseline->normal_w.high - baseline->normal_w.value);
}

static void set_bounds(fr_baseline *baseline, double below_w, double above_w) {
  fr_measure *const normal = &baseline->normal_w;
  normal->low = fmax(normal->value - hypot(baseline->spread_w, below_w), 0);
  normal->high = normal->value + hypot(baseline->spread_w, above_w);
}

void fr_baseline_band(fr_baseline *baseline, double below, double above) {
  const double value = baseline->normal_w.value;
  set_bounds(baseline, below * value, above * value);
}

fr_baseline fr_baseline_join(const fr_baseline *before, const fr_baseline *after) {
  const double chance = hypot(before->spread_w, after->spread_w);
  const double drift = after->normal_w.value - before->normal_w.value;
  fr_baseline both = {
      .normal_w = {.value = (before->normal_w.value + after->normal_w.value) / 2,
                   .unit = FR_UNIT_WATT,
                   .source = before->normal_w.source},
      .spread_w = hypot(chance, drift) / 2,
      .drift_w = drift,
      .drifted = fabs(drift) > chance,
      .seconds = before->seconds + after->seconds,
      .utc_ns = after->utc_ns,
      .assumed = before->assumed || after->assumed};
  set_bounds(&both, fmax(common_below_w(before), common_below_w(after)),
             fmax(common_w(before), common_w(after)));
  return both;
}

fr_measure fr_baseline_delta(const fr_baseline *baseline, const fr_bounds *run) {
  const double normal_j = baseline->normal_w.value * run->duration_s;
  if (!isfinite(run->value_j) || !fr_measure_known(baseline->normal_w))
    return fr_measure_absent(FR_UNIT_JOULE);
  const double delta = run->value_j - normal_j;
  const bool same = baseline->normal_w.source == run->source;
  const double part = same && run->value_j > 0 ? fabs(delta) / run->value_j : 1;
  const double relative =
      same ? run->accuracy * delta
           : hypot(run->accuracy * run->value_j, common_w(baseline) * run->duration_s);
  const fr__deviation random = fr__bounds_random(run);
  const double half =
      hypot(hypot(random.half_j, relative), baseline->spread_w * run->duration_s);
  /* what the model takes for too little makes a delta below 0 fall further */
  const double below_j = (delta < 0 ? run->model_high_j : run->model_low_j) * part;
  const double above_j = (delta < 0 ? run->model_low_j : run->model_high_j) * part;
  const double low = delta + random.shift_j - hypot(half, below_j);
  const double high = delta + random.shift_j + hypot(half, above_j);
  return (fr_measure){.value = delta,
                      .low = fmin(low, delta),
                      .high = fmax(high, delta),
                      .unit = FR_UNIT_JOULE,
                      .source = run->source};
}
