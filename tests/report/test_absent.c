/* SPDX-License-Identifier: Apache-2.0 */
/* What was not measured says so everywhere, and is a zero nowhere. */
#include "room.h"

static const char absent[] =
    "{\"name\":\"n\",\"cells\":["
    "{\"name\":\"RMB\",\"group\":\"g\",\"phase\":\"train\",\"mechanism\":\"scratch\","
    "\"program\":null,\"energy\":null,\"accuracy\":{\"value\":0.5,\"unit\":\"1\","
    "\"source\":\"exec\"},\"n\":1},"
    "{\"name\":\"RMB\",\"group\":\"g\",\"phase\":\"train\",\"mechanism\":\"append\","
    "\"program\":{\"value\":0,\"low\":0,\"high\":0,\"unit\":\"J\",\"source\":\"none\"}},"
    "{\"name\":\"EMB\",\"group\":\"g\",\"phase\":\"test\",\"mechanism\":\"scratch\"}],"
    "\"grams\":null,\"claims\":[{\"text\":\"t\",\"range\":[0,null],\"value\":null,"
    "\"verdict\":\"undecided\"}]}";

static void test_page_and_csv(void **state) {
  (void)state;
  room r;
  fr_error err = {0};
  room_open(&r, "study", absent);
  assert_int_equal(fr_report_study(r.store, r.run, r.output, NULL, &err), FR_OK);
  assert_false(room_has(&r, "energy.svg")); /* nothing to draw */
  char *page = room_read(&r, "index.html", NULL);
  assert_non_null(strstr(page, "class=\"r absent\">not measured</td>"));
  assert_non_null(strstr(page, "class=\"r absent\">no such cell</td>"));
  assert_non_null(strstr(page, "<span class=\"badge\">not measured</span>"));
  assert_non_null(strstr(page, "The whole study: not measured."));
  assert_null(strstr(page, ">0\u00A0J"));
  assert_null(strstr(page, ">0.00"));
  free(page);
  char *csv = room_read(&r, "results.csv", NULL);
  assert_non_null(strstr(csv, "RMB,g,train,,,scratch,program,,,,,none,1\n"));
  assert_non_null(strstr(csv, "RMB,g,train,,,append,program,,J,,,none,0\n"));
  assert_non_null(strstr(csv, "RMB,g,train,,,scratch,accuracy,0.5,1,,,exec,1\n"));
  free(csv);
  room_close(&r);
}

static void test_text(void **state) {
  (void)state;
  room r;
  char *text = NULL;
  fr_error err = {0};
  room_open(&r, "study", absent);
  assert_int_equal(fr_report_study_text(r.store, r.run, 100, &text, &err), FR_OK);
  assert_non_null(strstr(text, "Energy: not measured"));
  assert_non_null(strstr(text, "Footprint of the whole study: not measured"));
  assert_int_equal(count_of(text, "0 J"), 0);
  free(text);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_page_and_csv),
      cmocka_unit_test(test_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
