/* SPDX-License-Identifier: Apache-2.0 */
/* Per mechanism: does it save, does it lose accuracy. Seeds are paired, a mechanism's
 * cells weigh the same, and what is called shown is so after Holm's correction over all
 * mechanisms (docs/study.md, "Verdicts"). */
#include "study/next.h"
#include "study/stats.h"
#include "study/verdicts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum question { TRAIN, WHOLE, TEST, LIFE, ACCURACY, QUESTIONS };

static const char *const question_key[QUESTIONS] = {"train", "train_with_pretraining",
                                                    "test", "life", "accuracy"};

typedef struct answer {
  double x[FR__STUDY_REPEATS]; /* by repeat: log of the ratio, or points; NAN: unknown */
  double known[FR__STUDY_REPEATS];
  size_t n;
  double p, p_corrected;
} answer;

typedef struct row { /* a cell with a mechanism, or all cells of a mechanism */
  fr__comparison pair;
  size_t mechanism; /* index of its summary */
  answer answer[QUESTIONS];
} row;

typedef struct verdicts {
  const fr__plan *plan;
  row *cell; /* (cells) */
  size_t cells;
  row *all; /* (mechanisms): pair.of is that of the first cell */
  size_t mechanisms;
  double tests[FR__STUDY_LIST]; /* of a life, by data set */
} verdicts;

/* ---- energies ---- */

void fr__train_joules(const fr__plan *plan, size_t cell, double *joules) {
  fr__cell_values(plan, cell, "train.program", joules);
}

void fr__train_joules_whole(const fr__plan *plan, size_t cell, double *joules) {
  static const char *const before[] = {"pretraining", "teacher"};
  fr__train_joules(plan, cell, joules);
  for (size_t r = 0; r < plan->study->repeats; r++)
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
      const json_t *run = plan->run[r * plan->cells + cell].result;
      const json_t *part = json_object_get(run, before[i]);
      if (part != NULL)
        joules[r] += fr__row_value(part, "program");
    }
}

static void test_joules(const fr__plan *plan, size_t cell, double *joules) {
  fr__cell_values(plan, cell, "test.program", joules);
  for (size_t r = 0; r < plan->study->repeats; r++)
    joules[r] /= 1000.0; /* it is of 1,000 */
}

static double mean_known(const double *x, size_t n) {
  double sum = 0.0;
  size_t known = 0;
  for (size_t i = 0; i < n; i++)
    if (isfinite(x[i])) {
      sum += x[i];
      known++;
    }
  return known > 0 ? sum / (double)known : (double)NAN;
}

double fr__life_tests(const fr__plan *plan, size_t data) {
  double train[FR__STUDY_REPEATS], test[FR__STUDY_REPEATS], logs = 0.0;
  size_t count = 0;
  for (size_t i = 0; i < plan->cells; i++) {
    if (plan->cell[i].data != data || plan->cell[i].mechanism != SIZE_MAX)
      continue;
    fr__train_joules(plan, i, train);
    test_joules(plan, i, test);
    const double tests =
        mean_known(train, plan->study->repeats) / mean_known(test, plan->study->repeats);
    if (!(tests > 0.0) || !isfinite(tests))
      continue;
    logs += log(tests);
    count++;
  }
  return count > 0 ? exp(logs / (double)count) : (double)NAN;
}

void fr__life_joules(const fr__plan *plan, size_t cell, double tests, double *joules) {
  double test[FR__STUDY_REPEATS];
  fr__train_joules_whole(plan, cell, joules);
  test_joules(plan, cell, test);
  for (size_t r = 0; r < plan->study->repeats; r++)
    joules[r] += tests * test[r];
}

/* ---- one cell ---- */

static void values_of(const fr__plan *plan, size_t cell, enum question q, double tests,
                      double *x) {
  switch (q) {
  case TRAIN: fr__train_joules(plan, cell, x); break;
  case WHOLE: fr__train_joules_whole(plan, cell, x); break;
  case TEST: test_joules(plan, cell, x); break;
  case LIFE: fr__life_joules(plan, cell, tests, x); break;
  case ACCURACY:
  case QUESTIONS: fr__cell_values(plan, cell, "test.accuracy", x); break;
  }
}

