/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner kernel of the matrix product: a tile of C is held in registers while k runs,
 * each element of A meets a whole row of B's panel (Goto and van de Geijn 2008; Van Zee
 * and van de Geijn 2015). A is read where it lies: a broadcast needs no packing.
 */
#include "kern/isa.h"

/* With constant rows and vectors all loops but that over k disappear. */
INLINE void tile(const fr__tile *t, size_t rows, size_t vectors, bool trans_a) {
  vec sum[TILE_ROWS][TILE_VECTORS] = {0};
  const float *a = t->a, *b = t->b;
  const size_t ldb = t->ldb, ldc = t->ldc;
  const size_t row = trans_a ? 1 : t->lda, step = trans_a ? t->lda : 1;
  for (size_t p = t->depth; p > 0; p--) {
    vec b_row[TILE_VECTORS];
    EACH(v, vectors)
      b_row[v] = load(b + v * LANES);
    EACH(i, rows)
      EACH(v, vectors)
        sum[i][v] += a[i * row] * b_row[v];
    a += step;
    b += ldb;
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

void fr__kern_tile(const fr__tile *t, size_t rows, size_t vectors) {
  tiles[rows - 1][vectors - 1](t);
}

void fr__kern_row(const fr__tile *t) {
  vec sum[ROW_VECTORS] = {0};
  const float *a = t->a, *b = t->b;
  const size_t ldb = t->ldb, step = t->trans_a ? t->lda : 1;
  for (size_t p = t->depth; p > 0; p--) {
    EACH(v, ROW_VECTORS)
      sum[v] += *a * load(b + v * LANES);
    a += step;
    b += ldb;
  }
  EACH(v, ROW_VECTORS) {
    float *const c = t->c + v * LANES;
    if (t->add)
      sum[v] += load(c);
    if (t->bias != NULL)
      sum[v] += load(t->bias + v * LANES);
    store(c, sum[v]);
  }
}
