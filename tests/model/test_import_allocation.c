/* SPDX-License-Identifier: Apache-2.0 */
/* Wherever an allocation fails, the import says so and leaves the weights as they were.
 * The linker leads every allocation here. */
#include "../allocations.h"
#include "fixture.h"

#include "frugal/export.h"

/* With the n-th allocation failing; true where none failed. */
static bool attempt(fr_net *net, const fr_import_options *options, size_t n) {
  fr_error err = {.text = ""};
  fr_import_report report = {.count = 77};
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  tensor[0].value[0] = tensor[count - 1].value[0] = 42;
  allocations = 0;
  fail_at = n;
  const enum fr_status status = fr_import_weights(
      net, GOLDEN "/import_torch_sequence.safetensors", options, &report, &err);
  fail_at = 0;
  if (status == FR_OK) {
    fr_import_report_release(&report);
    return true;
  }
  assert_int_equal(status, FR_ERR_MEMORY);
  assert_string_not_equal(err.text, "");
  assert_true(tensor[0].value[0] == 42 && tensor[count - 1].value[0] == 42);
  assert_int_equal(report.count, 77);
  return false;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  static const char map[] = "4.weight = lstm.weight_ih_l0\n8 = head\n";
  static const char text[] = "conv1d(8,5) bn gelu conv1d(8,3,groups=2) lstm(6,all) "
                             "gru(4,all,both) attention(2) avgpool(all) dense(classes)";
  fr_net *net;
  assert_int_equal(fr_net_new(text, (fr_shape){16, 3}, 5, &net, NULL), FR_OK);
  fixture_write(map, sizeof map - 1);
  const fr_import_options options = {.map = fixture_path()};
  size_t n = 1;
  while (!attempt(net, &options, n))
    n++;
  assert_true(n > 50); /* a name and a buffer for each of 26 tensors */
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("model/import_allocation", tests, fixture_setup,
                                     fixture_teardown);
}
