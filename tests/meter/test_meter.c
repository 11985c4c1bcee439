/* SPDX-License-Identifier: Apache-2.0 */
/* The meter with the model: what it counts, what it never counts, and when it samples. */
#include "tree.h"

#include <pthread.h>

#include "frugal/meter.h"
#include "meter/host.h"

static fr_meter_options on(const tree *t) {
  fr_meter_options options = fr_meter_default_options();
  options.root = t->root;
  return options;
}

static fr_meter_report figures(fr_meter *meter) {
  fr_meter_report report;
  assert_int_equal(fr_meter_read(meter, &report, NULL), FR_OK);
  fr_meter_report_release(&report);
  return report;
}

static void two_loads_that_differ_never_get_the_same_joules(void **state) {
  (void)state;
  tree t;
  tree_init(&t);
  tree_machine(&t);
  fr_meter_options options = on(&t);
  fr_meter *meter = NULL;
  assert_int_equal(fr_meter_new(&options, &meter, NULL), FR_OK);
  assert_int_equal(fr_meter_start(meter, NULL), FR_OK);
  fr_meter_report before = figures(meter);
  for (int i = 0; i < 50; i++) {
    burn(0.001); /* a tenth of the tick that /proc/stat counts in */
    const fr_meter_report after = figures(meter);
    assert_true(after.energy.value > before.energy.value);
    assert_true(after.program.value > before.program.value);
    before = after;
  }
  fr_meter_free(meter);
  tree_release(&t);
}

/* energy = busy × core_w + elapsed × processors × idle_w; program = own CPU time ×
 * core_w. */
static void the_model_is_its_formula_and_its_band(void **state) {
  (void)state;
  tree t;
  tree_init(&t);
  tree_machine(&t);
  fr_meter_options options = on(&t);
  fr_meter *meter = NULL;
  fr_cpu_power cpu;
  assert_int_equal(fr_cpu_power_find(t.root, &cpu, NULL), FR_OK);
  assert_int_equal(fr_meter_new(&options, &meter, NULL), FR_OK);
  assert_int_equal(fr_meter_start(meter, NULL), FR_OK);
  burn(0.02);
  rest(0.15); /* in which two processors can work for 0.3 s */
  tree_write(&t, "proc/stat", "cpu  110 0 110 1000 0 0 0 0 0 0\n"); /* with our 0.02 s */
  fr_meter_stop(meter);
  const fr_meter_report r = figures(meter);
  fr_meter_free(meter);
  tree_release(&t);
  const double core_span_s = r.duration_s * 2;
  /* what we had between two looks at the clock may be in the ticks, too */
  assert_near(r.energy.value, 0.2 * cpu.core_w.value + core_span_s * cpu.idle_w.value,
              1e-3);
  assert_near(r.program.value, r.core_seconds.value * cpu.core_w.value, 1e-9);
  assert_near(r.program.low, r.core_seconds.value * cpu.core_w.low, 1e-9);
  assert_near(r.program.high, r.core_seconds.value * cpu.core_w.high, 1e-9);
  assert_true(r.energy.low <= 0.2 * cpu.core_w.low + core_span_s * cpu.idle_w.low);
  assert_true(r.energy.high >= 0.2 * cpu.core_w.high + core_span_s * cpu.idle_w.high);
  assert_int_equal(r.energy.source, FR_SOURCE_MODEL);
  assert_string_equal(r.rule, cpu.rule);
}

