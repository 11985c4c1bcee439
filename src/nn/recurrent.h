/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lstm and gru share: their text, the order of the steps in both directions, samples
 * of different lengths, and all products of matrices. The cell itself, which is
 * element-wise, is the family's own.
 *
 * One direction over one batch is a fr__recurrence. Input x (B, T, C), G gates of H
 * units:
 *
 *   gates_t = x_t W + b                      W (C, GH), R (H, GH)
 *   sums_t  = h_{t-1} R  (added to gates_t, or apart from them with a bias of its own)
 *   h_t     = cell(gates_t, sums_t, h_{t-1})
 *
 * and in the reverse direction h_{t+1} for h_{t-1}. What is kept lies time-major
 * (T, B, ·), so that each step works on dense rows.
 */
#ifndef FR_NN_RECURRENT_H
#define FR_NN_RECURRENT_H

#include "nn/layer.h"

/* The tensors of a direction, in order. */
enum fr__recurrent_tensor {
  FR__RECURRENT_WEIGHT,
  FR__RECURRENT_RECURRENT,
  FR__RECURRENT_BIAS,
  FR__RECURRENT_SUM_BIAS, /* "recurrent_bias", of sums that are apart */
  FR__RECURRENT_TENSORS
};

typedef struct fr__recurrence fr__recurrence;

struct fr__cell {
  size_t gates;   /* G */
  size_t kept;    /* floats that a unit keeps of each step beside its gates and h */
  size_t state;   /* of them, those at the front that go on to the next step */
  size_t carried; /* floats that go back from step to step for each unit, beside dh */
  bool apart;     /* the sums are kept, in `kept`, and have a bias: a fourth tensor */
  uint64_t operations; /* of a unit in a step, beside the products */

  /* h of step t from its gates and sums. */
  void (*forward)(const fr__recurrence *r, size_t t);
  /*
   * dh (B, H), rows ld_dh apart, is d loss / d h_t; gates and sums become their
   * gradients. Where the sums are apart, r->dh is set to that part of d loss / d h of the
   * step before that passes no product; dh may be r->dh.
   */
  void (*backward)(const fr__recurrence *r, size_t t, const float *dh, size_t ld_dh);
};

struct fr__recurrence {
  const fr__cell *cell;
  const fr__layer *layer;
  const fr__pass *pass;
  const fr_tensor *tensor; /* this direction's */
  bool reverse;
  size_t slots;        /* S: steps whose state is kept: T in training, else 2 */
  size_t state;        /* B * H */
  size_t first;        /* of the samples at hand: the first row of each step; the arrays
                          below begin with it, and pass->batch is how many they are */
  const float *input;  /* W, packed; NULL: it is not */
  const float *packed; /* R, packed for all steps */
  float *room;         /* for R, packed by a pass itself; on the way back R transposed */
  float *room_input;   /* the same for W; NULL in testing */
  float *gates;        /* (T, B, GH) */
  float *kept;         /* (S, B, H) times the cell's `kept` */
  float *h;            /* (S, B, H); without `all` only, where y has no room for them */
  float *dh;           /* (B, H) */
  float
      *carried; /* (B, H) times the cell's `carried`; zeros before the first step back */
};

size_t fr__recurrent_directions(const fr__layer *layer);
/* How many tensors a direction has. */
size_t fr__recurrent_tensor_count(const fr__cell *cell);
/* The first step in this direction, which has no state to begin with. */
bool fr__recurrent_is_first(const fr__recurrence *r, size_t t);
/* The step in front of t in this direction. */
size_t fr__recurrent_previous(const fr__recurrence *r, size_t t);
/* h of step t, rows *ld apart. */
float *fr__recurrent_h(const fr__recurrence *r, size_t t, size_t *ld);
/* The sums of step t, (B, GH). */
float *fr__recurrent_sums(const fr__recurrence *r, size_t t);
/* Going in reverse, a sample that ends before step t has no state there: zeros for the
 * rows (B, H), ld apart, of such samples. */
void fr__recurrent_clear(const fr__recurrence *r, size_t t, float *rows, size_t ld);

/* ---- for the family's fr__layer_ops ---- */

enum fr_status fr__recurrent_parse(fr__layer *layer, const fr__arguments *arguments,
                                   fr_error *err);
void fr__recurrent_before(fr__layer *layer, bool sequence_follows);
enum fr_status fr__recurrent_shape(fr__layer *layer, fr_error *err);
size_t fr__recurrent_tensors(const fr__cell *cell, const fr__layer *layer,
                             fr__tensor_need need[FR__LAYER_TENSORS]);
uint64_t fr__recurrent_operations(const fr__cell *cell, const fr__layer *layer);
size_t fr__recurrent_workspace(const fr__cell *cell, const fr__layer *layer, size_t batch,
                               bool train);
/* The room of one direction, laid out; what is for the way back is there where the layer
 * is kept. */
fr__recurrence fr__recurrent_direction(const fr__cell *cell, const fr__layer *layer,
                                       const fr__pass *pass, size_t direction);
/* Initial weights; biases stay zero. */
void fr__recurrent_init(const fr__cell *cell, fr__layer *layer, fr__rng *rng);
size_t fr__recurrent_operands(const fr__cell *cell, const fr__layer *layer,
                              fr__gemm operand[FR__LAYER_OPERANDS]);
void fr__recurrent_forward(const fr__cell *cell, const fr__layer *layer,
                           const fr__pass *pass);
void fr__recurrent_backward(const fr__cell *cell, const fr__layer *layer,
                            const fr__pass *pass, const float *dy, float *dx);

/* ---- for streams: parts of a forward pass in testing, of one sample ---- */

/* x W + b of that direction into gates (in.steps, GH). */
void fr__recurrent_gates(const fr__cell *cell, const fr__layer *layer,
                         const fr__pass *pass, size_t direction, float *gates);
/* y from the gates of each direction, which stay. */
void fr__recurrent_states(const fr__cell *cell, const fr__layer *layer,
                          const fr__pass *pass, const float *const gates[]);
/* Floats of a state: h, and what else goes on. */
size_t fr__recurrent_state(const fr__cell *cell, const fr__layer *layer);
/*
 * Goes on from `state` over x, of one direction that gives all states, and leaves the
 * last one there. Room for one step more than x has: in the workspace, and in y (in.steps
 * + 1, H), of which the states of x are returned.
 */
const float *fr__recurrent_carry(const fr__cell *cell, fr__layer *layer,
                                 const fr__pass *pass, float *state);

#endif
