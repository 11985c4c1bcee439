/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounds of an energy: independent errors combined as the square root of the sum of
 * their squares, each as its 95 % half width (JCGM 100:2008, "GUM", 5.1.2 and G.6.6). An
 * error that is anywhere within a width w with equal probability has the standard
 * deviation w / sqrt(12) (4.3.7).
 */
#include "meter/uncertainty.h"

#include <math.h>

#define COVERAGE 1.96 /* standard deviations of 95 % */
#define TOO_SHORT 0.05

typedef struct class_row {
  enum fr_source source;
  double relative;
  const char *why;
} class_row;

#define RAPL_WHY                                                                         \
  "assumed: makers state nothing; Khan et al. 2018 (RAPL in Action) and Desrochers et "  \
  "al. 2016 find counters close to meters and give no interval"

static const class_row classes[] = {
    {FR_SOURCE_PERF, 0.015, RAPL_WHY},
    {FR_SOURCE_POWERCAP, 0.015, RAPL_WHY},
    {FR_SOURCE_MSR, 0.015, RAPL_WHY},
    {FR_SOURCE_NVML, 0.05,
     "NVML's reference: power within 5 % (said of Fermi and Kepler; assumed for later "
     "ones, of which Yang et al. 2024 find some that sample a quarter of the time)"},
    {FR_SOURCE_HWMON, 0.05, "assumed: shunt resistors of 1 to 5 % decide, not the chip"},
    {FR_SOURCE_BATTERY, 0.05, "assumed: fuel gauges state no error of power"},
    {FR_SOURCE_EXEC, 0.02, "assumed: a plug meter of the better kind"},
    {FR_SOURCE_IMPORT, 0.05, "assumed: a log does not tell its sensors"},
};

double fr_sensor_accuracy(enum fr_source source, const char **why) {
  const char *reason = "none of its own";
  double relative = 0;
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    if (classes[i].source == source) {
      relative = classes[i].relative;
      reason = classes[i].why;
    }
  if (why != NULL)
    *why = reason;
  return relative;
}

static double square(double x) { return x * x; }

/*
 * The counter read at an edge is up to one update period old, and read up to one offset
 * late. With u, v, … anywhere in [0, 1] and floor() of a count:
 *   truth - value = period × (u P_end - v P_start) + offset × (w P_start - x P_end)
 *                 + quantum × (y - z)
 */
fr__deviation fr__bounds_edges(const fr_bounds *bounds) {
  const double start_w = bounds->power_start_w, end_w = bounds->power_end_w;
  const double squares = square(start_w) + square(end_w);
  const double variance =
      (square(bounds->update_s) + square(bounds->offset_s)) * squares / 12 +
      square(bounds->quantum_j) / 6;
  return (fr__deviation){.shift_j = (bounds->update_s - bounds->offset_s) *
                                    (end_w - start_w) / 2,
                         .half_j = COVERAGE * sqrt(variance)};
}

fr__deviation fr__bounds_random(const fr_bounds *bounds) {
  fr__deviation deviation = fr__bounds_edges(bounds);
  deviation.half_j =
      hypot(deviation.half_j, hypot(bounds->bridged_j, bounds->sampling_j));
  return deviation;
}

fr_measure fr_bounds_energy(const fr_bounds *bounds) {
  const double value = bounds->value_j;
  if (!isfinite(value))
    return fr_measure_absent(FR_UNIT_JOULE);
  const fr__deviation random = fr__bounds_random(bounds);
  const double half = hypot(random.half_j, bounds->accuracy * value);
  const double low = value + random.shift_j - hypot(half, bounds->model_low_j);
  const double high = value + random.shift_j + hypot(half, bounds->model_high_j);
  return (fr_measure){.value = value,
                      .low = fmin(fmax(low, 0), value),
                      .high = fmax(high, value),
                      .unit = FR_UNIT_JOULE,
                      .source = bounds->source};
}

double fr_bounds_needed_s(const fr_bounds *bounds, double relative) {
  const fr__deviation edges = fr__bounds_edges(bounds);
  const double slack_j = fabs(edges.shift_j) + edges.half_j;
  if (slack_j <= 0)
    return 0;
  if (!(bounds->value_j > 0 && bounds->duration_s > 0))
    return INFINITY;
  return slack_j / relative * bounds->duration_s / bounds->value_j;
}

bool fr_bounds_too_short(const fr_bounds *bounds) {
  return bounds->duration_s < fr_bounds_needed_s(bounds, TOO_SHORT);
}
