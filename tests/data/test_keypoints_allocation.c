/* SPDX-License-Identifier: Apache-2.0 */
/* Wherever an allocation fails while key points are read, the call says so. The linker
 * leads every allocation here. */
#include "../allocations.h"
#include "input.h"

#include "../golden/gestures.h"
#include "gestures_made.h"

/* Opens the spec with the n-th allocation failing; true where none failed. */
static bool attempt(const char *spec, size_t n) {
  fr_dataset *data = NULL;
  fr_error err = {0};
  allocations = 0;
  fail_at = n;
  const enum fr_status status = fr_data_open(spec, NULL, &data, &err);
  fail_at = 0;
  assert_true(status == FR_OK || status == FR_ERR_MEMORY);
  assert_int_equal(err.status, status);
  assert_true((data != NULL) == (status == FR_OK));
  fr_data_free(data);
  return status == FR_OK && allocations < n;
}

static void every_allocation_may_fail(const char *name, const char *options) {
  char spec[700];
  snprintf(spec, sizeof spec, "%s", input_spec("keypoints", name, options));
  size_t n = 1;
  while (!attempt(spec, n))
    n++;
  assert_true(n > 20);
}

static void of_packed_sequences(void **state) {
  (void)state;
  made_array("a/x.npy", MADE(packed), 4, 3, 42, 4, false, false);
  input_text("a/x.index.csv", "row,action,sequence\n0,a,0\n1,b,0\n2,a,1\n3,b,1\n");
  every_allocation_may_fail("a", "signs=a,b&no_sign=1");
  every_allocation_may_fail("a/x.npy", "features=raw");
}

static void of_frames_and_sequences(void **state) {
  (void)state;
  made_array("b/MP_Data/go/0/0.npy", MADE(row), 1, 1, 63, 4, false, false);
  made_array("b/MP_Data/go/0/1.npy", MADE(row), 1, 1, 63, 4, false, false);
  made_array("b/MP_Data/go/1.npy", MADE(sequence), 1, 5, 63, 4, false, false);
  every_allocation_may_fail("b", "");
}

static void of_shapes(void **state) {
  (void)state;
  char text[1024];
  size_t n = 0;
  for (int r = 0; r < 2; r++) {
    n += (size_t)sprintf(text + n, "%d", r);
    for (int c = 0; c < 42; c++)
      n += (size_t)sprintf(text + n, ",%d", c);
    n += (size_t)sprintf(text + n, "\n");
  }
  input_text("c/x.csv", text);
  input_text("c/x_label.csv", "one\ntwo\n");
  every_allocation_may_fail("c/x.csv", "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_packed_sequences),
      cmocka_unit_test(of_frames_and_sequences),
      cmocka_unit_test(of_shapes),
  };
  return cmocka_run_group_tests(tests, input_setup, input_teardown);
}
