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

/* Our World in Data, Germany 2024: 344.13992 gCO2e/kWh. */
static void a_country_has_two_codes(void **state) {
  (void)state;
  static const char *const specs[] = {"table:DE", "table:DEU", "table:deu"};
  for (size_t i = 0; i < 3; i++) {
    const fr_intensity found = find(specs[i]);
    assert_true(found.g_per_kwh.value == 344.13992);
    assert_int_equal(found.g_per_kwh.source, FR_SOURCE_TABLE_OF_FACTS);
    assert_int_equal(found.g_per_kwh.unit, FR_UNIT_GRAM_CO2E_PER_KWH);
    assert_string_equal(found.zone, "DE");
    assert_non_null(strstr(found.origin, "2024"));
    assert_non_null(strstr(found.origin, "Our World in Data"));
  }
}

/* From the sources' files by hand. CarbonCast's: mean of the year's column by awk; eGRID:
 * 539.599 lb/MWh; the others as they are there. */
static void years_and_factors_are_told_apart(void **state) {
  (void)state;
  static const struct {
    const char *spec, *zone, *origin;
    double grams;
    enum fr_factor factor;
  } cases[] = {
      {"table:DE@2023", "DE", "2023; Our World", 380.95, FR_FACTOR_LIFECYCLE},
      {"table:DE?year=2021", "DE", "CarbonCast", 346.192, FR_FACTOR_LIFECYCLE},
      {"table:DE@2020", "DE", "8784 hours", 306.512, FR_FACTOR_LIFECYCLE},
      {"table:DE@2020?factor=direct", "DE", "Environment", 301, FR_FACTOR_DIRECT},
      {"table:FR?factor=direct&year=2000", "FR", "Environment", 92, FR_FACTOR_DIRECT},
      {"table:FR?factor=direct", "FR", "of 2020", 55, FR_FACTOR_DIRECT},
      {"table:UK", "GB", "of 2024", 210.89114, FR_FACTOR_LIFECYCLE},
      {"table:CISO@2021", "US-CAL-CISO", "8760", 268.095, FR_FACTOR_LIFECYCLE},
      {"table:US-MIDA-PJM@2020", "US-MIDA-PJM", "PJM", 361.674, FR_FACTOR_LIFECYCLE},
      {"table:US-VA", "US-VA", "eGRID2023", 244.758, FR_FACTOR_DIRECT},
      {"table:SE3", "SE-SE3", "of 2025", 27, FR_FACTOR_LIFECYCLE},
      {"table:CN-BJ", "CN-BJ", "47", 555.4, FR_FACTOR_DIRECT},
      {"table:gcp:europe-west3", "gcp:europe-west3", "Frankfurt", 275.82,
       FR_FACTOR_DIRECT},
      {"table:europe-west3@2019", "gcp:europe-west3", "2019", 319, FR_FACTOR_LIFECYCLE},
      {"table:gcp:europe-west3?factor=lifecycle", "gcp:europe-west3", "2020", 293,
       FR_FACTOR_LIFECYCLE},
      {"table:AWS:EU-CENTRAL-1", "aws:eu-central-1", "europe-west3", 275.82,
       FR_FACTOR_DIRECT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const fr_intensity found = find(cases[i].spec);
    if (found.g_per_kwh.value != cases[i].grams)
      fail_msg("%s: %.6f", cases[i].spec, found.g_per_kwh.value);
    assert_string_equal(found.zone, cases[i].zone);
    assert_non_null(strstr(found.origin, cases[i].origin));
    assert_int_equal(found.scope.factor, cases[i].factor);
    assert_int_equal(found.scope.basis, FR_BASIS_LOCATION);
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
      {"table:XX", "'XX'", FR_ERR_NOT_FOUND},
      {"table:", "''", FR_ERR_NOT_FOUND},
      {"table:CAF", "'CAF'", FR_ERR_NOT_FOUND}, /* its row says 0, which is not known */
      {"-1", "'-1'", FR_ERR_ARGUMENT},
      {"nan", "'nan'", FR_ERR_ARGUMENT},
      {"1e9", "'1e9'", FR_ERR_ARGUMENT},
      {"", "''", FR_ERR_ARGUMENT},
      {"12 g", "'12 g'", FR_ERR_ARGUMENT},
      {"table:DE@1999", "life-cycle one of 2024 is", FR_ERR_NOT_FOUND},
      {"table:DE@2021?factor=direct", "a direct one of 2020 is", FR_ERR_NOT_FOUND},
      {"table:US-VA@2023?factor=lifecycle", "a direct one of 2023 is", FR_ERR_NOT_FOUND},
      {"table:aws:eu-west-1?factor=direct", "life-cycle one of 2024", FR_ERR_NOT_FOUND},
      {"table:US-VA?factor=lifecycle", "no life-cycle", FR_ERR_NOT_FOUND},
      {"table:gcp:europe-west3@2018", "one of 2024 is", FR_ERR_NOT_FOUND},
      {"table:gcp:northamerica-northeast1@2021", "one of 2024 is", FR_ERR_NOT_FOUND},
      {"table:DE@20", "'20'", FR_ERR_ARGUMENT},
      {"table:DE@2021x", "'2021x'", FR_ERR_ARGUMENT},
      {"table:DE?yaer=2021", "'yaer=2021'", FR_ERR_ARGUMENT},
      {"table:DE?factor=both", "'factor=both'", FR_ERR_ARGUMENT},
      {"table:DE?year", "'year'", FR_ERR_ARGUMENT},
      {"table:?year=2021", "''", FR_ERR_NOT_FOUND},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fr_intensity found = {.zone = "kept"};
    fr_error err = {0};
    assert_int_equal(fr_intensity_find(cases[i].spec, &found, &err), cases[i].status);
    assert_non_null(strstr(err.text, cases[i].says));
    assert_string_equal(found.zone, "kept");
  }
}

static void specs_tell_their_kind_by_their_form(void **state) {
  (void)state;
  static const struct {
    const char *spec;
    enum fr_intensity_kind kind;
  } row[] = {{"400", FR_INTENSITY_CONSTANT},
             {"882 lb/MWh", FR_INTENSITY_CONSTANT},
             {"table:DE", FR_INTENSITY_CONSTANT},
             {"csv:hours.csv", FR_INTENSITY_FILE},
             {"uk:", FR_INTENSITY_SERVER},
             {"watttime:X", FR_INTENSITY_SERVER},
             {"electricitymaps:DE", FR_INTENSITY_SERVER},
             {"gcp:europe-west3", FR_INTENSITY_UNKNOWN},
             {"DE", FR_INTENSITY_UNKNOWN},
             {"", FR_INTENSITY_UNKNOWN}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++)
    assert_int_equal(fr_intensity_kind_of(row[i].spec), row[i].kind);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(specs_tell_their_kind_by_their_form),
      cmocka_unit_test(a_country_has_two_codes),
      cmocka_unit_test(years_and_factors_are_told_apart),
      cmocka_unit_test(the_world_is_a_zone),
      cmocka_unit_test(a_number_is_taken),
      cmocka_unit_test(the_rest_is_refused),
  };
  return cmocka_run_group_tests_name("carbon/intensity", tests, NULL, NULL);
}
