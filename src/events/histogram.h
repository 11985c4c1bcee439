/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FR_EVENTS_HISTOGRAM_H
#define FR_EVENTS_HISTOGRAM_H

#include "frugal/events.h"

typedef struct fr__histogram {
  double bucket[FR_EVENTS_BUCKETS][3]; /* left edge, right edge, count */
  size_t buckets;                      /* FR_EVENTS_BUCKETS, or 0 without a value */
  size_t left_out;                     /* values that are not finite */
} fr__histogram;

void fr__histogram_init(fr__histogram *histogram, const float *value, size_t count);

#endif
