/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of integer inference; int8_ops.h says what its pieces are. Nothing here
 * rounds but shift_down, which rounds halves up once `add` holds the half. */
#include "nn/int8.h"

/*: shift_down */
/* floor(v / 2^n), without a shift of a negative number */
static int64_t shift_down(int64_t v, int32_t n) { return v >= 0 ? v >> n : ~(~v >> n); }

/*: to_int8, shift_down */
static int8_t to_int8(int64_t v, int32_t n) {
  const int64_t q = shift_down(v, n);
  return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

/*: to_int16, shift_down */
static int16_t to_int16(int64_t v, int32_t n) {
  const int64_t q = shift_down(v, n);
  return (int16_t)(q < -32768 ? -32768 : q > 32767 ? 32767 : q);
}

/*: quantize */
/* x factor / 2 + zero, halves away from zero; not a number counts as 0 */
static int8_t quantize(float x, float factor, int32_t zero) {
  const float size = (x < 0.0f ? -x : x) * factor;
  const int32_t twice = size < 1024.0f ? (int32_t)size : size >= 1024.0f ? 1024 : 0;
  const int32_t half = (twice + 1) >> 1;
  const int32_t q = (x < 0.0f ? -half : half) + zero;
  return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

/*: dot */
/* sum of (x - zero) w */
static int32_t dot(const int8_t *x, const int8_t *w, int32_t n, int32_t zero) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; i++)
    sum += (x[i] - zero) * w[i];
  return sum;
}

/*: dense, dot to_int8 */
static void dense(const struct fr__int8_dense *p, const int8_t *x, int8_t *y) {
  for (int32_t u = 0; u < p->units; u++) {
    const int32_t sum = dot(x, p->weight + u * p->inputs, p->inputs, p->zero);
    y[u] = to_int8((int64_t)p->mul[u] * sum + p->add[u], p->shift);
  }
}

/*: logits, dot to_int16 */
static void logits(const struct fr__int8_logits *p, const int8_t *x, int16_t *y) {
  for (int32_t u = 0; u < p->units; u++) {
    const int32_t sum = dot(x, p->weight + u * p->inputs, p->inputs, p->zero);
    y[u] = to_int16((int64_t)p->mul[u] * sum + p->add[u], p->shift);
  }
}

/*: conv1d, dot to_int8 */
/* The sum of one output; what would lie outside of the sequence adds nothing. */
static int32_t conv1d_sum(const struct fr__int8_conv1d *p, const int8_t *x, int32_t t,
                          int32_t u) {
  const int32_t inputs = p->channels / p->groups;
  const int32_t group = u / (p->units / p->groups);
  const int8_t *w = p->weight + u * p->width * inputs;
  int32_t sum = 0;
  for (int32_t i = 0; i < p->width; i++) {
    const int32_t at = t * p->stride + i * p->dilation - p->left;
    if (at >= 0 && at < p->steps)
      sum += dot(x + at * p->channels + group * inputs, w + i * inputs, inputs, p->zero);
  }
  return sum;
}

static void conv1d(const struct fr__int8_conv1d *p, const int8_t *x, int8_t *y) {
  for (int32_t t = 0; t < p->out_steps; t++)
    for (int32_t u = 0; u < p->units; u++) {
      const int64_t sum = (int64_t)p->mul[u] * conv1d_sum(p, x, t, u) + p->add[u];
      y[t * p->units + u] = to_int8(sum, p->shift);
    }
}

/*: affine, to_int8 */
static void affine(const struct fr__int8_affine *p, const int8_t *x, int8_t *y) {
  for (int32_t r = 0; r < p->rows; r++)
    for (int32_t c = 0; c < p->channels; c++) {
      const int32_t i = r * p->channels + c;
      y[i] = to_int8((int64_t)p->mul[c] * x[i] + p->add[c], p->shift);
    }
}

/*: place, to_int8 */
static void place(const struct fr__int8_place *p, const int8_t *x, int8_t *y) {
  for (int32_t r = 0; r < p->rows; r++)
    for (int32_t c = 0; c < p->channels; c++) {
      const int64_t sum = (int64_t)p->mul * x[r * p->channels + c] + p->add;
      y[r * p->out_channels + p->column + c] = to_int8(sum, p->shift);
    }
}

/*: add, to_int8 */
static void add(const struct fr__int8_add *p, const int8_t *a, const int8_t *b,
                int8_t *y) {
  for (int32_t i = 0; i < p->count; i++) {
    const int64_t sum = (int64_t)p->mul * a[i] + (int64_t)p->mul_other * b[i] + p->add;
    y[i] = to_int8(sum, p->shift);
  }
}

