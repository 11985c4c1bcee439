/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The motion features of one sensor in one window: names and order of ExtraSensory's
 * columns, definitions in docs/features.md. n is the number of samples of a window.
 */
#ifndef FR_DATA_FEATURE_H
#define FR_DATA_FEATURE_H

#include "data/fft.h"
#include "frugal/base.h"

#define FR__FEATURE_RATE_HZ 40.0
#define FR__FEATURES 26

/* Where each group begins among the 26. */
#define FR__FEATURE_STATS 0    /* 9: of the magnitude's values */
#define FR__FEATURE_SPECTRUM 9 /* 6: five energies, entropy */
#define FR__FEATURE_PERIOD 15  /* 2: period, value of the autocorrelation there */
#define FR__FEATURE_AXES 17    /* 9: means, deviations, correlations */

extern const char *const fr__feature_names[FR__FEATURES];

/* A sensor over a whole record, at FR__FEATURE_RATE_HZ. */
typedef struct fr__motion {
  size_t steps;
  double *axis[3];     /* (steps) each */
  double *magnitude;   /* (steps) */
  double *sum;         /* (steps + 1) of the magnitude before each step */
  double *information; /* (steps + 1) of m ln m before each step */
  size_t *missing;     /* (steps + 1) count of steps without a value before each step */
  double *owner;       /* all of the arrays of double */
} fr__motion;

/* Room for `steps` steps; the caller fills the axes, then fr__motion_prepare does the
 * rest. */
enum fr_status fr__motion_init(fr__motion *motion, size_t steps, fr_error *err);
void fr__motion_prepare(fr__motion *motion, size_t steps);
void fr__motion_release(fr__motion *motion);

/* Storage for the values of a window in the order of their size. */
typedef struct fr__ranks {
  double *value; /* (n); owned */
  uint16_t *bin; /* (n); owned */
} fr__ranks;

enum fr_status fr__ranks_init(fr__ranks *ranks, size_t n, fr_error *err);
void fr__ranks_release(fr__ranks *ranks);

/* Nine features of the magnitude in [start, start + n). */
void fr__feature_stats(const fr__motion *motion, size_t start, size_t n, fr__ranks *ranks,
                       float out[9]);

/* Nine features of the axes in [start, start + n). */
void fr__feature_axes(const fr__motion *motion, size_t start, size_t n, float out[9]);

typedef struct fr__spectrum {
  fr__fft fft;      /* n points */
  double *taper;    /* (n) Hamming window; owned */
  fr__complex *x;   /* (n); owned */
  double *power[2]; /* (n / 2 + 1) each; owned by power[0] */
} fr__spectrum;

enum fr_status fr__spectrum_init(fr__spectrum *spectrum, size_t n, fr_error *err);
void fr__spectrum_release(fr__spectrum *spectrum);

/* Six features each of two magnitudes (n), by one transform. */
void fr__feature_spectrum(fr__spectrum *spectrum, const double *a, const double *b,
                          float out_a[6], float out_b[6]);

/* Autocorrelation sums of a window that moves through a record. */
typedef struct fr__lags {
  size_t n;
  size_t count; /* lags, n / 2 */
  bool valid;   /* `sum` holds for the window at `start` */
  size_t start;
  double *sum; /* (count) of m[t] m[t + k] in the window; owned */
} fr__lags;

enum fr_status fr__lags_init(fr__lags *lags, size_t n, fr_error *err);
void fr__lags_release(fr__lags *lags);

/* Two features: period (s) and value of the highest peak after the main lobe. Fastest
 * where windows come in the order of time. */
void fr__feature_period(fr__lags *lags, const fr__motion *motion, size_t start,
                        float out[2]);

#endif
