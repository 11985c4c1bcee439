/* SPDX-License-Identifier: Apache-2.0 */
#include "data/joined.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/body.h"

#define STREAM_JOINED 0x6a6f696e6564u /* of the seed: "joined" */
#define MINUTES_CEILING 1440.0
#define BYTES_CEILING ((size_t)1 << 32)
/* More than what is appended at once, but for a sequence: seconds, and frames of what is
 * rounded up. */
#define SLACK_S 20.0
#define SLACK 64
#define PI 3.14159265358979323846

#define LEAST_PAUSE_S 0.5
#define MOST_PAUSE_S 3.0
#define PIECE_S 0.2 /* of a sign that is none */

typedef struct joiner {
  const fr_dataset *data;
  fr__body body;
  fr__rng rng;
  double rate_hz;
  uint32_t *source; /* (sources) records; owned */
  size_t sources;
  fr__joined *out;
  size_t capacity;      /* frames of out->value */
  size_t sign_capacity; /* of out->sign */
  float *rest;          /* (width) a frame in the making; owned */
} joiner;

/* ---- draws ---- */

static double draw(joiner *j, double low, double high) {
  return low + (high - low) * fr__rng_uniform(&j->rng);
}

static size_t frames_of(const joiner *j, double seconds) {
  const size_t n = (size_t)(seconds * j->rate_hz + 0.5);
  return n > 0 ? n : 1;
}

static const fr_record *draw_record(joiner *j) {
  return &j->data->record[j->source[fr__rng_below(&j->rng, j->sources)]];
}

static const float *draw_frame(joiner *j, const fr_record *r) {
  return r->values + fr__rng_below(&j->rng, r->steps) * j->body.width;
}

/* One of another sign, where there is one. */
static const fr_record *draw_other(joiner *j, const fr_record *r) {
  const size_t from = fr__rng_below(&j->rng, j->sources);
  for (size_t i = 0; i < j->sources; i++) {
    const fr_record *const other = &j->data->record[j->source[(from + i) % j->sources]];
    if (other->activity != r->activity)
      return other;
  }
  return r;
}

/* ---- appending ---- */

/* `n` frames behind the last; there is room for them (SLACK_S). */
static float *append(joiner *j, size_t n) {
  float *const at = j->out->value + j->out->frames * j->body.width;
  j->out->frames += n;
  return at;
}

static const float *last_frame(const joiner *j) {
  return j->out->value + (j->out->frames - 1) * j->body.width;
}

static void append_frames(joiner *j, const float *frames, size_t n) {
  memcpy(append(j, n), frames, n * j->body.width * sizeof *frames);
}

/* From the last frame to `to`, without it, on the course of least jerk. */
static void move_to(joiner *j, const float *to, double seconds) {
  const size_t n = frames_of(j, seconds);
  const float *const from = last_frame(j);
  float *const at = append(j, n);
  for (size_t i = 0; i < n; i++) {
    const double s = (double)(i + 1) / (double)(n + 1);
    const double way = s * s * s * (10 - 15 * s + 6 * s * s);
    fr__body_between(&j->body, from, to, way, at + i * j->body.width);
  }
}

/* Hands wander a little, to and fro. */
static void sway(const joiner *j, const double *phase, double amplitude, size_t t,
                 float *frame) {
  for (size_t i = 0; i < j->body.count; i++) {
    const fr__body_part *const part = &j->body.part[i];
    if (!part->hand || !fr__body_seen(part, frame))
      continue;
    const double s = (double)t / j->rate_hz;
    const double angle = 2 * PI * (s * phase[2] + phase[i % 2]);
    for (size_t p = 0; p < part->points; p++) {
      float *const point = frame + part->at + p * part->axes;
      point[0] += (float)(amplitude * (sin(angle) - sin(2 * PI * phase[i % 2])));
      point[1] += (float)(amplitude * (cos(angle) - cos(2 * PI * phase[i % 2])) / 2);
    }
  }
}

/* `frame` for some time, swaying, and trembling as one of the sequences does. */
static void keep(joiner *j, const float *frame, double seconds) {
  const size_t n = frames_of(j, seconds);
  const fr_record *const r = draw_record(j);
  const double phase[3] = {draw(j, 0, 1), draw(j, 0, 1), draw(j, 0.2, 0.7)};
  const double amplitude = draw(j, 0, 0.03);
  float *const at = append(j, n);
  for (size_t t = 0; t < n; t++) {
    float *const now = at + t * j->body.width;
    memcpy(now, frame, j->body.width * sizeof *now);
    sway(j, phase, amplitude, t, now);
    fr__body_tremble(&j->body, r->values, r->steps, t % r->steps, now);
  }
}

