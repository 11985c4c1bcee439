/* SPDX-License-Identifier: Apache-2.0 */
/* frugal run: a command when the grid is clean, here or by Slurm. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/green.h"

enum {
  KEY_GREEN = 0x2000,
  KEY_SLURM,
  KEY_SLURM_OPTION,
  KEY_NO_PAUSE,
  KEY_LIST,
  KEY_FORGET
};

static const struct argp_option options[] = {
    {"green", KEY_GREEN, NULL, 0,
     "wait, pause and go on with the grid, so that it emits least and ends by --deadline",
     0},
    {"slurm", KEY_SLURM, NULL, 0,
     "hand it to Slurm with the best time to begin (sbatch --begin), and return", 0},
    {"slurm-option", KEY_SLURM_OPTION, "OPTION", 0,
     "for sbatch, as it is: --slurm-option=--partition=short; may be told again", 0},
    {"no-pause", KEY_NO_PAUSE, NULL, 0, "once it has begun it runs to its end", 0},
    {"list", KEY_LIST, NULL, 0, "what waits, is at work or was cut off", 0},
    {"forget", KEY_FORGET, "ID|all", 0, "what was cut off, with its checkpoints", 0},
    {0},
};

static void add_slurm_option(cli_run_options *o, const char *text,
                             struct argp_state *state) {
  const char **grown = realloc(o->slurm_option, (o->slurm_options + 1) * sizeof *grown);
  if (grown == NULL)
    argp_failure(state, CLI_FAILED, 0, "out of memory");
  if (text[0] != '-')
    argp_error(state,
               "--slurm-option takes an option of sbatch, such as "
               "--slurm-option=--partition=short, not '%s'",
               text);
  if (grown == NULL)
    return;
  o->slurm_option = grown;
  grown[o->slurm_options++] = text;
}

/* Where the job runs is this machine, and when is the clock's to say. */
static void check_plan(const cli_planning_options *plan, struct argp_state *state) {
  if (plan->now_s != FR_TIME_EARLIEST)
    argp_error(state, "a run goes by the clock: --now is of frugal plan");
  if (plan->lists > 0 || plan->home != NULL || plan->series != NULL ||
      plan->criteria != NULL || plan->residency != NULL || plan->data_gb > 0 ||
      plan->data_kwh_per_gb > 0 || !isnan(plan->max_latency_ms) ||
      !isnan(plan->min_carbon_free) || !isnan(plan->max_price))
    argp_error(state, "the command runs on this machine: other regions are of frugal "
                      "plan, and --intensity tells its grid");
  if (plan->intensity == NULL)
    argp_error(state, "say which grid this machine is on: --intensity SPEC");
}

static void check(cli_run_options *o, struct argp_state *state) {
  if (o->list || o->forget != NULL) {
    if (o->command != NULL || o->green || o->slurm || (o->list && o->forget != NULL))
      argp_error(state, "--list and --forget go alone");
    return;
  }
  if (o->green == o->slurm)
    argp_error(state, o->green
                          ? "--green waits here, --slurm lets Slurm wait: say one"
                          : "say how: --green waits for the grid here, --slurm hands "
                            "the time to Slurm");
  if (o->command == NULL)
    argp_error(state, "say which command: frugal run --green --deadline 24h -- COMMAND");
  if (o->slurm_options > 0 && !o->slurm)
    argp_error(state, "--slurm-option goes with --slurm");
  if (o->no_pause && (o->plan.min_piece_s > 0 || o->plan.most_pieces > 0 ||
                      o->plan.resume_s > 0 || o->plan.resume_j > 0))
    argp_error(state, "--min-piece, --pieces, --resume-time and --resume-energy are of a "
                      "command that may pause");
  check_plan(&o->plan, state);
}

static error_t parse(int key, char *text, struct argp_state *state) {
  cli_run_options *o = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &o->plan;
    state->child_inputs[1] = &o->output;
    return 0;
  case KEY_GREEN: o->green = true; return 0;
  case KEY_SLURM: o->slurm = true; return 0;
  case KEY_SLURM_OPTION: add_slurm_option(o, text, state); return 0;
  case KEY_NO_PAUSE: o->no_pause = true; return 0;
  case KEY_LIST: o->list = true; return 0;
  case KEY_FORGET: o->forget = text; return 0;
  case ARGP_KEY_ARG: /* the command: all that follows is its own */
    o->command = &state->argv[state->next - 1];
    state->next = state->argc;
    return 0;
  case ARGP_KEY_END: check(o, state); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {
    {&cli_planning_argp, 0, NULL, 0}, {&cli_output_argp, 0, "Output:", 90}, {0}};
static const struct argp argp = {
    options,
    parse,
    "--green|--slurm --deadline TIME [--duration TIME] [--] COMMAND [ARGUMENT...]\n"
    "--list\n"
    "--forget ID|all",
    "Runs a command when the grid is clean, and in time: it waits for the best hours, "
    "pauses in dirty ones and goes on, and has ended by the deadline as far as the "
    "duration that was told is right (default: that of the newest finished run of the "
    "same command line). stdin, stdout, stderr and exit code are the command's (125: our "
    "own failure; 126, 127: it cannot be run, is not found); what frugal says goes to "
    "stderr.\v"
    "The command runs on this machine and goes by the clock: --now and other regions are "
    "of frugal plan, and refused here.\n\n"
    "How it pauses: frugal train, transfer and extend end with a checkpoint and go on "
    "from it (--checkpoint and --resume are added where they are not told), frugal study "
    "goes on from its store. Any other program is stopped (SIGSTOP) with all that it has "
    "started, and continued (SIGCONT): meanwhile the clock goes on for it, so that "
    "connections, leases and timers of it may run out; --no-pause is for such programs.\n"
    "\n"
    "Where frugal run is killed or the machine rebooted, the same command line in the "
    "same folder takes it up, with its deadline: a frugal command from its checkpoint. A "
    "foreign program does not survive that, and begins anew. --list tells what was cut "
    "off, --forget drops it.\n"
    "\n"
    "Slurm: a frugal command that may pause becomes a chain of jobs, one for each piece, "
    "any other one job.",
    children,
    NULL,
    NULL};

int cli_cmd_run(int argc, char **argv) {
  cli_run_options o = {.plan = cli_planning_default_options()};
  o.plan.interruptible = true; /* as far as --no-pause does not forbid it */
  argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);
  const int code = o.list             ? cli_green_list(&o.output)
                   : o.forget != NULL ? cli_green_forget(o.forget, &o.output)
                   : o.slurm          ? cli_green_submit(&o)
                                      : cli_green_run(&o, argc, argv);
  free(o.slurm_option);
  return code;
}
