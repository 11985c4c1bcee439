/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands share. Exit codes: 0 done, 1 failed with one sentence on stderr, 2
 * wrong usage. Results go to stdout as a table, or as JSON with `--json -`; progress to
 * stderr.
 */
#ifndef FR_CLI_CLI_H
#define FR_CLI_CLI_H

#include <argp.h>
#include <jansson.h>
#include <stdio.h>

#include "base/buf.h"
#include "cli/budget.h"
#include "frugal/frugal.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

typedef struct cli_command {
  const char *name;
  const char *summary;
  int (*run)(int argc, char **argv); /* argv[0] is "frugal NAME" */
} cli_command;

int cli_cmd_advise(int argc, char **argv);
int cli_cmd_carbon(int argc, char **argv);
int cli_cmd_data(int argc, char **argv);
int cli_cmd_demo(int argc, char **argv);
int cli_cmd_doctor(int argc, char **argv);
int cli_cmd_export(int argc, char **argv);
int cli_cmd_extend(int argc, char **argv);
int cli_cmd_import(int argc, char **argv);
int cli_cmd_info(int argc, char **argv);
int cli_cmd_meter(int argc, char **argv);
int cli_cmd_plan(int argc, char **argv);
int cli_cmd_phase(int argc, char **argv);
int cli_cmd_prune(int argc, char **argv);
int cli_cmd_quantize(int argc, char **argv);
int cli_cmd_recognize(int argc, char **argv);
int cli_cmd_report(int argc, char **argv);
int cli_cmd_run(int argc, char **argv);
int cli_cmd_runs(int argc, char **argv);
int cli_cmd_study(int argc, char **argv);
int cli_cmd_test(int argc, char **argv);
int cli_cmd_train(int argc, char **argv);
int cli_cmd_transfer(int argc, char **argv);

/* ---- options that several commands share: argp children with the structs they fill ----
 */

typedef struct cli_output {
  const char *json; /* FILE, "-" or NULL */
  const char *store;
  bool quiet;
  double interval_s; /* between samples of the meter; 0: the usual one; not an option */
} cli_output;
extern const struct argp cli_output_argp;

/* Of how data is cut into samples; NULL and 0: the data set's or the model's own. */
typedef struct cli_input {
  const char *data;
  const char *parts; /* of key points; NULL: the data's, or the model's */
  const char *task;
  const char *split;
  const char *validate;
  size_t window, step;
  const char *shorter;   /* "keep" or "drop" */
  const char *normalize; /* a method; NULL: zscore, or the model's */
  double rate_hz;
  size_t fold; /* the first is 1 */
} cli_input;
extern const struct argp cli_input_argp;
/* Of them data, task, window, step, split and validate, which studies have, too. */
extern const struct argp cli_data_argp;

/* What fr_train takes. */
typedef struct cli_trained_on {
  const fr_samples *train, *validate;
  const fr_train_options *options;
  const fr_observer *observer;
  const fr_budget *budget;
} cli_trained_on;

typedef struct cli_training {
  fr_train_options options;
  fr_augment augment;
  fr_optimizer_options told; /* NaN: not told */
  cli_budget budget;
  const char *intensity; /* of the grid; NULL: the world's */
  double pue;            /* 0: 1 */
  const char *checkpoint;
  bool resume;
  const char *tensorboard;
  const char *model;         /* where the trained model goes; NULL: nowhere */
  const char *layer_rates;   /* "1,0.1,…" */
  const char *class_weights; /* "balanced" or "1,2,…" */
  const char *teacher;       /* path of a model */
  bool loss_told;
  /* Trains in the place of fr_train; NULL: fr_train does. */
  enum fr_status (*train)(void *self, fr_net *net, const cli_trained_on *on,
                          fr_train_result *result, fr_error *err);
  void *self;
  bool no_test; /* the test side stays closed: figures are of the validation side */
} cli_training;
extern const struct argp cli_training_argp;

/* Parses a number of an option, or ends with usage. */
size_t cli_number(struct argp_state *state, const char *option, const char *text,
                  size_t low, size_t high);
double cli_real(struct argp_state *state, const char *option, const char *text,
                double low, double high);
/* A time, local where it tells no zone; within what nanoseconds tell, too: 1970 to 2200.
 */
bool cli_time_read(const char *text, int64_t *t_s, fr_error *err);
int64_t cli_time(struct argp_state *state, const char *option, const char *text);
/* "3h", "20m": seconds. */
int64_t cli_duration(struct argp_state *state, const char *option, const char *text);
/* Of --factor: lifecycle or direct. */
enum fr_factor cli_factor(struct argp_state *state, const char *text);

/* Of --threads: a number, or "all" for as many as there are processors. */
size_t cli_threads(struct argp_state *state, const char *text);

/* "128x12". */
fr_shape cli_shape(struct argp_state *state, const char *option, const char *text);

