/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences joined into one stream of frames, as a camera that never stops gives them,
 * with what was signed when. */
#ifndef FR_DATA_JOINED_H
#define FR_DATA_JOINED_H

#include "frugal/data.h"

typedef struct fr__joined_options {
  double minutes; /* at least so many; 0 < minutes <= 1440 */
  uint64_t seed;
  bool no_signs; /* a stream in which nothing is signed */
} fr__joined_options;

typedef struct fr__joined_sign {
  uint32_t record;   /* of the data */
  size_t start, end; /* its first frame, and the first behind it */
} fr__joined_sign;

typedef struct fr__joined {
  size_t width;   /* numbers of a frame */
  double rate_hz; /* frame i is of time i / rate_hz */
  size_t frames;
  float *value; /* (frames, width); owned */
  size_t count;
  fr__joined_sign *sign; /* (count), in order of time; owned */
  size_t sources;        /* sequences that there were; each comes count / sources times,
                            rounded up or down */
} fr__joined;

/*
 * Joins the sequences of one side (windows that are whole records) of raw key points.
 * With signs: each sequence once, in random order and no sign behind itself where that
 * can be, then all again in another order until the minutes are full. Between two lies
 *   movement    0.3 to 1 s from the one's last frame to the other's first
 *   rest        hands go down, rest 0.5 to 3 s with their fingers bent, and come up
 *   absence     hands leave the picture, which is empty for 0.5 to 3 s, and come back
 * each with a chance of a third. Without signs: rest, absence, movement from a frame of
 * one sign to one of another, on and on, for 1 to 4 s, and pieces of at most a fifth of a
 * second, each of another sign than the last, for 1 to 2 s. What there is between signs
 * is not what fr__no_sign_add makes: rest has other shapes, movements another course
 * (Flash and Hogan 1985: of least jerk), and chance is drawn from another stream of the
 * seed.
 *
 * Deterministic per seed. FR_ERR_ARGUMENT where the data is no raw key points or an
 * option out of range; FR_ERR_NOT_FOUND where the side has no sequence; FR_ERR_LIMIT
 * where the stream would be larger than 4 GiB.
 */
enum fr_status fr__joined_init(fr__joined *joined, const fr_windows *windows,
                               const fr_split *split, enum fr_side side,
                               const fr__joined_options *options, fr_error *err);
void fr__joined_release(fr__joined *joined);

#endif
