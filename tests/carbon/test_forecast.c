/* SPDX-License-Identifier: Apache-2.0 */
/* A forecast is told of the past alone, by the formulas of docs/forecast.md, which NumPy
 * works out beside it (golden/forecast.py). */
#include "../test.h"

#include <math.h>

#include "frugal/forecast.h"

#include "../golden/forecast.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

/* ---- series ---- */

static void assert_near(double a, double b, double within) {
  if (!(fabs(a - b) <= within))
    fail_msg("%.12g is not %.12g", a, b);
}

static void add(fr_series *series, int64_t from_s, int64_t to_s, double g) {
  const fr_intensity_step step = {from_s, to_s, g, g, g, 0};
  ASSERT_OK(fr_series_add(series, &step, err));
}

/* As golden/forecast.py makes it, in hours from 1970-01-01 on. */
static double made_at(size_t hour, uint64_t *state, double *level) {
  *state = (1103515245 * *state + 12345) % (UINT64_C(1) << 31);
  *level = 0.9 * *level + 40 * ((double)*state / 2147483648.0 - 0.5);
  const double turn = 2 * acos(-1.0) * (double)(hour % 24) / 24;
  return 300 + 80 * sin(turn) - (hour / 24 % 7 >= 5 ? 30 : 0) + *level;
}

static fr_series made(size_t hours) {
  fr_series series = {.zone = "X", .source = FR_SOURCE_IMPORT};
  uint64_t state = 12345;
  double level = 0;
  for (size_t i = 0; i < hours; i++)
    add(&series, (int64_t)i * HOUR, (int64_t)(i + 1) * HOUR, made_at(i, &state, &level));
  return series;
}

/* One day again and again: 100, 110, ... 330. */
static fr_series same_days(size_t hours, int64_t step_s) {
  fr_series series = {.zone = "X", .source = FR_SOURCE_IMPORT};
  for (int64_t t = 0; t < (int64_t)hours * HOUR; t += step_s)
    add(&series, t, t + step_s, 100 + 10 * (double)(t / HOUR % 24));
  return series;
}

static fr_forecast make(const fr_series *past, int64_t now_s, int64_t until_s) {
  fr_forecast f = {0};
  ASSERT_OK(fr_forecast_make(past, now_s, until_s, &f, err));
  return f;
}

static void assert_alike(const fr_forecast *a, const fr_forecast *b, double within) {
  assert_int_equal(a->ahead.count, b->ahead.count);
  assert_int_equal(a->scenarios, b->scenarios);
  for (size_t i = 0; i < a->ahead.count; i++) {
    const fr_intensity_step *x = &a->ahead.step[i], *y = &b->ahead.step[i];
    assert_int_equal(x->start_s, y->start_s);
    assert_true(fabs(x->g_per_kwh - y->g_per_kwh) <= within);
    assert_true(fabs(x->low - y->low) <= within && fabs(x->high - y->high) <= within);
  }
  for (size_t i = 0; i < a->scenarios * a->ahead.count; i++)
    assert_true(fabs(a->error[i] - b->error[i]) <= within);
}

/* ---- what is told ---- */

static void numpy_tells_the_same(void **state) {
  (void)state;
  const int64_t now_s = (int64_t)GOLDEN_HOURS * HOUR;
  fr_series past = made(GOLDEN_HOURS);
  fr_forecast f = make(&past, now_s, now_s + GOLDEN_LEADS * HOUR);
  assert_int_equal(f.ahead.count, GOLDEN_LEADS);
  assert_int_equal(f.scenarios, FR_FORECAST_SCENARIOS);
  for (size_t i = 0; i < GOLDEN_LEADS; i++) {
    assert_true(fabs(f.ahead.step[i].g_per_kwh - golden_told[i]) < 1e-6);
    assert_int_equal(f.ahead.step[i].marks, FR_STEP_FORECAST);
    /* Sixty hours: the first whole curve was told three days ago. */
    assert_true(fabs(f.error[i] - golden_error_3[i]) < 1e-6);
    assert_true(fabs(f.error[7 * GOLDEN_LEADS + i] - golden_error_10[i]) < 1e-6);
  }
  fr_forecast_release(&f);
  fr_series_release(&past);
}

