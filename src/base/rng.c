/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

void fr__rng_init(fr__rng *rng, uint64_t seed, uint64_t stream) {
  uint64_t state = seed;
  state = splitmix64(&state) ^ stream;
  for (int i = 0; i < 4; i++)
    rng->s[i] = splitmix64(&state);
}

uint64_t fr__rng_next(fr__rng *rng) {
  uint64_t *s = rng->s;
  const uint64_t result = rotate(s[1] * 5, 7) * 9;
  const uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

double fr__rng_uniform(fr__rng *rng) {
  return (double)(fr__rng_next(rng) >> 11) * 0x1p-53;
}

/* Box and Muller 1958, one of the pair: no state beside the generator's. */
double fr__rng_normal(fr__rng *rng) {
  const double two_pi = 6.283185307179586;
  const double radius = sqrt(-2.0 * log(1.0 - fr__rng_uniform(rng)));
  return radius * cos(two_pi * fr__rng_uniform(rng));
}

size_t fr__rng_below(fr__rng *rng, size_t n) {
  const uint64_t skip =
      (0 - (uint64_t)n) % n; /* 2^64 mod n: below it the residues are uneven */
  uint64_t x = fr__rng_next(rng);
  while (x < skip)
    x = fr__rng_next(rng);
  return (size_t)(x % n);
}

void fr__rng_shuffle(fr__rng *rng, size_t *x, size_t n) {
  for (size_t i = n; i > 1; i--) {
    const size_t j = fr__rng_below(rng, i);
    const size_t kept = x[i - 1];
    x[i - 1] = x[j];
    x[j] = kept;
  }
}
