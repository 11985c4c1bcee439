/* SPDX-License-Identifier: Apache-2.0 */
/* What a study would run, what is in the store of it, and what the rest is expected to
 * take. */
#include "study/next.h"
#include "study/mechanism.h"
#include "study/plan.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>

typedef struct tally { /* of one cell */
  size_t stored;
  double program_j, seconds; /* sums of those that know it */
  size_t known;
} tally;

static tally tally_of(const fr__plan *plan, size_t cell) {
  tally t = {0};
  for (size_t r = 0; r < plan->study->repeats; r++) {
    const json_t *result = plan->run[r * plan->cells + cell].result;
    const double joules = fr__row_value(result, "spent.program");
    const double seconds = fr__row_value(result, "spent.duration_s");
    t.stored += result != NULL;
    if (!isfinite(joules) || !isfinite(seconds))
      continue;
    t.program_j += joules;
    t.seconds += seconds;
    t.known++;
  }
  return t;
}

static json_t *keys_of(const fr__plan *plan, size_t cell) {
  json_t *list = json_array();
  for (size_t r = 0; r < plan->study->repeats; r++)
    json_array_append_new(list, json_string(plan->run[r * plan->cells + cell].key));
  return list;
}

static json_t *cell_of(const fr__plan *plan, size_t i, const tally *t) {
  const fr__study_cell *cell = &plan->cell[i];
  const double n = (double)t->known;
  json_t *row = json_object();
  fr__cell_tell(plan, i, row);
  json_object_del(row, "repeat");
  if (cell->teacher != SIZE_MAX)
    json_object_set_new(
        row, "teacher",
        json_string(plan->study->networks[plan->cell[cell->teacher].net].code));
  json_object_set_new(row, "runs", json_integer((json_int_t)plan->study->repeats));
  json_object_set_new(row, "stored", json_integer((json_int_t)t->stored));
  json_object_set_new(row, "program_j", fr__json_number(t->program_j / n));
  json_object_set_new(row, "duration_s", fr__json_number(t->seconds / n));
  json_object_set_new(row, "keys", keys_of(plan, i));
  return row;
}

/* Of all that is missing; null where no cell has run. */
static json_t *expected_of(fr__plan *plan, bool any) {
  fr__cost sum = {0};
  fr__cost *expected = fr__expected_costs(plan);
  size_t missing = 0;
  for (size_t i = 0; expected != NULL && i < plan->cells * plan->study->repeats; i++) {
    const bool twin = plan->cell[i % plan->cells].twin != SIZE_MAX;
    if (plan->run[i].result != NULL || twin)
      continue;
    const fr__cost cost = expected[i % plan->cells];
    sum.joules += cost.joules;
    sum.seconds += cost.seconds;
    missing++;
  }
  free(expected);
  const double unknown = any || missing == 0 ? 1.0 : (double)NAN;
  return json_pack("{s:I,s:o,s:o}", "runs", (json_int_t)missing, "program_j",
                   fr__json_number(sum.joules * unknown), "duration_s",
                   fr__json_number(sum.seconds * unknown));
}

static json_t *list_of(fr__plan *plan) {
  json_t *out = json_object(), *cells = json_array();
  bool any = false;
  fr__budget_count(plan);
  for (size_t i = 0; i < plan->cells; i++) {
    const tally t = tally_of(plan, i);
    any = any || t.known > 0;
    json_array_append_new(cells, cell_of(plan, i, &t));
  }
  json_object_set_new(out, "name", json_string(plan->study->name));
  json_object_set_new(out, "repeats", json_integer((json_int_t)plan->study->repeats));
  json_object_set_new(out, "cells", cells);
  json_object_set_new(out, "expected", expected_of(plan, any));
  return out;
}

enum fr_status fr_study_list(const fr_study *study, const fr_study_options *options,
                             char **json, fr_error *err) {
  fr__plan plan = {.study = study, .options = options, .now = SIZE_MAX, .jobs = 1};
  enum fr_status status = fr__plan_cells(&plan, err);
  if (status == FR_OK)
    status = fr_cpu_power_find(NULL, &plan.cpu, err);
  if (status == FR_OK && options->cpu != NULL)
    plan.cpu = *options->cpu;
  if (status == FR_OK)
    status = fr__gauge_new(options->cpu, &plan.gauge, err);
  if (status == FR_OK)
    status = fr__plan_open(&plan, err);
  if (status == FR_OK) {
    json_t *list = list_of(&plan);
    *json = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(list);
    status = *json != NULL ? FR_OK : fr__fail_memory(err, "a list of cells");
  }
  fr__plan_release(&plan);
  return status;
}
