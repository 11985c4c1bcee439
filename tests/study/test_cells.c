/* SPDX-License-Identifier: Apache-2.0 */
/* What a mechanism does to the figures of a cell: what it is to change, and nothing else.
 */
#include "yaml.h"

#include "base/error.h"

#include <math.h>
#include <unistd.h>

#define MATRIX                                                                           \
  "name: cells\n"                                                                        \
  "repeats: 1\n"                                                                         \
  "training: {epochs: 2, patience: 2, batch: 16}\n"                                      \
  "networks:\n"                                                                          \
  "  - {code: B, name: big, arch: 'dense(32) relu dense(classes)'}\n"                    \
  "  - {code: S, name: small, arch: 'dense(8) relu dense(classes)'}\n"                   \
  "data:\n"                                                                              \
  "  - {code: M, name: Walkers, spec: 'synthetic:subjects=3&trials=3&seconds=24"         \
  "&features=extrasensory', split: 'time:0.7'}\n"                                        \
  "mechanisms:\n"                                                                        \
  "  - {name: double, batch: 32}\n"                                                      \
  "  - {name: half, prune: 'structured(0.5,epochs=1,align=1)'}\n"                        \
  "  - {name: bytes, quantize: int8}\n"                                                  \
  "  - {name: aware, quantize: int8-aware}\n"                                            \
  "  - {name: span, normalize: minmax}\n"                                                \
  "  - {name: noise, augment: 'jitter(0.1)'}\n"                                          \
  "  - {name: lean, network: S}\n"                                                       \
  "  - {name: taught, teacher: B, network: S}\n"                                         \
  "  - {name: half-bytes, with: [half, bytes]}\n"                                        \
  "groups: [{name: g, data: [M], mechanisms:\n"                                          \
  "  [double, half, bytes, aware, span, noise, lean, taught, half-bytes]}]\n"

typedef struct matrix {
  char folder[64], path[96];
  json_t *result;
} matrix;

static enum fr_status run(const char *path, json_t **out, fr_error *err) {
  fr_study *study = yaml_study(MATRIX);
  fr_store *store = NULL;
  fr_run stored = {0};
  int64_t id = 0;
  enum fr_status status = fr_store_open(path, &store, err);
  const fr_study_options options = {.store = store, .argv = "[\"frugal\"]"};
  if (status == FR_OK)
    status = fr_study_run(study, &options, &id, err);
  if (status == FR_OK)
    status = fr_store_run_get(store, id, &stored, err);
  if (status == FR_OK)
    *out = json_loads(stored.result, 0, NULL);
  fr_run_release(&stored);
  fr_store_close(store);
  fr_study_free(study);
  return status;
}

static int matrix_make(void **state) {
  matrix *m = calloc(1, sizeof *m);
  fr_error err = {0};
  if (m == NULL)
    return -1;
  strcpy(m->folder, "/tmp/frugal-test-XXXXXX");
  if (mkdtemp(m->folder) == NULL)
    return -1;
  snprintf(m->path, sizeof m->path, "%s/runs.sqlite", m->folder);
  if (run(m->path, &m->result, &err) != FR_OK) {
    print_message("%s\n", err.text);
    return -1;
  }
  *state = m;
  return 0;
}

static int matrix_remove(void **state) {
  matrix *m = *state;
  char command[128];
  json_decref(m->result);
  snprintf(command, sizeof command, "rm -rf '%s'", m->folder);
  const int failed = system(command);
  free(m);
  return failed;
}

static const json_t *cell(void **state, const char *name, const char *mechanism) {
  const matrix *m = *state;
  const json_t *runs = json_object_get(m->result, "runs");
  for (size_t i = 0; i < json_array_size(runs); i++) {
    const json_t *row = json_array_get(runs, i);
    if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0 &&
        strcmp(json_string_value(json_object_get(row, "mechanism")), mechanism) == 0)
      return row;
  }
  fail_msg("no cell %s %s", name, mechanism);
  return NULL;
}

static double value(const json_t *row, const char *path) {
  const double x = fr__row_value(row, path);
  if (isnan(x))
    fail_msg("no %s", path);
  return x;
}

static void assert_same(const json_t *a, const json_t *b, const char *path) {
  if (value(a, path) != value(b, path))
    fail_msg("%s: %g is not %g", path, value(a, path), value(b, path));
}

static const char *text(const json_t *row, const char *key) {
  return json_string_value(json_object_get(row, key));
}

/* n samples are ceil(n / batch) steps an epoch. */
static void a_batch_of_twice_the_size_takes_half_the_steps(void **state) {
  const json_t *plain = cell(state, "MB", "scratch"),
               *twice = cell(state, "MB", "double");
  const double n = value(plain, "train.samples");
  assert_true(value(plain, "train.steps") == 2.0 * ceil(n / 16.0));
  assert_true(value(twice, "train.steps") == 2.0 * ceil(n / 32.0));
  assert_same(plain, twice, "train.epochs");
  assert_same(plain, twice, "test.operations");
  assert_same(plain, twice, "parameters");
}

