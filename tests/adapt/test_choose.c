/* SPDX-License-Identifier: Apache-2.0 */
/* How many layers stay frozen: as many as what was held back shows to be enough, the
 * cheapest first; once a run, however often that is taken up. */
#include "../train/checkpointed.h"

#include "frugal/adapt.h"

enum { KEPT = 4 }; /* layers of `arch` before its last */

static const char arch[] = "dense(16) tanh dense(8) tanh dense(classes)";

static toy a, b;
static bool held[TOY_COUNT];

/* A network that knows the crescents; with `blind` one whose first layer sees nothing. */
static fr_net *new_source(bool blind) {
  const fr_samples train = toy_samples(&a, 3);
  fr_net *net = toy_net(arch, 5);
  fr_train_options options = fr_train_default_options();
  options.optimizer.learning_rate = 0.02f;
  options.patience = 0;
  fr_train_result result;
  ASSERT_OK(fr_train(net, &train, NULL, &options, NULL, NULL, &result, err));
  fr_train_result_release(&result);
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; blind && i < count; i++)
    if (tensor[i].layer == 0)
      memset(tensor[i].value, 0, tensor[i].count * sizeof(float));
  return net;
}

typedef struct seen {
  size_t choices, trains;
} seen;

static void on_phase(void *self, const char *name) {
  seen *s = self;
  s->choices += strcmp(name, "choose") == 0;
  s->trains += strcmp(name, "train") == 0;
}

static double joules;

static double spend(void *self) {
  (void)self;
  return joules += 1;
}

static fr_transfer_options automatic(void) {
  fr_transfer_options transfer = fr_transfer_default_options();
  transfer.freeze = FR_FREEZE_AUTO;
  transfer.refine = 1;
  for (size_t i = 0; i < TOY_COUNT; i++)
    held[i] = i % 4 < 1;
  transfer.choice = (fr_transfer_choice){.held = held};
  return transfer;
}

static fr_train_options quick(void) {
  fr_train_options options = fr_train_default_options();
  options.epochs = 6;
  options.batch = 8;
  options.optimizer.learning_rate = 0.02f;
  return options;
}

static fr_transfer_result run(bool blind, const fr_transfer_options *transfer,
                              const fr_train_options *options, seen *s, fr_net **out) {
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  const fr_observer observer = {.self = s, .phase_begin = on_phase};
  fr_net *source = new_source(blind), *net = NULL;
  fr_transfer_result result = {0};
  *s = (seen){0};
  toy_samples(&a, 1); /* the source was trained on others */
  ASSERT_OK(fr_transfer_train(source, TOY_CLASSES, &train, &validate, options, transfer,
                              &observer, NULL, &net, &result, err));
  fr_net_free(source);
  if (out != NULL)
    *out = net;
  else
    fr_net_free(net);
  return result;
}

static void good_features_stay_frozen(void **state) {
  (void)state;
  seen s;
  const fr_transfer_options transfer = automatic();
  const fr_train_options options = quick();
  fr_transfer_result r = run(false, &transfer, &options, &s, NULL);
  assert_int_equal(r.kept, KEPT);
  assert_int_equal(r.frozen, KEPT);
  assert_int_equal(r.trained.first_trained, KEPT);
  assert_int_equal(s.choices, 1);
  assert_int_equal(r.samples, (TOY_COUNT + 3) / 4);
  assert_int_equal(r.depths, 3); /* the two below were no better */
  assert_int_equal(r.depth[0].freeze, KEPT);
  assert_int_equal(r.depth[1].freeze, 2);
  assert_true(r.depth[0].accuracy > 0.95);
  assert_true(r.depth[0].operations < r.depth[1].operations);
  assert_true(r.operations ==
              r.depth[0].operations + r.depth[1].operations + r.depth[2].operations);
  assert_true(r.depth[1].cost == (double)r.depth[1].operations);
  fr_transfer_result_release(&r);
}

/* Nothing above a layer that sees nothing can learn. */
static void blind_layers_are_trained(void **state) {
  (void)state;
  seen s;
  fr_transfer_options transfer = automatic();
  fr_train_options options = quick();
  fr_transfer_result r = run(true, &transfer, &options, &s, NULL);
  assert_int_equal(r.frozen, 0);
  assert_int_equal(r.depths, 3);
  for (size_t i = 0; i < r.depths && r.depth[i].freeze > 0; i++)
    assert_true(r.depth[i].accuracy < 0.7);
  fr_transfer_result_release(&r);
}

static void what_it_costs_is_asked(void **state) {
  (void)state;
  seen s;
  fr_transfer_options transfer = automatic();
  const fr_train_options options = quick();
  transfer.choice.spent = spend;
  joules = 0;
  fr_transfer_result r = run(false, &transfer, &options, &s, NULL);
  for (size_t i = 0; i < r.depths; i++)
    assert_true(r.depth[i].cost == 1); /* from one call to the next */
  assert_true(r.cost == 1 + 2 * (double)r.depths);
  fr_transfer_result_release(&r);
}

