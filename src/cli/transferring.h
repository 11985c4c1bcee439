/* SPDX-License-Identifier: Apache-2.0 */
/* What a transfer tells beside its training: what was chosen, what its source had cost,
 * what training from scratch costs. */
#ifndef FR_CLI_TRANSFERRING_H
#define FR_CLI_TRANSFERRING_H

#include "cli/work.h"

/* Training from scratch with the same data, stopping rule and seed, for comparison. */
typedef struct cli_scratch {
  bool done; /* to its end */
  size_t epochs;
  enum fr_stop stop;
  double validate_accuracy; /* NaN: not validated */
  uint64_t operations;
} cli_scratch;

/* What `depths` tells where it is by people, trials or the validation side. */
typedef struct cli_transferred {
  const fr_transfer_result *result;
  const char *source;         /* path of the model */
  const char *held;           /* "people", "trials" or "validation"; NULL: no choice */
  const cli_scratch *scratch; /* NULL: not asked for */
} cli_transferred;

/* Keys kept_layers, frozen_layers, frozen_outputs, choice, training, pretraining,
 * scratch, after cli_session_measured. */
void cli_transfer_tell(cli_session *session, const cli_transferred *transferred);

#endif