/* dense(32) of 52 features and 3 classes: 52 x 32 + 32 + 32 x 3 + 3, of 16: half of it
 * but for the classes' own. */
static void half_of_the_units_are_gone(void **state) {
  const json_t *plain = cell(state, "MB", "scratch"), *half = cell(state, "MB", "half");
  const double inputs = (value(plain, "parameters") - 32.0 * 4.0 - 3.0) / 32.0;
  assert_true(value(half, "parameters") == 16.0 * inputs + 16.0 * 4.0 + 3.0);
  assert_true(value(half, "bytes") == 4.0 * value(half, "parameters"));
  assert_true(value(half, "test.operations") < 0.55 * value(plain, "test.operations"));
  assert_true(value(half, "train.operations") > value(plain, "train.operations"));
  assert_true(value(half, "train.epochs") == 3.0); /* one of refinement */
  assert_same(plain, half, "train.steps");         /* those before it are the same */
  const json_t *stages = json_object_get(json_object_get(half, "train"), "stages");
  assert_int_equal(json_array_size(stages), 2);
  assert_string_equal(text(json_array_get(stages, 1), "name"), "prune");
  assert_true(value(json_array_get(stages, 1), "core_s") > 0.0);
}

static void bytes_are_a_quarter_and_training_the_same(void **state) {
  const json_t *plain = cell(state, "MB", "scratch"), *bytes = cell(state, "MB", "bytes");
  assert_true(value(bytes, "bytes") < 0.35 * value(plain, "bytes"));
  assert_same(plain, bytes, "train.operations");
  assert_same(plain, bytes, "train.best_validate_accuracy");
  assert_string_equal(text(plain, "architecture"), text(bytes, "architecture"));
  const json_t *aware = cell(state, "MB", "aware"); /* at most ten epochs: 2 more */
  assert_same(bytes, aware, "bytes");
  assert_true(value(aware, "train.operations") > 1.5 * value(bytes, "train.operations"));
  assert_true(value(aware, "train.epochs") == 4.0);
  const json_t *both = cell(state, "MB", "half-bytes");
  assert_true(value(both, "bytes") < 0.6 * value(bytes, "bytes"));
  assert_int_equal(json_array_size(json_object_get(both, "parts")), 2);
  assert_int_equal(
      json_array_size(json_object_get(json_object_get(both, "train"), "stages")), 3);
}

static void data_are_other_data_and_work_the_same(void **state) {
  static const char *const names[] = {"span", "noise"};
  const json_t *plain = cell(state, "MB", "scratch");
  for (size_t i = 0; i < 2; i++) {
    const json_t *other = cell(state, "MB", names[i]);
    assert_same(plain, other, "train.steps");
    assert_same(plain, other, "train.operations");
    assert_same(plain, other, "test.operations");
    assert_true(value(plain, "train.loss") != value(other, "train.loss"));
    assert_true(value(other, "preparation.core_seconds") > 0.0);
  }
}

/* S in the place of B is the cell of S itself, which is run once. */
static void a_cell_that_comes_to_the_same_is_shared(void **state) {
  const json_t *lean = cell(state, "MB", "lean"), *small = cell(state, "MS", "scratch");
  assert_string_equal(text(lean, "key"), text(small, "key"));
  assert_true(json_is_null(json_object_get(lean, "spent")) !=
              json_is_null(json_object_get(small, "spent")));
  assert_same(lean, small, "train.program");
  assert_string_equal(text(small, "net"), "S");
  assert_string_equal(text(lean, "net"), "B");
}

static void a_teachers_training_stands_beside(void **state) {
  const json_t *taught = cell(state, "MB", "taught"), *big = cell(state, "MB", "scratch");
  const json_t *teacher = json_object_get(taught, "teacher");
  assert_string_equal(text(teacher, "key"), text(big, "key"));
  assert_true(value(teacher, "program") == value(big, "train.program"));
  assert_same(taught, cell(state, "MS", "scratch"), "parameters");
  assert_true(value(taught, "train.operations") >
              value(cell(state, "MS", "scratch"), "train.operations"));
}

static void all_of_it_is_found_again(void **state) {
  const matrix *m = *state;
  json_t *again = NULL;
  fr_error err = {0};
  assert_int_equal(run(m->path, &again, &err), FR_OK);
  assert_int_equal(json_integer_value(json_object_get(again, "reused")),
                   json_array_size(json_object_get(m->result, "runs")));
  assert_true(
      json_equal(json_object_get(m->result, "ratios"), json_object_get(again, "ratios")));
  json_decref(again);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_batch_of_twice_the_size_takes_half_the_steps),
      cmocka_unit_test(half_of_the_units_are_gone),
      cmocka_unit_test(bytes_are_a_quarter_and_training_the_same),
      cmocka_unit_test(data_are_other_data_and_work_the_same),
      cmocka_unit_test(a_cell_that_comes_to_the_same_is_shared),
      cmocka_unit_test(a_teachers_training_stands_beside),
      cmocka_unit_test(all_of_it_is_found_again),
  };
  return cmocka_run_group_tests_name("study/cells", tests, matrix_make, matrix_remove);
}
