/* SPDX-License-Identifier: Apache-2.0 */
/* The hand model. Lengths follow an adult's hand: fingers as long as the palm, tips 1 to
 * 1.1 palms from their roots; joints bend by 80, 100 and 60 degrees in a fist. */
#include "data/signer.h"

#include <math.h>
#include <string.h>

#define TURN 6.28318530717958647692
#define DEGREE (TURN / 360)
#define HEIGHT 0.75 /* of a picture, in its widths: 640 by 480 */

#define STREAM_SIGN 0x7369676eu      /* of the seed: "sign" */
#define STREAM_SIGNER 0x7369676eeu   /* a person */
#define STREAM_TRIAL 0x7369676e0000u /* and on, a trial each */

/* ---- what is drawn ---- */

static double factor(fr__rng *rng, double spread) {
  return exp(spread * fr__rng_normal(rng));
}

/* One of `n` values that lie `by` apart, the middle one 0. */
static double pick(fr__rng *rng, size_t n, double by) {
  return ((double)fr__rng_below(rng, n) - 0.5 * (double)(n - 1)) * by;
}

static void draw_hand(fr__rng *rng, fr__hand *hand) {
  for (size_t f = 0; f < FR__SIGNER_FINGERS; f++)
    hand->curl[f] = 0.05 + 0.3 * (double)fr__rng_below(rng, 4);
  hand->spread = 0.12 * (double)fr__rng_below(rng, 3);
  hand->turn[0] = pick(rng, 3, 35 * DEGREE);
  hand->turn[1] = pick(rng, 3, 50 * DEGREE);
  hand->turn[2] = pick(rng, 4, 40 * DEGREE);
  hand->place[0] = 0.9 + pick(rng, 3, 0.5);
  hand->place[1] = 0.2 + pick(rng, 3, 0.9);
  hand->place[2] = 1;
}

void fr__sign_draw(fr__sign *sign, uint64_t seed, size_t number) {
  fr__rng rng;
  fr__rng_init(&rng, seed, STREAM_SIGN + ((uint64_t)number << 36));
  draw_hand(&rng, &sign->from);
  draw_hand(&rng, &sign->to);
  draw_hand(&rng, &sign->other);
  memcpy(sign->to.place, sign->from.place, sizeof sign->to.place);
  if (fr__rng_below(&rng, 2) == 0) { /* one shape all the time */
    memcpy(sign->to.curl, sign->from.curl, sizeof sign->to.curl);
    sign->to.spread = sign->from.spread;
  }
  sign->both = fr__rng_below(&rng, 5) < 2;
  sign->alike = fr__rng_below(&rng, 2) == 0;
  sign->way = (enum fr__way)fr__rng_below(&rng, FR__WAYS);
  sign->angle = pick(&rng, 8, TURN / 8);
  sign->reach = 0.5 + 0.3 * (double)fr__rng_below(&rng, 3);
  sign->beats = 1 + (double)fr__rng_below(&rng, 3);
}

void fr__signer_draw(fr__signer *signer, uint64_t seed, size_t person) {
  fr__rng rng;
  fr__rng_init(&rng, seed, STREAM_SIGNER + ((uint64_t)person << 36));
  for (size_t f = 0; f < FR__SIGNER_FINGERS; f++) {
    signer->bone[f] = factor(&rng, 0.04);
    signer->curls[f] = 0.05 * fr__rng_normal(&rng);
  }
  signer->width = factor(&rng, 0.06);
  signer->curl = 0.04 * fr__rng_normal(&rng);
  for (size_t i = 0; i < 3; i++)
    signer->turn[i] = 8 * DEGREE * fr__rng_normal(&rng);
  signer->reach = factor(&rng, 0.15);
  signer->speed = factor(&rng, 0.12);
  signer->left = fr__rng_below(&rng, 7) == 0;
  signer->idle = fr__rng_below(&rng, 3) == 0;
  signer->chest[0] = 0.5 + 0.07 * fr__rng_normal(&rng);
  signer->chest[1] = 0.65 + 0.06 * fr__rng_normal(&rng);
  signer->distance = 4.5 + 5.5 * fr__rng_uniform(&rng);
  signer->roll = 4 * DEGREE * fr__rng_normal(&rng);
  signer->yaw = 8 * DEGREE * fr__rng_normal(&rng);
  signer->noise = 0.0012 * factor(&rng, 0.4);
  signer->shake = 0.0020 * factor(&rng, 0.4);
  signer->lose = 0.006 * factor(&rng, 0.7);
}

/* ---- a hand in space: x outward from the body, y up, z towards the camera ---- */

typedef struct point {
  double at[3];
} point;

typedef struct matrix {
  double at[3][3];
} matrix;

/* About x, then y, then z: Rz Ry Rx. */
static matrix rotation(double x, double y, double z) {
  const double cx = cos(x), sx = sin(x), cy = cos(y), sy = sin(y), cz = cos(z),
               sz = sin(z);
  return (matrix){{{cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx},
                   {sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx},
                   {-sy, cy * sx, cy * cx}}};
}

