/* SPDX-License-Identifier: Apache-2.0 */
/* Cells that come to the same, such as a small network in the place of a big one and the
 * small one itself: run once, told by both names. */
#include "study/plan.h"

#include <string.h>

/* The key tells: of the first repeat, for those of the others differ in fold and seed
 * alone. */
void fr__plan_find_twins(fr__plan *plan) {
  for (size_t i = 0; i < plan->cells; i++) {
    fr__study_cell *cell = &plan->cell[i];
    cell->twin = SIZE_MAX;
    for (size_t k = 0; k < i && cell->twin == SIZE_MAX; k++)
      if (strcmp(plan->run[i].key, plan->run[k].key) == 0)
        cell->twin = k;
    if (cell->twin == SIZE_MAX)
      continue;
    fr__study_cell *first = &plan->cell[cell->twin];
    first->is_source = cell->is_source = first->is_source || cell->is_source;
  }
}

static size_t first_of(const fr__plan *plan, size_t cell) {
  return plan->cell[cell].twin != SIZE_MAX ? plan->cell[cell].twin : cell;
}

/* What the runs took is told of the one that ran alone. */
static void give(fr__plan *plan, size_t run, const fr__study_run *from) {
  fr__study_run *to = &plan->run[run];
  json_t *copy = json_copy(from->result);
  if (copy == NULL)
    return; /* it runs itself */
  json_object_del(copy, "spent");
  fr__cell_tell(plan, run, copy);
  to->result = copy;
  to->id = from->id;
  to->reused = true;
  plan->reused++;
  plan->done++;
}

void fr__plan_share(fr__plan *plan, size_t run) {
  const size_t before = run / plan->cells * plan->cells;
  const size_t first = first_of(plan, run % plan->cells);
  for (size_t i = 0; i < plan->cells; i++)
    if (first_of(plan, i) == first && plan->run[before + i].result == NULL)
      give(plan, before + i, &plan->run[run]);
}

bool fr__plan_twin_runs(const fr__plan *plan, size_t run) {
  const size_t before = run / plan->cells * plan->cells;
  const size_t first = first_of(plan, run % plan->cells);
  for (size_t i = 0; i < plan->cells; i++)
    if (before + i != run && plan->run[before + i].running && first_of(plan, i) == first)
      return true;
  return false;
}
