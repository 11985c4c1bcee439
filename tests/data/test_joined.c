/* SPDX-License-Identifier: Apache-2.0 */
/* A stream has the sequences of one side as they were recorded, at the frames that its
 * truth tells, and nothing of them for long elsewhere. */
#include "test.h"

#include <math.h>

#include "data/joined.h"
#include "data/reader.h"

enum { WIDTH = 63, STEPS = 30, SIGNS = 3, TRIALS = 4, RECORDS = SIGNS * TRIALS };
#define RATE 30.0

/* One hand, whose wrist's z tells the record (from 1) and its finger tips' x the step. */
static fr_dataset *make(void) {
  fr__builder b;
  fr_dataset *data = NULL;
  ASSERT_OK(fr__builder_init(&b, "keypoints", "trial", "keypoints:made", RATE, err));
  for (size_t i = 0; i < WIDTH + 1 + SIGNS + TRIALS; i++) {
    char name[16];
    const size_t n = (size_t)snprintf(name, sizeof name, "n%03zu", i);
    fr_names *const to = i < WIDTH               ? &b.data->channels
                         : i < WIDTH + 1         ? &b.data->subjects
                         : i < WIDTH + 1 + SIGNS ? &b.data->activities
                                                 : &b.data->trials;
    ASSERT_OK(fr__names_add(to, name, n, NULL, err));
  }
  for (uint32_t i = 0; i < RECORDS; i++) {
    float *const room = fr__builder_room(&b, STEPS, NULL);
    assert_non_null(room);
    for (size_t t = 0; t < STEPS; t++)
      for (size_t p = 0; p < 21; p++) {
        float *const at = room + t * WIDTH + p * 3;
        at[0] = 0.4F + (float)p / 100 + (float)t / 1000;
        at[1] = 0.3F + (float)p / 100;
        at[2] = (float)(i + 1);
      }
    const fr_record about = {
        .activity = i % SIGNS, .trial = i / SIGNS, .span_s = 1, .steps = STEPS};
    ASSERT_OK(fr__builder_add(&b, &about, NULL, err));
  }
  ASSERT_OK(fr__builder_finish(&b, &data, err));
  fr__builder_release(&b);
  return data;
}

/* Of the last two trials: half of the records. */
static fr__joined join(const fr_dataset *data, double minutes, uint64_t seed,
                       bool no_signs) {
  fr_windows windows;
  ASSERT_OK(fr_windows_init(&windows, data, STEPS, STEPS, err));
  uint8_t side[RECORDS];
  for (size_t i = 0; i < RECORDS; i++)
    side[i] = data->record[i].trial < 2 ? FR_SIDE_TRAIN : FR_SIDE_TEST;
  const fr_split split = {.side = side};
  const fr__joined_options options = {minutes, seed, no_signs};
  fr__joined out;
  ASSERT_OK(fr__joined_init(&out, &windows, &split, FR_SIDE_TEST, &options, err));
  fr_windows_release(&windows);
  return out;
}

static void truth_is_what_was_recorded(void **state) {
  (void)state;
  fr_dataset *data = make();
  fr__joined j = join(data, 2, 1, false);
  assert_int_equal(j.width, WIDTH);
  assert_int_equal(j.sources, RECORDS / 2);
  assert_true(j.rate_hz == RATE);
  assert_true((double)j.frames >= 2 * 60 * RATE);
  assert_true((double)j.frames < 2 * 60 * RATE + 15 * RATE);
  assert_true(j.count > 20);
  size_t times[RECORDS] = {0}, behind = 0;
  for (size_t i = 0; i < j.count; i++) {
    const fr__joined_sign *const s = &j.sign[i];
    const fr_record *const r = &data->record[s->record];
    assert_true(r->trial >= 2);
    assert_true(s->start > behind); /* something lies between */
    assert_int_equal(s->end - s->start, STEPS);
    assert_true(s->end < j.frames);
    assert_memory_equal(j.value + s->start * WIDTH, r->values,
                        (size_t)STEPS * WIDTH * sizeof *r->values);
    if (i > 0)
      assert_true(data->record[j.sign[i - 1].record].activity != r->activity);
    behind = s->end;
    times[s->record]++;
  }
  for (size_t i = 0; i < RECORDS; i++) {
    const size_t each = j.count / j.sources;
    assert_true(data->record[i].trial < 2 ? times[i] == 0
                                          : times[i] == each || times[i] == each + 1);
  }
  fr__joined_release(&j);
  fr_data_free(data);
}

/* Frames in a row that are a sequence's, one after the other. */
static size_t longest_run(const fr_dataset *data, const fr__joined *j) {
  size_t longest = 0;
  for (size_t r = 0; r < data->count; r++)
    for (size_t at = 0; at + 1 < j->frames; at++)
      for (size_t from = 0; from < STEPS; from++) {
        size_t n = 0;
        while (from + n < STEPS && at + n < j->frames &&
               memcmp(j->value + (at + n) * WIDTH,
                      data->record[r].values + (from + n) * WIDTH,
                      WIDTH * sizeof *j->value) == 0)
          n++;
        longest = n > longest ? n : longest;
      }
  return longest;
}