static point turned(const matrix *m, point p) {
  point out;
  for (size_t i = 0; i < 3; i++)
    out.at[i] = m->at[i][0] * p.at[0] + m->at[i][1] * p.at[1] + m->at[i][2] * p.at[2];
  return out;
}

/* Roots of the fingers from the wrist, palm to the camera, thumb towards the body; each
 * one's direction in the palm's plane, and its three bones. */
static const struct {
  double root[2], lean, bone[3];
} fingers[FR__SIGNER_FINGERS] = {
    {{-0.30, 0.25}, 0.70, {0.42, 0.34, 0.28}}, {{-0.27, 0.97}, 0.10, {0.45, 0.27, 0.22}},
    {{0.00, 1.00}, 0.00, {0.50, 0.31, 0.23}},  {{0.23, 0.92}, -0.09, {0.46, 0.29, 0.23}},
    {{0.43, 0.80}, -0.22, {0.36, 0.21, 0.20}},
};
static const double bends[2][3] = {{35 * DEGREE, 50 * DEGREE, 70 * DEGREE},
                                   {80 * DEGREE, 100 * DEGREE, 60 * DEGREE}};

/* Joints 1 + 4 f to 4 + 4 f: a chain that bends towards the palm; the thumb's crosses
 * it. */
static void lay_finger(const fr__signer *who, const fr__hand *hand, size_t f,
                       point joint[FR__SIGNER_JOINTS]) {
  const double curl = hand->curl[f] + who->curl + who->curls[f];
  const double fan = (double)f - 2;
  const double lean = fingers[f].lean - hand->spread * fan * (1 - 0.7 * curl);
  double bend = 0;
  point at = {{fingers[f].root[0] * who->width, fingers[f].root[1], 0}};
  for (size_t k = 0; k < 4; k++) {
    joint[1 + 4 * f + k] = at;
    if (k == 3)
      break;
    bend += curl * bends[f > 0][k];
    const double length = fingers[f].bone[k] * who->bone[f];
    const double across = f > 0 ? lean : lean - 1.1 * bend;
    const double deep = f > 0 ? bend : 0.6 * bend;
    at.at[0] -= length * cos(deep) * sin(across);
    at.at[1] += length * cos(deep) * cos(across);
    at.at[2] += length * sin(deep);
  }
}

/* All joints about the wrist, turned as the hand is. */
static void lay_hand(const fr__signer *who, const fr__hand *hand,
                     point joint[FR__SIGNER_JOINTS]) {
  const matrix m = rotation(hand->turn[0] + who->turn[0], hand->turn[1] + who->turn[1],
                            hand->turn[2] + who->turn[2]);
  joint[0] = (point){{0, 0, 0}};
  for (size_t f = 0; f < FR__SIGNER_FINGERS; f++)
    lay_finger(who, hand, f, joint);
  for (size_t j = 0; j < FR__SIGNER_JOINTS; j++)
    joint[j] = turned(&m, joint[j]);
}

/* ---- a trial ---- */

typedef struct trial {
  const fr__signer *who;
  const fr__sign *what;
  fr__rng rng;
  double begin, end; /* of the movement, shares of the record */
  double chest[2], distance, reach;
  double wander[2]; /* of the hands, slow; shares of the picture */
  size_t lost[2];   /* frames that each hand stays lost for */
} trial;

/* 0 to 1, without haste at both ends. */
static double eased(double x) {
  const double t = x < 0 ? 0 : x > 1 ? 1 : x;
  return t * t * (3 - 2 * t);
}

static double between(double a, double b, double t) { return a + (b - a) * t; }

/* Where the way has led at `t`, beside the place. */
static void go(const trial *r, double t, double place[3]) {
  const fr__sign *s = r->what;
  const double reach = s->reach * r->reach;
  double along = 0, aside = 0;
  switch (s->way) {
  case FR__WAY_LINE: along = reach * (2 * t - 1); break;
  case FR__WAY_CIRCLE:
    along = 0.6 * reach * cos(TURN * t);
    aside = 0.6 * reach * sin(TURN * t);
    break;
  case FR__WAY_SHAKE: along = 0.5 * reach * sin(TURN * s->beats * t); break;
  case FR__WAY_STILL:
  default: break;
  }
  place[0] += along * cos(s->angle) - aside * sin(s->angle);
  place[1] += along * sin(s->angle) + aside * cos(s->angle);
}

static fr__hand leading(const trial *r, double t) {
  const fr__hand *a = &r->what->from, *b = &r->what->to;
  const double change = eased(2.5 * t - 0.75);
  fr__hand hand = *a;
  for (size_t f = 0; f < FR__SIGNER_FINGERS; f++)
    hand.curl[f] = between(a->curl[f], b->curl[f], change);
  hand.spread = between(a->spread, b->spread, change);
  for (size_t i = 0; i < 3; i++)
    hand.turn[i] = between(a->turn[i], b->turn[i], change);
  go(r, t, hand.place);
  return hand;
}

