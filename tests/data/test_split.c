/* SPDX-License-Identifier: Apache-2.0 */
/* Splits: who trains, validates and tests, and that the sides share no signal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made.h"

static fr_split split_of(const fr_windows *w, const char *how, const char *validate,
                         size_t fold) {
  fr_split split = {0};
  fr_error err = {0};
  const enum fr_status status = fr_split_init(&split, w, how, validate, fold, 1, &err);
  if (status != FR_OK)
    print_error("%s, %s: %s\n", how, validate, err.text);
  assert_int_equal(status, FR_OK);
  size_t count[4] = {0};
  for (size_t i = 0; i < w->count; i++)
    count[split.side[i]]++;
  assert_memory_equal(count, split.count, sizeof count);
  return split;
}

static const fr_record *record_of(const fr_windows *w, size_t i) {
  return &w->data->record[w->at[i].record];
}

/* Written out by its definition, pair by pair: the same stretch of the same recording. */
static bool share_signal(const fr_windows *w, size_t i, size_t k) {
  const fr_record *a = record_of(w, i), *b = record_of(w, k);
  const size_t from = w->at[i].start, other = w->at[k].start;
  if (w->at[i].record == w->at[k].record)
    return from < other + w->length && other < from + w->length;
  return a->subject == b->subject && a->trial == b->trial && a->activity == b->activity &&
         a->start_s < b->start_s + b->span_s - 1e-3 &&
         b->start_s < a->start_s + a->span_s - 1e-3;
}

static void check_apart(const fr_windows *w, const fr_split *split) {
  for (size_t i = 0; i < w->count; i++)
    for (size_t k = i + 1; k < w->count; k++)
      if (split->side[i] != FR_SIDE_NONE && split->side[k] != FR_SIDE_NONE &&
          split->side[i] != split->side[k])
        assert_false(share_signal(w, i, k));
}

static const char *const ways[] = {"trial",   "subject:1", "subject:loo",
                                   "kfold:2", "time:0.7",  "blocks:2"};
static const char *const validations[] = {"0.1", "trial", "none"};

static void sides_of_series_share_no_signal(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 12; seed++) {
    fr_dataset data = made_series(seed % 2 ? "csv" : "synthetic", 3, 2, 4, 90, seed);
    fr_windows w;
    assert_int_equal(fr_windows_init(&w, &data, 16, 1 + seed, NULL), FR_OK);
    for (size_t i = 0; i < 6; i++)
      for (size_t v = 0; v < 3; v++) {
        fr_split split = split_of(&w, ways[i], validations[v], 0);
        check_apart(&w, &split);
        assert_false(split.leaky);
        fr_split_release(&split);
      }
    fr_windows_release(&w);
    made_free(&data);
  }
}

/* Vectors of 20 s each, one a second: what fr_dataset_features makes of a trial. */
static fr_dataset overlapping_vectors(size_t each) {
  fr_dataset data = made_dataset("synthetic", 0, 2, 2, 2, 3, 12 * each);
  for (uint32_t s = 0; s < 2; s++)
    for (uint32_t t = 0; t < 3; t++)
      for (uint32_t a = 0; a < 2; a++)
        for (size_t i = 0; i < each; i++)
          made_add(&data, s, a, t, (double)i, 20, 1);
  return data;
}

static void sides_of_vectors_share_no_signal(void **state) {
  (void)state;
  fr_dataset data = overlapping_vectors(60);
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 1, 1, NULL), FR_OK);
  for (size_t i = 0; i < 5; i++)
    for (size_t v = 0; v < 3; v++) {
      fr_split split = split_of(&w, ways[i], validations[v], 0);
      check_apart(&w, &split);
      fr_split_release(&split);
    }
  /* 180 windows of each person and activity, 60 a trial: the last 45 test; the 15 before
   * them in the same trial overlap the first of them. */
  fr_split split = split_of(&w, "time:0.75", "none", 0);
  assert_int_equal(split.count[FR_SIDE_TEST], 4 * 45);
  assert_int_equal(split.count[FR_SIDE_NONE], 4 * 15);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

static void motionsense_tests_on_short_trials(void **state) {
  (void)state;
  fr_dataset data = made_series("motionsense", 2, 1, 16, 200, 3);
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 20, 10, NULL), FR_OK);
  fr_split split = split_of(&w, NULL, NULL, 0);
  for (size_t i = 0; i < w.count; i++)
    assert_int_equal(split.side[i],
                     record_of(&w, i)->trial < 9 ? FR_SIDE_TRAIN : FR_SIDE_TEST);
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

static void last_third_of_trials_tests(void **state) {
  (void)state;
  fr_dataset data = made_series("synthetic", 2, 2, 6, 100, 4);
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 20, 10, NULL), FR_OK);
  fr_split split = split_of(&w, "trial", "trial", 0);
  for (size_t i = 0; i < w.count; i++) {
    const uint32_t trial = record_of(&w, i)->trial;
    assert_int_equal(split.side[i], trial >= 4   ? FR_SIDE_TEST
                                    : trial == 3 ? FR_SIDE_VALIDATE
                                                 : FR_SIDE_TRAIN);
  }
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

