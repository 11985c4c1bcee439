/* SPDX-License-Identifier: Apache-2.0 */
/* Integer inference against Python's integers, number for number. */
#include "made.h"

#include "../golden/int8_golden.h"
#include "frugal/int8.h"

static void test_outputs_are_those_of_the_document(void **state) {
  (void)state;
  fr_net *net = NULL;
  fr_int8 *int8 = NULL;
  ASSERT_OK(fr_net_new("conv1d(3,2) relu dense(2)", (fr_shape){5, 2}, 2, &net, err));
  memcpy(made_tensor(net, "0.weight")->value, golden_conv, sizeof golden_conv);
  memcpy(made_tensor(net, "0.bias")->value, golden_conv_bias, sizeof golden_conv_bias);
  memcpy(made_tensor(net, "2.weight")->value, golden_dense, sizeof golden_dense);
  memcpy(made_tensor(net, "2.bias")->value, golden_dense_bias, sizeof golden_dense_bias);
  ASSERT_OK(fr_net_round(net, FR_SCHEME_INT8, err));
  float range[8], inside[3 * FR_INT8_INSIDE] = {0};
  memcpy(range, golden_ranges, sizeof range);
  const fr_int8_ranges ranges = {4, 3, range, inside};
  ASSERT_OK(fr_int8_build(net, &ranges, &int8, err));
  for (size_t i = 0; i < sizeof golden_y / sizeof *golden_y / 2; i++) {
    float y[2];
    fr_int8_run(int8, golden_x + i * 10, y);
    assert_memory_equal(y, golden_y + i * 2, sizeof y);
  }
  fr_int8_free(int8);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_outputs_are_those_of_the_document),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
