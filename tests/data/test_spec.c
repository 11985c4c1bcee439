/* SPDX-License-Identifier: Apache-2.0 */
/* What a spec says, and that an unknown word of it is answered with the known ones. */
#include "input.h"

#include "data/reader.h"

static void a_spec_is_kind_path_and_options(void **state) {
  (void)state;
  fr__spec spec;
  ASSERT_OK(fr__spec_parse("csv:/a b/c:d.csv?label=x&rate=50&trial=", &spec, err));
  assert_string_equal(spec.kind, "csv");
  assert_string_equal(spec.path, "/a b/c:d.csv");
  assert_int_equal(spec.count, 3);
  assert_string_equal(fr__spec_value(&spec, "label"), "x");
  assert_string_equal(fr__spec_value(&spec, "trial"), "");
  assert_null(fr__spec_value(&spec, "time"));
  double rate = 0;
  ASSERT_OK(fr__spec_number(&spec, "rate", 1, 100, 7, &rate, err));
  assert_true(rate == 50);
  ASSERT_OK(fr__spec_number(&spec, "other", 1, 100, 7, &rate, err));
  assert_true(rate == 7);
  fr__spec_release(&spec);
  ASSERT_OK(fr__spec_parse("synthetic:subjects=8&seed=2", &spec, err));
  assert_string_equal(spec.path, "");
  assert_string_equal(fr__spec_value(&spec, "seed"), "2");
  fr__spec_release(&spec);
  ASSERT_OK(fr__spec_parse("synthetic:", &spec, err));
  assert_int_equal(spec.count, 0);
  fr__spec_release(&spec);
}

static void a_broken_spec_is_refused(void **state) {
  (void)state;
  input_refused("nothing", FR_ERR_ARGUMENT, "'nothing' is not KIND:PATH[?key=value&...]");
  input_refused("csv:a?label", FR_ERR_ARGUMENT,
                "'csv:a?label': 'label' is not key=value");
  input_refused("csv:a?rate=1&rate=2", FR_ERR_ARGUMENT,
                "'csv:a?rate=1&rate=2': 'rate' is given twice");
  input_refused("csv:", FR_ERR_ARGUMENT, "'csv:' names no file or folder");
  input_refused("csv:a?rate=x", FR_ERR_ARGUMENT,
                "rate=x: not a number from 1e-06 to 1e+06");
}

static void unknown_words_list_the_known(void **state) {
  (void)state;
  input_refused("xyz:a", FR_ERR_ARGUMENT,
                "'xyz:a': 'xyz' is no kind of data; known are motionsense, extrasensory, "
                "csv, keypoints, synthetic, ts");
  input_refused("extrasensory:a?pockets=1", FR_ERR_ARGUMENT,
                "'extrasensory:a?pockets=1': extrasensory: knows no 'pockets'; known are "
                "pocket, min, features, subjects");
  input_refused("motionsense:a?activities=wlk,run", FR_ERR_ARGUMENT,
                "activities: 'run' is not dws, ups, wlk, jog, sit or std");
  input_refused(
      "motionsense:a?channels=gyro", FR_ERR_ARGUMENT,
      "channels: 'gyro' is not attitude, gravity, rotation, acceleration or one "
      "of their columns");
  input_refused("motionsense:a?features=mine", FR_ERR_ARGUMENT,
                "features: 'mine' is not extrasensory");
}

static void a_missing_file_is_named(void **state) {
  (void)state;
  input_refused("csv:/no/such/file.csv", FR_ERR_NOT_FOUND,
                "'/no/such/file.csv': No such file or directory");
}

static void lists_hold_ids_and_ranges(void **state) {
  (void)state;
  assert_true(fr__list_has("1-12,14", "1"));
  assert_true(fr__list_has("1-12,14", "12"));
  assert_true(fr__list_has("1-12,14", "14"));
  assert_false(fr__list_has("1-12,14", "13"));
  assert_false(fr__list_has("1-12,14", "x"));
  assert_true(fr__list_has("ann,00EA-24,", "00EA-24"));
  assert_false(fr__list_has("ann", "an"));
  assert_false(fr__list_has("", "1"));
  assert_false(fr__list_has("9-1", "5"));
}

static void names_order_naturally(void **state) {
  (void)state;
  static const char *const order[] = {"", "1", "2", "10", "a", "a2", "a10", "a10b", "b"};
  const size_t n = sizeof order / sizeof *order;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) {
      const int is = fr__natural_compare(order[i], order[j]);
      assert_int_equal((is > 0) - (is < 0), (i > j) - (i < j));
    }
  assert_true(fr__natural_compare("01", "1") != 0);
  assert_true(fr__natural_compare("01", "2") < 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_spec_is_kind_path_and_options),
      cmocka_unit_test(a_broken_spec_is_refused),
      cmocka_unit_test(unknown_words_list_the_known),
      cmocka_unit_test(a_missing_file_is_named),
      cmocka_unit_test(lists_hold_ids_and_ranges),
      cmocka_unit_test(names_order_naturally),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
