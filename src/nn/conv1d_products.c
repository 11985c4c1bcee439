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

size_t fr__conv1d_operands(const fr__layer *layer, fr__gemm operand[FR__LAYER_OPERANDS]) {
  if (tap_count(layer) * layer->groups > 1)
    return 0;
  operand[0] = (fr__gemm){.m = layer->out.steps,
                          .n = layer->units,
                          .k = layer->width * layer->in.channels,
                          .lda = layer->stride * layer->in.channels,
                          .b = layer->tensor[0].value,
                          .ldb = layer->units};
  return 1;
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
                            .rectify = pass->rectify && w + 1 == tap_count(layer),
                            .batch = pass->batch,
                            .stride_a = fr__conv1d_source_stride(layer),
                            .stride_c = fr__shape_elements(layer->out),
                            .sparse = fr__layer_sparse(layer, 0),
                            .packed = layer->packed[0],
                            .packed_n = layer->units};
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

static void input_by_taps(const fr__layer *layer, const fr__pass *pass, const float *dy,
                          float *dx) {
  memset(dx, 0, pass->batch * fr__shape_elements(layer->in) * sizeof(float));
  for (size_t w = 0; w < layer->width; w++)
    for (size_t g = 0; g < layer->groups; g++)
      input_piece(layer, pass, dy, dx, w, g);
}

/* ---- dx as one product ----
 *
 * Without stride and dilation dx is itself a convolution, of dy with the taps in reverse:
 *
 *   dx[t] = Σ_s dy[t + left - (width - 1) + s] W[width - 1 - s]^T
 *
 * Where all of those steps of dy are there, it is a product of overlapping rows; near the
 * ends, where some are missing, a product with fewer taps for each step of all samples.
 */

bool fr__conv1d_turns(const fr__layer *layer) {
  return layer->stride == 1 && layer->dilation == 1 && layer->groups == 1;
}

/* V (C, width * units): V[c, s, u] = W[width - 1 - s, c, u] */
static void turn_weight(const fr__layer *layer, float *turned) {
  const size_t channels = layer->in.channels, units = layer->units, width = layer->width;
  for (size_t c = 0; c < channels; c++)
    for (size_t s = 0; s < width; s++)
      memcpy(turned + (c * width + s) * units,
             layer->tensor[0].value + ((width - 1 - s) * channels + c) * units,
             units * sizeof(float));
}

/* dx of `count` steps from t on, which see taps [first, last] of V. */
typedef struct turned_rows {
  size_t t, count, first, last;
} turned_rows;

static turned_rows turned_at(const fr__layer *layer, size_t t) {
  const size_t last = layer->width - 1, at = t + fr__conv1d_pad_left(layer);
  const size_t end = layer->out.steps + last; /* of dy, counted as `at` is */
  turned_rows r = {.t = t, .count = 1, .first = at < last ? last - at : 0, .last = last};
  if (end <= at + last)
    r.last = end - 1 - at;
  if (r.first == 0 && r.last == last) /* and so it is up to where dy ends */
    r.count = end - last - at;
  if (r.count > layer->in.steps - t)
    r.count = layer->in.steps - t;
  return r;
}

static void turned_product(const fr__layer *layer, const fr__pass *pass, const float *dy,
                           const float *turned, const turned_rows *r, float *dx) {
  const size_t channels = layer->in.channels, units = layer->units;
  const size_t from = r->t + fr__conv1d_pad_left(layer) + r->first - (layer->width - 1);
  const fr__gemm product = {.m = r->count,
                            .n = channels,
                            .k = (r->last - r->first + 1) * units,
                            .a = dy + from * units,
                            .lda = units,
                            .b = turned + r->first * units,
                            .ldb = layer->width * units,
                            .trans_b = true,
                            .c = dx + r->t * channels,
                            .ldc = channels,
                            .batch = pass->batch,
                            .stride_a = fr__shape_elements(layer->out),
                            .stride_c = fr__shape_elements(layer->in)};
  fr__gemm_run(pass->kern, &product);
}

static void clear_steps(const fr__layer *layer, size_t batch, size_t t, float *dx) {
  const size_t channels = layer->in.channels;
  for (size_t b = 0; b < batch; b++)
    memset(dx + (b * layer->in.steps + t) * channels, 0, channels * sizeof(float));
}

static void input_turned(const fr__layer *layer, const fr__pass *pass, const float *dy,
                         float *turned, float *dx) {
  turn_weight(layer, turned);
  for (size_t t = 0, count; t < layer->in.steps; t += count) {
    const bool seen =
        t + fr__conv1d_pad_left(layer) < layer->out.steps + layer->width - 1;
    const turned_rows r = seen ? turned_at(layer, t) : (turned_rows){.count = 1};
    count = r.count;
    if (seen)
      turned_product(layer, pass, dy, turned, &r, dx);
    else
      clear_steps(layer, pass->batch, t, dx);
  }
}

void fr__conv1d_input(const fr__layer *layer, const fr__pass *pass, const float *dy,
                      float *dx) {
  if (fr__conv1d_turns(layer))
    input_turned(layer, pass, dy, layer->workspace, dx);
  else
    input_by_taps(layer, pass, dy, dx);
}
