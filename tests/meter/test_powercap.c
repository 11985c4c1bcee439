/* SPDX-License-Identifier: Apache-2.0 */
/* powercap trees: what is counted, once, over wraps, and what is never used. */
#include "tree.h"

#include <pthread.h>

#include "frugal/meter.h"
#include "meter/sensor.h"

#define CLASS "sys/class/powercap/"

typedef struct power_zone {
  const char *directory; /* below CLASS */
  const char *name;
  uint64_t uj_per_tick; /* 0: stands still */
} power_zone;

static void zone_path(const power_zone *z, const char *file, char path[128]) {
  snprintf(path, 128, CLASS "%s/%s", z->directory, file);
}

static void zone_set(const tree *t, const power_zone *z, uint64_t uj) {
  char path[128];
  zone_path(z, "energy_uj", path);
  tree_number(t, path, uj);
}

static void zone_make(const tree *t, const power_zone *z) {
  char path[128], text[64];
  zone_path(z, "name", path);
  snprintf(text, sizeof text, "%s\n", z->name);
  tree_write(t, path, text);
  zone_path(z, "max_energy_range_uj", path);
  tree_number(t, path, 262143328850u);
}

/* A machine whose counters run while its sensors are tried. */
typedef struct machine {
  tree t;
  const power_zone *zone;
  size_t count;
  pthread_t thread;
  _Atomic bool running;
  uint64_t uj[8]; /* where each counter stands; the ticking thread's while it runs */
} machine;

static void *tick(void *argument) {
  machine *m = argument;
  while (atomic_load(&m->running)) {
    for (size_t i = 0; i < m->count; i++)
      zone_set(&m->t, &m->zone[i], m->uj[i] += m->zone[i].uj_per_tick);
    rest(0.005);
  }
  return NULL;
}

static void machine_init(machine *m, const power_zone *zone, size_t count) {
  memset(m, 0, sizeof *m);
  tree_init(&m->t);
  tree_machine(&m->t);
  m->zone = zone;
  m->count = count;
  for (size_t i = 0; i < count; i++) {
    zone_make(&m->t, &zone[i]);
    m->uj[i] = 100000 + 1000 * i; /* no two counters ever stand at the same */
    zone_set(&m->t, &zone[i], m->uj[i]);
  }
  atomic_store(&m->running, true);
  assert_int_equal(pthread_create(&m->thread, NULL, tick, m), 0);
}

static void machine_halt(machine *m) {
  if (atomic_exchange(&m->running, false))
    pthread_join(m->thread, NULL);
}

static void machine_release(machine *m) {
  machine_halt(m);
  tree_release(&m->t);
}

/* A meter on the machine, whose counters then stand still; no sample but on demand. */
static fr_meter *metered(machine *m) {
  fr_meter_options options = fr_meter_default_options();
  options.root = m->t.root;
  options.interval_s = 10;
  fr_meter *meter = NULL;
  fr_error err;
  assert_int_equal(fr_meter_new(&options, &meter, &err), FR_OK);
  machine_halt(m);
  assert_int_equal(fr_meter_start(meter, &err), FR_OK);
  return meter;
}

static fr_meter_report figures(fr_meter *meter) {
  fr_meter_report report;
  assert_int_equal(fr_meter_read(meter, &report, NULL), FR_OK);
  fr_meter_report_release(&report);
  return report;
}

/* Each counter grows by (i + 1) J; the total is what `expected_j` says. */
static void expect_total(const power_zone *zone, size_t count, double expected_j,
                         const char *sensor) {
  machine m;
  machine_init(&m, zone, count);
  fr_meter *meter = metered(&m);
  for (size_t i = 0; i < count; i++)
    zone_set(&m.t, &zone[i], m.uj[i] + (i + 1) * 1000000u);
  const fr_meter_report report = figures(meter);
  fr_meter_free(meter);
  machine_release(&m);
  assert_string_equal(report.sensor, sensor);
  assert_int_equal(report.energy.source, FR_SOURCE_POWERCAP);
  assert_near(report.energy.value, expected_j, 1e-9);
  assert_true(report.energy.low < expected_j && report.energy.high > expected_j);
}

