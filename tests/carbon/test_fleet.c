/* SPDX-License-Identifier: Apache-2.0 */
/* What falls on users, by hand: 30 W, 2 h a day, 10,000 users. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "frugal/carbon.h"

#define NEAR(a, b) assert_true(fabs((a) - (b)) <= 1e-12 * fabs(b))

static fr_intensity intensity_of(const char *spec) {
  fr_intensity found = {0};
  assert_int_equal(fr_intensity_find(spec, &found, NULL), FR_OK);
  return found;
}

static fr_measure watts(double value, double low, double high) {
  return (fr_measure){value, low, high, FR_UNIT_WATT, FR_SOURCE_PERF};
}

static fr_measure joules(double value, double low, double high) {
  return (fr_measure){value, low, high, FR_UNIT_JOULE, FR_SOURCE_MODEL};
}

/* The page's: a delta of 30 W; 2 h a day are 730.5 h a year of 365.25 days. */
static fr_fleet page(const fr_intensity *grid) {
  return (fr_fleet){.delta_w = watts(30, 30, 30),
                    .hours = 730.5,
                    .users = 10000,
                    .years = 1,
                    .charger = 1,
                    .users_grid = grid,
                    .training_j = fr_measure_absent(FR_UNIT_JOULE),
                    .pue = 1,
                    .training_grid = grid};
}

static fr_fleet_bill reckon(const fr_fleet *fleet) {
  fr_fleet_bill bill;
  fr_error err = {0};
  if (fr_fleet_reckon(fleet, &bill, &err) != FR_OK)
    fail_msg("%s", err.text);
  return bill;
}

/* 30 W × 730.5 h × 10,000 = 219,150 kWh = 788.94 GJ; at 400 g/kWh 87.66 t. */
static void the_page_by_hand(void **state) {
  (void)state;
  const fr_intensity grid = intensity_of("400");
  const fr_fleet fleet = page(&grid);
  const fr_fleet_bill bill = reckon(&fleet);
  NEAR(bill.users.energy.value, 788.94e9);
  NEAR(bill.users.energy.value / 3.6e6, 219150.0);
  NEAR(bill.users.grams.value, 87.66e6);
  NEAR(bill.total.energy.value, 788.94e9);
  NEAR(bill.total.grams.value, 87.66e6);
  assert_int_equal(bill.users.energy.source, FR_SOURCE_PERF);
  assert_int_equal(bill.users.energy.unit, FR_UNIT_JOULE);
  assert_int_equal(bill.users.grams.unit, FR_UNIT_GRAM_CO2E);
  assert_false(fr_measure_known(bill.training.energy));
  assert_false(fr_measure_known(bill.training.grams));
  assert_false(fr_measure_known(bill.energy_share));
  assert_false(fr_measure_known(bill.grams_share));
}

/* Three years, a charger that loses a quarter: 788.94 × 3 / 0.75 = 3155.76 GJ. Four
 * trainings of 2 MJ a year at a PUE of 1.25: 30 MJ. */
static void years_charger_and_pue(void **state) {
  (void)state;
  const fr_intensity users = intensity_of("400"), centre = intensity_of("50");
  fr_fleet fleet = page(&users);
  fleet.years = 3;
  fleet.charger = 0.75;
  fleet.training_j = joules(2e6, 2e6, 2e6);
  fleet.trainings = 12;
  fleet.pue = 1.25;
  fleet.training_grid = &centre;
  const fr_fleet_bill bill = reckon(&fleet);
  NEAR(bill.users.energy.value, 3155.76e9);
  NEAR(bill.users.grams.value, 350.64e6);
  NEAR(bill.training.energy.value, 30e6);
  NEAR(bill.training.grams.value, 30e6 / 3.6e6 * 50);
  NEAR(bill.total.energy.value, 3155.79e9);
  NEAR(bill.energy_share.value, 3155.76 / 3155.79);
  NEAR(bill.grams_share.value, 350.64e6 / (350.64e6 + 1250.0 / 3));
}

/* Users 1 J (0.5 to 2), training 1 J (0.5 to 4): 1/2; at least 0.5/4.5; at most 2/2.5. */
static void bounds_lie_outside(void **state) {
  (void)state;
  const fr_intensity grid = intensity_of("360");
  fr_fleet fleet = page(&grid);
  fleet.delta_w = watts(1, 0.5, 2);
  fleet.hours = 1 / 3600.0;
  fleet.users = 1;
  fleet.training_j = joules(1, 0.5, 4);
  fleet.trainings = 1;
  const fr_fleet_bill bill = reckon(&fleet);
  NEAR(bill.users.energy.low, 0.5);
  NEAR(bill.users.energy.high, 2.0);
  NEAR(bill.users.grams.high, 2e-4);
  NEAR(bill.total.energy.low, 1.0);
  NEAR(bill.total.energy.high, 6.0);
  NEAR(bill.energy_share.value, 0.5);
  NEAR(bill.energy_share.low, 1.0 / 9);
  NEAR(bill.energy_share.high, 0.8);
  NEAR(bill.grams_share.low, 1.0 / 9);
}

