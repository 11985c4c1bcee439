/* SPDX-License-Identifier: Apache-2.0 */
/* Features of MotionSense's walking lie where ExtraSensory's published walking lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frugal/data.h"

#define FEATURES 52

/* The data at `path` below the folder of real recordings; NULL where that is absent. */
static fr_dataset *open_real(const char *kind, const char *path, const char *keys) {
  const char *shared = getenv("FRUGAL_SHARED");
  char spec[1024];
  snprintf(spec, sizeof spec, "%s/%s", shared ? shared : "", path);
  FILE *there = shared ? fopen(spec, "rb") : NULL;
  if (!there)
    return NULL;
  fclose(there);
  snprintf(spec, sizeof spec, "%s:%s/%s%s", kind, shared, path, keys);
  fr_dataset *data = NULL;
  fr_error err = {0};
  if (fr_data_open(spec, NULL, &data, &err) != FR_OK)
    fail_msg("%s", err.text);
  return data;
}

/* Records whose label `name` is 1; all where it is NULL. */
static bool is_chosen(const fr_dataset *data, const char *name, size_t i) {
  for (size_t l = 0; name && l < data->labels.count; l++)
    if (strcmp(data->labels.name[l], name) == 0)
      return data->label[i * data->labels.count + l] == 1;
  return !name;
}

static int compare_float(const void *a, const void *b) {
  const float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* Sorted values of channel c that are there; the caller's (free). */
static float *column(const fr_dataset *data, const char *label, size_t c, size_t *count) {
  float *x = malloc((data->count + 1) * sizeof *x);
  *count = 0;
  for (size_t i = 0; i < data->count; i++)
    if (is_chosen(data, label, i) && !isnan(data->record[i].values[c]))
      x[(*count)++] = data->record[i].values[c];
  qsort(x, *count, sizeof *x, compare_float);
  return x;
}

static double median_of(const fr_dataset *data, const char *label, size_t c) {
  size_t n;
  float *x = column(data, label, c, &n);
  const double median = n ? (x[(n - 1) / 2] + x[n / 2]) / 2 : NAN;
  free(x);
  return median;
}

/* The share of channel c's values that are below `value`. */
static double rank_of(const fr_dataset *data, const char *label, size_t c, double value) {
  size_t n, below = 0;
  float *x = column(data, label, c, &n);
  while (below < n && x[below] < value)
    below++;
  free(x);
  return (double)below / (double)n;
}

static void walking_agrees_with_the_published(void **state) {
  (void)state;
  fr_dataset *es = open_real("extrasensory", "extrasensory", "");
  fr_dataset *ms = open_real("motionsense", "motionsense/A_DeviceMotion_data.zip",
                             "?activities=wlk&features=extrasensory&features_step=5");
  if (!es || !ms) {
    fr_data_free(es);
    fr_data_free(ms);
    print_message("# skipped: $FRUGAL_SHARED holds no recordings\n");
    skip();
  }
  assert_int_equal(es->channels.count, FEATURES);
  assert_int_equal(ms->channels.count, FEATURES);
  /* As the data's description quotes them: mean, deviation, value entropy, period. */
  static const struct {
    size_t channel;
    double median;
  } quoted[] = {{0, 1.02}, {1, 0.15}, {7, 2.14}, {15, 1.06}};
  for (size_t i = 0; i < 4; i++)
    assert_true(fabs(median_of(es, "FIX_walking", quoted[i].channel) - quoted[i].median) <
                0.0051);
  for (size_t c = 0; c < FEATURES; c++) {
    assert_string_equal(es->channels.name[c], ms->channels.name[c]);
    const double rank = rank_of(es, "FIX_walking", c, median_of(ms, NULL, c));
    if (!(rank > 0.02 && rank < 0.98))
      print_error("%s: rank %.3f\n", ms->channels.name[c], rank);
    assert_true(rank > 0.02 && rank < 0.98);
  }
  fr_data_free(es);
  fr_data_free(ms);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(walking_agrees_with_the_published),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
