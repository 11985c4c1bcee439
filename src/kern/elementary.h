/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exp, sigmoid and tanh of a vector. All three rest on e^x = 2^n e^r, n = round(x / ln
 * 2), |r| <= ln 2 / 2, and on a polynomial for e^r - 1. A lane that is not a number stays
 * one.
 */
#ifndef FR_KERN_ELEMENTARY_H
#define FR_KERN_ELEMENTARY_H

#include "kern/vec.h"

typedef struct reduced {
  ivec n;
  vec r;
} reduced;

INLINE reduced reduce(vec x) {
  const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
  const vec t = x * 1.44269504f + magic;
  const vec n = t - magic;
  /* ln 2 in two pieces (Cody and Waite 1980): 355/512 has 9 bits, so n times it is exact.
   */
  const vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  return (reduced){(ivec)t - (ivec)splat(magic), r};
}

/*
 * e^r - 1 = r + r^2 q(r) on |r| <= ln 2 / 2, where q interpolates (e^r - 1 - r) / r^2 at
 * the five Chebyshev points: relative error of e^r - 1 below 2.4e-8 before rounding.
 */
INLINE vec exp_minus_one(vec r) {
  vec q = r * 0.00139261759f + 0.00836317334f;
  q = q * r + 0.0416665561f;
  q = q * r + 0.166665778f;
  q = q * r + 0.5f;
  return q * r * r + r;
}

/* 2^n, -127 < n < 128 */
INLINE vec power_of_two(ivec n) { return (vec)(((uvec)n + 127u) << 23); }

/* 0 below the smallest subnormal, infinite above the largest float. */
INLINE vec vec_exp(vec x) {
  const reduced z = reduce(clamp(x, -104.0f, 89.0f));
  const ivec half =
      z.n >> 1; /* in two factors, for 2^n itself may not be a normal float */
  return (exp_minus_one(z.r) + 1.0f) * power_of_two(half) * power_of_two(z.n - half);
}

/* e^x on -87 <= x < 88.9, infinite from 88.4 on: where 2^n needs no care. */
INLINE vec exp_in_range(vec x) {
  const reduced z = reduce(x);
  return (exp_minus_one(z.r) + 1.0f) * power_of_two(z.n);
}

/* 1 / (1 + e^-x); 0 below -88.4, where it is no normal float. */
INLINE vec vec_sigmoid(vec x) {
  return 1.0f / (1.0f + exp_in_range(clamp(-x, -87.0f, 88.8f)));
}

/* e^2x - 1, of |x| as 9.1 where it is larger: without cancellation near 0, where n = 0.
 */
INLINE vec exp_2x_minus_one(vec x) {
  const reduced z = reduce(clamp(x, -9.1f, 9.1f) * 2.0f);
  const vec scale = power_of_two(z.n);
  return scale * exp_minus_one(z.r) + (scale - 1.0f);
}

/* e / (e + 2), e = e^2x - 1: it is 1 from 9.02 on. */
INLINE vec vec_tanh(vec x) {
  const vec e = exp_2x_minus_one(x);
  return e / (e + 2.0f);
}

/* 1 + e^-x, the denominator of a sigmoid; |x| beyond 43 counts as 43 (a sigmoid of
 * 2e-19), so that the product of two is finite. */
INLINE vec sigmoid_denominator(vec x) {
  return 1.0f + exp_in_range(clamp(-x, -43.0f, 43.0f));
}

#endif
