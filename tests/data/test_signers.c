/* SPDX-License-Identifier: Apache-2.0 */
/* Synthetic signers: the same for the same seed, like hands before a camera, and easier
 * to read for who has seen them sign before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/keypoints.h"

#define HAND 63 /* numbers of a hand */

static fr_dataset *signers(const char *text) {
  fr_dataset *data = NULL;
  fr_error err = {0};
  if (fr_data_open(text, NULL, &data, &err) != FR_OK)
    fail_msg("%s: %s", text, err.text);
  return data;
}

static void have_both_hands_of_key_points(void **state) {
  (void)state;
  fr_dataset *data = signers("synthetic:signs=4&subjects=3&trials=2&features=raw");
  assert_string_equal(data->kind, "synthetic");
  assert_string_equal(fr_data_task(data->spec), "gesture");
  assert_string_equal(fr_data_task("synthetic:subjects=3"), "subject");
  assert_string_equal(data->split, "trial");
  assert_true(data->rate_hz == 30 && data->window == 30 && data->frames == NULL);
  assert_int_equal(data->count, 4 * 3 * 2);
  assert_int_equal(data->channels.count, 2 * HAND);
  assert_string_equal(data->channels.name[0], "left_hand.0.x");
  assert_string_equal(data->channels.name[HAND + 62], "right_hand.20.z");
  assert_string_equal(data->activities.name[3], "sign4");
  for (size_t i = 0; i < data->count; i++)
    assert_int_equal(data->record[i].steps, 30);
  fr_data_free(data);
}

/* What `few` has is in `many` as it is. */
static void assert_within(const fr_dataset *few, const fr_dataset *many) {
  size_t found = 0;
  for (size_t i = 0; i < few->count; i++) {
    const fr_record *a = &few->record[i];
    for (size_t k = 0; k < many->count; k++) {
      const fr_record *b = &many->record[k];
      found += strcmp(few->activities.name[a->activity],
                      many->activities.name[b->activity]) == 0 &&
               memcmp(a->values, b->values, a->steps * 2 * HAND * sizeof(float)) == 0;
    }
  }
  assert_int_equal(found, few->count);
}

static void the_seed_decides(void **state) {
  (void)state;
  fr_dataset *a = signers("synthetic:signs=5&subjects=3&trials=3&seed=7&features=raw");
  fr_dataset *b = signers("synthetic:signs=5&subjects=3&trials=3&seed=7&features=raw");
  fr_dataset *c = signers("synthetic:signs=5&subjects=3&trials=3&seed=8&features=raw");
  assert_true(a->digest == b->digest && a->digest != c->digest);
  fr_data_free(b);
  fr_data_free(c);
  /* fewer signs, people and trials leave the others as they are */
  b = signers("synthetic:signs=3&subjects=2&trials=2&seed=7&features=raw");
  c = signers("synthetic:signs=5&activities=sign4,sign5&seed=7&trials=2&features=raw");
  assert_int_equal(b->count, 12);
  assert_int_equal(c->count, 2 * 3 * 2);
  assert_within(b, a);
  assert_within(c, a);
  fr_data_free(a);
  fr_data_free(b);
  fr_data_free(c);
}

/* The way of a recording: records of no sign, then features, whose window is the signs'.
 */
static void become_features_and_no_sign(void **state) {
  (void)state;
  fr_dataset *raw =
      signers("synthetic:signs=4&subjects=2&trials=3&features=raw&no_sign=1");
  fr_dataset *data = signers("synthetic:signs=4&subjects=2&trials=3&no_sign=1");
  assert_null(raw->frames);
  assert_non_null(strstr(data->frames, "layout=126"));
  assert_int_equal(data->count, raw->count);
  assert_int_equal(data->window, 30);
  assert_int_equal(data->activities.count, 5);
  assert_string_equal(data->activities.name[0], FR_NO_SIGN);
  fr_keypoints *k = NULL;
  assert_int_equal(fr_keypoints_new(data->frames, &k, NULL), FR_OK);
  const size_t channels = fr_keypoints_channels(k);
  float *want = calloc(channels, sizeof *want);
  assert_int_equal(data->channels.count, channels);
  for (size_t i = 0; i < raw->count; i++) {
    fr_keypoints_reset(k);
    for (size_t t = 0; t < raw->record[i].steps; t++) {
      fr_keypoints_frame(k, raw->record[i].values + t * 2 * HAND, want);
      assert_memory_equal(data->record[i].values + t * channels, want,
                          channels * sizeof *want);
    }
  }
  free(want);
  fr_keypoints_free(k);
  fr_data_free(raw);
  fr_data_free(data);
}

/* Every choice that key points have can be made of these. */
static void choices_of_features_are_known(void **state) {
  (void)state;
  fr_dataset *data =
      signers("synthetic:signs=2&trials=2&parts=hands&mirror=no&velocity=no&aspect=4:3"
              "&shape=5&depth=no&hold=2");
  assert_non_null(strstr(data->frames, "shape=5"));
  fr_data_free(data);
  for (size_t i = 0; fr__keypoints_keys[i] != NULL; i++) {
    char spec[128];
    snprintf(spec, sizeof spec, "synthetic:signs=2&features=raw&%s=no",
             fr__keypoints_keys[i]);
    fr_error err = {0};
    data = NULL;
    assert_int_equal(fr_data_open(spec, NULL, &data, &err), FR_ERR_ARGUMENT);
    assert_null(strstr(err.text, "knows no"));
    assert_non_null(strstr(err.text, "is of features=points"));
  }
}

