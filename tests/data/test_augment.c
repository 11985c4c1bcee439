/* SPDX-License-Identifier: Apache-2.0 */
/* Augmentation has the deviations it is asked for and depends on seed, epoch and sample.
 */
#include "augmented.h"
#include "base/rng.h"
#include "data/augment.h"

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

/* Each channel's factor is its own and smooth: a spline through 6 knots in 500 steps
 * turns slowly; its deviation at the knots is D. */
static void magwarp_is_a_smooth_factor(void **state) {
  (void)state;
  const fr_augment augment = augmented_parse("magwarp(0.2)");
  static float x[VALUES];
  double squares = 0;
  for (size_t s = 0; s < SAMPLES; s++) {
    for (size_t i = 0; i < VALUES; i++)
      x[i] = 1;
    augmented_apply(&augment, s, x, STEPS, CHANNELS);
    for (size_t c = 0; c < CHANNELS; c++)
      squares += (x[c] - 1) * (x[c] - 1);
    for (size_t i = CHANNELS; i + CHANNELS < VALUES; i++)
      assert_true(fabsf(x[i + CHANNELS] - 2 * x[i] + *(x + i - CHANNELS)) < 2e-3f);
    assert_true(x[0] != x[1]);
  }
  assert_true(fabs(sqrt(squares / (SAMPLES * CHANNELS)) - 0.2) < 0.015);
}

/* Channels alone, where nothing is bound; what is dropped is 0, and never all. */
static void dropchannel_leaves_one(void **state) {
  (void)state;
  const fr_augment augment = augmented_parse("dropchannel(0.5)");
  static float x[VALUES], y[VALUES];
  size_t dropped = 0;
  fill(x);
  for (size_t s = 0; s < SAMPLES; s++) {
    size_t here = 0;
    fill(y);
    augmented_apply(&augment, s, y, STEPS, CHANNELS);
    for (size_t c = 0; c < CHANNELS; c++) {
      size_t same = 0;
      for (size_t t = 0; t < STEPS; t++)
        same += y[t * CHANNELS + c] == x[t * CHANNELS + c];
      assert_true(same == STEPS || y[c] == 0);
      here += same < STEPS;
    }
    assert_true(here < CHANNELS);
    dropped += here;
  }
  /* by hand: three of four, each with probability 1/2 */
  assert_true(fabs((double)dropped / SAMPLES - 1.5) < 0.15);
}

/* Vectors go missing whole: x, y and z of one, the channel that is of none alone; to what
 * a missing value is without normalisation. */
static void dropchannel_takes_whole_vectors(void **state) {
  (void)state;
  static const char *const names[CHANNELS] = {"a.z", "a.x", "heat", "a.y"};
  static const float mean[CHANNELS] = {5, 6, 7, 8}, ones[CHANNELS] = {1, 1, 1, 1};
  fr_augment augment = augmented_parse("dropchannel(0.5)");
  ASSERT_OK(
      augmented_bind(&augment, names, CHANNELS, mean, ones, FR_NORMALIZE_NONE, err));
  size_t seen[3] = {0};
  for (size_t s = 0; s < SAMPLES; s++) {
    float x[CHANNELS] = {1, 2, 3, 4};
    augmented_apply(&augment, s, x, 1, CHANNELS);
    const bool vector = x[0] == 5 && x[1] == 6 && x[3] == 8, heat = x[2] == 7;
    assert_true(vector || (x[0] == 1 && x[1] == 2 && x[3] == 4));
    assert_true(heat || x[2] == 3);
    assert_false(vector && heat);
    seen[vector ? 1 : heat ? 2 : 0]++;
  }
  assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
  fr_augment_release(&augment);
}

