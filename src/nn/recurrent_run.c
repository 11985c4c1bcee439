/* SPDX-License-Identifier: Apache-2.0 */
/* What a recurrent layer does: its steps in order, and the products of matrices. */
#include <string.h>

#include "nn/recurrent.h"

/* ---- steps in order, rows of states ---- */

bool fr__recurrent_is_first(const fr__recurrence *r, size_t t) {
  return t == (r->reverse ? r->layer->in.steps - 1 : 0);
}

static bool is_last(const fr__recurrence *r, size_t t) {
  return t == (r->reverse ? 0 : r->layer->in.steps - 1);
}

size_t fr__recurrent_previous(const fr__recurrence *r, size_t t) {
  return r->reverse ? t + 1 : t - 1;
}

static size_t after(const fr__recurrence *r, size_t t) {
  return r->reverse ? t - 1 : t + 1;
}

/* Step number `index` in this direction. */
static size_t step_at(const fr__recurrence *r, size_t index) {
  return r->reverse ? r->layer->in.steps - 1 - index : index;
}

static size_t sample_length(const fr__recurrence *r, size_t sample) {
  return r->pass->length ? r->pass->length[sample] : r->layer->in.steps;
}

/* Whether h of step t is the sample's last one. */
static bool ends_at(const fr__recurrence *r, size_t sample, size_t t) {
  return r->reverse ? t == 0 : t + 1 == sample_length(r, sample);
}

/* Samples end at different steps, so that their last states are gathered on the way. */
static bool gathers(const fr__recurrence *r) {
  return r->pass->length && !r->layer->all && !r->reverse;
}

/* Where this direction's half of the output begins. */
static size_t first_channel(const fr__recurrence *r) {
  return r->reverse ? r->layer->units : 0;
}

float *fr__recurrent_h(const fr__recurrence *r, size_t t, size_t *ld) {
  const fr__layer *layer = r->layer;
  float *y = layer->y + first_channel(r);
  *ld = layer->out.steps * layer->out.channels;
  if (layer->all)
    return y + t * layer->out.channels;
  if (is_last(r, t) && !gathers(r))
    return y;
  *ld = layer->units;
  return r->h + t % r->slots * r->state;
}

float *fr__recurrent_sums(const fr__recurrence *r, size_t t) {
  const size_t step = r->cell->gates * r->state;
  return r->cell->apart ? r->kept + t % r->slots * step : r->gates + t * step;
}

void fr__recurrent_clear(const fr__recurrence *r, size_t t, float *rows, size_t ld) {
  if (!r->reverse || !r->pass->length)
    return;
  for (size_t b = 0; b < r->pass->batch; b++)
    if (r->pass->length[b] <= t)
      memset(rows + b * ld, 0, r->layer->units * sizeof(float));
}

/* ---- forward ---- */

/* gates_t = x_t W + b for all steps */
static void input_product(const fr__recurrence *r) {
  const fr__layer *layer = r->layer;
  const size_t channels = layer->in.channels, gates = r->cell->gates * layer->units;
  const fr__gemm product = {.m = r->pass->batch,
                            .n = gates,
                            .k = channels,
                            .a = layer->x,
                            .lda = layer->in.steps * channels,
                            .b = r->tensor[FR__RECURRENT_WEIGHT].value,
                            .ldb = gates,
                            .c = r->gates,
                            .ldc = gates,
                            .bias = r->tensor[FR__RECURRENT_BIAS].value,
                            .batch = layer->in.steps,
                            .stride_a = channels,
                            .stride_c = r->cell->gates * r->state,
                            .packed = r->input,
                            .packed_n = gates};
  fr__gemm_run(r->pass->kern, &product);
}

/* R, which every step multiplies with, once for all of them; `transposed` on the way
 * back. */
