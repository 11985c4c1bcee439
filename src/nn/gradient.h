/* SPDX-License-Identifier: Apache-2.0 */
/* Passes over a gradient: how long is it, hold it down. Plain loops of
 * which any compiler makes vectors; the order of sums is fixed, so that the bits are the
 * same everywhere. */
#ifndef FR_NN_GRADIENT_H
#define FR_NN_GRADIENT_H

#include "frugal/base.h"

/* Σ x², in double: not finite where a number is not, and never else. */
double fr__square_sum(const float *x, size_t n);

/* Each number of x is held to [-limit, limit]. */
void fr__clip_values(float *x, float limit, size_t n);

/* x times factor. */
void fr__scale_values(float *x, float factor, size_t n);

#endif
