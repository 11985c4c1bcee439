/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed files keep words to the bit and know every change; a model is none. */
#include "fixture.h"

#include "model/safetensors.h"

static uint64_t words[5] = {0, 1, UINT64_MAX, 0x7ff8000000000001u, 1u << 31};
static float values[3] = {1.5f, -0.0f, 3e38f};

static fr_tensor tensor(float *value) {
  return (fr_tensor){.name = "best", .rank = 1, .shape = {3}, .count = 3, .value = value};
}

static void write_sealed(void) {
  json_t *metadata = json_pack("{s:s}", "note", "12 J");
  const fr__words state = {"state", words, 5};
  const fr_tensor best = tensor(values);
  fr_error err = {.text = ""};
  fr__safetensors_write_sealed(fixture_path(), metadata, &state, 1, &best, 1, &err);
  assert_string_equal(err.text, "");
  json_decref(metadata);
}

static void words_and_floats_come_back(void **state) {
  (void)state;
  write_sealed();
  fr__safetensors file;
  fr_error err = {.text = ""};
  fr__safetensors_open_sealed(&file, fixture_path(), &err);
  assert_string_equal(err.text, "");
  uint64_t read[5];
  float value[3];
  const fr_tensor best = tensor(value);
  assert_int_equal(file.words, 1);
  assert_int_equal(fr__safetensors_word_count(&file, "state"), 5);
  assert_int_equal(fr__safetensors_word_count(&file, "best"), 0);
  assert_int_equal(fr__safetensors_word_count(&file, "other"), 0);
  fr__safetensors_fill_words(&file, &(fr__words){"state", read, 5});
  assert_memory_equal(read, words, sizeof words);
  assert_int_equal(fr__safetensors_fill(&file, &best, 1, NULL), FR_OK);
  assert_memory_equal(value, values, sizeof values);
  assert_string_equal(fr__safetensors_text(&file, "note"), "12 J");
  fr__safetensors_release(&file);
}

/* Of floats where the file has words. */
static void a_tensor_of_words_is_none_of_floats(void **state) {
  (void)state;
  write_sealed();
  fr__safetensors file;
  float value[5];
  fr_tensor wrong = {
      .name = "state", .rank = 1, .shape = {5}, .count = 5, .value = value};
  assert_int_equal(fr__safetensors_open_sealed(&file, fixture_path(), NULL), FR_OK);
  assert_int_equal(fr__safetensors_fill(&file, &wrong, 1, NULL), FR_ERR_FORMAT);
  fr__safetensors_release(&file);
}

static void a_model_has_no_words(void **state) {
  (void)state;
  write_sealed();
  fr_model model;
  fr_error err = {.text = ""};
  assert_int_equal(fr_model_load(&model, fixture_path(), &err), FR_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.text, "'state'"));
}

static void each_changed_bit_is_known(void **state) {
  (void)state;
  write_sealed();
  size_t size;
  unsigned char *bytes = fixture_read(&size);
  for (size_t i = 0; i < size * 8; i++) {
    bytes[i / 8] ^= (unsigned char)(1 << i % 8);
    fixture_write(bytes, size);
    fr__safetensors file;
    fr_error err = {.text = ""};
    const enum fr_status status =
        fr__safetensors_open_sealed(&file, fixture_path(), &err);
    fr__safetensors_release(&file);
    /* Blanks in the header may become other white space: that says the same. */
    const bool blank =
        bytes[i / 8] == '\t' || bytes[i / 8] == '\n' || bytes[i / 8] == '\r';
    if (!blank)
      assert_true(status != FR_OK && strlen(err.text) > 10);
    bytes[i / 8] ^= (unsigned char)(1 << i % 8);
  }
  free(bytes);
}

static void a_model_is_not_sealed(void **state) {
  (void)state;
  fr_model model = fixture_model();
  assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_OK);
  fr_model_release(&model);
  fr__safetensors file;
  fr_error err = {.text = ""};
  assert_int_equal(fr__safetensors_open_sealed(&file, fixture_path(), &err),
                   FR_ERR_FORMAT);
  assert_non_null(strstr(err.text, "has no checksum"));
  fr__safetensors_release(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_and_floats_come_back),
      cmocka_unit_test(a_tensor_of_words_is_none_of_floats),
      cmocka_unit_test(a_model_has_no_words),
      cmocka_unit_test(each_changed_bit_is_known),
      cmocka_unit_test(a_model_is_not_sealed),
  };
  return cmocka_run_group_tests_name("model/sealed", tests, fixture_setup,
                                     fixture_teardown);
}
