/* SPDX-License-Identifier: Apache-2.0 */
/* Wherever an allocation fails, reading a .ts file and making signs say so. The linker
 * leads every allocation here. */
#include "../allocations.h"
#include "input.h"

#define HEAD "@dimensions 2\n@classLabel true a b\n@data\n"

/* With the n-th allocation failing; true where none failed. */
static bool attempt(const char *spec, size_t n) {
  fr_error error = {.text = ""};
  fr_dataset *data = NULL;
  allocations = 0;
  fail_at = n;
  const enum fr_status status = fr_data_open(spec, NULL, &data, &error);
  fail_at = 0;
  if (status == FR_OK) {
    assert_true(data->count == 4 || data->count > 8); /* nothing is left out */
    fr_data_free(data);
    return true;
  }
  assert_int_equal(status, FR_ERR_MEMORY);
  assert_string_not_equal(error.text, "");
  assert_null(data);
  return false;
}

static size_t attempts(const char *spec) {
  size_t n = 1;
  while (!attempt(spec, n))
    n++;
  return n;
}

static void reading_may_run_out_of_memory(void **state) {
  (void)state;
  input_text("P_TRAIN.ts", HEAD "1,2:3,4:a\n5,6:7,8:b\n1,1:2,2:a\n");
  input_text("P_TEST.ts", HEAD "1,2:3,4:b\n");
  assert_true(attempts(input_spec("ts", "P", "")) > 20);
}

static void making_signs_may_run_out_of_memory(void **state) {
  (void)state;
  assert_true(attempts("synthetic:signs=2&subjects=2&trials=3&features=raw") > 10);
  assert_true(attempts("synthetic:signs=2&subjects=1&trials=3&no_sign=1") > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reading_may_run_out_of_memory),
      cmocka_unit_test(making_signs_may_run_out_of_memory),
  };
  return cmocka_run_group_tests_name("data/ts_allocation", tests, input_setup,
                                     input_teardown);
}
