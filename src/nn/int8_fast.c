/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integer inference by the kernels of this CPU. Sums of products are exact in any order,
 * so that the outputs are those of int8_kernels.c to the last bit. Samples go through an
 * operation together, in groups, so that weights are read once for all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "nn/int8.h"

enum {
  GROUP = 28,   /* samples: two of the tallest tiles */
  X_STEPS = 32, /* steps of one sample whose input an LSTM multiplies at once */
  PRODUCTS = 2  /* of one operation */
};

struct fr__int8_fast {
  fr__int8_kern kern;
  void **packed; /* (op_count, PRODUCTS); NULL where there is none */
  fr__arena arena;
  int8_t *values;  /* (GROUP, buffer) */
  int16_t *logits; /* (GROUP, classes) */
  int32_t *sum;    /* of the widest operation; of an LSTM's input */
  int32_t *sum_h;  /* (GROUP, 4H) */
  int8_t *padded;  /* the input of a convolution with its margins */
  int8_t *h;       /* (GROUP, H) */
  int16_t *state;  /* (GROUP, H) */
  int16_t *gates;  /* (4H) */
};

/* ---- what operations need ---- */

/* What an LSTM and a GRU have in common. */
typedef struct recurrence {
  const int8_t *weight, *recurrent;
  size_t gates, steps, channels, units;
  int32_t zero, zero_h;
  bool all, reverse;
  size_t out_channels, column;
} recurrence;

#define RECURRENCE(p, count)                                                             \
  (recurrence) {                                                                         \
    (p)->weight, (p)->recurrent, count, (size_t)(p)->steps, (size_t)(p)->channels,       \
        (size_t)(p)->units, (p)->zero, (p)->zero_h, (p)->all != 0, (p)->reverse != 0,    \
        (size_t)(p)->out_channels, (size_t)(p)->column                                   \
  }

static recurrence recurrence_of(const fr__int8_op *op) {
  const struct fr__int8_lstm *lstm = &op->of.lstm;
  const struct fr__int8_gru *gru = &op->of.gru;
  return op->kind == FR__INT8_LSTM ? RECURRENCE(lstm, 4) : RECURRENCE(gru, 3);
}

static bool is_recurrent(const fr__int8_op *op) {
  return op->kind == FR__INT8_LSTM || op->kind == FR__INT8_GRU;
}

/* w (n, k) of one product; n is 0 where there is none. */
typedef struct factor {
  const int8_t *w;
  size_t n, k;
  int32_t zero;
} factor;

/* Steps that one output sees. */
static size_t reach(const struct fr__int8_conv1d *p) {
  return (size_t)((p->width - 1) * p->dilation + 1);
}

/* As one product over all that lies in reach, with weights of 0 for what groups and
 * dilation leave out: so many times as many as there are. */
static size_t waste(const struct fr__int8_conv1d *p) {
  return reach(p) * (size_t)p->groups / (size_t)p->width;
}

/* So many times what an instruction multiplies at once is worth it: a plain loop over a
 * few channels takes many cycles for each. */
#define WASTE_CEILING 4
#define DEPTH_CEILING ((size_t)1 << 16)

static bool is_product(const fr__int8_kern *kern, const struct fr__int8_conv1d *p) {
  return waste(p) <= WASTE_CEILING * fr__int8_at_once(kern) &&
         reach(p) * (size_t)p->channels <= DEPTH_CEILING;
}

static bool is_spread(const struct fr__int8_conv1d *p) {
  return p->groups > 1 || p->dilation > 1;
}

