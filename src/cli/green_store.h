/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of green_state.c that --list and --forget use, too. */
#ifndef FR_CLI_GREEN_STORE_H
#define FR_CLI_GREEN_STORE_H

#include <sys/types.h>

#include "cli/green_state.h"

/* The folder of all states; the caller's (free), also after a failure. */
enum fr_status cli_green_root(bool make, char **out, fr_error *err);
/* The process that has locked the state; 0: none. */
pid_t cli_green_owner(const char *folder);
/* state.json; NULL with *err. */
json_t *cli_green_read(const char *folder, fr_error *err);
bool cli_green_state_parse(cli_green_state *state, const json_t *whole);

#endif
