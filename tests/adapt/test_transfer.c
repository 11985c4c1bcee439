/* SPDX-License-Identifier: Apache-2.0 */
/* A network from another: what is kept is kept to the bit, what is new is new, and it
 * pays. */
#include "../test.h"
#include "../train/toy.h"

#include "frugal/adapt.h"

enum { NEW_CLASSES = 3, KEPT_REPLACE = 3, LAYERS = 4 };

static const char source_arch[] = "dense(12) bn relu dense(classes)";

/* A trained network, so that its running statistics are not the initial ones. */
static fr_net *new_source(void) {
  static toy a;
  const fr_samples train = toy_samples(&a, 1);
  fr_net *net = toy_net(source_arch, 5);
  fr_train_options options = fr_train_default_options();
  options.epochs = 60;
  options.batch = 16;
  options.optimizer.learning_rate = 0.01f;
  fr_train_result result;
  assert_int_equal(fr_train(net, &train, NULL, &options, NULL, NULL, &result, NULL),
                   FR_OK);
  fr_train_result_release(&result);
  return net;
}

static fr_net *transfer(const fr_net *source, const fr_transfer_options *options,
                        size_t classes, size_t *first) {
  fr_net *net = NULL;
  fr_error err = {.text = ""};
  fr_transfer_new(source, options, classes, 9, &net, first, &err);
  assert_string_equal(err.text, "");
  return net;
}

/* Layers [0, layers) of both answer the same, to the bit, on a few points. */
static void assert_same_answers(fr_net *a, fr_net *b, size_t layers) {
  const fr_shape shape = fr_net_layer_shape(a, layers - 1);
  assert_int_equal(fr_net_reserve(a, 1, false, 0, NULL), FR_OK);
  assert_int_equal(fr_net_reserve(b, 1, false, 0, NULL), FR_OK);
  for (int i = 0; i < 9; i++) {
    const float x[TOY_CHANNELS] = {0.3f * (float)(i % 3), 0.7f - 0.2f * (float)i};
    float first[64];
    assert_true(shape.channels <= 64 && shape.steps == 1);
    const size_t bytes = shape.channels * sizeof(float);
    memcpy(first, fr_net_forward(a, x, 1, 0, layers, false), bytes);
    assert_memory_equal(first, fr_net_forward(b, x, 1, 0, layers, false), bytes);
  }
}

/* As many as there are must not all be zero: they were initialised. */
static void assert_initialised(const fr_net *net, size_t layer) {
  size_t count, sum = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; tensor[i].layer == layer && k < tensor[i].count; k++)
      sum += tensor[i].value[k] != 0.0f;
  assert_true(sum > 0);
}

static void append_keeps_the_whole_network(void **state) {
  (void)state;
  fr_net *source = new_source();
  fr_transfer_options options = fr_transfer_default_options();
  options.kind = FR_TRANSFER_APPEND;
  size_t first;
  fr_net *net = transfer(source, &options, NEW_CLASSES, &first);
  assert_string_equal(fr_net_text(net), "dense(12) bn relu dense(2) relu dense(3)");
  assert_int_equal(fr_transfer_kept(source, &options), LAYERS);
  assert_int_equal(first, LAYERS);
  assert_int_equal(fr_net_classes(net), NEW_CLASSES);
  toy_assert_same_layers(net, source, LAYERS);
  assert_same_answers(source, net, LAYERS);
  assert_initialised(net, LAYERS + 1);
  fr_net_free(net);
  fr_net_free(source);
}

static void replace_cuts_the_last_dense_layer_and_what_follows(void **state) {
  (void)state;
  fr_net *source = new_source();
  const fr_transfer_options options = fr_transfer_default_options();
  size_t first;
  fr_net *net = transfer(source, &options, NEW_CLASSES, &first);
  assert_string_equal(fr_net_text(net), "dense(12) bn relu dense(3)");
  assert_int_equal(first, KEPT_REPLACE);
  assert_int_equal(fr_net_classes(net), NEW_CLASSES);
  assert_same_answers(source, net, KEPT_REPLACE);
  assert_initialised(net, KEPT_REPLACE);
  fr_net_free(net);
  fr_net_free(source);

  fr_net *ends_in_softmax = toy_net("dense(5) dense(classes) softmax", 1);
  assert_int_equal(fr_transfer_kept(ends_in_softmax, &options), 1);
  fr_net_free(ends_in_softmax);
}

static void a_head_of_ones_own_is_taken(void **state) {
  (void)state;
  fr_net *source = new_source();
  const fr_transfer_options options = {.kind = FR_TRANSFER_REPLACE,
                                       .head = "dense(7) relu dense(classes)",
                                       .freeze = 1,
                                       .refine = 0.25f};
  size_t first;
  fr_net *net = transfer(source, &options, NEW_CLASSES, &first);
  assert_string_equal(fr_net_text(net), "dense(12) bn relu dense(7) relu dense(3)");
  assert_int_equal(first, 1);
  float rates[6];
  fr_transfer_rates(net, KEPT_REPLACE, &options, rates);
  static const float expected[6] = {0, 0.25f, 0.25f, 1, 1, 1};
  assert_memory_equal(rates, expected, sizeof rates);
  fr_net_free(net);
  fr_net_free(source);
}

