/* SPDX-License-Identifier: Apache-2.0 */
/* dense(units): y = x W + b, W (in, out). A sequence (T, C) is taken as one row of T * C.
 */
#include "nn/layer.h"

static enum fr_status parse(fr__layer *layer, const fr__arguments *arguments,
                            fr_error *err) {
  enum fr_status status = fr__arguments_between(arguments, 1, 1, err);
  if (status == FR_OK)
    status = fr__argument_count(arguments, 0, "the count of units", &layer->units, err);
  if (status == FR_OK)
    fr__layer_set_text(layer, "dense(%zu)", layer->units);
  return status;
}

static enum fr_status shape(fr__layer *layer, fr_error *err) {
  (void)err;
  layer->out = (fr_shape){1, layer->units};
  return FR_OK;
}

static size_t tensors(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]) {
  const size_t inputs = fr__shape_elements(layer->in);
  need[0] = (fr__tensor_need){"weight", 2, {inputs, layer->units}, true};
  need[1] = (fr__tensor_need){"bias", 1, {layer->units}, true};
  return 2;
}

/* n multiplications, n - 1 additions and the bias: 2 n per output. */
static uint64_t operations(const fr__layer *layer) {
  return 2 * (uint64_t)fr__shape_elements(layer->in) * layer->units;
}

static void init(fr__layer *layer, fr__rng *rng, bool rectified) {
  const fr_tensor *weight = &layer->tensor[0];
  fr__init_weights(weight->value, weight->count, weight->shape[0], weight->shape[1],
                   rectified, rng);
}

static size_t operands(const fr__layer *layer, fr__gemm operand[FR__LAYER_OPERANDS]) {
  operand[0] = (fr__gemm){.m = 1,
                          .n = layer->units,
                          .k = fr__shape_elements(layer->in),
                          .lda = fr__shape_elements(layer->in),
                          .b = layer->tensor[0].value,
                          .ldb = layer->units};
  return 1;
}

static bool rectifies(const fr__layer *layer) {
  (void)layer;
  return true;
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  const size_t inputs = fr__shape_elements(layer->in), units = layer->units;
  const fr__gemm product = {.m = pass->batch,
                            .n = units,
                            .k = inputs,
                            .a = layer->x,
                            .lda = inputs,
                            .b = layer->tensor[0].value,
                            .ldb = units,
                            .c = layer->y,
                            .ldc = units,
                            .bias = layer->tensor[1].value,
                            .rectify = pass->rectify,
                            .sparse = fr__layer_sparse(layer, 0),
                            .packed = layer->packed[0],
                            .packed_n = units};
  fr__gemm_run(pass->kern, &product);
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  const size_t inputs = fr__shape_elements(layer->in), units = layer->units;
  /* dW = x^T dy */
  const fr__gemm weight = {.m = inputs,
                           .n = units,
                           .k = pass->batch,
                           .a = layer->x,
                           .lda = inputs,
                           .trans_a = true,
                           .b = dy,
                           .ldb = units,
                           .c = layer->tensor[0].gradient,
                           .ldc = units};
  fr__gemm_run(pass->kern, &weight);
  fr__column_sum(pass->kern, dy, pass->batch, units, layer->tensor[1].gradient);
  if (!dx)
    return;
  /* dx = dy W^T */
  const fr__gemm input = {.m = pass->batch,
                          .n = inputs,
                          .k = units,
                          .a = dy,
                          .lda = units,
                          .b = layer->tensor[0].value,
                          .ldb = units,
                          .trans_b = true,
                          .c = dx,
                          .ldc = inputs};
  fr__gemm_run(pass->kern, &input);
}

const fr__layer_ops fr__layer_dense = {
    .name = "dense",
    .usage = "dense(units)",
    .place = FR__PLACE_NEW,
    .parse = parse,
    .shape = shape,
    .tensors = tensors,
    .operations = operations,
    .init = init,
    .operands = operands,
    .rectifies = rectifies,
    .forward = forward,
    .backward = backward,
};
