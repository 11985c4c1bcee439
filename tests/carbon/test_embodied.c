/* SPDX-License-Identifier: Apache-2.0 */
/* The hardware's share, by hand; and what both are per unit of work. */
#include <math.h>

#include "../test.h"
#include "frugal/footprint.h"

static fr_measure grams_of(double value, double low, double high) {
  return (fr_measure){value, low, high, FR_UNIT_GRAM_CO2E, FR_SOURCE_IMPORT};
}

static void assert_near(double value, double by_hand) {
  if (!(fabs(value - by_hand) <= 1e-12 * fabs(by_hand)))
    fail_msg("%.17g is not %.17g", value, by_hand);
}

/* The specification's example: 1000 kg, four years of 365 days, reserved for one hour:
 * around 28 g. (Of a kilogram: 1000 / (4 × 365 × 24) = 0.0285 kg.) */
static void an_hour_is_the_specifications(void **state) {
  (void)state;
  const fr_hardware server = {grams_of(1e6, 9e5, 2e6), 4 * 365 * 86400.0, 1, 1};
  fr_measure m;
  ASSERT_OK(fr_embodied_grams(&server, 3600, &m, err));
  assert_near(m.value, 1e6 / (4 * 365 * 24));
  assert_near(m.low, 9e5 / (4 * 365 * 24));
  assert_near(m.high, 2e6 / (4 * 365 * 24));
}

/* 300 kg, four years, eight hours of each day, two of eight cores for three hours. */
static void use_and_share_count(void **state) {
  (void)state;
  const fr_hardware laptop = {grams_of(3e5, 3e5, 3e5), 4 * FR_YEAR_S, 8 / 24.0, 2 / 8.0};
  fr_measure m;
  ASSERT_OK(fr_embodied_grams(&laptop, 3 * 3600, &m, err));
  assert_near(m.value, 3e5 * 3 / (4 * 365.25 * 8) / 4);
  ASSERT_OK(fr_embodied_grams(&laptop, 0, &m, err));
  assert_true(m.value == 0);
  ASSERT_OK(fr_embodied_grams(&laptop, 4 * FR_YEAR_S / 3, &m, err)); /* all of its life */
  assert_near(m.value, 75e3);
  assert_int_equal(fr_embodied_grams(&laptop, 2 * FR_YEAR_S, &m, NULL), FR_ERR_ARGUMENT);
}

/* 300 kg over four years are 75 kg a year, over five 60. */
static void kept_longer_is_less_a_year(void **state) {
  (void)state;
  const fr_hardware laptop = {grams_of(3e5, 2e5, 4e5), 4 * FR_YEAR_S, 1, 1};
  fr_keeping k;
  ASSERT_OK(fr_embodied_keep(&laptop, FR_YEAR_S, &k, err));
  assert_near(k.before.value, 75e3);
  assert_near(k.after.value, 60e3);
  assert_near(k.saved.value, 15e3);
  assert_near(k.saved.high, 20e3);
  assert_int_equal(fr_embodied_keep(&laptop, 0, &k, NULL), FR_ERR_ARGUMENT);
  assert_int_equal(fr_embodied_keep(&laptop, -FR_YEAR_S, &k, NULL), FR_ERR_ARGUMENT);
  assert_int_equal(fr_embodied_keep(&laptop, 97 * FR_YEAR_S, &k, NULL), FR_ERR_ARGUMENT);
}

