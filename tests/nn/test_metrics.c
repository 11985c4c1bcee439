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
  /* scikit-learn 1.x: f1_score(average="weighted") of the same twenty answers */
  assert_near(m.weighted_f1, 0.7983253588516745, 1e-12, "weighted F1");
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
  assert_true(isnan(m.weighted_f1) && isnan(m.balanced_accuracy));
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
  /* F1 = 0.9 of 400 and 0.6 of 100 */
  assert_near(m.weighted_f1, 0.84, 1e-12, "weighted F1");
  assert_true(b.weighted_f1_low < m.weighted_f1 && m.weighted_f1 < b.weighted_f1_high);
  assert_true(b.weighted_f1_high - b.weighted_f1_low <
              b.macro_f1_high - b.macro_f1_low); /* most of it is the big class */
  fr_metrics_release(&m);
}

/* scikit-learn 1.x: f1_score([0, 0, 0, 1, 1], [0, 2, 0, 1, 0], average="weighted"). */
static void classes_called_that_never_occur_weigh_nothing(void **state) {
  (void)state;
  fr_metrics m;
  ASSERT_OK(fr_metrics_init(&m, 3, err));
  call(&m, 0, 0, 2);
  call(&m, 0, 2, 1);
  call(&m, 1, 1, 1);
  call(&m, 1, 0, 1);
  fr_metrics_finish(&m);
  assert_near(m.weighted_f1, 0.6666666666666666, 1e-12, "weighted F1");
  fr_metrics_release(&m);
}

/* ---- labels ---- */

/* The answer of a single label, `times` over. */
static void answer(fr_metrics *metrics, float output, float value, size_t times) {
  for (size_t i = 0; i < times; i++)
    fr_metrics_add_values(metrics, &output, &value, 1, 0.5);
}

/*
 * label 0: 6 true yes, 2 false yes, 1 false no, 3 true no: sensitivity 6/7, specificity
 * 3/5, F1 = 12/15
 *
 * label 1: 3 true no, 1 false yes, never yes: neither F1 nor balanced accuracy
 *
 * label 2: 2 true yes and 1 false no, never no: F1 = 4/5, no balanced accuracy
 *
 * label 3: never told
 */
static void labels_give_all(void **state) {
  (void)state;
  static const float yes = 0.25f, no = -3;
  const float rows[][8] = {
      /* outputs of the four labels, values */
      {yes, no, yes, yes, 1, 0, 1, NAN},     {yes, no, yes, no, 1, 0, 1, NAN},
      {yes, no, no, no, 1, 0, 1, NAN},       {yes, yes, yes, no, 1, 0, NAN, NAN},
      {yes, yes, yes, no, 1, NAN, NAN, NAN}, {yes, yes, yes, no, 1, NAN, NAN, NAN},
      {yes, yes, yes, no, 0, NAN, NAN, NAN}, {yes, yes, yes, no, 0, NAN, NAN, NAN},
      {no, yes, yes, no, 1, NAN, NAN, NAN},  {0, yes, yes, no, 0, NAN, NAN, NAN},
      {no, yes, yes, no, 0, NAN, NAN, NAN},  {no, yes, yes, no, 0, NAN, NAN, NAN},
      {no, yes, yes, no, NAN, NAN, NAN, NAN}};
  fr_metrics m;
  ASSERT_OK(fr_metrics_init_labels(&m, 4, 0, err));
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    fr_metrics_add_values(&m, rows[i], rows[i] + 4, 1, (double)(i % 2));
  fr_metrics_finish(&m);
  assert_int_equal(m.samples, 12);
  assert_int_equal(m.answers, 12 + 4 + 3);
  const fr_label_counts wanted[4] = {{6, 2, 1, 3}, {0, 1, 0, 3}, {2, 0, 1, 0}, {0}};
  assert_memory_equal(m.label, wanted, sizeof wanted);
  assert_near(m.accuracy, (9 + 3 + 2) / 19.0, 1e-12, "accuracy");
  assert_near(m.macro_f1, (12.0 / 15 + 4.0 / 5) / 2, 1e-12, "macro F1");
  assert_near(m.balanced_accuracy, (6.0 / 7 + 3.0 / 5) / 2, 1e-12, "balanced accuracy");
  /* seven yeses and three */
  assert_near(m.weighted_f1, (7 * 12.0 / 15 + 3 * 4.0 / 5) / 10, 1e-12, "weighted F1");
  /* odd rows count: 3 + 2 answers, then one each in four more */
  assert_near(m.loss, (3 + 2 + 4) / 19.0, 1e-12, "loss");
  /* Wilson of 14 of 19 */
  assert_near(m.accuracy_low, 0.512084, 1e-6, "low");
  assert_near(m.accuracy_high, 0.881936, 1e-6, "high");
  fr_metrics_bounds bounds;
  fr_error err = {0};
  assert_int_equal(fr_metrics_intervals(&m, 1, &bounds, &err), FR_ERR_UNSUPPORTED);
  assert_string_equal(err.text,
                      "there are no intervals: answers of 0 of 12 samples were kept");
  fr_metrics_release(&m);
  fr_metrics_release(&m); /* harmless */
}

