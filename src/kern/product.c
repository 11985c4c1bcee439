/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A product of matrices over the pool: the batch is cut first, then rows and columns of
 * C, never k and never a sum over the batch. Each piece is a product of its own, with the
 * scratch of its thread; gemm.c sees to it that an element does not depend on its piece.
 */
#include "kern/ops.h"
#include "kern/split.h"

/* Multiply-adds of a piece that is worth a thread which watches for work (base/pool.c):
 * from 2 us, pairs of bf16, to 20 us, baseline; handing it over takes up to 1. */
#define LEAST_WORK 5e5
/* Pieces are no lower than the largest tile, and cut between whole panels of B. */
#define LEAST_ROWS ((size_t)14)
#define COLUMN_GRAIN ((size_t)32)

/* Bytes are for weights that were packed, and not for sums that they might leave. */
static bool is_bytes(const fr__kern *kern, size_t k) {
  return kern->products == kern->int8 && k <= FR__INT8_DEPTH;
}

static const fr__products *packed_products(const fr__kern *kern, size_t k) {
  const bool wide = kern->products == kern->int8 && k > FR__INT8_DEPTH;
  return wide ? &kern->ops->f32 : kern->products;
}

static const fr__products *products_of(const fr__kern *kern, const fr__gemm *g) {
  if (g->packed == NULL && kern->products == kern->int8)
    return &kern->ops->f32;
  return packed_products(kern, g->k);
}

typedef struct product {
  const fr__kern *kern;
  const fr__gemm *g;
  bool reduced;                /* every item of the batch is added into one C */
  size_t items, rows, columns; /* pieces of each */
} product;

static size_t smaller(size_t x, size_t y) { return x < y ? x : y; }

static size_t at_least_one(size_t x) { return x != 0 ? x : 1; }

static fr__gemm piece_of(const product *p, fr__range items, fr__range rows,
                         fr__range columns) {
  fr__gemm g = *p->g;
  if (!p->reduced) {
    g.a += items.first * g.stride_a;
    g.b += items.first * g.stride_b;
    g.c += items.first * g.stride_c;
    g.batch = items.count;
  }
  g.m = rows.count;
  g.n = columns.count;
  g.a += g.trans_a ? rows.first : rows.first * g.lda;
  if (g.packed == NULL)
    g.b += g.trans_b ? columns.first * g.ldb : columns.first;
  g.c += rows.first * g.ldc + columns.first;
  g.packed_at += columns.first;
  if (g.bias != NULL)
    g.bias += columns.first;
  return g;
}

static void run_alone(const fr__kern *kern, float *scratch, const fr__gemm *g) {
  if (g->sparse != NULL)
    kern->ops->sparse(scratch, g);
  else
    products_of(kern, g)->gemm(scratch, g);
}

static void run_piece(void *self, size_t index, size_t worker) {
  const product *p = self;
  const size_t batch = p->reduced ? 1 : at_least_one(p->g->batch);
  const size_t in_item = p->rows * p->columns;
  const fr__gemm g =
      piece_of(p, fr__split_range(batch, 1, p->items, index / in_item),
               fr__split_range(p->g->m, 1, p->rows, index % in_item / p->columns),
               fr__split_range(p->g->n, COLUMN_GRAIN, p->columns, index % p->columns));
  run_alone(p->kern, fr__split_scratch(p->kern, worker), &g);
}

/* Cuts C of one item: as many pieces as can be had, of the shape that reads least of A
 * (once for each piece of columns) and B (for each piece of rows, and it may be packed).
 */
static void cut_item(product *p, size_t pieces) {
  const size_t m = p->g->m, n = p->g->n;
  const size_t most_rows = at_least_one(m / LEAST_ROWS);
  const size_t most_columns = at_least_one(n / COLUMN_GRAIN);
  double least = 0.0;
  p->rows = p->columns = 1;
  for (size_t rows = 1; rows <= smaller(pieces, most_rows); rows++) {
    const size_t columns = smaller(pieces / rows, most_columns);
    const double cost = (double)columns * (double)m + 2.0 * (double)rows * (double)n;
    const size_t had = p->rows * p->columns;
    if (rows * columns < had || (rows * columns == had && rows > 1 && cost >= least))
      continue;
    least = cost;
    p->rows = rows;
    p->columns = columns;
  }
}

/* A batch whose rows are as far apart as the rows inside it is one product. */
static fr__gemm flattened(const fr__gemm *g) {
  fr__gemm f = *g;
  if (g->batch < 2 || g->trans_a || g->stride_b != 0 || g->stride_c == 0)
    return f;
  if (g->m == 1) {
    f.lda = g->stride_a;
    f.ldc = g->stride_c;
  } else if (g->stride_a != g->m * g->lda || g->stride_c != g->m * g->ldc) {
    return f;
  }
  f.m = g->m * g->batch;
  f.batch = 1;
  return f;
}

void fr__gemm_pieces(const fr__kern *kern, const fr__gemm *gemm, size_t pieces) {
  const size_t batch = at_least_one(gemm->batch);
  product p = {.kern = kern, .g = gemm, .items = 1, .rows = 1, .columns = 1};
  p.reduced = batch > 1 && gemm->stride_c == 0;
  if (p.reduced) /* every piece packs its operands anew, of the whole batch */
    pieces = smaller(pieces, fr__pool_threads(kern->pool));
  else
    p.items = smaller(batch, pieces);
  /* Rows of bytes that overlap share their range, and columns one place in what is
   * packed.
   */
  if (gemm->packed == NULL || !is_bytes(kern, gemm->k))
    cut_item(&p, pieces / p.items);
  else
    p.rows = p.columns = 1;
  fr__pool_run(kern->pool, run_piece, &p, p.items * p.rows * p.columns);
}

void fr__gemm_run(const fr__kern *kern, const fr__gemm *gemm) {
  const fr__gemm g = flattened(gemm);
  const double work =
      (double)g.m * (double)g.n * (double)g.k * (double)at_least_one(g.batch);
  if (kern->pool == NULL)
    run_alone(kern, kern->scratch, &g);
  else
    fr__gemm_pieces(kern, &g, fr__split_pieces(kern, work, LEAST_WORK));
}

size_t fr__kern_shares(const fr__kern *kern, double multiply_adds) {
  const size_t pieces = fr__split_pieces(kern, multiply_adds, LEAST_WORK);
  return smaller(pieces, fr__pool_threads(kern->pool));
}

size_t fr__gemm_packed_floats(const fr__kern *kern, size_t n, size_t k) {
  return packed_products(kern, k)->packed_floats(n, k);
}

/* Whole panels of the widest set, the pairs of a whole tile; of bytes a tile of four in
 * a cell, and three numbers for each column. */
size_t fr__gemm_packed_ceiling(size_t n, size_t k) {
  return (n + 31) / 32 * 32 * (k < 19 ? 19 : k);
}

void fr__gemm_pack(const fr__kern *kern, const fr__gemm *gemm, float *to) {
  packed_products(kern, gemm->k)->pack(gemm, to);
}
