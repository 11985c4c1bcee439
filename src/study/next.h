/* SPDX-License-Identifier: Apache-2.0 */
/* Which run comes next, and what a budget has to do with it. */
#ifndef FR_STUDY_NEXT_H
#define FR_STUDY_NEXT_H

#include "study/study.h"

/* What runs cost; NAN where it is not known. */
typedef struct fr__cost {
  double joules; /* of the program */
  double seconds;
} fr__cost;

/* Who runs what just now; NULL is_running: nobody. */
typedef struct fr__running {
  const void *self;
  bool (*is_running)(const void *self, size_t run);
} fr__running;

/* The next run, SIZE_MAX where there is none, or none for now. Without a budget: the
 * first that is missing and whose source is there. With one (docs/study.md, "Budgets"):
 * two repeats of every cell, cheap ones first, then the comparison whose interval is
 * widest per expected joule; nothing that would exceed what is left. */
size_t fr__next_run(const fr__plan *plan, const fr__running *now);

/* Fills the cells' operations, which say what costs more before anything has run. */
void fr__budget_count(fr__plan *plan);
bool fr__has_budget(const fr__plan *plan);
/* What the runs took that count. */
fr__cost fr__budget_spent(const fr__plan *plan);
/* What is left of it is 0 or more; HUGE_VAL where nothing limits it. */
fr__cost fr__budget_limit(const fr__plan *plan);
/* How long it lasts at the rate so far; HUGE_VAL where that is not known. */
double fr__budget_seconds_left(const fr__plan *plan);
/* Limits, what was spent, what was not run, the widest comparisons; NULL: no budget. */
json_t *fr__budget_describe(const fr__plan *plan);

/* What one run of each cell is expected to take: the dearest of its runs, else what cells
 * that ran took, by operations where those are known. (cells), the caller's (free); NULL:
 * memory is out. */
fr__cost *fr__expected_costs(const fr__plan *plan);

/* A mechanism beside plain training, or a cell alone where nothing is compared with it.
 */
typedef struct fr__comparison {
  size_t of, to; /* cells; the same: alone */
  const char *group;
  size_t n;     /* pairs of seeds */
  double width; /* of the wider of the two 95 % intervals of the program's energy, of
                   training and of testing: high / low - 1; NAN below two pairs */
} fr__comparison;

/* Every one of them, each once; the caller's (free). NULL: memory is out. */
fr__comparison *fr__comparisons(const fr__plan *plan, size_t *count);

#endif