/* ---- like hands: ranges that hold for 34,140 frames of real signing (psl_126) ---- */

typedef struct counts {
  size_t hands, seen, outside, moves;
  double palm, moved; /* sums; shares of the picture's height */
} counts;

static double length(const float *a, const float *b) {
  const double x = (a[0] - b[0]) / 0.75, y = a[1] - b[1];
  return sqrt(x * x + y * y);
}

static bool is_seen(const float *hand) {
  bool seen = false;
  for (size_t i = 0; i < HAND; i++) {
    assert_true(isfinite(hand[i]) && fabsf(hand[i]) < 2);
    seen = seen || hand[i] != 0;
  }
  return seen;
}

static void count_hand(const float *now, const float *before, counts *n) {
  n->hands++;
  if (!is_seen(now))
    return;
  assert_true(now[2] == 0); /* depth is told from the wrist */
  n->seen++;
  n->palm += length(now, now + 3 * 9);
  for (size_t j = 0; j < 21; j++)
    n->outside += fabsf(now[3 * j] - 0.5f) > 0.5f || fabsf(now[3 * j + 1] - 0.5f) > 0.5f;
  if (before == NULL || !is_seen(before))
    return;
  n->moves++;
  n->moved += length(now, before);
}

static void move_like_hands(void **state) {
  (void)state;
  fr_dataset *data = signers("synthetic:signs=20&subjects=10&trials=3&features=raw");
  counts n = {0};
  for (size_t i = 0; i < data->count; i++)
    for (size_t t = 0; t < 30; t++)
      for (size_t h = 0; h < 2; h++) {
        const float *now = data->record[i].values + t * 2 * HAND + h * HAND;
        count_hand(now, t > 0 ? now - 2 * HAND : NULL, &n);
      }
  const double seen = (double)n.seen / (double)n.hands, per = (double)n.seen;
  const double outside = (double)n.outside / (21 * per);
  const double palm = n.palm / per, moved = n.moved / (double)n.moves;
  print_message("# a hand is seen in %.3f of the frames, %.3f of it outside; a palm is "
                "%.3f of the picture high and moves %.4f a frame\n",
                seen, outside, palm, moved);
  assert_true(seen > 0.6 && seen < 0.95 && outside < 0.05);
  assert_true(palm > 0.08 && palm < 0.3 && moved > 0.002 && moved < 0.03);
  fr_data_free(data);
}

/* ---- who is read how well ---- */

static double distance(const fr_record *a, const fr_record *b) {
  double sum = 0;
  for (size_t i = 0; i < 30 * 2 * HAND; i++)
    sum += (a->values[i] - b->values[i]) * (a->values[i] - b->values[i]);
  return sum;
}

/* Share of records whose nearest other one, of the same signer or of the next, is of the
 * same sign. */
static double nearest_share(const fr_dataset *data, uint32_t next) {
  size_t right = 0;
  for (size_t i = 0; i < data->count; i++) {
    const fr_record *const a = &data->record[i], *best = NULL;
    for (size_t k = 0; k < data->count; k++) {
      const fr_record *const b = &data->record[k];
      if (k != i && b->subject == (a->subject + next) % data->subjects.count &&
          (best == NULL || distance(a, b) < distance(a, best)))
        best = b;
    }
    right += best->activity == a->activity;
  }
  return (double)right / (double)data->count;
}

static void a_stranger_is_harder_to_read(void **state) {
  (void)state;
  fr_dataset *data = signers("synthetic:signs=12&subjects=8&trials=4&features=raw");
  const double known = nearest_share(data, 0), stranger = nearest_share(data, 1);
  print_message("# of 12 signs, by the nearest raw sequence: %.2f of a known signer, "
                "%.2f of a stranger\n",
                known, stranger);
  assert_true(known > 0.8 && stranger > 2.0 / 12 && stranger < known - 0.2);
  fr_data_free(data);
}

static void bad_keys_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "synthetic:signs=0",
      "synthetic:signs=x",
      "synthetic:signs=3&activities=sign4",
      "synthetic:signs=3&activities=",
      "synthetic:signs=3&frame=gravity",
      "synthetic:signs=3&features=extrasensory",
      "synthetic:signs=3&no_sign=-1",
      "synthetic:no_sign=1",
      "synthetic:subjects=2&mirror=no",
      "synthetic:signs=200&subjects=1000&trials=1000",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_dataset *data = NULL;
    fr_error err = {0};
    const enum fr_status status = fr_data_open(bad[i], NULL, &data, &err);
    assert_true(status == FR_ERR_ARGUMENT || status == FR_ERR_LIMIT);
    assert_true(err.text[0] != '\0' && data == NULL);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(have_both_hands_of_key_points),
      cmocka_unit_test(the_seed_decides),
      cmocka_unit_test(become_features_and_no_sign),
      cmocka_unit_test(choices_of_features_are_known),
      cmocka_unit_test(move_like_hands),
      cmocka_unit_test(a_stranger_is_harder_to_read),
      cmocka_unit_test(bad_keys_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
