/* SPDX-License-Identifier: Apache-2.0 */
/* bn as BatchNormalization, layernorm as LayerNormalization (since opset 17). */
#include "model/onnx.h"

fr__onnx_value fr__onnx_bn(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  x = fr__onnx_as(g, x, x.shape.steps == 1 ? FR__ONNX_FLAT : FR__ONNX_CHANNELS);
  const char *name = fr__onnx_name(g, layer, NULL);
  Fr__Onnx__NodeProto *node = fr__onnx_node(
      g, (fr__onnx_call){.op = "BatchNormalization",
                         .name = name,
                         .in = {x.name, fr__onnx_weights(g, layer, "weight"),
                                fr__onnx_weights(g, layer, "bias"),
                                fr__onnx_weights(g, layer, "running_mean"),
                                fr__onnx_weights(g, layer, "running_variance")}});
  fr__onnx_set_float(g, node, "epsilon", layer->epsilon);
  return (fr__onnx_value){name, x.layout, layer->out};
}

fr__onnx_value fr__onnx_layernorm(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  if (x.layout == FR__ONNX_CHANNELS)
    x = fr__onnx_as(g, x, FR__ONNX_STEPS);
  const char *name = fr__onnx_name(g, layer, NULL);
  Fr__Onnx__NodeProto *node = fr__onnx_node(
      g, (fr__onnx_call){.op = "LayerNormalization",
                         .name = name,
                         .in = {x.name, fr__onnx_weights(g, layer, "weight"),
                                fr__onnx_weights(g, layer, "bias")}});
  fr__onnx_set_int(g, node, "axis", -1);
  fr__onnx_set_float(g, node, "epsilon", layer->epsilon);
  return (fr__onnx_value){name, x.layout, layer->out};
}