static void compare(const fr__plan *plan, row *to, enum question q, double tests) {
  double of[FR__STUDY_REPEATS], plain[FR__STUDY_REPEATS];
  values_of(plan, to->pair.of, q, tests, of);
  values_of(plan, to->pair.to, q, tests, plain);
  for (size_t r = 0; r < plan->study->repeats; r++) {
    const double x =
        q == ACCURACY ? 100.0 * (of[r] - plain[r]) : log(of[r]) - log(plain[r]);
    to->answer[q].x[r] = isfinite(x) ? x : (double)NAN;
  }
}

static void test_answer(answer *a, size_t repeats) {
  a->n = 0;
  for (size_t r = 0; r < repeats; r++)
    if (isfinite(a->x[r]))
      a->known[a->n++] = a->x[r];
  a->p = a->p_corrected = fr__p_student(a->known, a->n);
}

/* ---- all cells of a mechanism ---- */

/* The mean of its cells per repeat, of those repeats that all of them have. */
static void pool(const verdicts *v, size_t mechanism, enum question q) {
  answer *to = &v->all[mechanism].answer[q];
  for (size_t r = 0; r < v->plan->study->repeats; r++) {
    double sum = 0.0;
    size_t count = 0;
    for (size_t i = 0; i < v->cells; i++)
      if (v->cell[i].mechanism == mechanism) {
        sum += v->cell[i].answer[q].x[r];
        count++;
      }
    to->x[r] = sum / (double)count;
  }
}

/* One family for each question: whatever is held against plain training there. */
static void correct(row *list, size_t count, enum question q, double *p) {
  for (size_t i = 0; i < count; i++)
    p[i] = list[i].answer[q].p;
  fr__p_holm(p, count);
  for (size_t i = 0; i < count; i++)
    list[i].answer[q].p_corrected = p[i];
}

static double tests_of(const verdicts *v, const row *r) {
  return v->tests[v->plan->cell[r->pair.of].data];
}

static void answer_all(verdicts *v, double *p) {
  const size_t repeats = v->plan->study->repeats;
  for (int q = 0; q < QUESTIONS; q++) {
    for (size_t i = 0; i < v->cells; i++) {
      compare(v->plan, &v->cell[i], (enum question)q, tests_of(v, &v->cell[i]));
      test_answer(&v->cell[i].answer[q], repeats);
    }
    for (size_t m = 0; m < v->mechanisms; m++) {
      pool(v, m, (enum question)q);
      test_answer(&v->all[m].answer[q], repeats);
    }
    correct(v->cell, v->cells, (enum question)q, p);
    correct(v->all, v->mechanisms, (enum question)q, p);
  }
}

/* ---- as JSON ---- */

static json_t *write_answer(const answer *a, enum question q) {
  const bool points = q == ACCURACY;
  const fr_interval t = fr_interval_mean(a->known, a->n);
  const fr_interval b = fr__bootstrap_mean(a->known, a->n);
  const double numbers[] = {t.mean, t.low, t.high, b.low, b.high};
  static const char *const keys[] = {"value", "low", "high", "bootstrap_low",
                                     "bootstrap_high"};
  const enum fr__effect effect = fr__effect_of(t.mean, a->p_corrected);
  json_t *to = json_object();
  for (size_t i = 0; i < 5; i++)
    json_object_set_new(to, keys[i],
                        fr__json_number(points ? numbers[i] : exp(numbers[i])));
  json_object_set_new(to, "unit", json_string(points ? "points" : "1"));
  json_object_set_new(to, "n", json_integer((json_int_t)a->n));
  json_object_set_new(to, "p", fr__json_number(a->p));
  json_object_set_new(to, "p_signs", fr__json_number(fr__p_signs(a->known, a->n)));
  json_object_set_new(to, "p_corrected", fr__json_number(a->p_corrected));
  json_object_set_new(to, "verdict",
                      json_string(points ? fr__effect_on_accuracy(effect)
                                         : fr__effect_on_energy(effect)));
  return to;
}

static void write_answers(const row *from, json_t *to) {
  for (int q = 0; q < QUESTIONS; q++)
    json_object_set_new(to, question_key[q],
                        write_answer(&from->answer[q], (enum question)q));
}

/* A figure that does not vary, of the first repeat that both sides have. */
static json_t *ratio_of(const fr__plan *plan, const fr__comparison *pair,
                        const char *path) {
  double of[FR__STUDY_REPEATS], to[FR__STUDY_REPEATS];
  fr__cell_values(plan, pair->of, path, of);
  fr__cell_values(plan, pair->to, path, to);
  for (size_t r = 0; r < plan->study->repeats; r++)
    if (isfinite(of[r] / to[r]))
      return json_real(of[r] / to[r]);
  return json_null();
}

