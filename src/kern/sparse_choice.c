/* SPDX-License-Identifier: Apache-2.0 */
/* Which right-hand sides are met as what is left of them, and their arrays. */
#include "kern/ops.h"
#include "kern/sparse.h"

size_t fr__gemm_sparse_numbers(const fr__gemm *g) {
  size_t numbers = 0;
  for (size_t p = 0; p < g->k; p++)
    for (size_t n = 0; n < g->n; n++)
      numbers += g->b[p * g->ldb + n] != 0.0f;
  return numbers;
}

static size_t period_of(const fr__gemm *g) { return g->lda < g->k ? g->lda : g->k; }

static size_t reach_of(const fr__gemm *g) { return (g->k - 1) / period_of(g); }

/* Turned A, a strip of sums, and the same turned back. */
static bool fits(const fr__gemm *g) {
  const size_t width = FR__SPARSE_ROWS + reach_of(g);
  return period_of(g) <= FR__KERN_SCRATCH / width &&
         (period_of(g) + 1) * width + 2 * FR__SPARSE_ROWS * FR__SPARSE_ROWS <=
             FR__KERN_SCRATCH;
}

/*
 * What elements of work take, by that of a vector which the product that skips nothing
 * multiplies and adds (bench_sparse, docs/kern.md; avx512 and avx2 agree): a number meets
 * a vector of rows, an element of A or C is turned round. A is turned in whole blocks.
 */
#define NUMBER 2.6
#define TURNED 1.5

static double sparse_cost(const fr__gemm *g, size_t lanes, size_t rows, size_t numbers) {
  const size_t blocks = (rows + FR__SPARSE_ROWS - 1) / FR__SPARSE_ROWS;
  const double vectors = (double)((rows + lanes - 1) / lanes);
  const double turned =
      (double)(blocks * (FR__SPARSE_ROWS + reach_of(g))) * (double)period_of(g);
  return NUMBER * vectors * (double)numbers +
         TURNED * (turned + (double)rows * (double)g->n);
}

static double dense_cost(const fr__gemm *g, size_t lanes, size_t rows) {
  const size_t vectors = (g->n + lanes - 1) / lanes;
  return (double)rows * (double)vectors * (double)g->k;
}

bool fr__gemm_sparse_pays(const fr__kern *kern, const fr__gemm *g, size_t rows,
                          size_t numbers) {
  const size_t lanes = kern->ops->lanes;
  if (kern->products != &kern->ops->f32 || g->k == 0 || g->n == 0 ||
      numbers > UINT32_MAX / 2 || !fits(g))
    return false;
  if (g->lda < g->k && g->k % g->lda != 0) /* a row would end amid what is turned */
    return false;
  return sparse_cost(g, lanes, rows, numbers) < dense_cost(g, lanes, rows);
}

size_t fr__gemm_sparse_floats(size_t n, size_t numbers) { return n + 1 + 2 * numbers; }

void fr__gemm_sparse_fill(const fr__gemm *g, size_t numbers, void *to,
                          fr__sparse *sparse) {
  const size_t period = period_of(g), width = FR__SPARSE_ROWS + reach_of(g);
  float *value = to;
  uint32_t *place = (uint32_t *)(void *)(value + numbers), *begin = place + numbers;
  size_t at = 0;
  for (size_t n = 0; n < g->n; n++) {
    begin[n] = (uint32_t)at;
    for (size_t p = 0; p < g->k; p++) {
      const float w = g->b[p * g->ldb + n];
      if (w == 0.0f)
        continue;
      value[at] = w;
      place[at++] = (uint32_t)(p % period * width + p / period);
    }
  }
  begin[g->n] = (uint32_t)at;
  *sparse = (fr__sparse){.period = period,
                         .reach = reach_of(g),
                         .numbers = numbers,
                         .begin = begin,
                         .place = place,
                         .value = value};
}
