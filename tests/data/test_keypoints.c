/* SPDX-License-Identifier: Apache-2.0 */
/* Features of key points say how hands and arms are held and move, and nothing of where
 * the camera stands. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/keypoints.h"
#include "signing.h"

/* ---- features ---- */

typedef struct features {
  size_t channels;
  float x[STEPS][CHANNELS_MOST];
} features;

static void look(const char *text, const scene *s, features *out) {
  fr_keypoints *k = NULL;
  fr_error error = {0};
  if (fr_keypoints_new(text, &k, &error) != FR_OK)
    fail_msg("%s: %s", text, error.text);
  assert_int_equal(fr_keypoints_inputs(k), s->width);
  out->channels = fr_keypoints_channels(k);
  assert_in_range(out->channels, 1, CHANNELS_MOST);
  for (size_t t = 0; t < STEPS; t++)
    fr_keypoints_frame(k, s->raw[t], out->x[t]);
  fr_keypoints_free(k);
}

static float distance(const features *a, const features *b) {
  float most = 0;
  assert_int_equal(a->channels, b->channels);
  for (size_t t = 0; t < STEPS; t++)
    for (size_t c = 0; c < a->channels; c++)
      most = fmaxf(most, fabsf(a->x[t][c] - b->x[t][c]));
  return most;
}

static float size_of(const features *a) {
  float most = 0;
  for (size_t t = 0; t < STEPS; t++)
    for (size_t c = 0; c < a->channels; c++)
      most = fmaxf(most, fabsf(a->x[t][c]));
  return most;
}

static const char *const texts[] = {
    "layout=126",
    "layout=126 velocity=yes hold=2 shape=20 depth=yes",
    "layout=126 mirror=no hold=0 velocity=yes",
    "layout=258 velocity=yes shape=10 hold=0",
    "layout=258 parts=hands mirror=no depth=yes",
    "layout=1662 parts=hands,pose,face velocity=yes",
    "layout=63 velocity=yes depth=yes",
    "layout=42 velocity=yes shape=20",
};
enum { TEXTS = sizeof texts / sizeof *texts };

static scene a, b;
static features f, g;

static size_t width_of(const char *text) { return strtoul(text + 7, NULL, 10); }

static double aspect_of(size_t width) { return width == 42 ? 1 : 4 / 3.0; }

static bool has_pose(const char *text) {
  return strstr(text, "=258 v") != NULL || strstr(text, "pose") != NULL;
}

static void where_and_how_far_the_camera_stands_changes_nothing(void **state) {
  (void)state;
  for (size_t i = 0; i < TEXTS; i++)
    for (uint64_t seed = 1; seed < 6; seed++) {
      const size_t width = width_of(texts[i]);
      sign(&a, width, seed);
      look(texts[i], &a, &f);
      assert_true(size_of(&f) >= 1);
      b = a;
      film(&b, aspect_of(width), 0, 0.5, 0.1, -0.2);
      look(texts[i], &b, &g);
      if (distance(&f, &g) > 2e-4f)
        fail_msg("%s: half as near: %g", texts[i], (double)distance(&f, &g));
      b = a;
      film(&b, aspect_of(width), 0, 1.7, -0.1, 0.05);
      look(texts[i], &b, &g);
      if (distance(&f, &g) > 2e-4f)
        fail_msg("%s: nearer: %g", texts[i], (double)distance(&f, &g));
    }
}

static void a_camera_that_leans_changes_nothing_where_there_is_a_body(void **state) {
  (void)state;
  for (size_t i = 0; i < TEXTS; i++)
    for (int degrees = -20; degrees <= 20; degrees += 10) {
      const size_t width = width_of(texts[i]);
      sign(&a, width, 3);
      look(texts[i], &a, &f);
      b = a;
      film(&b, aspect_of(width), degrees, 1, 0, 0);
      look(texts[i], &b, &g);
      /* a turned vector v is off by 2 sin(turn / 2) |v| */
      const double turn = fabs((double)degrees) * 3.14159265358979 / 180;
      const double most = has_pose(texts[i])
                              ? 2e-4
                              : 2 * sin(turn / 2) * 1.5 * (double)size_of(&f) + 2e-4;
      if ((double)distance(&f, &g) > most)
        fail_msg("%s: %d°: %g of %g", texts[i], degrees, (double)distance(&f, &g), most);
    }
}

