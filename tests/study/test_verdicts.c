/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts of mechanisms and the front, on cells written by hand. Logarithms of ratios
 * and differences are the samples whose p SciPy gives. */
#include "study/verdicts.h"
#include "yaml.h"

#include <math.h>

#include "../golden/study_stats.h"

#define YAML_TWO                                                                         \
  "name: two\nrepeats: 5\nnetworks: [{code: B, name: big}]\n"                            \
  "data:\n  - {code: M, name: m, spec: 'synthetic:'}\n"                                  \
  "  - {code: E, name: e, spec: 'synthetic:seed=2'}\n"                                   \
  "mechanisms: [{name: append}, {name: replace}]\n"                                      \
  "groups: [{name: g, data: [M], mechanisms: [append, replace], source: E}]\n"

enum { PLAIN, SOURCE, APPEND, REPLACE, CELLS };
enum { SAVED, MIXED };

typedef struct made {
  fr_study *study;
  fr__plan plan;
} made;

static json_t *measure(double value) {
  return json_pack("{s:f,s:s,s:f,s:f,s:s}", "value", value, "unit", "J", "low", value,
                   "high", value, "source", "model");
}

static json_t *run_of(double train_j, double test_j, double accuracy) {
  return json_pack("{s:{s:o},s:{s:o,s:o,s:i},s:i}", "train", "program", measure(train_j),
                   "test", "program", measure(test_j), "accuracy", measure(accuracy),
                   "operations", 1000, "bytes", 4000);
}

/* Plain: 100 J to train, 2 J a thousand tests: its life is 50,000 tests. `append` trains
 * at exp(saved) of it and tests at the same; `replace` trains at exp(mixed), at an
 * accuracy of mixed points more. */
static void make(made *m) {
  m->study = yaml_study(YAML_TWO);
  m->plan = (fr__plan){.study = m->study};
  assert_int_equal(fr__plan_cells(&m->plan, NULL), FR_OK);
  assert_int_equal(m->plan.cells, CELLS);
  for (size_t r = 0; r < 5; r++) {
    const double saved = golden_samples[SAVED].x[r], mixed = golden_samples[MIXED].x[r];
    fr__study_run *run = &m->plan.run[r * CELLS];
    run[PLAIN].result = run_of(100, 2, 0.9);
    run[SOURCE].result = run_of(50, 2, 0.9);
    run[APPEND].result = run_of(100 * exp(saved), 2, 0.9);
    run[REPLACE].result = run_of(100 * exp(mixed), 4, 0.9 + mixed / 100);
  }
}

static void unmake(made *m) {
  fr__plan_release(&m->plan);
  fr_study_free(m->study);
}

static void assert_value(const json_t *of, const char *path, double wanted) {
  const double x = fr__row_value(of, path);
  if (!(fabs(x - wanted) <= 1e-9 * fabs(wanted) + 1e-12))
    fail_msg("%s: %.12g is not %.12g", path, x, wanted);
}

static void assert_verdict(const json_t *of, const char *question, const char *wanted) {
  assert_string_equal(
      json_string_value(json_object_get(json_object_get(of, question), "verdict")),
      wanted);
}

static void mechanisms_are_held_against_plain_training(void **state) {
  (void)state;
  made m;
  make(&m);
  json_t *list = fr__aggregate_mechanisms(&m.plan);
  assert_int_equal(json_array_size(list), 2);
  const json_t *append = json_array_get(list, 0), *replace = json_array_get(list, 1);
  assert_string_equal(json_string_value(json_object_get(append, "mechanism")), "append");
  assert_value(append, "train.value", exp(-0.92));
  assert_value(append, "train.p", golden_samples[SAVED].p_student);
  assert_value(append, "train.p_signs", 0.0625);
  assert_value(append, "train.p_corrected", 2 * golden_samples[SAVED].p_student);
  assert_value(append, "train.bootstrap_low", exp(golden_samples[SAVED].low));
  assert_verdict(append, "train", "saves");
  assert_verdict(append, "test", "no difference shown");
  assert_verdict(append, "accuracy", "no difference shown");
  assert_value(append, "accuracy.value", 0.0);
  assert_verdict(replace, "train", "no difference shown");
  assert_value(replace, "train.p", golden_samples[MIXED].p_student);
  assert_verdict(replace, "test", "costs more");
  assert_value(replace, "test.value", 2.0);
  assert_value(replace, "accuracy.p", golden_samples[MIXED].p_student);
  assert_verdict(replace, "life", "costs more");
  json_decref(list);
  unmake(&m);
}