static factor factor_of(const fr__int8_kern *kern, const fr__int8_op *op, size_t index) {
  const struct fr__int8_dense *d = &op->of.dense;
  const struct fr__int8_logits *l = &op->of.logits;
  const struct fr__int8_conv1d *c = &op->of.conv1d;
  if (is_recurrent(op)) {
    const recurrence r = recurrence_of(op);
    return index == 1 ? (factor){r.recurrent, r.gates * r.units, r.units, r.zero_h}
                      : (factor){r.weight, r.gates * r.units, r.channels, r.zero};
  }
  if (op->kind == FR__INT8_DENSE && index == 0)
    return (factor){d->weight, (size_t)d->units, (size_t)d->inputs, d->zero};
  if (op->kind == FR__INT8_LOGITS && index == 0)
    return (factor){l->weight, (size_t)l->units, (size_t)l->inputs, l->zero};
  if (op->kind == FR__INT8_CONV1D && index == 0 && is_product(kern, c))
    return (factor){c->weight, (size_t)c->units, reach(c) * (size_t)c->channels, c->zero};
  return (factor){0};
}

/* Steps of a convolution's input that its outputs see, margins included. */
static size_t seen_steps(const struct fr__int8_conv1d *p) {
  return (size_t)((p->out_steps - 1) * p->stride) + reach(p);
}

static bool has_margins(const struct fr__int8_conv1d *p) {
  return p->left > 0 || seen_steps(p) > (size_t)p->steps;
}

typedef struct rooms {
  size_t sum, sum_h, padded, units;
} rooms;

static size_t greater(size_t x, size_t y) { return x > y ? x : y; }

static rooms rooms_of(const fr__int8_kern *kern, const fr_int8 *int8) {
  rooms r = {0};
  for (size_t i = 0; i < int8->op_count; i++) {
    const fr__int8_op *op = &int8->op[i];
    const factor f = factor_of(kern, op, 0);
    const size_t columns = fr__int8_columns(f.n);
    size_t rows = GROUP;
    if (op->kind == FR__INT8_CONV1D && f.n > 0) {
      rows = (size_t)op->of.conv1d.out_steps;
      r.padded =
          greater(r.padded, seen_steps(&op->of.conv1d) * (size_t)op->of.conv1d.channels);
    } else if (is_recurrent(op)) {
      rows = X_STEPS;
      r.sum_h = greater(r.sum_h, GROUP * columns);
      r.units = greater(r.units, recurrence_of(op).units);
    } else if (op->kind == FR__INT8_AVGPOOL) {
      r.sum = greater(r.sum, (size_t)op->of.avgpool.channels);
    }
    r.sum = greater(r.sum, rows * columns);
  }
  return r;
}

/* ---- laying out ---- */

/* The weights of one convolution with zeros in between, (units, reach, channels). */
static void spread(const struct fr__int8_conv1d *p, int8_t *to) {
  const size_t channels = (size_t)p->channels, inputs = channels / (size_t)p->groups;
  const size_t outputs = (size_t)(p->units / p->groups), width = (size_t)p->width;
  memset(to, 0, (size_t)p->units * reach(p) * channels);
  for (size_t u = 0; u < (size_t)p->units; u++)
    for (size_t w = 0; w < width; w++)
      memcpy(to + (u * reach(p) + w * (size_t)p->dilation) * channels +
                 u / outputs * inputs,
             p->weight + (u * width + w) * inputs, inputs);
}

static bool is_spread_op(const fr__int8_op *op) {
  return op->kind == FR__INT8_CONV1D && is_spread(&op->of.conv1d);
}

/* `room`: of the widest weights that are spread. */
static void pack_all(const fr_int8 *int8, fr__int8_fast *f, int8_t *room,
                     fr__arena *arena) {
  for (size_t i = 0; i < int8->op_count * PRODUCTS; i++) {
    const fr__int8_op *op = &int8->op[i / PRODUCTS];
    factor w = factor_of(&f->kern, op, i % PRODUCTS);
    if (w.n == 0)
      continue;
    void *to = fr__arena_take(arena, fr__int8_packed_bytes(&f->kern, w.n, w.k), 1);
    if (to != NULL && is_spread_op(op)) {
      spread(&op->of.conv1d, room);
      w.w = room;
    }
    if (to != NULL)
      fr__int8_pack(&f->kern, w.w, w.n, w.k, w.zero, to);
    f->packed[i] = to;
  }
}