static void dram_adds_to_its_package_and_parts_do_not(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "package-0", 900},
                                     {"intel-rapl:0:0", "core", 700},
                                     {"intel-rapl:0:1", "uncore", 100},
                                     {"intel-rapl:0:2", "dram", 90}};
  expect_total(zones, 4, 1 + 4, "powercap, 1 package + 1 DRAM");
}

static void sockets_count_in_any_order(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "package-1", 900},
                                     {"intel-rapl:1", "package-0", 900}};
  expect_total(zones, 2, 1 + 2, "powercap, 2 packages, DRAM not measured");
}

static void psys_is_the_total_alone(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "package-0", 900},
                                     {"intel-rapl:0:0", "dram", 90},
                                     {"intel-rapl:1", "psys", 1900}};
  expect_total(zones, 3, 3, "powercap, platform");
}

static void a_psys_that_stands_still_gives_way_to_the_packages(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "package-0", 900},
                                     {"intel-rapl:1", "psys", 0}};
  expect_total(zones, 2, 1, "powercap, 1 package, DRAM not measured");
}

static void a_psys_below_its_packages_is_not_believed(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "package-0", 9000},
                                     {"intel-rapl:1", "psys", 90}};
  expect_total(zones, 2, 1, "powercap, 1 package, DRAM not measured");
}

static void the_same_package_through_mmio_counts_once(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "package-0", 900},
                                     {"intel-rapl-mmio:0", "package-0", 900}};
  expect_total(zones, 2, 1, "powercap, 1 package, DRAM not measured");
}

static void zones_below_their_package_are_found_there(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "package-0", 900},
                                     {"intel-rapl:0/intel-rapl:0:0", "dram", 90},
                                     {"intel-rapl:0:0", "dram", 90}};
  expect_total(zones, 2, 1 + 2, "powercap, 1 package + 1 DRAM");
  machine m; /* shown twice, as the kernel's links do: once */
  machine_init(&m, zones, 3);
  fr_meter *meter = metered(&m);
  const fr_meter_report report = figures(meter);
  fr_meter_free(meter);
  machine_release(&m);
  assert_string_equal(report.sensor, "powercap, 1 package + 1 DRAM");
}

/* Alone on the machine: all above the package's rest. Beside others: the share of busy
 * time. */
static void a_program_gets_its_share_above_the_rest(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "package-0", 900}};
  machine m;
  machine_init(&m, zones, 1);
  fr_cpu_power cpu;
  assert_int_equal(fr_cpu_power_find(m.t.root, &cpu, NULL), FR_OK);
  fr_meter *meter = metered(&m);
  burn(0.02);
  zone_set(&m.t, zones, m.uj[0] + 10000000u);
  const fr_meter_report alone = figures(meter);
  tree_write(&m.t, "proc/stat", "cpu  200 0 100 1000 0 0 0 0 0 0\n"); /* 1 s of others */
  burn(0.02);
  zone_set(&m.t, zones, m.uj[0] + 20000000u);
  const fr_meter_report beside = figures(meter);
  fr_meter_free(meter);
  machine_release(&m);
  const double idle_j = 2 * cpu.idle_w.value * alone.duration_s;
  assert_near(alone.program.value, 10 - idle_j, 1e-6);
  assert_true(alone.program.low < alone.program.value);
  assert_true(alone.program.high > 10);
  const double share = beside.program.value - alone.program.value;
  const double own_s = beside.core_seconds.value - alone.core_seconds.value;
  const double busy_s = 1.0 - alone.core_seconds.value; /* what /proc/stat gained */
  const double above_j =
      10 - 2 * cpu.idle_w.value * (beside.duration_s - alone.duration_s);
  assert_near(share, above_j * own_s / busy_s, 1e-6);
}

