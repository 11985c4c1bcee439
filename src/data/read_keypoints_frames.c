/* SPDX-License-Identifier: Apache-2.0 */
/* SIGN/SEQUENCE/FRAME.npy, one file a frame, and SIGN/SEQUENCE.npy. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/read_keypoints.h"

#define FRAMES_CEILING ((size_t)100000) /* of one sequence */
#define NUMBER_CEILING 1000000000u      /* of a frame's name */
#define END ".npy"

/* What a file's folders say. */
typedef struct place {
  const char *sign, *sequence;
  size_t sign_length, sequence_length;
  size_t before; /* bytes of the name in front of the sign */
} place;

/* ---- names ---- */

/* The last component of name[0, *end), which moves in front of it. */
static const char *take_last(const char *name, size_t *end, size_t *length) {
  size_t at = *end;
  while (at > 0 && name[at - 1] != '/')
    at--;
  *length = *end - at;
  *end = at > 0 ? at - 1 : 0;
  return name + at;
}

/* Sign and sequence of name[0, end); false where there are not both. */
static bool parse_place(const char *name, size_t end, place *out) {
  out->sequence = take_last(name, &end, &out->sequence_length);
  out->sign = take_last(name, &end, &out->sign_length);
  out->before = end;
  return out->sign_length > 0 && out->sequence_length > 0 && out->sign < out->sequence;
}

/* The digits that a stem ends in: 12 of "12.npy" and "frame_12.npy". */
static bool parse_number(const char *stem, size_t length, uint32_t *out) {
  size_t from = length;
  uint64_t value = 0;
  while (from > 0 && stem[from - 1] >= '0' && stem[from - 1] <= '9')
    from--;
  for (size_t i = from; i < length && value < NUMBER_CEILING; i++)
    value = value * 10 + (uint64_t)(stem[i] - '0');
  *out = (uint32_t)value;
  return from < length && value < NUMBER_CEILING;
}

static enum fr_status name_record(fr__gestures *g, const char *name, const place *at,
                                  fr_record *about, fr_error *err) {
  fr__who who;
  const fr__gesture what = {&who, at->sign, at->sign_length, at->sequence,
                            at->sequence_length};
  const enum fr_status status = fr__who_by_folder(g, name, at->before, &who, err);
  return status == FR_OK ? fr__gestures_about(g, &what, about, err) : status;
}

/* ---- one file a frame ---- */

static enum fr_status grow(fr__sequence *s, size_t width, fr_error *err) {
  if (s->count < s->capacity)
    return FR_OK;
  if (s->count >= FRAMES_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "%s: more than %zu frames", s->folder,
                    FRAMES_CEILING);
  const size_t capacity = s->capacity == 0 ? 64 : 2 * s->capacity;
  float *const frame = realloc(s->frame, capacity * width * sizeof *frame);
  if (frame != NULL)
    s->frame = frame;
  uint32_t *const number = realloc(s->number, capacity * sizeof *number);
  if (number != NULL)
    s->number = number;
  if (frame == NULL || number == NULL)
    return fr__fail_memory(err, "frames");
  s->capacity = capacity;
  return FR_OK;
}

/* From the lowest number of a frame to the highest. */
static enum fr_status measure(const fr__sequence *s, uint32_t *first, size_t *steps,
                              fr_error *err) {
  uint32_t low = s->number[0], high = s->number[0];
  for (size_t i = 1; i < s->count; i++) {
    low = s->number[i] < low ? s->number[i] : low;
    high = s->number[i] > high ? s->number[i] : high;
  }
  *first = low;
  *steps = (size_t)(high - low) + 1;
  if (*steps > 2 * s->count)
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s: of frames %u to %u more are missing than there", s->folder, low,
                    high);
  return FR_OK;
}

/* Frames where their numbers put them; nothing is found in one that is missing. */
static enum fr_status place_frames(const fr__sequence *s, size_t width, uint32_t first,
                                   size_t steps, float *out, fr_error *err) {
  bool *const seen = calloc(steps, sizeof *seen);
  if (seen == NULL)
    return fr__fail_memory(err, "frames");
  memset(out, 0, steps * width * sizeof *out);
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < s->count && status == FR_OK; i++) {
    const size_t at = s->number[i] - first;
    if (seen[at])
      status = fr__fail(err, FR_ERR_FORMAT, "%s: frame %u is there twice", s->folder,
                        s->number[i]);
    seen[at] = true;
    memcpy(out + at * width, s->frame + i * width, width * sizeof *out);
  }
  free(seen);
  return status;
}

