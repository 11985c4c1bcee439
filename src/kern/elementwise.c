/* SPDX-License-Identifier: Apache-2.0 */
/* Element-wise kernels. */
#include "kern/isa.h"

#include "kern/elementary.h"

void FR__KERN_NAME(exp)(const float *x, float *y, size_t n) {
  for (size_t i = 0; i < n; i += LANES) {
    const size_t count = lanes_left(n, i);
    put(y + i, vec_exp(get(x + i, count)), count);
  }
}

void FR__KERN_NAME(sigmoid)(const float *x, float *y, size_t n) {
  for (size_t i = 0; i < n; i += LANES) {
    const size_t count = lanes_left(n, i);
    put(y + i, vec_sigmoid(get(x + i, count)), count);
  }
}

void FR__KERN_NAME(tanh)(const float *x, float *y, size_t n) {
  for (size_t i = 0; i < n; i += LANES) {
    const size_t count = lanes_left(n, i);
    put(y + i, vec_tanh(get(x + i, count)), count);
  }
}

/* Not-a-number passes, so that a broken network shows. */
void FR__KERN_NAME(relu)(const float *x, float *y, size_t n) {
  const vec zero = {0};
  for (size_t i = 0; i < n; i += LANES) {
    const size_t count = lanes_left(n, i);
    const vec v = get(x + i, count);
    put(y + i, select_lanes(v < zero, zero, v), count);
  }
}

void FR__KERN_NAME(relu_backward)(const float *y, const float *dy, float *dx, size_t n) {
  const vec zero = {0};
  for (size_t i = 0; i < n; i += LANES) {
    const size_t count = lanes_left(n, i);
    put(dx + i, select_lanes(get(y + i, count) > zero, get(dy + i, count), zero), count);
  }
}

#define MAGNITUDE UINT32_C(0x7fffffff)
#define LOWEST_OF_EXPONENT UINT32_C(0x00800000)

/* What is not finite has all bits of the exponent set: adding the lowest of them carries
 * into the top bit, and only then. */
INLINE uvec top_if_endless(vec x) { return ((uvec)x & MAGNITUDE) + LOWEST_OF_EXPONENT; }

bool FR__KERN_NAME(all_finite)(const float *x, size_t n) {
  uvec seen[4] = {0}, all = {0};
  uint32_t top = 0;
  size_t i = 0;
  for (; n - i >= 4 * LANES; i += 4 * LANES)
    EACH(v, 4)
  seen[v] |= top_if_endless(load(x + i + v * LANES));
  for (; i < n; i += LANES)
    all |= top_if_endless(get(x + i, lanes_left(n, i)));
  EACH(v, 4)
  all |= seen[v];
  for (size_t l = 0; l < LANES; l++)
    top |= all[l];
  return top >> 31 == 0;
}

void FR__KERN_NAME(axpy)(float a, const float *x, float *y, size_t n) {
  for (size_t i = 0; i < n; i += LANES) {
    const size_t count = lanes_left(n, i);
    put(y + i, get(y + i, count) + a * get(x + i, count), count);
  }
}

/* Rows that are summed before they are added to the total: bounds the rounding error of
 * long columns by the rows of one block and the number of blocks. */
#define SUM_ROWS ((size_t)128)
#define SUM_VECTORS 4

/* Of `vectors` whole vectors of columns, the last holding `tail` columns; rows are `ld`
 * apart. */
INLINE void sum_columns(const float *x, size_t ld, size_t rows, size_t vectors,
                        size_t tail, float *sum) {
  vec total[SUM_VECTORS] = {0};
  for (size_t first = 0; first < rows; first += SUM_ROWS) {
    const size_t end = rows - first < SUM_ROWS ? rows : first + SUM_ROWS;
    vec part[SUM_VECTORS] = {0};
    for (size_t r = first; r < end; r++)
      for (size_t v = 0; v < vectors; v++)
        part[v] += get(x + r * ld + v * LANES, v + 1 < vectors ? LANES : tail);
    for (size_t v = 0; v < vectors; v++)
      total[v] += part[v];
  }
  for (size_t v = 0; v < vectors; v++)
    put(sum + v * LANES, total[v], v + 1 < vectors ? LANES : tail);
}

void FR__KERN_NAME(column_sum)(const float *x, size_t ld, size_t rows, size_t columns,
                               float *sum) {
  const size_t wide = SUM_VECTORS * LANES;
  size_t c = 0;
  for (; columns - c >= wide; c += wide)
    sum_columns(x + c, ld, rows, SUM_VECTORS, LANES, sum + c);
  for (; c < columns; c += LANES)
    sum_columns(x + c, ld, rows, 1, lanes_left(columns, c), sum + c);
}
