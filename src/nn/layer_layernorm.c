/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layernorm[(epsilon)]: layer normalisation (Ba et al. 2016, equation 4) of each step
 * over its channels, in training and in testing alike:
 *
 *   y = gamma n + beta,  n = (x - mean) / sqrt(variance + epsilon)
 */
#include <math.h>
#include <string.h>

#include "nn/layer.h"

#define LANES 8
#define BLOCK 128 /* rows added up before they join the sum: fewer roundings */

enum { GAMMA, BETA };

static size_t tensors(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]) {
  const size_t channels = layer->in.channels;
  need[GAMMA] = (fr__tensor_need){"weight", 1, {channels}, true};
  need[BETA] = (fr__tensor_need){"bias", 1, {channels}, true};
  return 2;
}

/* Per number: 1 for the mean, 3 for the variance, 3 to normalise, scale and shift. */
static uint64_t operations(const fr__layer *layer) {
  return 7 * (uint64_t)fr__shape_elements(layer->out);
}

/* The mean and 1 / deviation of each row, (B T, 2), and a block of the sum of dγ (C). */
static size_t workspace(const fr__layer *layer, size_t batch, bool train) {
  return train ? 2 * batch * layer->in.steps + layer->in.channels : 0;
}

static void init(fr__layer *layer, fr__rng *rng, bool rectified) {
  (void)rng;
  (void)rectified;
  for (size_t c = 0; c < layer->in.channels; c++)
    layer->tensor[GAMMA].value[c] = 1;
}

/* Sums run in LANES partial ones: several additions at a time, and fewer roundings. */
static float join(const float part[LANES]) {
  float sum = 0;
  for (size_t l = 0; l < LANES; l++)
    sum += part[l];
  return sum;
}

static float row_mean(const float *x, size_t channels) {
  float part[LANES] = {0};
  size_t c = 0;
  for (; c + LANES <= channels; c += LANES)
    for (size_t l = 0; l < LANES; l++)
      part[l] += x[c + l];
  for (size_t l = 0; c < channels; c++, l++)
    part[l] += x[c];
  return join(part) / (float)channels;
}

static float row_variance(const float *x, size_t channels, float mean) {
  float part[LANES] = {0};
  size_t c = 0;
  for (; c + LANES <= channels; c += LANES)
    for (size_t l = 0; l < LANES; l++)
      part[l] += (x[c + l] - mean) * (x[c + l] - mean);
  for (size_t l = 0; c < channels; c++, l++)
    part[l] += (x[c] - mean) * (x[c] - mean);
  return join(part) / (float)channels;
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  const size_t channels = layer->in.channels, rows = pass->batch * layer->in.steps;
  const float *gamma = layer->tensor[GAMMA].value, *beta = layer->tensor[BETA].value;
  for (size_t r = 0; r < rows; r++) {
    const float *x = layer->x + r * channels;
    float *y = layer->y + r * channels;
    const float mean = row_mean(x, channels);
    const float inverse = 1.0f / sqrtf(row_variance(x, channels, mean) + layer->epsilon);
    for (size_t c = 0; c < channels; c++)
      y[c] = gamma[c] * ((x[c] - mean) * inverse) + beta[c];
    if (layer->workspace) {
      layer->workspace[2 * r] = mean;
      layer->workspace[2 * r + 1] = inverse;
    }
  }
}

/* dγ[c] = Σ_r dy[r, c] n[r, c], row by row within blocks */
static void backward_gamma(const fr__layer *layer, size_t rows, const float *dy,
                           float *block) {
  const size_t channels = layer->in.channels;
  float *gradient = layer->tensor[GAMMA].gradient;
  memset(gradient, 0, channels * sizeof(float));
  for (size_t r = 0; r < rows; r += BLOCK) {
    const size_t end = r + BLOCK < rows ? r + BLOCK : rows;
    memset(block, 0, channels * sizeof(float));
    for (size_t i = r; i < end; i++) {
      const float mean = layer->workspace[2 * i], inverse = layer->workspace[2 * i + 1];
      const float *x = layer->x + i * channels, *d = dy + i * channels;
      for (size_t c = 0; c < channels; c++)
        block[c] += d[c] * ((x[c] - mean) * inverse);
    }
    for (size_t c = 0; c < channels; c++)
      gradient[c] += block[c];
  }
}

/* dx = (g - mean of g - n mean of (g n)) / deviation, g = gamma dy */
static void backward_row(const float *gamma, const float *x, float mean, float inverse,
                         size_t channels, const float *dy, float *dx) {
  float part[2][LANES] = {{0}};
  size_t c = 0;
  for (; c + LANES <= channels; c += LANES)
    for (size_t l = 0; l < LANES; l++) {
      const float g = gamma[c + l] * dy[c + l];
      part[0][l] += g;
      part[1][l] += g * ((x[c + l] - mean) * inverse);
    }
  for (size_t l = 0; c < channels; c++, l++) {
    part[0][l] += gamma[c] * dy[c];
    part[1][l] += gamma[c] * dy[c] * ((x[c] - mean) * inverse);
  }
  const float level = join(part[0]) / (float)channels;
  const float slope = join(part[1]) / (float)channels;
  for (c = 0; c < channels; c++)
    dx[c] = inverse * (gamma[c] * dy[c] - level - slope * ((x[c] - mean) * inverse));
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  const size_t channels = layer->in.channels, rows = pass->batch * layer->in.steps;
  const float *kept = layer->workspace;
  fr__column_sum(pass->kern, dy, rows, channels, layer->tensor[BETA].gradient);
  backward_gamma(layer, rows, dy, layer->workspace + 2 * rows);
  for (size_t r = 0; r < (dx ? rows : 0); r++)
    backward_row(layer->tensor[GAMMA].value, layer->x + r * channels, kept[2 * r],
                 kept[2 * r + 1], channels, dy + r * channels, dx + r * channels);
}

const fr__layer_ops fr__layer_layernorm = {
    .name = "layernorm",
    .usage = "layernorm[(epsilon)]",
    .place = FR__PLACE_NEW,
    .kin = FR__KIN_TRANSPARENT,
    .flow = FR__FLOW_STEPS,
    .parse = fr__layer_parse_epsilon,
    .tensors = tensors,
    .operations = operations,
    .workspace = workspace,
    .init = init,
    .forward = forward,
    .backward = backward,
};
