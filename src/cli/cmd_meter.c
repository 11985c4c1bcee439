/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/error.h"
#include "cli/calibrating.h"
#include "cli/metering.h"

enum {
  KEY_CSV = 256,
  KEY_LISTEN,
  KEY_ROOT,
  KEY_PATTERN,
  KEY_WATCH,
  KEY_BASELINE,
  KEY_CALIBRATE,
  KEY_REPEAT,
  KEY_REPLAY,
  KEY_IMPORT,
  KEY_COLUMN,
  KEY_INTENSITY,
  KEY_PUE
};

static const struct argp_option options[] = {
    {"interval", 'i', "TIME", 0, "between samples: 1ms to 10s (default 0.1s)", 0},
    {"sensor", 's', "NAME", 0, "of frugal doctor's list (default: the best that works)",
     0},
    {"root", KEY_ROOT, "DIR", 0, "DIR stands for / (DIR/sys, DIR/proc)", 0},
    {"csv", KEY_CSV, "FILE", 0,
     "write the timeline there; with --repeat its first column is the run's number", 0},
    {"phase-pattern", KEY_PATTERN, "REGEX", 0,
     "a line of the command's output that matches begins a phase, named by the one "
     "group (its output is then a pipe)",
     0},
    {"listen", KEY_LISTEN, "ADDRESS:PORT", 0,
     "answer Prometheus at http://ADDRESS:PORT/metrics; 127.0.0.1:9102 for instance", 0},
    {"watch", KEY_WATCH, NULL, 0,
     "draw the power as it comes, on the terminal; without a command until Ctrl-C", 0},
    {"baseline", KEY_BASELINE, "TIME", 0,
     "look at the machine's normal power for so long, before the command and after it "
     "(1s to 1h); kept, and used again for a day",
     0},
    {"calibrate", KEY_CALIBRATE, "TIME|forget", OPTION_ARG_OPTIONAL,
     "no command: find this machine's watts at rest and of a busy core against --sensor, "
     "or the counter that works, for so long (90s; 10s to 1h); the model takes them from "
     "then on, until they are forgotten",
     0},
    {"repeat", KEY_REPEAT, "N|auto", 0,
     "run the command N times, or until it fails; auto: until the mean's interval is "
     "within 5 %",
     0},
    {"intensity", KEY_INTENSITY, "SPEC", 0,
     "of the grid: tell grams, too, hour by hour of the run: table:ZONE, csv:FILE, 400, "
     "electricitymaps:ZONE",
     0},
    {"pue", KEY_PUE, "N", 0, "power usage effectiveness (default 1), of --intensity", 0},
    {"replay", KEY_REPLAY, "DIR", 0,
     "no command: a recording of sensors, by its own clock (frugal doctor --record)", 1},
    {"import", KEY_IMPORT, "FILE.csv", 0, "no command: a log of HWiNFO's", 1},
    {"column", KEY_COLUMN, "NAME", 0,
     "of the log (default: the processor's package power)", 1},
    {0},
};

/* "0.1s", "100ms", "2min", "2" (seconds). */
static double seconds(struct argp_state *state, const char *option, const char *text,
                      double low, double high) {
  static const struct {
    const char *name;
    double s;
  } units[] = {{"ms", 1e-3}, {"min", 60}, {"s", 1}, {"h", 3600}, {"", 1}};
  double value;
  const char *rest = fr__scan_number(text, text + strlen(text), &value);
  for (size_t i = 0; rest != NULL && i < sizeof units / sizeof *units; i++) {
    const double s = value * units[i].s;
    if (strcmp(rest, units[i].name) == 0 && s >= low * 0.999999 && s <= high)
      return s;
  }
  argp_error(state, "--%s takes a time from %g s to %g s, in s, ms, min or h, not '%s'",
             option, low, high, text);
  return low;
}

static bool calibrates(const cli_metering_options *o) {
  return o->calibrate_s > 0 || o->forget;
}

