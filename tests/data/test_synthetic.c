/* SPDX-License-Identifier: Apache-2.0 */
/* Synthetic walkers: the same for the same seed, like walkers, and not too easy to tell
 * apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/reader.h"

static fr_dataset *walkers(const char *text) {
  fr__spec spec;
  fr_dataset *data = NULL;
  fr_error err = {0};
  assert_int_equal(fr__spec_parse(text, &spec, &err), FR_OK);
  if (fr__reader_synthetic.read(&spec, NULL, &data, &err) != FR_OK)
    fail_msg("%s: %s", text, err.text);
  fr__spec_release(&spec);
  return data;
}

static void have_motionsense_channels(void **state) {
  (void)state;
  fr_dataset *data = walkers("synthetic:subjects=3&trials=2&seconds=4");
  assert_string_equal(data->kind, "synthetic");
  assert_string_equal(data->split, "trial");
  assert_true(data->rate_hz == 50);
  assert_int_equal(data->count, 3 * 2 * 6);
  assert_int_equal(data->channels.count, 12);
  assert_string_equal(data->channels.name[3], "gravity.x");
  assert_string_equal(data->channels.name[11], "userAcceleration.z");
  for (size_t i = 0; i < data->count; i++) {
    const fr_record *r = &data->record[i];
    assert_int_equal(r->steps, 200);
    for (size_t t = 0; t < r->steps; t++) {
      const float *x = r->values + 12 * t;
      for (size_t c = 0; c < 12; c++)
        assert_true(isfinite(x[c]) && fabsf(x[c]) < 50);
      assert_true(fabsf(x[3] * x[3] + x[4] * x[4] + x[5] * x[5] - 1) < 1e-5f);
    }
  }
  fr_data_free(data);
}

static void the_seed_decides(void **state) {
  (void)state;
  fr_dataset *a = walkers("synthetic:subjects=2&trials=2&seconds=3&seed=7");
  fr_dataset *b = walkers("synthetic:subjects=2&trials=2&seconds=3&seed=7");
  fr_dataset *c = walkers("synthetic:subjects=2&trials=2&seconds=3&seed=8");
  assert_true(a->digest == b->digest && a->digest != c->digest);
  /* Asked for alone, an activity is what it was among the others. */
  fr_dataset *jog =
      walkers("synthetic:subjects=2&trials=2&seconds=3&seed=7&activities=jog");
  assert_int_equal(jog->count, 4);
  for (size_t i = 0, k = 0; i < a->count; i++) {
    if (strcmp(a->activities.name[a->record[i].activity], "jog") != 0)
      continue;
    assert_memory_equal(a->record[i].values, jog->record[k].values,
                        150 * 12 * sizeof(float));
    k++;
  }
  fr_data_free(a);
  fr_data_free(b);
  fr_data_free(c);
  fr_data_free(jog);
}

static double mean_of(const fr_dataset *data, const char *activity, const char *channel) {
  const uint32_t c = fr__names_find(&data->channels, channel, strlen(channel));
  double sum = 0;
  size_t n = 0;
  for (size_t i = 0; i < data->count; i++) {
    if (strcmp(data->activities.name[data->record[i].activity], activity) != 0)
      continue;
    sum += data->record[i].values[c];
    n++;
  }
  return sum / (double)n;
}

/* Ranges that hold for people: docs/features.md has those of real walkers. */
static void move_like_people(void **state) {
  (void)state;
  fr_dataset *data =
      walkers("synthetic:subjects=6&trials=2&seconds=24&features=extrasensory");
  assert_true(data->rate_hz == 0);
  assert_int_equal(data->channels.count, 52);
  assert_int_equal(data->count, 6 * 2 * 6 * 5);
  const char *deviation = "raw_acc:magnitude_stats:std";
  const double still = mean_of(data, "sit", deviation),
               walk = mean_of(data, "wlk", deviation);
  assert_true(still > 0.001 && still < 0.03);
  assert_true(walk > 0.1 && walk < 0.6);
  assert_true(mean_of(data, "jog", deviation) > 1.5 * walk);
  const double mean = mean_of(data, "wlk", "raw_acc:magnitude_stats:mean");
  assert_true(mean > 0.98 && mean < 1.2);
  const double spin = mean_of(data, "wlk", "proc_gyro:magnitude_stats:mean");
  assert_true(spin > 0.8 && spin < 3);
  const double period = mean_of(data, "wlk", "raw_acc:magnitude_autocorrelation:period");
  assert_true(period > 0.4 && period < 1.4);
  fr_data_free(data);
}

/* ---- how hard they are to tell apart ---- */

/* (count, channels) means of each sample's steps. */
static float *means_of(const fr_samples *s) {
  float *mean = calloc(s->count * s->channels, sizeof *mean);
  for (size_t i = 0; i < s->count; i++)
    for (size_t t = 0; t < s->steps; t++)
      for (size_t c = 0; c < s->channels; c++)
        mean[i * s->channels + c] += s->x[i][t * s->channels + c] / (float)s->steps;
  return mean;
}

