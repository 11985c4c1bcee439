/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a card's energy is, with a library that stands for NVIDIA's (fake_nvml.c). The
 * machine without its cards draws nothing here, unless a test says so. GPU 0 tells who
 * used it, GPU 2 is divided by MIG and does not.
 */
#include "program.h"

#include <math.h>

#include "meter/process_cards.h"

#define S 1000000 /* microseconds, of the driver's clock */
#define IDLE_W 20.0

typedef struct card {
  program p;
  fr_processes *processes;
  const char *name;
  double t_s, energy_j;
} card;

static void sleeper(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
  pause();
}

static void setup(card *c, const char *name) {
  setenv("FRUGAL_NVML", FAKE_NVML, 1);
  setenv("FAKE_MW", "20000", 1);
  *c = (card){.p = program_hold("trainer", sleeper), .name = name};
  fr_processes_options options = fr_processes_default_options();
  options.cgroup = false;
  ASSERT_OK(fr_processes_new(&options, c->p.pid, &c->processes, err));
  program_go(&c->p);
}

static void end(const card *c) {
  kill(c->p.pid, SIGKILL);
  assert_int_equal(waitpid(c->p.pid, NULL, 0), c->p.pid);
}

static void finish(card *c) { fr_processes_free(c->processes); }

/* A second in which the card draws so many watts, and nothing else does. */
static void second(card *c, double power_w) {
  c->t_s += 1;
  c->energy_j += power_w;
  fr_card_energy told = {.energy_j = c->energy_j};
  snprintf(told.card, sizeof told.card, "%s", c->name);
  fr_processes_cards(c->processes, &told, 1);
  ASSERT_OK(fr_processes_sample(c->processes, c->t_s, c->energy_j, err));
}

/* FAKE_USE_0: of the program and of this process, up to so many seconds. */
static void use(const card *c, unsigned percent, unsigned own, int until_s) {
  char text[128];
  snprintf(text, sizeof text, "%d:%u:%d,%d:%u:%d", (int)c->p.pid, percent, until_s * S,
           (int)getpid(), own, until_s * S);
  setenv("FAKE_USE_0", text, 1);
}

static fr_processes_report figures(const card *c) {
  fr_processes_report r;
  const fr_measure energy = {.value = c->energy_j,
                             .high =
                                 2 * c->energy_j, /* the machine's is none of theirs */
                             .unit = FR_UNIT_JOULE,
                             .source = FR_SOURCE_MODEL};
  ASSERT_OK(fr_processes_read(c->processes, energy, &r, err));
  assert_near(r.program.value + r.other.value + r.idle.value + r.cards.value, c->energy_j,
              1e-9 * c->energy_j);
  return r;
}

static const fr_process_report *row_of(const fr_processes_report *r, int64_t pid) {
  for (size_t i = 0; i < r->count; i++)
    if (r->process[i].pid == pid)
      return &r->process[i];
  fail_msg("no row of process %lld", (long long)pid);
  return NULL;
}

