/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics of columns, and what normalisation does with them. Rows are summed in blocks
 * that stay in the first-level cache, so that x is read once from further away, and the
 * roundings of a sum grow with the count of blocks.
 */
#include "kern/isa.h"

#define BLOCK_ROWS ((size_t)128)

/* Columns that are done at once, in vectors: a sum need not wait for itself. */
#define SOME ((size_t)4)

/* Lanes of vector v of `vectors`, of which the last holds `tail` columns. */
INLINE size_t lanes_of(size_t v, size_t vectors, size_t tail) {
  return v + 1 < vectors ? LANES : tail;
}

/* The statistics of `rows` more rows, `n` before them: mean and squares of the block,
 * joined to those so far (Chan, Golub and LeVeque 1983, equation 2.1). */
INLINE void add_block(const float *x, size_t ld, size_t rows, size_t vectors, size_t tail,
                      size_t n, float *mean, float *squares) {
  vec here[SOME] = {0}, square[SOME] = {0};
  for (size_t r = 0; r < rows; r++)
    for (size_t v = 0; v < vectors; v++)
      here[v] += get(x + r * ld + v * LANES, lanes_of(v, vectors, tail));
  for (size_t v = 0; v < vectors; v++)
    here[v] /= splat((float)rows);
  for (size_t r = 0; r < rows; r++)
    for (size_t v = 0; v < vectors; v++) {
      const vec d = get(x + r * ld + v * LANES, lanes_of(v, vectors, tail)) - here[v];
      square[v] += d * d;
    }
  const float share = (float)rows / (float)(n + rows);
  for (size_t v = 0; v < vectors; v++) {
    const size_t count = lanes_of(v, vectors, tail), at = v * LANES;
    const vec before = get(mean + at, count), step = here[v] - before;
    put(mean + at, before + step * splat(share), count);
    put(squares + at,
        get(squares + at, count) + square[v] + step * step * splat((float)n * share),
        count);
  }
}

void FR__KERN_NAME(column_moments)(const float *x, size_t ld, size_t rows, size_t columns,
                                   size_t n, float *mean, float *squares) {
  for (size_t r = 0; r < rows; r += BLOCK_ROWS) {
    const size_t count = rows - r < BLOCK_ROWS ? rows - r : BLOCK_ROWS;
    const float *block = x + r * ld;
    size_t c = 0;
    for (; columns - c >= SOME * LANES; c += SOME * LANES)
      add_block(block + c, ld, count, SOME, LANES, n + r, mean + c, squares + c);
    for (; c < columns; c += LANES)
      add_block(block + c, ld, count, 1, lanes_left(columns, c), n + r, mean + c,
                squares + c);
  }
}

void FR__KERN_NAME(scale_shift)(const float *x, size_t rows, size_t columns,
                                const float *scale, const float *shift, float *y) {
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c += LANES) {
      const size_t at = r * columns + c, n = lanes_left(columns, c);
      put(y + at, get(scale + c, n) * get(x + at, n) + get(shift + c, n), n);
    }
}

INLINE void add_products(const float *x, const float *y, size_t ld, size_t rows,
                         size_t vectors, size_t tail, const float *centre, float *sum,
                         float *product) {
  vec s[SOME] = {0}, p[SOME] = {0}, middle[SOME];
  for (size_t v = 0; v < vectors; v++)
    middle[v] = get(centre + v * LANES, lanes_of(v, vectors, tail));
  for (size_t r = 0; r < rows; r++)
    for (size_t v = 0; v < vectors; v++) {
      const size_t count = lanes_of(v, vectors, tail), at = r * ld + v * LANES;
      const vec here = get(x + at, count);
      s[v] += here;
      p[v] += here * (get(y + at, count) - middle[v]);
    }
  for (size_t v = 0; v < vectors; v++) {
    const size_t count = lanes_of(v, vectors, tail), at = v * LANES;
    put(sum + at, get(sum + at, count) + s[v], count);
    put(product + at, get(product + at, count) + p[v], count);
  }
}

void FR__KERN_NAME(column_products)(const float *x, const float *y, size_t ld,
                                    size_t rows, size_t columns, const float *centre,
                                    float *sum, float *product) {
  memset(sum, 0, columns * sizeof *sum);
  memset(product, 0, columns * sizeof *product);
  for (size_t r = 0; r < rows; r += BLOCK_ROWS) {
    const size_t count = rows - r < BLOCK_ROWS ? rows - r : BLOCK_ROWS;
    const float *a = x + r * ld, *b = y + r * ld;
    size_t c = 0;
    for (; columns - c >= SOME * LANES; c += SOME * LANES)
      add_products(a + c, b + c, ld, count, SOME, LANES, centre + c, sum + c,
                   product + c);
    for (; c < columns; c += LANES)
      add_products(a + c, b + c, ld, count, 1, lanes_left(columns, c), centre + c,
                   sum + c, product + c);
  }
}

void FR__KERN_NAME(normalize_backward)(const fr__normalize_back *b) {
  for (size_t r = 0; r < b->rows; r++)
    for (size_t c = 0; c < b->columns; c += LANES) {
      const size_t at = r * b->columns + c, n = lanes_left(b->columns, c);
      const vec d = get(b->x + at, n) - get(b->mean + c, n);
      put(b->dx + at,
          get(b->scale + c, n) * get(b->dy + at, n) - get(b->slope + c, n) * d -
              get(b->level + c, n),
          n);
    }
}
