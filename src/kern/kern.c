/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the kernels for this CPU and hands every call to them. */
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

#define X86(ops, works) &ops, works
#else
#define X86(ops, works) NULL, always
#endif

/* The best first. */
static const isa isas[] = {
    {"avx512", X86(fr__kern_ops_avx512, has_avx512)},
    {"avx2", X86(fr__kern_ops_avx2, has_avx2)},
    {"baseline", &fr__kern_ops_baseline, always},
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

enum fr_status fr__kern_init(fr__kern *kern, fr_error *err) {
  const char *name = getenv("FRUGAL_CPU");
  size_t i = first_allowed(name);
  if (i == ISAS)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "FRUGAL_CPU is '%s', which is not one of avx512, avx2, baseline",
                    name);
  while (isas[i].ops == NULL || !isas[i].works())
    i++;
  float *scratch = aligned_alloc(FR__ALIGN, FR__KERN_SCRATCH * sizeof *scratch);
  if (scratch == NULL)
    return fr__fail_memory(err, "the scratch of the kernels");
  *kern = (fr__kern){.ops = isas[i].ops, .scratch = scratch};
  return FR_OK;
}

void fr__kern_release(fr__kern *kern) {
  free(kern->scratch);
  *kern = (fr__kern){0};
}

const char *fr__kern_name(const fr__kern *kern) { return kern->ops->name; }

void fr__gemm_run(const fr__kern *kern, const fr__gemm *gemm) {
  kern->ops->gemm(kern->scratch, gemm);
}

void fr__exp(const fr__kern *kern, const float *x, float *y, size_t n) {
  kern->ops->exp(x, y, n);
}

void fr__sigmoid(const fr__kern *kern, const float *x, float *y, size_t n) {
  kern->ops->sigmoid(x, y, n);
}

void fr__tanh(const fr__kern *kern, const float *x, float *y, size_t n) {
  kern->ops->tanh(x, y, n);
}

void fr__relu(const fr__kern *kern, const float *x, float *y, size_t n) {
  kern->ops->relu(x, y, n);
}

void fr__relu_backward(const fr__kern *kern, const float *y, const float *dy, float *dx,
                       size_t n) {
  kern->ops->relu_backward(y, dy, dx, n);
}

void fr__column_sum(const fr__kern *kern, const float *x, size_t rows, size_t columns,
                    float *sum) {
  kern->ops->column_sum(x, rows, columns, sum);
}

void fr__axpy(const fr__kern *kern, float a, const float *x, float *y, size_t n) {
  kern->ops->axpy(a, x, y, n);
}

void fr__lstm_forward(const fr__kern *kern, const fr__lstm_step *step) {
  kern->ops->lstm_forward(step);
}

void fr__lstm_backward(const fr__kern *kern, const fr__lstm_back *back) {
  kern->ops->lstm_backward(back);
}

void fr__gru_forward(const fr__kern *kern, const fr__gru_step *step) {
  kern->ops->gru_forward(step);
}

void fr__gru_backward(const fr__kern *kern, const fr__gru_back *back) {
  kern->ops->gru_backward(back);
}

void fr__adam(const fr__kern *kern, const fr__adam_step *step, const float *gradient,
              float *value, float *m, float *v, size_t n) {
  kern->ops->adam(step, gradient, value, m, v, n);
}

void fr__sgd(const fr__kern *kern, const fr__sgd_step *step, const float *gradient,
             float *value, float *velocity, size_t n) {
  kern->ops->sgd(step, gradient, value, velocity, n);
}

void fr__rmsprop(const fr__kern *kern, const fr__rmsprop_step *step,
                 const float *gradient, float *value, float *v, float *velocity,
                 size_t n) {
  kern->ops->rmsprop(step, gradient, value, v, velocity, n);
}
