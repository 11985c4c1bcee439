/* SPDX-License-Identifier: Apache-2.0 */
/* Steps stay in order, means are over time, gaps are told. Worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "carbon/source.h"
#include "frugal/intensity.h"

static fr_intensity_step step(int64_t from_s, int64_t to_s, double value) {
  return (fr_intensity_step){from_s, to_s, value, value - 10, value + 20, 0};
}

/* 100 for 10 s, a gap of 10 s, 200 for 30 s, 400 for 10 s. */
static fr_series ragged(void) {
  fr_series series = {.zone = "X", .source = FR_SOURCE_IMPORT};
  const fr_intensity_step steps[] = {step(0, 10, 100), step(20, 50, 200),
                                     step(50, 60, 400)};
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(fr_series_add(&series, &steps[i], NULL), FR_OK);
  return series;
}

static void a_mean_is_over_time(void **state) {
  (void)state;
  fr_series series = ragged();
  const fr_measure all = fr_series_mean(&series, 0, 60);
  assert_float_equal(all.value, (1000.0 + 6000 + 4000) / 50, 1e-12);
  assert_float_equal(all.low, all.value - 10, 1e-12);
  assert_float_equal(all.high, all.value + 20, 1e-12);
  assert_float_equal(fr_series_mean(&series, 45, 55).value, 300, 1e-12);
  assert_false(fr_measure_known(fr_series_mean(&series, 10, 20)));
  assert_false(fr_measure_known(fr_series_mean(&series, 60, 70)));
  fr_series_release(&series);
}

static void gaps_are_told(void **state) {
  (void)state;
  fr_series series = ragged();
  int64_t from_s = 0, to_s = 0;
  assert_false(fr_series_gap(&series, 20, 60, &from_s, &to_s));
  assert_true(fr_series_gap(&series, 5, 15, &from_s, &to_s));
  assert_int_equal(from_s, 10);
  assert_int_equal(to_s, 15);
  assert_true(fr_series_gap(&series, 55, 100, &from_s, &to_s));
  assert_int_equal(from_s, 60);
  assert_int_equal(to_s, 100);
  assert_true(fr_series_gap(&series, -5, 5, &from_s, &to_s));
  assert_int_equal(to_s, 0);
  assert_null(fr_series_at(&series, 10));
  assert_float_equal(fr_series_at(&series, 50)->g_per_kwh, 400, 0);
  assert_null(fr_series_at(&series, 60));
  fr_series_release(&series);
}

static void disorder_is_refused(void **state) {
  (void)state;
  fr_series series = ragged();
  const double nan = (double)NAN;
  const fr_intensity_step bad[] = {
      step(59, 70, 100),
      step(70, 70, 100),
      {70, 80, 100, 110, 120, 0},
      {70, 80, nan, nan, nan, 0},
      {70, 80, 9000, 9000, 9000, 0},
      {70, 80, -1, -1, -1, 0},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_error err = {0};
    assert_int_equal(fr_series_add(&series, &bad[i], &err), FR_ERR_ARGUMENT);
    assert_int_equal(series.count, 3);
    assert_true(strlen(err.text) > 0);
  }
  fr_series_release(&series);
}

static void a_part_is_cut(void **state) {
  (void)state;
  fr_series series = ragged(), part = {0};
  assert_int_equal(fr_series_take(&part, &series, 5, 55, NULL), FR_OK);
  assert_int_equal(part.count, 3);
  assert_int_equal(part.step[0].start_s, 5);
  assert_int_equal(part.step[2].end_s, 55);
  assert_string_equal(part.zone, "X");
  fr_series_release(&part);
  fr_series_release(&series);
}

static void any_order_is_settled(void **state) {
  (void)state;
  fr_series series = {0};
  fr_error err = {0};
  const fr_intensity_step come[] = {step(20, 30, 3), step(0, 10, 11), step(20, 30, 3),
                                    step(10, 20, 12)};
  for (size_t i = 0; i < 4; i++) {
    fr_intensity_step s = come[i];
    s.low = s.high = s.g_per_kwh;
    assert_int_equal(fr__series_push(&series, &s, NULL), FR_OK);
  }
  assert_int_equal(fr__series_settle(&series, "answer", &err), FR_OK);
  assert_int_equal(series.count, 3);
  assert_float_equal(series.step[2].g_per_kwh, 3, 0);
  const fr_intensity_step other = {25, 35, 4, 4, 4, 0};
  assert_int_equal(fr__series_push(&series, &other, NULL), FR_OK);
  assert_int_equal(fr__series_settle(&series, "answer", &err), FR_ERR_FORMAT);
  assert_non_null(strstr(err.text, "answer: two intensities for 1970-01-01T00:00:25Z"));
  fr_series_release(&series);
}

static void scopes_are_words(void **state) {
  (void)state;
  char text[FR_SCOPE_TEXT];
  fr_scope_text((fr_scope){FR_FACTOR_LIFECYCLE, FR_SIGNAL_MARGINAL, FR_BASIS_LOCATION},
                text);
  assert_string_equal(text, "life-cycle, marginal, location-based");
  fr_scope_text((fr_scope){0}, text);
  assert_string_equal(text, "not told");
  fr_scope_text((fr_scope){.signal = FR_SIGNAL_AVERAGE}, text);
  assert_string_equal(text, "average");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_mean_is_over_time),  cmocka_unit_test(gaps_are_told),
      cmocka_unit_test(disorder_is_refused),  cmocka_unit_test(a_part_is_cut),
      cmocka_unit_test(any_order_is_settled), cmocka_unit_test(scopes_are_words),
  };
  return cmocka_run_group_tests_name("carbon/series", tests, NULL, NULL);
}
