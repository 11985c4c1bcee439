/* SPDX-License-Identifier: Apache-2.0 */
/* Live: who was busy, and what they are given of a machine's energy. */
#include "program.h"

#include <math.h>

#include "meter/processes.h"

#define CORE_W 10.0 /* of the made-up machine: what a busy core-second adds */
#define IDLE_W 5.0

static double busy_s(void) {
  FILE *f = fopen("/proc/stat", "r");
  assert_non_null(f);
  double v[7];
  assert_int_equal(fscanf(f, "cpu %lf %lf %lf %lf %lf %lf %lf", &v[0], &v[1], &v[2],
                          &v[3], &v[4], &v[5], &v[6]),
                   7);
  fclose(f);
  return (v[0] + v[1] + v[2] + v[5] + v[6]) / (double)sysconf(_SC_CLK_TCK);
}

/* A machine that draws IDLE_W and CORE_W for each busy core, by the kernel's count. */
typedef struct machine {
  double start_s, start_busy_s;
  double t_s, energy_j;
} machine;

static void machine_read(machine *m) {
  m->t_s = seconds_of(CLOCK_MONOTONIC) - m->start_s;
  m->energy_j = m->t_s * IDLE_W + (busy_s() - m->start_busy_s) * CORE_W;
}

static machine machine_start(void) {
  return (machine){.start_s = seconds_of(CLOCK_MONOTONIC), .start_busy_s = busy_s()};
}

typedef struct outcome {
  fr_processes_report report;
  double core_s;   /* the truth: rusage */
  double energy_j; /* of the machine */
  char how[300];
} outcome;

static outcome watch(const char *name, void (*run)(void), fr_processes_options options,
                     double interval_s) {
  outcome out;
  program p = program_hold(name, run);
  fr_processes *processes = NULL;
  ASSERT_OK(fr_processes_new(&options, p.pid, &processes, err));
  snprintf(out.how, sizeof out.how, "%s", fr_processes_how(processes));
  machine m = machine_start();
  ASSERT_OK(fr_processes_sample(processes, 0, 0, err));
  program_go(&p);
  while (!program_ended(&p)) {
    rest(interval_s);
    machine_read(&m);
    ASSERT_OK(fr_processes_sample(processes, m.t_s, m.energy_j, err));
  }
  fr_processes_reaped(processes, p.core_s);
  rest(0.02); /* so that the machine's count of ticks has moved */
  machine_read(&m);
  ASSERT_OK(fr_processes_sample(processes, m.t_s, m.energy_j, err));
  ASSERT_OK(fr_processes_read(processes, joules(m.energy_j), &out.report, err));
  fr_processes_free(processes);
  out.core_s = p.core_s;
  out.energy_j = m.energy_j;
  return out;
}

static fr_processes_options by(bool cgroup) {
  fr_processes_options options = fr_processes_default_options();
  options.cgroup = cgroup;
  options.idle_w = watts(IDLE_W, IDLE_W, IDLE_W);
  return options;
}

static void assert_adds_up(const outcome *o) {
  const fr_processes_report *r = &o->report;
  const double sum = r->program.value + r->other.value + r->idle.value;
  assert_near(sum, o->energy_j, 1e-9 * o->energy_j);
  double own = 0, other = 0;
  for (size_t i = 0; i < r->count; i++)
    *(r->process[i].of_program ? &own : &other) += r->process[i].energy.value;
  assert_near(own, r->program.value, 1e-9 * o->energy_j);
  assert_true(other <= r->other.value * (1 + 1e-9));
}

/* ---- two of two to one ---- */

static void burn_two(void) { burn(1.6); }
static void burn_one(void) { burn(0.8); }

static void two_burners(void) {
  start("burner-two", burn_two);
  start("burner-one", burn_one);
  wait_all();
}

static void check_two_to_one(bool cgroup) {
  outcome o = watch("burners", two_burners, by(cgroup), 0.05);
  const fr_process_report *two = row_named(&o.report, "burner-two");
  const fr_process_report *one = row_named(&o.report, "burner-one");
  assert_non_null(two);
  assert_non_null(one);
  assert_true(two->of_program && one->of_program);
  assert_near(two->core_s, 1.6, 0.08);
  assert_near(one->core_s, 0.8, 0.04);
  assert_near(two->core_s / one->core_s, 2, 0.1);
  assert_near(two->energy.value / one->energy.value, 2, 0.1);
  assert_adds_up(&o);
  fr_processes_report_release(&o.report);
}

