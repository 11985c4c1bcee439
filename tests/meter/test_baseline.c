/* SPDX-License-Identifier: Apache-2.0 */
/* Normal power is found under noise and disturbance, and taken off with its bounds. */
#include "test.h"

#include <math.h>

#include "base/rng.h"
#include "frugal/power.h"

#define ROOM 6000
#define LEVEL_W 40.0

static void near(double value, double expected, double slack) {
  if (!(fabs(value - expected) <= slack))
    fail_msg("%.9g is not %.9g within %g", value, expected, slack);
}

/* Deviation 1 W, AR(1) with the given correlation time; heavy: t of 4 degrees. */
static void draw(fr__rng *rng, double *x, size_t n, double interval_s, double time_s,
                 bool heavy) {
  const double keep = time_s > 0 ? exp(-interval_s / time_s) : 0;
  double state = fr__rng_normal(rng);
  for (size_t i = 0; i < n; i++) {
    double z = fr__rng_normal(rng);
    if (heavy) {
      double squares = 0;
      for (int k = 0; k < 4; k++)
        squares += pow(fr__rng_normal(rng), 2);
      z /= sqrt(squares / 4) * sqrt(2);
    }
    state = keep * state + sqrt(1 - keep * keep) * z;
    x[i] = LEVEL_W + state;
  }
}

typedef struct setting {
  double seconds, interval_s, time_s;
  bool heavy;
} setting;

static void the_interval_holds_the_normal_power(void **state) {
  (void)state;
  static const setting settings[] = {
      {10, 0.1, 0, false},    {10, 0.1, 0.3, false}, {10, 0.1, 0.3, true},
      {10, 0.01, 0.5, false}, {30, 0.1, 1, false},   {60, 0.1, 2, false},
      {60, 0.1, 1, true},     {300, 0.5, 5, false},
  };
  fr__rng rng;
  fr__rng_init(&rng, 99, 1);
  static double x[ROOM];
  for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
    const setting *s = &settings[k];
    const size_t n = (size_t)(s->seconds / s->interval_s + 0.5), trials = 2000;
    double held = 0;
    for (size_t i = 0; i < trials; i++) {
      fr_baseline base;
      draw(&rng, x, n, s->interval_s, s->time_s, s->heavy);
      ASSERT_OK(fr_baseline_find(x, n, s->interval_s, FR_SOURCE_PERF, 0, &base, err));
      held += (base.normal_w.low <= LEVEL_W && LEVEL_W <= base.normal_w.high);
    }
    print_message("%g s at %g s, correlated %g s: held %.3f\n", s->seconds, s->interval_s,
                  s->time_s, held / (double)trials);
    assert_true(held / (double)trials >= 0.94);
  }
}

static void a_disturbance_moves_it_little(void **state) {
  (void)state;
  static double x[300];
  fr__rng rng;
  fr__rng_init(&rng, 5, 1);
  draw(&rng, x, 300, 0.1, 0.2, false);
  for (size_t i = 100; i < 130; i++)
    x[i] += 60; /* 3 s of something else: the mean moves by 6 W */
  fr_baseline base;
  ASSERT_OK(fr_baseline_find(x, 300, 0.1, FR_SOURCE_PERF, 0.015, &base, err));
  near(base.normal_w.value, LEVEL_W, 0.3);
  near(base.seconds, 30, 1e-9);
  assert_false(base.assumed);
}

static void the_models_baseline_is_assumed(void **state) {
  (void)state;
  double x[20];
  for (size_t i = 0; i < 20; i++)
    x[i] = 10;
  fr_baseline base;
  ASSERT_OK(fr_baseline_find(x, 20, 0.5, FR_SOURCE_MODEL, 0.5, &base, err));
  assert_true(base.assumed);
  near(base.normal_w.low, 5, 1e-9);
  near(base.normal_w.high, 15, 1e-9);
  near(base.spread_w, 0, 1e-9);
}

/* 10 W, of which the model knows 4 to 35: nothing below that is told, and all up to it.
 */
static void the_models_band_stays_as_it_is(void **state) {
  (void)state;
  double x[20];
  for (size_t i = 0; i < 20; i++)
    x[i] = 10;
  fr_baseline before, after;
  ASSERT_OK(fr_baseline_find(x, 20, 0.5, FR_SOURCE_MODEL, 0, &before, err));
  fr_baseline_band(&before, 0.6, 2.5);
  near(before.normal_w.low, 4, 1e-9);
  near(before.normal_w.high, 35, 1e-9);
  after = before;
  const fr_baseline both = fr_baseline_join(&before, &after);
  near(both.normal_w.low, 4, 1e-9);
  near(both.normal_w.high, 35, 1e-9);
}

