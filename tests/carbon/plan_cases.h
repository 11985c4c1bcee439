/* SPDX-License-Identifier: Apache-2.0 */
/* Random hours ahead for the planner's tests: ragged steps, gaps, ties. */
#ifndef FR_TESTS_PLAN_CASES_H
#define FR_TESTS_PLAN_CASES_H

#include <math.h>

#include "base/rng.h"
#include "frugal/plan.h"

/* cmocka's own looks at floats. */
#define assert_near(is, should, share)                                                   \
  do {                                                                                   \
    const double assert_is = (is), assert_should = (should);                             \
    if (!(fabs(assert_is - assert_should) <= (share)*fmax(1, fabs(assert_should))))      \
      fail_msg("%s is %.17g, not %.17g", #is, assert_is, assert_should);                 \
  } while (0)

static inline int64_t between(fr__rng *rng, int64_t low, int64_t high) {
  return low + (int64_t)fr__rng_below(rng, (size_t)(high - low + 1));
}

static inline void add_step(fr_series *series, int64_t start_s, int64_t end_s, double g) {
  const fr_intensity_step step = {start_s, end_s, g, g, g, 0};
  series->source = FR_SOURCE_IMPORT;
  assert_int_equal(fr_series_add(series, &step, NULL), FR_OK);
}

/* Steps of 1 to `longest` seconds from before `begin_s` to after `end_s`, whole grams of
 * 0 to `dearest`; one in ten is a gap, where there are `gaps`. */
static inline fr_series random_series(fr__rng *rng, int64_t begin_s, int64_t end_s,
                                      int64_t longest, int64_t dearest, bool gaps) {
  fr_series series = {.zone = "X"};
  int64_t at = begin_s - between(rng, 0, longest);
  while (at < end_s) {
    const int64_t next = at + between(rng, 1, longest);
    if (!gaps || between(rng, 0, 9) > 0)
      add_step(&series, at, next, (double)between(rng, 0, dearest));
    at = next;
  }
  return series;
}

static inline fr_measure joules(double value) {
  return (fr_measure){value, value, value, FR_UNIT_JOULE, FR_SOURCE_PERF};
}

#endif
