/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lstm(units[,all|last][,both]) (Hochreiter and Schmidhuber 1997; forget gate of Gers et
 * al. 2000):
 *
 *   i f g o = x_t W + h_{t-1} R + b          W (in, 4H), R (H, 4H), b (4H)
 *   c_t = σ(f) c_{t-1} + σ(i) tanh(g),  h_t = σ(o) tanh(c_t)
 *
 * Gives the last h, or every h: what `last` or `all` says, else every one where a layer
 * that takes a sequence follows. With `both` (Schuster and Paliwal 1997) a second set of
 * weights goes from the end to the beginning, and its h stand behind those of the first.
 */
#include "nn/recurrent.h"

/* The cell keeps c and, behind all of it, tanh c, both (S, B, H); dc is carried. */

static float *state_c(const fr__recurrence *r, size_t t) {
  return r->kept + t % r->slots * r->state;
}

static float *tanh_c(const fr__recurrence *r, size_t t) {
  return r->kept + (r->slots + t % r->slots) * r->state;
}

static const float *c_previous(const fr__recurrence *r, size_t t) {
  return fr__recurrent_is_first(r, t) ? NULL : state_c(r, fr__recurrent_previous(r, t));
}

static void cell_forward(const fr__recurrence *r, size_t t) {
  const size_t units = r->layer->units;
  size_t ld_h;
  float *h = fr__recurrent_h(r, t, &ld_h);
  const fr__lstm_step step = {.batch = r->pass->batch,
                              .units = units,
                              .gates = r->gates + t * 4 * r->state,
                              .ld_gates = 4 * units,
                              .c_in = c_previous(r, t),
                              .ld_c_in = units,
                              .c_out = state_c(r, t),
                              .ld_c_out = units,
                              .h_out = h,
                              .ld_h_out = ld_h,
                              .tanh_c = tanh_c(r, t),
                              .ld_tanh_c = units};
  fr__lstm_forward(r->pass->kern, &step);
  fr__recurrent_clear(r, t, state_c(r, t), units);
}

static void cell_backward(const fr__recurrence *r, size_t t, const float *dh,
                          size_t ld_dh) {
  const size_t units = r->layer->units;
  float *gates = r->gates + t * 4 * r->state;
  fr__recurrent_clear(r, t, r->carried, units);
  const fr__lstm_back back = {.batch = r->pass->batch,
                              .units = units,
                              .gates = gates,
                              .ld_gates = 4 * units,
                              .c_in = c_previous(r, t),
                              .ld_c_in = units,
                              .tanh_c = tanh_c(r, t),
                              .ld_tanh_c = units,
                              .dh = dh,
                              .ld_dh = ld_dh,
                              .dc = r->carried,
                              .d_gates = gates,
                              .ld_d_gates = 4 * units};
  fr__lstm_backward(r->pass->kern, &back);
}

static const fr__cell cell = {
    .gates = 4,
    .kept = 2,
    .state = 1,
    .carried = 1,
    .operations = 9, /* 5 functions, 3 multiplications and an addition */
    .forward = cell_forward,
    .backward = cell_backward,
};

static size_t tensors(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]) {
  return fr__recurrent_tensors(&cell, layer, need);
}

static uint64_t operations(const fr__layer *layer) {
  return fr__recurrent_operations(&cell, layer);
}

static size_t operands(const fr__layer *layer, fr__gemm operand[FR__LAYER_OPERANDS]) {
  return fr__recurrent_operands(&cell, layer, operand);
}

static size_t workspace(const fr__layer *layer, size_t batch, bool train) {
  return fr__recurrent_workspace(&cell, layer, batch, train);
}

static void init(fr__layer *layer, fr__rng *rng, bool rectified) {
  (void)rectified;
  const size_t units = layer->units, tensor_count = fr__recurrent_tensor_count(&cell);
  fr__recurrent_init(&cell, layer, rng);
  for (size_t d = 0; d < fr__recurrent_directions(layer); d++) {
    float *bias = layer->tensor[d * tensor_count + FR__RECURRENT_BIAS].value;
    for (size_t u = 0; u < units; u++) /* remember at first: Jozefowicz et al. 2015 */
      bias[units + u] = 1;
  }
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  fr__recurrent_forward(&cell, layer, pass);
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  fr__recurrent_backward(&cell, layer, pass, dy, dx);
}

const fr__layer_ops fr__layer_lstm = {
    .name = "lstm",
    .usage = "lstm(units[,all|last][,both])",
    .place = FR__PLACE_NEW,
    .reads_output = true, /* with `all` its states are its output */
    .takes_sequence = true,
    .lends = true,
    .flow = FR__FLOW_STATES,
    .cell = &cell,
    .parse = fr__recurrent_parse,
    .before = fr__recurrent_before,
    .shape = fr__recurrent_shape,
    .tensors = tensors,
    .operations = operations,
    .operands = operands,
    .workspace = workspace,
    .init = init,
    .forward = forward,
    .backward = backward,
};
