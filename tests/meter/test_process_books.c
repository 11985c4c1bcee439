/* SPDX-License-Identifier: Apache-2.0 */
/* Who is given what, on trees of files whose truth is known. Ticks are of 10 ms. */
#include "program.h"

#include "meter/processes.h"

#define ROOT 100 /* the program */
#define INIT 1

typedef struct books {
  tree t;
  fr_processes *processes;
} books;

/* Times in ticks. */
static void process(const tree *t, int pid, int parent, const char *name, int start,
                    int own, int children) {
  char path[64], text[256];
  snprintf(path, sizeof path, "proc/%d/stat", pid);
  snprintf(text, sizeof text,
           "%d (%s) S %d 1 1 0 -1 0 0 0 0 0 %8d 0 %8d 0 20 0 1 0 %d 0 0 \n", pid, name,
           parent, own, children, start);
  tree_write(t, path, text);
}

static void end(const tree *t, int pid) {
  char name[64], path[256];
  snprintf(name, sizeof name, "proc/%d/stat", pid);
  tree_path(t, name, path);
  assert_int_equal(unlink(path), 0);
  *strrchr(path, '/') = '\0';
  assert_int_equal(rmdir(path), 0);
}

static void busy(const tree *t, int ticks) {
  char text[128];
  snprintf(text, sizeof text, "cpu  %8d 0 0 100 0 0 0 0 0 0\n", ticks);
  tree_write(t, "proc/stat", text);
}

static void sample(books *b, double t_s, double energy_j) {
  ASSERT_OK(fr_processes_sample(b->processes, t_s, energy_j, err));
}

/* The program has run for a second before, its children for two; another one for one. */
static void begin_at(books *b, fr_measure idle_w) {
  tree_init(&b->t);
  busy(&b->t, 1000);
  process(&b->t, INIT, 0, "init", 1, 0, 0);
  process(&b->t, ROOT, INIT, "program", 10, 100, 200);
  process(&b->t, 200, INIT, "other", 20, 100, 0);
  fr_processes_options options = fr_processes_default_options();
  options.root = b->t.root;
  options.idle_w = idle_w;
  ASSERT_OK(fr_processes_new(&options, ROOT, &b->processes, err));
}

static void begin(books *b, fr_measure idle_w) {
  begin_at(b, idle_w);
  sample(b, 0, 0);
}

static void finish(books *b) {
  fr_processes_free(b->processes);
  tree_release(&b->t);
}

static fr_processes_report figures(books *b, fr_measure energy) {
  fr_processes_report report;
  ASSERT_OK(fr_processes_read(b->processes, energy, &report, err));
  return report;
}

/* CPU time of the row of that name; -1 where there is none. */
static double core_s(books *b, const char *name) {
  fr_processes_report report = figures(b, joules(1));
  const fr_process_report *row = row_named(&report, name);
  const double seconds = row != NULL ? row->core_s : -1;
  fr_processes_report_release(&report);
  return seconds;
}

static fr_measure none(void) { return fr_measure_absent(FR_UNIT_WATT); }

/*
 * In a second the machine draws 25 J, 5 of them at rest. Busy are 2 core-seconds: 1 of
 * the program, 0.5 of the other, and 0.5 that no process explains.
 */
static void energy_above_idle_goes_by_cpu_time(void **state) {
  (void)state;
  books b;
  begin(&b, watts(4, 5, 7));
  process(&b.t, ROOT, INIT, "program", 10, 200, 200);
  process(&b.t, 200, INIT, "other", 20, 150, 0);
  busy(&b.t, 1200);
  sample(&b, 1, 25);
  const fr_measure energy = {25, 22.5, 27.5, FR_UNIT_JOULE, FR_SOURCE_PERF};
  fr_processes_report r = figures(&b, energy);
  assert_near(r.program.value, 10, 1e-9);
  assert_near(r.other.value, 10, 1e-9);
  assert_near(r.idle.value, 5, 1e-9);
  assert_int_equal(r.program.source, FR_SOURCE_PERF);
  assert_near(row_named(&r, "other")->energy.value, 5, 1e-9);
  assert_false(row_named(&r, "other")->of_program);
  /* (25 - 7) / 2 and (25 - 4) / 2, each 10 % wider, and 0.3 * 20 * 1/2 * 1/2 of mixing */
  assert_near(r.program.low, 9 * 0.9 - 1.5, 1e-9);
  assert_near(r.program.high, 10.5 * 1.1 + 1.5, 1e-9);
  assert_near(r.idle.low, 4 * 0.9, 1e-9);
  assert_near(r.idle.high, 7 * 1.1, 1e-9);
  assert_near(r.program_core_s, 1, 1e-9);
  assert_near(r.other_core_s, 1, 1e-9);
  fr_processes_report_release(&r);
  double seconds, spent_j;
  fr_processes_program(b.processes, &seconds, &spent_j);
  assert_near(seconds, 1, 1e-9);
  assert_near(spent_j, 10, 1e-9);
  fr_process_use use[4];
  assert_int_equal(fr_processes_last(b.processes, use, 4), 3);
  assert_string_equal(use[0].name, "program");
  assert_near(use[0].core_s, 1, 1e-9);
  assert_near(use[1].core_s + use[2].core_s, 1, 1e-9);
  finish(&b);
}

