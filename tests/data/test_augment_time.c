/* SPDX-License-Identifier: Apache-2.0 */
/* What moves samples in time: where things go, and that nothing else happens to them. */
#include "augmented.h"

#include "data/augment.h"

enum { STEPS = 96, CHANNELS = 3, SAMPLES = 200 };

/* Channel c at step t: t + 1000 c, so that values tell where they come from. */
static void ramp(float *x) {
  for (size_t t = 0; t < STEPS; t++)
    for (size_t c = 0; c < CHANNELS; c++)
      x[t * CHANNELS + c] = (float)(t + 1000 * c);
}

/* Channels move together: the others tell the same time as the first. */
static void assert_together(const float *x) {
  for (size_t t = 0; t < STEPS; t++)
    for (size_t c = 1; c < CHANNELS; c++)
      assert_true(fabsf(x[t * CHANNELS + c] - x[t * CHANNELS] - (float)(1000 * c)) <
                  2e-3f);
}

/* SciPy 1.17: CubicSpline(range(6), y, bc_type="natural") of two columns. */
static void splines_are_scipys(void **state) {
  (void)state;
  static const float y[6][2] = {{0.5f, 1},     {-1, 0},          {2, -3},
                                {0.25f, 2.5f}, {-0.75f, 0.125f}, {1, 4}};
  static const struct {
    float at;
    double value[2];
  } rows[] = {{0, {0.5, 1}},
              {0.3f, {-0.3725622, 1.0621495}},
              {1.5f, {0.55382775, -2.2423744}},
              {2.2f, {2.0473206, -2.1997129}},
              {3.9f, {-0.79387081, 0.2864683}},
              {5, {1, 4}}};
  float m[6][2];
  fr__spline_fit(y[0], m[0], 6, 2);
  for (size_t i = 0; i < 6; i++) {
    float w[4];
    const size_t k = fr__spline_weights(rows[i].at, 6, w);
    for (size_t c = 0; c < 2; c++) {
      const float value =
          w[0] * y[k][c] + w[1] * y[k + 1][c] + w[2] * m[k][c] + w[3] * m[k + 1][c];
      assert_true(fabs((double)value - rows[i].value[c]) < 2e-6);
    }
  }
}

static void permute_moves_whole_segments(void **state) {
  (void)state;
  const fr_augment augment = augmented_parse("permute(5)");
  /* by hand: 96 i / 5 */
  static const size_t begin[] = {0, 19, 38, 57, 76, 96};
  size_t identities = 0;
  for (size_t s = 0; s < SAMPLES; s++) {
    static float x[STEPS * CHANNELS];
    bool seen[5] = {false};
    ramp(x);
    augmented_apply(&augment, s, x, STEPS, CHANNELS);
    assert_together(x);
    for (size_t t = 0, in_order = 0; t < STEPS;) {
      size_t i = 0;
      while (i < 5 && (size_t)x[t * CHANNELS] != begin[i])
        i++;
      assert_true(i < 5 && !seen[i]);
      seen[i] = true;
      in_order += i == 0 || seen[i - 1];
      identities += in_order == 5;
      for (size_t k = begin[i]; k < begin[i + 1]; k++, t++)
        assert_true(x[t * CHANNELS] == (float)k);
    }
  }
  assert_true(identities < 10); /* 1 in 120 */
}

/* Time runs forward from the first step to the last, at speeds that differ. */
static void timewarp_is_monotone(void **state) {
  (void)state;
  const fr_augment augment = augmented_parse("timewarp(0.3)");
  double distance = 0;
  for (size_t s = 0; s < SAMPLES; s++) {
    static float x[STEPS * CHANNELS];
    ramp(x);
    augmented_apply(&augment, s, x, STEPS, CHANNELS);
    assert_together(x);
    assert_true(x[0] == 0 && x[(STEPS - 1) * CHANNELS] == STEPS - 1);
    for (size_t t = 1; t < STEPS; t++) {
      assert_true(x[t * CHANNELS] > x[(t - 1) * CHANNELS]);
      distance += fabs((double)x[t * CHANNELS] - (double)t) / (STEPS * SAMPLES);
    }
  }
  assert_true(distance > 1 && distance < 10);
}

/* With the largest deviation and the most knots speeds differ by powers of ten: time may
 * stand still, but goes never back, nor out of the sample. */
