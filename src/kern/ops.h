/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions that each instruction set fills; kern.c chooses one. */
#ifndef FR_KERN_OPS_H
#define FR_KERN_OPS_H

#include "kern/kern.h"

/* Floats of scratch for each thread of an fr__kern: room for the packed B of one block (1
 * MiB, about a core's second-level cache; a larger B is worked on in blocks). */
#define FR__KERN_SCRATCH ((size_t)1 << 18)

/* And for products by way of bytes: behind it, bytes of A and sums. */
#define FR__KERN_SCRATCH_INT8 ((size_t)1 << 18)
#define FR__KERN_ROOM (FR__KERN_SCRATCH + FR__KERN_SCRATCH_INT8)
/* Numbers in one of their sums, at most: a wider product is float32's. */
#define FR__INT8_DEPTH ((size_t)1 << 16)

/* The products of one number format. */
struct fr__products {
  void (*gemm)(float *scratch, const fr__gemm *gemm);
  size_t (*packed_floats)(size_t n, size_t k);
  void (*pack)(const fr__gemm *gemm, float *to);
};

struct fr__kern_ops {
  fr__products f32;
  fr__products bf16; /* rounded to it, as the set has no instruction for it */
  void (*sparse)(float *scratch, const fr__gemm *gemm); /* of a B that has `sparse` */
  size_t lanes; /* floats of a vector */
  void (*exp)(const float *x, float *y, size_t n);
  void (*sigmoid)(const float *x, float *y, size_t n);
  void (*tanh)(const float *x, float *y, size_t n);
  void (*relu)(const float *x, float *y, size_t n);
  void (*relu_backward)(const float *y, const float *dy, float *dx, size_t n);
  bool (*all_finite)(const float *x, size_t n);
  void (*column_sum)(const float *x, size_t ld, size_t rows, size_t columns, float *sum);
  void (*column_moments)(const float *x, size_t ld, size_t rows, size_t columns, size_t n,
                         float *mean, float *squares);
  void (*column_products)(const float *x, const float *y, size_t ld, size_t rows,
                          size_t columns, const float *centre, float *sum,
                          float *product);
  void (*scale_shift)(const float *x, size_t rows, size_t columns, const float *scale,
                      const float *shift, float *y);
  void (*normalize_backward)(const fr__normalize_back *back);
  void (*axpy)(float a, const float *x, float *y, size_t n);
  void (*lstm_forward)(const fr__lstm_step *step);
  void (*lstm_backward)(const fr__lstm_back *back);
  void (*gru_forward)(const fr__gru_step *step);
  void (*gru_backward)(const fr__gru_back *back);
  void (*adam)(const fr__adam_step *step, const float *gradient, float *value, float *m,
               float *v, size_t n);
  void (*sgd)(const fr__sgd_step *step, const float *gradient, float *value,
              float *velocity, size_t n);
  void (*rmsprop)(const fr__rmsprop_step *step, const float *gradient, float *value,
                  float *v, float *velocity, size_t n);
};

/* Which of them exist is told by FR__KERN_HAVE_X86 and _NEONBF16, set by the build. */
extern const fr__kern_ops fr__kern_ops_avx512;
extern const fr__kern_ops fr__kern_ops_avx2;
extern const fr__kern_ops fr__kern_ops_baseline;
extern const fr__kern_ops fr__kern_ops_scalar;

/* Sets that multiply pairs of bf16, beside one of those above. */
extern const fr__products fr__kern_products_avx512bf16;
extern const fr__products fr__kern_products_amx;
extern const fr__products fr__kern_products_neonbf16;

#endif
