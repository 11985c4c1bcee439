/* SPDX-License-Identifier: Apache-2.0 */
/* What works number by number keeps the layout that it finds; softmax works along the
 * channels, wherever they lie. */
#include "model/onnx.h"

static fr__onnx_value each(fr__onnx *g, const fr__layer *layer, const char *op,
                           fr__onnx_value x) {
  const char *name = fr__onnx_op(g, op, fr__onnx_name(g, layer, NULL), x.name, NULL);
  return (fr__onnx_value){name, x.layout, layer->out};
}

fr__onnx_value fr__onnx_relu(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  return each(g, layer, "Relu", x);
}

fr__onnx_value fr__onnx_sigmoid(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  return each(g, layer, "Sigmoid", x);
}

fr__onnx_value fr__onnx_tanh(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  return each(g, layer, "Tanh", x);
}

fr__onnx_value fr__onnx_hardswish(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  return each(g, layer, "HardSwish", x);
}

fr__onnx_value fr__onnx_leaky(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  const char *name = fr__onnx_name(g, layer, NULL);
  Fr__Onnx__NodeProto *node =
      fr__onnx_node(g, (fr__onnx_call){.op = "LeakyRelu", .name = name, .in = {x.name}});
  fr__onnx_set_float(g, node, "alpha", layer->factor);
  return (fr__onnx_value){name, x.layout, layer->out};
}

fr__onnx_value fr__onnx_softmax(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  const char *name = fr__onnx_name(g, layer, NULL);
  Fr__Onnx__NodeProto *node =
      fr__onnx_node(g, (fr__onnx_call){.op = "Softmax", .name = name, .in = {x.name}});
  fr__onnx_set_int(g, node, "axis", fr__onnx_channel_axis(x.layout));
  return (fr__onnx_value){name, x.layout, layer->out};
}

/* op(a, value) */
static const char *with(fr__onnx *g, const char *op, const char *name, const char *a,
                        float value) {
  const char *constant =
      fr__onnx_scalar(g, fr__onnx_printf(g, "%s.constant", name), value);
  return fr__onnx_op(g, op, name, a, constant);
}

/* x/2 (1 + tanh(sqrt(2/π) (x + 0.044715 x³))): Gelu itself comes with opset 20. */
fr__onnx_value fr__onnx_gelu(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  const char *square =
      fr__onnx_op(g, "Mul", fr__onnx_name(g, layer, "square"), x.name, x.name);
  const char *cube =
      fr__onnx_op(g, "Mul", fr__onnx_name(g, layer, "cube"), square, x.name);
  const char *part = with(g, "Mul", fr__onnx_name(g, layer, "part"), cube, 0.044715f);
  const char *sum = fr__onnx_op(g, "Add", fr__onnx_name(g, layer, "sum"), x.name, part);
  const char *u = with(g, "Mul", fr__onnx_name(g, layer, "u"), sum, 0.79788456f);
  const char *tanh_u = fr__onnx_op(g, "Tanh", fr__onnx_name(g, layer, "tanh"), u, NULL);
  const char *gate = with(g, "Add", fr__onnx_name(g, layer, "gate"), tanh_u, 1);
  const char *half = with(g, "Mul", fr__onnx_name(g, layer, "half"), x.name, 0.5f);
  const char *y = fr__onnx_op(g, "Mul", fr__onnx_name(g, layer, NULL), half, gate);
  return (fr__onnx_value){y, x.layout, layer->out};
}
