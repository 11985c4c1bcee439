/* SPDX-License-Identifier: Apache-2.0 */
/* Tests, Holm's correction and the bootstrap agree with SciPy and statsmodels; with five
 * seeds the t interval covers what it says and the bootstrap does not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "study/stats.h"

#include "../golden/study_stats.h"

#define SAMPLES (sizeof golden_samples / sizeof *golden_samples)
#define FAMILIES (sizeof golden_families / sizeof *golden_families)

static void assert_near(const char *what, double x, double wanted, double tolerance) {
  if (!(fabs(x - wanted) <= tolerance))
    fail_msg("%s: %.12g is not %.12g", what, x, wanted);
}

static void tests_agree_with_scipy(void **state) {
  (void)state;
  for (size_t i = 0; i < SAMPLES; i++) {
    const double *x = golden_samples[i].x;
    const size_t n = golden_samples[i].n;
    const double p = golden_samples[i].p_student;
    assert_near(golden_samples[i].name, fr__p_student(x, n), p, 1e-9 * p);
    assert_near(golden_samples[i].name, fr__p_signs(x, n), golden_samples[i].p_signs,
                1e-12);
  }
}

static void bootstrap_agrees_with_scipy(void **state) {
  (void)state;
  for (size_t i = 0; i < SAMPLES; i++) {
    const fr_interval b = fr__bootstrap_mean(golden_samples[i].x, golden_samples[i].n);
    assert_near(golden_samples[i].name, b.low, golden_samples[i].low,
                golden_samples[i].tolerance);
    assert_near(golden_samples[i].name, b.high, golden_samples[i].high,
                golden_samples[i].tolerance);
  }
}

static void families_are_corrected_as_by_statsmodels(void **state) {
  (void)state;
  for (size_t i = 0; i < FAMILIES; i++) {
    double p[8];
    const size_t n = golden_families[i].n;
    memcpy(p, golden_families[i].p, sizeof golden_families[i].p);
    fr__p_holm(p, n);
    for (size_t k = 0; k < n; k++)
      assert_near("Holm", p[k], golden_families[i].adjusted[k], 1e-12);
  }
}

/* One that has no p does not make the others harder to show. */
static void what_has_no_p_is_no_part_of_the_family(void **state) {
  (void)state;
  double p[] = {0.01, (double)NAN, 0.03};
  fr__p_holm(p, 3);
  assert_near("first", p[0], 0.02, 1e-12);
  assert_true(isnan(p[1]));
  assert_near("last", p[2], 0.03, 1e-12);
  fr__p_holm(p, 0);
}

static void values_without_spread_have_no_width(void **state) {
  (void)state;
  const double zero[] = {0, 0, 0}, same[] = {-0.7, -0.7, -0.7, -0.7}, one[] = {3};
  assert_near("zero", fr__p_student(zero, 3), 1.0, 0.0);
  assert_near("same", fr__p_student(same, 4), 0.0, 0.0);
  assert_true(isnan(fr__p_student(one, 1)) && isnan(fr__p_signs(one, 1)));
  assert_near("zero", fr__p_signs(zero, 3), 1.0, 0.0);
  const fr_interval b = fr__bootstrap_mean(same, 4);
  assert_true(b.low == b.mean && b.high == b.mean);
  assert_true(isnan(fr__bootstrap_mean(zero, 2).low)); /* two resample to three values */
}

static void effects_have_names(void **state) {
  (void)state;
  assert_string_equal(fr__effect_on_energy(fr__effect_of(-0.1, 0.01)), "saves");
  assert_string_equal(fr__effect_on_energy(fr__effect_of(0.1, 0.01)), "costs more");
  assert_string_equal(fr__effect_on_energy(fr__effect_of(-0.1, 0.05)),
                      "no difference shown");
  assert_string_equal(fr__effect_on_energy(fr__effect_of(-0.1, (double)NAN)),
                      "not measured");
  assert_string_equal(fr__effect_on_accuracy(fr__effect_of(-0.1, 0.01)), "loses");
  assert_string_equal(fr__effect_on_accuracy(fr__effect_of(0.1, 0.01)), "gains");
}

/* Five logs of ratios about -0.3, whose spread is Gaussian: how many of 4,000 intervals
 * hold it. 0.95 ± 0.014 is four standard errors of the simulation. */
static void five_seeds_need_students_interval(void **state) {
  (void)state;
  enum { TIMES = 4000 };
  size_t by_t = 0, by_bootstrap = 0;
  fr__rng rng;
  fr__rng_init(&rng, 2026, 0);
  for (int k = 0; k < TIMES; k++) {
    double x[5];
    for (size_t i = 0; i < 5; i++)
      x[i] = -0.3 + 0.2 * fr__rng_normal(&rng);
    const fr_interval t = fr_interval_mean(x, 5), b = fr__bootstrap_mean(x, 5);
    by_t += t.low <= -0.3 && -0.3 <= t.high;
    by_bootstrap += b.low <= -0.3 && -0.3 <= b.high;
  }
  assert_near("t", (double)by_t / TIMES, 0.95, 0.014);
  assert_true((double)by_bootstrap / TIMES < 0.90);
  assert_true((double)by_bootstrap / TIMES > 0.75);
  print_message("# covers: t %.3f, bootstrap %.3f\n", (double)by_t / TIMES,
                (double)by_bootstrap / TIMES);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tests_agree_with_scipy),
      cmocka_unit_test(bootstrap_agrees_with_scipy),
      cmocka_unit_test(families_are_corrected_as_by_statsmodels),
      cmocka_unit_test(what_has_no_p_is_no_part_of_the_family),
      cmocka_unit_test(values_without_spread_have_no_width),
      cmocka_unit_test(effects_have_names),
      cmocka_unit_test(five_seeds_need_students_interval),
  };
  return cmocka_run_group_tests_name("study/effects", tests, NULL, NULL);
}
