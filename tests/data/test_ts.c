/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the UEA and UCR archives: what stands in them, the split that they are
 * published with, and that hostile ones are refused by file and line. */
#include "input.h"

#include <math.h>

#include "base/rng.h"

typedef struct ts_golden {
  const char *problem, *file;
  size_t cases, channels, shortest, longest, classes, most;
  double sum, squares;
  const char *label; /* of the first case */
  double value;      /* its last channel at step 7 */
} ts_golden;

#include "../golden/ts.h"

#define HEAD "@problemName P\n@timeStamps false\n@univariate false\n"
#define CLASSES "@classLabel true a b\n@data\n"

/* ---- small files ---- */

static void channels_values_and_classes_are_read(void **state) {
  (void)state;
  input_text("P.ts", "# a comment, caf\xe9\r\n\n" HEAD "@dimensions 2\n" CLASSES
                     "1,2.5,-3e2 : 4,?, 6:b\n# between\n7,8,9:10,NaN,12:a\n");
  fr_dataset *data = input_open(input_spec("ts", "P.ts", "rate=20"));
  assert_int_equal(data->count, 2);
  assert_int_equal(data->channels.count, 2);
  assert_int_equal(data->window, 3);
  assert_true(data->rate_hz == 20);
  assert_string_equal(data->split, "trial");
  assert_string_equal(data->channels.name[1], "2");
  assert_string_equal(data->subjects.name[0], "P");
  const fr_record *a = &data->record[0], *b = &data->record[1];
  assert_string_equal(data->activities.name[a->activity], "a");
  assert_string_equal(data->activities.name[b->activity], "b");
  assert_true(a->trial == 0 && b->trial == 0); /* the first of its class, each */
  const float want[] = {1, 4, 2.5f, NAN, -300, 6};
  for (size_t i = 0; i < 6; i++)
    assert_true(b->values[i] == want[i] || (isnan(want[i]) && isnan(b->values[i])));
  assert_true(b->span_s == 3.0 / 20);
  fr_data_free(data);
}

static void nan_at_the_end_is_padding(void **state) {
  (void)state;
  input_text("P.ts", HEAD CLASSES "1,2,NaN,NaN:3,?,NaN,NaN:a\n1,?,3,4:5,6,7,8:b\n");
  fr_dataset *data = input_open(input_spec("ts", "P.ts", ""));
  assert_int_equal(data->record[0].steps, 2);
  assert_int_equal(data->record[1].steps, 4);
  assert_int_equal(data->window, 4);
  assert_true(isnan(data->record[0].values[3]) && isnan(data->record[1].values[2]));
  fr_data_free(data);
}

static void a_class_may_be_unknown_or_not_there(void **state) {
  (void)state;
  input_text("P.ts", HEAD "@classLabel true\n@data\n1,2:x\n1,2:?\n3,4:y\n");
  fr_dataset *data = input_open(input_spec("ts", "P.ts", ""));
  assert_int_equal(data->activities.count, 2);
  size_t unknown = 0;
  for (size_t i = 0; i < data->count; i++)
    unknown += data->record[i].activity == FR_NONE;
  assert_int_equal(unknown, 1);
  fr_data_free(data);
  input_text("P.ts", HEAD "@classLabel false\n@data\n1,2:3,4\n");
  data = input_open(input_spec("ts", "P.ts", ""));
  assert_int_equal(data->channels.count, 2);
  assert_true(data->record[0].activity == FR_NONE);
  fr_data_free(data);
}

/* ---- the published split ---- */

static size_t count_side(const fr_windows *w, const fr_split *split, enum fr_side side,
                         const char *file) {
  size_t n = 0;
  for (size_t i = 0; i < w->count; i++) {
    const fr_record *r = &w->data->record[w->at[i].record];
    n += split->side[i] == side && strcmp(w->data->subjects.name[r->subject], file) == 0;
  }
  return n;
}

