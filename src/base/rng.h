/* SPDX-License-Identifier: Apache-2.0 */
/* xoshiro256** (Blackman and Vigna 2021, ACM TOMS 47(4)), seeded by splitmix64: the same
 * seed gives the same numbers on every machine. */
#ifndef FR_BASE_RNG_H
#define FR_BASE_RNG_H

#include "frugal/base.h"

typedef struct fr__rng {
  uint64_t s[4];
} fr__rng;

/* `stream` separates independent uses of one seed (initial weights, shuffle, dropout …).
 */
void fr__rng_init(fr__rng *rng, uint64_t seed, uint64_t stream);
uint64_t fr__rng_next(fr__rng *rng);
double fr__rng_uniform(fr__rng *rng);                    /* [0, 1), 53 bits */
double fr__rng_normal(fr__rng *rng);                     /* mean 0, deviation 1 */
size_t fr__rng_below(fr__rng *rng, size_t n);            /* [0, n), unbiased; n > 0 */
void fr__rng_shuffle(fr__rng *rng, size_t *x, size_t n); /* Fisher-Yates */

#endif
