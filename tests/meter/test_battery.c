/* SPDX-License-Identifier: Apache-2.0 */
/* Batteries: only while they alone feed the machine. */
#include "recorded.h"

#define SUPPLY "/sys/class/power_supply/"
#define BAT0 SUPPLY "BAT0/"
#define BAT1 SUPPLY "BAT1/"

static void supply(recorded *r, const char *name, const char *type) {
  char path[128];
  snprintf(path, sizeof path, "sys/class/power_supply/%s/type", name);
  tree_write(&r->t, path, type);
}

static void discharging(recorded *r, const char *name) {
  char path[128];
  supply(r, name, "Battery\n");
  snprintf(path, sizeof path, SUPPLY "%s/status", name);
  recorded_row(r, 0, path, "Discharging");
}

static void power_is_added_up_as_a_trapezoid(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  discharging(&r, "BAT0");
  recorded_row(&r, 0, BAT0 "power_now", "10000000");
  recorded_row(&r, 1, BAT0 "power_now", "20000000");
  recorded_row(&r, 4, BAT0 "power_now", "20000000");
  recorded_open(&r, &fr__sensor_battery);
  assert_int_equal(r.sensor.count, 1);
  assert_int_equal(r.sensor.domain[0].kind, FR__DOMAIN_PLATFORM);
  recorded_start(&r);
  recorded_run(&r, 4, 1); /* (10 + 20) / 2 + 3 * 20 */
  assert_near(r.reading.energy_j, 75, 1e-6);
  assert_int_equal(r.sensor.marked, 0);
  recorded_release(&r);
}

/* 1.5 A, told as negative, at 12 V, and 8 W of a second battery. */
static void current_times_voltage_of_all_batteries(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  discharging(&r, "BAT0");
  discharging(&r, "BAT1");
  supply(&r, "AC", "Mains\n");
  recorded_row(&r, 0, SUPPLY "AC/online", "0");
  recorded_row(&r, 0, BAT0 "current_now", "-1500000");
  recorded_row(&r, 0, BAT0 "voltage_now", "12000000");
  recorded_row(&r, 0, BAT1 "power_now", "8000000");
  recorded_row(&r, 2, BAT1 "power_now", "8000000");
  recorded_open(&r, &fr__sensor_battery);
  recorded_start(&r);
  recorded_run(&r, 2, 0.5);
  assert_near(r.reading.energy_j, 2 * (18 + 8), 1e-6);
  recorded_release(&r);
}

/* 10,000 uWh are 36 J. */
static void what_is_left_counts_where_no_power_is_told(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  discharging(&r, "BAT0");
  recorded_row(&r, 0, BAT0 "energy_now", "40000000");
  recorded_row(&r, 2, BAT0 "energy_now", "39990000");
  recorded_row(&r, 4, BAT0 "energy_now", "39980000");
  recorded_open(&r, &fr__sensor_battery);
  recorded_start(&r);
  recorded_run(&r, 4, 1);
  assert_near(r.reading.energy_j, 72, 1e-6);
  recorded_release(&r);
}

/* At 5 s the plug goes in: readings are marked and the power before goes on. */
static void plugging_in_is_marked_and_told(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  discharging(&r, "BAT0");
  recorded_row(&r, 0, BAT0 "power_now", "10000000");
  recorded_row(&r, 5, BAT0 "status", "Charging");
  recorded_row(&r, 5, BAT0 "power_now", "45000000");
  recorded_row(&r, 8, BAT0 "power_now", "45000000");
  recorded_open(&r, &fr__sensor_battery);
  recorded_start(&r);
  recorded_run(&r, 4, 1);
  assert_int_equal(r.sensor.marked, 0);
  assert_string_equal(r.sensor.domain[0].reason, "");
  recorded_run(&r, 8, 1);
  assert_int_equal(r.sensor.marked, 4);
  assert_true(r.reading.marked);
  assert_near(r.reading.energy_j, 80, 1e-6); /* bridged, not 45 W of charge */
  assert_non_null(strstr(r.sensor.domain[0].reason, "BAT0 is charging"));
  recorded_release(&r);
}

/* Each row: the one file that keeps the sensor from being used, and what it says. */
static void mains_or_a_gauge_that_tells_0_is_no_sensor(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {BAT0 "status", "Full", "no battery discharges"},
      {BAT0 "status", "Charging", "charging"},
      {SUPPLY "AC/online", "1", "on mains"},
      {BAT0 "power_now", "0", "do not tell"},
      {BAT0 "power_now", "unknown", "do not tell"},
      {BAT0 "power_now", "9999999999999999999", "do not tell"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    recorded r;
    recorded_init(&r);
    discharging(&r, "BAT0");
    supply(&r, "AC", "Mains\n");
    recorded_row(&r, 0, SUPPLY "AC/online", "0");
    recorded_row(&r, 0, BAT0 "power_now", "10000000");
    recorded_row(&r, 0, cases[i][0], cases[i][1]);
    recorded_row(&r, 1, cases[i][0], cases[i][1]);
    recorded_open(&r, &fr__sensor_battery);
    assert_int_equal(r.sensor.count, 1);
    assert_int_equal(r.sensor.domain[0].state, FR_SENSOR_ABSENT);
    assert_non_null(strstr(r.sensor.domain[0].reason, cases[i][2]));
    recorded_release(&r);
  }
}

static void a_mouse_has_a_battery_of_its_own(void **state) {
  (void)state;
  recorded r;
  recorded_init(&r);
  discharging(&r, "hidpp_battery_0");
  tree_write(&r.t, "sys/class/power_supply/hidpp_battery_0/scope", "Device\n");
  recorded_row(&r, 1, SUPPLY "hidpp_battery_0/status", "Discharging");
  recorded_open(&r, &fr__sensor_battery);
  assert_int_equal(r.sensor.count, 0);
  assert_non_null(strstr(r.sensor.reason, "no battery"));
  recorded_release(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(power_is_added_up_as_a_trapezoid),
      cmocka_unit_test(current_times_voltage_of_all_batteries),
      cmocka_unit_test(what_is_left_counts_where_no_power_is_told),
      cmocka_unit_test(plugging_in_is_marked_and_told),
      cmocka_unit_test(mains_or_a_gauge_that_tells_0_is_no_sensor),
      cmocka_unit_test(a_mouse_has_a_battery_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
