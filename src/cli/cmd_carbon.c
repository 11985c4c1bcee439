/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon VERB: grams, each verb with options of its own. */
#include <stdio.h>
#include <string.h>

#include "cli/carbon.h"

static const cli_command verbs[] = {
    {"equivalents", "what grams are like", cli_carbon_equivalents},
    {"intensity", "grams a kilowatt hour: now, over time, ahead", cli_carbon_intensity},
    {"fleet", "what falls on the devices of users, beside training", cli_carbon_fleet},
    {"footprint", "what energy has cost in grams, hour by hour", cli_carbon_footprint},
    {"regions", "cloud regions: grid, carbon-free share, PUE", cli_carbon_regions},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void print_help(FILE *to) {
  fputs("Usage: frugal carbon VERB [options]\nWhat joules are in grams of CO2.\n\n", to);
  for (size_t i = 0; i < VERBS; i++)
    fprintf(to, "  %-12s %s\n", verbs[i].name, verbs[i].summary);
  fputs("\nfrugal carbon VERB --help tells the options of a verb.\n", to);
}

static bool is_help(const char *word) {
  return strcmp(word, "--help") == 0 || strcmp(word, "-?") == 0 ||
         strcmp(word, "--usage") == 0;
}

int cli_cmd_carbon(int argc, char **argv) {
  if (argc > 1 && is_help(argv[1])) {
    print_help(stdout);
    return CLI_DONE;
  }
  for (size_t i = 0; argc > 1 && i < VERBS; i++)
    if (strcmp(argv[1], verbs[i].name) == 0) {
      char name[48];
      (void)snprintf(name, sizeof name, "frugal carbon %s", verbs[i].name);
      argv[1] = name;
      return verbs[i].run(argc - 1, argv + 1);
    }
  if (argc > 1)
    (void)cli_fail_text("'%s' is not a verb of carbon; frugal carbon --help lists them",
                        argv[1]);
  else
    print_help(stderr);
  return CLI_USAGE;
}
