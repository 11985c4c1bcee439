/* SPDX-License-Identifier: Apache-2.0 */
/* Wherever an allocation fails, a forecast says so and leaves nothing behind. The linker
 * leads every allocation here. */
#include "../test.h"

#include "../allocations.h"
#include "frugal/forecast.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

static void add(fr_series *series, int64_t from_s, double g, unsigned marks) {
  const fr_intensity_step step = {from_s, from_s + HOUR, g, g, g, marks};
  ASSERT_OK(fr_series_add(series, &step, err));
}

/* Thirty days, and of the source's own forecast two hours with a gap between. */
static fr_series known(void) {
  fr_series series = {.zone = "X"};
  for (int64_t t = 0; t < 30 * DAY; t += HOUR)
    add(&series, t, 100 + (double)(t / HOUR % 24), 0);
  add(&series, 30 * DAY + HOUR, 50, FR_STEP_FORECAST);
  add(&series, 30 * DAY + 3 * HOUR, 50, FR_STEP_FORECAST);
  return series;
}

typedef enum fr_status forecast(const fr_series *series, int64_t now_s, int64_t until_s,
                                fr_forecast *out, fr_error *err);

static enum fr_status given(const fr_series *series, int64_t now_s, int64_t until_s,
                            fr_forecast *out, fr_error *err) {
  return fr_forecast_given(series, now_s, until_s, false, out, err);
}

/* With the n-th allocation failing; true where none failed. */
static bool attempt(forecast *make, const fr_series *series, size_t n) {
  fr_forecast f = {0};
  fr_error error = {0};
  allocations = 0;
  fail_at = n;
  const enum fr_status status = make(series, 30 * DAY, 33 * DAY, &f, &error);
  fail_at = 0;
  if (status == FR_OK) {
    assert_int_equal(f.ahead.count, 72);
    fr_forecast_release(&f);
    return true;
  }
  assert_int_equal(status, FR_ERR_MEMORY);
  assert_string_not_equal(error.text, "");
  assert_null(f.ahead.step);
  assert_null(f.error);
  assert_null(f.by_step);
  return false;
}

static size_t attempts(forecast *make) {
  fr_series series = known();
  size_t n = 1;
  while (!attempt(make, &series, n))
    n++;
  fr_series_release(&series);
  return n;
}

static void a_forecast_may_run_out_of_memory(void **state) {
  (void)state;
  assert_true(attempts(fr_forecast_make) > 6);
}

static void joining_may_run_out_of_memory(void **state) {
  (void)state;
  assert_true(attempts(given) > 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_forecast_may_run_out_of_memory),
      cmocka_unit_test(joining_may_run_out_of_memory),
  };
  return cmocka_run_group_tests_name("carbon/forecast_allocation", tests, NULL, NULL);
}
