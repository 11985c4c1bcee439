/* SPDX-License-Identifier: Apache-2.0 */
/* Every line and every sign counts once, and rates are those worked out by hand. */
#include "test.h"

#include <math.h>

#include "recognize/score.h"

enum { A, B, C };

static fr__score score(const fr__truth *truth, size_t signs, const fr__said *said,
                       size_t lines, double duration_s) {
  fr__score s;
  ASSERT_OK(fr__score_lines(truth, signs, said, lines, duration_s, &s, err));
  assert_int_equal(s.signs, s.hits + s.wrong + s.missed);
  assert_int_equal(s.lines, s.hits + s.wrong + s.duplicates + s.false_alarms);
  return s;
}

static void each_outcome(void **state) {
  (void)state;
  const fr__truth truth[] = {{A, 1, 2}, {B, 10, 11}, {C, 20, 21}, {A, 30, 31}};
  const fr__said said[] = {
      {A, 2.1},  /* hit */
      {A, 2.9},  /* again */
      {B, 5.0},  /* of nothing */
      {C, 10.9}, /* B is called C */
      {A, 32.5}, /* just in time */
      {B, 32.5}, /* of nothing: that sign has its hit, and is no B */
  };
  const fr__score s = score(truth, 4, said, 6, 64);
  assert_int_equal(s.hits, 2);
  assert_int_equal(s.wrong, 1);
  assert_int_equal(s.missed, 1);
  assert_int_equal(s.duplicates, 1);
  assert_int_equal(s.false_alarms, 2);
  assert_float_equal(s.outside_s, 60, 1e-9);
  assert_float_equal(s.false_alarms_per_min, 2, 1e-9);
  assert_float_equal(s.errors_per_min, 4 / (64.0 / 60), 1e-9);
  assert_float_equal(s.recall, 0.5, 1e-9);
  assert_float_equal(s.precision, 1.0 / 3, 1e-9);
  assert_float_equal(s.delay_median_s, 0.8, 1e-9); /* 0.1 and 1.5 */
  assert_float_equal(s.delay_95_s, 1.43, 1e-6); /* between the ranks: 0.1 + 0.95 · 1.4 */
}

static void too_early_and_too_late(void **state) {
  (void)state;
  const fr__truth truth[] = {{A, 10, 11}};
  const fr__said early = {A, 9.999}, first = {A, 10}, last = {A, 12.5},
                 late = {A, 12.501};
  assert_int_equal(score(truth, 1, &early, 1, 60).false_alarms, 1);
  assert_int_equal(score(truth, 1, &first, 1, 60).hits, 1);
  assert_float_equal(score(truth, 1, &first, 1, 60).delay_median_s, -1, 1e-9);
  assert_int_equal(score(truth, 1, &last, 1, 60).hits, 1);
  assert_int_equal(score(truth, 1, &late, 1, 60).missed, 1);
}

/* A wrong line before the right one does not take its place. */
static void right_lines_first(void **state) {
  (void)state;
  const fr__truth truth[] = {{A, 1, 2}, {B, 2.5, 3.5}};
  const fr__said said[] = {{C, 1.5}, {A, 2.6}, {B, 3.6}};
  const fr__score s = score(truth, 2, said, 3, 60);
  assert_int_equal(s.hits, 2);
  assert_int_equal(s.false_alarms, 1);
  const fr__said late[] = {{A, 2.6}, {C, 2.7}}; /* of B, which is open still */
  assert_int_equal(score(truth, 2, late, 2, 60).wrong, 1);
}

static void two_of_a_kind_take_a_line_each(void **state) {
  (void)state;
  const fr__truth truth[] = {{A, 2.2, 3.2}, {A, 1, 2}};
  const fr__said said[] = {{A, 3.1}, {A, 2.3}};
  const fr__score s = score(truth, 2, said, 2, 60);
  assert_int_equal(s.hits, 2);
  assert_float_equal(s.delay_median_s, 0.1, 1e-9); /* 0.3 and -0.1 */
}

/* 95 % bounds of Poisson counts as Garwood (1936) has them: 0: 0 to 3.689, 1: 0.0253 to
 * 5.572, 10: 4.795 to 18.39. */
static void bounds_of_false_alarms(void **state) {
  (void)state;
  static const struct {
    size_t n;
    double low, high;
  } known[] = {{0, 0, 3.6889}, {1, 0.0253, 5.5716}, {10, 4.7954, 18.3904}};
  fr__said said[10];
  for (size_t i = 0; i < 10; i++)
    said[i] = (fr__said){A, (double)i};
  for (size_t i = 0; i < 3; i++) {
    const fr__score s = score(NULL, 0, said, known[i].n, 120);
    assert_float_equal(s.false_alarms_per_min, (double)known[i].n / 2, 1e-9);
    assert_float_equal(s.false_alarms_low, known[i].low / 2, 1e-4);
    assert_float_equal(s.false_alarms_high, known[i].high / 2, 1e-4);
    assert_true(isnan(s.recall) && isnan(s.delay_median_s));
  }
}

static void overlapping_signs_are_outside_once(void **state) {
  (void)state;
  const fr__truth truth[] = {{A, 1, 5}, {B, 2, 3}, {C, 4, 7}, {A, 58, 70}};
  const fr__score s = score(truth, 4, NULL, 0, 60);
  assert_float_equal(s.outside_s, 60 - 6 - 2, 1e-9);
  assert_int_equal(s.missed, 4);
  assert_true(isnan(s.precision));
}

static void refusals(void **state) {
  (void)state;
  fr__score s;
  const fr__truth back = {A, 2, 1}, none = {A, (double)NAN, 1};
  const fr__said never = {A, (double)INFINITY};
  assert_int_equal(fr__score_lines(&back, 1, NULL, 0, 60, &s, NULL), FR_ERR_ARGUMENT);
  assert_int_equal(fr__score_lines(&none, 1, NULL, 0, 60, &s, NULL), FR_ERR_ARGUMENT);
  assert_int_equal(fr__score_lines(NULL, 0, &never, 1, 60, &s, NULL), FR_ERR_ARGUMENT);
  assert_int_equal(fr__score_lines(NULL, 0, NULL, 0, 0, &s, NULL), FR_ERR_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_outcome),
      cmocka_unit_test(too_early_and_too_late),
      cmocka_unit_test(right_lines_first),
      cmocka_unit_test(two_of_a_kind_take_a_line_each),
      cmocka_unit_test(bounds_of_false_alarms),
      cmocka_unit_test(overlapping_signs_are_outside_once),
      cmocka_unit_test(refusals),
  };
  return cmocka_run_group_tests_name("score", tests, NULL, NULL);
}
