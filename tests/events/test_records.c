/* SPDX-License-Identifier: Apache-2.0 */
/* What lands in the file, and when. */
#include "reader.h"

#include <unistd.h>

#include "frugal/events.h"

#include "golden.h"

static const int64_t time_ns = 1700000000500000000;

static void begins_with_the_version_of_the_format(void **state) {
  (void)state;
  char *folder = test_folder_make();
  fr_events *events = NULL;
  reader r;
  ASSERT_OK(fr_events_new(folder, &events, err));
  reader_init(&r, fr_events_path(events));
  assert_int_equal(r.records, 1);
  Fr__Events__Event *event = reader_event(&r, 0);
  assert_int_equal(event->what_case, FR__EVENTS__EVENT__WHAT_FILE_VERSION);
  assert_string_equal(event->file_version, "brain.Event:2");
  assert_true(event->wall_time > 1.7e9); /* the clock's, s */
  fr__events__event__free_unpacked(event, NULL);
  reader_release(&r);
  fr_events_free(events);
  test_folder_remove(folder);
}

/* golden.py has the same in its order. */
static void write_all(fr_events *events) {
  const fr_events_parameter parameter[] = {
      {.name = "batch", .kind = FR_EVENTS_NUMBER, .number = 64},
      {.name = "dropout", .kind = FR_EVENTS_NUMBER, .number = 0},
      {.name = "net", .kind = FR_EVENTS_STRING, .string = "small"},
      {.name = "resume", .kind = FR_EVENTS_BOOLEAN, .boolean = false},
  };
  const char *const metric[] = {"validation/accuracy"};
  const fr_events_session session = {"repeats", parameter, 4, metric, 1};
  float value[121];
  for (size_t i = 0; i < 121; i++)
    value[i] = 0.25f * (float)(120 - i);
  fr_events_set_time(events, time_ns);
  ASSERT_OK(fr_events_hparams(events, &session, err));
  ASSERT_OK(fr_events_scalar(events, 7, "train/loss", 0.1, err));
  ASSERT_OK(fr_events_histogram(events, 8, "weights", value, 121, NULL, err));
  ASSERT_OK(fr_events_text(events, 9, "notes", "**größer** 手", err));
  ASSERT_OK(fr_events_restart(events, 10, err));
  ASSERT_OK(fr_events_hparams_end(events, FR_EVENTS_SUCCESS, err));
}

static void are_byte_by_byte_what_tensorboard_writes(void **state) {
  (void)state;
  char *folder = test_folder_make();
  fr_events *events = NULL;
  reader r;
  ASSERT_OK(fr_events_new(folder, &events, err));
  write_all(events);
  ASSERT_OK(fr_events_flush(events, err));
  reader_init(&r, fr_events_path(events));
  assert_int_equal(r.records, 9);
  assert_int_equal(r.size - r.at[1], sizeof golden_records);
  assert_memory_equal(r.bytes + r.at[1], golden_records, sizeof golden_records);
  reader_release(&r);
  fr_events_free(events);
  test_folder_remove(folder);
}

static void are_in_the_file_as_soon_as_given(void **state) {
  (void)state;
  char *folder = test_folder_make();
  fr_events *events = NULL;
  ASSERT_OK(fr_events_new(folder, &events, err));
  for (int64_t step = 0; step < 3; step++) {
    reader r;
    ASSERT_OK(fr_events_scalar(events, step, "loss", 1.5 * (double)step, err));
    reader_init(&r, fr_events_path(events));
    assert_int_equal(r.records, step + 2);
    Fr__Events__Event *event = reader_event(&r, (size_t)step + 1);
    assert_int_equal(event->step, step);
    assert_true(event->summary->value[0]->tensor->float_val[0] == 1.5f * (float)step);
    fr__events__event__free_unpacked(event, NULL);
    reader_release(&r);
  }
  fr_events_free(events);
  test_folder_remove(folder);
}

static void a_long_text_and_the_far_step_are_whole(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char *text = malloc(FR_EVENTS_TEXT_CEILING + 2);
  fr_events *events = NULL;
  fr_error why = {0};
  reader r;
  memset(text, 'x', FR_EVENTS_TEXT_CEILING + 1);
  text[FR_EVENTS_TEXT_CEILING + 1] = '\0';
  ASSERT_OK(fr_events_new(folder, &events, err));
  assert_int_equal(fr_events_text(events, 0, "t", text, &why), FR_ERR_LIMIT);
  text[FR_EVENTS_TEXT_CEILING] = '\0';
  ASSERT_OK(fr_events_text(events, INT64_MAX, "t", text, err));
  reader_init(&r, fr_events_path(events));
  assert_int_equal(r.records, 2);
  Fr__Events__Event *event = reader_event(&r, 1);
  assert_true(event->step == INT64_MAX);
  assert_int_equal(event->summary->value[0]->tensor->string_val[0].len,
                   FR_EVENTS_TEXT_CEILING);
  fr__events__event__free_unpacked(event, NULL);
  reader_release(&r);
  fr_events_free(events);
  free(text);
  test_folder_remove(folder);
}

static void two_writers_of_one_folder_do_not_meet(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char *deep = fr__path_join(folder, "runs/a/");
  fr_events *events[3] = {NULL};
  for (size_t i = 0; i < 3; i++)
    ASSERT_OK(fr_events_new(deep, &events[i], err));
  for (size_t i = 0; i < 3; i++)
    for (size_t k = 0; k <= i; k++)
      ASSERT_OK(fr_events_scalar(events[i], (int64_t)k, "loss", 1, err));
  for (size_t i = 0; i < 3; i++) {
    reader r;
    const char *name = fr__path_name(fr_events_path(events[i]));
    assert_memory_equal(name, "events.out.tfevents.", 20);
    assert_memory_equal(fr_events_path(events[i]), deep, strlen(deep));
    assert_string_equal(name + strlen(name) - 3, ".v2");
    reader_init(&r, fr_events_path(events[i]));
    assert_int_equal(r.records, i + 2);
    reader_release(&r);
    fr_events_free(events[i]);
  }
  free(deep);
  test_folder_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(begins_with_the_version_of_the_format),
      cmocka_unit_test(are_byte_by_byte_what_tensorboard_writes),
      cmocka_unit_test(are_in_the_file_as_soon_as_given),
      cmocka_unit_test(a_long_text_and_the_far_step_are_whole),
      cmocka_unit_test(two_writers_of_one_folder_do_not_meet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
