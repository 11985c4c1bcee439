/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FR_CLI_EXPORT_STREAM_H
#define FR_CLI_EXPORT_STREAM_H

#include "cli/cli.h"

/* `frugal data export`; argv[0] is its name in usage. */
int cli_export_stream(int argc, char **argv);

#endif
