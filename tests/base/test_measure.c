/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/error.h"

static const fr_measure ten = {10, 8, 13, FR_UNIT_JOULE, FR_SOURCE_PERF};

static void bounds_never_shrink_by_adding(void **state) {
  (void)state;
  const fr_measure sum = fr_measure_add(ten, ten);
  assert_true(sum.value == 20 && sum.low == 16 && sum.high == 26);
  const fr_measure half = fr_measure_scale(ten, 0.5, FR_UNIT_GRAM_CO2E);
  assert_true(half.value == 5 && half.low == 4 && half.high == 6.5);
  assert_int_equal(half.unit, FR_UNIT_GRAM_CO2E);
  assert_int_equal(half.source, FR_SOURCE_PERF);
}

static void absent_stays_absent(void **state) {
  (void)state;
  const fr_measure none = fr_measure_absent(FR_UNIT_JOULE);
  assert_false(fr_measure_known(none));
  assert_false(fr_measure_known(fr_measure_add(ten, none)));
  assert_false(fr_measure_known(fr_measure_add(none, ten)));
  assert_false(fr_measure_known(fr_measure_scale(none, 2, FR_UNIT_JOULE)));
}

static void names_come_from_one_table(void **state) {
  (void)state;
  enum fr_unit unit = FR_UNIT_NONE;
  enum fr_source source = FR_SOURCE_NONE;
  assert_true(fr_unit_parse("gCO2e/kWh", &unit));
  assert_int_equal(unit, FR_UNIT_GRAM_CO2E_PER_KWH);
  assert_false(fr_unit_parse("furlong", &unit));
  assert_int_equal(unit, FR_UNIT_GRAM_CO2E_PER_KWH);
  assert_true(fr_source_parse("powercap", &source));
  assert_string_equal(fr_source_name(source), "powercap");
  assert_string_equal(fr_status_name(FR_ERR_LIMIT), "limit");
  assert_string_equal(fr_status_name((enum fr_status)77), "unknown");
}

static void a_sentence_may_quote_the_one_it_replaces(void **state) {
  (void)state;
  fr_error err = {0};
  assert_int_equal(fr__fail(&err, FR_ERR_FORMAT, "line %d", 3), FR_ERR_FORMAT);
  fr__fail(&err, FR_ERR_IO, "'a.csv': %s", err.text);
  assert_string_equal(err.text, "'a.csv': line 3");
  assert_int_equal(fr__fail_errno(&err, 2, "'%s' cannot be opened", "b"),
                   FR_ERR_NOT_FOUND);
  assert_string_equal(err.text, "'b' cannot be opened: No such file or directory");
  assert_int_equal(fr__fail(NULL, FR_ERR_LIMIT, "x"), FR_ERR_LIMIT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bounds_never_shrink_by_adding),
      cmocka_unit_test(absent_stays_absent),
      cmocka_unit_test(names_come_from_one_table),
      cmocka_unit_test(a_sentence_may_quote_the_one_it_replaces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
