/* SPDX-License-Identifier: Apache-2.0 */
/* ExtraSensory's minutes; golden values of the real ones by Python's csv. */
#include "input.h"

#include <math.h>

#define HEADER                                                                           \
  "timestamp,raw_acc:mean,proc_gyro:mean,audio:mfcc0,label:SITTING,label:FIX_walking,"   \
  "label:PHONE_IN_POCKET,label_source\n"

static const char ann[] = HEADER "100,1,2,9,1,0,1,2\n"
                                 "160,,nan,9,0,1,,2\n"
                                 "220,3,4,9,1,1,1,2\n";
static const char bob[] = HEADER "700,5,6,,nan,0,0,2\n";

static void write_both(void) {
  input_gzip("a/ANN-1.features_labels.csv.gz", ann, strlen(ann));
  input_text("a/BOB-2.features_labels.csv", bob);
  input_text("a/notes.txt", "not to be read");
}

static void minutes_become_records(void **state) {
  (void)state;
  input_text("a/.keep", "");
  write_both();
  fr_dataset *const data = input_open(input_spec("extrasensory", "a", ""));
  assert_int_equal(data->count, 4);
  assert_true(data->rate_hz == 0);
  assert_string_equal(data->split, "time:0.7");
  assert_int_equal(data->channels.count, 2);
  assert_int_equal(data->labels.count, 3);
  assert_string_equal(data->labels.name[2], "PHONE_IN_POCKET");
  const fr_record *const r = data->record;
  assert_string_equal(data->subjects.name[r[0].subject], "ANN-1");
  assert_true(r[0].start_s == 100 && r[0].span_s == 20 && r[0].steps == 1);
  assert_true(r[0].trial == FR_NONE);
  assert_string_equal(data->activities.name[r[0].activity], "SITTING");
  assert_string_equal(data->activities.name[r[1].activity], "FIX_walking");
  assert_true(r[2].activity == FR_NONE); /* two at once */
  assert_true(r[3].activity == FR_NONE); /* none */
  assert_true(isnan(r[1].values[0]) && isnan(r[1].values[1]));
  assert_true(r[2].values[0] == 3 && r[3].values[1] == 6);
  static const int8_t told[12] = {1, 0, 1, 0, 1, -1, 1, 1, 1, -1, 0, 0};
  assert_memory_equal(data->label, told, sizeof told);
  fr_data_free(data);
}

static void the_spec_chooses(void **state) {
  (void)state;
  fr_dataset *data = input_open(input_spec("extrasensory", "a", "pocket=1&min=2"));
  assert_int_equal(data->count, 2);
  assert_int_equal(data->subjects.count, 1);
  fr_data_free(data);
  data = input_open(input_spec("extrasensory", "a", "features=all&subjects=BOB-2"));
  assert_int_equal(data->count, 1);
  assert_int_equal(data->channels.count, 3);
  assert_true(isnan(data->record[0].values[2]));
  fr_data_free(data);
  input_refused(input_spec("extrasensory", "a", "pocket=1"), FR_ERR_NOT_FOUND,
                "*' holds no such recording");
}

static void a_zip_of_gzips_gives_the_same(void **state) {
  (void)state;
  char *gzip = NULL;
  size_t size = 0;
  ASSERT_OK(fr__file_read(input_path("a/ANN-1.features_labels.csv.gz"), 1 << 20, &gzip,
                          &size, err));
  const input_entry entries[] = {
      {.name = "BOB-2.features_labels.csv", .bytes = bob},
      {.name = "ANN-1.features_labels.csv.gz", .bytes = gzip, .size = size}};
  ASSERT_OK(fr__dir_make(input_path("z"), err));
  input_zip("z/both.zip", entries, 2);
  fr_dataset *const folder = input_open(input_spec("extrasensory", "a", ""));
  fr_dataset *const zip = input_open(input_spec("extrasensory", "z/both.zip", ""));
  fr_dataset *const fetched = input_open(input_spec("extrasensory", "z", ""));
  assert_int_equal(zip->count, 4);
  assert_true(folder->digest == zip->digest);
  assert_true(folder->digest == fetched->digest);
  fr_data_free(folder);
  fr_data_free(zip);
  fr_data_free(fetched);
  free(gzip);
}

