/* SPDX-License-Identifier: Apache-2.0 */
/* Models in fewer bits: what is saved comes back to the bit, and what is damaged does
 * not come back at all. */
#include "fixture.h"

#include <math.h>

#include "base/rng.h"

enum { STEPS = 12, SAMPLES = 9, MUTATIONS = 3000 };

static const char ARCH[] = "conv1d(5,3) relu residual(conv1d(6,3) relu) lstm(4,both) "
                           "dense(classes)";

/* A model in the scheme; its samples are its own. */
static fr_model model_in(enum fr_scheme scheme, float x[SAMPLES][STEPS * 3]) {
  fr_model model = fixture_model();
  fr_net_free(model.net);
  const fr_shape input = {STEPS, FIXTURE_CHANNELS};
  const float *pointer[SAMPLES];
  fr__rng rng;
  fr__rng_init(&rng, 11, 0);
  for (size_t i = 0; i < SAMPLES; i++) {
    for (size_t k = 0; k < STEPS * 3; k++)
      x[i][k] = (float)fr__rng_normal(&rng);
    pointer[i] = x[i];
  }
  assert_int_equal(fr_net_new(ARCH, input, FIXTURE_CLASSES, &model.net, NULL), FR_OK);
  fr_net_init(model.net, 3, 0);
  assert_int_equal(fr_net_round(model.net, scheme, NULL), FR_OK);
  model.scheme = scheme;
  if (scheme >= FR_SCHEME_INT8)
    assert_int_equal(
        fr_int8_ranges_find(model.net, pointer, SAMPLES, &model.ranges, NULL), FR_OK);
  return model;
}

static size_t size_of(const char *path) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  const long size = ftell(file);
  fclose(file);
  return (size_t)size;
}

static void same_integers(const fr_model *a, const fr_model *b,
                          float x[SAMPLES][STEPS * 3]) {
  fr_int8 *p = NULL, *q = NULL;
  assert_int_equal(fr_int8_build(a->net, &a->ranges, &p, NULL), FR_OK);
  assert_int_equal(fr_int8_build(b->net, &b->ranges, &q, NULL), FR_OK);
  for (size_t i = 0; i < SAMPLES; i++) {
    float y[FIXTURE_CLASSES], z[FIXTURE_CLASSES];
    fr_int8_run(p, x[i], y);
    fr_int8_run(q, x[i], z);
    assert_memory_equal(y, z, sizeof y);
  }
  fr_int8_free(p);
  fr_int8_free(q);
}

static void test_every_scheme_comes_back(void **state) {
  (void)state;
  size_t floats = 0;
  for (enum fr_scheme s = FR_SCHEME_F32; s < FR_SCHEMES; s++) {
    float x[SAMPLES][STEPS * 3];
    fr_model model = model_in(s, x), loaded = {0};
    fr_error err = {.text = ""};
    assert_int_equal(fr_model_save(&model, fixture_path(), &err), FR_OK);
    assert_int_equal(fr_model_load(&loaded, fixture_path(), &err), FR_OK);
    assert_int_equal(loaded.scheme, s);
    size_t count;
    const fr_tensor *a = fr_net_tensors(model.net, &count);
    const fr_tensor *b = fr_net_tensors(loaded.net, &count);
    for (size_t i = 0; i < count; i++)
      assert_memory_equal(a[i].value, b[i].value, a[i].count * sizeof(float));
    if (s >= FR_SCHEME_INT8)
      same_integers(&model, &loaded, x);
    if (s == FR_SCHEME_F32) /* the header apart, which tells of more tensors */
      floats = fr_net_bytes(model.net, s);
    else
      assert_true(fr_net_bytes(model.net, s) < floats * 2 / 3);
    fr_model_release(&model);
    fr_model_release(&loaded);
  }
}

/* 300 by 300 weights: two bytes each, or one and a scale for each of 300 channels. */
static void test_files_shrink(void **state) {
  (void)state;
  const size_t wanted[FR_SCHEMES] = {4 * 90000, 2 * 90000, 2 * 90000, 90000 + 4 * 300};
  for (enum fr_scheme s = FR_SCHEME_F32; s < FR_SCHEME_INT8; s++) {
    fr_model model = fixture_model();
    fr_net_free(model.net);
    assert_int_equal(fr_net_new("dense(300) dense(300) dense(2)", (fr_shape){1, 3}, 2,
                                &model.net, NULL),
                     FR_OK);
    fr_net_init(model.net, 3, 0);
    assert_int_equal(fr_net_round(model.net, s, NULL), FR_OK);
    model.scheme = s;
    assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_OK);
    const size_t size = size_of(fixture_path());
    assert_true(size > wanted[s] && size < wanted[s] + 15000);
    fr_model_release(&model);
  }
}

static void test_what_is_not_rounded_is_not_written(void **state) {
  (void)state;
  for (enum fr_scheme s = FR_SCHEME_BF16; s < FR_SCHEMES; s++) {
    float x[SAMPLES][STEPS * 3];
    fr_model model = model_in(s, x);
    fr_error err = {.text = ""};
    size_t count;
    fr_net_tensors(model.net, &count)[0].value[7] *= 1.003f;
    assert_int_equal(fr_model_save(&model, fixture_path(), &err), FR_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, fr_scheme_name(s)));
    fr_model_release(&model);
  }
  float x[SAMPLES][STEPS * 3];
  fr_model model = model_in(FR_SCHEME_INT8, x);
  model.ranges.value[3] = NAN;
  assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_ERR_ARGUMENT);
  fr_model_release(&model);
}

