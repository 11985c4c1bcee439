/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw frames of key points that no camera gave: between two others, at rest, leaving. x
 * grows to the right and y down as shares of the picture; a part that was not found is
 * all zeros.
 */
#ifndef FR_DATA_BODY_H
#define FR_DATA_BODY_H

#include "base/rng.h"
#include "frugal/data.h"

typedef struct fr__body_part {
  size_t at;     /* its first number in a frame */
  size_t points; /* 33 of the pose, 468 of the face, 21 of a hand */
  size_t axes;   /* x, y, then z, then visibility, as far as there are */
  bool hand;
} fr__body_part;

#define FR__BODY_PARTS 4

typedef struct fr__body {
  size_t width; /* numbers of a frame */
  size_t count;
  fr__body_part part[FR__BODY_PARTS];
} fr__body;

/* False where no layout has that width. */
bool fr__body_of(size_t width, fr__body *out);

bool fr__body_seen(const fr__body_part *part, const float *frame);

/* What lies `share` (0 to 1) of the way from one frame to another. A hand that only one
 * of them has leaves at the picture's lower edge, or comes in there. */
void fr__body_between(const fr__body *body, const float *from, const float *to,
                      double share, float *out /* (width); none of the two */);

/* Hands, and the pose's arms, down by `by` of the picture's height; a hand whose middle
 * is below the picture is not seen. */
void fr__body_lower(const fr__body *body, float *frame, double by);

/* As `lower`, so far that no hand is left. */
void fr__body_away(const fr__body *body, float *frame);

#define FR__FINGERS 5

/* Fingers of both hands, thumb first, bent: seen from before they are shorter, and their
 * points come nearer to their root, to `length` of what they were from it. */
void fr__body_bend(const fr__body *body, const double *length /* (FR__FINGERS) */,
                   float *frame);

/* Adds to the parts that are seen what the sequence's step `t` trembles: its distance
 * from the mean of itself and its neighbours, times √(3/2), which makes white noise as
 * wide as it was. */
void fr__body_tremble(const fr__body *body, const float *sequence /* (steps, width) */,
                      size_t steps, size_t t, float *frame);

/* The distance of a hand's points from where they are on average, root of the mean
 * square, in lengths of its palm (wrist to the middle finger's root): the greater one of
 * both hands; 0 where none is seen. A held shape has less than a tenth or two. */
double fr__body_movement(const fr__body *body, const float *sequence, size_t steps);

#endif
