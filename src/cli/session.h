/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A metered piece of work of one command: meter, observer, progress, store and result in
 * one place, so that train, test and transfer differ only in the work.
 */
#ifndef FR_CLI_SESSION_H
#define FR_CLI_SESSION_H

#include "base/buf.h"
#include "cli/cli.h"

typedef struct cli_session {
  const cli_output *output;
  cli_result result;
  cli_progress progress;
  fr_meter *meter;
  fr_store *store;
  int64_t run; /* in the store; 0: none */
  fr_observer observer;
  fr_budget budget; /* ends the work when the user interrupts it */
  fr__buf text;     /* of the table on stdout */
  char label[96];   /* of the bar: the last epoch's figures */
  double power_w;   /* last sample's; written by the sampling thread like the next */
  double energy_j;  /* the machine's so far */
} cli_session;

/* Opens meter and store and begins the run; `name` is what it is called there. On failure
 * nothing is left open. */
enum fr_status cli_session_start(cli_session *session, const char *command,
                                 const char *name, int argc, char **argv,
                                 const cli_output *output, fr_error *err);

/* Stops the meter and puts energies, core-seconds and phases into the result and the
 * table. */
enum fr_status cli_session_measured(cli_session *session, fr_error *err);

/* Prints and stores where `status` is FR_OK, else says why not; releases all; an exit
 * code. */
int cli_session_end(cli_session *session, enum fr_status status, const fr_error *err);

/* Keys accuracy, macro_f1, balanced_accuracy, confusion, classes, samples. */
void cli_session_metrics(cli_session *session, const fr_metrics *metrics,
                         const fr_names *classes);

/* What was trained: keys epochs, stop, operations, parameters and network. */
void cli_session_trained(cli_session *session, const fr_net *net,
                         const fr_train_result *trained);

#endif