static void a_wrap_loses_nothing(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "package-0", 900}};
  machine m;
  machine_init(&m, zones, 1);
  fr_meter_options options = fr_meter_default_options();
  options.root = m.t.root;
  options.interval_s = 10;
  fr_meter *meter = NULL;
  assert_int_equal(fr_meter_new(&options, &meter, NULL), FR_OK);
  machine_halt(&m);
  zone_set(&m.t, zones, 262143328850u - 1000000u);
  assert_int_equal(fr_meter_start(meter, NULL), FR_OK);
  zone_set(&m.t, zones, 500000);
  const fr_meter_report report = figures(meter);
  fr_meter_free(meter);
  machine_release(&m);
  assert_near(report.energy.value, 1.500001, 1e-9);
}

/* The hardware counts 2^32 units of 2^-14 J; the kernel shows microjoules, cut off. */
static uint64_t shown_uj(uint64_t units) {
  return ((units & 0xffffffffu) * 1000000u) >> 14;
}

/* A reading at t_ns of a machine that never slept. */
static bool take(fr__sensor *sensor, fr__domain *domain, uint64_t raw, uint64_t t_ns) {
  const fr__load load = {.t_ns = t_ns, .awake_ns = t_ns};
  return fr__domain_take(sensor, domain, raw, &load);
}

static void ten_thousand_wraps_lose_at_most_a_unit_each(void **state) {
  (void)state;
  enum { WRAPS = 10000, READINGS_PER_WRAP = 3 };
  const double power_w = 400, unit_j = 1.0 / 16384;
  const uint64_t step = UINT64_C(1431655765) + 7; /* units: a third of a wrap */
  fr__domain domain = {
      .unit_j = 1e-6, .modulus_known = true, .modulus = shown_uj(0xffffffffu) + 1};
  fr__sensor sensor = {.ops = &fr__sensor_powercap};
  uint64_t units = 12345, t_ns = 0;
  domain.last = shown_uj(units);
  for (int i = 0; i < WRAPS * READINGS_PER_WRAP; i++) {
    units += step;
    t_ns += (uint64_t)((double)step * unit_j / power_w * 1e9);
    assert_true(take(&sensor, &domain, shown_uj(units), t_ns));
  }
  const double truth_j = (double)(units - 12345) * unit_j;
  assert_near((double)domain.total * 1e-6, truth_j, WRAPS * unit_j);
  assert_int_equal(sensor.marked, 0);
}

static void what_cannot_be_true_is_bridged_with_the_power_before(void **state) {
  (void)state;
  fr__domain domain = {
      .unit_j = 1e-6, .modulus_known = true, .modulus = 262143328851u, .last = 5000000};
  fr__sensor sensor = {.ops = &fr__sensor_powercap};
  assert_true(take(&sensor, &domain, 15000000, 1000000000u)); /* 10 W */
  /* a reset looks like a wrap of 262 kJ in a second */
  assert_false(take(&sensor, &domain, 100, 2000000000u));
  assert_near(domain.bridged_j, 10, 1e-9);
  assert_true(take(&sensor, &domain, 7000100, 3000000000u));
  assert_near((double)domain.total * 1e-6, 10 + 7, 1e-9);
  /* beyond its own range */
  assert_false(take(&sensor, &domain, 262143328851u, 4000000000u));
  assert_int_equal(sensor.marked, 2);
}

static void going_back_without_a_known_range_is_no_wrap(void **state) {
  (void)state;
  fr__domain domain = {.unit_j = 1e-6, .last = 5000000, .power_w = 3};
  fr__sensor sensor = {.ops = &fr__sensor_powercap};
  assert_false(take(&sensor, &domain, 4000000, 1000000000u));
  assert_near(domain.bridged_j, 3, 1e-9);
  assert_true(domain.total == 0);
}

static fr_doctor_report doctor(const machine *m) {
  fr_doctor_report report;
  assert_int_equal(fr_doctor_run(m->t.root, &report, NULL), FR_OK);
  return report;
}

static const fr_sensor_report *row_of(const fr_doctor_report *report, const char *name) {
  for (size_t i = 0; i < report->count; i++) {
    if (strcmp(report->sensor[i].name, name) == 0)
      return &report->sensor[i];
  }
  fail_msg("doctor has no '%s'", name);
  return NULL;
}

