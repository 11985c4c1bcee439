/* SPDX-License-Identifier: Apache-2.0 */
/* Ratios, claims and break-even follow from the runs: cells written by hand. */
#include "yaml.h"

#include <math.h>

#define EPOCHS                                                                           \
  "[{\"epoch\":1,\"validate_accuracy\":%g,\"program_j\":%g},"                            \
  "{\"epoch\":2,\"validate_accuracy\":%g,\"program_j\":%g}]"

typedef struct figures {
  double train_j, test_j, accuracy;
  double reached, last; /* validation accuracy of the two epochs */
  double pretraining_j; /* 0: from scratch */
} figures;

static json_t *measure(double value, const char *unit, const char *source) {
  return json_pack("{s:f,s:s,s:f,s:f,s:s}", "value", value, "unit", unit, "low",
                   0.5 * value, "high", 2 * value, "source", source);
}

static json_t *part_of(double energy, double accuracy) {
  return json_pack("{s:o,s:o,s:o}", "program", measure(energy, "J", "model"), "energy",
                   measure(2 * energy, "J", "model"), "accuracy",
                   measure(accuracy, "1", "count"));
}

static json_t *run_of(const figures *f) {
  char text[512];
  snprintf(text, sizeof text, EPOCHS, f->reached, f->train_j / 2, f->last, f->train_j);
  json_t *train = part_of(f->train_j, f->accuracy);
  json_object_set_new(train, "history", json_loads(text, 0, NULL));
  json_object_set_new(train, "best_validate_accuracy", json_real(f->accuracy / 2));
  json_t *run = json_pack("{s:o,s:o,s:i}", "train", train, "test",
                          part_of(f->test_j, f->accuracy), "parameters", 10);
  if (f->pretraining_j > 0.0)
    json_object_set_new(
        run, "pretraining",
        json_pack("{s:o}", "program", measure(f->pretraining_j, "J", "model")));
  return run;
}

#define YAML_ONE                                                                         \
  "name: one\nrepeats: 2\nnetworks: [{code: B, name: big}]\n"                            \
  "data:\n  - {code: M, name: m, spec: 'synthetic:'}\n"                                  \
  "  - {code: E, name: e, spec: 'synthetic:seed=2'}\n"                                   \
  "mechanisms: [{name: append}]\n"                                                       \
  "groups: [{name: poster, data: [M], mechanisms: [append], source: E}]\n"               \
  "claims:\n"                                                                            \
  " - {text: less, group: poster, mechanism: append, phase: train,\n"                    \
  "    quantity: program, range: [0.07, 0.26]}\n"                                        \
  " - {text: more, group: poster, mechanism: append, phase: test,\n"                     \
  "    quantity: program, range: [1.2, 1.5]}\n"                                          \
  " - {text: par, group: poster, mechanism: append, phase: test,\n"                      \
  "    quantity: accuracy_difference, range: [-5, 5]}\n"

typedef struct made {
  fr_study *study;
  fr__plan plan;
} made;

/* Cells: M scratch, E scratch (the source), M append; two repeats. */
static void make(made *m, const figures (*runs)[3]) {
  m->study = yaml_study(YAML_ONE);
  m->plan = (fr__plan){.study = m->study};
  assert_int_equal(fr__plan_cells(&m->plan, NULL), FR_OK);
  assert_int_equal(m->plan.cells, 3);
  for (size_t i = 0; i < 6; i++)
    m->plan.run[i].result = run_of(&runs[i / 3][i % 3]);
}

static void unmake(made *m) {
  fr__plan_release(&m->plan);
  fr_study_free(m->study);
}

/* Training 100 J or 20 J; testing 2 J or 4 J a thousand; pre-training 50 J. The second
 * repeat is the first, ten times as dear: ratios are the same, and their intervals have
 * no width. */
static const figures steady[2][3] = {
    {{100, 2, 0.90, 0.80, 0.90, 0},
     {50, 2, 0.9, 0.9, 0.9, 0},
     {20, 4, 0.88, 0.5, 0.89, 50}},
    {{1000, 20, 0.80, 0.70, 0.80, 0},
     {500, 20, 0.9, 0.9, 0.9, 0},
     {200, 40, 0.78, 0.5, 0.79, 500}},
};

static figures with(figures f, double train_j, double test_j) {
  f.train_j = train_j;
  f.test_j = test_j;
  return f;
}

