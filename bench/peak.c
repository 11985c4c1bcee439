/* SPDX-License-Identifier: Apache-2.0 */
#include "peak.h"

#include "kern/vec.h"

/* Independent sums: more than latency times units (4 x 2 on today's cores), and few
 * enough for 16 registers. */
#define SUMS 12

double FR__KERN_NAME(peak)(size_t rounds, float *result) {
  vec sum[SUMS];
  const vec x = splat(*result), y = splat(1.0f - *result);
  for (size_t i = 0; i < SUMS; i++)
    sum[i] = splat((float)i);
  for (size_t r = 0; r < rounds; r++)
    EACH(i, SUMS)
      sum[i] = sum[i] * x + y;
  for (size_t i = 1; i < SUMS; i++)
    sum[0] += sum[i];
  *result = sum[0][0];
  return 2.0 * (double)(rounds * SUMS * LANES);
}
