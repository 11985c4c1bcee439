/* SPDX-License-Identifier: Apache-2.0 */
/* What goes on within recurrent layers and attention, in float32: ranges that the layer's
 * output does not show. */
#include <math.h>
#include <string.h>

#include "nn/int8_build.h"

static void grow(float *size, const float *x, size_t count) {
  for (size_t i = 0; i < count; i++)
    *size = fabsf(x[i]) > *size ? fabsf(x[i]) : *size;
}

size_t fr__int8_inside_room(const fr__layer *layer) {
  if (fr__layer_named(layer, "lstm"))
    return 7 * layer->units;
  if (fr__layer_named(layer, "attention"))
    return 3 * fr__shape_elements(layer->in) + layer->in.steps + layer->in.channels;
  return 0;
}

/* ---- lstm ---- */

/* One direction, from three tensors on. Room: gates (4H), c, h, tanh c (H each). */
static void run_lstm(const fr__kern *kern, const fr__layer *layer,
                     const fr_tensor *tensor, bool reverse, const float *x, float *room,
                     float *cell) {
  const size_t units = layer->units, channels = layer->in.channels;
  float *gates = room, *c = gates + 4 * units, *h = c + units;
  memset(c, 0, 2 * units * sizeof *c);
  for (size_t s = 0; s < layer->in.steps; s++) {
    const float *row = x + (reverse ? layer->in.steps - 1 - s : s) * channels;
    memcpy(gates, tensor[2].value, 4 * units * sizeof *gates);
    for (size_t i = 0; i < channels; i++)
      fr__axpy(kern, row[i], tensor[0].value + i * 4 * units, gates, 4 * units);
    for (size_t i = 0; i < units; i++)
      fr__axpy(kern, h[i], tensor[1].value + i * 4 * units, gates, 4 * units);
    const fr__lstm_step step = {.batch = 1,
                                .units = units,
                                .gates = gates,
                                .ld_gates = 4 * units,
                                .c_in = c,
                                .ld_c_in = units,
                                .c_out = c,
                                .ld_c_out = units,
                                .h_out = h,
                                .ld_h_out = units,
                                .tanh_c = h + units,
                                .ld_tanh_c = units};
    fr__lstm_forward(kern, &step);
    grow(cell, c, units);
  }
}

/* ---- attention ---- */

static float dot(const float *a, const float *b, size_t n) {
  float sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += a[i] * b[i];
  return sum;
}

/* exp(score - greatest), and their sum. */
static float shares(const fr__kern *kern, float *score, size_t steps) {
  float greatest = score[0], sum = 0;
  for (size_t j = 1; j < steps; j++)
    greatest = score[j] > greatest ? score[j] : greatest;
  for (size_t j = 0; j < steps; j++)
    score[j] -= greatest;
  fr__exp(kern, score, score, steps);
  for (size_t j = 0; j < steps; j++)
    sum += score[j];
  return sum;
}

/* What query t gathers in one head, added to `gathered`, which is zero. */
static void gather(const fr__kern *kern, const fr__layer *layer, const float *qkv,
                   size_t t, size_t column, float *score, float *gathered) {
  const size_t steps = layer->in.steps, channels = layer->in.channels;
  const size_t width = channels / layer->heads, row = 3 * channels;
  const float *q = qkv + t * row + column, *k = qkv + channels + column;
  for (size_t j = 0; j < steps; j++)
    score[j] = dot(q, k + j * row, width) / sqrtf((float)width);
  const float sum = shares(kern, score, steps);
  for (size_t j = 0; j < steps; j++)
    fr__axpy(kern, score[j] / sum, k + channels + j * row, gathered + column, width);
}

static void run_attention(const fr__kern *kern, const fr__layer *layer, const float *x,
                          float *room, float *size) {
  const size_t steps = layer->in.steps, channels = layer->in.channels;
  float *score = room + 3 * steps * channels, *gathered = score + steps;
  const fr__gemm product = {.m = steps,
                            .n = 3 * channels,
                            .k = channels,
                            .a = x,
                            .lda = channels,
                            .b = layer->tensor[0].value,
                            .ldb = 3 * channels,
                            .c = room,
                            .ldc = 3 * channels,
                            .bias = layer->tensor[1].value};
  fr__gemm_run(kern, &product);
  for (size_t t = 0; t < steps; t++) {
    for (size_t part = 0; part < 3; part++)
      grow(&size[FR__INSIDE_Q + part], room + (3 * t + part) * channels, channels);
    memset(gathered, 0, channels * sizeof *gathered);
    for (size_t c = 0; c < channels; c += channels / layer->heads)
      gather(kern, layer, room, t, c, score, gathered);
    grow(&size[FR__INSIDE_GATHERED], gathered, channels);
  }
}

void fr__int8_look_inside(const fr__kern *kern, const fr__layer *layer, const float *x,
                          float *room, fr__int8_inside *inside) {
  if (fr__layer_named(layer, "attention")) {
    run_attention(kern, layer, x, room, inside->size);
    return;
  }
  float *cell = &inside->size[FR__INSIDE_CELL];
  run_lstm(kern, layer, layer->tensor, false, x, room, cell);
  if (layer->both)
    run_lstm(kern, layer, layer->tensor + 3, true, x, room, cell);
}
