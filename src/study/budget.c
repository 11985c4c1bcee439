/* SPDX-License-Identifier: Apache-2.0 */
/* What a study's budget allows, what was spent of it, and where it says most. */
#include "study/next.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define JOULES_PER_KWH 3.6e6
#define OPERATIONS_S 1e11 /* of one core, with nothing to go by; most end early */
#define LEAST_S 0.05      /* of a run at least */
#define CORE_W 10.0       /* where the processor is not known */
#define WIDEST_TOLD 5     /* comparisons that the result names */

bool fr__has_budget(const fr__plan *plan) {
  const fr_study_budget *b = plan->options != NULL ? &plan->options->budget : NULL;
  return b != NULL && (b->energy_j > 0.0 || b->grams > 0.0 || b->duration_s > 0.0);
}

/* Grams of a joule; NAN where the intensity is not known. */
static double grams_per_joule(const fr_study *study) {
  fr_intensity at;
  const char *spec = study->intensity != NULL ? study->intensity : "table:world";
  if (fr_intensity_find(spec, &at, NULL) != FR_OK || !fr_measure_known(at.g_per_kwh))
    return (double)NAN;
  return at.g_per_kwh.value * study->pue / JOULES_PER_KWH;
}

fr__cost fr__budget_limit(const fr__plan *plan) {
  fr__cost limit = {HUGE_VAL, HUGE_VAL};
  if (!fr__has_budget(plan))
    return limit;
  const fr_study_budget *b = &plan->options->budget;
  if (b->energy_j > 0.0)
    limit.joules = b->energy_j;
  if (b->grams > 0.0)
    limit.joules = fmin(limit.joules, b->grams / grams_per_joule(plan->study));
  if (b->duration_s > 0.0)
    limit.seconds = b->duration_s;
  return limit;
}

/* Of one run; all that it did, measuring again included. */
static fr__cost cost_of(const fr__plan *plan, const json_t *result) {
  const double side_by_side = plan->jobs > 1 ? (double)plan->jobs : 1.0;
  return (fr__cost){fr__row_value(result, "spent.program"),
                    fr__row_value(result, "spent.duration_s") / side_by_side};
}

fr__cost fr__budget_spent(const fr__plan *plan) {
  fr__cost sum = {0};
  const bool anew = plan->options != NULL && plan->options->budget.anew;
  for (size_t i = 0; i < plan->cells * plan->study->repeats; i++) {
    const fr__study_run *run = &plan->run[i];
    if (run->result == NULL || (anew && run->reused))
      continue;
    const fr__cost one = cost_of(plan, run->result);
    sum.joules += isfinite(one.joules) ? one.joules : 0.0;
    sum.seconds += isfinite(one.seconds) ? one.seconds : 0.0;
  }
  return sum;
}

double fr__budget_seconds_left(const fr__plan *plan) {
  if (!fr__has_budget(plan))
    return HUGE_VAL;
  const fr__cost limit = fr__budget_limit(plan), spent = fr__budget_spent(plan);
  const double rate = spent.joules / spent.seconds; /* W, of all jobs */
  const double by_time = limit.seconds - spent.seconds;
  const double by_energy = rate > 0.0 ? (limit.joules - spent.joules) / rate : HUGE_VAL;
  return fmax(0.0, fmin(by_time, by_energy));
}

/* ---- what a run is expected to take ---- */

/* Forward and back is three times forward; a mechanism's own network is not looked at. */
void fr__budget_count(fr__plan *plan) {
  for (size_t i = 0; i < plan->cells; i++) {
    fr__study_cell *cell = &plan->cell[i];
    const fr__study_net *asked = &plan->study->networks[cell->net];
    const fr_prepared *data = &plan->set[cell->data].plain.prepared;
    const fr_shape shape = {data->train.steps, data->train.channels};
    fr_net *net = NULL;
    if (fr_net_new(asked->arch != NULL ? asked->arch : asked->name, shape,
                   data->classes.count, &net, NULL) == FR_OK)
      cell->operations = 3.0 * (double)fr_net_operations(net) *
                         (double)data->train.count *
                         (double)fr__study_train_options(plan->study).epochs;
    fr_net_free(net);
  }
}

/* The dearest run of a cell; -1: none, NAN: not measured. */
static fr__cost dearest(const fr__plan *plan, size_t cell) {
  fr__cost most = {-1.0, -1.0};
  for (size_t r = 0; r < plan->study->repeats; r++) {
    const json_t *result = plan->run[r * plan->cells + cell].result;
    if (result == NULL)
      continue;
    const fr__cost one = cost_of(plan, result);
    most.joules = one.joules <= most.joules ? most.joules : one.joules;
    most.seconds = one.seconds <= most.seconds ? most.seconds : one.seconds;
  }
  return most;
}