/* What does not go together is refused rather than ignored. */
static void check(const cli_metering_options *o, struct argp_state *state) {
  const bool recorded = o->replay != NULL || o->import != NULL;
  const bool live = o->watch || o->listen != NULL;
  const bool other = recorded || live || o->command != NULL || o->pattern != NULL ||
                     o->baseline_s > 0 || o->repeat != 1 || o->csv != NULL;
  if ((recorded || calibrates(o) || (!live && o->command == NULL)) &&
      o->intensity != NULL)
    argp_error(state, "--intensity is of what runs now: frugal carbon footprint prices "
                      "recordings");
  if (o->pue > 1 && o->intensity == NULL)
    argp_error(state, "--pue is of --intensity");
  if (calibrates(o) && (other || o->root != NULL || o->output.store != NULL))
    argp_error(state, "--calibrate goes with --sensor, --interval, --json and --quiet");
  if (o->forget && (o->calibrate_s > 0 || o->sensor != NULL))
    argp_error(state, "--calibrate=forget goes alone");
  if (o->replay != NULL && o->import != NULL)
    argp_error(state, "--replay and --import are two things");
  if (recorded && (o->command != NULL || live || o->pattern != NULL ||
                   o->baseline_s > 0 || o->repeat != 1))
    argp_error(state, "a recording is metered without a command, --watch, --listen, "
                      "--baseline and --repeat");
  if (recorded && o->root != NULL)
    argp_error(state, "a recording has no --root");
  if (o->import != NULL && o->sensor != NULL)
    argp_error(state, "a log has no --sensor; --column chooses");
  if (o->column != NULL && o->import == NULL)
    argp_error(state, "--column goes with --import");
  if (o->command == NULL && !recorded && !live && o->baseline_s <= 0 && !calibrates(o))
    argp_error(state, "say which command: frugal meter [options] -- COMMAND ...");
  if (o->command == NULL && (o->pattern != NULL || o->repeat != 1))
    argp_error(state, "--phase-pattern and --repeat go with a command");
}

static error_t parse(int key, char *text, struct argp_state *state) {
  cli_metering_options *o = state->input;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &o->output; return 0;
  case 'i': o->interval_s = seconds(state, "interval", text, 0.001, 10); return 0;
  case 's': o->sensor = text; return 0;
  case KEY_ROOT: o->root = text; return 0;
  case KEY_CSV: o->csv = text; return 0;
  case KEY_LISTEN: o->listen = text; return 0;
  case KEY_PATTERN: o->pattern = text; return 0;
  case KEY_WATCH: o->watch = true; return 0;
  case KEY_BASELINE: o->baseline_s = seconds(state, "baseline", text, 1, 3600); return 0;
  case KEY_CALIBRATE:
    o->forget = text != NULL && strcmp(text, "forget") == 0;
    if (!o->forget)
      o->calibrate_s = seconds(state, "calibrate", text != NULL ? text : "90s", 10, 3600);
    return 0;
  case KEY_REPEAT:
    o->repeat =
        strcmp(text, "auto") == 0 ? 0 : cli_number(state, "repeat", text, 1, 1000);
    return 0;
  case KEY_REPLAY: o->replay = text; return 0;
  case KEY_IMPORT: o->import = text; return 0;
  case KEY_COLUMN: o->column = text; return 0;
  case KEY_INTENSITY: o->intensity = text; return 0;
  case KEY_PUE: o->pue = cli_real(state, "pue", text, 1, 10); return 0;
  case ARGP_KEY_ARG: /* the command: all that follows is its own */
    o->command = &state->argv[state->next - 1];
    state->next = state->argc;
    return 0;
  case ARGP_KEY_END: check(o, state); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    "[--] COMMAND [ARGUMENT...]",
    "Meters a command: joules, power over time, phases. Its stdin, stdout and exit code "
    "are left alone; the table goes to stderr."
    "\vExit code: the command's; 128 + N where signal N ended it; 125 where the meter "
    "itself failed, 126 and 127 where the command cannot be run or is not found.",
    children,
    NULL,
    NULL};

/* From here on everything that is printed goes to stderr: stdout was the command's. */
static void leave_stdout(void) {
  fflush(stdout);
  (void)dup2(STDERR_FILENO, STDOUT_FILENO);
}

static int print(const cli_metering_options *o, cli_result *result, const fr__buf *text) {
  const bool silent = o->output.quiet && o->command != NULL;
  const int own =
      cli_result_print(result, &o->output, silent ? NULL : fr__buf_text(text));
  fflush(stdout);
  return own;
}

/* The figures of one run, and the run in the store. */
static enum fr_status conclude(cli_metering *m, int code, cli_result *result,
                               fr__buf *text, fr_error *err) {
  enum fr_status status = cli_metering_report(m, code, result, text, err);
  char *stored = status == FR_OK ? cli_metering_stored(result) : NULL;
  fr_error own;
  if (cli_metering_keep(m, stored, &own) != FR_OK)
    cli_warn(result, "the run is not wholly in the store: %s", own.text);
  free(stored);
  return status;
}

