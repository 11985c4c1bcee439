/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution as products of matrices, forward and backward. */
#include <string.h>

#include "nn/conv1d.h"

/* Products that make up the whole for each group: one where a row of A is one run. */
static size_t tap_count(const fr__layer *layer) {
  return layer->dilation == 1 && layer->groups == 1 ? 1 : layer->width;
}

/* What the products of tap w and group g read and write of each array. */
typedef struct piece {
  size_t rows; /* of the weights, for one output: steps times channels */
  size_t x;    /* where its input begins in the source */
  size_t w;    /* where its weights begin */
  size_t y;    /* where its outputs begin */
} piece;

static piece piece_at(const fr__layer *layer, size_t w, size_t g) {
  const size_t taps = tap_count(layer), channels = fr__conv1d_group_in(layer);
  return (piece){
      .rows = layer->width / taps * channels,
      .x = w * layer->dilation * layer->in.channels + g * channels,
      .w = w * channels * layer->units + g * fr__conv1d_group_out(layer),
      .y = g * fr__conv1d_group_out(layer),
  };
}

static void forward_piece(const fr__layer *layer, const fr__pass *pass, size_t w,
                          size_t g) {
  const piece p = piece_at(layer, w, g);
  const fr__gemm product = {.m = layer->out.steps,
                            .n = fr__conv1d_group_out(layer),
                            .k = p.rows,
                            .a = fr__conv1d_source(layer) + p.x,
                            .lda = layer->stride * layer->in.channels,
                            .b = layer->tensor[0].value + p.w,
                            .ldb = layer->units,
                            .c = layer->y + p.y,
                            .ldc = layer->units,
                            .accumulate = w > 0,
                            .bias = w > 0 ? NULL : layer->tensor[1].value + p.y,
                            .batch = pass->batch,
                            .stride_a = fr__conv1d_source_stride(layer),
                            .stride_c = fr__shape_elements(layer->out)};
  fr__gemm_run(pass->kern, &product);
}

/* dW = Σ_b A_b^T dy_b with the overlapping rows of the forward product */
static void weight_piece(const fr__layer *layer, const fr__pass *pass, const float *dy,
                         size_t w, size_t g) {
  const piece p = piece_at(layer, w, g);
  const fr__gemm product = {.m = p.rows,
                            .n = fr__conv1d_group_out(layer),
                            .k = layer->out.steps,
                            .a = fr__conv1d_source(layer) + p.x,
                            .lda = layer->stride * layer->in.channels,
                            .trans_a = true,
                            .b = dy + p.y,
                            .ldb = layer->units,
                            .c = layer->tensor[0].gradient + p.w,
                            .ldc = layer->units,
                            .batch = pass->batch,
                            .stride_a = fr__conv1d_source_stride(layer),
                            .stride_b = fr__shape_elements(layer->out)};
  fr__gemm_run(pass->kern, &product);
}

void fr__conv1d_forward(const fr__layer *layer, const fr__pass *pass) {
  for (size_t w = 0; w < tap_count(layer); w++)
    for (size_t g = 0; g < layer->groups; g++)
      forward_piece(layer, pass, w, g);
}

void fr__conv1d_weight(const fr__layer *layer, const fr__pass *pass, const float *dy) {
  for (size_t w = 0; w < tap_count(layer); w++)
    for (size_t g = 0; g < layer->groups; g++)
      weight_piece(layer, pass, dy, w, g);
}

fr__conv1d_reach fr__conv1d_reach_of(const fr__layer *layer, size_t w) {
  const size_t left = fr__conv1d_pad_left(layer), s = layer->stride,
               at = w * layer->dilation;
  const size_t end = layer->in.steps + left; /* of the input, in padded steps */
  fr__conv1d_reach r = {.low = at >= left ? 0 : (left - at + s - 1) / s,
                        .high = end > at ? (end - at - 1) / s + 1 : 0};
  if (r.high > layer->out.steps)
    r.high = layer->out.steps;
  if (r.low < r.high)
    r.first = r.low * s + at - left;
  return r;
}

/* dx[t s + w D - left] += dy[t] W[w]^T for one w and group; what is padding is left out.
 */
static void input_piece(const fr__layer *layer, const fr__pass *pass, const float *dy,
                        float *dx, size_t w, size_t g) {
  const fr__conv1d_reach r = fr__conv1d_reach_of(layer, w);
  const size_t channels = fr__conv1d_group_in(layer), units = layer->units;
  if (r.low >= r.high)
    return;
  const fr__gemm product = {.m = r.high - r.low,
                            .n = channels,
                            .k = fr__conv1d_group_out(layer),
                            .a = dy + r.low * units + g * fr__conv1d_group_out(layer),
                            .lda = units,
                            .b = layer->tensor[0].value + w * channels * units +
                                 g * fr__conv1d_group_out(layer),
                            .ldb = units,
                            .trans_b = true,
                            .c = dx + r.first * layer->in.channels + g * channels,
                            .ldc = layer->stride * layer->in.channels,
                            .accumulate = true,
                            .batch = pass->batch,
                            .stride_a = fr__shape_elements(layer->out),
                            .stride_c = fr__shape_elements(layer->in)};
  fr__gemm_run(pass->kern, &product);
}

void fr__conv1d_input(const fr__layer *layer, const fr__pass *pass, const float *dy,
                      float *dx) {
  memset(dx, 0, pass->batch * fr__shape_elements(layer->in) * sizeof(float));
  for (size_t w = 0; w < layer->width; w++)
    for (size_t g = 0; g < layer->groups; g++)
      input_piece(layer, pass, dy, dx, w, g);
}