static const json_t *find_ratio(const json_t *ratios, const char *name,
                                const char *quantity) {
  for (size_t i = 0; i < json_array_size(ratios); i++) {
    const json_t *row = json_array_get(ratios, i);
    if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0 &&
        strcmp(json_string_value(json_object_get(row, "quantity")), quantity) == 0)
      return row;
  }
  fail_msg("no ratio %s %s", name, quantity);
  return NULL;
}

static void ratios_are_of_paired_seeds(void **state) {
  (void)state;
  made m;
  make(&m, steady);
  json_t *ratios = fr__aggregate_ratios(&m.plan);
  static const struct {
    const char *name, *quantity;
    double value;
  } wanted[] = {
      {"RMB", "program", 0.2},
      {"RMB", "energy", 0.2},
      {"RMB", "program_with_pretraining", 0.7},
      /* scratch reaches 0.90 - 0.02 with epoch 2 (100 J), transfer too (20 J) */
      {"RMB", "program_to_equal_accuracy", 0.2},
      {"RMB", "program_to_equal_accuracy_with_pretraining", 0.7},
      {"RMB", "validate_accuracy_difference", -1.0},
      {"EMB", "program", 2.0},
      {"EMB", "accuracy_difference", -2.0},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    const json_t *row = find_ratio(ratios, wanted[i].name, wanted[i].quantity);
    assert_true(fabs(fr__row_value(row, "value") - wanted[i].value) < 1e-9);
    assert_true(fabs(fr__row_value(row, "low") - wanted[i].value) < 1e-6);
    assert_int_equal(json_integer_value(json_object_get(row, "n")), 2);
  }
  const json_t *unknown = find_ratio(ratios, "RMB", "epochs");
  assert_true(json_is_null(json_object_get(unknown, "value")));
  assert_non_null(json_object_get(unknown, "reason"));
  json_decref(ratios);
  unmake(&m);
}

static const char *text_at(const json_t *list, size_t i, const char *key) {
  return json_string_value(json_object_get(json_array_get(list, i), key));
}

static void statements_get_their_verdict(void **state) {
  (void)state;
  made m;
  make(&m, steady);
  json_t *claims = fr__aggregate_claims(&m.plan);
  assert_string_equal(text_at(claims, 0, "verdict"), "holds");         /* 0.2 */
  assert_string_equal(text_at(claims, 1, "verdict"), "does not hold"); /* 2.0 */
  assert_string_equal(text_at(claims, 2, "verdict"), "holds");         /* -2 points */
  json_decref(claims);
  unmake(&m);
  /* ratios 0.2 and 0.1: two repeats say little */
  const figures wild[2][3] = {{steady[0][0], steady[0][1], steady[0][2]},
                              {steady[1][0], steady[1][1], with(steady[1][2], 100, 40)}};
  make(&m, wild);
  claims = fr__aggregate_claims(&m.plan);
  assert_string_equal(text_at(claims, 0, "verdict"), "undecided");
  json_decref(claims);
  unmake(&m);
}

/* Saved 80 J (30 J with pre-training), eaten by 2 mJ a test: after 40,000 (15,000). */
static void break_even_counts_tests(void **state) {
  (void)state;
  made m;
  make(&m, steady);
  json_t *list = fr__aggregate_break_even(&m.plan);
  const json_t *row = json_array_get(list, 0);
  assert_int_equal(json_array_size(list), 1);
  assert_string_equal(text_at(list, 0, "cell"), "MB");
  assert_true(fabs(fr__row_value(row, "tests") - 40000) < 1e-3);
  assert_true(fabs(fr__row_value(row, "high") - 40000) < 1e-3);
  assert_true(fabs(fr__row_value(row, "tests_with_pretraining") - 15000) < 1e-3);
  assert_string_equal(text_at(list, 0, "reason"), "");
  /* 50 J of training before, 80 J saved by each task like this one */
  assert_true(fabs(fr__row_value(row, "tasks") - 0.625) < 1e-9);
  assert_true(fabs(fr__row_value(row, "tasks_high") - 0.625) < 1e-6);
  json_decref(list);
  unmake(&m);
}

/* Testing costs 0.98 and 1.03 of not transferred: 1.0047 with a factor of 1.372 as
 * interval (t of one degree of freedom: 12.706). What is saved, 0.8 of 550 J on average,
 * is eaten by 0.379 of 11 mJ a test at the earliest. */
