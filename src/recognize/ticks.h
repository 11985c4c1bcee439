/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames that come at any times -> frames at the model's rate. Ticks are a period apart
 * from the first frame on. A tick near a frame is that frame; one between two of them is
 * on the line between, but for numbers of which either is missing (0, as key points that
 * were not found are, or NaN): those are the nearer frame's.
 */
#ifndef FR_RECOGNIZE_TICKS_H
#define FR_RECOGNIZE_TICKS_H

#include "frugal/base.h"

#define FR__TICK_NEAR 0.1 /* of a period */

typedef struct fr__ticks {
  size_t width;
  double period_s;
  double base_s;           /* of the first frame */
  uint64_t next;           /* tick */
  bool begun;              /* there is a frame before */
  double before_s, now_s;  /* of the last two frames */
  float *before, *now, *x; /* (width) them, and what is between; owned */
} fr__ticks;

enum fr_status fr__ticks_init(fr__ticks *ticks, size_t width, double period_s,
                              fr_error *err);
void fr__ticks_release(fr__ticks *ticks);
/* The next frame is the first. */
void fr__ticks_reset(fr__ticks *ticks);

/* A frame (width) of a time not before the last one's. */
void fr__ticks_push(fr__ticks *ticks, double t_s, const float *frame);
/* The next tick up to that frame and what was there, valid until the next call; false:
 * there is none. Ask until there is none, before the next frame. */
bool fr__ticks_next(fr__ticks *ticks, double *t_s, const float **frame);

#endif
