/* SPDX-License-Identifier: Apache-2.0 */
/* Key points packed into arrays become the records that their index tells of. */
#include "input.h"

#include <math.h>

#include "../golden/gestures.h"
#include "gestures_made.h"

static const char index_text[] = "row,action,root,sequence,more\n"
                                 "0,\"hello\",\"MP_Data/\",9,1\n2,\"hello\",x,10,1\n"
                                 "1,\"Thank You\",x,9,1\n3,\"Thank You\",x,10,1\n";

static void packed_sequences_are_records(void **state) {
  (void)state;
  made_array("a/ann.npy", MADE(packed), 4, 3, 42, 4, false, false);
  input_text("a/ann.index.csv", index_text);
  const char *const specs[] = {input_spec("keypoints", "a", "features=raw"),
                               input_spec("keypoints", "a/ann.npy", "features=raw")};
  for (size_t n = 0; n < 2; n++) {
    fr_dataset *const data = input_open(specs[n]);
    assert_int_equal(data->count, 4);
    assert_int_equal(data->channels.count, 42);
    assert_string_equal(data->channels.name[3], "hand.1.y");
    assert_string_equal(data->subjects.name[0], "ann");
    assert_string_equal(data->activities.name[0], "Thank You");
    assert_true(data->rate_hz == 30 && data->window == 3 && data->frames == NULL);
    assert_string_equal(data->split, "trial");
    /* by trial, 9 before 10, then by sign */
    const size_t rows[] = {1, 0, 3, 2};
    for (size_t i = 0; i < 4; i++) {
      const fr_record *const r = &data->record[i];
      assert_string_equal(data->trials.name[r->trial], i < 2 ? "9" : "10");
      assert_string_equal(data->activities.name[r->activity],
                          i % 2 == 0 ? "Thank You" : "hello");
      assert_true(r->steps == 3 && fabs(r->span_s - 0.1) < 1e-12);
      for (size_t t = 0; t < 3; t++)
        for (size_t c = 0; c < 42; c++)
          assert_true(r->values[t * 42 + c] == made_number(rows[i], t, c));
    }
    fr_data_free(data);
  }
}

static void other_orders_give_the_same_numbers(void **state) {
  (void)state;
  made_array("b/x.npy", MADE(turned), 2, 3, 126, 8, true, true);
  input_text("b/x.index.csv", "sequence,row,action\ns1,1,go\ns2,0,go\n");
  fr_dataset *const data = input_open(input_spec("keypoints", "b", "features=raw"));
  assert_int_equal(data->count, 2);
  for (size_t i = 0; i < 2; i++)
    for (size_t t = 0; t < 3; t++)
      for (size_t c = 0; c < 126; c++)
        assert_true(data->record[i].values[t * 126 + c] == made_number(1 - i, t, c));
  fr_data_free(data);
}

static void a_zip_holds_the_same(void **state) {
  (void)state;
  size_t size = 0;
  unsigned char *const bytes = made_bytes(MADE(packed), 4, 3, 42, 4, false, false, &size);
  /* the array stands before its index */
  const input_entry entries[] = {{"d/ann.npy", bytes, size},
                                 {"d/ann.index.csv", index_text, 0}};
  input_zip("c.zip", entries, 2);
  made_array("c2/d/ann.npy", MADE(packed), 4, 3, 42, 4, false, false);
  input_text("c2/d/ann.index.csv", index_text);
  fr_dataset *const a = input_open(input_spec("keypoints", "c.zip", ""));
  fr_dataset *const b = input_open(input_spec("keypoints", "c2", ""));
  assert_true(a->digest == b->digest && a->count == 4);
  assert_non_null(a->frames);
  fr_data_free(a);
  fr_data_free(b);
  free(bytes);
}

static void signs_can_be_chosen(void **state) {
  (void)state;
  made_array("a/ann.npy", MADE(packed), 4, 3, 42, 4, false, false);
  input_text("a/ann.index.csv", index_text);
  fr_dataset *const data =
      input_open(input_spec("keypoints", "a", "signs=Thank You&window=2&rate=15"));
  assert_int_equal(data->count, 2);
  assert_int_equal(data->activities.count, 1);
  assert_true(data->window == 2 && data->rate_hz == 15);
  fr_data_free(data);
  input_refused(input_spec("keypoints", "a", "signs=hello,helo"), FR_ERR_NOT_FOUND,
                "signs: 'helo' is none of the data's");
}