static void skill_is_of_the_errors(void **state) {
  (void)state;
  const int64_t now_s = (int64_t)GOLDEN_HOURS * HOUR;
  fr_series past = made(GOLDEN_HOURS);
  fr_forecast f = make(&past, now_s, now_s + 24 * HOUR);
  double bias = 0, mae = 0, square = 0, first = 0;
  const size_t n = f.scenarios * f.ahead.count;
  for (size_t i = 0; i < n; i++) {
    bias -= f.error[i];
    mae += fabs(f.error[i]);
    square += f.error[i] * f.error[i];
    first += i % f.ahead.count == 0 ? fabs(f.error[i]) : 0;
  }
  assert_int_equal(f.skill.tested, n);
  assert_near(f.skill.bias, bias / (double)n, 1e-9);
  assert_near(f.skill.mae, mae / (double)n, 1e-9);
  assert_near(f.skill.rmse, sqrt(square / (double)n), 1e-9);
  assert_true(f.skill.mape > 0 && f.skill.mape < 0.2);
  assert_int_equal(f.by_step[0].tested, f.scenarios);
  assert_near(f.by_step[0].mae, first / (double)f.scenarios, 1e-9);
  assert_true(f.by_step[0].rmse < f.by_step[12].rmse);
  fr_forecast_release(&f);
  fr_series_release(&past);
}

static void a_day_that_repeats_is_told_exactly(void **state) {
  (void)state;
  const int64_t now_s = 20 * DAY + 5 * HOUR;
  fr_series past = same_days(24 * 20 + 5, HOUR);
  fr_forecast f = make(&past, now_s, now_s + 7 * DAY);
  assert_int_equal(f.ahead.count, 7 * 24);
  for (size_t i = 0; i < f.ahead.count; i++)
    assert_near(f.ahead.step[i].g_per_kwh, 100 + 10 * (double)((i + 5) % 24), 1e-9);
  assert_true(f.skill.rmse < 1e-9);
  fr_forecast_release(&f);
  fr_series_release(&past);
}

static void a_constant_has_no_error(void **state) {
  (void)state;
  fr_series hours = {0}, one = {.zone = "given"};
  for (int64_t t = 0; t < 40 * DAY; t += HOUR)
    add(&hours, t, t + HOUR, 400);
  fr_forecast f = make(&hours, 40 * DAY, 42 * DAY);
  for (size_t i = 0; i < f.ahead.count; i++) {
    assert_near(f.ahead.step[i].g_per_kwh, 400, 1e-9);
    assert_true(f.ahead.step[i].high - f.ahead.step[i].low < 1e-9);
  }
  assert_true(f.scenarios > 0 && f.skill.rmse < 1e-9);
  fr_forecast_release(&f);
  add(&one, FR_TIME_EARLIEST, FR_TIME_LATEST, 250);
  f = make(&one, 40 * DAY, 42 * DAY);
  assert_int_equal(f.ahead.count, 1);
  assert_int_equal(f.ahead.step[0].start_s, 40 * DAY);
  assert_int_equal(f.ahead.step[0].end_s, 42 * DAY);
  assert_near(f.ahead.step[0].g_per_kwh, 250, 0);
  fr_forecast_release(&f);
  fr_series_release(&hours);
  fr_series_release(&one);
}

/* ---- what is not seen ---- */

static void later_values_are_not_seen(void **state) {
  (void)state;
  const size_t hours = 24 * 50;
  const int64_t now_s = (int64_t)hours * HOUR + 1800;
  fr_series past = made(hours), absurd = made(hours);
  /* The hour that now is in has not ended. */
  for (int64_t t = (int64_t)hours * HOUR; t < now_s + 10 * DAY; t += HOUR)
    add(&absurd, t, t + HOUR, t % 7 == 0 ? 0 : 4999);
  fr_forecast a = make(&past, now_s, now_s + 3 * DAY);
  fr_forecast b = make(&absurd, now_s, now_s + 3 * DAY);
  assert_alike(&a, &b, 0);
  assert_int_equal(a.ahead.step[0].start_s, now_s);
  assert_int_equal(a.ahead.step[0].end_s, now_s + 1800);
  fr_forecast_release(&a);
  fr_forecast_release(&b);
  fr_series_release(&past);
  fr_series_release(&absurd);
}