/*: table */
static void table(const struct fr__int8_table *p, const int8_t *x, int8_t *y) {
  for (int32_t i = 0; i < p->count; i++)
    y[i] = p->table[x[i] + 128];
}

/*: maxpool */
static void maxpool(const struct fr__int8_maxpool *p, const int8_t *x, int8_t *y) {
  for (int32_t t = 0; t < p->out_steps; t++)
    for (int32_t c = 0; c < p->channels; c++) {
      const int8_t *from = x + t * p->width * p->channels + c;
      int8_t greatest = from[0];
      for (int32_t w = 1; w < p->width; w++)
        if (from[w * p->channels] > greatest)
          greatest = from[w * p->channels];
      y[t * p->channels + c] = greatest;
    }
}

/*: avgpool, to_int8 */
static void avgpool(const struct fr__int8_avgpool *p, const int8_t *x, int8_t *y) {
  for (int32_t t = 0; t < p->out_steps; t++)
    for (int32_t c = 0; c < p->channels; c++) {
      const int8_t *from = x + t * p->width * p->channels + c;
      int32_t sum = 0;
      for (int32_t w = 0; w < p->width; w++)
        sum += from[w * p->channels];
      y[t * p->channels + c] = to_int8((int64_t)p->mul * sum + p->add, p->shift);
    }
}

/*: exp_down */
/* e^(-x / 256) with 15 binary places: whole[i] = e^-i, part[i] = e^(-i / 256) */
static uint32_t exp_down(const uint16_t *whole, const uint16_t *part, int64_t x) {
  if (x >= 4096)
    return 0;
  return ((uint32_t)whole[x >> 8] * part[x & 255] + 16384) >> 15;
}

/*: softmax, exp_down shift_down */
static void softmax_row(const struct fr__int8_softmax *p, const int8_t *x, int8_t *y) {
  int32_t greatest = -128;
  uint32_t sum = 0;
  for (int32_t c = 0; c < p->channels; c++)
    greatest = x[c] > greatest ? x[c] : greatest;
  for (int32_t c = 0; c < p->channels; c++)
    sum += exp_down(p->whole, p->part,
                    shift_down((int64_t)p->mul * (greatest - x[c]), p->shift));
  for (int32_t c = 0; c < p->channels; c++) {
    const uint32_t e = exp_down(
        p->whole, p->part, shift_down((int64_t)p->mul * (greatest - x[c]), p->shift));
    const uint32_t share = (e * 256 + sum / 2) / sum;
    y[c] = (int8_t)((int32_t)(share > 255 ? 255 : share) - 128);
  }
}

static void softmax(const struct fr__int8_softmax *p, const int8_t *x, int8_t *y) {
  for (int32_t r = 0; r < p->rows; r++)
    softmax_row(p, x + r * p->channels, y + r * p->channels);
}

/*: root */
/* floor(sqrt(v)), v < 2^62 */
static uint32_t root(uint64_t v) {
  uint64_t r = 0;
  for (uint64_t bit = (uint64_t)1 << 30; bit != 0; bit >>= 1)
    if ((r + bit) * (r + bit) <= v)
      r += bit;
  return (uint32_t)r;
}

/*: layernorm, root to_int8 */
/*
 * With N channels, S the sum and Q the sum of squares: x - mean = (N x - S) / N, and the
 * variance is (N Q - S^2) / N^2, so that N leaves the quotient. The variance is brought
 * to [2^60, 2^62) by 4^k before its root.
 */
static void layernorm_row(const struct fr__int8_layernorm *p, const int8_t *x,
                          int8_t *y) {
  const int32_t n = p->channels;
  int64_t sum = 0, squares = 0;
  for (int32_t c = 0; c < n; c++) {
    sum += x[c];
    squares += x[c] * x[c];
  }
  uint64_t variance = (uint64_t)(n * squares - sum * sum) + p->epsilon;
  int32_t k = 0;
  for (; variance > 0 && variance < (uint64_t)1 << 60; variance <<= 2)
    k++;
  const int64_t inverse =
      variance > 0 ? (int64_t)(((uint64_t)1 << 61) / root(variance)) : 0;
  for (int32_t c = 0; c < n; c++) {
    const int64_t normal = shift_down((n * (int64_t)x[c] - sum) * inverse, 45 - k);
    y[c] = to_int8(p->mul[c] * normal + p->add[c], p->shift);
  }
}

