/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maxpool(width|all), avgpool(width|all): the greatest or the mean of each channel over
 * `width` steps that do not overlap; steps left over at the end are passed over.
 */
#include <string.h>

#include "nn/layer.h"

static enum fr_status parse(fr__layer *layer, const fr__arguments *arguments,
                            fr_error *err) {
  enum fr_status status = fr__arguments_between(arguments, 1, 1, err);
  layer->all = fr__argument_is(arguments, 0, "all");
  if (status == FR_OK && !layer->all)
    status = fr__argument_count(arguments, 0, "width", &layer->width, err);
  if (status != FR_OK)
    return status;
  if (layer->all)
    fr__layer_set_text(layer, "%s(all)", layer->ops->name);
  else
    fr__layer_set_text(layer, "%s(%zu)", layer->ops->name, layer->width);
  return FR_OK;
}

static enum fr_status shape(fr__layer *layer, fr_error *err) {
  if (layer->all)
    layer->width = layer->in.steps;
  if (layer->width > layer->in.steps)
    return fr__layer_fail(layer, err, "width %zu exceeds the %zu steps it is given",
                          layer->width, layer->in.steps);
  layer->out = (fr_shape){layer->in.steps / layer->width, layer->in.channels};
  return FR_OK;
}

/* One per number looked at. */
static uint64_t operations(const fr__layer *layer) {
  return (uint64_t)layer->width * fr__shape_elements(layer->out);
}

/* Where the greatest was found, as a step within its window: (B, out.steps, C) of
 * uint32_t. */
static size_t max_workspace(const fr__layer *layer, size_t batch, bool train) {
  return train ? batch * fr__shape_elements(layer->out) : 0;
}

static uint32_t *places(const fr__layer *layer) {
  return (uint32_t *)(void *)layer->workspace;
}

/* One window: x (width, C), y (C). */
static void max_window(const float *x, size_t width, size_t channels, float *y) {
  memcpy(y, x, channels * sizeof(float));
  for (size_t w = 1; w < width; w++)
    for (size_t c = 0; c < channels; c++)
      y[c] = x[w * channels + c] > y[c] ? x[w * channels + c] : y[c];
}

static void max_window_placed(const float *x, size_t width, size_t channels, float *y,
                              uint32_t *place) {
  memcpy(y, x, channels * sizeof(float));
  memset(place, 0, channels * sizeof(*place));
  for (size_t w = 1; w < width; w++)
    for (size_t c = 0; c < channels; c++) {
      const float v = x[w * channels + c];
      place[c] = v > y[c] ? (uint32_t)w : place[c];
      y[c] = v > y[c] ? v : y[c];
    }
}

static void max_forward(fr__layer *layer, const fr__pass *pass) {
  const size_t channels = layer->in.channels;
  for (size_t b = 0; b < pass->batch; b++)
    for (size_t t = 0; t < layer->out.steps; t++) {
      const size_t to = (b * layer->out.steps + t) * channels;
      const float *x = layer->x + (b * layer->in.steps + t * layer->width) * channels;
      if (pass->train)
        max_window_placed(x, layer->width, channels, layer->y + to, places(layer) + to);
      else
        max_window(x, layer->width, channels, layer->y + to);
    }
}

static void max_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                         float *dx) {
  const size_t channels = layer->in.channels;
  if (!dx)
    return;
  memset(dx, 0, pass->batch * fr__shape_elements(layer->in) * sizeof(float));
  for (size_t b = 0; b < pass->batch; b++)
    for (size_t t = 0; t < layer->out.steps; t++) {
      const size_t from = (b * layer->out.steps + t) * channels;
      const uint32_t *place = places(layer) + from;
      float *to = dx + (b * layer->in.steps + t * layer->width) * channels;
      for (size_t c = 0; c < channels; c++)
        to[place[c] * channels + c] = dy[from + c];
    }
}

static void average_forward(fr__layer *layer, const fr__pass *pass) {
  const size_t channels = layer->in.channels, width = layer->width;
  const float share = 1.0f / (float)width;
  for (size_t b = 0; b < pass->batch; b++)
    for (size_t t = 0; t < layer->out.steps; t++) {
      const float *x = layer->x + (b * layer->in.steps + t * width) * channels;
      float *y = layer->y + (b * layer->out.steps + t) * channels;
      fr__column_sum(pass->kern, x, width, channels, y);
      for (size_t c = 0; c < channels; c++)
        y[c] *= share;
    }
}

/* dx[t w + i] = dy[t] / width; steps that are passed over get 0. */
static void average_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                             float *dx) {
  const size_t channels = layer->in.channels, width = layer->width;
  const size_t seen = layer->out.steps * width;
  const float share = 1.0f / (float)width;
  if (!dx)
    return;
  for (size_t b = 0; b < pass->batch; b++) {
    float *to = dx + b * fr__shape_elements(layer->in);
    for (size_t t = 0; t < seen; t++) {
      const float *from = dy + (b * layer->out.steps + t / width) * channels;
      for (size_t c = 0; c < channels; c++)
        to[t * channels + c] = share * from[c];
    }
    memset(to + seen * channels, 0, (layer->in.steps - seen) * channels * sizeof(float));
  }
}

const fr__layer_ops fr__layer_maxpool = {
    .name = "maxpool",
    .usage = "maxpool(width|all)",
    .place = FR__PLACE_NEW,
    .kin = FR__KIN_TRANSPARENT,
    .parse = parse,
    .shape = shape,
    .operations = operations,
    .workspace = max_workspace,
    .forward = max_forward,
    .backward = max_backward,
};

const fr__layer_ops fr__layer_avgpool = {
    .name = "avgpool",
    .usage = "avgpool(width|all)",
    .place = FR__PLACE_NEW,
    .kin = FR__KIN_TRANSPARENT,
    .parse = parse,
    .shape = shape,
    .operations = operations,
    .forward = average_forward,
    .backward = average_backward,
};