static float distance(const float *a, const float *b, size_t n) {
  float sum = 0;
  for (size_t c = 0; c < n; c++)
    sum += (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

/* Share of test samples whose nearest point of `at` (count) has their label. */
static double nearest_share(const fr_samples *test, const float *x, const float *at,
                            const uint32_t *label, size_t count) {
  size_t right = 0;
  for (size_t i = 0; i < test->count; i++) {
    const float *mine = x + i * test->channels;
    size_t best = 0;
    for (size_t k = 1; k < count; k++)
      if (distance(mine, at + k * test->channels, test->channels) <
          distance(mine, at + best * test->channels, test->channels))
        best = k;
    right += label[best] == test->label[i];
  }
  return (double)right / (double)test->count;
}

/* Accuracy on the test trials, by the nearest class mean and by the nearest neighbour. */
static void tell_apart(const char *spec, size_t length, double *by_mean,
                       double *by_neighbour) {
  fr_dataset *data = walkers(spec);
  fr_windows w;
  fr_split split;
  fr_normalizer n;
  fr_names classes;
  fr_samples train, test;
  assert_int_equal(fr_windows_init(&w, data, length, length, NULL), FR_OK);
  assert_int_equal(fr_split_init(&split, &w, NULL, "none", 0, 1, NULL), FR_OK);
  assert_int_equal(fr_normalizer_fit(&n, FR_NORMALIZE_ZSCORE, &w, &split, NULL), FR_OK);
  assert_int_equal(fr_normalizer_apply_all(&n, data, NULL), FR_OK);
  assert_int_equal(fr_classes_init(&classes, &w, &split, FR_TASK_SUBJECT, NULL), FR_OK);
  fr_samples_init(&train, &w, &split, FR_SIDE_TRAIN, FR_TASK_SUBJECT, &classes, NULL,
                  NULL);
  fr_samples_init(&test, &w, &split, FR_SIDE_TEST, FR_TASK_SUBJECT, &classes, NULL, NULL);
  float *a = means_of(&train), *b = means_of(&test);
  float *center = calloc(classes.count * train.channels, sizeof *center);
  uint32_t *label = calloc(classes.count, sizeof *label);
  size_t *members = calloc(classes.count, sizeof *members);
  for (size_t i = 0; i < train.count; i++)
    members[train.label[i]]++;
  for (size_t i = 0; i < train.count; i++)
    for (size_t c = 0; c < train.channels; c++)
      center[train.label[i] * train.channels + c] +=
          a[i * train.channels + c] / (float)members[train.label[i]];
  for (uint32_t k = 0; k < classes.count; k++)
    label[k] = k;
  *by_mean = nearest_share(&test, b, center, label, classes.count);
  *by_neighbour = nearest_share(&test, b, a, train.label, train.count);
  free(a), free(b), free(center), free(label), free(members);
  fr_samples_release(&train);
  fr_samples_release(&test);
  fr_names_release(&classes);
  fr_normalizer_release(&n);
  fr_split_release(&split);
  fr_windows_release(&w);
  fr_data_free(data);
}

static void need_more_than_their_pose(void **state) {
  (void)state;
  double mean, neighbour, features_mean, features_neighbour;
  tell_apart("synthetic:activities=dws,ups,wlk,jog", 128, &mean, &neighbour);
  tell_apart("synthetic:activities=dws,ups,wlk,jog&features=extrasensory&features_step=5",
             1, &features_mean, &features_neighbour);
  print_message("# of 8 people on new trials: channel means %.2f by class mean, %.2f by "
                "neighbour; features %.2f, %.2f\n",
                mean, neighbour, features_mean, features_neighbour);
  assert_true(mean < 0.6 && neighbour < 0.7); /* the pose alone does not do */
  assert_true(features_neighbour > 0.8);      /* the gait does */
}

static void bad_keys_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "synthetic:subjects=0",
      "synthetic:seconds=x",
      "synthetic:activities=swim",
      "synthetic:activities=",
      "synthetic:features=all",
      "synthetic:features_step=2",
      "synthetic:subjects=1000&seconds=3600&trials=100",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr__spec spec;
    fr_dataset *data = NULL;
    fr_error err = {0};
    enum fr_status status = fr__spec_parse(bad[i], &spec, &err);
    if (status == FR_OK) {
      status = fr__reader_synthetic.read(&spec, NULL, &data, &err);
      fr__spec_release(&spec);
    }
    assert_true(status == FR_ERR_ARGUMENT || status == FR_ERR_LIMIT);
    assert_true(err.text[0] && !data);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(have_motionsense_channels),
      cmocka_unit_test(the_seed_decides),
      cmocka_unit_test(move_like_people),
      cmocka_unit_test(need_more_than_their_pose),
      cmocka_unit_test(bad_keys_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
