/* SPDX-License-Identifier: Apache-2.0 */
/* What the bounds of energies have in common. */
#ifndef FR_METER_UNCERTAINTY_H
#define FR_METER_UNCERTAINTY_H

#include "frugal/power.h"

/* Where the truth lies as seen from the value: around it by `shift`, at most `half` from
 * there (95 %). */
typedef struct fr__deviation {
  double shift_j;
  double half_j;
} fr__deviation;

/* The edges of a run: update period, offset and quantum. */
fr__deviation fr__bounds_edges(const fr_bounds *bounds);

/* Edges, what was bridged and what lies between samples: all but the sensor's relative
 * error and the model's band. */
fr__deviation fr__bounds_random(const fr_bounds *bounds);

#endif
