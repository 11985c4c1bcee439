/* SPDX-License-Identifier: Apache-2.0 */
/* Results that somebody made to hurt: one sentence, or harmless text. */
#include "room.h"

#include "base/csv.h"
#include "fixture.h"

static void expect_refusal(const char *command, const char *result,
                           enum fr_status expected, const char *says) {
  room r;
  char *text = NULL;
  fr_error err = {0};
  room_open(&r, command, result);
  assert_int_equal(fr_report_study(r.store, r.run, r.output, NULL, &err), expected);
  if (strstr(err.text, says) == NULL)
    fail_msg("'%s' does not say '%s'", err.text, says);
  assert_null(strchr(err.text, '\n'));
  assert_int_equal(fr_report_study_text(r.store, r.run, 80, &text, &err), expected);
  assert_null(text);
  assert_false(room_has(&r, "index.html"));
  room_close(&r);
}

static void test_malformed_results_give_one_sentence(void **state) {
  (void)state;
  expect_refusal("study", "{\"cells\":[\n{", FR_ERR_FORMAT, "line 2");
  expect_refusal("study", "[1,2]", FR_ERR_FORMAT, "not a JSON object");
  expect_refusal("study", "{}", FR_ERR_FORMAT, "no array 'cells'");
  expect_refusal("study", "{\"cells\":[7]}", FR_ERR_FORMAT, "cells[0]");
  expect_refusal("study", NULL, FR_ERR_NOT_FOUND, "no result yet");
  expect_refusal("train", "{\"cells\":[]}", FR_ERR_ARGUMENT, "'train'");
  char *deep = malloc(10001);
  memset(deep, '[', 10000);
  deep[10000] = '\0';
  expect_refusal("study", deep, FR_ERR_FORMAT, "not JSON");
  free(deep);
}

static void test_too_many_cells_are_refused(void **state) {
  (void)state;
  fr__buf json;
  fr__buf_init(&json, 0);
  fr__buf_add(&json, "{\"cells\":[{}");
  for (int i = 0; i < 20000; i++)
    fr__buf_add(&json, ",{}");
  fr__buf_add(&json, "]}");
  expect_refusal("study", fr__buf_text(&json), FR_ERR_LIMIT, "20001 entries");
  fr__buf_release(&json);
}

static void test_a_run_that_is_not_there(void **state) {
  (void)state;
  room r;
  fr_error err = {0};
  room_open(&r, "study", NULL);
  assert_int_equal(fr_report_study(r.store, r.run + 7, r.output, NULL, &err),
                   FR_ERR_NOT_FOUND);
  room_close(&r);
}

/* Every string of the result with markup, quotes and gnuplot's own signs in it. */
#define EVIL                                                                             \
  "<script>alert(1)</script>\\\"'`touch /tmp/frugal-evil`\\n"                            \
  "@x ; system('touch /tmp/frugal-evil') \\\\"
static const char evil[] =
    "{\"name\":\"" EVIL "\",\"description\":\"" EVIL "\",\"machine\":{\"cpu\":\"" EVIL
    "\",\"rule\":\"" EVIL "\",\"source\":\"" EVIL "\"},\"settings\":{\"" EVIL "\":\"" EVIL
    "\",\"data\":[{\"" EVIL "\":\"" EVIL "\"}]},\"groups\":[{\"name\":\"" EVIL
    "\",\"title\":\"" EVIL "\",\"note\":\"" EVIL "\"}],\"cells\":[{\"name\":\"" EVIL
    "\",\"group\":\"" EVIL "\",\"phase\":\"" EVIL "\",\"data_name\":\"" EVIL
    "\",\"net\":\"" EVIL "\",\"mechanism\":\"" EVIL
    "\",\"program\":{\"value\":3,\"low\":2,\"high\":4,\"unit\":\"" EVIL
    "\",\"source\":\"" EVIL "\"},\"accuracy\":{\"value\":0.5,\"source\":\"" EVIL
    "\"}}],\"claims\":[{\"text\":\"" EVIL "\",\"verdict\":\"" EVIL
    "\"}],\"break_even\":[{\"cell\":\"" EVIL "\",\"reason\":\"" EVIL
    "\"}],\"equivalents\":[{\"name\":\"" EVIL "\",\"grams\":1,\"share\":1e-9}],"
    "\"phases\":[{\"path\":\"" EVIL "\"}],\"warnings\":[\"" EVIL "\"]}";

