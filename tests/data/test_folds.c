/* SPDX-License-Identifier: Apache-2.0 */
/* A publisher's folds: the people on a fold's lists test, everybody else trains. */
#include "input.h"

#include "made.h"

/* People 1 to 5; fold 0 has 2 and 4 (and 9, who is not here), fold 1 has 1. */
static void write_lists(void) {
  input_text("folds/fold_0_test_android_uuids.txt", "4\n9\n");
  input_text("folds/fold_0_test_iphone_uuids.txt", "2\r\n");
  input_text("folds/fold_0_train_iphone_uuids.txt", "5\n");
  input_text("folds/fold_1_test_iphone_uuids.txt", "1");
  input_text("folds/fold_3_test_iphone_uuids.txt", "3"); /* 2 is missing: the end */
}

static const char *how(void) {
  static char text[600];
  snprintf(text, sizeof text, "folds:%s", input_path("folds"));
  return text;
}

static void check_testers(const fr_windows *w, size_t fold, const char *testers) {
  fr_split split = {0};
  ASSERT_OK(fr_split_init(&split, w, how(), "none", fold, 1, err));
  assert_false(split.leaky);
  for (size_t i = 0; i < w->count; i++) {
    const char *name = w->data->subjects.name[w->data->record[w->at[i].record].subject];
    assert_int_equal(split.side[i],
                     strchr(testers, name[0]) ? FR_SIDE_TEST : FR_SIDE_TRAIN);
  }
  fr_split_release(&split);
}

static void people_on_the_lists_test(void **state) {
  (void)state;
  write_lists();
  fr_dataset data = made_series("csv", 5, 1, 1, 40, 6);
  fr_windows w;
  ASSERT_OK(fr_windows_init(&w, &data, 10, 10, err));
  size_t folds = 0;
  ASSERT_OK(fr_split_folds(&w, how(), &folds, err));
  assert_int_equal(folds, 2);
  check_testers(&w, 0, "24");
  check_testers(&w, 1, "1");
  fr_windows_release(&w);
  made_free(&data);
}

static void what_is_missing_is_named(void **state) {
  (void)state;
  write_lists();
  fr_dataset data = made_series("csv", 5, 1, 1, 40, 6);
  fr_windows w;
  ASSERT_OK(fr_windows_init(&w, &data, 10, 10, err));
  fr_split split = {0};
  fr_error error;
  assert_int_equal(fr_split_init(&split, &w, "folds:/nowhere", "none", 0, 1, &error),
                   FR_ERR_NOT_FOUND);
  assert_non_null(strstr(error.text, "fold_0_test_android_uuids.txt"));
  assert_int_equal(fr_split_init(&split, &w, how(), "none", 2, 1, &error),
                   FR_ERR_ARGUMENT);
  assert_non_null(strstr(error.text, "has 2 folds, no fold 3"));
  input_text("folds/fold_1_test_iphone_uuids.txt", "9\n");
  assert_int_equal(fr_split_init(&split, &w, how(), "none", 1, 1, &error),
                   FR_ERR_NOT_FOUND);
  assert_non_null(strstr(error.text, "leaves nothing to test with"));
  fr_windows_release(&w);
  made_free(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(people_on_the_lists_test),
      cmocka_unit_test(what_is_missing_is_named),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
