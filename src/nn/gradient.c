/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/gradient.h"

/* Sums that grow side by side, so that none waits for another. */
enum { LANES = 8 };

double fr__square_sum(const float *x, size_t n) {
  double part[LANES] = {0}, sum = 0;
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (size_t lane = 0; lane < LANES; lane++)
      part[lane] += (double)x[i + lane] * (double)x[i + lane];
  for (; i < n; i++)
    sum += (double)x[i] * (double)x[i];
  for (size_t lane = 0; lane < LANES; lane++)
    sum += part[lane];
  return sum;
}

void fr__clip_values(float *x, float limit, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const float held = x[i] < limit ? x[i] : limit;
    x[i] = held > -limit ? held : -limit;
  }
}

void fr__scale_values(float *x, float factor, size_t n) {
  for (size_t i = 0; i < n; i++)
    x[i] *= factor;
}
