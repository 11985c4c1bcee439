/* SPDX-License-Identifier: Apache-2.0 */
/* Records of no sign: what lies before, between and behind signs, made of the signs. */
#include "data/no_sign.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "data/made.h"

#define STREAM_NO_SIGN 0x6e6f7369676eu /* of the seed: "nosign" */
#define SHARE_CEILING 1000.0
#define BLOCKS 5
#define MOST_SHOWN 0.4 /* of a window: what is shown of one sign next to another */
#define LEAST_SHOWN 0.1

/* ---- kinds: each fills `steps` frames ---- */

typedef void kind(fr__maker *m, size_t steps, float *out);

static void make_rest(fr__maker *m, size_t steps, float *out) {
  fr__draw_rest(m);
  fr__made_hold(m, m->rest, steps, out);
}

static void make_transition(fr__maker *m, size_t steps, float *out) {
  const fr_record *const a = fr__draw_sign(m), *const b = fr__draw_other(m, a);
  const size_t width = m->body.width;
  const size_t last = fr__made_part(steps, fr__draw_between(m, LEAST_SHOWN, MOST_SHOWN));
  const size_t first = fr__made_part(steps, fr__draw_between(m, LEAST_SHOWN, MOST_SHOWN));
  fr__made_copy(m, a, a->steps > last ? a->steps - last : 0, last, out);
  if (last + first > steps)
    return; /* sequences of one or two frames */
  float *const behind = out + (steps - first) * width;
  const size_t way = steps - last - first;
  fr__made_copy(m, b, 0, first, behind);
  fr__made_move(m, out + (last - 1) * width, behind, way, 0, way, out + last * width);
}

/* Rest, movement to the first third of a sign; or a last third and movement to rest. */
static void make_partial(fr__maker *m, size_t steps, float *out) {
  const fr_record *const r = fr__draw_sign(m);
  const size_t width = m->body.width;
  const size_t shown = fr__made_part(steps, fr__draw_between(m, LEAST_SHOWN, 1.0 / 3));
  const size_t way = fr__made_part(steps - shown + 1, fr__draw_between(m, 0.2, 0.5)) - 1;
  const size_t rest = steps - shown - way;
  fr__draw_rest(m);
  if (fr__rng_below(&m->rng, 2) == 0) {
    float *const sign = out + (rest + way) * width;
    fr__made_copy(m, r, 0, shown, sign);
    fr__made_hold(m, m->rest, rest, out);
    fr__made_move(m, m->rest, sign, way, 0, way, out + rest * width);
  } else {
    const float *const last = out + (shown - 1) * width;
    fr__made_copy(m, r, r->steps > shown ? r->steps - shown : 0, shown, out);
    fr__made_move(m, last, m->rest, way, 0, way, out + shown * width);
    fr__made_hold(m, m->rest, rest, out + (shown + way) * width);
  }
}

/* Fifths of a sign that moves: every second one of the circle, so that none is followed
 * by the one that it was followed by. */
static void swap_blocks(fr__maker *m, const fr_record *r, size_t steps, float *out) {
  const size_t first = fr__rng_below(&m->rng, BLOCKS);
  for (size_t i = 0, at = 0; i < BLOCKS; i++) {
    const size_t block = (first + 2 * i) % BLOCKS;
    const size_t from = block * steps / BLOCKS, to = (block + 1) * steps / BLOCKS;
    fr__made_copy(m, r, from, to - from, out + at * m->body.width);
    at += to - from;
  }
}

/* Its frames in any order (Fisher-Yates). */
static void swap_frames(fr__maker *m, const fr_record *r, size_t steps, float *out) {
  const size_t width = m->body.width;
  fr__made_copy(m, r, 0, steps, out);
  for (size_t t = steps; t > 1; t--) {
    float *const a = out + (t - 1) * width;
    float *const b = out + fr__rng_below(&m->rng, t) * width;
    memcpy(m->spare, a, width * sizeof *a);
    memmove(a, b, width * sizeof *a);
    memcpy(b, m->spare, width * sizeof *a);
  }
}

/* Or pieces of a tenth to a fifth of a window, each of another sign than the last. */
static void make_shuffled(fr__maker *m, size_t steps, float *out) {
  const fr_record *r = fr__draw_moving(m);
  const size_t way = fr__rng_below(&m->rng, 4);
  if (r != NULL && way < 2) {
    (way == 0 ? swap_frames : swap_blocks)(m, r, steps, out);
    return;
  }
  r = fr__draw_sign(m);
  for (size_t at = 0; at < steps; r = fr__draw_other(m, r)) {
    const size_t wanted = fr__made_part(steps, fr__draw_between(m, 0.1, 0.2));
    const size_t n = wanted < steps - at ? wanted : steps - at;
    fr__made_copy(m, r, fr__rng_below(&m->rng, r->steps), n, out + at * m->body.width);
    at += n;
  }
}

