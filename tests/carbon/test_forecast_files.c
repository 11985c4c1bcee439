/* SPDX-License-Identifier: Apache-2.0 */
/* On real grids: intervals hold as often as they say, what comes later changes nothing,
 * and a plan's forecast is quick enough for forty regions. */
#include "../test.h"

#include <math.h>

#include "base/clock.h"
#include "frugal/forecast.h"

enum { HOUR = 3600, DAY = 24 * HOUR, FILES = 11 };

static const char *const file[FILES] = {
    "electricitymaps/BR_2023_hourly.csv",
    "electricitymaps/DE_2022_hourly.csv",
    "electricitymaps/ES_2023_hourly.csv",
    "electricitymaps/GB_2022_hourly.csv",
    "electricitymaps/NO_2023_hourly.csv",
    "electricitymaps/US-CAL-CISO_2023_hourly.csv",
    "carboncast/CISO_lifecycle_emissions.csv",
    "carboncast/DE_lifecycle_emissions.csv",
    "carboncast/PJM_lifecycle_emissions.csv",
    "carboncast/PL_lifecycle_emissions.csv",
    "carboncast/SE_lifecycle_emissions.csv",
};

static fr_series read_all(const char *folder, size_t i) {
  char spec[1024];
  fr_series series = {0};
  const fr_intensity_query all = {.now_s = FR_TIME_LATEST,
                                  .from_s = FR_TIME_EARLIEST,
                                  .to_s = FR_TIME_LATEST,
                                  .factor = FR_FACTOR_LIFECYCLE};
  (void)snprintf(spec, sizeof spec, "csv:%s/carbon/%s", folder, file[i]);
  ASSERT_OK(fr_intensity_read(spec, &all, &series, err));
  return series;
}

typedef struct held {
  size_t in, of;
} held;

/* Every 31st hour of a year that begins with 40 days of past. */
static held hold_year(const fr_series *year, size_t hours_ahead) {
  held h = {0};
  for (size_t i = 24 * 40; i + hours_ahead < 8700; i += 31) {
    fr_forecast f = {0};
    const int64_t now_s = year->step[i].start_s;
    ASSERT_OK(
        fr_forecast_make(year, now_s, now_s + (int64_t)hours_ahead * HOUR, &f, err));
    assert_int_equal(f.ahead.count, hours_ahead);
    for (size_t k = 0; k < hours_ahead; k++, h.of++) {
      const double real = year->step[i + k].g_per_kwh;
      h.in += f.ahead.step[k].low <= real && real <= f.ahead.step[k].high;
    }
    fr_forecast_release(&f);
  }
  return h;
}

static void nine_of_ten_are_in_the_intervals(void **state) {
  (void)state;
  const char *folder = test_shared();
  if (folder == NULL)
    skip();
  for (size_t i = 0; i < FILES; i++) {
    fr_series year = read_all(folder, i);
    const size_t ahead[] = {3, 24, 72};
    for (size_t k = 0; k < 3; k++) {
      const held h = hold_year(&year, ahead[k]);
      const double share = (double)h.in / (double)h.of;
      if (!(share >= 0.85 && share <= 0.95))
        fail_msg("%s, %zu h: %.1f %% in the intervals", file[i], ahead[k], 100 * share);
    }
    fr_series_release(&year);
  }
}

/* Better than the mean of all that is known, for a day ahead, on every grid. */
static void forecasts_are_better_than_the_mean(void **state) {
  (void)state;
  const char *folder = test_shared();
  if (folder == NULL)
    skip();
  for (size_t i = 0; i < FILES; i++) {
    fr_series year = read_all(folder, i);
    double told = 0, mean = 0;
    for (size_t t = 24 * 20; t + 24 < 8700; t += 53) {
      fr_forecast f = {0};
      const int64_t now_s = year.step[t].start_s;
      ASSERT_OK(fr_forecast_make(&year, now_s, now_s + DAY, &f, err));
      const double usual = fr_series_mean(&year, now_s - 20 * DAY, now_s).value;
      for (size_t k = 0; k < 24; k++) {
        const double real = year.step[t + k].g_per_kwh;
        told += fabs(f.ahead.step[k].g_per_kwh - real);
        mean += fabs(usual - real);
      }
      fr_forecast_release(&f);
    }
    if (!(told < 0.8 * mean))
      fail_msg("%s: error %.2f of the mean's", file[i], told / mean);
    fr_series_release(&year);
  }
}

static void what_comes_later_changes_nothing(void **state) {
  (void)state;
  const char *folder = test_shared();
  if (folder == NULL)
    skip();
  fr_series year = read_all(folder, 1);
  const int64_t now_s = year.step[5000].start_s + 1234;
  fr_forecast before = {0}, after = {0};
  ASSERT_OK(fr_forecast_make(&year, now_s, now_s + 2 * DAY, &before, err));
  for (size_t i = 5000; i < year.count; i++)
    year.step[i].g_per_kwh = year.step[i].low = year.step[i].high =
        i % 2 == 0 ? 0 : FR_INTENSITY_CEILING;
  ASSERT_OK(fr_forecast_make(&year, now_s, now_s + 2 * DAY, &after, err));
  assert_int_equal(before.ahead.count, after.ahead.count);
  for (size_t i = 0; i < before.ahead.count; i++) {
    const fr_intensity_step *a = &before.ahead.step[i], *b = &after.ahead.step[i];
    assert_memory_equal(&a->g_per_kwh, &b->g_per_kwh, sizeof a->g_per_kwh);
    assert_memory_equal(&a->low, &b->low, sizeof a->low);
    assert_memory_equal(&a->high, &b->high, sizeof a->high);
  }
  assert_int_equal(before.scenarios, after.scenarios);
  assert_memory_equal(before.error, after.error,
                      before.scenarios * before.ahead.count * sizeof *before.error);
  fr_forecast_release(&before);
  fr_forecast_release(&after);
  fr_series_release(&year);
}

/* A week ahead with all its back-forecasts: under 10 ms of CPU, with much to spare. */
static void a_forecast_is_quick(void **state) {
  (void)state;
  const char *folder = test_shared();
  if (folder == NULL)
    skip();
  fr_series year = read_all(folder, 1);
  const int64_t now_s = year.step[8000].start_s;
  uint64_t least = UINT64_MAX;
  for (size_t i = 0; i < 5; i++) {
    fr_forecast f = {0};
    const uint64_t from = fr__clock_thread_cpu_ns();
    ASSERT_OK(fr_forecast_make(&year, now_s, now_s + 7 * DAY, &f, err));
    const uint64_t spent = fr__clock_thread_cpu_ns() - from;
    least = spent < least ? spent : least;
    assert_int_equal(f.scenarios, FR_FORECAST_SCENARIOS);
    fr_forecast_release(&f);
  }
  print_message("a week ahead: %.2f ms\n", (double)least / 1e6);
#ifdef __OPTIMIZE__
  assert_true(least < 10000000);
#endif
  fr_series_release(&year);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nine_of_ten_are_in_the_intervals),
      cmocka_unit_test(forecasts_are_better_than_the_mean),
      cmocka_unit_test(what_comes_later_changes_nothing),
      cmocka_unit_test(a_forecast_is_quick),
  };
  return cmocka_run_group_tests_name("carbon/forecast_files", tests, NULL, NULL);
}
