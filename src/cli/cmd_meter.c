/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "cli/metering.h"

enum { KEY_CSV = 256, KEY_LISTEN, KEY_ROOT, KEY_PATTERN };

static const struct argp_option options[] = {
    {"interval", 'i', "TIME", 0, "between samples: 1ms to 10s (default 0.1s)", 0},
    {"sensor", 's', "NAME", 0, "of frugal doctor's list (default: the best that works)",
     0},
    {"root", KEY_ROOT, "DIR", 0, "DIR stands for / (DIR/sys, DIR/proc)", 0},
    {"csv", KEY_CSV, "FILE", 0, "write the timeline there", 0},
    {"phase-pattern", KEY_PATTERN, "REGEX", 0,
     "a line of the command's output that matches begins a phase, named by the one "
     "group (its output is then a pipe)",
     0},
    {"listen", KEY_LISTEN, "ADDRESS:PORT", 0,
     "answer Prometheus at http://ADDRESS:PORT/metrics; 127.0.0.1:9102 for instance", 0},
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
  argp_error(state, "--%s takes a time from %g s to %g s such as 0.1s, not '%s'", option,
             low, high, text);
  return low;
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
  case ARGP_KEY_ARG: /* the command: all that follows is its own */
    o->command = &state->argv[state->next - 1];
    state->next = state->argc;
    return 0;
  case ARGP_KEY_END:
    if (o->command == NULL && o->listen == NULL)
      argp_error(state, "say which command: frugal meter [options] -- COMMAND ...");
    if (o->command == NULL && o->pattern != NULL)
      argp_error(state, "--phase-pattern goes with a command");
    return 0;
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

static int finish(cli_metering *m, const cli_metering_options *o, int code) {
  fr__buf text;
  fr_error err;
  fr__buf_init(&text, 0);
  const bool command = o->command != NULL;
  int own = CLI_DONE;
  if (cli_metering_report(m, command ? code : -1, m->result, &text, &err) != FR_OK)
    own = cli_fail(&err);
  char *stored = json_dumps(m->result->result, JSON_COMPACT | JSON_REAL_PRECISION(9));
  if (cli_metering_keep(m, stored, &err) != FR_OK)
    cli_warn(m->result, "the run is not wholly in the store: %s", err.text);
  free(stored);
  if (command)
    leave_stdout();
  if (own == CLI_DONE)
    own = cli_result_print(m->result, &o->output,
                           o->output.quiet && command ? NULL : fr__buf_text(&text));
  fflush(stdout);
  fr__buf_release(&text);
  if (command)
    return own == CLI_DONE || code != 0 ? code : CLI_OWN_FAILURE;
  return own;
}

static int meter(const cli_metering_options *o, int argc, char **argv,
                 cli_result *result) {
  const int failed = o->command != NULL ? CLI_OWN_FAILURE : CLI_FAILED;
  cli_metering m;
  fr_error err;
  if (cli_metering_init(&m, o, result, &err) != FR_OK) {
    cli_fail(&err);
    return failed;
  }
  int code = 0;
  err.text[0] = '\0';
  if (cli_metering_run(&m, argc, argv, &code, &err) != FR_OK) {
    cli_fail(&err);
    code = failed;
  } else if (err.text[0] != '\0') { /* it cannot be run */
    cli_fail(&err);
  } else {
    code = finish(&m, o, code);
  }
  cli_metering_release(&m);
  return code;
}

int cli_cmd_meter(int argc, char **argv) {
  cli_metering_options o = {.interval_s = 0.1};
  argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);
  cli_result result;
  cli_result_init(&result, "meter");
  const int code = meter(&o, argc, argv, &result);
  cli_result_release(&result);
  return code;
}
