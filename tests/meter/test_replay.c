/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings: what is counted on them, their clock, and those that are none. */
#include "tape.h"

#include <math.h>

#define POWER "sys/bus/event_source/devices/power/"

static void the_joules_of_a_recording_are_those_of_its_counter(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-0", TAPE_RANGE, 100, 5000000);
  (void)tape_run(&tp, "intel-rapl:0", 0, 10, 0.1, 30, 5000000);
  fr_meter_report r = tape_play(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 300, 1e-6);
  assert_true(r.energy.low > 290 && r.energy.low < 300);
  assert_true(r.energy.high < 310 && r.energy.high > 300);
  assert_near(r.duration_s, 10, 1e-9);
  assert_near(r.power_min_w, 30, 0.01);
  assert_near(r.power_max_w, 30, 0.01);
  assert_int_equal(r.samples, 100);
  assert_int_equal(r.marked, 0);
  assert_int_equal(r.energy.source, FR_SOURCE_POWERCAP);
  assert_non_null(strstr(r.notes, "DRAM is not measured here\n"));
  assert_false(fr_measure_known(r.program)); /* a recording does not tell it */
  assert_int_equal(r.domain_count, 1);
  assert_string_equal(r.domain[0].kind, "package");
  assert_near(r.domain[0].energy.value, 300, 1e-6);
  fr_meter_report_release(&r);
}

/* Packages 10 and 20 W, DRAM 3 W beside, cores 5 W inside; in any order of sockets. */
static void what_is_inside_is_shown_and_what_is_beside_is_added(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-1", TAPE_RANGE, 100, 100);
  tape_zone(&tp, "intel-rapl:0:0", "dram", 65712999613u, 0, 200);
  tape_zone(&tp, "intel-rapl:0:1", "core", TAPE_RANGE, 0, 300);
  tape_zone(&tp, "intel-rapl:1", "package-0", TAPE_RANGE, 100, 400);
  for (int i = 1; i <= 50; i++) {
    const uint64_t t_us = (uint64_t)i * 100000;
    tape_energy(&tp, i * 0.1, "intel-rapl:0", 100 + 10 * t_us);
    tape_energy(&tp, i * 0.1, "intel-rapl:0:0", 200 + 3 * t_us);
    tape_energy(&tp, i * 0.1, "intel-rapl:0:1", 300 + 5 * t_us);
    tape_energy(&tp, i * 0.1, "intel-rapl:1", 400 + 20 * t_us);
  }
  fr_meter_report r = tape_play(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 5 * 33, 1e-6);
  assert_string_equal(r.sensor, "powercap, 2 packages + 1 DRAM");
  assert_null(strstr(r.notes, "DRAM is not"));
  assert_int_equal(r.domain_count, 4);
  double counted_j = 0;
  for (size_t i = 0; i < 4; i++) {
    const fr_domain_report *d = &r.domain[i];
    counted_j += d->counted ? d->energy.value : 0;
    if (strcmp(d->kind, "part") == 0)
      assert_near(d->energy.value, 25, 1e-6);
    assert_int_equal(d->counted, strcmp(d->kind, "part") != 0);
  }
  assert_near(counted_j, r.energy.value, 1e-9);
  fr_meter_report_release(&r);
}

static void psys_beside_packages_is_the_total_alone(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-0", TAPE_RANGE, 60, 0);
  tape_zone(&tp, "intel-rapl:1", "psys", TAPE_RANGE, 0, 0);
  for (int i = 1; i <= 20; i++) {
    tape_energy(&tp, i * 0.1, "intel-rapl:0", (uint64_t)i * 1000000u);
    tape_energy(&tp, i * 0.1, "intel-rapl:1", (uint64_t)i * 1500000u);
  }
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 30, 1e-9);
}

