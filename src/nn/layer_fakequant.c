/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fakequant: rounds its input to the 256 steps of a range, as integer inference does
 * (docs/int8.md), so that a network is trained for them (Jacob et al. 2018, section 3):
 *
 *   y = scale (clamp(round(x / scale) + zero, -128, 127) - zero)
 *
 * The gradient passes as if it did not round, and not where it clamps (the
 * straight-through estimator of Bengio et al. 2013, section 4). In training each end of
 * the range moves until it leaves out as many numbers as calibration leaves out: a mean
 * of batches' extremes would be wider, and its steps coarser. It always holds 0.
 */
#include <math.h>

#include "nn/layer.h"

enum { LOW, HIGH };

#define MOVE 0.002f         /* of its width that an end moves in a batch, at most */
#define TAIL 1e-4           /* share of the numbers beyond an end (int8_calibrate.c) */
#define ROUNDER 12582912.0f /* 1.5 2^23: what is added and taken away again is whole */

static size_t tensors(const fr__layer *layer, fr__tensor_need need[FR__LAYER_TENSORS]) {
  (void)layer;
  need[LOW] = (fr__tensor_need){"low", 1, {1}, false};
  need[HIGH] = (fr__tensor_need){"high", 1, {1}, false};
  return 2;
}

/* Scaled, held twice, rounded, scaled. */
static uint64_t operations(const fr__layer *layer) {
  return 5 * fr__layer_operations_each(layer);
}

/* Of the range, in steps: what is least and greatest. Scale 0: no range is known. */
typedef struct grid {
  float scale, least, greatest;
} grid;

static grid grid_of(const fr__layer *layer) {
  const double low = (double)layer->tensor[LOW].value[0];
  const double scale = ((double)layer->tensor[HIGH].value[0] - low) / 255;
  if (!(scale > 0))
    return (grid){0};
  const float zero = (float)lround(-128 - low / scale);
  return (grid){(float)scale, -128 - zero, 127 - zero};
}

static void take_range(const float *x, size_t n, float *low, float *high) {
  for (size_t i = 0; i < n; i++) {
    *low = x[i] < *low ? x[i] : *low;
    *high = x[i] > *high ? x[i] : *high;
  }
}

/* How far an end with so many of n numbers beyond it moves outwards; inwards below 0. */
static float move_of(size_t beyond, size_t n, float width) {
  const double excess = (double)beyond / (TAIL * (double)n) - 1;
  return MOVE * width * (excess < 1 ? (float)excess : 1);
}

static void move_range(const fr__layer *layer, const float *x, size_t n) {
  float *low = layer->tensor[LOW].value, *high = layer->tensor[HIGH].value;
  const float from = *low, to = *high, width = to - from;
  size_t below = 0, above = 0;
  if (!(width > 0)) { /* at once where there was none */
    take_range(x, n, low, high);
    return;
  }
  for (size_t i = 0; i < n; i++) {
    below += x[i] < from;
    above += x[i] > to;
  }
  *low = fminf(from - move_of(below, n, width), 0);
  *high = fmaxf(to + move_of(above, n, width), 0);
}

static float held(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

static void forward(fr__layer *layer, const fr__pass *pass) {
  const size_t n = pass->batch * fr__shape_elements(layer->in);
  const float *restrict x = layer->x;
  float *restrict y = layer->y;
  if (pass->train)
    move_range(layer, x, n);
  const grid g = grid_of(layer);
  const float inverse = g.scale > 0 ? 1 / g.scale : 0;
  if (!(g.scale > 0) || !isfinite(inverse)) {
    for (size_t i = 0; i < n; i++)
      y[i] = x[i];
    return;
  }
  for (size_t i = 0; i < n; i++) {
    const float q = held(x[i] * inverse, g.least, g.greatest);
    y[i] = (q + ROUNDER - ROUNDER) * g.scale;
  }
}

static void backward(fr__layer *layer, const fr__pass *pass, const float *dy, float *dx) {
  const size_t n = dx ? pass->batch * fr__shape_elements(layer->in) : 0;
  const grid g = grid_of(layer);
  const float low = g.scale > 0 ? (g.least - 0.5f) * g.scale : -INFINITY;
  const float high = g.scale > 0 ? (g.greatest + 0.5f) * g.scale : INFINITY;
  for (size_t i = 0; i < n; i++)
    dx[i] = layer->x[i] >= low && layer->x[i] <= high ? dy[i] : 0;
}

const fr__layer_ops fr__layer_fakequant = {
    .name = "fakequant",
    .usage = "fakequant",
    .place = FR__PLACE_NEW,
    .kin = FR__KIN_TRANSPARENT,
    .flow = FR__FLOW_STEPS,
    .parse = fr__layer_parse_bare,
    .tensors = tensors,
    .operations = operations,
    .forward = forward,
    .backward = backward,
};
