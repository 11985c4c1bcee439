/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normal numbers by the million: 16 generators side by side, xoshiro128++ (Blackman and
 * Vigna 2021), and of each two numbers a pair by Box and Muller (1958), in operations
 * that compilers do for several at once. The same seed gives the same bits on all x86
 * machines.
 */
#ifndef FR_BASE_NORMAL_H
#define FR_BASE_NORMAL_H

#include "frugal/base.h"

#define FR__NORMAL_LANES 16

typedef struct fr__normals {
  uint32_t s[4][FR__NORMAL_LANES];
} fr__normals;

void fr__normals_init(fr__normals *normals, uint64_t seed, uint64_t stream);

/* x[i] += deviation z_i, z_i of mean 0 and deviation 1, |z_i| < 5.8. What is left of the
 * last 32 of them is dropped. */
void fr__normals_add(fr__normals *normals, float deviation, float *x, size_t n);

#endif
