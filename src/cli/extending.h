/* SPDX-License-Identifier: Apache-2.0 */
/* A model that learns more classes: the work of frugal extend, from the model's file to
 * the new one. */
#ifndef FR_CLI_EXTENDING_H
#define FR_CLI_EXTENDING_H

#include "cli/work.h"

/* What is asked for. */
typedef struct cli_extend {
  cli_output output;
  cli_input input;       /* what is not told is the model's */
  cli_training training; /* options.batch 0: none is told */
  fr_extend_options extend;
  fr_dataset *data;        /* what input.data names, where it was read already; taken
                              over; NULL: it is read */
  const char *source;      /* path of the model */
  const char *replay_from; /* SPEC of old classes that the data has not; NULL: the model's
                              own data */
  const char *signs;       /* of the new ones, a list; NULL: all */
  bool compares;           /* trains from scratch, too */
  bool refine_told;        /* what the second stage alone obeys */
} cli_extend;

/* What came of it. */
typedef struct cli_extended {
  fr_extend_result result;
  fr_names fresh;       /* added; owned */
  const fr_names *olds; /* the model's */
  char *replayed;       /* SPEC that old classes were read of, beside the data's; owned */
  fr_metrics before; /* the old network on its own classes; samples 0: none are there */
  bool scratched;    /* `scratch` was trained to its end */
  fr_train_result scratch;
  fr_metrics scratch_metrics; /* of all classes; samples 0: not tested */
} cli_extended;

/* Reads, extends, tests, measures, saves and tells. */
enum fr_status cli_extend_run(cli_session *session, cli_extend *e, fr_error *err);

/* Keys added, old_classes, new_classes, replay, stages, training, program_per_class,
 * scratch, after cli_session_measured. */
void cli_extend_tell(cli_session *session, const cli_extend *e, const cli_extended *x);

#endif
