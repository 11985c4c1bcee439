/* SPDX-License-Identifier: Apache-2.0 */
/* Copies a panel of B so that the inner kernel reads it in one straight run. */
#include "kern/isa.h"

#if VEC_BYTES >= 16
typedef float four __attribute__((vector_size(16)));
typedef float four_any __attribute__((vector_size(16), aligned(4), may_alias));

/* Four columns of B, stored as rows `ld` apart, to rows of `to`, `width` apart. */
INLINE void transpose_4x4(const float *from, size_t ld, float *to, size_t width) {
  const four a = *(const four_any *)from;
  const four b = *(const four_any *)(from + ld);
  const four c = *(const four_any *)(from + 2 * ld);
  const four d = *(const four_any *)(from + 3 * ld);
  const four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const four cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const four cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  *(four_any *)to = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  *(four_any *)(to + width) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  *(four_any *)(to + 2 * width) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  *(four_any *)(to + 3 * width) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* The columns that come in fours; returns how many they are. */
static size_t transpose_fours(const float *b, size_t ld, size_t depth, size_t count,
                              size_t width, float *to) {
  size_t c = 0;
  for (; c + 4 <= count; c += 4) {
    size_t p = 0;
    for (; p + 4 <= depth; p += 4)
      transpose_4x4(b + c * ld + p, ld, to + p * width + c, width);
    for (; p < depth; p++)
      for (size_t i = c; i < c + 4; i++)
        to[p * width + i] = b[i * ld + p];
  }
  return c;
}
#endif

/* `b` (count, depth), rows ld apart, to `to` (depth, width). */
static void pack_transposed(const float *b, size_t ld, size_t depth, size_t count,
                            size_t width, float *to) {
  size_t c = 0;
#if VEC_BYTES >= 16
  c = transpose_fours(b, ld, depth, count, width, to);
#endif
  for (; c < width; c++)
    for (size_t p = 0; p < depth; p++)
      to[p * width + c] = c < count ? b[c * ld + p] : 0.0f;
}

/* `b` (depth, count), rows ld apart, to `to` (depth, width); width is 1 or 2 vectors. */
static void pack_rows(const float *b, size_t ld, size_t depth, size_t count, size_t width,
                      float *to) {
  for (size_t p = 0; p < depth; p++)
    for (size_t c = 0; c < width; c += LANES)
      store(to + p * width + c, get(b + p * ld + c, lanes_left(count, c)));
}

void fr__kern_pack(const fr__gemm *g, const float *b, size_t row, size_t depth,
                   size_t column, size_t count, size_t width, float *to) {
  if (g->trans_b)
    pack_transposed(b + column * g->ldb + row, g->ldb, depth, count, width, to);
  else
    pack_rows(b + row * g->ldb + column, g->ldb, depth, count, width, to);
}
