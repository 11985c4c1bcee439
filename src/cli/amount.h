/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts with a unit, as people type them: 2kJ, 30W, 4/year. */
#ifndef FR_CLI_AMOUNT_H
#define FR_CLI_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cli_unit {
  const char *name; /* "": a bare number */
  double factor;
} cli_unit;

/* A number above 0, blanks, one of the units: times its factor. False, with *value
 * undefined, where it is anything else. */
bool cli_amount(const char *text, const cli_unit *units, size_t count, double *value);

#endif
