/* SPDX-License-Identifier: Apache-2.0 */
/* From sums to bytes, and the sums and greatest of columns, of one instruction set. */
#include "kern/int8_ops.h"
#include "kern/isa.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

/* floor(v / 2^n), without a shift of a negative number */
static int64_t shift_down(int64_t v, int32_t n) { return v >= 0 ? v >> n : ~(~v >> n); }

static int8_t scaled(const fr__int8_requantizing *s, size_t column, int32_t sum) {
  const int64_t q = shift_down((int64_t)s->mul[column] * sum + s->add[column], s->shift);
  return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

#ifdef __AVX512F__
/* Eight columns at once, from `column` on; the bytes in the lower half of the result. */
INLINE __m128i scaled_8(const fr__int8_requantizing *s, size_t column, __m256i sum) {
  const __m512i mul =
      _mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i *)(s->mul + column)));
  const __m512i add = _mm512_loadu_si512(s->add + column);
  const __m512i q =
      _mm512_add_epi64(_mm512_mul_epi32(_mm512_cvtepi32_epi64(sum), mul), add);
  return _mm512_cvtsepi64_epi8(_mm512_sra_epi64(q, _mm_cvtsi32_si128(s->shift)));
}

/* Columns that are done in eights. */
INLINE size_t eights(size_t columns) { return columns / 8 * 8; }
#endif

void FR__KERN_NAME(int8_scale)(const fr__int8_requantizing *s, const int32_t *sum,
                               size_t ld_sum) {
  for (size_t r = 0; r < s->rows; r++) {
    const int32_t *from = sum + r * ld_sum;
    int8_t *y = s->y + r * s->ld_y;
    size_t c = 0;
#ifdef __AVX512F__
    for (; c < eights(s->columns); c += 8)
      _mm_storel_epi64((__m128i *)(y + c),
                       scaled_8(s, c, _mm256_loadu_si256((const __m256i *)(from + c))));
#endif
    for (; c < s->columns; c++)
      y[c] = scaled(s, c, from[c]);
  }
}

void FR__KERN_NAME(int8_scale_bytes)(const fr__int8_requantizing *s, const int8_t *x) {
  for (size_t r = 0; r < s->rows; r++) {
    const int8_t *from = x + r * s->columns;
    int8_t *y = s->y + r * s->ld_y;
    size_t c = 0;
#ifdef __AVX512F__
    for (; c < eights(s->columns); c += 8)
      _mm_storel_epi64(
          (__m128i *)(y + c),
          scaled_8(s, c,
                   _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(from + c)))));
#endif
    for (; c < s->columns; c++)
      y[c] = scaled(s, c, from[c]);
  }
}

void FR__KERN_NAME(int8_column_sum)(const int8_t *x, size_t rows, size_t columns,
                                    int32_t *sum) {
  for (size_t c = 0; c < columns; c++)
    sum[c] = 0;
  for (size_t r = 0; r < rows; r++)
    for (size_t c = 0; c < columns; c++)
      sum[c] += x[r * columns + c];
}

void FR__KERN_NAME(int8_column_max)(const int8_t *restrict x, size_t rows, size_t columns,
                                    int8_t *restrict greatest) {
  memcpy(greatest, x, columns);
  for (size_t r = 1; r < rows; r++)
    for (size_t c = 0; c < columns; c++) {
      const int8_t here = x[r * columns + c];
      greatest[c] = here > greatest[c] ? here : greatest[c];
    }
}

/* The first `count` lanes, clamped. */
INLINE void put_bytes(int8_t *to, ivec x, size_t count) {
#ifdef __AVX512F__
  _mm_mask_storeu_epi8(to, (__mmask16)((1u << count) - 1),
                       _mm512_cvtsepi32_epi8((__m512i)x));
#else
  for (size_t lane = 0; lane < count; lane++)
    to[lane] = (int8_t)(x[lane] < -128 ? -128 : x[lane] > 127 ? 127 : x[lane]);
#endif
}

/* |x| factor, 1024 where it is more, and 0 where it is not a number; halved and
 * rounded, halves up; then the sign. */
void FR__KERN_NAME(int8_quantize)(const float *x, size_t n, float factor, int32_t zero,
                                  int8_t *y) {
  for (size_t i = 0; i < n; i += LANES) {
    const size_t count = lanes_left(n, i);
    const vec v = get(x + i, count), negative = (vec)(v < (vec){0});
    const vec size = select_lanes((ivec)negative, -v, v) * splat(factor);
    const vec held = select_lanes(size < splat(1024.0f), size, splat(1024.0f));
    const vec known = select_lanes(size == size, held, (vec){0});
    const ivec half = (__builtin_convertvector(known, ivec) + 1) >> 1;
    const ivec q = (ivec)select_lanes((ivec)negative, (vec)-half, (vec)half) + zero;
    put_bytes(y + i, q, count);
  }
}

extern const fr__products FR__KERN_NAME(int8_products);

const fr__int8_ops FR__KERN_NAME(int8) = {
#ifdef FR__KERN_VNNI
    .at_once = 4 * LANES,
#elif defined(FR__KERN_SCALAR)
    .at_once = 1,
#else
    .at_once = 2 * LANES,
#endif
    .products = &FR__KERN_NAME(int8_products),
    .packed_bytes = FR__KERN_NAME(int8_packed_bytes),
    .pack = FR__KERN_NAME(int8_pack),
    .multiply = FR__KERN_NAME(int8_multiply),
    .scale = FR__KERN_NAME(int8_scale),
    .scale_bytes = FR__KERN_NAME(int8_scale_bytes),
    .column_sum = FR__KERN_NAME(int8_column_sum),
    .column_max = FR__KERN_NAME(int8_column_max),
#ifdef __AVX512F__
    .lstm = FR__KERN_NAME(int8_lstm),
    .gru = FR__KERN_NAME(int8_gru),
#endif
    .quantize = FR__KERN_NAME(int8_quantize),
};