static int fresh(void **state) {
  (void)state;
  static const char *const names[] = {"FAKE_USE_0", "FAKE_LIST_0", "FAKE_LIST_2",
                                      "FAKE_LIST_1"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    unsetenv(names[i]);
  return 0;
}

/* 220 W for a second: 200 W above rest, of which two parts in three. */
static void two_processes_of_two_to_one(void **state) {
  (void)state;
  card c;
  setup(&c, "nvml:0");
  use(&c, 60, 30, 1);
  second(&c, 220);
  fr_processes_report r = figures(&c);
  const fr_process_report *own = row_of(&r, c.p.pid), *other = row_of(&r, getpid());
  assert_near(own->energy.value, 400.0 / 3, 1e-9);
  assert_near(own->gpu_s, 0.6, 1e-9);
  assert_near(other->energy.value, 200.0 / 3, 1e-9);
  assert_near(other->gpu_s, 0.3, 1e-9);
  assert_true(own->of_program);
  assert_near(r.program.value, 400.0 / 3, 1e-9);
  assert_near(r.program_gpu_s, 0.6, 1e-9);
  assert_near(r.cards.value, IDLE_W, 1e-9);
  assert_true(r.gpu);
  assert_false(r.even);
  /* 0.1 of the idle power either way, the driver's 5 %, and 0.3 of 200 J * 2/3 * 1/3 of
   * mixing */
  assert_near(own->energy.high, 202 * 1.05 * 2 / 3 + 0.3 * 400 / 9, 1e-6);
  assert_near(own->energy.low, 198 * 0.95 * 2 / 3 - 0.3 * 400 / 9, 1e-6);
  fr_processes_report_release(&r);
  fr_process_use used[64];
  const size_t count = fr_processes_last(c.processes, used, 64);
  assert_true(count >= 2);
  assert_int_equal(used[0].pid, c.p.pid);
  assert_near(used[0].gpu_s, 0.6, 1e-9);
  end(&c);
  finish(&c);
}

/* Samples in one answer: each for the time since the one before it. */
static void seconds_are_utilisation_times_the_time_between(void **state) {
  (void)state;
  card c;
  setup(&c, "nvml:0");
  use(&c, 10, 0, 1);
  second(&c, 120);
  char text[128];
  snprintf(text, sizeof text, "%d:80:%d,%d:40:%d,%d:999999:%d", (int)c.p.pid, 3 * S,
           (int)c.p.pid, 3 * S / 2, (int)c.p.pid, 7 * S / 2);
  setenv("FAKE_USE_0", text, 1);
  second(&c, 120);
  fr_processes_report r = figures(&c);
  /* 0.1 of a second; 0.4 of half one; 0.8 of one and a half; then all of half one */
  assert_near(r.program_gpu_s, 0.1 + 0.2 + 1.2 + 0.5, 1e-9);
  fr_processes_report_release(&r);
  end(&c);
  finish(&c);
}

static void a_card_at_rest_is_nobodys(void **state) {
  (void)state;
  card c;
  setup(&c, "nvml:0");
  for (int i = 0; i < 5; i++)
    second(&c, IDLE_W);
  fr_processes_report r = figures(&c);
  assert_near(r.program.value, 0, 1e-12);
  assert_near(r.other.value, 0, 1e-12);
  assert_near(r.cards.value, 5 * IDLE_W, 1e-9);
  fr_processes_report_release(&r);
  end(&c);
  finish(&c);
}

/* In use at the start: rest is not known until nobody uses it. */
static void rest_is_learnt_while_nobody_uses_it(void **state) {
  (void)state;
  card c;
  setenv("FAKE_LIST_0", "1", 1);
  setenv("FAKE_USE_0", "1:50:500000", 1);
  setup(&c, "nvml:0");
  for (int i = 0; i < 4; i++)
    second(&c, 30);
  use(&c, 100, 0, 5);
  second(&c, 130);
  fr_processes_report r = figures(&c);
  assert_near(r.program.value, 100, 1e-9);
  assert_near(r.cards.value, 5 * 30, 1e-9);
  fr_processes_report_release(&r);
  end(&c);
  finish(&c);
}

/* Drivers tell late: what came before belongs to whom they name then. */
static void energy_waits_for_who_used_it(void **state) {
  (void)state;
  card c;
  setup(&c, "nvml:0");
  second(&c, 120);
  use(&c, 50, 0, 2);
  second(&c, 120);
  fr_processes_report r = figures(&c);
  assert_near(r.program.value, 200, 1e-9);
  fr_processes_report_release(&r);
  for (int i = 0; i < 3; i++) /* and nobody uses it any more */
    second(&c, IDLE_W);
  r = figures(&c);
  assert_near(r.program.value, 200, 1e-9);
  assert_near(r.cards.value, 5 * IDLE_W, 1e-9);
  fr_processes_report_release(&r);
  end(&c);
  finish(&c);
}

static void one_that_ends_between_samples_has_its_part(void **state) {
  (void)state;
  card c;
  setup(&c, "nvml:0");
  use(&c, 50, 0, 1);
  second(&c, 120);
  end(&c);
  for (int i = 2; i <= 4; i++) { /* what the driver kept of it, ever later */
    use(&c, 50, 0, i);
    second(&c, 120);
  }
  fr_processes_report r = figures(&c);
  const fr_process_report *row = row_of(&r, c.p.pid);
  assert_near(row->energy.value, 400, 1e-9);
  assert_near(row->gpu_s, 2, 1e-9);
  assert_true(row->of_program);
  assert_near(r.program.value, 400, 1e-9);
  fr_processes_report_release(&r);
  finish(&c);
}

/* A process of another container, or one that nobody has seen. */
static void who_is_not_known_is_another_program(void **state) {
  (void)state;
  card c;
  setup(&c, "nvml:0");
  setenv("FAKE_USE_0", "2147483646:70:1000000,0:100:1000000,4294967295:100:1000000", 1);
  second(&c, 120);
  fr_processes_report r = figures(&c);
  assert_near(r.program.value, 0, 1e-12);
  assert_near(r.other.value, 100, 1e-9);
  assert_near(r.other_gpu_s, 0.7, 1e-9);
  fr_processes_report_release(&r);
  end(&c);
  finish(&c);
}

static void a_divided_card_is_shared_evenly_and_says_so(void **state) {
  (void)state;
  card c;
  setup(&c, "nvml:2");
  char text[64];
  snprintf(text, sizeof text, "%d,%d", (int)c.p.pid, (int)getpid());
  setenv("FAKE_LIST_2", text, 1);
  second(&c, 120);
  fr_processes_report r = figures(&c);
  assert_true(r.even);
  assert_near(r.program.value, 50, 1e-9);
  assert_near(r.program.low, 0, 1e-12);
  assert_true(r.program.high >= 100); /* all of it may have been the program's */
  assert_near(r.program_gpu_s, 0, 1e-12);
  fr_processes_report_release(&r);
  end(&c);
  finish(&c);
}

/* Of GPU 0 what `answer` makes of four seconds at 120 W: the program's joules. */
static double answered(const char *answer, const char *list) {
  card c;
  setup(&c, "nvml:0");
  setenv("FAKE_USE_0", answer, 1);
  setenv("FAKE_LIST_0", list, 1);
  for (int i = 0; i < 4; i++)
    second(&c, 120);
  fr_processes_report r = figures(&c);
  const double program_j = r.program.value;
  assert_near(r.other.value, 0, 1e-9);
  fr_processes_report_release(&r);
  end(&c);
  finish(&c);
  unsetenv("FAKE_USE_0");
  unsetenv("FAKE_LIST_0");
  return program_j;
}

/* Codes of nvmlReturn_t, and counts that cannot be. */
static void what_the_driver_does_not_tell_is_nobodys(void **state) {
  (void)state;
  static const char *const answers[] = {"!3",   "!4", "!6", "!10",        "!15",
                                        "!999", "#0", "#1", "#4294967295"};
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
    assert_near(answered(answers[i], "!4"), 0, 1e-12);
}

/* Full power while it does not answer is not its power at rest. */
static void a_card_that_is_lost_for_a_while_teaches_nothing(void **state) {
  (void)state;
  card c;
  setenv("FAKE_USE_0", "!15", 1);
  setup(&c, "nvml:0");
  for (int i = 0; i < 4; i++)
    second(&c, 300);
  unsetenv("FAKE_USE_0");
  use(&c, 100, 0, 5);
  second(&c, 200);
  fr_processes_report r = figures(&c);
  assert_near(r.program.value, 200, 1e-9);
  assert_near(r.cards.value, 1200, 1e-9);
  fr_processes_report_release(&r);
  end(&c);
  finish(&c);
}

/* More than the whole, less than before, no number: the books still add up (figures). */
static void what_is_told_of_energy_may_be_anything(void **state) {
  (void)state;
  static const double told[] = {1e300, -5, 0, (double)NAN, (double)INFINITY, 50, 1e300};
  card c;
  setup(&c, "nvml:0");
  for (int i = 0; i < (int)(sizeof told / sizeof *told); i++) {
    const fr_card_energy one = {.card = "nvml:0", .energy_j = told[i]};
    use(&c, 50, 20, i + 1);
    fr_processes_cards(c.processes, &one, 1);
    c.t_s += 1;
    c.energy_j += 10;
    ASSERT_OK(fr_processes_sample(c.processes, c.t_s, c.energy_j, err));
  }
  fr_processes_report r = figures(&c);
  assert_true(r.program.value <= c.energy_j);
  fr_processes_report_release(&r);
  end(&c);
  finish(&c);
}

static void without_a_card_nothing_is_told_of_one(void **state) {
  (void)state;
  setenv("FRUGAL_NVML", "/nonexistent/libnvidia-ml.so.1", 1);
  program p = program_hold("plain", sleeper);
  fr_processes *processes = NULL;
  ASSERT_OK(fr_processes_new(NULL, p.pid, &processes, err));
  program_go(&p);
  ASSERT_OK(fr_processes_sample(processes, 1, 1, err));
  fr_processes_report r;
  ASSERT_OK(fr_processes_read(processes, joules(1), &r, err));
  assert_false(fr_measure_known(r.cards));
  fr_processes_report_release(&r);
  kill(p.pid, SIGKILL);
  assert_int_equal(waitpid(p.pid, NULL, 0), p.pid);
  fr_processes_free(processes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(two_processes_of_two_to_one, fresh),
      cmocka_unit_test_setup(seconds_are_utilisation_times_the_time_between, fresh),
      cmocka_unit_test_setup(a_card_at_rest_is_nobodys, fresh),
      cmocka_unit_test_setup(rest_is_learnt_while_nobody_uses_it, fresh),
      cmocka_unit_test_setup(energy_waits_for_who_used_it, fresh),
      cmocka_unit_test_setup(one_that_ends_between_samples_has_its_part, fresh),
      cmocka_unit_test_setup(who_is_not_known_is_another_program, fresh),
      cmocka_unit_test_setup(a_divided_card_is_shared_evenly_and_says_so, fresh),
      cmocka_unit_test_setup(what_the_driver_does_not_tell_is_nobodys, fresh),
      cmocka_unit_test_setup(a_card_that_is_lost_for_a_while_teaches_nothing, fresh),
      cmocka_unit_test_setup(what_is_told_of_energy_may_be_anything, fresh),
      cmocka_unit_test_setup(without_a_card_nothing_is_told_of_one, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
