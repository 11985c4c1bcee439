/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the kernels of integer inference for this CPU. */
#include "kern/int8.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "kern/choice.h"
#include "kern/int8_ops.h"

typedef struct set {
  enum fr__isa isa;
  const fr__int8_ops *ops;
} set;

/* The best first. */
static const set sets[] = {
#ifdef FR__KERN_HAVE_X86
    {FR__ISA_AMX, &fr__kern_int8_amx},
    {FR__ISA_AVX512VNNI, &fr__kern_int8_avx512vnni},
    {FR__ISA_AVX512, &fr__kern_int8_avx512},
    {FR__ISA_AVXVNNI, &fr__kern_int8_avxvnni},
    {FR__ISA_AVX2, &fr__kern_int8_avx2},
#endif
    {FR__ISA_BASELINE, &fr__kern_int8_baseline},
    {FR__ISA_SCALAR, &fr__kern_int8_scalar},
};

const fr__int8_ops *fr__int8_best(enum fr__isa ceiling, enum fr__isa *isa) {
  size_t i = 0;
  while (sets[i].isa > ceiling || !fr__isa_works(sets[i].isa))
    i++;
  *isa = sets[i].isa;
  return sets[i].ops;
}

enum fr_status fr__int8_kern_init(fr__int8_kern *kern, fr_error *err) {
  enum fr__isa ceiling, isa;
  const enum fr_status status = fr__isa_ceiling(&ceiling, err);
  if (status != FR_OK)
    return status;
  const fr__int8_ops *ops = fr__int8_best(ceiling, &isa);
  void *scratch = aligned_alloc(FR__ALIGN, FR__INT8_SCRATCH);
  if (scratch == NULL)
    return fr__fail_memory(err, "the scratch of the kernels");
  *kern = (fr__int8_kern){ops, fr__isa_name(isa), scratch};
  return FR_OK;
}

void fr__int8_kern_release(fr__int8_kern *kern) {
  free(kern->scratch);
  *kern = (fr__int8_kern){0};
}

const char *fr__int8_kern_name(const fr__int8_kern *kern) { return kern->name; }

size_t fr__int8_at_once(const fr__int8_kern *kern) { return kern->ops->at_once; }

size_t fr__int8_columns(size_t n) { return (n + 31) / 32 * 32; }

size_t fr__int8_packed_bytes(const fr__int8_kern *kern, size_t n, size_t k) {
  return kern->ops->packed_bytes(n, k);
}

void fr__int8_pack(const fr__int8_kern *kern, const int8_t *w, size_t n, size_t k,
                   int32_t zero, void *to) {
  kern->ops->pack(w, n, k, zero, to);
}

void fr__int8_multiply(const fr__int8_kern *kern, const fr__int8_product *product) {
  kern->ops->multiply(kern->scratch, product);
}

void fr__int8_requantize(const fr__int8_kern *kern, const fr__int8_requantizing *scaling,
                         const int32_t *sum, size_t ld_sum) {
  kern->ops->scale(scaling, sum, ld_sum);
}

void fr__int8_requantize_bytes(const fr__int8_kern *kern,
                               const fr__int8_requantizing *scaling, const int8_t *x) {
  kern->ops->scale_bytes(scaling, x);
}

void fr__int8_column_sum(const fr__int8_kern *kern, const int8_t *x, size_t rows,
                         size_t columns, int32_t *sum) {
  kern->ops->column_sum(x, rows, columns, sum);
}

void fr__int8_column_max(const fr__int8_kern *kern, const int8_t *x, size_t rows,
                         size_t columns, int8_t *greatest) {
  kern->ops->column_max(x, rows, columns, greatest);
}

void fr__int8_quantize(const fr__int8_kern *kern, const float *x, size_t n, float factor,
                       int32_t zero, int8_t *y) {
  kern->ops->quantize(x, n, factor, zero, y);
}

bool fr__int8_lstm(const fr__int8_kern *kern, const fr__int8_lstm_step *step) {
  if (kern->ops->lstm == NULL)
    return false;
  kern->ops->lstm(step);
  return true;
}

bool fr__int8_gru(const fr__int8_kern *kern, const fr__int8_lstm_step *step) {
  if (kern->ops->gru == NULL)
    return false;
  kern->ops->gru(step);
  return true;
}
