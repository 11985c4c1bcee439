/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bn[(epsilon)]: batch normalisation (Ioffe and Szegedy 2015, algorithms 1 and 2) of each
 * channel over batch and time: y = gamma (x - mean) / sqrt(variance + epsilon) + beta.
 * The running statistics move by MOMENTUM towards the batch's, the variance unbiased
 * there. A single value has no variance: a batch of one row is normalised by the running
 * statistics, which stay. Where samples have lengths, only steps before them count.
 */
#include <math.h>
#include <string.h>

#include "nn/layer.h"

#define MOMENTUM 0.1f

enum { GAMMA, BETA, RUNNING_MEAN, RUNNING_VARIANCE };

static size_t tensors(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]) {
  const size_t channels = layer->in.channels;
  need[GAMMA] = (fr__tensor_need){"weight", 1, {channels}, true};
  need[BETA] = (fr__tensor_need){"bias", 1, {channels}, true};
  need[RUNNING_MEAN] = (fr__tensor_need){"running_mean", 1, {channels}, false};
  need[RUNNING_VARIANCE] = (fr__tensor_need){"running_variance", 1, {channels}, false};
  return 4;
}

/* A multiplication and an addition per number: in testing bn is y = scale x + shift. */
static uint64_t operations(const fr__layer *layer) {
  return 2 * (uint64_t)fr__shape_elements(layer->out);
}

/* Rows of the workspace, (C) each. */
enum { MEAN, INVERSE, SCALE, SHIFT, SUM, ROWS };

static size_t workspace(const fr__layer *layer, size_t batch, bool train) {
  (void)batch;
  (void)train;
  return ROWS * layer->in.channels;
}

static float *row(const fr__layer *layer, size_t index) {
  return layer->workspace + index * layer->in.channels;
}

static void init(fr__layer *layer, fr__rng *rng, bool rectified) {
  (void)rng;
  (void)rectified;
  for (size_t c = 0; c < layer->in.channels; c++) {
    layer->tensor[GAMMA].value[c] = 1;
    layer->tensor[RUNNING_VARIANCE].value[c] = 1;
    layer->tensor[RUNNING_MEAN].value[c] = 0;
  }
}

/* Rows that count: all of them, or those before the samples' ends. */
static size_t row_count(const fr__layer *layer, const fr__pass *pass) {
  size_t rows = 0;
  if (!pass->length)
    return pass->batch * layer->in.steps;
  for (size_t b = 0; b < pass->batch; b++)
    rows += pass->length[b];
  return rows;
}

/* Mean and squared distances from it of the rows that count. */
static void moments(const fr__layer *layer, const fr__pass *pass, float *mean,
                    float *squares) {
  const size_t steps = layer->in.steps, channels = layer->in.channels;
  if (!pass->length)
    fr__column_moments(pass->kern, layer->x, pass->batch * steps, channels, 0, mean,
                       squares);
  for (size_t b = 0, rows = 0; b < pass->batch && pass->length; b++) {
    if (pass->length[b] > 0)
      fr__column_moments(pass->kern, layer->x + b * steps * channels, pass->length[b],
                         channels, rows, mean, squares);
    rows += pass->length[b];
  }
}

/* The batch's mean and 1 / deviation, and the running statistics' step towards them. */
static void batch_statistics(fr__layer *layer, const fr__pass *pass, size_t rows) {
  const size_t channels = layer->in.channels;
  float *mean = row(layer, MEAN), *inverse = row(layer, INVERSE), *sum = row(layer, SUM);
  float *running_mean = layer->tensor[RUNNING_MEAN].value;
  float *running_variance = layer->tensor[RUNNING_VARIANCE].value;
  moments(layer, pass, mean, sum);
  for (size_t c = 0; c < channels; c++) {
    inverse[c] = 1.0f / sqrtf(sum[c] / (float)rows + layer->epsilon);
    running_mean[c] += MOMENTUM * (mean[c] - running_mean[c]);
    running_variance[c] += MOMENTUM * (sum[c] / (float)(rows - 1) - running_variance[c]);
  }
}