static size_t spread_bytes(const fr__int8_kern *kern, const fr_int8 *int8) {
  size_t most = 0;
  for (size_t i = 0; i < int8->op_count; i++) {
    const factor w = factor_of(kern, &int8->op[i], 0);
    const size_t bytes = is_spread_op(&int8->op[i]) ? w.n * w.k : 0;
    most = bytes > most ? bytes : most;
  }
  return most;
}

static void lay_out(const fr_int8 *int8, fr__int8_fast *f, int8_t *room,
                    fr__arena *arena) {
  const rooms r = rooms_of(&f->kern, int8);
  pack_all(int8, f, room, arena);
  f->values = fr__arena_take(arena, GROUP * int8->buffer, 1);
  f->logits = fr__arena_take(arena, GROUP * int8->classes, sizeof *f->logits);
  f->sum = fr__arena_take(arena, r.sum, sizeof *f->sum);
  f->sum_h = fr__arena_take(arena, r.sum_h, sizeof *f->sum_h);
  f->padded = fr__arena_take(arena, r.padded, 1);
  f->h = fr__arena_take(arena, GROUP * r.units, 1);
  f->state = fr__arena_take(arena, GROUP * r.units, sizeof *f->state);
  f->gates = fr__arena_take(arena, 4 * r.units, sizeof *f->gates);
}

enum fr_status fr__int8_fast_new(const fr_int8 *int8, fr__int8_fast **out,
                                 fr_error *err) {
  fr__int8_fast *f = calloc(1, sizeof *f);
  enum fr_status status = f ? FR_OK : fr__fail_memory(err, "a network in int8");
  if (status == FR_OK) {
    f->packed = calloc(int8->op_count * PRODUCTS + 1, sizeof *f->packed);
    status = f->packed ? FR_OK : fr__fail_memory(err, "a network in int8");
  }
  if (status == FR_OK)
    status = fr__int8_kern_init(&f->kern, err);
  int8_t *room = status == FR_OK ? malloc(spread_bytes(&f->kern, int8) + 1) : NULL;
  if (status == FR_OK && room == NULL)
    status = fr__fail_memory(err, "a network in int8");
  if (status == FR_OK) {
    fr__arena measure = {0};
    lay_out(int8, f, room, &measure);
    status = fr__arena_init(&f->arena, measure.used, err);
  }
  if (status == FR_OK) {
    lay_out(int8, f, room, &f->arena);
    *out = f;
  } else {
    fr__int8_fast_free(f);
  }
  free(room);
  return status;
}

void fr__int8_fast_free(fr__int8_fast *fast) {
  if (!fast)
    return;
  fr__int8_kern_release(&fast->kern);
  fr__arena_release(&fast->arena);
  free(fast->packed);
  free(fast);
}

/* ---- operations on a group ---- */

typedef struct group {
  const fr_int8 *int8;
  const fr__int8_fast *fast;
  const fr__int8_op *op;
  void *const *packed; /* (PRODUCTS) of op */
  size_t count;        /* samples */
} group;

/* Where a value of sample b begins. */
static int8_t *at(const group *g, size_t b, size_t offset) {
  return g->fast->values + b * g->int8->buffer + offset;
}

/* Sums of the operation's first product, one row a sample; floats from row to row. */
static size_t product_of_group(const group *g) {
  const factor w = factor_of(&g->fast->kern, g->op, 0);
  const size_t columns = fr__int8_columns(w.n);
  const fr__int8_product product = {.m = g->count,
                                    .n = w.n,
                                    .k = w.k,
                                    .x = at(g, 0, g->op->in),
                                    .ld_x = g->int8->buffer,
                                    .zero = w.zero,
                                    .packed = g->packed[0],
                                    .sum = g->fast->sum,
                                    .ld_sum = columns};
  fr__int8_multiply(&g->fast->kern, &product);
  return columns;
}

