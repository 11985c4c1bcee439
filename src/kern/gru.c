/* SPDX-License-Identifier: Apache-2.0 */
/* The element-wise half of a GRU's step; the other half is two products of matrices. */
#include "kern/isa.h"

#include "kern/elementary.h"

/* Some units of one row; r and z share one division, as the gates of lstm.c do. */
INLINE void units_forward(size_t j, size_t count, size_t units, float *x, const float *h,
                          const float *h_in, float *h_out) {
  const size_t at_z = units + j, at_n = 2 * units + j;
  const vec r_below = sigmoid_denominator(get(x + j, count) + get(h + j, count));
  const vec z_below = sigmoid_denominator(get(x + at_z, count) + get(h + at_z, count));
  const vec share = 1.0f / (r_below * z_below);
  const vec r = z_below * share, z = r_below * share;
  const vec n = vec_tanh(get(x + at_n, count) + r * get(h + at_n, count));
  const vec before = h_in != NULL ? get(h_in + j, count) : (vec){0};
  put(x + j, r, count);
  put(x + at_z, z, count);
  put(x + at_n, n, count);
  put(h_out + j, (1.0f - z) * n + z * before, count);
}

static void row_forward(size_t units, float *x, const float *h, const float *h_in,
                        float *h_out) {
  size_t j = 0;
  for (; units - j >= LANES; j += LANES)
    units_forward(j, LANES, units, x, h, h_in, h_out);
  if (j < units)
    units_forward(j, units - j, units, x, h, h_in, h_out);
}

void FR__KERN_NAME(gru_forward)(const fr__gru_step *s) {
  for (size_t b = 0; b < s->batch; b++)
    row_forward(s->units, s->x_gates + b * s->ld_x_gates, s->h_gates + b * s->ld_h_gates,
                s->h_in != NULL ? s->h_in + b * s->ld_h_in : NULL,
                s->h_out + b * s->ld_h_out);
}

/* One row of each array. */
typedef struct row {
  const float *gates, *h, *h_in, *dh;
  float *dh_in, *d_x, *d_h;
} row;

/*
 * With s' = s (1 - s) for a sigmoid s, 1 - t^2 for a tanh t, of what each was computed
 * from:  d(n) = dh (1 - z) n';  d(z) = dh (h_in - n) z';  d(r) = d(n) hn r'
 * n was computed from xn and from r hn:  d(xn) = d(n);  d(hn) = d(n) r
 */
INLINE void units_backward(size_t j, size_t count, size_t units, const row *s) {
  const size_t at_z = units + j, at_n = 2 * units + j;
  const vec r = get(s->gates + j, count);
  const vec z = get(s->gates + at_z, count);
  const vec n = get(s->gates + at_n, count);
  const vec hn = get(s->h + at_n, count);
  const vec before = s->h_in != NULL ? get(s->h_in + j, count) : (vec){0};
  const vec d = get(s->dh + j, count);
  const vec d_n = d * (1.0f - z) * (1.0f - n * n);
  const vec d_z = d * (before - n) * z * (1.0f - z);
  const vec d_r = d_n * hn * r * (1.0f - r);
  put(s->d_x + j, d_r, count);
  put(s->d_x + at_z, d_z, count);
  put(s->d_x + at_n, d_n, count);
  put(s->d_h + j, d_r, count);
  put(s->d_h + at_z, d_z, count);
  put(s->d_h + at_n, d_n * r, count);
  put(s->dh_in + j, d * z, count);
}

static void row_backward(size_t units, const row *s) {
  size_t j = 0;
  for (; units - j >= LANES; j += LANES)
    units_backward(j, LANES, units, s);
  if (j < units)
    units_backward(j, units - j, units, s);
}

void FR__KERN_NAME(gru_backward)(const fr__gru_back *s) {
  for (size_t b = 0; b < s->batch; b++) {
    const row at = {.gates = s->gates + b * s->ld_gates,
                    .h = s->h_gates + b * s->ld_h_gates,
                    .h_in = s->h_in != NULL ? s->h_in + b * s->ld_h_in : NULL,
                    .dh = s->dh + b * s->ld_dh,
                    .dh_in = s->dh_in + b * s->ld_dh_in,
                    .d_x = s->d_x_gates + b * s->ld_d_x_gates,
                    .d_h = s->d_h_gates + b * s->ld_d_h_gates};
    row_backward(s->units, &at);
  }
}
