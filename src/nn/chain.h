/* SPDX-License-Identifier: Apache-2.0 */
/* Layers one after another: a network, or a branch within one of its layers. */
#ifndef FR_NN_CHAIN_H
#define FR_NN_CHAIN_H

#include "base/arena.h"
#include "base/buf.h"
#include "nn/layer.h"

#define FR__CHAIN_CEILING 256 /* layers */

struct fr__chain {
  fr__layer *layer; /* (count), owned */
  size_t count;
  fr_shape in, out;

  /* Since fr__chain_lay_out. */
  size_t lowest; /* the lowest layer that has something to train; count: none has */
};

/* ---- chain.c: what a chain is ---- */

/* Reads the whole source. `holder` is the layer whose branch number `branch` this is;
 * NULL: the network itself. */
enum fr_status fr__chain_init(fr__chain *chain, fr__source *source,
                              const fr__layer *holder, size_t branch, fr_error *err);
void fr__chain_release(fr__chain *chain);

/* Shapes from the first layer to the last; *chain is changed even where it fails. */
enum fr_status fr__chain_shape(fr__chain *chain, fr_shape in, bool sequence_follows,
                               fr_error *err);
void fr__chain_text(const fr__chain *chain, fr__buf *buf); /* normal form */
uint64_t fr__chain_operations(const fr__chain *chain);     /* FLOP of one sample */

/* Calls visit for each layer, those in its branches before the layer itself, until one
 * fails. */
typedef enum fr_status fr__visit(void *self, fr__layer *layer, fr_error *err);
enum fr_status fr__chain_each(fr__chain *chain, fr__visit *visit, void *self,
                              fr_error *err);

/* Initial values of layer `index` and of its branches. */
void fr__chain_init_layer(fr__chain *chain, size_t index, fr__rng *rng, bool rectified);

/* ---- chain_run.c: what a chain does ---- */

/* Lays the activations out; a measuring arena leaves the chain as it is. */
void fr__chain_lay_out(fr__chain *chain, const fr__room *room, fr__arena *arena);

/* Layers [from, to) on x; the output of the last one. pass->length belongs to x. */
const float *fr__chain_forward(fr__chain *chain, const fr__pass *pass, const float *x,
                               size_t from, size_t to);

/* d loss / d input from d loss / d output, which it leaves as it is. `dx` (not dy) NULL:
 * only the gradients of the tensors. pass->length as in the forward pass. */
void fr__chain_backward(fr__chain *chain, const fr__pass *pass, const float *dy,
                        float *dx);

/* Steps that a sample with `length` steps at the input has behind layer to - 1. */
size_t fr__chain_length(const fr__chain *chain, size_t to, size_t length);

#endif