static size_t channel_of(const char *text, const char *name) {
  fr_keypoints *k = NULL;
  fr_names names = {0};
  assert_int_equal(fr_keypoints_new(text, &k, NULL), FR_OK);
  assert_int_equal(fr_keypoints_channel_names(k, &names, NULL), FR_OK);
  assert_int_equal(names.count, fr_keypoints_channels(k));
  size_t c = 0;
  while (c < names.count && strcmp(names.name[c], name) != 0)
    c++;
  if (c == names.count)
    fail_msg("%s: no channel '%s'", text, name);
  fr_names_release(&names);
  fr_keypoints_free(k);
  return c;
}

static void drop(scene *s, size_t part) {
  const place at = part_of(s->width, part);
  for (size_t t = 0; t < STEPS; t++)
    memset(&s->raw[t][at.at], 0, at.points * at.axes * sizeof(float));
}

/* With one hand: where both are there the right one signs, whoever they are of. */
static void whoever_signs_with_the_left_signs_with_the_right(void **state) {
  (void)state;
  for (size_t i = 0; i < TEXTS; i++)
    for (uint64_t seed = 1; seed < 6; seed++) {
      const size_t width = width_of(texts[i]);
      if (width < 126)
        continue;
      sign(&a, width, seed);
      drop(&a, 2);
      look(texts[i], &a, &f);
      mirror(&a);
      look(texts[i], &a, &g);
      if (strstr(texts[i], "mirror=no") != NULL)
        assert_true(distance(&f, &g) > 0.1f);
      else if (distance(&f, &g) > 2e-4f)
        fail_msg("%s: %g", texts[i], (double)distance(&f, &g));
    }
}

/* The left hand signs alone but for a frame in the middle, in which the right one seems
 * to. */
static void one_frame_does_not_change_the_hand_that_signs(void **state) {
  (void)state;
  const char *const text = "layout=126 hold=0";
  const size_t main_hand = channel_of(text, "main.found");
  sign(&a, 126, 1);
  for (size_t t = 0; t < STEPS; t++)
    memset(&a.raw[t][t == 20 ? 0 : 63], 0, 63 * sizeof(float));
  look(text, &a, &f);
  for (size_t t = 0; t < STEPS; t++)
    assert_true(f.x[t][main_hand] == (t % 11 == 7 || t == 20 ? 0 : 1));
}

/* The right hand, and behind a pause the left: at once where hands were away for half a
 * second, else within a third of one. */
static void a_pause_leaves_open_who_signs_next(void **state) {
  (void)state;
  const char *const text = "layout=126 hold=0";
  const size_t main_hand = channel_of(text, "main.found");
  for (size_t pause = 0; pause <= 15; pause += 15) {
    sign(&a, 126, 1);
    for (size_t t = 0; t < STEPS; t++) {
      memset(&a.raw[t][t < 10 + pause ? 0 : 63], 0, 63 * sizeof(float));
      if (t >= 10 && t < 10 + pause)
        memset(a.raw[t], 0, 126 * sizeof(float));
    }
    look(text, &a, &f);
    assert_true(f.x[5][main_hand] == 1);
    assert_true(f.x[pause == 0 ? 20 : 25][main_hand] == 1);
    assert_true(f.x[10][main_hand] == 0);
  }
}

static void features_know_no_later_frames(void **state) {
  (void)state;
  for (size_t i = 0; i < TEXTS; i++) {
    const size_t width = width_of(texts[i]), cut = STEPS / 2;
    sign(&a, width, 1);
    look(texts[i], &a, &f);
    sign(&b, width, 2);
    memcpy(b.raw, a.raw, cut * sizeof *a.raw);
    look(texts[i], &b, &g);
    for (size_t t = 0; t < cut; t++)
      assert_memory_equal(f.x[t], g.x[t], f.channels * sizeof(float));
    assert_memory_not_equal(f.x[cut], g.x[cut], f.channels * sizeof(float));
  }
}