static void without_signs_nothing_is_shown_for_long(void **state) {
  (void)state;
  fr_dataset *data = make();
  fr__joined j = join(data, 1, 1, true);
  assert_int_equal(j.count, 0);
  assert_true((double)j.frames >= 60 * RATE);
  const size_t run = longest_run(data, &j);
  assert_true(run >= 2 && (double)run <= 0.2 * RATE);
  size_t empty = 0;
  for (size_t i = 0; i < j.frames; i++) {
    bool none = true;
    for (size_t c = 0; c < WIDTH; c++) {
      assert_true(isfinite(j.value[i * WIDTH + c]));
      none = none && j.value[i * WIDTH + c] == 0;
    }
    empty += none;
  }
  assert_true(empty > j.frames / 20 && empty < j.frames / 2);
  fr__joined_release(&j);
  fr_data_free(data);
}

/* A hand does not jump: not faster than the quickest movement (0.25 s over the picture's
 * height and the way out), but into and out of the picture. */
static void hands_move_and_do_not_jump(void **state) {
  (void)state;
  fr_dataset *data = make();
  fr__joined j = join(data, 2, 1, false);
  for (size_t i = 1; i < j.frames; i++) {
    const float *const now = j.value + i * WIDTH, *const before = now - WIDTH;
    if (now[2] == 0 || before[2] == 0)
      continue;
    assert_true(fabsf(now[0] - before[0]) < 0.1F);
    assert_true(fabsf(now[1] - before[1]) < 0.3F);
  }
  fr__joined_release(&j);
  fr_data_free(data);
}

static void the_seed_says_all(void **state) {
  (void)state;
  fr_dataset *data = make();
  fr__joined a = join(data, 1, 5, false), b = join(data, 1, 5, false),
             c = join(data, 1, 6, false);
  assert_int_equal(a.frames, b.frames);
  assert_memory_equal(a.value, b.value, a.frames * WIDTH * sizeof *a.value);
  assert_int_equal(a.count, b.count);
  for (size_t i = 0; i < a.count; i++) {
    assert_int_equal(a.sign[i].record, b.sign[i].record);
    assert_int_equal(a.sign[i].start, b.sign[i].start);
  }
  const size_t both = a.frames < c.frames ? a.frames : c.frames;
  assert_memory_not_equal(a.value, c.value, both * WIDTH * sizeof *a.value);
  fr__joined_release(&a);
  fr__joined_release(&b);
  fr__joined_release(&c);
  fr_data_free(data);
}

static enum fr_status try(const fr_dataset *data, enum fr_side side, double minutes,
                          fr_error *err) {
  fr_windows windows;
  assert_int_equal(fr_windows_init(&windows, data, STEPS, STEPS, err), FR_OK);
  uint8_t sides[RECORDS];
  memset(sides, FR_SIDE_TEST, sizeof sides);
  const fr_split split = {.side = sides};
  const fr__joined_options options = {.minutes = minutes};
  fr__joined out;
  const enum fr_status status =
      fr__joined_init(&out, &windows, &split, side, &options, err);
  fr_windows_release(&windows);
  return status;
}

static void refusals(void **state) {
  (void)state;
  fr_dataset *data = make();
  fr_error err = {0};
  assert_int_equal(try(data, FR_SIDE_VALIDATE, 1, &err), FR_ERR_NOT_FOUND);
  assert_int_equal(try(data, FR_SIDE_TEST, 0, &err), FR_ERR_ARGUMENT);
  assert_int_equal(try(data, FR_SIDE_TEST, 1e9, &err), FR_ERR_ARGUMENT);
  data->channels.count = 62;
  assert_int_equal(try(data, FR_SIDE_TEST, 1, &err), FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "features=raw"));
  data->channels.count = 63;
  data->rate_hz = 1e6;
  assert_int_equal(try(data, FR_SIDE_TEST, 1440, &err), FR_ERR_LIMIT);
  data->rate_hz = 0.1; /* a frame in ten seconds: everything takes one frame */
  fr__joined j = join(data, 100, 1, false);
  assert_true(j.frames >= 600);
  fr__joined_release(&j);
  data->rate_hz = RATE;
  fr_data_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(truth_is_what_was_recorded),
      cmocka_unit_test(without_signs_nothing_is_shown_for_long),
      cmocka_unit_test(hands_move_and_do_not_jump),
      cmocka_unit_test(the_seed_says_all),
      cmocka_unit_test(refusals),
  };
  return cmocka_run_group_tests_name("joined", tests, NULL, NULL);
}