/* ---- rest ---- */

/* Into j->rest: a sign's hands with bent fingers, lowered; or away. */
static void draw_rest(joiner *j, bool away) {
  const float *const frame = draw_frame(j, draw_record(j));
  memcpy(j->rest, frame, j->body.width * sizeof *frame);
  if (away) {
    fr__body_away(&j->body, j->rest);
    return;
  }
  const double all = draw(j, 0.35, 0.65);
  const double length[FR__FINGERS] = {all, all, all, all, all};
  fr__body_bend(&j->body, length, j->rest);
  fr__body_lower(&j->body, j->rest, draw(j, 0.05, 0.3));
}

/* Going there from the last frame, if there is one, and staying. */
static void pause_for(joiner *j, bool away, double seconds) {
  draw_rest(j, away);
  if (j->out->frames > 0)
    move_to(j, j->rest, draw(j, 0.25, 0.6));
  keep(j, j->rest, seconds);
}

/* ---- with signs ---- */

static void go_to_sign(joiner *j, const float *first) {
  const size_t way = fr__rng_below(&j->rng, 3);
  if (way == 0 && j->out->frames > 0) {
    move_to(j, first, draw(j, 0.3, 1));
    return;
  }
  pause_for(j, way == 1, draw(j, LEAST_PAUSE_S, MOST_PAUSE_S));
  move_to(j, first, draw(j, 0.25, 0.6));
}

/* A random order in which no sign follows itself, as long as there is another one. */
static void shuffle(joiner *j, uint32_t before /* activity of the last sign */) {
  for (size_t i = 0; i < j->sources; i++) {
    const size_t left = j->sources - i, from = fr__rng_below(&j->rng, left);
    size_t k = i + from;
    for (size_t n = 1; n < left && j->data->record[j->source[k]].activity == before; n++)
      k = i + (from + n) % left;
    const uint32_t moved = j->source[i];
    j->source[i] = j->source[k];
    j->source[k] = moved;
    before = j->data->record[j->source[i]].activity;
  }
}

static enum fr_status append_sign(joiner *j, uint32_t record, fr_error *err) {
  const fr_record *const r = &j->data->record[record];
  fr__joined *const out = j->out;
  if (out->count == j->sign_capacity) {
    const size_t capacity = 2 * j->sign_capacity + 64;
    fr__joined_sign *const sign = realloc(out->sign, capacity * sizeof *sign);
    if (sign == NULL)
      return fr__fail_memory(err, "signs of a stream");
    out->sign = sign;
    j->sign_capacity = capacity;
  }
  go_to_sign(j, r->values);
  out->sign[out->count++] =
      (fr__joined_sign){record, out->frames, out->frames + r->steps};
  append_frames(j, r->values, r->steps);
  return FR_OK;
}

static enum fr_status join_signs(joiner *j, size_t frames, fr_error *err) {
  uint32_t before = FR_NONE;
  enum fr_status status = FR_OK;
  while (status == FR_OK && j->out->frames < frames) {
    shuffle(j, before);
    for (size_t i = 0; status == FR_OK && i < j->sources && j->out->frames < frames;
         i++) {
      status = append_sign(j, j->source[i], err);
      before = j->data->record[j->source[i]].activity;
    }
  }
  if (status == FR_OK) /* so that the last one ends */
    pause_for(j, true, MOST_PAUSE_S);
  return status;
}

/* ---- without ---- */

static void roam(joiner *j, double seconds) {
  const size_t end = j->out->frames + frames_of(j, seconds);
  const fr_record *r = draw_record(j);
  while (j->out->frames < end) {
    r = draw_other(j, r);
    move_to(j, draw_frame(j, r), draw(j, 0.3, 0.8));
  }
}

static void flicker(joiner *j, double seconds) {
  const size_t end = j->out->frames + frames_of(j, seconds);
  const fr_record *r = draw_record(j);
  move_to(j, draw_frame(j, r), draw(j, 0.25, 0.6));
  while (j->out->frames < end) {
    r = draw_other(j, r);
    const size_t most = frames_of(j, PIECE_S);
    size_t n = 1 + fr__rng_below(&j->rng, most);
    n = n < r->steps ? n : r->steps;
    const size_t from = fr__rng_below(&j->rng, r->steps - n + 1);
    append_frames(j, r->values + from * j->body.width, n);
  }
}

