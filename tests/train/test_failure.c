/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be trained ends in a sentence, and the weights stay whole. */
#include "toy.h"

static const char arch[] = "dense(8) relu dense(classes)";

static void assert_finite(const fr_net *net) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < tensor[i].count; k++)
      assert_true(isfinite(tensor[i].value[k]));
}

static void a_loss_that_is_not_finite_names_its_step(void **state) {
  (void)state;
  static toy a, b;
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  fr_net *net = toy_net(arch, 5), *before = toy_net(arch, 5);
  fr_train_options options = fr_train_default_options();
  a.value[70][1] = NAN;
  fr_train_result result = {.steps = 77};
  fr_error err = {.text = ""};
  assert_int_equal(fr_train(net, &train, &validate, &options, NULL, NULL, &result, &err),
                   FR_ERR_NUMERIC);
  assert_non_null(strstr(err.text, "epoch 1, step "));
  assert_int_equal(result.steps, 77);
  assert_true(toy_same_weights(net, before));
  fr_net_free(net);
  fr_net_free(before);
}

static void a_rate_too_high_leaves_finite_weights(void **state) {
  (void)state;
  static toy a, b;
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  fr_net *net = toy_net("dense(8) dense(8) dense(classes)", 5);
  fr_train_options options = fr_train_default_options();
  options.loss.kind = FR_LOSS_SQUARED;
  options.optimizer.kind = FR_OPTIMIZER_SGD;
  options.optimizer.learning_rate = 1e5f;
  fr_train_result result;
  fr_error err = {.text = ""};
  assert_int_equal(fr_train(net, &train, &validate, &options, NULL, NULL, &result, &err),
                   FR_ERR_NUMERIC);
  assert_non_null(strstr(err.text, "not finite"));
  assert_finite(net);
  fr_net_free(net);
}

static void assert_refused(const fr_samples *train, const fr_train_options *options,
                           const char *word) {
  fr_net *net = toy_net(arch, 5);
  fr_train_result result;
  fr_error err = {.text = ""};
  assert_int_equal(fr_train(net, train, NULL, options, NULL, NULL, &result, &err),
                   FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, word));
  fr_net_free(net);
}

static void arguments_that_make_no_sense_are_refused(void **state) {
  (void)state;
  static toy a;
  fr_samples train = toy_samples(&a, 1);
  fr_train_options options = fr_train_default_options();
  options.batch = 0;
  assert_refused(&train, &options, "batches of 0");
  options = fr_train_default_options();
  options.epochs = 0;
  assert_refused(&train, &options, "0 epochs");
  options.epochs = SIZE_MAX;
  assert_refused(&train, &options, "epochs");
  options = fr_train_default_options();
  const fr_augment jitter = {.count = 1, .item = {{FR_AUGMENT_JITTER, {0.1f}}}};
  options.augment = &jitter;
  options.first_trained = 1;
  assert_refused(&train, &options, "augmentation and frozen layers");
  options = fr_train_default_options();
  train.label[3] = 2;
  assert_refused(&train, &options, "label 2 of training sample 3");
  train.channels = 3;
  assert_refused(&train, &options, "shape (1, 3)");
  train.count = 0;
  assert_refused(&train, &options, "no samples");
}

static void a_test_of_nothing_is_refused(void **state) {
  (void)state;
  static toy a;
  fr_samples samples = toy_samples(&a, 1);
  fr_net *net = toy_net(arch, 5);
  fr_metrics metrics;
  assert_int_equal(fr_test(net, &samples,
                           &(fr_loss_options){.kind = FR_LOSS_CROSS_ENTROPY}, 0, NULL,
                           &metrics, NULL),
                   FR_ERR_ARGUMENT);
  samples.count = 0;
  assert_int_equal(fr_test(net, &samples,
                           &(fr_loss_options){.kind = FR_LOSS_CROSS_ENTROPY}, 8, NULL,
                           &metrics, NULL),
                   FR_ERR_ARGUMENT);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_loss_that_is_not_finite_names_its_step),
      cmocka_unit_test(a_rate_too_high_leaves_finite_weights),
      cmocka_unit_test(arguments_that_make_no_sense_are_refused),
      cmocka_unit_test(a_test_of_nothing_is_refused),
  };
  return cmocka_run_group_tests_name("train/failure", tests, NULL, NULL);
}
