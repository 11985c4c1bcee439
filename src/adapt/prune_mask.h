/* SPDX-License-Identifier: Apache-2.0 */
/* Single weights that are held at 0: those of products, tensors of two axes or more. */
#ifndef FR_ADAPT_PRUNE_MASK_H
#define FR_ADAPT_PRUNE_MASK_H

#include "frugal/prune.h"

typedef struct fr__prune_mask {
  size_t weights;
  float *keep;  /* (weights) 1, or 0 where it is held at 0; owned */
  float *score; /* (weights) what each is worth, unless its size tells; owned or NULL */
  float *room;  /* (weights); owned */
} fr__prune_mask;

/* Everything is kept at first. Release it in every case. */
enum fr_status fr__prune_mask_init(fr__prune_mask *mask, const fr_net *net, bool scored,
                                   fr_error *err);
void fr__prune_mask_release(fr__prune_mask *mask);

/* That share of the weights goes: the least of each tensor, or of all. */
void fr__prune_mask_choose(fr__prune_mask *mask, const fr_net *net, double amount,
                           bool global);
/* Sets to 0 what is not kept. */
void fr__prune_mask_apply(const fr__prune_mask *mask, fr_net *net);
/* Adds (w dL/dw)^2 of the gradients at hand to the scores. */
void fr__prune_mask_add_taylor(fr__prune_mask *mask, const fr_net *net);

bool fr__prune_is_product(const fr_tensor *tensor);
/* Weights of products, and how many of them are 0. */
size_t fr__prune_weights(const fr_net *net, size_t *zeros);

#endif
