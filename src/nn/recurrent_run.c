/* SPDX-License-Identifier: Apache-2.0 */
/* What a recurrent layer does: its steps in order, and the products of matrices. */
#include <string.h>

#include "nn/recurrent.h"

#define LEAST_SHARE ((size_t)8) /* samples: fewer rows leave a product's tiles low */

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
  *ld = layer->out.steps * layer->out.channels;
  float *y = layer->y + first_channel(r) + r->first * *ld;
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

/* ---- samples in shares ---- */

/* What is done sample by sample, one step after another. On the way back dy and dx, which
 * may be NULL, begin with the first of the samples at hand. */
typedef void steps_function(const fr__recurrence *r, const float *dy, float *dx);

typedef struct shared {
  const fr__recurrence *r;
  steps_function *steps;
  const float *dy; /* NULL: forward */
  float *dx;
  size_t count;
} shared;

/* All steps of some of the samples. */
static void run_share(void *self, size_t index, size_t worker) {
  const shared *s = self;
  fr__recurrence r = *s->r;
  const size_t units = r.layer->units, gates = r.cell->gates * units;
  const size_t first = r.pass->batch * index / s->count;
  const fr__kern kern = fr__kern_of_thread(r.pass->kern, worker);
  fr__pass pass = *r.pass;
  pass.kern = &kern;
  pass.batch = r.pass->batch * (index + 1) / s->count - first;
  pass.length = pass.length ? pass.length + first : NULL;
  r.pass = &pass;
  r.first = first;
  r.gates += first * gates;
  r.kept += first * (r.cell->apart ? gates : units);
  r.h += first * units;
  if (s->dy) {
    r.dh += first * units;
    r.carried += first * units;
  }
  s->steps(&r, s->dy ? s->dy + first * fr__shape_elements(r.layer->out) : NULL,
           s->dx ? s->dx + first * fr__shape_elements(r.layer->in) : NULL);
}

/* As one task for each thread, so that threads meet once rather than twice a step. */
static void run_steps(const fr__recurrence *r, steps_function *steps, const float *dy,
                      float *dx) {
  const double work = (double)r->layer->in.steps * (double)r->state *
                      (double)r->cell->gates * (double)r->layer->units;
  const size_t shares = fr__kern_shares(r->pass->kern, work);
  const size_t most = r->pass->batch / LEAST_SHARE;
  shared s = {r, steps, dy, dx, shares < most ? shares : most};
  if (s.count > 1)
    fr__pool_run(r->pass->kern->pool, run_share, &s, s.count);
  else
    steps(r, dy, dx);
}

/* ---- forward ---- */

/*
 * Steps whose gates stay in the second-level cache between the product with the input and
 * the step itself; enough rows for a product all the same.
 */
static size_t chunk_steps(const fr__recurrence *r) {
  enum { CACHED = 1 << 17, ROWS = 128 };
  const size_t batch = r->pass->batch;
  const size_t a_step = r->cell->gates * batch * r->layer->units;
  const size_t cached = CACHED / a_step, rows = (ROWS + batch - 1) / batch;
  const size_t steps = cached > rows ? cached : rows;
  return steps < r->layer->in.steps ? steps : r->layer->in.steps;
}

/* The first of `count` steps, in time, that are number `index` and so on in this
 * direction. */
static size_t first_step(const fr__recurrence *r, size_t index, size_t count) {
  return r->reverse ? r->layer->in.steps - index - count : index;
}

/* gates_t = x_t W + b for `count` steps from t on */
static void input_product(const fr__recurrence *r, size_t t, size_t count) {
  const fr__layer *layer = r->layer;
  const size_t channels = layer->in.channels, gates = r->cell->gates * layer->units;
  const size_t step = r->cell->gates * r->state;
  const fr__gemm product = {.m = r->pass->batch,
                            .n = gates,
                            .k = channels,
                            .a = layer->x + (r->first * layer->in.steps + t) * channels,
                            .lda = layer->in.steps * channels,
                            .b = r->tensor[FR__RECURRENT_WEIGHT].value,
                            .ldb = gates,
                            .c = r->gates + t * step,
                            .ldc = gates,
                            .bias = r->tensor[FR__RECURRENT_BIAS].value,
                            .batch = count,
                            .stride_a = channels,
                            .stride_c = step,
                            .sparse = fr__layer_sparse(layer, r->reverse ? 2 : 0),
                            .packed = r->input,
                            .packed_n = gates};
  fr__gemm_run(r->pass->kern, &product);
}

/* W or R (inputs, gates), which every step multiplies with, once for all of them;
 * `transposed` on the way back. */
static void pack(const fr__recurrence *r, enum fr__recurrent_tensor tensor, size_t inputs,
                 bool transposed, float *to) {
  const size_t gates = r->cell->gates * r->layer->units;
  const fr__gemm product = {.n = transposed ? inputs : gates,
                            .k = transposed ? gates : inputs,
                            .b = r->tensor[tensor].value,
                            .ldb = gates,
                            .trans_b = transposed};
  fr__gemm_pack(r->pass->kern, &product, to);
}