/* By the clock of each person, whatever they did: the first person changes activity in
 * the hundredth minute, which must not put any minute before the 140th on the test side.
 */
static void first_share_of_time_trains(void **state) {
  (void)state;
  fr_dataset data = made_dataset("extrasensory", 0, 1, 2, 2, 0, 300);
  for (size_t i = 0; i < 200; i++)
    made_add(&data, 0, (uint32_t)(i >= 100), FR_NONE, 1.4e9 + 60.0 * (double)i, 20, 1);
  for (size_t i = 0; i < 100; i++)
    made_add(&data, 1, FR_NONE, FR_NONE, 1.4e9 + 60.0 * (double)i, 20, 1);
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 1, 1, NULL), FR_OK);
  fr_split split = split_of(&w, "time:0.7", "0.1", 0);
  for (size_t i = 0; i < 300; i++) {
    const size_t minute = i < 200 ? i : (i - 200) * 2;
    const enum fr_side side = minute >= 140   ? FR_SIDE_TEST
                              : minute >= 126 ? FR_SIDE_VALIDATE
                                              : FR_SIDE_TRAIN;
    assert_int_equal(split.side[i], side);
  }
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

static void listed_people_test(void **state) {
  (void)state;
  fr_dataset data = made_series("csv", 12, 1, 1, 40, 5);
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 10, 10, NULL), FR_OK);
  fr_split split = split_of(&w, "subject:2,10-12", "subject:3", 0);
  for (size_t i = 0; i < w.count; i++) {
    const uint32_t person = record_of(&w, i)->subject + 1;
    const enum fr_side side = person == 2 || person >= 10 ? FR_SIDE_TEST
                              : person == 3               ? FR_SIDE_VALIDATE
                                                          : FR_SIDE_TRAIN;
    assert_int_equal(split.side[i], side);
  }
  fr_split_release(&split);
  fr_windows_release(&w);
  made_free(&data);
}

/* Over all folds each person tests exactly once. */
static void check_folds(const fr_windows *w, const char *how, size_t expected) {
  size_t folds, tested[12] = {0};
  assert_int_equal(fr_split_folds(w, how, &folds, NULL), FR_OK);
  assert_int_equal(folds, expected);
  for (size_t f = 0; f < folds; f++) {
    fr_split split = split_of(w, how, "none", f);
    uint32_t last = FR_NONE;
    for (size_t i = 0; i < w->count; i++) {
      const uint32_t person = record_of(w, i)->subject;
      if (split.side[i] == FR_SIDE_TEST && person != last)
        tested[person]++;
      last = person;
    }
    fr_split_release(&split);
  }
  for (size_t s = 0; s < w->data->subjects.count; s++)
    assert_int_equal(tested[s], 1);
}

static void each_person_tests_in_one_fold(void **state) {
  (void)state;
  fr_dataset data = made_series("csv", 12, 1, 1, 40, 6);
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 10, 10, NULL), FR_OK);
  check_folds(&w, "subject:loo", 12);
  check_folds(&w, "kfold:5", 5);
  size_t folds;
  assert_int_equal(fr_split_folds(&w, "time:0.7", &folds, NULL), FR_OK);
  assert_int_equal(folds, 1);
  fr_split split = {0};
  fr_error err;
  assert_int_equal(fr_split_init(&split, &w, "kfold:5", "none", 5, 1, &err),
                   FR_ERR_ARGUMENT);
  assert_int_equal(fr_split_folds(&w, "kfold:13", &folds, &err), FR_ERR_ARGUMENT);
  fr_windows_release(&w);
  made_free(&data);
}

static void random_windows_are_called_leaky(void **state) {
  (void)state;
  fr_dataset data = made_series("csv", 4, 1, 2, 400, 7);
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 20, 10, NULL), FR_OK);
  fr_split a = split_of(&w, "random:0.75", "none", 0),
           b = split_of(&w, "random:0.75", "none", 0);
  assert_true(a.leaky);
  assert_int_equal(a.count[FR_SIDE_TRAIN], (size_t)(0.75 * (double)w.count + 0.5));
  assert_int_equal(a.count[FR_SIDE_NONE], 0);
  assert_memory_equal(a.side, b.side, w.count); /* the same seed, the same split */
  fr_split_release(&a);
  fr_split_release(&b);
  fr_split all = split_of(&w, "all", "0.1", 0);
  assert_int_equal(all.count[FR_SIDE_TEST], w.count);
  fr_split_release(&all);
  fr_windows_release(&w);
  made_free(&data);
}

