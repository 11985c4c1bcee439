/* SPDX-License-Identifier: Apache-2.0 */
/* What is saved comes back, bit for bit, in the layout that safetensors prescribes. */
#include "fixture.h"

#include <jansson.h>
#include <math.h>

static void assert_same_names(const fr_names *a, const fr_names *b) {
  assert_int_equal(a->count, b->count);
  for (size_t i = 0; i < a->count; i++)
    assert_string_equal(a->name[i], b->name[i]);
}

static void assert_same_weights(const fr_net *a, const fr_net *b) {
  size_t count, other;
  const fr_tensor *x = fr_net_tensors(a, &count), *y = fr_net_tensors(b, &other);
  assert_int_equal(count, other);
  for (size_t i = 0; i < count; i++) {
    assert_string_equal(x[i].name, y[i].name);
    assert_int_equal(x[i].count, y[i].count);
    assert_memory_equal(x[i].value, y[i].value, x[i].count * sizeof(float));
  }
}

static void everything_comes_back(void **state) {
  (void)state;
  fr_model saved = fixture_model(), loaded = {0};
  saved.normalizer.how = FR_NORMALIZE_ROBUST;
  assert_int_equal(fr_model_save(&saved, fixture_path(), NULL), FR_OK);
  fr_error err = {.text = ""};
  const enum fr_status status = fr_model_load(&loaded, fixture_path(), &err);
  assert_string_equal(err.text, "");
  assert_int_equal(status, FR_OK);
  assert_string_equal(fr_net_text(saved.net), fr_net_text(loaded.net));
  assert_same_weights(saved.net, loaded.net);
  assert_same_names(&saved.classes, &loaded.classes);
  assert_same_names(&saved.channels, &loaded.channels);
  assert_int_equal(loaded.normalizer.channels, FIXTURE_CHANNELS);
  assert_int_equal(loaded.normalizer.how, FR_NORMALIZE_ROBUST);
  const size_t bytes = FIXTURE_CHANNELS * sizeof(float);
  assert_memory_equal(saved.normalizer.shift, loaded.normalizer.shift, bytes);
  assert_memory_equal(saved.normalizer.scale, loaded.normalizer.scale, bytes);
  assert_string_equal(loaded.task, "activity");
  assert_string_equal(loaded.data, "synthetic:subjects=2");
  assert_string_equal(loaded.split, "trial");
  assert_string_equal(loaded.validate, "0.1");
  assert_int_equal(loaded.window, 1);
  assert_int_equal(loaded.step, 1);
  assert_true(loaded.rate_hz == 49.95);
  assert_true(loaded.seed == UINT64_MAX);
  assert_string_equal(loaded.provenance, saved.provenance);
  fr_model_release(&saved);
  fr_model_release(&loaded);
}

static void what_is_not_told_is_empty(void **state) {
  (void)state;
  fr_model saved = fixture_model(), loaded = {0};
  free(saved.task);
  free(saved.provenance);
  saved.task = saved.provenance = NULL;
  fr_normalizer_release(&saved.normalizer);
  saved.normalizer = (fr_normalizer){0};
  fr_names_release(&saved.channels);
  saved.channels = (fr_names){0};
  assert_int_equal(fr_model_save(&saved, fixture_path(), NULL), FR_OK);
  assert_int_equal(fr_model_load(&loaded, fixture_path(), NULL), FR_OK);
  assert_string_equal(loaded.task, "");
  assert_string_equal(loaded.frames, "");
  assert_null(loaded.provenance);
  assert_int_equal(loaded.normalizer.channels, 0);
  assert_int_equal(loaded.channels.count, 0);
  fr_model_release(&saved);
  fr_model_release(&loaded);
}

/* Of 42 numbers with the tips alone: found, 5 (x, y), the wrist's way. */
static void what_made_its_features_comes_back(void **state) {
  (void)state;
  const char *const frames = "layout=42 parts=hands mirror=no velocity=no aspect=1:1 "
                             "shape=5 depth=no hold=0";
  fr_model saved = fixture_model(), loaded = {0};
  fr_net_free(saved.net);
  fr_normalizer_release(&saved.normalizer);
  fr_names_release(&saved.channels);
  saved.normalizer = (fr_normalizer){0};
  saved.channels = (fr_names){0};
  saved.frames = strdup(frames);
  const fr_shape input = {.steps = 1, .channels = 13};
  assert_int_equal(fr_net_new("dense(classes)", input, FIXTURE_CLASSES, &saved.net, NULL),
                   FR_OK);
  fr_net_init(saved.net, 7, 0);
  fr_error err = {.text = ""};
  const enum fr_status status = fr_model_save(&saved, fixture_path(), &err);
  assert_string_equal(err.text, "");
  assert_int_equal(status, FR_OK);
  assert_int_equal(fr_model_load(&loaded, fixture_path(), NULL), FR_OK);
  assert_string_equal(loaded.frames, frames);
  fr_model_release(&saved);
  fr_model_release(&loaded);
}

