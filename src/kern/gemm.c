/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blocks around the inner kernel: columns in blocks whose packed B fits the scratch;
 * k in blocks of at most DEPTH, so that a panel of B (DEPTH x TILE_COLUMNS) stays in the
 * first-level cache; rows in blocks whose part of A stays in the second-level cache.
 * Short products that are added into one C are such blocks together, as segments of k:
 * C is then read and written once for all of them.
 *
 * Where k is cut depends on k alone, and on the batch where that is summed: an element of
 * C is the same sum in the same order whatever stands beside it, wherever the arrays lie.
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
  size_t segments; /* items of the batch that are summed; `depth` of each */
  size_t column, columns;
  bool packed; /* all panels lie in scratch, not only a last one that is not whole */
  const float *b;
  float *scratch;
} block;

static size_t smaller(size_t x, size_t y) { return x < y ? x : y; }

/* Columns of packed B: whole vectors. */
static size_t padded(size_t n) { return (n + LANES - 1) / LANES * LANES; }

/* Width in vectors of the panel at `at`, counted from the block's first column. */
static size_t panel_vectors(const block *k, size_t at) {
  return k->columns - at > LANES ? TILE_VECTORS : 1;
}

static bool panel_in_place(const block *k, size_t at) {
  return !k->packed && k->columns - at >= TILE_COLUMNS;
}

/* The panel at `at` of every segment, one behind the other. */
static void pack_panel(const block *k, size_t at) {
  const size_t width = panel_vectors(k, at) * LANES;
  float *to = k->scratch + at * k->depth * k->segments;
  for (size_t s = 0; s < k->segments; s++)
    fr__kern_pack(k->g, k->b + s * k->g->stride_b, k->row, k->depth, k->column + at,
                  smaller(k->columns - at, TILE_COLUMNS), width,
                  to + s * k->depth * width);
}

static void pack_block(const block *k) {
  for (size_t at = 0; at < k->columns && k->g->packed == NULL; at += TILE_COLUMNS)
    if (!panel_in_place(k, at))
      pack_panel(k, at);
}

/* The part of the product that begins at `row` of C and column `at` of the block. */
static fr__tile tile_at(const block *k, const fr__tile *whole, size_t row, size_t at) {
  const fr__gemm *g = k->g;
  const bool in_place = g->packed == NULL && panel_in_place(k, at);
  const size_t column = k->column + at;
  fr__tile t = *whole;
  t.a += g->trans_a ? k->row * g->lda + row : row * g->lda + k->row;
  t.ldb = in_place ? g->ldb : panel_vectors(k, at) * LANES;
  t.panel = in_place ? TILE_COLUMNS : TILE_COLUMNS * k->depth;
  if (in_place)
    t.b = k->b + k->row * g->ldb + column;
  else if (g->packed != NULL)
    t.b = g->packed + k->row * padded(g->packed_n) + (g->packed_at + column) * k->depth;
  else
    t.b = k->scratch + at * k->depth * k->segments;
  t.c += row * g->ldc + column;
  if (t.bias != NULL)
    t.bias += column;
  return t;
}

/* One row alone meets several panels at once, for its sums are few; returns the columns
 * that it has done. */
static size_t row_product(const block *k, const fr__tile *whole) {
  size_t at = 0;
  if (k->g->m != 1 || (k->packed && k->g->packed == NULL))
    return 0;
  for (size_t left = k->columns, vectors;
       (vectors = row_vectors(left, k->g->packed != NULL)) != 0; left = k->columns - at) {
    const fr__tile t = tile_at(k, whole, 0, at);
    fr__kern_row(&t, vectors, smaller(left, vectors * LANES));
    at += smaller(left, vectors * LANES);
  }
  return at;
}

/* All panels of a block against one pair of A and C. `add`: C already holds something;
 * `last`: nothing will be added to it any more. */