static void nobody_uses_it(void **state) {
  (void)state;
  const fr_intensity grid = intensity_of("400");
  fr_fleet fleet = page(&grid);
  fleet.users = 0;
  fleet.training_j = joules(3, 2, 4);
  fleet.trainings = 1;
  const fr_fleet_bill bill = reckon(&fleet);
  assert_true(bill.users.energy.value == 0 && bill.energy_share.value == 0);
  NEAR(bill.total.energy.value, 3.0);
}

/* 0.6 × 300 + 0.4 × 50 = 200 */
static void grids_are_mixed_by_share(void **state) {
  (void)state;
  fr_mix mix;
  fr_intensity mean;
  fr_error err = {0};
  assert_int_equal(fr_mix_parse("300:0.6,50:0.4", &mix, &err), FR_OK);
  assert_int_equal(mix.count, 2);
  fr_mix_intensity(&mix, &mean);
  NEAR(mean.g_per_kwh.value, 200.0);
  assert_int_equal(fr_mix_parse("DE:0.25,FR:0.75", &mix, &err), FR_OK);
  fr_mix_intensity(&mix, &mean);
  const double by_hand = 0.25 * intensity_of("table:DE").g_per_kwh.value +
                         0.75 * intensity_of("table:FRA").g_per_kwh.value;
  NEAR(mean.g_per_kwh.value, by_hand);
  assert_string_equal(mean.zone, "DE 25 %, FR 75 %");
  assert_int_equal(fr_mix_parse("gcp:europe-west3:0.5,DE@2020:0.5", &mix, &err), FR_OK);
  assert_string_equal(mix.zone[0].zone, "gcp:europe-west3");
  assert_int_equal(fr_mix_parse("table:DE:1", &mix, &err), FR_OK);
  fr_mix_intensity(&mix, &mean);
  assert_string_equal(mean.zone, "DE");
  const fr_intensity one = intensity_of("400");
  fr_mix_of(&one, &mix);
  fr_mix_intensity(&mix, &mean);
  assert_memory_equal(&mean.g_per_kwh, &one.g_per_kwh, sizeof mean.g_per_kwh);
}

static void bad_mixes_are_refused(void **state) {
  (void)state;
  static const char *const bad[][2] = {
      {"", "'' is not ZONE:SHARE"},    {"DE", "'DE' is not ZONE:SHARE"},
      {"DE:", "'DE:' is not"},         {":1", "':1' is not"},
      {"DE:0.6", "add up to 0.6"},     {"DE:0.6,FR:0.6", "add up to 1.2"},
      {"DE:0.6,,FR:0.4", "'' is not"}, {"DE:1.5,FR:-0.5", "'DE:1.5' is not"},
      {"DE:nan", "'DE:nan' is not"},   {"ZZ:1", "zone 'ZZ'"},
      {"DE:1,", "'' is not"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_mix mix;
    fr_error err = {0};
    assert_int_not_equal(fr_mix_parse(bad[i][0], &mix, &err), FR_OK);
    if (strstr(err.text, bad[i][1]) == NULL)
      fail_msg("'%s' does not say '%s'", err.text, bad[i][1]);
  }
  char many[512] = "", *at = many;
  for (size_t i = 0; i < FR_MIX_ZONES + 1; i++) {
    memcpy(at, "DE:0.02,", 8);
    at += 8;
  }
  at[-1] = '\0';
  fr_mix mix;
  assert_int_equal(fr_mix_parse(many, &mix, NULL), FR_ERR_LIMIT);
  memset(many, 'D', sizeof many - 1);
  many[sizeof many - 1] = '\0';
  assert_int_equal(fr_mix_parse(many, &mix, NULL), FR_ERR_ARGUMENT);
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  const fr_intensity grid = intensity_of("400");
  fr_fleet wrong[9];
  for (size_t i = 0; i < 9; i++)
    wrong[i] = page(&grid);
  wrong[0].delta_w = fr_measure_absent(FR_UNIT_WATT);
  wrong[1].delta_w = joules(30, 30, 30);
  wrong[2].delta_w = watts(-1, -2, 1);
  wrong[3].hours = 8785;
  wrong[4].users = -1;
  wrong[5].years = (double)NAN;
  wrong[6].charger = 1.01;
  wrong[7].charger = 0;
  wrong[8].pue = 0.9;
  for (size_t i = 0; i < 9; i++) {
    fr_fleet_bill bill = {.users.energy.value = 7};
    assert_int_equal(fr_fleet_reckon(&wrong[i], &bill, NULL), FR_ERR_ARGUMENT);
    assert_true(bill.users.energy.value == 7);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_page_by_hand),
      cmocka_unit_test(years_charger_and_pue),
      cmocka_unit_test(bounds_lie_outside),
      cmocka_unit_test(nobody_uses_it),
      cmocka_unit_test(grids_are_mixed_by_share),
      cmocka_unit_test(bad_mixes_are_refused),
      cmocka_unit_test(what_makes_no_sense_is_refused),
  };
  return cmocka_run_group_tests_name("carbon/fleet", tests, NULL, NULL);
}