static void a_reset_forgets_everything(void **state) {
  (void)state;
  for (size_t i = 0; i < TEXTS; i++) {
    fr_keypoints *k = NULL;
    assert_int_equal(fr_keypoints_new(texts[i], &k, NULL), FR_OK);
    const size_t channels = fr_keypoints_channels(k);
    sign(&a, width_of(texts[i]), 4);
    look(texts[i], &a, &f);
    sign(&b, width_of(texts[i]), 5);
    for (size_t t = 0; t < STEPS; t++)
      fr_keypoints_frame(k, b.raw[t], g.x[t]);
    fr_keypoints_reset(k);
    for (size_t t = 0; t < STEPS; t++) {
      fr_keypoints_frame(k, a.raw[t], g.x[t]);
      assert_memory_equal(f.x[t], g.x[t], channels * sizeof(float));
    }
    fr_keypoints_free(k);
  }
}

static void a_hand_that_is_lost_is_a_mask_and_no_position(void **state) {
  (void)state;
  const char *const text = "layout=126 mirror=no velocity=yes hold=0";
  const size_t left = channel_of(text, "left.found");
  const size_t right = channel_of(text, "right.found");
  const size_t apart = channel_of(text, "hands.apart.x");
  assert_int_equal(left, 0);
  sign(&a, 126, 1);
  look(text, &a, &f);
  for (size_t t = 0; t < STEPS; t++) {
    const bool lost = t % 11 == 7, lost_right = t % 13 == 9;
    assert_true(f.x[t][left] == (lost ? 0 : 1));
    assert_true(f.x[t][right] == (lost_right ? 0 : 1));
    for (size_t c = left; c < right && lost; c++)
      assert_true(f.x[t][c] == 0);
    for (size_t c = right; c < apart && lost_right; c++)
      assert_true(f.x[t][c] == 0);
    assert_true((f.x[t][apart] == 0) == (lost || lost_right));
  }
}

static void a_hand_that_is_held_keeps_its_shape(void **state) {
  (void)state;
  sign(&a, 126, 1);
  look("layout=126 mirror=no hold=1 shape=20 depth=yes", &a, &f);
  assert_true(f.x[7][0] == 1); /* lost in frame 7 alone */
  for (size_t c = 1; c < 61; c++)
    assert_true(f.x[7][c] == f.x[6][c] && f.x[6][c] != 0);
  for (size_t t = 20; t < 25; t++)
    memset(a.raw[t], 0, 63 * sizeof(float));
  look("layout=126 mirror=no hold=2", &a, &f);
  assert_true(f.x[20][0] == 1 && f.x[21][0] == 1 && f.x[22][0] == 0);
}

/* By hand: wrist at (0.5, 0.5), the four first joints 0.1 heights above it, so that the
 * palm is 0.1; the tip of the index 0.2 above and 0.05 heights to the right. */
static void shapes_are_in_hand_sizes(void **state) {
  (void)state;
  const char *const text = "layout=126 mirror=no velocity=yes depth=yes";
  memset(&a, 0, sizeof a);
  a.width = 126;
  for (size_t t = 0; t < STEPS; t++)
    for (size_t i = 0; i < 21; i++) {
      float *v = &a.raw[t][i * 3];
      v[0] = 0.5f + 0.03f * (float)t; /* 0.04 heights a frame: 0.4 hand sizes */
      v[1] = i == 0 ? 0.5f : 0.4f;
      if (i == 8) {
        v[0] += 0.05f * 3 / 4;
        v[1] = 0.3f;
        v[2] = -0.03f;
      }
    }
  look(text, &a, &f);
  assert_float_equal(f.x[5][channel_of(text, "left.shape.8.x")], 0.5, 1e-5);
  assert_float_equal(f.x[5][channel_of(text, "left.shape.8.y")], -2, 1e-5);
  assert_float_equal(f.x[5][channel_of(text, "left.shape.8.z")], -0.4, 1e-5);
  assert_float_equal(f.x[5][channel_of(text, "left.shape.8.dy")], 0, 1e-5);
  assert_float_equal(f.x[5][channel_of(text, "left.wrist.dx")], 0.4, 1e-4);
  assert_float_equal(f.x[0][channel_of(text, "left.wrist.dx")], 0, 0);
}

