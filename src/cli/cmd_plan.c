/* SPDX-License-Identifier: Apache-2.0 */
/* frugal plan: where and when a job emits least. */
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/plan_out.h"
#include "cli/planning.h"

typedef struct asked {
  cli_output output;
  cli_planning_options planning;
  const char *chart, *regions_chart; /* NULL: none */
} asked;

enum { KEY_CHART = 1, KEY_REGIONS_CHART };

static const struct argp_option options[] = {
    {"chart", KEY_CHART, "FILE.svg|png", 0,
     "the hours of the advised region and the pieces in them, as a picture", 89},
    {"regions-chart", KEY_REGIONS_CHART, "FILE.svg|png", 0,
     "the regions beside each other, by grams", 89},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
  asked *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &a->planning;
    state->child_inputs[1] = &a->output;
    return 0;
  case KEY_CHART: a->chart = text; return 0;
  case KEY_REGIONS_CHART: a->regions_chart = text; return 0;
  case ARGP_KEY_ARG: argp_error(state, "'%s' is one word too many", text); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {
    {&cli_planning_argp, 0, NULL, 0}, {&cli_output_argp, 0, "Output:", 90}, {0}};
static const struct argp argp = {
    options,
    parse,
    NULL,
    "Where and when a job emits least: regions and start times ranked by grams, beside "
    "what starting at once would cost, and whether waiting or moving is worth it.\v"
    "frugal plan --energy 2kWh --duration 3h --deadline 24h --intensity csv:DE.csv",
    children,
    NULL,
    NULL};

static enum fr_status check_energy(const cli_planned_job *job, fr_error *err) {
  return job->energy_known
             ? FR_OK
             : fr__fail(err, FR_ERR_ARGUMENT,
                        "what the job takes is not told: --energy 2kWh, --power 300W or "
                        "--run ID");
}

static enum fr_status draw(const asked *a, const cli_plan_view *view, fr_error *err) {
  enum fr_status status =
      a->chart != NULL ? cli_plan_draw_hours(view, a->chart, err) : FR_OK;
  if (status == FR_OK && a->regions_chart != NULL)
    status = cli_plan_draw_regions(view, a->regions_chart, err);
  return status;
}

static enum fr_status run(const asked *a, cli_result *result, fr__buf *text,
                          fr_error *err) {
  cli_planned_job job;
  cli_planning planning = {0};
  enum fr_status status = cli_planning_job(
      &a->planning, a->output.store, cli_planning_now(&a->planning), &job, result, err);
  if (status == FR_OK)
    status = check_energy(&job, err);
  if (status == FR_OK)
    status = cli_planning_make(&a->planning, &job.job, &planning, result, err);
  if (status != FR_OK)
    return status;
  const cli_plan_view view = {&job, &planning};
  cli_plan_json(&view, result->result);
  status = cli_plan_text(&view, cli_columns(), text, err);
  if (status == FR_OK)
    status = draw(a, &view, err);
  cli_planning_release(&planning);
  return status;
}

int cli_cmd_plan(int argc, char **argv) {
  asked a = {.planning = cli_planning_default_options()};
  argp_parse(&argp, argc, argv, 0, NULL, &a);
  const char *const written[] = {a.output.json, a.chart, a.regions_chart};
  fr_error err = {0};
  cli_result result;
  fr__buf text;
  cli_result_init(&result, "plan");
  fr__buf_init(&text, 0);
  enum fr_status status = cli_check_files(written, 3, &err);
  if (status == FR_OK)
    status = run(&a, &result, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(&result, &a.output, fr__buf_text(&text))
                       : cli_fail(&err);
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}
