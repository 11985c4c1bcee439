/* SPDX-License-Identifier: Apache-2.0 */
/* Readings that fail or cannot be true: marked, bridged, reported; never 0, negative or a
 * wrap. */
#include "tape.h"

#define ZONE "intel-rapl:0"

static void begin(tape *tp, double limit_w) {
  tape_init(tp);
  tape_zone(tp, ZONE, "package-0", TAPE_RANGE, limit_w, 1000);
}

static void a_read_that_fails_is_made_up_for_by_the_next_one(void **state) {
  (void)state;
  tape tp;
  begin(&tp, 100);
  const uint64_t uj = tape_run(&tp, ZONE, 0, 5, 0.1, 20, 1000);
  tape_error(&tp, 5.05, ZONE, "!EIO");
  (void)tape_run(&tp, ZONE, 5.3, 10, 0.1, 20, uj + 6000000u);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200, 1e-6);
  assert_true(r.marks.failed >= 2 && r.marks.failed <= 4);
  assert_int_equal(r.marks.failed, r.marked);
  assert_near(r.bridged_j, 0, 1e-9);
  assert_true(r.power_min_w > 19 && r.power_max_w < 21);
}

/* The zone is gone at 5 s and does not return. */
static void a_zone_that_is_unplugged_goes_on_at_its_power(void **state) {
  (void)state;
  tape tp;
  begin(&tp, 100);
  (void)tape_run(&tp, ZONE, 0, 5, 0.1, 20, 1000);
  tape_error(&tp, 5.05, ZONE, "!ENODEV");
  tape_error(&tp, 10, ZONE, "!19");
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200, 0.01);
  assert_near(r.bridged_j, 100, 0.01);
  assert_true(r.energy.low < 101 && r.energy.high > 299); /* it may be anything */
  assert_int_equal(r.marks.unplugged, 50);
  assert_int_equal(r.marked, 50);
  assert_non_null(strstr(r.notes, "ENODEV"));
}

static void a_zone_that_returns_anew_is_bridged(void **state) {
  (void)state;
  tape tp;
  begin(&tp, 100);
  (void)tape_run(&tp, ZONE, 0, 5, 0.1, 20, 1000);
  tape_error(&tp, 5.05, ZONE, "!ENODEV");
  tape_energy(&tp, 6, ZONE, 0);
  (void)tape_run(&tp, ZONE, 6, 10, 0.1, 20, 0);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200, 0.01);
  assert_int_equal(r.marks.back, 1);
}

static void a_counter_that_goes_back_is_no_wrap(void **state) {
  (void)state;
  tape tp;
  begin(&tp, 0); /* no limit is told */
  (void)tape_run(&tp, ZONE, 0, 5, 0.1, 20, 1000);
  tape_energy(&tp, 5.1, ZONE, 5);
  (void)tape_run(&tp, ZONE, 5.1, 10, 0.1, 20, 5);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200, 0.01);
  assert_int_equal(r.marks.back, 1);
  assert_int_equal(r.marked, 1);
  assert_true(r.power_min_w > 19.9 && r.power_max_w < 20.1);
}

/* 1 kJ in a tenth of a second, of a package that is held to 100 W. */
static void a_step_beyond_the_limit_is_bridged(void **state) {
  (void)state;
  tape tp;
  begin(&tp, 100);
  const uint64_t uj = tape_run(&tp, ZONE, 0, 5, 0.1, 20, 1000);
  (void)tape_run(&tp, ZONE, 5, 10, 0.1, 20, uj + 1000000000u);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200, 0.01);
  assert_int_equal(r.marks.above, 1);
  assert_true(r.power_max_w < 20.1);
  assert_non_null(strstr(r.notes, "beyond what this machine can draw"));
}

/* A limit that is told and not kept: 300 W for seconds, of "100 W". */
static void a_limit_that_is_always_broken_is_not_believed(void **state) {
  (void)state;
  tape tp;
  begin(&tp, 100);
  const uint64_t uj = tape_run(&tp, ZONE, 0, 10, 0.1, 20, 1000);
  (void)tape_run(&tp, ZONE, 10, 30, 0.1, 300, uj);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200 + 6000, 1e-6);
  assert_true(r.marked <= 2);
}

