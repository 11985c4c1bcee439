/* SPDX-License-Identifier: Apache-2.0 */
/* Wherever an allocation fails, a plan says so and leaves its argument as it was. */
#include "../test.h"

#include "../allocations.h"
#include "frugal/forecast.h"
#include "plan_cases.h"

#define HOUR 3600

static fr_series hours(fr__rng *rng, size_t count) {
  fr_series series = {0};
  for (size_t i = 0; i < count; i++)
    add_step(&series, (int64_t)i * HOUR, (int64_t)(i + 1) * HOUR,
             (double)between(rng, 100, 500));
  return series;
}

/* In pieces that nothing but a search can find. */
static const fr_job hard = {
    .energy_j = {3.6e6, 3.6e6, 3.6e6, FR_UNIT_JOULE, FR_SOURCE_PERF},
    .duration_s = 9 * HOUR + 700,
    .deadline_s = 90 * HOUR,
    .interruptible = true,
    .min_piece_s = 5000,
    .most_pieces = 4,
    .resume_s = 100,
    .resume_j = 5000};

static void each_allocation_of_a_timetable_may_fail(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 8, 8);
  fr_series series = hours(&rng, 100);
  fr_timetable none = {0}, out = {0};
  enum fr_status status = FR_ERR_MEMORY;
  size_t n = 0;
  while (status != FR_OK) {
    fr_error err = {0};
    allocations = 0;
    fail_at = ++n;
    status = fr_timetable_best(&series, &hard, 1, &out, &err);
    fail_at = 0;
    assert_true(status == FR_OK || status == FR_ERR_MEMORY);
    assert_true(status == FR_OK || strstr(err.text, "out of memory") != NULL);
    assert_true(status == FR_OK || memcmp(&out, &none, sizeof out) == 0);
  }
  assert_true(n > 15);
  assert_true(out.count > 1);
  fr_timetable_release(&out);
  fr_series_release(&series);
}

static void each_allocation_of_a_plan_may_fail(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 8, 9);
  fr_series series = hours(&rng, 100);
  static double error[5 * 100];
  for (size_t i = 0; i < 500; i++)
    error[i] = (double)between(&rng, -50, 50);
  const fr_forecast forecast = {.ahead = series, .scenarios = 5, .error = error};
  const fr_place place[] = {{.name = "a", .forecast = &forecast, .pue = 1},
                            {.name = "b", .forecast = &forecast, .pue = 1.1},
                            {.name = "c", .left_out = "it is far"}};
  fr_plan_options options;
  fr_plan_options_init(&options);
  fr_plan none = {0}, out = {0};
  enum fr_status status = FR_ERR_MEMORY;
  size_t n = 0;
  while (status != FR_OK) {
    allocations = 0;
    fail_at = ++n;
    status = fr_plan_make(place, 3, 0, &hard, &options, &out, NULL);
    fail_at = 0;
    assert_true(status == FR_OK || status == FR_ERR_MEMORY);
    assert_true(status == FR_OK || memcmp(&out, &none, sizeof out) == 0);
  }
  assert_true(n > 40);
  assert_int_equal(out.count, 2);
  assert_int_equal(out.left_out_count, 1);
  fr_plan_release(&out);
  fr_series_release(&series);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_allocation_of_a_timetable_may_fail),
      cmocka_unit_test(each_allocation_of_a_plan_may_fail),
  };
  return cmocka_run_group_tests_name("carbon/plan_allocation", tests, NULL, NULL);
}
