/* SPDX-License-Identifier: Apache-2.0 */
/* frugal run --slurm: the plan is made here and now, Slurm waits. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/grams.h"
#include "cli/green.h"
#include "cli/green_slurm.h"
#include "cli/when.h"

typedef struct submission {
  cli_green green;
  char **words;    /* as it is run; owned */
  char *done;      /* owned */
  fr__buf finally; /* a line of shell */
  fr__buf jobs;    /* "12 13" */
  char name[80];
  char last[64]; /* id of the last one */
  json_t *rows;  /* borrowed of the result */
} submission;

/* A chain of pieces only where a piece goes on from the one before. */
static bool chains(const cli_green *g) {
  return g->resuming != CLI_RESUMES_NOT && !g->options->no_pause;
}

/* What is kept for the job goes once it is done. */
static void set_finally(submission *s) {
  cli_slurm_quote(&s->finally, s->green.options->command[0]);
  fr__buf_printf(&s->finally, " run --forget %s >/dev/null", s->green.state.id);
}

static enum fr_status prepare(submission *s, fr_error *err) {
  cli_green *g = &s->green;
  const cli_run_options *o = g->options;
  enum fr_status status = cli_check_writable(o->output.json, err);
  if (status == FR_OK)
    status = cli_green_state_open(&g->state, o->command, err);
  if (status != FR_OK)
    return status;
  if (g->state.jobs != NULL)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "this command line was handed to Slurm already, as job %s; scancel "
                    "it, and frugal run --forget %s",
                    g->state.jobs, g->state.id);
  g->state.keeps = g->resuming != CLI_RESUMES_NOT;
  g->checkpoints = cli_green_checkpoints(&g->state);
  status = cli_green_prepare(g, err);
  g->whole.interruptible = g->whole.interruptible && chains(g);
  if (status == FR_OK)
    status = cli_green_plan(g, g->asked_s, err);
  s->done = fr__path_join(g->state.folder, "done");
  s->words = cli_words_run(o->command, g->checkpoints, true);
  (void)snprintf(s->name, sizeof s->name, "%.32s%s%.32s", fr__path_name(o->command[0]),
                 g->state.keeps ? "-" : "", g->state.keeps ? o->command[1] : "");
  if (g->state.keeps)
    set_finally(s);
  return status == FR_OK && (s->words == NULL || s->done == NULL)
             ? fr__fail_memory(err, "the command")
             : status;
}

/* Slurm ends a job at its limit: what a past run tells is given a fifth more. */
static int64_t limit_of(const cli_green *g, int64_t seconds) {
  const bool told = strcmp(g->from, "told") == 0;
  return told ? seconds : seconds + seconds / 5 + 60;
}

static enum fr_status submit_piece(submission *s, size_t i, fr_error *err) {
  cli_green *g = &s->green;
  const bool last = i + 1 == g->pieces;
  const fr_piece *piece = &g->piece[i];
  const int64_t length_s = piece->end_s - piece->start_s;
  cli_slurm_job job = {.command = s->words,
                       .name = s->name,
                       .option = g->options->slurm_option,
                       .options = g->options->slurm_options,
                       .begin_s = piece->start_s,
                       .now_s = g->asked_s,
                       .limit_s = last ? limit_of(g, length_s) : length_s + 120,
                       .stop_after_s = last ? 0 : length_s,
                       .after = i > 0 ? s->last : NULL,
                       .requeue = g->state.keeps,
                       .done = g->pieces > 1 ? s->done : NULL,
                       .finally =
                           last && g->state.keeps ? fr__buf_text(&s->finally) : NULL};
  char id[64], begin[FR__TIME_TEXT];
  const enum fr_status status = cli_slurm_submit(&job, id, err);
  if (status != FR_OK)
    return status;
  memcpy(s->last, id, sizeof s->last);
  fr__buf_printf(&s->jobs, "%s%s", i > 0 ? " " : "", id);
  fr__time_format(piece->start_s * 1000000000, begin);
  json_array_append_new(s->rows, json_pack("{s:s, s:s, s:I}", "id", id, "begin", begin,
                                           "duration_s", (json_int_t)length_s));
  return FR_OK;
}

/* Jobs whose successors were not taken would end with half of the work. */
static enum fr_status submit_all(submission *s, fr_error *err) {
  fr_error own;
  for (size_t i = 0; i < s->green.pieces; i++) {
    const enum fr_status status = submit_piece(s, i, &own);
    if (status != FR_OK && i > 0)
      return fr__fail(err, status, "%s; jobs %s were taken before: scancel them",
                      own.text, fr__buf_text(&s->jobs));
    if (status != FR_OK)
      return fr__fail(err, status, "%s", own.text);
  }
  return FR_OK;
}

static enum fr_status keep(submission *s, fr_error *err) {
  cli_green_state *state = &s->green.state;
  if (!state->keeps) {
    cli_green_state_remove(state);
    return FR_OK;
  }
  state->phase = CLI_GREEN_SLURM;
  state->jobs = strdup(fr__buf_text(&s->jobs));
  return cli_green_state_save(state, err);
}

static void tell(submission *s, fr__buf *text) {
  const cli_green *g = &s->green;
  json_t *result = s->green.result.result;
  for (size_t i = 0; i < json_array_size(s->rows); i++) {
    char begin[CLI_WHEN_TEXT], span[48];
    cli_when_format(g->piece[i].start_s, true, begin);
    cli_span_format(g->piece[i].end_s - g->piece[i].start_s, span, sizeof span);
    fr__buf_printf(text, "job %s begins %s, for %s\n",
                   json_string_value(json_object_get(json_array_get(s->rows, i), "id")),
                   begin, span);
  }
  if (g->why[0] != '\0')
    fr__buf_printf(text, "%s\n", g->why);
  json_object_set_new(result, "advice", json_string(g->why));
  json_object_set_new(result, "grams",
                      g->energy_known ? cli_json_measure(g->planned_grams) : json_null());
  json_object_set_new(
      result, "now",
      json_pack("{s:o}", "forecast",
                g->energy_known ? cli_json_measure(g->now_grams) : json_null()));
}

static void release(submission *s) {
  cli_green *g = &s->green;
  fr_series_release(&g->told);
  free(g->piece);
  free(g->checkpoints);
  cli_green_state_release(&g->state);
  cli_result_release(&g->result);
  free(s->words);
  free(s->done);
  fr__buf_release(&s->finally);
  fr__buf_release(&s->jobs);
}

int cli_green_submit(const cli_run_options *options) {
  submission s = {.green = {.options = options,
                            .state.lock = -1,
                            .pue = 1,
                            .resuming = cli_words_resuming(options->command),
                            .asked_s = (int64_t)cli_green_clock_s()}};
  fr_error err = {0};
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_init(&s.finally, 0);
  fr__buf_init(&s.jobs, 0);
  cli_result_init(&s.green.result, "run");
  s.rows = json_array();
  json_object_set_new(s.green.result.result, "jobs", s.rows);
  enum fr_status status = prepare(&s, &err);
  const bool fresh = !s.green.state.found;
  if (status == FR_OK)
    status = submit_all(&s, &err);
  if (status == FR_OK)
    status = keep(&s, &err);
  else if (fresh && s.green.state.folder != NULL)
    cli_green_state_remove(&s.green.state);
  if (status == FR_OK)
    tell(&s, &text);
  const int code = status == FR_OK ? cli_result_print(&s.green.result, &options->output,
                                                      fr__buf_text(&text))
                                   : (cli_fail(&err), CLI_OWN_FAILURE);
  fr__buf_release(&text);
  release(&s);
  return code;
}
