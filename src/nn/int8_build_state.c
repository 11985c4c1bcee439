/* SPDX-License-Identifier: Apache-2.0 */
/* Layers with a state: lstm, gru. int8_ops.h has their formats. */
#include <math.h>

#include "base/error.h"
#include "nn/int8_build.h"

#define UNIT_CEILING ((size_t)1 << 16) /* numbers in one sum, as for other products */
#define GATE 4096.0                    /* Q3.12 */

/* One direction of a recurrent layer: what its gates are made of. */
typedef struct gates {
  size_t count; /* 4H or 3H */
  int8_t *weight, *recurrent;
  int32_t *mul, *mul_h;
  int64_t *add, *add_h;
  int32_t shift;
} gates;

static enum fr_status no_memory(fr_error *err) {
  return fr__fail_memory(err, "the weights of int8");
}

/* Integers of the sums over x and over h, with one shift. bias_h: a GRU's; NULL: none. */
static void set_gates(const fr__int8_build *build, const double *x, const double *h,
                      const float *bias, const float *bias_h, gates *g) {
  const double in = build->scale[build->step->in].scale * GATE;
  const double out = build->scale[build->step->out].scale * GATE;
  const size_t both = 2 * build->step->layer->units;
  double greatest = 0;
  for (size_t j = 0; j < g->count; j++)
    greatest = fmax(greatest, fmax(x[j] * in, h[j] * out));
  g->shift = fr__int8_shift(greatest);
  for (size_t j = 0; j < g->count; j++) {
    const bool apart = bias_h && j >= both; /* n of a GRU */
    const double together = bias_h && !apart ? (double)bias_h[j] : 0;
    g->mul[j] = fr__int8_mul(x[j] * in, g->shift);
    g->mul_h[j] = fr__int8_mul(h[j] * out, g->shift);
    g->add[j] = fr__int8_add(((double)bias[j] + together) * GATE, g->shift);
    if (apart)
      g->add_h[j - both] = fr__int8_add((double)bias_h[j] * GATE, g->shift);
  }
}

static enum fr_status make(fr__int8_build *build, const fr_tensor *tensor, size_t kinds,
                           bool apart, gates *g, fr_error *err) {
  const fr__layer *layer = build->step->layer;
  const size_t units = layer->units, count = kinds * units;
  fr_int8 *made = build->made;
  double *x = build->work, *h = x + count;
  if (layer->in.channels > UNIT_CEILING || units > UNIT_CEILING)
    return fr__int8_too_wide(layer, err);
  *g = (gates){.count = count,
               .weight = fr__int8_weights(made, tensor[0].value, layer->in.channels,
                                          count, count, NULL, x),
               .recurrent =
                   fr__int8_weights(made, tensor[1].value, units, count, count, NULL, h),
               .mul = fr__int8_constants(made, count, sizeof *g->mul),
               .mul_h = fr__int8_constants(made, count, sizeof *g->mul_h),
               .add = fr__int8_constants(made, count, sizeof *g->add),
               .add_h = apart ? fr__int8_constants(made, units, sizeof *g->add_h) : NULL};
  if (!g->weight || !g->recurrent || !g->mul || !g->mul_h || !g->add ||
      (apart && !g->add_h))
    return no_memory(err);
  set_gates(build, x, h, tensor[2].value, apart ? tensor[3].value : NULL, g);
  made->room8 = units > made->room8 ? units : made->room8;
  made->room16 = 5 * units > made->room16 ? 5 * units : made->room16;
  return FR_OK;
}

/* From a state of `places` binary places to the output. */
static int32_t set_output(const fr__int8_build *build, int places, int32_t *mul,
                          int64_t *add) {
  const fr__int8_scale out = build->scale[build->step->out];
  const double m = ldexp(1, -places) / out.scale;
  const int32_t shift = fr__int8_shift(m);
  *mul = fr__int8_mul(m, shift);
  *add = fr__int8_add(out.zero, shift);
  return shift;
}

/* Bits before the point that hold the greatest cell seen, with a bit to spare above half
 * of them. */
static int32_t cell_bits(float greatest) {
  int32_t bits = 3;
  while (bits < 12 && (double)greatest * 1.5 > ldexp(1, bits))
    bits++;
  return bits;
}

static enum fr_status add_lstm(fr__int8_build *build, bool reverse, fr_error *err) {
  const fr__layer *layer = build->step->layer;
  gates g;
  const enum fr_status status =
      make(build, layer->tensor + (reverse ? 3 : 0), 4, false, &g, err);
  fr__int8_op *op = status == FR_OK ? fr__int8_op_new(build, FR__INT8_LSTM) : NULL;
  if (!op)
    return status != FR_OK ? status : no_memory(err);
  struct fr__int8_lstm *l = &op->of.lstm;
  *l = (struct fr__int8_lstm){.weight = g.weight,
                              .recurrent = g.recurrent,
                              .mul = g.mul,
                              .mul_h = g.mul_h,
                              .add = g.add,
                              .sigmoid = build->made->tables.sigmoid,
                              .tanh = build->made->tables.tanh,
                              .steps = (int32_t)layer->in.steps,
                              .channels = (int32_t)layer->in.channels,
                              .units = (int32_t)layer->units,
                              .zero = build->scale[build->step->in].zero,
                              .zero_h = build->scale[build->step->out].zero,
                              .shift = g.shift,
                              .cell = cell_bits(build->inside->size[FR__INSIDE_CELL]),
                              .all = layer->all,
                              .reverse = reverse,
                              .out_channels = (int32_t)layer->out.channels,
                              .column = reverse ? (int32_t)layer->units : 0};
  l->shift_y = set_output(build, 30, &l->mul_y, &l->add_y);
  return FR_OK;
}

static enum fr_status add_gru(fr__int8_build *build, bool reverse, fr_error *err) {
  const fr__layer *layer = build->step->layer;
  gates g;
  const enum fr_status status =
      make(build, layer->tensor + (reverse ? 4 : 0), 3, true, &g, err);
  fr__int8_op *op = status == FR_OK ? fr__int8_op_new(build, FR__INT8_GRU) : NULL;
  if (!op)
    return status != FR_OK ? status : no_memory(err);
  struct fr__int8_gru *l = &op->of.gru;
  *l = (struct fr__int8_gru){.weight = g.weight,
                             .recurrent = g.recurrent,
                             .mul = g.mul,
                             .mul_h = g.mul_h,
                             .add = g.add,
                             .add_h = g.add_h,
                             .sigmoid = build->made->tables.sigmoid,
                             .tanh = build->made->tables.tanh,
                             .steps = (int32_t)layer->in.steps,
                             .channels = (int32_t)layer->in.channels,
                             .units = (int32_t)layer->units,
                             .zero = build->scale[build->step->in].zero,
                             .zero_h = build->scale[build->step->out].zero,
                             .shift = g.shift,
                             .all = layer->all,
                             .reverse = reverse,
                             .out_channels = (int32_t)layer->out.channels,
                             .column = reverse ? (int32_t)layer->units : 0};
  l->shift_y = set_output(build, 15, &l->mul_y, &l->add_y);
  return FR_OK;
}

enum fr_status fr__int8_build_lstm(fr__int8_build *build, fr_error *err) {
  enum fr_status status = add_lstm(build, false, err);
  if (status == FR_OK && build->step->layer->both)
    status = add_lstm(build, true, err);
  return status;
}

enum fr_status fr__int8_build_gru(fr__int8_build *build, fr_error *err) {
  enum fr_status status = add_gru(build, false, err);
  if (status == FR_OK && build->step->layer->both)
    status = add_gru(build, true, err);
  return status;
}
