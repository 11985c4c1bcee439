/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gru(units[,all|last][,both]) (Cho et al. 2014, with the reset gate behind the product,
 * as cuDNN and PyTorch have it):
 *
 *   xr xz xn = x_t W + b                     W (in, 3H), b (3H)
 *   hr hz hn = h_{t-1} R + d                 R (H, 3H), d (3H)
 *   r = σ(xr + hr),  z = σ(xz + hz),  n = tanh(xn + r hn)
 *   h_t = (1 - z) n + z h_{t-1}
 *
 * Which h it gives, and `both`, are as of lstm.
 */
#include "nn/recurrent.h"

/* The cell keeps its sums, (S, B, 3H). */

static const float *h_previous(const fr__recurrence *r, size_t t, size_t *ld) {
  *ld = r->layer->units;
  if (fr__recurrent_is_first(r, t))
    return NULL;
  return fr__recurrent_h(r, fr__recurrent_previous(r, t), ld);
}

static void cell_forward(const fr__recurrence *r, size_t t) {
  const size_t units = r->layer->units;
  size_t ld_in, ld_out;
  const float *h_in = h_previous(r, t, &ld_in);
  float *h_out = fr__recurrent_h(r, t, &ld_out);
  const fr__gru_step step = {.batch = r->pass->batch,
                             .units = units,
                             .x_gates = r->gates + t * 3 * r->state,
                             .ld_x_gates = 3 * units,
                             .h_gates = fr__recurrent_sums(r, t),
                             .ld_h_gates = 3 * units,
                             .h_in = h_in,
                             .ld_h_in = ld_in,
                             .h_out = h_out,
                             .ld_h_out = ld_out};
  fr__gru_forward(r->pass->kern, &step);
}

static void cell_backward(const fr__recurrence *r, size_t t, const float *dh,
                          size_t ld_dh) {
  const size_t units = r->layer->units;
  float *gates = r->gates + t * 3 * r->state, *sums = fr__recurrent_sums(r, t);
  size_t ld_in;
  const float *h_in = h_previous(r, t, &ld_in);
  const fr__gru_back back = {.batch = r->pass->batch,
                             .units = units,
                             .gates = gates,
                             .ld_gates = 3 * units,
                             .h_gates = sums,
                             .ld_h_gates = 3 * units,
                             .h_in = h_in,
                             .ld_h_in = ld_in,
                             .dh = dh,
                             .ld_dh = ld_dh,
                             .dh_in = r->dh,
                             .ld_dh_in = units,
                             .d_x_gates = gates,
                             .ld_d_x_gates = 3 * units,
                             .d_h_gates = sums,
                             .ld_d_h_gates = 3 * units};
  fr__gru_backward(r->pass->kern, &back);
}

static const fr__cell cell = {
    .gates = 3,
    .kept = 3,
    .apart = true,
    .operations = 11, /* 3 functions, 4 additions in them with a product; 4 for h */
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
  fr__recurrent_init(&cell, layer, rng);
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  fr__recurrent_forward(&cell, layer, pass);
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  fr__recurrent_backward(&cell, layer, pass, dy, dx);
}

const fr__layer_ops fr__layer_gru = {
    .name = "gru",
    .usage = "gru(units[,all|last][,both])",
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
