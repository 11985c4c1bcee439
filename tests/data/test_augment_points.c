/* SPDX-License-Identifier: Apache-2.0 */
/* Key points: left and right, what was not found, and the plane of the picture. */
#include "augmented.h"

#include "base/rng.h"

enum {
  POSE = 33 * 4,
  FACE = 468 * 3,
  HAND = 21 * 3,
  LEFT = POSE + FACE,
  RIGHT = LEFT + HAND,
  WHOLE = RIGHT + HAND, /* 1662 */
  STEPS = 30
};

typedef struct frames {
  size_t channels;
  char **name;          /* owned */
  float *shift, *scale; /* of a normaliser; owned */
  float x[STEPS * WHOLE];
} frames;

static size_t add_part(frames *f, size_t at, const char *part, size_t points,
                       const char *const *axis, size_t axes) {
  for (size_t i = 0; i < points; i++)
    for (size_t a = 0; a < axes; a++) {
      char name[40];
      snprintf(name, sizeof name, "%s.%zu.%s", part, i, axis[a]);
      f->name[at++] = strdup(name);
    }
  return at;
}

/* 1662, 126 or 42 channels. */
static frames *new_frames(size_t channels) {
  static const char *const axes[] = {"x", "y", "z", "visibility"};
  frames *f = calloc(1, sizeof *f);
  size_t at = 0;
  f->channels = channels;
  f->name = calloc(channels, sizeof *f->name);
  f->shift = calloc(channels, sizeof *f->shift);
  f->scale = calloc(channels, sizeof *f->scale);
  if (channels == WHOLE) {
    at = add_part(f, at, "pose", 33, axes, 4);
    at = add_part(f, at, "face", 468, axes, 3);
  }
  if (channels > 42) {
    at = add_part(f, at, "left_hand", 21, axes, 3);
    at = add_part(f, at, "right_hand", 21, axes, 3);
  } else {
    at = add_part(f, at, "hand", 21, axes, 2);
  }
  assert_int_equal(at, channels);
  fr__rng rng;
  fr__rng_init(&rng, channels, 5);
  for (size_t c = 0; c < channels; c++) {
    f->shift[c] = (float)(0.3 + 0.4 * fr__rng_uniform(&rng));
    f->scale[c] = (float)(0.5 + 4 * fr__rng_uniform(&rng));
  }
  return f;
}

static void free_frames(frames *f) {
  for (size_t c = 0; c < f->channels; c++)
    free(f->name[c]);
  free(f->name);
  free(f->shift);
  free(f->scale);
  free(f);
}

static float normal(const frames *f, size_t c, float value) {
  return (value - f->shift[c]) * f->scale[c];
}

static float picture(const frames *f, size_t t, size_t c) {
  return f->x[t * f->channels + c] / f->scale[c] + f->shift[c];
}

/* Random places, but nothing in channels [from, to) at odd steps. */
static void fill(frames *f, size_t from, size_t to) {
  fr__rng rng;
  fr__rng_init(&rng, 7, 7);
  for (size_t t = 0; t < STEPS; t++)
    for (size_t c = 0; c < f->channels; c++)
      f->x[t * f->channels + c] = normal(
          f, c,
          t % 2 == 1 && c >= from && c < to ? 0
                                            : (float)(0.1 + 0.8 * fr__rng_uniform(&rng)));
}

static fr_augment bound(const frames *f, const char *text) {
  fr_augment augment = augmented_parse(text);
  ASSERT_OK(augmented_bind(&augment, (const char *const *)f->name, f->channels, f->shift,
                           f->scale, FR_NORMALIZE_MINMAX, err));
  return augment;
}

static size_t channel_of(const frames *f, const char *name) {
  for (size_t c = 0; c < f->channels; c++)
    if (strcmp(f->name[c], name) == 0)
      return c;
  fail_msg("no channel '%s'", name);
  return 0;
}

/* Whether [from, to) is exactly what the normaliser makes of zeros. */
static bool is_missing(const frames *f, size_t t, size_t from, size_t to) {
  for (size_t c = from; c < to; c++)
    if (f->x[t * f->channels + c] != normal(f, c, 0))
      return false;
  return true;
}

/* MediaPipe's own names (PoseLandmark; the contours of face_mesh_connections): corners of
 * the eyes, lids, corners of the mouth, brows, sides of the face, and the midline. */
