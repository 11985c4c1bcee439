/* SPDX-License-Identifier: Apache-2.0 */
/* What an update costs, counted by hand: dense(3) on two numbers has 9 weights. */
#include "../test.h"

#include "train/cost.h"

enum { WEIGHTS = 9 };

static void each_optimizer_has_its_cost(void **state) {
  (void)state;
  const struct {
    fr_optimizer_options options;
    uint64_t each;
  } rows[] = {
      {{.kind = FR_OPTIMIZER_SGD}, 2},
      {{.kind = FR_OPTIMIZER_SGD, .momentum = 0.9f}, 4},
      {{.kind = FR_OPTIMIZER_SGD, .momentum = 0.9f, .nesterov = true}, 6},
      {{.kind = FR_OPTIMIZER_SGD, .weight_decay = 0.1f}, 4},
      {{.kind = FR_OPTIMIZER_ADAM, .momentum = 0.9f}, 12}, /* which it does not have */
      {{.kind = FR_OPTIMIZER_ADAMW, .weight_decay = 0.1f}, 14},
      {{.kind = FR_OPTIMIZER_RMSPROP}, 9},
      {{.kind = FR_OPTIMIZER_RMSPROP, .momentum = 0.9f}, 11},
      {{.kind = FR_OPTIMIZER_ADAM, .clip_value = 1, .clip_norm = 1}, 17},
  };
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new("dense(3)", (fr_shape){1, 2}, 3, &net, err));
  ASSERT_OK(fr_net_reserve(net, 1, true, 0, err));
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_int_equal(fr__cost_of(net, 0, &rows[i].options).update,
                     WEIGHTS * rows[i].each);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_optimizer_has_its_cost)};
  return cmocka_run_group_tests_name("train/cost", tests, NULL, NULL);
}