static void test_no_string_becomes_markup_or_command(void **state) {
  (void)state;
  room r;
  fr_error err = {0};
  remove("/tmp/frugal-evil");
  room_open(&r, "study", evil);
  bool charts = false;
  assert_int_equal(fr_report_study(r.store, r.run, r.output, &charts, &err), FR_OK);
  if (room_has_gnuplot())
    assert_true(charts);
  char *page = room_read(&r, "index.html", NULL);
  assert_null(strstr(page, "<script"));
  assert_true(count_of(page, "&lt;script&gt;") > 15);
  free(page);
  assert_int_not_equal(access("/tmp/frugal-evil", F_OK), 0);
  if (room_has(&r, "energy.svg")) {
    char *svg = room_read(&r, "energy.svg", NULL);
    assert_null(strstr(svg, "<script"));
    free(svg);
  }
  room_close(&r);
}

static void test_csv_reads_back(void **state) {
  (void)state;
  static const char quoting[] =
      "{\"cells\":[{\"name\":\"a,\\\"b\\\"\\nc\",\"group\":\"g\",\"n\":3,"
      "\"program\":{\"value\":1.25,\"low\":1,\"high\":2,\"unit\":\"J\","
      "\"source\":\"perf\"}}]}";
  room r;
  fr_error err = {0};
  size_t size, rows = 0;
  bool more = true;
  fr__csv csv;
  room_open(&r, "study", quoting);
  assert_int_equal(fr_report_study(r.store, r.run, r.output, NULL, &err), FR_OK);
  char *text = room_read(&r, "results.csv", &size);
  fr__csv_init(&csv, "results.csv", text, size, ',');
  while (fr__csv_next(&csv, &more, &err) == FR_OK && more) {
    assert_int_equal(csv.count, 13);
    if (rows == 1) { /* after the head: the first quantity */
      assert_memory_equal(csv.field[0].text, "a,\"b\"\nc", csv.field[0].length);
      assert_memory_equal(csv.field[7].text, "1.25", 4);
      assert_memory_equal(csv.field[11].text, "perf", 4);
    }
    rows++;
  }
  assert_false(more);
  assert_int_equal(rows, 1 + 11); /* the head, and one cell's quantities */
  fr__csv_release(&csv);
  free(text);
  room_close(&r);
}

static void test_csv_has_a_row_for_each_cell_and_quantity(void **state) {
  (void)state;
  room r;
  fr_error err = {0};
  char *json = fixture_json("");
  room_open(&r, "study", json);
  assert_int_equal(fr_report_study(r.store, r.run, r.output, NULL, &err), FR_OK);
  char *csv = room_read(&r, "results.csv", NULL);
  assert_int_equal(count_of(csv, "\n"), 1 + FIXTURE_CELLS * 11);
  assert_non_null(
      strstr(csv, "RMB,poster,train,MotionSense,big,scratch,program,182.4,J,109.4,255.4,"
                  "model,5\n"));
  free(csv);
  free(json);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_malformed_results_give_one_sentence),
      cmocka_unit_test(test_too_many_cells_are_refused),
      cmocka_unit_test(test_a_run_that_is_not_there),
      cmocka_unit_test(test_no_string_becomes_markup_or_command),
      cmocka_unit_test(test_csv_reads_back),
      cmocka_unit_test(test_csv_has_a_row_for_each_cell_and_quantity),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