static void join_nothing(joiner *j, size_t frames) {
  pause_for(j, true, MOST_PAUSE_S);
  while (j->out->frames < frames) {
    const size_t what = fr__rng_below(&j->rng, 4);
    if (what < 2)
      pause_for(j, what == 1, draw(j, LEAST_PAUSE_S, MOST_PAUSE_S));
    else if (what == 2)
      roam(j, draw(j, 1, 4));
    else
      flicker(j, draw(j, 1, 2));
  }
  pause_for(j, true, MOST_PAUSE_S);
}

/* ---- sources ---- */

static bool is_sign(const fr_dataset *data, const fr_record *r) {
  return r->activity != FR_NONE && r->steps > 0 &&
         strcmp(data->activities.name[r->activity], FR_NO_SIGN) != 0;
}

static enum fr_status gather(joiner *j, const fr_windows *windows, const fr_split *split,
                             enum fr_side side, fr_error *err) {
  j->source = calloc(windows->count + 1, sizeof *j->source);
  if (j->source == NULL)
    return fr__fail_memory(err, "sequences of a stream");
  for (size_t i = 0; i < windows->count; i++) {
    const fr_record *const r = &j->data->record[windows->at[i].record];
    if (split->side[i] == side && is_sign(j->data, r) &&
        fr_window_steps(windows, i) == r->steps)
      j->source[j->sources++] = windows->at[i].record;
  }
  if (j->sources == 0)
    return fr__fail(err, FR_ERR_NOT_FOUND, "'%s' has no sequence of a sign on that side",
                    j->data->spec);
  return FR_OK;
}

static enum fr_status reserve(joiner *j, size_t frames, fr_error *err) {
  size_t longest = 0, bytes = 0;
  for (size_t i = 0; i < j->sources; i++) {
    const size_t steps = j->data->record[j->source[i]].steps;
    longest = steps > longest ? steps : longest;
  }
  if (__builtin_add_overflow(frames, longest + frames_of(j, SLACK_S) + SLACK,
                             &j->capacity) ||
      __builtin_mul_overflow(j->capacity, j->body.width * sizeof(float), &bytes) ||
      bytes > BYTES_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "a stream of more than %zu bytes", BYTES_CEILING);
  j->out->value = malloc(bytes);
  j->rest = calloc(j->body.width, sizeof *j->rest);
  if (j->out->value == NULL || j->rest == NULL)
    return fr__fail_memory(err, "a stream");
  return FR_OK;
}

static enum fr_status check(joiner *j, const fr__joined_options *options, fr_error *err) {
  const fr_dataset *const data = j->data;
  if (!(options->minutes > 0 && options->minutes <= MINUTES_CEILING))
    return fr__fail(err, FR_ERR_ARGUMENT, "%g minutes: not above 0 to %g",
                    options->minutes, MINUTES_CEILING);
  if (data->rate_hz <= 0 || data->frames != NULL ||
      !fr__body_of(data->channels.count, &j->body))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%s' is no sequences of raw key points (features=raw)", data->spec);
  return FR_OK;
}

enum fr_status fr__joined_init(fr__joined *joined, const fr_windows *windows,
                               const fr_split *split, enum fr_side side,
                               const fr__joined_options *options, fr_error *err) {
  fr__joined out = {0};
  joiner j = {.data = windows->data, .rate_hz = windows->data->rate_hz, .out = &out};
  fr__rng_init(&j.rng, options->seed, STREAM_JOINED);
  const double frames = ceil(options->minutes * 60 * j.rate_hz);
  enum fr_status status = check(&j, options, err);
  if (status == FR_OK)
    status = gather(&j, windows, split, side, err);
  if (status == FR_OK)
    status = reserve(&j, (size_t)frames, err);
  if (status == FR_OK && options->no_signs)
    join_nothing(&j, (size_t)frames);
  else if (status == FR_OK)
    status = join_signs(&j, (size_t)frames, err);
  out.width = j.body.width;
  out.rate_hz = j.rate_hz;
  out.sources = j.sources;
  free(j.source);
  free(j.rest);
  if (status == FR_OK)
    *joined = out;
  else
    fr__joined_release(&out);
  return status;
}

void fr__joined_release(fr__joined *joined) {
  free(joined->value);
  free(joined->sign);
  *joined = (fr__joined){0};
}
