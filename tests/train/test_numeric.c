/* SPDX-License-Identifier: Apache-2.0 */
/* Where numbers leave what a float holds, the run ends with a sentence that says where,
 * with its best weights and its last good checkpoint. */
#include "checkpointed.h"

#include <unistd.h>

static const float huge = 3e38f; /* below the greatest float, 3.4e38 */

/* Squared loss on one dense layer, so that every number can be told by hand. */
static fr_train_options plain_options(void) {
  fr_train_options options = fr_train_default_options();
  options.epochs = 3;
  options.batch = 50;
  options.loss.kind = FR_LOSS_SQUARED;
  options.optimizer.kind = FR_OPTIMIZER_SGD;
  options.optimizer.momentum = 0;
  options.optimizer.weight_decay = 0;
  return options;
}

static void set_all(toy *t, fr_net *net, float x, float weight) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < TOY_COUNT; i++) {
    t->value[i][0] = x;
    t->value[i][1] = 0;
  }
  for (size_t k = 0; k < tensor[0].count; k++)
    tensor[0].value[k] = weight;
}

static void assert_ends(toy *t, fr_net *net, const fr_train_options *options,
                        const char *sentence) {
  const fr_samples train = {.count = TOY_COUNT,
                            .steps = 1,
                            .channels = TOY_CHANNELS,
                            .x = t->x,
                            .label = t->label};
  fr_net *before = NULL;
  assert_int_equal(fr_net_new(fr_net_text(net), fr_net_input(net), 2, &before, NULL),
                   FR_OK);
  assert_int_equal(fr_net_copy(before, net, fr_net_layer_count(net), NULL), FR_OK);
  fr_train_result result;
  fr_error err = {.text = ""};
  assert_int_equal(fr_train(net, &train, NULL, options, NULL, NULL, &result, &err),
                   FR_ERR_NUMERIC);
  assert_string_equal(err.text, sentence);
  assert_true(toy_same_weights(net, before)); /* the best so far */
  fr_net_free(before);
  fr_net_free(net);
}

static void in_an_output(void **state) {
  (void)state;
  static toy t;
  toy_samples(&t, 1);
  fr_net *net = toy_net("dense(classes)", 5);
  set_all(&t, net, huge, 2);
  const fr_train_options options = plain_options();
  assert_ends(&t, net, &options,
              "the output of layer 1 'dense(2)' is not finite in epoch 1, step 1 "
              "(learning rate 0.002)");
}

/* y = 3e38 * 2e-38 = 6, the loss about 30, the gradient 5.5 * 3e38. */
static void in_a_gradient(void **state) {
  (void)state;
  static toy t;
  toy_samples(&t, 1);
  fr_train_options options = plain_options();
  for (size_t accumulate = 0; accumulate < 3; accumulate += 2) {
    fr_net *net = toy_net("dense(classes)", 5);
    set_all(&t, net, huge, 2e-38f);
    options.accumulate = accumulate;
    assert_ends(&t, net, &options,
                "the gradient of layer 1 'dense(2)' is not finite in epoch 1, step 1 "
                "(learning rate 0.002)");
  }
}

/* y = 0, the gradient -0.5 * 1e33, times a rate of 1e6 more than a float holds. */
static void in_a_weight(void **state) {
  (void)state;
  static toy t;
  toy_samples(&t, 1);
  fr_net *net = toy_net("dense(classes)", 5);
  set_all(&t, net, 1e33f, 0);
  fr_train_options options = plain_options();
  options.optimizer.learning_rate = 1e6f;
  assert_ends(&t, net, &options,
              "a weight of layer 1 'dense(2)' is not finite in epoch 1, step 2 "
              "(learning rate 1e+06)");
}

/* Spoils a sample after the first epoch. */
static void spoil(void *self, const fr_epoch *epoch) {
  if (epoch->epoch == 1)
    ((toy *)self)->value[7][1] = NAN;
}

static void the_last_good_checkpoint_is_kept_and_named(void **state) {
  (void)state;
  static toy t;
  char *folder = test_folder_make(), expected[600];
  fr_checkpoint_options checkpoint = {
      .folder = folder, .every_s = EVERY_STEP, .resume = true};
  fr_train_options options = fr_train_default_options();
  options.epochs = 3;
  options.batch = TOY_COUNT;
  fr_samples train = toy_samples(&t, 1);
  fr_net *whole = toy_net("dense(4) relu dense(classes)", 5);
  fr_net *net = toy_net("dense(4) relu dense(classes)", 5);
  fr_train_result result;
  assert_int_equal(fr_train(whole, &train, NULL, &options, NULL, NULL, &result, NULL),
                   FR_OK);
  fr_train_result_release(&result);

  options.checkpoint = &checkpoint;
  const fr_observer observer = {.self = &t, .epoch_done = spoil};
  fr_error err = {.text = ""};
  assert_int_equal(fr_train(net, &train, NULL, &options, &observer, NULL, &result, &err),
                   FR_ERR_NUMERIC);
  snprintf(expected, sizeof expected,
           "the output of layer 1 'dense(4)' is not finite in epoch 2, step 2 (learning "
           "rate 0.002); the last good checkpoint is kept: %s/checkpoint-1.safetensors",
           folder);
  assert_string_equal(err.text, expected);

  fr_net_init(net, 5, 0);
  train = toy_samples(&t, 1); /* mended */
  assert_int_equal(fr_train(net, &train, NULL, &options, NULL, NULL, &result, &err),
                   FR_OK);
  assert_int_equal(result.resumed_from, 1);
  assert_true(toy_same_weights(net, whole));
  fr_train_result_release(&result);
  fr_net_free(net);
  fr_net_free(whole);
  test_folder_remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_an_output),
      cmocka_unit_test(in_a_gradient),
      cmocka_unit_test(in_a_weight),
      cmocka_unit_test(the_last_good_checkpoint_is_kept_and_named),
  };
  return cmocka_run_group_tests_name("train/numeric", tests, NULL, NULL);
}
