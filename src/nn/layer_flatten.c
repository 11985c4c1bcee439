/* SPDX-License-Identifier: Apache-2.0 */
/* flatten: (T, C) read as one step of T * C channels. No number moves. */
#include <string.h>

#include "nn/layer.h"

static enum fr_status shape(fr__layer *layer, fr_error *err) {
  (void)err;
  layer->out = (fr_shape){1, fr__shape_elements(layer->in)};
  return FR_OK;
}

static uint64_t operations(const fr__layer *layer) {
  (void)layer;
  return 0;
}

static void move(const fr__layer *layer, size_t batch, const float *from, float *to) {
  if (to && to != from)
    memcpy(to, from, batch * fr__shape_elements(layer->in) * sizeof(float));
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  move(layer, pass->batch, layer->x, layer->y);
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  move(layer, pass->batch, dy, dx);
}

const fr__layer_ops fr__layer_flatten = {
    .name = "flatten",
    .usage = "flatten",
    .place = FR__PLACE_SAME,
    .kin = FR__KIN_TRANSPARENT,
    .parse = fr__layer_parse_bare,
    .shape = shape,
    .operations = operations,
    .forward = forward,
    .backward = backward,
};
