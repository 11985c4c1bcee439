/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maxpool(width|all), avgpool(width|all): the greatest or the mean of each channel over
 * `width` steps that do not overlap; steps left over at the end are passed over. `all`
 * are the steps that a sample has.
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

static fr__span span(const fr__layer *layer) {
  return (fr__span){.extent = layer->width, .stride = layer->width};
}

/* Windows that lie wholly within the sample. */
static size_t length(const fr__layer *layer, size_t steps) {
  return steps / layer->width;
}

/* Steps of sample b's windows. */
static size_t width_of(const fr__layer *layer, const fr__pass *pass, size_t b) {
  return layer->all && pass->length ? pass->length[b] : layer->width;
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
static void max_window(const float *restrict x, size_t width, size_t channels,
                       float *restrict y) {
  memcpy(y, x, channels * sizeof(float));
  for (size_t w = 1; w < width; w++)
    for (size_t c = 0; c < channels; c++)
      y[c] = x[w * channels + c] > y[c] ? x[w * channels + c] : y[c];
}

/* The same, with the place of the greatest (the first, where several are). Without
 * branches: what is greatest is as good as random. */
static void max_window_placed(const float *restrict x, size_t width, size_t channels,
                              float *restrict y, uint32_t *restrict place) {
  memcpy(y, x, channels * sizeof(float));
  memset(place, 0, channels * sizeof(*place));
  for (size_t w = 1; w < width; w++)
    for (size_t c = 0; c < channels; c++) {
      const float v = x[w * channels + c];
      const uint32_t greater = 0u - (uint32_t)(v > y[c]); /* all bits or none */
      place[c] = (place[c] & ~greater) | ((uint32_t)w & greater);
      y[c] = v > y[c] ? v : y[c];
    }
}

/* A pass over some of the samples; y and workspace are the layer's, dy and dx NULL on the
 * way forward. */
typedef struct pool_call {
  fr__layer *layer;
  const fr__pass *pass;
  const float *dy;
  float *dx;
} pool_call;

static void each_sample(fr__layer *layer, const fr__pass *pass, fr__kern_range *range,
                        const float *dy, float *dx) {
  pool_call call = {layer, pass, dy, dx};
  fr__kern_each(pass->kern, range, &call, pass->batch, fr__shape_elements(layer->in));
}

static void max_samples(void *self, const fr__kern *own, size_t first, size_t count) {
  const pool_call *call = self;
  const fr__layer *layer = call->layer;
  const fr__pass *pass = call->pass;
  const size_t channels = layer->in.channels;
  (void)own;
  for (size_t b = first; b < first + count; b++) {
    const size_t width = width_of(layer, pass, b);
    for (size_t t = 0; t < layer->out.steps; t++) {
      const size_t to = (b * layer->out.steps + t) * channels;
      const float *x = layer->x + (b * layer->in.steps + t * layer->width) * channels;
      if (pass->train)
        max_window_placed(x, width, channels, layer->y + to, places(layer) + to);
      else
        max_window(x, width, channels, layer->y + to);
    }
  }
}

static void max_forward(fr__layer *layer, const fr__pass *pass) {
  each_sample(layer, pass, max_samples, NULL, NULL);
}

/* One window: dx (width, C) from dy (C). */
static void max_window_backward(const float *restrict dy, const uint32_t *restrict place,
                                size_t width, size_t channels, float *restrict dx) {
  for (uint32_t w = 0; w < width; w++)
    for (size_t c = 0; c < channels; c++)
      dx[w * channels + c] = place[c] == w ? dy[c] : 0.0f;
}

/* Steps that are passed over at the end get 0. */
static void clear_rest(const fr__layer *layer, size_t b, float *dx) {
  const size_t channels = layer->in.channels, seen = layer->out.steps * layer->width;
  memset(dx + (b * layer->in.steps + seen) * channels, 0,
         (layer->in.steps - seen) * channels * sizeof(float));
}

static void max_samples_back(void *self, const fr__kern *own, size_t first,
                             size_t count) {
  const pool_call *call = self;
  const fr__layer *layer = call->layer;
  const float *dy = call->dy;
  float *dx = call->dx;
  const size_t channels = layer->in.channels, width = layer->width;
  (void)own;
  for (size_t b = first; b < first + count; b++) {
    for (size_t t = 0; t < layer->out.steps; t++) {
      const size_t from = (b * layer->out.steps + t) * channels;
      max_window_backward(dy + from, places(layer) + from, width, channels,
                          dx + (b * layer->in.steps + t * width) * channels);
    }
    clear_rest(layer, b, dx);
  }
}

static void max_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                         float *dx) {
  if (dx)
    each_sample(layer, pass, max_samples_back, dy, dx);
}

static void average_samples(void *self, const fr__kern *own, size_t first, size_t count) {
  const pool_call *call = self;
  const fr__layer *layer = call->layer;
  const fr__pass *pass = call->pass;
  const size_t channels = layer->in.channels;
  for (size_t b = first; b < first + count; b++) {
    const size_t width = width_of(layer, pass, b);
    const float share = width > 0 ? 1.0f / (float)width : 0.0f;
    for (size_t t = 0; t < layer->out.steps; t++) {
      const float *x = layer->x + (b * layer->in.steps + t * layer->width) * channels;
      float *y = layer->y + (b * layer->out.steps + t) * channels;
      fr__column_sum(own, x, width, channels, y);
      for (size_t c = 0; c < channels; c++)
        y[c] *= share;
    }
  }
}

static void average_forward(fr__layer *layer, const fr__pass *pass) {
  each_sample(layer, pass, average_samples, NULL, NULL);
}

/* dx[t width + i] = dy[t] / width */
static void average_samples_back(void *self, const fr__kern *own, size_t first,
                                 size_t count) {
  const pool_call *call = self;
  const fr__layer *layer = call->layer;
  const fr__pass *pass = call->pass;
  const float *dy = call->dy;
  float *dx = call->dx;
  const size_t channels = layer->in.channels, seen = layer->out.steps * layer->width;
  (void)own;
  for (size_t b = first; b < first + count; b++) {
    const size_t width = width_of(layer, pass, b);
    const float share = width > 0 ? 1.0f / (float)width : 0.0f;
    float *to = dx + b * fr__shape_elements(layer->in);
    for (size_t t = 0; t < seen; t++) {
      const float *from = dy + (b * layer->out.steps + t / layer->width) * channels;
      for (size_t c = 0; c < channels; c++)
        to[t * channels + c] = share * from[c];
    }
    clear_rest(layer, b, dx);
  }
}

static void average_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                             float *dx) {
  if (dx)
    each_sample(layer, pass, average_samples_back, dy, dx);
}

const fr__layer_ops fr__layer_maxpool = {
    .name = "maxpool",
    .usage = "maxpool(width|all)",
    .place = FR__PLACE_NEW,
    .kin = FR__KIN_TRANSPARENT,
    .takes_sequence = true,
    .flow = FR__FLOW_SPANS,
    .span = span,
    .parse = parse,
    .shape = shape,
    .operations = operations,
    .length = length,
    .workspace = max_workspace,
    .forward = max_forward,
    .backward = max_backward,
};

const fr__layer_ops fr__layer_avgpool = {
    .name = "avgpool",
    .usage = "avgpool(width|all)",
    .place = FR__PLACE_NEW,
    .kin = FR__KIN_TRANSPARENT,
    .takes_sequence = true,
    .flow = FR__FLOW_SPANS,
    .span = span,
    .parse = parse,
    .shape = shape,
    .operations = operations,
    .length = length,
    .forward = average_forward,
    .backward = average_backward,
};
