/* SPDX-License-Identifier: Apache-2.0 */
/* Figures for people: three digits and a prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/cli.h"

static void assert_reads(double value, const char *text) {
  char out[48];
  cli_format_si(value, "J", out, sizeof out);
  assert_string_equal(out, text);
}

static void nothing_is_0_without_prefix(void **state) {
  (void)state;
  assert_reads(0, "0 J");
  assert_reads(-0.0, "0 J");
  assert_reads(1e-30, "0 J");
  assert_reads(-4e-15, "0 J");
}

static void what_is_small_has_its_prefix(void **state) {
  (void)state;
  assert_reads(2.5e-12, "2.50 pJ");
  assert_reads(4e-10, "400 pJ");
  assert_reads(-1.5e-9, "-1.50 nJ");
  assert_reads(0.04, "40.0 mJ");
}

static void three_digits_also_where_rounding_adds_one(void **state) {
  (void)state;
  assert_reads(999.4, "999 J");
  assert_reads(999.6, "1.00 kJ");
  assert_reads(99.96, "100 J");
  assert_reads(9.996, "10.0 J");
  assert_reads(0.9996, "1.00 J");
  assert_reads(0.9994, "999 mJ");
}

static void what_no_prefix_holds_keeps_its_power_of_ten(void **state) {
  (void)state;
  assert_reads(5e12, "5.00 TJ");
  assert_reads(2e17, "200000 TJ");
  assert_reads(-3e33, "-3e+21 TJ");
  assert_reads(1.7e308, "1.7e+296 TJ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_0_without_prefix),
      cmocka_unit_test(what_is_small_has_its_prefix),
      cmocka_unit_test(three_digits_also_where_rounding_adds_one),
      cmocka_unit_test(what_no_prefix_holds_keeps_its_power_of_ten),
  };
  return cmocka_run_group_tests_name("cli/format", tests, NULL, NULL);
}
