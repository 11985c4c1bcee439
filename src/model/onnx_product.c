/* SPDX-License-Identifier: Apache-2.0 */
/* dense as Gemm, conv1d as Conv. */
#include "model/onnx.h"

fr__onnx_value fr__onnx_dense(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  x = fr__onnx_flat(g, x);
  const char *name = fr__onnx_name(g, layer, NULL);
  (void)fr__onnx_node(g,
                      (fr__onnx_call){.op = "Gemm",
                                      .name = name,
                                      .in = {x.name, fr__onnx_weights(g, layer, "weight"),
                                             fr__onnx_weights(g, layer, "bias")}});
  return (fr__onnx_value){name, FR__ONNX_FLAT, layer->out};
}

/* (width, in, out) as (out, in, width) */
static const char *conv_weights(fr__onnx *g, const fr__layer *layer) {
  const fr_tensor *tensor = fr__onnx_tensor(g, layer, "weight");
  if (!tensor)
    return NULL;
  const size_t width = tensor->shape[0], in = tensor->shape[1], out = tensor->shape[2];
  float *to = fr__onnx_floats(g, tensor->name, 3, (const size_t[]){out, in, width});
  for (size_t o = 0; to && o < out; o++)
    for (size_t i = 0; i < in; i++)
      for (size_t w = 0; w < width; w++)
        to[(o * in + i) * width + w] = tensor->value[(w * in + i) * out + o];
  return tensor->name;
}

/* Steps of zeros in front of the sequence and behind it. */
static void conv_pads(const fr__layer *layer, int64_t pads[2]) {
  const size_t span = (layer->width - 1) * layer->dilation + 1;
  const size_t reach = (layer->out.steps - 1) * layer->stride + span;
  const size_t total = reach > layer->in.steps ? reach - layer->in.steps : 0;
  pads[0] = pads[1] = 0;
  if (layer->padding == FR__PAD_CAUSAL)
    pads[0] = (int64_t)(span - 1);
  if (layer->padding != FR__PAD_SAME)
    return;
  pads[0] = (int64_t)(total / 2);
  pads[1] = (int64_t)(total - total / 2);
}

fr__onnx_value fr__onnx_conv1d(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  x = fr__onnx_as(g, x, FR__ONNX_CHANNELS);
  const char *name = fr__onnx_name(g, layer, NULL);
  Fr__Onnx__NodeProto *node =
      fr__onnx_node(g, (fr__onnx_call){.op = "Conv",
                                       .name = name,
                                       .in = {x.name, conv_weights(g, layer),
                                              fr__onnx_weights(g, layer, "bias")}});
  int64_t pads[2];
  conv_pads(layer, pads);
  fr__onnx_set_ints(g, node, "kernel_shape", 1, &(const int64_t){(int64_t)layer->width});
  fr__onnx_set_ints(g, node, "strides", 1, &(const int64_t){(int64_t)layer->stride});
  fr__onnx_set_ints(g, node, "dilations", 1, &(const int64_t){(int64_t)layer->dilation});
  fr__onnx_set_ints(g, node, "pads", 2, pads);
  fr__onnx_set_int(g, node, "group", (int64_t)layer->groups);
  return (fr__onnx_value){name, FR__ONNX_CHANNELS, layer->out};
}