static void one_bad_frame_changes_no_size(void **state) {
  (void)state;
  const char *const text = "layout=126 mirror=no shape=20 depth=yes";
  sign(&a, 126, 1);
  b = a;
  for (size_t i = 1; i < 21; i++) /* a hand thrice as large */
    for (size_t x = 0; x < 3; x++)
      b.raw[20][63 + i * 3 + x] += 2 * (b.raw[20][63 + i * 3 + x] - b.raw[20][63 + x]);
  look(text, &a, &f);
  look(text, &b, &g);
  for (size_t t = 21; t < STEPS; t++)
    for (size_t c = 0; c < f.channels; c++)
      if (fabsf(f.x[t][c] - g.x[t][c]) > 0.2f * (1 + fabsf(f.x[t][c])))
        fail_msg("frame %zu channel %zu: %g, %g", t, c, (double)f.x[t][c],
                 (double)g.x[t][c]);
}

static void no_frame_makes_nan(void **state) {
  (void)state;
  static const float bad[] = {NAN,    INFINITY, -INFINITY, 3e38f, -1e30f, 1e-40f,
                              1e-20f, 99.0f,    0.0f,      0.5f,  1e4f,   -0.0f};
  fr__rng rng;
  fr__rng_init(&rng, 9, 9);
  for (size_t i = 0; i < TEXTS; i++)
    for (size_t round = 0; round < 40; round++) {
      sign(&a, width_of(texts[i]), round);
      for (size_t t = 0; t < STEPS; t++) {
        const float whole = bad[fr__rng_below(&rng, sizeof bad / sizeof *bad)];
        for (size_t c = 0; c < a.width; c++)
          if (round % 4 == 0)
            a.raw[t][c] = whole; /* coincident */
          else if (fr__rng_uniform(&rng) < (round % 4 == 1 ? 0.5 : 0.01))
            a.raw[t][c] = bad[fr__rng_below(&rng, sizeof bad / sizeof *bad)];
      }
      look(texts[i], &a, &f);
      for (size_t t = 0; t < STEPS; t++)
        for (size_t c = 0; c < f.channels; c++)
          if (!(fabsf(f.x[t][c]) <= 16))
            fail_msg("%s: frame %zu channel %zu: %g", texts[i], t, c, (double)f.x[t][c]);
    }
}

static void the_text_makes_the_same_again(void **state) {
  (void)state;
  for (size_t i = 0; i < TEXTS; i++) {
    fr_keypoints *k = NULL, *l = NULL;
    assert_int_equal(fr_keypoints_new(texts[i], &k, NULL), FR_OK);
    assert_int_equal(fr_keypoints_new(fr_keypoints_text(k), &l, NULL), FR_OK);
    assert_string_equal(fr_keypoints_text(k), fr_keypoints_text(l));
    assert_int_equal(fr_keypoints_channels(k), fr_keypoints_channels(l));
    fr_keypoints_free(k);
    fr_keypoints_free(l);
  }
}

