/* SPDX-License-Identifier: Apache-2.0 */
/* Each test of a test side is logged in the store before it is run. */
#ifndef FR_CLI_OPENINGS_H
#define FR_CLI_OPENINGS_H

#include "cli/work.h"

/* Logs that `net` is about to be tested on the test side of `work`: keys protocol and
 * openings, which counts this one, and a line of the table. A warning, and `openings`
 * null, where the store cannot take it. The opening's number for cli_opening_found; 0:
 * none. */
int64_t cli_opening_begin(const cli_work *work, cli_session *session, const fr_net *net);
/* What it found. */
void cli_opening_found(cli_session *session, int64_t opening, const fr_metrics *metrics);

/* frugal runs openings: each test side, its first opening, how many there were since. */
enum fr_status cli_openings_list(fr_store *store, json_t *result, fr__buf *text,
                                 fr_error *err);

#endif
