/* SPDX-License-Identifier: Apache-2.0 */
/* The forward pass over many samples, without learning: validation and test share it. */
#ifndef FR_TRAIN_EVALUATE_H
#define FR_TRAIN_EVALUATE_H

#include "frugal/train.h"
#include "train/feed.h"

typedef struct fr__tally {
  double loss; /* mean over the samples */
  double accuracy;
} fr__tally;

/* Runs layers from `from` on over all samples of `feed`, in order. `metrics` (may be
 * NULL) is told every batch, `observer` the progress of `what` (NULL: nothing). Allocates
 * nothing. The network has room for batch->size samples. */
fr__tally fr__evaluate(fr_net *net, const fr__feed *feed, size_t from,
                       const fr_loss_options *loss, fr__batch *batch,
                       const fr_observer *observer, const char *what,
                       fr_metrics *metrics);

#endif