static void rest_and_other_guests_are_not_busy(void **state) {
  (void)state;
  tree t;
  tree_init(&t);
  tree_write(&t, "proc/stat", "cpu  1000 0 0 0 0 0 0 0 0 0\n");
  fr__host host;
  fr__load load;
  fr__world *world = NULL;
  assert_int_equal(fr__world_new(t.root, &world, NULL), FR_OK);
  assert_int_equal(fr__host_init(&host, world, true, NULL), FR_OK);
  /* idle, iowait, steal, guest, guest_nice (those two are in user and nice already) */
  tree_write(&t, "proc/stat", "cpu  1000 0 0 9000 9000 0 0 9000 900 90\n");
  fr__host_read(&host, &load);
  assert_near(load.busy_s, load.process_s, 1e-9);
  /* 1 + 2 + 4 + 8 + 16 s of user, nice, system, irq and softirq at 100 ticks */
  tree_write(&t, "proc/stat", "cpu  1100 200 400 9000 9000 800 1600 9000 900 90\n");
  fr__host_read(&host, &load);
  assert_near(load.busy_s, 31, 1e-9);
  tree_write(&t, "proc/stat", "cpu  1000 0 0 0 0 0 0 0 0 0                         \n");
  fr__host_read(&host, &load); /* a counter that goes back takes nothing away */
  assert_true(load.busy_s >= 31);
  fr__host_release(&host);
  fr__world_free(world);
  tree_release(&t);
}

/* A tenth of a core-second, of which /proc/stat tells in one: no sample of 1 ms had the
 * power of a hundred cores. */
static void a_tick_is_no_peak(void **state) {
  (void)state;
  tree t;
  tree_init(&t);
  tree_machine(&t);
  fr_meter_options options = on(&t);
  options.interval_s = 0.001;
  fr_cpu_power cpu;
  assert_int_equal(fr_cpu_power_find(t.root, &cpu, NULL), FR_OK);
  tree_write(&t, "proc/stat", "cpu  1000 0 0 0 0 0 0 0 0 0\n");
  fr_meter *meter = NULL;
  assert_int_equal(fr_meter_new(&options, &meter, NULL), FR_OK);
  assert_int_equal(fr_meter_start(meter, NULL), FR_OK);
  rest(0.06);
  tree_write(&t, "proc/stat", "cpu  1010 0 0 0 0 0 0 0 0 0\n");
  rest(0.15);
  tree_write(&t, "proc/stat", "cpu  1020 0 0 0 0 0 0 0 0 0\n");
  fr_meter_stop(meter);
  const fr_meter_report r = figures(meter);
  fr_meter_free(meter);
  tree_release(&t);
  assert_true(r.power_max_w < 20 * cpu.core_w.value + 2 * cpu.idle_w.value);
  assert_near(r.energy.value,
              0.2 * cpu.core_w.value + r.duration_s * 2 * cpu.idle_w.value, 1e-6);
}

typedef struct log {
  _Atomic int count;
  uint64_t t_ns;
  double energy_j, core_s;
  bool ordered;
  fr_meter *meter;
} log_of_samples;

static void note(void *self, const fr_power_sample *sample) {
  log_of_samples *samples = self;
  samples->ordered &= sample->t_ns >= samples->t_ns &&
                      sample->energy_j >= samples->energy_j &&
                      sample->core_s >= samples->core_s && sample->power_w >= 0;
  samples->t_ns = sample->t_ns;
  samples->energy_j = sample->energy_j;
  samples->core_s = sample->core_s;
  atomic_fetch_add(&samples->count, 1);
  if (samples->meter != NULL)
    (void)figures(samples->meter); /* a sink may ask */
}

static void samples_come_at_the_interval_and_the_last_one_has_it_all(void **state) {
  (void)state;
  tree t;
  tree_init(&t);
  tree_machine(&t);
  log_of_samples samples = {.ordered = true};
  fr_meter_options options = on(&t);
  options.interval_s = 0.01;
  options.sample = note;
  options.self = &samples;
  fr_meter *meter = NULL;
  assert_int_equal(fr_meter_new(&options, &meter, NULL), FR_OK);
  samples.meter = meter;
  assert_int_equal(fr_meter_start(meter, NULL), FR_OK);
  rest(0.3);
  burn(0.004);
  fr_meter_stop(meter);
  const fr_meter_report r = figures(meter);
  fr_meter_free(meter);
  tree_release(&t);
  const int count = atomic_load(&samples.count);
  assert_true(count >= 10); /* a loaded machine may miss some */
  assert_true(count <= r.duration_s / 0.01 + 2);
  assert_true(samples.ordered);
  assert_near(samples.energy_j, r.energy.value, 1e-9);
  assert_near(samples.core_s, r.core_seconds.value, 1e-9);
  assert_true(r.power_min_w <= r.power_mean_w && r.power_mean_w <= r.power_max_w);
  assert_true(r.power_min_w > 0);
}