static void two_burners_of_two_to_one_by_polling(void **state) {
  (void)state;
  check_two_to_one(false);
}

static void two_burners_of_two_to_one_in_a_cgroup(void **state) {
  (void)state;
  check_two_to_one(true);
}

/* ---- short-lived ---- */

static void burn_shortly(void) { burn(0.001); }

static void many_short_lived(void) {
  for (int i = 0; i < 1000; i++) {
    start("short", burn_shortly);
    wait_all();
  }
}

static void check_short_lived(bool cgroup) {
  outcome o = watch("forker", many_short_lived, by(cgroup), 0.1);
  assert_near(o.report.program_core_s, o.core_s, 0.05 * o.core_s);
  const fr_process_report *line = row_named(&o.report, "(short-lived)");
  assert_non_null(line);
  assert_int_equal(line->pid, 0);
  assert_true(line->of_program && line->core_s > 0.5);
  assert_adds_up(&o);
  fr_processes_report_release(&o.report);
}

static void a_thousand_short_lived_children_by_polling(void **state) {
  (void)state;
  check_short_lived(false);
}

static void a_thousand_short_lived_children_in_a_cgroup(void **state) {
  (void)state;
  check_short_lived(true);
}

/* ---- others ---- */

static void burn_orphaned(void) { burn(0.4); }

static void leave_an_orphan(void) {
  const pid_t middle = fork();
  if (middle == 0) {
    start("orphan", burn_orphaned);
    _exit(0);
  }
  wait_all();
  rest(0.1);
  burn(0.1);
  rest(1.5);
}

static void check_orphan(bool cgroup) {
  outcome o = watch("parent", leave_an_orphan, by(cgroup), 0.05);
  const fr_process_report *orphan = row_named(&o.report, "orphan");
  assert_non_null(orphan);
  assert_true(orphan->of_program);
  assert_near(orphan->core_s, 0.4, 0.04);
  fr_processes_report_release(&o.report);
}

static void an_orphan_stays_the_programs_by_polling(void **state) {
  (void)state;
  check_orphan(false);
}

static void an_orphan_stays_the_programs_in_a_cgroup(void **state) {
  (void)state;
  check_orphan(true);
}

static bool in_a_group_of_ours(pid_t pid) {
  char path[64], line[512];
  bool found = false;
  snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
  FILE *f = fopen(path, "r");
  while (f != NULL && fgets(line, sizeof line, f) != NULL)
    found = found || strstr(line, "/frugal-") != NULL;
  if (f != NULL)
    fclose(f);
  return found;
}

static void a_cgroup_is_removed_and_who_is_in_it_runs_on(void **state) {
  (void)state;
  program p = program_hold("lasting", burn_two);
  fr_processes *processes = NULL;
  fr_processes_options options = by(true);
  ASSERT_OK(fr_processes_new(&options, p.pid, &processes, err));
  const bool made = strcmp(fr_processes_how(processes), "cgroup v2") == 0;
  char path[FR__CGROUP_PATH];
  memcpy(path, processes->cgroup.path, sizeof path);
  if (!made)
    print_message("skipped: %s\n", fr_processes_how(processes));
  assert_int_equal(in_a_group_of_ours(p.pid), made);
  program_go(&p);
  fr_processes_free(processes);
  assert_false(in_a_group_of_ours(p.pid));
  assert_true(!made || access(path, F_OK) != 0);
  assert_int_equal(kill(p.pid, 0), 0);
  kill(p.pid, SIGKILL);
  assert_int_equal(waitpid(p.pid, NULL, 0), p.pid);
}

static void sleep_a_while(void) { rest(0.6); }
static void burn_a_while(void) { burn(0.3); }

