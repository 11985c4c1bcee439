/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of time: permutation, time warping and cropping (Um et al. 2017, ICMI, section
 * 3), and another speed for all of a sample. */
#include <math.h>
#include <string.h>

#include "data/augment.h"

/* ---- splines ---- */

/*
 * m[i - 1] + 4 m[i] + m[i + 1] = 6 (y[i - 1] - 2 y[i] + y[i + 1]), m = 0 at both ends
 * (Press et al. 2007, Numerical recipes, section 3.3, knots 1 apart): elimination down,
 * then back. The pivots are the same for all columns.
 */
void fr__spline_fit(const float *y, float *m, size_t n, size_t columns) {
  float pivot[FR__AUGMENT_KNOTS_MOST + 2];
  memset(m, 0, n * columns * sizeof *m);
  pivot[0] = 0;
  for (size_t i = 1; i + 1 < n; i++) {
    const float *const at = y + i * columns;
    float *const row = m + i * columns;
    pivot[i] = 1.0f / (4.0f - pivot[i - 1]);
    for (size_t c = 0; c < columns; c++)
      row[c] = (6.0f * (*(at + c - columns) - 2.0f * at[c] + at[columns + c]) -
                *(row + c - columns)) *
               pivot[i];
  }
  for (size_t i = n - 1; i-- > 1;)
    for (size_t c = 0; c < columns; c++)
      m[i * columns + c] -= pivot[i] * m[(i + 1) * columns + c];
}

/* a y[k] + b y[k + 1] + ((a³ - a) m[k] + (b³ - b) m[k + 1]) / 6, b the way from k on. */
size_t fr__spline_weights(float at, size_t n, float weight[4]) {
  size_t k = (size_t)at;
  k = k > n - 2 ? n - 2 : k;
  const float b = at - (float)k, a = 1.0f - b;
  weight[0] = a;
  weight[1] = b;
  weight[2] = (a * a * a - a) * (1 / 6.0f);
  weight[3] = (b * b * b - b) * (1 / 6.0f);
  return k;
}

/* ---- moving rows ---- */

static void mix_rows(const float *restrict a, const float *restrict b, float share,
                     float *restrict to, size_t channels) {
  const float rest = 1.0f - share;
  for (size_t c = 0; c < channels; c++)
    to[c] = rest * a[c] + share * b[c];
}

/* What must not be mixed of two rows is the nearest's. */
static void mend_row(const fr_augment_layout *layout, const float *a, const float *b,
                     float share, float *to) {
  const float *const nearest = share < 0.5f ? a : b;
  for (size_t i = 0; i < 3; i++)
    if (layout->attitude[i] != FR_NONE)
      to[layout->attitude[i]] = nearest[layout->attitude[i]];
  for (size_t p = 0; p < FR__PARTS && layout->points > 0; p++)
    if (fr__part_is_absent(layout, (enum fr__part)p, a) !=
        fr__part_is_absent(layout, (enum fr__part)p, b))
      fr__part_copy(layout, (enum fr__part)p, nearest, to);
    else if (fr__part_is_absent(layout, (enum fr__part)p, a))
      fr__part_copy(layout, (enum fr__part)p, a, to); /* to the bit */
  if (layout->features > 0)
    fr__features_mend(layout, a, b, nearest, to);
}

/* Steps that pass since the one before; before the first as behind it. */
static float speed_at(const float *position, size_t t, size_t steps) {
  if (t == 0)
    return steps > 1 ? position[1] - position[0] : 0;
  return position[t] - position[t - 1];
}

void fr__augment_move(const fr__change *c, const float *position, float *copy) {
  memcpy(copy, c->x, c->steps * c->channels * sizeof *copy);
  for (size_t t = 0; t < c->steps; t++) {
    size_t k = (size_t)position[t];
    k = k > c->steps - 2 ? c->steps - 2 : k;
    const float share = position[t] - (float)k;
    const float *const a = copy + k * c->channels, *const b = a + c->channels;
    mix_rows(a, b, share, c->x + t * c->channels, c->channels);
    if (c->layout != NULL)
      mend_row(c->layout, a, b, share, c->x + t * c->channels);
    if (c->layout != NULL && c->layout->features > 0)
      fr__features_hurry(c->layout, speed_at(position, t, c->steps),
                         c->x + t * c->channels);
  }
}

static size_t room_move(const float *value, size_t steps, size_t channels) {
  (void)value;
  return steps * channels + steps;
}

/* ---- permute ---- */

/* Segment i is [i T / n, (i + 1) T / n). */
static void permute(const fr__change *c) {
  const size_t wanted = (size_t)c->value[0], n = wanted < c->steps ? wanted : c->steps;
  size_t order[64];
  for (size_t i = 0; i < n; i++)
    order[i] = i;
  fr__rng_shuffle(c->rng, order, n);
  memcpy(c->work, c->x, c->steps * c->channels * sizeof *c->x);
  size_t to = 0;
  for (size_t i = 0; i < n; i++) {
    const size_t begin = order[i] * c->steps / n, end = (order[i] + 1) * c->steps / n;
    memcpy(c->x + to * c->channels, c->work + begin * c->channels,
           (end - begin) * c->channels * sizeof *c->x);
    if (c->layout != NULL && c->layout->features > 0 && i > 0 &&
        order[i] != order[i - 1] + 1)
      fr__features_cut(c->layout, c->x + to * c->channels);
    to += end - begin;
  }
}