static void block_product(const block *k, const float *a, float *c, bool add, bool last) {
  const fr__gemm *g = k->g;
  const fr__tile whole = {.depth = k->depth,
                          .segments = k->segments,
                          .a = a,
                          .lda = g->lda,
                          .segment_of_a = g->stride_a,
                          .trans_a = g->trans_a,
                          .c = c,
                          .ldc = g->ldc,
                          .add = add,
                          .bias = last ? g->bias : NULL,
                          .rectify = last && g->rectify};
  const size_t done = row_product(k, &whole);
  for (size_t row = 0; row < g->m; row += BLOCK_ROWS)
    for (size_t at = done; at < k->columns; at += TILE_COLUMNS) {
      const fr__tile t = tile_at(k, &whole, row, at);
      fr__kern_panel(&t, smaller(g->m - row, BLOCK_ROWS), panel_vectors(k, at),
                     smaller(k->columns - at, TILE_COLUMNS));
    }
}

/* k in equal pieces of at most DEPTH; at least 1. */
static size_t cut_depth(size_t k) {
  const size_t cuts = k > DEPTH ? (k + DEPTH - 1) / DEPTH : 1;
  return k > cuts ? (k + cuts - 1) / cuts : 1;
}

/* Products [first, end) of the batch: they share one B, or are summed as segments. */
static void some_products(const fr__gemm *g, float *scratch, size_t first, size_t end) {
  const size_t batch = g->batch != 0 ? g->batch : 1;
  const bool summed = batch > 1 && g->stride_c == 0;
  const size_t depth = cut_depth(g->k), segments = summed ? end - first : 1;
  const size_t cuts = g->k != 0 ? (g->k + depth - 1) / depth : 1;
  block k = {
      .g = g, .segments = segments, .b = g->b + first * g->stride_b, .scratch = scratch};
  const size_t rows = summed ? g->m : g->m * (end - first);
  k.packed =
      g->trans_b || segments > 1 || (rows > PACK_ROWS && g->ldb * depth > IN_PLACE);
  const size_t fitting =
      FR__KERN_SCRATCH / (depth * segments) / TILE_COLUMNS * TILE_COLUMNS;
  const size_t width = g->packed != NULL                ? g->n
                       : k.packed && rows <= PANEL_ROWS ? TILE_COLUMNS
                                                        : fitting;
  for (k.column = 0; k.column < g->n; k.column += width)
    for (size_t cut = 0; cut < cuts; cut++) { /* once where k is 0: C is still set */
      k.row = cut * depth;
      k.columns = smaller(g->n - k.column, width);
      k.depth = smaller(g->k - k.row, depth);
      pack_block(&k);
      for (size_t i = first; i < end; i += segments)
        block_product(&k, g->a + i * g->stride_a, g->c + i * g->stride_c,
                      g->accumulate || cut > 0 || (summed && i > 0),
                      cut + 1 == cuts && (!summed || end == batch));
    }
}

void FR__KERN_NAME(gemm)(float *scratch, const fr__gemm *g) {
  const size_t batch = g->batch != 0 ? g->batch : 1;
  if (g->m == 0 || g->n == 0)
    return;
  const size_t group = items_together(g, g->k > 0 ? DEPTH / g->k : 1);
  for (size_t i = 0; i < batch; i += group)
    some_products(g, scratch, i, smaller(i + group, batch));
}

size_t FR__KERN_NAME(packed_floats)(size_t n, size_t k) { return padded(n) * k; }

void FR__KERN_NAME(gemm_pack)(const fr__gemm *g, float *to) {
  const size_t depth = cut_depth(g->k);
  block k = {.g = g, .segments = 1, .columns = g->n, .packed = true, .b = g->b};
  for (k.row = 0; k.row < g->k; k.row += depth) {
    k.depth = smaller(g->k - k.row, depth);
    k.scratch = to + k.row * padded(g->n);
    for (size_t at = 0; at < g->n; at += TILE_COLUMNS)
      pack_panel(&k, at);
  }
}
