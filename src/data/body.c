/* SPDX-License-Identifier: Apache-2.0 */
#include "data/body.h"

#include <math.h>
#include <string.h>

#include "data/keypoints_state.h"

#define POSE 33
#define ELBOW 13 /* of the pose: 13 and 14 */
#define WRIST 15 /* 15 and 16; behind them, to 22, points of the hands */
#define HANDS_END 23
#define MIDDLE 9    /* of a hand: the root of the middle finger; 0 is the wrist */
#define BELOW 1.02  /* where a hand that leaves is gone */
#define MARGIN 0.02 /* below that, so that it is gone for sure */

bool fr__body_of(size_t width, fr__body *out) {
  static const char *const names[] = {"pose", "face", "left_hand", "right_hand", "hand"};
  enum fr_keypoint_layout layout;
  if (!fr_keypoint_layout_of(width, &layout))
    return false;
  *out = (fr__body){.width = width};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const fr__keypoint_place at = fr__keypoint_place_of(layout, names[i]);
    if (at.points > 0) /* hands are the third and on */
      out->part[out->count++] = (fr__body_part){at.at, at.points, at.axes, i >= 2};
  }
  return true;
}

bool fr__body_seen(const fr__body_part *part, const float *frame) {
  for (size_t i = 0; i < part->points * part->axes; i++)
    if (frame[part->at + i] != 0)
      return true;
  return false;
}

/* ---- down and out ---- */

/* Mean and least y of a part's points. */
static double mean_y(const fr__body_part *part, const float *frame, double *least) {
  double sum = 0;
  *least = INFINITY;
  for (size_t p = 0; p < part->points; p++) {
    const double y = (double)frame[part->at + p * part->axes + 1];
    sum += y;
    *least = y < *least ? y : *least;
  }
  return sum / (double)part->points;
}

static void lower_part(const fr__body_part *part, float *frame, double by) {
  double least = 0;
  for (size_t p = 0; p < part->points; p++)
    frame[part->at + p * part->axes + 1] += (float)by;
  if (mean_y(part, frame, &least) > BELOW)
    memset(frame + part->at, 0, part->points * part->axes * sizeof *frame);
}

/* Elbows half as far as what they carry. */
static void lower_arms(const fr__body_part *pose, float *frame, double by) {
  for (size_t p = ELBOW; p < HANDS_END; p++)
    frame[pose->at + p * pose->axes + 1] += (float)(p < WRIST ? by / 2 : by);
}

void fr__body_lower(const fr__body *body, float *frame, double by) {
  for (size_t i = 0; i < body->count; i++) {
    const fr__body_part *const part = &body->part[i];
    if (!fr__body_seen(part, frame))
      continue;
    if (part->hand)
      lower_part(part, frame, by);
    else if (part->points == POSE)
      lower_arms(part, frame, by);
  }
}

/* How far down a hand has to go to be gone. */
static double way_out(const fr__body_part *part, const float *frame) {
  double least = 0;
  const double y = mean_y(part, frame, &least);
  return y < BELOW ? BELOW + MARGIN - y : MARGIN;
}

void fr__body_away(const fr__body *body, float *frame) {
  double by = 0;
  for (size_t i = 0; i < body->count; i++)
    if (body->part[i].hand && fr__body_seen(&body->part[i], frame))
      by = fmax(by, way_out(&body->part[i], frame));
  fr__body_lower(body, frame, by);
}

/* ---- between ---- */

static void blend(const fr__body_part *part, const float *from, const float *to,
                  double share, float *out) {
  for (size_t i = part->at; i < part->at + part->points * part->axes; i++)
    out[i] = (float)((1 - share) * (double)from[i] + share * (double)to[i]);
}

/* A part that one frame alone has, `gone` (0 to 1) of the way out. */
static void leave(const fr__body_part *part, const float *frame, double gone,
                  float *out) {
  const size_t size = part->points * part->axes * sizeof *out;
  if (!part->hand && gone > 0.5) {
    memset(out + part->at, 0, size);
    return;
  }
  memcpy(out + part->at, frame + part->at, size);
  if (part->hand)
    lower_part(part, out, gone * way_out(part, frame));
}

