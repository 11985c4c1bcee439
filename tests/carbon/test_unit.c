/* SPDX-License-Identifier: Apache-2.0 */
/* Units of intensity: worked out by hand from 453.59237 g to the pound and 3.6 MJ to the
 * kWh. */
#include "../test.h"

#include <math.h>

#include "carbon/unit.h"
#include "frugal/intensity.h"

static fr__intensity_unit unit(const char *text) {
  fr__intensity_unit u;
  if (!fr__unit_read(text, strlen(text), &u))
    fail_msg("%s", text);
  return u;
}

static void units_are_exact(void **state) {
  (void)state;
  static const struct {
    const char *unit;
    double value, g_per_kwh;
  } cases[] = {
      {"g/kWh", 400, 400},        {"kg/MWh", 400, 400},
      {"t/GWh", 400, 400},        {"lb/MWh", 1000, 453.59237},
      {"lbs/MWh", 1, 0.45359237}, {"kg/MJ", 0.111, 399.6},
      {"kg/GJ", 111, 399.6},      {"g/MJ", 111, 399.6},
      {"g/J", 0.0001, 360},       {"kg/kWh", 0.4, 400},
      {"lb/kWh", 1, 453.59237},   {"gCO2eq/kWh", 7, 7},
      {"gCO₂e/kWh", 7, 7},        {"g CO2 / kWh", 7, 7},
      {"g_per_kwh", 7, 7},        {"lbs_co2_per_mwh", 1000, 453.59237},
      {"kg per MJ", 1, 3600},     {"G/KWH", 7, 7},
      {"g/Wh", 0.4, 400},         {"tonnes/MWh", 0.4, 400},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const double got = fr__unit_to_g_per_kwh(unit(cases[i].unit), cases[i].value);
    if (fabs(got - cases[i].g_per_kwh) > 1e-15 * cases[i].g_per_kwh)
      fail_msg("%s: %.17g", cases[i].unit, got);
  }
}

/* There and back: half a unit in the last place each way at most. */
static void units_round_trip(void **state) {
  (void)state;
  static const char *const names[] = {"g/kWh",  "lb/MWh", "kg/MJ", "kg/GJ",
                                      "kg/MWh", "lb/GJ",  "t/MWh"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (int k = 1; k < 20000; k++) {
      const fr__intensity_unit u = unit(names[i]);
      const double value = (double)k / 16;
      const double back = fr__unit_from_g_per_kwh(u, fr__unit_to_g_per_kwh(u, value));
      assert_true(fabs(back - value) <= 4.5e-16 * value);
    }
}

static void the_rest_is_no_unit(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",      "g",       "kWh",     "g/",         "g/kW",    "g/mWh",
      "kg/mJ", "gal/kWh", "gC/kWh",  "g//kWh",     "g/kWh x", "oz/kWh",
      "g*kWh", "kWh/g",   "ton/MWh", "gCO2/kWh/h", "g per",   "%"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr__intensity_unit u;
    if (fr__unit_read(bad[i], strlen(bad[i]), &u))
      fail_msg("'%s' is a unit", bad[i]);
  }
}

static void names_hold_units(void **state) {
  (void)state;
  static const char *const with[] = {"Carbon Intensity gCO₂eq/kWh (direct)",
                                     "intensity_g_per_kwh",
                                     "MOER [lbs_co2_per_mwh]",
                                     "value (kg/MJ)",
                                     "low_g_per_kwh",
                                     "g_per_kwh_low"};
  static const char *const without[] = {"Low Carbon Percentage", "price EUR/MWh", "time",
                                        "big/kWh", "carbon_intensity"};
  fr__intensity_unit u;
  for (size_t i = 0; i < sizeof with / sizeof *with; i++)
    if (!fr__unit_within(with[i], strlen(with[i]), &u))
      fail_msg("%s", with[i]);
  for (size_t i = 0; i < sizeof without / sizeof *without; i++)
    if (fr__unit_within(without[i], strlen(without[i]), &u))
      fail_msg("%s", without[i]);
}

static void numbers_have_units(void **state) {
  (void)state;
  static const struct {
    const char *spec;
    double g_per_kwh;
  } cases[] = {{"400", 400},          {"400g/kWh", 400},
               {"400 gCO2/kWh", 400}, {"1000lb/MWh", 453.59237},
               {"0.111kg/MJ", 399.6}, {"111kg/GJ", 399.6}};
  static const char *const bad[] = {"400mJ",   "400g",      "2kg/kWh x", "10kg/kWh",
                                    "-1g/kWh", "400g/kWh,", "1e400",     "0x10"};
  fr_intensity found;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ASSERT_OK(fr_intensity_find(cases[i].spec, &found, err));
    assert_true(fabs(found.g_per_kwh.value - cases[i].g_per_kwh) < 1e-12);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_error err = {0};
    assert_int_equal(fr_intensity_find(bad[i], &found, &err), FR_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, bad[i]));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(units_are_exact),     cmocka_unit_test(units_round_trip),
      cmocka_unit_test(the_rest_is_no_unit), cmocka_unit_test(names_hold_units),
      cmocka_unit_test(numbers_have_units),
  };
  return cmocka_run_group_tests_name("carbon/unit", tests, NULL, NULL);
}
