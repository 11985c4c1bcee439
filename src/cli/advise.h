/* SPDX-License-Identifier: Apache-2.0 */
/* What frugal advise was asked, and its answer as text and JSON. */
#ifndef FR_CLI_ADVISE_H
#define FR_CLI_ADVISE_H

#include "cli/cli.h"

typedef struct cli_advice_asked {
  fr_advise_options options;
  double tests_per_day, life_days;
  fr_intensity intensity;
  double pue;
  int64_t study;  /* that was run for it; 0: none */
  json_t *budget; /* what it says of its budget; borrowed; NULL */
} cli_advice_asked;

/* "10000", "10k", "1.5M": false where it is no such number, or none above 0. */
bool cli_advise_count(const char *text, double *count);
/* "2y", "18mo", "26w", "90d" in days of 24 hours, a year of 365.25. */
bool cli_advise_life(const char *text, double *days);

/* A few lines, wrapped at `columns`. */
void cli_advice_text(const cli_advice_asked *asked, const fr_advice *advice,
                     size_t columns, fr__buf *out);
/* Fills result and warnings. */
void cli_advice_result(const cli_advice_asked *asked, const fr_advice *advice,
                       cli_result *result);

#endif
