/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lstm as LSTM, gru as GRU with linear_before_reset. ONNX has gates outermost, in another
 * order, and the weights of both directions in one tensor: W (D, G H, in), R (D, G H, H),
 * B (D, 2 G H), what is added to the product with W, then what is added to that with R.
 */
#include "model/onnx.h"

typedef struct cell {
  const char *op;
  size_t gates;
  size_t gate[4];      /* ONNX's gate number k is ours number gate[k] */
  bool recurrent_bias; /* a tensor; else there is none to add */
} cell;

static const cell lstm = {"LSTM", 4, {0, 3, 1, 2}, false}; /* i o f c of i f g o */
static const cell gru = {"GRU", 3, {1, 0, 2}, true};       /* z r h of r z n */

static size_t directions(const fr__layer *layer) { return layer->both ? 2 : 1; }

/* The tensor of one direction: "weight", "weight_reverse". */
static const fr_tensor *tensor_of(fr__onnx *g, const fr__layer *layer, const char *what,
                                  bool reverse) {
  const char *name = fr__onnx_printf(g, "%s%s", what, reverse ? "_reverse" : "");
  return name ? fr__onnx_tensor(g, layer, name) : NULL;
}

/* to[k H + u, i] = from[i, gate[k] H + u], from (rows, G H) */
static void turn(const cell *kind, size_t units, size_t rows, const float *from,
                 float *to) {
  const size_t columns = kind->gates * units;
  for (size_t k = 0; k < kind->gates; k++)
    for (size_t u = 0; u < units; u++)
      for (size_t i = 0; i < rows; i++)
        to[(k * units + u) * rows + i] = from[i * columns + kind->gate[k] * units + u];
}

/* "weight" or "recurrent" of all directions, (D, G H, rows) */
static const char *matrix(fr__onnx *g, const fr__layer *layer, const cell *kind,
                          const char *what, size_t rows) {
  const size_t columns = kind->gates * layer->units;
  const fr_tensor *first = fr__onnx_tensor(g, layer, what);
  float *to = first ? fr__onnx_floats(g, first->name, 3,
                                      (const size_t[]){directions(layer), columns, rows})
                    : NULL;
  for (size_t d = 0; to && d < directions(layer); d++) {
    const fr_tensor *tensor = tensor_of(g, layer, what, d == 1);
    if (tensor)
      turn(kind, layer->units, rows, tensor->value, to + d * columns * rows);
  }
  return first ? first->name : NULL;
}

static const char *bias(fr__onnx *g, const fr__layer *layer, const cell *kind) {
  const size_t columns = kind->gates * layer->units;
  const fr_tensor *first = fr__onnx_tensor(g, layer, "bias");
  float *to = first ? fr__onnx_floats(g, first->name, 2,
                                      (const size_t[]){directions(layer), 2 * columns})
                    : NULL;
  for (size_t d = 0; to && d < directions(layer); d++, to += 2 * columns) {
    const fr_tensor *input = tensor_of(g, layer, "bias", d == 1);
    const fr_tensor *recurrent =
        kind->recurrent_bias ? tensor_of(g, layer, "recurrent_bias", d == 1) : NULL;
    if (input)
      turn(kind, layer->units, 1, input->value, to);
    if (recurrent)
      turn(kind, layer->units, 1, recurrent->value, to + columns);
  }
  return first ? first->name : NULL;
}

/* Y (T, D, B, H) as (T, B, D H) */
static fr__onnx_value every_state(fr__onnx *g, const fr__layer *layer, const char *y) {
  const char *name = fr__onnx_name(g, layer, NULL);
  const fr__onnx_value out = {name, FR__ONNX_TIME, layer->out};
  if (!layer->both) {
    (void)fr__onnx_op(g, "Squeeze", name, y, fr__onnx_axis(g, 1));
    return out;
  }
  const char *turned = fr__onnx_name(g, layer, "beside");
  Fr__Onnx__NodeProto *node =
      fr__onnx_node(g, (fr__onnx_call){.op = "Transpose", .name = turned, .in = {y}});
  fr__onnx_set_ints(g, node, "perm", 4, (const int64_t[]){0, 2, 1, 3});
  const int64_t shape[] = {0, 0, (int64_t)layer->out.channels}; /* 0: as it is */
  (void)fr__onnx_op(g, "Reshape", name, turned,
                    fr__onnx_ints(g, fr__onnx_name(g, layer, "shape"), 3, shape));
  return out;
}

/* Y_h (D, B, H) as (B, D H) */
static fr__onnx_value last_state(fr__onnx *g, const fr__layer *layer, const char *y_h) {
  const char *name = fr__onnx_name(g, layer, NULL);
  const fr__onnx_value out = {name, FR__ONNX_FLAT, layer->out};
  if (!layer->both) {
    (void)fr__onnx_op(g, "Squeeze", name, y_h, fr__onnx_axis(g, 0));
    return out;
  }
  const char *turned = fr__onnx_name(g, layer, "beside");
  Fr__Onnx__NodeProto *node =
      fr__onnx_node(g, (fr__onnx_call){.op = "Transpose", .name = turned, .in = {y_h}});
  fr__onnx_set_ints(g, node, "perm", 3, (const int64_t[]){1, 0, 2});
  node = fr__onnx_node(g, (fr__onnx_call){.op = "Flatten", .name = name, .in = {turned}});
  fr__onnx_set_int(g, node, "axis", 1);
  return out;
}

static fr__onnx_value emit(fr__onnx *g, const fr__layer *layer, const cell *kind,
                           fr__onnx_value x) {
  x = fr__onnx_as(g, x, FR__ONNX_TIME);
  const char *states = fr__onnx_name(g, layer, layer->all ? "y" : "y_h");
  Fr__Onnx__NodeProto *node = fr__onnx_node(
      g,
      (fr__onnx_call){.op = kind->op,
                      .name = fr__onnx_name(g, layer, "cell"),
                      .in = {x.name, matrix(g, layer, kind, "weight", layer->in.channels),
                             matrix(g, layer, kind, "recurrent", layer->units),
                             bias(g, layer, kind)},
                      .out = {layer->all ? states : "", layer->all ? NULL : states}});
  fr__onnx_set_int(g, node, "hidden_size", (int64_t)layer->units);
  fr__onnx_set_text(g, node, "direction", layer->both ? "bidirectional" : "forward");
  if (kind->recurrent_bias)
    fr__onnx_set_int(g, node, "linear_before_reset", 1);
  return layer->all ? every_state(g, layer, states) : last_state(g, layer, states);
}

fr__onnx_value fr__onnx_lstm(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  return emit(g, layer, &lstm, x);
}

fr__onnx_value fr__onnx_gru(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  return emit(g, layer, &gru, x);
}