static void a_mirror_swaps_left_and_right(void **state) {
  (void)state;
  static const char *const twins[][2] = {{"pose.0", "pose.0"},
                                         {"pose.1", "pose.4"},
                                         {"pose.3", "pose.6"},
                                         {"pose.7", "pose.8"},
                                         {"pose.9", "pose.10"},
                                         {"pose.11", "pose.12"},
                                         {"pose.15", "pose.16"},
                                         {"pose.31", "pose.32"},
                                         {"face.33", "face.263"},
                                         {"face.133", "face.362"},
                                         {"face.159", "face.386"},
                                         {"face.145", "face.374"},
                                         {"face.61", "face.291"},
                                         {"face.78", "face.308"},
                                         {"face.70", "face.300"},
                                         {"face.105", "face.334"},
                                         {"face.234", "face.454"},
                                         {"face.127", "face.356"},
                                         {"face.1", "face.1"},
                                         {"face.152", "face.152"},
                                         {"face.10", "face.10"},
                                         {"face.13", "face.13"},
                                         {"left_hand.0", "right_hand.0"},
                                         {"left_hand.20", "right_hand.20"}};
  frames *f = new_frames(WHOLE);
  fr_augment augment = bound(f, "mirror(1)");
  fill(f, 0, 0);
  frames *g = new_frames(WHOLE);
  memcpy(g->x, f->x, sizeof f->x);
  augmented_apply(&augment, 0, f->x, STEPS, WHOLE);
  for (size_t i = 0; i < 2 * sizeof twins / sizeof *twins; i++) {
    const char *to = twins[i / 2][i % 2], *from = twins[i / 2][1 - i % 2];
    char a[40], b[40];
    for (const char *axis = "xyz"; *axis != '\0'; axis++) {
      snprintf(a, sizeof a, "%s.%c", to, *axis);
      snprintf(b, sizeof b, "%s.%c", from, *axis);
      const float is = picture(f, 3, channel_of(f, a));
      const float was = picture(g, 3, channel_of(g, b));
      if (fabsf(is - (*axis == 'x' ? 1 - was : was)) > 1e-5f)
        fail_msg("%s: %g after %g of %s", a, (double)is, (double)was, b);
    }
  }
  fr_augment_release(&augment);
  free_frames(f);
  free_frames(g);
}

/* The layouts, with a hand missing in every other frame; and a mirror changes something.
 */
static void two_mirrors_are_none(void **state) {
  (void)state;
  static const size_t widths[] = {WHOLE, 126, 42};
  for (size_t w = 0; w < 3; w++) {
    frames *f = new_frames(widths[w]), *g = new_frames(widths[w]);
    const size_t from = widths[w] > 42 ? widths[w] - HAND : widths[w];
    fr_augment once = bound(f, "mirror(1)"), twice = bound(f, "mirror(1) mirror(1)");
    fill(f, from, widths[w]);
    memcpy(g->x, f->x, sizeof f->x);
    augmented_apply(&twice, 0, g->x, STEPS, f->channels);
    for (size_t i = 0; i < STEPS * f->channels; i++)
      assert_true(fabsf(g->x[i] - f->x[i]) < 2e-5f);
    for (size_t t = 1; t < STEPS && from < widths[w]; t += 2)
      assert_true(is_missing(g, t, from, widths[w]));
    memcpy(g->x, f->x, sizeof f->x);
    augmented_apply(&once, 0, g->x, STEPS, f->channels);
    assert_memory_not_equal(g->x, f->x, sizeof f->x);
    for (size_t t = 1; t < STEPS && from < widths[w]; t += 2) /* now it is the left one */
      assert_true(is_missing(g, t, from - HAND, from) &&
                  !is_missing(g, t, from, widths[w]));
    fr_augment_release(&once);
    fr_augment_release(&twice);
    free_frames(f);
    free_frames(g);
  }
}

/* A hand alone stands relative to its wrist: its x changes sign, unless an axis is told.
 */
static void a_hand_alone_is_mirrored_at_its_wrist(void **state) {
  (void)state;
  frames *f = new_frames(42), *g = new_frames(42);
  fr_augment wrist = bound(f, "mirror(1)"), told = bound(f, "mirror(1,0.5)");
  fill(f, 0, 0);
  for (int i = 0; i < 2; i++) {
    memcpy(g->x, f->x, sizeof f->x);
    augmented_apply(i == 0 ? &wrist : &told, 0, g->x, STEPS, 42);
    for (size_t c = 0; c < 42; c++) {
      const float was = picture(f, 2, c), is = picture(g, 2, c);
      const float wanted = c % 2 == 1 ? was : i == 0 ? -was : 1 - was;
      assert_true(fabsf(is - wanted) < 1e-5f);
    }
  }
  fr_augment_release(&wrist);
  fr_augment_release(&told);
  free_frames(f);
  free_frames(g);
}

