/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products of bf16 operands, summed in float32: operands are rounded when they are
 * packed, and the inner kernel of tile.c runs on what was packed. With FR__KERN_PAIRS a
 * cell, the unit of packing, holds two neighbours in k; else one, as the float32 nearest
 * to it. With FR__KERN_AMX the inner kernel is bf16_amx.c's, which takes k in steps of
 * 16 cells: packed operands are filled up to them with 0, and A is packed in rows even
 * where it is transposed.
 *
 * Rows of A that overlap (a convolution's) are packed once, not once a row: a cell is
 * then found at the same place of the flat array, for a row begins at a whole cell.
 */
#include "kern/isa.h"

#ifdef FR__KERN_PAIRS
#include "kern/pairs.h"
#define PAIR ((size_t)2)
#else
#define PAIR ((size_t)1)
#endif

#ifdef FR__KERN_AMX
#include "kern/amx.h"
#define STEP AMX_ROWS
/* Tiles stick out of the packed rows by so many at most, and read what lies there. */
#define SPARE (AMX_ROWS - 1)
#define ROW_GRAIN (2 * AMX_ROWS)
#else
#define STEP ((size_t)1)
#define SPARE ((size_t)0)
#define ROW_GRAIN ((size_t)1)
#endif

#define DEPTH (PAIR * 256)
/* Of the scratch: cells of B, then cells of A. */
#define B_CELLS (FR__KERN_SCRATCH / 4 * 3)
#define A_CELLS (FR__KERN_SCRATCH / 4)

static size_t smaller(size_t x, size_t y) { return x < y ? x : y; }

static size_t cells(size_t k) { return (k + PAIR - 1) / PAIR; }

/* Cells of a packed k: whole steps. */
static size_t stepped(size_t k) { return (cells(k) + STEP - 1) / STEP * STEP; }

static size_t padded(size_t n) { return (n + LANES - 1) / LANES * LANES; }

/* k in equal pieces of at most DEPTH, whole steps; at least 1. */
static size_t cut_depth(size_t k) {
  const size_t cuts = k > DEPTH ? (k + DEPTH - 1) / DEPTH : 1;
  const size_t depth = k > cuts ? (k + cuts - 1) / cuts : 1;
  return stepped(depth) * PAIR;
}

/* ---- rounding ---- */

#ifdef FR__KERN_PAIRS
INLINE vec both(vec low, vec high) { return pairs_of(low, high); }

/* Cells of `n` floats in a row, the last one filled with 0. */
static void pack_run(const float *from, size_t n, float *to) {
  for (size_t i = 0; i < n; i += 2 * LANES) {
    const size_t left = n - i;
    const vec low = get(from + i, smaller(left, LANES));
    const vec high =
        left > LANES ? get(from + i + LANES, smaller(left - LANES, LANES)) : (vec){0};
    put(to + i / 2, pairs_in_row(low, high), smaller(cells(left), LANES));
  }
}
#else
/* To the nearest number of 8 bits of significand, ties to even; what is not a number
 * stays one. */
INLINE vec both(vec low, vec high) {
  const uvec bits = (uvec)low;
  const uvec rounded = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u;
  (void)high;
  return select_lanes(low == low, (vec)rounded, low);
}

static void pack_run(const float *from, size_t n, float *to) {
  for (size_t i = 0; i < n; i += LANES) {
    const size_t count = lanes_left(n, i);
    put(to + i, both(get(from + i, count), (vec){0}), count);
  }
}
#endif

/* Cells of `n` columns of two rows, of which the second may be NULL. */
static void pack_columns(const float *first, const float *second, size_t n, float *to) {
  for (size_t i = 0; i < n; i += LANES) {
    const size_t count = lanes_left(n, i);
    const vec high = second != NULL ? get(second + i, count) : (vec){0};
    put(to + i, both(get(first + i, count), high), count);
  }
}

/* ---- B ---- */

/* One column of op(B), stored as a run of k, into every `width`-th cell. */
static void pack_column(const float *from, size_t depth, size_t width, float *to) {
  float run[LANES];
  for (size_t p = 0; p < depth; p += LANES * PAIR) {
    const size_t n = smaller(depth - p, LANES * PAIR);
    pack_run(from + p, n, run);
    for (size_t i = 0; i < cells(n); i++)
      to[(p / PAIR + i) * width] = run[i];
  }
}

/* Columns [column, column + count) of op(B), k in [row, row + depth), as a panel of
 * `width` cells a row; those beyond `count` and `depth` are 0. */
static void pack_panel(const fr__gemm *g, const float *b, size_t row, size_t depth,
                       size_t column, size_t count, size_t width, float *to) {
  const size_t rows = cells(depth), all = stepped(depth);
  if (count < width)
    memset(to, 0, rows * width * sizeof *to);
  memset(to + rows * width, 0, (all - rows) * width * sizeof *to);
  for (size_t c = 0; g->trans_b && c < count; c++)
    pack_column(b + (column + c) * g->ldb + row, depth, width, to + c);
  for (size_t p = 0; !g->trans_b && p < rows; p++) {
    const float *from = b + (row + p * PAIR) * g->ldb + column;
    pack_columns(from, p * PAIR + 1 < depth ? from + g->ldb : NULL, count,
                 to + p * width);
  }
}

/* ---- A ---- */

/* Where the packed A of some rows lies: as in fr__tile, counted in cells. */
typedef struct rows_of_a {
  size_t first, count; /* rows of C */
  bool flat;           /* packed as they lie */
  size_t ld;           /* from one row to the next; of a transposed A, from one cell of k
                          to the next */
  size_t size;         /* of all of it, of one segment */
} rows_of_a;

/* Rows that overlap, and begin at whole cells: packed as they lie. */
static bool lies_flat(const fr__gemm *g, size_t depth) {
  if (g->trans_a)
    return STEP == 1 && g->lda < g->m && depth > 0 && depth % PAIR == 0;
  return g->lda < depth && g->lda % PAIR == 0 &&
         (STEP == 1 || depth % (STEP * PAIR) == 0);
}

/* `count` rows, or as many as there is room for. */
static size_t fitting(size_t count, size_t room) {
  return count + SPARE <= room ? count : (room - SPARE) / ROW_GRAIN * ROW_GRAIN;
}

/* The largest part of the rows from `first` on whose packed A fits. */
static rows_of_a rows_from(const fr__gemm *g, size_t first, size_t depth,
                           size_t segments) {
  const size_t room = A_CELLS / segments, k = depth > 0 ? stepped(depth) : STEP;
  rows_of_a r = {.first = first, .count = g->m - first, .flat = lies_flat(g, depth)};
  if (r.flat && g->trans_a) {
    r.ld = PAIR * g->lda;
    r.size = (k - 1) * r.ld + r.count;
  } else if (r.flat) {
    r.ld = g->lda / PAIR;
    r.count = fitting(r.count, (room - k) / r.ld + 1);
    r.size = (r.count - 1) * r.ld + k;
  }
  r.flat = r.flat && r.size <= room;
  if (!r.flat) {
    r.count = fitting(g->m - first, room / k);
    r.ld = g->trans_a && STEP == 1 ? r.count : k;
    r.size = r.count * k;
  }
  return r;
}

#ifdef FR__KERN_AMX
/* Sixteen cells of k of up to sixteen rows. */
static void pack_square(const float *a, size_t lda, size_t depth, size_t rows, float *to,
                        size_t ld) {
  _Alignas(64) float square[STEP * AMX_ROWS] = {0};
  for (size_t p = 0; p < cells(depth); p++) {
    const float *from = a + p * PAIR * lda;
    pack_columns(from, p * PAIR + 1 < depth ? from + lda : NULL, rows,
                 square + p * AMX_ROWS);
  }
  FR__KERN_NAME(transpose)(square, rows, to, ld);
}

static void pack_transposed_rows(const fr__gemm *g, const float *a, size_t depth,
                                 const rows_of_a *r, float *to) {
  for (size_t i = 0; i < r->count; i += AMX_ROWS)
    for (size_t p = 0; p < depth; p += STEP * PAIR)
      pack_square(a + p * g->lda + i, g->lda, smaller(depth - p, STEP * PAIR),
                  smaller(r->count - i, AMX_ROWS), to + i * r->ld + p / PAIR, r->ld);
}
#else
static void pack_transposed_rows(const fr__gemm *g, const float *a, size_t depth,
                                 const rows_of_a *r, float *to) {
  if (r->flat) {
    pack_columns(a, PAIR > 1 ? a + g->lda : NULL, r->size, to);
    return;
  }
  for (size_t p = 0; p < cells(depth); p++) {
    const float *from = a + p * PAIR * g->lda;
    pack_columns(from, p * PAIR + 1 < depth ? from + g->lda : NULL, r->count,
                 to + p * r->ld);
  }
}
#endif

/* `a`: of the item, at k = row. */
static void pack_rows(const fr__gemm *g, const float *a, size_t depth, const rows_of_a *r,
                      float *to) {
  if (g->trans_a) {
    pack_transposed_rows(g, a + r->first, depth, r, to);
    return;
  }
  a += r->first * g->lda;
  if (r->flat) {
    pack_run(a, (r->count - 1) * g->lda + depth, to);
    return;
  }
  for (size_t i = 0; i < r->count; i++) {
    float *row = to + i * r->ld;
    pack_run(a + i * g->lda, depth, row);
    memset(row + cells(depth), 0, (stepped(depth) - cells(depth)) * sizeof *row);
  }
}

/* ---- blocks ---- */

/* k in [row, row + depth) of `segments` products, columns [column, column + columns). */
typedef struct block {
  const fr__gemm *g;
  size_t row, depth, segments;
  size_t column, columns;
  float *scratch;
} block;

static size_t panel_vectors(const block *k, size_t at) {
  return k->columns - at > LANES ? TILE_VECTORS : 1;
}

static void pack_b(const block *k, const float *b) {
  const size_t rows = stepped(k->depth);
  for (size_t at = 0; at < k->columns && k->g->packed == NULL; at += TILE_COLUMNS) {
    const size_t width = panel_vectors(k, at) * LANES;
    float *to = k->scratch + at * rows * k->segments;
    for (size_t s = 0; s < k->segments; s++)
      pack_panel(k->g, b + s * k->g->stride_b, k->row, k->depth, k->column + at,
                 smaller(k->columns - at, TILE_COLUMNS), width, to + s * rows * width);
  }
}

static const float *panel_at(const block *k, size_t at) {
  const fr__gemm *g = k->g;
  const size_t rows = stepped(k->depth);
  if (g->packed == NULL)
    return k->scratch + at * rows * k->segments;
  return g->packed + stepped(k->row) * padded(g->packed_n) +
         (g->packed_at + k->column + at) * rows;
}

/* Rows whose A is packed against all panels of the block. */
static void rows_product(const block *k, const rows_of_a *r, const fr__tile *whole) {
  size_t at = 0;
  fr__tile t = *whole;
  t.ldb = TILE_COLUMNS;
  const bool alone = STEP == 1 ? r->count == 1 : k->g->m == 1;
  for (size_t left = k->columns, vectors;
       alone && k->segments == 1 && (vectors = row_vectors(left, true)) != 0;
       left = k->columns - at) {
    const size_t columns = smaller(left, vectors * LANES);
    t.b = panel_at(k, at);
    t.c = whole->c + at;
    t.bias = whole->bias != NULL ? whole->bias + at : NULL;
    fr__kern_row(&t, vectors, columns);
    at += columns;
  }
  for (; at < k->columns; at += TILE_COLUMNS) {
    const size_t vectors = panel_vectors(k, at);
    t.b = panel_at(k, at);
    t.ldb = vectors * LANES;
    t.c = whole->c + at;
    t.bias = whole->bias != NULL ? whole->bias + at : NULL;
    fr__kern_panel(&t, r->count, vectors, smaller(k->columns - at, TILE_COLUMNS));
  }
}

static void block_product(const block *k, const float *a, float *c, bool add, bool last) {
  const fr__gemm *g = k->g;
  float *packed = k->scratch + B_CELLS;
  rows_of_a r;
  for (size_t row = 0; row < g->m; row += r.count) {
    r = rows_from(g, row, k->depth, k->segments);
    for (size_t s = 0; s < k->segments; s++)
      pack_rows(g, a + s * g->stride_a + (g->trans_a ? k->row * g->lda : k->row),
                k->depth, &r, packed + s * r.size);
    const fr__tile whole = {.depth = stepped(k->depth),
                            .segments = k->segments,
                            .a = packed,
                            .lda = r.ld,
                            .segment_of_a = r.size,
                            .trans_a = g->trans_a && STEP == 1,
                            .height = smaller(g->m, STEP),
                            .panel = TILE_COLUMNS * stepped(k->depth),
                            .c = c + row * g->ldc + k->column,
                            .ldc = g->ldc,
                            .add = add,
                            .bias = last && g->bias != NULL ? g->bias + k->column : NULL,
                            .rectify = last && g->rectify};
    rows_product(k, &r, &whole);
  }
}

/* Products [first, end) of the batch: they share one B, or are summed as segments. */
static void some_products(const fr__gemm *g, float *scratch, size_t first, size_t end) {
  const size_t batch = g->batch != 0 ? g->batch : 1;
  const bool summed = batch > 1 && g->stride_c == 0;
  const size_t depth = cut_depth(g->k), segments = summed ? end - first : 1;
  const size_t cuts = g->k != 0 ? (g->k + depth - 1) / depth : 1;
  const size_t room = B_CELLS / (stepped(depth) * segments) / TILE_COLUMNS * TILE_COLUMNS;
  const size_t width = g->packed != NULL ? g->n : room;
  block k = {.g = g, .segments = segments, .scratch = scratch};
  for (k.column = 0; k.column < g->n; k.column += width)
    for (size_t cut = 0; cut < cuts; cut++) { /* once where k is 0: C is still set */
      k.row = cut * depth;
      k.columns = smaller(g->n - k.column, width);
      k.depth = smaller(g->k - k.row, depth);
      if (g->packed == NULL)
        pack_b(&k, g->b + first * g->stride_b);
      for (size_t i = first; i < end; i += segments)
        block_product(&k, g->a + i * g->stride_a, g->c + i * g->stride_c,
                      g->accumulate || cut > 0 || (summed && i > 0),
                      cut + 1 == cuts && (!summed || end == batch));
    }
}

void FR__KERN_NAME(bf16_gemm)(float *scratch, const fr__gemm *g) {
  const size_t batch = g->batch != 0 ? g->batch : 1;
  if (g->m == 0 || g->n == 0)
    return;
  const size_t group = items_together(g, g->k > 0 ? DEPTH / (stepped(g->k) * PAIR) : 1);
#ifdef FR__KERN_AMX
  FR__KERN_NAME(tiles_begin)(smaller(g->m, AMX_ROWS));
#endif
  for (size_t i = 0; i < batch; i += group)
    some_products(g, scratch, i, smaller(i + group, batch));
#ifdef FR__KERN_AMX
  FR__KERN_NAME(tiles_end)();
#endif
}

size_t FR__KERN_NAME(bf16_packed_floats)(size_t n, size_t k) {
  return padded(n) * stepped(k);
}

void FR__KERN_NAME(bf16_gemm_pack)(const fr__gemm *g, float *to) {
  const size_t depth = cut_depth(g->k);
  for (size_t row = 0; row < g->k; row += depth) {
    const size_t here = smaller(g->k - row, depth);
    float *cut = to + stepped(row) * padded(g->n);
    for (size_t at = 0; at < g->n; at += TILE_COLUMNS)
      pack_panel(g, g->b, row, here, at, smaller(g->n - at, TILE_COLUMNS),
                 g->n - at > LANES ? TILE_COLUMNS : LANES, cut + at * stepped(here));
  }
}

#ifdef FR__KERN_PAIRS
const fr__products FR__KERN_NAME(products) = {FR__KERN_NAME(bf16_gemm),
                                              FR__KERN_NAME(bf16_packed_floats),
                                              FR__KERN_NAME(bf16_gemm_pack)};
#endif
