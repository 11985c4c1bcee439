/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of single hands: a class and 42 numbers a row. */
#include "input.h"

/* `rows` rows of class `class` whose numbers are first, first + 1/64, ... */
static size_t add_rows(char *text, size_t at, int class, size_t rows, double first) {
  for (size_t r = 0; r < rows; r++) {
    at += (size_t)sprintf(text + at, "%d", class);
    for (size_t c = 0; c < 42; c++)
      at += (size_t)sprintf(text + at, ",%.9g", first + (double)c / 64);
    at += (size_t)sprintf(text + at, "\r\n");
  }
  return at;
}

/* 150 of class 1, 2 of 0, 3 of 1. */
static void write_table(const char *name) {
  char *const text = malloc(200000);
  size_t at = add_rows(text, 0, 1, 150, 1);
  at = add_rows(text, at, 0, 2, 2);
  at = add_rows(text, at, 1, 3, 3);
  input_write(name, text, at);
  free(text);
}

static const char labels[] = "\xef\xbb\xbfOpen\r\nThumb up\r\n";

static void rows_are_frames_of_classes(void **state) {
  (void)state;
  write_table("a/ann.csv");
  input_text("a/ann_classifier_label.csv", labels);
  input_text("a/other_label.csv", "x\n");
  const char *const specs[] = {input_spec("keypoints", "a", "features=raw"),
                               input_spec("keypoints", "a/ann.csv", "features=raw")};
  for (size_t n = 0; n < 2; n++) {
    fr_dataset *const data = input_open(specs[n]);
    assert_int_equal(data->count, 155);
    assert_true(data->rate_hz == 0 && data->window == 0);
    assert_string_equal(data->subjects.name[0], "ann");
    assert_string_equal(data->activities.name[0], "Open");
    assert_string_equal(data->activities.name[1], "Thumb up");
    assert_string_equal(data->channels.name[41], "hand.20.y");
    /* stretches of one class, at most a hundred rows long */
    assert_int_equal(data->trials.count, 4);
    const size_t ends[] = {100, 150, 152, 155};
    for (size_t i = 0, trial = 0; i < 155; i++) {
      trial += i == ends[trial];
      const fr_record *const r = &data->record[i];
      assert_int_equal(r->trial, trial);
      assert_int_equal(r->activity, trial == 2 ? 0 : 1);
      assert_int_equal(r->steps, 1);
      assert_true(r->values[41] == (float)(trial < 2 ? 1 : trial) + 41.0f / 64);
    }
    fr_data_free(data);
  }
}

static void classes_without_labels_are_numbers(void **state) {
  (void)state;
  write_table("b/bob.csv");
  fr_dataset *const data = input_open(input_spec("keypoints", "b", "signs=1"));
  assert_int_equal(data->count, 153);
  assert_string_equal(data->activities.name[0], "1");
  assert_string_equal(fr_data_task("keypoints:b"), "gesture");
  fr_data_free(data);
}

static void several_tables_are_several_signers(void **state) {
  (void)state;
  write_table("c/ann.csv");
  write_table("c/bob.csv");
  fr_dataset *data = input_open(input_spec("keypoints", "c", ""));
  assert_int_equal(data->count, 310);
  assert_int_equal(data->subjects.count, 2);
  assert_int_equal(data->trials.count, 8);
  fr_data_free(data);
  data = input_open(input_spec("keypoints", "c", "signer=dir"));
  assert_int_equal(data->subjects.count, 1);
  assert_string_equal(data->subjects.name[0], "c");
  fr_data_free(data);
}

static void refused(const char *row, const char *sentence) {
  input_text("r/x.csv", row);
  input_refused(input_spec("keypoints", "r/x.csv", ""), FR_ERR_FORMAT, sentence);
}

#define FIVE ",1,2,3,4,5"
#define FORTY FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE
static void other_tables_of_a_folder_are_passed_over(void **state) {
  (void)state;
  write_table("o/ann.csv");
  input_text("o/paths.csv", "0" FIVE "\n0\n");
  fr_dataset *const data = input_open(input_spec("keypoints", "o", ""));
  assert_int_equal(data->count, 155);
  fr_data_free(data);
  input_text("o2/paths.csv", "0" FIVE "\n");
  fr_error error = {0};
  fr_dataset *none = NULL;
  assert_int_equal(fr_data_open(input_spec("keypoints", "o2", ""), NULL, &none, &error),
                   FR_ERR_NOT_FOUND);
}

static void wrong_rows_are_refused(void **state) {
  (void)state;
  refused("0" FORTY ",1\n",
          "x.csv:1: 42 columns; a hand's shape has 43, its class and 21 (x, y)");
  refused("0" FORTY ",1,2\n0" FORTY ",1,nan\n",
          "x.csv:2: column 43: 'nan' is not a finite number");
  refused("0" FORTY ",1,1e39\n", "x.csv:1: column 43: '1e39' is too large");
  refused("0" FORTY ",1,one\n", "x.csv:1: column 43: 'one' is not a number");
  refused("-1" FORTY ",1,2\n", "x.csv:1: column 1: '-1' is no class");
  refused("0.5" FORTY ",1,2\n", "x.csv:1: column 1: '0.5' is no class");
  refused("10000" FORTY ",1,2\n", "x.csv:1: column 1: '10000' is no class");
  refused("class" FORTY ",1,2\n", "x.csv:1: column 1: 'class' is not a number");
  input_text("r/x_label.csv", "one\n");
  refused("1" FORTY ",1,2\n", "x.csv:1: column 1: '1' is a class without a label");
  input_text("r/x_label.csv", "one\n\"\",2\n");
  refused("0" FORTY ",1,2\n", "x_label.csv:2: column 1: '' is no name");
}

static void single_frames_are_no_sequences(void **state) {
  (void)state;
  write_table("s/ann.csv");
  input_refused(input_spec("keypoints", "s", "window=30"), FR_ERR_ARGUMENT,
                "window: single frames have none");
  input_refused(input_spec("keypoints", "s", "rate=30"), FR_ERR_ARGUMENT,
                "rate: single frames have none");
}

/* What the publisher says: four classes, 4,787 rows. */
static void real_shapes_are_all_there(void **state) {
  (void)state;
  const char *const shared = test_shared();
  char spec[1200];
  if (shared == NULL)
    skip();
  snprintf(spec, sizeof spec, "keypoints:%s/hand_keypoints/keypoint.csv?features=raw",
           shared);
  fr_dataset *const data = input_open(spec);
  static const char *const names[] = {"Close", "OK", "Open", "Pointer"};
  static const size_t counts[] = {1572, 337, 1522, 1356}; /* cut -d, -f1 | sort | uniq */
  size_t found[4] = {0}, most = 0;
  assert_int_equal(data->count, 4787);
  for (size_t i = 0; i < 4; i++)
    assert_string_equal(data->activities.name[i], names[i]);
  for (size_t i = 0; i < data->count; i++)
    found[data->record[i].activity]++;
  for (size_t i = 0; i < 4; i++)
    most += found[i] == counts[i];
  assert_int_equal(most, 4);
  fr_data_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_frames_of_classes),
      cmocka_unit_test(classes_without_labels_are_numbers),
      cmocka_unit_test(several_tables_are_several_signers),
      cmocka_unit_test(other_tables_of_a_folder_are_passed_over),
      cmocka_unit_test(wrong_rows_are_refused),
      cmocka_unit_test(single_frames_are_no_sequences),
      cmocka_unit_test(real_shapes_are_all_there),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