static void assert_bad(const char *text, const char *sentence) {
  input_text("b/A.features_labels.csv", text);
  input_refused(input_spec("extrasensory", "b", ""), FR_ERR_FORMAT, sentence);
}

static void what_is_wrong_is_named(void **state) {
  (void)state;
  assert_bad(HEADER "100,1,2,9,1,0,1,2\n160,x,2,9,1,0,1,2\n",
             "A.features_labels.csv:3: column 2 'raw_acc:mean': 'x' is not a number");
  assert_bad(
      HEADER "100,1,2,9,1,0.5,1,2\n",
      "A.features_labels.csv:2: column 6 'label:FIX_walking': '0.5' is not 0, 1 or "
      "nothing");
  assert_bad(HEADER ",1,2,9,1,0,1,2\n",
             "A.features_labels.csv:2: column 1 'timestamp': '' is not a number");
  assert_bad(HEADER "100,1\n", "A.features_labels.csv:2: 2 columns in place of 8");
  assert_bad("raw_acc:mean,label:SITTING\n1,1\n",
             "A.features_labels.csv:1: column 'timestamp' is missing");
  assert_bad("timestamp\n1\n",
             "A.features_labels.csv:1: no column 'raw_acc:...' or 'proc_gyro:...'");
}

static fr_dataset *open_real(const char *options) {
  char spec[700];
  const char *const shared = test_shared();
  if (shared == NULL)
    skip();
  snprintf(spec, sizeof spec, "extrasensory:%s/extrasensory%s", shared, options);
  return input_open(spec);
}

static size_t count_activity(const fr_dataset *data, const char *name) {
  size_t count = 0;
  for (size_t i = 0; i < data->count; i++) {
    const uint32_t activity = data->record[i].activity;
    count += activity == FR_NONE
                 ? name == NULL
                 : name != NULL && strcmp(data->activities.name[activity], name) == 0;
  }
  return count;
}

static void the_real_ones_have_their_values(void **state) {
  (void)state;
  fr_dataset *const data = open_real("");
  assert_int_equal(data->count, 114748);
  assert_int_equal(data->channels.count, 52);
  assert_int_equal(data->labels.count, 51);
  assert_int_equal(data->subjects.count, 25);
  assert_int_equal(count_activity(data, "SITTING"), 39157);
  assert_int_equal(count_activity(data, "FIX_walking"), 5204);
  assert_int_equal(count_activity(data, "BICYCLING"), 1916);
  assert_int_equal(count_activity(data, NULL), 32212);
  size_t missing = 0, yes = 0, no = 0;
  for (size_t i = 0; i < data->count * 52; i++)
    missing += isnan(data->values[i]) != 0;
  for (size_t i = 0; i < data->count * 51; i++) {
    yes += data->label[i] == 1;
    no += data->label[i] == 0;
  }
  assert_int_equal(missing, 21675);
  assert_int_equal(yes, 323675);
  assert_int_equal(no, 1921920);
  fr_data_free(data);
}

static void ten_people_carry_it_in_a_pocket(void **state) {
  (void)state;
  fr_dataset *const data = open_real("?pocket=1");
  assert_int_equal(data->count, 5990);
  assert_int_equal(data->subjects.count, 10);
  fr_data_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(minutes_become_records),
      cmocka_unit_test(the_spec_chooses),
      cmocka_unit_test(a_zip_of_gzips_gives_the_same),
      cmocka_unit_test(what_is_wrong_is_named),
      cmocka_unit_test(the_real_ones_have_their_values),
      cmocka_unit_test(ten_people_carry_it_in_a_pocket),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