static void assert_published(const char *spec) {
  fr_dataset *data = input_open(spec);
  fr_windows windows;
  fr_split split;
  assert_string_equal(data->split, "published");
  ASSERT_OK(fr_windows_init(&windows, data, 2, 2, err));
  ASSERT_OK(fr_split_init(&split, &windows, NULL, "0.25", 0, 1, err));
  assert_int_equal(count_side(&windows, &split, FR_SIDE_TEST, "P_TEST"), 2);
  assert_int_equal(split.count[FR_SIDE_TEST], 2);
  assert_int_equal(count_side(&windows, &split, FR_SIDE_TRAIN, "P_TRAIN"), 6);
  assert_int_equal(count_side(&windows, &split, FR_SIDE_VALIDATE, "P_TRAIN"), 2);
  bool seen[2] = {false, false}; /* a share of the training side is one of each class */
  for (size_t i = 0; i < windows.count; i++)
    if (split.side[i] == FR_SIDE_VALIDATE)
      seen[data->record[windows.at[i].record].activity] = true;
  assert_true(seen[0] && seen[1]);
  fr_split_release(&split);
  fr_windows_release(&windows);
  fr_data_free(data);
}

static void train_and_test_files_are_a_split(void **state) {
  (void)state;
  static const char train[] =
      HEAD CLASSES "1,2:a\n3,4:a\n5,6:a\n7,8:a\n1,2:b\n3,4:b\n5,6:b\n7,8:b\n";
  static const char test[] = HEAD CLASSES "1,2:b\n3,5:a\n";
  input_text("D/P_TRAIN.ts", train);
  input_text("D/P_TEST.ts", test);
  assert_published(input_spec("ts", "D", ""));
  assert_published(input_spec("ts", "D/P", ""));
  char both[1200];
  snprintf(both, sizeof both, "ts:%s,%s", input_path("D/P_TEST.ts"),
           input_path("D/P_TRAIN.ts"));
  assert_published(both);
  const input_entry entry[] = {{"P/P_TRAIN.ts", train, 0}, {"P/P_TEST.ts", test, 0}};
  input_zip("P.zip", entry, 2);
  assert_published(input_spec("ts", "P.zip", ""));
  fr_data_facts facts;
  ASSERT_OK(fr_data_check(input_spec("ts", "D/P", ""), &facts, err));
  assert_true(facts.files == 2 && facts.rows == 20 && facts.subjects == 2);
  assert_string_equal(fr_data_task("ts:D/P"), "gesture");
  fr_dataset *data = input_open(input_spec("ts", "D/P_TRAIN.ts", ""));
  assert_string_equal(data->split, "trial");
  assert_int_equal(data->count, 8);
  fr_data_free(data);
}

static void two_problems_are_not_one(void **state) {
  (void)state;
  input_text("E/P_TRAIN.ts", HEAD CLASSES "1,2:a\n");
  input_text("E/Q_TRAIN.ts", HEAD CLASSES "1,2:a\n");
  input_refused(input_spec("ts", "E", ""), FR_ERR_ARGUMENT,
                "'Q' and 'P' are two problems: name one, such as ts:DIR/P");
  input_text("F/P_TRAIN.ts", HEAD CLASSES "1,2:3,4:a\n");
  input_text("F/P_TEST.ts", HEAD CLASSES "1,2:a\n");
  input_refused(input_spec("ts", "F", ""), FR_ERR_FORMAT,
                "P_TRAIN.ts:6: 2 channels in place of 1");
  fr_dataset *data = NULL;
  assert_int_equal(fr_data_open(input_spec("ts", "nowhere", ""), NULL, &data, NULL),
                   FR_ERR_NOT_FOUND);
}

/* ---- hostile ones ---- */

