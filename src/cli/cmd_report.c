/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"

typedef struct report {
  cli_output output;
  const char *run;
  const char *directory;
} report;

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0,
     "where the report goes (default: the study's name, run-NUMBER of others)", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
  report *r = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &r->output; return 0;
  case 'o': r->directory = text; return 0;
  case ARGP_KEY_ARG:
    if (state->arg_num > 0)
      argp_error(state, "'%s' is one word too many", text);
    r->run = text;
    return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    "[RUN]",
    "Writes the report of a study again: one HTML file, charts, results.json and "
    "results.csv; or of a run that was metered: one HTML file, its power over time as "
    "timeline.svg, timeline.png and timeline.csv. RUN is its number (frugal runs list); "
    "without it, the newest study.",
    children,
    NULL,
    NULL};

typedef struct newest {
  int64_t id;
} newest;

static bool take_study(void *self, const fr_run *run) {
  newest *n = self;
  if (strcmp(run->command, "study") != 0 || run->result == NULL)
    return true;
  n->id = run->id;
  return false;
}

static enum fr_status choose(fr_store *store, const report *r, fr_run *run,
                             fr_error *err) {
  newest n = {0};
  if (r->run != NULL && !fr__parse_integer(r->run, 1, INT64_MAX, &n.id))
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is not the number of a run", r->run);
  if (r->run == NULL) {
    const enum fr_status status = fr_store_runs(store, 0, take_study, &n, err);
    if (status != FR_OK)
      return status;
    if (n.id == 0)
      return fr__fail(err, FR_ERR_NOT_FOUND, "'%s' holds no finished study",
                      fr_store_path(store));
  }
  return fr_store_run_get(store, n.id, run, err);
}

/* ---- of a metered run ---- */

static void add_file(json_t *files, const char *directory, const char *name) {
  char *path = fr__path_join(directory, name);
  json_array_append_new(files, json_string(path != NULL ? path : name));
  free(path);
}

static int report_meter(fr_store *store, const fr_run *run, const report *r) {
  char usual[48];
  fr_error err, why = {0};
  bool charts = false;
  snprintf(usual, sizeof usual, "run-%lld", (long long)run->id);
  const char *directory = r->directory != NULL ? r->directory : usual;
  if (fr_report_meter(store, run->id, directory, &charts, &why, &err) != FR_OK)
    return cli_fail(&err);
  cli_result result;
  fr__buf text;
  cli_result_init(&result, "report");
  fr__buf_init(&text, 0);
  json_t *files = json_array();
  add_file(files, directory, "timeline.csv");
  if (charts) {
    add_file(files, directory, "timeline.svg");
    add_file(files, directory, "timeline.png");
  } else {
    cli_warn(&result, "the charts are missing: %s", why.text);
  }
  add_file(files, directory, "index.html");
  json_object_set_new(result.result, "run", json_integer((json_int_t)run->id));
  json_object_set_new(result.result, "files", files);
  fr__buf_printf(&text, "Report: %s (run %lld)\n",
                 json_string_value(json_array_get(files, json_array_size(files) - 1)),
                 (long long)run->id);
  const int code = cli_result_print(&result, &r->output, fr__buf_text(&text));
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}

/* Whether it has samples, which a study's own run never has. */
static bool is_metered(fr_store *store, const fr_run *run) {
  fr_store_power power;
  return strcmp(run->command, "study") != 0 &&
         fr_store_power_of(store, run->id, &power, NULL) == FR_OK && power.count > 0;
}

int cli_cmd_report(int argc, char **argv) {
  report r = {0};
  argp_parse(&argp, argc, argv, 0, NULL, &r);
  fr_error err;
  fr_store *store;
  if (fr_store_open_read(r.output.store, &store, &err) != FR_OK)
    return cli_fail(&err);
  fr_run run;
  int code = CLI_FAILED;
  if (choose(store, &r, &run, &err) != FR_OK) {
    cli_fail(&err);
  } else if (is_metered(store, &run)) {
    code = report_meter(store, &run, &r);
    fr_run_release(&run);
  } else {
    const char *directory = r.directory != NULL ? r.directory : run.name;
    code = cli_report_study(store, run.id, directory, "report", &r.output);
    fr_run_release(&run);
  }
  fr_store_close(store);
  return code;
}