static void dense(const group *g) {
  const struct fr__int8_dense *p = &g->op->of.dense;
  const size_t columns = product_of_group(g);
  const fr__int8_requantizing scaling = {.rows = g->count,
                                         .columns = (size_t)p->units,
                                         .mul = p->mul,
                                         .add = p->add,
                                         .shift = p->shift,
                                         .y = at(g, 0, g->op->out),
                                         .ld_y = g->int8->buffer};
  fr__int8_requantize(&g->fast->kern, &scaling, g->fast->sum, columns);
}

static void logits(const group *g) {
  const struct fr__int8_logits *p = &g->op->of.logits;
  const size_t columns = product_of_group(g), units = (size_t)p->units;
  for (size_t b = 0; b < g->count; b++)
    for (size_t u = 0; u < units; u++)
      g->fast->logits[b * units + u] = fr__int8_narrow_16(
          (int64_t)p->mul[u] * g->fast->sum[b * columns + u] + p->add[u], p->shift);
}

/* The input of sample b, with margins where there are any: what is 0 there. */
static const int8_t *conv1d_input(const group *g, size_t b) {
  const struct fr__int8_conv1d *p = &g->op->of.conv1d;
  const int8_t *x = at(g, b, g->op->in);
  const size_t channels = (size_t)p->channels, left = (size_t)p->left;
  const size_t seen = seen_steps(p), steps = (size_t)p->steps;
  if (!has_margins(p))
    return x;
  const size_t copied = seen - left < steps ? seen - left : steps;
  memset(g->fast->padded, p->zero, seen * channels);
  memcpy(g->fast->padded + left * channels, x, copied * channels);
  return g->fast->padded;
}

static void conv1d(const group *g) {
  const struct fr__int8_conv1d *p = &g->op->of.conv1d;
  const size_t units = (size_t)p->units, rows = (size_t)p->out_steps;
  const size_t columns = fr__int8_columns(units);
  for (size_t b = 0; b < g->count; b++) {
    const fr__int8_product product = {.m = rows,
                                      .n = units,
                                      .k = reach(p) * (size_t)p->channels,
                                      .x = conv1d_input(g, b),
                                      .ld_x = (size_t)p->stride * (size_t)p->channels,
                                      .zero = p->zero,
                                      .packed = g->packed[0],
                                      .sum = g->fast->sum,
                                      .ld_sum = columns};
    const fr__int8_requantizing scaling = {.rows = rows,
                                           .columns = units,
                                           .mul = p->mul,
                                           .add = p->add,
                                           .shift = p->shift,
                                           .y = at(g, b, g->op->out),
                                           .ld_y = units};
    fr__int8_multiply(&g->fast->kern, &product);
    fr__int8_requantize(&g->fast->kern, &scaling, g->fast->sum, columns);
  }
}

static void affine(const group *g) {
  const struct fr__int8_affine *p = &g->op->of.affine;
  for (size_t b = 0; b < g->count; b++) {
    const fr__int8_requantizing scaling = {.rows = (size_t)p->rows,
                                           .columns = (size_t)p->channels,
                                           .mul = p->mul,
                                           .add = p->add,
                                           .shift = p->shift,
                                           .y = at(g, b, g->op->out),
                                           .ld_y = (size_t)p->channels};
    fr__int8_requantize_bytes(&g->fast->kern, &scaling, at(g, b, g->op->in));
  }
}

static void avgpool(const group *g) {
  const struct fr__int8_avgpool *p = &g->op->of.avgpool;
  const size_t channels = (size_t)p->channels, width = (size_t)p->width;
  for (size_t i = 0; i < g->count * (size_t)p->out_steps; i++) {
    const size_t b = i / (size_t)p->out_steps, t = i % (size_t)p->out_steps;
    int8_t *y = at(g, b, g->op->out) + t * channels;
    fr__int8_column_sum(&g->fast->kern, at(g, b, g->op->in) + t * width * channels, width,
                        channels, g->fast->sum);
    for (size_t c = 0; c < channels; c++)
      y[c] = fr__int8_narrow((int64_t)p->mul * g->fast->sum[c] + p->add, p->shift);
  }
}

