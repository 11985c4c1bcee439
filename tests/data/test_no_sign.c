/* SPDX-License-Identifier: Apache-2.0 */
/* Records of no sign come from one person's one trial, as many as are asked for, and show
 * no sign for longer than half of their length. */
#include "test.h"

#include <math.h>

#include "base/error.h"
#include "data/body.h"
#include "data/no_sign.h"
#include "data/reader.h"
#include "data/shifted.h"

enum { WIDTH = 126, AXES = 3, POINTS = 42, STEPS = 30 };

/* Two hands: z says who and in which trial, x which sign and step. */
static void fill(float *frame, uint32_t subject, uint32_t activity, uint32_t trial,
                 size_t t) {
  for (size_t p = 0; p < POINTS; p++) {
    frame[p * AXES] = (float)activity + (float)t / 64 + (float)(p % 21) / 4096;
    frame[p * AXES + 1] = 0.25F + (float)(p % 21) / 1024;
    frame[p * AXES + 2] = (float)(1 + 100 * subject + trial);
  }
}

static void add(fr__builder *b, uint32_t subject, uint32_t activity, uint32_t trial,
                bool still) {
  float *const room = fr__builder_room(b, STEPS, NULL);
  assert_non_null(room);
  for (size_t t = 0; t < STEPS; t++)
    fill(room + t * WIDTH, subject, activity, trial, still ? 0 : t);
  const fr_record about = {.subject = subject,
                           .activity = activity,
                           .trial = trial,
                           .span_s = 1,
                           .steps = STEPS};
  ASSERT_OK(fr__builder_add(b, &about, NULL, err));
}

static void name(fr_names *names, const char *prefix, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char text[32];
    const int n = snprintf(text, sizeof text, "%s%03zu", prefix, i);
    ASSERT_OK(fr__names_add(names, text, (size_t)n, NULL, err));
  }
}

/* Everyone makes every sign once in every trial, but the last one where `gap` in trial 0.
 */
static fr_dataset *make(uint32_t subjects, uint32_t signs, uint32_t trials, bool still,
                        bool gap) {
  fr__builder b;
  fr_dataset *data = NULL;
  ASSERT_OK(fr__builder_init(&b, "keypoints", "trial", "keypoints:made", 30, err));
  b.data->window = STEPS;
  name(&b.data->channels, "c", WIDTH);
  name(&b.data->subjects, "s", subjects);
  name(&b.data->activities, "a", signs);
  name(&b.data->trials, "t", trials);
  for (uint32_t s = 0; s < subjects; s++)
    for (uint32_t a = 0; a < signs; a++)
      for (uint32_t t = 0; t < trials; t++)
        if (!(gap && a == signs - 1 && t == 0))
          add(&b, s, a, t, still);
  ASSERT_OK(fr__builder_finish(&b, &data, err));
  fr__builder_release(&b);
  return data;
}

static bool is_made(const fr_dataset *data, const fr_record *r) {
  return strcmp(data->activities.name[r->activity], FR_NO_SIGN) == 0;
}

static size_t count_made(const fr_dataset *data, uint32_t subject, uint32_t trial) {
  size_t n = 0;
  for (size_t i = 0; i < data->count; i++)
    n += is_made(data, &data->record[i]) && data->record[i].subject == subject &&
         data->record[i].trial == trial;
  return n;
}

static void as_many_as_asked_for(void **state) {
  (void)state;
  static const struct {
    double share;
    size_t each;
  } asked[] = {{1, 1}, {3, 3}, {0.2, 1}, {2.5, 3}};
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    fr_dataset *data = make(2, 4, 6, false, false);
    ASSERT_OK(fr__no_sign_add(&data, asked[i].share, 1, err));
    assert_int_equal(data->count, 2 * 6 * (4 + asked[i].each));
    for (uint32_t s = 0; s < 2; s++)
      for (uint32_t t = 0; t < 6; t++)
        assert_int_equal(count_made(data, s, t), asked[i].each);
    assert_int_equal(data->window, STEPS);
    assert_int_equal(data->rate_hz, 30);
    fr_data_free(data);
  }
}