static void make_events(const tape *tp, const char *cpumask) {
  tree_write(&tp->t, POWER "type", "11\n");
  tree_write(&tp->t, POWER "cpumask", cpumask);
  static const char *const events[] = {"energy-pkg", "energy-ram"};
  for (size_t i = 0; i < 2; i++) {
    char path[128];
    snprintf(path, sizeof path, POWER "events/%s", events[i]);
    tree_write(&tp->t, path, i == 0 ? "event=0x02\n" : "event=0x03\n");
    snprintf(path, sizeof path, POWER "events/%s.unit", events[i]);
    tree_write(&tp->t, path, "Joules\n");
    snprintf(path, sizeof path, POWER "events/%s.scale", events[i]);
    tree_write(&tp->t, path, "2.3283064365386962890625e-10\n");
  }
}

/* Counts of 2^-32 J; both ways to write an event's path. */
static void perf_events_are_recorded_too(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  make_events(&tp, "0,28\n");
  const double count = 4294967296.0;
  for (int i = 0; i <= 20; i++) {
    const double t_s = i * 0.1;
    tape_number(&tp, t_s, "perf:energy-pkg:0", (uint64_t)(t_s * 40 * count));
    tape_number(&tp, t_s, "perf:power/energy-pkg/:28", (uint64_t)(7 + t_s * 30 * count));
    tape_number(&tp, t_s, "perf:energy-ram:0", (uint64_t)(t_s * 5 * count));
    tape_number(&tp, t_s, "perf:energy-ram:28", (uint64_t)(9 + t_s * 5 * count));
  }
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_int_equal(r.energy.source, FR_SOURCE_PERF);
  assert_near(r.energy.value, 2 * 80, 1e-6);
}

static void one_event_for_all_processors_counts_once(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  make_events(&tp, "0\n");
  for (int i = 0; i <= 20; i++) {
    tape_number(&tp, i * 0.1, "perf:energy-pkg", (uint64_t)i << 32);
    tape_number(&tp, i * 0.1, "perf:energy-ram", 0);
  }
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_int_equal(r.energy.source, FR_SOURCE_PERF);
  assert_near(r.energy.value, 20, 1e-6);
}

/* busy × core_w + elapsed × processors × idle_w; steal, idle and iowait are not busy. */
static void a_guest_without_any_sensor_has_the_model(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tree_machine(&tp.t); /* two processors */
  tape_text(&tp, 5, "/proc/stat", "cpu  300 0 200 1500 50 0 0 7000 0 0");
  tape_text(&tp, 10, "proc/stat", "cpu  500 0 200 1500 99 0 0 9000 0 0");
  fr_cpu_power cpu;
  assert_int_equal(fr_cpu_power_find(tp.t.root, &cpu, NULL), FR_OK);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_int_equal(r.energy.source, FR_SOURCE_MODEL);
  assert_near(r.energy.value, 5 * cpu.core_w.value + 2 * 10 * cpu.idle_w.value, 1e-6);
  assert_true(r.energy.low < r.energy.value && r.energy.value < r.energy.high);
  assert_non_null(strstr(r.notes, "the model's"));
}

static void a_sensor_that_exists_and_reads_0_gives_way_to_the_model(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tree_machine(&tp.t);
  tape_zone(&tp, "intel-rapl:0", "psys", TAPE_RANGE, 0, 0);
  tape_energy(&tp, 1, "intel-rapl:0", 0);
  tape_energy(&tp, 2, "intel-rapl:0", 0);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_int_equal(r.energy.source, FR_SOURCE_MODEL);
  assert_true(r.energy.value > 0);
}

/* 20 W, an hour of sleep in which the counter stood still, 20 W. */
static void a_suspend_is_no_spike_and_costs_nothing(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-0", TAPE_RANGE, 100, 1000);
  const uint64_t uj = tape_run(&tp, "intel-rapl:0", 0, 5, 0.1, 20, 1000);
  (void)tape_run(&tp, "intel-rapl:0", 3605, 3610, 0.1, 20, uj);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200, 1e-6);
  assert_near(r.suspended_s, 3600, 0.2);
  assert_int_equal(r.marks.suspended, 1);
  assert_int_equal(r.marked, 1);
  assert_true(r.power_max_w < 20.1);
  assert_non_null(strstr(r.notes, "slept"));
}

