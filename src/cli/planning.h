/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What frugal plan and frugal run --green share: a job's options, the job that they tell,
 * the places where it could run with what is known of their grids, and the plan.
 *
 *   argp child cli_planning_argp -> cli_planning_options
 *   cli_planning_job   options, store -> fr_job (absolute times)
 *   cli_planning_make  options, job   -> places read, forecast, planned; again and again
 *                                        with what is left of the job
 */
#ifndef FR_CLI_PLANNING_H
#define FR_CLI_PLANNING_H

#include "cli/cli.h"
#include "frugal/forecast.h"
#include "frugal/plan.h"
#include "frugal/region.h"

/* Whose view of the hours ahead is taken. */
enum cli_foresight {
  CLI_FORESIGHT_AUTO,   /* the source's own where it has one, else ours */
  CLI_FORESIGHT_OWN,    /* ours, out of the past alone */
  CLI_FORESIGHT_SOURCE, /* the source's; refused where it has none */
  CLI_FORESIGHT_PERFECT /* what a file has after now, as if it were known */
};

#define CLI_PLANNING_LISTS 16 /* --regions may be told so often */

typedef struct cli_planning_options {
  /* what it takes */
  fr_measure energy, power; /* J, W; absent: not told */
  int64_t duration_s;       /* 0: not told */
  int64_t run;              /* in the store; 0: none */
  size_t epochs;            /* of it; 0: as many as it had */
  double scale;             /* times as much energy and time; 1 */
  /* when */
  int64_t now_s;         /* FR_TIME_EARLIEST: the clock's */
  int64_t deadline_in_s; /* from now; 0: not told */
  int64_t deadline_at_s; /* FR_TIME_EARLIEST: not told */
  bool interruptible;
  int64_t min_piece_s; /* 0: none */
  size_t most_pieces;  /* 0: any */
  int64_t resume_s;    /* what each piece after the first costs on top */
  double resume_j;
  /* where */
  const char *intensity, *home, *series, *criteria; /* NULL: not told */
  const char *regions[CLI_PLANNING_LISTS];
  size_t lists;
  double pue; /* of home; 0: not told */
  double data_gb, data_kwh_per_gb;
  /* what must hold */
  const char *residency;                             /* NULL: anything */
  double max_latency_ms, min_carbon_free, max_price; /* NaN: anything */
  /* how it is known */
  enum cli_foresight foresight;
  enum fr_factor factor;
  bool offline;
  double threshold; /* share of the grams that is worth waiting for; NaN: the usual */
} cli_planning_options;

cli_planning_options cli_planning_default_options(void);
/* Its input is a cli_planning_options; what contradicts itself ends with usage, but that
 * a job is told at all is cli_planning_job's to say. */
extern const struct argp cli_planning_argp;

#define CLI_PLANNED_FROM 256
typedef struct cli_planned_job {
  fr_job job;
  bool energy_known;           /* false: 1 kW is reckoned with, and grams mean nothing */
  char from[CLI_PLANNED_FROM]; /* "told", "run 12 (train), 60 epochs out of 5" */
} cli_planned_job;

/* --now, or the clock. */
int64_t cli_planning_now(const cli_planning_options *options);
/*
 * Energy and duration as told or out of a run in the store (NULL: the usual one), from
 * `now_s` to the deadline, which must be told. FR_ERR_ARGUMENT where no duration is told,
 * or it does not fit before the deadline. `result` takes the warnings; NULL: nobody does.
 */
enum fr_status cli_planning_job(const cli_planning_options *options, const char *store,
                                int64_t now_s, cli_planned_job *out, cli_result *result,
                                fr_error *err);

typedef struct cli_planned_place {
  fr_site site;         /* its name, and what is known of it */
  char spec[512];       /* where its intensity is from */
  fr_series known;      /* up to now, and the source's own forecast; owned */
  fr_forecast forecast; /* from now to the deadline; owned */
  bool by_spec;         /* the user told its intensity: it must be there */
  bool constant;        /* a yearly mean or a number: the hour does not matter */
  bool pue_known;       /* else 1 is reckoned with */
  char note[160];       /* why it is not what was asked for; "" */
  char left_out[128];   /* why it takes no part; "": it does */
} cli_planned_place;

typedef struct cli_planning {
  cli_planned_place *place; /* (places) owned */
  size_t places;            /* the first is home */
  bool home_told;           /* else it is the world's mean, and no place to run */
  fr_plan plan;
} cli_planning;

/* Reads each place up to job->now_s and plans; nothing later than now is seen, but with
 * CLI_FORESIGHT_PERFECT. `out` is the caller's (release). */
enum fr_status cli_planning_make(const cli_planning_options *options, const fr_job *job,
                                 cli_planning *out, cli_result *result, fr_error *err);
void cli_planning_release(cli_planning *planning);

#endif