static void a_counter_may_be_slower_than_the_samples(void **state) {
  (void)state;
  books b;
  begin(&b, none());
  process(&b.t, ROOT, INIT, "program", 10, 110, 200);
  busy(&b.t, 1010);
  sample(&b, 1, 0);
  process(&b.t, 200, INIT, "other", 20, 130, 0);
  busy(&b.t, 1040);
  sample(&b, 2, 8);
  fr_processes_report r = figures(&b, joules(8));
  assert_near(r.program.value, 2, 1e-9);
  assert_near(r.other.value, 6, 1e-9);
  fr_processes_report_release(&r);
  finish(&b);
}

static void the_first_sample_brings_energy_too(void **state) {
  (void)state;
  books b;
  begin_at(&b, none());
  process(&b.t, ROOT, INIT, "program", 10, 150, 200);
  busy(&b.t, 1050);
  sample(&b, 1, 4);
  fr_processes_report r = figures(&b, joules(4));
  assert_near(r.program.value, 4, 1e-9);
  fr_processes_report_release(&r);
  finish(&b);
}

static void energy_of_nobody_is_not_the_programs(void **state) {
  (void)state;
  books b;
  begin(&b, watts(1, 1, 1));
  sample(&b, 1, 3);
  fr_processes_report r = figures(&b, joules(3));
  assert_near(r.program.value, 0, 1e-12);
  assert_near(r.other.value, 2, 1e-12);
  assert_near(r.idle.value, 1, 1e-12);
  fr_processes_report_release(&r);
  /* below what rest should draw: nothing is to be shared, and nothing is negative */
  process(&b.t, ROOT, INIT, "program", 10, 200, 200);
  sample(&b, 11, 4);
  r = figures(&b, joules(4));
  assert_near(r.program.value, 0, 1e-12);
  assert_near(r.idle.value, 2, 1e-12);
  fr_processes_report_release(&r);
  finish(&b);
}

/*
 * The model: 5 W at rest, 10 W (8 to 15) for a busy core. A process costs its CPU time,
 * whatever ticks say meanwhile; what they say beyond is other programs' and can be taken
 * back where they came too early.
 */
static void with_the_model_a_core_second_has_its_price(void **state) {
  (void)state;
  books b;
  begin(&b, watts(4, 5, 6));
  b.processes->options.core_w = watts(8, 10, 15);
  process(&b.t, ROOT, INIT, "program", 10, 130, 200);
  sample(&b, 1, 5); /* no tick yet: it stays due */
  fr_processes_report r = figures(&b, joules(5));
  assert_near(r.program.value, 0, 1e-12);
  assert_near(r.idle.value, 5, 1e-12);
  fr_processes_report_release(&r);
  process(&b.t, 200, INIT, "other", 20, 110, 0);
  sample(&b, 2, 15);
  r = figures(&b, (fr_measure){15, 11, 23, FR_UNIT_JOULE, FR_SOURCE_MODEL});
  assert_near(r.program.value, 3, 1e-12);
  assert_near(r.program.low, 0.3 * 8, 1e-12);
  assert_near(r.program.high, 0.3 * 15, 1e-12);
  assert_near(row_named(&r, "other")->energy.value, 1, 1e-12);
  assert_near(r.other.value, 2, 1e-12);
  assert_near(r.idle.low, 8, 1e-12);
  assert_near(r.idle.high, 12, 1e-12);
  fr_processes_report_release(&r);
  process(&b.t, 200, INIT, "other", 20, 115, 0);
  sample(&b, 3, 20); /* no tick: it had come before */
  r = figures(&b, joules(20));
  assert_near(r.program.value, 3, 1e-12);
  assert_near(row_named(&r, "other")->energy.value, 1.5, 1e-12);
  assert_near(r.other.value, 2, 1e-12);
  assert_near(r.idle.value, 15, 1e-12);
  fr_processes_report_release(&r);
  finish(&b);
}