/* The counter begins again at 0 while the machine sleeps: no wrap of 262 kJ. */
static void a_suspend_that_resets_the_counter_is_no_wrap(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-0", TAPE_RANGE, 100, 777000000);
  (void)tape_run(&tp, "intel-rapl:0", 0, 5, 0.1, 20, 777000000);
  tape_energy(&tp, 10000, "intel-rapl:0", 1);
  (void)tape_run(&tp, "intel-rapl:0", 10000, 10005, 0.1, 20, 1);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200, 2 + 1e-6); /* one reading bridged */
  assert_int_equal(r.marks.back, 1);
  assert_true(r.power_max_w < 25);
}

static void a_clock_that_goes_back_loses_nothing(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-0", TAPE_RANGE, 100, 0);
  const uint64_t uj = tape_run(&tp, "intel-rapl:0", 0, 5, 0.1, 20, 0);
  (void)tape_run(&tp, "intel-rapl:0", 2, 7, 0.1, 20, uj);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 200, 1e-6);
  assert_true(r.power_max_w < 60 && r.power_min_w >= 0);
  assert_non_null(strstr(r.notes, "clock went back 1 time\n"));
}

/* Renewed every 2 s, sampled every 0.1 s: what comes at once was not spent at once. */
static void a_slow_counter_makes_no_spikes(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-0", TAPE_RANGE, 60, 0);
  (void)tape_run(&tp, "intel-rapl:0", 0, 20, 2, 50, 0);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_near(r.energy.value, 1000, 1e-6);
  assert_true(r.power_max_w < 51);
  /* 1.96 sqrt((2 s)² 2 (50 W)² / 12), an update period at either edge: 80 J, and 1.5 % */
  assert_near(r.energy.high - r.energy.value, hypot(80.02, 15), 0.1);
  assert_near(r.energy.value - r.energy.low, hypot(80.02, 15), 0.1);
  assert_int_equal(r.marked, 0);
}

/* Renewed each second, and half a second of it: nobody knows how much that was. */
static void a_run_too_short_for_its_sensor_says_so(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-0", TAPE_RANGE, 60, 0);
  (void)tape_run(&tp, "intel-rapl:0", 0, 3, 1, 50, 0);
  const fr_meter_report r = tape_figures(&tp, 0.1);
  tape_release(&tp);
  assert_true(r.too_short);
  assert_near(r.update_s, 1, 0.11);
}

typedef struct seen {
  size_t count, marked;
  double energy_j, t_s;
  bool ordered;
} seen;

static void see(void *self, const fr_power_sample *sample) {
  seen *s = self;
  s->ordered &= sample->energy_j >= s->energy_j && (double)sample->t_ns * 1e-9 >= s->t_s;
  s->count++;
  s->marked += sample->marked;
  s->energy_j = sample->energy_j;
  s->t_s = (double)sample->t_ns * 1e-9;
}

static void samples_come_by_the_recordings_clock(void **state) {
  (void)state;
  tape tp;
  tape_init(&tp);
  tape_zone(&tp, "intel-rapl:0", "package-0", TAPE_RANGE, 100, 0);
  (void)tape_run(&tp, "intel-rapl:0", 0, 2.05, 0.05, 20, 0);
  fr_meter_options options = fr_meter_default_options();
  seen s = {.ordered = true};
  options.sample = see;
  options.self = &s;
  fr_meter_report r;
  assert_int_equal(tape_try(&tp, &options, &r, NULL), FR_OK);
  fr_meter_report_release(&r);
  tape_release(&tp);
  assert_int_equal(s.count, 21); /* twenty intervals and the end */
  assert_true(s.ordered);
  assert_near(s.energy_j, 41, 1e-6);
  assert_near(s.t_s, 2.05, 1e-9);
}

/* ---- no recordings ---- */

static void expect_refused(const char *timeline, const char *words) {
  tape tp;
  tape_init(&tp);
  tree_machine(&tp.t);
  tape_zone(&tp, "intel-rapl:0", "package-0", TAPE_RANGE, 100, 0);
  fputs(timeline, tp.timeline);
  fr_meter_options options = fr_meter_default_options();
  fr_meter_report r;
  fr_error err = {0};
  const enum fr_status status = tape_try(&tp, &options, &r, &err);
  tape_release(&tp);
  assert_int_not_equal(status, FR_OK);
  if (strstr(err.text, words) == NULL)
    fail_msg("'%s' lacks '%s'", err.text, words);
}

