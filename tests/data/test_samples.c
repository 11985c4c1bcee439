/* SPDX-License-Identifier: Apache-2.0 */
/* Samples carry the class that the task gives them; strangers are left out and counted.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made.h"

static void classes_come_in_natural_order(void **state) {
  (void)state;
  fr_dataset data = made_series("csv", 12, 2, 1, 40, 1);
  fr_windows w;
  fr_split split = {0};
  fr_names classes;
  assert_int_equal(fr_windows_init(&w, &data, 10, 10, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, "subject:3,5", "none", 0, 1, NULL), FR_OK);
  assert_int_equal(fr_classes_init(&classes, &w, &split, FR_TASK_SUBJECT, NULL), FR_OK);
  static const char *const expected[] = {"1", "2", "4",  "6",  "7",
                                         "8", "9", "10", "11", "12"};
  assert_int_equal(classes.count, 10);
  for (size_t i = 0; i < 10; i++)
    assert_string_equal(classes.name[i], expected[i]);
  fr_samples samples;
  size_t unknown;
  assert_int_equal(fr_samples_init(&samples, &w, &split, FR_SIDE_TEST, FR_TASK_SUBJECT,
                                   &classes, &unknown, NULL),
                   FR_OK);
  assert_int_equal(samples.count, 0);
  assert_int_equal(unknown, split.count[FR_SIDE_TEST]);
  fr_samples_release(&samples);
  fr_names_release(&classes);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

static void labels_name_the_windows(void **state) {
  (void)state;
  fr_dataset data = made_series("csv", 2, 3, 2, 40, 2);
  data.record[0].activity = FR_NONE;
  fr_windows w;
  fr_split split = {0};
  fr_names classes;
  fr_samples samples;
  size_t unknown, n = 0;
  assert_int_equal(fr_windows_init(&w, &data, 10, 5, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, "subject:2", "none", 0, 1, NULL), FR_OK);
  assert_int_equal(fr_classes_init(&classes, &w, &split, FR_TASK_ACTIVITY, NULL), FR_OK);
  assert_int_equal(fr_samples_init(&samples, &w, &split, FR_SIDE_TRAIN, FR_TASK_ACTIVITY,
                                   &classes, &unknown, NULL),
                   FR_OK);
  assert_int_equal(samples.steps, 10);
  assert_int_equal(samples.channels, 2);
  assert_true(unknown > 0);
  assert_int_equal(samples.count + unknown, split.count[FR_SIDE_TRAIN]);
  for (size_t i = 0; i < w.count; i++) {
    const fr_record *r = &data.record[w.at[i].record];
    if (split.side[i] != FR_SIDE_TRAIN || r->activity == FR_NONE)
      continue;
    assert_ptr_equal(samples.x[n], fr_window_values(&w, i));
    assert_string_equal(classes.name[samples.label[n]],
                        data.activities.name[r->activity]);
    n++;
  }
  assert_int_equal(n, samples.count);
  fr_samples_release(&samples);
  fr_names_release(&classes);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

static void tasks_have_names(void **state) {
  (void)state;
  enum fr_task task = FR_TASK_ACTIVITY;
  assert_true(fr_task_parse("subject", &task) && task == FR_TASK_SUBJECT);
  assert_true(fr_task_parse("activity", &task) && task == FR_TASK_ACTIVITY);
  assert_true(fr_task_parse("labels", &task) && task == FR_TASK_LABELS);
  assert_true(fr_task_parse("gesture", &task) && task == FR_TASK_GESTURE);
  assert_false(fr_task_parse("mood", &task));
  assert_string_equal(fr_task_name(FR_TASK_SUBJECT), "subject");
  assert_string_equal(fr_task_name(FR_TASK_GESTURE), "gesture");
}

static void a_task_needs_its_names(void **state) {
  (void)state;
  fr_dataset data = made_series("csv", 1, 1, 2, 40, 2);
  data.record[0].activity = data.record[1].activity = FR_NONE;
  fr_windows w;
  fr_split split = {0};
  fr_names classes;
  fr_error err;
  assert_int_equal(fr_windows_init(&w, &data, 10, 5, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, "time:0.5", "none", 0, 1, NULL), FR_OK);
  assert_int_equal(fr_classes_init(&classes, &w, &split, FR_TASK_ACTIVITY, &err),
                   FR_ERR_NOT_FOUND);
  assert_non_null(strstr(err.text, "activity"));
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

/* Of labels 1 to 4: told as yes and no; always no; yes and no on the test side alone; yes
 * and no. The third window knows nothing of any that is kept. */