/* 20 W for a second, of which others had nine tenths: the bounds of one of two equal
 * processes, by themselves, reach beyond those of both. */
static void a_part_reaches_no_higher_than_its_whole(void **state) {
  (void)state;
  books b;
  begin(&b, watts(0, 1, 9));
  process(&b.t, 310, ROOT, "one", 50, 49, 0);
  process(&b.t, 311, ROOT, "two", 50, 1, 0);
  busy(&b.t, 1050);
  sample(&b, 1, 20);
  fr_processes_report r =
      figures(&b, (fr_measure){20, 19, 20.5, FR_UNIT_JOULE, FR_SOURCE_PERF});
  assert_near(r.program.value, 19, 1e-9);
  assert_true(r.program.high <= 20.5 && r.idle.high <= 20.5);
  for (size_t i = 0; i < r.count; i++) {
    const fr_measure m = r.process[i].energy;
    assert_true(0 <= m.low && m.low <= m.value && m.value <= m.high);
    assert_true(m.high <= r.program.high);
  }
  fr_processes_report_release(&r);
  /* the same bounds without a ceiling: 0.98 of 20 J, and the mixture */
  r = figures(&b, (fr_measure){20, 19, 40, FR_UNIT_JOULE, FR_SOURCE_PERF});
  assert_near(row_named(&r, "one")->energy.high, 19.6 * 2 + 0.3 * 19 * 0.98 * 0.02, 1e-9);
  fr_processes_report_release(&r);
  finish(&b);
}

static void others_busy_time_is_told_without_our_own(void **state) {
  (void)state;
  books b;
  begin(&b, none());
  process(&b.t, ROOT, INIT, "program", 10, 130, 200);
  process(&b.t, 200, INIT, "other", 20, 150, 0);
  sample(&b, 1, 1);
  assert_near(fr_processes_busy(b.processes), 0.8, 1e-9);
  assert_near(fr_processes_busy(NULL), 0, 0);
  finish(&b);
}

static void a_reused_pid_is_another_process(void **state) {
  (void)state;
  books b;
  begin(&b, none());
  process(&b.t, 200, INIT, "other", 20, 150, 0);
  sample(&b, 1, 1);
  process(&b.t, 200, INIT, "newer", 90, 170, 0); /* more time than the one before had */
  sample(&b, 2, 2);
  sample(&b, 3, 3);
  assert_near(core_s(&b, "other"), 0.5, 1e-9);
  assert_near(core_s(&b, "newer"), 1.7, 1e-9);
  finish(&b);
}

static void one_that_ended_between_list_and_look_is_passed_over(void **state) {
  (void)state;
  books b;
  begin(&b, none());
  char path[256];
  tree_path(&b.t, "proc/300", path);
  assert_int_equal(mkdir(path, 0755), 0);
  tree_write(&b.t, "proc/301/stat", "301 (half");
  sample(&b, 1, 1);
  process(&b.t, 300, ROOT, "late", 50, 30, 0);
  sample(&b, 2, 2);
  assert_near(core_s(&b, "late"), 0.3, 1e-9);
  assert_near(core_s(&b, "half"), -1, 1e-9);
  finish(&b);
}

static void descendants_are_the_programs_for_good(void **state) {
  (void)state;
  books b;
  begin(&b, none());
  process(&b.t, 310, ROOT, "child", 50, 10, 0);
  process(&b.t, 305, 310, "grandchild", 51, 10, 0); /* pids have wrapped */
  sample(&b, 1, 1);
  end(&b.t, 310);
  process(&b.t, 305, INIT, "grandchild", 51, 30, 0);
  sample(&b, 2, 2);
  process(&b.t, 305, INIT, "grandchild", 51, 60, 0);
  sample(&b, 3, 3);
  fr_processes_report r = figures(&b, joules(3));
  assert_true(row_named(&r, "grandchild")->of_program);
  assert_near(row_named(&r, "grandchild")->core_s, 0.6, 1e-9);
  assert_true(row_named(&r, "child")->of_program);
  fr_processes_report_release(&r);
  finish(&b);
}

/* ---- what parents are told of their children ---- */

static void what_was_never_seen_is_short_lived(void **state) {
  (void)state;
  books b;
  begin(&b, none());
  process(&b.t, ROOT, INIT, "program", 10, 110, 230);
  sample(&b, 1, 1);
  assert_near(core_s(&b, "(short-lived)"), 0.3, 1e-9);
  assert_near(core_s(&b, "program"), 0.1, 1e-9);
  finish(&b);
}