/* 100 J + 50,000 tests at 2 mJ: 200 J. */
static void a_life_tests_as_much_as_it_trains(void **state) {
  (void)state;
  made m;
  double life[5];
  make(&m);
  assert_true(fabs(fr__life_tests(&m.plan, 0) - 50000) < 1e-6);
  fr__life_joules(&m.plan, PLAIN, 50000, life);
  assert_true(fabs(life[0] - 200) < 1e-9);
  json_t *before = json_pack("{s:o}", "program", measure(50));
  json_object_set_new(m.plan.run[APPEND].result, "pretraining", before);
  fr__life_joules(&m.plan, APPEND, 50000, life);
  assert_true(fabs(life[0] - (100 * exp(golden_samples[SAVED].x[0]) + 50 + 100)) < 1e-9);
  unmake(&m);
}

static const json_t *point_of(const json_t *front, const char *mechanism) {
  const json_t *points = json_object_get(front, "points");
  for (size_t i = 0; i < json_array_size(points); i++) {
    const json_t *p = json_array_get(points, i);
    if (strcmp(json_string_value(json_object_get(p, "mechanism")), mechanism) == 0)
      return p;
  }
  fail_msg("no point %s", mechanism);
  return NULL;
}

/* `append` trains cheaper at equal accuracy: it alone dominates plain training; `replace`
 * is dearer and, in the mean, better by 0.05 points: it stays on the front. */
static void a_front_names_who_dominates(void **state) {
  (void)state;
  made m;
  make(&m);
  json_t *list = fr__aggregate_fronts(&m.plan);
  assert_int_equal(json_array_size(list), 3); /* of E there is one cell alone */
  const json_t *train = json_array_get(list, 0);
  assert_string_equal(json_string_value(json_object_get(train, "of")), "train");
  const json_t *plain = point_of(train, "scratch");
  assert_true(json_is_true(json_object_get(point_of(train, "append"), "on_front")));
  assert_true(json_is_true(json_object_get(point_of(train, "replace"), "on_front")));
  assert_true(json_is_false(json_object_get(plain, "on_front")));
  const json_t *by = json_object_get(plain, "dominated_by");
  assert_string_equal(json_string_value(json_object_get(by, "mechanism")), "append");
  assert_string_equal(json_string_value(json_object_get(by, "beyond")), "energy");
  json_decref(list);
  unmake(&m);
}

/* Without results nothing is said, and nothing fails. */
static void nothing_measured_is_no_verdict(void **state) {
  (void)state;
  made m = {.study = yaml_study(YAML_TWO)};
  m.plan = (fr__plan){.study = m.study};
  assert_int_equal(fr__plan_cells(&m.plan, NULL), FR_OK);
  json_t *list = fr__aggregate_mechanisms(&m.plan);
  assert_int_equal(json_array_size(list), 2);
  assert_verdict(json_array_get(list, 0), "train", "not measured");
  assert_verdict(json_array_get(list, 0), "accuracy", "not measured");
  json_t *fronts = fr__aggregate_fronts(&m.plan);
  assert_int_equal(json_array_size(fronts), 0);
  json_decref(fronts);
  json_decref(list);
  unmake(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mechanisms_are_held_against_plain_training),
      cmocka_unit_test(a_life_tests_as_much_as_it_trains),
      cmocka_unit_test(a_front_names_who_dominates),
      cmocka_unit_test(nothing_measured_is_no_verdict),
  };
  return cmocka_run_group_tests_name("study/verdicts", tests, NULL, NULL);
}
