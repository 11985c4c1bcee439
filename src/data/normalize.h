/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the normaliser share. */
#ifndef FR_DATA_NORMALIZE_H
#define FR_DATA_NORMALIZE_H

#include "frugal/data.h"

/* Steps that training windows cover, each once. */
typedef struct fr__training {
  const fr_windows *windows;
  const fr_split *split;
} fr__training;

/* Calls `row` with the (channels) of each, in the order of the recordings. */
void fr__training_each(const fr__training *training,
                       void (*row)(void *self, const float *values), void *self);

/* Whether a spread around `middle` is but rounding: the channel is constant. */
bool fr__is_constant(double spread, double middle);

/*
 * Lower quartile, median and upper quartile (channels, 3) of each channel, linear between
 * the two values that stand around it (NumPy's default; definition 7 of Hyndman and Fan
 * 1996, Sample Quantiles in Statistical Packages); exact, and nothing is copied. NaN
 * where a channel has no value.
 */
enum fr_status fr__quartiles(const fr__training *training, double *quartiles,
                             fr_error *err);

#endif
