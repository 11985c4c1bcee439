/* SPDX-License-Identifier: Apache-2.0 */
/* Which sensor makes the total, and what is added beside it: whole runs on recordings. */
#include "recorded.h"

#define RAPL "/sys/class/powercap/intel-rapl:0/"
#define BATTERY "/sys/class/power_supply/BAT0/"

/* Ten seconds, in steps of a tenth: `rise` counts a second more each. */
static void ramp(recorded *r, const char *const *path, const double *rise, size_t count) {
  for (int i = 1; i <= 100; i++) {
    for (size_t k = 0; k < count; k++)
      recorded_number(r, i * 0.1, path[k],
                      1000000 + (uint64_t)(rise[k] * (double)i / 10 + 0.5));
  }
}

static void intel(recorded *r) {
  tree_write(&r->t, "proc/cpuinfo",
             "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n"
             "model\t\t: 158\nmodel name\t: Intel(R) Core(TM) i7-7700 CPU @ 3.60GHz\n");
  tree_write(&r->t, "proc/stat", "cpu  100 0 100 1000 0 0 0 0 0 0\n");
}

/* 2^-14 J; from 1,000,000 counts on. */
static void registers(recorded *r) {
  recorded_row(r, 0, "msr:0:0x606", "0xa0e03");
  recorded_row(r, 0, "msr:0:0x611", "1000000");
}

static fr_meter_report play(recorded *r) {
  tree_write(&r->t, "timeline.csv", r->timeline);
  fr_meter_report report;
  fr_meter_options options = fr_meter_default_options();
  ASSERT_OK(fr_meter_replay(&options, r->t.root, &report, err));
  tree_release(&r->t);
  return report;
}

/* 40 W of package and 150 W of card. */
static void a_card_adds_to_its_machine(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  intel(&r);
  registers(&r);
  recorded_row(&r, 0, "nvml:0:energy_mj", "1000000");
  static const char *const path[] = {"msr:0:0x611", "nvml:0:energy_mj"};
  ramp(&r, path, (double[]){40 * 16384, 150000}, 2);
  fr_meter_report report = play(&r);
  assert_int_equal(report.energy.source, FR_SOURCE_MSR);
  assert_near(report.energy.value, 1900, 1e-3);
  assert_true(report.energy.low <= 1900 - 75); /* NVML's 5 % of the card */
  assert_int_equal(report.marked, 0);
  fr_meter_report_release(&report);
}

/* Two cards of one power are two cards. */
static void cards_of_one_power_are_no_mirrors(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  intel(&r);
  registers(&r);
  recorded_row(&r, 0, "nvml:0:power_mw", "50000");
  recorded_row(&r, 0, "nvml:1:power_mw", "50000");
  static const char *const path[] = {"msr:0:0x611"};
  ramp(&r, path, (double[]){40 * 16384}, 1);
  fr_meter_report report = play(&r);
  assert_near(report.energy.value, 400 + 2 * 500, 1e-3);
  fr_meter_report_release(&report);
}

/* powercap and the registers show one package: it counts once. */
static void one_package_seen_twice_counts_once(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  intel(&r);
  registers(&r);
  tree_write(&r.t, "sys/class/powercap/intel-rapl:0/name", "package-0\n");
  tree_write(&r.t, "sys/class/powercap/intel-rapl:0/max_energy_range_uj",
             "262143328850\n");
  tree_write(&r.t, "sys/class/powercap/intel-rapl:0/energy_uj", "1000000\n");
  static const char *const path[] = {"msr:0:0x611", RAPL "energy_uj"};
  ramp(&r, path, (double[]){40 * 16384, 40e6}, 2);
  fr_meter_report report = play(&r);
  assert_int_equal(report.energy.source, FR_SOURCE_POWERCAP);
  assert_near(report.energy.value, 400, 1e-3);
  fr_meter_report_release(&report);
}

/* Its cards run on the battery, too: shown, not added. */
static void a_battery_feeds_the_cards_as_well(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  intel(&r);
  tree_write(&r.t, "sys/class/power_supply/BAT0/type", "Battery\n");
  recorded_row(&r, 0, BATTERY "status", "Discharging");
  recorded_row(&r, 0, BATTERY "power_now", "60000000");
  recorded_row(&r, 0, "nvml:0:energy_mj", "1000000");
  static const char *const path[] = {"nvml:0:energy_mj"};
  ramp(&r, path, (double[]){30000}, 1);
  fr_meter_report report = play(&r);
  assert_int_equal(report.energy.source, FR_SOURCE_BATTERY);
  assert_near(report.energy.value, 600, 1e-3);
  assert_true(report.energy.low <= 600 * 0.95 && report.energy.high >= 600 * 1.05);
  fr_meter_report_release(&report);
}

