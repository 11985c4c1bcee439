/* SPDX-License-Identifier: Apache-2.0 */
/* A step of an LSTM or a GRU in integers, sixteen units at once: nn/int8_kernels.c has
 * the same arithmetic unit by unit. */
#include "kern/int8_ops.h"
#include "kern/isa.h"

#ifdef __AVX512F__
#include <immintrin.h>

typedef __m512i wide; /* sixteen of 32 bits, or eight of 64 */

/* floor((mul over_x + mul_h over_h + add) / 2^shift) of eight gates, clamped to 16 bits.
 */
INLINE __m128i gates_8(const fr__int8_lstm_step *s, size_t j, __mmask8 mask,
                       const int32_t *over_x, const int32_t *over_h) {
  const wide x = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(mask, over_x + j));
  const wide h = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(mask, over_h + j));
  const wide m = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(mask, s->mul + j));
  const wide m_h = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(mask, s->mul_h + j));
  const wide sum =
      _mm512_add_epi64(_mm512_add_epi64(_mm512_mul_epi32(x, m), _mm512_mul_epi32(h, m_h)),
                       _mm512_maskz_loadu_epi64(mask, s->add + j));
  return _mm512_cvtsepi64_epi16(_mm512_sra_epi64(sum, _mm_cvtsi32_si128(s->shift)));
}

INLINE wide gates_16(const fr__int8_lstm_step *s, size_t j, __mmask16 mask,
                     const int32_t *over_x, const int32_t *over_h) {
  const __m128i low = gates_8(s, j, (__mmask8)mask, over_x, over_h);
  const __m128i high = gates_8(s, j + 8, (__mmask8)(mask >> 8), over_x, over_h);
  return _mm512_cvtepi16_epi32(_mm256_set_m128i(high, low));
}

/* A function of Q3.12 from its values every 1/16: both neighbours in one gather. */
INLINE wide look_up(const int16_t *table, wide x) {
  const wide at = _mm512_add_epi32(x, _mm512_set1_epi32(32768));
  const wide part = _mm512_and_si512(at, _mm512_set1_epi32(255));
  const wide two = _mm512_i32gather_epi32(_mm512_srai_epi32(at, 8), table, 2);
  const wide low = _mm512_srai_epi32(_mm512_slli_epi32(two, 16), 16);
  const wide step = _mm512_sub_epi32(_mm512_srai_epi32(two, 16), low);
  const wide rise =
      _mm512_add_epi32(_mm512_mullo_epi32(step, part), _mm512_set1_epi32(128));
  return _mm512_add_epi32(low, _mm512_srai_epi32(rise, 8));
}

INLINE wide held_16(wide x) {
  return _mm512_max_epi32(_mm512_min_epi32(x, _mm512_set1_epi32(32767)),
                          _mm512_set1_epi32(-32768));
}

/* floor((product mul_y + add_y) / 2^shift_y) of eight, clamped to bytes. */
INLINE __m128i outputs_8(const fr__int8_lstm_step *s, __m256i product) {
  const wide y = _mm512_add_epi64(
      _mm512_mul_epi32(_mm512_cvtepi32_epi64(product), _mm512_set1_epi64(s->mul_y)),
      _mm512_set1_epi64(s->add_y));
  return _mm512_cvtsepi64_epi8(_mm512_sra_epi64(y, _mm_cvtsi32_si128(s->shift_y)));
}

/* c = f c + i g, h = o tanh(c) of sixteen units from u on. */
INLINE void units_16(const fr__int8_lstm_step *s, size_t u, __mmask16 mask, wide i,
                     wide f, wide g, wide o, int16_t *cell, int8_t *h) {
  const wide before = _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask, cell + u));
  const wide kept = _mm512_mullo_epi32(f, before);
  const wide added =
      _mm512_sra_epi32(_mm512_mullo_epi32(i, g), _mm_cvtsi32_si128(s->cell));
  const wide sum =
      _mm512_add_epi32(_mm512_add_epi32(kept, added), _mm512_set1_epi32(16384));
  const wide c = held_16(_mm512_srai_epi32(sum, 15));
  const wide narrow = held_16(_mm512_sll_epi32(c, _mm_cvtsi32_si128(s->cell - 3)));
  const wide product = _mm512_mullo_epi32(o, look_up(s->tanh, narrow));
  const __m128i low = outputs_8(s, _mm512_castsi512_si256(product));
  const __m128i high = outputs_8(s, _mm512_extracti64x4_epi64(product, 1));
  _mm256_mask_storeu_epi16(cell + u, mask, _mm512_cvtepi32_epi16(c));
  _mm_mask_storeu_epi8(h + u, mask, _mm_unpacklo_epi64(low, high));
}