/* A hand that has nothing to do: half open, low. */
static const fr__hand rest = {.curl = {0.3, 0.4, 0.45, 0.5, 0.55},
                              .turn = {0.3, 0.9, 0.2},
                              .place = {1.4, -1.2, 0.6}};

/* ---- the camera ---- */

/* What a camera makes of a hand whose outward side is `side` (1: to the right). */
static void see(trial *r, const fr__hand *hand, double side, float *out) {
  const fr__signer *who = r->who;
  const matrix view = rotation(0, who->yaw, who->roll);
  point joint[FR__SIGNER_JOINTS];
  double wrist_depth = 0;
  lay_hand(who, hand, joint);
  for (size_t j = 0; j < FR__SIGNER_JOINTS; j++) {
    for (size_t i = 0; i < 3; i++)
      joint[j].at[i] += hand->place[i];
    joint[j].at[0] *= side;
    const point p = turned(&view, joint[j]);
    const double depth = r->distance - p.at[2];
    if (j == 0)
      wrist_depth = depth;
    const double noise[3] = {fr__rng_normal(&r->rng), fr__rng_normal(&r->rng),
                             fr__rng_normal(&r->rng)};
    out[3 * j] = (float)(r->chest[0] + r->wander[0] + HEIGHT * p.at[0] / depth +
                         who->noise * noise[0]);
    out[3 * j + 1] =
        (float)(r->chest[1] + r->wander[1] - p.at[1] / depth + who->noise * noise[1]);
    /* as MediaPipe tells it: from the wrist, towards the camera negative, in widths */
    const double z = HEIGHT * (depth - wrist_depth) / r->distance;
    out[3 * j + 2] = j == 0 ? 0 : (float)(z + 3 * who->noise * noise[2]);
  }
}

/* Whether frame's hand `h` is lost; fast ones are lost more often. */
static bool loses(trial *r, size_t h, double speed) {
  const double chance = fr__rng_uniform(&r->rng), more = fr__rng_uniform(&r->rng);
  if (r->lost[h] > 0)
    r->lost[h]--;
  else if (chance < r->who->lose * (1 + 4 * speed))
    r->lost[h] = 1 + (size_t)(4 * more * more);
  return r->lost[h] > 0;
}

static void frame(trial *r, double now, float *out) {
  const fr__sign *s = r->what;
  const double t = eased((now - r->begin) / (r->end - r->begin));
  const double swift = s->way == FR__WAY_STILL ? 0 : 4 * t * (1 - t);
  const fr__hand lead = leading(r, t);
  const fr__hand other = !s->both ? rest : s->alike ? lead : s->other;
  const double side = r->who->left ? -1 : 1;
  float *const led = out + (r->who->left ? 0 : FR__SIGNER_CHANNELS / 2);
  float *const free_hand = out + (r->who->left ? FR__SIGNER_CHANNELS / 2 : 0);
  for (size_t i = 0; i < 2; i++)
    r->wander[i] = 0.8 * r->wander[i] + 0.6 * r->who->shake * fr__rng_normal(&r->rng);
  memset(out, 0, FR__SIGNER_CHANNELS * sizeof *out);
  see(r, &lead, side, led);
  if (loses(r, 0, swift))
    memset(led, 0, FR__SIGNER_CHANNELS / 2 * sizeof *out);
  see(r, &other, -side, free_hand);
  if (loses(r, 1, s->both && s->alike ? swift : 0) || !(s->both || r->who->idle))
    memset(free_hand, 0, FR__SIGNER_CHANNELS / 2 * sizeof *out);
}

void fr__signer_sign(const fr__signer *signer, const fr__sign *sign, uint64_t seed,
                     uint64_t number, size_t steps, float *out) {
  trial r = {.who = signer, .what = sign};
  fr__signer today = *signer; /* nobody does it twice alike */
  fr__rng_init(&r.rng, seed, STREAM_TRIAL + number);
  for (size_t f = 0; f < FR__SIGNER_FINGERS; f++)
    today.curls[f] += 0.03 * fr__rng_normal(&r.rng);
  for (size_t i = 0; i < 3; i++)
    today.turn[i] += 4 * DEGREE * fr__rng_normal(&r.rng);
  r.who = &today;
  r.begin = 0.02 + 0.14 * fr__rng_uniform(&r.rng);
  r.end = r.begin + 0.66 / (today.speed * factor(&r.rng, 0.08));
  r.reach = today.reach * factor(&r.rng, 0.08);
  r.distance = today.distance * factor(&r.rng, 0.03);
  for (size_t i = 0; i < 2; i++)
    r.chest[i] = today.chest[i] + 0.015 * fr__rng_normal(&r.rng);
  for (size_t k = 0; k < steps; k++)
    frame(&r, (double)k / (double)steps, out + k * FR__SIGNER_CHANNELS);
}
