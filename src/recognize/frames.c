/* SPDX-License-Identifier: Apache-2.0 */
#include "recognize/frames.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "recognize/frame_json.h"

enum fr_status fr__frames_init(fr__frames *frames, enum fr__frame_format format,
                               size_t width,
                               ptrdiff_t (*read)(void *self, void *to, size_t room),
                               void *self, fr_error *err) {
  *frames = (fr__frames){.read = read, .self = self, .format = format, .width = width};
  if (width == 0 || width > FR__FRAME_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "a frame has 1 to %zu numbers, not %zu",
                    FR__FRAME_CEILING, width);
  frames->room = FR__FRAME_LINE_CEILING;
  frames->bytes = malloc(frames->room);
  return frames->bytes ? FR_OK : fr__fail_memory(err, "a line");
}

void fr__frames_release(fr__frames *frames) {
  free(frames->bytes);
  *frames = (fr__frames){0};
}

/* ---- bytes ---- */

/* More of them behind those that are there; there is room. */
static enum fr_status fill(fr__frames *f, fr_error *err) {
  if (f->at > 0 && f->end == f->room) {
    memmove(f->bytes, f->bytes + f->at, f->end - f->at);
    f->end -= f->at;
    f->at = 0;
  }
  const ptrdiff_t got = f->read(f->self, f->bytes + f->end, f->room - f->end);
  if (got < 0)
    return fr__fail_errno(err, (int)-got, "frames cannot be read");
  f->ended = got == 0;
  f->end += (size_t)got;
  return FR_OK;
}

/* ---- lines ---- */

/* Throws away what is there of a line without an end, and what still comes of it. */
static enum fr_status pass_over(fr__frames *f, fr_error *err) {
  for (;;) {
    const char *end = memchr(f->bytes + f->at, '\n', f->end - f->at);
    if (end || f->ended) {
      f->at = end ? (size_t)(end - f->bytes) + 1 : f->end;
      return fr__fail(err, FR_ERR_LIMIT, "line %llu is longer than %zu bytes",
                      (unsigned long long)f->number, f->room);
    }
    f->at = f->end = 0;
    const enum fr_status status = fill(f, err);
    if (status != FR_OK)
      return status;
  }
}

/* The next line, which may be empty. */
static enum fr_status wait_line(fr__frames *f, const char **text, size_t *size,
                                fr_error *err) {
  size_t looked = 0; /* bytes of it that hold no end */
  for (;;) {
    const size_t there = f->end - f->at;
    const char *end = memchr(f->bytes + f->at + looked, '\n', there - looked);
    if (end || f->ended) {
      *text = f->bytes + f->at;
      *size = end ? (size_t)(end - *text) : there;
      f->at += *size + (end ? 1 : 0);
      f->number++;
      return FR_OK;
    }
    if (there == f->room) {
      f->number++;
      return pass_over(f, err);
    }
    looked = there;
    const enum fr_status status = fill(f, err);
    if (status != FR_OK)
      return status;
  }
}

static bool is_empty(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
      return false;
  return true;
}

static enum fr_status wait_json(fr__frames *f, const char **text, size_t *size,
                                bool *more, fr_error *err) {
  enum fr_status status;
  do {
    status = wait_line(f, text, size, err);
    *more = status == FR_OK && !(f->ended && f->at == f->end && is_empty(*text, *size));
  } while (status == FR_OK && *more && is_empty(*text, *size));
  return status;
}

/* ---- raw ---- */

static enum fr_status wait_raw(fr__frames *f, const char **text, size_t *size, bool *more,
                               fr_error *err) {
  *size = f->width * sizeof(float);
  while (f->end - f->at < *size && !f->ended) {
    const enum fr_status status = fill(f, err);
    if (status != FR_OK)
      return status;
  }
  const size_t there = f->end - f->at;
  *more = there >= *size;
  if (there == 0)
    return FR_OK;
  f->number++;
  *text = f->bytes + f->at;
  f->at += *more ? *size : there;
  if (*more)
    return FR_OK;
  return fr__fail(err, FR_ERR_FORMAT,
                  "frame %llu ends after %zu of its %zu bytes: is it float32, %zu "
                  "numbers each?",
                  (unsigned long long)f->number, there, *size, f->width);
}

enum fr_status fr__frames_wait(fr__frames *frames, const char **text, size_t *size,
                               bool *more, fr_error *err) {
  *more = false;
  return frames->format == FR__FRAME_RAW ? wait_raw(frames, text, size, more, err)
                                         : wait_json(frames, text, size, more, err);
}

/* ---- one frame ---- */

/* The first frame decides; a time that is told must not go back. */
static enum fr_status check_time(fr__frames *f, double t_s, fr_error *err) {
  const unsigned long long line = f->number;
  const bool told = !isnan(t_s);
  if (f->begun && told != f->timed)
    return fr__fail(err, FR_ERR_FORMAT,
                    told ? "line %llu tells its time, those before did not"
                         : "line %llu does not tell its time, those before did",
                    line);
  if (f->begun && told && t_s < f->t_s)
    return fr__fail(err, FR_ERR_FORMAT,
                    "line %llu: its time, %.17g s, is before %.17g s of the frame before",
                    line, t_s, f->t_s);
  f->begun = true;
  f->timed = told;
  f->t_s = t_s;
  return FR_OK;
}

enum fr_status fr__frames_parse(fr__frames *frames, const char *text, size_t size,
                                float *frame, double *t_s, fr_error *err) {
  *t_s = NAN;
  if (frames->format == FR__FRAME_RAW) {
    memcpy(frame, text, size);
    return FR_OK;
  }
  char why[160];
  if (!fr__frame_json(text, size, frames->width, frame, t_s, why, sizeof why))
    return fr__fail(err, FR_ERR_FORMAT, "line %llu: %s",
                    (unsigned long long)frames->number, why);
  return check_time(frames, *t_s, err);
}