/* Howard and Ruder 2018, section 3.2: half the rate for each layer down, and a norm at
 * that of the product that it follows. */
static void rates_fall_from_layer_to_layer(void **state) {
  (void)state;
  fr_net *source =
      toy_net("dense(8) bn relu dense(6) bn relu dense(5) relu dense(classes)", 5);
  const fr_transfer_options options = {
      .kind = FR_TRANSFER_REPLACE, .freeze = 0, .refine = 0.5f, .decay = 0.5f};
  size_t first;
  fr_net *net = transfer(source, &options, NEW_CLASSES, &first);
  float rates[9];
  fr_transfer_rates(net, 8, &options, rates);
  static const float expected[9] = {0.125f, 0.125f, 0.125f, 0.25f, 0.25f,
                                    0.25f,  0.5f,   0.5f,   1};
  assert_memory_equal(rates, expected, sizeof rates);
  fr_net_free(net);
  fr_net_free(source);
}

static void a_cut_keeps_that_many_layers(void **state) {
  (void)state;
  fr_net *source = new_source();
  const fr_transfer_options options = {.kind = FR_TRANSFER_REPLACE,
                                       .head = "tanh dense(classes)",
                                       .cut = 2,
                                       .freeze = FR_FREEZE_ALL};
  size_t first;
  fr_net *net = transfer(source, &options, NEW_CLASSES, &first);
  assert_string_equal(fr_net_text(net), "dense(12) bn tanh dense(3)");
  assert_int_equal(fr_transfer_kept(source, &options), 2);
  assert_int_equal(first, 2);
  toy_assert_same_layers(net, source, 2);
  fr_net_free(net);
  fr_net_free(source);
}

static void from_scratch_nothing_is_kept(void **state) {
  (void)state;
  fr_net *source = new_source(), *net = NULL;
  ASSERT_OK(fr_transfer_scratch(source, NEW_CLASSES, 7, &net, err));
  assert_string_equal(fr_net_text(net), "dense(12) bn relu dense(3)");
  fr_net *fresh = NULL;
  ASSERT_OK(fr_net_new("dense(12) bn relu dense(3)", fr_net_input(source), NEW_CLASSES,
                       &fresh, err));
  fr_net_init(fresh, 7, 0);
  assert_true(toy_same_weights(net, fresh));
  fr_net_free(fresh);
  fr_net_free(net);
  fr_net_free(source);
}

/* All in one is one after the other. */
static void it_thaws_when_it_is_asked_to(void **state) {
  (void)state;
  static toy a;
  const fr_samples train = toy_samples(&a, 3);
  fr_net *source = new_source(), *all = NULL;
  fr_transfer_options options = fr_transfer_default_options();
  options.refine = 0.1f;
  options.unfreeze = 2;
  fr_train_options how = fr_train_default_options();
  how.epochs = 5;
  how.seed = 9;
  fr_transfer_result whole;
  ASSERT_OK(fr_transfer_train(source, TOY_CLASSES, &train, NULL, &how, &options, NULL,
                              NULL, &all, &whole, err));
  assert_int_equal(whole.kept, KEPT_REPLACE);
  assert_int_equal(whole.frozen, 0);
  assert_int_equal(whole.trained.first_trained, 0);
  size_t first;
  float rates[LAYERS];
  fr_net *net = transfer(source, &options, TOY_CLASSES, &first);
  assert_int_equal(first, KEPT_REPLACE);
  fr_transfer_rates(net, KEPT_REPLACE, &options, rates);
  how.first_trained = first;
  how.rate_scale = rates;
  how.unfreeze = 2;
  fr_train_result result;
  ASSERT_OK(fr_train(net, &train, NULL, &how, NULL, NULL, &result, err));
  assert_true(toy_same_weights(all, net));
  assert_true(result.operations == whole.trained.operations);
  fr_train_result_release(&result);
  fr_transfer_result_release(&whole);
  fr_net_free(all);
  fr_net_free(net);
  fr_net_free(source);
}

static void frozen_layers_stay_and_refined_ones_move(void **state) {
  (void)state;
  static toy a;
  const fr_samples train = toy_samples(&a, 3);
  fr_net *source = new_source();
  const fr_transfer_options options = {
      .kind = FR_TRANSFER_REPLACE, .freeze = 1, .refine = 0.1f};
  size_t first, count;
  fr_net *net = transfer(source, &options, TOY_CLASSES, &first);
  float rates[LAYERS];
  fr_transfer_rates(net, KEPT_REPLACE, &options, rates);
  fr_train_options how = fr_train_default_options();
  how.epochs = 3;
  how.first_trained = first;
  how.rate_scale = rates;
  fr_train_result result;
  assert_int_equal(fr_train(net, &train, NULL, &how, NULL, NULL, &result, NULL), FR_OK);
  toy_assert_same_layers(net, source, 1);
  const fr_tensor *old = fr_net_tensors(source, &count),
                  *new = fr_net_tensors(net, &count);
  size_t moved = 0;
  for (size_t i = 0; i < count; i++)
    if (old[i].layer == 1)
      moved += memcmp(old[i].value, new[i].value, old[i].count * sizeof(float)) != 0;
  assert_true(moved >= 2); /* bn's scale and shift at least */
  fr_train_result_release(&result);
  fr_net_free(net);
  fr_net_free(source);
}

