/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of floats by way of bytes: weights were brought to bytes when they were
 * packed, one scale for each column; A is, one scale and zero for each row, or for all
 * rows of an item where they overlap (a convolution's), as it comes.
 *
 *   C = scale[row] scale[column] (Σ q w - zero[row] Σ w) [+ C] [+ bias] [rectified]
 */
#include <float.h>
#include <math.h>

#include "kern/int8_ops.h"
#include "kern/isa.h"

enum {
  ROWS = 256,        /* of A at once, at most */
  X_BYTES = 1 << 18, /* of them */
  SUMS = 3 << 16     /* of C at once */
};
_Static_assert(X_BYTES / 4 + SUMS <= FR__KERN_SCRATCH_INT8, "what is behind the scratch");

static size_t smaller(size_t x, size_t y) { return x < y ? x : y; }

static size_t greater(size_t x, size_t y) { return x > y ? x : y; }

static size_t columns_of(size_t n) { return (n + 31) / 32 * 32; }

/* ---- packed: scales, sums of columns, bytes as int8_pack lays them out ---- */

typedef struct weights {
  const float *scale; /* (columns) */
  const int32_t *sum; /* (columns) */
  const int32_t *cells;
} weights;

static weights weights_of(const fr__gemm *g) {
  const size_t columns = columns_of(g->n);
  const int32_t *sum = (const int32_t *)(const void *)(g->packed + columns);
  return (weights){g->packed, sum, sum + columns};
}

size_t FR__KERN_NAME(int8_packed_floats)(size_t n, size_t k) {
  return 2 * columns_of(n) + FR__KERN_NAME(int8_packed_bytes)(n, k) / sizeof(float);
}

static float weight(const fr__gemm *g, size_t row, size_t column) {
  return g->trans_b ? g->b[column * g->ldb + row] : g->b[row * g->ldb + column];
}

/* The bytes of one column, its scale and its sum. */
static void pack_column(const fr__gemm *g, size_t column, int8_t *to, float *scale,
                        int32_t *sum) {
  float greatest = 0;
  for (size_t p = 0; p < g->k; p++)
    greatest = fmaxf(greatest, fabsf(weight(g, p, column)));
  *scale = greatest / 127;
  *sum = 0;
  const bool some = *scale >= FLT_MIN && *scale <= FLT_MAX;
  for (size_t p = 0; p < g->k; p++) {
    to[p] = some ? (int8_t)lrintf(weight(g, p, column) / *scale) : 0;
    *sum += to[p];
  }
}

void FR__KERN_NAME(int8_gemm_pack)(const fr__gemm *g, float *to) {
  const size_t columns = columns_of(g->n);
  int32_t *sum = (int32_t *)(void *)(to + columns), *cells = sum + columns;
  memset(to, 0, 2 * columns * sizeof *to);
  for (size_t j = 0; j < (g->n + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS; j++) {
    int8_t bytes[FR__INT8_DEPTH];
    if (j < g->n)
      pack_column(g, j, bytes, &to[j], &sum[j]);
    FR__KERN_NAME(int8_pack_column)(j < g->n ? bytes : NULL, j, g->n, g->k, 0, cells);
  }
}

/* ---- A in bytes ---- */

typedef struct row_scale {
  float scale;
  int32_t zero;
} row_scale;

/* What holds n numbers and 0. */
static row_scale scale_of(const float *x, size_t n) {
  vec low = {0}, high = {0};
  for (size_t i = 0; i < n; i += LANES) {
    const vec v = get(x + i, lanes_left(n, i));
    low = select_lanes(v < low, v, low);
    high = select_lanes(v > high, v, high);
  }
  float least = 0, greatest = 0;
  for (size_t lane = 0; lane < LANES; lane++) {
    least = low[lane] < least ? low[lane] : least;
    greatest = high[lane] > greatest ? high[lane] : greatest;
  }
  const float scale = (greatest - least) / 255;
  if (!(scale >= FLT_MIN) || !(scale <= FLT_MAX))
    return (row_scale){scale > 1 ? scale : 1, 0}; /* nothing, or infinite */
  return (row_scale){scale, (int32_t)lrintf(-128 - least / scale)};
}

static void quantize(const float *x, size_t n, row_scale s, int8_t *to) {
  FR__KERN_NAME(int8_quantize)(x, n, 2 / s.scale, s.zero, to);
}

/* ---- C from sums ---- */

static void finish_row(const fr__gemm *g, const weights *w, row_scale s, bool add,
                       const int32_t *sum, float *c) {
  const ivec zero = s.zero - (ivec){0};
  for (size_t j = 0; j < g->n; j += LANES) {
    const size_t count = lanes_left(g->n, j);
    ivec q, of_weights;
    memcpy(&q, sum + j, sizeof q);
    memcpy(&of_weights, w->sum + j, sizeof of_weights);
    vec y = __builtin_convertvector(q - zero * of_weights, vec) *
            (splat(s.scale) * load(w->scale + j));
    if (add)
      y += get(c + j, count);
    if (g->bias != NULL)
      y += get(g->bias + j, count);
    if (g->rectify)
      y = select_lanes(y > (vec){0}, y, (vec){0});
    put(c + j, y, count);
  }
}

/* ---- items ---- */

/* Rows of A that overlap are one run, with one range. */
static bool is_run(const fr__gemm *g) { return g->m > 1 && g->lda < g->k; }

static size_t run_length(const fr__gemm *g, size_t rows) {
  return (rows - 1) * g->lda + g->k;
}

static size_t rows_at_once(const fr__gemm *g) {
  const size_t apart = greater(is_run(g) ? g->lda : g->k, 1);
  const size_t of_x = (X_BYTES - smaller(g->k, X_BYTES)) / apart + 1;
  return greater(smaller(smaller(SUMS / columns_of(g->n), of_x), ROWS), 1);
}

/* `rows` rows of an item; `run`: what all of its rows share, where they are a run. */
static void some_rows(const fr__gemm *g, float *scratch, const float *a, size_t rows,
                      row_scale run, float *c, bool add) {
  const weights w = weights_of(g);
  int8_t *x = (int8_t *)(void *)(scratch + FR__KERN_SCRATCH);
  int32_t *sum = (int32_t *)(void *)(scratch + FR__KERN_SCRATCH + X_BYTES / 4);
  row_scale own[ROWS];
  if (is_run(g))
    quantize(a, run_length(g, rows), run, x);
  for (size_t i = 0; i < rows; i++) {
    own[i] = is_run(g) ? run : scale_of(a + i * g->lda, g->k);
    if (!is_run(g))
      quantize(a + i * g->lda, g->k, own[i], x + i * g->k);
  }
  const fr__int8_product product = {.m = rows,
                                    .n = g->n,
                                    .k = g->k,
                                    .x = x,
                                    .ld_x = is_run(g) ? g->lda : g->k,
                                    .packed = w.cells,
                                    .sum = sum,
                                    .ld_sum = columns_of(g->n)};
  FR__KERN_NAME(int8_multiply)(scratch, &product);
  for (size_t i = 0; i < rows; i++)
    finish_row(g, &w, own[i], add, sum + i * product.ld_sum, c + i * g->ldc);
}

static void item(const fr__gemm *g, float *scratch, const float *a, float *c, bool add) {
  const size_t most = rows_at_once(g);
  const row_scale run = is_run(g) ? scale_of(a, run_length(g, g->m)) : (row_scale){1, 0};
  for (size_t row = 0, rows; row < g->m; row += rows) {
    rows = smaller(g->m - row, most);
    some_rows(g, scratch, a + row * g->lda, rows, run, c + row * g->ldc, add);
  }
}

void FR__KERN_NAME(int8_gemm)(float *scratch, const fr__gemm *g) {
  const size_t batch = greater(g->batch, 1);
  for (size_t i = 0; i < batch; i++)
    item(g, scratch, g->a + i * g->stride_a, g->c + i * g->stride_c, g->accumulate);
}

const fr__products FR__KERN_NAME(int8_products) = {FR__KERN_NAME(int8_gemm),
                                                   FR__KERN_NAME(int8_packed_floats),
                                                   FR__KERN_NAME(int8_gemm_pack)};
