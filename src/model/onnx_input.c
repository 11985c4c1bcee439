/* SPDX-License-Identifier: Apache-2.0 */
/* The normaliser as nodes. Names of its values begin with "normalizer". */
#include "model/onnx.h"

/* Whether x is no finite number. */
static const char *missing(fr__onnx *g, const char *x) {
  const char *nan = fr__onnx_op(g, "IsNaN", "normalizer.nan", x, NULL);
  const char *infinite = fr__onnx_op(g, "IsInf", "normalizer.infinite", x, NULL);
  return fr__onnx_op(g, "Or", "normalizer.missing", nan, infinite);
}

static const char *where(fr__onnx *g, const char *name, const char *condition,
                         const char *yes, const char *no) {
  (void)fr__onnx_node(
      g, (fr__onnx_call){.op = "Where", .name = name, .in = {condition, yes, no}});
  return name;
}

/* Over the steps, which stay as one. */
static const char *sum(fr__onnx *g, const char *name, const char *x) {
  Fr__Onnx__NodeProto *node = fr__onnx_node(
      g,
      (fr__onnx_call){.op = "ReduceSum", .name = name, .in = {x, fr__onnx_axis(g, 1)}});
  fr__onnx_set_int(g, node, "keepdims", 1);
  return name;
}

/* (x - shift) scale; what is not finite becomes 0 */
static const char *fixed(fr__onnx *g, const fr_normalizer *n, const char *x) {
  const char *shift = fr__onnx_row(g, "normalizer.shift", n->shift, n->channels);
  const char *scale = fr__onnx_row(g, "normalizer.scale", n->scale, n->channels);
  const char *zero = fr__onnx_scalar(g, "normalizer.zero", 0);
  const char *centered = fr__onnx_op(g, "Sub", "normalizer.centered", x, shift);
  const char *scaled = fr__onnx_op(g, "Mul", "normalizer.scaled", centered, scale);
  return where(g, "normalizer", missing(g, scaled), zero, scaled);
}

/* x; what is not finite becomes shift, and a silent channel 0 */
static const char *none(fr__onnx *g, const fr_normalizer *n, const char *x) {
  const char *shift = fr__onnx_row(g, "normalizer.shift", n->shift, n->channels);
  const char *scale = fr__onnx_row(g, "normalizer.scale", n->scale, n->channels);
  const char *whole = where(g, "normalizer.whole", missing(g, x), shift, x);
  return fr__onnx_op(g, "Mul", "normalizer", whole, scale);
}

/* (x - mean) min(1 / deviation, scale) of what is there */
static const char *window(fr__onnx *g, const fr_normalizer *n, const char *x) {
  const char *scale = fr__onnx_row(g, "normalizer.scale", n->scale, n->channels);
  const char *zero = fr__onnx_scalar(g, "normalizer.zero", 0);
  const char *one = fr__onnx_scalar(g, "normalizer.one", 1);
  const char *gone = missing(g, x);
  const char *here = where(g, "normalizer.here", gone, zero, one);
  const char *whole = where(g, "normalizer.whole", gone, zero, x);
  const char *counted = sum(g, "normalizer.counted", here);
  const char *count = fr__onnx_op(g, "Max", "normalizer.count", counted, one);
  const char *total = sum(g, "normalizer.total", whole);
  const char *mean = fr__onnx_op(g, "Div", "normalizer.mean", total, count);
  const char *off = fr__onnx_op(g, "Sub", "normalizer.off", whole, mean);
  const char *centered = where(g, "normalizer.centered", gone, zero, off);
  const char *square = fr__onnx_op(g, "Mul", "normalizer.square", centered, centered);
  const char *squares = sum(g, "normalizer.squares", square);
  const char *variance = fr__onnx_op(g, "Div", "normalizer.variance", squares, count);
  const char *deviation = fr__onnx_op(g, "Sqrt", "normalizer.deviation", variance, NULL);
  const char *inverse =
      fr__onnx_op(g, "Reciprocal", "normalizer.inverse", deviation, NULL);
  const char *factor = fr__onnx_op(g, "Min", "normalizer.factor", inverse, scale);
  return fr__onnx_op(g, "Mul", "normalizer", centered, factor);
}

fr__onnx_value fr__onnx_normalizer(fr__onnx *g, const fr_normalizer *n,
                                   fr__onnx_value x) {
  if (n->channels == 0)
    return x;
  switch (n->how) {
  case FR_NORMALIZE_WINDOW: x.name = window(g, n, x.name); break;
  case FR_NORMALIZE_NONE: x.name = none(g, n, x.name); break;
  case FR_NORMALIZE_ZSCORE:
  case FR_NORMALIZE_MINMAX:
  case FR_NORMALIZE_ROBUST: x.name = fixed(g, n, x.name); break;
  }
  return x;
}