/* ---- repeats ---- */

typedef struct repeats {
  fr_measure *energy, *program; /* (most) owned */
  double *edges_j;              /* (most) owned */
  size_t count, most;
} repeats;

static bool enough(const cli_metering_options *o, const repeats *r) {
  fr_repeat_rule rule = fr_repeat_default_rule();
  if (o->repeat > 0)
    return r->count >= o->repeat;
  rule.most = r->most;
  return fr_repeat_next(&rule, r->program, r->edges_j, r->count, NULL) !=
             FR_REPEAT_MORE ||
         r->count >= r->most;
}

/* Keys `energy` and `program` become means of a run; `repeats` says of how many. */
static void add_repeats(const cli_metering_options *o, const repeats *r,
                        cli_result *result, fr__buf *text) {
  if (o->repeat == 1)
    return;
  const fr_repeat_rule rule = {0.05, 3, r->most};
  fr_measure energy, program;
  char low[48], high[48], mean[48];
  (void)fr_repeat_next(&rule, r->energy, r->edges_j, r->count, &energy);
  const enum fr_repeat how =
      fr_repeat_next(&rule, r->program, r->edges_j, r->count, &program);
  json_object_set_new(result->result, "repeats",
                      json_pack("{s:I, s:o, s:o, s:b}", "count", (json_int_t)r->count,
                                "energy", cli_json_measure(energy), "program",
                                cli_json_measure(program), "enough",
                                how == FR_REPEAT_ENOUGH));
  cli_format_si(program.value, "J", mean, sizeof mean);
  cli_format_si(program.low, "J", low, sizeof low);
  cli_format_si(program.high, "J", high, sizeof high);
  if (fr_measure_known(program))
    fr__buf_printf(text, "%-14s %zu; program's mean %s (%s to %s)\n", "repeats", r->count,
                   mean, low, high);
  else
    fr__buf_printf(text, "%-14s %zu; program's mean is not measured\n", "repeats",
                   r->count);
  if (o->repeat == 0 && how == FR_REPEAT_GAVE_UP)
    cli_warn(result, "after %zu repeats the mean is not known to 5 %%", r->count);
}

/* Why there are no more, where there should have been. */
static void tell_last(const cli_metering *m, int code) {
  const cli_metering_options *o = m->options;
  char of[32] = "";
  if (o->repeat > 1)
    snprintf(of, sizeof of, " of %zu", o->repeat);
  if (o->repeat == 1 || (code == 0 && !m->stop))
    return;
  if (m->stop)
    cli_warn(m->result,
             "repeat %zu%s was interrupted: it is the last, and not part of the mean",
             m->repetition, of);
  else
    cli_warn(m->result,
             "repeat %zu%s ended with exit code %d: it is the last, and not part of the "
             "mean",
             m->repetition, of, code);
}

/* One run's figures into `result` and `text`, which are emptied first; *go_on: no repeat
 * that failed or was interrupted is followed by another. */
static enum fr_status run_once(cli_metering *m, int argc, char **argv, int *code,
                               cli_result *result, fr__buf *text, fr_error *err) {
  fr__buf_clear(text);
  json_object_clear(result->result);
  while (json_array_size(result->warnings) > m->opened)
    json_array_remove(result->warnings, json_array_size(result->warnings) - 1);
  err->text[0] = '\0';
  enum fr_status status = cli_metering_run(m, argc, argv, code, err);
  if (status != FR_OK || err->text[0] != '\0') /* it cannot be run */
    return status;
  if (m->options->baseline_s > 0 && m->options->repeat == 1)
    status = cli_metering_baseline(m, m->options->baseline_s, err);
  if (status == FR_OK)
    status = conclude(m, m->options->command != NULL ? *code : -1, result, text, err);
  return status;
}

static enum fr_status run_all(cli_metering *m, int argc, char **argv, int *code,
                              repeats *r, fr__buf *text, fr_error *err) {
  const cli_metering_options *o = m->options;
  enum fr_status status = FR_OK;
  do {
    m->repetition++;
    status = run_once(m, argc, argv, code, m->result, text, err);
    if (status != FR_OK || err->text[0] != '\0')
      return status;
    if (*code != 0 || m->stop) /* what was cut short is not what was to be measured */
      break;
    r->energy[r->count] = m->energy;
    r->edges_j[r->count] = m->edges_j;
    r->program[r->count++] = m->program;
  } while (!enough(o, r));
  tell_last(m, *code);
  add_repeats(o, r, m->result, text);
  return status;
}

