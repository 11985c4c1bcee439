/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics against values worked out by hand. */
#include <math.h>

#include "made.h"

/* One row of `classes` that calls class k. */
static void call(fr_metrics *metrics, uint32_t label, size_t k, size_t times) {
  float output[8] = {0};
  output[k] = 1;
  for (size_t i = 0; i < times; i++)
    fr_metrics_add(metrics, output, &label, 1, 0.5);
}

/*
 *            called 0  1  2
 * true 0          8  2  0     recall 0.8, F1 = 16 / (10 + 9)  = 0.842105
 * true 1          1  3  1     recall 0.6, F1 =  6 / ( 5 + 5)  = 0.6
 * true 2          0  0  5     recall 1,   F1 = 10 / ( 5 + 6)  = 0.909091
 * class 3 does not occur
 */
static void confusion_gives_all(void **state) {
  (void)state;
  fr_metrics m;
  ASSERT_OK(fr_metrics_init(&m, 4, err));
  call(&m, 0, 0, 8);
  call(&m, 0, 1, 2);
  call(&m, 1, 0, 1);
  call(&m, 1, 1, 3);
  call(&m, 1, 2, 1);
  call(&m, 2, 2, 5);
  fr_metrics_finish(&m);
  assert_int_equal(m.samples, 20);
  assert_int_equal(m.confusion[0 * 4 + 1], 2);
  assert_int_equal(m.confusion[1 * 4 + 0], 1);
  assert_near(m.accuracy, 0.8, 1e-12, "accuracy");
  assert_near(m.balanced_accuracy, 0.8, 1e-12, "balanced accuracy");
  assert_near(m.macro_f1, (16.0 / 19 + 0.6 + 10.0 / 11) / 3, 1e-12, "macro F1");
  assert_near(m.loss, 0.5, 1e-12, "loss");
  /* Wilson: (0.8 + z²/40 ± z sqrt(0.16/20 + z²/1600)) / (1 + z²/20), z = 1.959964 */
  assert_near(m.accuracy_low, 0.583983, 1e-6, "low");
  assert_near(m.accuracy_high, 0.919342, 1e-6, "high");
  fr_metrics_release(&m);
  fr_metrics_release(&m); /* harmless */
}

/* Newcombe 1998, table I: 0 of 20, 1 of 29 and 15 of 148 (method 3). */
static void interval_is_wilsons(void **state) {
  (void)state;
  static const struct {
    size_t hits, samples;
    double low, high;
  } rows[] = {{0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}, {15, 148, 0.0624, 0.1605}};
  for (size_t i = 0; i < 3; i++) {
    fr_metrics m;
    ASSERT_OK(fr_metrics_init(&m, 2, err));
    call(&m, 1, 1, rows[i].hits);
    call(&m, 1, 0, rows[i].samples - rows[i].hits);
    fr_metrics_finish(&m);
    assert_near(m.accuracy_low, rows[i].low, 6e-5, "low");
    assert_near(m.accuracy_high, rows[i].high, 6e-5, "high");
    fr_metrics_release(&m);
  }
}

static void nothing_tested_is_not_zero(void **state) {
  (void)state;
  fr_metrics m;
  ASSERT_OK(fr_metrics_init(&m, 3, err));
  fr_metrics_finish(&m);
  assert_true(isnan(m.accuracy) && isnan(m.macro_f1) && isnan(m.loss));
  assert_true(m.accuracy_low == 0 && m.accuracy_high == 1);
  fr_metrics_release(&m);
  fr_error err;
  assert_int_equal(fr_metrics_init(&m, 0, &err), FR_ERR_ARGUMENT);
}

static void labels_without_class_count_nothing(void **state) {
  (void)state;
  const float y[] = {1, 2, 3, 4};
  const uint32_t label[] = {FR_NONE, 1};
  fr_metrics m;
  ASSERT_OK(fr_metrics_init(&m, 2, err));
  fr_metrics_add(&m, y, label, 2, 0);
  assert_int_equal(m.samples, 1);
  fr_metrics_release(&m);
}

/* Recalls 0.9 of 400 and 0.6 of 100: the mean 0.75 has the variance
 * (0.9 * 0.1 / 400 + 0.6 * 0.4 / 100) / 4, so 1.96 deviations are 0.0502. */
static void balanced_accuracy_has_its_binomial_interval(void **state) {
  (void)state;
  fr_metrics m;
  assert_int_equal(fr_metrics_init(&m, 2, NULL), FR_OK);
  m.confusion[0] = 360;
  m.confusion[1] = 40;
  m.confusion[2] = 40;
  m.confusion[3] = 60;
  m.samples = 500;
  fr_metrics_finish(&m);
  fr_metrics_bounds b, again;
  assert_int_equal(fr_metrics_intervals(&m, 7, &b, NULL), FR_OK);
  assert_true(fabs(m.balanced_accuracy - 0.75) < 1e-12);
  assert_true(fabs(b.balanced_accuracy_low - (0.75 - 0.0502)) < 0.012);
  assert_true(fabs(b.balanced_accuracy_high - (0.75 + 0.0502)) < 0.012);
  assert_true(b.macro_f1_low < m.macro_f1 && m.macro_f1 < b.macro_f1_high);
  assert_int_equal(fr_metrics_intervals(&m, 7, &again, NULL), FR_OK);
  assert_memory_equal(&b, &again, sizeof b);
  fr_metrics_release(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(balanced_accuracy_has_its_binomial_interval),
      cmocka_unit_test(confusion_gives_all),
      cmocka_unit_test(interval_is_wilsons),
      cmocka_unit_test(nothing_tested_is_not_zero),
      cmocka_unit_test(labels_without_class_count_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
