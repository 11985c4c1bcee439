/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands that sign, as MediaPipe would find them in a camera's picture: two hands of 21
 * joints in space take the shapes and ways that a sign has, by a signer's habits, and are
 * seen by a camera that stands where it stands. Deterministic per seed; no recording went
 * into it.
 */
#ifndef FR_DATA_SIGNER_H
#define FR_DATA_SIGNER_H

#include "base/rng.h"
#include "frugal/data.h"

#define FR__SIGNER_RATE_HZ 30.0
#define FR__SIGNER_JOINTS 21
#define FR__SIGNER_CHANNELS 126 /* left hand, right hand: x, y, z of each joint */
#define FR__SIGNER_FINGERS 5    /* the thumb is the first */

/* A hand at one moment. Lengths are palms: from the wrist to the middle finger's root. */
typedef struct fr__hand {
  double curl[FR__SIGNER_FINGERS]; /* 0 straight, 1 a fist */
  double spread;                   /* rad between neighbours, beside the usual */
  double turn[3];  /* rad about x (nods), y (palm away) and z (in the picture) */
  double place[3]; /* of the wrist from the chest: outward, up, towards the camera */
} fr__hand;

/* How the leading hand goes while a sign lasts. */
enum fr__way { FR__WAY_STILL, FR__WAY_LINE, FR__WAY_CIRCLE, FR__WAY_SHAKE, FR__WAYS };

/* What makes a sign, drawn once. */
typedef struct fr__sign {
  fr__hand from, to; /* of the leading hand: shape and turn change half-way */
  fr__hand other;
  bool both;  /* hands; else the other one rests */
  bool alike; /* of both: the other does what the leading one does, mirrored */
  enum fr__way way;
  double angle, reach, beats; /* of the way: rad, palms, times */
} fr__sign;

/* What makes a person and the room that they sign in, drawn once. */
typedef struct fr__signer {
  double bone[FR__SIGNER_FINGERS];        /* factors of the fingers' lengths */
  double width;                           /* of the palm, a factor */
  double curl, curls[FR__SIGNER_FINGERS]; /* habits, added */
  double turn[3];                         /* rad, added */
  double reach, speed;                    /* factors */
  bool left;                              /* the left hand leads */
  bool idle;                              /* a resting hand stays in the picture */
  double chest[2], distance; /* shares of the picture; palms from the camera */
  double roll, yaw;          /* of the camera, rad */
  double noise, shake;       /* of each point and of a hand; shares of the picture */
  double lose;               /* chance that a frame loses a hand */
} fr__signer;

void fr__sign_draw(fr__sign *sign, uint64_t seed, size_t number);
void fr__signer_draw(fr__signer *signer, uint64_t seed, size_t person);

/* One trial of a sign: (steps, FR__SIGNER_CHANNELS); a hand that was not found is 0. */
void fr__signer_sign(const fr__signer *signer, const fr__sign *sign, uint64_t seed,
                     uint64_t trial, size_t steps, float *out);

#endif
