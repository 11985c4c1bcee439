/* SPDX-License-Identifier: Apache-2.0 */
/* A log of another program's as a run in the store, so that it is listed, shown and drawn
 * like one that was metered here. */
#ifndef FR_CLI_KEEP_LOG_H
#define FR_CLI_KEEP_LOG_H

#include "cli/metering.h"
#include "meter/hwinfo.h"

/* Opens the store and begins a run with all samples of the log: metering->store and run.
 * That it cannot be kept is a warning. */
void cli_log_keep(cli_metering *metering, const fr__hwinfo *log);

/* Ends the run with the result, and closes the store; nothing where none was begun. */
void cli_log_end(cli_metering *metering);

#endif
