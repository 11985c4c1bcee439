/* SPDX-License-Identifier: Apache-2.0 */
/* A recording or a log of another program's as a run in the store, so that it is listed,
 * shown and drawn like one that was metered here. That it cannot be kept is a warning. */
#ifndef FR_CLI_KEEP_LOG_H
#define FR_CLI_KEEP_LOG_H

#include "cli/metering.h"

#define CLI_LOG_ROWS 1024 /* written at a time */

typedef struct cli_log {
  cli_metering *metering;
  bool failed; /* it was told; nothing further is tried */
  size_t rows; /* waiting */
  fr_store_sample row[CLI_LOG_ROWS];
} cli_log;

/* Opens the store and begins the run `name` with its command line: metering->store and
 * run. `domain` names domain_w of all samples; it may be NULL where there are none. */
void cli_log_begin(cli_log *log, cli_metering *metering, const char *name, int argc,
                   char **argv, const char *const *domain, size_t domains);

/* `domain_w` (domains of the beginning) must stay until the next flush. */
void cli_log_add(cli_log *log, const fr_power_sample *sample, const double *domain_w,
                 size_t domains);

/* Writes what waits. */
void cli_log_flush(cli_log *log);

/* Ends the run with the metering's result, whose key `run` it sets, and closes the
 * store; `done` false: it failed. Nothing where none was begun or it
 * ended already. */
void cli_log_end(cli_log *log, bool done);

#endif