/* z is the person's and trial's own number, wherever a hand is seen. */
static void nothing_of_another_person_or_trial(void **state) {
  (void)state;
  for (int still = 0; still < 2; still++) {
    fr_dataset *data = make(2, 4, 5, still != 0, false);
    ASSERT_OK(fr__no_sign_add(&data, 20, 7, err));
    for (size_t i = 0; i < data->count; i++) {
      const fr_record *const r = &data->record[i];
      assert_int_equal(r->steps, STEPS);
      assert_true(r->span_s == 1);
      for (size_t k = 2; k < (size_t)STEPS * WIDTH; k += AXES)
        if (r->values[k] != 0)
          assert_float_equal(r->values[k], (float)(1 + 100 * r->subject + r->trial),
                             1e-4);
    }
    fr_data_free(data);
  }
}

/* A sign that moves in one trial, and is held in it in the other data set: what draws ask
 * for differs there, and nowhere else. */
static void one_trial_says_nothing_of_another(void **state) {
  (void)state;
  fr_dataset *data[2] = {make(2, 4, 4, false, false), make(2, 4, 4, false, false)};
  for (size_t i = 0; i < data[1]->count; i++) {
    const fr_record *const r = &data[1]->record[i];
    for (size_t t = 1; r->subject == 0 && r->trial == 0 && t < STEPS; t++)
      memcpy(r->values + t * WIDTH, r->values, WIDTH * sizeof *r->values);
  }
  for (size_t i = 0; i < 2; i++)
    ASSERT_OK(fr__no_sign_add(&data[i], 20, 7, err));
  assert_int_equal(data[0]->count, data[1]->count);
  size_t same = 0, other = 0;
  for (size_t i = 0; i < data[0]->count; i++) {
    const fr_record *const a = &data[0]->record[i], *const b = &data[1]->record[i];
    const bool equal =
        memcmp(a->values, b->values, (size_t)STEPS * WIDTH * sizeof *a->values) == 0;
    if (a->subject == 0 && a->trial == 0)
      other += !equal;
    else
      assert_true(equal);
    same += equal;
  }
  assert_true(other > 20 && same > 20);
  fr_data_free(data[0]);
  fr_data_free(data[1]);
}

static void signs_stay_as_they_were(void **state) {
  (void)state;
  fr_dataset *data = make(2, 3, 4, false, false);
  ASSERT_OK(fr__no_sign_add(&data, 2, 1, err));
  size_t signs = 0;
  float frame[WIDTH];
  for (size_t i = 0; i < data->count; i++) {
    const fr_record *const r = &data->record[i];
    if (is_made(data, r))
      continue;
    const uint32_t activity =
        (uint32_t)atoi(data->activities.name[r->activity] + 1); /* "a002" */
    for (size_t t = 0; t < STEPS; t++) {
      fill(frame, r->subject, activity, r->trial, t);
      assert_memory_equal(frame, r->values + t * WIDTH, sizeof frame);
    }
    signs++;
  }
  assert_int_equal(signs, 2 * 3 * 4);
  fr_data_free(data);
}

/* x tells sign and step: frames that follow each other as they do in a sign. */
static size_t longest_run(const float *values) {
  size_t longest = 1, run = 1;
  for (size_t t = 1; t < STEPS; t++) {
    const float step = values[t * WIDTH] - values[(t - 1) * WIDTH];
    const bool kept = values[t * WIDTH + 1] == 0.25F && fabsf(step - 1.0F / 64) < 1e-6F;
    run = kept ? run + 1 : 1;
    longest = run > longest ? run : longest;
  }
  return longest;
}

static void no_sign_is_shown_for_half_of_it(void **state) {
  (void)state;
  fr_dataset *data = make(1, 5, 10, false, false);
  ASSERT_OK(fr__no_sign_add(&data, 30, 3, err));
  size_t parts = 0;
  for (size_t i = 0; i < data->count; i++) {
    const fr_record *const r = &data->record[i];
    if (!is_made(data, r)) {
      assert_int_equal(longest_run(r->values), STEPS);
      continue;
    }
    assert_true(longest_run(r->values) <= STEPS / 2);
    parts += longest_run(r->values) > 2;
  }
  assert_true(parts > 60); /* many do show some of a sign */
  fr_data_free(data);
}

