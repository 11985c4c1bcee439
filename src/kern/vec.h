/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The widest float vector of the instruction set that this file is compiled for, on the
 * compiler's vector types: operators work lane by lane, comparisons give all ones or
 * zero.
 *
 * Tails go through the same operations as whole vectors (get and put take a count of
 * lanes), so that an element's result does not depend on its place in the array.
 */
#ifndef FR_KERN_VEC_H
#define FR_KERN_VEC_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "kern/ops.h"

#ifndef FR__KERN_ISA
#define FR__KERN_ISA baseline
#endif
#define FR__KERN_PASTE(name, isa) fr__kern_##name##_##isa
#define FR__KERN_EXPAND(name, isa) FR__KERN_PASTE(name, isa)
/* fr__kern_exp_avx512 */
#define FR__KERN_NAME(name) FR__KERN_EXPAND(name, FR__KERN_ISA)

#if defined(FR__KERN_SCALAR)
#define VEC_BYTES 4 /* plain floats */
#elif defined(__AVX512F__)
#define VEC_BYTES 64
#elif defined(__AVX2__)
#define VEC_BYTES 32
#else
#define VEC_BYTES 16 /* SSE2, NEON */
#endif
#define LANES ((size_t)VEC_BYTES / 4)
/* A loop of constant length that must be written out, so that an array of vectors becomes
 * a set of registers. */
#ifdef __clang__
#define EACH(i, n) _Pragma("clang loop unroll(full)") for (size_t i = 0; i < (n); i++)
#else
#define EACH(i, n) _Pragma("GCC unroll 16") for (size_t i = 0; i < (n); i++)
#endif
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(VEC_BYTES)));
typedef int32_t ivec __attribute__((vector_size(VEC_BYTES)));
typedef uint32_t uvec __attribute__((vector_size(VEC_BYTES)));
/* The same at any address. */
typedef float vec_any __attribute__((vector_size(VEC_BYTES), aligned(4), may_alias));

INLINE vec load(const float *from) { return *(const vec_any *)from; }

INLINE void store(float *to, vec x) { *(vec_any *)to = x; }

INLINE vec splat(float x) { return x - (vec){0}; /* exact for every x, -0 included */ }

INLINE size_t lanes_left(size_t n, size_t at) { return n - at < LANES ? n - at : LANES; }

/* The first `count` lanes, which alone are touched; the others are 0. Where there are
 * masks a tail takes hardly longer than a whole vector: memcpy, of a length that the
 * compiler does not know, is a call and a trip through memory. */
#if VEC_BYTES == 64
INLINE __mmask16 lanes_mask(size_t count) {
  return (__mmask16)((UINT32_C(1) << count) - 1);
}

INLINE vec get_tail(const float *from, size_t count) {
  return (vec)_mm512_maskz_loadu_ps(lanes_mask(count), from);
}

INLINE void put_tail(float *to, vec x, size_t count) {
  _mm512_mask_storeu_ps(to, lanes_mask(count), (__m512)x);
}
#elif VEC_BYTES == 32
INLINE __m256i lanes_mask(size_t count) {
  const ivec lane = {0, 1, 2, 3, 4, 5, 6, 7};
  return (__m256i)(lane < (int32_t)count);
}

INLINE vec get_tail(const float *from, size_t count) {
  return (vec)_mm256_maskload_ps(from, lanes_mask(count));
}

INLINE void put_tail(float *to, vec x, size_t count) {
  _mm256_maskstore_ps(to, lanes_mask(count), (__m256)x);
}
#else
INLINE vec get_tail(const float *from, size_t count) {
  vec x = {0};
  memcpy(&x, from, count * sizeof *from);
  return x;
}

INLINE void put_tail(float *to, vec x, size_t count) {
  memcpy(to, &x, count * sizeof *to);
}
#endif

INLINE vec get(const float *from, size_t count) {
  return count == LANES ? load(from) : get_tail(from, count);
}

INLINE void put(float *to, vec x, size_t count) {
  if (count == LANES)
    store(to, x);
  else
    put_tail(to, x, count);
}

/* mask ? x : y; the mask is a comparison's */
INLINE vec select_lanes(ivec mask, vec x, vec y) {
  return (vec)((mask & (ivec)x) | (~mask & (ivec)y));
}

/* A lane that is not a number stays one. */
INLINE vec clamp(vec x, float low, float high) {
  const vec l = splat(low), h = splat(high);
  x = select_lanes(x < l, l, x);
  return select_lanes(x > h, h, x);
}

#endif
