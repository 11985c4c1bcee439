/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/advise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/amount.h"

typedef struct advise {
  cli_input input;
  cli_output output;
  cli_advice_asked asked;
  const char *intensity;
  fr_study_budget budget;
  bool budget_told;
  size_t jobs;
} advise;

enum {
  KEY_ACCURACY = 1,
  KEY_METRIC,
  KEY_TESTS,
  KEY_LIFE,
  KEY_BUDGET,
  KEY_TASKS,
  KEY_FROM,
  KEY_INTENSITY,
  KEY_PUE
};

static const struct argp_option options[] = {
    {"accuracy", KEY_ACCURACY, "SHARE", 0, "what the model has to reach, such as 0.93",
     0},
    {"metric", KEY_METRIC, "NAME", 0, "that this is of: accuracy (default) or macro-f1",
     0},
    {"tests-per-day", KEY_TESTS, "N", 0, "how often it is asked a day: 10000, 10k, 1.5M",
     0},
    {"life", KEY_LIFE, "TIME", 0, "for how long: 2y (default), 18mo, 26w, 90d", 0},
    {"budget", KEY_BUDGET, "LIMITS", 0,
     "run what is missing, for so much at most: 2kJ, 2gCO2e, 10min, or several parted by "
     "commas",
     0},
    {"from", KEY_FROM, "SPEC", 0,
     "data that a network may be transferred from: with --budget transfer is run, too",
     0},
    {"net", 'n', "NAME|ARCH", 0,
     "only this network; may be told several times (default: any; small and big are run)",
     0},
    {"tasks", KEY_TASKS, "N", 0,
     "that share the network that a transfer starts from, and what it took (default 1)",
     0},
    {"intensity", KEY_INTENSITY, "SPEC", 0,
     "of the grid: table:ZONE or a number of gCO2e/kWh (default table:world)", 0},
    {"pue", KEY_PUE, "N", 0, "power usage effectiveness (default 1)", 0},
    {"jobs", 'j', "N|auto", 0, "runs side by side, as of frugal study", 0},
    {0},
};

/* ---- what is asked ---- */

bool cli_advise_count(const char *text, double *count) {
  static const cli_unit units[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}};
  return cli_amount(text, units, 4, count) && *count <= 1e15;
}

bool cli_advise_life(const char *text, double *days) {
  static const cli_unit units[] = {
      {"d", 1}, {"w", 7}, {"mo", 365.25 / 12}, {"y", 365.25}};
  return cli_amount(text, units, 4, days) && *days <= 365250;
}

static void add_network(advise *a, struct argp_state *state, const char *text) {
  fr_advise_options *o = &a->asked.options;
  if (o->networks == FR_ADVISE_NETWORKS)
    argp_error(state, "--net may be told %d times", FR_ADVISE_NETWORKS);
  o->network[o->networks++] = text;
}