static void a_counter_that_stays_0_is_dead_and_the_model_takes_over(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "psys", 0}};
  machine m;
  machine_init(&m, zones, 1);
  fr_doctor_report report = doctor(&m);
  machine_release(&m);
  const fr_sensor_report *row = row_of(&report, "powercap intel-rapl:0 (psys)");
  assert_int_equal(row->state, FR_SENSOR_DEAD);
  assert_non_null(strstr(row->reason, "does not advance"));
  assert_string_equal(report.sensor[report.chosen].name, "model");
  assert_int_equal(row_of(&report, "perf")->state, FR_SENSOR_ABSENT);
  fr_doctor_report_release(&report);
}

static void a_package_that_works_is_chosen(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "package-0", 900},
                                     {"intel-rapl:0:0", "core", 500}};
  machine m;
  machine_init(&m, zones, 2);
  fr_doctor_report report = doctor(&m);
  machine_release(&m);
  assert_string_equal(report.sensor[report.chosen].name,
                      "powercap intel-rapl:0 (package-0)");
  assert_non_null(
      strstr(row_of(&report, "powercap intel-rapl:0:0 (core)")->reason, "not added"));
  fr_doctor_report_release(&report);
}

/* One socket that cannot be read: the other one's joules would pass for the machine's.
 * Root reads everything, so the call is made as nobody. */
static void a_forbidden_package_is_told_with_the_line_that_grants_it(void **state) {
  (void)state;
  static const power_zone zones[] = {{"intel-rapl:0", "package-0", 900},
                                     {"intel-rapl:1", "package-1", 900}};
  machine m;
  machine_init(&m, zones, 2);
  machine_halt(&m);
  char path[256];
  tree_path(&m.t, CLASS "intel-rapl:1/energy_uj", path);
  assert_int_equal(chmod(path, 0), 0);
  const bool was_root = geteuid() == 0;
  if (was_root && seteuid(65534) != 0) {
    machine_release(&m);
    print_message("skipped: root cannot become another user here\n");
    skip();
  }
  fr_doctor_report report = doctor(&m);
  fr_meter_options options = fr_meter_default_options();
  options.root = m.t.root;
  options.sensor = "powercap";
  fr_meter *meter = NULL;
  fr_error err = {0};
  const enum fr_status status = fr_meter_new(&options, &meter, &err);
  if (was_root)
    assert_int_equal(seteuid(0), 0);
  machine_release(&m);
  const fr_sensor_report *row = row_of(&report, "powercap intel-rapl:1 (package-1)");
  assert_int_equal(row->state, FR_SENSOR_FORBIDDEN);
  assert_non_null(strstr(row->fix, "sudo chmod a+r "));
  assert_non_null(strstr(row->fix, "intel-rapl:1/energy_uj"));
  assert_string_equal(report.sensor[report.chosen].name, "model");
  assert_int_equal(status, FR_ERR_PERMISSION);
  assert_non_null(strstr(err.text, "chmod"));
  fr_doctor_report_release(&report);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dram_adds_to_its_package_and_parts_do_not),
      cmocka_unit_test(sockets_count_in_any_order),
      cmocka_unit_test(psys_is_the_total_alone),
      cmocka_unit_test(a_psys_that_stands_still_gives_way_to_the_packages),
      cmocka_unit_test(a_psys_below_its_packages_is_not_believed),
      cmocka_unit_test(the_same_package_through_mmio_counts_once),
      cmocka_unit_test(zones_below_their_package_are_found_there),
      cmocka_unit_test(a_program_gets_its_share_above_the_rest),
      cmocka_unit_test(a_wrap_loses_nothing),
      cmocka_unit_test(ten_thousand_wraps_lose_at_most_a_unit_each),
      cmocka_unit_test(what_cannot_be_true_is_bridged_with_the_power_before),
      cmocka_unit_test(going_back_without_a_known_range_is_no_wrap),
      cmocka_unit_test(a_counter_that_stays_0_is_dead_and_the_model_takes_over),
      cmocka_unit_test(a_package_that_works_is_chosen),
      cmocka_unit_test(a_forbidden_package_is_told_with_the_line_that_grants_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
