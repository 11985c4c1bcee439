/* SPDX-License-Identifier: Apache-2.0 */
/* A small model, a place to put files, and their bytes: shared by the tests of model. */
#ifndef TESTS_MODEL_FIXTURE_H
#define TESTS_MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "frugal/model.h"

enum { FIXTURE_CHANNELS = 3, FIXTURE_CLASSES = 2, FIXTURE_PATH = 256 };

static char fixture_directory[FIXTURE_PATH];

static inline int fixture_setup(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(fixture_directory, sizeof fixture_directory, "%s/frugal-model-XXXXXX",
           base == NULL ? "/tmp" : base);
  return mkdtemp(fixture_directory) == NULL;
}

static inline int fixture_teardown(void **state) {
  (void)state;
  char path[FIXTURE_PATH * 2];
  snprintf(path, sizeof path, "%s/m", fixture_directory);
  unlink(path);
  return rmdir(fixture_directory);
}

/* Where every test's file lies; removed by the teardown. */
static inline const char *fixture_path(void) {
  static char path[FIXTURE_PATH * 2];
  snprintf(path, sizeof path, "%s/m", fixture_directory);
  return path;
}

static inline fr_names fixture_names(size_t count, const char *const *name) {
  fr_names names = {.count = count, .name = calloc(count, sizeof(char *))};
  for (size_t i = 0; i < count; i++)
    names.name[i] = strdup(name[i]);
  return names;
}

static inline fr_model fixture_model(void) {
  static const char *const classes[] = {"walk \"fast\"", "s\xc3\xa9jour"};
  static const char *const channels[] = {"x", "y", "z"};
  fr_model model = {.classes = fixture_names(FIXTURE_CLASSES, classes),
                    .channels = fixture_names(FIXTURE_CHANNELS, channels),
                    .task = strdup("activity"),
                    .data = strdup("synthetic:subjects=2"),
                    .split = strdup("trial"),
                    .validate = strdup("0.1"),
                    .window = 1,
                    .step = 1,
                    .rate_hz = 49.95,
                    .seed = UINT64_MAX,
                    .provenance = strdup("[{\"command\":\"train\",\"energy_j\":1.5}]")};
  model.normalizer.channels = FIXTURE_CHANNELS;
  model.normalizer.shift = calloc(FIXTURE_CHANNELS, sizeof(float));
  model.normalizer.scale = calloc(FIXTURE_CHANNELS, sizeof(float));
  for (int i = 0; i < FIXTURE_CHANNELS; i++) {
    model.normalizer.shift[i] = 0.1f * (float)(i - 1);
    model.normalizer.scale[i] = 1.0f / (3.0f + (float)i);
  }
  const fr_shape input = {.steps = 1, .channels = FIXTURE_CHANNELS};
  assert_int_equal(fr_net_new("dense(4) bn relu dense(classes)", input, FIXTURE_CLASSES,
                              &model.net, NULL),
                   FR_OK);
  fr_net_init(model.net, 7, 0);
  return model;
}

static inline void fixture_write(const void *bytes, size_t size) {
  FILE *file = fopen(fixture_path(), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

/* The whole file, the caller's (free). */
static inline unsigned char *fixture_read(size_t *size) {
  enum { CEILING = 1 << 20 };
  unsigned char *bytes = malloc(CEILING);
  FILE *file = fopen(fixture_path(), "rb");
  assert_non_null(file);
  *size = fread(bytes, 1, CEILING, file);
  assert_true(*size < CEILING);
  fclose(file);
  return bytes;
}

#endif