static int run_and_print(cli_metering *m, int argc, char **argv) {
  const cli_metering_options *o = m->options;
  const int failed = o->command != NULL ? CLI_OWN_FAILURE : CLI_FAILED;
  const size_t most = o->repeat > 0 ? o->repeat : fr_repeat_default_rule().most;
  repeats r = {calloc(most, sizeof *r.energy), calloc(most, sizeof *r.program),
               calloc(most, sizeof *r.edges_j), 0, most};
  fr__buf text;
  fr_error err;
  int code = 0;
  fr__buf_init(&text, 0);
  enum fr_status status = r.energy == NULL || r.program == NULL || r.edges_j == NULL
                              ? fr__fail_memory(&err, "the repeats")
                              : run_all(m, argc, argv, &code, &r, &text, &err);
  if (o->command != NULL)
    leave_stdout();
  if (status != FR_OK || err.text[0] != '\0') {
    cli_fail(&err);
    code = status != FR_OK ? failed : code;
  } else if (print(o, m->result, &text) != CLI_DONE && code == 0) {
    code = failed;
  }
  free(r.energy);
  free(r.program);
  free(r.edges_j);
  fr__buf_release(&text);
  return code;
}

/* ---- the normal power alone ---- */

static int print_baseline(cli_metering *m) {
  const cli_metering_options *o = m->options;
  const fr_measure *normal = &m->baseline.normal_w;
  char value[48], low[48], high[48];
  fr__buf text;
  fr__buf_init(&text, 0);
  cli_format_si(normal->value, "W", value, sizeof value);
  cli_format_si(normal->low, "W", low, sizeof low);
  cli_format_si(normal->high, "W", high, sizeof high);
  fr__buf_printf(&text, "%-14s %s (%s to %s; %s) over %.1f s\n", "normal power", value,
                 low, high, fr_source_name(normal->source), m->baseline.seconds);
  json_object_set_new(m->result->result, "normal_w",
                      cli_json_measure(m->baseline.normal_w));
  json_object_set_new(m->result->result, "duration_s", json_real(m->baseline.seconds));
  if (m->baseline.assumed)
    cli_warn(m->result, "the normal power rests on the model, not on a counter");
  const int code = print(o, m->result, &text);
  fr__buf_release(&text);
  return code;
}

static int meter(const cli_metering_options *o, int argc, char **argv,
                 cli_result *result) {
  const int failed = o->command != NULL ? CLI_OWN_FAILURE : CLI_FAILED;
  const char *const path[] = {o->csv, o->output.json, o->output.store};
  cli_metering m;
  fr_error err;
  if (cli_check_distinct(path, sizeof path / sizeof *path, &err) != FR_OK ||
      cli_metering_grid_check(o, &err) != FR_OK ||
      cli_metering_init(&m, o, result, &err) != FR_OK) {
    cli_fail(&err);
    return failed;
  }
  int code;
  if (o->baseline_s <= 0)
    (void)cli_metering_baseline_kept(&m);
  if (o->baseline_s > 0 && cli_metering_baseline(&m, o->baseline_s, &err) != FR_OK) {
    cli_fail(&err);
    code = failed;
  } else if (o->command == NULL && !o->watch && o->listen == NULL) {
    code = print_baseline(&m);
  } else {
    code = run_and_print(&m, argc, argv);
  }
  cli_metering_release(&m);
  return code;
}

static int calibrate(const cli_metering_options *o, cli_result *result) {
  fr_calibration_options how = fr_calibration_default_options();
  how.meter.interval_s = o->interval_s;
  how.meter.sensor = o->sensor;
  how.seconds = o->calibrate_s;
  return o->forget ? cli_calibrate_forget(&o->output, result)
                   : cli_calibrate(&how, &o->output, result);
}

int cli_cmd_meter(int argc, char **argv) {
  cli_metering_options o = {.interval_s = 0.1, .repeat = 1, .pue = 1};
  argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);
  cli_result result;
  cli_result_init(&result, "meter");
  const bool recorded = o.replay != NULL || o.import != NULL;
  const int code = calibrates(&o) ? calibrate(&o, &result)
                   : recorded     ? cli_meter_recorded(&o, argc, argv, &result)
                                  : meter(&o, argc, argv, &result);
  cli_result_release(&result);
  return code;
}
