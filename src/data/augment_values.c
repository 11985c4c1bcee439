/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of values where they are: jittering, scaling and magnitude warping (Um et al.
 * 2017, Data augmentation of wearable sensor data, ICMI, section 3), missing channels
 * (DeVries and Taylor 2017, Improved regularization with cutout, on sensors in place of
 * squares), and the share of mixup (Zhang et al. 2018, mixup, ICLR).
 */
#include <math.h>
#include <string.h>

#include "base/normal.h"
#include "data/augment.h"

/* ---- jitter ---- */

static void jitter(const fr__change *c) {
  fr__normals normals;
  fr__normals_init(&normals, fr__rng_next(c->rng), 0);
  fr__normals_add(&normals, c->value[0], c->x, c->steps * c->channels);
}

const fr__augment_ops fr__augment_jitter = {
    .name = "jitter",
    .usage = "jitter(D)",
    .argument = {{.name = "D", .low = 0, .high = 10}},
    .least = 1,
    .most = 1,
    .values = true,
    .apply = jitter,
};

/* ---- scale ---- */

static void scale(const fr__change *c) {
  const float factor = 1.0f + c->value[0] * (float)fr__rng_normal(c->rng);
  for (size_t i = 0; i < c->steps * c->channels; i++)
    c->x[i] *= factor;
}

const fr__augment_ops fr__augment_scale = {
    .name = "scale",
    .usage = "scale(D)",
    .argument = {{.name = "D", .low = 0, .high = 10}},
    .least = 1,
    .most = 1,
    .values = true,
    .apply = scale,
};

/* ---- magwarp ---- */

static size_t knots_of(const float *value) { return (size_t)value[1] + 2; }

static size_t room_magwarp(const float *value, size_t steps, size_t channels) {
  (void)steps;
  return 2 * knots_of(value) * channels;
}

/* 1 + D s(t), s a spline through normal numbers at both ends and `knots` between. */
static void magwarp(const fr__change *c) {
  const size_t n = knots_of(c->value), columns = c->channels;
  float *const y = c->work, *const m = y + n * columns;
  fr__normals normals;
  fr__normals_init(&normals, fr__rng_next(c->rng), 0);
  memset(y, 0, n * columns * sizeof *y);
  fr__normals_add(&normals, c->value[0], y, n * columns);
  fr__spline_fit(y, m, n, columns);
  const float step = c->steps > 1 ? (float)(n - 1) / (float)(c->steps - 1) : 0;
  for (size_t t = 0; t < c->steps; t++) {
    float w[4];
    const size_t k = fr__spline_weights((float)t * step, n, w) * columns;
    float *const row = c->x + t * columns;
    for (size_t i = 0; i < columns; i++)
      row[i] *= 1.0f + w[0] * y[k + i] + w[1] * y[k + columns + i] + w[2] * m[k + i] +
                w[3] * m[k + columns + i];
  }
}

const fr__augment_ops fr__augment_magwarp = {
    .name = "magwarp",
    .usage = "magwarp(D[,KNOTS])",
    .argument = {{.name = "D", .low = 0, .high = 2}, FR__AUGMENT_KNOTS},
    .least = 1,
    .most = 2,
    .times = true,
    .values = true,
    .room = room_magwarp,
    .apply = magwarp,
};

/* ---- dropchannel ---- */

static void drop(const fr__change *c, uint32_t channel) {
  const float value = c->layout != NULL ? c->layout->absent[channel] : 0;
  for (size_t t = 0; t < c->steps; t++)
    c->x[t * c->channels + channel] = value;
}

/* Groups: the vectors, then the channels that are of none. */
static void drop_group(const fr__change *c, size_t group) {
  const fr_augment_layout *layout = c->layout;
  if (layout == NULL)
    drop(c, (uint32_t)group);
  else if (group < layout->vectors)
    for (size_t i = 0; i < 3; i++)
      drop(c, layout->vector[group].channel[i]);
  else
    drop(c, layout->other[group - layout->vectors]);
}

/* Each with probability P, but never all: one that is drawn first always stays. */
static void dropchannel(const fr__change *c) {
  const size_t groups =
      c->layout != NULL ? c->layout->vectors + c->layout->loose : c->channels;
  const size_t stays = fr__rng_below(c->rng, groups);
  for (size_t g = 0; g < groups; g++)
    if (fr__rng_uniform(c->rng) < (double)c->value[0] && g != stays)
      drop_group(c, g);
}

const fr__augment_ops fr__augment_dropchannel = {
    .name = "dropchannel",
    .usage = "dropchannel(P)",
    .argument = {{.name = "P", .low = 0, .high = 0.9}},
    .least = 1,
    .most = 1,
    .drops = true,
    .apply = dropchannel,
};

/* ---- mixup ---- */

/* log of a number of the gamma distribution of shape a and scale 1 (Marsaglia and Tsang
 * 2000, ACM TOMS 26(3)), by that of shape a + 1 times u^(1/a) where a is below 1: in
 * logarithms, since u^(1/a) may be too small for a double. */
static double log_gamma_variate(fr__rng *rng, double a) {
  if (a < 1) {
    const double u = 1 - fr__rng_uniform(rng);
    return log_gamma_variate(rng, a + 1) + log(u) / a;
  }
  const double d = a - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    const double x = fr__rng_normal(rng), root = 1 + c * x;
    const double v = root * root * root;
    const double u = 1 - fr__rng_uniform(rng);
    if (root > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v))
      return log(d * v);
  }
}

/* Beta(α, α) is G / (G + H) of two such numbers. */
float fr__augment_share(fr__rng *rng, double alpha) {
  const double g = log_gamma_variate(rng, alpha), h = log_gamma_variate(rng, alpha);
  return (float)(1 / (1 + exp(h - g)));
}

const fr__augment_ops fr__augment_mixup = {
    .name = "mixup",
    .usage = "mixup(ALPHA)",
    .argument = {{.name = "ALPHA", .low = 0.01, .high = 100, .closed = true}},
    .least = 1,
    .most = 1,
};