void fr__body_between(const fr__body *body, const float *from, const float *to,
                      double share, float *out) {
  for (size_t i = 0; i < body->count; i++) {
    const fr__body_part *const part = &body->part[i];
    const bool had = fr__body_seen(part, from), has = fr__body_seen(part, to);
    if (had == has)
      blend(part, from, to, share, out);
    else if (had)
      leave(part, from, share, out);
    else
      leave(part, to, 1 - share, out);
  }
}

/* ---- fingers ---- */

static void bend_hand(const fr__body_part *part, const double *length, float *frame) {
  static const uint8_t root[FR__FINGERS] = {2, 5, 9, 13, 17};
  for (size_t p = 1; p < part->points; p++) {
    const size_t finger = (p - 1) / 4;
    const float *const from = frame + part->at + root[finger] * part->axes;
    float *const point = frame + part->at + p * part->axes;
    for (size_t a = 0; a < part->axes && p > root[finger]; a++)
      point[a] = from[a] + (float)length[finger] * (point[a] - from[a]);
  }
}

void fr__body_bend(const fr__body *body, const double *length, float *frame) {
  for (size_t i = 0; i < body->count; i++)
    if (body->part[i].hand && fr__body_seen(&body->part[i], frame))
      bend_hand(&body->part[i], length, frame);
}

/* ---- trembling and moving ---- */

void fr__body_tremble(const fr__body *body, const float *sequence, size_t steps, size_t t,
                      float *frame) {
  if (t == 0 || t + 1 >= steps)
    return;
  const float *const now = sequence + t * body->width;
  const float *const before = now - body->width, *const after = now + body->width;
  for (size_t i = 0; i < body->count; i++) {
    const fr__body_part *const part = &body->part[i];
    if (!fr__body_seen(part, now) || !fr__body_seen(part, before) ||
        !fr__body_seen(part, after) || !fr__body_seen(part, frame))
      continue;
    for (size_t k = part->at; k < part->at + part->points * part->axes; k++) {
      const double mean = ((double)before[k] + (double)now[k] + (double)after[k]) / 3;
      frame[k] += (float)(sqrt(1.5) * ((double)now[k] - mean));
    }
  }
}

/* x and y of one point: the sum of squares from its mean over the frames that have it. */
static double scatter(const fr__body_part *part, const float *sequence, size_t steps,
                      size_t width, size_t point) {
  double sum[2] = {0}, squares[2] = {0}, n = 0;
  for (size_t t = 0; t < steps; t++) {
    const float *const frame = sequence + t * width;
    if (!fr__body_seen(part, frame))
      continue;
    n++;
    for (size_t a = 0; a < 2; a++) {
      const double x = (double)frame[part->at + point * part->axes + a];
      sum[a] += x;
      squares[a] += x * x;
    }
  }
  return n > 0 ? squares[0] + squares[1] - (sum[0] * sum[0] + sum[1] * sum[1]) / n : 0;
}

static double hand_movement(const fr__body_part *part, const float *sequence,
                            size_t steps, size_t width) {
  double palm = 0, n = 0, sum = 0;
  for (size_t t = 0; t < steps; t++) {
    const float *const wrist = sequence + t * width + part->at;
    if (!fr__body_seen(part, sequence + t * width))
      continue;
    const float *const middle = wrist + MIDDLE * part->axes;
    palm += hypot((double)(middle[0] - wrist[0]), (double)(middle[1] - wrist[1]));
    n++;
  }
  for (size_t p = 0; p < part->points; p++)
    sum += scatter(part, sequence, steps, width, p);
  if (!(palm > 0))
    return 0;
  return sqrt(fmax(sum, 0) / (n * (double)part->points)) / (palm / n);
}

double fr__body_movement(const fr__body *body, const float *sequence, size_t steps) {
  double most = 0;
  for (size_t i = 0; i < body->count; i++)
    if (body->part[i].hand)
      most = fmax(most, hand_movement(&body->part[i], sequence, steps, body->width));
  return most;
}
