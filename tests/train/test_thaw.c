/* SPDX-License-Identifier: Apache-2.0 */
/* Gradual unfreezing: layers thaw from the head down, each learns as if it had just
 * begun, and the others go on. */
#include "checkpointed.h"

enum { EPOCHS = 6, EVERY = 2, HEAD = 4, MIDDLE = 2, WEIGHTS = 1024 };

static const char arch[] = "dense(6) tanh dense(5) tanh dense(classes)";

/* The weights of each layer after each epoch. */
typedef struct diary {
  const fr_net *net;
  float value[EPOCHS + 1][HEAD + 1][WEIGHTS]; /* the first: before training */
  size_t count[HEAD + 1];
  size_t epochs;
  size_t frozen; /* phases */
} diary;

static void write_down(diary *d, size_t epoch) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(d->net, &count);
  memset(d->count, 0, sizeof d->count);
  for (size_t i = 0; i < count; i++) {
    const size_t layer = tensor[i].layer;
    memcpy(d->value[epoch][layer] + d->count[layer], tensor[i].value,
           tensor[i].count * sizeof(float));
    d->count[layer] += tensor[i].count;
  }
  d->epochs = epoch;
}

static void on_epoch(void *self, const fr_epoch *epoch) {
  write_down(self, epoch->epoch);
}

static void on_phase(void *self, const char *name) {
  ((diary *)self)->frozen += strcmp(name, "frozen") == 0;
}

static fr_train_options gradual(void) {
  fr_train_options options = fr_train_default_options();
  options.epochs = EPOCHS;
  options.batch = TOY_COUNT; /* one step an epoch */
  options.patience = 0;
  options.first_trained = HEAD;
  options.unfreeze = EVERY;
  return options;
}

static bool moved(const diary *d, size_t layer, size_t epoch) {
  return memcmp(d->value[epoch - 1][layer], d->value[epoch][layer],
                d->count[layer] * sizeof(float)) != 0;
}

static fr_train_result train(const fr_train_options *options, diary *d) {
  static toy a;
  const fr_samples samples = toy_samples(&a, 1);
  fr_net *net = toy_net(arch, 5);
  const fr_observer observer = {
      .self = d, .epoch_done = on_epoch, .phase_begin = on_phase};
  fr_train_result result = {0};
  fr_error err = {.text = ""};
  *d = (diary){.net = net};
  write_down(d, 0);
  (void)fr_train(net, &samples, NULL, options, &observer, NULL, &result, &err);
  assert_string_equal(err.text, "");
  fr_net_free(net);
  return result;
}

static void layers_thaw_from_the_head_down(void **state) {
  (void)state;
  static diary d;
  const fr_train_options options = gradual();
  fr_train_result result = train(&options, &d);
  assert_int_equal(d.epochs, EPOCHS);
  for (size_t epoch = 1; epoch <= EPOCHS; epoch++) {
    assert_true(moved(&d, HEAD, epoch));
    assert_int_equal(moved(&d, MIDDLE, epoch), epoch > EVERY);
    assert_int_equal(moved(&d, 0, epoch), epoch > 2 * EVERY);
  }
  assert_int_equal(d.frozen, 2); /* before the first epoch, and after the first thaw */
  assert_int_equal(result.first_trained, 0);
  fr_train_result_release(&result);
}

static void none_thaws_below_the_floor(void **state) {
  (void)state;
  static diary d;
  fr_train_options options = gradual();
  options.unfreeze_to = 1;
  fr_train_result result = train(&options, &d);
  assert_true(moved(&d, MIDDLE, EPOCHS));
  for (size_t epoch = 1; epoch <= EPOCHS; epoch++)
    assert_false(moved(&d, 0, epoch));
  assert_int_equal(result.first_trained, MIDDLE);
  fr_train_result_release(&result);
}

/* Adam's first step moves each weight by the learning rate, whatever its gradient (Kingma
 * and Ba 2015, section 2.1): also that of a layer that begins later. Beyond the rounding
 * of the weights themselves. */
