/* SPDX-License-Identifier: Apache-2.0 */
/* Zones are found by either ISO code, numbers are taken as they are, the rest is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "frugal/carbon.h"

static fr_intensity find(const char *spec) {
  fr_intensity found = {0};
  fr_error err = {0};
  if (fr_intensity_find(spec, &found, &err) != FR_OK)
    fail_msg("%s", err.text);
  return found;
}

/* Our World in Data, Germany 2023: 380.95 gCO2e/kWh. */
static void a_country_has_two_codes(void **state) {
  (void)state;
  static const char *const specs[] = {"table:DE", "table:DEU", "table:deu"};
  for (size_t i = 0; i < 3; i++) {
    const fr_intensity found = find(specs[i]);
    assert_true(found.g_per_kwh.value == 380.95);
    assert_int_equal(found.g_per_kwh.source, FR_SOURCE_TABLE_OF_FACTS);
    assert_int_equal(found.g_per_kwh.unit, FR_UNIT_GRAM_CO2E_PER_KWH);
    assert_string_equal(found.zone, "DE");
    assert_non_null(strstr(found.origin, "2023"));
    assert_non_null(strstr(found.origin, "Our World in Data"));
  }
}

/* IEA, Global Energy & CO2 Status Report 2019: 475 gCO2/kWh. */
static void the_world_is_a_zone(void **state) {
  (void)state;
  const fr_intensity found = find("table:world");
  assert_true(found.g_per_kwh.value == 475.0);
  assert_string_equal(found.zone, "world");
  assert_non_null(strstr(found.origin, "IEA"));
  assert_int_equal(found.scope.factor, FR_FACTOR_DIRECT);
}

static void a_number_is_taken(void **state) {
  (void)state;
  const fr_intensity found = find("42.5");
  assert_true(found.g_per_kwh.value == 42.5);
  assert_int_equal(found.g_per_kwh.source, FR_SOURCE_IMPORT);
}

static void the_rest_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *spec, *says;
    enum fr_status status;
  } cases[] = {
      {"table:XX", "'XX'", FR_ERR_NOT_FOUND},   {"table:", "''", FR_ERR_NOT_FOUND},
      {"table:CAF", "'CAF'", FR_ERR_NOT_FOUND}, /* its row says 0, which is not known */
      {"-1", "'-1'", FR_ERR_ARGUMENT},          {"nan", "'nan'", FR_ERR_ARGUMENT},
      {"1e9", "'1e9'", FR_ERR_ARGUMENT},        {"", "''", FR_ERR_ARGUMENT},
      {"12 g", "'12 g'", FR_ERR_ARGUMENT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fr_intensity found = {.zone = "kept"};
    fr_error err = {0};
    assert_int_equal(fr_intensity_find(cases[i].spec, &found, &err), cases[i].status);
    assert_non_null(strstr(err.text, cases[i].says));
    assert_string_equal(found.zone, "kept");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_country_has_two_codes),
      cmocka_unit_test(the_world_is_a_zone),
      cmocka_unit_test(a_number_is_taken),
      cmocka_unit_test(the_rest_is_refused),
  };
  return cmocka_run_group_tests_name("carbon/intensity", tests, NULL, NULL);
}
