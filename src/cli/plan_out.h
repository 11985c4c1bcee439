/* SPDX-License-Identifier: Apache-2.0 */
/* What frugal plan says: a table, a picture, a sentence, JSON. */
#ifndef FR_CLI_PLAN_OUT_H
#define FR_CLI_PLAN_OUT_H

#include "cli/planning.h"

typedef struct cli_plan_view {
  const cli_planned_job *job;
  const cli_planning *planning;
} cli_plan_view;

/* The advice in words a person understands: when, where, how much less, how sure. */
void cli_plan_words(const cli_plan_view *view, fr__buf *words);
/* Each line at most `columns` wide. */
enum fr_status cli_plan_text(const cli_plan_view *view, size_t columns, fr__buf *text,
                             fr_error *err);
/* Keys job, home, now, options, alternatives, left_out, advice, words. */
void cli_plan_json(const cli_plan_view *view, json_t *result);

/* As pictures, SVG or PNG: the hours of the advised region, what was measured, what is
 * ahead, and the pieces; the regions beside each other. */
enum fr_status cli_plan_draw_hours(const cli_plan_view *view, const char *path,
                                   fr_error *err);
enum fr_status cli_plan_draw_regions(const cli_plan_view *view, const char *path,
                                     fr_error *err);

/* The end of the last value that is no forecast; FR_TIME_EARLIEST: there is none. */
int64_t cli_plan_known_s(const cli_planned_place *place);

/* A time as it is shown: of a job with hours to go to the minute. */
int64_t cli_plan_shown(const fr_job *job, int64_t t_s);

/* The option that is advised; now's where nothing is. Borrowed. */
const fr_option *cli_plan_advised(const fr_plan *plan);

#endif