static void pack_recurrent(const fr__recurrence *r, bool transposed) {
  const size_t units = r->layer->units, gates = r->cell->gates * units;
  const fr__gemm product = {.n = transposed ? units : gates,
                            .k = transposed ? gates : units,
                            .b = r->tensor[FR__RECURRENT_RECURRENT].value,
                            .ldb = gates,
                            .trans_b = transposed};
  if (r->layer->in.steps > 1)
    fr__gemm_pack(r->pass->kern, &product, r->room);
}

/* sums_t = h_{t-1} R, added to gates_t or with a bias of its own */
static void recurrent_product(const fr__recurrence *r, size_t t) {
  const size_t units = r->layer->units, gates = r->cell->gates * units;
  size_t ld;
  const float *h = fr__recurrent_h(r, fr__recurrent_previous(r, t), &ld);
  const fr__gemm product = {
      .m = r->pass->batch,
      .n = gates,
      .k = units,
      .a = h,
      .lda = ld,
      .packed = r->packed,
      .packed_n = gates,
      .c = fr__recurrent_sums(r, t),
      .ldc = gates,
      .accumulate = !r->cell->apart,
      .bias = r->cell->apart ? r->tensor[FR__RECURRENT_SUM_BIAS].value : NULL};
  fr__gemm_run(r->pass->kern, &product);
}

/* The sums of a first step: no state, so the bias alone. */
static void first_sums(const fr__recurrence *r, size_t t) {
  const size_t gates = r->cell->gates * r->layer->units;
  float *sums = fr__recurrent_sums(r, t);
  for (size_t b = 0; b < r->pass->batch && r->cell->apart; b++)
    memcpy(sums + b * gates, r->tensor[FR__RECURRENT_SUM_BIAS].value,
           gates * sizeof(float));
}

/* The output of the samples that end at step t. */
static void gather_last(const fr__recurrence *r, size_t t) {
  const size_t units = r->layer->units, ld_y = r->layer->out.channels;
  size_t ld;
  const float *h = fr__recurrent_h(r, t, &ld);
  for (size_t b = 0; b < r->pass->batch; b++)
    if (ends_at(r, b, t))
      memcpy(r->layer->y + b * ld_y, h + b * ld, units * sizeof(float));
}

static void forward_step(const fr__recurrence *r, size_t t) {
  if (fr__recurrent_is_first(r, t))
    first_sums(r, t);
  else
    recurrent_product(r, t);
  r->cell->forward(r, t);
  size_t ld;
  float *h = fr__recurrent_h(r, t, &ld);
  fr__recurrent_clear(r, t, h, ld);
  if (gathers(r))
    gather_last(r, t);
}

/* From step number `first` of this direction to its last. */
static void forward_steps(fr__recurrence *r, size_t first) {
  if (!r->packed) {
    pack_recurrent(r, false);
    r->packed = r->room;
  }
  for (size_t i = first; i < r->layer->in.steps; i++)
    forward_step(r, step_at(r, i));
}

void fr__recurrent_forward(const fr__cell *cell, const fr__layer *layer,
                           const fr__pass *pass) {
  if (pass->length && !layer->all) /* a sample of no steps has no last state */
    memset(layer->y, 0, pass->batch * layer->out.channels * sizeof(float));
  for (size_t d = 0; d < fr__recurrent_directions(layer); d++) {
    fr__recurrence r = fr__recurrent_direction(cell, layer, pass, d);
    input_product(&r);
    forward_steps(&r, 0);
  }
}

/* ---- streams ---- */

void fr__recurrent_gates(const fr__cell *cell, const fr__layer *layer,
                         const fr__pass *pass, size_t direction, float *gates) {
  fr__recurrence r = fr__recurrent_direction(cell, layer, pass, direction);
  r.gates = gates;
  input_product(&r);
}

void fr__recurrent_states(const fr__cell *cell, const fr__layer *layer,
                          const fr__pass *pass, const float *const gates[]) {
  const size_t floats = layer->in.steps * cell->gates * layer->units;
  for (size_t d = 0; d < fr__recurrent_directions(layer); d++) {
    fr__recurrence r = fr__recurrent_direction(cell, layer, pass, d);
    memcpy(r.gates, gates[d], floats * sizeof *r.gates);
    forward_steps(&r, 0);
  }
}

