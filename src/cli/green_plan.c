/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done by when, and the plan of what is left of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/green.h"
#include "cli/plan_out.h"

/* Values of servers come no faster, and files with hours in them no more often. */
enum { AGAIN_LEAST_S = 300, AGAIN_MOST_S = 3600 };
enum { PIECE_SHARE = 10, PIECE_MOST_S = 900 };

double cli_green_clock_s(void) { return (double)fr__clock_utc_ns() * 1e-9; }

/* ---- the whole ---- */

/* Where nothing tells how long it takes, a past run of the same command line does. */
static void look_back(const cli_green *g, cli_planning_options *plan,
                      cli_words_past *past) {
  const bool told = plan->duration_s > 0 || plan->run != 0 ||
                    (fr_measure_known(plan->power) && fr_measure_known(plan->energy));
  *past = (cli_words_past){0};
  if (told)
    return;
  *past =
      cli_words_past_of(g->options->command, g->checkpoints, g->options->output.store);
  if (past->run != 0 && past->energy && !fr_measure_known(plan->energy))
    plan->run = past->run;
  else if (past->run != 0)
    plan->duration_s = (int64_t)ceil(past->duration_s);
}

static enum fr_status begin_anew(cli_green *g, fr_error *err) {
  cli_planning_options plan = g->options->plan;
  cli_planned_job planned;
  cli_words_past past;
  look_back(g, &plan, &past);
  if (plan.duration_s == 0 && plan.run == 0 &&
      !(fr_measure_known(plan.power) && fr_measure_known(plan.energy)))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "how long it takes is not told, and no finished run of the same "
                    "command line is in the store: --duration 3h");
  const enum fr_status status = cli_planning_job(&plan, g->options->output.store,
                                                 g->asked_s, &planned, &g->result, err);
  if (status != FR_OK)
    return status;
  g->whole = planned.job;
  g->energy_known = planned.energy_known;
  memcpy(g->from, planned.from, sizeof g->from);
  if (past.run != 0 && plan.run == 0)
    (void)snprintf(g->from, sizeof g->from, "run %lld", (long long)past.run);
  g->state.begun_s = g->asked_s;
  g->state.deadline_s = g->whole.deadline_s;
  g->state.duration_s = (double)g->whole.duration_s;
  if (g->energy_known)
    g->state.energy = g->whole.energy_j;
  return FR_OK;
}

/* As it was begun: the deadline stays where it was. */
static void take_up(cli_green *g) {
  const cli_planning_options *plan = &g->options->plan;
  const double nominal_j = 1000 * g->state.duration_s;
  g->energy_known = fr_measure_known(g->state.energy);
  g->whole = (fr_job){.duration_s = (int64_t)ceil(g->state.duration_s),
                      .now_s = g->asked_s,
                      .deadline_s = g->state.deadline_s,
                      .min_piece_s = plan->min_piece_s,
                      .most_pieces = plan->most_pieces,
                      .resume_s = plan->resume_s,
                      .resume_j = plan->resume_j,
                      .energy_j = g->energy_known
                                      ? g->state.energy
                                      : (fr_measure){nominal_j, nominal_j, nominal_j,
                                                     FR_UNIT_JOULE, FR_SOURCE_IMPORT}};
  (void)snprintf(g->from, sizeof g->from, "as it was begun");
}

enum fr_status cli_green_prepare(cli_green *green, fr_error *err) {
  cli_green *g = green;
  enum fr_status status = FR_OK;
  if (g->state.found)
    take_up(g);
  else
    status = begin_anew(g, err);
  if (status != FR_OK)
    return status;
  g->whole.interruptible = !g->options->no_pause;
  if (g->whole.min_piece_s == 0) {
    const int64_t share_s = g->whole.duration_s / PIECE_SHARE;
    g->whole.min_piece_s = share_s > PIECE_MOST_S ? PIECE_MOST_S
                           : share_s > 1          ? share_s
                                                  : 1;
  }
  return FR_OK;
}

double cli_green_left_s(const cli_green *green) {
  return green->state.duration_s -
         cli_green_worked_s(&green->state, (double)green->whole.resume_s);
}

/* ---- what is left ---- */