static void maxpool(const group *g) {
  const struct fr__int8_maxpool *p = &g->op->of.maxpool;
  const size_t channels = (size_t)p->channels, width = (size_t)p->width;
  for (size_t i = 0; i < g->count * (size_t)p->out_steps; i++) {
    const size_t b = i / (size_t)p->out_steps, t = i % (size_t)p->out_steps;
    fr__int8_column_max(&g->fast->kern, at(g, b, g->op->in) + t * width * channels, width,
                        channels, at(g, b, g->op->out) + t * channels);
  }
}

/* ---- LSTM, GRU ---- */

static size_t step_at(const recurrence *r, size_t s) {
  return r->reverse ? r->steps - 1 - s : s;
}

static void multiply(const group *g, size_t index, size_t m, const int8_t *x, size_t ld_x,
                     int32_t *sum) {
  const factor w = factor_of(&g->fast->kern, g->op, index);
  const fr__int8_product product = {
      m, w.n, w.k, x, ld_x, w.zero, g->packed[index], sum, fr__int8_columns(w.n)};
  fr__int8_multiply(&g->fast->kern, &product);
}

/*
 * The sums over x of step number s, one row a sample, and where they lie: those of one
 * sample are made for several steps at once.
 */
static const int32_t *sums_over_x(const group *g, const recurrence *r, size_t s) {
  const size_t channels = r->channels, steps = r->steps;
  const size_t columns = fr__int8_columns(r->units * r->gates);
  const size_t t = step_at(r, s), ahead = s % X_STEPS;
  if (g->count > 1) {
    multiply(g, 0, g->count, at(g, 0, g->op->in) + t * channels, g->int8->buffer,
             g->fast->sum);
    return g->fast->sum;
  }
  const size_t rows = steps - (s - ahead) < X_STEPS ? steps - (s - ahead) : X_STEPS;
  const size_t first = r->reverse ? t + 1 - rows : t; /* of a new block */
  if (ahead == 0)
    multiply(g, 0, rows, at(g, 0, g->op->in) + first * channels, channels, g->fast->sum);
  return g->fast->sum + (r->reverse ? rows - 1 - ahead : ahead) * columns;
}

static void lstm_units(const group *g, const int32_t *over_x) {
  const struct fr__int8_lstm *p = &g->op->of.lstm;
  const fr__int8_fast *f = g->fast;
  const size_t units = (size_t)p->units, columns = fr__int8_columns(units * 4);
  const fr__int8_lstm_step step = {.batch = g->count,
                                   .units = units,
                                   .over_x = over_x,
                                   .over_h = f->sum_h,
                                   .ld_sum_x = columns,
                                   .ld_sum_h = columns,
                                   .mul = p->mul,
                                   .mul_h = p->mul_h,
                                   .add = p->add,
                                   .shift = p->shift,
                                   .sigmoid = p->sigmoid,
                                   .tanh = p->tanh,
                                   .cell = p->cell,
                                   .mul_y = p->mul_y,
                                   .shift_y = p->shift_y,
                                   .add_y = p->add_y,
                                   .state = f->state,
                                   .h = f->h};
  if (fr__int8_lstm(&f->kern, &step))
    return;
  for (size_t b = 0; b < g->count; b++)
    fr__int8_lstm_sums(p, over_x + b * columns, f->sum_h + b * columns, f->gates,
                       f->state + b * units, f->h + b * units);
}

