/* SPDX-License-Identifier: Apache-2.0 */
/* The element-wise half of an LSTM's step; the other half is a product of matrices. */
#include "kern/isa.h"

#include "kern/elementary.h"

/*
 * One row: gates (4H), the others (H). Divisions are what costs most here, so two gates
 * share one: 1 / x = y (1 / (x y)), 1 / y = x (1 / (x y)).
 */
INLINE void units_forward(size_t j, size_t count, size_t units, float *gates,
                          const float *c_in, float *c_out, float *h_out, float *tanh_c) {
  const vec i_below = sigmoid_denominator(get(gates + j, count));
  const vec f_below = sigmoid_denominator(get(gates + units + j, count));
  const vec e = exp_2x_minus_one(get(gates + 2 * units + j, count));
  const vec o_below = sigmoid_denominator(get(gates + 3 * units + j, count));
  const vec g_below = e + 2.0f;
  const vec share_if = 1.0f / (i_below * f_below), share_go = 1.0f / (g_below * o_below);
  const vec i = f_below * share_if, f = i_below * share_if;
  const vec g = e * o_below * share_go, o = g_below * share_go;
  const vec before = c_in != NULL ? get(c_in + j, count) : (vec){0};
  const vec c = f * before + i * g;
  const vec t = vec_tanh(c);
  put(gates + j, i, count);
  put(gates + units + j, f, count);
  put(gates + 2 * units + j, g, count);
  put(gates + 3 * units + j, o, count);
  put(c_out + j, c, count);
  put(tanh_c + j, t, count);
  put(h_out + j, o * t, count);
}

static void row_forward(size_t units, float *gates, const float *c_in, float *c_out,
                        float *h_out, float *tanh_c) {
  size_t j = 0;
  for (; units - j >= LANES; j += LANES)
    units_forward(j, LANES, units, gates, c_in, c_out, h_out, tanh_c);
  if (j < units)
    units_forward(j, units - j, units, gates, c_in, c_out, h_out, tanh_c);
}

void FR__KERN_NAME(lstm_forward)(const fr__lstm_step *s) {
  for (size_t b = 0; b < s->batch; b++)
    row_forward(s->units, s->gates + b * s->ld_gates,
                s->c_in != NULL ? s->c_in + b * s->ld_c_in : NULL,
                s->c_out + b * s->ld_c_out, s->h_out + b * s->ld_h_out,
                s->tanh_c + b * s->ld_tanh_c);
}

/*
 * With h = o tanh(c), c = f c_in + i g, and s' = s (1 - s) for a sigmoid s, 1 - t^2 for a
 * tanh t, of what each was computed from: dc += dh o (1 - tanh(c)^2);  d(c_in) = dc f
 *   d(o) = dh tanh(c) o';  d(i) = dc g i';  d(g) = dc i g';  d(f) = dc c_in f'
 */
static void row_backward(size_t units, const float *gates, const float *c_in,
                         const float *tanh_c, const float *dh, float *dc,
                         float *d_gates) {
  for (size_t j = 0; j < units; j += LANES) {
    const size_t count = lanes_left(units, j);
    const vec i = get(gates + j, count);
    const vec f = get(gates + units + j, count);
    const vec g = get(gates + 2 * units + j, count);
    const vec o = get(gates + 3 * units + j, count);
    const vec t = get(tanh_c + j, count);
    const vec before = c_in != NULL ? get(c_in + j, count) : (vec){0};
    const vec d = get(dh + j, count);
    const vec d_cell = get(dc + j, count) + d * o * (1.0f - t * t);
    put(d_gates + j, d_cell * g * i * (1.0f - i), count);
    put(d_gates + units + j, d_cell * before * f * (1.0f - f), count);
    put(d_gates + 2 * units + j, d_cell * i * (1.0f - g * g), count);
    put(d_gates + 3 * units + j, d * t * o * (1.0f - o), count);
    put(dc + j, d_cell * f, count);
  }
}

void FR__KERN_NAME(lstm_backward)(const fr__lstm_back *s) {
  for (size_t b = 0; b < s->batch; b++)
    row_backward(s->units, s->gates + b * s->ld_gates,
                 s->c_in != NULL ? s->c_in + b * s->ld_c_in : NULL,
                 s->tanh_c + b * s->ld_tanh_c, s->dh + b * s->ld_dh, s->dc + b * s->units,
                 s->d_gates + b * s->ld_d_gates);
}
