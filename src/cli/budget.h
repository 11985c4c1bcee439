/* SPDX-License-Identifier: Apache-2.0 */
/* What a run may spend: joules of the program, grams, time; and the accuracy that ends
 * it. */
#ifndef FR_CLI_BUDGET_H
#define FR_CLI_BUDGET_H

#include "frugal/base.h"

/* 0: no limit of that kind. */
typedef struct cli_budget {
  double energy_j;   /* of the program */
  double grams;      /* CO2 equivalent of that energy */
  double duration_s; /* wall time */
  double accuracy;   /* on the validation side, a share */
} cli_budget;

/* "500J", "1.5 kWh", "2gCO2e", "10min", "accuracy=0.95", or several parted by commas:
 * whichever is reached first. FR_ERR_ARGUMENT with a sentence. */
enum fr_status cli_budget_parse(const char *text, cli_budget *out, fr_error *err);

#endif