/* 200 samples a second for 0.5 s must cost a small part of a core. */
static void sampling_sleeps(void **state) {
  (void)state;
  tree t;
  tree_init(&t);
  tree_machine(&t);
  fr_meter_options options = on(&t);
  options.interval_s = 0.005;
  fr_meter *meter = NULL;
  assert_int_equal(fr_meter_new(&options, &meter, NULL), FR_OK);
  assert_int_equal(fr_meter_start(meter, NULL), FR_OK);
  rest(0.5);
  fr_meter_stop(meter);
  const fr_meter_report r = figures(meter);
  fr_meter_free(meter);
  tree_release(&t);
  assert_true(r.core_seconds.value < 0.03);
}

static void start_and_stop_may_be_repeated(void **state) {
  (void)state;
  tree t;
  tree_init(&t);
  tree_machine(&t);
  fr_meter_options options = on(&t);
  fr_meter *meter = NULL;
  assert_int_equal(fr_meter_new(&options, &meter, NULL), FR_OK);
  fr_meter_stop(meter);
  fr_meter_sample(meter);
  const fr_meter_report never = figures(meter);
  assert_false(fr_measure_known(never.energy)); /* not 0 J */
  assert_false(fr_measure_known(never.program));
  assert_int_equal(fr_meter_start(meter, NULL), FR_OK);
  assert_int_equal(fr_meter_start(meter, NULL), FR_OK);
  burn(0.01);
  fr_meter_stop(meter);
  fr_meter_stop(meter);
  const fr_meter_report first = figures(meter);
  burn(0.01);
  const fr_meter_report again = figures(meter);
  assert_true(first.energy.value > 0 && first.energy.value == again.energy.value);
  assert_int_equal(fr_meter_start(meter, NULL), FR_OK);
  assert_true(figures(meter).program.value < first.program.value);
  fr_meter_free(meter);
  fr_meter_free(NULL);
  tree_release(&t);
}

static void what_cannot_be_is_refused_in_a_sentence(void **state) {
  (void)state;
  tree t;
  tree_init(&t);
  fr_meter_options options = on(&t);
  fr_meter *meter = NULL;
  fr_error err;
  assert_int_equal(fr_meter_new(&options, &meter, &err), FR_ERR_UNSUPPORTED);
  tree_machine(&t);
  options.sensor = "powercap";
  assert_int_equal(fr_meter_new(&options, &meter, &err), FR_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.text, "sensor 'powercap' is absent"));
  options.sensor = "crystal ball";
  assert_int_equal(fr_meter_new(&options, &meter, &err), FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "perf, powercap, msr"));
  options.sensor = "model";
  options.interval_s = 0;
  assert_int_equal(fr_meter_new(&options, &meter, &err), FR_ERR_ARGUMENT);
  options.interval_s = 0.0 / 0.0;
  assert_int_equal(fr_meter_new(&options, &meter, &err), FR_ERR_ARGUMENT);
  assert_null(meter);
  tree_release(&t);
}

/* Whatever this machine has: something is chosen, and each row says why it is what it is.
 */
static void doctor_tells_the_state_of_the_own_machine(void **state) {
  (void)state;
  fr_doctor_report report;
  assert_int_equal(fr_doctor_run(NULL, &report, NULL), FR_OK);
  assert_true(report.count >= 3);
  assert_true(report.chosen < report.count);
  assert_int_equal(report.sensor[report.chosen].state, FR_SENSOR_WORKING);
  for (size_t i = 0; i < report.count; i++) {
    assert_true(report.sensor[i].reason[0] != '\0');
    assert_true(report.sensor[i].state != FR_SENSOR_FORBIDDEN ||
                report.sensor[i].fix[0] != '\0');
  }
  assert_string_equal(report.sensor[report.count - 1].name, "model");
  fr_doctor_report_release(&report);
}

