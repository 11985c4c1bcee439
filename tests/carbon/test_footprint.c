/* SPDX-License-Identifier: Apache-2.0 */
/* Grams follow from joules, intensity and PUE; what is unknown stays unknown. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "frugal/carbon.h"

static fr_intensity intensity_of(const char *spec) {
  fr_intensity found = {0};
  assert_int_equal(fr_intensity_find(spec, &found, NULL), FR_OK);
  return found;
}

/* 7.2 MJ are 2 kWh; times 100 g/kWh, times a PUE of 1.5: 300 g. */
static void grams_follow(void **state) {
  (void)state;
  const fr_intensity at = intensity_of("100");
  const fr_measure energy = {7.2e6, 3.6e6, 14.4e6, FR_UNIT_JOULE, FR_SOURCE_PERF};
  const fr_measure grams = fr_carbon_grams(energy, &at, 1.5);
  assert_true(fabs(grams.value - 300.0) < 1e-9);
  assert_true(fabs(grams.low - 150.0) < 1e-9);
  assert_true(fabs(grams.high - 600.0) < 1e-9);
  assert_int_equal(grams.unit, FR_UNIT_GRAM_CO2E);
  assert_int_equal(grams.source, FR_SOURCE_PERF);
}

static void unknown_stays_unknown(void **state) {
  (void)state;
  fr_intensity at = intensity_of("100");
  const fr_measure one = {1, 1, 1, FR_UNIT_JOULE, FR_SOURCE_PERF};
  const fr_measure none = fr_measure_absent(FR_UNIT_JOULE);
  assert_false(fr_measure_known(fr_carbon_grams(none, &at, 1.0)));
  assert_false(fr_measure_known(fr_carbon_grams(one, &at, 0.5)));
  assert_false(fr_measure_known(fr_carbon_grams(one, &at, (double)NAN)));
  at.g_per_kwh = fr_measure_absent(FR_UNIT_GRAM_CO2E_PER_KWH);
  const fr_measure grams = fr_carbon_grams(one, &at, 1.0);
  assert_false(fr_measure_known(grams));
  assert_int_equal(grams.unit, FR_UNIT_GRAM_CO2E);
}

/* The poster's table; its text: 284 tons are about five lifetimes of a car. */
static void equivalents_are_the_posters(void **state) {
  (void)state;
  static const double pounds[] = {11023, 36156, 126000, 39, 78468, 192, 626155};
  size_t count = 0;
  const fr_equivalent *row = fr_equivalents(&count);
  assert_int_equal(count, 7);
  for (size_t i = 0; i < count; i++) {
    assert_true(row[i].pounds == pounds[i]);
    assert_true(fabs(row[i].grams / row[i].pounds - 453.59237) < 1e-9);
    assert_non_null(strstr(row[i].source, "2019"));
  }
  assert_true(fabs(row[6].grams / 284e6 - 1.0) < 0.001);
  assert_true(fabs(row[6].grams / row[2].grams - 5.0) < 0.05);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grams_follow),
      cmocka_unit_test(unknown_stays_unknown),
      cmocka_unit_test(equivalents_are_the_posters),
  };
  return cmocka_run_group_tests_name("carbon/footprint", tests, NULL, NULL);
}
