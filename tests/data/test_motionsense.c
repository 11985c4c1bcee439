/* SPDX-License-Identifier: Apache-2.0 */
/* MotionSense as a zip and as a folder; golden values of the real one by Python's csv. */
#include "input.h"

#include <math.h>

#include "base/clock.h"

static const char two_rows[] = MOTION_HEADER MOTION_ROW("0") MOTION_ROW("1");
static const char one_row[] = MOTION_HEADER "0,0.5,,x,4,5,6,7,8,9,1e1,11.5,-12";

static void a_zip_is_read(void **state) {
  (void)state;
  const input_entry entries[] = {
      {.name = "A_DeviceMotion_data/wlk_15/sub_10.csv", .bytes = two_rows},
      {.name = "A_DeviceMotion_data/wlk_7/sub_2.csv", .bytes = two_rows},
      {.name = "__MACOSX/A_DeviceMotion_data/wlk_7/._sub_2.csv", .bytes = "litter"},
      {.name = "A_DeviceMotion_data/.DS_Store", .bytes = "litter"},
      {.name = "A_DeviceMotion_data/sit_5/sub_2.csv", .bytes = two_rows}};
  input_zip("a.zip", entries, 5);
  fr_dataset *const data = input_open(input_spec("motionsense", "a.zip", ""));
  assert_int_equal(data->count, 3);
  assert_int_equal(data->channels.count, 12);
  assert_string_equal(data->channels.name[3], "gravity.x");
  assert_true(data->rate_hz == 50);
  assert_string_equal(data->split, "trial");
  const fr_record *const r = data->record;
  assert_string_equal(data->subjects.name[r[0].subject], "2");
  assert_string_equal(data->trials.name[r[0].trial], "5");
  assert_string_equal(data->activities.name[r[0].activity], "sit");
  assert_string_equal(data->trials.name[r[1].trial], "7");
  assert_string_equal(data->subjects.name[r[2].subject], "10");
  assert_int_equal(r[2].steps, 2);
  assert_true(r[2].start_s == 0 && r[2].span_s == 0.04);
  assert_true(r[2].values[12 + 10] == 11.5f && r[2].values[11] == -12);
  fr_data_free(data);
}

static void a_folder_gives_the_same(void **state) {
  (void)state;
  const input_entry entries[] = {{.name = "A/wlk_7/sub_2.csv", .bytes = two_rows},
                                 {.name = "A/dws_1/sub_11.csv", .bytes = two_rows}};
  input_zip("b.zip", entries, 2);
  input_text("b/dws_1/sub_11.csv", two_rows);
  input_text("b/wlk_7/sub_2.csv", two_rows);
  fr_dataset *const zip = input_open(input_spec("motionsense", "b.zip", ""));
  fr_dataset *const folder = input_open(input_spec("motionsense", "b", ""));
  assert_int_equal(folder->count, 2);
  assert_true(zip->digest == folder->digest);
  fr_data_facts facts;
  ASSERT_OK(fr_data_check(input_spec("motionsense", "b", ""), &facts, err));
  assert_int_equal(facts.files, 2);
  assert_int_equal(facts.rows, 4);
  assert_int_equal(facts.subjects, 2);
  assert_true(facts.digest == zip->digest);
  fr_data_free(zip);
  fr_data_free(folder);
}

static void the_spec_chooses(void **state) {
  (void)state;
  input_text("c/wlk_7/sub_2.csv", one_row);
  input_text("c/wlk_7/sub_3.csv", one_row);
  input_text("c/sit_5/sub_2.csv", one_row);
  /* columns that are not asked for may hold anything */
  fr_dataset *const data =
      input_open(input_spec("motionsense", "c",
                            "channels=acceleration,attitude.roll&activities=wlk,jog&"
                            "subjects=1-2"));
  assert_int_equal(data->count, 1);
  assert_int_equal(data->channels.count, 4);
  assert_string_equal(data->channels.name[0], "userAcceleration.x");
  assert_string_equal(data->channels.name[3], "attitude.roll");
  const float *const v = data->record[0].values;
  assert_true(v[0] == 10 && v[1] == 11.5f && v[2] == -12 && v[3] == 0.5f);
  fr_data_free(data);
  input_refused(input_spec("motionsense", "c", "subjects=9"), FR_ERR_NOT_FOUND,
                "*' holds no such recording");
}

static void unusual_csv_is_read_all_the_same(void **state) {
  (void)state;
  input_text("d/jog_9/sub_1.csv",
             MOTION_HEADER "\"0\",1,2,\"3\",4,5,6,7,8,9,10,11,12\r\n\r\n"
                           "1, 1 ,2,3,4,5,6,7,8,9,10,11,12\r\n" MOTION_ROW("2"));
  fr_dataset *const data = input_open(input_spec("motionsense", "d", ""));
  assert_int_equal(data->record[0].steps, 3);
  assert_true(data->record[0].values[2] == 3 && data->record[0].values[12] == 1);
  fr_data_free(data);
}

