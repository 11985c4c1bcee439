/* SPDX-License-Identifier: Apache-2.0 */
/* What a study's report consists of, with gnuplot and without. */
#include "room.h"

#include "fixture.h"

static const char *const pictures[] = {
    "energy.svg",     "energy.png",     "accuracy.svg",     "accuracy.png",
    "energy-raw.svg", "energy-raw.png", "accuracy-raw.svg", "accuracy-raw.png",
};
#define PICTURES (sizeof pictures / sizeof *pictures)

static void test_charts_and_page(void **state) {
  (void)state;
  room r;
  bool charts = false;
  fr_error err = {0};
  char *json = fixture_json("");
  if (!room_has_gnuplot()) {
    print_message("gnuplot is not installed\n");
    free(json);
    skip();
  }
  room_open(&r, "study", json);
  assert_int_equal(fr_report_study(r.store, r.run, r.output, &charts, &err), FR_OK);
  assert_true(charts);
  for (size_t i = 0; i < PICTURES; i++) {
    char *bytes = room_read(&r, pictures[i], NULL);
    const char *magic = strstr(pictures[i], ".png") != NULL ? "\x89PNG" : "<?xml";
    assert_memory_equal(bytes, magic, 4);
    free(bytes);
  }
  char *page = room_read(&r, "index.html", NULL);
  assert_int_equal(count_of(page, "<svg "), 10); /* 2 groups × (2 + 2 panels and 1) */
  assert_null(strstr(page, "is missing"));
  /* self-contained: no address of anything outside */
  assert_null(strstr(page, "http"));
  assert_null(strstr(page, " src="));
  assert_null(strstr(page, "@import"));
  assert_non_null(strstr(page, "prefers-color-scheme:dark"));
  free(page);
  free(json);
  room_close(&r);
}

static void test_page_says_what_it_must(void **state) {
  (void)state;
  room r;
  fr_error err = {0};
  char *json = fixture_json("");
  room_open(&r, "study", json);
  assert_int_equal(fr_report_study(r.store, r.run, r.output, NULL, &err), FR_OK);
  char *page = room_read(&r, "index.html", NULL);
  assert_non_null(
      strstr(page, "<span class=\"badge\">modelled, −60\u00A0% to +250\u00A0%</span>"));
  assert_non_null(strstr(page, "182\u00A0J <span class=\"interval\">(109–255)</span>"));
  assert_non_null(strstr(page, "does not hold</td>"));
  assert_non_null(strstr(page, "1\u202F435\u202F135"));
  assert_non_null(strstr(page, "381\u00A0g CO₂e/kWh (DE, Ember 2024)"));
  assert_non_null(strstr(page, "train/forward"));
  assert_non_null(strstr(page, "<caption>"));
  assert_int_equal(count_of(page, "<table"), count_of(page, "</table>"));
  assert_int_equal(count_of(page, "<th scope="),
                   count_of(page, "<th") - count_of(page, "<thead"));
  free(page);
  free(json);
  room_close(&r);
}

static void test_without_gnuplot_each_chart_says_so(void **state) {
  (void)state;
  room r;
  bool charts = true;
  fr_error err = {0};
  char *json = fixture_json("");
  char *path = getenv("PATH") == NULL ? NULL : strdup(getenv("PATH"));
  room_open(&r, "study", json);
  setenv("PATH", r.folder, 1);
  const enum fr_status status = fr_report_study(r.store, r.run, r.output, &charts, &err);
  setenv("PATH", path == NULL ? "/usr/bin:/bin" : path, 1);
  assert_int_equal(status, FR_OK);
  assert_false(charts);
  for (size_t i = 0; i < PICTURES; i++)
    assert_false(room_has(&r, pictures[i]));
  char *page = room_read(&r, "index.html", NULL);
  assert_null(strstr(page, "<svg"));
  assert_int_equal(count_of(page, "is missing: &#39;gnuplot&#39; cannot be started"), 4);
  assert_non_null(strstr(page, "182\u00A0J")); /* the tables are there all the same */
  assert_true(room_has(&r, "results.json"));
  free(page);
  free(path);
  free(json);
  room_close(&r);
}

static void test_an_unwritable_folder_is_an_error(void **state) {
  (void)state;
  room r;
  fr_error err = {0};
  char *json = fixture_json("");
  char file[128];
  room_open(&r, "study", json);
  snprintf(file, sizeof file, "%s/file", r.folder);
  assert_int_equal(fr__file_write(file, "x", 1, &err), FR_OK);
  assert_int_not_equal(fr_report_study(r.store, r.run, file, NULL, &err), FR_OK);
  assert_true(err.text[0] != '\0');
  free(json);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_charts_and_page),
      cmocka_unit_test(test_page_says_what_it_must),
      cmocka_unit_test(test_without_gnuplot_each_chart_says_so),
      cmocka_unit_test(test_an_unwritable_folder_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
