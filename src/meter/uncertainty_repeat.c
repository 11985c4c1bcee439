/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats until the mean is known well enough. */
#include "frugal/power.h"

#include "base/student.h"

#include <math.h>

fr_repeat_rule fr_repeat_default_rule(void) {
  return (fr_repeat_rule){.relative = 0.05, .least = 3, .most = 30};
}

/* A distance of a bound without the part of it that is the run's own. */
static double shared(double distance, double edges_j) {
  return sqrt(fmax(distance * distance - edges_j * edges_j, 0));
}

static fr_measure without_edges(fr_measure m, double edges_j) {
  m.low = m.value - shared(m.value - m.low, edges_j);
  m.high = m.value + shared(m.high - m.value, edges_j);
  return m;
}

/* Mean value and mean distances of the bounds from it; one run alone keeps its edges. */
static fr_measure mean_of(const fr_measure *energy, const double *edges_j, size_t n) {
  fr_measure mean = fr_measure_absent(FR_UNIT_JOULE);
  for (size_t i = 0; i < n; i++) {
    const fr_measure m =
        edges_j && n > 1 ? without_edges(energy[i], edges_j[i]) : energy[i];
    mean = i > 0 ? fr_measure_add(mean, m) : m;
  }
  return n > 0 ? fr_measure_scale(mean, 1.0 / (double)n, mean.unit) : mean;
}

/* Half width of the mean's t interval; INFINITY below two. */
static double half_width(const fr_measure *energy, size_t n, double mean) {
  if (n < 2)
    return INFINITY;
  double squares = 0;
  for (size_t i = 0; i < n; i++)
    squares += (energy[i].value - mean) * (energy[i].value - mean);
  const double freedom = (double)n - 1;
  return fr__t_quantile(0.975, freedom) * sqrt(squares / freedom / (double)n);
}

enum fr_repeat fr_repeat_next(const fr_repeat_rule *rule, const fr_measure *energy,
                              const double *edges_j, size_t n, fr_measure *mean) {
  fr_measure whole = mean_of(energy, edges_j, n);
  const bool known = fr_measure_known(whole);
  const double half = known ? half_width(energy, n, whole.value) : INFINITY;
  if (known && n > 1) {
    const bool positive = whole.low >= 0; /* an energy, not a difference of two */
    whole.low = whole.value - hypot(half, whole.value - whole.low);
    whole.low = positive ? fmax(0, whole.low) : whole.low;
    whole.high = whole.value + hypot(half, whole.high - whole.value);
  }
  if (mean != NULL)
    *mean = whole;
  if (n >= rule->least && half < rule->relative * fabs(whole.value))
    return FR_REPEAT_ENOUGH;
  return n < rule->most ? FR_REPEAT_MORE : FR_REPEAT_GAVE_UP;
}
