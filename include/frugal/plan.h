/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: when, and where, a job emits least. Times are whole seconds since
 * 1970-01-01T00:00:00Z; pieces hold their beginning and not their end. Nothing here looks
 * at a clock: what is known is in the series and forecasts that are handed in.
 */
#ifndef FRUGAL_PLAN_H
#define FRUGAL_PLAN_H

#include "frugal/forecast.h"
#include "frugal/intensity.h"

/* ---- one job, one grid ---- */

typedef struct fr_job {
  fr_measure energy_j; /* J, without PUE; spent evenly over duration_s */
  int64_t duration_s;  /* of work, >= 1 */
  int64_t now_s;       /* it starts no earlier */
  int64_t deadline_s;  /* and has ended by then */
  bool interruptible;  /* may run in pieces; all below is of such a job alone */
  int64_t min_piece_s; /* work in each piece, at least; 0: a second. Above duration_s:
                          it runs whole */
  size_t most_pieces;  /* 0: any number */
  int64_t resume_s;    /* by which each piece but the first is longer than its work; */
  double resume_j;     /* they run at the job's power, and these joules come on top,
                          evenly over resume_s, or over a second where that is 0 */
} fr_job;

/* From now to the deadline, at most. */
#define FR_PLAN_SECONDS_CEILING ((int64_t)10 * 366 * 86400)

typedef struct fr_piece {
  int64_t start_s, end_s; /* what resuming takes included */
} fr_piece;

typedef struct fr_timetable {
  fr_piece *piece; /* (count) owned; in order of time, none touches another */
  size_t count;
  double mean_g_per_kwh; /* by energy */
  fr_measure energy_j;   /* with what resuming costs, without PUE */
  fr_measure grams;      /* energy × PUE × mean; bounds: energy's times the steps' */
  double loss_g;         /* at most so much above the least that there is; 0: it is the
                            least. Above 0 only where FR_PLAN_WORK_CEILING was met */
} fr_timetable;

/* Partial schedules looked at for one answer; steps of minutes need a few thousand. */
#define FR_PLAN_WORK_CEILING ((size_t)1 << 26)

void fr_timetable_release(fr_timetable *schedule);

/*
 * The schedule of fewest grams: of all that begin and end at whole seconds within
 * [now_s, deadline_s), whole or, where the job is interruptible, in pieces. Exact but for
 * the rounding of intensities to some 1e-7 g/kWh (docs/plan.md). No piece runs over a gap
 * of `ahead`. Of equally good ones a whole one, and of these the earliest. pue >= 1.
 * FR_ERR_NOT_FOUND where nothing fits; the sentence says why. `out` is the caller's
 * (release).
 */
enum fr_status fr_timetable_best(const fr_series *ahead, const fr_job *job, double pue,
                                 fr_timetable *out, fr_error *err);
/* Whole, from start_s on, whatever the deadline: "now", if start_s is now. */
enum fr_status fr_timetable_from(const fr_series *ahead, const fr_job *job, double pue,
                                 int64_t start_s, fr_timetable *out, fr_error *err);
/*
 * What given pieces cost: of a plan made before, by another series (what then came), or
 * by a fixed rule. Their work need not be duration_s: the energy is that of their time.
 */
enum fr_status fr_timetable_of(const fr_series *ahead, const fr_job *job, double pue,
                               const fr_piece *piece, size_t count, fr_timetable *out,
                               fr_error *err);

/* ---- places and advice ---- */

typedef struct fr_place {
  char name[96];
  const fr_forecast *forecast; /* borrowed; from now_s on */
  double pue;                  /* >= 1 */
  double data_j;               /* J: bringing the job's data here; 0 at home */
  double latency_ms, carbon_free /* [0, 1] */, price_per_h; /* NaN: not known */
  char left_out[128]; /* why it takes no part (residency, say); "": it does */
} fr_place;

typedef struct fr_plan_options {
  double latency_ms_most, carbon_free_least, price_most; /* NaN: any. A place where it is
                                                            not known is left out */
  double least_gain;   /* share of what now costs below which it is not worth it; */
  double least_chance; /* likewise the chance of a gain, where it is known */
  size_t alternatives; /* of the best place, further starts apart from each other */
} fr_plan_options;

/* Any place; 1 % of gain, chance above one half, 3 alternatives. */
void fr_plan_options_init(fr_plan_options *options);

typedef struct fr_option {
  size_t place;          /* in the caller's array */
  fr_timetable schedule; /* its grams: without data, bounds of steps and energy */
  fr_measure data_grams; /* of moving the data here, at the mean of both ends' grids */
  fr_measure grams;      /* all of it, as the forecast tells it */
  fr_measure gain;       /* grams of now less these; negative: a loss */
  double chance;         /* share of past days' errors with a gain; NaN: not known */
  bool error_known;      /* bounds of grams and gain are 95 % intervals of the forecasts'
                            errors (and the energy's bounds); false: of the energy and of
                            the steps' own bounds alone */
} fr_option;

typedef struct fr_left_out {
  size_t place;
  char why[256];
} fr_left_out;

enum fr_plan_advice {
  FR_ADVICE_NOW,
  FR_ADVICE_WAIT,
  FR_ADVICE_MOVE,
  FR_ADVICE_MOVE_AND_WAIT
};

typedef struct fr_plan {
  fr_option *option; /* (count) owned: the best of each place, ranked by grams */
  size_t count;
  fr_option *alternative; /* (alternatives) owned: of option[0]'s place, ranked */
  size_t alternatives;
  fr_left_out *left_out; /* (left_out_count) owned */
  size_t left_out_count;
  fr_option now; /* at home, at once, whole */
  size_t home;
  enum fr_plan_advice advice;
  size_t advised; /* of option; SIZE_MAX: now */
  char why[512];  /* one sentence with figures */
} fr_plan;

/* "now", "wait", "move", "move and wait"; static storage. */
const char *fr_plan_advice_name(enum fr_plan_advice advice);

/*
 * The best of each place, ranked, against starting at home now. `home` is one of
 * `place`; where it is left out the others are still compared with it.
 * FR_ERR_NOT_FOUND where the home's forecast has a gap at now, or the job fits nowhere.
 * Gains take the k-th error of two places for that of the same past day where both have
 * as many, else each with each.
 */
enum fr_status fr_plan_make(const fr_place *place, size_t places, size_t home,
                            const fr_job *job, const fr_plan_options *options,
                            fr_plan *out, fr_error *err);
void fr_plan_release(fr_plan *plan);

#endif
