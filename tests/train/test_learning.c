/* SPDX-License-Identifier: Apache-2.0 */
/* Training learns, keeps the best weights, and gives the same bits for the same seed. */
#include "toy.h"

static const char arch[] = "dense(16) relu dropout(0.05) dense(classes)";

static fr_train_options short_options(void) {
  fr_train_options options = fr_train_default_options();
  options.batch = 16;
  options.epochs = 40;
  options.optimizer.learning_rate = 0.01f;
  return options;
}

static void it_learns_what_a_line_cannot_part(void **state) {
  (void)state;
  static toy a, b, c;
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  const fr_samples test = toy_samples(&c, 3);
  fr_net *net = toy_net(arch, 5);
  const fr_train_options options = short_options();
  fr_train_result result;
  fr_metrics metrics;
  assert_int_equal(fr_train(net, &train, &validate, &options, NULL, NULL, &result, NULL),
                   FR_OK);
  assert_true(result.best_validate_accuracy > 0.95);
  assert_int_equal(fr_test(net, &test, &(fr_loss_options){.kind = FR_LOSS_CROSS_ENTROPY},
                           32, NULL, &metrics, NULL),
                   FR_OK);
  assert_int_equal(metrics.samples, TOY_COUNT);
  assert_true(metrics.accuracy > 0.95);
  fr_metrics_release(&metrics);
  fr_train_result_release(&result);
  fr_net_free(net);
}

static void the_best_weights_stay(void **state) {
  (void)state;
  static toy a, b;
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  fr_net *net = toy_net(arch, 5);
  fr_train_options options = short_options();
  options.optimizer.learning_rate =
      0.3f; /* too high, so that the loss goes up and down */
  fr_train_result result;
  assert_int_equal(fr_train(net, &train, &validate, &options, NULL, NULL, &result, NULL),
                   FR_OK);
  size_t best = 0;
  for (size_t i = 1; i < result.epochs; i++)
    if (result.history[i].validate_loss < result.history[best].validate_loss)
      best = i;
  assert_true(best + 1 < result.epochs);
  assert_int_equal(result.best_epoch, best + 1);
  assert_true(result.history[best].best);
  fr_metrics metrics;
  assert_int_equal(fr_test(net, &validate,
                           &(fr_loss_options){.kind = FR_LOSS_CROSS_ENTROPY}, 16, NULL,
                           &metrics, NULL),
                   FR_OK);
  assert_true(fabs(metrics.loss - result.best_validate_loss) < 1e-9);
  assert_true(fabs(metrics.accuracy - result.best_validate_accuracy) < 1e-9);
  fr_metrics_release(&metrics);
  fr_train_result_release(&result);
  fr_net_free(net);
}

static fr_net *trained(uint64_t seed) {
  static toy a, b;
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  fr_net *net = toy_net(arch, 5);
  fr_train_options options = short_options();
  options.epochs = 3;
  options.seed = seed;
  fr_train_result result;
  assert_int_equal(fr_train(net, &train, &validate, &options, NULL, NULL, &result, NULL),
                   FR_OK);
  fr_train_result_release(&result);
  return net;
}

static void the_same_seed_gives_the_same_bits(void **state) {
  (void)state;
  fr_net *one = trained(1), *again = trained(1), *other = trained(2);
  assert_true(toy_same_weights(one, again));
  assert_false(toy_same_weights(one, other));
  fr_net_free(one);
  fr_net_free(again);
  fr_net_free(other);
}

/*
 * One step of gradient descent at a rate of 1 on one sigmoid neuron under squared loss,
 * from the formulas y = f(b + Σ x w), δ = (y - t) y (1 - y), gradient δ x, averaged
 * over the batch; the figures were computed with Python's doubles.
 *
 *   w = (0.5, -0.25), b = 0.1; samples (1, 2) and (-1, 0.5), t = 1 for both
 */
static void a_step_follows_the_formula(void **state) {
  (void)state;
  static const float x[2][2] = {{1.0f, 2.0f}, {-1.0f, 0.5f}};
  const float *rows[2] = {x[0], x[1]};
  uint32_t label[2] = {0, 0};
  const fr_samples samples = {
      .count = 2, .steps = 1, .channels = 2, .x = rows, .label = label};
  fr_net *net = NULL;
  assert_int_equal(fr_net_new("dense(1) sigmoid", (fr_shape){1, 2}, 1, &net, NULL),
                   FR_OK);
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  tensor[0].value[0] = 0.5f;
  tensor[0].value[1] = -0.25f;
  tensor[1].value[0] = 0.1f;
  fr_train_options options = fr_train_default_options();
  options.optimizer.weight_decay = 0;
  options.epochs = 1;
  options.loss.kind = FR_LOSS_SQUARED;
  options.optimizer.kind = FR_OPTIMIZER_SGD;
  options.optimizer.learning_rate = 1.0f;
  options.optimizer.momentum = 0.0f;
  fr_train_result result;
  assert_int_equal(fr_train(net, &samples, NULL, &options, NULL, NULL, &result, NULL),
                   FR_OK);
  static const double golden[] = {0.485862508, -0.094857743, 0.232596303};
  assert_true(fabs((double)tensor[0].value[0] - golden[0]) < 1e-6);
  assert_true(fabs((double)tensor[0].value[1] - golden[1]) < 1e-6);
  assert_true(fabs((double)tensor[1].value[0] - golden[2]) < 1e-6);
  assert_true(fabs(result.history[0].train_loss - 0.155106501) < 1e-6);
  assert_int_equal(result.steps, 1);
  fr_train_result_release(&result);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_learns_what_a_line_cannot_part),
      cmocka_unit_test(the_best_weights_stay),
      cmocka_unit_test(the_same_seed_gives_the_same_bits),
      cmocka_unit_test(a_step_follows_the_formula),
  };
  return cmocka_run_group_tests_name("train/learning", tests, NULL, NULL);
}
