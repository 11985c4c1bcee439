/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of integer inference that each instruction set fills in. */
#ifndef FR_KERN_INT8_OPS_H
#define FR_KERN_INT8_OPS_H

#include "kern/choice.h"
#include "kern/int8.h"
#include "kern/ops.h"

#define FR__INT8_SCRATCH ((size_t)1 << 20) /* bytes */

struct fr__int8_ops {
  size_t at_once;               /* multiply-adds of an instruction */
  const fr__products *products; /* of floats by way of bytes (int8_gemm.c) */
  size_t (*packed_bytes)(size_t n, size_t k);
  void (*pack)(const int8_t *w, size_t n, size_t k, int32_t zero, void *to);
  void (*multiply)(void *scratch, const fr__int8_product *product);
  void (*scale)(const fr__int8_requantizing *scaling, const int32_t *sum, size_t ld_sum);
  void (*scale_bytes)(const fr__int8_requantizing *scaling, const int8_t *x);
  void (*column_sum)(const int8_t *x, size_t rows, size_t columns, int32_t *sum);
  void (*column_max)(const int8_t *x, size_t rows, size_t columns, int8_t *greatest);
  void (*lstm)(const fr__int8_lstm_step *step); /* NULL: no vectors for it */
  void (*gru)(const fr__int8_lstm_step *step);  /* likewise */
  void (*quantize)(const float *x, size_t n, float factor, int32_t zero, int8_t *y);
};

/* The best of this CPU up to a ceiling, and which it is. */
const fr__int8_ops *fr__int8_best(enum fr__isa ceiling, enum fr__isa *isa);

extern const fr__int8_ops fr__kern_int8_amx;
extern const fr__int8_ops fr__kern_int8_avx512vnni;
extern const fr__int8_ops fr__kern_int8_avx512;
extern const fr__int8_ops fr__kern_int8_avxvnni;
extern const fr__int8_ops fr__kern_int8_avx2;
extern const fr__int8_ops fr__kern_int8_baseline;
extern const fr__int8_ops fr__kern_int8_scalar;

#endif
