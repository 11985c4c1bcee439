/* SPDX-License-Identifier: Apache-2.0 */
/* Records of no sign: what lies before, between and behind signs, made of the signs. */
#include "data/no_sign.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/body.h"
#include "data/reader.h"

#define STREAM_NO_SIGN 0x6e6f7369676eu /* of the seed: "nosign" */
#define SHARE_CEILING 1000.0
#define MOVES 0.5    /* palms: less is a held shape, whatever its frames' order */
#define MIXED 3      /* signs whose mean is a hand at rest */
#define LOWERED 0.3  /* of the picture: the most that a resting hand lies lower */
#define NOTHING 0.25 /* of rests: no hand is there at all */
#define BLOCKS 5
#define MOST_SHOWN 0.4 /* of a window: what is shown of one sign next to another */
#define LEAST_SHOWN 0.1

typedef struct source {
  uint32_t record;
  bool moves;
} source;

typedef struct maker {
  const fr_dataset *data;
  fr__body body;
  fr__rng rng;
  fr__builder builder;
  bool *lends;       /* (activities) of the present person */
  source *source;    /* of the present person and trial */
  size_t count;      /* of them */
  size_t made;       /* records so far: says which kind is next */
  float *rest, *end; /* (width) each: frames in the making */
  uint32_t no_sign;  /* the activity */
} maker;

/* ---- draws ---- */

static double between(maker *m, double low, double high) {
  return low + (high - low) * fr__rng_uniform(&m->rng);
}

static const fr_record *draw_sign(maker *m) {
  return &m->data->record[m->source[fr__rng_below(&m->rng, m->count)].record];
}

/* One of another activity than `a` has, where there is one. */
static const fr_record *draw_other(maker *m, const fr_record *a) {
  const size_t from = fr__rng_below(&m->rng, m->count);
  for (size_t i = 0; i < m->count; i++) {
    const fr_record *const r = &m->data->record[m->source[(from + i) % m->count].record];
    if (r->activity != a->activity)
      return r;
  }
  return a;
}

static const fr_record *draw_moving(maker *m) {
  const size_t from = fr__rng_below(&m->rng, m->count);
  for (size_t i = 0; i < m->count; i++) {
    const source *const s = &m->source[(from + i) % m->count];
    if (s->moves)
      return &m->data->record[s->record];
  }
  return NULL;
}

static const float *frame_of(const maker *m, const fr_record *r, size_t t) {
  return r->values + (t < r->steps ? t : r->steps - 1) * m->body.width;
}

/* Part `share` (0 to 1) of a sequence of `steps`, at least one. */
static size_t part_of(size_t steps, double share) {
  const size_t n = (size_t)(share * (double)steps + 0.5);
  return n < 1 ? 1 : n > steps ? steps : n;
}

/* ---- pieces ---- */

/* A hand at rest: the mean of several signs' frames, which is the shape of none, lowered;
 * or no hand. */
static void draw_rest(maker *m, float *out) {
  const fr_record *r = draw_sign(m);
  memcpy(out, frame_of(m, r, fr__rng_below(&m->rng, r->steps)),
         m->body.width * sizeof *out);
  if (fr__rng_uniform(&m->rng) < NOTHING) {
    fr__body_away(&m->body, out);
    return;
  }
  for (size_t i = 1; i < MIXED; i++) {
    r = draw_other(m, r);
    memcpy(m->end, out, m->body.width * sizeof *out);
    fr__body_between(&m->body, m->end, frame_of(m, r, fr__rng_below(&m->rng, r->steps)),
                     1 / (double)(i + 1), out);
  }
  fr__body_lower(&m->body, out, between(m, 0, LOWERED));
}

/* `steps` of one frame, trembling as another sequence does. */
static void hold(maker *m, const float *frame, size_t steps, float *out) {
  const fr_record *const r = draw_sign(m);
  const size_t from = fr__rng_below(&m->rng, r->steps);
  for (size_t t = 0; t < steps; t++) {
    float *const at = out + t * m->body.width;
    memcpy(at, frame, m->body.width * sizeof *at);
    fr__body_tremble(&m->body, r->values, r->steps, (from + t) % r->steps, at);
  }
}

static void copy(const maker *m, const fr_record *r, size_t from, size_t steps,
                 float *out) {
  for (size_t t = 0; t < steps; t++)
    memcpy(out + t * m->body.width, frame_of(m, r, from + t),
           m->body.width * sizeof *out);
}