static uint64_t digest_of(uint64_t seed) {
  fr_dataset *data = make(2, 4, 5, false, false);
  ASSERT_OK(fr__no_sign_add(&data, 3, seed, err));
  const uint64_t digest = data->digest;
  fr_data_free(data);
  return digest;
}

static void the_seed_says_all(void **state) {
  (void)state;
  assert_true(digest_of(1) == digest_of(1));
  assert_true(digest_of(1) != digest_of(2));
}

/* Sign 3 has no trial 0, so its trials would part elsewhere than those of the others: no
 * hand is nearer to its place than sign 2 is. */
static void signs_with_other_trials_lend_nothing(void **state) {
  (void)state;
  fr_dataset *data = make(1, 4, 6, true, true);
  ASSERT_OK(fr__no_sign_add(&data, 10, 1, err));
  for (size_t i = 0; i < data->count; i++)
    for (size_t t = 0; is_made(data, &data->record[i]) && t < STEPS; t++)
      assert_true(data->record[i].values[t * WIDTH] < 2.01F);
  assert_int_equal(count_made(data, 0, 0), 10);
  fr_data_free(data);
}

static void refusals(void **state) {
  (void)state;
  fr_error err = {0};
  fr_dataset *data = make(1, 2, 2, false, false), *const was = data;
  assert_int_equal(fr__no_sign_add(&data, 0, 1, &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr__no_sign_add(&data, (double)NAN, 1, &err), FR_ERR_ARGUMENT);
  data->rate_hz = 0;
  assert_int_equal(fr__no_sign_add(&data, 1, 1, &err), FR_ERR_ARGUMENT);
  data->rate_hz = 30;
  data->channels.count--;
  assert_int_equal(fr__no_sign_add(&data, 1, 1, &err), FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "125 numbers"));
  data->channels.count++;
  data->record[0].trial = FR_NONE;
  assert_int_equal(fr__no_sign_add(&data, 1, 1, &err), FR_ERR_ARGUMENT);
  data->record[0].trial = 0;
  assert_ptr_equal(data, was);
  for (size_t i = 0; i < data->count; i++)
    data->record[i].activity = FR_NONE;
  assert_int_equal(fr__no_sign_add(&data, 1, 1, &err), FR_ERR_NOT_FOUND);
  assert_ptr_equal(data, was);
  fr_data_free(data);
}

/* ---- shifted signs ---- */

static size_t count_of(const fr_dataset *data, uint32_t activity, uint32_t trial) {
  size_t n = 0;
  for (size_t i = 0; i < data->count; i++)
    n += data->record[i].activity == activity && data->record[i].trial == trial;
  return n;
}

/* Seven to nine or more tenths of a sign in order, and movement before or behind it. */
static void shifted_signs_show_most_of_it(void **state) {
  (void)state;
  fr_dataset *data = make(1, 3, 4, false, false);
  ASSERT_OK(fr__no_sign_add(&data, 1, 1, err));
  const size_t before = data->count;
  ASSERT_OK(fr__shifted_add(&data, 5, 1, err));
  assert_int_equal(data->count, before + 5 * 3 * 4);
  assert_int_equal(count_made(data, 0, 0), 1);
  size_t early = 0, late = 0;
  for (size_t i = 0; i < data->count; i++) {
    const fr_record *const r = &data->record[i];
    if (is_made(data, r))
      continue;
    assert_int_equal(count_of(data, r->activity, r->trial), 6);
    const size_t run = longest_run(r->values);
    assert_true(run >= 21);
    for (size_t k = 2; k < (size_t)STEPS * WIDTH; k += AXES)
      if (r->values[k] != 0)
        assert_float_equal(r->values[k], (float)(1 + r->trial), 1e-4);
    const bool starts = r->values[1] == 0.25F &&
                        fabsf(r->values[WIDTH] - r->values[0] - 1.0F / 64) < 1e-6F;
    late += run < STEPS && !starts;
    early += run < STEPS && starts;
  }
  assert_true(early > 10 && late > 10);
  assert_int_equal(early + late, 5 * 3 * 4);
  fr_data_free(data);
}

