/* SPDX-License-Identifier: Apache-2.0 */
/* The order of runs: as they stand, or where a budget says most (Neyman 1934: effort goes
 * where the spread is wide and a sample cheap). Nothing is remembered between two calls:
 * the same results give the same next run, in a resumed study too. */
#include "study/next.h"

#include <math.h>
#include <stdlib.h>

#define FIRST_REPEATS 2 /* of every cell: without a second one there is no interval */

typedef struct choice {
  const fr__plan *plan;
  const fr__running *now;
  const fr__cost *price; /* (cells) expected of one run */
  fr__cost left;         /* of the budget, runs that go on taken off */
} choice;

static bool is_missing(const choice *c, size_t run) {
  return c->plan->run[run].result == NULL &&
         (c->now->is_running == NULL || !c->now->is_running(c->now->self, run));
}

static bool is_ready(const choice *c, size_t run) {
  return is_missing(c, run) && fr__plan_is_ready(c->plan, run);
}

static size_t first_ready(const choice *c) {
  for (size_t i = 0; i < c->plan->cells * c->plan->study->repeats; i++)
    if (is_ready(c, i))
      return i;
  return SIZE_MAX;
}

static bool fits(const choice *c, fr__cost cost) {
  return !(cost.joules > c->left.joules) && !(cost.seconds > c->left.seconds);
}

/* Joules, or seconds where there are none. */
static double price_of(fr__cost cost) {
  return isfinite(cost.joules) ? cost.joules : cost.seconds;
}

/* The cheapest run of that repeat that is ready and fits. */
static size_t cheapest(const choice *c, size_t repeat) {
  const size_t cells = c->plan->cells;
  size_t best = SIZE_MAX;
  double price = HUGE_VAL;
  for (size_t i = 0; i < cells; i++) {
    if (!is_ready(c, repeat * cells + i))
      continue;
    const fr__cost cost = c->price[i];
    const double asked = isfinite(price_of(cost)) ? price_of(cost) : 0.0;
    if (fits(c, cost) && asked < price) {
      price = asked;
      best = repeat * cells + i;
    }
  }
  return best;
}

/* Adds a run that a comparison lacks; *first becomes it where it is ready and none was.
 */
static void lack(const choice *c, size_t run, fr__cost *sum, size_t *first) {
  const size_t twin = c->plan->cell[run % c->plan->cells].twin;
  if (twin != SIZE_MAX) /* which is run in its place */
    run = run / c->plan->cells * c->plan->cells + twin;
  if (!is_missing(c, run))
    return;
  const fr__cost cost = c->price[run % c->plan->cells];
  sum->joules += cost.joules;
  sum->seconds += cost.seconds;
  if (*first == SIZE_MAX && is_ready(c, run))
    *first = run;
}

/* What repeat r of a comparison lacks: its sources, what it is compared with, itself. */
static size_t lacking(const choice *c, const fr__comparison *x, size_t r, fr__cost *sum) {
  const fr__plan *plan = c->plan;
  const size_t sides[] = {x->to, x->of};
  size_t first = SIZE_MAX;
  *sum = (fr__cost){0};
  for (size_t i = x->to == x->of; i < 2; i++) {
    const fr__study_cell *cell = &plan->cell[sides[i]];
    const size_t needed[] = {cell->source, cell->teacher};
    for (size_t k = 0; k < 2; k++)
      if (needed[k] != SIZE_MAX && needed[k] != x->to)
        lack(c, r * plan->cells + needed[k], sum, &first);
    lack(c, r * plan->cells + sides[i], sum, &first);
  }
  return first;
}

static size_t widest(const choice *c, const fr__comparison *list, size_t count) {
  const fr__plan *plan = c->plan;
  size_t best = SIZE_MAX;
  double most = 0.0;
  for (size_t i = 0; i < count; i++) {
    fr__cost cost = {0};
    size_t run = SIZE_MAX;
    for (size_t r = FIRST_REPEATS; r < plan->study->repeats && run == SIZE_MAX; r++)
      run = lacking(c, &list[i], r, &cost);
    const double price = price_of(cost);
    const double score = list[i].width / (price > 0.0 ? price : 1e-9);
    if (run != SIZE_MAX && score > most && fits(c, cost)) {
      most = score;
      best = run;
    }
  }
  return best;
}

/* Without memory the study goes on in order: its figures are the same. */
static size_t widest_of_all(const choice *c) {
  size_t count = 0;
  fr__comparison *list = fr__comparisons(c->plan, &count);
  const size_t run = list != NULL ? widest(c, list, count) : SIZE_MAX;
  free(list);
  return run;
}

static fr__cost left_of(const choice *c) {
  const fr__plan *plan = c->plan;
  const fr__running *now = c->now;
  const fr__cost limit = fr__budget_limit(plan), spent = fr__budget_spent(plan);
  fr__cost left = {limit.joules - spent.joules, limit.seconds - spent.seconds};
  for (size_t i = 0; i < plan->cells * plan->study->repeats; i++)
    if (plan->run[i].result == NULL && now->is_running != NULL &&
        now->is_running(now->self, i)) {
      const fr__cost cost = c->price[i % plan->cells];
      left.joules -= isfinite(cost.joules) ? cost.joules : 0.0;
      left.seconds -= isfinite(cost.seconds) ? cost.seconds : 0.0;
    }
  return left;
}

static size_t within_budget(choice *c) {
  c->left = left_of(c);
  if (!(c->left.joules > 0.0) || !(c->left.seconds > 0.0))
    return SIZE_MAX;
  for (size_t r = 0; r < FIRST_REPEATS && r < c->plan->study->repeats; r++) {
    const size_t run = cheapest(c, r);
    if (run != SIZE_MAX)
      return run;
  }
  return widest_of_all(c);
}

size_t fr__next_run(const fr__plan *plan, const fr__running *now) {
  choice c = {.plan = plan, .now = now};
  if (!fr__has_budget(plan))
    return first_ready(&c);
  fr__cost *price = fr__expected_costs(plan);
  c.price = price;
  const size_t run = price != NULL ? within_budget(&c) : SIZE_MAX;
  free(price);
  return run;
}
