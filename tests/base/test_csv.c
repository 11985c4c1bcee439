/* SPDX-License-Identifier: Apache-2.0 */
/* CSV rows as RFC 4180 has them, and what is wrong named by file, line and column. */
#include "../test.h"

#include "base/csv.h"

typedef struct cursor {
  char *text;
  fr__csv csv;
} cursor;

static cursor open_text(const char *text) {
  cursor c = {.text = strdup(text)};
  assert_non_null(c.text);
  fr__csv_init(&c.csv, "a.csv", c.text, strlen(text), ',');
  return c;
}

static void close_text(cursor *c) {
  fr__csv_release(&c->csv);
  free(c->text);
}

/* The next row's fields, joined by '|'; "end" where there is none. */
static void assert_row(cursor *c, const char *expected) {
  bool more = false;
  ASSERT_OK(fr__csv_next(&c->csv, &more, err));
  char room[256] = "end";
  size_t n = 0;
  for (size_t i = 0; more && i < c->csv.count; i++)
    n += (size_t)snprintf(room + n, sizeof room - n, "%s%.*s", i > 0 ? "|" : "",
                          (int)c->csv.field[i].length, c->csv.field[i].text);
  assert_string_equal(room, expected);
}

static void assert_refused(const char *text, size_t rows, const char *sentence) {
  cursor c = open_text(text);
  fr_error error = {0};
  bool more = false;
  for (size_t i = 0; i < rows; i++)
    ASSERT_OK(fr__csv_next(&c.csv, &more, err));
  assert_int_equal(fr__csv_next(&c.csv, &more, &error), FR_ERR_FORMAT);
  assert_string_equal(error.text, sentence);
  close_text(&c);
}

static void rows_end_in_lf_or_crlf_or_nothing(void **state) {
  (void)state;
  cursor c = open_text("\xef\xbb\xbf"
                       "a,b\r\n1,\n\n\r\n,2");
  assert_row(&c, "a|b");
  assert_row(&c, "1|");
  assert_int_equal(c.csv.line, 2);
  assert_row(&c, "|2");
  assert_int_equal(c.csv.line, 5);
  assert_row(&c, "end");
  assert_row(&c, "end");
  close_text(&c);
}

static void quotes_hold_separators_and_lines(void **state) {
  (void)state;
  cursor c = open_text("\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\r\n\"\",x\n3,4");
  assert_row(&c, "a,b|say \"hi\"|two\nlines");
  assert_int_equal(c.csv.line, 1);
  assert_row(&c, "|x");
  assert_int_equal(c.csv.line, 3);
  assert_row(&c, "3|4");
  assert_int_equal(c.csv.line, 4);
  close_text(&c);
}

static void broken_quotes_are_refused(void **state) {
  (void)state;
  assert_refused("a,b\n1,\"2", 1, "a.csv:2: column 2: a quote is not closed");
  assert_refused("\"a\"b,c", 0, "a.csv:1: column 1: text behind a closing quote");
}

static void columns_are_found_by_name(void **state) {
  (void)state;
  cursor c = open_text("t,x,x.y\n1,2,3\n");
  assert_row(&c, "t|x|x.y");
  assert_int_equal(fr__csv_find(&c.csv, "x.y"), 2);
  assert_true(fr__csv_find(&c.csv, "y") == FR_NONE);
  ASSERT_OK(fr__csv_keep_header(&c.csv, err));
  assert_row(&c, "1|2|3");
  assert_int_equal(fr__csv_find(&c.csv, "x"), 1);
  assert_true(fr__csv_find(&c.csv, "2") == FR_NONE);
  close_text(&c);
}

static void assert_number_fails(cursor *c, size_t index, const char *sentence) {
  fr_error error = {0};
  double value = 42;
  assert_int_equal(fr__csv_number(&c->csv, index, &value, &error), FR_ERR_FORMAT);
  assert_string_equal(error.text, sentence);
  assert_true(value == 42);
}

static void a_bad_number_is_named(void **state) {
  (void)state;
  cursor c = open_text("t,userAcceleration.x,z\n1,NaNx\n5,nan,\x1b[31m\n");
  assert_row(&c, "t|userAcceleration.x|z");
  assert_number_fails(&c, 0, "a.csv:1: column 1: 't' is not a number");
  ASSERT_OK(fr__csv_keep_header(&c.csv, err));
  assert_row(&c, "1|NaNx");
  double value = 0;
  ASSERT_OK(fr__csv_number(&c.csv, 0, &value, err));
  assert_true(value == 1);
  assert_number_fails(&c, 1,
                      "a.csv:2: column 2 'userAcceleration.x': 'NaNx' is not a number");
  assert_number_fails(&c, 2, "a.csv:2: 2 columns, column 3 is missing");
  assert_row(&c, "5|nan|\x1b[31m");
  assert_number_fails(
      &c, 1, "a.csv:3: column 2 'userAcceleration.x': 'nan' is not a finite number");
  assert_number_fails(&c, 2, "a.csv:3: column 3 'z': '?[31m' is not a number");
  close_text(&c);
}

/* A first line, then one of `size` times `c`. */
static void assert_limit(char fill, size_t size, const char *sentence) {
  char *text = malloc(size + 3);
  assert_non_null(text);
  memcpy(text, "a\n", 2);
  memset(text + 2, fill, size);
  text[size + 2] = '\0';
  fr__csv csv;
  fr__csv_init(&csv, "big.csv", text, size + 2, ',');
  bool more = false;
  fr_error error = {0};
  ASSERT_OK(fr__csv_next(&csv, &more, err));
  assert_int_equal(fr__csv_next(&csv, &more, &error), FR_ERR_LIMIT);
  assert_string_equal(error.text, sentence);
  fr__csv_release(&csv);
  free(text);
}

static void ceilings_are_told(void **state) {
  (void)state;
  assert_limit('7', (size_t)10 << 20, "big.csv:2: a line of more than 1048576 bytes");
  assert_limit('"', ((size_t)2 << 20) + 1,
               "big.csv:2: a line of more than 1048576 bytes");
  assert_limit(',', 5000, "big.csv:2: more than 4096 columns");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_end_in_lf_or_crlf_or_nothing),
      cmocka_unit_test(quotes_hold_separators_and_lines),
      cmocka_unit_test(broken_quotes_are_refused),
      cmocka_unit_test(columns_are_found_by_name),
      cmocka_unit_test(a_bad_number_is_named),
      cmocka_unit_test(ceilings_are_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
