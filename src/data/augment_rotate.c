/* SPDX-License-Identifier: Apache-2.0 */
/* A phone that lies otherwise: the same rotation of every vector that it measures (Um et
 * al. 2017, ICMI, section 3), and of its attitude. */
#include <math.h>

#include "data/augment.h"

#define PI 3.14159265358979323846

/*
 * An angle of the rotations of SO(3) that turn by `most` (rad) or less, uniform there:
 * its density is in proportion to 1 - cos θ (Miles 1965, On random rotations in R³,
 * Biometrika 52), so that u = (θ - sin θ) / (most - sin most); by bisection, as θ - sin θ
 * is flat at 0.
 */
static double draw_angle(fr__rng *rng, double most) {
  const double goal = fr__rng_uniform(rng) * (most - sin(most));
  double low = 0, high = most;
  for (int i = 0; i < 40; i++) {
    const double middle = 0.5 * (low + high);
    if (middle - sin(middle) < goal)
      low = middle;
    else
      high = middle;
  }
  return 0.5 * (low + high);
}

/* Around an axis that is uniform on the sphere (Archimedes: so is its z in [-1, 1]), by
 * Rodrigues' formula. */
static void draw_rotation(fr__rng *rng, double most, double q[3][3]) {
  const double z = 2 * fr__rng_uniform(rng) - 1, turn = 2 * PI * fr__rng_uniform(rng);
  const double radius = sqrt(1 - z * z), angle = draw_angle(rng, most);
  const double a[3] = {radius * cos(turn), radius * sin(turn), z};
  const double c = cos(angle), s = sin(angle);
  const double cross[3][3] = {{0, -a[2], a[1]}, {a[2], 0, -a[0]}, {-a[1], a[0], 0}};
  for (size_t i = 0; i < 3; i++)
    for (size_t j = 0; j < 3; j++)
      q[i][j] = (i == j ? c : 0) + s * cross[i][j] + (1 - c) * a[i] * a[j];
}

/* x' = S (Q (S⁻¹ x + m) - m) = A x + b, m the shifts and S the scales. */
static void turn_vector(const fr__change *c, const fr__augment_vector *v,
                        const double q[3][3]) {
  float a[3][3], b[3];
  for (size_t i = 0; i < 3; i++) {
    double sum = -(double)v->shift[i];
    for (size_t j = 0; j < 3; j++) {
      a[i][j] = (float)((double)v->scale[i] * q[i][j] / (double)v->scale[j]);
      sum += q[i][j] * (double)v->shift[j];
    }
    b[i] = (float)((double)v->scale[i] * sum);
  }
  for (size_t t = 0; t < c->steps; t++) {
    float *const row = c->x + t * c->channels;
    const float x = row[v->channel[0]], y = row[v->channel[1]], z = row[v->channel[2]];
    for (size_t i = 0; i < 3; i++)
      row[v->channel[i]] = b[i] + a[i][0] * x + a[i][1] * y + a[i][2] * z;
  }
}

/*
 * Roll r, pitch p and yaw y stand for the turn M = Ry(r) Rx(p) Rz(y) from the reference
 * to the device, as gravity = M (0, 0, -1) shows; Q M has others. Rows 0 and 2 of M are
 * only needed in what the angles are read from: sin p = M12, tan r = -M02 / M22, tan y =
 * -M10 / M11.
 */
static void turn_angles(const double q[3][3], double angle[3]) {
  const double cr = cos(angle[0]), sr = sin(angle[0]), cp = cos(angle[1]);
  const double sp = sin(angle[1]), cy = cos(angle[2]), sy = sin(angle[2]);
  const double m[3][3] = {
      {cr * cy - sr * sp * sy, cr * sy + sr * sp * cy, -sr * cp},
      {-cp * sy, cp * cy, sp},
      {sr * cy + cr * sp * sy, sr * sy - cr * sp * cy, cr * cp},
  };
  double n[3][3];
  for (size_t i = 0; i < 3; i++)
    for (size_t j = 0; j < 3; j++)
      n[i][j] = q[i][0] * m[0][j] + q[i][1] * m[1][j] + q[i][2] * m[2][j];
  angle[0] = atan2(-n[0][2], n[2][2]);
  angle[1] = asin(fmax(-1, fmin(1, n[1][2])));
  angle[2] = atan2(-n[1][0], n[1][1]);
}

static void turn_attitude(const fr__change *c, const double q[3][3]) {
  const fr_augment_layout *l = c->layout;
  for (size_t t = 0; t < c->steps; t++) {
    float *const row = c->x + t * c->channels;
    double angle[3];
    for (size_t i = 0; i < 3; i++) {
      const uint32_t k = l->attitude[i];
      angle[i] = (double)row[k] * (double)l->inverse[k] + (double)l->shift[k];
    }
    turn_angles(q, angle);
    for (size_t i = 0; i < 3; i++) {
      const uint32_t k = l->attitude[i];
      row[k] = (float)((angle[i] - (double)l->shift[k]) * (double)l->scale[k]);
    }
  }
}

static void rotate(const fr__change *c) {
  double q[3][3];
  draw_rotation(c->rng, (double)c->value[0] * (PI / 180), q);
  for (size_t v = 0; v < c->layout->vectors; v++)
    turn_vector(c, &c->layout->vector[v], (const double(*)[3])q);
  if (c->layout->attitude[0] != FR_NONE)
    turn_attitude(c, (const double(*)[3])q);
}

const fr__augment_ops fr__augment_rotate = {
    .name = "rotate",
    .usage = "rotate(DEGREES)",
    .argument = {{.name = "DEGREES", .low = 0, .high = 180}},
    .least = 1,
    .most = 1,
    .input = FR__AUGMENT_VECTORS,
    .apply = rotate,
};