const fr__augment_ops fr__augment_permute = {
    .name = "permute",
    .usage = "permute(SEGMENTS)",
    .argument =
        {{.name = "SEGMENTS", .low = 2, .high = 64, .closed = true, .whole = true}},
    .least = 1,
    .most = 1,
    .times = true,
    .room = room_move,
    .apply = permute,
};

/* ---- timewarp ---- */

/* e^x for |x| <= 60 or so to 2e-7: 2^n e^r, |r| <= ln 2 / 2, by Taylor's terms; in
 * operations that compilers do for several x at once. */
static void exponentials(float *restrict x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float turns = x[i] * 1.44269504f + 128.5f; /* above 0, so that a cast rounds */
    const int32_t n = (int32_t)turns - 128;
    const float r = (x[i] - (float)n * 0.693359375f) + (float)n * 2.12194440e-4f;
    const float e =
        1.0f +
        r * (1.0f + r * (1 / 2.0f + r * (1 / 6.0f + r * (1 / 24.0f + r * (1 / 120.0f +
                                                                          r / 720.0f)))));
    const uint32_t bits = (uint32_t)(n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    x[i] = e * power;
  }
}

/* Where time is at each step, if the speed between two is e^s, s a spline through y (n):
 * from 0 to steps - 1. */
static void place_steps(const float *y, size_t n, float *position, size_t steps) {
  float m[FR__AUGMENT_KNOTS_MOST + 2], sum = 0;
  fr__spline_fit(y, m, n, 1);
  const float step = (float)(n - 1) / (float)(steps - 1);
  for (size_t t = 1; t < steps; t++) {
    float w[4];
    const size_t k = fr__spline_weights(((float)t - 0.5f) * step, n, w);
    position[t] = w[0] * y[k] + w[1] * y[k + 1] + w[2] * m[k] + w[3] * m[k + 1];
  }
  exponentials(position + 1, steps - 1);
  position[0] = 0;
  for (size_t t = 1; t < steps; t++)
    position[t] = sum += position[t];
  const float factor = (float)(steps - 1) / sum;
  for (size_t t = 1; t < steps; t++)
    position[t] *= factor;
  position[steps - 1] = (float)(steps - 1);
}

/*
 * The speed is e^(D s(t)), s a spline through normal numbers, hence above 0 and the way
 * of time monotone (Um et al. take 1 + D s, which may run backwards); its sum from 0 to T
 * - 1 is brought to T - 1.
 */
static void timewarp(const fr__change *c) {
  const size_t n = (size_t)c->value[1] + 2, steps = c->steps;
  float y[FR__AUGMENT_KNOTS_MOST + 2];
  float *const position = c->work, *const copy = c->work + steps;
  if (steps < 2)
    return;
  for (size_t i = 0; i < n; i++)
    y[i] = c->value[0] * (float)fr__rng_normal(c->rng);
  place_steps(y, n, position, steps);
  fr__augment_move(c, position, copy);
}

const fr__augment_ops fr__augment_timewarp = {
    .name = "timewarp",
    .usage = "timewarp(D[,KNOTS])",
    .argument = {{.name = "D", .low = 0, .high = 2}, FR__AUGMENT_KNOTS},
    .least = 1,
    .most = 2,
    .times = true,
    .room = room_move,
    .apply = timewarp,
};

/* ---- crop and resample ---- */

/* Steps [begin, begin + (T - 1) speed] in place of [0, T - 1]; behind the end the last
 * one stands still. */
static void play(const fr__change *c, double begin, double speed) {
  float *const position = c->work, *const copy = c->work + c->steps;
  const double last = (double)(c->steps - 1);
  for (size_t t = 0; t < c->steps; t++)
    position[t] = (float)fmin(begin + (double)t * speed, last);
  fr__augment_move(c, position, copy);
}

static void crop(const fr__change *c) {
  const double share = (double)c->value[0], u = fr__rng_uniform(c->rng);
  if (c->steps > 1)
    play(c, u * (1 - share) * (double)(c->steps - 1), share);
}

const fr__augment_ops fr__augment_crop = {
    .name = "crop",
    .usage = "crop(SHARE)",
    .argument = {{.name = "SHARE", .low = 0, .high = 0.999}},
    .least = 1,
    .most = 1,
    .times = true,
    .room = room_move,
    .apply = crop,
};

/* Slower: a part that is drawn; faster: all of it, and who is done holds still. */
static void resample(const fr__change *c) {
  const double speed = exp((double)c->value[0] * fr__rng_normal(c->rng));
  const double u = fr__rng_uniform(c->rng);
  const double spare = speed < 1 ? (1 - speed) * (double)(c->steps - 1) : 0;
  if (c->steps > 1)
    play(c, u * spare, speed);
}

const fr__augment_ops fr__augment_resample = {
    .name = "resample",
    .usage = "resample(D)",
    .argument = {{.name = "D", .low = 0, .high = 2}},
    .least = 1,
    .most = 1,
    .input = FR__AUGMENT_POINTS,
    .times = true,
    .room = room_move,
    .apply = resample,
};
