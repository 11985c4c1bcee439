/* SPDX-License-Identifier: Apache-2.0 */
/* A phone that lies otherwise: the same rotation of every vector that it measures (Um et
 * al. 2017, ICMI, section 3), and of its attitude. */
#include <math.h>
#include <string.h>

#include "data/augment.h"

#define PI 3.14159265358979323846

/*
 * An angle of the rotations of SO(3) that turn by `most` (rad) or less, uniform there:
 * its density is in proportion to 1 - cos θ (Miles 1965, On random rotations in R³,
 * Biometrika 52), so that θ - sin θ = u (most - sin most), u uniform. Newton from θ³ / 6
 * = that: below π the left side is convex, and four steps reach 1e-9 of its zero.
 */
static double draw_angle(fr__rng *rng, double most) {
  const double goal = fr__rng_uniform(rng) * (most - sin(most));
  double angle = cbrt(6 * goal);
  for (int i = 0; i < 4 && angle > 1e-4; i++) /* below, the cube is all there is */
    angle -= (angle - sin(angle) - goal) / (1 - cos(angle));
  return fmin(angle, most);
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

/* ---- attitude, in operations that compilers do for several steps at once ---- */

#define INLINE static inline __attribute__((always_inline))

/* Choices are made of bits: comparing floats would keep steps apart. */
INLINE uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

INLINE float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* a where the mask is all ones, b where it is 0. */
INLINE float choose(uint32_t mask, float a, float b) {
  return float_of((bits_of(a) & mask) | (bits_of(b) & ~mask));
}

#define SIGN 0x80000000u

/* All ones where the magnitude of a is below that of b. */
INLINE uint32_t smaller(float a, float b) {
  return (uint32_t)((int32_t)((bits_of(a) & ~SIGN) - (bits_of(b) & ~SIGN)) >> 31);
}

/* Quarters of a turn, and what is left in [-π/4, π/4], where Taylor's terms are enough
 * for 3e-7 (cosine) and 3e-8 (sine). No angle is 10,000, nor NaN. */
INLINE void turn(float angle, float *cosine, float *sine) {
  const float kept = float_of(bits_of(angle) & smaller(angle, 1e4f));
  const float half = float_of(bits_of(0.5f) | (bits_of(kept) & SIGN));
  const int32_t k = (int32_t)(kept * 0.636619772f + half);
  const float a = (kept - (float)k * 1.5703125f) - (float)k * 4.83826794e-4f;
  const float q = a * a;
  const float c = 1.0f - q * (1 / 2.0f - q * (1 / 24.0f - q * (1 / 720.0f)));
  const float s = a * (1.0f - q * (1 / 6.0f - q * (1 / 120.0f - q * (1 / 5040.0f))));
  const uint32_t odd = 0u - ((uint32_t)k & 1);
  *cosine = float_of(bits_of(choose(odd, s, c)) ^ (((uint32_t)k + 1) & 2) << 30);
  *sine = float_of(bits_of(choose(odd, c, s)) ^ ((uint32_t)k & 2) << 30);
}

/* Abramowitz and Stegun 1964, 4.4.49 (2e-8 on [0, 1]), mirrored into all octants. */
INLINE float angle_of(float y, float x) {
  const uint32_t flat = smaller(y, x);
  const float high = float_of(bits_of(choose(flat, x, y)) & ~SIGN) + 1e-30f;
  const float low = float_of(bits_of(choose(flat, y, x)) & ~SIGN);
  const float t = low / high, q = t * t;
  const float tail = 0.0429096138f + q * (-0.0161657367f + q * 0.0028662257f);
  const float middle = 0.1065626393f + q * (-0.0752896400f + q * tail);
  const float sum =
      -0.3333314528f + q * (0.1999355085f + q * (-0.1420889944f + q * middle));
  const float first = t * (1.0f + q * sum);
  const float right = choose(flat, first, 1.57079633f - first);
  const uint32_t back = 0u - (bits_of(x) >> 31);
  const float half = choose(back, 3.14159265f - right, right);
  return float_of(bits_of(half) | (bits_of(y) & SIGN));
}

/*
 * Roll r, pitch p and yaw y (steps each) stand for the turn M = Ry(r) Rx(p) Rz(y) from
 * the reference to the device, as gravity = M (0, 0, -1) shows; Q M has others. With row
 * 1 and column 2 of Q M, sin p = M12, tan r = -M02 / M22, tan y = -M10 / M11.
 */
static void turn_angles(const float q[3][3], float *restrict roll, float *restrict pitch,
                        float *restrict yaw, size_t steps) {
  for (size_t t = 0; t < steps; t++) {
    float cr, sr, cp, sp, cy, sy;
    turn(roll[t], &cr, &sr);
    turn(pitch[t], &cp, &sp);
    turn(yaw[t], &cy, &sy);
    const float m00 = cr * cy - sr * sp * sy, m01 = cr * sy + sr * sp * cy;
    const float m02 = -sr * cp, m10 = -cp * sy, m11 = cp * cy, m12 = sp;
    const float m20 = sr * cy + cr * sp * sy, m21 = sr * sy - cr * sp * cy;
    const float m22 = cr * cp;
    const float n02 = q[0][0] * m02 + q[0][1] * m12 + q[0][2] * m22;
    const float n10 = q[1][0] * m00 + q[1][1] * m10 + q[1][2] * m20;
    const float n11 = q[1][0] * m01 + q[1][1] * m11 + q[1][2] * m21;
    const float n12 = q[1][0] * m02 + q[1][1] * m12 + q[1][2] * m22;
    const float n22 = q[2][0] * m02 + q[2][1] * m12 + q[2][2] * m22;
    roll[t] = angle_of(-n02, n22);
    pitch[t] = angle_of(n12, sqrtf(n10 * n10 + n11 * n11));
    yaw[t] = angle_of(-n10, n11);
  }
}

static void turn_attitude(const fr__change *c, const double turn[3][3]) {
  const fr_augment_layout *l = c->layout;
  float q[3][3];
  for (size_t i = 0; i < 3; i++)
    for (size_t j = 0; j < 3; j++)
      q[i][j] = (float)turn[i][j];
  for (size_t i = 0; i < 3; i++) {
    const uint32_t k = l->attitude[i];
    for (size_t t = 0; t < c->steps; t++)
      c->work[i * c->steps + t] = c->x[t * c->channels + k] * l->inverse[k] + l->shift[k];
  }
  turn_angles((const float(*)[3])q, c->work, c->work + c->steps, c->work + 2 * c->steps,
              c->steps);
  for (size_t i = 0; i < 3; i++) {
    const uint32_t k = l->attitude[i];
    for (size_t t = 0; t < c->steps; t++)
      c->x[t * c->channels + k] = (c->work[i * c->steps + t] - l->shift[k]) * l->scale[k];
  }
}

static size_t room_rotate(const float *value, size_t steps, size_t channels) {
  (void)value;
  (void)channels;
  return 3 * steps;
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
    .room = room_rotate,
    .apply = rotate,
};