/* Nothing has run: operations of all epochs at a modest rate. Without them 0, so that the
 * first run can be. */
static fr__cost guess(const fr__plan *plan, double operations) {
  const fr_measure w = plan->cpu.core_w;
  const double watts = fr_measure_known(w) && w.value > 0.0 ? w.value : CORE_W;
  const double seconds = fmax(operations / OPERATIONS_S, LEAST_S);
  return operations > 0.0 ? (fr__cost){seconds * watts, seconds} : (fr__cost){0};
}

typedef struct totals { /* over cells that ran */
  fr__cost sum;
  double operations, uncounted; /* cells whose operations are not known */
} totals;

static totals total_of(const fr__plan *plan, const fr__cost *own) {
  totals t = {0};
  for (size_t i = 0; i < plan->cells; i++) {
    if (!(own[i].seconds >= 0.0))
      continue;
    t.sum.joules += own[i].joules;
    t.sum.seconds += own[i].seconds;
    t.operations += plan->cell[i].operations;
    t.uncounted += plan->cell[i].operations > 0.0 ? 0.0 : 1.0;
  }
  return t;
}

/* A cell that did not run: as many others' worth as its operations are. */
static fr__cost by_others(const fr__plan *plan, const totals *t, double operations,
                          size_t ran) {
  const double weight =
      operations > 0.0 ? t->operations / operations + t->uncounted : (double)ran;
  return weight > 0.0 ? (fr__cost){t->sum.joules / weight, t->sum.seconds / weight}
                      : guess(plan, operations);
}

fr__cost *fr__expected_costs(const fr__plan *plan) {
  fr__cost *cost = calloc(plan->cells + 1, sizeof *cost);
  size_t ran = 0;
  if (cost == NULL)
    return NULL;
  for (size_t i = 0; i < plan->cells; i++) {
    cost[i] = dearest(plan, i);
    ran += cost[i].seconds >= 0.0;
  }
  const totals t = total_of(plan, cost);
  for (size_t i = 0; i < plan->cells; i++)
    if (cost[i].seconds == -1.0)
      cost[i] = by_others(plan, &t, plan->cell[i].operations, ran);
  for (size_t i = 0; i < plan->cells; i++)
    if (plan->cell[i].twin != SIZE_MAX)
      cost[i] = cost[plan->cell[i].twin];
  return cost;
}

/* ---- comparisons ---- */

typedef struct gathering {
  const fr__plan *plan;
  fr__comparison *list; /* (cells + pairs) */
  size_t count, capacity;
  bool *beside; /* (cells): is part of a pair */
  bool failed;
} gathering;

static void add(gathering *g, fr__comparison one) {
  for (size_t i = 0; i < g->count; i++)
    if (g->list[i].of == one.of && g->list[i].to == one.to)
      return;
  if (g->count == g->capacity) {
    const size_t capacity = g->capacity != 0 ? 2 * g->capacity : 64;
    fr__comparison *more = realloc(g->list, capacity * sizeof *more);
    if (more == NULL) {
      g->failed = true;
      return;
    }
    g->list = more;
    g->capacity = capacity;
  }
  g->list[g->count++] = one;
}

static double ratio_width(const fr__plan *plan, const fr__pair *pair, size_t *n) {
  fr_interval x = {0};
  if (!fr__pair_interval(plan, pair, "program", &x))
    return (double)NAN;
  *n = x.n;
  return x.n < 2 ? (double)NAN : x.high / x.low - 1.0;
}

/* The wider of two, of which one may not be known. */
static double wider(double a, double b) { return isnan(a) || b > a ? b : a; }

static void add_pair(void *self, const fr__pair *pair) {
  gathering *g = self;
  if (pair->phase != 'R' || pair->of == SIZE_MAX || pair->to == SIZE_MAX)
    return;
  fr__comparison one = {.of = pair->of, .to = pair->to, .group = pair->group};
  fr__pair testing = *pair;
  size_t tested = 0;
  testing.phase = 'E';
  one.width =
      wider(ratio_width(g->plan, pair, &one.n), ratio_width(g->plan, &testing, &tested));
  g->beside[pair->of] = g->beside[pair->to] = true;
  add(g, one);
}

/* The mean's own interval, of a cell that nothing is compared with. */
static double mean_width(const fr__plan *plan, size_t cell, const char *path, size_t *n) {
  double values[FR__STUDY_REPEATS];
  size_t known = 0;
  fr__cell_values(plan, cell, path, values);
  for (size_t r = 0; r < plan->study->repeats; r++)
    if (isfinite(values[r]))
      values[known++] = values[r];
  const fr_interval x = fr_interval_mean(values, known);
  *n = known;
  return known < 2 || !(x.mean > 0.0) ? (double)NAN : (x.high - x.low) / x.mean;
}

