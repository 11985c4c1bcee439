/* SPDX-License-Identifier: Apache-2.0 */
/* Built without contraction to fused multiply-adds, which would make other bits where
 * there are such (meson.build). */
#include "base/normal.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

enum { LANES = FR__NORMAL_LANES, BLOCK = 2 * LANES };

#define INLINE static inline __attribute__((always_inline))

void fr__normals_init(fr__normals *normals, uint64_t seed, uint64_t stream) {
  fr__rng rng;
  fr__rng_init(&rng, seed, stream);
  for (size_t k = 0; k < 4; k++)
    for (size_t i = 0; i < LANES; i += 2) {
      const uint64_t word = fr__rng_next(&rng);
      normals->s[k][i] = (uint32_t)word;
      normals->s[k][i + 1] = (uint32_t)(word >> 32);
    }
}

INLINE uint32_t rotate(uint32_t x, int k) { return (x << k) | (x >> (32 - k)); }

INLINE uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

INLINE float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* One number of every lane. */
INLINE void draw(uint32_t s[4][LANES], uint32_t *restrict out) {
  for (size_t i = 0; i < LANES; i++) {
    out[i] = rotate(s[0][i] + s[3][i], 7) + s[0][i];
    const uint32_t t = s[1][i] << 9;
    s[2][i] ^= s[0][i];
    s[3][i] ^= s[1][i];
    s[1][i] ^= s[2][i];
    s[0][i] ^= s[3][i];
    s[2][i] ^= t;
    s[3][i] = rotate(s[3][i], 11);
  }
}

/* -2 ln u of u in (0, 1]: u = 2^e m, m from sqrt(1/2) to sqrt(2), and ln m = 2 artanh r,
 * r = (m - 1) / (m + 1) (Abramowitz and Stegun 1964, 4.1.27): the next term is below 1e-7
 * of it. */
INLINE float minus_two_log(float u) {
  const uint32_t half = 0x3f3504f3u; /* sqrt(1/2) */
  const int32_t e = (int32_t)(bits_of(u) - half) >> 23;
  const float m = float_of(bits_of(u) - ((uint32_t)e << 23));
  const float r = (m - 1.0f) / (m + 1.0f), q = r * r;
  const float sum = 1.0f + q * (1 / 3.0f + q * (1 / 5.0f + q * (1 / 7.0f)));
  return -2.0f * (2.0f * r * sum + 0.693147181f * (float)e);
}

/* Of the angle of `word` 2^-32 of a turn: its quarter in the highest bits, and a in
 * [-pi/4, pi/4), where Taylor's terms are enough for 3e-8 (cosine) and 3e-9 (sine). */
INLINE void turn(uint32_t word, float *cosine, float *sine) {
  const uint32_t quarter = word >> 30;
  const float a = (float)(int32_t)(word << 2) * (1.57079633f * 0x1p-32f), q = a * a;
  const float c =
      1.0f - q * (1 / 2.0f - q * (1 / 24.0f - q * (1 / 720.0f - q * (1 / 40320.0f))));
  const float s =
      a * (1.0f -
           q * (1 / 6.0f - q * (1 / 120.0f - q * (1 / 5040.0f - q * (1 / 362880.0f)))));
  /* Odd quarters swap the two, by a mask of all bits or none. */
  const uint32_t swap = 0u - (quarter & 1);
  const uint32_t x = (bits_of(s) & swap) | (bits_of(c) & ~swap);
  const uint32_t y = (bits_of(c) & swap) | (bits_of(s) & ~swap);
  *cosine = float_of(x ^ (quarter ^ quarter >> 1) << 31);
  *sine = float_of(y ^ quarter >> 1 << 31);
}

INLINE void make_block(uint32_t s[4][LANES], float deviation, float *restrict z) {
  uint32_t first[LANES], second[LANES];
  draw(s, first);
  draw(s, second);
  for (size_t i = 0; i < LANES; i++) {
    float cosine, sine;
    const float u = (float)(int32_t)((first[i] >> 8) + 1) * 0x1p-24f;
    const float radius = deviation * sqrtf(minus_two_log(u));
    turn(second[i], &cosine, &sine);
    z[i] = radius * cosine;
    z[LANES + i] = radius * sine;
  }
}

INLINE void add(fr__normals *normals, float deviation, float *restrict x, size_t n) {
  float z[BLOCK];
  uint32_t s[4][LANES];
  memcpy(s, normals->s, sizeof s);
  for (size_t at = 0; at < n; at += BLOCK) {
    make_block(s, deviation, z);
    const size_t count = n - at < BLOCK ? n - at : BLOCK;
    if (count == BLOCK)
      for (size_t i = 0; i < BLOCK; i++)
        x[at + i] += z[i];
    else
      for (size_t i = 0; i < count; i++)
        x[at + i] += z[i];
  }
  memcpy(normals->s, s, sizeof s);
}

#if defined(__x86_64__)
#define AVX512 "avx512f,avx512bw,avx512dq,avx512vl"

/* The same operations, two and four times as many at once. */
__attribute__((target("avx2"))) static void
add_avx2(fr__normals *normals, float deviation, float *x, size_t n) {
  add(normals, deviation, x, n);
}

__attribute__((target(AVX512))) static void
add_avx512(fr__normals *normals, float deviation, float *x, size_t n) {
  add(normals, deviation, x, n);
}

static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

void fr__normals_add(fr__normals *normals, float deviation, float *x, size_t n) {
  if (has_avx512())
    add_avx512(normals, deviation, x, n);
  else if (__builtin_cpu_supports("avx2"))
    add_avx2(normals, deviation, x, n);
  else
    add(normals, deviation, x, n);
}
#else
void fr__normals_add(fr__normals *normals, float deviation, float *x, size_t n) {
  add(normals, deviation, x, n);
}
#endif