static void running_statistics(fr__layer *layer) {
  const size_t channels = layer->in.channels;
  const float *variance = layer->tensor[RUNNING_VARIANCE].value;
  memcpy(row(layer, MEAN), layer->tensor[RUNNING_MEAN].value, channels * sizeof(float));
  for (size_t c = 0; c < channels; c++)
    row(layer, INVERSE)[c] = 1.0f / sqrtf(variance[c] + layer->epsilon);
}

/* y = scale x + shift with scale = γ / deviation, shift = β - mean scale */
static void normalize(const fr__layer *layer, const fr__pass *pass) {
  const size_t channels = layer->in.channels;
  float *scale = row(layer, SCALE), *shift = row(layer, SHIFT);
  for (size_t c = 0; c < channels; c++) {
    scale[c] = layer->tensor[GAMMA].value[c] * row(layer, INVERSE)[c];
    shift[c] = layer->tensor[BETA].value[c] - row(layer, MEAN)[c] * scale[c];
  }
  fr__scale_shift(pass->kern, layer->x, pass->batch * layer->in.steps, channels, scale,
                  shift, layer->y);
}

static bool has_variance(size_t rows) { return rows > 1; }

static void forward(fr__layer *layer, const fr__pass *pass) {
  const size_t rows = row_count(layer, pass);
  if (pass->train && has_variance(rows))
    batch_statistics(layer, pass, rows);
  else
    running_statistics(layer);
  normalize(layer, pass);
}

/* dβ[c] = Σ_r dy[r, c], dγ[c] = Σ_r dy[r, c] (x[r, c] - mean[c]) / deviation[c] */
static void backward_tensors(fr__layer *layer, const fr__pass *pass, const float *dy) {
  const size_t channels = layer->in.channels;
  float *gradient = layer->tensor[GAMMA].gradient;
  fr__column_products(pass->kern, dy, layer->x, pass->batch * layer->in.steps, channels,
                      row(layer, MEAN), layer->tensor[BETA].gradient, gradient);
  for (size_t c = 0; c < channels; c++)
    gradient[c] *= row(layer, INVERSE)[c];
}

/*
 * dx = gamma / deviation (dy - mean of dy - n mean of (dy n)), n = (x - mean) /
 * deviation; written as dx = scale dy - slope (x - mean) - level.
 */
static void backward_input(fr__layer *layer, const fr__pass *pass, const float *dy,
                           float *dx) {
  const size_t channels = layer->in.channels, rows = pass->batch * layer->in.steps;
  const size_t counted = row_count(layer, pass);
  const float n = (float)counted, *scale = row(layer, SCALE);
  float *slope = row(layer, SUM), *level = row(layer, SHIFT);
  const bool moves = has_variance(counted); /* else mean and deviation are constants */
  for (size_t c = 0; c < channels; c++) {
    const float dgamma = layer->tensor[GAMMA].gradient[c];
    slope[c] = moves ? scale[c] * row(layer, INVERSE)[c] * dgamma / n : 0;
    level[c] = moves ? scale[c] * layer->tensor[BETA].gradient[c] / n : 0;
  }
  const fr__normalize_back back = {.rows = rows,
                                   .columns = channels,
                                   .x = layer->x,
                                   .dy = dy,
                                   .mean = row(layer, MEAN),
                                   .scale = scale,
                                   .slope = slope,
                                   .level = level,
                                   .dx = dx};
  fr__normalize_backward(pass->kern, &back);
}

/* dy of rows that do not count is zero: they change no sum. */
static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  backward_tensors(layer, pass, dy);
  if (dx)
    backward_input(layer, pass, dy, dx);
}

const fr__layer_ops fr__layer_bn = {
    .name = "bn",
    .usage = "bn[(epsilon)]",
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
