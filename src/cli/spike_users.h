/* SPDX-License-Identifier: Apache-2.0 */
/* Who used a processor in the last minutes, in bins of time: processes, or phases. A
 * compiler's thirty processes of half a second each are one cause of a spike, by their
 * name.
 */
#ifndef FR_CLI_SPIKE_USERS_H
#define FR_CLI_SPIKE_USERS_H

#include "frugal/frugal.h"
#include "frugal/power.h"

#define CLI_SPIKE_BINS 1024 /* of at least 0.1 s: more than the search looks back */
#define CLI_SPIKE_ACTORS 64
#define CLI_SPIKE_SHORT_S 2.0 /* from the first to the last bin that a short one ran in  \
                               */

typedef struct cli_user {
  char name[64];
  int64_t pid; /* 0: several of that name */
  double total_s;
  size_t first, last; /* bins with use */
  double use_s[CLI_SPIKE_BINS];
} cli_user;

typedef struct cli_users {
  cli_user *user; /* (CLI_SPIKE_ACTORS) owned */
  size_t count;
  double *sum_s; /* (CLI_SPIKE_ACTORS / 2, CLI_SPIKE_BINS) owned: of several of a name */
} cli_users;

enum fr_status cli_users_init(cli_users *users, fr_error *err);
void cli_users_release(cli_users *users);

/* t_s[bin] is where that bin begins, and has those before it. Bins never go back. Where
 * there is no room, short ones of one name make one row, and who used least gives way. */
void cli_users_add(cli_users *users, const char *name, int64_t pid, const double *t_s,
                   size_t bin, double use_s);
/* The oldest bins go. */
void cli_users_forget(cli_users *users, size_t bins);

/*
 * Whom a spike from start_s to end_s is to be compared with: each of them, short ones of
 * one name (CLI_SPIKE_SHORT_S) together, with pid 0 where more than one of them ran in
 * the spike. t_s has bins + 1 times. Valid until `users` change; how many,
 * CLI_SPIKE_ACTORS at most.
 */
size_t cli_users_by_name(const cli_users *users, const double *t_s, size_t bins,
                         double start_s, double end_s, fr_actor actor[CLI_SPIKE_ACTORS]);

#endif