size_t fr__recurrent_state(const fr__cell *cell, const fr__layer *layer) {
  return (1 + cell->state) * layer->units;
}

/* The state is that of a step in front of x, number 0, which is not run. */
const float *fr__recurrent_carry(const fr__cell *cell, fr__layer *layer,
                                 const fr__pass *pass, float *state) {
  const size_t units = layer->units, steps = layer->in.steps;
  layer->in.steps++;
  fr__recurrence r = fr__recurrent_direction(cell, layer, pass, 0);
  layer->in.steps = steps;
  fr__recurrent_gates(cell, layer, pass, 0, r.gates + cell->gates * units);
  layer->in.steps++;
  memcpy(layer->y, state, units * sizeof *state);
  memcpy(r.kept, state + units, cell->state * units * sizeof *state);
  forward_steps(&r, 1);
  memcpy(state, layer->y + steps * units, units * sizeof *state);
  memcpy(state + units, r.kept + steps % r.slots * units,
         cell->state * units * sizeof *state);
  layer->in.steps = steps;
  return layer->y + units;
}

/* ---- backward ---- */

/* to = or += from (NULL: zeros), n floats. */
static void bring(float *to, const float *from, bool add, size_t n) {
  if (!add && from)
    memcpy(to, from, n * sizeof(float));
  else if (!add)
    memset(to, 0, n * sizeof(float));
  for (size_t i = 0; i < n && add && from; i++)
    to[i] += from[i];
}

/* dh = or += dy of step t, of the samples to which it gives an output there. */
static void bring_output(const fr__recurrence *r, const float *dy, size_t t, bool add) {
  const fr__layer *layer = r->layer;
  const size_t units = layer->units, width = layer->out.channels;
  const size_t ld = layer->out.steps * width;
  dy += first_channel(r) + (layer->all ? t * width : 0);
  for (size_t b = 0; b < r->pass->batch; b++)
    bring(r->dh + b * units, layer->all || ends_at(r, b, t) ? dy + b * ld : NULL, add,
          units);
}

/* dh = or += d_sums_{t+1} R^T */
static void bring_next(const fr__recurrence *r, size_t t, bool add) {
  const size_t units = r->layer->units, gates = r->cell->gates * units;
  const fr__gemm product = {.m = r->pass->batch,
                            .n = units,
                            .k = gates,
                            .a = fr__recurrent_sums(r, after(r, t)),
                            .lda = gates,
                            .packed = r->packed,
                            .packed_n = units,
                            .c = r->dh,
                            .ldc = units,
                            .accumulate = add};
  fr__gemm_run(r->pass->kern, &product);
}

/*
 * d loss / d h_t: what comes from above, where step t is given out, and from the next
 * step, through R and, where the sums are apart, past it: that lies in dh already.
 * Returns where it lies, rows *ld apart.
 */
static const float *gradient_h(const fr__recurrence *r, const float *dy, size_t t,
                               size_t *ld) {
  const fr__layer *layer = r->layer;
  const bool last = is_last(r, t);
  if (last && !layer->all && !r->pass->length) {
    *ld = layer->out.channels;
    return dy + first_channel(r);
  }
  bool holds = r->cell->apart && !last;
  if (layer->all || last || gathers(r)) {
    bring_output(r, dy, t, holds);
    holds = true;
  }
  if (!last)
    bring_next(r, t, holds);
  fr__recurrent_clear(r, t, r->dh, layer->units);
  *ld = layer->units;
  return r->dh;
}

/* Gates and sums of every step become their gradients, from the last to the first. */
static void backward_steps(const fr__recurrence *r, const float *dy) {
  memset(r->carried, 0, r->cell->carried * r->state * sizeof(float));
  for (size_t i = r->layer->in.steps; i-- > 0;) {
    const size_t t = step_at(r, i);
    size_t ld;
    const float *dh = gradient_h(r, dy, t, &ld);
    r->cell->backward(r, t, dh, ld);
  }
}

