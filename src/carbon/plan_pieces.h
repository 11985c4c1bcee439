/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of a least length that cost something to begin. docs/plan.md argues why what is
 * done here is exact:
 *
 * points  the times at which pieces of a best schedule begin and end, but for one end
 *         of one piece, the remainder, which the sum of all pieces decides
 * prices  a second of work at a price (Lagrange): no schedule costs less than the bound
 * fill    a schedule near that bound
 * search  all schedules between that bound and a limit; the limit is raised until the
 *         best one found lies below it
 */
#ifndef FR_CARBON_PLAN_PIECES_H
#define FR_CARBON_PLAN_PIECES_H

#include "carbon/plan.h"

enum fr__point_mark {
  FR__POINT_EDGE = 1, /* of a segment: pieces may end here, whatever their length */
  FR__POINT_BEND = 2  /* pieces may begin here, whatever their length */
};

/* The rules that pieces obey, in seconds. */
typedef struct fr__rules {
  int64_t work;         /* of all pieces together */
  int64_t first, other; /* least length of the first piece, and of each further one */
  int64_t resume;       /* of a further piece, not work: other - first */
  int64_t joules_over;  /* the joules of resuming are spent over its first seconds; */
  double joules;        /* as a multiple of those seconds at the job's power; 0: none */
  size_t most;          /* pieces; 0: any number */
} fr__rules;

/* Times in order, within each stretch of the window that has no gap. */
typedef struct fr__points {
  size_t count;
  int64_t *t, *cost;    /* (count) owned: seconds; fr__window_cost(t) */
  int64_t *extra;       /* what a further piece that begins here costs on top */
  unsigned char *marks; /* of fr__point_mark */
  size_t *end;          /* the first point of the next stretch */
} fr__points;

void fr__rules_init(fr__rules *rules, const fr_job *job);
enum fr_status fr__points_init(fr__points *points, const fr__window *window,
                               const fr__rules *rules, int64_t cost_ceiling,
                               fr_error *err);
void fr__points_release(fr__points *points);
int64_t fr__extra(const fr__window *window, const fr__rules *rules, int64_t t,
                  int64_t ceiling);

#define FR__NEVER (INT64_MAX / 4)

/*
 * Each second of work earns `price`, each further piece costs `toll`. Least totals then,
 * which are negative where it pays to run:
 */
typedef struct fr__prices {
  int64_t price, toll;
  int64_t bound;   /* no allowed schedule costs less */
  int64_t *before; /* (count) owned: one piece at least, all ended by a point */
  int64_t *ended;  /* the same, the last ended at it */
  int64_t *after;  /* any number of further pieces from a point on; none: 0 */
  int64_t *begun,
      *begun_first; /* the same, with one that begins at it, further or first */
} fr__prices;

/* bound FR__NEVER: nothing fits. `guess`: a price to begin with. */
enum fr_status fr__prices_init(fr__prices *prices, const fr__points *points,
                               const fr__rules *rules, int64_t guess, fr_error *err);
void fr__prices_release(fr__prices *prices);

/* A schedule near the bound into `best`, if it is cheaper. */
enum fr_status fr__fill(const fr__window *window, const fr__points *points,
                        const fr__rules *rules, const fr__prices *prices,
                        fr__pieces *best, fr_error *err);
/* Finds what is cheaper than `best` and puts it there, or tells its loss. */
enum fr_status fr__search(const fr__window *window, const fr__points *points,
                          const fr__rules *rules, const fr__prices *prices,
                          fr__pieces *best, fr_error *err);

#endif
