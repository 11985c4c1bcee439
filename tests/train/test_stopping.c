/* SPDX-License-Identifier: Apache-2.0 */
/* When a run ends, and why. */
#include "toy.h"

static const char arch[] = "dense(16) relu dense(classes)";

static fr_train_options short_options(void) {
  fr_train_options options = fr_train_default_options();
  options.batch = 16; /* ten steps an epoch, the last of 6 samples */
  options.epochs = 30;
  options.optimizer.learning_rate = 0.01f;
  return options;
}

static fr_train_result run(fr_net *net, const fr_samples *validate,
                           const fr_train_options *options, const fr_budget *budget) {
  static toy a;
  const fr_samples train = toy_samples(&a, 1);
  fr_train_result result = {0};
  fr_error err = {.text = ""};
  fr_train(net, &train, validate, options, NULL, budget, &result, &err);
  assert_string_equal(err.text, "");
  return result;
}

static void all_epochs_run_where_nothing_is_held_back(void **state) {
  (void)state;
  fr_net *net = toy_net(arch, 5);
  const fr_train_options options = short_options();
  fr_train_result result = run(net, NULL, &options, NULL);
  assert_int_equal(result.stop, FR_STOP_EPOCHS);
  assert_int_equal(result.epochs, 30);
  assert_int_equal(result.steps, 300);
  assert_int_equal(result.best_epoch, 30);
  assert_true(isnan(result.best_validate_loss));
  fr_train_result_release(&result);
  fr_net_free(net);
}

/* Against false labels validation only gets worse, but for chance at the start. */
static void patience_ends_a_run_that_gets_worse(void **state) {
  (void)state;
  static toy b;
  const fr_samples validate = toy_samples(&b, 2);
  for (size_t i = 0; i < TOY_COUNT; i++)
    validate.label[i] = 1 - validate.label[i];
  fr_net *net = toy_net(arch, 5);
  fr_train_options options = short_options();
  options.patience = 4;
  fr_train_result result = run(net, &validate, &options, NULL);
  assert_int_equal(result.stop, FR_STOP_PATIENCE);
  assert_int_equal(result.epochs, result.best_epoch + 4);
  assert_true(result.epochs < 30);
  fr_train_result_release(&result);
  options.patience = 0;
  result = run(net, &validate, &options, NULL);
  assert_int_equal(result.stop, FR_STOP_EPOCHS);
  fr_train_result_release(&result);
  fr_net_free(net);
}

static void the_target_ends_a_run(void **state) {
  (void)state;
  static toy b;
  const fr_samples validate = toy_samples(&b, 2);
  fr_net *net = toy_net(arch, 5);
  fr_train_options options = short_options();
  options.target_accuracy = 0.85;
  fr_train_result result = run(net, &validate, &options, NULL);
  assert_int_equal(result.stop, FR_STOP_TARGET);
  assert_true(result.epochs < 30);
  assert_int_equal(result.best_epoch, result.epochs);
  assert_true(result.best_validate_accuracy >= 0.85);
  for (size_t i = 0; i + 1 < result.epochs; i++)
    assert_true(result.history[i].validate_accuracy < 0.85);
  fr_train_result_release(&result);
  fr_net_free(net);
}

typedef struct allowance {
  size_t steps;
  size_t asked;
} allowance;

static bool spend(void *self, const fr_epoch *epoch) {
  allowance *left = self;
  left->asked++;
  assert_int_equal(epoch->step, left->asked);
  assert_true(isfinite(epoch->train_loss));
  return --left->steps > 0;
}

static void the_budget_is_asked_after_every_step(void **state) {
  (void)state;
  static toy b;
  const fr_samples validate = toy_samples(&b, 2);
  fr_net *net = toy_net(arch, 5);
  const fr_train_options options = short_options();
  allowance left = {.steps = 25};
  const fr_budget budget = {.self = &left, .may_go_on = spend};
  fr_train_result result = run(net, &validate, &options, &budget);
  assert_int_equal(result.stop, FR_STOP_BUDGET);
  assert_int_equal(result.steps, 25);
  assert_int_equal(left.asked, 25);
  assert_int_equal(result.epochs, 3);
  assert_true(result.best_epoch == 1 || result.best_epoch == 2);
  assert_true(isnan(result.history[2].validate_loss));
  fr_train_result_release(&result);
  fr_net_free(net);
}

static void a_budget_within_the_first_epoch_keeps_what_was_learned(void **state) {
  (void)state;
  static toy b;
  const fr_samples validate = toy_samples(&b, 2);
  fr_net *net = toy_net(arch, 5), *untrained = toy_net(arch, 5);
  const fr_train_options options = short_options();
  allowance left = {.steps = 2};
  const fr_budget budget = {.self = &left, .may_go_on = spend};
  fr_train_result result = run(net, &validate, &options, &budget);
  assert_int_equal(result.best_epoch, 1);
  assert_true(isnan(result.best_validate_loss));
  assert_false(toy_same_weights(net, untrained));
  fr_train_result_release(&result);
  fr_net_free(net);
  fr_net_free(untrained);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_epochs_run_where_nothing_is_held_back),
      cmocka_unit_test(patience_ends_a_run_that_gets_worse),
      cmocka_unit_test(the_target_ends_a_run),
      cmocka_unit_test(the_budget_is_asked_after_every_step),
      cmocka_unit_test(a_budget_within_the_first_epoch_keeps_what_was_learned),
  };
  return cmocka_run_group_tests_name("train/stopping", tests, NULL, NULL);
}
