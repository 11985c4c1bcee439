/* SPDX-License-Identifier: Apache-2.0 */
/* Phases share the energy of samples by CPU time, and add up to it. */
#include "tree.h"

#include <math.h>
#include <pthread.h>

#include "frugal/meter.h"

typedef struct bench {
  tree t;
  fr_meter *meter;
} bench;

/* The model on a machine that nobody else uses, so that figures depend on this test
 * alone. */
static void bench_init(bench *b, double interval_s) {
  tree_init(&b->t);
  tree_machine(&b->t);
  fr_meter_options options = fr_meter_default_options();
  options.root = b->t.root;
  options.sensor = "model";
  options.interval_s = interval_s;
  assert_int_equal(fr_meter_new(&options, &b->meter, NULL), FR_OK);
  assert_int_equal(fr_meter_start(b->meter, NULL), FR_OK);
}

static void bench_release(bench *b) {
  fr_meter_free(b->meter);
  tree_release(&b->t);
}

static const fr_phase_report *phase_of(const fr_meter_report *report, const char *path) {
  for (size_t i = 0; i < report->count; i++) {
    if (strcmp(report->phase[i].path, path) == 0)
      return &report->phase[i];
  }
  return NULL;
}

static void expect_sums(const fr_meter_report *report) {
  double energy_j = 0, program_j = 0, core_s = 0;
  for (size_t i = 0; i < report->count; i++) {
    const fr_phase_report *phase = &report->phase[i];
    energy_j += phase->energy.value;
    program_j += phase->program.value;
    core_s += phase->core_s;
    assert_true(phase->energy.low <= phase->energy.value);
    assert_true(phase->energy.value <= phase->energy.high);
    assert_true(phase->energy.high <= report->energy.high * (1 + 1e-12));
    assert_true(phase->energy.low >= 0);
    assert_int_equal(phase->energy.source, FR_SOURCE_MODEL);
  }
  assert_near(energy_j, report->energy.value, 1e-6);
  assert_near(program_j, report->program.value, 1e-6);
  assert_near(core_s, report->core_seconds.value, 1e-6);
}

static void *nest_at_random(void *argument) {
  static const char *const names[] = {"read", "train", "forward", "backward", "test"};
  fr_meter *meter = argument;
  unsigned seed = (unsigned)(uintptr_t)&meter ^ (unsigned)pthread_self();
  int depth = 0;
  for (int i = 0; i < 4000; i++) {
    seed = seed * 1103515245u + 12345u;
    const unsigned dice = seed >> 16;
    if (dice % 2 == 0 || depth == 0) {
      fr_phase_begin(meter, names[dice / 2 % 5]);
      depth++;
    } else {
      fr_phase_end(meter);
      depth--;
    }
    burn((double)(dice % 40) * 1e-6);
  }
  while (depth-- > 0)
    fr_phase_end(meter);
  return NULL;
}

static void phases_and_unmarked_add_up_under_random_nesting_and_threads(void **state) {
  (void)state;
  bench b;
  bench_init(&b, 0.005);
  pthread_t thread[3];
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(pthread_create(&thread[i], NULL, nest_at_random, b.meter), 0);
  fr_meter_report report;
  for (int i = 0; i < 20; i++) { /* in the middle of it all, too */
    rest(0.005);
    assert_int_equal(fr_meter_read(b.meter, &report, NULL), FR_OK);
    expect_sums(&report);
    fr_meter_report_release(&report);
  }
  for (size_t i = 0; i < 3; i++)
    pthread_join(thread[i], NULL);
  fr_meter_stop(b.meter);
  assert_int_equal(fr_meter_read(b.meter, &report, NULL), FR_OK);
  expect_sums(&report);
  assert_true(report.count > 20);
  assert_string_equal(report.phase[report.count - 1].path, "unmarked");
  fr_meter_report_release(&report);
  bench_release(&b);
}

