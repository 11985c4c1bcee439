/* SPDX-License-Identifier: Apache-2.0 */
/* A rotation turns what the phone measured, whatever the normaliser made of it. */
#include "augmented.h"

enum { CHANNELS = 12, STEPS = 5, SAMPLES = 4000 };

#define PI 3.14159265358979323846

/* Scattered, so that order is not what finds the vectors. */
static const char *const names[CHANNELS] = {
    "attitude.yaw",   "gravity.y", "rotationRate.x", "userAcceleration.z",
    "attitude.roll",  "gravity.x", "rotationRate.z", "userAcceleration.x",
    "attitude.pitch", "gravity.z", "rotationRate.y", "userAcceleration.y"};
enum { YAW, GY, WX, AZ, ROLL, GX, WZ, AX, PITCH, GZ, WY, AY };

static const float shift[CHANNELS] = {0.3f, -0.8f, 0.1f, 0.05f, -0.2f, 0.2f,
                                      0.4f, -0.1f, 0.7f, -0.3f, -0.6f, 0.15f};
static const float scale[CHANNELS] = {0.9f, 3.5f, 0.7f, 2.5f, 1.1f, 2.0f,
                                      0.4f, 4.0f, 2.2f, 1.5f, 0.5f, 3.0f};

typedef struct body {
  double attitude[3], gravity[3], rate[3], acceleration[3];
} body;

static body physical(const float *x) {
  static const size_t at[4][3] = {
      {ROLL, PITCH, YAW}, {GX, GY, GZ}, {WX, WY, WZ}, {AX, AY, AZ}};
  double out[4][3];
  body b;
  for (size_t v = 0; v < 4; v++)
    for (size_t i = 0; i < 3; i++)
      out[v][i] = (double)x[at[v][i]] / (double)scale[at[v][i]] + (double)shift[at[v][i]];
  memcpy(&b, out, sizeof b);
  return b;
}

/* As Core Motion defines it: gravity from roll and pitch. */
static void gravity_of(const double attitude[3], double g[3]) {
  g[0] = cos(attitude[1]) * sin(attitude[0]);
  g[1] = -sin(attitude[1]);
  g[2] = -cos(attitude[1]) * cos(attitude[0]);
}

static void make_step(size_t t, float *x) {
  const double a[3] = {0.4 + 0.3 * (double)t, -0.5 + 0.2 * (double)t,
                       1 + 0.5 * (double)t};
  double g[3];
  gravity_of(a, g);
  const double value[CHANNELS] = {a[2], g[1], 1.5,  0.2,  a[0], g[0],
                                  -2,   0.7,  a[1], g[2], 0.5,  -0.4};
  for (size_t c = 0; c < CHANNELS; c++)
    x[c] = (float)((value[c] - (double)shift[c]) * (double)scale[c]);
}

static fr_augment bound(const char *text) {
  fr_augment augment = augmented_parse(text);
  ASSERT_OK(
      augmented_bind(&augment, names, CHANNELS, shift, scale, FR_NORMALIZE_ZSCORE, err));
  return augment;
}

static double dot(const double a[3], const double b[3]) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static double triple(const double a[3], const double b[3], const double c[3]) {
  return a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) +
         a[2] * (b[0] * c[1] - b[1] * c[0]);
}

/* Lengths, angles between vectors, and left or right, in physical units. */
static void lengths_angles_and_handedness_stay(void **state) {
  (void)state;
  fr_augment augment = bound("rotate(180)");
  for (size_t s = 0; s < 50; s++) {
    float x[STEPS * CHANNELS], y[STEPS * CHANNELS];
    for (size_t t = 0; t < STEPS; t++)
      make_step(t, x + t * CHANNELS);
    memcpy(y, x, sizeof y);
    augmented_apply(&augment, s, y, STEPS, CHANNELS);
    for (size_t t = 0; t < STEPS; t++) {
      const body a = physical(x + t * CHANNELS), b = physical(y + t * CHANNELS);
      assert_true(fabs(dot(a.gravity, a.gravity) - dot(b.gravity, b.gravity)) < 1e-5);
      assert_true(fabs(dot(a.rate, a.rate) - dot(b.rate, b.rate)) < 1e-4);
      assert_true(fabs(dot(a.acceleration, a.acceleration) -
                       dot(b.acceleration, b.acceleration)) < 1e-5);
      assert_true(fabs(dot(a.acceleration, a.gravity) - dot(b.acceleration, b.gravity)) <
                  1e-5);
      assert_true(fabs(dot(a.rate, a.gravity) - dot(b.rate, b.gravity)) < 1e-5);
      assert_true(fabs(triple(a.gravity, a.rate, a.acceleration) -
                       triple(b.gravity, b.rate, b.acceleration)) < 1e-5);
    }
  }
  fr_augment_release(&augment);
}

