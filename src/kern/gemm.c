/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blocks around the inner kernel: columns in blocks whose packed B fits the scratch;
 * k in blocks of at most DEPTH, so that a panel of B (DEPTH x TILE_COLUMNS) stays in the
 * first-level cache; rows in blocks whose part of A stays in the second-level cache.
 *
 * Where k is cut depends on k alone: an element of C is the same sum in the same order
 * whatever stands beside it, whatever the batch, wherever the arrays lie.
 */
#include "kern/isa.h"

#define DEPTH ((size_t)256)
#define BLOCK_ROWS ((size_t)TILE_ROWS * (TILE_ROWS > 6 ? 8 : 16))
/* No more rows than these do not pay for packing a B that can be read where it lies; nor
 * does a B as small as IN_PLACE floats, which stays in the first-level cache as it is. */
#define PACK_ROWS BLOCK_ROWS
#define IN_PLACE ((size_t)8192)
/* Up to so many rows, A is read anew for each panel of B, and the one packed panel stays
 * in the first-level cache. */
#define PANEL_ROWS (4 * BLOCK_ROWS)

/* A block of the product: k in [row, row + depth), columns [column, column + columns). */
typedef struct block {
  const fr__gemm *g;
  size_t row, depth;
  size_t column, columns;
  bool packed; /* all panels lie in scratch, not only a last one that is not whole */
  const float *b;
  float *scratch;
} block;

static size_t smaller(size_t x, size_t y) { return x < y ? x : y; }

/* Width in vectors of the panel at `at`, counted from the block's first column. */
static size_t panel_vectors(const block *k, size_t at) {
  return k->columns - at > LANES ? TILE_VECTORS : 1;
}

static bool panel_in_place(const block *k, size_t at) {
  return !k->packed && k->columns - at >= TILE_COLUMNS;
}

static void pack_block(const block *k) {
  for (size_t at = 0; at < k->columns; at += TILE_COLUMNS)
    if (!panel_in_place(k, at))
      fr__kern_pack(k->g, k->b, k->row, k->depth, k->column + at,
                    smaller(k->columns - at, TILE_COLUMNS), panel_vectors(k, at) * LANES,
                    k->scratch + at * k->depth);
}

/* A tile that sticks out of C: computed beside, then the part inside is taken over, in
 * the order of operations of the inner kernel. */
static void edge_tile(const fr__tile *tile, size_t rows, size_t vectors, size_t columns) {
  float beside[TILE_ROWS * TILE_COLUMNS];
  fr__tile t = *tile;
  t.c = beside;
  t.ldc = TILE_COLUMNS;
  t.add = false;
  t.bias = NULL;
  fr__kern_tile(&t, rows, vectors);
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c++) {
      float *to = tile->c + r * tile->ldc + c;
      float sum = beside[r * TILE_COLUMNS + c];
      if (tile->add)
        sum += *to;
      if (tile->bias != NULL)
        sum += tile->bias[c];
      *to = sum;
    }
}

/* One panel of B against `rows` rows of A and C, in tiles of nearly equal height. */
static void panel_rows(const fr__tile *panel, size_t rows, size_t vectors,
                       size_t columns) {
  const size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const size_t row_of_a = panel->trans_a ? 1 : panel->lda;
  fr__tile t = *panel;
  for (size_t i = 0; i < tiles; i++) {
    const size_t height = rows / tiles + (i < rows % tiles);
    if (columns == vectors * LANES)
      fr__kern_tile(&t, height, vectors);
    else
      edge_tile(&t, height, vectors, columns);
    t.a += height * row_of_a;
    t.c += height * t.ldc;
  }
}

/* The part of the product that begins at `row` of C and column `at` of the block. */
static fr__tile tile_at(const block *k, const fr__tile *whole, size_t row, size_t at) {
  const fr__gemm *g = k->g;
  const bool in_place = panel_in_place(k, at);
  fr__tile t = *whole;
  t.a += g->trans_a ? k->row * g->lda + row : row * g->lda + k->row;
  t.b = in_place ? k->b + k->row * g->ldb + k->column + at : k->scratch + at * k->depth;
  t.ldb = in_place ? g->ldb : panel_vectors(k, at) * LANES;
  t.c += row * g->ldc + k->column + at;
  if (t.bias != NULL)
    t.bias += k->column + at;
  return t;
}