/* `steps` from one frame to another, without them; a hand starts and stops slowly:
 * s(3 - 2s)s. */
static void move(const maker *m, const float *from, const float *to, size_t steps,
                 float *out) {
  for (size_t t = 0; t < steps; t++) {
    const double s = (double)(t + 1) / (double)(steps + 1);
    fr__body_between(&m->body, from, to, s * s * (3 - 2 * s), out + t * m->body.width);
  }
}

/* ---- kinds: each fills `steps` frames ---- */

typedef void kind(maker *m, size_t steps, float *out);

static void make_rest(maker *m, size_t steps, float *out) {
  draw_rest(m, m->rest);
  hold(m, m->rest, steps, out);
}

static void make_transition(maker *m, size_t steps, float *out) {
  const fr_record *const a = draw_sign(m), *const b = draw_other(m, a);
  const size_t width = m->body.width;
  const size_t last = part_of(steps, between(m, LEAST_SHOWN, MOST_SHOWN));
  const size_t first = part_of(steps, between(m, LEAST_SHOWN, MOST_SHOWN));
  copy(m, a, a->steps > last ? a->steps - last : 0, last, out);
  if (last + first > steps)
    return; /* sequences of one or two frames */
  float *const behind = out + (steps - first) * width;
  copy(m, b, 0, first, behind);
  move(m, out + (last - 1) * width, behind, steps - last - first, out + last * width);
}

/* Rest, movement to the first third of a sign; or a last third and movement to rest. */
static void make_partial(maker *m, size_t steps, float *out) {
  const fr_record *const r = draw_sign(m);
  const size_t width = m->body.width;
  const size_t shown = part_of(steps, between(m, LEAST_SHOWN, 1.0 / 3));
  const size_t way = part_of(steps - shown + 1, between(m, 0.2, 0.5)) - 1;
  const size_t rest = steps - shown - way;
  draw_rest(m, m->rest);
  if (fr__rng_below(&m->rng, 2) == 0) {
    hold(m, m->rest, rest, out);
    copy(m, r, 0, shown, out + (rest + way) * width);
    move(m, m->rest, out + (rest + way) * width, way, out + rest * width);
  } else {
    copy(m, r, r->steps > shown ? r->steps - shown : 0, shown, out);
    move(m, out + (shown - 1) * width, m->rest, way, out + shown * width);
    hold(m, m->rest, rest, out + (shown + way) * width);
  }
}

/* Fifths of a sign that moves: every second one of the circle, so that none is followed
 * by the one that it was followed by. */
static void swap_blocks(maker *m, const fr_record *r, size_t steps, float *out) {
  const size_t first = fr__rng_below(&m->rng, BLOCKS);
  for (size_t i = 0, at = 0; i < BLOCKS; i++) {
    const size_t block = (first + 2 * i) % BLOCKS;
    const size_t from = block * steps / BLOCKS, to = (block + 1) * steps / BLOCKS;
    copy(m, r, from, to - from, out + at * m->body.width);
    at += to - from;
  }
}

/* Its frames in any order (Fisher-Yates). */
static void swap_frames(maker *m, const fr_record *r, size_t steps, float *out) {
  const size_t width = m->body.width;
  copy(m, r, 0, steps, out);
  for (size_t t = steps; t > 1; t--) {
    float *const a = out + (t - 1) * width;
    float *const b = out + fr__rng_below(&m->rng, t) * width;
    memcpy(m->end, a, width * sizeof *a);
    memmove(a, b, width * sizeof *a);
    memcpy(b, m->end, width * sizeof *a);
  }
}

/* Pieces of a tenth to a fifth of a window, each of another sign than the last. */
static void make_shuffled(maker *m, size_t steps, float *out) {
  const fr_record *r = draw_moving(m);
  const size_t way = fr__rng_below(&m->rng, 4);
  if (r != NULL && way < 2) {
    (way == 0 ? swap_frames : swap_blocks)(m, r, steps, out);
    return;
  }
  r = draw_sign(m);
  for (size_t at = 0; at < steps; r = draw_other(m, r)) {
    const size_t wanted = part_of(steps, between(m, 0.1, 0.2));
    const size_t n = wanted < steps - at ? wanted : steps - at;
    copy(m, r, fr__rng_below(&m->rng, r->steps), n, out + at * m->body.width);
    at += n;
  }
}