static void other_programs_are_a_line_of_their_own(void **state) {
  (void)state;
  const pid_t other = start("outsider", burn_a_while);
  outcome o = watch("sleeper", sleep_a_while, by(false), 0.05);
  const fr_process_report *outsider = row_named(&o.report, "outsider");
  assert_non_null(outsider);
  assert_false(outsider->of_program);
  assert_true(o.report.other_core_s > 0.2);
  assert_true(o.report.program.value < 0.05 * o.energy_j);
  assert_true(o.report.other.value >= outsider->energy.value);
  assert_adds_up(&o);
  fr_processes_report_release(&o.report);
  assert_int_equal(waitpid(other, NULL, 0), other);
}

static void idle_power_is_nobodys_unless_asked_for(void **state) {
  (void)state;
  fr_processes_options options = by(false);
  outcome o = watch("burner", burn_a_while, options, 0.05);
  assert_true(o.report.idle.value > 0.25 * IDLE_W);
  /* at most what its core-seconds cost, and some ticks */
  assert_true(o.report.program.value < (o.core_s + 0.05) * CORE_W);
  fr_processes_report_release(&o.report);
  options.charge_idle = true;
  o = watch("burner", burn_a_while, options, 0.05);
  assert_near(o.report.idle.value, 0, 1e-12);
  assert_adds_up(&o);
  fr_processes_report_release(&o.report);
}

static void what_is_not_measured_is_absent(void **state) {
  (void)state;
  program p = program_hold("burner", burn_a_while);
  fr_processes *processes = NULL;
  fr_processes_options options = by(false);
  ASSERT_OK(fr_processes_new(&options, p.pid, &processes, err));
  program_go(&p);
  while (!program_ended(&p))
    rest(0.05);
  ASSERT_OK(fr_processes_sample(processes, 1, 0, err));
  fr_processes_report report;
  ASSERT_OK(fr_processes_read(processes, fr_measure_absent(FR_UNIT_JOULE), &report, err));
  assert_false(fr_measure_known(report.program));
  assert_false(fr_measure_known(report.other));
  fr_processes_report_release(&report);
  fr_processes_free(processes);
  assert_int_equal(fr_processes_new(&options, p.pid, &processes, NULL), FR_ERR_NOT_FOUND);
}

static void the_last_sample_tells_who_ran(void **state) {
  (void)state;
  program p = program_hold("burner", burn_two);
  fr_processes *processes = NULL;
  fr_processes_options options = by(false);
  ASSERT_OK(fr_processes_new(&options, p.pid, &processes, err));
  program_go(&p);
  fr_process_use use[64];
  rest(0.1); /* it takes its name */
  ASSERT_OK(fr_processes_sample(processes, 0, 0, err));
  rest(0.3);
  ASSERT_OK(fr_processes_sample(processes, 0.3, 1, err));
  const size_t count = fr_processes_last(processes, use, 64);
  assert_true(count > 0);
  bool found = false;
  for (size_t i = 0; i < count; i++) {
    found = found || (use[i].pid == p.pid && use[i].of_program && use[i].core_s > 0.02);
    assert_true(i == 0 || use[i - 1].core_s >= use[i].core_s);
  }
  assert_true(found);
  assert_int_equal(fr_processes_last(processes, use, 1), 1);
  assert_int_equal(fr_processes_last(processes, use, 0), 0);
  kill(p.pid, SIGKILL);
  assert_int_equal(waitpid(p.pid, NULL, 0), p.pid);
  fr_processes_free(processes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_burners_of_two_to_one_by_polling),
      cmocka_unit_test(two_burners_of_two_to_one_in_a_cgroup),
      cmocka_unit_test(a_thousand_short_lived_children_by_polling),
      cmocka_unit_test(a_thousand_short_lived_children_in_a_cgroup),
      cmocka_unit_test(an_orphan_stays_the_programs_by_polling),
      cmocka_unit_test(an_orphan_stays_the_programs_in_a_cgroup),
      cmocka_unit_test(a_cgroup_is_removed_and_who_is_in_it_runs_on),
      cmocka_unit_test(other_programs_are_a_line_of_their_own),
      cmocka_unit_test(idle_power_is_nobodys_unless_asked_for),
      cmocka_unit_test(what_is_not_measured_is_absent),
      cmocka_unit_test(the_last_sample_tells_who_ran),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