static void folders_and_files_are_signers(void **state) {
  (void)state;
  static const char *const files[] = {"p/ann/x", "p/bob/x", "p/bob/y"};
  char spec[2000];
  for (size_t i = 0; i < 3; i++) {
    char name[64];
    snprintf(name, sizeof name, "%s.npy", files[i]);
    made_array(name, MADE(packed), 4, 3, 42, 4, false, false);
    snprintf(name, sizeof name, "%s.index.csv", files[i]);
    input_text(name, index_text);
  }
  const struct {
    const char *signer;
    size_t people, trials;
    const char *names[3], *trial;
  } cases[] = {
      {"", 3, 2, {"bob/x", "x", "y"}, "9"}, /* two files x: the second says whose */
      {"?signer=file", 3, 2, {"bob/x", "x", "y"}, "9"},
      {"?signer=dir", 2, 6, {"ann", "bob"}, "ann/x/9"},
      {"?signer=none", 1, 6, {"1"}, "ann/x/9"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    snprintf(spec, sizeof spec, "keypoints:%s,%s%s", input_path("p/ann"),
             input_path("p/bob"), cases[i].signer);
    fr_dataset *const data = input_open(spec);
    assert_int_equal(data->count, 12);
    assert_int_equal(data->subjects.count, cases[i].people);
    for (size_t s = 0; s < cases[i].people; s++)
      assert_string_equal(data->subjects.name[s], cases[i].names[s]);
    assert_int_equal(data->trials.count, cases[i].trials);
    assert_string_equal(data->trials.name[0], cases[i].trial);
    fr_data_free(data);
  }
}

static void packed(const char *index) {
  made_array("r/x.npy", MADE(packed), 4, 3, 42, 4, false, false);
  input_text("r/x.index.csv", index);
}

#define ROWS(third) "row,action,sequence\n0,a,0\n1,a,1\n" third "3,a,3\n"
static const struct {
  const char *index;
  enum fr_status status;
  const char *sentence;
} wrong[] = {
    {"action,sequence\n", FR_ERR_FORMAT, "x.index.csv:1: column 'row' is missing"},
    {"row,sequence\n", FR_ERR_FORMAT, "x.index.csv:1: column 'action' is missing"},
    {"row,action\n", FR_ERR_FORMAT, "x.index.csv:1: column 'sequence' is missing"},
    {"row,action,sequence\n0,a,0\n", FR_ERR_FORMAT,
     "x.index.csv: it names 1 of the array's 4 sequences"},
    {ROWS("4,a,2\n"), FR_ERR_FORMAT,
     "x.index.csv:4: column 1 'row': '4' is no row of the array"},
    {ROWS("-1,a,2\n"), FR_ERR_FORMAT,
     "x.index.csv:4: column 1 'row': '-1' is no row of the array"},
    {ROWS("1e30,a,2\n"), FR_ERR_FORMAT,
     "x.index.csv:4: column 1 'row': '1e30' is no row of the array"},
    {ROWS("1.5,a,2\n"), FR_ERR_FORMAT,
     "x.index.csv:4: column 1 'row': '1.5' is no row of the array"},
    {ROWS("1,a,2\n"), FR_ERR_FORMAT, "x.index.csv:4: column 1 'row': '1' is there twice"},
    {ROWS("x,a,2\n"), FR_ERR_FORMAT,
     "x.index.csv:4: column 1 'row': 'x' is not a number"},
    {ROWS("2,,2\n"), FR_ERR_FORMAT, "x.index.csv:4: column 2 'action': '' is no name"},
    {ROWS("2,a,\n"), FR_ERR_FORMAT, "x.index.csv:4: column 3 'sequence': '' is no name"},
    {ROWS("2\n"), FR_ERR_FORMAT, "x.index.csv:4: 1 columns, column 2 is missing"},
    {ROWS("2,a,1\n"), FR_ERR_FORMAT, "sequence '1' of 'a' by 'x' is there twice"},
};

static void a_wrong_index_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    packed(wrong[i].index);
    input_refused(input_spec("keypoints", "r", ""), wrong[i].status, wrong[i].sentence);
  }
}