static void make_away(maker *m, size_t steps, float *out) {
  const fr_record *const r = draw_sign(m);
  const size_t width = m->body.width;
  const bool leaves = fr__rng_below(&m->rng, 2) == 0;
  const size_t shown = part_of(steps, between(m, 0, 0.25));
  const size_t way = part_of(steps - shown + 1, between(m, 0.3, 0.6)) - 1;
  memcpy(m->rest, frame_of(m, r, leaves ? r->steps - 1 : 0), width * sizeof *out);
  memcpy(m->end, m->rest, width * sizeof *out);
  fr__body_away(&m->body, m->end);
  if (leaves) {
    copy(m, r, r->steps > shown ? r->steps - shown : 0, shown, out);
    move(m, m->rest, m->end, way, out + shown * width);
    hold(m, m->end, steps - shown - way, out + (shown + way) * width);
  } else {
    hold(m, m->end, steps - shown - way, out);
    move(m, m->end, m->rest, way, out + (steps - shown - way) * width);
    copy(m, r, 0, shown, out + (steps - shown) * width);
  }
}

static void make_hold(maker *m, size_t steps, float *out) {
  const fr_record *const r = draw_moving(m);
  if (r == NULL)
    make_rest(m, steps, out);
  else
    hold(m, frame_of(m, r, fr__rng_below(&m->rng, r->steps)), steps, out);
}

static kind *const kinds[] = {make_rest,     make_transition, make_partial,
                              make_shuffled, make_away,       make_hold};
#define KINDS (sizeof kinds / sizeof *kinds)

/* ---- who lends: signs of a person that have the same trials ---- */

static bool is_sign(const maker *m, const fr_record *r, uint32_t subject) {
  return r->subject == subject && r->activity != FR_NONE && r->activity != m->no_sign &&
         r->steps > 0;
}

/* How often each trial occurs with each activity of a person. */
static void count_trials(const maker *m, uint32_t subject,
                         uint32_t *times /* (activities, trials), zeroed */) {
  for (size_t i = 0; i < m->data->count; i++) {
    const fr_record *const r = &m->data->record[i];
    if (is_sign(m, r, subject))
      times[r->activity * m->data->trials.count + r->trial]++;
  }
}

static bool same_trials(const uint32_t *a, const uint32_t *b, size_t trials) {
  for (size_t i = 0; i < trials; i++)
    if ((a[i] > 0) != (b[i] > 0))
      return false;
  return true;
}

/* The activities that share their trials with the most others. How many: 0 where the
 * person has no sign. */
static size_t choose_lenders(maker *m, const uint32_t *times) {
  const size_t n = m->data->activities.count, trials = m->data->trials.count;
  size_t most = 0;
  for (size_t a = 0; a < n; a++) {
    const uint32_t *const mine = times + a * trials;
    size_t equal = 0, occurs = 0;
    for (size_t t = 0; t < trials; t++)
      occurs += mine[t];
    for (size_t b = 0; occurs > 0 && b < n; b++)
      equal += same_trials(mine, times + b * trials, trials);
    if (equal <= most)
      continue;
    most = equal;
    for (size_t b = 0; b < n; b++)
      m->lends[b] = same_trials(mine, times + b * trials, trials);
  }
  return most;
}

/* ---- records ---- */

static enum fr_status add_made(maker *m, fr_error *err) {
  const fr_record *const like = draw_sign(m);
  const size_t steps = like->steps;
  float *const room = fr__builder_room(&m->builder, steps, err);
  if (room == NULL)
    return FR_ERR_MEMORY;
  kinds[m->made++ % KINDS](m, steps, room);
  fr_record about = *like;
  about.activity = m->no_sign;
  return fr__builder_add(&m->builder, &about, NULL, err);
}

/* Those of one person and trial that lend. */
static void gather(maker *m, uint32_t subject, uint32_t trial) {
  m->count = 0;
  for (size_t i = 0; i < m->data->count; i++) {
    const fr_record *const r = &m->data->record[i];
    if (!is_sign(m, r, subject) || r->trial != trial || !m->lends[r->activity])
      continue;
    m->source[m->count++] =
        (source){(uint32_t)i, fr__body_movement(&m->body, r->values, r->steps) >= MOVES};
  }
}

static enum fr_status add_person(maker *m, uint32_t subject, double share,
                                 uint32_t *times, fr_error *err) {
  const size_t trials = m->data->trials.count;
  memset(times, 0, m->data->activities.count * trials * sizeof *times);
  count_trials(m, subject, times);
  const size_t lenders = choose_lenders(m, times);
  enum fr_status status = FR_OK;
  for (uint32_t t = 0; lenders > 0 && t < trials; t++) {
    gather(m, subject, t);
    if (m->count == 0)
      continue;
    const double wanted = floor(share * (double)m->count / (double)lenders + 0.5);
    for (double i = 0; status == FR_OK && i < fmax(wanted, 1); i++)
      status = add_made(m, err);
  }
  return status;
}