/* dR = Σ_t h_{t-1}^T d_sums_t */
static void backward_recurrent(const fr__recurrence *r) {
  const fr__layer *layer = r->layer;
  const size_t units = layer->units, steps = layer->in.steps;
  const size_t gates = r->cell->gates * units;
  const fr_tensor *recurrent = &r->tensor[FR__RECURRENT_RECURRENT];
  if (steps == 1) {
    memset(recurrent->gradient, 0, recurrent->count * sizeof(float));
    return;
  }
  size_t ld;
  const float *h = fr__recurrent_h(r, r->reverse ? 1 : 0, &ld);
  fr__gemm product = {.m = units,
                      .n = gates,
                      .k = r->pass->batch,
                      .a = h,
                      .lda = ld,
                      .trans_a = true,
                      .b = fr__recurrent_sums(r, r->reverse ? 0 : 1),
                      .ldb = gates,
                      .c = recurrent->gradient,
                      .ldc = gates,
                      .batch = steps - 1,
                      .stride_a = layer->out.channels,
                      .stride_b = r->cell->gates * r->state};
  if (!layer->all) { /* dense: the steps lie behind one another, one long product */
    product.k *= steps - 1;
    product.batch = 1;
  }
  fr__gemm_run(r->pass->kern, &product);
}

/* dW = Σ_t x_t^T d_gates_t */
static void backward_weight(const fr__recurrence *r) {
  const fr__layer *layer = r->layer;
  const size_t channels = layer->in.channels, gates = r->cell->gates * layer->units;
  const fr__gemm product = {.m = channels,
                            .n = gates,
                            .k = r->pass->batch,
                            .a = layer->x,
                            .lda = layer->in.steps * channels,
                            .trans_a = true,
                            .b = r->gates,
                            .ldb = gates,
                            .c = r->tensor[FR__RECURRENT_WEIGHT].gradient,
                            .ldc = gates,
                            .batch = layer->in.steps,
                            .stride_a = channels,
                            .stride_b = r->cell->gates * r->state};
  fr__gemm_run(r->pass->kern, &product);
}

static void backward_biases(const fr__recurrence *r) {
  const size_t rows = r->layer->in.steps * r->pass->batch;
  const size_t gates = r->cell->gates * r->layer->units;
  fr__column_sum(r->pass->kern, r->gates, rows, gates,
                 r->tensor[FR__RECURRENT_BIAS].gradient);
  if (r->cell->apart)
    fr__column_sum(r->pass->kern, r->kept, rows, gates,
                   r->tensor[FR__RECURRENT_SUM_BIAS].gradient);
}

/* dx_t = d_gates_t W^T, of both directions together */
static void backward_input(const fr__recurrence *r, float *dx) {
  const fr__layer *layer = r->layer;
  const size_t channels = layer->in.channels, gates = r->cell->gates * layer->units;
  const fr__gemm product = {.m = r->pass->batch,
                            .n = channels,
                            .k = gates,
                            .a = r->gates,
                            .lda = gates,
                            .b = r->tensor[FR__RECURRENT_WEIGHT].value,
                            .ldb = gates,
                            .trans_b = true,
                            .c = dx,
                            .ldc = layer->in.steps * channels,
                            .accumulate = r->reverse,
                            .batch = layer->in.steps,
                            .stride_a = r->cell->gates * r->state,
                            .stride_c = channels};
  fr__gemm_run(r->pass->kern, &product);
}

void fr__recurrent_backward(const fr__cell *cell, const fr__layer *layer,
                            const fr__pass *pass, const float *dy, float *dx) {
  for (size_t d = 0; d < fr__recurrent_directions(layer); d++) {
    fr__recurrence r = fr__recurrent_direction(cell, layer, pass, d);
    pack_recurrent(&r, true);
    r.packed = r.room;
    backward_steps(&r, dy);
    backward_recurrent(&r);
    backward_weight(&r);
    backward_biases(&r);
    if (dx)
      backward_input(&r, dx);
  }
}
