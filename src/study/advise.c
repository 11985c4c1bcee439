/* SPDX-License-Identifier: Apache-2.0 */
/* Which way costs the least over a life, and what that hangs on. */
#include "study/advise.h"

#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const metrics[] = {
    [FR_ADVISE_ACCURACY] = "accuracy", [FR_ADVISE_MACRO_F1] = "macro-f1"};

bool fr_advise_metric_parse(const char *name, enum fr_advise_metric *out) {
  for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
    if (strcmp(name, metrics[i]) == 0) {
      *out = (enum fr_advise_metric)i;
      return true;
    }
  return false;
}

const char *fr_advise_metric_name(enum fr_advise_metric metric) {
  return metrics[metric];
}

void fr_advice_release(fr_advice *advice) {
  for (size_t i = 0; i < advice->ways; i++) {
    free(advice->way[i].network);
    free(advice->way[i].mechanism);
    free(advice->way[i].precision);
    free(advice->way[i].architecture);
    free(advice->way[i].cell);
  }
  free(advice->way);
  *advice = (fr_advice){0};
}

/* ---- figures of a way ---- */

static double life_of(const fr__seen *s, const fr_advise_options *o) {
  const double tasks = o->tasks != 0 ? (double)o->tasks : 1.0;
  return s->train_j + s->before_j / tasks + o->tests * s->test_j;
}

enum figure { TRAIN, BEFORE, TEST, LIFE, REACHED, VALIDATED };

static double figure_of(const fr__seen *s, const fr_advise_options *o, enum figure f) {
  switch (f) {
  case TRAIN: return s->train_j;
  case BEFORE: return s->before_j / (o->tasks != 0 ? (double)o->tasks : 1.0);
  case TEST: return s->test_j;
  case LIFE: return life_of(s, o);
  case REACHED: return s->reached;
  case VALIDATED: break;
  }
  return s->validated;
}

/* Bounded by what the figure can be. */
static fr_interval over_seeds(const fr__way *way, const fr_advise_options *o,
                              enum figure f) {
  double x[FR__ADVISE_SEEDS];
  size_t n = 0;
  for (size_t i = 0; i < way->count; i++) {
    x[n] = figure_of(&way->seen[i], o, f);
    n += isfinite(x[n]) ? 1 : 0;
  }
  fr_interval mean = fr_interval_mean(x, n);
  if (n > 0 && mean.low < 0.0)
    mean.low = 0.0;
  if (n > 0 && f >= REACHED && mean.high > 1.0)
    mean.high = 1.0;
  return mean;
}

static void fill(fr__way *way, const fr_advise_options *o) {
  fr_advice_way *is = &way->is;
  is->n = way->count;
  is->train_j = over_seeds(way, o, TRAIN);
  is->before_j = over_seeds(way, o, BEFORE);
  is->test_j = over_seeds(way, o, TEST);
  is->life_j = over_seeds(way, o, LIFE);
  is->reached = over_seeds(way, o, REACHED);
  is->validated = over_seeds(way, o, VALIDATED);
  is->reaches = is->reached.mean >= o->reach &&
                (is->validated.n == 0 || is->validated.mean >= o->reach);
}

/* What it comes to where it comes to less: the test side, or the validation side. */
static double nearness(const fr_advice_way *is) {
  return is->validated.n > 0 ? fmin(is->reached.mean, is->validated.mean)
                             : is->reached.mean;
}

/* Those that reach by energy, then the others by how near they come. */
static int by_merit(const void *a, const void *b) {
  const fr_advice_way *x = &((const fr__way *)a)->is, *y = &((const fr__way *)b)->is;
  if (x->reaches != y->reaches)
    return x->reaches ? -1 : 1;
  const double p = x->reaches ? x->life_j.mean : -nearness(x);
  const double q = y->reaches ? y->life_j.mean : -nearness(y);
  if (p != q)
    return p < q ? -1 : 1;
  return strcmp(((const fr__way *)a)->identity, ((const fr__way *)b)->identity);
}

/* ---- first and second ---- */

static const fr__seen *of_seed(const fr__way *way, json_int_t seed) {
  for (size_t i = 0; i < way->count; i++)
    if (way->seen[i].seed == seed)
      return &way->seen[i];
  return NULL;
}