static void break_even_has_a_bound_where_testing_is_undecided(void **state) {
  (void)state;
  const figures *a = steady[0], *b = steady[1];
  const figures close[2][3] = {{a[0], a[1], with(a[2], 20, 1.96)},
                               {b[0], b[1], with(b[2], 200, 20.6)}};
  made m;
  make(&m, close);
  json_t *list = fr__aggregate_break_even(&m.plan);
  const json_t *row = json_array_get(list, 0);
  assert_true(json_is_null(json_object_get(row, "tests")));
  const double geometric = sqrt(0.98 * 1.03), spread = log(1.03 / 0.98) / 2;
  const double high = geometric * exp(12.7062047 * spread);
  const double expected = 550 * 0.8 / (0.011 * (high - 1));
  assert_true(fabs(fr__row_value(row, "at_least") / expected - 1) < 1e-4);
  json_decref(list);
  unmake(&m);
}

static void break_even_says_why_there_is_none(void **state) {
  (void)state;
  const figures *a = steady[0], *b = steady[1];
  const figures cheap[2][3] = {{a[0], a[1], with(a[2], 20, 1)},
                               {b[0], b[1], with(b[2], 200, 10)}};
  const figures dear[2][3] = {{a[0], a[1], with(a[2], 200, 4)},
                              {b[0], b[1], with(b[2], 2000, 40)}};
  /* cheaper under one seed, dearer under the other */
  const figures mixed[2][3] = {{a[0], a[1], with(a[2], 20, 1)}, {b[0], b[1], b[2]}};
  const struct {
    const figures (*runs)[3];
    const char *says;
  } cases[] = {{cheap, "always saves"},
               {dear, "never saves"},
               {mixed, "testing costs as much within the interval"}};
  for (size_t i = 0; i < 3; i++) {
    made m;
    make(&m, cases[i].runs);
    json_t *list = fr__aggregate_break_even(&m.plan);
    const json_t *row = json_array_get(list, 0);
    assert_non_null(strstr(text_at(list, 0, "reason"), cases[i].says));
    assert_true(json_is_null(json_object_get(row, "tests")));
    assert_true(json_is_null(json_object_get(row, "low")));
    /* training that costs more repays nothing; a seed that saves alone shows nothing */
    assert_int_equal(json_is_null(json_object_get(row, "tasks")), i == 1);
    json_decref(list);
    unmake(&m);
  }
}

/* 100 and 1000: mean 550, deviation 636.4, half interval 12.7062 * 450; not below 0. */
static void cells_are_means_over_repeats(void **state) {
  (void)state;
  made m;
  make(&m, steady);
  json_t *cells = fr__aggregate_cells(&m.plan);
  assert_int_equal(json_array_size(cells), 4);
  const json_t *row = json_array_get(cells, 0);
  assert_string_equal(text_at(cells, 0, "name"), "RMB");
  assert_string_equal(text_at(cells, 2, "name"), "EMB");
  assert_true(fabs(fr__row_value(row, "program") - 550) < 1e-9);
  assert_true(fabs(fr__row_value(row, "program.high") - 6267.7921314) < 1e-4);
  assert_true(fr__row_value(row, "program.low") == 0.0);
  assert_true(fabs(fr__row_value(row, "program.band_high") - 1100) < 1e-9);
  assert_true(fabs(fr__row_value(row, "accuracy") - 0.85) < 1e-9);
  assert_true(fr__row_value(row, "accuracy.high") == 1.0);
  assert_true(json_is_null(json_object_get(row, "core_seconds")));
  json_decref(cells);
  unmake(&m);
}

static void a_result_without_a_meter_is_whole(void **state) {
  (void)state;
  made m;
  json_t *result = NULL;
  make(&m, steady);
  assert_int_equal(fr__aggregate(&m.plan, &result, NULL), FR_OK);
  assert_true(json_is_null(json_object_get(result, "grams"))); /* not measured, not 0 */
  assert_int_equal(json_array_size(json_object_get(result, "runs")), 6);
  json_decref(result);
  unmake(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ratios_are_of_paired_seeds),
      cmocka_unit_test(statements_get_their_verdict),
      cmocka_unit_test(break_even_counts_tests),
      cmocka_unit_test(break_even_has_a_bound_where_testing_is_undecided),
      cmocka_unit_test(break_even_says_why_there_is_none),
      cmocka_unit_test(cells_are_means_over_repeats),
      cmocka_unit_test(a_result_without_a_meter_is_whole),
  };
  return cmocka_run_group_tests_name("study/aggregate", tests, NULL, NULL);
}