static error_t parse_own(int key, char *text, struct argp_state *state) {
  advise *a = state->input;
  fr_advise_options *o = &a->asked.options;
  switch (key) {
  case KEY_ACCURACY: o->reach = cli_real(state, "accuracy", text, 0, 1); return 0;
  case KEY_METRIC:
    if (!fr_advise_metric_parse(text, &o->metric))
      argp_error(state, "'%s' is not a metric: accuracy or macro-f1", text);
    return 0;
  case KEY_TESTS:
    if (!cli_advise_count(text, &a->asked.tests_per_day))
      argp_error(state, "--tests-per-day takes 10000, 10k or 1.5M, not '%s'", text);
    return 0;
  case KEY_LIFE:
    if (!cli_advise_life(text, &a->asked.life_days))
      argp_error(state, "--life takes 2y, 18mo, 26w or 90d, not '%s'", text);
    return 0;
  case KEY_FROM: o->from = text; return 0;
  case KEY_TASKS: o->tasks = cli_number(state, "tasks", text, 1, 1000000); return 0;
  case KEY_PUE: a->asked.pue = cli_real(state, "pue", text, 1, 10); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static void check(const advise *a, struct argp_state *state) {
  const cli_input *in = &a->input;
  if (in->data == NULL || isnan(a->asked.options.reach) || !(a->asked.tests_per_day > 0))
    argp_error(state, "say --data SPEC, --accuracy SHARE and --tests-per-day N");
}

static error_t parse(int key, char *text, struct argp_state *state) {
  advise *a = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &a->input;
    state->child_inputs[1] = &a->output;
    return 0;
  case KEY_BUDGET:
    a->budget = cli_study_budget(state, text);
    a->budget.anew = a->budget_told = true;
    return 0;
  case KEY_INTENSITY: a->intensity = text; return 0;
  case 'n': add_network(a, state, text); return 0;
  case 'j': a->jobs = cli_study_jobs(state, text); return 0;
  case ARGP_KEY_ARG: argp_error(state, "'%s' is one word too many", text); return 0;
  case ARGP_KEY_END: check(a, state); return 0;
  default: return parse_own(key, text, state);
  }
}

static const struct argp_child children[] = {
    {&cli_data_argp, 0, "Data:", 5}, {&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    NULL,
    "Which mechanism, network and precision cost the least energy over a model's life: "
    "training, what came before it, and every test, by what studies in the store have "
    "measured of these data. With --budget what is missing is run first.",
    children,
    NULL,
    NULL};

/* ---- asking ---- */

/* Runs the matrix; *result is its JSON, the caller's. */
static enum fr_status run_matrix(advise *a, fr_store *store, const char *argv,
                                 json_t **result, fr_error *err) {
  fr_study *study = NULL;
  fr_run run = {0};
  enum fr_status status = fr_advise_study(&a->asked.options, a->intensity, &study, err);
  if (status == FR_OK)
    status = cli_study_into(store, study, a->jobs, &a->budget, a->output.quiet, argv,
                            &a->asked.study, err);
  if (status == FR_OK)
    status = fr_store_run_get(store, a->asked.study, &run, err);
  if (status == FR_OK)
    *result = run.result != NULL ? json_loads(run.result, 0, NULL) : NULL;
  a->asked.budget = json_object_get(*result, "budget");
  fr_run_release(&run);
  fr_study_free(study);
  return status;
}

static int answer(const advise *a, const fr_advice *advice) {
  cli_result result;
  fr__buf text;
  cli_result_init(&result, "advise");
  fr__buf_init(&text, 0);
  cli_advice_text(&a->asked, advice, cli_columns(), &text);
  cli_advice_result(&a->asked, advice, &result);
  const int code = cli_result_print(&result, &a->output, fr__buf_text(&text));
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}

/* What to do where there is nothing to go by. */
static void add_remedy(const advise *a, fr__buf *text) {
  const json_t *next = json_object_get(a->asked.budget, "next_j");
  if (!a->budget_told)
    fr__buf_add(text, "--budget 2kJ runs the built-in matrix on them, frugal study "
                      "FILE.yaml one of yours");
  else if (json_is_number(next))
    fr__buf_printf(text,
                   "the cheapest run is expected to take %.3g J: more --budget lets "
                   "it be made",
                   json_number_value(next));
  else
    fr__buf_add(text, "more --budget lets the first runs be made");
}

static int nothing(const advise *a, const fr_advice *advice, const char *store) {
  fr__buf text;
  fr__buf_init(&text, 0);
  if (advice->otherwise > 0)
    fr__buf_printf(&text,
                   "'%s' holds %zu runs on these data, but of another task, split, "
                   "validation, window or step; ",
                   store, advice->otherwise);
  else
    fr__buf_printf(&text, "'%s' holds no finished run on these data%s; ", store,
                   a->asked.options.networks > 0 ? " and networks" : "");
  add_remedy(a, &text);
  const int code = cli_fail_text("%s", fr__buf_text(&text));
  fr__buf_release(&text);
  return code;
}

static int ask(advise *a, fr_store *store, const char *argv) {
  fr_error err;
  fr_advice advice = {0};
  json_t *matrix = NULL;
  enum fr_status status = FR_OK;
  int code = CLI_FAILED;
  if (a->budget_told)
    status = run_matrix(a, store, argv, &matrix, &err);
  if (status == FR_OK)
    status = fr_advise(store, &a->asked.options, &advice, &err);
  if (status == FR_ERR_CANCELLED)
    cli_fail_text("stopped; finished runs are kept, and the same command goes on from "
                  "there");
  else if (status != FR_OK)
    cli_fail(&err);
  else
    code =
        advice.ways > 0 ? answer(a, &advice) : nothing(a, &advice, fr_store_path(store));
  json_decref(matrix);
  fr_advice_release(&advice);
  return code;
}

static enum fr_status prepare(advise *a, fr_store **store, fr_error *err) {
  cli_input *in = &a->input;
  fr_advise_options *o = &a->asked.options;
  o->data = in->data;
  o->task = in->task;
  o->split = in->split;
  o->validate = in->validate;
  o->window = in->window;
  o->step = in->step;
  o->tests = a->asked.tests_per_day * a->asked.life_days;
  enum fr_status status = fr_intensity_find(
      a->intensity != NULL ? a->intensity : "table:world", &a->asked.intensity, err);
  if (status == FR_OK)
    status = cli_check_outputs(&a->output, NULL, err);
  if (status == FR_OK) /* what is only read is not made */
    status = a->budget_told ? fr_store_open(a->output.store, store, err)
                            : fr_store_open_read(a->output.store, store, err);
  return status;
}

int cli_cmd_advise(int argc, char **argv) {
  advise a = {
      .jobs = FR_STUDY_JOBS_AUTO,
      .asked = {.options = {.reach = (double)NAN}, .life_days = 2 * 365.25, .pue = 1}};
  argp_parse(&argp, argc, argv, 0, NULL, &a);
  fr_error err;
  fr_store *store = NULL;
  const enum fr_status status = prepare(&a, &store, &err);
  if (status == FR_ERR_NOT_FOUND && !a.budget_told)
    return cli_fail_text("%s: no study was run yet; --budget 2kJ runs the built-in "
                         "matrix on these data, frugal study FILE.yaml one of yours",
                         err.text);
  if (status != FR_OK)
    return cli_fail(&err);
  char *cache = cli_cache_folder();
  char *words = cli_json_argv(argc, argv);
  a.asked.options.cache = cache;
  const int code = ask(&a, store, words);
  free(words);
  free(cache);
  fr_store_close(store);
  return code;
}
