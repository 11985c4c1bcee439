/* SPDX-License-Identifier: Apache-2.0 */
/* What the planner's files share: the hours ahead, in whole numbers. */
#ifndef FR_CARBON_PLAN_H
#define FR_CARBON_PLAN_H

#include "frugal/plan.h"

/* A stretch of one intensity. Times are seconds from the window's beginning. */
typedef struct fr__segment {
  int64_t start, end;
  int64_t price;      /* per second of work: intensity × scale, rounded */
  int64_t cost;       /* of all covered seconds before `start` */
  size_t stretch_end; /* the first segment behind the next gap */
} fr__segment;

/*
 * [now, deadline) of a series, at prices in whole numbers: sums of them are exact, so
 * that two ways to one schedule cost the same and ties are ties. The scale is as fine as
 * the dearest schedule leaves room for in FR__COST_BITS. Neighbours of one price are one
 * segment.
 */
typedef struct fr__window {
  fr__segment *segment; /* (count) owned */
  size_t count;
  int64_t begin_s, seconds; /* the whole window, gaps included */
  double scale;
} fr__window;

#define FR__COST_BITS 58

enum fr_status fr__window_init(fr__window *window, const fr_series *ahead, int64_t from_s,
                               int64_t to_s, fr_error *err);
void fr__window_release(fr__window *window);
/* The first segment that ends after t; count where there is none. */
size_t fr__window_at(const fr__window *window, int64_t t);
/* Of all covered seconds before t. */
int64_t fr__window_cost(const fr__window *window, int64_t t);

/* The cheapest place without a gap for `length` seconds, the earliest of equally good
 * ones. False: there is none. */
bool fr__window_cheapest(const fr__window *window, int64_t length, int64_t *start,
                         int64_t *cost);

/* Mean g/kWh by energy of a schedule on `series`, with `error` (series->count) added to
 * its steps where it is not NULL; no step falls below 0. */
double fr__timetable_mean(const fr_series *series, const double *error, const fr_job *job,
                          const fr_timetable *schedule);

/* Pieces of `job` within a window, its least cost in prices. */
typedef struct fr__pieces {
  fr_piece *piece; /* (count) owned; from the window's beginning */
  size_t count, capacity;
  int64_t cost;
  int64_t loss; /* cost less this is no more than the least */
} fr__pieces;

enum fr_status fr__pieces_add(fr__pieces *pieces, int64_t start, int64_t end,
                              fr_error *err);
/* `out`: the best whole schedule, or count 0 where there is none. Left as it is where
 * nothing in pieces is cheaper. */
enum fr_status fr__plan_pieces(const fr__window *window, const fr_job *job,
                               fr__pieces *out, fr_error *err);

/* ---- what a forecast's error makes of a schedule ---- */

/* Mean g/kWh of a schedule on as many days as the error of the forecast is known of. */
typedef struct fr__outcomes {
  double *mean; /* (count) owned */
  size_t count; /* 0: the error is not known. 1 without error: what comes is known */
} fr__outcomes;

enum fr_status fr__outcomes_init(fr__outcomes *outcomes, const fr_place *place,
                                 const fr_job *job, const fr_timetable *schedule,
                                 fr_error *err);
void fr__outcomes_release(fr__outcomes *outcomes);
/* Grams, gain and chance of `option` against now's, whose grams are made already (now's
 * own: option == now). */
void fr__option_weigh(fr_option *option, const fr_place *place,
                      const fr__outcomes *outcomes, const fr_option *now,
                      const fr_place *home, const fr__outcomes *now_outcomes);

/* ---- advice ---- */

void fr__plan_advise(fr_plan *plan, const fr_place *place, const fr_job *job,
                     const fr_plan_options *options);

#endif
