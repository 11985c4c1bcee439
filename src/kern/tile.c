/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner kernel of the matrix product: a tile of C is held in registers while k runs,
 * each element of A meets a whole row of B's panel (Goto and van de Geijn 2008; Van Zee
 * and van de Geijn 2015). A is read where it lies: a broadcast needs no packing.
 */
#include "kern/isa.h"

#ifdef FR__KERN_PAIRS
#include "kern/pairs.h"
#endif

/* sum + a b: *a is the same number for all lanes of b. Where the files of a set hold
 * bf16, a and each lane of b hold two of them, and both products are added. */
#ifdef FR__KERN_PAIRS
INLINE vec multiply_add(vec sum, const float *a, vec b) {
  int32_t both;
  memcpy(&both, a, sizeof both);
  return add_products(sum, both, b);
}
#else
INLINE vec multiply_add(vec sum, const float *a, vec b) { return sum + *a * b; }
#endif

INLINE vec rectified(vec x) { return select_lanes(x < (vec){0}, (vec){0}, x); }

/* With constant rows and vectors all loops but that over k disappear. */
INLINE void tile(const fr__tile *t, size_t rows, size_t vectors, bool trans_a) {
  vec sum[TILE_ROWS][TILE_VECTORS] = {0};
  const float *b = t->b;
  const size_t ldb = t->ldb, ldc = t->ldc;
  const size_t row = trans_a ? 1 : t->lda, step = trans_a ? t->lda : 1;
  for (size_t s = 0; s < t->segments; s++) {
    const float *a = t->a + s * t->segment_of_a;
    for (size_t p = t->depth; p > 0; p--) {
      vec b_row[TILE_VECTORS];
      EACH(v, vectors)
        b_row[v] = load(b + v * LANES);
      EACH(i, rows)
        EACH(v, vectors)
          sum[i][v] = multiply_add(sum[i][v], a + i * row, b_row[v]);
      a += step;
      b += ldb;
    }
  }
  float *const c = t->c;
  const float *const bias = t->bias;
  if (t->add)
    EACH(i, rows)
      EACH(v, vectors)
        sum[i][v] += load(c + i * ldc + v * LANES);
  if (bias != NULL)
    EACH(i, rows)
      EACH(v, vectors)
        sum[i][v] += load(bias + v * LANES);
  if (t->rectify)
    EACH(i, rows)
      EACH(v, vectors)
        sum[i][v] = rectified(sum[i][v]);
  EACH(i, rows)
    EACH(v, vectors)
      store(c + i * ldc + v * LANES, sum[i][v]);
}

/* One function for each height and width. */
#define TILE(rows, vectors)                                                              \
  static void tile_##rows##_##vectors(const fr__tile *t) {                               \
    if (t->trans_a)                                                                      \
      tile(t, rows, vectors, true);                                                      \
    else                                                                                 \
      tile(t, rows, vectors, false);                                                     \
  }
#define ROW(rows) {tile_##rows##_1, tile_##rows##_2},

#define HEIGHTS_6(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define HEIGHTS_12(X) HEIGHTS_6(X) X(7) X(8) X(9) X(10) X(11) X(12)
#define HEIGHTS_14(X) HEIGHTS_12(X) X(13) X(14)
#define PASTE(x, y) x##y
#define HEIGHTS_OF(rows, X) PASTE(HEIGHTS_, rows)(X)
#define BOTH(rows) TILE(rows, 1) TILE(rows, 2)

HEIGHTS_OF(TILE_ROWS, BOTH)

static void (*const tiles[TILE_ROWS][TILE_VECTORS])(const fr__tile *) = {
    HEIGHTS_OF(TILE_ROWS, ROW)};

/* Sums of row r into C. */
static void take_over(const fr__tile *tile, const float *sums, size_t r, size_t columns) {
  for (size_t c = 0; c < columns; c++) {
    float *to = tile->c + r * tile->ldc + c;
    float sum = sums[c];
    if (tile->add)
      sum += *to;
    if (tile->bias != NULL)
      sum += tile->bias[c];
    *to = tile->rectify && sum < 0.0f ? 0.0f : sum;
  }
}

/* A tile that sticks out of C: computed beside, then the part inside is taken over, in
 * the order of operations of the inner kernel. */
static void edge_tile(const fr__tile *tile, size_t rows, size_t vectors, size_t columns) {
  float beside[TILE_ROWS * TILE_COLUMNS];
  fr__tile t = *tile;
  t.c = beside;
  t.ldc = TILE_COLUMNS;
  t.add = t.rectify = false;
  t.bias = NULL;
  tiles[rows - 1][vectors - 1](&t);
  for (size_t r = 0; r < rows; r++)
    take_over(tile, beside + r * TILE_COLUMNS, r, columns);
}

void fr__kern_panel(const fr__tile *panel, size_t rows, size_t vectors, size_t columns) {
  const size_t count = (rows + TILE_ROWS - 1) / TILE_ROWS;
  const size_t row_of_a = panel->trans_a ? 1 : panel->lda;
  fr__tile t = *panel;
  for (size_t i = 0; i < count; i++) {
    const size_t height = rows / count + (i < rows % count);
    if (columns == vectors * LANES)
      tiles[height - 1][vectors - 1](&t);
    else
      edge_tile(&t, height, vectors, columns);
    t.a += height * row_of_a;
    t.c += height * t.ldc;
  }
}

/* With constant vectors the sums stay in registers. */
INLINE void row_sums(const fr__tile *t, size_t vectors, vec sum[ROW_VECTORS]) {
  const float *b = t->b;
  const size_t ldb = t->ldb, panel = t->panel, step = t->trans_a ? t->lda : 1;
  for (size_t s = 0; s < t->segments; s++) {
    const float *a = t->a + s * t->segment_of_a;
    for (size_t p = t->depth; p > 0; p--) {
      EACH(v, vectors)
        sum[v] = multiply_add(
            sum[v], a, load(b + v / TILE_VECTORS * panel + v % TILE_VECTORS * LANES));
      a += step;
      b += ldb;
    }
  }
}

INLINE void whole_row(const fr__tile *t, size_t vectors) {
  vec sum[ROW_VECTORS] = {0};
  row_sums(t, vectors, sum);
  EACH(v, vectors) {
    float *const c = t->c + v * LANES;
    if (t->add)
      sum[v] += load(c);
    if (t->bias != NULL)
      sum[v] += load(t->bias + v * LANES);
    if (t->rectify)
      sum[v] = rectified(sum[v]);
    store(c, sum[v]);
  }
}

INLINE void edge_row(const fr__tile *t, size_t vectors, size_t columns) {
  vec sum[ROW_VECTORS] = {0};
  float beside[ROW_COLUMNS];
  row_sums(t, vectors, sum);
  EACH(v, vectors)
    store(beside + v * LANES, sum[v]);
  take_over(t, beside, 0, columns);
}

void fr__kern_row(const fr__tile *t, size_t vectors, size_t columns) {
  const bool whole = columns == vectors * LANES;
  if (vectors == ROW_VECTORS && whole)
    whole_row(t, ROW_VECTORS);
  else if (vectors == ROW_VECTORS)
    edge_row(t, ROW_VECTORS, columns);
  else if (whole)
    whole_row(t, 4);
  else
    edge_row(t, 4, columns);
}