static void layernorm(const struct fr__int8_layernorm *p, const int8_t *x, int8_t *y) {
  for (int32_t r = 0; r < p->rows; r++)
    layernorm_row(p, x + r * p->channels, y + r * p->channels);
}

/*: gates */
/* A function of Q3.12 from its values every 1/16, Q0.15; between two on a line. */
static int32_t look_up(const int16_t *table, int32_t x) {
  const int32_t i = (x + 32768) >> 8, part = (x + 32768) & 255;
  return table[i] + (((table[i + 1] - table[i]) * part + 128) >> 8);
}

/*: lstm, dot to_int8 to_int16 gates */
static void lstm_gates(const struct fr__int8_lstm *p, const int8_t *x, const int8_t *h,
                       int16_t *gates) {
  for (int32_t j = 0; j < 4 * p->units; j++) {
    const int32_t over_x = dot(x, p->weight + j * p->channels, p->channels, p->zero);
    const int32_t over_h = dot(h, p->recurrent + j * p->units, p->units, p->zero_h);
    gates[j] =
        to_int16((int64_t)p->mul[j] * over_x + (int64_t)p->mul_h[j] * over_h + p->add[j],
                 p->shift);
  }
}

/* c = f c + i g, h = o tanh(c) */
static void lstm_units(const struct fr__int8_lstm *p, const int16_t *gates, int16_t *cell,
                       int8_t *h) {
  const int32_t units = p->units;
  for (int32_t u = 0; u < units; u++) {
    const int32_t i = look_up(p->sigmoid, gates[u]);
    const int32_t f = look_up(p->sigmoid, gates[units + u]);
    const int32_t g = look_up(p->tanh, gates[2 * units + u]);
    const int32_t o = look_up(p->sigmoid, gates[3 * units + u]);
    const int64_t c = (int64_t)f * cell[u] + shift_down(i * g, p->cell);
    cell[u] = to_int16(c + 16384, 15);
    const int16_t narrow = to_int16((int64_t)cell[u] * (1 << (p->cell - 3)), 0);
    const int64_t y = (int64_t)(o * look_up(p->tanh, narrow)) * p->mul_y + p->add_y;
    h[u] = to_int8(y, p->shift_y);
  }
}

/* room: int16 (5 units), h: (units) */
static void lstm(const struct fr__int8_lstm *p, const int8_t *x, int8_t *y, int16_t *room,
                 int8_t *h) {
  int16_t *const gates = room, *const cell = room + 4 * p->units;
  for (int32_t u = 0; u < p->units; u++) {
    cell[u] = 0;
    h[u] = (int8_t)p->zero_h;
  }
  for (int32_t s = 0; s < p->steps; s++) {
    const int32_t t = p->reverse ? p->steps - 1 - s : s;
    lstm_gates(p, x + t * p->channels, h, gates);
    lstm_units(p, gates, cell, h);
    for (int32_t u = 0; u < p->units && (p->all || s + 1 == p->steps); u++)
      y[(p->all ? t : 0) * p->out_channels + p->column + u] = h[u];
  }
}

/*: gru, dot to_int8 to_int16 gates */
/* gates: r, z, n's sum over x, n's sum over h */
static void gru_gates(const struct fr__int8_gru *p, const int8_t *x, const int8_t *h,
                      int16_t *gates) {
  const int32_t both = 2 * p->units;
  for (int32_t j = 0; j < 3 * p->units; j++) {
    const int64_t over_x =
        (int64_t)p->mul[j] * dot(x, p->weight + j * p->channels, p->channels, p->zero);
    const int64_t over_h =
        (int64_t)p->mul_h[j] * dot(h, p->recurrent + j * p->units, p->units, p->zero_h);
    gates[j] = to_int16(over_x + (j < both ? over_h : 0) + p->add[j], p->shift);
    if (j >= both)
      gates[p->units + j] = to_int16(over_h + p->add_h[j - both], p->shift);
  }
}

/* n = tanh(n_x + r n_h), state = (1 - z) n + z state */
static void gru_units(const struct fr__int8_gru *p, const int16_t *gates, int16_t *state,
                      int8_t *h) {
  const int32_t units = p->units;
  for (int32_t u = 0; u < units; u++) {
    const int32_t r = look_up(p->sigmoid, gates[u]);
    const int32_t z = look_up(p->sigmoid, gates[units + u]);
    const int64_t reset = (int64_t)r * gates[3 * units + u] + 16384;
    const int16_t sum = to_int16(gates[2 * units + u] + shift_down(reset, 15), 0);
    const int32_t n = look_up(p->tanh, sum);
    state[u] = to_int16((int64_t)(32768 - z) * n + (int64_t)z * state[u] + 16384, 15);
    h[u] = to_int8((int64_t)state[u] * p->mul_y + p->add_y, p->shift_y);
  }
}