static void pack_recurrent(fr__recurrence *r, bool transposed) {
  if (r->layer->in.steps > 1)
    pack(r, FR__RECURRENT_RECURRENT, r->layer->units, transposed, r->room);
  r->packed = r->room;
}

static void pack_input(fr__recurrence *r, bool transposed) {
  pack(r, FR__RECURRENT_WEIGHT, r->layer->in.channels, transposed, r->room_input);
  r->input = r->room_input;
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
      .sparse = fr__layer_sparse(r->layer, r->reverse ? 3 : 1),
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
      memcpy(r->layer->y + (r->first + b) * ld_y, h + b * ld, units * sizeof(float));
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

/* From step number `first` of this direction to its last; the gates are there. */
static void forward_steps(fr__recurrence *r, size_t first) {
  if (!r->packed)
    pack_recurrent(r, false);
  for (size_t i = first; i < r->layer->in.steps; i++)
    forward_step(r, step_at(r, i));
}

/* Every step, with its product with the input. */
static void forward_all(const fr__recurrence *r, const float *dy, float *dx) {
  (void)dy;
  (void)dx;
  const size_t steps = r->layer->in.steps, chunk = r->input ? chunk_steps(r) : steps;
  for (size_t i = 0; i < steps; i++) {
    const size_t count = steps - i < chunk ? steps - i : chunk;
    if (i % chunk == 0)
      input_product(r, first_step(r, i, count), count);
    forward_step(r, step_at(r, i));
  }
}

void fr__recurrent_forward(const fr__cell *cell, const fr__layer *layer,
                           const fr__pass *pass) {
  if (pass->length && !layer->all) /* a sample of no steps has no last state */
    memset(layer->y, 0, pass->batch * layer->out.channels * sizeof(float));
  for (size_t d = 0; d < fr__recurrent_directions(layer); d++) {
    fr__recurrence r = fr__recurrent_direction(cell, layer, pass, d);
    if (!r.packed)
      pack_recurrent(&r, false);
    if (!r.input && r.room_input)
      pack_input(&r, false);
    run_steps(&r, forward_all, NULL, NULL);
  }
}

/* ---- streams ---- */

void fr__recurrent_gates(const fr__cell *cell, const fr__layer *layer,
                         const fr__pass *pass, size_t direction, float *gates) {
  fr__recurrence r = fr__recurrent_direction(cell, layer, pass, direction);
  r.gates = gates;
  input_product(&r, 0, layer->in.steps);
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

/* dx_t = d_gates_t W^T for `count` steps from t on, of both directions together */
static void backward_input(const fr__recurrence *r, size_t t, size_t count, float *dx) {
  const fr__layer *layer = r->layer;
  const size_t channels = layer->in.channels, gates = r->cell->gates * layer->units;
  const size_t step = r->cell->gates * r->state;
  const fr__gemm product = {.m = r->pass->batch,
                            .n = channels,
                            .k = gates,
                            .a = r->gates + t * step,
                            .lda = gates,
                            .packed = r->input,
                            .packed_n = channels,
                            .c = dx + t * channels,
                            .ldc = layer->in.steps * channels,
                            .accumulate = r->reverse,
                            .batch = count,
                            .stride_a = step,
                            .stride_c = channels};
  fr__gemm_run(r->pass->kern, &product);
}

/* Gates and sums of every step become their gradients, from the last to the first. */
static void backward_steps(const fr__recurrence *r, const float *dy, float *dx) {
  const size_t steps = r->layer->in.steps, chunk = chunk_steps(r);
  const size_t carried = r->cell->carried * r->pass->batch * r->layer->units;
  memset(r->carried, 0, carried * sizeof(float));
  for (size_t i = steps; i-- > 0;) {
    const size_t t = step_at(r, i), rest = steps - i;
    const size_t count = i % chunk == 0 ? (rest < chunk ? rest : chunk) : 0;
    size_t ld;
    const float *dh = gradient_h(r, dy, t, &ld);
    r->cell->backward(r, t, dh, ld);
    if (dx && count > 0)
      backward_input(r, first_step(r, i, count), count, dx);
  }
}

void fr__recurrent_backward(const fr__cell *cell, const fr__layer *layer,
                            const fr__pass *pass, const float *dy, float *dx) {
  for (size_t d = 0; d < fr__recurrent_directions(layer); d++) {
    fr__recurrence r = fr__recurrent_direction(cell, layer, pass, d);
    pack_recurrent(&r, true);
    if (dx)
      pack_input(&r, true);
    run_steps(&r, backward_steps, dy, dx);
    backward_recurrent(&r);
    backward_weight(&r);
    backward_biases(&r);
  }
}
