/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lstm(units[,all|last]) (Hochreiter and Schmidhuber 1997; forget gate of Gers et al.
 * 2000):
 *
 *   i f g o = x_t W + h_{t-1} R + b          W (in, 4H), R (H, 4H), b (4H)
 *   c_t = σ(f) c_{t-1} + σ(i) tanh(g),  h_t = σ(o) tanh(c_t)
 *
 * Gives the last h, or every h: what `last` or `all` says, else every one where a layer
 * that takes a sequence follows. The products with W are one run over all
 * steps; what is kept lies time-major (T, B, ·), so that each step works on dense rows.
 */
#include <string.h>

#include "nn/layer.h"

static enum fr_status parse(fr__layer *layer, const fr__arguments *arguments,
                            fr_error *err) {
  enum fr_status status = fr__arguments_between(arguments, 1, 2, err);
  if (status == FR_OK)
    status = fr__argument_count(arguments, 0, "the count of units", &layer->units, err);
  if (status != FR_OK)
    return status;
  if (fr__argument_is(arguments, 1, "all"))
    layer->states = FR__STATES_ALL;
  else if (fr__argument_is(arguments, 1, "last"))
    layer->states = FR__STATES_LAST;
  else if (arguments->count == 2)
    return fr__layer_fail(layer, err, "'%s' is not all or last", arguments->text[1]);
  return FR_OK;
}

static void before(fr__layer *layer, bool sequence_follows) {
  layer->all = layer->states == FR__STATES_UNTOLD ? sequence_follows
                                                  : layer->states == FR__STATES_ALL;
  const char *last = sequence_follows ? ",last" : "";
  fr__layer_set_text(layer, "lstm(%zu%s)", layer->units, layer->all ? ",all" : last);
}

static enum fr_status shape(fr__layer *layer, fr_error *err) {
  if (layer->in.steps * layer->units > FR__ELEMENT_CEILING)
    return fr__layer_fail(layer, err, "%zu steps of %zu units exceed the ceiling of %zu",
                          layer->in.steps, layer->units, FR__ELEMENT_CEILING);
  layer->out = (fr_shape){layer->all ? layer->in.steps : 1, layer->units};
  return FR_OK;
}

enum { WEIGHT, RECURRENT, BIAS };

static size_t tensors(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]) {
  const size_t units = layer->units;
  need[WEIGHT] = (fr__tensor_need){"weight", 2, {layer->in.channels, 4 * units}, true};
  need[RECURRENT] = (fr__tensor_need){"recurrent", 2, {units, 4 * units}, true};
  need[BIAS] = (fr__tensor_need){"bias", 1, {4 * units}, true};
  return 3;
}

/* A step: the products, then 5 functions, 3 multiplications and an addition per unit. */
static uint64_t operations(const fr__layer *layer) {
  const uint64_t units = layer->units, inputs = layer->in.channels + units;
  return layer->in.steps * (8 * inputs * units + 9 * units);
}

/* The pieces of the workspace, for a batch of B. */
typedef struct pieces {
  size_t slots;  /* S: steps whose state is kept: T in training, else 2 */
  size_t state;  /* B * H */
  float *gates;  /* (T, B, 4H) */
  float *c;      /* (S, B, H) */
  float *tanh_c; /* (S, B, H) */
  float *h;      /* (S, B, H); without `all` only, where y has no room for them */
  float *dh;     /* (B, H) */
  float *dc;     /* (B, H) */
} pieces;

static size_t slot_count(const fr__layer *layer, bool train) {
  return train || layer->in.steps < 2 ? layer->in.steps : 2;
}

static pieces cut(const fr__layer *layer, size_t batch) {
  pieces p = {.slots = slot_count(layer, layer->kept), .state = batch * layer->units};
  p.gates = layer->workspace;
  p.c = p.gates + layer->in.steps * 4 * p.state;
  p.tanh_c = p.c + p.slots * p.state;
  p.h = p.tanh_c + p.slots * p.state;
  p.dh = p.h + (layer->all ? 0 : p.slots * p.state);
  p.dc = p.dh + p.state;
  return p;
}

static size_t workspace(const fr__layer *layer, size_t batch, bool train) {
  const size_t per_slot = layer->all ? 2 : 3;
  return batch * layer->units *
         (4 * layer->in.steps + per_slot * slot_count(layer, train) + (train ? 2 : 0));
}

