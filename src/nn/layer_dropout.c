/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dropout(share): in training each number is dropped with probability `share`, and the
 * others are divided by 1 - share (inverted dropout; Srivastava et al. 2014, section 10),
 * so that testing is the identity. spatialdropout(share) drops a channel of a sample over
 * all its steps (Tompson et al. 2015, section 3.2).
 */
#include <math.h>
#include <string.h>

#include "nn/layer.h"

static enum fr_status parse(fr__layer *layer, const fr__arguments *arguments,
                            fr_error *err) {
  enum fr_status status = fr__arguments_between(arguments, 1, 1, err);
  if (status == FR_OK)
    status = fr__argument_number(arguments, 0, "share", 0, 0.99, &layer->factor, err);
  if (status == FR_OK)
    fr__layer_set_text(layer, "%s(%.7g)", layer->ops->name, (double)layer->factor);
  return status;
}

static uint64_t operations(const fr__layer *layer) {
  (void)layer;
  return 0; /* in testing */
}

/* The factors of the batch: 0 or 1 / (1 - share). */
static size_t workspace(const fr__layer *layer, size_t batch, bool train) {
  return train ? batch * fr__shape_elements(layer->in) : 0;
}

/* Each draw of 64 bits decides four numbers, by 16 bits each. */
static void draw(const fr__layer *layer, fr__rng *rng, float *mask, size_t n) {
  const uint32_t limit = (uint32_t)lrintf(layer->factor * 65536.0f);
  const float choice[2] = {1.0f / (1.0f - layer->factor), 0.0f};
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const uint64_t bits = fr__rng_next(rng);
    mask[i] = choice[(bits & 0xffff) < limit];
    mask[i + 1] = choice[(bits >> 16 & 0xffff) < limit];
    mask[i + 2] = choice[(bits >> 32 & 0xffff) < limit];
    mask[i + 3] = choice[bits >> 48 < limit];
  }
  for (uint64_t bits = i < n ? fr__rng_next(rng) : 0; i < n; i++, bits >>= 16)
    mask[i] = choice[(bits & 0xffff) < limit];
}

static void multiply(const float *x, const float *mask, float *y, size_t n) {
  for (size_t i = 0; i < n; i++)
    y[i] = x[i] * mask[i];
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  const size_t n = pass->batch * fr__shape_elements(layer->in);
  if (pass->train) {
    draw(layer, pass->rng, layer->workspace, n);
    multiply(layer->x, layer->workspace, layer->y, n);
  } else if (layer->y != layer->x) {
    memcpy(layer->y, layer->x, n * sizeof(float));
  }
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  if (dx)
    multiply(dy, layer->workspace, dx, pass->batch * fr__shape_elements(layer->in));
}

/* ---- spatialdropout: one factor for all steps of a channel ---- */

/* (B, C) */
static size_t spatial_workspace(const fr__layer *layer, size_t batch, bool train) {
  return train ? batch * layer->in.channels : 0;
}

static void spatial_multiply(const fr__layer *layer, size_t batch, const float *x,
                             float *y) {
  const size_t steps = layer->in.steps, channels = layer->in.channels;
  for (size_t b = 0; b < batch; b++)
    for (size_t t = 0; t < steps; t++) {
      const size_t at = (b * steps + t) * channels;
      multiply(x + at, layer->workspace + b * channels, y + at, channels);
    }
}

static void spatial_forward(fr__layer *layer, const fr__pass *pass) {
  const size_t n = pass->batch * fr__shape_elements(layer->in);
  if (pass->train) {
    draw(layer, pass->rng, layer->workspace, pass->batch * layer->in.channels);
    spatial_multiply(layer, pass->batch, layer->x, layer->y);
  } else if (layer->y != layer->x) {
    memcpy(layer->y, layer->x, n * sizeof(float));
  }
}

static void spatial_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                             float *dx) {
  if (dx)
    spatial_multiply(layer, pass->batch, dy, dx);
}

const fr__layer_ops fr__layer_dropout = {
    .name = "dropout",
    .usage = "dropout(share)",
    .place = FR__PLACE_OVER,
    .kin = FR__KIN_TRANSPARENT,
    .random = true,
    .flow = FR__FLOW_STEPS,
    .parse = parse,
    .operations = operations,
    .workspace = workspace,
    .forward = forward,
    .backward = backward,
};

const fr__layer_ops fr__layer_spatialdropout = {
    .name = "spatialdropout",
    .usage = "spatialdropout(share)",
    .place = FR__PLACE_OVER,
    .kin = FR__KIN_TRANSPARENT,
    .random = true,
    .flow = FR__FLOW_STEPS,
    .parse = parse,
    .operations = operations,
    .workspace = spatial_workspace,
    .forward = spatial_forward,
    .backward = spatial_backward,
};
