/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution with one input channel a group: M outputs of each, out / in. */
#include <string.h>

#include "nn/conv1d.h"

/* y[c M + j] += x[c] k[c M + j] */
static void add_scaled(const float *restrict x, const float *restrict k, size_t channels,
                       size_t multiple, float *restrict y) {
  if (multiple == 1)
    for (size_t c = 0; c < channels; c++)
      y[c] += x[c] * k[c];
  else
    for (size_t c = 0; c < channels; c++)
      for (size_t j = c * multiple; j < (c + 1) * multiple; j++)
        y[j] += x[c] * k[j];
}

/* dx[c] += Σ_j dy[c M + j] k[c M + j] */
static void add_gathered(const float *restrict dy, const float *restrict k,
                         size_t channels, size_t multiple, float *restrict dx) {
  if (multiple == 1)
    for (size_t c = 0; c < channels; c++)
      dx[c] += dy[c] * k[c];
  else
    for (size_t c = 0; c < channels; c++)
      for (size_t j = c * multiple; j < (c + 1) * multiple; j++)
        dx[c] += dy[j] * k[j];
}

/* One step of the output from its first step of the source. */
static void depthwise_step(const fr__layer *layer, const float *x, float *y) {
  const size_t channels = layer->in.channels, units = layer->units;
  memcpy(y, layer->tensor[1].value, units * sizeof(float));
  for (size_t w = 0; w < layer->width; w++)
    add_scaled(x + w * layer->dilation * channels, layer->tensor[0].value + w * units,
               channels, fr__conv1d_group_out(layer), y);
}

void fr__depthwise_forward(const fr__layer *layer, const fr__pass *pass) {
  const size_t step = layer->stride * layer->in.channels;
  for (size_t b = 0; b < pass->batch; b++)
    for (size_t t = 0; t < layer->out.steps; t++)
      depthwise_step(layer,
                     fr__conv1d_source(layer) + b * fr__conv1d_source_stride(layer) +
                         t * step,
                     layer->y + (b * layer->out.steps + t) * layer->units);
}

/* dW[w] = Σ_b Σ_t x[t s + w D - left] dy[t], sample by sample: fewer roundings */
void fr__depthwise_weight(const fr__layer *layer, const fr__pass *pass, const float *dy) {
  const size_t channels = layer->in.channels, units = layer->units;
  float *gradient = layer->tensor[0].gradient, *sum = layer->workspace;
  memset(gradient, 0, layer->tensor[0].count * sizeof(float));
  for (size_t b = 0; b < pass->batch; b++)
    for (size_t w = 0; w < layer->width; w++) {
      const float *x = fr__conv1d_source(layer) + b * fr__conv1d_source_stride(layer) +
                       w * layer->dilation * channels;
      memset(sum, 0, units * sizeof(float));
      for (size_t t = 0; t < layer->out.steps; t++)
        add_scaled(x + t * layer->stride * channels,
                   dy + (b * layer->out.steps + t) * units, channels,
                   fr__conv1d_group_out(layer), sum);
      fr__axpy(pass->kern, 1, sum, gradient + w * units, units);
    }
}

void fr__depthwise_input(const fr__layer *layer, const fr__pass *pass, const float *dy,
                         float *dx) {
  const size_t channels = layer->in.channels, units = layer->units;
  memset(dx, 0, pass->batch * fr__shape_elements(layer->in) * sizeof(float));
  for (size_t b = 0; b < pass->batch; b++)
    for (size_t w = 0; w < layer->width; w++) {
      const fr__conv1d_reach r = fr__conv1d_reach_of(layer, w);
      float *to = dx + (b * layer->in.steps + r.first) * channels;
      for (size_t t = r.low; t < r.high; t++, to += layer->stride * channels)
        add_gathered(dy + (b * layer->out.steps + t) * units,
                     layer->tensor[0].value + w * units, channels,
                     fr__conv1d_group_out(layer), to);
    }
}