static void assert_bad(const char *text, const char *sentence) {
  input_text("e/wlk_7/sub_3.csv", text);
  input_refused(input_spec("motionsense", "e", ""), FR_ERR_FORMAT, sentence);
}

static void what_is_wrong_is_named(void **state) {
  (void)state;
  assert_bad(MOTION_HEADER MOTION_ROW("0") "1,1,2,3,4,5,6,7,8,9,NaNx,11,12\n",
             "wlk_7/sub_3.csv:3: column 11 'userAcceleration.x': 'NaNx' is not a number");
  assert_bad(MOTION_HEADER MOTION_ROW("0")
                 MOTION_ROW("1") "2,1,2,3,nan,5,6,7,8,9,10,1,1\n",
             "wlk_7/sub_3.csv:4: column 5 'gravity.x': 'nan' is not a finite number");
  assert_bad(MOTION_HEADER "0,1,2,3,4,5,6,7,8,9,1e99,11,12\n",
             "wlk_7/sub_3.csv:2: column 11 'userAcceleration.x': '1e99' is too large");
  assert_bad(MOTION_HEADER MOTION_ROW("0") "1,1,2,3\n",
             "wlk_7/sub_3.csv:3: 4 columns in place of 13");
  assert_bad(MOTION_HEADER "0,1,2,3,4,5,6,7,8,9,10,11,12,13\n",
             "wlk_7/sub_3.csv:2: 14 columns in place of 13");
  assert_bad(MOTION_HEADER, "wlk_7/sub_3.csv: no rows behind the header");
  assert_bad(",attitude.roll\n0,1\n",
             "wlk_7/sub_3.csv:1: column 'attitude.pitch' is missing");
  assert_bad("", "'wlk_7/sub_3.csv' is empty");
}

static const char *real_spec(const char *options) {
  static char spec[700];
  const char *const shared = test_shared();
  if (shared == NULL)
    skip();
  snprintf(spec, sizeof spec, "motionsense:%s/motionsense/A_DeviceMotion_data.zip%s",
           shared, options);
  return spec;
}

static void the_real_one_has_its_published_size(void **state) {
  (void)state;
  fr_data_facts facts;
  const char *const spec = real_spec("");
  const uint64_t start = fr__clock_process_cpu_ns();
  ASSERT_OK(fr_data_check(spec, &facts, err));
  print_message("# all of MotionSense: %.2f s of CPU time\n",
                (double)(fr__clock_process_cpu_ns() - start) / 1e9);
  assert_int_equal(facts.files, 360);
  assert_int_equal(facts.rows, 1412865);
  assert_int_equal(facts.subjects, 24);
}

static void the_real_one_has_its_values(void **state) {
  (void)state;
  static const float row_100[12] = {2.944051F,  -1.232498F, 0.342534F,  0.065131F,
                                    0.943321F,  0.325409F,  0.233291F,  0.292104F,
                                    -0.001715F, -0.001151F, -0.003273F, 0.045304F};
  /* sums of the columns, rounded to float each, of wlk_7/sub_5 */
  static const double sum[12] = {
      -7874.603464103595, -6340.773754358292,  1480.3563176897587, -177.53137602793868,
      4576.369916141033,  646.6326529509388,   143.70431418390945, 60.83601654518861,
      -344.0230563151126, -182.51696855320915, 137.01901812883443, -71.50149690118269};
  fr_dataset *const data = input_open(real_spec("?activities=wlk&subjects=5"));
  assert_int_equal(data->count, 3);
  const fr_record *const r = &data->record[0];
  assert_string_equal(data->trials.name[r->trial], "7");
  assert_int_equal(r->steps, 4735);
  assert_memory_equal(r->values + (size_t)100 * 12, row_100, sizeof row_100);
  for (size_t c = 0; c < 12; c++) {
    double is = 0;
    for (size_t t = 0; t < r->steps; t++)
      is += (double)r->values[t * 12 + c];
    assert_true(fabs(is - sum[c]) < 1e-8);
  }
  fr_data_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_zip_is_read),
      cmocka_unit_test(a_folder_gives_the_same),
      cmocka_unit_test(the_spec_chooses),
      cmocka_unit_test(unusual_csv_is_read_all_the_same),
      cmocka_unit_test(what_is_wrong_is_named),
      cmocka_unit_test(the_real_one_has_its_published_size),
      cmocka_unit_test(the_real_one_has_its_values),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