/* ---- frames that no camera gave ---- */

static void layouts_by_width(void **state) {
  (void)state;
  static const struct {
    size_t width, parts, last;
  } layout[] = {{42, 1, 0}, {63, 1, 0}, {126, 2, 63}, {258, 3, 195}, {1662, 4, 1599}};
  fr__body body;
  for (size_t i = 0; i < sizeof layout / sizeof *layout; i++) {
    assert_true(fr__body_of(layout[i].width, &body));
    assert_int_equal(body.count, layout[i].parts);
    assert_int_equal(body.part[body.count - 1].at, layout[i].last);
    assert_true(body.part[body.count - 1].hand);
  }
  assert_false(fr__body_of(0, &body));
  assert_false(fr__body_of(127, &body));
}

static void between_two_frames(void **state) {
  (void)state;
  fr__body body;
  assert_true(fr__body_of(WIDTH, &body));
  float a[WIDTH], b[WIDTH], out[WIDTH];
  fill(a, 0, 1, 0, 0);
  fill(b, 0, 3, 0, 0);
  fr__body_between(&body, a, b, 0.25, out);
  assert_float_equal(out[0], 1.5, 1e-6);
  assert_float_equal(out[2], 1, 1e-6);
  memset(b + 63, 0, 63 * sizeof *b); /* the right hand leaves downward */
  float last = 0;
  for (size_t i = 0; i < 10; i++) {
    fr__body_between(&body, a, b, (double)i / 10, out);
    assert_true(out[64] > last && out[63] == 1);
    last = out[64];
  }
  fr__body_between(&body, a, b, 1, out);
  assert_false(fr__body_seen(&body.part[1], out));
  assert_true(fr__body_seen(&body.part[0], out));
  fr__body_away(&body, a);
  for (size_t i = 0; i < WIDTH; i++)
    assert_true(a[i] == 0);
}

static void movement_in_palms(void **state) {
  (void)state;
  fr__body body;
  assert_true(fr__body_of(WIDTH, &body));
  static float x[STEPS * WIDTH];
  for (size_t t = 0; t < STEPS; t++)
    fill(x + t * WIDTH, 0, 1, 0, 0);
  assert_float_equal(fr__body_movement(&body, x, STEPS), 0, 1e-3);
  /* the palm of `fill` is √((9/4096)² + (9/1024)²); half a palm to and fro */
  const double palm = hypot(9.0 / 4096, 9.0 / 1024);
  for (size_t t = 0; t < STEPS; t++)
    for (size_t p = 0; p < 21; p++)
      x[t * WIDTH + p * AXES] += (float)(t % 2 == 0 ? palm / 2 : -palm / 2);
  assert_float_equal(fr__body_movement(&body, x, STEPS), 0.5, 1e-2);
  float frame[WIDTH];
  fill(frame, 0, 1, 0, 0);
  fr__body_tremble(&body, x, STEPS, 2, frame);
  /* (a, -a, a): the middle is 4/3 of a from the mean */
  assert_float_equal(frame[0], (float)(1 + sqrt(1.5) * 4 / 3 * palm / 2), 1e-5);
  fill(frame, 0, 1, 0, 0);
  fr__body_tremble(&body, x, STEPS, 0, frame);
  assert_true(frame[0] == 1);
  memset(x, 0, sizeof x);
  assert_true(fr__body_movement(&body, x, STEPS) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_many_as_asked_for),
      cmocka_unit_test(nothing_of_another_person_or_trial),
      cmocka_unit_test(one_trial_says_nothing_of_another),
      cmocka_unit_test(signs_stay_as_they_were),
      cmocka_unit_test(no_sign_is_shown_for_half_of_it),
      cmocka_unit_test(the_seed_says_all),
      cmocka_unit_test(signs_with_other_trials_lend_nothing),
      cmocka_unit_test(refusals),
      cmocka_unit_test(shifted_signs_show_most_of_it),
      cmocka_unit_test(layouts_by_width),
      cmocka_unit_test(between_two_frames),
      cmocka_unit_test(movement_in_palms),
  };
  return cmocka_run_group_tests_name("no sign", tests, NULL, NULL);
}