/* The one MODEL of a command, of ARGP_KEY_ARG and ARGP_KEY_NO_ARGS; 0. */
error_t cli_parse_model(int key, char *text, struct argp_state *state,
                        const char **model);

/* ---- saying things ---- */

/* Prints "frugal: sentence" and returns CLI_FAILED. */
int cli_fail(const fr_error *err);
int cli_fail_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The measure as the contract's object; null where it is absent. A new reference. */
json_t *cli_json_measure(fr_measure m);
json_t *cli_json_number(double x); /* null where it is not finite */
/* Seconds of UTC as ISO 8601; null beyond 1677 to 2262, as FR_TIME_EARLIEST is. */
json_t *cli_json_time(int64_t t_s);
/* What it wrote under `key` of an object; absent where there is none of that unit. */
fr_measure cli_measure_of(const json_t *from, const char *key, enum fr_unit unit);
/* A line of a table: "program        1.2 J (0.9 J to 1.5 J; perf)"; `why` says why it is
 * not measured, where it is not: "" nothing. */
void cli_add_measure(fr__buf *text, const char *what, fr_measure m, const char *why);
json_t *cli_json_names(const fr_names *names);
/* The command line as a JSON array; the caller's (free). */
char *cli_json_argv(int argc, char **argv);

/* The result of one command: {"command", "version", "result", "warnings"}. */
typedef struct cli_result {
  const char *command;
  json_t *result;   /* object; owned */
  json_t *warnings; /* array; owned */
  size_t told;      /* of them, that stand on stderr already */
} cli_result;
void cli_result_init(cli_result *result, const char *command);
void cli_result_release(cli_result *result);
void cli_warn(cli_result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Puts the warnings that were not told yet on stderr. */
void cli_result_tell(cli_result *result);
/*
 * Prints `table` to stdout, unless the JSON takes its place, and the warnings to stderr;
 * writes the JSON where it is asked for.
 */
int cli_result_print(cli_result *result, const cli_output *output, const char *table);

/* Text that a file may have brought along: control characters, which a terminal would
 * obey, become '?'. */
void cli_put_clean(const char *text, FILE *to);

/* FR_ERR_ARGUMENT where two of the paths are one file; NULL and "-" are none. */
enum fr_status cli_check_distinct(const char *const *path, size_t count, fr_error *err);
/* Whether a file of that name can be written, by trying; NULL and "-" can. */
enum fr_status cli_check_writable(const char *path, fr_error *err);
/* Both, of all that a command writes: before its work. */
enum fr_status cli_check_files(const char *const *path, size_t count, fr_error *err);

/* Likewise, of what a command with a model for its result writes: before its work. */
enum fr_status cli_check_outputs(const cli_output *output, const char *model,
                                 fr_error *err);

/* Columns of the terminal behind stdout; 100 where there is none. */
size_t cli_columns(void);

/* ---- progress: a bar with what is known, on stderr when it is a terminal ---- */

typedef struct cli_progress {
  bool shown;
  uint64_t start_ns, drawn_ns;
  size_t width; /* of what stands on the line */
} cli_progress;
void cli_progress_start(cli_progress *progress, bool quiet);
/* `done` 0 to 1; eta_s < 0: from `done` and the time gone; watts and joules absent: not
 * shown. */
void cli_progress_draw(cli_progress *progress, const char *what, double done,
                       double eta_s, double power_w, double energy_j);
void cli_progress_end(cli_progress *progress);

/* "3.2 kJ", "41 mJ", "2:05", "1 h 02 min" for people. */
void cli_format_si(double value, const char *unit, char *text, size_t size);
void cli_format_duration(double seconds, char *text, size_t size);

/* The interrupt flag: set by SIGINT and SIGTERM once cli_catch_interrupts was called. */
void cli_catch_interrupts(void);
bool cli_interrupted(void);

/* ---- studies ---- */

/* Runs the study, `jobs` cells at a time (fr_study_options), within `budget` (NULL:
 * none), and reports into `directory` (NULL: its name); an exit code. */
int cli_run_study(const fr_study *study, const char *directory, size_t jobs,
                  const fr_study_budget *budget, const char *command,
                  const cli_output *output, const char *argv);
/* The same without a report; *run is the study's. */
enum fr_status cli_study_into(fr_store *store, const fr_study *study, size_t jobs,
                              const fr_study_budget *budget, bool quiet, const char *argv,
                              int64_t *run, fr_error *err);
/* Of --jobs. */
size_t cli_study_jobs(struct argp_state *state, const char *text);
/* Of --budget: joules, grams, time; a wrong one ends the program. */
fr_study_budget cli_study_budget(struct argp_state *state, const char *text);
/* Report, tables and JSON of a study that was run; an exit code. */
int cli_report_study(fr_store *store, int64_t run, const char *directory,
                     const char *command, const cli_output *output);

/* ---- data ---- */

/* The folder of prepared copies, $XDG_CACHE_HOME/frugal; the caller's; NULL: none. */
char *cli_cache_folder(void);

#endif