static void a_gap_before_any_power_is_known_is_filled_later(void **state) {
  (void)state;
  tape tp;
  begin(&tp, 100);
  tape_energy(&tp, 0.1, ZONE, 900000000); /* jumps at once */
  (void)tape_run(&tp, ZONE, 0.1, 10, 0.1, 20, 900000000);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200, 0.01);
  assert_int_equal(r.marked, 1);
}

static void garbage_in_a_counter_is_a_failed_reading(void **state) {
  (void)state;
  tape tp;
  begin(&tp, 100);
  const uint64_t uj = tape_run(&tp, ZONE, 0, 5, 0.1, 20, 1000);
  tape_error(&tp, 5.05, ZONE, "-5");
  tape_error(&tp, 5.15, ZONE, "nonsense");
  tape_error(&tp, 5.25, ZONE, "99999999999999999999999");
  (void)tape_run(&tp, ZONE, 5.4, 10, 0.1, 20, uj + 8000000u);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200, 1e-6);
  assert_true(r.marks.failed >= 3);
}

static void files_of_mode_0400_are_forbidden_and_the_model_serves(void **state) {
  (void)state;
  tape tp;
  begin(&tp, 100);
  tree_machine(&tp.t);
  tape_error(&tp, 0, ZONE, "!EACCES");
  tape_text(&tp, 5, "/proc/stat", "cpu  300 0 200 1500 50 0 0 7000 0 0");
  fr_meter_options options = fr_meter_default_options();
  fr_meter_report r;
  fr_error err = {0};
  assert_int_equal(tape_try(&tp, &options, &r, &err), FR_OK);
  assert_int_equal(r.energy.source, FR_SOURCE_MODEL);
  fr_meter_report_release(&r);
  options.sensor = "powercap";
  assert_int_equal(tape_try(&tp, &options, &r, &err), FR_ERR_PERMISSION);
  assert_non_null(
      strstr(err.text, "sudo chmod a+r /sys/class/powercap/intel-rapl:0/energy_uj"));
  tape_release(&tp);
}

/* It would wait for ever; neither is a folder a counter. */
static void what_is_no_file_is_no_counter(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tree_machine(&tp.t);
  tree_write(&tp.t, TAPE_CLASS ZONE "/name", "package-0\n");
  tree_write(&tp.t, TAPE_CLASS "intel-rapl:1/name", "package-1\n");
  tree_write(&tp.t, TAPE_CLASS "intel-rapl:1/energy_uj/x", "1\n");
  char path[256];
  tree_path(&tp.t, TAPE_CLASS ZONE "/energy_uj", path);
  assert_int_equal(mkfifo(path, 0644), 0);
  tape_text(&tp, 1, "end", "1");
  const fr_meter_report r = tape_figures(&tp, 0.1);
  fr_doctor_report report;
  assert_int_equal(fr_doctor_run(tp.t.root, &report, NULL), FR_OK);
  tape_release(&tp);
  assert_int_equal(r.energy.source, FR_SOURCE_MODEL);
  assert_string_equal(report.sensor[report.chosen].name, "model");
  fr_doctor_report_release(&report);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_read_that_fails_is_made_up_for_by_the_next_one),
      cmocka_unit_test(a_zone_that_is_unplugged_goes_on_at_its_power),
      cmocka_unit_test(a_zone_that_returns_anew_is_bridged),
      cmocka_unit_test(a_counter_that_goes_back_is_no_wrap),
      cmocka_unit_test(a_step_beyond_the_limit_is_bridged),
      cmocka_unit_test(a_limit_that_is_always_broken_is_not_believed),
      cmocka_unit_test(a_gap_before_any_power_is_known_is_filled_later),
      cmocka_unit_test(garbage_in_a_counter_is_a_failed_reading),
      cmocka_unit_test(what_is_no_file_is_no_counter),
      cmocka_unit_test(files_of_mode_0400_are_forbidden_and_the_model_serves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
