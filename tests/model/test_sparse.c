/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of zeros are stored as a bitmap and the rest: to the bit, in fewer bytes, and
 * nothing damaged is believed. */
#include "fixture.h"

#include "base/rng.h"

enum { MUTATIONS = 3000, SEED = 20220916 };

/* dense(4) of 3 channels: of 12 weights 8 become 0; a bias of 0 and a weight of -0 stay.
 */
static const float weights[12] = {1.5f, 0, 0, 0, 0, -2.0f, 0, 0, 0, 0, -0.0f, 4.25f};

static fr_tensor *tensor_of(const fr_net *net, const char *name) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    if (strcmp(tensor[i].name, name) == 0)
      return (fr_tensor *)(uintptr_t)&tensor[i];
  fail_msg("no tensor %s", name);
  return NULL;
}

static fr_model sparse_model(void) {
  fr_model model = fixture_model();
  memcpy(tensor_of(model.net, "0.weight")->value, weights, sizeof weights);
  return model;
}

static unsigned char *saved(size_t *size) {
  fr_model model = sparse_model();
  assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_OK);
  fr_model_release(&model);
  return fixture_read(size);
}

static void it_comes_back_to_the_bit(void **state) {
  (void)state;
  fr_model model = sparse_model(), loaded = {0};
  assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_OK);
  assert_int_equal(fr_model_load(&loaded, fixture_path(), NULL), FR_OK);
  size_t count, other;
  const fr_tensor *a = fr_net_tensors(model.net, &count),
                  *b = fr_net_tensors(loaded.net, &other);
  assert_int_equal(count, other);
  for (size_t i = 0; i < count; i++)
    assert_memory_equal(a[i].value, b[i].value, a[i].count * sizeof(float));
  fr_model_release(&loaded);
  fr_model_release(&model);
}

/* The format as docs/model.md has it: bits from the lowest, then the numbers in order. */
static void the_bytes_are_those_of_the_format(void **state) {
  (void)state;
  size_t size;
  unsigned char *file = saved(&size);
  file = realloc(file, size + 1);
  file[size] = 0;
  const char *header = (const char *)file + 8;
  size_t length = 0;
  for (int i = 7; i >= 0; i--)
    length = length << 8 | file[i];
  const unsigned char *data = file + 8 + length;
  const char *bitmap =
                 strstr(header, "\"0.weight.bitmap\":{\"dtype\":\"U8\",\"shape\":[2],"
                                "\"data_offsets\":["),
             *values =
                 strstr(header, "\"0.weight.values\":{\"dtype\":\"F32\",\"shape\":[4],"
                                "\"data_offsets\":[");
  assert_non_null(bitmap);
  assert_non_null(values);
  assert_null(strstr(header, "\"0.weight\""));
  const size_t at = (size_t)strtoul(strchr(strstr(bitmap, "offsets"), '[') + 1, NULL, 10);
  /* numbers 0 and 5; 10 and 11 */
  assert_int_equal(data[at], 0x21);
  assert_int_equal(data[at + 1], 0x0c);
  const size_t from =
      (size_t)strtoul(strchr(strstr(values, "offsets"), '[') + 1, NULL, 10);
  static const unsigned char floats[16] = {0, 0, 0xc0, 0x3f, 0, 0, 0,    0xc0,
                                           0, 0, 0,    0x80, 0, 0, 0x88, 0x40};
  assert_memory_equal(data + from, floats, sizeof floats);
  free(file);
}

static void fewer_bytes_are_counted(void **state) {
  (void)state;
  fr_model model = sparse_model(), whole = fixture_model();
  /* 2 bytes and 4 numbers in place of 12; the rest is 4 + 4 x 4 + 8 + 2 numbers */
  assert_int_equal(fr_model_stored_bytes(model.net), 2 + 4 * 4 + 4 * 30);
  assert_int_equal(fr_model_stored_bytes(whole.net), 4 * 42);
  fr_model_release(&model);
  fr_model_release(&whole);
}