static void too_little_is_refused(void **state) {
  (void)state;
  double x[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, (double)NAN};
  fr_baseline base = {.seconds = 7};
  fr_error err;
  assert_int_equal(fr_baseline_find(x, 9, 1, FR_SOURCE_PERF, 0, &base, &err),
                   FR_ERR_ARGUMENT);
  assert_int_equal(fr_baseline_find(x, 10, 1, FR_SOURCE_PERF, 0, &base, &err),
                   FR_ERR_NUMERIC);
  near(base.seconds, 7, 0);
}

static fr_baseline known(double normal_w, double spread_w) {
  return (fr_baseline){.normal_w = {normal_w, normal_w - spread_w, normal_w + spread_w,
                                    FR_UNIT_WATT, FR_SOURCE_PERF},
                       .spread_w = spread_w,
                       .seconds = 10};
}

static void drift_between_two_widens(void **state) {
  (void)state;
  const fr_baseline before = known(40, 0.3), after = known(41.2, 0.4);
  const fr_baseline both = fr_baseline_join(&before, &after);
  near(both.normal_w.value, 40.6, 1e-9);
  near(both.drift_w, 1.2, 1e-9);
  near(both.spread_w, 0.65, 1e-9); /* half of (0.5, 1.2) → 1.3 */
  assert_true(both.drifted);
  near(both.seconds, 20, 1e-9);
  const fr_baseline later = known(40.4, 0.4);
  assert_false(fr_baseline_join(&before, &later).drifted);
}

static void delta_is_what_is_above_normal(void **state) {
  (void)state;
  const fr_baseline base = known(40, 0.5);
  const fr_bounds run = {.value_j = 1000,
                         .duration_s = 20,
                         .source = FR_SOURCE_PERF,
                         .accuracy = 0.12}; /* of the 200 J above: 24 J */
  const fr_measure delta = fr_baseline_delta(&base, &run);
  near(delta.value, 200, 1e-9);
  near(delta.low, 174, 1e-9); /* 10 (0.5 W × 20 s), 24, 26 */
  near(delta.high, 226, 1e-9);
  const fr_bounds idle = {.value_j = 790, .duration_s = 20, .source = FR_SOURCE_PERF};
  near(fr_baseline_delta(&base, &idle).value, -10, 1e-9); /* said as it is */
  near(fr_baseline_delta(&base, &idle).high, 0, 1e-9);
  fr_baseline none = base;
  none.normal_w = fr_measure_absent(FR_UNIT_WATT);
  assert_false(fr_measure_known(fr_baseline_delta(&none, &run)));
}

/* The model's watts may be half of what it says or four times: so may the delta, to the
 * side that it is on. */
static void the_models_band_is_in_proportion(void **state) {
  (void)state;
  const fr_baseline base = {.normal_w = {10, 5, 40, FR_UNIT_WATT, FR_SOURCE_MODEL},
                            .seconds = 10,
                            .assumed = true};
  const double value_j[] = {120, 80}; /* of 10 s: 20 J above normal, 20 J below */
  const double low_j[] = {10, -80}, high_j[] = {80, -10};
  for (int i = 0; i < 2; i++) {
    const fr_bounds run = {.value_j = value_j[i],
                           .duration_s = 10,
                           .source = FR_SOURCE_MODEL,
                           .model_low_j = 0.5 * value_j[i],
                           .model_high_j = 3 * value_j[i]};
    const fr_measure delta = fr_baseline_delta(&base, &run);
    near(delta.low, low_j[i], 1e-9);
    near(delta.high, high_j[i], 1e-9);
  }
}

static void two_sensors_do_not_share_their_error(void **state) {
  (void)state;
  fr_baseline base = known(40, 0);
  base.normal_w.low = 39.4; /* 0.6 W × 20 s = 12 J */
  base.normal_w.high = 40.6;
  const fr_bounds run = {.value_j = 1000,
                         .duration_s = 20,
                         .source = FR_SOURCE_EXEC,
                         .accuracy = 0.016}; /* 16 J */
  const fr_measure delta = fr_baseline_delta(&base, &run);
  near(delta.high - delta.value, 20, 1e-9);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_interval_holds_the_normal_power),
      cmocka_unit_test(a_disturbance_moves_it_little),
      cmocka_unit_test(the_models_baseline_is_assumed),
      cmocka_unit_test(the_models_band_stays_as_it_is),
      cmocka_unit_test(too_little_is_refused),
      cmocka_unit_test(drift_between_two_widens),
      cmocka_unit_test(delta_is_what_is_above_normal),
      cmocka_unit_test(the_models_band_is_in_proportion),
      cmocka_unit_test(two_sensors_do_not_share_their_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