/* scikit-learn 1.x: f1_score of a (12, 2) indicator matrix, average "weighted" and
 * "macro": F1 is 0.8 of seven yeses and 0.5 of five. */
static void labels_weigh_as_often_as_they_are_a_yes(void **state) {
  (void)state;
  fr_metrics m;
  ASSERT_OK(fr_metrics_init_labels(&m, 2, 12, err));
  for (int i = 0; i < 12; i++) {
    const float output[2] = {i < 6 || i == 7 || i == 8 ? 1 : -1,
                             i < 2 || i == 11 ? 1 : -1};
    const float value[2] = {i < 7 ? 1 : 0, i < 5 ? 1 : 0};
    fr_metrics_add_values(&m, output, value, 1, 0);
  }
  fr_metrics_finish(&m);
  assert_near(m.weighted_f1, 0.675, 1e-12, "weighted F1");
  assert_near(m.macro_f1, 0.65, 1e-12, "macro F1");
  fr_metrics_release(&m);
}

static void labels_never_told_have_no_figure(void **state) {
  (void)state;
  fr_metrics m;
  ASSERT_OK(fr_metrics_init_labels(&m, 1, 8, err));
  answer(&m, 1, NAN, 3);
  fr_metrics_finish(&m);
  assert_true(isnan(m.accuracy) && isnan(m.loss) && m.accuracy_high == 1);
  fr_metrics_release(&m);
  ASSERT_OK(fr_metrics_init_labels(&m, 1, 8, err));
  answer(&m, -1, 0, 3);
  fr_metrics_finish(&m);
  assert_true(m.accuracy == 1 && isnan(m.macro_f1) && isnan(m.balanced_accuracy));
  assert_true(isnan(m.weighted_f1));
  fr_metrics_bounds bounds;
  ASSERT_OK(fr_metrics_intervals(&m, 1, &bounds, err));
  assert_true(isnan(bounds.macro_f1_low) && isnan(bounds.balanced_accuracy_high));
  fr_metrics_release(&m);
  fr_error err;
  assert_int_equal(fr_metrics_init_labels(&m, 0, 0, &err), FR_ERR_ARGUMENT);
}

/* Widths of the interval of balanced accuracy where `labels` labels are the same, or each
 * a matter of its own: 0.9 right of 200 each. */
static double width_of(size_t labels, bool same) {
  enum { SAMPLES = 400 };
  float output[16], value[16];
  fr_metrics m;
  fr_metrics_bounds b;
  fr__rng rng;
  fr__rng_init(&rng, 5, 0);
  ASSERT_OK(fr_metrics_init_labels(&m, labels, SAMPLES, err));
  for (size_t i = 0; i < SAMPLES; i++) {
    double right = 0;
    for (size_t k = 0; k < labels; k++) {
      if (k == 0 || !same)
        right = fr__rng_uniform(&rng);
      value[k] = i % 2 == 0 ? 0 : 1;
      output[k] = (right < 0.9) == (i % 2 == 1) ? 1 : -1;
    }
    fr_metrics_add_values(&m, output, value, 1, 0);
  }
  fr_metrics_finish(&m);
  ASSERT_OK(fr_metrics_intervals(&m, 7, &b, err));
  assert_true(b.balanced_accuracy_low < m.balanced_accuracy);
  assert_true(b.macro_f1_low < m.macro_f1 && m.macro_f1 < b.macro_f1_high);
  fr_metrics_release(&m);
  return b.balanced_accuracy_high - b.balanced_accuracy_low;
}

/* Sensitivity and specificity 0.9 of 200 each: their mean has the deviation
 * sqrt(0.09 / 400) = 0.015, so that 95 % are 0.0588 wide; sixteen labels that are the
 * same tell no more, sixteen that are not a quarter of it. */
static void labels_are_drawn_with_their_sample(void **state) {
  (void)state;
  assert_near(width_of(1, true), 0.0588, 0.012, "one label");
  assert_near(width_of(16, true), 0.0588, 0.012, "sixteen times the same");
  assert_near(width_of(16, false), 0.0147, 0.004, "sixteen of their own");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(confusion_gives_all),
      cmocka_unit_test(interval_is_wilsons),
      cmocka_unit_test(nothing_tested_is_not_zero),
      cmocka_unit_test(labels_without_class_count_nothing),
      cmocka_unit_test(balanced_accuracy_has_its_binomial_interval),
      cmocka_unit_test(classes_called_that_never_occur_weigh_nothing),
      cmocka_unit_test(labels_give_all),
      cmocka_unit_test(labels_weigh_as_often_as_they_are_a_yes),
      cmocka_unit_test(labels_never_told_have_no_figure),
      cmocka_unit_test(labels_are_drawn_with_their_sample),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
