/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings of a running machine, and that they replay to the same joules. */
#include "tape.h"

#include <pthread.h>

#define ZONE TAPE_CLASS "intel-rapl:0/"

/* A machine whose counter runs, 20 W, and one file that only root could read. */
typedef struct machine {
  tape from; /* its tree; no timeline is written */
  pthread_t thread;
  _Atomic bool running;
} machine;

static void *tick(void *argument) {
  machine *m = argument;
  for (uint64_t uj = 1000; atomic_load(&m->running); uj += 100000) {
    tree_number(&m->from.t, ZONE "energy_uj", uj);
    rest(0.005);
  }
  return NULL;
}

static void machine_init(machine *m) {
  tape_init(&m->from);
  tree_machine(&m->from.t);
  tape_zone(&m->from, "intel-rapl:0", "package-0", TAPE_RANGE, 100, 1000);
  atomic_store(&m->running, true);
  assert_int_equal(pthread_create(&m->thread, NULL, tick, m), 0);
}

static void machine_release(machine *m) {
  atomic_store(&m->running, false);
  pthread_join(m->thread, NULL);
  tape_release(&m->from);
}

/* The last number that the timeline has for the counter, and its first. */
static void read_ends(const char *folder, uint64_t *first, uint64_t *last) {
  char path[512], line[512];
  snprintf(path, sizeof path, "%s/" ZONE "energy_uj", folder);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%" SCNu64, first), 1);
  fclose(file);
  snprintf(path, sizeof path, "%s/timeline.csv", folder);
  file = fopen(path, "r");
  assert_non_null(file);
  *last = 0;
  while (fgets(line, sizeof line, file) != NULL) {
    const char *at = strstr(line, "energy_uj,");
    if (at != NULL)
      *last = strtoull(at + strlen("energy_uj,"), NULL, 10);
  }
  fclose(file);
}

static void a_recording_replays_to_the_joules_that_it_saw(void **state) {
  (void)state;
  machine m;
  machine_init(&m);
  char folder[128];
  snprintf(folder, sizeof folder, "%s/recording", m.from.t.root);
  fr_error err = {0};
  if (fr_doctor_record(m.from.t.root, folder, 0.5, &err) != FR_OK)
    fail_msg("%s", err.text);
  uint64_t first = 0, last = 0;
  read_ends(folder, &first, &last);
  fr_meter_options options = fr_meter_default_options();
  options.interval_s = 0.02;
  fr_meter_report r;
  assert_int_equal(fr_meter_replay(&options, folder, &r, &err), FR_OK);
  assert_true(last > first);
  assert_int_equal(r.energy.source, FR_SOURCE_POWERCAP);
  assert_near(r.energy.value, (double)(last - first) * 1e-6, 1e-9);
  assert_true(r.duration_s >= 0.5 && r.duration_s < 5);
  fr_meter_report_release(&r);
  /* the limit is in it, and the machine's processor */
  char path[512];
  snprintf(path, sizeof path, "%s/" ZONE "constraint_0_power_limit_uw", folder);
  assert_int_equal(access(path, R_OK), 0);
  snprintf(path, sizeof path, "%s/proc/cpuinfo", folder);
  assert_int_equal(access(path, R_OK), 0);
  /* and nothing is written over */
  assert_int_not_equal(fr_doctor_record(m.from.t.root, folder, 0.1, &err), FR_OK);
  assert_non_null(strstr(err.text, "timeline.csv"));
  machine_release(&m);
}

static void what_may_not_be_read_is_recorded_as_such(void **state) {
  (void)state;
  machine m;
  machine_init(&m);
  atomic_store(&m.running, false);
  char path[256], folder[128];
  tree_path(&m.from.t, ZONE "energy_uj", path);
  assert_int_equal(chmod(path, 0), 0);
  assert_int_equal(chmod(m.from.t.root, 0777), 0);
  snprintf(folder, sizeof folder, "%s/recording", m.from.t.root);
  const bool was_root = geteuid() == 0;
  if (was_root && seteuid(65534) != 0) {
    machine_release(&m);
    print_message("skipped: root cannot become another user here\n");
    skip();
  }
  fr_error err = {0};
  const enum fr_status status = fr_doctor_record(m.from.t.root, folder, 0.1, &err);
  if (was_root)
    assert_int_equal(seteuid(0), 0);
  assert_int_equal(status, FR_OK);
  fr_meter_options options = fr_meter_default_options();
  fr_meter_report r;
  assert_int_equal(fr_meter_replay(&options, folder, &r, &err), FR_OK);
  assert_int_equal(r.energy.source, FR_SOURCE_MODEL);
  fr_meter_report_release(&r);
  options.sensor = "powercap";
  assert_int_equal(fr_meter_replay(&options, folder, &r, &err), FR_ERR_PERMISSION);
  machine_release(&m);
}

static void the_time_must_be_a_time(void **state) {
  (void)state;
  fr_error err = {0};
  assert_int_equal(fr_doctor_record(NULL, "/nowhere", 0, &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_doctor_record(NULL, "/nowhere", 0.0 / 0.0, &err), FR_ERR_ARGUMENT);
  assert_int_not_equal(fr_doctor_record(NULL, "/dev/null/no", 0.1, &err), FR_OK);
  assert_true(err.text[0] != '\0');
}

static void doctor_tells_unit_range_and_place_of_each_counter(void **state) {
  (void)state;
  machine m;
  machine_init(&m);
  tape_zone(&m.from, "intel-rapl:0:0", "core", TAPE_RANGE, 0, 5);
  fr_doctor_report report;
  assert_int_equal(fr_doctor_run(m.from.t.root, &report, NULL), FR_OK);
  machine_release(&m);
  size_t found = 0;
  for (size_t i = 0; i < report.count; i++) {
    const fr_sensor_report *s = &report.sensor[i];
    if (strstr(s->name, "intel-rapl:0 (") != NULL) {
      found++;
      assert_string_equal(s->kind, "package");
      assert_true(s->counted);
      assert_near(s->unit_j, 1e-6, 1e-18);
      assert_near(s->power_limit_w, 100, 1e-9);
      assert_near(s->wrap_s, 2621.43328851, 1e-6); /* 262,143.328851 J at 100 W */
      assert_true(s->update_s > 0.002 && s->update_s < 0.1); /* ticks of 5 ms */
    }
    if (strstr(s->name, "(core)") != NULL) {
      found++;
      assert_string_equal(s->inside, "package-0");
      assert_false(s->counted);
    }
  }
  assert_int_equal(found, 2);
  fr_doctor_report_release(&report);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_recording_replays_to_the_joules_that_it_saw),
      cmocka_unit_test(what_may_not_be_read_is_recorded_as_such),
      cmocka_unit_test(the_time_must_be_a_time),
      cmocka_unit_test(doctor_tells_unit_range_and_place_of_each_counter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