/* 200 W of a server's own meter, which has its sockets in it. */
static void a_board_is_the_total_alone(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  intel(&r);
  tree_write(&r.t, "sys/class/hwmon/hwmon0/name", "power_meter\n");
  tree_write(&r.t, "sys/class/hwmon/hwmon0/power1_average", "200000000\n");
  tree_write(&r.t, "sys/class/hwmon/hwmon1/name", "amd_energy\n");
  tree_write(&r.t, "sys/class/hwmon/hwmon1/energy1_label", "Esocket0\n");
  tree_write(&r.t, "sys/class/hwmon/hwmon1/energy1_input", "1000000\n");
  static const char *const path[] = {"/sys/class/hwmon/hwmon1/energy1_input"};
  ramp(&r, path, (double[]){90e6}, 1);
  fr_meter_report report = play(&r);
  assert_int_equal(report.energy.source, FR_SOURCE_HWMON);
  assert_near(report.energy.value, 2000, 1e-3);
  fr_meter_report_release(&report);
}

/* The model and a card: each row has its own joules, and they make up the total. */
static void the_rows_of_model_and_card_make_up_the_total(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  intel(&r);
  recorded_row(&r, 0, "nvml:0:energy_mj", "1000000");
  static const char *const path[] = {"nvml:0:energy_mj"};
  ramp(&r, path, (double[]){150000}, 1);
  fr_meter_report report = play(&r);
  assert_int_equal(report.domain_count, 2);
  const fr_measure model = report.domain[0].energy, card = report.domain[1].energy;
  assert_near(card.value, 1500, 1e-3);
  assert_near(model.value + card.value, report.energy.value, 1e-6);
  assert_true(model.low <= model.value && model.value <= model.high);
  assert_true(model.value > 0 && model.value < 500);
  assert_true(model.high < 1000 && report.energy.high < 2500 + 0.1 * 1500);
  fr_meter_report_release(&report);
}

static void cards_alone_are_no_machine(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  intel(&r);
  recorded_row(&r, 0, "nvml:0:energy_mj", "1000000");
  recorded_row(&r, 1, "nvml:0:energy_mj", "1001000");
  tree_write(&r.t, "timeline.csv", r.timeline);
  fr_meter_options options = fr_meter_default_options();
  options.sensor = "nvml";
  fr_meter_report report;
  fr_error err;
  assert_int_equal(fr_meter_replay(&options, r.t.root, &report, &err),
                   FR_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.text, "measures cards alone"));
  tree_release(&r.t);
}

/* At 5 s the plug goes in: the rest is an estimate, and the report says why. */
static void a_plug_that_goes_in_is_told(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  intel(&r);
  tree_write(&r.t, "sys/class/power_supply/BAT0/type", "Battery\n");
  recorded_row(&r, 0, BATTERY "status", "Discharging");
  recorded_row(&r, 0, BATTERY "power_now", "60000000");
  recorded_row(&r, 5.05, BATTERY "status", "Charging");
  recorded_row(&r, 10, BATTERY "status", "Charging");
  fr_meter_report report = play(&r);
  assert_near(report.energy.value, 600, 1e-3);
  assert_near(report.bridged_j, 300, 1e-3);
  assert_true(report.energy.low < 300.1); /* nothing of it was measured */
  assert_int_equal(report.marked, 50);
  assert_non_null(strstr(report.notes, "BAT0 is charging"));
  fr_meter_report_release(&report);
}

/* It answers at the start and never again: its joules are not 0, they are not known. */
static void a_counter_that_falls_silent_at_once_is_not_measured(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  intel(&r);
  registers(&r);
  recorded_row(&r, 0.01, "msr:0:0x611", "!EIO");
  recorded_row(&r, 10, "msr:0:0x611", "1016384");
  fr_meter_report late = play(&r);
  assert_near(late.energy.value, 1, 1e-6);
  fr_meter_report_release(&late);
  recorded_init(&r);
  intel(&r);
  registers(&r);
  recorded_row(&r, 0.01, "msr:0:0x611", "!EIO");
  recorded_row(&r, 5.01, "msr:0:0x611", "1016384"); /* alive, but between samples */
  recorded_row(&r, 5.02, "msr:0:0x611", "!EIO");
  recorded_row(&r, 10, "msr:0:0x611", "!EIO");
  fr_meter_report silent = play(&r);
  assert_false(fr_measure_known(silent.energy));
  assert_int_equal(silent.marks.failed, 100);
  fr_meter_report_release(&silent);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_card_adds_to_its_machine),
      cmocka_unit_test(cards_of_one_power_are_no_mirrors),
      cmocka_unit_test(one_package_seen_twice_counts_once),
      cmocka_unit_test(a_battery_feeds_the_cards_as_well),
      cmocka_unit_test(a_board_is_the_total_alone),
      cmocka_unit_test(the_rows_of_model_and_card_make_up_the_total),
      cmocka_unit_test(cards_alone_are_no_machine),
      cmocka_unit_test(a_plug_that_goes_in_is_told),
      cmocka_unit_test(a_counter_that_falls_silent_at_once_is_not_measured),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
