/* SPDX-License-Identifier: Apache-2.0 */
/* attention(heads): products, a softmax over keys, and the shuffling of axes between
 * (B, T, C) and (B, heads, T, C / heads). */
#include <math.h>

#include "model/onnx.h"

static const char *product(fr__onnx *g, const fr__layer *layer, const char *x,
                           const char *name, const char *weight, const char *bias) {
  const char *bare = fr__onnx_printf(g, "%s.product", name);
  (void)fr__onnx_op(g, "MatMul", bare, x, fr__onnx_weights(g, layer, weight));
  return fr__onnx_op(g, "Add", name, bare, fr__onnx_weights(g, layer, bias));
}

/* (B, T, C) with a head's columns together, axes in the order that `perm` says. */
static const char *by_heads(fr__onnx *g, const char *x, const char *shape,
                            const int64_t perm[4]) {
  const char *cut = fr__onnx_printf(g, "%s.cut", x);
  const char *name = fr__onnx_printf(g, "%s.heads", x);
  (void)fr__onnx_op(g, "Reshape", cut, x, shape);
  Fr__Onnx__NodeProto *node =
      fr__onnx_node(g, (fr__onnx_call){.op = "Transpose", .name = name, .in = {cut}});
  fr__onnx_set_ints(g, node, "perm", 4, perm);
  return name;
}

/* Softmax(q k / sqrt(C / heads)) v; q, v (B, heads, T, d), k (B, heads, d, T) */
static const char *attend(fr__onnx *g, const fr__layer *layer, const char *q,
                          const char *k, const char *v) {
  const double width = (double)(layer->in.channels / layer->heads);
  const char *scores = fr__onnx_op(g, "MatMul", fr__onnx_name(g, layer, "scores"), q, k);
  const char *scale =
      fr__onnx_scalar(g, fr__onnx_name(g, layer, "scale"), (float)(1.0 / sqrt(width)));
  const char *scaled =
      fr__onnx_op(g, "Mul", fr__onnx_name(g, layer, "scaled"), scores, scale);
  const char *shares = fr__onnx_name(g, layer, "shares");
  Fr__Onnx__NodeProto *node =
      fr__onnx_node(g, (fr__onnx_call){.op = "Softmax", .name = shares, .in = {scaled}});
  fr__onnx_set_int(g, node, "axis", 3);
  return fr__onnx_op(g, "MatMul", fr__onnx_name(g, layer, "mix"), shares, v);
}

fr__onnx_value fr__onnx_attention(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  static const int64_t to_heads[] = {0, 2, 1, 3}, to_keys[] = {0, 2, 3, 1};
  const int64_t channels = (int64_t)layer->in.channels, heads = (int64_t)layer->heads;
  x = fr__onnx_as(g, x, FR__ONNX_STEPS);
  const char *qkv =
      product(g, layer, x.name, fr__onnx_name(g, layer, "qkv"), "weight", "bias");
  const char *q = fr__onnx_name(g, layer, "q"), *k = fr__onnx_name(g, layer, "k"),
             *v = fr__onnx_name(g, layer, "v");
  Fr__Onnx__NodeProto *split =
      fr__onnx_node(g, (fr__onnx_call){.op = "Split",
                                       .name = fr__onnx_name(g, layer, "split"),
                                       .in = {qkv},
                                       .out = {q, k, v}});
  fr__onnx_set_int(g, split, "axis", 2);
  const char *shape = fr__onnx_ints(g, fr__onnx_name(g, layer, "cut"), 4,
                                    (const int64_t[]){0, 0, heads, channels / heads});
  const char *mix =
      attend(g, layer, by_heads(g, q, shape, to_heads), by_heads(g, k, shape, to_keys),
             by_heads(g, v, shape, to_heads));
  const char *steps = fr__onnx_name(g, layer, "steps"),
             *joined = fr__onnx_name(g, layer, "joined");
  Fr__Onnx__NodeProto *back =
      fr__onnx_node(g, (fr__onnx_call){.op = "Transpose", .name = steps, .in = {mix}});
  fr__onnx_set_ints(g, back, "perm", 4, to_heads);
  const char *whole = fr__onnx_ints(g, fr__onnx_name(g, layer, "whole"), 3,
                                    (const int64_t[]){0, 0, channels});
  (void)fr__onnx_op(g, "Reshape", joined, steps, whole);
  const char *y =
      product(g, layer, joined, fr__onnx_name(g, layer, NULL), "output", "output_bias");
  return (fr__onnx_value){y, FR__ONNX_STEPS, layer->out};
}
