/* SPDX-License-Identifier: Apache-2.0 */
/* Each way of normalising against scikit-learn, and samples that are their own measure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "../golden/normalize.h"
#include "made.h"

enum { LENGTH = 8 };

/* Person 1 trains on 23 steps, person 2 tests on 8. */
static fr_dataset golden_people(void) {
  fr_dataset data = made_dataset("csv", 50, GOLDEN_CHANNELS, 2, 1, 1, 2);
  made_add(&data, 0, 0, 0, 0, 0.46, GOLDEN_TRAIN);
  made_add(&data, 1, 0, 0, 0, 0.16, GOLDEN_TEST);
  memcpy(data.record[0].values, golden_input,
         GOLDEN_TRAIN * GOLDEN_CHANNELS * sizeof(float));
  memcpy(data.record[1].values, golden_input[GOLDEN_TRAIN],
         GOLDEN_TEST * GOLDEN_CHANNELS * sizeof(float));
  return data;
}

/* A step of 5 leaves no step of the 23 out, and covers some twice. */
static void cut(fr_dataset *data, fr_windows *w, fr_split *split) {
  *split = (fr_split){0};
  assert_int_equal(fr_windows_init(w, data, LENGTH, 5, NULL), FR_OK);
  assert_int_equal(fr_split_init(split, w, "subject:2", "none", 0, 1, NULL), FR_OK);
}

static void compare(const float *x, const float wanted[][GOLDEN_CHANNELS],
                    const char *method) {
  for (size_t t = 0; t < GOLDEN_TEST; t++)
    for (size_t c = 0; c < GOLDEN_CHANNELS; c++) {
      const float is = x[t * GOLDEN_CHANNELS + c], should = wanted[t][c];
      /* 10,000 in float32 with a deviation of 10 is known to 1e-4 of it */
      if (fabsf(is - should) > 1e-4f * fmaxf(1, fabsf(should)))
        fail_msg("%s: step %zu, channel %zu: %.9g, not %.9g", method, t, c, (double)is,
                 (double)should);
    }
}

static void methods_are_those_of_scikit_learn(void **state) {
  (void)state;
  static const struct {
    const char *name;
    const float (*wanted)[GOLDEN_CHANNELS];
  } methods[] = {{"zscore", golden_zscore},
                 {"minmax", golden_minmax},
                 {"robust", golden_robust},
                 {"none", golden_none},
                 {"window", golden_window}};
  for (size_t i = 0; i < FR_NORMALIZE_METHODS; i++) {
    fr_dataset data = golden_people();
    fr_windows w;
    fr_split split;
    fr_normalizer n;
    enum fr_normalize how;
    assert_true(fr_normalize_parse(methods[i].name, &how));
    assert_string_equal(fr_normalize_name(how), methods[i].name);
    cut(&data, &w, &split);
    assert_int_equal(fr_normalizer_fit(&n, how, &w, &split, NULL), FR_OK);
    assert_int_equal(n.how, how);
    fr_normalizer_apply(&n, data.record[1].values, GOLDEN_TEST);
    compare(data.record[1].values, methods[i].wanted, methods[i].name);
    fr_normalizer_release(&n);
    fr_split_release(&split);
    fr_windows_release(&w);
    made_free(&data);
  }
}

/* Its third channel varies by a thousandth where training varies by one: what is nothing
 * stays little. */