static void labels_are_values_that_may_be_missing(void **state) {
  (void)state;
  static const int8_t told[5][4] = {
      {1, 0, -1, 0}, {0, 0, 1, 1}, {-1, 0, 1, -1}, {-1, 0, 0, 1}, {1, 1, 1, -1}};
  fr_dataset data = made_dataset("extrasensory", 0, 2, 2, 0, 0, 5);
  made_names(&data.labels, 4, "L%zu");
  data.label = (int8_t *)(uintptr_t)told;
  for (uint32_t i = 0; i < 5; i++)
    made_add(&data, i < 3 ? 0 : 1, FR_NONE, FR_NONE, 60.0 * i, 20, 1);
  fr_windows w;
  fr_split split = {0};
  fr_names classes;
  fr_samples train, test;
  size_t unknown;
  assert_int_equal(fr_windows_init(&w, &data, 1, 1, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, "subject:2", "none", 0, 1, NULL), FR_OK);
  assert_int_equal(fr_classes_init(&classes, &w, &split, FR_TASK_LABELS, NULL), FR_OK);
  assert_int_equal(classes.count, 2);
  assert_string_equal(classes.name[0], "L1");
  assert_string_equal(classes.name[1], "L4");
  assert_int_equal(fr_samples_init(&train, &w, &split, FR_SIDE_TRAIN, FR_TASK_LABELS,
                                   &classes, &unknown, NULL),
                   FR_OK);
  assert_int_equal(train.count, 2);
  assert_int_equal(unknown, 1);
  assert_true(train.label == NULL && train.values == 2);
  const float expected[] = {1, 0, 0, 1};
  assert_memory_equal(train.value, expected, sizeof expected);
  assert_ptr_equal(train.x[1], data.record[1].values);
  assert_int_equal(fr_samples_init(&test, &w, &split, FR_SIDE_TEST, FR_TASK_LABELS,
                                   &classes, &unknown, NULL),
                   FR_OK);
  assert_int_equal(test.count, 2);
  assert_true(isnan(test.value[0]) && test.value[1] == 1);
  assert_true(test.value[2] == 1 && isnan(test.value[3]));
  fr_samples_release(&train);
  fr_samples_release(&test);
  fr_names_release(&classes);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_names_free(&data.labels);
  made_free(&data);
}

/* A record of 10 steps gives two windows of 6, one of 4 a copy with zeros behind. */
static void short_windows_are_padded_copies(void **state) {
  (void)state;
  fr_dataset data = made_dataset("csv", 50, 2, 1, 1, 1, 2);
  made_add(&data, 0, 0, 0, 0, 0.2, 10);
  made_add(&data, 0, 0, 0, 1, 0.08, 4);
  fr_windows w;
  fr_split split = {0};
  fr_names classes;
  fr_samples samples;
  assert_int_equal(fr_windows_init_short(&w, &data, 6, 4, 4, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, "all", "none", 0, 1, NULL), FR_OK);
  assert_int_equal(fr_classes_init(&classes, &w, &split, FR_TASK_ACTIVITY, NULL), FR_OK);
  assert_int_equal(fr_samples_init(&samples, &w, &split, FR_SIDE_TEST, FR_TASK_ACTIVITY,
                                   &classes, NULL, NULL),
                   FR_OK);
  const uint32_t lengths[] = {6, 6, 4};
  assert_int_equal(samples.count, 3);
  assert_memory_equal(samples.length, lengths, sizeof lengths);
  assert_ptr_equal(samples.x[1], data.record[0].values + 4 * 2);
  assert_ptr_equal(samples.x[2], samples.padded);
  assert_memory_equal(samples.padded, data.record[1].values, 4 * 2 * sizeof(float));
  for (size_t k = 4 * 2; k < 6 * 2; k++)
    assert_true(samples.padded[k] == 0);
  fr_samples_release(&samples);
  fr_names_release(&classes);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

static void data_without_labels_says_so(void **state) {
  (void)state;
  fr_dataset data = made_series("csv", 1, 1, 2, 40, 2);
  fr_windows w;
  fr_split split = {0};
  fr_names classes;
  fr_error err;
  assert_int_equal(fr_windows_init(&w, &data, 10, 5, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, "time:0.5", "none", 0, 1, NULL), FR_OK);
  assert_int_equal(fr_classes_init(&classes, &w, &split, FR_TASK_LABELS, &err),
                   FR_ERR_NOT_FOUND);
  assert_non_null(strstr(err.text, "labels"));
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(classes_come_in_natural_order),
      cmocka_unit_test(labels_name_the_windows),
      cmocka_unit_test(tasks_have_names),
      cmocka_unit_test(a_task_needs_its_names),
      cmocka_unit_test(labels_are_values_that_may_be_missing),
      cmocka_unit_test(data_without_labels_says_so),
      cmocka_unit_test(short_windows_are_padded_copies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
