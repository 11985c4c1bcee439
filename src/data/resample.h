/* SPDX-License-Identifier: Apache-2.0 */
/* Band-limited resampling of one record. */
#ifndef FR_DATA_RESAMPLE_H
#define FR_DATA_RESAMPLE_H

#include "frugal/data.h"

typedef struct fr__resampler {
  double step;    /* input steps from one output step to the next */
  size_t taps;    /* input steps that an output step is made of; even */
  size_t phases;  /* places between two input steps that the kernel is tabulated at */
  float *kernel;  /* (phases + 1, taps), each row's sum 1; owned */
  float *between; /* (taps) a row for places between two phases; owned */
} fr__resampler;

enum fr_status fr__resampler_init(fr__resampler *resampler, double from_hz, double to_hz,
                                  fr_error *err);
void fr__resampler_release(fr__resampler *resampler);

/* How many output steps lie within `steps` input steps. */
size_t fr__resampler_steps(const fr__resampler *resampler, size_t steps);

/* `in` (steps, channels) to `out` (fr__resampler_steps, channels). A value is missing
 * (NaN) where most of its neighbours are. */
void fr__resampler_run(const fr__resampler *resampler, const float *in, size_t steps,
                       size_t channels, float *out);

#endif