/* SciPy 1.17: beta(a, a).var() and .cdf(0.1). */
static void shares_of_mixup_are_beta(void **state) {
  (void)state;
  static const struct {
    double alpha, variance, below;
  } rows[] = {{0.1, 0.208333, 0.406385},
              {0.2, 0.178571, 0.336690},
              {1, 0.083333, 0.1},
              {5, 0.022727, 0.000891}};
  enum { DRAWS = 40000 };
  fr__rng rng;
  fr__rng_init(&rng, 4, 4);
  for (size_t r = 0; r < 4; r++) {
    double sum = 0, squares = 0, below = 0;
    for (size_t i = 0; i < DRAWS; i++) {
      const double share = (double)fr__augment_share(&rng, rows[r].alpha);
      assert_true(share >= 0 && share <= 1);
      sum += share;
      squares += (share - 0.5) * (share - 0.5);
      below += share < 0.1;
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 0.01);
    assert_true(fabs(squares / DRAWS - rows[r].variance) < 0.004);
    assert_true(fabs(below / DRAWS - rows[r].below) < 0.01);
  }
  assert_true(isfinite(fr__augment_share(&rng, 0.01)));
}

static void texts_come_back(void **state) {
  (void)state;
  static const char *const texts[][2] = {
      {"", ""},
      {"  jitter( 0.05 )\n\t", "jitter(0.05)"},
      {"rotate(180) timewarp(0.2) mixup(0.2)", "rotate(180) timewarp(0.2,4) mixup(0.2)"},
      {"jitter(0.1) jitter(0.2)", "jitter(0.1) jitter(0.2)"},
      {"mirror(0.5) mirror(1, 0)", "mirror(0.5) mirror(1,0)"},
      {"affine(15) affine(0,0.1) affine(0,0,0.125)",
       "affine(15,0,0) affine(0,0.1,0) affine(0,0,0.125)"},
      {"permute(5) crop(0.9) magwarp(0.1,8) scale(0.333333333)",
       "permute(5) crop(0.9) magwarp(0.1,8) scale(0.33333334)"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const fr_augment augment = augmented_parse(texts[i][0]);
    char text[256], tiny[4];
    fr_augment_describe(&augment, text, sizeof text);
    assert_string_equal(text, texts[i][1]);
    const fr_augment again = augmented_parse(text);
    assert_memory_equal(&again, &augment, sizeof again);
    fr_augment_describe(&augment, tiny, sizeof tiny);
    assert_true(strlen(tiny) < sizeof tiny);
  }
}

static void bad_texts_are_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"jitter",
                                      "jitter()",
                                      "jitter(-1)",
                                      "jitter(x)",
                                      "scale(99)",
                                      "turn(3)",
                                      "scale(0.1",
                                      "jitter(nan)",
                                      "jitter(0)",
                                      "jitter(1)x",
                                      "permute(2.5)",
                                      "permute(1)",
                                      "crop(1)",
                                      "mixup(0)",
                                      "rotate(181)",
                                      "affine(0)",
                                      "timewarp(0.1,0)",
                                      "scale(1,2)",
                                      "affine(1,,1)",
                                      "(1)",
                                      "jitter(inf)",
                                      "dropchannel(1)",
                                      ")",
                                      "mirror(0.5,)",
                                      "jitter(1)scale(1)"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    fr_augment augment = {.count = 7};
    fr_error error;
    assert_int_equal(fr_augment_parse(texts[i], &augment, &error), FR_ERR_ARGUMENT);
    if (strstr(error.text, texts[i]) == NULL)
      fail_msg("%s", error.text);
    assert_true(augment.count == 7);
  }
}

