/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs of frugal carbon. */
#ifndef FR_CLI_CARBON_H
#define FR_CLI_CARBON_H

#include "cli/cli.h"

int cli_carbon_equivalents(int argc, char **argv);
int cli_carbon_fleet(int argc, char **argv);
int cli_carbon_footprint(int argc, char **argv);
int cli_carbon_regions(int argc, char **argv);
int cli_carbon_intensity(int argc, char **argv);

/* What fleet was asked, found out and reckoned. */
typedef struct cli_fleet {
  fr_fleet fleet;
  fr_intensity users, training; /* grids of it */
  fr_mix mix;                   /* the users' */
  double trainings_per_year;
  char from[160]; /* where the delta is from: "told", "run 12, of 'frugal meter'" */
  char of[160];   /* what is trained; "" where nothing is told */
} cli_fleet;

/* A table and a sentence; keys of the result, and warnings. */
enum fr_status cli_fleet_tell(const cli_fleet *asked, const fr_fleet_bill *bill,
                              cli_result *result, fr__buf *text, fr_error *err);

#endif
