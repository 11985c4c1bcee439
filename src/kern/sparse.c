/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C = A B where most of B is zeros. Rows of A become lanes: a block of them is turned
 * round once, and each number of B that is left then meets whole vectors of one column
 * of A. Where rows of A overlap, as those of a convolution do, only what is behind them
 * is turned, and a number's vector begins so many rows later.
 *
 * An element of C is the sum over even numbers of its column plus that over odd ones,
 * whatever stands beside it.
 */
#include "kern/isa.h"
#include "kern/sparse.h"

#define STRIP_VECTORS ((size_t)4)
#define COLUMNS_AT_ONCE ((size_t)16)

/* One column of C over `vectors` vectors of rows from `a` on. */
INLINE void column(const fr__sparse *b, size_t n, const float *a, size_t vectors,
                   float *to) {
  vec sum[2][STRIP_VECTORS] = {0};
  const uint32_t end = b->begin[n + 1];
  uint32_t i = b->begin[n];
  for (; i + 2 <= end; i += 2)
    EACH(h, 2) {
      const float *from = a + b->place[i + h];
      const float w = b->value[i + h];
      EACH(v, vectors)
      sum[h][v] += w * load(from + v * LANES);
    }
  for (; i < end; i++) {
    const float *from = a + b->place[i];
    EACH(v, vectors)
    sum[0][v] += b->value[i] * load(from + v * LANES);
  }
  EACH(v, vectors)
  store(to + v * LANES, sum[0][v] + sum[1][v]);
}

/* `columns` of C from `first` on, turned round: rows of FR__SPARSE_ROWS floats. */
INLINE void strip(const fr__sparse *b, size_t first, size_t columns, const float *a,
                  size_t vectors, float *to) {
  for (size_t n = 0; n < columns; n++)
    column(b, first + n, a, vectors, to + n * FR__SPARSE_ROWS);
}

static void strips(const fr__sparse *b, size_t first, size_t columns, const float *a,
                   size_t rows, float *to) {
  for (size_t row = 0; row < rows; row += STRIP_VECTORS * LANES) {
    const size_t left = rows - row;
    if (left > 3 * LANES)
      strip(b, first, columns, a + row, 4, to + row);
    else if (left > 2 * LANES)
      strip(b, first, columns, a + row, 3, to + row);
    else if (left > LANES)
      strip(b, first, columns, a + row, 2, to + row);
    else
      strip(b, first, columns, a + row, 1, to + row);
  }
}

/* (count, depth), rows ld apart, to (depth, width), zeros behind `count`. */
static void turn(const float *from, size_t ld, size_t depth, size_t count, size_t width,
                 float *to) {
  const fr__gemm turned = {.ldb = ld, .trans_b = true};
  fr__kern_pack(&turned, from, 0, depth, 0, count, width, to);
}

/* Turned columns into rows of C, with what else an element gets. */
static void take_over(const fr__gemm *g, const float *from, size_t row, size_t rows,
                      size_t column, size_t columns) {
  const float *bias = g->bias;
  for (size_t r = 0; r < rows; r++) {
    float *to = g->c + (row + r) * g->ldc + column;
    for (size_t c = 0; c < columns; c++) {
      float sum = from[r * COLUMNS_AT_ONCE + c];
      if (g->accumulate)
        sum += to[c];
      if (bias != NULL)
        sum += bias[column + c];
      to[c] = g->rectify && sum < 0.0f ? 0.0f : sum;
    }
  }
}

static void block(const fr__gemm *g, float *scratch, size_t row, size_t rows) {
  const fr__sparse *b = g->sparse;
  const size_t width = FR__SPARSE_ROWS + b->reach;
  float *a = scratch, *sums = a + b->period * width + FR__SPARSE_ROWS;
  float *turned = sums + COLUMNS_AT_ONCE * FR__SPARSE_ROWS;
  turn(g->a + row * g->lda, g->lda, b->period, rows + b->reach, width, a);
  for (size_t n = 0; n < g->n; n += COLUMNS_AT_ONCE) {
    const size_t columns = g->n - n < COLUMNS_AT_ONCE ? g->n - n : COLUMNS_AT_ONCE;
    strips(b, g->packed_at + n, columns, a, rows, sums);
    turn(sums, FR__SPARSE_ROWS, rows, columns, COLUMNS_AT_ONCE, turned);
    take_over(g, turned, row, rows, n, columns);
  }
}

void FR__KERN_NAME(sparse)(float *scratch, const fr__gemm *gemm) {
  const size_t batch = gemm->batch != 0 ? gemm->batch : 1;
  fr__gemm g = *gemm;
  for (size_t i = 0; i < batch; i++) {
    for (size_t row = 0; row < g.m; row += FR__SPARSE_ROWS) {
      const size_t left = g.m - row;
      block(&g, scratch, row, left < FR__SPARSE_ROWS ? left : FR__SPARSE_ROWS);
    }
    g.a += g.stride_a;
    g.c += g.stride_c;
  }
}
