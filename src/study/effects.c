/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a difference is there: tests, their correction, and what they are called. */
#include "study/stats.h"

#include "base/rng.h"
#include "base/student.h"

#include <math.h>

double fr__p_student(const double *x, size_t n) {
  double sum = 0.0, squares = 0.0;
  if (n < 2)
    return (double)NAN;
  for (size_t i = 0; i < n; i++)
    sum += x[i];
  const double count = (double)n, mean = sum / count;
  for (size_t i = 0; i < n; i++)
    squares += (x[i] - mean) * (x[i] - mean);
  const double error = sqrt(squares / (count - 1.0) / count);
  if (!(error > 1e-15 * fabs(mean))) /* rounding alone: all are equal */
    return mean == 0.0 ? 1.0 : isnan(mean) ? (double)NAN : 0.0;
  return fr__t_tails(mean / error, count - 1.0);
}

/* ---- signs ---- */

#define SIGNS_ALL 14 /* values up to which all choices of signs are looked at */
#define SIGNS_DRAWN 20000

static double flipped(const double *x, size_t n, uint64_t signs) {
  double sum = 0.0;
  for (size_t i = 0; i < n; i++)
    sum += (signs >> (i % 64) & 1) != 0 ? -x[i] : x[i];
  return fabs(sum);
}

/* Above 64 values a sign stands for several; that many seeds there are not. */
double fr__p_signs(const double *x, size_t n) {
  const bool all = n <= SIGNS_ALL;
  const uint64_t count = all ? (uint64_t)1 << n : SIGNS_DRAWN;
  uint64_t as_large = 0;
  fr__rng rng;
  if (n < 2)
    return (double)NAN;
  fr__rng_init(&rng, 1, 0);
  const double observed = flipped(x, n, 0) * (1.0 - 1e-12); /* but for rounding */
  for (uint64_t i = 0; i < count; i++)
    as_large += flipped(x, n, all ? i : fr__rng_next(&rng)) >= observed;
  return all ? (double)as_large / (double)count
             : ((double)as_large + 1.0) / ((double)count + 1.0);
}

/* ---- the family ---- */

/* The least of those not yet corrected; n where none is left. Corrected ones are marked
 * by adding 2. */
static size_t least(const double *p, size_t n) {
  size_t at = n;
  for (size_t i = 0; i < n; i++)
    if (p[i] <= 1.0 && (at == n || p[i] < p[at]))
      at = i;
  return at;
}

void fr__p_holm(double *p, size_t n) {
  size_t left = 0;
  double before = 0.0;
  for (size_t i = 0; i < n; i++)
    left += isnan(p[i]) ? 0 : 1;
  for (size_t at = least(p, n); at < n; at = least(p, n), left--) {
    const double p_times = fmin(1.0, (double)left * p[at]);
    before = fmax(before, p_times); /* never less than one that is rejected first */
    p[at] = before + 2.0;
  }
  for (size_t i = 0; i < n; i++)
    p[i] -= 2.0; /* NAN stays NAN */
}

/* ---- names ---- */

enum fr__effect fr__effect_of(double mean, double p) {
  if (isnan(mean) || isnan(p))
    return FR__EFFECT_UNKNOWN;
  if (!(p < FR__SIGNIFICANT) || mean == 0.0)
    return FR__EFFECT_NONE;
  return mean < 0.0 ? FR__EFFECT_LESS : FR__EFFECT_MORE;
}

const char *fr__effect_on_energy(enum fr__effect effect) {
  switch (effect) {
  case FR__EFFECT_LESS: return "saves";
  case FR__EFFECT_MORE: return "costs more";
  case FR__EFFECT_NONE: return "no difference shown";
  case FR__EFFECT_UNKNOWN: break;
  }
  return "not measured";
}

const char *fr__effect_on_accuracy(enum fr__effect effect) {
  switch (effect) {
  case FR__EFFECT_LESS: return "loses";
  case FR__EFFECT_MORE: return "gains";
  case FR__EFFECT_NONE: return "no difference shown";
  case FR__EFFECT_UNKNOWN: break;
  }
  return "not measured";
}
