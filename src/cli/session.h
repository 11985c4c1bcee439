/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A metered piece of work of one command: meter, observer, progress, store and result in
 * one place, so that train, test and transfer differ only in the work.
 */
#ifndef FR_CLI_SESSION_H
#define FR_CLI_SESSION_H

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/tensorboard.h"

/* Of a run: by earlier processes, where it was taken up. */
typedef struct cli_spent {
  fr_measure energy, program, core_seconds;
  double duration_s; /* 0: nothing, and the measures mean nothing */
} cli_spent;

typedef struct cli_session {
  const cli_output *output;
  cli_result result;
  cli_progress progress;
  fr_meter *meter;
  fr_store *store;
  int64_t run; /* in the store; 0: none */
  fr_observer observer;
  fr_budget budget;   /* ends the work when it is spent, or the user interrupts it */
  cli_budget limits;  /* of it; 0: none */
  double grams_per_j; /* where grams are limited */
  cli_spent earlier;
  uint64_t start_ns;
  cli_tensorboard *board; /* owned; NULL: none */
  char *ledger;           /* file that keeps what was spent, beside checkpoints; owned */
  /* Phases that a model that is saved has no part in, the last NULL; NULL: none. */
  const char *const *aside;
  const char *past; /* provenance of the model that is started from; NULL: none */
  fr_error late;  /* what failed after the result was there: it is printed all the same */
  fr__buf text;   /* of the table on stdout */
  char label[96]; /* of the bar: the last epoch's figures */
  double power_w; /* last sample's; written by the sampling thread like the next */
  double energy_j;  /* the machine's so far */
  double program_j; /* the program's so far */
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

/* Keys accuracy, macro_f1, weighted_f1, balanced_accuracy, confusion, classes, samples.
 */
void cli_session_metrics(cli_session *session, const fr_metrics *metrics,
                         const fr_names *classes);
/* Keys accuracy, macro_f1, weighted_f1, balanced_accuracy, samples of `to`. */
void cli_add_figures(const fr_metrics *metrics, json_t *to);
/* Of the validation side, the test side being left closed: the same under `validate`, and
 * null where the test side's stand. */
void cli_session_validated(cli_session *session, const fr_metrics *metrics,
                           const fr_names *classes);

/* The same without a validation side: there is a model and what it cost. */
void cli_session_unseen(cli_session *session, const fr_names *classes);

/* Of labels: key labels, `confusion` null, and a table. */
void cli_session_labels(cli_session *session, const fr_metrics *metrics,
                        const fr_names *labels);

/* Sets the limits of the session's budget. */
enum fr_status cli_session_budget(cli_session *session, const cli_training *training,
                                  fr_error *err);
bool cli_session_within_budget(const cli_session *session);
/* Of the program, as the last sample told, this process alone. */
double cli_session_program_j(const cli_session *session);

/* All that was spent so far, as JSON for a checkpoint; the caller's (free), or NULL. */
char *cli_session_spent(cli_session *session);
/* The run is taken up after so many steps; `note` is cli_session_spent of then. Keys
 * earlier, resumed_from. */
void cli_session_resumed(cli_session *session, size_t steps, const char *note);
/* A line of the table: that the run was taken up, and what it had cost. */
void cli_session_tell_earlier(cli_session *session, const fr_train_result *trained);
/* Keeps what was spent up to now in the ledger, where there is one. */
void cli_session_keep_ledger(cli_session *session);
/* What cli_spent_json wrote; measures that it does not tell are absent. */
void cli_spent_read(const json_t *from, cli_spent *out);
/* `first`: *to holds nothing yet. */
void cli_spent_add(cli_spent *to, bool first, const cli_spent *more);
/* Joules of the program, where they are known, else core-seconds. */
fr_measure cli_spent_cost(const cli_spent *spent);
/* `m` without a part of it; as it is where either is not known. */
fr_measure cli_measure_less(fr_measure m, fr_measure part);
/* What the commands took that a model came out of, by its provenance. */
typedef struct cli_past {
  size_t commands;         /* 0: nothing is told, and the sums mean nothing */
  cli_spent all, training; /* all of a command that does not tell its training */
} cli_past;
cli_past cli_past_read(const char *provenance); /* NULL: nothing */
/* Of all phases of the result under one of the names (NULL-terminated): "train" is
 * "train/forward", too. */
cli_spent cli_session_phases(const cli_session *session, const char *const *names);
/* Of the phases that a model is made in: train, validate, choose, prune, quantize,
 * and extend's features, head, refine. */
cli_spent cli_session_training(const cli_session *session);
json_t *cli_spent_json(const cli_spent *spent); /* a new reference */
/* Keys energy, program and core_seconds of `to`. */
void cli_spent_write(const cli_spent *spent, json_t *to);

/* What was trained: keys epochs, stop, operations, parameters and network. */
void cli_session_trained(cli_session *session, const fr_net *net,
                         const fr_train_result *trained);

#endif
