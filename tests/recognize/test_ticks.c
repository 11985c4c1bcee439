/* SPDX-License-Identifier: Apache-2.0 */
/* Frames at any times become frames at one rate: those near a tick as they are, others on
 * the line between, missing numbers never. Frames hold 3 t + 1, so the line is known. */
#include "../test.h"

#include <math.h>

#include "recognize/ticks.h"

#define WIDTH ((size_t)2)
#define PERIOD_S 0.1

static float value_at(double t_s) { return (float)(3 * t_s + 1); }

/* Ticks of frames at `t` up to the last one, `base` before all times; checks each. */
static size_t run(const double *t, size_t count, double base_s) {
  fr__ticks ticks;
  size_t number = 0;
  ASSERT_OK(fr__ticks_init(&ticks, WIDTH, PERIOD_S, err));
  for (size_t i = 0; i < count; i++) {
    const float frame[WIDTH] = {value_at(t[i]), -value_at(t[i])}, *x;
    double tick_s;
    fr__ticks_push(&ticks, base_s + t[i], frame);
    while (fr__ticks_next(&ticks, &tick_s, &x)) {
      const double want_s = t[0] + PERIOD_S * (double)number++;
      assert_true(fabs(tick_s - base_s - want_s) < 1e-5);
      /* a tenth of a period away it is the frame */
      assert_true(fabs((double)(x[0] - value_at(want_s))) < 3 * 0.0101);
      assert_true(x[1] == -x[0]);
    }
  }
  fr__ticks_release(&ticks);
  return number;
}

static void frames_at_the_rate_are_taken_as_they_are(void **state) {
  (void)state;
  fr__ticks ticks;
  ASSERT_OK(fr__ticks_init(&ticks, WIDTH, PERIOD_S, err));
  for (int i = 0; i < 1000; i++) {
    const double jitter_s = 0.009 * sin(i);
    const float frame[WIDTH] = {(float)i, (float)-i}, *x;
    double tick_s;
    fr__ticks_push(&ticks, 1.7e9 + 0.1 * i + (i > 0 ? jitter_s : 0), frame);
    assert_true(fr__ticks_next(&ticks, &tick_s, &x));
    assert_memory_equal(x, frame, sizeof frame);
    assert_false(fr__ticks_next(&ticks, &tick_s, &x));
  }
  fr__ticks_release(&ticks);
}

static void faster_ones_are_left_out_and_slower_ones_filled(void **state) {
  (void)state;
  double fast[400], slow[100], uneven[200];
  for (size_t i = 0; i < 400; i++)
    fast[i] = 0.05 + (double)i * 0.025; /* 40 Hz */
  for (size_t i = 0; i < 100; i++)
    slow[i] = (double)i * 0.17;
  uneven[0] = 0;
  for (size_t i = 1; i < 200; i++)
    uneven[i] = uneven[i - 1] + 0.01 + 0.3 * pow(sin((double)i), 2);
  assert_int_equal(run(fast, 400, 0), 100);
  assert_int_equal(run(slow, 100, 1000), (size_t)(99 * 0.17 / 0.1 + 0.1) + 1);
  assert_int_equal(run(uneven, 200, 0), (size_t)(uneven[199] / 0.1 + 0.1) + 1);
}

static void missing_numbers_are_not_between(void **state) {
  (void)state;
  const float before[WIDTH] = {0, 4}, now[WIDTH] = {2, NAN}, *x;
  fr__ticks ticks;
  double tick_s;
  ASSERT_OK(fr__ticks_init(&ticks, WIDTH, PERIOD_S, err));
  fr__ticks_push(&ticks, 0, before);
  assert_true(fr__ticks_next(&ticks, &tick_s, &x));
  fr__ticks_push(&ticks, 0.3, now);
  assert_true(fr__ticks_next(&ticks, &tick_s, &x)); /* a third of the way */
  assert_true(x[0] == 0 && x[1] == 4);
  assert_true(fr__ticks_next(&ticks, &tick_s, &x)); /* two */
  assert_true(x[0] == 2 && isnan(x[1]));
  fr__ticks_release(&ticks);
}

static void frames_of_one_time_do_no_harm(void **state) {
  (void)state;
  const double same[] = {0, 0, 0, 0.1, 0.1, 0.2, 0.2};
  assert_int_equal(run(same, 7, 0), 3);
}

/* A period is below the last digit of such a time: base + period would be base, for ever.
 */
static void times_larger_than_a_period_can_move_end_too(void **state) {
  (void)state;
  static const double huge[] = {1e300, -1e300, 1e17};
  for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
    fr__ticks ticks;
    const float frame[WIDTH] = {1, 2}, *x;
    double tick_s;
    ASSERT_OK(fr__ticks_init(&ticks, WIDTH, PERIOD_S, err));
    fr__ticks_push(&ticks, huge[i], frame);
    assert_true(fr__ticks_next(&ticks, &tick_s, &x));
    assert_true(tick_s >= huge[i] && tick_s <= huge[i]);
    assert_false(fr__ticks_next(&ticks, &tick_s, &x));
    fr__ticks_release(&ticks);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_at_the_rate_are_taken_as_they_are),
      cmocka_unit_test(faster_ones_are_left_out_and_slower_ones_filled),
      cmocka_unit_test(missing_numbers_are_not_between),
      cmocka_unit_test(frames_of_one_time_do_no_harm),
      cmocka_unit_test(times_larger_than_a_period_can_move_end_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