static void row_of_units(const fr__int8_lstm_step *s, const int32_t *over_x,
                         const int32_t *over_h, int16_t *cell, int8_t *h) {
  const size_t units = s->units;
  for (size_t u = 0; u < units; u += 16) {
    const unsigned left = (unsigned)(units - u);
    const __mmask16 mask = (__mmask16)(left < 16 ? (1u << left) - 1 : 0xffffu);
    const wide i = gates_16(s, u, mask, over_x, over_h);
    const wide f = gates_16(s, units + u, mask, over_x, over_h);
    const wide g = gates_16(s, 2 * units + u, mask, over_x, over_h);
    const wide o = gates_16(s, 3 * units + u, mask, over_x, over_h);
    units_16(s, u, mask, look_up(s->sigmoid, i), look_up(s->sigmoid, f),
             look_up(s->tanh, g), look_up(s->sigmoid, o), cell, h);
  }
}

void FR__KERN_NAME(int8_lstm)(const fr__int8_lstm_step *s) {
  for (size_t b = 0; b < s->batch; b++)
    row_of_units(s, s->over_x + b * s->ld_sum_x, s->over_h + b * s->ld_sum_h,
                 s->state + b * s->units, s->h + b * s->units);
}

/* ---- GRU ---- */

/* floor((mul sum + add) / 2^shift) of eight sums, clamped to 16 bits. */
INLINE __m128i part_8(const int32_t *sum, const int32_t *mul, const int64_t *add,
                      int32_t shift, __mmask8 mask) {
  const wide x = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(mask, sum));
  const wide m = _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(mask, mul));
  const wide v =
      _mm512_add_epi64(_mm512_mul_epi32(x, m), _mm512_maskz_loadu_epi64(mask, add));
  return _mm512_cvtsepi64_epi16(_mm512_sra_epi64(v, _mm_cvtsi32_si128(shift)));
}

INLINE wide part_16(const int32_t *sum, const int32_t *mul, const int64_t *add,
                    int32_t shift, __mmask16 mask) {
  const __m128i low = part_8(sum, mul, add, shift, (__mmask8)mask);
  const __m128i high = part_8(sum + 8, mul + 8, add + 8, shift, (__mmask8)(mask >> 8));
  return _mm512_cvtepi16_epi32(_mm256_set_m128i(high, low));
}

/* n = tanh(n_x + r n_h), state = (1 - z) n + z state of sixteen units from u on. */
INLINE void gru_16(const fr__int8_lstm_step *s, size_t u, __mmask16 mask, wide r, wide z,
                   wide n_x, wide n_h, int16_t *state, int8_t *h) {
  const wide half = _mm512_set1_epi32(16384);
  const wide reset =
      _mm512_srai_epi32(_mm512_add_epi32(_mm512_mullo_epi32(r, n_h), half), 15);
  const wide n = look_up(s->tanh, held_16(_mm512_add_epi32(n_x, reset)));
  const wide before = _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask, state + u));
  const wide fresh = _mm512_mullo_epi32(_mm512_sub_epi32(_mm512_set1_epi32(32768), z), n);
  const wide sum =
      _mm512_add_epi32(_mm512_add_epi32(fresh, _mm512_mullo_epi32(z, before)), half);
  const wide next = held_16(_mm512_srai_epi32(sum, 15));
  const __m128i low = outputs_8(s, _mm512_castsi512_si256(next));
  const __m128i high = outputs_8(s, _mm512_extracti64x4_epi64(next, 1));
  _mm256_mask_storeu_epi16(state + u, mask, _mm512_cvtepi32_epi16(next));
  _mm_mask_storeu_epi8(h + u, mask, _mm_unpacklo_epi64(low, high));
}

static void row_of_gru(const fr__int8_lstm_step *s, const int32_t *over_x,
                       const int32_t *over_h, int16_t *state, int8_t *h) {
  const size_t units = s->units;
  for (size_t u = 0; u < units; u += 16) {
    const unsigned left = (unsigned)(units - u);
    const __mmask16 mask = (__mmask16)(left < 16 ? (1u << left) - 1 : 0xffffu);
    const size_t n = 2 * units + u;
    const wide r = gates_16(s, u, mask, over_x, over_h);
    const wide z = gates_16(s, units + u, mask, over_x, over_h);
    const wide n_x = part_16(over_x + n, s->mul + n, s->add + n, s->shift, mask);
    const wide n_h = part_16(over_h + n, s->mul_h + n, s->add_h + u, s->shift, mask);
    gru_16(s, u, mask, look_up(s->sigmoid, r), look_up(s->sigmoid, z), n_x, n_h, state,
           h);
  }
}

void FR__KERN_NAME(int8_gru)(const fr__int8_lstm_step *s) {
  for (size_t b = 0; b < s->batch; b++)
    row_of_gru(s, s->over_x + b * s->ld_sum_x, s->over_h + b * s->ld_sum_h,
               s->state + b * s->units, s->h + b * s->units);
}
#endif
