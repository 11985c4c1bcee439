/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "cli/budget.h"
#include "cli/calibrating.h"
#include "cli/study_list.h"

typedef struct study {
  cli_output output;
  const char *file;
  const char *directory;
  size_t jobs;
  fr_study_budget budget;
  bool list;
} study;

enum { KEY_BUDGET = 0x100, KEY_LIST };

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0, "where the report goes (default: the study's name)", 0},
    {"jobs", 'j', "N|auto", 0,
     "cells that run side by side, each on a core of its own, to the same results; auto "
     "(default): as many as cores are idle when the study begins",
     0},
    {"budget", KEY_BUDGET, "LIMITS", 0,
     "what the study may take, all its runs together: 20kJ, 2gCO2e, 10min, or several "
     "parted by commas; spent where the intervals are widest",
     0},
    {"list", KEY_LIST, NULL, 0,
     "run nothing: show the cells, what the store holds of them and what the rest is "
     "expected to take",
     0},
    {0},
};

/* Of --budget. */
fr_study_budget cli_study_budget(struct argp_state *state, const char *text) {
  cli_budget b;
  fr_error err;
  if (cli_budget_parse(text, &b, &err) != FR_OK)
    argp_error(state, "%s", err.text);
  if (b.accuracy > 0)
    argp_error(state, "accuracy is no budget of a study");
  return (fr_study_budget){
      .energy_j = b.energy_j, .grams = b.grams, .duration_s = b.duration_s};
}

/* Of --jobs. */
size_t cli_study_jobs(struct argp_state *state, const char *text) {
  if (strcmp(text, "auto") == 0)
    return FR_STUDY_JOBS_AUTO;
  return cli_number(state, "jobs", text, 1, FR_STUDY_JOBS);
}

static error_t parse(int key, char *text, struct argp_state *state) {
  study *s = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &s->output; return 0;
  case 'o': s->directory = text; return 0;
  case KEY_BUDGET: s->budget = cli_study_budget(state, text); return 0;
  case KEY_LIST: s->list = true; return 0;
  case 'j': s->jobs = cli_study_jobs(state, text); return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num > 0)
      argp_error(state, "'%s' is one word too many", text);
    s->file = text;
    return 0;
  case ARGP_KEY_NO_ARGS: argp_error(state, "say which study: FILE.yaml"); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    "FILE.yaml",
    "Runs a matrix of experiments with repeats and reports on it. What the store already "
    "holds is not run again, so an interrupted study goes on where it was.",
    children,
    NULL,
    NULL};

static void on_progress(void *self, const fr_study_progress *p) {
  char what[160];
  snprintf(what, sizeof what, "%zu/%zu  %s", p->done, p->cells,
           p->cell != NULL ? p->cell : "");
  const double cells = p->cells > 0 ? (double)p->cells : 1;
  cli_progress_draw(self, what, ((double)p->done + p->cell_done) / cells, p->eta_s,
                    p->power_w, fr_measure_known(p->energy) ? p->energy.value : 0);
}

static bool may_go_on(void *self) {
  (void)self;
  return !cli_interrupted();
}

int cli_report_study(fr_store *store, int64_t run, const char *directory,
                     const char *command, const cli_output *output) {
  fr_error err;
  bool charts = false;
  char *table = NULL;
  if (fr_report_study(store, run, directory, &charts, &err) != FR_OK ||
      fr_report_study_text(store, run, cli_columns(), &table, &err) != FR_OK)
    return cli_fail(&err);
  fr_run stored;
  if (fr_store_run_get(store, run, &stored, &err) != FR_OK) {
    free(table);
    return cli_fail(&err);
  }
  cli_result result;
  cli_result_init(&result, command);
  json_t *whole = stored.result != NULL ? json_loads(stored.result, 0, NULL) : NULL;
  if (whole != NULL) {
    json_array_extend(result.warnings, json_object_get(whole, "warnings"));
    json_object_update(result.result, whole);
    json_decref(whole);
  }
  char *page = fr__path_join(directory, "index.html");
  fr__buf text;
  fr__buf_init(&text, 0);
  fr__buf_printf(&text, "%s\nReport: %s (run %lld)\n", table,
                 page != NULL ? page : directory, (long long)run);
  json_object_set_new(result.result, "report", json_string(page));
  if (!charts)
    cli_warn(&result, "the charts are missing: gnuplot is not installed");
  const int code = cli_result_print(&result, output, fr__buf_text(&text));
  fr__buf_release(&text);
  free(page);
  free(table);
  cli_result_release(&result);
  fr_run_release(&stored);
  return code;
}