static void perf_events_of_a_tree_are_listed_but_not_counted(void **state) {
  (void)state;
  tree t;
  tree_init(&t);
  tree_machine(&t);
  tree_write(&t, "sys/bus/event_source/devices/power/type", "11\n");
  tree_write(&t, "sys/bus/event_source/devices/power/cpumask", "0,28\n");
  static const char *const events[] = {"energy-pkg", "energy-psys"};
  for (size_t i = 0; i < 2; i++) {
    char path[128];
    const char *const base = "sys/bus/event_source/devices/power/events/";
    snprintf(path, sizeof path, "%s%s", base, events[i]);
    tree_write(&t, path, i == 0 ? "event=0x02\n" : "event=0x05\n");
    snprintf(path, sizeof path, "%s%s.unit", base, events[i]);
    tree_write(&t, path, "Joules\n");
    snprintf(path, sizeof path, "%s%s.scale", base, events[i]);
    tree_write(&t, path, "2.3283064365386962890625e-10\n");
  }
  fr_doctor_report report;
  assert_int_equal(fr_doctor_run(t.root, &report, NULL), FR_OK);
  tree_release(&t);
  /* two packages, one platform, and the eight other sensors */
  assert_int_equal(report.count, 11);
  assert_string_equal(report.sensor[0].name, "perf power/energy-pkg (cpu 0)");
  assert_string_equal(report.sensor[1].name, "perf power/energy-pkg (cpu 28)");
  assert_string_equal(report.sensor[2].name, "perf power/energy-psys");
  assert_int_equal(report.sensor[2].state, FR_SENSOR_ABSENT);
  assert_string_equal(report.sensor[report.chosen].name, "model");
  fr_doctor_report_release(&report);
}

static void domains_are_told_as_the_report_names_them(void **state) {
  (void)state;
  tree t;
  tree_init(&t);
  tree_machine(&t);
  fr_meter_options options = on(&t);
  fr_meter *meter = NULL;
  fr_meter_report report;
  fr_domain_power domain[4];
  assert_int_equal(fr_meter_new(&options, &meter, NULL), FR_OK);
  assert_int_equal(fr_meter_start(meter, NULL), FR_OK);
  burn(0.02);
  assert_int_equal(fr_meter_read(meter, &report, NULL), FR_OK);
  assert_true(report.domain_count > 0 && report.domain_count <= 4);
  assert_int_equal(fr_meter_domains(meter, domain, 4), report.domain_count);
  for (size_t i = 0; i < report.domain_count; i++)
    assert_string_equal(domain[i].name, report.domain[i].name);
  assert_true(domain[0].power_w > 0);
  assert_int_equal(fr_meter_domains(meter, NULL, 0), report.domain_count);
  fr_meter_report_release(&report);
  fr_meter_free(meter);
  tree_release(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(domains_are_told_as_the_report_names_them),
      cmocka_unit_test(two_loads_that_differ_never_get_the_same_joules),
      cmocka_unit_test(the_model_is_its_formula_and_its_band),
      cmocka_unit_test(rest_and_other_guests_are_not_busy),
      cmocka_unit_test(a_tick_is_no_peak),
      cmocka_unit_test(samples_come_at_the_interval_and_the_last_one_has_it_all),
      cmocka_unit_test(sampling_sleeps),
      cmocka_unit_test(start_and_stop_may_be_repeated),
      cmocka_unit_test(what_cannot_be_is_refused_in_a_sentence),
      cmocka_unit_test(doctor_tells_the_state_of_the_own_machine),
      cmocka_unit_test(perf_events_of_a_tree_are_listed_but_not_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
