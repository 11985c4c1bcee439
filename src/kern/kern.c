/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the kernels for this CPU; product.c and ranges.c call them. */
#include "kern/kern.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "kern/ops.h"

typedef struct isa {
  const char *name;
  const fr__kern_ops *ops; /* NULL: not built for this architecture */
  bool (*works)(void);
  const fr__products *bf16; /* NULL: no instruction for it */
} isa;

static bool always(void) { return true; }

#ifdef FR__KERN_HAVE_X86
static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512bf16(void) {
  return has_avx512() && __builtin_cpu_supports("avx512bf16");
}

#define X86(ops, works) &ops, works
#define X86_PAIRS(products) &products
#else
#define X86(ops, works) NULL, always
#define X86_PAIRS(products) NULL
#define has_avx512bf16 always
#endif

/* The best first. */
static const isa isas[] = {
    {"avx512bf16", X86(fr__kern_ops_avx512, has_avx512bf16),
     X86_PAIRS(fr__kern_products_avx512bf16)},
    {"avx512", X86(fr__kern_ops_avx512, has_avx512), NULL},
    {"avx2", X86(fr__kern_ops_avx2, has_avx2), NULL},
    {"baseline", &fr__kern_ops_baseline, always, NULL},
};
#define ISAS (sizeof isas / sizeof *isas)

/* Index of the best set that may be used; ISAS where `name` is not known. */
static size_t first_allowed(const char *name) {
  size_t i = 0;
  if (name == NULL || *name == '\0')
    return 0;
  while (i < ISAS && strcmp(isas[i].name, name) != 0)
    i++;
  return i;
}

static float *new_scratch(size_t threads, fr_error *err) {
  const size_t size = threads * FR__KERN_SCRATCH * sizeof(float);
  float *scratch = aligned_alloc(FR__ALIGN, size);
  if (scratch == NULL)
    fr__fail_memory(err, "the scratch of the kernels");
  return scratch;
}

enum fr_status fr__kern_init(fr__kern *kern, fr_error *err) {
  const char *name = getenv("FRUGAL_CPU");
  size_t i = first_allowed(name);
  if (i == ISAS)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "FRUGAL_CPU is '%s', which is not one of avx512bf16, avx512, avx2, "
                    "baseline",
                    name);
  while (isas[i].ops == NULL || !isas[i].works())
    i++;
  float *scratch = new_scratch(1, err);
  if (scratch == NULL)
    return FR_ERR_MEMORY;
  *kern = (fr__kern){.ops = isas[i].ops,
                     .products = &isas[i].ops->f32,
                     .bf16 = isas[i].bf16,
                     .scratch = scratch};
  return FR_OK;
}

void fr__kern_set_format(fr__kern *kern, enum fr__format format) {
  if (format == FR__FORMAT_F32)
    kern->products = &kern->ops->f32;
  else
    kern->products = kern->bf16 != NULL ? kern->bf16 : &kern->ops->bf16;
}

const char *fr__kern_fast(const fr__kern *kern, enum fr__format format) {
  return format == FR__FORMAT_BF16 && kern->bf16 != NULL ? kern->bf16->name : NULL;
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

const char *fr__kern_name(const fr__kern *kern) {
  return kern->bf16 != NULL ? kern->bf16->name : kern->ops->name;
}
