/* SPDX-License-Identifier: Apache-2.0 */
/* Windows lie inside records: none crosses a person, a trial or an activity. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made.h"

static void every_window_that_fits(void **state) {
  (void)state;
  fr_dataset data = made_dataset("csv", 50, 1, 1, 1, 1, 3);
  made_add(&data, 0, 0, 0, 0, 0.2, 10);
  made_add(&data, 0, 0, 0, 1, 0.06, 3); /* too short */
  made_add(&data, 0, 0, 0, 2, 0.08, 4); /* exactly one */
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 4, 3, NULL), FR_OK);
  const fr_window expected[] = {{0, 0}, {0, 3}, {0, 6}, {2, 0}};
  assert_int_equal(w.count, 4);
  assert_memory_equal(w.at, expected, sizeof expected);
  assert_true(fr_window_values(&w, 2)[0] == made_value(0, 6, 0));
  fr_windows_release(&w);
  assert_null(w.at);
  made_free(&data);
}

/* Values name their record and step, so a window that left its record would show it. */
static void check_inside(const fr_windows *w, size_t i) {
  const fr_record *r = &w->data->record[w->at[i].record];
  assert_true(w->at[i].start + w->length <= r->steps);
  const float *x = fr_window_values(w, i);
  for (size_t t = 0; t < w->length; t++)
    for (size_t c = 0; c < 2; c++)
      assert_true(x[t * 2 + c] == made_value(w->at[i].record, w->at[i].start + t, c));
}

static void no_window_crosses_a_record(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    fr__rng rng;
    fr__rng_init(&rng, seed, 1);
    fr_dataset data =
        made_series("csv", 1 + fr__rng_below(&rng, 4), 1 + fr__rng_below(&rng, 3),
                    1 + fr__rng_below(&rng, 4), 120, seed);
    fr_windows w;
    const size_t length = 1 + fr__rng_below(&rng, 50), step = 1 + fr__rng_below(&rng, 60);
    assert_int_equal(fr_windows_init(&w, &data, length, step, NULL), FR_OK);
    for (size_t i = 0; i < w.count; i++) {
      check_inside(&w, i);
      if (i > 0 && w.at[i].record == w.at[i - 1].record)
        assert_int_equal(w.at[i].start, w.at[i - 1].start + step);
      else if (i > 0)
        assert_true(w.at[i].record > w.at[i - 1].record && w.at[i].start == 0);
    }
    fr_windows_release(&w);
    made_free(&data);
  }
}

static void feature_vectors_are_their_own_windows(void **state) {
  (void)state;
  fr_dataset data = made_dataset("extrasensory", 0, 3, 1, 0, 0, 2);
  made_add(&data, 0, FR_NONE, FR_NONE, 0, 20, 1);
  made_add(&data, 0, FR_NONE, FR_NONE, 60, 20, 1);
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 128, 64, NULL), FR_OK);
  assert_int_equal(w.length, 1);
  assert_int_equal(w.count, 2);
  assert_ptr_equal(fr_window_values(&w, 1), data.record[1].values);
  fr_windows_release(&w);
  made_free(&data);
}

static void short_records_are_kept_if_asked(void **state) {
  (void)state;
  fr_dataset data = made_dataset("csv", 50, 1, 1, 1, 1, 4);
  made_add(&data, 0, 0, 0, 0, 0.2, 10);
  made_add(&data, 0, 0, 0, 1, 0.06, 3);
  made_add(&data, 0, 0, 0, 2, 0.04, 2); /* shorter than is kept */
  made_add(&data, 0, 0, 0, 3, 0.08, 4);
  fr_windows w;
  assert_int_equal(fr_windows_init_short(&w, &data, 4, 3, 3, NULL), FR_OK);
  const fr_window expected[] = {{0, 0}, {0, 3}, {0, 6}, {1, 0}, {3, 0}};
  const size_t steps[] = {4, 4, 4, 3, 4};
  assert_int_equal(w.count, 5);
  assert_memory_equal(w.at, expected, sizeof expected);
  for (size_t i = 0; i < 5; i++)
    assert_int_equal(fr_window_steps(&w, i), steps[i]);
  fr_windows_release(&w);
  fr_error err;
  assert_int_equal(fr_windows_init_short(&w, &data, 40, 3, 11, &err), FR_ERR_NOT_FOUND);
  made_free(&data);
}

static void says_that_nothing_fits(void **state) {
  (void)state;
  fr_dataset data = made_dataset("csv", 50, 1, 1, 1, 1, 1);
  made_add(&data, 0, 0, 0, 0, 0.2, 10);
  fr_windows w = {.count = 7};
  fr_error err;
  assert_int_equal(fr_windows_init(&w, &data, 11, 1, &err), FR_ERR_NOT_FOUND);
  assert_non_null(strstr(err.text, "11 steps"));
  assert_int_equal(fr_windows_init(&w, &data, 0, 1, &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_windows_init(&w, &data, 4, 0, &err), FR_ERR_ARGUMENT);
  assert_int_equal(w.count, 7); /* as it was */
  made_free(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_window_that_fits),
      cmocka_unit_test(no_window_crosses_a_record),
      cmocka_unit_test(feature_vectors_are_their_own_windows),
      cmocka_unit_test(short_records_are_kept_if_asked),
      cmocka_unit_test(says_that_nothing_fits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
