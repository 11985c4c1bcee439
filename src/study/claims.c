/* SPDX-License-Identifier: Apache-2.0 */
/* Statements with the range that each stands for, held against our intervals. */
#include "study/study.h"

#include <math.h>
#include <string.h>

typedef struct trial { /* of one claim */
  const fr__plan *plan;
  const fr__study_claim *claim;
  json_t *cells; /* what each cell that it is about says */
  double log_sum, sum;
  double low, high; /* hull of the intervals */
  size_t count;     /* cells with a figure */
  size_t n;         /* the fewest repeats of any */
  size_t holds, fails, missing;
} trial;

static bool is_among(char *const *codes, size_t count, const char *code) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(codes[i], code) == 0)
      return true;
  return count == 0;
}

static bool is_about(const trial *t, const fr__pair *pair) {
  const fr_study *study = t->plan->study;
  const fr__study_cell *cell = &t->plan->cell[pair->of];
  const fr__study_claim *c = t->claim;
  const char phase = strcmp(c->phase, "train") == 0 ? 'R' : 'E';
  return phase == pair->phase && strcmp(c->group, pair->group) == 0 &&
         strcmp(c->mechanism, fr__cell_mechanism(study, cell)) == 0 &&
         is_among(c->data, c->data_count, study->data[cell->data].code) &&
         is_among(c->networks, c->networks_count, study->networks[cell->net].code);
}

static void count_in(trial *t, const fr_interval *x, enum fr_verdict verdict) {
  t->low = t->count == 0 || x->low < t->low ? x->low : t->low;
  t->high = t->count == 0 || x->high > t->high ? x->high : t->high;
  t->n = t->count == 0 || x->n < t->n ? x->n : t->n;
  t->sum += x->mean;
  t->log_sum += log(x->mean);
  t->count++;
  t->holds += verdict == FR_HOLDS;
  t->fails += verdict == FR_DOES_NOT_HOLD;
}

static void try_pair(void *self, const fr__pair *pair) {
  trial *t = self;
  fr_interval x;
  if (!is_about(t, pair))
    return;
  if (!fr__pair_interval(t->plan, pair, t->claim->quantity, &x)) {
    t->missing++;
    return;
  }
  const fr__study_cell *cell = &t->plan->cell[pair->of];
  const enum fr_verdict verdict =
      fr_verdict_of(x, t->claim->range[0], t->claim->range[1]);
  char name[48];
  fr__cell_name(t->plan->study, pair->phase, cell->data, cell->net, name);
  count_in(t, &x, verdict);
  json_t *row = json_object();
  json_object_set_new(row, "name", json_string(name));
  json_object_set_new(row, "value", fr__json_number(x.mean));
  json_object_set_new(row, "low", fr__json_number(x.low));
  json_object_set_new(row, "high", fr__json_number(x.high));
  json_object_set_new(row, "n", json_integer((json_int_t)x.n));
  json_object_set_new(row, "verdict", json_string(fr_verdict_name(verdict)));
  json_array_append_new(t->cells, row);
}

/* A statement about several cells holds where it holds for each, and fails where it fails
 * for any. */
static enum fr_verdict verdict_of(const trial *t) {
  if (t->fails > 0)
    return FR_DOES_NOT_HOLD;
  return t->count > 0 && t->holds == t->count && t->missing == 0 ? FR_HOLDS
                                                                 : FR_UNDECIDED;
}

static json_t *result_of(const trial *t) {
  const fr__study_claim *c = t->claim;
  const bool points = fr__pair_is_difference(c->quantity);
  const double n = (double)t->count;
  const double nothing = (double)NAN;
  const double middle = t->count == 0 ? nothing
                        : points      ? t->sum / n
                                      : exp(t->log_sum / n);
  json_t *row = json_object();
  json_object_set_new(row, "text", json_string(c->text));
  json_object_set_new(row, "group", json_string(c->group));
  json_object_set_new(row, "mechanism", json_string(c->mechanism));
  json_object_set_new(row, "phase", json_string(c->phase));
  json_object_set_new(row, "quantity", json_string(c->quantity));
  json_object_set_new(row, "unit", json_string(points ? "points" : "1"));
  json_t *range = json_array();
  json_array_append_new(range, fr__json_number(c->range[0]));
  json_array_append_new(range, fr__json_number(c->range[1]));
  json_object_set_new(row, "range", range);
  json_object_set_new(row, "value", fr__json_number(middle));
  json_object_set_new(row, "low", fr__json_number(t->count == 0 ? nothing : t->low));
  json_object_set_new(row, "high", fr__json_number(t->count == 0 ? nothing : t->high));
  json_object_set_new(row, "n", json_integer((json_int_t)t->n));
  json_object_set_new(row, "verdict", json_string(fr_verdict_name(verdict_of(t))));
  json_object_set(row, "cells", t->cells);
  return row;
}

json_t *fr__aggregate_claims(const fr__plan *plan) {
  json_t *list = json_array();
  for (size_t i = 0; i < plan->study->claims_count; i++) {
    trial t = {.plan = plan, .claim = &plan->study->claims[i], .cells = json_array()};
    fr__each_pair(plan, try_pair, &t);
    json_array_append_new(list, result_of(&t));
    json_decref(t.cells);
  }
  return list;
}