static void random_validation_comes_from_the_training_side(void **state) {
  (void)state;
  fr_dataset data = overlapping_vectors(50);
  for (size_t i = 0; i < data.count; i++)
    data.record[i].span_s = 1; /* none shares signal with its neighbour */
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 1, 1, NULL), FR_OK);
  fr_split without = split_of(&w, "random:0.75", "none", 0),
           with = split_of(&w, "random:0.75", "random:0.2", 0);
  assert_true(with.leaky);
  assert_int_equal(with.count[FR_SIDE_VALIDATE],
                   (size_t)(0.2 * (double)without.count[FR_SIDE_TRAIN] + 0.5));
  for (size_t i = 0; i < w.count; i++)
    assert_int_equal(with.side[i] == FR_SIDE_TEST, without.side[i] == FR_SIDE_TEST);
  size_t early = 0; /* about half of them are in the first half */
  for (size_t i = 0; i < w.count / 2; i++)
    early += with.side[i] == FR_SIDE_VALIDATE;
  assert_in_range(early, with.count[FR_SIDE_VALIDATE] / 4,
                  with.count[FR_SIDE_VALIDATE] * 3 / 4);
  fr_split_release(&without);
  fr_split_release(&with);
  fr_windows_release(&w);
  made_free(&data);
}

/* 11 trials in 4 runs: 3, 3, 3, 2, as numpy.array_split(range(11), 4) has them; each
 * person and activity by itself. */
static void blocks_are_runs_of_trials(void **state) {
  (void)state;
  static const size_t block_of[] = {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3};
  fr_dataset data = made_series("keypoints", 2, 2, 11, 60, 3);
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 10, 10, NULL), FR_OK);
  size_t folds = 0;
  assert_int_equal(fr_split_folds(&w, "blocks:4", &folds, NULL), FR_OK);
  assert_int_equal(folds, 4);
  for (size_t fold = 0; fold < 4; fold++) {
    fr_split split = split_of(&w, "blocks:4", "blocks", fold);
    for (size_t i = 0; i < w.count; i++) {
      const size_t block = block_of[record_of(&w, i)->trial];
      assert_int_equal(split.side[i], block == fold             ? FR_SIDE_TEST
                                      : block == (fold + 1) % 4 ? FR_SIDE_VALIDATE
                                                                : FR_SIDE_TRAIN);
    }
    assert_false(split.leaky);
    fr_split_release(&split);
  }
  assert_int_equal(fr_split_folds(&w, "blocks:12", &folds, NULL), FR_ERR_ARGUMENT);
  fr_windows_release(&w);
  made_free(&data);
}

static void bad_splits_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *how, *validate;
    enum fr_status status;
  } bad[] = {
      {"halves", "none", FR_ERR_ARGUMENT},
      {"time", "none", FR_ERR_ARGUMENT},
      {"time:1.5", "none", FR_ERR_ARGUMENT},
      {"time:0.7x", "none", FR_ERR_ARGUMENT},
      {"trial:3", "none", FR_ERR_ARGUMENT},
      {"subject:", "none", FR_ERR_ARGUMENT},
      {"subject:9", "none", FR_ERR_NOT_FOUND},
      {"kfold:1", "none", FR_ERR_ARGUMENT},
      {"blocks:1", "none", FR_ERR_ARGUMENT},
      {"blocks:3", "none", FR_ERR_ARGUMENT},
      {"blocks:", "none", FR_ERR_ARGUMENT},
      {"blocks:2", "blocks", FR_ERR_NOT_FOUND},
      {"trial", "blocks", FR_ERR_ARGUMENT},
      {"time:0.7", "often", FR_ERR_ARGUMENT},
      {"time:0.7", "1", FR_ERR_ARGUMENT},
      {"subject:1-2", "none", FR_ERR_NOT_FOUND},
      {"subject:1", "subject:1", FR_ERR_NOT_FOUND},
      {"time:0.7", "random:2", FR_ERR_ARGUMENT},
      {"", "none", FR_ERR_ARGUMENT},
      {"random:nan", "none", FR_ERR_ARGUMENT},
  };
  fr_dataset data = made_series("csv", 2, 1, 2, 100, 8);
  fr_windows w;
  assert_int_equal(fr_windows_init(&w, &data, 10, 10, NULL), FR_OK);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_split split = {.leaky = true};
    fr_error err = {0};
    assert_int_equal(fr_split_init(&split, &w, bad[i].how, bad[i].validate, 0, 1, &err),
                     bad[i].status);
    assert_true(err.text[0] && split.leaky && !split.side);
  }
  fr_windows_release(&w);
  made_free(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sides_of_series_share_no_signal),
      cmocka_unit_test(sides_of_vectors_share_no_signal),
      cmocka_unit_test(motionsense_tests_on_short_trials),
      cmocka_unit_test(last_third_of_trials_tests),
      cmocka_unit_test(first_share_of_time_trains),
      cmocka_unit_test(listed_people_test),
      cmocka_unit_test(each_person_tests_in_one_fold),
      cmocka_unit_test(random_windows_are_called_leaky),
      cmocka_unit_test(random_validation_comes_from_the_training_side),
      cmocka_unit_test(blocks_are_runs_of_trials),
      cmocka_unit_test(bad_splits_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