/* ---- the data set ---- */

static enum fr_status check(const fr_dataset *data, double share, fr__body *body,
                            fr_error *err) {
  if (!(share > 0 && share <= SHARE_CEILING))
    return fr__fail(err, FR_ERR_ARGUMENT, "no_sign=%g: not a number above 0 to %g", share,
                    SHARE_CEILING);
  if (data->rate_hz <= 0)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "no_sign: '%s' has single frames, not sequences", data->spec);
  if (!fr__body_of(data->channels.count, body))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "no_sign: %zu numbers are no layout of key points (42, 63, 126, 258 "
                    "or 1662)",
                    data->channels.count);
  for (size_t i = 0; i < data->count; i++)
    if (data->record[i].trial == FR_NONE)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "no_sign: '%s' has no trials, which a made record inherits",
                      data->spec);
  return FR_OK;
}

/* All of `data` so far, and the activity. */
static enum fr_status begin(maker *m, fr_error *err) {
  const fr_dataset *const data = m->data;
  enum fr_status status = fr__builder_init(&m->builder, data->kind, data->split,
                                           data->spec, data->rate_hz, err);
  if (status != FR_OK)
    return status;
  fr_dataset *const made = m->builder.data;
  made->window = data->window;
  status = fr__names_copy(&data->channels, &made->channels, err);
  if (status == FR_OK)
    status = fr__names_copy(&data->subjects, &made->subjects, err);
  if (status == FR_OK)
    status = fr__names_copy(&data->trials, &made->trials, err);
  if (status == FR_OK)
    status = fr__names_copy(&data->activities, &made->activities, err);
  if (status == FR_OK)
    status = fr__names_add(&made->activities, FR_NO_SIGN, strlen(FR_NO_SIGN), &m->no_sign,
                           err);
  for (size_t i = 0; status == FR_OK && i < data->count; i++) {
    const fr_record *const r = &data->record[i];
    float *const room = fr__builder_room(&m->builder, r->steps, err);
    if (room == NULL)
      return FR_ERR_MEMORY;
    memcpy(room, r->values, r->steps * data->channels.count * sizeof *room);
    status = fr__builder_add(&m->builder, r, NULL, err);
  }
  return status;
}

static enum fr_status add_all(maker *m, double share, fr_error *err) {
  const fr_dataset *const data = m->data;
  size_t cells = 0;
  if (__builtin_mul_overflow(data->activities.count + 1, data->trials.count + 1, &cells))
    return fr__fail_memory(err, "trials");
  uint32_t *const times = calloc(cells, sizeof *times);
  m->lends = calloc(data->activities.count + 1, sizeof *m->lends);
  m->source = calloc(data->count + 1, sizeof *m->source);
  m->rest = calloc(2 * m->body.width, sizeof *m->rest);
  m->end = m->rest != NULL ? m->rest + m->body.width : NULL;
  enum fr_status status = FR_OK;
  if (times == NULL || m->lends == NULL || m->source == NULL || m->rest == NULL)
    status = fr__fail_memory(err, "records of no sign");
  for (uint32_t s = 0; status == FR_OK && s < data->subjects.count; s++)
    status = add_person(m, s, share, times, err);
  if (status == FR_OK && m->made == 0)
    status = fr__fail(err, FR_ERR_NOT_FOUND, "no_sign: '%s' holds no sign", data->spec);
  free(times);
  free(m->lends);
  free(m->source);
  free(m->rest);
  return status;
}

enum fr_status fr__no_sign_add(fr_dataset **data, double share, uint64_t seed,
                               fr_error *err) {
  maker m = {.data = *data};
  fr_dataset *made = NULL;
  fr__rng_init(&m.rng, seed, STREAM_NO_SIGN);
  enum fr_status status = check(*data, share, &m.body, err);
  if (status != FR_OK)
    return status;
  status = begin(&m, err);
  if (status == FR_OK)
    status = add_all(&m, share, err);
  if (status == FR_OK)
    status = fr__builder_finish(&m.builder, &made, err);
  fr__builder_release(&m.builder);
  if (status == FR_OK) {
    fr_data_free(*data);
    *data = made;
  }
  return status;
}