static void a_child_that_was_seen_is_not_counted_again(void **state) {
  (void)state;
  books b;
  begin(&b, none());
  process(&b.t, 310, ROOT, "child", 50, 50, 0);
  sample(&b, 1, 1);
  end(&b.t, 310); /* it took 0.55 s in all */
  process(&b.t, ROOT, INIT, "program", 10, 101, 255);
  sample(&b, 2, 2);
  assert_near(core_s(&b, "child"), 0.55, 0.011);
  fr_processes_report r = figures(&b, joules(2));
  assert_near(r.program_core_s, 0.56, 1e-9);
  fr_processes_report_release(&r);
  finish(&b);
}

static void a_wait_may_come_a_step_later(void **state) {
  (void)state;
  books b;
  begin(&b, none());
  process(&b.t, 310, ROOT, "child", 50, 50, 0);
  sample(&b, 1, 1);
  end(&b.t, 310);
  sample(&b, 2, 2);
  process(&b.t, ROOT, INIT, "program", 10, 101, 250);
  sample(&b, 3, 3);
  fr_processes_report r = figures(&b, joules(3));
  assert_near(r.program_core_s, 0.51, 1e-9);
  fr_processes_report_release(&r);
  finish(&b);
}

/* SIGCHLD ignored: the parent is told nothing; later children count in full. */
static void a_child_that_nobody_waits_for_hides_no_later_one(void **state) {
  (void)state;
  books b;
  begin(&b, none());
  process(&b.t, 310, ROOT, "child", 50, 500, 0);
  sample(&b, 1, 1);
  end(&b.t, 310);
  for (int i = 2; i < 5; i++)
    sample(&b, i, i);
  process(&b.t, ROOT, INIT, "program", 10, 101, 300); /* a second of short-lived ones */
  sample(&b, 5, 5);
  assert_near(core_s(&b, "child"), 5, 1e-9);
  assert_near(core_s(&b, "(short-lived)"), 1, 0.021); /* two ticks are held back */
  finish(&b);
}

static void a_thousand_that_ended_are_joined_and_none_is_lost(void **state) {
  (void)state;
  books b;
  begin(&b, none());
  for (int i = 0; i < 1500; i++)
    process(&b.t, 1000 + i, ROOT, "job", 50, i < 500 ? 1 : 2, 0);
  sample(&b, 1, 1);
  for (int i = 0; i < 1500; i++)
    end(&b.t, 1000 + i);
  process(&b.t, ROOT, INIT, "program", 10, 100, 200 + 2500);
  sample(&b, 2, 2);
  sample(&b, 3, 3);
  fr_processes_report r = figures(&b, joules(3));
  assert_near(r.program_core_s, 25, 1e-6);
  assert_true(r.count <= FR__ENDED + 4);
  assert_near(row_named(&r, "(short-lived)")->core_s, (1500 - FR__ENDED) * 0.01, 1e-6);
  fr_processes_report_release(&r);
  finish(&b);
}

/* ---- a recording ---- */

#define STAT(own) "70 (flaky) S 1 1 1 0 -1 0 0 0 0 0 " own " 0 0 0 20 0 1 0 5 0 0"

static void a_failed_reading_is_made_up_for(void **state) {
  (void)state;
  tree t;
  tree_init(&t);
  tree_write(&t, "proc/stat", "cpu  0 0 0 100 0 0 0 0 0 0\n");
  tree_write(&t, "proc/70/stat", STAT("100"));
  tree_write(&t, "timeline.csv",
             "t_ns,path,value\n1000000000,/proc/70/stat," STAT(
                 "150") "\n"
                        "2000000000,/proc/70/stat,!EIO\n3000000000,/proc/70/stat," STAT(
                            "190") "\n"
                                   "4000000000,/proc/stat,cpu  90 0 0 100 0 0 0 0 0 0\n");
  fr__world *world = NULL;
  fr_processes *processes = NULL;
  ASSERT_OK(fr__world_new_replay(t.root, &world, err));
  ASSERT_OK(fr__processes_new(NULL, world, 70, &processes, err));
  for (int i = 0; i < 5; i++) {
    (void)fr__world_move(world, (uint64_t)i * 1000000000);
    ASSERT_OK(fr_processes_sample(processes, i, i, err));
  }
  fr_processes_report r;
  ASSERT_OK(fr_processes_read(processes, joules(4), &r, err));
  assert_near(r.program_core_s, 0.9, 1e-9);
  assert_int_equal(r.count, 1);
  fr_processes_report_release(&r);
  fr_processes_free(processes);
  fr__world_free(world);
  tree_release(&t);
}

