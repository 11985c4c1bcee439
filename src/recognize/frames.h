/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames out of a stream of bytes, each as soon as it is there: lines of JSON, an array
 * of numbers or {"t": seconds, "frame": [...]}, or raw float32 in the machine's order.
 */
#ifndef FR_RECOGNIZE_FRAMES_H
#define FR_RECOGNIZE_FRAMES_H

#include "frugal/base.h"

#define FR__FRAME_LINE_CEILING ((size_t)1 << 20) /* bytes */
#define FR__FRAME_CEILING ((size_t)1 << 16)      /* numbers of a frame */
#define FR__FRAME_DEPTH 32                       /* of values that are passed over */

enum fr__frame_format { FR__FRAME_JSON, FR__FRAME_RAW };

typedef struct fr__frames {
  /* Up to `room` bytes into `to`, at least one: waits for them. 0: the end; negative: an
   * errno, negated. */
  ptrdiff_t (*read)(void *self, void *to, size_t room);
  void *self;
  enum fr__frame_format format;
  size_t width;    /* numbers of a frame */
  uint64_t number; /* of the line, raw of the frame, that was read last; the first is 1 */
  double t_s;      /* of the last frame that told one */
  bool timed;      /* frames tell their times, which the first one decides */
  bool begun;      /* there was a first one */
  char *bytes;     /* (room); owned */
  size_t room, at, end;
  bool ended;
} fr__frames;

/* FR_ERR_LIMIT where the width passes FR__FRAME_CEILING. */
enum fr_status fr__frames_init(fr__frames *frames, enum fr__frame_format format,
                               size_t width,
                               ptrdiff_t (*read)(void *self, void *to, size_t room),
                               void *self, fr_error *err);
void fr__frames_release(fr__frames *frames);

/*
 * Waits until a frame's bytes are there: a line, without its end, into *text (valid until
 * the next call; empty ones are passed over), or the frame as it is. *more is false at
 * the end. FR_ERR_LIMIT: a line that is too long; FR_ERR_FORMAT: bytes that end within a
 * raw frame; after either the next call goes on behind it. FR_ERR_IO.
 */
enum fr_status fr__frames_wait(fr__frames *frames, const char **text, size_t *size,
                               bool *more, fr_error *err);

/* What fr__frames_wait gave into frame (width); *t_s is NaN where no times are told. null
 * is a missing number, NaN. FR_ERR_FORMAT, with the line's number, where it is no frame
 * of that width, or its time goes back. */
enum fr_status fr__frames_parse(fr__frames *frames, const char *text, size_t size,
                                float *frame, double *t_s, fr_error *err);

#endif
