/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody who signs before a camera, and what other cameras make of it. */
#ifndef TESTS_DATA_SIGNING_H
#define TESTS_DATA_SIGNING_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { STEPS = 40, MOST = 1662, CHANNELS_MOST = 400 };

/* ---- made signing ---- */

typedef struct scene {
  size_t width;
  float raw[STEPS][MOST];
} scene;

typedef struct place {
  size_t at, points, axes;
} place;

/* Pose, face, left hand, right hand as the layouts have them (data's README). */
static inline place part_of(size_t width, size_t part) {
  const place none = {0, 0, 0};
  if (width == 1662)
    return (place[]){{0, 33, 4}, {132, 468, 3}, {1536, 21, 3}, {1599, 21, 3}}[part];
  if (width == 258)
    return (place[]){{0, 33, 4}, none, {132, 21, 3}, {195, 21, 3}}[part];
  if (width == 126)
    return (place[]){none, none, {0, 21, 3}, {63, 21, 3}}[part];
  return (place[]){none, none, {0, 21, width / 21}, none}[part];
}

/*
 * Somebody who stands before the camera and moves both hands, the right one more, with
 * hands that are lost now and then; heights of the picture, 4:3.
 */
static inline void sign(scene *s, size_t width, uint64_t seed) {
  fr__rng rng;
  fr__rng_init(&rng, seed, width);
  float bend[4][468][3];
  for (size_t p = 0; p < 4; p++)
    for (size_t i = 0; i < 468; i++)
      for (size_t a = 0; a < 3; a++)
        bend[p][i][a] = (float)(2 * fr__rng_uniform(&rng) - 1);
  s->width = width;
  memset(s->raw, 0, sizeof s->raw);
  for (size_t t = 0; t < STEPS; t++)
    for (size_t p = 0; p < 4; p++) {
      const place at = part_of(width, p);
      const float phase = (float)t * 0.3f, swing = p == 3 ? 0.15f : 0.01f;
      const float cx[4] = {0.5f, 0.5f, 0.64f, 0.36f};
      const float cy[4] = {0.6f, 0.3f, 0.65f, 0.45f};
      if ((p == 2 && t % 11 == 7) || (p == 3 && t % 13 == 9))
        continue;
      for (size_t i = 0; i < at.points; i++) {
        float *v = &s->raw[t][at.at + i * at.axes];
        const float wide = p == 0 ? 0.1f : 0.05f;
        const float wave = i > 0 ? sinf(phase + (float)i) : 0;
        v[0] = cx[p] + (p > 1 ? swing * sinf(phase) : 0) +
               wide * bend[p][i][0] * (1 + 0.3f * wave);
        v[1] = cy[p] + (p > 1 ? swing * cosf(phase) : 0) +
               wide * bend[p][i][1] * (1 + 0.3f * wave);
        if (at.axes > 2)
          v[2] = 0.03f * bend[p][i][2] * (1 + 0.3f * wave);
        if (at.axes > 3)
          v[3] = i % 5 == 4 ? 0.2f : 0.9f;
      }
      if (p == 0) /* shoulders */
        for (size_t i = 0; i < 2 && at.points > 0; i++) {
          s->raw[t][at.at + (11 + i) * 4] = i == 0 ? 0.65f : 0.35f;
          s->raw[t][at.at + (11 + i) * 4 + 1] = 0.55f + (i == 0 ? 0.01f : 0);
        }
      static const size_t eye[] = {33, 263};
      if (p == 1) /* corners of the eyes */
        for (size_t i = 0; i < 2 && at.points > 0; i++) {
          s->raw[t][at.at + eye[i] * 3] = i == 0 ? 0.45f : 0.55f;
          s->raw[t][at.at + eye[i] * 3 + 1] = 0.28f;
        }
    }
}

/* ---- cameras ---- */

static inline bool is_lost(const scene *s, size_t t, place part) {
  for (size_t i = 0; i < part.points * part.axes; i++)
    if (s->raw[t][part.at + i] != 0)
      return false;
  return true;
}

/* Shares of a picture `aspect` wide: (x, y) in heights -> scale · turn by `degrees` about
 * the middle, shifted. */
static inline void film(scene *s, double aspect, double degrees, double scale,
                        double right, double down) {
  const double c = scale * cos(degrees * 3.14159265358979 / 180);
  const double n = scale * sin(degrees * 3.14159265358979 / 180);
  for (size_t t = 0; t < STEPS; t++)
    for (size_t p = 0; p < 4; p++) {
      const place at = part_of(s->width, p);
      if (is_lost(s, t, at))
        continue;
      for (size_t i = 0; i < at.points; i++) {
        float *v = &s->raw[t][at.at + i * at.axes];
        const double x = ((double)v[0] - 0.5) * aspect, y = (double)v[1] - 0.5;
        v[0] = (float)((c * x - n * y) / aspect + 0.5 + right);
        v[1] = (float)(n * x + c * y + 0.5 + down);
        if (at.axes > 2)
          v[2] = (float)(scale * (double)v[2]);
      }
    }
}

/* MediaPipe's pairs of the pose: 1-3 and 4-6 are the eyes, from 7 on left is odd. */
static inline size_t pose_twin(size_t i) {
  if (i == 0)
    return 0;
  return i < 4 ? i + 3 : i < 7 ? i - 3 : i % 2 == 1 ? i + 1 : i - 1;
}

/* Of the points of the face that these tests need (canonical face model). */
static inline size_t face_twin(size_t i) {
  static const size_t pairs[][2] = {{33, 263}, {61, 291}, {105, 334}};
  for (size_t k = 0; k < 6; k++)
    if (pairs[k / 2][k % 2] == i)
      return pairs[k / 2][1 - k % 2];
  return i;
}

/* As in a mirror: x -> 1 - x, and the person's left is the right. */
static inline void mirror(scene *s) {
  const scene *const was = memcpy(malloc(sizeof *s), s, sizeof *s);
  for (size_t t = 0; t < STEPS; t++)
    for (size_t p = 0; p < 4; p++) {
      const place to = part_of(s->width, p);
      const place from = part_of(s->width, p == 2 ? 3 : p == 3 ? 2 : p);
      for (size_t i = 0; i < to.points; i++) {
        const size_t twin = p == 0 ? pose_twin(i) : p == 1 ? face_twin(i) : i;
        const float *v = &was->raw[t][from.at + twin * from.axes];
        float *w = &s->raw[t][to.at + i * to.axes];
        memcpy(w, v, to.axes * sizeof *w);
        if (!is_lost(was, t, from))
          w[0] = 1 - w[0];
      }
    }
  free((void *)was);
}

#endif
