/* SPDX-License-Identifier: Apache-2.0 */
/* maxpool, avgpool. Windows do not overlap; ONNX, too, passes over what is left at the
 * end. */
#include "model/onnx.h"

static fr__onnx_value pool(fr__onnx *g, const fr__layer *layer, const char *op,
                           const char *op_of_all, fr__onnx_value x) {
  x = fr__onnx_as(g, x, FR__ONNX_CHANNELS);
  const char *name = fr__onnx_name(g, layer, NULL);
  Fr__Onnx__NodeProto *node = fr__onnx_node(
      g,
      (fr__onnx_call){.op = layer->all ? op_of_all : op, .name = name, .in = {x.name}});
  if (!layer->all) {
    const int64_t width = (int64_t)layer->width;
    fr__onnx_set_ints(g, node, "kernel_shape", 1, &width);
    fr__onnx_set_ints(g, node, "strides", 1, &width);
  }
  return (fr__onnx_value){name, FR__ONNX_CHANNELS, layer->out};
}

fr__onnx_value fr__onnx_maxpool(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  return pool(g, layer, "MaxPool", "GlobalMaxPool", x);
}

fr__onnx_value fr__onnx_avgpool(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  return pool(g, layer, "AveragePool", "GlobalAveragePool", x);
}