static void old_forecasts_are_not_the_past(void **state) {
  (void)state;
  const size_t hours = 24 * 30;
  const int64_t now_s = (int64_t)hours * HOUR;
  fr_series past = made(hours - 5), more = made(hours - 5);
  for (int64_t t = now_s - 5 * HOUR; t < now_s; t += HOUR)
    ASSERT_OK(fr_series_add(
        &more, &(fr_intensity_step){t, t + HOUR, 4000, 4000, 4000, FR_STEP_FORECAST},
        err));
  fr_forecast a = make(&past, now_s, now_s + DAY);
  fr_forecast b = make(&more, now_s, now_s + DAY);
  assert_int_equal(a.ahead.count, 24);
  assert_int_equal(a.ahead.step[0].start_s, now_s);
  assert_alike(&a, &b, 0);
  fr_forecast_release(&a);
  fr_forecast_release(&b);
  fr_series_release(&past);
  fr_series_release(&more);
}

/* ---- steps of any length, gaps ---- */

static void steps_of_any_length_are_hours(void **state) {
  (void)state;
  const int64_t lengths[] = {300, 900, 1800};
  const int64_t now_s = 30 * DAY;
  fr_series hours = same_days(24 * 30, HOUR);
  fr_forecast a = make(&hours, now_s, now_s + 2 * DAY);
  for (size_t i = 0; i < 3; i++) {
    fr_series fine = same_days(24 * 30, lengths[i]);
    fr_forecast b = make(&fine, now_s, now_s + 2 * DAY);
    assert_alike(&a, &b, 1e-9);
    fr_forecast_release(&b);
    fr_series_release(&fine);
  }
  fr_forecast_release(&a);
  fr_series_release(&hours);
}

/* 7 min 12 s do not divide an hour, and the newest step ends within one. */
static void ragged_steps_end_the_grid(void **state) {
  (void)state;
  fr_series fine = {0};
  int64_t t = 0;
  for (; t < 30 * DAY - 1000; t += 432)
    add(&fine, t, t + 432, 300);
  fr_forecast f = make(&fine, t + 100, t + 2 * HOUR);
  assert_int_equal(f.ahead.count, 2);
  assert_int_equal(f.ahead.step[0].start_s, t + 100);
  assert_int_equal(f.ahead.step[0].end_s, t + HOUR);
  assert_near(f.ahead.step[1].g_per_kwh, 300, 1e-9);
  fr_forecast_release(&f);
  fr_series_release(&fine);
}

static void gaps_are_left_out(void **state) {
  (void)state;
  fr_series whole = same_days(24 * 30, HOUR), holes = {0};
  for (size_t i = 0; i < whole.count; i++)
    if (i % 11 != 3 && !(i > 300 && i < 340) && i < whole.count - 2)
      add(&holes, whole.step[i].start_s, whole.step[i].end_s, whole.step[i].g_per_kwh);
  const int64_t now_s = 30 * DAY;
  fr_forecast f = make(&holes, now_s, now_s + DAY);
  for (size_t i = 0; i < 24; i++)
    assert_near(f.ahead.step[i].g_per_kwh, 100 + 10 * (double)i, 1e-9);
  fr_forecast_release(&f);
  fr_series_release(&whole);
  fr_series_release(&holes);
}

/* ---- short pasts ---- */

static void two_days_are_enough_and_uncertain(void **state) {
  (void)state;
  fr_series two = made(48), many = made(24 * 80);
  fr_forecast a = make(&two, 48 * HOUR, 72 * HOUR);
  fr_forecast b = make(&many, 80 * DAY, 81 * DAY);
  double wide = 0, narrow = 0;
  for (size_t i = 0; i < 24; i++) {
    wide += a.ahead.step[i].high - a.ahead.step[i].low;
    narrow += b.ahead.step[i].high - b.ahead.step[i].low;
  }
  assert_int_equal(a.ahead.count, 24);
  assert_int_equal(a.scenarios, 1);
  assert_true(wide > 3 * narrow);
  fr_forecast_release(&a);
  fr_forecast_release(&b);
  fr_series_release(&two);
  fr_series_release(&many);
}