static void make_away(fr__maker *m, size_t steps, float *out) {
  const fr_record *const r = fr__draw_sign(m);
  const size_t width = m->body.width;
  const bool leaves = fr__rng_below(&m->rng, 2) == 0;
  const size_t shown = fr__made_part(steps, fr__draw_between(m, 0, 0.25));
  const size_t way = fr__made_part(steps - shown + 1, fr__draw_between(m, 0.3, 0.6)) - 1;
  const size_t gone = steps - shown - way;
  const float *const edge = fr__made_frame(m, r, leaves ? r->steps - 1 : 0);
  memcpy(m->spare, edge, width * sizeof *out);
  fr__body_away(&m->body, m->spare);
  if (leaves) {
    fr__made_copy(m, r, r->steps > shown ? r->steps - shown : 0, shown, out);
    fr__made_move(m, edge, m->spare, way, 0, way, out + shown * width);
    fr__made_hold(m, m->spare, gone, out + (shown + way) * width);
  } else {
    fr__made_hold(m, m->spare, gone, out);
    fr__made_move(m, m->spare, edge, way, 0, way, out + gone * width);
    fr__made_copy(m, r, 0, shown, out + (steps - shown) * width);
  }
}

/* From a frame of one sign to one of another, and on, each in a quarter to three quarters
 * of a window; the first movement has begun. */
static void make_roam(fr__maker *m, size_t steps, float *out) {
  const fr_record *r = fr__draw_sign(m);
  const float *from = fr__made_any(m, r);
  for (size_t at = 0; at < steps;) {
    r = fr__draw_other(m, r);
    const float *const to = fr__made_any(m, r);
    const size_t way = fr__made_part(steps, fr__draw_between(m, 0.25, 0.75));
    const size_t first = at == 0 ? fr__rng_below(&m->rng, way) : 0;
    const size_t left = way - first;
    const size_t n = left < steps - at ? left : steps - at;
    fr__made_move(m, from, to, way, first, n, out + at * m->body.width);
    at += n;
    from = to;
  }
}

static void make_hold(fr__maker *m, size_t steps, float *out) {
  const fr_record *const r = fr__draw_moving(m);
  if (r == NULL)
    make_rest(m, steps, out);
  else
    fr__made_hold(m, fr__made_any(m, r), steps, out);
}

/* Rest is what can look like anything, and most of what a camera sees. */
static kind *const kinds[] = {make_rest, make_transition, make_rest, make_partial,
                              make_rest, make_shuffled,   make_rest, make_away,
                              make_roam, make_hold};
#define KINDS (sizeof kinds / sizeof *kinds)

/* ---- records ---- */

typedef struct job {
  double share;
  size_t made; /* so far: says which kind is next */
} job;

static enum fr_status add_one(fr__maker *m, kind *make, fr_error *err) {
  const fr_record *const like = fr__draw_sign(m);
  float *const room = fr__builder_room(&m->builder, like->steps, err);
  if (room == NULL)
    return FR_ERR_MEMORY;
  make(m, like->steps, room);
  fr_record about = *like;
  about.activity = m->no_sign;
  return fr__builder_add(&m->builder, &about, NULL, err);
}

static enum fr_status add_trial(fr__maker *m, void *self, fr_error *err) {
  job *const j = self;
  const double wanted = floor(j->share * (double)m->count / (double)m->lenders + 0.5);
  enum fr_status status = FR_OK;
  for (double i = 0; status == FR_OK && i < fmax(wanted, 1); i++)
    status = add_one(m, kinds[j->made++ % KINDS], err);
  return status;
}

enum fr_status fr__no_sign_add(fr_dataset **data, double share, uint64_t seed,
                               fr_error *err) {
  fr__maker m;
  job j = {.share = share};
  if (!(share > 0 && share <= SHARE_CEILING))
    return fr__fail(err, FR_ERR_ARGUMENT, "no_sign=%g: not a number above 0 to %g", share,
                    SHARE_CEILING);
  enum fr_status status = fr__maker_init(&m, *data, "no_sign", seed, STREAM_NO_SIGN, err);
  if (status != FR_OK)
    return status;
  status = fr__names_add(&m.builder.data->activities, FR_NO_SIGN, strlen(FR_NO_SIGN),
                         &m.no_sign, err);
  if (status == FR_OK)
    status = fr__maker_each(&m, add_trial, &j, err);
  if (status == FR_OK && j.made == 0)
    status =
        fr__fail(err, FR_ERR_NOT_FOUND, "no_sign: '%s' holds no sign", (*data)->spec);
  if (status == FR_OK)
    status = fr__maker_finish(&m, data, err);
  fr__maker_release(&m);
  return status;
}
