/* SPDX-License-Identifier: Apache-2.0 */
/* The forward pass over many samples, without learning: validation and test share it. */
#ifndef FR_TRAIN_EVALUATE_H
#define FR_TRAIN_EVALUATE_H

#include "frugal/train.h"
#include "train/feed.h"

/* The arrays of one batch, in front of a network's layer `from`. */
typedef struct fr__batch {
  size_t size;     /* B, at most */
  float *x;        /* (B, width), owned */
  uint32_t *label; /* (B), owned */
  float *d_output; /* (B, K), owned; NULL where nothing is trained */
} fr__batch;

/* `width` floats a sample. */
enum fr_status fr__batch_init(fr__batch *batch, size_t size, size_t width, size_t classes,
                              bool train, fr_error *err);
void fr__batch_release(fr__batch *batch);

typedef struct fr__tally {
  double loss; /* mean over the samples */
  double accuracy;
} fr__tally;

/* Runs layers from `from` on over all samples of `feed`, in order. `metrics` (may be
 * NULL) is told every batch, `observer` the progress of `what` (NULL: nothing). Allocates
 * nothing. The network has room for batch->size samples. */
fr__tally fr__evaluate(fr_net *net, const fr__feed *feed, size_t from, enum fr_loss loss,
                       fr__batch *batch, const fr_observer *observer, const char *what,
                       fr_metrics *metrics);

#endif
