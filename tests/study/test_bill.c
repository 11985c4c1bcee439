/* SPDX-License-Identifier: Apache-2.0 */
/* Short work is measured again until its cost is known to 5 %, long work once. */
#include "yaml.h"

#include <math.h>

static fr_meter_report reading(double core_s) {
  const fr_measure core = {core_s, core_s, core_s, FR_UNIT_CORE_SECOND, FR_SOURCE_CLOCK};
  const fr_measure j = {4 * core_s, 3 * core_s, 6 * core_s, FR_UNIT_JOULE,
                        FR_SOURCE_MODEL};
  return (fr_meter_report){
      .duration_s = core_s, .core_seconds = core, .energy = j, .program = j};
}

static void add(fr__bill *bill, double core_s, size_t times) {
  const fr_meter_report before = reading(10), after = reading(10 + core_s);
  fr__bill_add(bill, &before, &after, times);
}

static void long_work_is_measured_once(void **state) {
  (void)state;
  fr__bill bill = {0};
  assert_false(fr__bill_enough(&bill));
  add(&bill, 1.5, 1);
  assert_true(fr__bill_enough(&bill));
}

/* Three equal measurements have an interval of no width. */
static void steady_work_needs_three(void **state) {
  (void)state;
  fr__bill bill = {0};
  for (int i = 0; i < 3; i++) {
    assert_false(fr__bill_enough(&bill));
    add(&bill, 0.5, 1);
  }
  assert_true(fr__bill_enough(&bill));
}

/* 0.09, 0.11, 0.10: mean 0.1, deviation 0.01; the interval is 2 * 4.303 * 0.01 / sqrt 3
 * wide, 49.7 % of the mean. */
static void noisy_work_goes_on_to_a_ceiling(void **state) {
  (void)state;
  static const double noise[] = {0.09, 0.11, 0.10};
  fr__bill bill = {0};
  for (size_t i = 0; i < 3; i++)
    add(&bill, noise[i], 1);
  assert_true(fabs(fr__bill_spread(&bill) - 0.4968) < 1e-3);
  assert_false(fr__bill_enough(&bill));
  fr__bill wild = {0};
  size_t count = 0;
  for (; !fr__bill_enough(&wild); count++)
    add(&wild, count % 2 == 0 ? 0.01 : 0.2, 1);
  assert_int_equal(count, FR__BILL_CEILING);
}

static void what_is_written_is_the_mean(void **state) {
  (void)state;
  fr__bill bill = {0};
  json_t *to = json_object();
  add(&bill, 0.2, 2);
  add(&bill, 0.6, 2);
  fr__bill_write(&bill, 10.0, to); /* (0.1 + 0.3) / 2 * 10 core-s, 4 W */
  assert_true(fabs(fr__row_value(to, "core_seconds") - 2.0) < 1e-9);
  assert_true(fabs(fr__row_value(to, "program") - 8.0) < 1e-9);
  assert_true(fabs(fr__row_value(to, "program.low") - 6.0) < 1e-9);
  assert_true(fabs(fr__row_value(to, "program.high") - 12.0) < 1e-9);
  assert_int_equal(json_integer_value(json_object_get(to, "repetitions")), 2);
  json_decref(to);
}

static void the_unknown_is_null(void **state) {
  (void)state;
  fr__bill bill = {0};
  fr_meter_report before = reading(1), after = reading(2);
  after.program = fr_measure_absent(FR_UNIT_JOULE);
  json_t *to = json_object();
  fr__bill_add(&bill, &before, &after, 1);
  fr__bill_write(&bill, 1.0, to);
  assert_true(json_is_null(json_object_get(to, "program")));
  assert_true(json_is_null(json_object_get(to, "spread")));
  assert_true(json_is_object(json_object_get(to, "energy")));
  json_decref(to);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(long_work_is_measured_once),
      cmocka_unit_test(steady_work_needs_three),
      cmocka_unit_test(noisy_work_goes_on_to_a_ceiling),
      cmocka_unit_test(what_is_written_is_the_mean),
      cmocka_unit_test(the_unknown_is_null),
  };
  return cmocka_run_group_tests_name("study/bill", tests, NULL, NULL);
}