/* FLOP until 90 % of validation are right, on data turned a little from the source's. */
static uint64_t operations_to_target(fr_net *net, size_t first) {
  static toy a, b;
  const fr_samples train = toy_samples(&a, 11), validate = toy_samples(&b, 12);
  toy *const both[] = {&a, &b};
  for (size_t k = 0; k < 2; k++)
    for (size_t i = 0; i < TOY_COUNT; i++)
      both[k]->value[i][0] += 0.2f * both[k]->value[i][1];
  fr_train_options options = fr_train_default_options();
  options.epochs = 200;
  options.patience = 0;
  options.first_trained = first;
  options.target_accuracy = 0.9;
  fr_train_result result;
  assert_int_equal(fr_train(net, &train, &validate, &options, NULL, NULL, &result, NULL),
                   FR_OK);
  assert_int_equal(result.stop, FR_STOP_TARGET);
  const uint64_t operations = result.operations;
  fr_train_result_release(&result);
  return operations;
}

static void transfer_reaches_the_target_in_fewer_operations(void **state) {
  (void)state;
  fr_net *source = new_source(), *scratch = toy_net(source_arch, 9);
  const fr_transfer_options options = fr_transfer_default_options();
  size_t first;
  fr_net *net = transfer(source, &options, TOY_CLASSES, &first);
  const uint64_t transferred = operations_to_target(net, first);
  const uint64_t from_scratch = operations_to_target(scratch, 0);
  assert_true(2 * transferred < from_scratch);
  fr_net_free(net);
  fr_net_free(scratch);
  fr_net_free(source);
}

static void assert_refused(const fr_net *source, fr_transfer_options options,
                           const char *word) {
  fr_net *net = NULL;
  size_t first = 42;
  fr_error err = {.text = ""};
  assert_true(fr_transfer_new(source, &options, NEW_CLASSES, 1, &net, &first, &err) < 0);
  if (strstr(err.text, word) == NULL)
    print_error("'%s' does not say '%s'\n", err.text, word);
  assert_non_null(strstr(err.text, word));
  assert_null(net);
  assert_int_equal(first, 42);
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  fr_net *source = toy_net(source_arch, 5);
  const fr_transfer_options good = fr_transfer_default_options();
  fr_transfer_options bad = good;
  bad.freeze = LAYERS;
  assert_refused(source, bad, "only 3 are kept");
  bad.freeze = 1;
  assert_refused(source, bad, "above 0");
  bad.refine = NAN;
  assert_refused(source, bad, "above 0");
  bad.freeze = SIZE_MAX;
  bad.refine = 0.1f;
  assert_refused(source, bad, "frozen");
  bad = good;
  bad.head = "dense(4)";
  assert_refused(source, bad, "3 classes");
  bad.head = "dense(";
  assert_refused(source, bad, "'dense(12) bn relu dense(': ");
  bad.head = "";
  assert_refused(source, bad, "3 classes");
  bad.kind = FR_TRANSFER_APPEND;
  assert_refused(source, bad, "3 classes");
  bad = good;
  bad.cut = LAYERS + 1;
  assert_refused(source, bad, "5 layers cannot be kept of a network of 4");
  bad.cut = 2;
  bad.kind = FR_TRANSFER_APPEND;
  assert_refused(source, bad, "cannot be cut");
  bad = good;
  bad.decay = 0.5f;
  assert_refused(source, bad, "a decay of 0.5 means nothing");
  bad.freeze = 0;
  bad.refine = 0.1f;
  bad.decay = 1.5f;
  assert_refused(source, bad, "a decay of 1.5");
  bad = good;
  bad.unfreeze = 2;
  assert_refused(source, bad, "above 0");
  bad.freeze = KEPT_REPLACE;
  assert_refused(source, bad, "frozen");
  fr_net_free(source);

  fr_net *without = toy_net("tanh", 5);
  assert_refused(without, good, "no dense layer");
  fr_net_free(without);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(append_keeps_the_whole_network),
      cmocka_unit_test(replace_cuts_the_last_dense_layer_and_what_follows),
      cmocka_unit_test(a_head_of_ones_own_is_taken),
      cmocka_unit_test(rates_fall_from_layer_to_layer),
      cmocka_unit_test(a_cut_keeps_that_many_layers),
      cmocka_unit_test(from_scratch_nothing_is_kept),
      cmocka_unit_test(it_thaws_when_it_is_asked_to),
      cmocka_unit_test(frozen_layers_stay_and_refined_ones_move),
      cmocka_unit_test(transfer_reaches_the_target_in_fewer_operations),
      cmocka_unit_test(what_makes_no_sense_is_refused),
  };
  return cmocka_run_group_tests_name("adapt/transfer", tests, NULL, NULL);
}