static void what_is_wrong_is_said(void **state) {
  (void)state;
  static const struct {
    const char *text, *sentence;
    enum fr_status status;
  } rows[] = {
      {"turn(3)",
       "augmentation 'turn(3)' is not jitter, scale, rotate, permute, timewarp, magwarp, "
       "crop, dropchannel, mixup, mirror, affine, resample or drophand with arguments",
       FR_ERR_ARGUMENT},
      {"timewarp(3)",
       "augmentation 'timewarp(3)' is not timewarp(D[,KNOTS]) with D above 0 and at most "
       "2, KNOTS a whole number from 1 to 32",
       FR_ERR_ARGUMENT},
      {"mixup(1) jitter(1) mixup(2)",
       "augmentation 'mixup(2)' is a second mixup: a sample is mixed with one other",
       FR_ERR_ARGUMENT},
      {"crop(.9) crop(.9) crop(.9) crop(.9) crop(.9) crop(.9) crop(.9) crop(.9) crop(.9) "
       "crop(.9) crop(.9) crop(.9) crop(.9) crop(.9) crop(.9) crop(.9) scale(1)",
       "more than 16 augmentations from 'scale(1)' on", FR_ERR_LIMIT},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fr_augment augment;
    fr_error error;
    assert_int_equal(fr_augment_parse(rows[i].text, &augment, &error), rows[i].status);
    assert_string_equal(error.text, rows[i].sentence);
  }
}

/* Texts of pieces that texts are made of: a sentence or a list within its ceilings. */
static void no_text_does_harm(void **state) {
  (void)state;
  static const char *const pieces[] = {"jitter", "timewarp", "mixup", "affine", "mirror",
                                       "(",      ")",        ",",     " ",      "0.1",
                                       "1e99",   "-",        "nan",   "4",      "x",
                                       "((",     "rotate",   "\x80",  "0",      "e"};
  fr__rng rng;
  fr__rng_init(&rng, 9, 9);
  for (size_t round = 0; round < 20000; round++) {
    char text[400] = "", again[512];
    const size_t count = fr__rng_below(&rng, 30);
    for (size_t i = 0; i < count; i++)
      strcat(text, pieces[fr__rng_below(&rng, sizeof pieces / sizeof *pieces)]);
    fr_augment augment = {0}, other;
    fr_error error = {0};
    if (fr_augment_parse(text, &augment, &error) != FR_OK) {
      assert_true(error.text[0] != '\0');
      continue;
    }
    assert_true(augment.count <= FR_AUGMENT_ITEMS);
    fr_augment_describe(&augment, again, sizeof again);
    ASSERT_OK(fr_augment_parse(again, &other, err));
    assert_int_equal(other.count, augment.count);
  }
  char *long_text = malloc(1 << 20);
  memset(long_text, 'j', (1 << 20) - 1);
  long_text[(1 << 20) - 1] = '\0';
  fr_augment augment;
  assert_int_equal(fr_augment_parse(long_text, &augment, NULL), FR_ERR_ARGUMENT);
  free(long_text);
}

/* Items draw from the sample's stream one after another, in the order of the text. */
static void order_matters(void **state) {
  (void)state;
  const fr_augment one = augmented_parse("scale(0.5) jitter(0.5)");
  const fr_augment two = augmented_parse("jitter(0.5) scale(0.5)");
  static float x[VALUES], y[VALUES];
  fill(x);
  fill(y);
  augmented_apply(&one, 3, x, STEPS, CHANNELS);
  augmented_apply(&two, 3, y, STEPS, CHANNELS);
  assert_memory_not_equal(x, y, sizeof x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(jitter_has_its_deviation),
      cmocka_unit_test(scale_is_one_factor_a_sample),
      cmocka_unit_test(it_depends_on_seed_epoch_and_sample_alone),
      cmocka_unit_test(magwarp_is_a_smooth_factor),
      cmocka_unit_test(dropchannel_leaves_one),
      cmocka_unit_test(dropchannel_takes_whole_vectors),
      cmocka_unit_test(shares_of_mixup_are_beta),
      cmocka_unit_test(texts_come_back),
      cmocka_unit_test(bad_texts_are_refused),
      cmocka_unit_test(what_is_wrong_is_said),
      cmocka_unit_test(no_text_does_harm),
      cmocka_unit_test(order_matters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
