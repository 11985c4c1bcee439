/* SPDX-License-Identifier: Apache-2.0 */
/* From the options of training, which are texts, to what fr_train takes; and back. */
#ifndef FR_CLI_TRAINING_H
#define FR_CLI_TRAINING_H

#include "cli/work.h"

/* What one training needs while it runs. */
typedef struct cli_trainer {
  cli_session *session;
  cli_training *training;
  fr_model teacher;       /* owned; net NULL: none */
  float *class_weight;    /* (K), owned; NULL: none */
  float *positive_weight; /* (K), owned; NULL: none */
  float *rate;            /* (layers), owned; NULL: none */
  fr_checkpoint_options checkpoint;
  fr__buf identity;
  bool ours;  /* the folder: a checkpoint of this run was read or written there */
  char *note; /* what the newest checkpoint keeps for us; owned */
} cli_trainer;

/* Fills the training's options with what its texts name (losses, weights, a teacher,
 * rates, budget); session and training are set. Release it in every case, after which the
 * options point nowhere. */
enum fr_status cli_trainer_start(cli_trainer *t, const cli_work *work,
                                 const cli_input *input, const float *rate,
                                 const fr_net *net, fr_error *err);
void cli_trainer_release(cli_trainer *t);

/* Trains `net` on `work` and fills the session's result, `earlier` included: what a run
 * that was taken up had spent before. `rate` (layers) is used where --layer-rates is not
 * told; NULL: 1. */
enum fr_status cli_train(cli_session *session, cli_training *training,
                         const cli_input *input, cli_work *work, const float *rate,
                         fr_net *net, fr_error *err);

#endif
