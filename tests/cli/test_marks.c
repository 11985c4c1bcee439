/* SPDX-License-Identifier: Apache-2.0 */
/* Phases by marks from outside: nothing is lost or counted twice, hostile marks are
 * bounded. Joules are worked out by hand: 10 W all the time unless said otherwise. */
#include "test.h"

#include <math.h>

#include "base/rng.h"
#include "cli/marks.h"

#define S 1000000000ull

static cli_point at(double t_s, double energy_j) {
  return (cli_point){(uint64_t)(t_s * 1e9), energy_j, energy_j / 2, t_s};
}

static const cli_phase *row_of(const cli_marks *marks, const char *path) {
  for (size_t i = 0; i < marks->rows; i++)
    if (strcmp(marks->row[i].path, path) == 0)
      return &marks->row[i];
  fail_msg("no phase '%s'", path);
  return NULL;
}

static void nested_phases_are_exclusive(void **state) {
  (void)state;
  cli_marks m;
  ASSERT_OK(cli_marks_init(&m, err));
  assert_true(cli_marks_line(&m, "begin load", 1 * S, NULL));
  assert_true(cli_marks_line(&m, "begin inner", 2 * S, NULL));
  cli_point point = at(2.5, 25);
  cli_marks_sample(&m, &point);
  assert_true(cli_marks_line(&m, "end load", 4 * S, NULL)); /* and inner with it */
  point = at(5, 50);
  cli_marks_sample(&m, &point);
  assert_float_equal(row_of(&m, "load")->energy_j, 10, 1e-9);
  assert_float_equal(row_of(&m, "load/inner")->energy_j, 20, 1e-9);
  assert_float_equal(row_of(&m, "load/inner")->program_j, 10, 1e-9);
  assert_float_equal(row_of(&m, "load/inner")->duration_s, 2, 1e-9);
  assert_float_equal(row_of(&m, "unmarked")->energy_j, 20, 1e-9);
  assert_int_equal(m.depth, 0);
  cli_marks_release(&m);
}

static void a_mark_after_the_last_sample_waits_for_the_next(void **state) {
  (void)state;
  cli_marks m;
  ASSERT_OK(cli_marks_init(&m, err));
  assert_true(cli_marks_begin(&m, "late", 3 * S, NULL));
  cli_point point = at(2, 20);
  cli_marks_sample(&m, &point);
  assert_float_equal(row_of(&m, "late")->energy_j, 0, 0);
  point = at(4, 60); /* 20 W */
  cli_marks_sample(&m, &point);
  assert_float_equal(row_of(&m, "late")->energy_j, 20, 1e-9);
  assert_float_equal(row_of(&m, "unmarked")->energy_j, 40, 1e-9);
  cli_marks_release(&m);
}

/* Random marks, samples and watts: all rows are the total to a microjoule. */
static void rows_add_up_under_random_nesting(void **state) {
  (void)state;
  static const char *const name[] = {"a", "b", "c", "d"};
  fr__rng rng;
  fr__rng_init(&rng, 7, 0);
  cli_marks m;
  ASSERT_OK(cli_marks_init(&m, err));
  double t_s = 0, energy_j = 0;
  for (size_t i = 0; i < 20000; i++) {
    const double step_s = fr__rng_uniform(&rng) * 0.01;
    t_s += step_s;
    energy_j += step_s * 300 * fr__rng_uniform(&rng);
    const uint64_t t_ns = (uint64_t)(t_s * 1e9);
    const char *which = name[fr__rng_below(&rng, 4)];
    const cli_point point = at(t_s, energy_j);
    switch (fr__rng_below(&rng, 5)) {
    case 0:
    case 1: (void)cli_marks_begin(&m, which, t_ns, NULL); break;
    case 2: (void)cli_marks_end(&m, which, t_ns, NULL); break;
    case 3: (void)cli_marks_end(&m, NULL, t_ns, NULL); break;
    default: cli_marks_sample(&m, &point);
    }
  }
  const cli_point last = at(t_s, energy_j);
  cli_marks_sample(&m, &last);
  double sum_j = 0, sum_s = 0;
  for (size_t i = 0; i < m.rows; i++) {
    assert_true(m.row[i].energy_j >= 0);
    sum_j += m.row[i].energy_j;
    sum_s += m.row[i].duration_s;
  }
  assert_true(fabs(sum_j - energy_j) <= 1e-6);
  assert_true(fabs(sum_s - t_s) <= 1e-6);
  assert_true(m.rows > 10);
  cli_marks_release(&m);
}

