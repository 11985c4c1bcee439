/* SPDX-License-Identifier: Apache-2.0 */
/* A model cut at every byte, and thousands of damaged ones: a sentence or a model, no
 * crash. */
#include "fixture.h"

#include "base/rng.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(no_damage_crashes),
  };
  return cmocka_run_group_tests_name("model/fuzz", tests, save_good, free_good);
}
