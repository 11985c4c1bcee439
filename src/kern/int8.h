/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of bytes and what integer inference does with them. All arithmetic is exact,
 * so that every instruction set gives the same bits, and the same as plain loops do
 * (nn/int8_kernels.c).
 */
#ifndef FR_KERN_INT8_H
#define FR_KERN_INT8_H

#include "frugal/base.h"

typedef struct fr__int8_ops fr__int8_ops;

typedef struct fr__int8_kern {
  const fr__int8_ops *ops;
  const char *name;
  void *scratch; /* owned */
} fr__int8_kern;

/* Chooses by what this CPU has; FRUGAL_CPU holds it down as it does fr__kern_init. */
enum fr_status fr__int8_kern_init(fr__int8_kern *kern, fr_error *err);
void fr__int8_kern_release(fr__int8_kern *kern);
const char *fr__int8_kern_name(const fr__int8_kern *kern); /* "avx512vnni" */
/* Multiply-adds of an instruction. */
size_t fr__int8_at_once(const fr__int8_kern *kern);

/*
 * sum[i, j] = Σ_k (x[i, k] - zero) w[j, k], i < m, j < n. Rows of x begin ld_x bytes
 * apart and may overlap (ld_x < k: a convolution); k is at most 65,536, so that a sum
 * fits. ld_sum is at least n rounded up to whole panels (fr__int8_columns); what lies
 * beyond n is written, too, and means nothing.
 */
typedef struct fr__int8_product {
  size_t m, n, k;
  const int8_t *x;
  size_t ld_x;
  int32_t zero;
  const void *packed; /* w, by fr__int8_pack with the same n, k and zero */
  int32_t *sum;       /* (m, ld_sum) */
  size_t ld_sum;
} fr__int8_product;

size_t fr__int8_columns(size_t n); /* n in whole panels of the widest set */
/* Bytes that w (n, k) takes packed, and packing it to `to`, aligned to FR__ALIGN. */
size_t fr__int8_packed_bytes(const fr__int8_kern *kern, size_t n, size_t k);
void fr__int8_pack(const fr__int8_kern *kern, const int8_t *w, size_t n, size_t k,
                   int32_t zero, void *to);
void fr__int8_multiply(const fr__int8_kern *kern, const fr__int8_product *product);

/* From sums to bytes: floor((mul[j] sum + add[j]) / 2^shift), clamped to int8. |mul| is
 * below 2^31 and nothing leaves 64 bits. y (rows, columns), rows ld_y bytes apart. */
typedef struct fr__int8_requantizing {
  size_t rows, columns;
  const int32_t *mul; /* (columns) */
  const int64_t *add; /* (columns) */
  int32_t shift;      /* 0 to 62 */
  int8_t *y;
  size_t ld_y;
} fr__int8_requantizing;

void fr__int8_requantize(const fr__int8_kern *kern, const fr__int8_requantizing *scaling,
                         const int32_t *sum, size_t ld_sum);
/* The same of bytes x (rows, columns), dense rows; y may be x. */
void fr__int8_requantize_bytes(const fr__int8_kern *kern,
                               const fr__int8_requantizing *scaling, const int8_t *x);

/* sum[c] = Σ_r x[r, c] of bytes (rows, columns). */
void fr__int8_column_sum(const fr__int8_kern *kern, const int8_t *x, size_t rows,
                         size_t columns, int32_t *sum);
/* greatest[c] = max over r of x[r, c]; rows is at least 1. */
void fr__int8_column_max(const fr__int8_kern *kern, const int8_t *x, size_t rows,
                         size_t columns, int8_t *greatest);
/* The nearest byte to x factor / 2 + zero, halves away from zero, before the zero is
 * added; what is not a number counts as 0. */
void fr__int8_quantize(const fr__int8_kern *kern, const float *x, size_t n, float factor,
                       int32_t zero, int8_t *y);

/*
 * One step of an LSTM over a batch, of docs/int8.md: gates from the sums over x and h,
 * state and h in place. False where the set has no vectors for it, and nothing was done.
 */
typedef struct fr__int8_lstm_step {
  size_t batch, units;
  const int32_t *over_x, *over_h; /* (B, 4H), rows ld_sum_x and ld_sum_h apart */
  size_t ld_sum_x, ld_sum_h;
  const int32_t *mul, *mul_h; /* (4H) */
  const int64_t *add;         /* (4H) */
  const int64_t *add_h;       /* (H) of a GRU: of n's sum over h; else NULL */
  int32_t shift;
  const int16_t *sigmoid, *tanh; /* (257) */
  int32_t cell;                  /* binary places before the point of the state, from 3 */
  int32_t mul_y, shift_y;
  int64_t add_y;
  int16_t *state; /* (B, H) */
  int8_t *h;      /* (B, H) */
} fr__int8_lstm_step;

bool fr__int8_lstm(const fr__int8_kern *kern, const fr__int8_lstm_step *step);
/* The same of a GRU: three gates in the place of four, and no cell. */
bool fr__int8_gru(const fr__int8_kern *kern, const fr__int8_lstm_step *step);

#endif