static void assert_close(double a, double b) { assert_true(fabs(a - b) <= 1e-6); }

static void add_up(const cli_marks *m, const cli_point *end) {
  cli_point sum = {0};
  double sum_s = 0;
  for (size_t i = 0; i < m->rows; i++) {
    const cli_phase *row = &m->row[i];
    assert_true(row->duration_s >= 0 && row->energy_j >= 0 && row->core_s >= 0);
    sum_s += row->duration_s;
    sum.energy_j += row->energy_j;
    sum.program_j += row->program_j;
    sum.core_s += row->core_s;
  }
  assert_close(sum_s, (double)end->t_ns * 1e-9);
  assert_close(sum.energy_j, end->energy_j);
  assert_close(sum.program_j, end->program_j);
  assert_close(sum.core_s, end->core_s);
}

/* Marks of all three kinds that are stamped before, at and after the end of the run. */
static void one_run(fr__rng *rng) {
  static const char *const name[] = {"a", "b", "c"};
  cli_marks m;
  ASSERT_OK(cli_marks_init(&m, err));
  const double end_s = (double)fr__rng_uniform(rng) * 0.5;
  cli_point end = {0};
  bool ended = false;
  for (double t_s = 0; t_s < end_s + 0.2; t_s += fr__rng_uniform(rng) * 0.03) {
    if (!ended && t_s >= end_s) {
      end = at(end_s, end_s * 70);
      cli_marks_sample(&m, &end);
      cli_marks_close(&m);
      ended = true;
    }
    /* stamped by another thread, whose sample may be a little older or newer */
    const uint64_t t_ns = (uint64_t)((t_s + fr__rng_uniform(rng) * 0.05) * 1e9);
    const char *which = name[fr__rng_below(rng, 3)];
    const cli_point point = at(t_s, t_s * 70);
    switch (fr__rng_below(rng, 5)) {
    case 0: (void)cli_marks_begin(&m, which, t_ns, NULL); break;
    case 1: (void)cli_marks_end(&m, which, t_ns, NULL); break;
    case 2: (void)cli_marks_next(&m, which, t_ns, NULL); break;
    case 3: (void)cli_marks_end(&m, NULL, t_ns, NULL); break;
    default:
      if (!ended)
        cli_marks_sample(&m, &point);
    }
  }
  assert_true(ended);
  add_up(&m, &end);
  for (size_t i = 0; i < m.changes; i++) {
    assert_true(m.changed[i].begin_ns <= end.t_ns && m.changed[i].end_ns <= end.t_ns);
    assert_true(m.changed[i].end_ns == 0 || m.changed[i].begin_ns <= m.changed[i].end_ns);
  }
  cli_marks_release(&m);
}

static void no_phase_is_longer_than_the_run(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 11, 0);
  for (int i = 0; i < 500; i++)
    one_run(&rng);
}

