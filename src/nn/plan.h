/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network as a list of steps from value to value, branches laid flat: what exports and
 * integer inference walk. Made for one sample of full length, in testing: dropout and
 * flatten move no number and have no step.
 */
#ifndef FR_NN_PLAN_H
#define FR_NN_PLAN_H

#include "nn/chain.h"

enum fr__plan_kind {
  FR__PLAN_LAYER,    /* out = layer(in) */
  FR__PLAN_SHORTCUT, /* out = in P, of a residual layer with a projection */
  FR__PLAN_ADD,      /* out = in + other, the end of a residual layer */
  FR__PLAN_PLACE     /* columns of out from `column` on = in, a parallel layer's branch */
};

typedef struct fr__plan_step {
  enum fr__plan_kind kind;
  fr__layer *layer;    /* of the network */
  const fr__layer *bn; /* folded into a product; NULL: none */
  bool relu;           /* folded into what the step does */
  size_t source;       /* number of the step before folding */
  size_t in, other, out;
  size_t channels; /* PLACE: of the branch */
  size_t column;
} fr__plan_step;

/* What one step writes and others read. */
typedef struct fr__plan_value {
  size_t elements;
  size_t readers;
  size_t first, last; /* steps between which it is needed */
  size_t offset;      /* elements from the begin of the buffer */
} fr__plan_value;

typedef struct fr__plan {
  fr__plan_step *step;   /* (step_count), owned */
  fr__plan_value *value; /* (value_count), owned; the first is the input */
  size_t step_count, value_count;
  size_t output; /* the value that the network gives */
  size_t buffer; /* elements that all values take, some in the place of others */
} fr__plan;

/* The chain must outlive it. */
enum fr_status fr__plan_init(fr__plan *plan, fr__chain *chain, fr_error *err);
void fr__plan_release(fr__plan *plan);

/* bn behind a dense or conv1d becomes part of it, and so does a relu behind a product, a
 * bn, or a sum; where nothing else reads what lies between. */
void fr__plan_fuse(fr__plan *plan);

/* Lets values share room as soon as they are not needed any more; element-wise steps
 * write over their input. Fills offset and buffer. */
enum fr_status fr__plan_lay_out(fr__plan *plan, fr_error *err);

bool fr__layer_named(const fr__layer *layer, const char *name);
/* "3" or, in branches, "3_1_0": number of the layer, for identifiers. */
void fr__layer_number(const fr__layer *layer, char *text, size_t size);
/* Steps of zeros in front of a conv1d's input. */
size_t fr__conv1d_left(const fr__layer *layer);

#endif