/* room: int16 (5 units), h: (units) */
static void gru(const struct fr__int8_gru *p, const int8_t *x, int8_t *y, int16_t *room,
                int8_t *h) {
  int16_t *const gates = room, *const state = room + 4 * p->units;
  for (int32_t u = 0; u < p->units; u++) {
    state[u] = 0;
    h[u] = (int8_t)p->zero_h;
  }
  for (int32_t s = 0; s < p->steps; s++) {
    const int32_t t = p->reverse ? p->steps - 1 - s : s;
    gru_gates(p, x + t * p->channels, h, gates);
    gru_units(p, gates, state, h);
    for (int32_t u = 0; u < p->units && (p->all || s + 1 == p->steps); u++)
      y[(p->all ? t : 0) * p->out_channels + p->column + u] = h[u];
  }
}

/*: attention, dot to_int8 exp_down */
/* Shares, 16 binary places, in the place of one query's scores. */
static void attention_shares(const struct fr__int8_attention *p, int32_t *score) {
  int32_t greatest = score[0];
  uint32_t sum = 0;
  for (int32_t j = 1; j < p->steps; j++)
    greatest = score[j] > greatest ? score[j] : greatest;
  for (int32_t j = 0; j < p->steps; j++) {
    const int64_t below = (int64_t)p->mul_score * ((int64_t)greatest - score[j]);
    score[j] = (int32_t)exp_down(p->whole, p->part, shift_down(below, p->shift_score));
    sum += (uint32_t)score[j];
  }
  for (int32_t j = 0; j < p->steps; j++)
    score[j] = (int32_t)((((uint32_t)score[j] << 16) + sum / 2) / sum);
}

/* What query t gathers in the columns of one head, from `column` on. */
static void attention_head(const struct fr__int8_attention *p, const int8_t *qkv,
                           int32_t t, int32_t column, int32_t *score, int8_t *gathered) {
  const int32_t channels = p->channels, width = channels / p->heads;
  const int8_t *q = qkv + t * 3 * channels + column;
  const int8_t *k = qkv + channels + column, *v = k + channels;
  for (int32_t j = 0; j < p->steps; j++)
    score[j] = dot(q, k + j * 3 * channels, width, 0);
  attention_shares(p, score);
  for (int32_t c = 0; c < width; c++) {
    int64_t sum = 0;
    for (int32_t j = 0; j < p->steps; j++)
      sum += score[j] * v[j * 3 * channels + c];
    sum = sum * p->mul_gather + ((int64_t)1 << (p->shift_gather - 1));
    gathered[column + c] = to_int8(sum, p->shift_gather);
  }
}

/* room: int8 (3 steps channels + channels), score: (steps) */
static void attention(const struct fr__int8_attention *p, const int8_t *x, int8_t *y,
                      int8_t *room, int32_t *score) {
  const int32_t channels = p->channels;
  int8_t *const gathered = room + 3 * p->steps * channels;
  for (int32_t t = 0; t < p->steps; t++)
    for (int32_t c = 0; c < 3 * channels; c++) {
      const int32_t sum =
          dot(x + t * channels, p->weight + c * channels, channels, p->zero);
      room[t * 3 * channels + c] =
          to_int8((int64_t)p->mul[c] * sum + p->add[c], p->shift);
    }
  for (int32_t t = 0; t < p->steps; t++) {
    for (int32_t c = 0; c < channels; c += channels / p->heads)
      attention_head(p, room, t, c, score, gathered);
    for (int32_t c = 0; c < channels; c++) {
      const int32_t sum = dot(gathered, p->output + c * channels, channels, 0);
      y[t * channels + c] =
          to_int8((int64_t)p->mul_output[c] * sum + p->add_output[c], p->shift_output);
    }
  }
}

/*: end */

/* ---- one after another ---- */

int8_t fr__int8_narrow(int64_t v, int32_t shift) { return to_int8(v, shift); }

int16_t fr__int8_narrow_16(int64_t v, int32_t shift) { return to_int16(v, shift); }