static void a_lasting_phase_ends_with_the_next_or_with_the_run(void **state) {
  (void)state;
  cli_marks m;
  ASSERT_OK(cli_marks_init(&m, err));
  assert_true(cli_marks_next(&m, "1", 1 * S, NULL));
  assert_true(cli_marks_begin(&m, "inner", 2 * S, NULL));
  assert_string_equal(cli_marks_open(&m), "1/inner");
  assert_true(cli_marks_next(&m, "2", 3 * S, NULL)); /* and inner with it */
  assert_null(cli_marks_open(&m));
  assert_false(cli_marks_next(&m, "a/b", 4 * S, NULL)); /* 2 is over all the same */
  assert_true(cli_marks_next(&m, "3", 5 * S, NULL));
  assert_true(cli_marks_end(&m, NULL, 6 * S, NULL)); /* by who knows what he does */
  assert_true(cli_marks_next(&m, "3", 7 * S, NULL));
  const cli_point end = at(9, 90);
  cli_marks_sample(&m, &end);
  m.changes = 0;
  cli_marks_close(&m);
  assert_float_equal(row_of(&m, "1")->duration_s, 1, 1e-9);
  assert_float_equal(row_of(&m, "1/inner")->duration_s, 1, 1e-9);
  assert_float_equal(row_of(&m, "2")->duration_s, 1, 1e-9);
  assert_float_equal(row_of(&m, "3")->duration_s, 3, 1e-9);
  assert_int_equal(m.ignored, 1);
  assert_null(cli_marks_open(&m));
  assert_int_equal(m.changes, 1);
  assert_int_equal(m.changed[0].end_ns, 9 * S);
  assert_true(cli_marks_next(&m, "4", 20 * S, NULL)); /* told after the end */
  assert_float_equal(row_of(&m, "4")->duration_s, 0, 0);
  assert_int_equal(m.changed[m.changes - 1].begin_ns, 9 * S);
  add_up(&m, &end);
  cli_marks_release(&m);
}

static void hostile_marks_are_refused_with_a_sentence(void **state) {
  (void)state;
  cli_marks m;
  char why[160], name[300], line[310];
  ASSERT_OK(cli_marks_init(&m, err));
  static const char *const bad[] = {"begin ",     "begin a/b",      "begin \x1b[2J",
                                    "begin \xff", "begin unmarked", "end nothing",
                                    "end",        "start x",        ""};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    why[0] = '\0';
    assert_false(cli_marks_line(&m, bad[i], S, why));
    assert_true(why[0] != '\0' && strpbrk(why, "\x1b\xff") == NULL);
  }
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  snprintf(line, sizeof line, "begin %s", name);
  assert_false(cli_marks_line(&m, line, S, why));
  assert_int_equal(m.ignored, 10);
  assert_int_equal(m.rows, 1);
  cli_marks_release(&m);
}

static void depth_paths_and_marks_have_ceilings(void **state) {
  (void)state;
  cli_marks m;
  char name[16];
  ASSERT_OK(cli_marks_init(&m, err));
  for (int i = 0; i < 100; i++)
    assert_int_equal(cli_marks_begin(&m, "deep", S, NULL), i < CLI_MARK_DEPTH);
  while (cli_marks_end(&m, NULL, S, NULL))
    continue;
  cli_point point = at(2, 20);
  cli_marks_sample(&m, &point);
  for (int i = 0; i < 1000; i++) {
    snprintf(name, sizeof name, "n%d", i);
    if (cli_marks_begin(&m, name, 3 * S, NULL))
      assert_true(cli_marks_end(&m, name, 3 * S, NULL));
  }
  assert_int_equal(m.rows, CLI_MARK_ROWS);
  for (int i = 0; i < 10000; i++) /* an end is taken, however many there were */
    if (cli_marks_begin(&m, "deep", 3 * S, NULL))
      assert_true(cli_marks_end(&m, "deep", 3 * S, NULL));
  assert_int_equal(m.depth, 0);
  assert_true(m.waiting <= CLI_MARK_PENDING);
  point = at(4, 40);
  cli_marks_sample(&m, &point);
  double sum_j = 0;
  for (size_t i = 0; i < m.rows; i++)
    sum_j += m.row[i].energy_j;
  assert_float_equal(sum_j, 40, 1e-9);
  cli_marks_release(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nested_phases_are_exclusive),
      cmocka_unit_test(a_mark_after_the_last_sample_waits_for_the_next),
      cmocka_unit_test(rows_add_up_under_random_nesting),
      cmocka_unit_test(no_phase_is_longer_than_the_run),
      cmocka_unit_test(a_lasting_phase_ends_with_the_next_or_with_the_run),
      cmocka_unit_test(hostile_marks_are_refused_with_a_sentence),
      cmocka_unit_test(depth_paths_and_marks_have_ceilings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
