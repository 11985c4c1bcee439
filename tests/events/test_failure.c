/* SPDX-License-Identifier: Apache-2.0 */
/* Full disks, folders that cannot be, strings that no reader takes. */
#include "reader.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "events/record.h"
#include "frugal/events.h"

/* The largest file that this process may write: what a full disk looks like. */
static void set_room(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static size_t records_of(const fr_events *events, size_t *size) {
  reader r;
  reader_init(&r, fr_events_path(events));
  const size_t records = r.records;
  *size = r.size;
  reader_release(&r);
  return records;
}

static void a_full_disk_leaves_whole_records_and_the_next_goes_on(void **state) {
  (void)state;
  char *folder = test_folder_make();
  fr_events *events = NULL;
  fr_error why = {0};
  size_t size = 0, same = 0;
  ASSERT_OK(fr_events_new(folder, &events, err));
  ASSERT_OK(fr_events_scalar(events, 1, "loss", 1, err));
  assert_int_equal(records_of(events, &size), 2);
  for (size_t room = 0; room < 40; room += 13) {
    set_room(size + room);
    const enum fr_status status = fr_events_scalar(events, 2, "loss", 1, &why);
    set_room(RLIM_INFINITY);
    assert_int_equal(status, FR_ERR_IO);
    assert_non_null(strstr(why.text, fr_events_path(events)));
    assert_non_null(strstr(why.text, "cannot be written: File too large"));
    assert_int_equal(records_of(events, &same), 2);
    assert_int_equal(same, size);
    assert_int_equal(fr_events_lost(events), room / 13 + 1);
  }
  ASSERT_OK(fr_events_scalar(events, 3, "loss", 1, err));
  assert_int_equal(records_of(events, &same), 3);
  fr_events_free(events);
  test_folder_remove(folder);
}

/* A cut that failed, too: what is left of the broken record goes before the next one. */
static void half_a_record_is_cut_off_as_soon_as_it_can_be(void **state) {
  (void)state;
  char *folder = test_folder_make();
  fr__record record;
  reader r;
  ASSERT_OK(fr__record_init(&record, folder, 0, err));
  memset(fr__record_room(&record, 300, NULL), 'x', 300);
  ASSERT_OK(fr__record_write(&record, 5, err));
  FILE *file = fopen(record.path, "ab");
  assert_non_null(file);
  assert_true(fwrite(record.frame, 1, 200, file) == 200);
  assert_int_equal(fclose(file), 0);
  record.torn = true;
  ASSERT_OK(fr__record_write(&record, 5, err));
  reader_init(&r, record.path);
  assert_int_equal(r.records, 2);
  reader_release(&r);
  fr__record_release(&record);
  test_folder_remove(folder);
}

static void hyper_parameters_that_were_lost_may_be_given_again(void **state) {
  (void)state;
  char *folder = test_folder_make();
  fr_events *events = NULL;
  fr_error why = {0};
  size_t size = 0;
  const fr_events_session session = {0};
  ASSERT_OK(fr_events_new(folder, &events, err));
  records_of(events, &size);
  set_room(size + 10);
  const enum fr_status status = fr_events_hparams(events, &session, &why);
  set_room(RLIM_INFINITY);
  assert_int_equal(status, FR_ERR_IO);
  ASSERT_OK(fr_events_hparams(events, &session, err));
  assert_int_equal(records_of(events, &size), 2);
  fr_events_free(events);
  test_folder_remove(folder);
}

static void no_file_stays_that_could_not_begin(void **state) {
  (void)state;
  char *folder = test_folder_make();
  fr_events *events = NULL;
  fr_error why = {0};
  char command[700];
  set_room(5);
  const enum fr_status status = fr_events_new(folder, &events, &why);
  set_room(RLIM_INFINITY);
  assert_int_equal(status, FR_ERR_IO);
  assert_null(events);
  snprintf(command, sizeof command, "test -z \"$(ls -A '%s')\"", folder);
  assert_int_equal(system(command), 0);
  test_folder_remove(folder);
}

static void a_folder_that_cannot_be_is_named(void **state) {
  (void)state;
  char *folder = test_folder_make();
  char *file = fr__path_join(folder, "file"), *below = fr__path_join(file, "run");
  fr_events *events = NULL;
  fr_error why = {0};
  ASSERT_OK(fr__file_write(file, "", 0, err));
  assert_int_equal(fr_events_new(below, &events, &why), FR_ERR_IO);
  assert_non_null(strstr(why.text, file));
  /* No file can be made there, whoever asks. */
  assert_int_not_equal(fr_events_new("/proc", &events, &why), FR_OK);
  assert_non_null(strstr(why.text, "no event file can be made in '/proc'"));
  assert_null(events);
  free(below);
  free(file);
  test_folder_remove(folder);
}

static void strings_that_no_reader_takes_are_refused(void **state) {
  (void)state;
  /* The Unicode Standard, table 3-7: bytes that never occur, overlong forms, surrogates,
   * beyond U+10FFFF, cut short. */
  static const char *const bad[] = {"\xFF",
                                    "\x80",
                                    "a\xC0\x80",
                                    "\xC1\xBF",
                                    "\xE0\x9F\xBF",
                                    "\xED\xA0\x80",
                                    "\xF0\x8F\xBF\xBF",
                                    "\xF4\x90\x80\x80",
                                    "\xF5\x80\x80\x80",
                                    "\xE2\x82",
                                    "\xC3(",
                                    "\xF0\x9F\x98"};
  static const char *const good[] = {
      "\xC2\x80",     "\xDF\xBF",         "\xE0\xA0\x80",     "\xED\x9F\xBF",
      "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "a/b_c.d-e (f)"};
  char *folder = test_folder_make();
  char longest[FR_EVENTS_TAG_CEILING + 2];
  fr_events *events = NULL;
  fr_error why = {0};
  size_t size = 0;
  ASSERT_OK(fr_events_new(folder, &events, err));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(fr_events_scalar(events, 0, bad[i], 1, &why), FR_ERR_ARGUMENT);
    assert_int_equal(fr_events_text(events, 0, "t", bad[i], &why), FR_ERR_ARGUMENT);
  }
  assert_int_equal(fr_events_scalar(events, 0, "", 1, &why), FR_ERR_ARGUMENT);
  memset(longest, 'x', sizeof longest);
  longest[FR_EVENTS_TAG_CEILING + 1] = '\0';
  assert_int_equal(fr_events_scalar(events, 0, longest, 1, &why), FR_ERR_LIMIT);
  longest[FR_EVENTS_TAG_CEILING] = '\0';
  ASSERT_OK(fr_events_scalar(events, 0, longest, 1, err));
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    ASSERT_OK(fr_events_scalar(events, 0, good[i], 1, err));
  ASSERT_OK(fr_events_text(events, 0, "t", "", err));
  assert_int_equal(records_of(events, &size), 3 + sizeof good / sizeof good[0]);
  assert_int_equal(fr_events_lost(events), 0);
  fr_events_free(events);
  test_folder_remove(folder);
}

static enum fr_status give(fr_events *events, const fr_events_parameter *p, size_t count,
                           fr_error *err) {
  return fr_events_hparams(events, &(fr_events_session){NULL, p, count, NULL, 0}, err);
}

static void hyper_parameters_are_checked_and_given_once(void **state) {
  (void)state;
  static const fr_events_parameter twice[] = {
      {.name = "a"}, {.name = "b"}, {.name = "a"}};
  static const fr_events_parameter name[] = {{.name = ""}};
  static const fr_events_parameter text[] = {
      {.name = "a", .kind = FR_EVENTS_STRING, .string = "\xFF"}};
  const fr_events_parameter number[] = {{.name = "patience", .number = INFINITY}};
  char *folder = test_folder_make();
  fr_events *events = NULL;
  fr_error why = {0};
  size_t size = 0;
  ASSERT_OK(fr_events_new(folder, &events, err));
  assert_int_equal(fr_events_hparams_end(events, FR_EVENTS_SUCCESS, &why),
                   FR_ERR_ARGUMENT);
  assert_int_equal(give(events, twice, 3, &why), FR_ERR_ARGUMENT);
  assert_string_equal(why.text, "hyper-parameter 'a' is given twice");
  assert_int_equal(give(events, name, 1, &why), FR_ERR_ARGUMENT);
  assert_int_equal(give(events, text, 1, &why), FR_ERR_ARGUMENT);
  assert_int_equal(give(events, number, 1, &why), FR_ERR_NUMERIC);
  assert_string_equal(why.text, "hyper-parameter 'patience' is not finite");
  assert_int_equal(give(events, twice, FR_EVENTS_PARAMETER_CEILING + 1, &why),
                   FR_ERR_LIMIT);
  assert_int_equal(records_of(events, &size), 1);
  ASSERT_OK(give(events, twice, 2, err));
  assert_int_equal(give(events, twice, 2, &why), FR_ERR_ARGUMENT);
  ASSERT_OK(fr_events_hparams_end(events, FR_EVENTS_FAILURE, err));
  assert_int_equal(fr_events_hparams_end(events, FR_EVENTS_FAILURE, &why),
                   FR_ERR_ARGUMENT);
  assert_int_equal(records_of(events, &size), 3);
  fr_events_free(events);
  test_folder_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_full_disk_leaves_whole_records_and_the_next_goes_on),
      cmocka_unit_test(half_a_record_is_cut_off_as_soon_as_it_can_be),
      cmocka_unit_test(hyper_parameters_that_were_lost_may_be_given_again),
      cmocka_unit_test(no_file_stays_that_could_not_begin),
      cmocka_unit_test(a_folder_that_cannot_be_is_named),
      cmocka_unit_test(strings_that_no_reader_takes_are_refused),
      cmocka_unit_test(hyper_parameters_are_checked_and_given_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
