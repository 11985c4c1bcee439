/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts with a unit, as people type them: 2kJ, 30W, 4/year. */
#ifndef FR_CLI_AMOUNT_H
#define FR_CLI_AMOUNT_H

#include "frugal/base.h"

typedef struct cli_unit {
  const char *name; /* "": a bare number */
  double factor;
} cli_unit;

/* A number above 0, blanks, one of the units: times its factor. False, with *value
 * undefined, where it is anything else. */
bool cli_amount(const char *text, const cli_unit *units, size_t count, double *value);

/* "2kWh", "500kJ", "25-35W": a range's middle is the value, its ends the bounds; of
 * source import. J, Wh and W with the usual prefixes. False, and *out as it was, where it
 * is anything else. */
bool cli_amount_energy(const char *text, fr_measure *out);
bool cli_amount_power(const char *text, fr_measure *out);
/* "300kg", "250-350kg", "1.2t", "500g", "2lb": gCO2e. */
bool cli_amount_grams(const char *text, fr_measure *out);

#endif
