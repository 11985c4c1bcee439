/* SPDX-License-Identifier: Apache-2.0 */
/* The normaliser knows the training side and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "made.h"

/* Person 1 trains, person 2 tests; windows of 4 steps, 2 apart, over 6 steps of 3
 * channels. */
static fr_dataset two_people(void) {
  static const float train[6][3] = {{1, 5, 7},   {2, 5, NAN}, {3, 5, 9},
                                    {4, 5, NAN}, {5, 5, NAN}, {9, 5, NAN}};
  fr_dataset data = made_dataset("csv", 50, 3, 2, 1, 1, 2);
  made_add(&data, 0, 0, 0, 0, 0.12, 6);
  made_add(&data, 1, 0, 0, 0, 0.12, 6);
  memcpy(data.record[0].values, train, sizeof train);
  for (size_t i = 0; i < 18; i++)
    data.record[1].values[i] = -1e6f * (float)i; /* absurd, and not to be seen */
  return data;
}

static void fits_the_training_side_only(void **state) {
  (void)state;
  fr_dataset data = two_people();
  fr_windows w;
  fr_split split = {0};
  fr_normalizer n;
  assert_int_equal(fr_windows_init(&w, &data, 4, 2, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, "subject:2", "none", 0, 1, NULL), FR_OK);
  assert_int_equal(fr_normalizer_fit(&n, FR_NORMALIZE_ZSCORE, &w, &split, NULL), FR_OK);
  assert_int_equal(n.channels, 3);
  /* By hand: 1, 2, 3, 4, 5, 9 each once: mean 4, mean square 40 / 6. */
  assert_true(fabsf(n.shift[0] - 4) < 1e-6f);
  assert_true(fabsf(n.scale[0] - 1 / sqrtf(40.0f / 6)) < 1e-6f);
  assert_true(n.shift[1] == 5 && n.scale[1] == 1); /* constant */
  assert_true(n.shift[2] == 8 && n.scale[2] == 1); /* 7 and 9; the rest is missing */
  assert_int_equal(fr_normalizer_apply_all(&n, &data, NULL), FR_OK);
  const float *x = data.record[0].values;
  assert_true(fabsf(x[0] + 3 / sqrtf(40.0f / 6)) < 1e-6f);
  assert_true(x[1] == 0 && x[2] == -1 && x[5] == 0 && x[8] == 1);
  fr_normalizer_release(&n);
  assert_null(n.shift);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

static void unseen_channels_stay_silent(void **state) {
  (void)state;
  fr_dataset data = two_people();
  for (size_t t = 0; t < 6; t++)
    data.record[0].values[t * 3 + 2] = NAN;
  fr_windows w;
  fr_split split = {0};
  fr_normalizer n;
  assert_int_equal(fr_windows_init(&w, &data, 4, 2, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, "subject:2", "none", 0, 1, NULL), FR_OK);
  assert_int_equal(fr_normalizer_fit(&n, FR_NORMALIZE_ZSCORE, &w, &split, NULL), FR_OK);
  fr_normalizer_apply(&n, data.record[1].values, 6);
  for (size_t t = 0; t < 6; t++)
    assert_true(data.record[1].values[t * 3 + 2] == 0);
  fr_normalizer_release(&n);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

static void refuses_what_does_not_match(void **state) {
  (void)state;
  fr_dataset data = two_people();
  fr_windows w;
  fr_split split = {0};
  fr_error err;
  fr_normalizer n = {.channels = 2};
  assert_int_equal(fr_normalizer_apply_all(&n, &data, &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_windows_init(&w, &data, 4, 2, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, "all", NULL, 0, 1, NULL), FR_OK);
  assert_int_equal(fr_normalizer_fit(&n, FR_NORMALIZE_ZSCORE, &w, &split, &err),
                   FR_ERR_ARGUMENT);
  assert_int_equal(n.channels, 2);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fits_the_training_side_only),
      cmocka_unit_test(unseen_channels_stay_silent),
      cmocka_unit_test(refuses_what_does_not_match),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
