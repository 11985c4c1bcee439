/* SPDX-License-Identifier: Apache-2.0 */
/* The search of spikes in a stretch of bins. */
#ifndef FR_METER_SPIKE_H
#define FR_METER_SPIKE_H

#include "frugal/power.h"

/* Samples of 0.1 s together, or one where they are longer. */
typedef struct fr__bin {
  double start_s, end_s;
  double power_w; /* mean */
  double peak_w;  /* of its samples */
} fr__bin;

#define FR__BINS 1280 /* ceiling of a stretch: 90 s of bins of 75 ms */
#define FR__SETTLE_S                                                                     \
  15 /* a rise's own length and what tells its level may be that long */

/* Room for a search; contents mean nothing between two. */
typedef struct fr__spike_work {
  double base[FR__BINS];   /* the level that rises stand on */
  double rise[FR__BINS];   /* power above it */
  double shift[FR__BINS];  /* what the level is off by */
  double sorted[FR__BINS]; /* scratch */
  bool taken[FR__BINS];    /* belongs to a candidate */
} fr__spike_work;

/* Calls `found` for the spikes among bin[0 … n), n <= FR__BINS, in order of time; without
 * their energy's accuracy. */
void fr__spike_search(const fr__bin *bin, size_t n, fr__spike_work *work,
                      void (*found)(void *self, const fr_spike *spike), void *self);

#endif