/* What this test spends in each phase, by its own reading of the thread's clock. */
static void phases_far_shorter_than_the_interval_get_their_share(void **state) {
  (void)state;
  bench b;
  bench_init(&b, 10); /* not one sample in between */
  double forward_s = 0, backward_s = 0;
  fr_phase_begin(b.meter, "train");
  for (int i = 0; i < 200; i++) {
    const double t0 = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    fr_phase_begin(b.meter, "forward");
    burn(200e-6);
    fr_phase_end(b.meter);
    const double t1 = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    fr_phase_begin(b.meter, "backward");
    burn(600e-6);
    fr_phase_end(b.meter);
    forward_s += t1 - t0;
    backward_s += seconds_of(CLOCK_THREAD_CPUTIME_ID) - t1;
  }
  fr_phase_end(b.meter);
  fr_meter_report report;
  assert_int_equal(fr_meter_read(b.meter, &report, NULL), FR_OK);
  const fr_phase_report *forward = phase_of(&report, "train/forward");
  const fr_phase_report *backward = phase_of(&report, "train/backward");
  assert_non_null(forward);
  assert_non_null(backward);
  assert_int_equal(forward->count, 200);
  assert_int_equal(phase_of(&report, "train")->count, 1);
  assert_near(forward->core_s, forward_s, 0.05 * forward_s);
  assert_near(backward->core_s, backward_s, 0.05 * backward_s);
  assert_near(backward->program.value / forward->program.value, backward_s / forward_s,
              0.05 * backward_s / forward_s);
  /* both were in one sample: sharing by CPU time is an assumption, and the bounds say so
   */
  assert_true(forward->energy.low <
              forward->energy.value * report.energy.low / report.energy.value);
  expect_sums(&report);
  fr_meter_report_release(&report);
  bench_release(&b);
}

/* Phases of microseconds, for which the CPU clock is not read each time. */
static void phases_of_microseconds_get_their_share_too(void **state) {
  (void)state;
  bench b;
  bench_init(&b, 0.05);
  const double t0 = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  double span_s;
  do {
    for (int i = 0; i < 50; i++) {
      volatile double x = 1;
      fr_phase_begin(b.meter, "short");
      for (int k = 0; k < 1000; k++)
        x = x * 1.0000001;
      fr_phase_end(b.meter);
      fr_phase_begin(b.meter, "long");
      for (int k = 0; k < 4000; k++)
        x = x * 1.0000001;
      fr_phase_end(b.meter);
    }
    span_s = seconds_of(CLOCK_THREAD_CPUTIME_ID) - t0;
  } while (span_s < 0.3);
  fr_meter_stop(b.meter);
  fr_meter_report report;
  assert_int_equal(fr_meter_read(b.meter, &report, NULL), FR_OK);
  const fr_phase_report *brief = phase_of(&report, "short"),
                        *lengthy = phase_of(&report, "long");
  const double inside_s =
      brief->core_s + lengthy->core_s; /* span_s has the loop's own too */
  assert_true(inside_s <= 1.02 * span_s && inside_s > 0.85 * span_s);
  assert_near(lengthy->core_s / brief->core_s, 4, 0.8);
  expect_sums(&report);
  fr_meter_report_release(&report);
  bench_release(&b);
}

static void a_phase_that_sleeps_spends_no_program_energy(void **state) {
  (void)state;
  bench b;
  bench_init(&b, 0.01);
  fr_phase_begin(b.meter, "sleep");
  rest(0.1);
  fr_phase_end(b.meter);
  fr_phase_begin(b.meter, "work");
  burn(0.05);
  fr_phase_end(b.meter);
  fr_meter_stop(b.meter);
  fr_meter_report report;
  assert_int_equal(fr_meter_read(b.meter, &report, NULL), FR_OK);
  const fr_phase_report *sleeps = phase_of(&report, "sleep");
  assert_true(sleeps->duration_s >= 0.1);
  assert_true(sleeps->program.value < 0.05 * phase_of(&report, "work")->program.value);
  expect_sums(&report);
  fr_meter_report_release(&report);
  bench_release(&b);
}