static void nonsense_is_refused(void **state) {
  (void)state;
  const double nan = (double)NAN, inf = (double)INFINITY;
  const fr_measure m = grams_of(3e5, 3e5, 3e5);
  const fr_hardware wrong[] = {{fr_measure_absent(FR_UNIT_GRAM_CO2E), 1e8, 1, 1},
                               {{1, 1, 1, FR_UNIT_JOULE, FR_SOURCE_IMPORT}, 1e8, 1, 1},
                               {grams_of(-1, -1, -1), 1e8, 1, 1},
                               {grams_of(inf, 1, inf), 1e8, 1, 1},
                               {grams_of(nan, nan, nan), 1e8, 1, 1},
                               {m, 0, 1, 1},
                               {m, -1, 1, 1},
                               {m, nan, 1, 1},
                               {m, 101 * FR_YEAR_S, 1, 1},
                               {m, 1e8, 0, 1},
                               {m, 1e8, 1.01, 1},
                               {m, 1e8, nan, 1},
                               {m, 1e8, 1, 0},
                               {m, 1e8, 1, -0.5},
                               {m, 1e8, 1, 2}};
  fr_measure out;
  fr_keeping kept;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(fr_embodied_grams(&wrong[i], 1, &out, NULL), FR_ERR_ARGUMENT);
    assert_int_equal(fr_embodied_keep(&wrong[i], 1, &kept, NULL), FR_ERR_ARGUMENT);
  }
  const fr_hardware right = {m, 1e8, 1, 1};
  assert_int_equal(fr_embodied_grams(&right, -1, &out, NULL), FR_ERR_ARGUMENT);
  assert_int_equal(fr_embodied_grams(&right, nan, &out, NULL), FR_ERR_ARGUMENT);
  assert_int_equal(fr_embodied_grams(&right, inf, &out, NULL), FR_ERR_ARGUMENT);
}

/* (2 kWh × 1.5 × 400 g/kWh + 100 g) / 1,000 = 1.3 g; E is with the PUE. */
static void score_is_of_both_parts(void **state) {
  (void)state;
  const fr_measure rate = {400, 300, 500, FR_UNIT_GRAM_CO2E_PER_KWH, FR_SOURCE_API};
  const fr_footprint f = {.energy = {7.2e6, 7.2e6, 7.2e6, FR_UNIT_JOULE, FR_SOURCE_PERF},
                          .grams = grams_of(1200, 900, 1500),
                          .intensity = rate,
                          .pue = 1.5};
  fr_sci sci;
  ASSERT_OK(fr_sci_reckon(&f, grams_of(100, 50, 200), 1000, &sci, err));
  assert_near(sci.score.value, 1.3);
  assert_near(sci.score.low, 0.95);
  assert_near(sci.score.high, 1.7);
  assert_near(sci.energy_j.value / 3.6e6, 3);
  assert_near(sci.energy_j.value / 3.6e6 * sci.grid.value, sci.operated.value);
  ASSERT_OK(fr_sci_reckon(&f, fr_measure_absent(FR_UNIT_GRAM_CO2E), 1000, &sci, err));
  assert_near(sci.score.value, 1.2);
  assert_false(fr_measure_known(sci.embodied));
  static const double wrong[] = {0, -1, (double)NAN, (double)INFINITY};
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(fr_sci_reckon(&f, grams_of(1, 1, 1), wrong[i], &sci, NULL),
                     FR_ERR_ARGUMENT);
}

static void score_of_unknown_grams_is_unknown(void **state) {
  (void)state;
  const fr_footprint f = {.energy = {1, 1, 1, FR_UNIT_JOULE, FR_SOURCE_PERF},
                          .grams = fr_measure_absent(FR_UNIT_GRAM_CO2E),
                          .pue = 1};
  fr_sci sci;
  ASSERT_OK(fr_sci_reckon(&f, grams_of(1, 1, 1), 5, &sci, err));
  assert_false(fr_measure_known(sci.score));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_hour_is_the_specifications),
      cmocka_unit_test(use_and_share_count),
      cmocka_unit_test(kept_longer_is_less_a_year),
      cmocka_unit_test(nonsense_is_refused),
      cmocka_unit_test(score_is_of_both_parts),
      cmocka_unit_test(score_of_unknown_grams_is_unknown),
  };
  return cmocka_run_group_tests_name("carbon/embodied", tests, NULL, NULL);
}
