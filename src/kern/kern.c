/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the kernels for this CPU; product.c and ranges.c call them. */
#include "kern/kern.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "kern/choice.h"
#include "kern/int8_ops.h"
#include "kern/ops.h"

typedef struct set {
  enum fr__isa isa;
  const fr__kern_ops *ops;
} set;

/* The best first. */
static const set sets[] = {
#ifdef FR__KERN_HAVE_X86
    {FR__ISA_AVX512, &fr__kern_ops_avx512},
    {FR__ISA_AVX2, &fr__kern_ops_avx2},
#endif
    {FR__ISA_BASELINE, &fr__kern_ops_baseline},
    {FR__ISA_SCALAR, &fr__kern_ops_scalar},
};

typedef struct bf16_set {
  enum fr__isa isa;
  const fr__products *products;
} bf16_set;

/* Those with instructions for it, the best first; the last one stands for none. */
static const bf16_set bf16_sets[] = {
#ifdef FR__KERN_HAVE_X86
    {FR__ISA_AMX, &fr__kern_products_amx},
    {FR__ISA_AVX512BF16, &fr__kern_products_avx512bf16},
#endif
#ifdef FR__KERN_HAVE_NEONBF16
    {FR__ISA_NEONBF16, &fr__kern_products_neonbf16},
#endif
    {FR__ISA_SCALAR, NULL},
};

static float *new_scratch(size_t threads, fr_error *err) {
  const size_t size = threads * FR__KERN_ROOM * sizeof(float);
  float *scratch = aligned_alloc(FR__ALIGN, size);
  if (scratch == NULL)
    fr__fail_memory(err, "the scratch of the kernels");
  return scratch;
}

/* Four bytes of each lane at once; others take pairs of 16 bits. */
static bool multiplies_bytes(enum fr__isa isa) {
  return isa == FR__ISA_AMX || isa == FR__ISA_AVX512VNNI || isa == FR__ISA_AVXVNNI;
}

enum fr_status fr__kern_init(fr__kern *kern, fr_error *err) {
  enum fr__isa ceiling;
  size_t i = 0, j = 0;
  const enum fr_status status = fr__isa_ceiling(&ceiling, err);
  if (status != FR_OK)
    return status;
  while (sets[i].isa > ceiling || !fr__isa_works(sets[i].isa))
    i++;
  float *scratch = new_scratch(1, err);
  if (scratch == NULL)
    return FR_ERR_MEMORY;
  while (bf16_sets[j].isa > ceiling || !fr__isa_works(bf16_sets[j].isa))
    j++;
  const bool fast = bf16_sets[j].products != NULL;
  enum fr__isa bytes;
  const fr__products *int8 = fr__int8_best(ceiling, &bytes)->products;
  *kern = (fr__kern){.ops = sets[i].ops,
                     .products = &sets[i].ops->f32,
                     .bf16 = bf16_sets[j].products,
                     .int8 = int8,
                     .int8_name = multiplies_bytes(bytes) ? fr__isa_name(bytes) : NULL,
                     .name = fr__isa_name(fast ? bf16_sets[j].isa : sets[i].isa),
                     .scratch = scratch};
  return FR_OK;
}

void fr__kern_set_format(fr__kern *kern, enum fr__format format) {
  kern->products = &kern->ops->f32;
  if (format == FR__FORMAT_BF16)
    kern->products = kern->bf16 != NULL ? kern->bf16 : &kern->ops->bf16;
  else if (format == FR__FORMAT_INT8)
    kern->products = kern->int8;
}

const char *fr__kern_fast(const fr__kern *kern, enum fr__format format) {
  if (format == FR__FORMAT_INT8)
    return kern->int8_name;
  return format == FR__FORMAT_BF16 && kern->bf16 != NULL ? kern->name : NULL;
}

enum fr_status fr__kern_set_pool(fr__kern *kern, fr__pool *pool, fr_error *err) {
  const size_t threads = fr__pool_threads(pool);
  if (threads != fr__pool_threads(kern->pool)) {
    float *scratch = new_scratch(threads, err);
    if (scratch == NULL)
      return FR_ERR_MEMORY;
    free(kern->scratch);
    kern->scratch = scratch;
  }
  kern->pool = pool;
  return FR_OK;
}

void fr__kern_release(fr__kern *kern) {
  free(kern->scratch);
  *kern = (fr__kern){0};
}

const char *fr__kern_name(const fr__kern *kern) { return kern->name; }
