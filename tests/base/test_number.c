/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal text to numbers agrees with the C library to the last bit. */
#include "../test.h"

#include <math.h>

#include "base/csv.h"
#include "base/rng.h"

static void assert_same(const char *text) {
  const double expected = strtod(text, NULL); /* no setlocale: the C locale */
  double value = -1;
  if (!fr__parse_number(text, strlen(text), &value))
    fail_msg("'%s' was refused", text);
  if (memcmp(&value, &expected, sizeof value) != 0)
    fail_msg("'%s' gave %.17g, not %.17g", text, value, expected);
}

static void numbers_agree_with_strtod(void **state) {
  (void)state;
  static const char *const text[] = {
      "0",
      "-0",
      "+7",
      "1.",
      ".5",
      "-.25",
      "0.77818",
      "-0.733896",
      "1.528132",
      "123456789",
      "12345678.12345678",
      "0.1234567",
      "0.12345678",
      "0.123456789",
      "9007199254740993",
      "9007199254740992.5",
      "18446744073709551616",
      "99999999999999999999",
      "1e22",
      "1e23",
      "1E-22",
      "1e-23",
      "123.456e3",
      "1.7976931348623157e308",
      "4.9e-324",
      "2.5e-324",
      "1e400",
      "-1e400",
      "1e-400",
      "0e999999999",
      "0.000000000000000000000000001",
      "6.02214076e+23",
      "1.00000000000000000000000000000000000000001",
      "0.500000000000000166533453693773481063544750213623046875"};
  for (size_t i = 0; i < sizeof text / sizeof *text; i++)
    assert_same(text[i]);
}

static void random_numbers_agree_with_strtod(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 7, 0);
  char text[64];
  for (int i = 0; i < 200000; i++) {
    const double x = (fr__rng_uniform(&rng) - 0.5) * pow(10, 12 * fr__rng_uniform(&rng));
    const int digits = (int)fr__rng_below(&rng, 18);
    snprintf(text, sizeof text, i % 3 == 0 ? "%.*e" : "%.*f", digits, x);
    assert_same(text);
  }
}

static void what_is_no_number_is_refused(void **state) {
  (void)state;
  static const char *const text[] = {
      "",    " ",   "-",   "+",   ".",     "-.",   "e5",   "1e",  "1e+",  "1.2.3", "NaNx",
      "1,5", "0x1", "1 2", "--1", "nan()", "1..2", "infi", "+-1", "1e5.", "12a"};
  for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
    double value = 42;
    if (fr__parse_number(text[i], strlen(text[i]), &value))
      fail_msg("'%s' was taken for %g", text[i], value);
    assert_true(value == 42);
  }
}

static void a_number_of_a_thousand_bytes_is_the_longest(void **state) {
  (void)state;
  char text[1100];
  memset(text, '3', sizeof text);
  double value = 0;
  assert_true(fr__parse_number(text, 300, &value));
  assert_true(value > 3.3e299 && value < 3.4e299);
  assert_true(fr__parse_number(text, 1000, &value));
  assert_true(isinf(value));
  assert_false(fr__parse_number(text, 1001, &value));
  text[0] = '.';
  assert_true(fr__parse_number(text, 1000, &value));
  assert_true(value == 1.0 / 3);
  assert_false(fr__parse_number(text, 1001, &value));
}

static void words_and_blanks(void **state) {
  (void)state;
  double value = 0;
  assert_true(fr__parse_number("nan", 3, &value) && isnan(value));
  assert_true(fr__parse_number("NaN", 3, &value) && isnan(value));
  assert_true(fr__parse_number("-inf", 4, &value) && value == -(double)INFINITY);
  assert_true(fr__parse_number("Infinity", 8, &value) && value == (double)INFINITY);
  assert_true(fr__parse_number(" \t1.5 ", 6, &value) && value == 1.5);
}

static void length_bounds_the_text(void **state) {
  (void)state;
  double value = 0;
  assert_true(fr__parse_number("123456789012", 4, &value) && value == 1234);
  assert_true(fr__parse_number("0.123456789012", 4, &value) && value == 0.12);
  assert_true(fr__parse_number("1e55", 3, &value) && value == 1e5);
}

static void scan_stops_behind_the_number(void **state) {
  (void)state;
  const char text[] = "-0.5,7";
  double value = 0;
  assert_ptr_equal(fr__scan_number(text, text + 6, &value), text + 4);
  assert_true(value == -0.5);
  assert_null(fr__scan_number(text + 4, text + 6, &value));
  assert_null(fr__scan_number(text, text, &value));
}

static void whole_numbers_keep_their_range(void **state) {
  (void)state;
  int64_t value = 42;
  assert_true(fr__parse_integer("-17", -20, 20, &value));
  assert_int_equal(value, -17);
  assert_true(fr__parse_integer("9223372036854775807", 0, INT64_MAX, &value));
  assert_true(value == INT64_MAX);
  assert_true(fr__parse_integer("-9223372036854775808", INT64_MIN, 0, &value));
  assert_true(value == INT64_MIN);
  value = 42;
  assert_false(fr__parse_integer("9223372036854775808", INT64_MIN, INT64_MAX, &value));
  assert_false(fr__parse_integer("21", -20, 20, &value));
  assert_false(fr__parse_integer("", -20, 20, &value));
  assert_false(fr__parse_integer("1x", -20, 20, &value));
  assert_false(fr__parse_integer("1.0", -20, 20, &value));
  assert_int_equal(value, 42);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_agree_with_strtod),
      cmocka_unit_test(random_numbers_agree_with_strtod),
      cmocka_unit_test(what_is_no_number_is_refused),
      cmocka_unit_test(a_number_of_a_thousand_bytes_is_the_longest),
      cmocka_unit_test(words_and_blanks),
      cmocka_unit_test(length_bounds_the_text),
      cmocka_unit_test(scan_stops_behind_the_number),
      cmocka_unit_test(whole_numbers_keep_their_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
