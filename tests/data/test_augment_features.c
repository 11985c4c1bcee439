/* SPDX-License-Identifier: Apache-2.0 */
/* Augmentations of features are what the same change of the picture, or of the person,
 * would have made of them. */
#include "augmented.h"

#include "frugal/keypoints.h"
#include "signing.h"

enum { FEATURES_MOST = 300 };

typedef struct sample {
  size_t channels;
  fr_names names; /* owned */
  float shift[FEATURES_MOST], scale[FEATURES_MOST];
  float x[STEPS * FEATURES_MOST];
} sample;

/* Features of the scene, normalised by numbers that differ from channel to channel. */
static void look(const char *text, const scene *s, sample *out) {
  fr_keypoints *k = NULL;
  fr__rng rng;
  fr__rng_init(&rng, 3, 3);
  ASSERT_OK(fr_keypoints_new(text, &k, err));
  out->channels = fr_keypoints_channels(k);
  assert_in_range(out->channels, 1, FEATURES_MOST);
  ASSERT_OK(fr_keypoints_channel_names(k, &out->names, err));
  for (size_t c = 0; c < out->channels; c++) {
    out->shift[c] = (float)(fr__rng_uniform(&rng) - 0.5);
    out->scale[c] = (float)(0.5 + 2 * fr__rng_uniform(&rng));
  }
  for (size_t t = 0; t < STEPS; t++) {
    float *const row = out->x + t * out->channels;
    fr_keypoints_frame(k, s->raw[t], row);
    for (size_t c = 0; c < out->channels; c++)
      row[c] = (row[c] - out->shift[c]) * out->scale[c];
  }
  fr_keypoints_free(k);
}

static float unit(const sample *s, size_t t, size_t c) {
  return s->x[t * s->channels + c] / s->scale[c] + s->shift[c];
}

static size_t channel_of(const sample *s, const char *name) {
  for (size_t c = 0; c < s->channels; c++)
    if (strcmp(s->names.name[c], name) == 0)
      return c;
  fail_msg("no channel '%s'", name);
  return 0;
}

static void augment_by(const char *text, size_t number, sample *s) {
  fr_augment augment = augmented_parse(text);
  ASSERT_OK(augmented_bind(&augment, (const char *const *)s->names.name, s->channels,
                           s->shift, s->scale, FR_NORMALIZE_ZSCORE, err));
  augmented_apply(&augment, number, s->x, STEPS, s->channels);
  fr_augment_release(&augment);
}

static void assert_same(const sample *a, const sample *b, float tolerance) {
  assert_int_equal(a->channels, b->channels);
  for (size_t t = 0; t < STEPS; t++)
    for (size_t c = 0; c < a->channels; c++)
      if (fabsf(unit(a, t, c) - unit(b, t, c)) > tolerance)
        fail_msg("frame %zu %s: %g, not %g", t, a->names.name[c], (double)unit(a, t, c),
                 (double)unit(b, t, c));
}

static scene a, b;
static sample f, g;

static void release(void) {
  fr_names_release(&f.names);
  fr_names_release(&g.names);
}

static void a_mirror_is_that_of_the_picture(void **state) {
  (void)state;
  static const char *const texts[] = {
      "layout=126 mirror=no velocity=yes hold=0 depth=yes",
      "layout=258 mirror=no velocity=yes shape=20",
      "layout=1662 mirror=no velocity=yes parts=hands,pose,face"};
  for (size_t i = 0; i < 3; i++) {
    sign(&a, strtoul(texts[i] + 7, NULL, 10), 4);
    b = a;
    mirror(&b);
    look(texts[i], &a, &f);
    look(texts[i], &b, &g);
    augment_by("mirror(1)", 0, &f);
    assert_same(&f, &g, 2e-4f);
    release();
  }
}

/* Without a body a camera that leans turns every vector; by how much is drawn, and read
 * off one of them. */
static void a_turn_is_that_of_the_camera(void **state) {
  (void)state;
  const char *const text = "layout=126 mirror=no velocity=yes hold=0 depth=yes";
  sign(&a, 126, 4);
  look(text, &a, &f);
  const size_t x = channel_of(&f, "right.shape.8.x"),
               y = channel_of(&f, "right.shape.8.y");
  const double before = atan2((double)unit(&f, 1, y), (double)unit(&f, 1, x));
  augment_by("affine(30)", 5, &f);
  const double turn = atan2((double)unit(&f, 1, y), (double)unit(&f, 1, x)) - before;
  const double degrees = turn * 180 / 3.14159265358979;
  assert_true(fabs(remainder(degrees, 360)) > 1 && fabs(remainder(degrees, 360)) <= 30);
  film(&a, 4 / 3.0, degrees, 1, 0, 0);
  look(text, &a, &g);
  assert_same(&f, &g, 2e-4f);
  release();
}