static void init(fr__layer *layer, fr__rng *rng, bool rectified) {
  (void)rectified;
  const size_t units = layer->units;
  const fr_tensor *weight = &layer->tensor[WEIGHT],
                  *recurrent = &layer->tensor[RECURRENT];
  fr__init_weights(weight->value, weight->count, layer->in.channels, units, false, rng);
  fr__init_weights(recurrent->value, recurrent->count, units, units, false, rng);
  for (size_t u = 0; u < units; u++) /* remember at first: Jozefowicz et al. 2015 */
    layer->tensor[BIAS].value[units + u] = 1;
}

/* h of step t, rows *ld apart. */
static float *state_h(const fr__layer *layer, const pieces *p, size_t t, size_t *ld) {
  *ld = layer->units;
  if (layer->all) {
    *ld = layer->in.steps * layer->units;
    return layer->y + t * layer->units;
  }
  if (t + 1 == layer->in.steps)
    return layer->y;
  return p->h + t % p->slots * p->state;
}

static float *state_c(const pieces *p, size_t t) {
  return p->c + t % p->slots * p->state;
}

/* gates_t = x_t W + b for all steps */
static void input_product(const fr__layer *layer, const fr__pass *pass, const pieces *p) {
  const size_t channels = layer->in.channels, gates = 4 * layer->units;
  const fr__gemm product = {.m = pass->batch,
                            .n = gates,
                            .k = channels,
                            .a = layer->x,
                            .lda = layer->in.steps * channels,
                            .b = layer->tensor[WEIGHT].value,
                            .ldb = gates,
                            .c = p->gates,
                            .ldc = gates,
                            .bias = layer->tensor[BIAS].value,
                            .batch = layer->in.steps,
                            .stride_a = channels,
                            .stride_c = 4 * p->state};
  fr__gemm_run(pass->kern, &product);
}

/* gates_t += h_{t-1} R */
static void recurrent_product(const fr__layer *layer, const fr__pass *pass,
                              const pieces *p, size_t t) {
  const size_t units = layer->units;
  size_t ld;
  const float *h = state_h(layer, p, t - 1, &ld);
  const fr__gemm product = {.m = pass->batch,
                            .n = 4 * units,
                            .k = units,
                            .a = h,
                            .lda = ld,
                            .b = layer->tensor[RECURRENT].value,
                            .ldb = 4 * units,
                            .c = p->gates + t * 4 * p->state,
                            .ldc = 4 * units,
                            .accumulate = true};
  fr__gemm_run(pass->kern, &product);
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  const size_t units = layer->units;
  const pieces p = cut(layer, pass->batch);
  input_product(layer, pass, &p);
  for (size_t t = 0; t < layer->in.steps; t++) {
    if (t > 0)
      recurrent_product(layer, pass, &p, t);
    size_t ld_h;
    float *h = state_h(layer, &p, t, &ld_h);
    const fr__lstm_step step = {.batch = pass->batch,
                                .units = units,
                                .gates = p.gates + t * 4 * p.state,
                                .ld_gates = 4 * units,
                                .c_in = t > 0 ? state_c(&p, t - 1) : NULL,
                                .ld_c_in = units,
                                .c_out = state_c(&p, t),
                                .ld_c_out = units,
                                .h_out = h,
                                .ld_h_out = ld_h,
                                .tanh_c = p.tanh_c + t % p.slots * p.state,
                                .ld_tanh_c = units};
    fr__lstm_forward(pass->kern, &step);
  }
}

/* dh_t = d loss / d h_t: what comes from above (dy, where step t is given out) and from
 * the next step (d_gates_{t+1} R^T). Returns where it lies. */
static const float *gradient_h(const fr__layer *layer, const fr__pass *pass,
                               const pieces *p, const float *dy, size_t t) {
  const size_t units = layer->units, steps = layer->in.steps;
  const bool last = t + 1 == steps;
  if (last && !layer->all)
    return dy;
  if (layer->all)
    for (size_t b = 0; b < pass->batch; b++)
      memcpy(p->dh + b * units, dy + (b * steps + t) * units, units * sizeof(float));
  if (last)
    return p->dh;
  const fr__gemm product = {.m = pass->batch,
                            .n = units,
                            .k = 4 * units,
                            .a = p->gates + (t + 1) * 4 * p->state,
                            .lda = 4 * units,
                            .b = layer->tensor[RECURRENT].value,
                            .ldb = 4 * units,
                            .trans_b = true,
                            .c = p->dh,
                            .ldc = units,
                            .accumulate = layer->all};
  fr__gemm_run(pass->kern, &product);
  return p->dh;
}