/* Distances in the plane times one factor, z too; the middle of the picture stays where
 * nothing is shifted; what is missing stays missing. */
static void affine_moves_the_plane(void **state) {
  (void)state;
  frames *f = new_frames(126), *g = new_frames(126);
  fr_augment turned = bound(f, "affine(40)"), all = bound(f, "affine(40,0.2,0.1)");
  fill(f, HAND, 2 * HAND);
  double moved = 0;
  for (size_t s = 0; s < 100; s++) {
    memcpy(g->x, f->x, sizeof f->x);
    augmented_apply(s % 2 == 0 ? &turned : &all, s, g->x, STEPS, 126);
    assert_true(is_missing(g, 1, HAND, 2 * HAND));
    const double factor = (double)picture(g, 0, 2) / (double)picture(f, 0, 2);
    for (size_t i = 1; i < 42; i++) {
      const double ax = (double)(picture(f, 0, 3 * i) - picture(f, 0, 0));
      const double ay = (double)(picture(f, 0, 3 * i + 1) - picture(f, 0, 1));
      const double bx = (double)(picture(g, 0, 3 * i) - picture(g, 0, 0));
      const double by = (double)(picture(g, 0, 3 * i + 1) - picture(g, 0, 1));
      assert_true(fabs(hypot(bx, by) - factor * hypot(ax, ay)) < 1e-4);
      /* turned by 40 degrees or less, and not mirrored */
      assert_true((ax * bx + ay * by) >= 0.765 * hypot(ax, ay) * hypot(bx, by) - 1e-5);
      assert_true(fabs((double)picture(g, 0, 3 * i + 2) -
                       factor * (double)picture(f, 0, 3 * i + 2)) < 1e-5);
    }
    if (s % 2 == 0) {
      assert_true(fabs(factor - 1) < 1e-5);
      const double before =
          hypot((double)picture(f, 0, 0) - 0.5, (double)picture(f, 0, 1) - 0.5);
      const double after =
          hypot((double)picture(g, 0, 0) - 0.5, (double)picture(g, 0, 1) - 0.5);
      assert_true(fabs(before - after) < 1e-5);
    }
    moved += fabs(factor - 1);
  }
  assert_true(moved > 1);
  fr_augment_release(&turned);
  fr_augment_release(&all);
  free_frames(f);
  free_frames(g);
}

/* One hand for a run of at most half of the frames; nothing else changes. */
static void drophand_takes_a_run(void **state) {
  (void)state;
  frames *f = new_frames(WHOLE), *g = new_frames(WHOLE);
  fr_augment augment = bound(f, "drophand(0.5)");
  size_t hands[2] = {0, 0}, longest = 0;
  fill(f, 0, 0);
  for (size_t s = 0; s < 300; s++) {
    size_t dropped = 0, runs = 0, hand = 2;
    memcpy(g->x, f->x, sizeof f->x);
    augmented_apply(&augment, s, g->x, STEPS, WHOLE);
    for (size_t t = 0, last = 0; t < STEPS; t++) {
      const bool left = is_missing(g, t, LEFT, RIGHT);
      const bool right = is_missing(g, t, RIGHT, WHOLE);
      assert_memory_equal(g->x + t * WHOLE, f->x + t * WHOLE, LEFT * sizeof *f->x);
      assert_false(left && right);
      if (left || right) {
        assert_true(hand == 2 || hand == (size_t)right);
        hand = right;
      }
      runs += (left || right) && !last;
      last = left || right;
      dropped += last;
    }
    assert_true(runs <= 1 && dropped <= STEPS / 2);
    longest = dropped > longest ? dropped : longest;
    if (hand < 2)
      hands[hand]++;
  }
  assert_true(longest == STEPS / 2);
  assert_true(hands[0] > 50 && hands[1] > 50 && hands[0] + hands[1] < 190);
  fr_augment_release(&augment);
  free_frames(f);
  free_frames(g);
}

