/* SPDX-License-Identifier: Apache-2.0 */
/* Augmentation has the deviations it is asked for and depends on seed, epoch and sample.
 */
#include "../test.h"

#include <math.h>

#include "frugal/data.h"

enum { STEPS = 500, CHANNELS = 4, VALUES = STEPS * CHANNELS, SAMPLES = 400 };

static float work[4 * VALUES];

static void fill(float *x) {
  for (size_t i = 0; i < VALUES; i++)
    x[i] = (float)(i % 7) - 3;
}

static void jitter_has_its_deviation(void **state) {
  (void)state;
  fr_augment augment;
  ASSERT_OK(fr_augment_parse(" jitter(0.25) ", &augment, err));
  static float x[VALUES], y[VALUES];
  fill(x);
  fill(y);
  fr_augment_apply(&augment, 1, 1, 0, y, STEPS, CHANNELS, work);
  double sum = 0, squares = 0;
  for (size_t i = 0; i < VALUES; i++) {
    const double d = (double)y[i] - (double)x[i];
    sum += d;
    squares += d * d;
  }
  assert_true(fabs(sum / VALUES) < 0.03);
  assert_true(fabs(sqrt(squares / VALUES) - 0.25) < 0.015);
}

static void scale_is_one_factor_a_sample(void **state) {
  (void)state;
  fr_augment augment;
  ASSERT_OK(fr_augment_parse("scale(0.1)", &augment, err));
  static float x[VALUES], y[VALUES];
  fill(x);
  double squares = 0;
  for (size_t s = 0; s < SAMPLES; s++) {
    fill(y);
    fr_augment_apply(&augment, 1, 1, s, y, STEPS, CHANNELS, work);
    const float factor = y[0] / x[0];
    for (size_t i = 0; i < VALUES; i++)
      assert_true(fabsf(y[i] - factor * x[i]) < 1e-5f);
    squares += (factor - 1) * (factor - 1);
  }
  assert_true(fabs(sqrt(squares / SAMPLES) - 0.1) < 0.015);
}

static void it_depends_on_seed_epoch_and_sample_alone(void **state) {
  (void)state;
  fr_augment augment;
  ASSERT_OK(fr_augment_parse("scale(0.1) jitter(0.1)", &augment, err));
  static float first[VALUES], other[VALUES];
  static const struct {
    uint64_t seed, epoch;
    size_t sample;
    bool same;
  } cases[] = {{1, 2, 3, true}, {2, 2, 3, false}, {1, 3, 3, false}, {1, 2, 4, false}};
  fill(first);
  fr_augment_apply(&augment, 1, 2, 3, first, STEPS, CHANNELS, work);
  for (size_t i = 0; i < 4; i++) {
    fill(other);
    fr_augment_apply(&augment, cases[i].seed, cases[i].epoch, cases[i].sample, other,
                     STEPS, CHANNELS, work);
    assert_true((memcmp(first, other, sizeof first) == 0) == cases[i].same);
  }
}

static void bad_texts_are_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"jitter",    "jitter()", "jitter(-1)", "jitter(x)",
                                      "scale(99)", "turn(3)",  "scale(0.1"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    fr_augment augment = {.count = 7};
    fr_error error;
    assert_int_equal(fr_augment_parse(texts[i], &augment, &error), FR_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, texts[i]));
    assert_true(augment.count == 7);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(jitter_has_its_deviation),
      cmocka_unit_test(scale_is_one_factor_a_sample),
      cmocka_unit_test(it_depends_on_seed_epoch_and_sample_alone),
      cmocka_unit_test(bad_texts_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