static enum fr_status add_sequence(fr__gestures *g, fr_error *err) {
  const fr__sequence *const s = &g->open;
  uint32_t first = 0;
  fr_record about = s->about;
  enum fr_status status = measure(s, &first, &about.steps, err);
  if (status != FR_OK)
    return status;
  float *const room = fr__builder_room(&g->builder, about.steps, err);
  if (room == NULL)
    return FR_ERR_MEMORY;
  status = place_frames(s, g->width, first, about.steps, room, err);
  return status == FR_OK ? fr__builder_add(&g->builder, &about, NULL, err) : status;
}

enum fr_status fr__gestures_end(fr__gestures *g, fr_error *err) {
  const enum fr_status status = g->open.count > 0 ? add_sequence(g, err) : FR_OK;
  free(g->open.folder);
  g->open.folder = NULL;
  g->open.count = 0;
  return status;
}

void fr__gestures_release_frames(fr__gestures *g) {
  free(g->open.folder);
  free(g->open.frame);
  free(g->open.number);
  g->open = (fr__sequence){0};
}

/* The sequence in name[0, end), which is another one than was read so far. */
static enum fr_status begin_sequence(fr__gestures *g, const char *name, size_t end,
                                     fr_error *err) {
  place at;
  enum fr_status status = fr__gestures_end(g, err);
  if (status != FR_OK)
    return status;
  if (!parse_place(name, end, &at))
    return fr__fail(err, FR_ERR_FORMAT, "%s is not SIGN/SEQUENCE/FRAME" END, name);
  g->open.folder = strndup(name, end);
  if (g->open.folder == NULL)
    return fr__fail_memory(err, "a sequence");
  g->open.about = (fr_record){0};
  g->open.wanted = fr__gestures_want(g, at.sign, at.sign_length);
  g->records++;
  return g->open.wanted ? name_record(g, name, &at, &g->open.about, err) : FR_OK;
}

enum fr_status fr__gestures_frame(fr__gestures *g, const char *name, const fr__npy *npy,
                                  fr_error *err) {
  fr__sequence *const s = &g->open;
  uint32_t number = 0;
  size_t end = strlen(name) - strlen(END), length = 0;
  const char *const stem = take_last(name, &end, &length);
  enum fr_status status = fr__gestures_width(g, name, npy->count, err);
  if (status == FR_OK &&
      (s->folder == NULL || strncmp(s->folder, name, end) != 0 || s->folder[end] != '\0'))
    status = begin_sequence(g, name, end, err);
  if (status != FR_OK || !s->wanted)
    return status;
  if (!parse_number(stem, length, &number))
    return fr__fail(err, FR_ERR_FORMAT, "%s: its name does not end in a frame's number",
                    name);
  status = grow(s, g->width, err);
  if (status == FR_OK)
    status = fr__npy_read(npy, 0, npy->count, s->frame + s->count * g->width, err);
  if (status == FR_OK)
    s->number[s->count++] = number;
  return status;
}

/* ---- one file a sequence ---- */

enum fr_status fr__gestures_sequence(fr__gestures *g, const char *name,
                                     const fr__npy *npy, fr_error *err) {
  place at;
  fr_record about = {.steps = npy->shape[0]};
  enum fr_status status = fr__gestures_end(g, err);
  if (status != FR_OK)
    return status;
  if (!parse_place(name, strlen(name) - strlen(END), &at))
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s is not SIGN/SEQUENCE" END ", and no index is beside it", name);
  g->records++;
  if (!fr__gestures_want(g, at.sign, at.sign_length))
    return FR_OK;
  if (npy->count == 0)
    return fr__fail(err, FR_ERR_FORMAT, "%s: it has no frames", name);
  status = fr__gestures_width(g, name, npy->shape[1], err);
  if (status == FR_OK)
    status = name_record(g, name, &at, &about, err);
  if (status != FR_OK)
    return status;
  float *const room = fr__builder_room(&g->builder, about.steps, err);
  if (room == NULL)
    return FR_ERR_MEMORY;
  status = fr__npy_read(npy, 0, npy->count, room, err);
  return status == FR_OK ? fr__builder_add(&g->builder, &about, NULL, err) : status;
}