/* a b, both (3, 3). */
static void multiply(const double a[3][3], const double b[3][3], double out[3][3]) {
  for (size_t i = 0; i < 3; i++)
    for (size_t j = 0; j < 3; j++)
      out[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
}

/* Where the reference's x axis lies for the device: yaw, then pitch, then roll turn it
 * (MotionSense's recordings confirm it: so made, gravity and rotation rate agree with
 * those measured). */
static void heading_of(const double attitude[3], double out[3]) {
  const double r = attitude[0], p = attitude[1], y = attitude[2];
  const double roll[3][3] = {{cos(r), 0, -sin(r)}, {0, 1, 0}, {sin(r), 0, cos(r)}};
  const double pitch[3][3] = {{1, 0, 0}, {0, cos(p), sin(p)}, {0, -sin(p), cos(p)}};
  const double yaw[3][3] = {{cos(y), sin(y), 0}, {-sin(y), cos(y), 0}, {0, 0, 1}};
  double part[3][3], all[3][3];
  multiply(roll, pitch, part);
  multiply((const double(*)[3])part, yaw, all);
  for (size_t i = 0; i < 3; i++)
    out[i] = all[i][0];
}

/* The attitude tells the turned gravity and the turned heading, which stands in the
 * place of the acceleration here. */
static void attitude_turns_along(void **state) {
  (void)state;
  fr_augment augment = bound("rotate(180)");
  for (size_t s = 0; s < 50; s++) {
    static const size_t at[3] = {AX, AY, AZ};
    float x[CHANNELS];
    double g[3], heading[3];
    make_step(s % STEPS, x);
    heading_of(physical(x).attitude, heading);
    for (size_t i = 0; i < 3; i++)
      x[at[i]] = (float)((heading[i] - (double)shift[at[i]]) * (double)scale[at[i]]);
    augmented_apply(&augment, s, x, 1, CHANNELS);
    const body b = physical(x);
    gravity_of(b.attitude, g);
    heading_of(b.attitude, heading);
    for (size_t i = 0; i < 3; i++) {
      assert_true(fabs(g[i] - b.gravity[i]) < 1e-4);
      assert_true(fabs(heading[i] - b.acceleration[i]) < 1e-4);
    }
  }
  fr_augment_release(&augment);
}

/* The turn is one for the whole sample, the first of it included: by which angle each
 * step's attitude differs from its own before is the same at every step. */
static void one_rotation_a_sample(void **state) {
  (void)state;
  fr_augment augment = bound("rotate(180)");
  float x[STEPS * CHANNELS];
  for (size_t t = 0; t < STEPS; t++)
    make_step(0, x + t * CHANNELS);
  augmented_apply(&augment, 5, x, STEPS, CHANNELS);
  for (size_t t = 1; t < STEPS; t++)
    assert_memory_equal(x, x + t * CHANNELS, CHANNELS * sizeof *x);
  fr_augment_release(&augment);
}

/* Columns of the rotation, by turning the unit vectors. */
static void draw_matrix(const fr_augment *augment, size_t sample, double q[3][3]) {
  for (size_t j = 0; j < 3; j++) {
    float x[3] = {0, 0, 0};
    x[j] = 1;
    augmented_apply(augment, sample, x, 1, 3);
    for (size_t i = 0; i < 3; i++)
      q[i][j] = (double)x[i];
  }
}

static const char *const unit[] = {"a_x", "a_y", "a_z"};

/* Of the Haar measure: E q = 0, E q² = 1/3, E q_ij q_kl = 0 for others, E trace² = 1. */
static void rotations_by_180_degrees_are_uniform(void **state) {
  (void)state;
  fr_augment augment = augmented_parse("rotate(180)");
  ASSERT_OK(augmented_bind(&augment, unit, 3, NULL, NULL, FR_NORMALIZE_ZSCORE, err));
  double mean[9] = {0}, product[9][9] = {{0}}, trace = 0;
  for (size_t s = 0; s < SAMPLES; s++) {
    double q[3][3];
    draw_matrix(&augment, s, q);
    const double *v = q[0], sum = q[0][0] + q[1][1] + q[2][2];
    trace += sum * sum / SAMPLES;
    for (size_t i = 0; i < 9; i++) {
      mean[i] += v[i] / SAMPLES;
      for (size_t k = 0; k < 9; k++)
        product[i][k] += v[i] * v[k] / SAMPLES;
    }
  }
  for (size_t i = 0; i < 9; i++) {
    assert_true(fabs(mean[i]) < 0.04);
    for (size_t k = 0; k < 9; k++)
      assert_true(fabs(product[i][k] - (i == k ? 1.0 / 3 : 0)) < 0.03);
  }
  assert_true(fabs(trace - 1) < 0.08);
  fr_augment_release(&augment);
}

/* SciPy's quadrature of cos θ under the density (1 - cos θ) / (D - sin D). */
static void smaller_rotations_are_uniform_among_theirs(void **state) {
  (void)state;
  static const struct {
    const char *text;
    double degrees, cosine;
  } rows[] = {{"rotate(30)", 30, 0.919296}, {"rotate(90)", 90, 0.375969}};
  for (size_t r = 0; r < 2; r++) {
    fr_augment augment = augmented_parse(rows[r].text);
    ASSERT_OK(augmented_bind(&augment, unit, 3, NULL, NULL, FR_NORMALIZE_ZSCORE, err));
    double sum = 0;
    for (size_t s = 0; s < SAMPLES; s++) {
      double q[3][3];
      draw_matrix(&augment, s, q);
      const double cosine = (q[0][0] + q[1][1] + q[2][2] - 1) / 2;
      assert_true(cosine > cos(rows[r].degrees * PI / 180) - 1e-5);
      sum += cosine;
    }
    assert_true(fabs(sum / SAMPLES - rows[r].cosine) < (r == 0 ? 0.002 : 0.02));
    fr_augment_release(&augment);
  }
}

static void what_cannot_be_turned_is_refused(void **state) {
  (void)state;
  static const float silent[] = {1, 0, 1};
  const struct {
    const char *name[4];
    size_t count;
    const float *scale;
    enum fr_normalize how;
    const char *sentence;
  } rows[] = {
      {{"userAcceleration.vertical"},
       1,
       NULL,
       FR_NORMALIZE_ZSCORE,
       "augmentation rotate has nothing to do: 'userAcceleration.vertical' is the same "
       "whichever way the phone lies (frame=gravity)"},
      {{"raw_acc:3d:mean_x"},
       1,
       NULL,
       FR_NORMALIZE_ZSCORE,
       "augmentation rotate turns signals: 'raw_acc:3d:mean_x' is a feature, which a "
       "rotated phone would have computed anew"},
      {{"gravity.x", "gravity.y"},
       2,
       NULL,
       FR_NORMALIZE_ZSCORE,
       "augmentation rotate turns vectors: 'gravity.x' is not one of three channels "
       "NAME.x, NAME.y, NAME.z"},
      {{"a.x", "a.y", "a.z", "attitude.roll"},
       4,
       NULL,
       FR_NORMALIZE_ZSCORE,
       "augmentation rotate needs all of attitude.roll, attitude.pitch and attitude.yaw, "
       "or none"},
      {{"a.x", "a.y", "a.z"},
       3,
       NULL,
       FR_NORMALIZE_WINDOW,
       "augmentation rotate needs to know what the normaliser did: --normalize window "
       "has "
       "another scale for each window and axis"},
      {{"a.x", "a.y", "a.z"},
       3,
       silent,
       FR_NORMALIZE_ZSCORE,
       "augmentation rotate needs whole vectors: training never saw 'a.y'"},
      {{"hand.0.x", "hand.0.y", "hand.0.z"},
       3,
       NULL,
       FR_NORMALIZE_ZSCORE,
       "augmentation rotate turns what a phone measures; key points turn in the "
       "picture's plane: affine(DEGREES)"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fr_augment augment = augmented_parse("jitter(1) rotate(20)");
    fr_error error = {0};
    assert_int_equal(augmented_bind(&augment, rows[i].name, rows[i].count, NULL,
                                    rows[i].scale, rows[i].how, &error),
                     FR_ERR_ARGUMENT);
    assert_string_equal(error.text, rows[i].sentence);
    assert_null(augment.layout);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lengths_angles_and_handedness_stay),
      cmocka_unit_test(attitude_turns_along),
      cmocka_unit_test(one_rotation_a_sample),
      cmocka_unit_test(rotations_by_180_degrees_are_uniform),
      cmocka_unit_test(smaller_rotations_are_uniform_among_theirs),
      cmocka_unit_test(what_cannot_be_turned_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
