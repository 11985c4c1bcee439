/* SPDX-License-Identifier: Apache-2.0 */
/* The gradient of several batches as if they were one: Σ w g / Σ w. */
#ifndef FR_TRAIN_GRADIENTS_H
#define FR_TRAIN_GRADIENTS_H

#include "frugal/nn.h"

typedef struct fr__gradients {
  float *sum; /* (count) of every tensor with a gradient; owned */
  size_t count;
  double weight; /* of what was added so far */
} fr__gradients;

/* After fr_net_reserve. */
enum fr_status fr__gradients_init(fr__gradients *gradients, const fr_net *net,
                                  fr_error *err);
void fr__gradients_release(fr__gradients *gradients);

/* Adds what the network's last backward pass gave, `weight` times. */
void fr__gradients_add(fr__gradients *gradients, const fr_net *net, double weight);

/* Puts the mean into the network's gradients, and is empty again. */
void fr__gradients_finish(fr__gradients *gradients, const fr_net *net);

#endif
