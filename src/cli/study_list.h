/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FR_CLI_STUDY_LIST_H
#define FR_CLI_STUDY_LIST_H

#include "cli/cli.h"

/* Prints what fr_study_list found; the exit code. */
int cli_print_study_list(const char *json, const cli_output *output);

#endif
