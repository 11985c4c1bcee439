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
  15                   /* a rise's own length and what tells its level may be that long */
#define FR__SPIKES 512 /* ceiling of a stretch: one is three bins with a gap of two */

typedef struct fr__noise {
  double deviation_w;
  double memory; /* correlation from bin to bin */
} fr__noise;

/* Room for a search; contents mean nothing between two. */
typedef struct fr__spike_work {
  double base[FR__BINS];   /* the level that rises stand on */
  double rise[FR__BINS];   /* power above it */
  double shift[FR__BINS];  /* what the level is off by */
  double sorted[FR__BINS]; /* scratch */
  size_t queue[FR__BINS];  /* scratch */
  bool taken[FR__BINS];    /* belongs to a candidate */
  fr_spike spike[FR__SPIKES];
  size_t spikes;
} fr__spike_work;

/* Calls `found` for the spikes among bin[0 … n), n <= FR__BINS, in order of time; without
 * their energy's accuracy. */
void fr__spike_search(const fr__bin *bin, size_t n, fr__spike_work *work,
                      void (*found)(void *self, const fr_spike *spike), void *self);

/* ---- the level (spike_level.c) ---- */

/* base: what windows of window_s stay above for all but `rank` of their time; rise: what
 * is above it. Needs n > 0, as all of these. */
void fr__spike_level(const fr__bin *bin, size_t n, double window_s, double rank,
                     fr__spike_work *work);

/*
 * Takes off all rises their median, or, where spikes fill more than half of the time
 * (*crowded), the value that `share` of them is closest together around. Returns a first
 * deviation, 1.4826 median |x| of those below it, where no spikes are.
 */
double fr__spike_centre_all(fr__spike_work *work, size_t n, double share, bool *crowded);

/* Takes the median of the rises around each bin, of bins that no candidate took, off
 * them: what is left of drift. Where there is none it stays what it was before. */
void fr__spike_centre(fr__spike_work *work, size_t n, double span);

/*
 * The deviation of bins that no candidate took: 1.4826 median |x|, which is that of a
 * normal distribution (Hampel 1974), or what those below the level make it, cut at four
 * of them: noise with heavy tails reaches further than its middle tells, and below the
 * level there are no spikes.
 */
fr__noise fr__spike_noise(fr__spike_work *work, size_t n);

/* Deviation of means of k bins: AR(1) noise of correlation r from one to the next. */
double fr__spike_deviation_of_mean(fr__noise of, double k);

double fr__spike_rank(double *x, size_t n, size_t rank); /* rank < n; reorders x */
double fr__spike_median(double *x, size_t n);            /* n > 0; reorders x */
double fr__spike_span_s(const fr__bin *bin, size_t n);
size_t fr__spike_bins_of(double seconds, double span); /* 1 … FR__BINS */

#endif
