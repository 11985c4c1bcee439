/* SPDX-License-Identifier: Apache-2.0 */
/* Student's t agrees with published tables; intervals and verdicts follow from it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/student.h"
#include "study/study.h"

static void assert_close(double x, double wanted, double share) {
  if (!(fabs(x - wanted) <= share * fabs(wanted)))
    fail_msg("%.12g is not %.12g", x, wanted);
}

/* Fisher and Yates' table, as printed in the NIST/SEMATECH e-Handbook 1.3.6.7.2 (three
 * decimals); more digits from R's qt(). */
static void quantiles_are_the_tables(void **state) {
  (void)state;
  static const struct {
    double p, freedom, t;
  } rows[] = {
      {0.975, 1, 12.706204736432095},  {0.975, 2, 4.302652729911275},
      {0.975, 3, 3.182446305284263},   {0.975, 4, 2.7764451051977987},
      {0.975, 5, 2.570581835636314},   {0.975, 9, 2.2621571627409915},
      {0.975, 10, 2.2281388519649385}, {0.975, 30, 2.0422724563012373},
      {0.975, 100, 1.983971518449634}, {0.975, 1000, 1.9623390808264078},
      {0.95, 4, 2.131846786326649},    {0.995, 4, 4.604094871415897},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_close(fr__t_quantile(rows[i].p, rows[i].freedom), rows[i].t, 1e-9);
    assert_close(fr__t_quantile(1 - rows[i].p, rows[i].freedom), -rows[i].t, 1e-9);
  }
  assert_true(fabs(fr__t_quantile(0.5, 7)) < 1e-9);
  assert_true(isnan(fr__t_quantile(1.0, 7)) && isnan(fr__t_quantile(0.9, 0)));
}

/* 3 ± 2.776445 * sqrt(2.5 / 5) */
static void a_mean_has_students_interval(void **state) {
  (void)state;
  const double x[] = {1, 2, 3, 4, 5};
  const fr_interval all = fr_interval_mean(x, 5);
  assert_int_equal(all.n, 5);
  assert_close(all.mean, 3.0, 1e-12);
  assert_close(all.low, 1.036756838522439, 1e-9);
  assert_close(all.high, 4.963243161477561, 1e-9);
}

static void one_value_has_no_width_and_none_no_mean(void **state) {
  (void)state;
  const double x[] = {2.5};
  const fr_interval one = fr_interval_mean(x, 1), none = fr_interval_mean(x, 0);
  assert_true(one.low == 2.5 && one.high == 2.5 && one.n == 1);
  assert_true(isnan(none.mean) && none.n == 0);
}

/* Ratios 2 and 8: geometric mean 4, bounds 4 * 2^±t with t = 12.7062 (one degree). */
static void ratios_are_taken_on_logs(void **state) {
  (void)state;
  const double a[] = {2, 24, 5, 1}, b[] = {1, 3, 0, -1};
  const fr_interval x = fr_interval_ratio(a, b, 4); /* two pairs have no logarithm */
  assert_int_equal(x.n, 2);
  assert_close(x.mean, 4.0, 1e-12);
  assert_close(x.low, 4.0 * exp2(-12.706204736432095), 1e-8);
  assert_close(x.high, 4.0 * exp2(12.706204736432095), 1e-8);
}

/* A factor that both sides share, such as a wrong watt figure, falls out. */
static void ratios_do_not_know_the_scale(void **state) {
  (void)state;
  const double a[] = {2, 3, 4}, b[] = {10, 11, 12};
  double c[3], d[3];
  for (size_t i = 0; i < 3; i++) {
    c[i] = 1.7 * a[i];
    d[i] = 1.7 * b[i];
  }
  const fr_interval x = fr_interval_ratio(a, b, 3), y = fr_interval_ratio(c, d, 3);
  assert_close(x.low, y.low, 1e-12);
  assert_close(x.high, y.high, 1e-12);
}

static void verdicts_follow_the_interval(void **state) {
  (void)state;
  static const struct {
    fr_interval x;
    enum fr_verdict verdict;
  } rows[] = {
      {{0.15, 0.10, 0.20, 5}, FR_HOLDS},
      {{0.15, 0.07, 0.26, 5}, FR_HOLDS},
      {{0.25, 0.20, 0.30, 5}, FR_UNDECIDED},
      {{0.15, 0.01, 0.90, 5}, FR_UNDECIDED},
      {{0.40, 0.30, 0.50, 5}, FR_DOES_NOT_HOLD},
      {{0.03, 0.01, 0.05, 5}, FR_DOES_NOT_HOLD},
      {{0.15, 0.15, 0.15, 1}, FR_UNDECIDED},
      {{(double)NAN, (double)NAN, (double)NAN, 5}, FR_UNDECIDED},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(fr_verdict_of(rows[i].x, 0.07, 0.26), rows[i].verdict);
  assert_string_equal(fr_verdict_name(FR_HOLDS), "holds");
  assert_string_equal(fr_verdict_name(FR_DOES_NOT_HOLD), "does not hold");
  assert_string_equal(fr_verdict_name(FR_UNDECIDED), "undecided");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quantiles_are_the_tables),
      cmocka_unit_test(a_mean_has_students_interval),
      cmocka_unit_test(one_value_has_no_width_and_none_no_mean),
      cmocka_unit_test(ratios_are_taken_on_logs),
      cmocka_unit_test(ratios_do_not_know_the_scale),
      cmocka_unit_test(verdicts_follow_the_interval),
  };
  return cmocka_run_group_tests_name("study/stats", tests, NULL, NULL);
}
