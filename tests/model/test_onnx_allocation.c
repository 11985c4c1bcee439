/* SPDX-License-Identifier: Apache-2.0 */
/* Wherever an allocation fails, the export says so and leaves the old file. The linker
 * leads every allocation here. */
#include "../allocations.h"
#include "fixture.h"

#include "frugal/export.h"

/* With the n-th allocation failing; true where none failed. */
static bool attempt(const fr_model *model, size_t n) {
  fr_error err = {.text = ""};
  allocations = 0;
  fail_at = n;
  const enum fr_status status = fr_export_onnx(model, fixture_path(), NULL, &err);
  fail_at = 0;
  if (status == FR_OK)
    return true;
  assert_int_equal(status, FR_ERR_MEMORY);
  assert_string_not_equal(err.text, "");
  size_t size;
  unsigned char *bytes = fixture_read(&size);
  assert_int_equal(size, 3);
  free(bytes);
  return false;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  static const char net[] =
      "conv1d(4,3,pad=same) bn leaky residual(conv1d(6,3) gelu) "
      "parallel(lstm(3,all,both) | gru(3,all) | ) layernorm attention(1) maxpool(2) "
      "softmax gru(3,last,both) dense(classes)";
  fr_model model = fixture_model();
  fr_net_free(model.net);
  const fr_shape input = {.steps = 8, .channels = FIXTURE_CHANNELS};
  assert_int_equal(fr_net_new(net, input, FIXTURE_CLASSES, &model.net, NULL), FR_OK);
  fr_net_init(model.net, 7, 0);
  fixture_write("old", 3);
  size_t n = 1;
  while (!attempt(&model, n))
    n++;
  assert_true(n > 300);
  fr_model_release(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("model/onnx_allocation", tests, fixture_setup,
                                     fixture_teardown);
}
