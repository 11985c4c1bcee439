/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as pictures: the hours with the pieces in them, the regions beside each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/pictures.h"
#include "cli/plan_out.h"
#include "cli/when.h"

#define LEAST_PAST_S (12 * INT64_C(3600))
#define MOST_PAST_S (7 * INT64_C(86400))

/* ---- the hours ---- */

/* Half as much of the past as there is ahead. */
static int64_t past_from(const fr_job *job) {
  const int64_t half_s = (job->deadline_s - job->now_s) / 2;
  const int64_t least_s = half_s > LEAST_PAST_S ? half_s : LEAST_PAST_S;
  return job->now_s - (least_s < MOST_PAST_S ? least_s : MOST_PAST_S);
}

static void title_of(const cli_plan_view *v, const fr_option *option, char *text,
                     size_t size) {
  const fr_timetable *s = &option->schedule;
  char work[48], start[CLI_WHEN_TEXT];
  cli_span_format(v->job->job.duration_s, work, sizeof work);
  cli_when_format(cli_plan_shown(&v->job->job, s->piece[0].start_s), true, start);
  const char *name = v->planning->place[option->place].site.name;
  if (s->count > 1)
    (void)snprintf(text, size, "%s: %s in %zu pieces from %s", name, work, s->count,
                   start);
  else
    (void)snprintf(text, size, "%s: %s from %s", name, work, start);
}

enum fr_status cli_plan_draw_hours(const cli_plan_view *view, const char *path,
                                   fr_error *err) {
  const fr_option *option = cli_plan_advised(&view->planning->plan);
  const cli_planned_place *place = &view->planning->place[option->place];
  const fr_timetable *s = &option->schedule;
  const fr_job *job = &view->job->job;
  /* A mean of all hours is no forecast. */
  const fr_series *ahead = place->constant ? NULL : &place->forecast.ahead;
  char title[256], note[384];
  cli_steps steps = {0};
  fr_report_span *chosen = calloc(s->count, sizeof *chosen);
  title_of(view, option, title, sizeof title);
  cli_picture_note(&place->known, note, sizeof note);
  for (size_t i = 0; chosen != NULL && i < s->count; i++)
    chosen[i] = (fr_report_span){s->piece[i].start_s, s->piece[i].end_s};
  enum fr_status status = chosen != NULL
                              ? cli_steps_init(&steps, &place->known, ahead,
                                               past_from(job), job->deadline_s, err)
                              : fr__fail_memory(err, "a picture");
  const fr_report_intensity of = {.title = title,
                                  .note = note,
                                  .step = steps.step,
                                  .steps = steps.count,
                                  .chosen = chosen,
                                  .pieces = s->count,
                                  .now_known = true,
                                  .now_s = job->now_s,
                                  .local = true};
  if (status == FR_OK)
    status = fr_report_intensity_time(&of, path, err);
  cli_steps_release(&steps);
  free(chosen);
  return status;
}

/* ---- the regions ---- */

static fr_report_bar bar_of(const char *name, const fr_option *option, bool home) {
  return (fr_report_bar){name, option->grams.value, option->grams.low, option->grams.high,
                         home};
}

enum fr_status cli_plan_draw_regions(const cli_plan_view *view, const char *path,
                                     fr_error *err) {
  const cli_planning *planning = view->planning;
  const fr_plan *plan = &planning->plan;
  char title[128], work[48];
  fr_report_bar *bar = calloc(plan->count + 1, sizeof *bar);
  if (bar == NULL)
    return fr__fail_memory(err, "a picture");
  cli_span_format(view->job->job.duration_s, work, sizeof work);
  (void)snprintf(title, sizeof title, "%s of work in each region's best hours", work);
  fr_report_bars of = {.title = title,
                       .note = "expected; intervals are the forecasts' errors and the "
                               "energy's bounds",
                       .unit = "gCO2e",
                       .bar = bar};
  for (size_t i = 0; i < plan->count && of.bars < FR_REPORT_BARS - 1; i++) {
    const fr_option *option = &plan->option[i];
    bar[of.bars++] = bar_of(planning->place[option->place].site.name, option, false);
  }
  bar[of.bars++] = bar_of(planning->home_told ? "now, at home" : "now, world's mean",
                          &plan->now, true);
  const enum fr_status status = fr_report_intensity_regions(&of, path, err);
  free(bar);
  return status;
}