static void a_text_that_cannot_be_is_refused(void **state) {
  (void)state;
  static const char *const refused[] = {
      "",
      "parts=hands",
      "layout=127",
      "layout=",
      "layout",
      "layout=126 layout=126",
      "layout=126 parts=pose",
      "layout=126 parts=",
      "layout=126 parts=hands,hands",
      "layout=258 parts=face",
      "layout=126 mirror=maybe",
      "layout=42 mirror=yes",
      "layout=42 depth=yes",
      "layout=126 aspect=4",
      "layout=126 aspect=0:3",
      "layout=126 aspect=nan:3",
      "layout=126 aspect=100:3",
      "layout=126 hold=31",
      "layout=126 hold=-1",
      "layout=126 shape=7",
      "layout=126 colour=red",
      "layout=126 mirror=yesyesyesyesyesyesyesyesyesyesyesyesyesyesyesyes",
  };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    fr_keypoints *k = NULL;
    fr_error error = {0};
    if (fr_keypoints_new(refused[i], &k, &error) != FR_ERR_ARGUMENT ||
        error.text[0] == '\0' || k != NULL)
      fail_msg("'%s' was taken", refused[i]);
  }
  char *const longest = malloc(100000);
  memset(longest, ' ', 99999);
  longest[99999] = '\0';
  fr_keypoints *k = NULL;
  assert_int_equal(fr_keypoints_new(longest, &k, NULL), FR_ERR_LIMIT);
  free(longest);
}

/* Texts with bytes changed, taken out and doubled: taken, and then the same again by its
 * own text, or refused with a sentence. */
static void a_damaged_text_does_no_harm(void **state) {
  (void)state;
  static const char bytes[] = "=,: 0123456789-.%\n\tehilmnoprtyz\x80";
  fr__rng rng;
  fr__rng_init(&rng, 11, 11);
  size_t taken = 0;
  for (size_t i = 0; i < 20000; i++) {
    char text[160];
    snprintf(text, sizeof text, "%s aspect=16:9", texts[i % TEXTS]);
    for (size_t n = 1 + fr__rng_below(&rng, 3); n > 0; n--) {
      const size_t length = strlen(text), at = fr__rng_below(&rng, length);
      const size_t way = fr__rng_below(&rng, 3);
      if (way == 0)
        text[at] = bytes[fr__rng_below(&rng, sizeof bytes - 1)];
      else if (way == 1)
        memmove(text + at, text + at + 1, length - at);
      else if (length + 2 < sizeof text)
        memmove(text + at + 1, text + at, length - at + 1);
    }
    fr_keypoints *k = NULL, *l = NULL;
    fr_error error = {0};
    if (fr_keypoints_new(text, &k, &error) != FR_OK) {
      assert_true(error.text[0] != '\0' && k == NULL);
      continue;
    }
    taken++;
    assert_true(fr_keypoints_channels(k) > 0);
    assert_int_equal(fr_keypoints_new(fr_keypoints_text(k), &l, NULL), FR_OK);
    assert_string_equal(fr_keypoints_text(k), fr_keypoints_text(l));
    fr_keypoints_free(k);
    fr_keypoints_free(l);
  }
  assert_in_range(taken, 100, 15000);
}

