/* SPDX-License-Identifier: Apache-2.0 */
/* The places of a plan: which they are, and what is known of their grids. */
#ifndef FR_CLI_PLANNING_PLACES_H
#define FR_CLI_PLANNING_PLACES_H

#include "cli/planning.h"

/* How long a past forecasts of `spec` are made of; of a server less, since each few days
 * of it are a question. */
int64_t cli_forecast_past(const char *spec);

/* Home first, then --regions, each once; nothing is read yet but the criteria. What
 * *planning holds after a failure is released by cli_planning_release. */
enum fr_status cli_places_find(const cli_planning_options *options,
                               cli_planning *planning, fr_error *err);
/* What is known of a place from `from_s` on, and its hours ahead. Home must be known;
 * another place that is not is left out, or has its yearly mean, and a note says so. */
enum fr_status cli_places_read(const cli_planning_options *options, const fr_job *job,
                               cli_planning *planning, fr_error *err);

/* "; near to it: 'gcp:europe-west3', 'aws:…'": three regions at most; "" where none is
 * near. */
void cli_places_near(const char *word, char *text, size_t size);

#endif
