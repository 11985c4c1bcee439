/* SPDX-License-Identifier: Apache-2.0 */
/* Several batches before one update are one batch. */
#include "toy.h"

static float values[TOY_COUNT * TOY_CLASSES]; /* with gaps, for binary targets */

static fr_train_options plain_options(void) {
  fr_train_options options = fr_train_default_options();
  options.epochs = 4;
  options.optimizer.kind = FR_OPTIMIZER_SGD;
  options.optimizer.learning_rate = 0.05f;
  return options;
}

static fr_net *trained(fr_samples train, fr_train_options options, size_t batch,
                       size_t accumulate, fr_train_result *result) {
  fr_net *net = toy_net("dense(8) tanh dense(classes)", 5);
  options.batch = batch;
  options.accumulate = accumulate;
  fr_error err = {.text = ""};
  fr_train(net, &train, NULL, &options, NULL, NULL, result, &err);
  assert_string_equal(err.text, "");
  return net;
}

static double distance(const fr_net *a, const fr_net *b) {
  size_t count;
  double most = 0;
  const fr_tensor *x = fr_net_tensors(a, &count), *y = fr_net_tensors(b, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < x[i].count; k++)
      most = fmax(most, fabs((double)x[i].value[k] - (double)y[i].value[k]));
  return most;
}

/* 150 samples are four batches of 32 and one of 22. */
static void assert_equals_one_batch(fr_samples train, const fr_train_options *options) {
  fr_train_result one, several, plain;
  fr_net *a = trained(train, *options, 32, 1, &one);
  fr_net *b = trained(train, *options, 8, 4, &several);
  fr_net *c = trained(train, *options, 8, 0, &plain);
  assert_int_equal(one.steps, 20);
  assert_int_equal(several.steps, 20);
  assert_int_equal(plain.steps, 76);
  assert_true(distance(a, b) < 2e-6);
  assert_true(distance(a, c) > 1e-2);
  for (size_t i = 0; i < one.epochs; i++)
    assert_true(fabs(one.history[i].train_loss - several.history[i].train_loss) < 1e-6);
  fr_train_result_release(&one);
  fr_train_result_release(&several);
  fr_train_result_release(&plain);
  fr_net_free(a);
  fr_net_free(b);
  fr_net_free(c);
}

static void means_are_over_all_samples(void **state) {
  (void)state;
  static toy a;
  const fr_train_options options = plain_options();
  assert_equals_one_batch(toy_samples(&a, 1), &options);
}

/* A mean of means would be wrong here: batches weigh what their classes weigh. */
static void class_weights_count_in_the_mean(void **state) {
  (void)state;
  static toy a;
  static const float weight[TOY_CLASSES] = {0.2f, 5};
  fr_train_options options = plain_options();
  options.loss.class_weight = weight;
  assert_equals_one_batch(toy_samples(&a, 1), &options);
}

static void missing_values_do_not(void **state) {
  (void)state;
  static toy a;
  fr_samples train = toy_samples(&a, 1);
  fr__rng rng;
  fr__rng_init(&rng, 3, 0);
  for (size_t i = 0; i < TOY_COUNT; i++)
    for (size_t k = 0; k < TOY_CLASSES; k++)
      values[i * TOY_CLASSES + k] =
          fr__rng_below(&rng, 3) == 0 ? NAN : (float)(train.label[i] == k);
  train.label = NULL;
  train.values = TOY_CLASSES;
  train.value = values;
  fr_train_options options = plain_options();
  options.loss.kind = FR_LOSS_BINARY;
  options.optimizer.learning_rate = 0.2f;
  assert_equals_one_batch(train, &options);
}

/* More than an epoch has are an epoch. */
static void more_batches_than_there_are_make_one_step(void **state) {
  (void)state;
  static toy a;
  const fr_train_options options = plain_options();
  fr_train_result whole, several;
  fr_net *x = trained(toy_samples(&a, 1), options, TOY_COUNT, 1, &whole);
  fr_net *y = trained(toy_samples(&a, 1), options, 16, SIZE_MAX, &several);
  assert_int_equal(whole.steps, 4);
  assert_int_equal(several.steps, 4);
  assert_true(distance(x, y) < 1e-6);
  fr_train_result_release(&whole);
  fr_train_result_release(&several);
  fr_net_free(x);
  fr_net_free(y);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(means_are_over_all_samples),
      cmocka_unit_test(class_weights_count_in_the_mean),
      cmocka_unit_test(missing_values_do_not),
      cmocka_unit_test(more_batches_than_there_are_make_one_step),
  };
  return cmocka_run_group_tests_name("train/accumulation", tests, NULL, NULL);
}