static void add_alone(gathering *g) {
  for (size_t i = 0; i < g->plan->cells; i++) {
    if (g->beside[i] || g->plan->cell[i].is_source)
      continue;
    fr__comparison one = {.of = i, .to = i, .group = ""};
    size_t tested = 0;
    const double training = mean_width(g->plan, i, "train.program", &one.n);
    one.width = wider(training, mean_width(g->plan, i, "test.program", &tested));
    add(g, one);
  }
}

fr__comparison *fr__comparisons(const fr__plan *plan, size_t *count) {
  gathering g = {.plan = plan, .beside = calloc(plan->cells + 1, sizeof *g.beside)};
  if (g.beside != NULL) {
    fr__each_pair(plan, add_pair, &g);
    add_alone(&g);
  }
  free(g.beside);
  if (g.failed || g.list == NULL) {
    free(g.list);
    g.list = NULL;
    g.count = 0;
  }
  *count = g.count;
  return g.list;
}

/* ---- what the result says ---- */

static int by_width(const void *a, const void *b) {
  const fr__comparison *x = a, *y = b;
  const double p = isnan(x->width) ? HUGE_VAL : x->width; /* one repeat: widest of all */
  const double q = isnan(y->width) ? HUGE_VAL : y->width;
  if (p != q)
    return p < q ? 1 : -1;
  return x->of < y->of ? -1 : x->of > y->of;
}

static json_t *wide_of(const fr__plan *plan) {
  json_t *list = json_array();
  size_t count = 0;
  fr__comparison *x = fr__comparisons(plan, &count);
  if (x != NULL)
    qsort(x, count, sizeof *x, by_width);
  for (size_t i = 0; i < count && i < WIDEST_TOLD; i++) {
    const fr__study_cell *cell = &plan->cell[x[i].of];
    char name[48];
    json_t *row = json_object();
    fr__cell_name(plan->study, 'R', cell->data, cell->net, name);
    json_object_set_new(row, "cell", json_string(name + 1));
    json_object_set_new(row, "mechanism",
                        json_string(fr__cell_mechanism(plan->study, cell)));
    json_object_set_new(row, "group", json_string(x[i].group));
    json_object_set_new(row, "n", json_integer((json_int_t)x[i].n));
    json_object_set_new(row, "width", fr__json_number(x[i].width));
    json_array_append_new(list, row);
  }
  free(x);
  return list;
}

/* What the cheapest run that was not made is expected to take. */
static double least_left(const fr__plan *plan) {
  fr__cost *cost = fr__expected_costs(plan);
  double least = (double)NAN;
  for (size_t i = 0; cost != NULL && i < plan->cells * plan->study->repeats; i++) {
    const double joules = cost[i % plan->cells].joules;
    if (plan->run[i].result == NULL && !(joules >= least))
      least = joules;
  }
  free(cost);
  return least;
}

static json_t *given(double limit) {
  return limit > 0.0 ? fr__json_number(limit) : json_null();
}

json_t *fr__budget_describe(const fr__plan *plan) {
  if (!fr__has_budget(plan))
    return NULL;
  const fr_study_budget *b = &plan->options->budget;
  const fr__cost spent = fr__budget_spent(plan);
  const size_t all = plan->cells * plan->study->repeats;
  size_t done = 0, never = 0;
  for (size_t i = 0; i < all; i++)
    done += plan->run[i].result != NULL;
  for (size_t i = 0; i < plan->cells; i++)
    never += dearest(plan, i).seconds == -1.0;
  json_t *to = json_object();
  json_object_set_new(to, "energy_j", given(b->energy_j));
  json_object_set_new(to, "grams", given(b->grams));
  json_object_set_new(to, "duration_s", given(b->duration_s));
  json_object_set_new(to, "spent_j", fr__json_number(spent.joules));
  json_object_set_new(to, "spent_g",
                      fr__json_number(spent.joules * grams_per_joule(plan->study)));
  json_object_set_new(to, "spent_s", fr__json_number(spent.seconds));
  json_object_set_new(to, "anew", json_boolean(b->anew));
  json_object_set_new(to, "runs", json_integer((json_int_t)done));
  json_object_set_new(to, "not_run", json_integer((json_int_t)(all - done)));
  json_object_set_new(to, "cells_never_run", json_integer((json_int_t)never));
  json_object_set_new(to, "next_j", fr__json_number(least_left(plan)));
  json_object_set_new(to, "wide", wide_of(plan));
  return to;
}
