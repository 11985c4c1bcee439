/* SPDX-License-Identifier: Apache-2.0 */
/* Where batches come from: the samples as they lie in the data set, or what frozen layers
 * made of them. */
#ifndef FR_TRAIN_FEED_H
#define FR_TRAIN_FEED_H

#include "frugal/data.h"
#include "frugal/nn.h"

typedef struct fr__feed {
  size_t count;
  size_t width; /* floats a sample: T * C as layer `from` takes it */
  const float *const
      *x;      /* (count) to (T, C), borrowed; NULL where `flat` holds the samples */
  float *flat; /* (count, width), owned; outputs of the frozen layers */
  const uint32_t *label; /* (count), borrowed */
} fr__feed;

/* Checks shapes and labels against the network and borrows the samples. `what` names them
 * in messages: "training", "validation". */
enum fr_status fr__feed_init(fr__feed *feed, const fr_net *net, const fr_samples *samples,
                             const char *what, fr_error *err);
void fr__feed_release(fr__feed *feed);

/* Copies samples order[0 .. n-1] (NULL: `at`, at + 1 ...) into x (n, width), label (n).
 */
void fr__feed_gather(const fr__feed *feed, const size_t *order, size_t at, size_t n,
                     float *x, uint32_t *label);

/* Room for the outputs of layers [0, layers) of every sample, in `flat`, still to be
 * filled. */
enum fr_status fr__feed_reserve_flat(const fr__feed *feed, const fr_net *net,
                                     size_t layers, float **flat, size_t *width,
                                     fr_error *err);

#endif
