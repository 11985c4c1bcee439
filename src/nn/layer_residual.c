/* SPDX-License-Identifier: Apache-2.0 */
/*
 * residual(layers) (He et al. 2016, equations 1 and 2): y = x + f(x), f the layers. Where
 * f changes the count of channels, y = x P + f(x) with a matrix P (in, out) that is
 * trained. Convolutions in a branch are padded to the same length unless they say
 * otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/chain.h"

static enum fr_status parse(fr__layer *layer, const fr__arguments *arguments,
                            fr_error *err) {
  fr__source source = arguments->body;
  layer->branch = calloc(1, sizeof *layer->branch);
  if (!layer->branch)
    return fr__fail_memory(err, "the layers of a branch");
  layer->branch_count = 1;
  const enum fr_status status = fr__chain_init(layer->branch, &source, layer, 0, err);
  if (status == FR_OK && layer->branch->count == 0)
    return fr__layer_fail(layer, err, "has no layer: %s", layer->ops->usage);
  return status;
}

static enum fr_status shape(fr__layer *layer, fr_error *err) {
  fr__chain *branch = layer->branch;
  enum fr_status status = fr__chain_shape(branch, layer->in, layer->in.steps > 1, err);
  if (status == FR_OK)
    status = fr__branches_text(layer, err);
  if (status != FR_OK)
    return status;
  layer->out = branch->out;
  if (layer->out.steps == layer->in.steps)
    return FR_OK;
  return fr__layer_fail(layer, err,
                        "its branch makes %zu steps of %zu, which cannot be added",
                        layer->out.steps, layer->in.steps);
}

static bool has_projection(const fr__layer *layer) {
  return layer->in.channels != layer->out.channels;
}

static size_t tensors(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]) {
  if (!has_projection(layer))
    return 0;
  need[0] =
      (fr__tensor_need){"shortcut", 2, {layer->in.channels, layer->out.channels}, true};
  return 1;
}

static uint64_t operations(const fr__layer *layer) {
  const uint64_t product = has_projection(layer) ? 2 * layer->in.channels : 0;
  return fr__chain_operations(layer->branch) +
         (product + 1) * fr__shape_elements(layer->out);
}

static size_t length(const fr__layer *layer, size_t steps) {
  return fr__chain_length(layer->branch, layer->branch->count, steps);
}

static void init(fr__layer *layer, fr__rng *rng, bool rectified) {
  (void)rectified;
  if (has_projection(layer))
    fr__init_weights(layer->tensor[0].value, layer->tensor[0].count, layer->in.channels,
                     layer->out.channels, false, rng);
}

/* c += a P, or with trans_b c += a P^T, row by row. */
static void project(const fr__layer *layer, const fr__pass *pass, const float *a,
                    bool back, float *c) {
  const size_t in = layer->in.channels, out = layer->out.channels;
  const fr__gemm product = {.m = pass->batch * layer->in.steps,
                            .n = back ? in : out,
                            .k = back ? out : in,
                            .a = a,
                            .lda = back ? out : in,
                            .b = layer->tensor[0].value,
                            .ldb = out,
                            .trans_b = back,
                            .c = c,
                            .ldc = back ? in : out,
                            .accumulate = true};
  fr__gemm_run(pass->kern, &product);
}

static void join(fr__layer *layer, const fr__pass *pass, size_t branch, const float *f) {
  const size_t n = pass->batch * fr__shape_elements(layer->out);
  (void)branch;
  memcpy(layer->y, f, n * sizeof(float));
  if (has_projection(layer))
    project(layer, pass, layer->x, false, layer->y);
  else
    fr__axpy(pass->kern, 1, layer->x, layer->y, n);
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  join(layer, pass, 0,
       fr__chain_forward(layer->branch, pass, layer->x, 0, layer->branch->count));
}

/* dP = x^T dy */
static void backward_projection(const fr__layer *layer, const fr__pass *pass,
                                const float *dy) {
  const fr__gemm product = {.m = layer->in.channels,
                            .n = layer->out.channels,
                            .k = pass->batch * layer->in.steps,
                            .a = layer->x,
                            .lda = layer->in.channels,
                            .trans_a = true,
                            .b = dy,
                            .ldb = layer->out.channels,
                            .c = layer->tensor[0].gradient,
                            .ldc = layer->out.channels};
  fr__gemm_run(pass->kern, &product);
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  fr__chain_backward(layer->branch, pass, dy, dx);
  if (has_projection(layer))
    backward_projection(layer, pass, dy);
  if (dx && has_projection(layer))
    project(layer, pass, dy, true, dx);
  else if (dx)
    fr__axpy(pass->kern, 1, dy, dx, pass->batch * fr__shape_elements(layer->in));
}

const fr__layer_ops fr__layer_residual = {
    .name = "residual",
    .usage = "residual(layers)",
    .place = FR__PLACE_NEW,
    .branches = true,
    .flow = FR__FLOW_BRANCHES,
    .join = join,
    .parse = parse,
    .shape = shape,
    .tensors = tensors,
    .operations = operations,
    .length = length,
    .init = init,
    .forward = forward,
    .backward = backward,
};