/* ---- sleepers, on a machine made of numbers ---- */

enum { SLEEPERS = 40 };

static struct {
  double own_s[SLEEPERS + 1], busy_s;
  size_t asked;
} machine;

static bool none_came(fr__process_source *source, int64_t *from, int64_t *to) {
  (void)source;
  *from = *to = 1;
  return false;
}

static int all_sleepers(fr__process_source *source, fr__pids *out) {
  (void)source;
  out->count = 0;
  for (int64_t pid = 1; pid <= SLEEPERS; pid++)
    assert_true(fr__pids_add(out, pid));
  return 0;
}

static bool none_is_new(fr__process_source *source, int64_t from, int64_t to,
                        fr__pids *out) {
  (void)source, (void)from, (void)to;
  out->count = 0;
  return true;
}

static int of_a_sleeper(fr__process_source *source, int64_t pid, fr__process_stat *out) {
  (void)source;
  *out = (fr__process_stat){.start_ticks = (uint64_t)pid, .name = "sleeper"};
  return 0;
}

static int own_of(fr__process_source *source, int64_t pid, double *cpu_s) {
  (void)source;
  machine.asked++;
  *cpu_s = machine.own_s[pid];
  return 0;
}

static int busy_of(fr__process_source *source, double *busy_s) {
  (void)source;
  *busy_s = machine.busy_s;
  return 0;
}

static void nobody(void *self, const fr__process *row) { (void)self, (void)row; }

static void scan(fr__process_table *table, int times, double busy_s) {
  for (int i = 0; i < times; i++) {
    machine.busy_s += busy_s;
    ASSERT_OK(fr__process_table_scan(table, nobody, NULL, err));
  }
}

/* Compilers come and go between the samples: nobody who can be asked had their time. */
static void sleepers_are_left_alone_where_asking_them_tells_nothing(void **state) {
  (void)state;
  static const fr__process_ops ops = {none_came, all_sleepers, none_is_new, of_a_sleeper,
                                      own_of,    NULL,         busy_of};
  fr__process_table table;
  memset(&machine, 0, sizeof machine);
  ASSERT_OK(fr__process_table_init(&table, NULL, err));
  table.source.ops = &ops;
  scan(&table, 20, 0);
  machine.asked = 0;
  scan(&table, 40, 0);
  assert_int_equal(machine.asked, 40 * SLEEPERS / 4);
  machine.asked = 0;
  scan(&table, 40, 1);
  assert_true(machine.asked <= 40 * SLEEPERS * 55 / 100);
  scan(&table, 4, 0);
  machine.own_s[7] += 1; /* one woke: it is found at once */
  scan(&table, 1, 1);
  assert_near(fr__process_find(&table, 7)->step_s, 1, 1e-12);
  scan(&table, 20, 1);
  machine.own_s[8] += 1; /* beside compilers two steps later at the latest */
  scan(&table, 3, 1);
  assert_near(fr__process_find(&table, 8)->total_s, 1, 1e-12);
  fr__process_table_release(&table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(energy_above_idle_goes_by_cpu_time),
      cmocka_unit_test(a_counter_may_be_slower_than_the_samples),
      cmocka_unit_test(the_first_sample_brings_energy_too),
      cmocka_unit_test(energy_of_nobody_is_not_the_programs),
      cmocka_unit_test(with_the_model_a_core_second_has_its_price),
      cmocka_unit_test(a_part_reaches_no_higher_than_its_whole),
      cmocka_unit_test(others_busy_time_is_told_without_our_own),
      cmocka_unit_test(a_reused_pid_is_another_process),
      cmocka_unit_test(one_that_ended_between_list_and_look_is_passed_over),
      cmocka_unit_test(descendants_are_the_programs_for_good),
      cmocka_unit_test(what_was_never_seen_is_short_lived),
      cmocka_unit_test(a_child_that_was_seen_is_not_counted_again),
      cmocka_unit_test(a_wait_may_come_a_step_later),
      cmocka_unit_test(a_child_that_nobody_waits_for_hides_no_later_one),
      cmocka_unit_test(a_thousand_that_ended_are_joined_and_none_is_lost),
      cmocka_unit_test(a_failed_reading_is_made_up_for),
      cmocka_unit_test(sleepers_are_left_alone_where_asking_them_tells_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