static void the_wildest_timewarp_stays_inside(void **state) {
  (void)state;
  const fr_augment augment = augmented_parse("timewarp(2,32)");
  for (size_t s = 0; s < SAMPLES; s++) {
    static float x[STEPS * CHANNELS];
    ramp(x);
    augmented_apply(&augment, s, x, STEPS, CHANNELS);
    assert_true(x[0] == 0 && x[(STEPS - 1) * CHANNELS] == STEPS - 1);
    for (size_t t = 1; t < STEPS; t++)
      assert_true(x[t * CHANNELS] >= x[(t - 1) * CHANNELS]);
  }
}

/* Equal speed in a part of that share, anywhere. */
static void crop_stretches_a_part(void **state) {
  (void)state;
  const fr_augment augment = augmented_parse("crop(0.75)");
  float least = STEPS, most = 0;
  for (size_t s = 0; s < SAMPLES; s++) {
    static float x[STEPS * CHANNELS];
    ramp(x);
    augmented_apply(&augment, s, x, STEPS, CHANNELS);
    assert_together(x);
    const float first = x[0], last = x[(STEPS - 1) * CHANNELS];
    assert_true(fabsf(last - first - 0.75f * (STEPS - 1)) < 1e-3f);
    for (size_t t = 0; t < STEPS; t++)
      assert_true(fabsf(x[t * CHANNELS] - first - 0.75f * (float)t) < 1e-3f);
    least = first < least ? first : least;
    most = last > most ? last : most;
  }
  assert_true(least >= 0 && least < 1 && most <= STEPS - 1 && most > STEPS - 2);
}

/* A sample that ends sooner: what stands behind its end is left alone, and what is moved
 * comes from before it. */
static void behind_the_end_nothing_moves(void **state) {
  (void)state;
  static const char *const texts[] = {"permute(4)", "timewarp(0.5)", "crop(0.6)",
                                      "magwarp(0.5)"};
  enum { LENGTH = 40 };
  for (size_t i = 0; i < 4; i++) {
    const fr_augment augment = augmented_parse(texts[i]);
    static float x[STEPS * CHANNELS];
    ramp(x);
    augmented_apply(&augment, i, x, LENGTH, CHANNELS);
    for (size_t t = LENGTH; t < STEPS; t++)
      assert_true(x[t * CHANNELS] == (float)t);
    for (size_t t = 0; t < LENGTH && i < 3; t++)
      assert_true(x[t * CHANNELS] <= LENGTH - 1);
  }
}

/* An angle just below and just above half a turn: between them there is no 0. */
static void angles_are_not_mixed(void **state) {
  (void)state;
  static const char *const names[] = {"attitude.roll", "attitude.pitch", "attitude.yaw"};
  fr_augment augment = augmented_parse("timewarp(0.5) crop(0.5)");
  ASSERT_OK(augmented_bind(&augment, names, 3, NULL, NULL, FR_NORMALIZE_ZSCORE, err));
  static float x[STEPS * CHANNELS];
  for (size_t i = 0; i < STEPS * CHANNELS; i++)
    x[i] = i / CHANNELS % 2 == 0 ? 3.1f : -3.1f;
  augmented_apply(&augment, 1, x, STEPS, CHANNELS);
  for (size_t i = 0; i < STEPS * CHANNELS; i++)
    assert_true(fabsf(x[i]) == 3.1f);
  fr_augment_release(&augment);
}

static void the_shortest_samples_stand(void **state) {
  (void)state;
  const fr_augment augment =
      augmented_parse("permute(64) timewarp(1,32) crop(0.01) magwarp(0.1,32)");
  for (size_t steps = 1; steps < 5; steps++) {
    float x[4 * CHANNELS];
    for (size_t i = 0; i < 4 * CHANNELS; i++)
      x[i] = 1;
    augmented_apply(&augment, steps, x, steps, CHANNELS);
    for (size_t i = 0; i < 4 * CHANNELS; i++)
      assert_true(isfinite(x[i]) && (i < steps * CHANNELS || x[i] == 1));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(splines_are_scipys),
      cmocka_unit_test(permute_moves_whole_segments),
      cmocka_unit_test(timewarp_is_monotone),
      cmocka_unit_test(the_wildest_timewarp_stays_inside),
      cmocka_unit_test(crop_stretches_a_part),
      cmocka_unit_test(behind_the_end_nothing_moves),
      cmocka_unit_test(angles_are_not_mixed),
      cmocka_unit_test(the_shortest_samples_stand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