static json_t *write_cell(const verdicts *v, const row *from) {
  const fr__plan *plan = v->plan;
  const fr__study_cell *cell = &plan->cell[from->pair.of];
  json_t *to = json_object();
  char name[48];
  fr__cell_name(plan->study, 'R', cell->data, cell->net, name);
  json_object_set_new(to, "cell", json_string(name + 1));
  json_object_set_new(to, "data", json_string(plan->study->data[cell->data].code));
  json_object_set_new(to, "net", json_string(plan->study->networks[cell->net].code));
  json_object_set_new(to, "life_tests", fr__json_number(v->tests[cell->data]));
  write_answers(from, to);
  json_object_set_new(to, "operations", ratio_of(plan, &from->pair, "test.operations"));
  json_object_set_new(to, "bytes", ratio_of(plan, &from->pair, "bytes"));
  return to;
}

static double pooled(const row *r) {
  const double mean = fr_interval_mean(r->answer[LIFE].known, r->answer[LIFE].n).mean;
  return isnan(mean) ? HUGE_VAL : mean;
}

/* Of those not yet written, the one that saves most. */
static size_t best_left(const verdicts *v, const bool *written) {
  size_t best = SIZE_MAX;
  for (size_t m = 0; m < v->mechanisms; m++)
    if (!written[m] && (best == SIZE_MAX || pooled(&v->all[m]) < pooled(&v->all[best])))
      best = m;
  return best;
}

static json_t *write_mechanism(const verdicts *v, size_t m) {
  const fr__plan *plan = v->plan;
  const row *from = &v->all[m];
  json_t *to = json_object(), *cells = json_array();
  json_object_set_new(
      to, "mechanism",
      json_string(fr__cell_mechanism(plan->study, &plan->cell[from->pair.of])));
  json_object_set_new(to, "group", json_string(from->pair.group));
  write_answers(from, to);
  for (size_t i = 0; i < v->cells; i++)
    if (v->cell[i].mechanism == m)
      json_array_append_new(cells, write_cell(v, &v->cell[i]));
  json_object_set_new(to, "cells", cells);
  return to;
}

/* ---- who is compared ---- */

static size_t mechanism_of(verdicts *v, const fr__comparison *pair) {
  const fr__plan *plan = v->plan;
  const size_t asked = plan->cell[pair->of].mechanism;
  for (size_t m = 0; m < v->mechanisms; m++)
    if (plan->cell[v->all[m].pair.of].mechanism == asked &&
        strcmp(v->all[m].pair.group, pair->group) == 0)
      return m;
  v->all[v->mechanisms].pair = *pair;
  return v->mechanisms++;
}

static bool is_pair(const fr__comparison *x) { return x->of != x->to; }

static json_t *judge(verdicts *v, const fr__comparison *list, size_t count, double *p,
                     bool *written) {
  json_t *out = json_array();
  for (size_t i = 0; i < count; i++)
    if (is_pair(&list[i])) {
      v->cell[v->cells].pair = list[i];
      v->cell[v->cells++].mechanism = mechanism_of(v, &list[i]);
    }
  for (size_t d = 0; d < v->plan->study->data_count && d < FR__STUDY_LIST; d++)
    v->tests[d] = fr__life_tests(v->plan, d);
  answer_all(v, p);
  for (size_t m; (m = best_left(v, written)) != SIZE_MAX;) {
    written[m] = true;
    json_array_append_new(out, write_mechanism(v, m));
  }
  return out;
}

json_t *fr__aggregate_mechanisms(const fr__plan *plan) {
  size_t count = 0;
  fr__comparison *list = fr__comparisons(plan, &count);
  verdicts v = {.plan = plan,
                .cell = calloc(count + 1, sizeof *v.cell),
                .all = calloc(count + 1, sizeof *v.all)};
  double *p = calloc(count + 1, sizeof *p);
  bool *written = calloc(count + 1, sizeof *written);
  json_t *out = NULL;
  if (list != NULL && v.cell != NULL && v.all != NULL && p != NULL && written != NULL)
    out = judge(&v, list, count, p, written);
  free(written);
  free(p);
  free(v.all);
  free(v.cell);
  free(list);
  return out != NULL ? out : json_array();
}