/* One row alone meets several panels at once, for its sums are few; returns the columns
 * that it has done. */
static size_t row_product(const block *k, const fr__tile *whole) {
  size_t at = 0;
  if (k->g->m != 1 || k->packed)
    return 0;
  for (; k->columns - at >= ROW_COLUMNS; at += ROW_COLUMNS) {
    const fr__tile t = tile_at(k, whole, 0, at);
    fr__kern_row(&t);
  }
  return at;
}

/* All panels of a block against one pair of A and C. `add`: C already holds something. */
static void block_product(const block *k, const float *a, float *c, bool add, bool bias) {
  const fr__gemm *g = k->g;
  const fr__tile whole = {.depth = k->depth,
                          .a = a,
                          .lda = g->lda,
                          .trans_a = g->trans_a,
                          .c = c,
                          .ldc = g->ldc,
                          .add = add,
                          .bias = bias ? g->bias : NULL};
  const size_t done = row_product(k, &whole);
  for (size_t row = 0; row < g->m; row += BLOCK_ROWS)
    for (size_t at = done; at < k->columns; at += TILE_COLUMNS) {
      const fr__tile t = tile_at(k, &whole, row, at);
      panel_rows(&t, smaller(g->m - row, BLOCK_ROWS), panel_vectors(k, at),
                 smaller(k->columns - at, TILE_COLUMNS));
    }
}

/* k in equal pieces of at most DEPTH; at least 1. */
static size_t cut_depth(size_t k) {
  const size_t cuts = k > DEPTH ? (k + DEPTH - 1) / DEPTH : 1;
  return k > cuts ? (k + cuts - 1) / cuts : 1;
}

/* Products first .. end - 1 of the batch, which share one B. */
static void shared_products(const fr__gemm *g, float *scratch, size_t first, size_t end) {
  const size_t batch = g->batch != 0 ? g->batch : 1;
  const bool reduced = batch > 1 && g->stride_c == 0;
  const size_t depth = cut_depth(g->k);
  const size_t cuts = g->k != 0 ? (g->k + depth - 1) / depth : 1;
  block k = {.g = g, .b = g->b + first * g->stride_b, .scratch = scratch};
  const size_t rows = g->m * (end - first);
  k.packed = g->trans_b || (rows > PACK_ROWS && g->ldb * depth > IN_PLACE);
  const size_t fitting = FR__KERN_SCRATCH / depth / TILE_COLUMNS * TILE_COLUMNS;
  const size_t width = k.packed && rows <= PANEL_ROWS ? TILE_COLUMNS : fitting;
  for (k.column = 0; k.column < g->n; k.column += width)
    for (size_t cut = 0; cut < cuts; cut++) { /* once where k is 0: C is still set */
      k.row = cut * depth;
      k.columns = smaller(g->n - k.column, width);
      k.depth = smaller(g->k - k.row, depth);
      pack_block(&k);
      for (size_t i = first; i < end; i++)
        block_product(&k, g->a + i * g->stride_a, g->c + i * g->stride_c,
                      g->accumulate || cut > 0 || (reduced && i > 0),
                      g->bias != NULL && cut + 1 == cuts && (!reduced || i + 1 == batch));
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

void FR__KERN_NAME(gemm)(float *scratch, const fr__gemm *gemm) {
  const fr__gemm g = flattened(gemm);
  const size_t batch = g.batch != 0 ? g.batch : 1;
  if (g.m == 0 || g.n == 0)
    return;
  if (g.stride_b == 0 && g.stride_c != 0)
    shared_products(&g, scratch, 0, batch);
  else
    for (size_t i = 0; i < batch; i++)
      shared_products(&g, scratch, i, i + 1);
}