/* Between a frame with a hand and one without there is no half a hand. */
static void time_moves_whole_parts(void **state) {
  (void)state;
  static const char *const texts[] = {"resample(0.4)", "timewarp(0.4)", "crop(0.7)",
                                      "jitter(0.1)",   "scale(0.1)",    "magwarp(0.1)"};
  frames *f = new_frames(126), *g = new_frames(126);
  fill(f, HAND, 2 * HAND);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    for (size_t s = 0; s < 20; s++) {
      fr_augment augment = bound(f, texts[i]);
      size_t missing = 0;
      memcpy(g->x, f->x, sizeof f->x);
      augmented_apply(&augment, s, g->x, STEPS, 126);
      for (size_t t = 0; t < STEPS; t++) {
        const bool gone = is_missing(g, t, HAND, 2 * HAND);
        missing += gone;
        for (size_t c = HAND; c < 2 * HAND && i < 3; c++) /* 0.1 to 0.9, or nothing */
          assert_true(gone || (picture(g, t, c) > 0.09f && picture(g, t, c) < 0.91f));
        assert_true(i < 3 || gone == (t % 2 == 1));
      }
      assert_true(missing > 0 && missing < STEPS);
      fr_augment_release(&augment);
    }
  free_frames(f);
  free_frames(g);
}

/* By hand: at e^(D z) of speed every position is a multiple of it from the beginning, or
 * the last. */
static void resample_is_one_speed(void **state) {
  (void)state;
  frames *f = new_frames(42);
  fr_augment augment = bound(f, "resample(0.3)");
  size_t slower = 0, faster = 0;
  for (size_t s = 0; s < 100; s++) {
    for (size_t t = 0; t < STEPS; t++)
      for (size_t c = 0; c < 42; c++)
        f->x[t * 42 + c] = (float)(t + 1);
    augmented_apply(&augment, s, f->x, STEPS, 42);
    const float first = f->x[0], speed = f->x[42] - first;
    for (size_t t = 0; t < STEPS; t++)
      assert_true(fabsf(f->x[t * 42] - fminf(first + speed * (float)t, STEPS)) < 1e-3f);
    slower += speed < 1;
    faster += speed > 1 && first == 1 && f->x[(STEPS - 1) * 42] == STEPS;
  }
  assert_true(slower > 30 && faster > 30 && slower + faster == 100);
  fr_augment_release(&augment);
  free_frames(f);
}

static void what_has_no_counterpart_is_refused(void **state) {
  (void)state;
  const struct {
    const char *text;
    const char *name[4];
    enum fr_normalize how;
    const char *sentence;
  } rows[] = {
      {"mirror(1)",
       {"left_hand.0.x", "left_hand.0.y"},
       FR_NORMALIZE_ZSCORE,
       "augmentation mirror cannot swap left and right: the counterpart of "
       "'left_hand.0.x' is not among the channels"},
      {"drophand(1)",
       {"pose.0.x", "pose.0.y"},
       FR_NORMALIZE_ZSCORE,
       "augmentation drophand has no hand among these key points"},
      {"dropchannel(0.1)",
       {"pose.0.x", "pose.0.y"},
       FR_NORMALIZE_ZSCORE,
       "augmentation dropchannel is of sensors; key points go missing by the hand: "
       "drophand(P)"},
      {"affine(9)",
       {"pose.0.x", "pose.0.y"},
       FR_NORMALIZE_WINDOW,
       "augmentation affine needs to know what the normaliser did: --normalize window "
       "has "
       "another scale for each window"},
      {"resample(1)",
       {"hand.0.x", "hand.21.y"},
       FR_NORMALIZE_ZSCORE,
       "augmentation resample is of key points: channels named 'left_hand.0.x', "
       "'right_hand.0.x', 'pose.0.x', 'face.0.x' or 'hand.0.x'"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fr_augment augment = augmented_parse(rows[i].text);
    fr_error error = {0};
    assert_int_equal(
        augmented_bind(&augment, rows[i].name, 2, NULL, NULL, rows[i].how, &error),
        FR_ERR_ARGUMENT);
    assert_string_equal(error.text, rows[i].sentence);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_mirror_swaps_left_and_right),
      cmocka_unit_test(two_mirrors_are_none),
      cmocka_unit_test(a_hand_alone_is_mirrored_at_its_wrist),
      cmocka_unit_test(affine_moves_the_plane),
      cmocka_unit_test(drophand_takes_a_run),
      cmocka_unit_test(time_moves_whole_parts),
      cmocka_unit_test(resample_is_one_speed),
      cmocka_unit_test(what_has_no_counterpart_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