static void less_than_a_day_is_refused(void **state) {
  (void)state;
  fr_series short_past = made(23), day = made(24), none = {0};
  fr_forecast f = {0};
  fr_error err = {0};
  assert_int_equal(fr_forecast_make(&short_past, 23 * HOUR, 40 * HOUR, &f, &err),
                   FR_ERR_NOT_FOUND);
  assert_non_null(strstr(err.text, "needs 24 hours of intensity before"));
  assert_non_null(strstr(err.text, "23 are known"));
  assert_int_equal(fr_forecast_make(&none, 0, HOUR, &f, &err), FR_ERR_NOT_FOUND);
  assert_int_equal(fr_forecast_make(&day, DAY, DAY, &f, &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_forecast_make(&day, DAY, 40 * DAY, &f, &err), FR_ERR_NOT_FOUND);
  assert_non_null(strstr(err.text, "reaches 35 days"));
  /* A day ago is told of, a year ago is not. */
  assert_int_equal(fr_forecast_make(&day, 365 * DAY, 366 * DAY, &f, &err),
                   FR_ERR_NOT_FOUND);
  assert_null(f.ahead.step);
  f = make(&day, DAY, 2 * DAY);
  assert_int_equal(f.scenarios, 0);
  assert_null(f.error);
  fr_forecast_release(&f);
  fr_series_release(&short_past);
  fr_series_release(&day);
}

/* ---- what nobody's grid does ---- */

static void assert_sound(const fr_forecast *f) {
  for (size_t i = 0; i < f->ahead.count; i++) {
    const fr_intensity_step *s = &f->ahead.step[i];
    assert_true(s->low >= 0 && s->low <= s->g_per_kwh && s->g_per_kwh <= s->high &&
                s->high <= FR_INTENSITY_CEILING && s->start_s < s->end_s);
  }
  for (size_t i = 0; i < f->scenarios * f->ahead.count; i++)
    assert_true(fabs(f->error[i]) <= FR_INTENSITY_CEILING);
}

static void wild_values_stay_within_bounds(void **state) {
  (void)state;
  uint64_t x = 1;
  size_t told = 0;
  for (size_t round = 0; round < 40; round++) {
    fr_series wild = {0};
    int64_t t = (int64_t)round * 12345 - 200 * DAY;
    for (size_t i = 0; i < 20 * (round + 20); i++) {
      x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
      const int64_t length = 1 + (int64_t)((x >> 40) % (round % 3 == 0 ? 90000 : 5000));
      const int64_t gap = (x >> 20) % 5 == 0 ? (int64_t)((x >> 30) % 300000) : 0;
      const double g = (x >> 10) % 3 == 0 ? 0 : (double)((x >> 33) % 5001);
      add(&wild, t + gap, t + gap + length, g);
      t += gap + length;
    }
    fr_forecast f = {0};
    const int64_t now_s = t + (int64_t)(round * 7919);
    const enum fr_status status =
        fr_forecast_make(&wild, now_s, now_s + (int64_t)(round + 1) * 50000, &f, NULL);
    assert_true(status == FR_OK || status == FR_ERR_NOT_FOUND);
    told += status == FR_OK;
    assert_sound(&f);
    fr_forecast_release(&f);
    fr_series_release(&wild);
  }
  assert_int_equal(told, 40); /* all of them have days enough */
}

static void times_at_their_ends_are_refused(void **state) {
  (void)state;
  fr_series past = made(48), far = {0};
  fr_forecast f = {0};
  assert_int_equal(fr_forecast_make(&past, INT64_MIN, INT64_MAX, &f, NULL),
                   FR_ERR_ARGUMENT);
  assert_int_equal(fr_forecast_make(&past, INT64_MAX - 1, INT64_MAX, &f, NULL),
                   FR_ERR_ARGUMENT);
  add(&far, INT64_MIN, INT64_MIN + 1, 100);
  add(&far, INT64_MAX - 1, INT64_MAX, 100);
  assert_int_equal(fr_forecast_make(&far, 0, DAY, &f, NULL), FR_ERR_NOT_FOUND);
  fr_series_release(&past);
  fr_series_release(&far);
}

/* A month to a step, as yearly tables have it: their level is told. */
static void long_steps_are_levels(void **state) {
  (void)state;
  fr_series months = {0};
  for (int64_t i = 0; i < 6; i++)
    add(&months, i * 30 * DAY, (i + 1) * 30 * DAY, 300 + 10 * (double)i);
  fr_forecast f = make(&months, 180 * DAY, 182 * DAY);
  assert_sound(&f);
  assert_near(f.ahead.step[0].g_per_kwh, 350, 5);
  assert_near(f.ahead.step[47].g_per_kwh, 350, 5);
  fr_forecast_release(&f);
  fr_series_release(&months);
}

/* ---- a source's own ---- */

static void what_is_given_comes_first(void **state) {
  (void)state;
  fr_series known = made(24 * 30);
  const int64_t now_s = 30 * DAY;
  for (int64_t t = now_s + HOUR; t < now_s + 3 * HOUR; t += HOUR)
    ASSERT_OK(fr_series_add(
        &known, &(fr_intensity_step){t, t + HOUR, 7, 6, 8, FR_STEP_FORECAST}, err));
  fr_forecast own = {0}, made_of_past = make(&known, now_s, now_s + 6 * HOUR);
  ASSERT_OK(fr_forecast_given(&known, now_s, now_s + 6 * HOUR, false, &own, err));
  assert_int_equal(own.ahead.count, 6);
  assert_int_equal(own.scenarios, 0);
  for (size_t i = 0; i < 6; i++) {
    const bool given = i == 1 || i == 2;
    const double want = given ? 7 : made_of_past.ahead.step[i].g_per_kwh;
    assert_near(own.ahead.step[i].g_per_kwh, want, 0);
  }
  assert_near(own.ahead.step[1].high, 8, 0);
  assert_non_null(strstr(own.method, "same hour of past days"));
  fr_forecast_release(&own);
  fr_forecast_release(&made_of_past);
  fr_series_release(&known);
}

static void perfect_is_what_came(void **state) {
  (void)state;
  fr_series year = made(24 * 30);
  const int64_t now_s = 10 * DAY + 600;
  fr_forecast f = {0};
  ASSERT_OK(fr_forecast_given(&year, now_s, now_s + DAY, true, &f, err));
  assert_true(f.perfect);
  assert_string_equal(f.method, "what came");
  assert_int_equal(f.ahead.count, 25);
  assert_near(f.ahead.step[3].g_per_kwh, year.step[243].g_per_kwh, 0);
  fr_forecast_release(&f);
  /* Behind the end of what came the past tells: that is none that came. */
  const int64_t late_s = 29 * DAY + 600;
  ASSERT_OK(fr_forecast_given(&year, late_s, late_s + 2 * DAY, true, &f, err));
  assert_false(f.perfect);
  assert_int_equal(f.scenarios, 0);
  assert_non_null(strstr(f.method, "what came; where it has none"));
  fr_forecast_release(&f);
  /* Not perfect, and without a forecast of its own: what is measured later is not seen.
   */
  ASSERT_OK(fr_forecast_given(&year, now_s, now_s + DAY, false, &f, err));
  fr_forecast past = make(&year, now_s, now_s + DAY);
  assert_false(f.perfect);
  assert_alike(&f, &past, 0);
  fr_forecast_release(&past);
  fr_forecast_release(&f);
  fr_series_release(&year);
}

static void given_without_a_past_keeps_its_gaps(void **state) {
  (void)state;
  fr_series known = {0};
  fr_forecast f = {0};
  ASSERT_OK(fr_series_add(
      &known, &(fr_intensity_step){HOUR, 2 * HOUR, 7, 7, 7, FR_STEP_FORECAST}, err));
  ASSERT_OK(fr_forecast_given(&known, 0, DAY, false, &f, err));
  assert_int_equal(f.ahead.count, 1);
  fr_forecast_release(&f);
  assert_int_equal(fr_forecast_given(&known, DAY, 2 * DAY, false, &f, NULL),
                   FR_ERR_NOT_FOUND);
  fr_series_release(&known);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numpy_tells_the_same),
      cmocka_unit_test(skill_is_of_the_errors),
      cmocka_unit_test(a_day_that_repeats_is_told_exactly),
      cmocka_unit_test(a_constant_has_no_error),
      cmocka_unit_test(later_values_are_not_seen),
      cmocka_unit_test(old_forecasts_are_not_the_past),
      cmocka_unit_test(steps_of_any_length_are_hours),
      cmocka_unit_test(ragged_steps_end_the_grid),
      cmocka_unit_test(gaps_are_left_out),
      cmocka_unit_test(two_days_are_enough_and_uncertain),
      cmocka_unit_test(less_than_a_day_is_refused),
      cmocka_unit_test(wild_values_stay_within_bounds),
      cmocka_unit_test(times_at_their_ends_are_refused),
      cmocka_unit_test(long_steps_are_levels),
      cmocka_unit_test(what_is_given_comes_first),
      cmocka_unit_test(perfect_is_what_came),
      cmocka_unit_test(given_without_a_past_keeps_its_gaps),
  };
  return cmocka_run_group_tests_name("carbon/forecast", tests, NULL, NULL);
}