/* Places, ways and their changes, alike; shapes stay. */
static void who_signs_larger_has_larger_ways(void **state) {
  (void)state;
  sign(&a, 258, 4);
  look("layout=258 velocity=yes", &a, &f);
  look("layout=258 velocity=yes", &a, &g);
  augment_by("affine(0,0.3,0)", 2, &f);
  const float factor = unit(&f, 5, channel_of(&f, "main.wrist.x")) /
                       unit(&g, 5, channel_of(&g, "main.wrist.x"));
  assert_true(factor > 0.3f && factor < 3 && fabsf(factor - 1) > 0.01f);
  for (size_t t = 0; t < STEPS; t++)
    for (size_t c = 0; c < f.channels; c++) {
      const char *name = f.names.name[c];
      const bool scaled =
          strstr(name, "found") == NULL &&
          (strstr(name, "wrist") != NULL || strstr(name, "elbow") != NULL);
      const float expected = (scaled ? factor : 1) * unit(&g, t, c);
      if (fabsf(unit(&f, t, c) - expected) > 1e-4f * (1 + fabsf(expected)))
        fail_msg("frame %zu %s: %g, not %g", t, name, (double)unit(&f, t, c),
                 (double)expected);
    }
  release();
}

static void who_holds_the_hands_higher_moves_them_alike(void **state) {
  (void)state;
  sign(&a, 258, 4);
  look("layout=258 velocity=yes", &a, &f);
  look("layout=258 velocity=yes", &a, &g);
  augment_by("affine(0,0,0.2)", 2, &f);
  const size_t y = channel_of(&f, "main.wrist.y");
  const float down = unit(&f, 5, y) - unit(&g, 5, y);
  assert_true(fabsf(down) > 1e-3f);
  for (size_t t = 0; t < STEPS; t++)
    for (size_t c = 0; c < f.channels; c++) {
      const char *name = f.names.name[c];
      const size_t end = strlen(name) - 2;
      if (strstr(name, ".d") != NULL || strstr(name, "shape") != NULL ||
          strstr(name, "found") != NULL)
        assert_true(fabsf(unit(&f, t, c) - unit(&g, t, c)) < 1e-4f);
      else if (strcmp(name + end, ".y") == 0 && unit(&g, t, c) != 0 &&
               fabsf(unit(&g, t, c)) > 1e-5f)
        assert_true(fabsf(unit(&f, t, c) - unit(&g, t, c) - down) < 1e-4f);
    }
  release();
}

/* Half of it in the whole time: of a hand that moves evenly the ways are halved. */
static void a_slower_hand_goes_shorter_ways(void **state) {
  (void)state;
  const char *const text = "layout=126 mirror=no velocity=yes hold=0";
  memset(&a, 0, sizeof a);
  a.width = 126;
  for (size_t t = 0; t < STEPS; t++)
    for (size_t i = 0; i < 21; i++) {
      a.raw[t][i * 3] = 0.2f + 0.01f * (float)t + 0.01f * (float)i;
      a.raw[t][i * 3 + 1] = 0.5f + (i == 8 ? 0.01f * (float)t : 0);
    }
  look(text, &a, &f);
  look(text, &a, &g);
  const size_t way = channel_of(&f, "left.wrist.dx");
  const size_t tip = channel_of(&f, "left.shape.8.dy");
  augment_by("crop(0.5)", 1, &f);
  for (size_t t = 3; t < STEPS; t++) {
    assert_true(fabsf(unit(&f, t, way) - unit(&g, 3, way) / 2) < 1e-4f);
    assert_true(fabsf(unit(&f, t, tip) - unit(&g, 3, tip) / 2) < 1e-4f);
    assert_true(unit(&f, t, channel_of(&f, "left.found")) > 0.9f);
  }
  release();
}

/* Whatever is changed: masks are 0 or 1, what is masked is exactly nothing, and something
 * has changed. */