static fr_interval apart_of(const fr__way *second, const fr__way *first,
                            const fr_advise_options *o) {
  double a[FR__ADVISE_SEEDS], b[FR__ADVISE_SEEDS];
  size_t n = 0;
  for (size_t i = 0; i < second->count; i++) {
    const fr__seen *other = of_seed(first, second->seen[i].seed);
    if (other == NULL)
      continue;
    a[n] = life_of(&second->seen[i], o);
    b[n++] = life_of(other, o);
  }
  return fr_interval_ratio(a, b, n);
}

/* Energy of a life is a line over its tests. The first stays the first up to where the
 * first line with a lesser slope meets its own, and down to where one with a greater
 * slope does. */
static void find_range(const fr__ways *ways, fr_advice *out) {
  const fr_advice_way *best = &ways->way[0].is;
  const double fixed = best->train_j.mean + best->before_j.mean;
  out->from_tests = 0.0;
  out->to_tests = HUGE_VAL;
  for (size_t i = 1; i < out->reaching; i++) {
    const fr_advice_way *other = &ways->way[i].is;
    const double extra = other->train_j.mean + other->before_j.mean - fixed;
    const double slope = best->test_j.mean - other->test_j.mean;
    const double tests = extra / slope;
    if (slope > 0.0 && tests < out->to_tests) {
      out->to_tests = tests;
      out->above = i;
    } else if (slope < 0.0 && tests > out->from_tests) {
      out->from_tests = tests;
      out->below = i;
    }
  }
}

/* ---- the whole ---- */

static enum fr_status hand_over(fr__ways *ways, fr_advice *out, fr_error *err) {
  out->way = calloc(ways->count + 1, sizeof *out->way);
  if (out->way == NULL)
    return fr__fail_memory(err, "an advice");
  for (size_t i = 0; i < ways->count; i++) {
    out->way[i] = ways->way[i].is;
    free(ways->way[i].identity);
  }
  out->ways = ways->count;
  ways->count = 0; /* what they own is the advice's now */
  return FR_OK;
}

static enum fr_status weigh(fr__ways *ways, const fr_advise_options *o, fr_advice *out,
                            fr_error *err) {
  for (size_t i = 0; i < ways->count; i++)
    fill(&ways->way[i], o);
  if (ways->count > 0)
    qsort(ways->way, ways->count, sizeof *ways->way, by_merit);
  for (size_t i = 0; i < ways->count; i++)
    out->reaching += ways->way[i].is.reaches;
  out->below = out->above = SIZE_MAX;
  if (out->reaching > 0)
    find_range(ways, out);
  if (out->reaching > 1) {
    out->apart = apart_of(&ways->way[1], &ways->way[0], o);
    out->beyond = out->apart.n >= 2 && (out->apart.low > 1.0 || out->apart.high < 1.0);
  }
  return hand_over(ways, out, err);
}

static enum fr_status check(const fr_advise_options *o, fr_error *err) {
  enum fr_task task;
  if (!fr_task_parse(o->task != NULL ? o->task : fr_data_task(o->data), &task) ||
      task == FR_TASK_LABELS)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%s' is no task of a study: use 'subject', 'activity' or 'gesture'",
                    o->task);
  if (!(o->reach >= 0.0 && o->reach <= 1.0))
    return fr__fail(err, FR_ERR_ARGUMENT, "%g is not a share from 0 to 1", o->reach);
  if (!(o->tests >= 0.0 && isfinite(o->tests)))
    return fr__fail(err, FR_ERR_ARGUMENT, "%g is not a number of tests", o->tests);
  return FR_OK;
}

enum fr_status fr_advise(fr_store *store, const fr_advise_options *options,
                         fr_advice *out, fr_error *err) {
  fr_dataset *data = NULL;
  fr__ways ways = {0};
  fr_advice advice = {0};
  const fr_data_options opening = {.cache = options->cache};
  enum fr_status status = check(options, err);
  if (status == FR_OK)
    status = fr_data_open(options->data, &opening, &data, err);
  if (status == FR_OK)
    status =
        fr__ways_read(store, options, data->digest, data->split, &ways, &advice, err);
  if (status == FR_OK)
    status = weigh(&ways, options, &advice, err);
  if (status == FR_OK)
    *out = advice;
  else
    fr_advice_release(&advice);
  fr__ways_release(&ways);
  fr_data_free(data);
  return status;
}