static void a_window_that_stands_still_is_not_blown_up(void **state) {
  (void)state;
  fr_dataset data = golden_people();
  fr_windows w;
  fr_split split;
  fr_normalizer n;
  float *x = data.record[1].values;
  for (size_t t = 0; t < GOLDEN_TEST; t++)
    x[t * GOLDEN_CHANNELS + 3] = t % 2 == 0 ? 6.999f : 7.001f;
  cut(&data, &w, &split);
  assert_int_equal(fr_normalizer_fit(&n, FR_NORMALIZE_WINDOW, &w, &split, NULL), FR_OK);
  fr_normalizer_apply(&n, x, GOLDEN_TEST);
  compare(x, golden_still, "window");
  assert_true(fabsf(x[3]) > 0.05f && fabsf(x[3]) < 0.5f);
  fr_normalizer_release(&n);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

static int compare_floats(const void *a, const void *b) {
  const float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* Against a sort, where channels are more than are walked together. */
static void quartiles_are_exact_for_many_channels(void **state) {
  (void)state;
  enum { CHANNELS = 37, STEPS = 1001 };
  static float sorted[STEPS];
  fr_dataset data = made_dataset("csv", 50, CHANNELS, 1, 1, 1, 1);
  fr_windows w;
  fr_split split = {0};
  fr_normalizer n;
  fr__rng rng;
  fr__rng_init(&rng, 3, 0);
  made_add(&data, 0, 0, 0, 0, 20, STEPS);
  for (size_t i = 0; i < STEPS * CHANNELS; i++)
    data.record[0].values[i] = (float)exp(8 * fr__rng_normal(&rng)) *
                               (fr__rng_uniform(&rng) < 0.5 ? -1.0f : 1.0f);
  assert_int_equal(fr_windows_init(&w, &data, STEPS, STEPS, NULL), FR_OK);
  split.side = calloc(w.count, 1);
  assert_non_null(split.side);
  split.side[0] = FR_SIDE_TRAIN;
  split.count[FR_SIDE_TRAIN] = 1;
  assert_int_equal(fr_normalizer_fit(&n, FR_NORMALIZE_ROBUST, &w, &split, NULL), FR_OK);
  for (size_t c = 0; c < CHANNELS; c++) {
    for (size_t t = 0; t < STEPS; t++)
      sorted[t] = data.record[0].values[t * CHANNELS + c];
    qsort(sorted, STEPS, sizeof *sorted, compare_floats);
    assert_true(n.shift[c] == sorted[500]); /* 1,001 values: each stands on one */
    assert_true(n.scale[c] == (float)(1 / ((double)sorted[750] - (double)sorted[250])));
  }
  fr_normalizer_release(&n);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

static fr_samples samples_of(const fr_windows *w, const fr_split *split,
                             enum fr_side side) {
  fr_samples samples;
  fr_names classes;
  assert_int_equal(fr_classes_init(&classes, w, split, FR_TASK_ACTIVITY, NULL), FR_OK);
  assert_int_equal(
      fr_samples_init(&samples, w, split, side, FR_TASK_ACTIVITY, &classes, NULL, NULL),
      FR_OK);
  fr_names_release(&classes);
  return samples;
}

static void windows_that_overlap_are_each_their_own(void **state) {
  (void)state;
  fr_dataset data = golden_people();
  fr_windows w;
  fr_split split;
  fr_normalizer n;
  cut(&data, &w, &split);
  assert_int_equal(fr_normalizer_fit(&n, FR_NORMALIZE_WINDOW, &w, &split, NULL), FR_OK);
  fr_samples train = samples_of(&w, &split, FR_SIDE_TRAIN);
  fr_samples test = samples_of(&w, &split, FR_SIDE_TEST);
  assert_int_equal(fr_samples_normalize(&train, &n, NULL), FR_OK);
  assert_int_equal(fr_samples_normalize(&test, &n, NULL), FR_OK);
  assert_int_equal(train.count, 4);
  for (size_t i = 0; i < train.count; i++) {
    double total = 0, squares = 0;
    for (size_t t = 0; t < LENGTH; t++) {
      const double x = train.x[i][t * GOLDEN_CHANNELS + 5];
      total += x;
      squares += x * x;
    }
    assert_true(fabs(total / LENGTH) < 1e-6 && fabs(squares / LENGTH - 1) < 1e-6);
  }
  compare(test.x[0], golden_window, "window");
  /* what was recorded is as it was */
  assert_memory_equal(data.record[1].values + 5, &golden_input[GOLDEN_TRAIN][5],
                      sizeof(float));
  fr_samples_release(&train);
  fr_samples_release(&test);
  fr_normalizer_release(&n);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

/* Behind the steps of a short window there is nothing, and it does not count. */
static void padding_stays_zero(void **state) {
  (void)state;
  fr_dataset data = golden_people();
  fr_windows w;
  fr_split split = {0};
  fr_normalizer n;
  assert_int_equal(fr_windows_init_short(&w, &data, 12, 6, 8, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, "subject:2", "none", 0, 1, NULL), FR_OK);
  assert_int_equal(fr_normalizer_fit(&n, FR_NORMALIZE_WINDOW, &w, &split, NULL), FR_OK);
  fr_samples test = samples_of(&w, &split, FR_SIDE_TEST);
  assert_int_equal(test.length[0], GOLDEN_TEST);
  assert_int_equal(fr_samples_normalize(&test, &n, NULL), FR_OK);
  compare(test.x[0], golden_window, "window");
  for (size_t i = GOLDEN_TEST * GOLDEN_CHANNELS; i < 12 * GOLDEN_CHANNELS; i++)
    assert_true(test.x[0][i] == 0);
  fr_samples_release(&test);
  fr_normalizer_release(&n);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

static void what_cannot_be_is_refused(void **state) {
  (void)state;
  fr_dataset data = golden_people();
  fr_windows w;
  fr_split split = {0};
  fr_normalizer n;
  fr_error err;
  enum fr_normalize how;
  assert_false(fr_normalize_parse("z-score", &how));
  assert_int_equal(fr_windows_init(&w, &data, 1, 1, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, "subject:2", "none", 0, 1, NULL), FR_OK);
  assert_int_equal(fr_normalizer_fit(&n, FR_NORMALIZE_WINDOW, &w, &split, &err),
                   FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "one step"));
  fr_split_release(&split);
  fr_windows_release(&w);
  cut(&data, &w, &split);
  assert_int_equal(fr_normalizer_fit(&n, FR_NORMALIZE_WINDOW, &w, &split, NULL), FR_OK);
  assert_int_equal(fr_normalizer_apply_all(&n, &data, &err), FR_ERR_ARGUMENT);
  /* more than the ceiling: refused before anything is copied */
  float one[GOLDEN_CHANNELS] = {0};
  const float *x[1] = {one};
  fr_samples many = {
      .count = SIZE_MAX / 8, .steps = 16, .channels = GOLDEN_CHANNELS, .x = x};
  assert_int_equal(fr_samples_normalize(&many, &n, &err), FR_ERR_LIMIT);
  many.count = FR_SAMPLES_CEILING / sizeof one / 16 + 1;
  assert_int_equal(fr_samples_normalize(&many, &n, &err), FR_ERR_LIMIT);
  assert_non_null(strstr(err.text, "4096 MiB"));
  assert_null(many.padded);
  many.channels = 2;
  assert_int_equal(fr_samples_normalize(&many, &n, &err), FR_ERR_ARGUMENT);
  fr_normalizer_release(&n);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(methods_are_those_of_scikit_learn),
      cmocka_unit_test(a_window_that_stands_still_is_not_blown_up),
      cmocka_unit_test(quartiles_are_exact_for_many_channels),
      cmocka_unit_test(windows_that_overlap_are_each_their_own),
      cmocka_unit_test(padding_stays_zero),
      cmocka_unit_test(what_cannot_be_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