static void what_is_missing_stays_so(void **state) {
  (void)state;
  static const char *const items[] = {
      "jitter(0.3)",   "scale(0.3)", "magwarp(0.3)", "affine(20,0.2)", "timewarp(0.5)",
      "resample(0.5)", "permute(5)", "crop(0.6)",    "drophand(1)",    "mirror(1)"};
  const char *const text = "layout=126 mirror=no velocity=yes hold=0";
  for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
    sign(&a, 126, 4);
    look(text, &a, &f);
    look(text, &a, &g);
    augment_by(items[i], 7, &f);
    assert_memory_not_equal(f.x, g.x, STEPS * f.channels * sizeof *f.x);
    size_t found[2];
    found[0] = channel_of(&f, "left.found");
    found[1] = channel_of(&f, "right.found");
    const size_t apart = channel_of(&f, "hands.apart.x");
    for (size_t t = 0; t < STEPS; t++) {
      bool there[2];
      for (size_t s = 0; s < 2; s++) {
        const float mask = unit(&f, t, found[s]);
        there[s] = mask > 0.5f;
        if (fabsf(mask - (there[s] ? 1 : 0)) > 1e-5f)
          fail_msg("%s: a mask of %g", items[i], (double)mask);
        for (size_t c = found[s]; !there[s] && c < (s == 0 ? found[1] : apart); c++)
          if (f.x[t * f.channels + c] != (0 - f.shift[c]) * f.scale[c])
            fail_msg("%s: frame %zu %s: %g", items[i], t, f.names.name[c],
                     (double)unit(&f, t, c));
      }
      for (size_t c = apart; !(there[0] && there[1]) && c < f.channels; c++)
        assert_true(f.x[t * f.channels + c] == (0 - f.shift[c]) * f.scale[c]);
    }
    release();
  }
}

static void a_hand_that_is_dropped_takes_its_mask_along(void **state) {
  (void)state;
  size_t dropped = 0;
  for (size_t n = 0; n < 20; n++) {
    sign(&a, 258, 4);
    look("layout=258 velocity=yes hold=0", &a, &f);
    look("layout=258 velocity=yes hold=0", &a, &g);
    augment_by("drophand(1)", n, &f);
    for (size_t t = 1; t < STEPS; t++)
      for (size_t s = 0; s < 2; s++) {
        const size_t c = channel_of(&f, s == 0 ? "main.found" : "other.found");
        const size_t d = channel_of(&f, s == 0 ? "main.shape.8.dx" : "other.shape.8.dx");
        const bool now = unit(&f, t, c) > 0.5f, before = unit(&f, t - 1, c) > 0.5f;
        dropped += !now && unit(&g, t, c) > 0.5f;
        if (!now || !before)
          assert_true(fabsf(unit(&f, t, d)) < 1e-6f);
      }
    release();
  }
  assert_in_range(dropped, 20, 20 * STEPS / 2);
}

static void what_has_no_meaning_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *features, *text, *word;
  } rows[] = {
      {"layout=126", "mirror(1)", "mirror=no"},
      {"layout=126", "affine(10,0,0.1)", "SHIFT"},
      {"layout=1662 parts=face", "drophand(0.5)", "no hand"},
      {"layout=1662 parts=face", "affine(10,0.1)", "SCALE"},
      {"layout=126 depth=yes", "rotate(10)", "affine"},
      {"layout=126", "dropchannel(0.1)", "drophand"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fr_augment augment = augmented_parse(rows[i].text);
    fr_error error = {0};
    sign(&a, strtoul(rows[i].features + 7, NULL, 10), 1);
    look(rows[i].features, &a, &f);
    assert_int_equal(augmented_bind(&augment, (const char *const *)f.names.name,
                                    f.channels, f.shift, f.scale, FR_NORMALIZE_ZSCORE,
                                    &error),
                     FR_ERR_ARGUMENT);
    if (strstr(error.text, rows[i].word) == NULL)
      fail_msg("'%s' does not say '%s'", error.text, rows[i].word);
    fr_names_release(&f.names);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_mirror_is_that_of_the_picture),
      cmocka_unit_test(a_turn_is_that_of_the_camera),
      cmocka_unit_test(who_signs_larger_has_larger_ways),
      cmocka_unit_test(who_holds_the_hands_higher_moves_them_alike),
      cmocka_unit_test(a_slower_hand_goes_shorter_ways),
      cmocka_unit_test(what_is_missing_stays_so),
      cmocka_unit_test(a_hand_that_is_dropped_takes_its_mask_along),
      cmocka_unit_test(what_has_no_meaning_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
