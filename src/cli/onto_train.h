/* SPDX-License-Identifier: Apache-2.0 */
/* What train --onto does before its training: looks at model and data, and decides. */
#ifndef FR_CLI_ONTO_TRAIN_H
#define FR_CLI_ONTO_TRAIN_H

#include "cli/onto.h"
#include "cli/work.h"

typedef struct cli_onto {
  const char *path; /* of the model */
  fr_model model;   /* owned */
  fr__buf unlike;   /* what is not alike in the numbers of model and data; owned */
  fr_error headless;
  fr_net *scratch; /* the network that training from scratch begins with; owned */
  cli_onto_facts facts;
  cli_onto_decision decision;
} cli_onto;

/* Reads and prepares the data as the model's was, where the two fit; `input`'s unset
 * fields are then the model's. `net` is the network of training from scratch; NULL: the
 * model's own with new weights, where it fits, else small. Release it in every case. */
enum fr_status cli_onto_open(cli_onto *o, cli_session *session, cli_input *input,
                             const cli_training *training, const char *net,
                             cli_work *work, fr_error *err);
void cli_onto_release(cli_onto *o);

/* Key decision, and the table's first lines. */
void cli_onto_tell(cli_session *session, const cli_onto *o);

#endif
