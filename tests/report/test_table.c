/* SPDX-License-Identifier: Apache-2.0 */
/* Text tables: aligned by display width, broken at spaces, never cut. */
#include "room.h"

#include "report/table.h"

static char *render(fr__table *table, size_t width) {
  fr__buf out;
  fr_error err = {0};
  fr__buf_init(&out, 0);
  assert_int_equal(fr__table_render(table, width, &out, &err), FR_OK);
  char *text = fr__buf_detach(&out);
  fr__table_release(table);
  return text;
}

static void two_columns(fr__table *table, bool flexible) {
  fr__table_init(table, NULL);
  fr__table_column_add(table, "Name", FR__ALIGN_LEFT, flexible);
  fr__table_column_add(table, "J", FR__ALIGN_RIGHT, false);
}

/* Widths by Unicode: CO₂ is 3, 手 is 2, e with a combining acute is 1. */
static void test_width_is_of_what_is_seen(void **state) {
  (void)state;
  assert_int_equal(fr__text_width("CO₂", strlen("CO₂")), 3);
  assert_int_equal(fr__text_width("手話", strlen("手話")), 4);
  assert_int_equal(fr__text_width("e\u0301", strlen("e\u0301")), 1);
  assert_int_equal(fr__text_width("\xff\xfe", 2), 2);
  assert_int_equal(fr__text_width("a\xe2\x82", 3), 3); /* cut in the middle */
}

static void test_columns_align_whatever_the_bytes(void **state) {
  (void)state;
  fr__table table;
  two_columns(&table, false);
  fr__table_add(&table, "Zürich");
  fr__table_add(&table, "1");
  fr__table_add(&table, "手話");
  fr__table_addf(&table, "%d", 1234);
  fr__table_add(&table, "plain text");
  fr__table_add(&table, "µ");
  char *text = render(&table, 80);
  assert_string_equal(text, "Name           J\n"
                            "──────────  ────\n"
                            "Zürich         1\n"
                            "手話        1234\n"
                            "plain text     µ\n");
  free(text);
}

static void test_long_text_breaks_at_spaces(void **state) {
  (void)state;
  fr__table table;
  two_columns(&table, true);
  fr__table_add(&table, "a longer sentence here");
  fr__table_add(&table, "12.4");
  char *text = render(&table, 22);
  assert_string_equal(text, "Name                 J\n"
                            "────────────────"
                            "  ────\n"
                            "a longer          12.4\n"
                            "sentence here\n");
  free(text);
}

static void test_too_narrow_becomes_a_list_without_loss(void **state) {
  (void)state;
  fr__table table;
  two_columns(&table, false);
  fr__table_add(&table, "an inflexible cell");
  fr__table_add(&table, "12.4");
  char *text = render(&table, 20);
  assert_non_null(strstr(text, "Name: an inflexible\ncell\n"));
  assert_non_null(strstr(text, "  J: 12.4\n"));
  free(text);
}

static void test_no_escape_reaches_the_terminal(void **state) {
  (void)state;
  fr__table table;
  two_columns(&table, false);
  fr__table_add(&table, "\x1b[31mred\x07 \u202Eback\xff");
  fr__table_add(&table, "1");
  char *text = render(&table, 80);
  assert_non_null(strstr(text, "?[31mred? ?back?"));
  assert_null(strchr(text, '\x1b'));
  free(text);
}

static void test_too_many_columns_are_refused(void **state) {
  (void)state;
  fr__table table;
  fr__buf out;
  fr_error err = {0};
  fr__buf_init(&out, 0);
  fr__table_init(&table, NULL);
  for (int i = 0; i <= FR__TABLE_COLUMNS; i++)
    fr__table_column_add(&table, "x", FR__ALIGN_LEFT, false);
  assert_int_equal(fr__table_render(&table, 80, &out, &err), FR_ERR_LIMIT);
  assert_true(err.text[0] != '\0');
  fr__table_release(&table);
  fr__buf_release(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_width_is_of_what_is_seen),
      cmocka_unit_test(test_columns_align_whatever_the_bytes),
      cmocka_unit_test(test_long_text_breaks_at_spaces),
      cmocka_unit_test(test_too_narrow_becomes_a_list_without_loss),
      cmocka_unit_test(test_no_escape_reaches_the_terminal),
      cmocka_unit_test(test_too_many_columns_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