static void a_long_phase_is_seen_before_it_ends(void **state) {
  (void)state;
  bench b;
  bench_init(&b, 0.01);
  fr_phase_begin(b.meter, "long");
  burn(0.05);
  fr_meter_report report;
  assert_int_equal(fr_meter_read(b.meter, &report, NULL), FR_OK);
  assert_true(phase_of(&report, "long")->core_s > 0.045);
  fr_meter_report_release(&report);
  fr_phase_end(b.meter);
  bench_release(&b);
}

static void what_was_before_the_start_is_not_counted(void **state) {
  (void)state;
  bench b;
  bench_init(&b, 0.01);
  fr_phase_begin(b.meter, "early");
  burn(0.05);
  fr_phase_end(b.meter);
  fr_meter_stop(b.meter);
  assert_int_equal(fr_meter_start(b.meter, NULL), FR_OK);
  fr_phase_begin(b.meter, "late");
  fr_phase_end(b.meter);
  fr_meter_report report;
  assert_int_equal(fr_meter_read(b.meter, &report, NULL), FR_OK);
  assert_null(phase_of(&report, "early"));
  assert_int_equal(phase_of(&report, "late")->count, 1);
  fr_meter_report_release(&report);
  bench_release(&b);
}

/* One thread that is in a phase from the first to the last moment. */
static void no_phase_is_longer_than_the_run(void **state) {
  (void)state;
  bench b;
  bench_init(&b, 0.001);
  for (int i = 0; i < 200; i++) {
    fr_meter_stop(b.meter);
    fr_phase_begin(b.meter, "all");
    assert_int_equal(fr_meter_start(b.meter, NULL), FR_OK);
    volatile double x = 1;
    for (int j = 0; j < 1000 * (i % 20); j++)
      x = x * 1.0000001;
    fr_meter_report report;
    assert_int_equal(fr_meter_read(b.meter, &report, NULL), FR_OK);
    double sum_s = 0;
    for (size_t p = 0; p < report.count; p++)
      sum_s += report.phase[p].duration_s;
    assert_near(sum_s, report.duration_s, 1e-6);
    expect_sums(&report);
    fr_meter_report_release(&report);
    fr_phase_end(b.meter);
  }
  bench_release(&b);
}

static void misuse_does_no_harm(void **state) {
  (void)state;
  bench b;
  bench_init(&b, 0.01);
  fr_phase_begin(NULL, "nobody's");
  fr_phase_end(NULL);
  fr_phase_end(b.meter); /* never begun */
  for (int i = 0; i < 40; i++)
    fr_phase_begin(b.meter, "deep");
  for (int i = 0; i < 40; i++)
    fr_phase_end(b.meter);
  fr_phase_begin(b.meter, "a/b");
  fr_phase_end(b.meter);
  char name[16];
  for (int i = 0; i < 1000; i++) { /* more paths than a thread has room for */
    snprintf(name, sizeof name, "n%d", i);
    fr_phase_begin(b.meter, name);
    fr_phase_end(b.meter);
  }
  fr_meter_report report;
  assert_int_equal(fr_meter_read(b.meter, &report, NULL), FR_OK);
  assert_non_null(phase_of(&report, "deep/deep"));
  assert_non_null(phase_of(&report, "a_b"));
  assert_true(report.count < 300);
  expect_sums(&report);
  fr_meter_report_release(&report);
  bench_release(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(phases_and_unmarked_add_up_under_random_nesting_and_threads),
      cmocka_unit_test(phases_far_shorter_than_the_interval_get_their_share),
      cmocka_unit_test(phases_of_microseconds_get_their_share_too),
      cmocka_unit_test(a_phase_that_sleeps_spends_no_program_energy),
      cmocka_unit_test(a_long_phase_is_seen_before_it_ends),
      cmocka_unit_test(what_was_before_the_start_is_not_counted),
      cmocka_unit_test(no_phase_is_longer_than_the_run),
      cmocka_unit_test(misuse_does_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
