/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small physical gait model: the thigh of a person swings as harmonics of the stride,
 * the body's acceleration pulses with the steps, and a phone in the trouser pocket sees
 * both from a pose of its own. Deterministic per seed; no recording went into it.
 */
#ifndef FR_DATA_WALKER_H
#define FR_DATA_WALKER_H

#include "base/rng.h"
#include "frugal/data.h"

#define FR__WALKER_RATE_HZ 50.0
#define FR__WALKER_CHANNELS 12
#define FR__WALKER_ACTIVITIES 6
#define FR__WALKER_HARMONICS 6 /* of the stride: the even ones are of the step */

/* MotionSense's, in its order. */
extern const char *const fr__walker_channels[FR__WALKER_CHANNELS];
extern const char *const fr__walker_activities[FR__WALKER_ACTIVITIES];

/* A sum of harmonics of the stride: amplitude[h] sin((h + 1) phase + shift[h]). */
typedef struct fr__wave {
  double amplitude[FR__WALKER_HARMONICS];
  double shift[FR__WALKER_HARMONICS];
} fr__wave;

/* What makes a person, drawn once. */
typedef struct fr__walker {
  double stride_hz;
  fr__wave force[3]; /* g: sideways, forward, up */
  fr__wave swing[3]; /* rad: of the thigh forward, sideways, around itself */
  double pose[3];    /* rad: how the phone sits in this person's pocket */
  double rate[FR__WALKER_ACTIVITIES]; /* factors of this person in each activity */
  double strength[FR__WALKER_ACTIVITIES];
  double lean[FR__WALKER_ACTIVITIES]; /* rad, beside the activity's own */
  double sway_hz, sway;               /* of who sits or stands; rad */
  double tremor_hz, tremor;           /* g */
  double noise_g, noise_rad_s;        /* of the phone */
} fr__walker;

void fr__walker_draw(fr__walker *walker, uint64_t seed, size_t person);

/* One trial of an activity: (steps, FR__WALKER_CHANNELS). */
void fr__walker_walk(const fr__walker *walker, size_t activity, uint64_t seed,
                     uint64_t trial, size_t steps, float *out);

#endif
