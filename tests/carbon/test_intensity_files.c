/* SPDX-License-Identifier: Apache-2.0 */
/* The hourly files as they are published: counts, sums, ends as Python's csv reads them
 * (golden/carbon_files.py); nothing measured after now is given. */
#include "../test.h"

#include <math.h>

#include "frugal/intensity.h"

#include "../golden/carbon_files.h"

static fr_series read_golden(const char *folder, size_t i, fr_intensity_query query) {
  char spec[1024];
  fr_series series = {0};
  (void)snprintf(spec, sizeof spec, "csv:%s/carbon/%s?factor=%s", folder, golden[i].file,
                 golden[i].factor == FR_FACTOR_DIRECT ? "direct" : "lifecycle");
  ASSERT_OK(fr_intensity_read(spec, &query, &series, err));
  return series;
}

static void files_are_as_published(void **state) {
  (void)state;
  const char *folder = test_shared();
  if (folder == NULL)
    skip();
  for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
    fr_series s = read_golden(folder, i,
                              (fr_intensity_query){.now_s = FR_TIME_LATEST,
                                                   .from_s = FR_TIME_EARLIEST,
                                                   .to_s = FR_TIME_LATEST});
    size_t estimated = 0;
    double sum = 0;
    int64_t from_s, to_s;
    assert_int_equal(s.count, golden[i].count);
    for (size_t k = 0; k < s.count; k++) {
      sum += s.step[k].g_per_kwh;
      estimated += (s.step[k].marks & FR_STEP_ESTIMATED) != 0;
      assert_int_equal(s.step[k].end_s - s.step[k].start_s, 3600);
      assert_int_equal(s.step[k].marks & FR_STEP_FORECAST, 0);
    }
    const fr_intensity_step *last = &s.step[s.count - 1];
    assert_true(fabs(sum - golden[i].sum) <= 1e-12 * golden[i].sum);
    assert_int_equal(estimated, golden[i].estimated);
    assert_int_equal(s.step[0].start_s, golden[i].first_s);
    assert_int_equal(last->start_s, golden[i].last_s);
    assert_true(fabs(s.step[0].g_per_kwh - golden[i].first) <= 0);
    assert_true(fabs(last->g_per_kwh - golden[i].last) <= 0);
    assert_string_equal(s.zone, golden[i].zone);
    assert_false(fr_series_gap(&s, s.step[0].start_s, last->end_s, &from_s, &to_s));
    assert_int_equal(s.scope.factor, golden[i].factor);
    assert_int_equal(s.scope.signal, FR_SIGNAL_AVERAGE);
    fr_series_release(&s);
  }
}

/* Half past an hour in the middle of the file: its hour has not ended. */
static void later_rows_are_not_known(void **state) {
  (void)state;
  const char *folder = test_shared();
  if (folder == NULL)
    skip();
  for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
    const int64_t now_s = golden[i].first_s + 4000 * 3600 + 1800;
    fr_intensity_query query = {
        .now_s = now_s, .from_s = now_s - 100 * 3600, .to_s = now_s + 24 * 3600};
    fr_series known = read_golden(folder, i, query);
    query.perfect = true;
    fr_series all = read_golden(folder, i, query);
    assert_int_equal(known.count, 100); /* the first reaches into what is asked */
    assert_int_equal(known.step[0].start_s, now_s - 100 * 3600 - 1800);
    assert_int_equal(known.step[99].end_s, now_s - 1800);
    assert_int_equal(all.count, 125);
    for (size_t k = 0; k < all.count; k++)
      assert_int_equal(all.step[k].marks & FR_STEP_FORECAST,
                       k < 100 ? 0 : FR_STEP_FORECAST);
    fr_series_release(&all);
    fr_series_release(&known);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_are_as_published),
      cmocka_unit_test(later_rows_are_not_known),
  };
  return cmocka_run_group_tests_name("carbon/intensity_files", tests, NULL, NULL);
}