static bool load(const unsigned char *bytes, size_t size, fr_error *err) {
  fixture_write(bytes, size);
  fr_model model = {0};
  const enum fr_status status = fr_model_load(&model, fixture_path(), err);
  if (status == FR_OK) {
    fr_model_release(&model);
    return true;
  }
  assert_true(strlen(err->text) > 10);
  assert_null(model.net);
  return false;
}

static unsigned char *find(unsigned char *file, size_t size, const void *what,
                           size_t length) {
  for (size_t i = 0; i + length <= size; i++)
    if (memcmp(file + i, what, length) == 0)
      return file + i;
  fail_msg("it is not there");
  return NULL;
}

static void what_contradicts_itself_is_refused(void **state) {
  (void)state;
  static const unsigned char bits[6] = {0x21, 0x0c, 0, 0, 0xc0, 0x3f};
  static const struct {
    unsigned char first, second, number;
    const char *word;
  } bad[] = {{0x21, 0x8c, 0x3f, "behind its 12 numbers"},
             {0x23, 0x0c, 0x3f, "5 numbers"},
             {0x20, 0x0c, 0x3f, "3 numbers"},
             {0, 0, 0x3f, "0 numbers"},
             {0x21, 0x0c, 0x7f, "is not finite"}};
  size_t size;
  unsigned char *file = saved(&size);
  unsigned char *at = find(file, size, bits, sizeof bits);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fr_error err = {.text = ""};
    at[0] = bad[i].first;
    at[1] = bad[i].second;
    at[5] = bad[i].number;
    assert_false(load(file, size, &err));
    if (strstr(err.text, bad[i].word) == NULL)
      print_error("'%s' does not say '%s'\n", err.text, bad[i].word);
    assert_non_null(strstr(err.text, bad[i].word));
  }
  free(file);
}

static void parts_of_another_name_are_refused(void **state) {
  (void)state;
  size_t size;
  unsigned char *file = saved(&size);
  fr_error err = {.text = ""};
  find(file, size, "0.weight.values", 15)[9] = 'w';
  assert_false(load(file, size, &err));
  free(file);
  file = saved(&size);
  find(file, size, "0.weight.bitmap", 15)[9] = 'w';
  assert_false(load(file, size, &err));
  free(file);
  /* another type of the same size */
  file = saved(&size);
  memcpy(find(file, size, "\"U8\"", 4), "\"I8\"", 4);
  assert_false(load(file, size, &err));
  free(file);
}

static void no_damage_crashes(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, SEED, 0);
  size_t size, refused = 0;
  unsigned char *good = saved(&size), *bytes = malloc(size);
  fr_error err = {.text = ""};
  for (size_t cut = 0; cut < size; cut++)
    assert_false(load(good, cut, &err));
  for (int i = 0; i < MUTATIONS; i++) {
    memcpy(bytes, good, size);
    for (size_t k = 0; k < 1 + fr__rng_below(&rng, 3); k++) {
      unsigned char *at = &bytes[fr__rng_below(&rng, size)];
      const bool digit = *at >= '0' && *at <= '9';
      *at = (unsigned char)(digit ? '0' + fr__rng_below(&rng, 10)
                                  : fr__rng_below(&rng, 256));
    }
    refused += !load(bytes, size, &err);
  }
  assert_true(refused > MUTATIONS / 10 && refused < MUTATIONS);
  free(bytes);
  free(good);
}

static void networks_without_zeros_are_stored_as_ever(void **state) {
  (void)state;
  size_t size;
  fr_model model = fixture_model();
  assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_OK);
  fr_model_release(&model);
  unsigned char *file = fixture_read(&size);
  (void)find(file, size, "\"0.weight\":{\"dtype\":\"F32\",\"shape\":[3,4]", 38);
  free(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_comes_back_to_the_bit),
      cmocka_unit_test(the_bytes_are_those_of_the_format),
      cmocka_unit_test(fewer_bytes_are_counted),
      cmocka_unit_test(what_contradicts_itself_is_refused),
      cmocka_unit_test(parts_of_another_name_are_refused),
      cmocka_unit_test(no_damage_crashes),
      cmocka_unit_test(networks_without_zeros_are_stored_as_ever),
  };
  return cmocka_run_group_tests_name("model/sparse", tests, fixture_setup,
                                     fixture_teardown);
}
