/* SPDX-License-Identifier: Apache-2.0 */
/* The study's tables in terminals of several widths. */
#include "room.h"

#include "fixture.h"
#include "report/table.h"

static void text_of(const room *r, size_t columns, char **text) {
  fr_error err = {0};
  *text = NULL;
  assert_int_equal(fr_report_study_text(r->store, r->run, columns, text, &err), FR_OK);
}

static size_t widest_line(const char *text) {
  size_t most = 0;
  while (*text != '\0') {
    const size_t length = strcspn(text, "\n");
    const size_t width = fr__text_width(text, length);
    most = width > most ? width : most;
    text += length + (text[length] == '\n');
  }
  return most;
}

static void test_fits_the_terminal(void **state) {
  (void)state;
  static const size_t columns[] = {200, 120, 100, 80, 60, 40};
  room r;
  char *json = fixture_json("");
  room_open(&r, "study", json);
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    char *text;
    text_of(&r, columns[i], &text);
    assert_true(widest_line(text) <= columns[i]);
    assert_non_null(strstr(text, "RMB"));
    assert_null(strchr(text, '\x1b'));
    free(text);
  }
  free(json);
  room_close(&r);
}

/* The line that begins with `word`, the caller's. */
static char *line_of(const char *text, const char *word) {
  const char *at = strstr(text, word);
  if (at == NULL)
    fail_msg("no line begins with '%s'", word);
  return at == NULL ? NULL : strndup(at + 1, strcspn(at + 1, "\n"));
}

static void test_transferred_stands_beside_not(void **state) {
  (void)state;
  room r;
  char *json = fixture_json("");
  room_open(&r, "study", json);
  char *text;
  text_of(&r, 140, &text);
  char *line = line_of(text, "\nREB ");
  assert_non_null(strstr(line, "96.3\u00A0J (57.8–134.8)"));
  assert_non_null(strstr(line, "14.8\u00A0J (8.9–20.7)"));
  assert_non_null(strstr(line, "15.4\u00A0% (14.3–16.6)"));
  free(line);
  assert_non_null(strstr(text, "7 to 26\u00A0%"));
  assert_non_null(strstr(text, "modelled, −60\u00A0% to +250\u00A0%"));
  assert_non_null(strstr(text, "Warning: no sensor counts here"));
  free(text);
  free(json);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fits_the_terminal),
      cmocka_unit_test(test_transferred_stands_beside_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