void fr__int8_lstm_sums(const struct fr__int8_lstm *p, const int32_t *over_x,
                        const int32_t *over_h, int16_t *gates, int16_t *cell, int8_t *h) {
  for (int32_t j = 0; j < 4 * p->units; j++)
    gates[j] = to_int16((int64_t)p->mul[j] * over_x[j] +
                            (int64_t)p->mul_h[j] * over_h[j] + p->add[j],
                        p->shift);
  lstm_units(p, gates, cell, h);
}

void fr__int8_gru_sums(const struct fr__int8_gru *p, const int32_t *over_x,
                       const int32_t *over_h, int16_t *gates, int16_t *state, int8_t *h) {
  const int32_t both = 2 * p->units;
  for (int32_t j = 0; j < 3 * p->units; j++) {
    const int64_t x = (int64_t)p->mul[j] * over_x[j];
    const int64_t from_h = (int64_t)p->mul_h[j] * over_h[j];
    gates[j] = to_int16(x + (j < both ? from_h : 0) + p->add[j], p->shift);
    if (j >= both)
      gates[p->units + j] = to_int16(from_h + p->add_h[j - both], p->shift);
  }
  gru_units(p, gates, state, h);
}

void fr__int8_run_op(const fr_int8 *n, const fr__int8_op *op, int8_t *values) {
  const int8_t *x = values + op->in;
  int8_t *y = values + op->out;
  switch (op->kind) {
  case FR__INT8_DENSE: dense(&op->of.dense, x, y); break;
  case FR__INT8_LOGITS: logits(&op->of.logits, x, n->logits); break;
  case FR__INT8_CONV1D: conv1d(&op->of.conv1d, x, y); break;
  case FR__INT8_AFFINE: affine(&op->of.affine, x, y); break;
  case FR__INT8_PLACE: place(&op->of.place, x, y); break;
  case FR__INT8_ADD: add(&op->of.add, x, values + op->other, y); break;
  case FR__INT8_TABLE: table(&op->of.table, x, y); break;
  case FR__INT8_MAXPOOL: maxpool(&op->of.maxpool, x, y); break;
  case FR__INT8_AVGPOOL: avgpool(&op->of.avgpool, x, y); break;
  case FR__INT8_SOFTMAX: softmax(&op->of.softmax, x, y); break;
  case FR__INT8_LAYERNORM: layernorm(&op->of.layernorm, x, y); break;
  case FR__INT8_LSTM: lstm(&op->of.lstm, x, y, n->middle, n->small); break;
  case FR__INT8_GRU: gru(&op->of.gru, x, y, n->middle, n->small); break;
  case FR__INT8_ATTENTION: attention(&op->of.attention, x, y, n->small, n->large); break;
  case FR__INT8_KINDS: break;
  }
}

void fr__int8_run_plain(const fr_int8 *int8, const float *x, float *output) {
  const size_t inputs = int8->input.steps * int8->input.channels;
  for (size_t i = 0; i < inputs; i++)
    int8->values[int8->in + i] = quantize(x[i], int8->factor_in, int8->zero_in);
  for (size_t i = 0; i < int8->op_count; i++)
    fr__int8_run_op(int8, &int8->op[i], int8->values);
  for (size_t k = 0; k < int8->classes; k++) {
    const int32_t q = int8->wide ? int8->logits[k] : int8->values[int8->output + k];
    output[k] = (float)(q - int8->zero_out) * int8->scale_out;
  }
}

fr_shape fr_int8_input(const fr_int8 *int8) { return int8->input; }
size_t fr_int8_classes(const fr_int8 *int8) { return int8->classes; }

/* ---- sizes ---- */

static bool has_kind(const fr_int8 *int8, enum fr__int8_kind a, enum fr__int8_kind b) {
  for (size_t i = 0; i < int8->op_count; i++)
    if (int8->op[i].kind == a || int8->op[i].kind == b)
      return true;
  return false;
}

size_t fr_int8_weight_bytes(const fr_int8 *int8) {
  const fr__int8_tables *t = &int8->tables;
  const bool gates = has_kind(int8, FR__INT8_LSTM, FR__INT8_GRU);
  const bool shares = has_kind(int8, FR__INT8_SOFTMAX, FR__INT8_ATTENTION);
  return int8->constants + (gates ? sizeof t->sigmoid + sizeof t->tanh : 0) +
         (shares ? sizeof t->whole + sizeof t->part : 0);
}

size_t fr_int8_activation_bytes(const fr_int8 *int8) {
  return int8->buffer + int8->room8 + int8->room16 * sizeof *int8->middle +
         int8->room32 * sizeof *int8->large +
         (int8->wide ? int8->classes * sizeof *int8->logits : 0);
}