static void what_is_no_recording_is_refused_in_a_sentence(void **state) {
  (void)state;
  expect_refused("", "no row after t_ns 0");
  expect_refused("5\n", "timeline.csv:2");
  expect_refused("5,a\n", "timeline.csv:2");
  expect_refused("x,a,1\n", "'x' is not a time");
  expect_refused("-1,a,1\n", "is not a time");
  expect_refused("99999999999999999999,a,1\n", "is not a time");
  expect_refused("4611686018427387904,a,1\n1,a,1\n4611686018427387904,a,1\n", "too late");
  expect_refused("1,,1\n", "is not a path");
  expect_refused("1,a,!EWHAT\n", "'!EWHAT' is not the name or number of an error");
  expect_refused("1,a,\"\n", "quote");
  expect_refused("4611686018427387904,a,1\n", "more than");
  fr_meter_options options = fr_meter_default_options();
  fr_meter_report r;
  fr_error err = {0};
  assert_int_equal(fr_meter_replay(&options, "/nowhere/at/all", &r, &err),
                   FR_ERR_NOT_FOUND);
}

/* Any bytes: a figure or a sentence, and figures that are no nonsense. */
static void any_timeline_is_survived(void **state) {
  (void)state;
  static const char *const words[] = {
      "0,",
      "1000000000,",
      "2000000000,",
      "sys/class/powercap/intel-rapl:0/energy_uj",
      ",",
      "\n",
      "!EIO",
      "!5",
      "\"",
      "\"\"",
      "12345678",
      "99999999999999999999",
      "-1",
      "/proc/stat",
      "cpu  1 2 3 4",
      "perf:energy-pkg:0",
      "msr:0:0x611",
      "msr::",
      "perf:",
      "\r\n",
      "3000000000,sys/class/powercap/intel-rapl:0/energy_uj,9000000\n",
      "!",
      "../../etc/passwd",
      "0x10",
      " "};
  uint64_t random = 88172645463325252u;
  for (int round = 0; round < 300; round++) {
    tape tp;
    tape_init(&tp);
    tree_machine(&tp.t);
    tape_zone(&tp, "intel-rapl:0", "package-0", TAPE_RANGE, 100, 0);
    for (int i = 0; i < 40; i++) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      fputs(words[random % (sizeof words / sizeof words[0])], tp.timeline);
    }
    fr_meter_options options = fr_meter_default_options();
    fr_meter_report r;
    fr_error err = {0};
    if (tape_try(&tp, &options, &r, &err) == FR_OK) {
      assert_true(r.energy.value >= 0 && r.energy.low <= r.energy.value);
      assert_true(r.energy.value <= 5000 * (r.duration_s + 1));
      fr_meter_report_release(&r);
    } else {
      assert_true(err.text[0] != '\0');
    }
    tape_release(&tp);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_joules_of_a_recording_are_those_of_its_counter),
      cmocka_unit_test(what_is_inside_is_shown_and_what_is_beside_is_added),
      cmocka_unit_test(psys_beside_packages_is_the_total_alone),
      cmocka_unit_test(perf_events_are_recorded_too),
      cmocka_unit_test(one_event_for_all_processors_counts_once),
      cmocka_unit_test(a_guest_without_any_sensor_has_the_model),
      cmocka_unit_test(a_sensor_that_exists_and_reads_0_gives_way_to_the_model),
      cmocka_unit_test(a_suspend_is_no_spike_and_costs_nothing),
      cmocka_unit_test(a_suspend_that_resets_the_counter_is_no_wrap),
      cmocka_unit_test(a_clock_that_goes_back_loses_nothing),
      cmocka_unit_test(a_slow_counter_makes_no_spikes),
      cmocka_unit_test(a_run_too_short_for_its_sensor_says_so),
      cmocka_unit_test(samples_come_by_the_recordings_clock),
      cmocka_unit_test(what_is_no_recording_is_refused_in_a_sentence),
      cmocka_unit_test(any_timeline_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
