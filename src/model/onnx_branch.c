/* SPDX-License-Identifier: Apache-2.0 */
/* residual as Add, parallel as Concat, in the layout that the branches leave. */
#include "model/onnx.h"

/* x P, a Conv of width 1 where channels come first; `layout` is x's. */
static const char *shortcut(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  const char *name = fr__onnx_name(g, layer, "shortcut");
  if (x.layout != FR__ONNX_CHANNELS)
    return fr__onnx_op(g, "MatMul", name, x.name, fr__onnx_weights(g, layer, "shortcut"));
  const fr_tensor *tensor = fr__onnx_tensor(g, layer, "shortcut");
  if (!tensor)
    return NULL;
  const size_t in = tensor->shape[0], out = tensor->shape[1];
  float *to = fr__onnx_floats(g, tensor->name, 3, (const size_t[]){out, in, 1});
  for (size_t o = 0; to && o < out; o++)
    for (size_t i = 0; i < in; i++)
      to[o * in + i] = tensor->value[i * out + o];
  return fr__onnx_op(g, "Conv", name, x.name, tensor->name);
}

fr__onnx_value fr__onnx_residual(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  const fr__onnx_value f = fr__onnx_chain(g, layer->branch, x);
  x = fr__onnx_as(g, x, f.layout);
  const char *straight = layer->tensor_count > 0 ? shortcut(g, layer, x) : x.name;
  const char *y = fr__onnx_op(g, "Add", fr__onnx_name(g, layer, NULL), straight, f.name);
  return (fr__onnx_value){y, f.layout, layer->out};
}

/* What the branches are joined in: the first one's, for the others often have it too. */
static enum fr__onnx_layout joint_layout(const fr__layer *layer,
                                         const fr__onnx_value *branch) {
  return layer->out.steps == 1 ? FR__ONNX_FLAT : branch[0].layout;
}

fr__onnx_value fr__onnx_parallel(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  const size_t count = layer->branch_count;
  fr__onnx_value *y = fr__onnx_take(g, count * sizeof *y);
  const char **list = fr__onnx_take(g, (count + 1) * sizeof *list);
  if (!y || !list)
    return x;
  for (size_t b = 0; b < count; b++)
    y[b] = fr__onnx_chain(g, &layer->branch[b], x);
  const enum fr__onnx_layout layout = joint_layout(layer, y);
  for (size_t b = 0; b < count; b++)
    list[b] = fr__onnx_as(g, y[b], layout).name;
  const char *name = fr__onnx_name(g, layer, NULL);
  Fr__Onnx__NodeProto *node =
      fr__onnx_node(g, (fr__onnx_call){.op = "Concat", .name = name, .list = list});
  fr__onnx_set_int(g, node, "axis", fr__onnx_channel_axis(layout));
  return (fr__onnx_value){name, layout, layer->out};
}