static void what_is_wrong_is_told_by_line(void **state) {
  (void)state;
  static const struct {
    const char *text, *sentence;
  } bad[] = {
      {"@problemName P\n", "P.ts: there is no @data"},
      {"1,2:a\n", "P.ts:1: a case before @data"},
      {HEAD CLASSES, "P.ts: no cases behind @data"},
      {"@timeStamps perhaps\n", "P.ts:1: @timeStamps: 'perhaps' is not true or false"},
      {"@timeStamps true\n", "P.ts:1: @timeStamps: cases with time stamps are not read: "
                             "resample them to equal steps"},
      {"@targetLabel true\n", "P.ts:1: @targetLabel: targets are numbers, not classes"},
      {"@dimensions 0\n",
       "P.ts:1: @dimensions: '0' is not a whole number from 1 to 65536"},
      {"@dimensions 99999999999999999999999999\n",
       "P.ts:1: @dimensions: '99999999999999999999999999' is not a whole number from 1 "
       "to "
       "65536"},
      {"@univariate true\n@dimensions 3\n", "P.ts:2: @dimensions 3 after 1"},
      {HEAD "@dimensions 3\n" CLASSES "1:2:a\n", "P.ts:7: 2 channels in place of 3"},
      {HEAD CLASSES "1,2:3:a\n", "P.ts:6: channel 2 has 1 values, channel 1 has 2"},
      {HEAD CLASSES "1,2\n", "P.ts:6: no class behind the values"},
      {HEAD CLASSES "1,2:\n", "P.ts:6: the class is missing"},
      {HEAD CLASSES "1,2:c\n", "P.ts:6: the class 'c' is not among the header's"},
      {HEAD CLASSES "1,2:a\n1,x:a\n", "P.ts:7: channel 1, value 2: 'x' is not a number"},
      {HEAD CLASSES "1,:a\n", "P.ts:6: channel 1, value 2: '' is not a number"},
      {HEAD CLASSES "1,inf:a\n", "P.ts:6: channel 1, value 2: 'inf' is not a number"},
      {HEAD CLASSES "1,1e99:a\n", "P.ts:6: channel 1, value 2: '1e99' is not a number"},
      {HEAD CLASSES "(0,1.5),(1,2):a\n",
       "P.ts:6: channel 1, value 1: '(0' has a time stamp, which is not read"},
      {HEAD CLASSES "NaN,?:a\n", "P.ts:6: every value is missing"},
      {HEAD "@equalLength true\n@seriesLength 3\n" CLASSES "1,2:a\n",
       "P.ts:8: 2 steps in place of 3"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    input_text("P.ts", bad[i].text);
    input_refused(input_spec("ts", "P.ts", ""), FR_ERR_FORMAT, bad[i].sentence);
  }
}

static void a_class_is_text(void **state) {
  (void)state;
  static const char text[] = HEAD CLASSES "1,2:a\0b\n";
  char head[512];
  input_write("P.ts", text, sizeof text - 1);
  input_refused(input_spec("ts", "P.ts", ""), FR_ERR_FORMAT,
                "P.ts:6: a class's name is no text of at most 256 bytes");
  snprintf(head, sizeof head, HEAD "@classLabel true %0300d\n@data\n1:a\n", 0);
  input_text("P.ts", head);
  input_refused(input_spec("ts", "P.ts", ""), FR_ERR_FORMAT,
                "P.ts:4: a class's name is no text of at most 256 bytes");
}

static void too_many_classes_are_refused(void **state) {
  (void)state;
  char *const text = calloc(1 << 17, 1);
  size_t n = (size_t)sprintf(text, "@classLabel true");
  for (size_t i = 0; i < 5000; i++)
    n += (size_t)sprintf(text + n, " c%zu", i);
  (void)sprintf(text + n, "\n@data\n1:c1\n");
  input_text("P.ts", text);
  input_refused(input_spec("ts", "P.ts", ""), FR_ERR_LIMIT,
                "P.ts:1: more than 4096 classes");
  free(text);
}

/* A byte changed, or the file cut: a sentence or a data set, never a crash. */
static void damage_is_survived(void **state) {
  (void)state;
  static const char whole[] =
      HEAD "@dimensions 2\n@equalLength true\n@seriesLength 3\n" CLASSES
           "1,2,3:4,?,6:b\n7,8,9:1,NaN,2:a\n";
  static const char bytes[] = {0, ':', ',', '\n', '@', '#', '?', '-', '9', (char)0xff};
  char text[sizeof whole];
  fr__rng rng;
  fr__rng_init(&rng, 3, 0);
  for (size_t i = 0; i < 3000; i++) {
    fr_dataset *data = NULL;
    fr_error error = {0};
    size_t size = sizeof whole - 1;
    memcpy(text, whole, sizeof whole);
    for (size_t k = fr__rng_below(&rng, 4); k > 0; k--)
      text[fr__rng_below(&rng, size)] = bytes[fr__rng_below(&rng, sizeof bytes)];
    if (i % 3 == 0)
      size = 1 + fr__rng_below(&rng, size);
    input_write("P.ts", text, size);
    if (fr_data_open(input_spec("ts", "P.ts", ""), NULL, &data, &error) != FR_OK)
      assert_true(error.text[0] != '\0' && data == NULL);
    fr_data_free(data);
  }
}

/* ---- the published files ---- */

/* What Python, which knows nothing of this reader, finds in them (tests/golden/ts.py). */
static void assert_file(const fr_dataset *data, const ts_golden *g) {
  size_t cases = 0, shortest = SIZE_MAX, longest = 0, most = 0;
  double sum = 0, squares = 0;
  for (size_t i = 0; i < data->count; i++) {
    const fr_record *r = &data->record[i];
    if (strcmp(data->subjects.name[r->subject], g->file) != 0)
      continue;
    cases++;
    shortest = r->steps < shortest ? r->steps : shortest;
    longest = r->steps > longest ? r->steps : longest;
    most = r->trial + 1 > most ? r->trial + 1 : most;
    for (size_t v = 0; v < r->steps * g->channels; v++) {
      sum += (double)r->values[v];
      squares += (double)r->values[v] * (double)r->values[v];
    }
  }
  assert_int_equal(cases, g->cases);
  assert_int_equal(data->channels.count, g->channels);
  assert_int_equal(data->activities.count, g->classes);
  assert_true(shortest == g->shortest && longest == g->longest && most == g->most);
  assert_true(fabs(sum - g->sum) < 1e-6 * g->squares);
  assert_true(fabs(squares - g->squares) < 1e-6 * g->squares);
}

/* The first case of its class is trial 1. */
static void assert_first(const fr_dataset *data, const ts_golden *g) {
  size_t found = 0;
  for (size_t i = 0; i < data->count; i++) {
    const fr_record *r = &data->record[i];
    if (strcmp(data->subjects.name[r->subject], g->file) != 0 || r->trial != 0 ||
        strcmp(data->activities.name[r->activity], g->label) != 0)
      continue;
    found++;
    assert_true(r->values[8 * g->channels - 1] == (float)g->value);
  }
  assert_int_equal(found, 1);
}

static void published_files_hold_what_they_hold(void **state) {
  (void)state;
  const char *const shared = test_shared();
  if (shared == NULL)
    skip();
  for (size_t i = 0; i < sizeof ts_published / sizeof *ts_published; i++) {
    const ts_golden *const g = &ts_published[i];
    char spec[1100];
    snprintf(spec, sizeof spec, "ts:%s/timeseries/%s", shared, g->problem);
    fr_dataset *data = input_open(spec);
    assert_file(data, g);
    assert_first(data, g);
    fr_data_free(data);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(channels_values_and_classes_are_read),
      cmocka_unit_test(nan_at_the_end_is_padding),
      cmocka_unit_test(a_class_may_be_unknown_or_not_there),
      cmocka_unit_test(train_and_test_files_are_a_split),
      cmocka_unit_test(two_problems_are_not_one),
      cmocka_unit_test(what_is_wrong_is_told_by_line),
      cmocka_unit_test(a_class_is_text),
      cmocka_unit_test(too_many_classes_are_refused),
      cmocka_unit_test(damage_is_survived),
      cmocka_unit_test(published_files_hold_what_they_hold),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
