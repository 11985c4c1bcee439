/* SPDX-License-Identifier: Apache-2.0 */
/* A model cut at every byte, and thousands of damaged ones: a sentence or a model, no
 * crash. */
#include "fixture.h"

#include "base/rng.h"
#include "frugal/export.h"

enum { MUTATIONS = 4000, SEED = 20220915 };

static unsigned char *good;
static size_t good_size;

static int save_good(void **state) {
  if (fixture_setup(state) != 0)
    return 1;
  fr_model model = fixture_model();
  const enum fr_status status = fr_model_save(&model, fixture_path(), NULL);
  fr_model_release(&model);
  if (status == FR_OK)
    good = fixture_read(&good_size);
  return status != FR_OK;
}

static int free_good(void **state) {
  free(good);
  return fixture_teardown(state);
}

/* True where it loads; where it does not, there is a sentence. */
static bool load(const unsigned char *bytes, size_t size) {
  fixture_write(bytes, size);
  fr_model model = {0};
  fr_error err = {.text = ""};
  const enum fr_status status = fr_model_load(&model, fixture_path(), &err);
  if (status == FR_OK) {
    fr_model_release(&model);
    return true;
  }
  assert_int_equal(err.status, status);
  assert_true(strlen(err.text) > 10);
  assert_null(model.net);
  return false;
}

static void every_truncation_is_refused(void **state) {
  (void)state;
  assert_true(load(good, good_size));
  for (size_t size = 0; size < good_size; size++)
    assert_false(load(good, size));
}

/* One to four bytes set, swapped with a neighbour or with a digit: digits keep the JSON
 * whole. */
static void damage(fr__rng *rng, unsigned char *bytes, size_t size) {
  const size_t times = 1 + fr__rng_below(rng, 4);
  for (size_t i = 0; i < times; i++) {
    const size_t at = fr__rng_below(rng, size);
    const unsigned char old = bytes[at];
    switch (fr__rng_below(rng, 3)) {
    case 0: bytes[at] = (unsigned char)fr__rng_below(rng, 256); break;
    case 1:
      bytes[at] = bytes[(at + 1) % size];
      bytes[(at + 1) % size] = old;
      break;
    default:
      if (old >= '0' && old <= '9')
        bytes[at] = (unsigned char)('0' + fr__rng_below(rng, 10));
    }
  }
}

static void no_damage_crashes(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, SEED, 0);
  unsigned char *bytes = malloc(good_size);
  size_t refused = 0;
  for (int i = 0; i < MUTATIONS; i++) {
    memcpy(bytes, good, good_size);
    damage(&rng, bytes, good_size);
    refused += !load(bytes, good_size);
  }
  free(bytes);
  assert_true(refused > MUTATIONS / 10); /* the damage reaches the checks */
  assert_true(refused < MUTATIONS);      /* and what is not damaged loads */
}

/* ---- another program's weights ---- */

static fr_net *import_net;

/* True where its weights are taken; where not, there is a sentence. */
static bool import(const unsigned char *bytes, size_t size) {
  fixture_write(bytes, size);
  fr_error err = {.text = ""};
  fr_import_report report;
  const enum fr_status status =
      fr_import_weights(import_net, fixture_path(), NULL, &report, &err);
  if (status == FR_OK) {
    fr_import_report_release(&report);
    return true;
  }
  assert_int_equal(err.status, status);
  assert_true(strlen(err.text) > 10);
  return false;
}

static unsigned char *read_golden(const char *name, size_t *size) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", GOLDEN, name);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  unsigned char *bytes = malloc(1 << 16);
  *size = fread(bytes, 1, 1 << 16, file);
  fclose(file);
  return bytes;
}

static void no_damaged_foreign_weights_crash(void **state) {
  (void)state;
  enum { CUTS = 97, TIMES = 1000 };
  static const struct {
    const char *file, *text;
    size_t classes;
  } cases[] = {{"import_torch_sequence.safetensors",
                "conv1d(8,5) bn relu conv1d(8,3,groups=2) lstm(6,all) lstm(6,all) "
                "gru(4,all,both) attention(2) layernorm avgpool(all) dense(classes)",
                5},
               {"import_torch_flat.safetensors",
                "conv1d(4,3) bn relu maxpool(2) residual(conv1d(6,3)) relu dense(6) "
                "relu dense(6) relu dense(classes)",
                4},
               {"import_keras.safetensors",
                "conv1d(8,5) bn relu conv1d(8,3,groups=2) lstm(6,all) lstm(3,all,both) "
                "gru(4,all,both) attention(2) layernorm dense(6) dense(classes)",
                5}};
  fr__rng rng;
  fr__rng_init(&rng, SEED, 1);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    size_t size, header, refused = 0;
    unsigned char *whole = read_golden(cases[c].file, &size), *bytes = malloc(size);
    assert_int_equal(
        fr_net_new(cases[c].text, (fr_shape){16, 3}, cases[c].classes, &import_net, NULL),
        FR_OK);
    assert_true(import(whole, size));
    for (size_t cut = 0; cut < size; cut += CUTS)
      assert_false(import(whole, cut));
    header = 8 + (size_t)whole[0] + ((size_t)whole[1] << 8);
    for (int i = 0; i < TIMES; i++) {
      memcpy(bytes, whole, size);
      damage(&rng, bytes, i % 2 == 0 ? header : size);
      refused += !import(bytes, size);
    }
    assert_true(refused > TIMES / 10 && refused < TIMES);
    fr_net_free(import_net);
    free(bytes);
    free(whole);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(no_damage_crashes),
      cmocka_unit_test(no_damaged_foreign_weights_crash),
  };
  return cmocka_run_group_tests_name("model/fuzz", tests, save_good, free_good);
}
