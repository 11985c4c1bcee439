/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that runs when the grid is clean: frugal run. One loop on the main thread
 * sleeps until the next thing that is planned, or a signal; while the command works the
 * meter's own thread samples.
 *
 *   green_decide   is it to be at work now (no clock, no process: tested alone)
 *   green_plan     the plan, made again with what is left of the work
 *   green_job      the process: started, paused, continued, signalled
 *   green_state    what a killed run is taken up from
 *   green_bill     what it cost, and what starting at once would have
 *   green_tell     lines for people
 */
#ifndef FR_CLI_GREEN_H
#define FR_CLI_GREEN_H

#include "cli/green_decide.h"
#include "cli/green_job.h"
#include "cli/green_state.h"
#include "cli/green_words.h"
#include "cli/planning.h"

typedef struct cli_run_options {
  cli_output output;
  cli_planning_options plan;
  bool green, slurm, list;
  bool no_pause;             /* once it has begun it runs to its end */
  const char *forget;        /* an id, or all; NULL: none */
  const char **slurm_option; /* (slurm_options) owned */
  size_t slurm_options;
  char **command; /* ends with NULL */
} cli_run_options;

typedef struct cli_green {
  const cli_run_options *options;
  cli_result result;
  cli_green_state state;
  cli_job job;
  enum cli_resuming resuming;
  char *checkpoints; /* folder of ours; owned */
  int64_t asked_s;   /* when this process was */
  /* what it takes, the whole of it */
  fr_job whole;
  bool energy_known;
  char from[CLI_PLANNED_FROM];
  /* the plan, and what it was made of */
  fr_piece *piece; /* (pieces) owned */
  size_t pieces;
  bool planned;      /* once, at least */
  int64_t planned_s; /* when that was, last */
  int64_t again_s;   /* when to plan again */
  fr_series told;    /* intensities as they were known, or expected, up to the end */
  double pue;
  bool constant;        /* a yearly mean or a number: no hour is better */
  fr_measure now_grams; /* of starting at once, and of the plan, when it was first made */
  fr_measure planned_grams;
  char why[512];
  /* the work */
  fr_meter *meter;      /* NULL: none can be had */
  bool metered;         /* that was tried */
  bool running;         /* it is at work: neither waiting nor paused */
  bool begun;           /* by this process */
  int64_t since_s;      /* since when it runs, or does not */
  int64_t told_until_s; /* it was told to rest until then */
  uint64_t part_ns;
  double kept_s;    /* when the state was */
  int64_t paused_s; /* in all; and before the first piece: */
  int64_t waited_s;
  size_t pauses;
  int ended_by; /* the signal that wanted an end; 0: none */
  int timer;
  bool rested;   /* that it waits or is paused is still to be told */
  bool stopping; /* it was asked to end with a checkpoint */
  bool told_overtime, told_late, told_blind;
  cli_progress progress;
} cli_green;

/* UTC, with fractions of a second. */
double cli_green_clock_s(void);

/* ---- green_plan.c ---- */

/* Of the state's folder or the options and the store: what is to be done by when. */
enum fr_status cli_green_prepare(cli_green *green, fr_error *err);
/* Plans what is left; on failure the plan before stands. */
enum fr_status cli_green_plan(cli_green *green, int64_t now_s, fr_error *err);
double cli_green_left_s(const cli_green *green);

/* ---- green_tell.c: lines on stderr ---- */

void cli_green_say(const cli_green *green, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void cli_green_tell_taken_up(const cli_green *green);
void cli_green_tell_choice(cli_green *green, const cli_green_choice *choice,
                           int64_t now_s);
/* The line that counts down, on a terminal. */
void cli_green_draw(cli_green *green, const cli_green_choice *choice, int64_t now_s);

/* ---- green_bill.c ---- */

/* Keys of the result, and a table. */
enum fr_status cli_green_bill(cli_green *green, int code, int64_t end_s, fr__buf *text,
                              fr_error *err);

/* ---- green.c, green_submit.c: exit codes ---- */

int cli_green_run(const cli_run_options *options, int argc, char **argv);
int cli_green_submit(const cli_run_options *options);

#endif
