/* SPDX-License-Identifier: Apache-2.0 */
/* From one layout to another, where an operator asks for it. */
#include "model/onnx.h"

/* Where each layout has its T: the axis that a FLAT one lacks. */
static const int64_t step_axis[] = {
    [FR__ONNX_STEPS] = 1, [FR__ONNX_CHANNELS] = 2, [FR__ONNX_TIME] = 0};

static const char *const layout_name[] = {[FR__ONNX_STEPS] = "steps",
                                          [FR__ONNX_CHANNELS] = "channels",
                                          [FR__ONNX_TIME] = "time",
                                          [FR__ONNX_FLAT] = "flat"};

/* Axis i of the result is axis order[from][to][i] of the input. */
static const int64_t order[3][3][3] = {
    [FR__ONNX_STEPS] = {[FR__ONNX_CHANNELS] = {0, 2, 1}, [FR__ONNX_TIME] = {1, 0, 2}},
    [FR__ONNX_CHANNELS] = {[FR__ONNX_STEPS] = {0, 2, 1}, [FR__ONNX_TIME] = {2, 0, 1}},
    [FR__ONNX_TIME] = {[FR__ONNX_STEPS] = {1, 0, 2}, [FR__ONNX_CHANNELS] = {1, 2, 0}}};

int64_t fr__onnx_channel_axis(enum fr__onnx_layout layout) {
  return layout == FR__ONNX_STEPS || layout == FR__ONNX_TIME ? 2 : 1;
}

static void emit_change(fr__onnx *g, fr__onnx_value x, enum fr__onnx_layout layout,
                        const char *name) {
  if (x.layout == FR__ONNX_FLAT) {
    (void)fr__onnx_op(g, "Unsqueeze", name, x.name, fr__onnx_axis(g, step_axis[layout]));
  } else if (layout == FR__ONNX_FLAT) {
    (void)fr__onnx_op(g, "Squeeze", name, x.name, fr__onnx_axis(g, step_axis[x.layout]));
  } else {
    Fr__Onnx__NodeProto *node = fr__onnx_node(
        g, (fr__onnx_call){.op = "Transpose", .name = name, .in = {x.name}});
    fr__onnx_set_ints(g, node, "perm", 3, order[x.layout][layout]);
  }
}

fr__onnx_value fr__onnx_as(fr__onnx *g, fr__onnx_value x, enum fr__onnx_layout layout) {
  if (x.layout == layout)
    return x;
  const char *name = fr__onnx_printf(g, "%s.%s", x.name, layout_name[layout]);
  if (name && !fr__onnx_has(g, name))
    emit_change(g, x, layout, name);
  return (fr__onnx_value){name, layout, x.shape};
}

fr__onnx_value fr__onnx_flat(fr__onnx *g, fr__onnx_value x) {
  if (x.shape.steps == 1)
    return fr__onnx_as(g, x, FR__ONNX_FLAT);
  x = fr__onnx_as(g, x, FR__ONNX_STEPS);
  const char *name = fr__onnx_printf(g, "%s.flat", x.name);
  if (name && !fr__onnx_has(g, name)) {
    Fr__Onnx__NodeProto *node =
        fr__onnx_node(g, (fr__onnx_call){.op = "Flatten", .name = name, .in = {x.name}});
    fr__onnx_set_int(g, node, "axis", 1);
  }
  return (fr__onnx_value){name, FR__ONNX_FLAT, {1, fr__shape_elements(x.shape)}};
}

fr__onnx_value fr__onnx_flatten(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  (void)layer;
  return fr__onnx_flat(g, x);
}

fr__onnx_value fr__onnx_identity(fr__onnx *g, const fr__layer *layer, fr__onnx_value x) {
  (void)g;
  (void)layer;
  return x;
}