static void without_anybody_held_back_the_validation_side_shows_it(void **state) {
  (void)state;
  seen s;
  fr_transfer_options transfer = automatic();
  const fr_train_options options = quick();
  transfer.choice.held = NULL;
  fr_transfer_result r = run(false, &transfer, &options, &s, NULL);
  assert_int_equal(r.samples, TOY_COUNT);
  assert_int_equal(r.frozen, KEPT);
  fr_transfer_result_release(&r);
}

/* The choice changes nothing but the depth: the run is that of one who knew it. */
static void it_leaves_the_run_as_it_was(void **state) {
  (void)state;
  seen s;
  fr_net *chosen, *told;
  fr_transfer_options transfer = automatic();
  const fr_train_options options = quick();
  fr_transfer_result r = run(false, &transfer, &options, &s, &chosen);
  transfer.freeze = r.frozen;
  transfer.refine = 0;
  fr_transfer_result_release(&r);
  r = run(false, &transfer, &options, &s, &told);
  assert_int_equal(s.choices, 0);
  assert_int_equal(r.depths, 0);
  assert_true(toy_same_weights(chosen, told));
  fr_transfer_result_release(&r);
  fr_net_free(chosen);
  fr_net_free(told);
}

static void a_run_that_is_taken_up_does_not_choose_again(void **state) {
  (void)state;
  seen s;
  fr_net *first, *again;
  char *folder = test_folder_make();
  const fr_transfer_options transfer = automatic();
  const fr_checkpoint_options checkpoint = {.folder = folder, .resume = true};
  fr_train_options options = quick();
  options.checkpoint = &checkpoint;
  fr_transfer_result r = run(false, &transfer, &options, &s, &first);
  const size_t frozen = r.frozen;
  assert_int_equal(s.choices, 1);
  fr_transfer_result_release(&r);
  r = run(false, &transfer, &options, &s, &again);
  assert_int_equal(s.choices, 0);
  assert_int_equal(r.frozen, frozen);
  assert_true(toy_same_weights(first, again));
  fr_transfer_result_release(&r);
  fr_net_free(first);
  fr_net_free(again);
  test_folder_remove(folder);
}

static bool never(void *self, const fr_epoch *epoch) {
  (void)self;
  (void)epoch;
  return false;
}

static void a_budget_ends_it(void **state) {
  (void)state;
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  const fr_budget budget = {.may_go_on = never};
  const fr_transfer_options transfer = automatic();
  const fr_train_options options = quick();
  fr_net *source = new_source(false), *net = NULL;
  fr_transfer_result r = {0};
  ASSERT_OK(fr_transfer_train(source, TOY_CLASSES, &train, &validate, &options, &transfer,
                              NULL, &budget, &net, &r, err));
  assert_int_equal(r.depths, 0);
  assert_int_equal(r.frozen, KEPT);
  assert_int_equal(r.trained.stop, FR_STOP_BUDGET);
  fr_transfer_result_release(&r);
  fr_net_free(net);
  fr_net_free(source);
}

static void assert_refused(const fr_transfer_options *transfer,
                           const fr_samples *validate, const char *why) {
  const fr_samples train = toy_samples(&a, 1);
  const fr_train_options options = quick();
  fr_net *source = toy_net(arch, 5), *net = NULL;
  fr_transfer_result r = {0};
  fr_error err = {.text = ""};
  assert_int_equal(fr_transfer_train(source, TOY_CLASSES, &train, validate, &options,
                                     transfer, NULL, NULL, &net, &r, &err),
                   FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, why));
  assert_null(net);
  fr_net_free(source);
}

static void what_cannot_be_chosen_is_refused(void **state) {
  (void)state;
  const fr_samples validate = toy_samples(&b, 2);
  fr_transfer_options transfer = automatic();
  transfer.unfreeze = 2;
  assert_refused(&transfer, &validate, "exclude each other");
  transfer = automatic();
  transfer.refine = 0;
  assert_refused(&transfer, &validate, "needs a refining rate");
  transfer = automatic();
  transfer.choice.held = NULL;
  assert_refused(&transfer, NULL, "without a validation side");
  transfer = automatic();
  memset(held, 0, sizeof held);
  assert_refused(&transfer, &validate, "0 are held back");
  memset(held, 1, sizeof held);
  assert_refused(&transfer, &validate, "nothing is left");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_features_stay_frozen),
      cmocka_unit_test(blind_layers_are_trained),
      cmocka_unit_test(what_it_costs_is_asked),
      cmocka_unit_test(without_anybody_held_back_the_validation_side_shows_it),
      cmocka_unit_test(it_leaves_the_run_as_it_was),
      cmocka_unit_test(a_run_that_is_taken_up_does_not_choose_again),
      cmocka_unit_test(a_budget_ends_it),
      cmocka_unit_test(what_cannot_be_chosen_is_refused),
  };
  return cmocka_run_group_tests_name("adapt/choose", tests, NULL, NULL);
}
