/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cli_command commands[] = {
    {"demo", "a small study on the data found, or on synthetic walkers", cli_cmd_demo},
    {"study", "run a matrix of experiments and report on it", cli_cmd_study},
    {"train", "train a network from scratch", cli_cmd_train},
    {"test", "accuracy and energy of a model on data", cli_cmd_test},
    {"transfer", "start from a trained model", cli_cmd_transfer},
    {"extend", "add classes to a trained model and keep the old ones", cli_cmd_extend},
    {"prune", "a smaller model out of a trained one", cli_cmd_prune},
    {"quantize", "a trained model in fewer bits, and what that costs and saves",
     cli_cmd_quantize},
    {"export", "a model as a file for other runtimes", cli_cmd_export},
    {"import", "a model of weights that PyTorch or Keras learned", cli_cmd_import},
    {"info", "the card of a model or of a named network", cli_cmd_info},
    {"meter", "what any command costs: joules, power over time, phases", cli_cmd_meter},
    {"phase", "mark a phase of the meter around this", cli_cmd_phase},
    {"doctor", "which energy sensors work, and what the others need", cli_cmd_doctor},
    {"recognize", "signs in frames that come on stdin", cli_cmd_recognize},
    {"advise", "which mechanism, network and precision cost least over a model's life",
     cli_cmd_advise},
    {"plan", "in which region and at what hour a job emits least", cli_cmd_plan},
    {"carbon", "what falls on users' devices, beside training", cli_cmd_carbon},
    {"data", "list, check, fetch and export data sets", cli_cmd_data},
    {"run", "a command when the grid is clean: it waits, pauses and goes on",
     cli_cmd_run},
    {"runs", "what was run", cli_cmd_runs},
    {"report", "one HTML file of a study", cli_cmd_report},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *to) {
  fputs("Usage: frugal COMMAND [options]\n"
        "Trains, adapts and runs small neural networks on motion and gesture sequences, "
        "and\n"
        "accounts for every joule and gram of CO2 that it spends.\n\n",
        to);
  for (size_t i = 0; i < COMMANDS; i++)
    fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
  fputs("\nfrugal COMMAND --help tells the options of a command; frugal --version the "
        "version.\n",
        to);
}

/* A full disk behind stdout must not pass for success. */
static int flushed(void) {
  if (fflush(stdout) != 0 || ferror(stdout))
    return cli_fail_text("standard output cannot be written");
  return CLI_DONE;
}

static int run_command(const cli_command *command, int argc, char **argv) {
  char name[32];
  snprintf(name, sizeof name, "frugal %s", command->name);
  argv[1] = name;
  argp_err_exit_status = CLI_USAGE;
  return command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv) {
  signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is an error, not an end */
  if (argc < 2) {
    print_help(stderr);
    return CLI_USAGE;
  }
  const char *word = argv[1];
  if (strcmp(word, "--help") == 0 || strcmp(word, "-?") == 0 ||
      strcmp(word, "help") == 0) {
    print_help(stdout);
    return flushed();
  }
  if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
    puts("frugal " FR_VERSION);
    return flushed();
  }
  for (size_t i = 0; i < COMMANDS; i++)
    if (strcmp(word, commands[i].name) == 0) {
      const int code = run_command(&commands[i], argc, argv);
      return code == CLI_DONE ? flushed() : code;
    }
  fprintf(stderr, "frugal: '%s' is not a command; frugal --help lists them\n", word);
  return CLI_USAGE;
}