/* ---- hostile files ---- */

/* Where the data of a tensor begins in the file. */
static size_t begin_of(const unsigned char *bytes, const char *name) {
  size_t length = 0;
  for (int i = 7; i >= 0; i--)
    length = length << 8 | bytes[i];
  char quoted[64];
  snprintf(quoted, sizeof quoted, "\"%s\":", name);
  const char *entry = strstr((const char *)bytes + 8, quoted);
  assert_non_null(entry);
  const char *offsets = strstr(entry, "\"data_offsets\":[");
  return 8 + length + strtoul(offsets + strlen("\"data_offsets\":["), NULL, 10);
}

static void refused_with(const char *name, size_t at, float value) {
  float x[SAMPLES][STEPS * 3];
  fr_model model = model_in(FR_SCHEME_INT8, x), loaded = {0};
  fr_error err = {.text = ""};
  size_t size;
  assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_OK);
  unsigned char *bytes = fixture_read(&size);
  memcpy(bytes + begin_of(bytes, name) + 4 * at, &value, sizeof value);
  fixture_write(bytes, size);
  assert_int_equal(fr_model_load(&loaded, fixture_path(), &err), FR_ERR_NUMERIC);
  assert_true(strlen(err.text) > 10);
  free(bytes);
  fr_model_release(&model);
}

static void test_scales_and_ranges_are_checked(void **state) {
  (void)state;
  refused_with("0.weight.scale", 2, 0);
  refused_with("0.weight.scale", 2, -1);
  refused_with("3.recurrent.scale", 0, NAN);
  refused_with("3.recurrent.scale", 0, INFINITY);
  refused_with("3.recurrent.scale", 0, 3e38f); /* times 127 */
  refused_with("ranges", 0, 0.5f);
  refused_with("ranges", 1, -0.5f);
  refused_with("ranges", 1, INFINITY);
  refused_with("inside", 5, -1);
  refused_with("4.bias", 0, NAN);
}

static void test_a_weight_of_minus_128_is_refused(void **state) {
  (void)state;
  float x[SAMPLES][STEPS * 3];
  fr_model model = model_in(FR_SCHEME_INT8_DYNAMIC, x), loaded = {0};
  size_t size;
  assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_OK);
  unsigned char *bytes = fixture_read(&size);
  bytes[begin_of(bytes, "0.weight")] = 128;
  fixture_write(bytes, size);
  assert_int_equal(fr_model_load(&loaded, fixture_path(), NULL), FR_ERR_NUMERIC);
  free(bytes);
  fr_model_release(&model);
}

/* What loads is whole enough to run. */
static void try(const unsigned char *bytes, size_t size) {
  fr_model model = {0};
  fr_error err = {.text = ""};
  fixture_write(bytes, size);
  if (fr_model_load(&model, fixture_path(), &err) != FR_OK) {
    assert_true(strlen(err.text) > 10);
    return;
  }
  fr_int8 *int8 = NULL;
  const fr_shape in = fr_net_input(model.net);
  float *x = calloc(in.steps * in.channels, sizeof *x);
  float *y = calloc(fr_net_classes(model.net), sizeof *y);
  if (model.ranges.values > 0 &&
      fr_int8_build(model.net, &model.ranges, &int8, NULL) == FR_OK)
    fr_int8_run(int8, x, y);
  free(x);
  free(y);
  fr_int8_free(int8);
  fr_model_release(&model);
}

static void test_damaged_files_do_no_harm(void **state) {
  (void)state;
  for (enum fr_scheme s = FR_SCHEME_BF16; s < FR_SCHEMES; s++) {
    float x[SAMPLES][STEPS * 3];
    fr_model model = model_in(s, x);
    fr__rng rng;
    fr__rng_init(&rng, 20221122 + s, 0);
    size_t size;
    assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_OK);
    unsigned char *good = fixture_read(&size), *bad = malloc(size);
    for (size_t i = 0; i < MUTATIONS / 5; i++) {
      memcpy(bad, good, size);
      for (size_t k = fr__rng_below(&rng, 4) + 1; k > 0; k--)
        bad[fr__rng_below(&rng, size)] =
            (unsigned char)(i % 2 ? '0' + fr__rng_below(&rng, 10)
                                  : fr__rng_below(&rng, 256));
      try(bad, size);
    }
    for (size_t cut = 0; cut < size; cut += 13) {
      fr_model none = {0};
      fixture_write(good, cut);
      assert_int_not_equal(fr_model_load(&none, fixture_path(), NULL), FR_OK);
    }
    free(good);
    free(bad);
    fr_model_release(&model);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_scheme_comes_back),
      cmocka_unit_test(test_files_shrink),
      cmocka_unit_test(test_what_is_not_rounded_is_not_written),
      cmocka_unit_test(test_scales_and_ranges_are_checked),
      cmocka_unit_test(test_a_weight_of_minus_128_is_refused),
      cmocka_unit_test(test_damaged_files_do_no_harm),
  };
  return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
