/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of sysfs that may have a sign: currents, and what is computed from them. */
#ifndef FR_METER_SIGNED_H
#define FR_METER_SIGNED_H

#include "meter/world.h"

/* A whole number that fills the first line; 0 or errno (EINVAL: it is none, ERANGE: its
 * size is above 10^15, which no reading in micro-units has). */
int fr__channel_signed(fr__channel *channel, int64_t *out);

#endif