static void a_layer_that_thaws_begins_with_a_whole_first_step(void **state) {
  (void)state;
  static diary d;
  fr_train_options options = gradual();
  options.optimizer.kind = FR_OPTIMIZER_ADAM;
  options.optimizer.weight_decay = 0;
  options.optimizer.learning_rate = 0.001f;
  fr_train_result result = train(&options, &d);
  const size_t layers[] = {HEAD, MIDDLE, 0};
  for (size_t k = 0; k < 3; k++) {
    const size_t layer = layers[k], epoch = k * EVERY + 1;
    for (size_t i = 0; i < d.count[layer]; i++) {
      const float step = d.value[epoch][layer][i] - d.value[epoch - 1][layer][i];
      assert_float_equal(fabsf(step), 0.001f, 2e-5f);
    }
  }
  fr_train_result_release(&result);
}

/* Plain descent by the whole gradient has no memory: a gradual run is runs with other
 * depths one after another, but for the order in which an epoch adds its samples up. */
static void it_is_runs_of_other_depths_one_after_another(void **state) {
  (void)state;
  static diary d;
  static toy a;
  fr_train_options options = gradual();
  options.optimizer = fr_optimizer_usual_options(FR_OPTIMIZER_SGD);
  options.optimizer.momentum = 0;
  options.optimizer.learning_rate = 0.1f;
  fr_train_result result = train(&options, &d);
  fr_train_result_release(&result);
  fr_net *net = toy_net(arch, 5);
  const fr_samples samples = toy_samples(&a, 1);
  options.unfreeze = 0;
  options.epochs = EVERY;
  static diary apart;
  for (size_t k = 0; k < 3; k++) {
    options.first_trained = HEAD - k * EVERY;
    ASSERT_OK(fr_train(net, &samples, NULL, &options, NULL, NULL, &result, err));
    fr_train_result_release(&result);
  }
  apart.net = net;
  write_down(&apart, EPOCHS);
  for (size_t layer = 0; layer <= HEAD; layer++)
    for (size_t i = 0; i < d.count[layer]; i++)
      assert_float_equal(d.value[EPOCHS][layer][i], apart.value[EPOCHS][layer][i], 1e-5f);
  fr_net_free(net);
}

static void patience_begins_with_the_last_thaw(void **state) {
  (void)state;
  trial t = {.arch = arch, .validated = true, .options = gradual()};
  t.options.epochs = 60;
  t.options.unfreeze = 5;
  t.options.patience = 2;
  t.options.optimizer.learning_rate = 2; /* nothing gets better */
  outcome o = trial_run(&t, NULL, NULL);
  assert_int_equal(o.status, FR_OK);
  assert_int_equal(o.result.stop, FR_STOP_PATIENCE);
  assert_true(o.result.epochs >= 2 * 5 + 2);
  outcome_release(&o);
}

static void threads_do_not_change_it(void **state) {
  (void)state;
  trial t = {.arch = "dense(64) bn relu dropout(0.2) dense(32) relu dense(classes)",
             .validated = true,
             .options = gradual()};
  t.options.first_trained = 6;
  t.options.batch = 32;
  t.options.accumulate = 2;
  outcome one = trial_run(&t, NULL, NULL);
  t.options.threads = 3;
  outcome three = trial_run(&t, NULL, NULL);
  assert_same_outcome(&one, &three);
  outcome_release(&one);
  outcome_release(&three);
}

static void what_cannot_thaw_is_refused(void **state) {
  (void)state;
  trial t = {.arch = arch, .options = gradual()};
  t.options.unfreeze_to = HEAD;
  outcome o = trial_run(&t, NULL, NULL);
  assert_int_equal(o.status, FR_ERR_ARGUMENT);
  assert_non_null(strstr(o.err.text, "nothing is frozen that could thaw"));
  outcome_release(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layers_thaw_from_the_head_down),
      cmocka_unit_test(none_thaws_below_the_floor),
      cmocka_unit_test(a_layer_that_thaws_begins_with_a_whole_first_step),
      cmocka_unit_test(it_is_runs_of_other_depths_one_after_another),
      cmocka_unit_test(patience_begins_with_the_last_thaw),
      cmocka_unit_test(threads_do_not_change_it),
      cmocka_unit_test(what_cannot_thaw_is_refused),
  };
  return cmocka_run_group_tests_name("train/thaw", tests, NULL, NULL);
}
