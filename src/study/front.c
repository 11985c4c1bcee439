/* SPDX-License-Identifier: Apache-2.0 */
/* The energy-accuracy front of each data set: what no other cell betters in both. */
#include "study/verdicts.h"

#include <math.h>
#include <stdlib.h>

enum axis { AXIS_TRAIN, AXIS_TEST, AXIS_LIFE, AXES };

typedef struct point {
  size_t cell;
  double joules[FR__STUDY_REPEATS], accuracy[FR__STUDY_REPEATS]; /* NAN: unknown */
  fr_interval energy, correct;
  size_t by; /* that dominates it with the least energy; SIZE_MAX: none */
} point;

static fr_interval known_mean(const double *x, size_t n) {
  double known[FR__STUDY_REPEATS];
  size_t count = 0;
  for (size_t i = 0; i < n; i++)
    if (isfinite(x[i]))
      known[count++] = x[i];
  return fr_interval_mean(known, count);
}

static bool fill(const fr__plan *plan, enum axis axis, size_t cell, double tests,
                 point *to) {
  const size_t repeats = plan->study->repeats;
  *to = (point){.cell = cell, .by = SIZE_MAX};
  if (axis == AXIS_TRAIN)
    fr__train_joules_whole(plan, cell, to->joules);
  else if (axis == AXIS_LIFE)
    fr__life_joules(plan, cell, tests, to->joules);
  else
    fr__cell_values(plan, cell, "test.program", to->joules);
  fr__cell_values(plan, cell, "test.accuracy", to->accuracy);
  to->energy = known_mean(to->joules, repeats);
  to->correct = known_mean(to->accuracy, repeats);
  return to->energy.n > 0 && to->correct.n > 0;
}

static bool dominates(const point *q, const point *p) {
  return q->energy.mean <= p->energy.mean && q->correct.mean >= p->correct.mean &&
         (q->energy.mean < p->energy.mean || q->correct.mean > p->correct.mean);
}

static void find_dominators(point *list, size_t count) {
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < count; k++)
      if (dominates(&list[k], &list[i]) &&
          (list[i].by == SIZE_MAX || list[k].energy.mean < list[list[i].by].energy.mean))
        list[i].by = k;
}

/* Whether the paired interval lies beyond 0: 'both', 'energy', 'accuracy', 'neither'. */
static const char *beyond(const fr__plan *plan, const point *q, const point *p) {
  double energy[FR__STUDY_REPEATS], correct[FR__STUDY_REPEATS];
  for (size_t r = 0; r < plan->study->repeats; r++) {
    energy[r] = log(q->joules[r]) - log(p->joules[r]);
    correct[r] = q->accuracy[r] - p->accuracy[r];
  }
  const fr_interval e = known_mean(energy, plan->study->repeats);
  const fr_interval c = known_mean(correct, plan->study->repeats);
  const bool saves = e.n >= 2 && e.high < 0.0, gains = c.n >= 2 && c.low > 0.0;
  return saves && gains ? "both" : saves ? "energy" : gains ? "accuracy" : "neither";
}

static json_t *interval_of(const fr_interval *x, const char *unit) {
  json_t *to = json_object();
  json_object_set_new(to, "value", fr__json_number(x->mean));
  json_object_set_new(to, "low", fr__json_number(fmax(x->low, 0.0)));
  json_object_set_new(to, "high", fr__json_number(x->high));
  json_object_set_new(to, "unit", json_string(unit));
  json_object_set_new(to, "n", json_integer((json_int_t)x->n));
  return to;
}

static void write_cell(const fr__plan *plan, size_t index, json_t *to) {
  const fr_study *study = plan->study;
  const fr__study_cell *cell = &plan->cell[index];
  char name[48];
  fr__cell_name(study, 'R', cell->data, cell->net, name);
  json_object_set_new(to, "cell", json_string(name + 1));
  json_object_set_new(to, "net", json_string(study->networks[cell->net].name));
  json_object_set_new(to, "mechanism", json_string(fr__cell_mechanism(study, cell)));
  if (cell->source != SIZE_MAX)
    json_object_set_new(to, "source",
                        json_string(study->data[plan->cell[cell->source].data].code));
}

static json_t *write_point(const fr__plan *plan, const point *list, size_t i) {
  const point *p = &list[i];
  json_t *to = json_object();
  fr_interval correct = p->correct;
  correct.high = fmin(correct.high, 1.0);
  write_cell(plan, p->cell, to);
  json_object_set_new(to, "energy", interval_of(&p->energy, "J"));
  json_object_set_new(to, "accuracy", interval_of(&correct, "1"));
  json_object_set_new(to, "on_front", json_boolean(p->by == SIZE_MAX));
  if (p->by != SIZE_MAX) {
    json_t *by = json_object();
    write_cell(plan, list[p->by].cell, by);
    json_object_set_new(by, "beyond", json_string(beyond(plan, &list[p->by], p)));
    json_object_set_new(to, "dominated_by", by);
  }
  return to;
}

static int by_energy(const void *a, const void *b) {
  const point *x = a, *y = b;
  return x->energy.mean != y->energy.mean ? (x->energy.mean > y->energy.mean ? 1 : -1)
                                          : (x->cell > y->cell) - (x->cell < y->cell);
}

static json_t *front_of(const fr__plan *plan, size_t data, enum axis axis, point *list) {
  static const char *const names[AXES] = {"train", "test", "life"};
  const double tests = fr__life_tests(plan, data);
  size_t count = 0;
  for (size_t i = 0; i < plan->cells; i++)
    if (plan->cell[i].data == data)
      count += fill(plan, axis, i, tests, &list[count]) ? 1 : 0;
  if (count < 2) /* nothing to compare */
    return NULL;
  qsort(list, count, sizeof *list, by_energy);
  find_dominators(list, count);
  json_t *to = json_object(), *points = json_array();
  json_object_set_new(to, "data", json_string(plan->study->data[data].code));
  json_object_set_new(to, "data_name", json_string(plan->study->data[data].name));
  json_object_set_new(to, "of", json_string(names[axis]));
  json_object_set_new(to, "tests",
                      axis == AXIS_LIFE   ? fr__json_number(tests)
                      : axis == AXIS_TEST ? json_integer(1000)
                                          : json_integer(0));
  for (size_t i = 0; i < count; i++)
    json_array_append_new(points, write_point(plan, list, i));
  json_object_set_new(to, "points", points);
  return to;
}

json_t *fr__aggregate_fronts(const fr__plan *plan) {
  json_t *out = json_array();
  point *list = calloc(plan->cells + 1, sizeof *list);
  for (size_t d = 0; list != NULL && d < plan->study->data_count; d++)
    for (int axis = 0; axis < AXES; axis++) {
      json_t *front = front_of(plan, d, (enum axis)axis, list);
      if (front != NULL)
        json_array_append_new(out, front);
    }
  free(list);
  return out;
}
