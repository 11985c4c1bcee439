/* SPDX-License-Identifier: Apache-2.0 */
/* Two data sets as one: each recording once, people by their names, and a spec that reads
 * the same again. */
#include "input.h"

#include "data/reader.h"

static void assert_union(const char *a, const char *b, const char *both) {
  char *text = NULL;
  ASSERT_OK(fr_data_spec_union(a, b, &text, err));
  assert_string_equal(text, both);
  free(text);
}

static void specs_of_one_path_are_merged(void **state) {
  (void)state;
  assert_union("keypoints:d?signs=a,b&rate=30", "keypoints:d?rate=30&signs=b,c",
               "keypoints:d?signs=a,b,c&rate=30");
  assert_union("keypoints:d", "keypoints:d?signs=c", "keypoints:d");
  assert_union("keypoints:d?signs=c", "keypoints:d", "keypoints:d");
  assert_union("motionsense:x.zip?activities=dws,ups", "motionsense:x.zip?activities=sit",
               "motionsense:x.zip?activities=dws,ups,sit");
  assert_union("synthetic:signs=3&activities=sign1", "synthetic:signs=3&activities=sign2",
               "synthetic:signs=3&activities=sign1,sign2");
}

static void others_stand_beside_each_other(void **state) {
  (void)state;
  assert_union("keypoints:d?signs=a", "keypoints:e?signs=b",
               "keypoints:d?signs=a + keypoints:e?signs=b");
  assert_union("keypoints:d?signs=a&rate=30", "keypoints:d?signs=b",
               "keypoints:d?signs=a&rate=30 + keypoints:d?signs=b");
  assert_union("synthetic:signs=3", "synthetic:signs=4",
               "synthetic:signs=3 + synthetic:signs=4");
  /* and each further one goes where it fits */
  assert_union("keypoints:d?signs=a + keypoints:e?signs=b",
               "keypoints:e?signs=c + keypoints:f",
               "keypoints:d?signs=a + keypoints:e?signs=b,c + keypoints:f");
}

static fr_dataset *open_data(const char *spec) {
  fr_dataset *data = NULL;
  ASSERT_OK(fr_data_open(spec, NULL, &data, err));
  return data;
}

static void a_union_is_what_its_spec_reads(void **state) {
  (void)state;
  fr_dataset *a = open_data("synthetic:subjects=2&trials=2&seconds=3&activities=wlk");
  fr_dataset *b = open_data("synthetic:subjects=2&trials=2&seconds=3&activities=jog,wlk");
  fr_dataset *both = NULL;
  ASSERT_OK(fr_dataset_union(a, b, &both, err));
  assert_string_equal(both->spec,
                      "synthetic:subjects=2&trials=2&seconds=3&activities=wlk,jog");
  assert_int_equal(both->activities.count, 2);
  assert_int_equal(both->subjects.count, 2);
  assert_int_equal(both->count, b->count); /* a's are all b's, too */
  fr_dataset *again = open_data(both->spec);
  assert_true(again->digest == both->digest);
  fr_data_free(again);
  fr_data_free(a);
  fr_data_free(b);
  fr_data_free(both);
}

static void several_specs_are_read_as_one(void **state) {
  (void)state;
  static const char one[] = "who,label,x,y\n1,a,1,2\n1,b,3,4\n";
  static const char two[] = "who,label,x,y\n1,b,3,4\n2,c,5,6\n";
  char spec[1200];
  input_write("one.csv", one, sizeof one - 1);
  input_write("two.csv", two, sizeof two - 1);
  snprintf(spec, sizeof spec,
           "csv:%s?label=label&subject=who + csv:%s?label=label&subject=who",
           input_path("one.csv"), input_path("two.csv"));
  fr_dataset *data = open_data(spec);
  assert_string_equal(data->spec, spec);
  assert_int_equal(data->activities.count, 3);
  assert_int_equal(data->subjects.count, 2);
  assert_int_equal(data->count, 4); /* two files: b's records start at other times */
  fr_data_facts facts;
  ASSERT_OK(fr_data_check(spec, &facts, err));
  assert_int_equal(facts.files, 2);
  fr_data_free(data);
}

static void what_differs_cannot_be_one(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"synthetic:subjects=2&trials=2&seconds=3&rate=25", "rates"},
      {"synthetic:subjects=2&trials=2&seconds=3&frame=gravity", "channels"}};
  fr_dataset *a = open_data("synthetic:subjects=2&trials=2&seconds=3");
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    fr_dataset *b = open_data(pairs[i][0]), *both = NULL;
    fr_error err = {.text = ""};
    assert_int_equal(fr_dataset_union(a, b, &both, &err), FR_ERR_ARGUMENT);
    assert_null(both);
    assert_non_null(strstr(err.text, pairs[i][1]));
    fr_data_free(b);
  }
  fr_data_free(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(specs_of_one_path_are_merged),
      cmocka_unit_test(others_stand_beside_each_other),
      cmocka_unit_test(a_union_is_what_its_spec_reads),
      cmocka_unit_test(several_specs_are_read_as_one),
      cmocka_unit_test(what_differs_cannot_be_one),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
