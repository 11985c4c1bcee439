/* SPDX-License-Identifier: Apache-2.0 */
/* Any CSV file: which rows make a record, and at what rate. */
#include "input.h"

static void assert_record(const fr_dataset *data, size_t i, const char *subject,
                          const char *activity, double start_s, double span_s,
                          size_t steps) {
  const fr_record *const r = &data->record[i];
  assert_true(i < data->count);
  assert_string_equal(data->subjects.name[r->subject], subject);
  if (activity == NULL)
    assert_true(r->activity == FR_NONE);
  else
    assert_string_equal(data->activities.name[r->activity], activity);
  assert_true(r->start_s == start_s);
  assert_true(r->span_s == span_s);
  assert_int_equal(r->steps, steps);
}

static void rows_without_time_are_feature_vectors(void **state) {
  (void)state;
  input_text("a.csv", "x,sign,y\n1,A,2\n3,A,4\n5,,6\n");
  fr_dataset *const data = input_open(input_spec("csv", "a.csv", "label=sign"));
  assert_true(data->rate_hz == 0);
  assert_string_equal(data->split, "random:0.75");
  assert_int_equal(data->channels.count, 2);
  assert_record(data, 0, "1", "A", 0, 1, 1);
  assert_record(data, 1, "1", "A", 1, 1, 1);
  assert_record(data, 2, "1", NULL, 2, 1, 1);
  assert_true(data->record[1].values[0] == 3 && data->record[1].values[1] == 4);
  fr_data_free(data);
}

static void without_a_header_columns_are_numbers(void **state) {
  (void)state;
  input_text("h.csv", "\"0\",1.5,2.5\n3,4,5\n");
  fr_dataset *const data = input_open(input_spec("csv", "h.csv", "header=no&label=1"));
  assert_int_equal(data->channels.count, 2);
  assert_string_equal(data->channels.name[0], "2");
  assert_string_equal(data->channels.name[1], "3");
  assert_record(data, 0, "1", "0", 0, 1, 1);
  assert_record(data, 1, "1", "3", 1, 1, 1);
  assert_int_equal(data->count, 2);
  assert_true(data->record[0].values[0] == 1.5f && data->record[0].values[1] == 2.5f);
  assert_true(data->record[1].values[0] == 4 && data->record[1].values[1] == 5);
  fr_data_free(data);
}

static void a_rate_joins_rows_of_one_record(void **state) {
  (void)state;
  input_text("b.csv", "who,what,n,x\nann,w,1,1\nann,w,1,2\nann,w,2,3\nann,s,2,4\n"
                      "bob,s,2,5\nbob,s,2,6\n");
  fr_dataset *const data = input_open(
      input_spec("csv", "b.csv", "label=what&subject=who&trial=n&rate=4&channels=x"));
  assert_true(data->rate_hz == 4);
  assert_string_equal(data->split, "trial");
  assert_int_equal(data->count, 4);
  assert_record(data, 0, "ann", "w", 0, 0.5, 2);
  assert_record(data, 1, "ann", "w", 0.5, 0.25, 1);
  assert_record(data, 2, "ann", "s", 0.75, 0.25, 1);
  assert_record(data, 3, "bob", "s", 1, 0.5, 2);
  assert_true(data->record[3].values[1] == 6);
  fr_data_free(data);
}

static void time_gives_rate_and_gaps(void **state) {
  (void)state;
  input_text("c.csv", "t,x\n10,1\n10.5,2\n11,3\n20,4\n20.5,5\n0,6\n0.5,7\n");
  fr_dataset *const data = input_open(input_spec("csv", "c.csv", "time=t"));
  assert_true(data->rate_hz == 2);
  assert_string_equal(data->split, "time:0.7");
  assert_int_equal(data->count, 3);
  assert_record(data, 0, "1", NULL, 0, 1, 2);
  assert_record(data, 1, "1", NULL, 10, 1.5, 3);
  assert_record(data, 2, "1", NULL, 20, 1, 2);
  assert_true(data->record[0].values[1] == 7);
  fr_data_free(data);
}

static void assert_bad(const char *text, const char *options, const char *sentence) {
  input_text("d.csv", text);
  input_refused(input_spec("csv", "d.csv", options), FR_ERR_FORMAT, sentence);
}

static void what_is_wrong_is_named(void **state) {
  (void)state;
  assert_bad("1,2\n3\n", "header=no", "d.csv:2: 1 columns in place of 2");
  assert_bad("1,2\n", "header=no&label=3", "d.csv:1: column '3' is missing");
  assert_bad("1,x\n", "header=no", "d.csv:1: column 2 '2': 'x' is not a number");
  assert_bad("\n", "header=no", "d.csv: no rows");
  assert_bad("x,y\n1,2\n", "label=z", "d.csv:1: column 'z' is missing");
  assert_bad("x,y\n1,2\n", "channels=x,q", "d.csv:1: column 'q' is missing");
  assert_bad("x,y\n1,two\n", "", "d.csv:2: column 2 'y': 'two' is not a number");
  assert_bad("x,y\n1,nan\n", "", "d.csv:2: column 2 'y': 'nan' is not a finite number");
  assert_bad("x,y\n1,2\n3\n", "", "d.csv:3: 1 columns in place of 2");
  assert_bad("x,who\n1,\n", "subject=who", "d.csv:2: column 2 'who': '' is no name");
  assert_bad("x\n", "", "d.csv: no rows behind the header");
  assert_bad("x,x\n1,2\n", "", "d.csv:1: column 2: the name 'x' occurs twice");
  assert_bad("who,x,who\n1,2,1\n", "subject=who",
             "d.csv:1: column 3: the name 'who' occurs twice");
  assert_bad("y,x,z,x\n1,2,3,4\n", "channels=x,y",
             "d.csv:1: column 4: the name 'x' occurs twice");
  assert_bad("x,y\n1,2\n1,3\n", "time=x", "d.csv: no time passes in column 'x'");
  assert_bad("t\n1\n", "time=t", "d.csv:1: no column is left for values");
  assert_bad("", "", "'d.csv' is empty");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_without_time_are_feature_vectors),
      cmocka_unit_test(without_a_header_columns_are_numbers),
      cmocka_unit_test(a_rate_joins_rows_of_one_record),
      cmocka_unit_test(time_gives_rate_and_gaps),
      cmocka_unit_test(what_is_wrong_is_named),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
