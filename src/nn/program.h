/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network as a list of steps from value to value, branches laid flat: what exports and
 * integer inference walk. Made for one sample of full length, in testing: dropout and
 * flatten move no number and have no step.
 */
#ifndef FR_NN_PROGRAM_H
#define FR_NN_PROGRAM_H

#include "nn/chain.h"

enum fr__program_kind {
  FR__PROGRAM_LAYER,    /* out = layer(in) */
  FR__PROGRAM_SHORTCUT, /* out = in P, of a residual layer with a projection */
  FR__PROGRAM_ADD,      /* out = in + other, the end of a residual layer */
  FR__PROGRAM_PLACE /* columns of out from `column` on = in, a parallel layer's branch */
};

typedef struct fr__program_step {
  enum fr__program_kind kind;
  fr__layer *layer;    /* of the network */
  const fr__layer *bn; /* folded into a product; NULL: none */
  bool relu;           /* folded into what the step does */
  size_t source;       /* number of the step before folding */
  size_t in, other, out;
  size_t channels; /* PLACE: of the branch */
  size_t column;
} fr__program_step;

/* What one step writes and others read. */
typedef struct fr__program_value {
  size_t elements;
  size_t readers;
  size_t first, last; /* steps between which it is needed */
  size_t offset;      /* elements from the begin of the buffer */
} fr__program_value;

typedef struct fr__program {
  fr__program_step *step;   /* (step_count), owned */
  fr__program_value *value; /* (value_count), owned; the first is the input */
  size_t step_count, value_count;
  size_t output; /* the value that the network gives */
  size_t buffer; /* elements that all values take, some in the place of others */
} fr__program;

/* The chain must outlive it. */
enum fr_status fr__program_init(fr__program *program, fr__chain *chain, fr_error *err);
void fr__program_release(fr__program *program);

/* bn behind a dense or conv1d becomes part of it, and so does a relu behind a product, a
 * bn, or a sum; where nothing else reads what lies between. */
void fr__program_fuse(fr__program *program);

/* Lets values share room as soon as they are not needed any more; element-wise steps
 * write over their input. Fills offset and buffer. */
enum fr_status fr__program_lay_out(fr__program *program, fr_error *err);

bool fr__layer_named(const fr__layer *layer, const char *name);
/* "3" or, in branches, "3_1_0": number of the layer, for identifiers. */
void fr__layer_number(const fr__layer *layer, char *text, size_t size);
/* Steps of zeros in front of a conv1d's input. */
size_t fr__conv1d_left(const fr__layer *layer);

#endif