static void an_array_without_an_index_is_refused(void **state) {
  (void)state;
  made_array("n/x.npy", MADE(packed), 4, 3, 42, 4, false, false);
  input_refused(input_spec("keypoints", "n/x.npy", ""), FR_ERR_NOT_FOUND,
                "x.npy: there is no 'x.index.csv' beside it to say what its rows are");
}

static void wrong_keys_are_refused(void **state) {
  (void)state;
  packed(ROWS("2,a,2\n"));
  input_refused(input_spec("keypoints", "r", "signer=me"), FR_ERR_ARGUMENT,
                "signer: 'me' is not dir, file or none");
  input_refused(input_spec("keypoints", "r", "features=all"), FR_ERR_ARGUMENT,
                "features: 'all' is not points or raw");
  input_refused(input_spec("keypoints", "r", "features=raw&parts=hands"), FR_ERR_ARGUMENT,
                "parts= is of features=points");
}

static void several_paths_say_which_is_wrong(void **state) {
  (void)state;
  char spec[2000], sentence[1200];
  packed(ROWS("2,a,2\n"));
  made_array("r2/x.npy", MADE(packed), 4, 3, 42, 4, false, false);
  input_text("r2/x.index.csv", "row\n");
  snprintf(spec, sizeof spec, "keypoints:%s,%s", input_path("r"), input_path("r2"));
  snprintf(sentence, sizeof sentence, "'%s': x.index.csv:1: column 'action' is missing",
           input_path("r2"));
  input_refused(spec, FR_ERR_FORMAT, sentence);
}

/* ---- real recordings ---- */

static void check_recorded(const fr_dataset *data, size_t n) {
  const size_t width = data->channels.count;
  double all = 0, some = 0;
  size_t sequences = 0, zeros = 0;
  for (size_t i = 0; i < data->count; i++) {
    const fr_record *const r = &data->record[i];
    if (strcmp(data->subjects.name[r->subject], recorded[n].file) != 0 ||
        strcmp(data->activities.name[r->activity], recorded[n].sign) != 0)
      continue;
    sequences++;
    assert_int_equal(r->steps, 30);
    for (size_t v = 0; v < 30 * width; v++) {
      all += (double)r->values[v];
      zeros += r->values[v] == 0;
    }
    for (size_t c = 11; c < width; c += 17)
      some += fabs((double)r->values[7 * width + c]);
  }
  assert_int_equal(sequences, recorded[n].sequences);
  assert_int_equal(zeros, recorded[n].zeros);
  assert_true(fabs(all - recorded[n].all) < 1e-6 * fabs(recorded[n].all) + 1e-6);
  assert_true(fabs(some - recorded[n].some) < 1e-6 * recorded[n].some);
}

static void real_recordings_are_what_numpy_reads(void **state) {
  (void)state;
  static const char *const folders[] = {"signs_1662", "psl_126"};
  const char *const shared = test_shared();
  size_t found = 0;
  if (shared == NULL)
    skip();
  for (size_t f = 0; f < 2; f++) {
    char spec[1200];
    snprintf(spec, sizeof spec, "keypoints:%s/%s?features=raw", shared, folders[f]);
    fr_dataset *const data = input_open(spec);
    assert_int_equal(data->window, 30);
    assert_int_equal(data->subjects.count, f == 0 ? 3 : 1);
    assert_int_equal(data->count, f == 0 ? 360 : 1138);
    assert_int_equal(data->channels.count, f == 0 ? 1662 : 126);
    for (size_t n = 0; n < sizeof recorded / sizeof *recorded; n++)
      if ((strcmp(recorded[n].file, "psl") == 0) == (f == 1)) {
        check_recorded(data, n);
        found++;
      }
    fr_data_free(data);
  }
  assert_int_equal(found, sizeof recorded / sizeof *recorded);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packed_sequences_are_records),
      cmocka_unit_test(other_orders_give_the_same_numbers),
      cmocka_unit_test(a_zip_holds_the_same),
      cmocka_unit_test(signs_can_be_chosen),
      cmocka_unit_test(folders_and_files_are_signers),
      cmocka_unit_test(a_wrong_index_is_refused),
      cmocka_unit_test(an_array_without_an_index_is_refused),
      cmocka_unit_test(wrong_keys_are_refused),
      cmocka_unit_test(several_paths_say_which_is_wrong),
      cmocka_unit_test(real_recordings_are_what_numpy_reads),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
