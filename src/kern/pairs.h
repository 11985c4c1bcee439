/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors whose lanes hold two bf16 each, of the sets that multiply such pairs. */
#ifndef FR_KERN_PAIRS_H
#define FR_KERN_PAIRS_H

#include "kern/vec.h"

#ifdef __aarch64__
#include <arm_neon.h>

/* Lane i: low[i] in the lower half, high[i] in the upper one. */
INLINE vec pairs_of(vec low, vec high) {
  const uint16x4_t l = vreinterpret_u16_bf16(vcvt_bf16_f32((float32x4_t)low));
  const uint16x4_t h = vreinterpret_u16_bf16(vcvt_bf16_f32((float32x4_t)high));
  return (vec)vcombine_u16(vzip1_u16(l, h), vzip2_u16(l, h));
}

/* The lanes of both in a row. */
INLINE vec pairs_in_row(vec first, vec second) {
  return (vec)vcombine_u16(vreinterpret_u16_bf16(vcvt_bf16_f32((float32x4_t)first)),
                           vreinterpret_u16_bf16(vcvt_bf16_f32((float32x4_t)second)));
}

/* sum + the two products of each lane; `a` holds the same pair in every lane. */
INLINE vec add_products(vec sum, int32_t a, vec b) {
  const bfloat16x8_t pairs = vreinterpretq_bf16_s32(vdupq_n_s32(a));
  return (vec)vbfdotq_f32((float32x4_t)sum, pairs,
                          vreinterpretq_bf16_f32((float32x4_t)b));
}
#else
#include <immintrin.h>

INLINE vec pairs_of(vec low, vec high) {
  const __m512i l = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)low));
  const __m512i h = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)high));
  return (vec)_mm512_or_si512(l, _mm512_slli_epi32(h, 16));
}

INLINE vec pairs_in_row(vec first, vec second) {
  return (vec)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
}

INLINE vec add_products(vec sum, int32_t a, vec b) {
  return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(a), (__m512bh)b);
}
#endif

#endif