/* Every step's gates become d loss / d gates, from the last to the first. */
static void backward_gates(const fr__layer *layer, const fr__pass *pass, const pieces *p,
                           const float *dy) {
  const size_t units = layer->units;
  memset(p->dc, 0, p->state * sizeof(float));
  for (size_t t = layer->in.steps; t-- > 0;) {
    float *gates = p->gates + t * 4 * p->state;
    const fr__lstm_back back = {.batch = pass->batch,
                                .units = units,
                                .gates = gates,
                                .ld_gates = 4 * units,
                                .c_in = t > 0 ? state_c(p, t - 1) : NULL,
                                .ld_c_in = units,
                                .tanh_c = p->tanh_c + t * p->state,
                                .ld_tanh_c = units,
                                .dh = gradient_h(layer, pass, p, dy, t),
                                .ld_dh = units,
                                .dc = p->dc,
                                .d_gates = gates,
                                .ld_d_gates = 4 * units};
    fr__lstm_backward(pass->kern, &back);
  }
}

/* dR = Σ_t h_{t-1}^T d_gates_t */
static void backward_recurrent(const fr__layer *layer, const fr__pass *pass,
                               const pieces *p) {
  const size_t units = layer->units, steps = layer->in.steps;
  float *gradient = layer->tensor[RECURRENT].gradient;
  if (steps == 1) {
    memset(gradient, 0, layer->tensor[RECURRENT].count * sizeof(float));
    return;
  }
  size_t ld;
  const float *h = state_h(layer, p, 0, &ld);
  fr__gemm product = {.m = units,
                      .n = 4 * units,
                      .k = pass->batch,
                      .a = h,
                      .lda = ld,
                      .trans_a = true,
                      .b = p->gates + 4 * p->state,
                      .ldb = 4 * units,
                      .c = gradient,
                      .ldc = 4 * units,
                      .batch = steps - 1,
                      .stride_a = layer->all ? units : p->state,
                      .stride_b = 4 * p->state};
  if (!layer->all) { /* dense: the steps lie behind one another, one long product */
    product.k *= steps - 1;
    product.batch = 1;
  }
  fr__gemm_run(pass->kern, &product);
}

/* dW = Σ_t x_t^T d_gates_t */
static void backward_weight(const fr__layer *layer, const fr__pass *pass,
                            const pieces *p) {
  const size_t channels = layer->in.channels, gates = 4 * layer->units;
  const fr__gemm product = {.m = channels,
                            .n = gates,
                            .k = pass->batch,
                            .a = layer->x,
                            .lda = layer->in.steps * channels,
                            .trans_a = true,
                            .b = p->gates,
                            .ldb = gates,
                            .c = layer->tensor[WEIGHT].gradient,
                            .ldc = gates,
                            .batch = layer->in.steps,
                            .stride_a = channels,
                            .stride_b = 4 * p->state};
  fr__gemm_run(pass->kern, &product);
}

/* dx_t = d_gates_t W^T */
static void backward_input(const fr__layer *layer, const fr__pass *pass, const pieces *p,
                           float *dx) {
  const size_t channels = layer->in.channels, gates = 4 * layer->units;
  const fr__gemm product = {.m = pass->batch,
                            .n = channels,
                            .k = gates,
                            .a = p->gates,
                            .lda = gates,
                            .b = layer->tensor[WEIGHT].value,
                            .ldb = gates,
                            .trans_b = true,
                            .c = dx,
                            .ldc = layer->in.steps * channels,
                            .batch = layer->in.steps,
                            .stride_a = 4 * p->state,
                            .stride_c = channels};
  fr__gemm_run(pass->kern, &product);
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  const pieces p = cut(layer, pass->batch);
  backward_gates(layer, pass, &p, dy);
  backward_recurrent(layer, pass, &p);
  backward_weight(layer, pass, &p);
  fr__column_sum(pass->kern, p.gates, layer->in.steps * pass->batch, 4 * layer->units,
                 layer->tensor[BIAS].gradient);
  if (dx)
    backward_input(layer, pass, &p, dx);
}

const fr__layer_ops fr__layer_lstm = {
    .name = "lstm",
    .usage = "lstm(units[,all|last])",
    .place = FR__PLACE_NEW,
    .reads_output = true, /* with `all` its states are its output */
    .takes_sequence = true,
    .parse = parse,
    .before = before,
    .shape = shape,
    .tensors = tensors,
    .operations = operations,
    .workspace = workspace,
    .init = init,
    .forward = forward,
    .backward = backward,
};