/* NULL: none was kept, or none that fits, which is said. */
static const fr_cpu_power *calibrated(fr_cpu_power *cpu) {
  fr_error err;
  if (fr_cpu_power_find(NULL, cpu, NULL) != FR_OK)
    return NULL;
  if (cli_calibrated(NULL, cpu, &err))
    return cpu;
  if (err.text[0] != '\0')
    fprintf(stderr, "frugal: warning: %s; it is not used\n", err.text);
  return NULL;
}

enum fr_status cli_study_into(fr_store *store, const fr_study *study_asked, size_t jobs,
                              const fr_study_budget *budget, bool quiet, const char *argv,
                              int64_t *run, fr_error *err) {
  char *cache = cli_cache_folder();
  fr_cpu_power cpu;
  cli_progress progress;
  cli_progress_start(&progress, quiet);
  cli_catch_interrupts();
  const fr_study_options run_options = {.store = store,
                                        .cache = cache,
                                        .argv = argv,
                                        .jobs = jobs,
                                        .budget = budget != NULL ? *budget
                                                                 : (fr_study_budget){0},
                                        .cpu = calibrated(&cpu),
                                        .progress = on_progress,
                                        .may_go_on = may_go_on,
                                        .self = &progress};
  const enum fr_status status = fr_study_run(study_asked, &run_options, run, err);
  cli_progress_end(&progress);
  free(cache);
  return status;
}

int cli_run_study(const fr_study *study_asked, const char *directory, size_t jobs,
                  const fr_study_budget *budget, const char *command,
                  const cli_output *output, const char *argv) {
  fr_error err;
  fr_store *store;
  if (fr_store_open(output->store, &store, &err) != FR_OK)
    return cli_fail(&err);
  int64_t run = 0;
  const enum fr_status status =
      cli_study_into(store, study_asked, jobs, budget, output->quiet, argv, &run, &err);
  int code = CLI_FAILED;
  if (status == FR_OK)
    code = cli_report_study(store, run,
                            directory != NULL ? directory : fr_study_name(study_asked),
                            command, output);
  else if (status == FR_ERR_CANCELLED)
    cli_fail_text(
        "stopped; the finished cells are kept, and the same command goes on from "
        "there");
  else
    cli_fail(&err);
  fr_store_close(store);
  return code;
}

static int list_study(const fr_study *asked, const cli_output *output) {
  fr_error err;
  fr_store *store;
  fr_cpu_power cpu;
  if (fr_store_open(output->store, &store, &err) != FR_OK)
    return cli_fail(&err);
  char *cache = cli_cache_folder(), *json = NULL;
  const fr_study_options asked_options = {
      .store = store, .cache = cache, .cpu = calibrated(&cpu)};
  const int code = fr_study_list(asked, &asked_options, &json, &err) == FR_OK
                       ? cli_print_study_list(json, output)
                       : cli_fail(&err);
  free(json);
  free(cache);
  fr_store_close(store);
  return code;
}

int cli_cmd_study(int argc, char **argv) {
  study s = {.jobs = FR_STUDY_JOBS_AUTO};
  argp_parse(&argp, argc, argv, 0, NULL, &s);
  fr_error err;
  fr_study *asked;
  if (fr_study_load(s.file, &asked, &err) != FR_OK)
    return cli_fail(&err);
  char *words = cli_json_argv(argc, argv);
  const int code = s.list ? list_study(asked, &s.output)
                          : cli_run_study(asked, s.directory, s.jobs, &s.budget, "study",
                                          &s.output, words);
  free(words);
  fr_study_free(asked);
  return code;
}