static void gru_units(const group *g, const int32_t *over_x) {
  const struct fr__int8_gru *p = &g->op->of.gru;
  const fr__int8_fast *f = g->fast;
  const size_t units = (size_t)p->units, columns = fr__int8_columns(units * 3);
  const fr__int8_lstm_step step = {.batch = g->count,
                                   .units = units,
                                   .over_x = over_x,
                                   .over_h = f->sum_h,
                                   .ld_sum_x = columns,
                                   .ld_sum_h = columns,
                                   .mul = p->mul,
                                   .mul_h = p->mul_h,
                                   .add = p->add,
                                   .add_h = p->add_h,
                                   .shift = p->shift,
                                   .sigmoid = p->sigmoid,
                                   .tanh = p->tanh,
                                   .mul_y = p->mul_y,
                                   .shift_y = p->shift_y,
                                   .add_y = p->add_y,
                                   .state = f->state,
                                   .h = f->h};
  if (fr__int8_gru(&f->kern, &step))
    return;
  for (size_t b = 0; b < g->count; b++)
    fr__int8_gru_sums(p, over_x + b * columns, f->sum_h + b * columns, f->gates,
                      f->state + b * units, f->h + b * units);
}

static void recur(const group *g, void (*units_of)(const group *g, const int32_t *x)) {
  const recurrence r = recurrence_of(g->op);
  const fr__int8_fast *f = g->fast;
  memset(f->state, 0, g->count * r.units * sizeof *f->state);
  memset(f->h, r.zero_h, g->count * r.units);
  for (size_t s = 0; s < r.steps; s++) {
    const size_t t = step_at(&r, s);
    multiply(g, 1, g->count, f->h, r.units, f->sum_h);
    units_of(g, sums_over_x(g, &r, s));
    for (size_t b = 0; b < g->count && (r.all || s + 1 == r.steps); b++)
      memcpy(at(g, b, g->op->out) + (r.all ? t : 0) * r.out_channels + r.column,
             f->h + b * r.units, r.units);
  }
}

/* ---- one after another ---- */

static void plain(const group *g) {
  for (size_t b = 0; b < g->count; b++)
    fr__int8_run_op(g->int8, g->op, at(g, b, 0));
}

static void run_op(const group *g) {
  switch (g->op->kind) {
  case FR__INT8_DENSE: dense(g); break;
  case FR__INT8_LOGITS: logits(g); break;
  case FR__INT8_CONV1D: (g->packed[0] ? conv1d : plain)(g); break;
  case FR__INT8_AFFINE: affine(g); break;
  case FR__INT8_AVGPOOL: avgpool(g); break;
  case FR__INT8_MAXPOOL: maxpool(g); break;
  case FR__INT8_LSTM: recur(g, lstm_units); break;
  case FR__INT8_GRU: recur(g, gru_units); break;
  default: plain(g); break;
  }
}

static void run_group(const fr_int8 *int8, const float *x, size_t count, float *output) {
  const fr__int8_fast *f = int8->fast;
  const size_t inputs = int8->input.steps * int8->input.channels;
  for (size_t b = 0; b < count; b++)
    fr__int8_quantize(&f->kern, x + b * inputs, inputs, int8->factor_in, int8->zero_in,
                      f->values + b * int8->buffer + int8->in);
  for (size_t i = 0; i < int8->op_count; i++) {
    const group g = {int8, f, &int8->op[i], f->packed + i * PRODUCTS, count};
    run_op(&g);
  }
  for (size_t k = 0; k < count * int8->classes; k++) {
    const int8_t *values = f->values + k / int8->classes * int8->buffer + int8->output;
    const int32_t q = int8->wide ? f->logits[k] : values[k % int8->classes];
    output[k] = (float)(q - int8->zero_out) * int8->scale_out;
  }
}

void fr_int8_run_batch(const fr_int8 *int8, const float *x, size_t batch, float *output) {
  const size_t inputs = int8->input.steps * int8->input.channels;
  for (size_t b = 0; b < batch; b += GROUP)
    run_group(int8, x + b * inputs, batch - b < GROUP ? batch - b : GROUP,
              output + b * int8->classes);
}

void fr_int8_run(const fr_int8 *int8, const float *x, float *output) {
  run_group(int8, x, 1, output);
}