static void the_fold_that_tests_comes_back(void **state) {
  (void)state;
  fr_model saved = fixture_model(), loaded = {0};
  saved.fold = 3;
  assert_int_equal(fr_model_save(&saved, fixture_path(), NULL), FR_OK);
  assert_int_equal(fr_model_load(&loaded, fixture_path(), NULL), FR_OK);
  assert_int_equal(loaded.fold, 3);
  fr_model_release(&saved);
  fr_model_release(&loaded);
}

/* The layout, read without the code under test. */
static void the_file_is_safetensors(void **state) {
  (void)state;
  fr_model model = fixture_model();
  assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_OK);
  size_t size;
  unsigned char *bytes = fixture_read(&size);
  const size_t length = bytes[0] + 256u * bytes[1];
  for (int i = 2; i < 8; i++)
    assert_int_equal(bytes[i], 0);
  assert_int_equal(length % 8, 0);
  json_t *header =
      json_loadb((const char *)bytes + 8, length, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(header);
  const char *key, *type;
  json_t *entry;
  json_int_t begin, end, covered = 0;
  json_object_foreach(header, key, entry) {
    if (strcmp(key, "__metadata__") == 0)
      continue;
    assert_int_equal(json_unpack(entry, "{s:s, s:[I, I]}", "dtype", &type, "data_offsets",
                                 &begin, &end),
                     0);
    assert_string_equal(type, "F32");
    assert_int_equal(begin, covered);
    covered = end;
  }
  assert_int_equal(8 + length + (size_t)covered, size);
  const json_t *metadata = json_object_get(header, "__metadata__");
  assert_string_equal(json_string_value(json_object_get(metadata, "input")), "[1,3]");
  assert_string_equal(json_string_value(json_object_get(metadata, "classes")),
                      "[\"walk \\\"fast\\\"\",\"s\xc3\xa9jour\"]");
  assert_string_equal(json_string_value(json_object_get(metadata, "seed")),
                      "18446744073709551615");
  json_decref(header);
  free(bytes);
  fr_model_release(&model);
}

static void assert_refused(const fr_model *model, enum fr_status status,
                           const char *word) {
  fr_error err = {.text = ""};
  assert_int_equal(fr_model_save(model, fixture_path(), &err), status);
  assert_non_null(strstr(err.text, word));
  fr_model old = {0};
  assert_int_equal(fr_model_load(&old, fixture_path(), NULL), FR_OK);
  fr_model_release(&old);
}

static void a_refused_save_leaves_the_old_file(void **state) {
  (void)state;
  fr_model model = fixture_model();
  assert_int_equal(fr_model_save(&model, fixture_path(), NULL), FR_OK);
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(model.net, &count);
  const float value = tensor[0].value[1];
  tensor[0].value[1] = NAN;
  assert_refused(&model, FR_ERR_NUMERIC, tensor[0].name);
  tensor[0].value[1] = value;
  model.normalizer.scale[0] = INFINITY;
  assert_refused(&model, FR_ERR_NUMERIC, "normalizer");
  model.normalizer.scale[0] = 1;
  model.classes.count = 1;
  assert_refused(&model, FR_ERR_FORMAT, "names 1 classes");
  model.classes.count = FIXTURE_CLASSES;
  model.task[0] = '\xff';
  assert_refused(&model, FR_ERR_ARGUMENT, "UTF-8");
  model.task[0] = 'a';
  model.provenance[0] = '}';
  assert_refused(&model, FR_ERR_FORMAT, "provenance");
  fr_model_release(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_comes_back),
      cmocka_unit_test(what_is_not_told_is_empty),
      cmocka_unit_test(what_made_its_features_comes_back),
      cmocka_unit_test(the_fold_that_tests_comes_back),
      cmocka_unit_test(the_file_is_safetensors),
      cmocka_unit_test(a_refused_save_leaves_the_old_file),
  };
  return cmocka_run_group_tests_name("model/roundtrip", tests, fixture_setup,
                                     fixture_teardown);
}