static fr_job job_left(const cli_green *g, int64_t now_s, double left_s) {
  fr_job job = g->whole;
  job.now_s = now_s;
  job.deadline_s = g->state.deadline_s;
  job.duration_s = (int64_t)ceil(left_s);
  job.energy_j = fr_measure_scale(
      job.energy_j, (double)job.duration_s / (double)g->whole.duration_s, FR_UNIT_JOULE);
  if (job.min_piece_s > job.duration_s)
    job.min_piece_s = job.duration_s;
  if (job.most_pieces > 0) {
    const size_t begun = cli_green_pieces(&g->state, NULL) - (g->running ? 1 : 0);
    job.most_pieces = job.most_pieces > begun ? job.most_pieces - begun : 1;
  }
  return job;
}

static enum fr_status set_pieces(cli_green *g, const fr_piece *piece, size_t count,
                                 fr_error *err) {
  fr_piece *copy = calloc(count > 0 ? count : 1, sizeof *copy);
  if (copy == NULL)
    return fr__fail_memory(err, "a plan's pieces");
  if (count > 0)
    memcpy(copy, piece, count * sizeof *copy);
  free(g->piece);
  g->piece = copy;
  g->pieces = count;
  return FR_OK;
}

/* What was expected stays where it is over, what is ahead is as it is seen now. */
static enum fr_status remember(cli_green *g, const fr_series *ahead, int64_t now_s,
                               fr_error *err) {
  fr_series joined = {0};
  enum fr_status status = FR_OK;
  if (g->told.count > 0)
    status = fr_series_take(&joined, &g->told, FR_TIME_EARLIEST, now_s, err);
  if (status == FR_OK)
    status = fr_series_take(&joined, ahead, now_s, FR_TIME_LATEST, err);
  if (status != FR_OK) {
    fr_series_release(&joined);
    return status;
  }
  fr_series_release(&g->told);
  g->told = joined;
  return FR_OK;
}

static int64_t again_after(const fr_series *known, int64_t now_s) {
  const fr_intensity_step *last =
      known->count > 0 ? &known->step[known->count - 1] : NULL;
  const int64_t step_s =
      last != NULL && last->start_s != FR_TIME_EARLIEST && last->end_s != FR_TIME_LATEST
          ? last->end_s - last->start_s
          : AGAIN_MOST_S;
  return now_s + (step_s < AGAIN_LEAST_S  ? AGAIN_LEAST_S
                  : step_s > AGAIN_MOST_S ? AGAIN_MOST_S
                                          : step_s);
}

/* Without grams where nobody told the energy. */
static void note_advice(cli_green *g, const cli_planning *p, const fr_job *job) {
  const cli_planned_job planned = {.job = *job, .energy_known = g->energy_known};
  fr__buf words;
  fr__buf_init(&words, 0);
  cli_plan_words(&(cli_plan_view){.job = &planned, .planning = p}, &words);
  (void)snprintf(g->why, sizeof g->why, "%s", fr__buf_text(&words));
  fr__buf_release(&words);
}

static enum fr_status take_plan(cli_green *g, const cli_planning *p, const fr_job *job,
                                fr_error *err) {
  const fr_plan *plan = &p->plan;
  const fr_option *best = cli_plan_advised(plan);
  enum fr_status status = set_pieces(g, best->schedule.piece, best->schedule.count, err);
  if (status == FR_OK)
    status = remember(g, &p->place[0].forecast.ahead, job->now_s, err);
  if (status != FR_OK)
    return status;
  g->constant = p->place[0].constant;
  g->pue = p->place[0].site.pue;
  g->again_s = again_after(&p->place[0].known, job->now_s);
  if (!g->planned) {
    g->now_grams = plan->now.grams;
    g->planned_grams = best->grams;
    note_advice(g, p, job);
  }
  g->planned = true;
  return FR_OK;
}

enum fr_status cli_green_plan(cli_green *green, int64_t now_s, fr_error *err) {
  cli_green *g = green;
  const double left_s = cli_green_left_s(g);
  cli_planning p = {0};
  g->planned_s = now_s;
  g->again_s = now_s + AGAIN_LEAST_S;
  if (left_s <= 0 || now_s >= cli_green_latest_start(g->state.deadline_s, left_s))
    return FR_OK; /* it runs, whatever a plan says */
  const fr_job job = job_left(g, now_s, left_s);
  enum fr_status status =
      cli_planning_make(&g->options->plan, &job, &p, g->planned ? NULL : &g->result, err);
  if (status == FR_OK)
    status = take_plan(g, &p, &job, err);
  cli_planning_release(&p);
  return status;
}