static void raw_numbers_have_their_names(void **state) {
  (void)state;
  static const struct {
    size_t width, at;
    const char *name;
  } known[] = {{1662, 0, "pose.0.x"},         {1662, 131, "pose.32.visibility"},
               {1662, 132, "face.0.x"},       {1662, 1535, "face.467.z"},
               {1662, 1536, "left_hand.0.x"}, {1662, 1661, "right_hand.20.z"},
               {258, 132, "left_hand.0.x"},   {126, 63, "right_hand.0.x"},
               {63, 62, "hand.20.z"},         {42, 41, "hand.20.y"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    enum fr_keypoint_layout layout;
    fr_names names = {0};
    assert_true(fr_keypoint_layout_of(known[i].width, &layout));
    assert_int_equal(fr_keypoint_width(layout), known[i].width);
    assert_int_equal(fr_keypoint_names(layout, &names, NULL), FR_OK);
    assert_int_equal(names.count, known[i].width);
    assert_string_equal(names.name[known[i].at], known[i].name);
    fr_names_release(&names);
  }
}

/* Two records behind each other: each begins anew, and has what a stream of it has. */
static void a_data_set_has_what_a_stream_has(void **state) {
  (void)state;
  for (size_t i = 0; i < TEXTS; i++) {
    const size_t width = width_of(texts[i]);
    enum fr_keypoint_layout layout;
    fr_dataset *data = calloc(1, sizeof *data);
    data->kind = "made";
    data->split = "trial";
    data->spec = strdup("made:");
    data->rate_hz = 30;
    assert_true(fr_keypoint_layout_of(width, &layout));
    ASSERT_OK(fr_keypoint_names(layout, &data->channels, err));
    data->count = 2;
    data->record = calloc(2, sizeof *data->record);
    data->values = calloc(2 * STEPS * width, sizeof *data->values);
    sign(&a, width, 1);
    sign(&b, width, 2);
    for (size_t r = 0; r < 2; r++) {
      float *const values = data->values + r * STEPS * width;
      data->record[r] = (fr_record){.steps = STEPS, .values = values};
      for (size_t t = 0; t < STEPS; t++)
        memcpy(values + t * width, (r == 0 ? &a : &b)->raw[t], width * sizeof *values);
    }
    ASSERT_OK(fr__keypoints_derive(&data, texts[i], err));
    look(texts[i], &a, &f);
    look(texts[i], &b, &g);
    assert_int_equal(data->channels.count, f.channels);
    for (size_t t = 0; t < STEPS; t++) {
      const size_t row = t * f.channels, bytes = f.channels * sizeof(float);
      assert_memory_equal(data->record[0].values + row, f.x[t], bytes);
      assert_memory_equal(data->record[1].values + row, g.x[t], bytes);
    }
    fr_keypoints *k = NULL;
    ASSERT_OK(fr_keypoints_new(data->frames, &k, err));
    assert_string_equal(fr_keypoints_text(k), data->frames);
    fr_keypoints_free(k);
    fr_data_free(data);
  }
}

static void numbers_that_are_no_frames_are_refused(void **state) {
  (void)state;
  fr_dataset *data = calloc(1, sizeof *data);
  data->spec = strdup("made:");
  fr_error error = {0};
  assert_int_equal(fr__keypoints_derive(&data, "", &error), FR_ERR_ARGUMENT);
  assert_non_null(strstr(error.text, "made:"));
  ASSERT_OK(fr_keypoint_names(FR_KEYPOINTS_HANDS, &data->channels, err));
  assert_int_equal(fr__keypoints_derive(&data, "layout=258", &error), FR_ERR_ARGUMENT);
  assert_int_equal(fr__keypoints_derive(&data, "parts=pose", &error), FR_ERR_ARGUMENT);
  assert_int_equal(data->channels.count, 126);
  assert_null(data->frames);
  fr_data_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(where_and_how_far_the_camera_stands_changes_nothing),
      cmocka_unit_test(a_camera_that_leans_changes_nothing_where_there_is_a_body),
      cmocka_unit_test(whoever_signs_with_the_left_signs_with_the_right),
      cmocka_unit_test(one_frame_does_not_change_the_hand_that_signs),
      cmocka_unit_test(a_pause_leaves_open_who_signs_next),
      cmocka_unit_test(features_know_no_later_frames),
      cmocka_unit_test(a_reset_forgets_everything),
      cmocka_unit_test(a_hand_that_is_lost_is_a_mask_and_no_position),
      cmocka_unit_test(a_hand_that_is_held_keeps_its_shape),
      cmocka_unit_test(shapes_are_in_hand_sizes),
      cmocka_unit_test(one_bad_frame_changes_no_size),
      cmocka_unit_test(no_frame_makes_nan),
      cmocka_unit_test(the_text_makes_the_same_again),
      cmocka_unit_test(a_text_that_cannot_be_is_refused),
      cmocka_unit_test(a_data_set_has_what_a_stream_has),
      cmocka_unit_test(numbers_that_are_no_frames_are_refused),
      cmocka_unit_test(a_damaged_text_does_no_harm),
      cmocka_unit_test(raw_numbers_have_their_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
