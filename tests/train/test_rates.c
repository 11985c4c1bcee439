/* SPDX-License-Identifier: Apache-2.0 */
/* The learning rate of each step, as its schedule says. */
#include "toy.h"

enum { EPOCHS = 4, STEPS = 5 }; /* of 30 samples each */

static fr_train_result run(fr_schedule schedule, const fr_observer *observer,
                           size_t threads) {
  static toy a;
  const fr_samples train = toy_samples(&a, 1);
  fr_net *net = toy_net("dense(classes)", 5);
  fr_train_options options = fr_train_default_options();
  options.epochs = EPOCHS;
  options.batch = TOY_COUNT / STEPS;
  options.optimizer.kind = FR_OPTIMIZER_SGD;
  options.optimizer.momentum = 0;
  options.optimizer.weight_decay = 0;
  options.optimizer.learning_rate = 0.5f;
  options.schedule = schedule;
  options.threads = threads;
  fr_train_result result;
  fr_error err = {.text = ""};
  fr_train(net, &train, NULL, &options, observer, NULL, &result, &err);
  assert_string_equal(err.text, "");
  fr_net_free(net);
  return result;
}

static void assert_rates(fr_schedule schedule, const double expected[EPOCHS]) {
  fr_train_result result = run(schedule, NULL, 0);
  for (size_t i = 0; i < EPOCHS; i++)
    assert_true(fabs(result.history[i].rate - expected[i]) < 1e-9);
  fr_train_result_release(&result);
}

/* By hand: the last of five steps in each of four epochs, 0.5 times the factor. */
static void each_epoch_ends_at_its_rate(void **state) {
  (void)state;
  assert_rates((fr_schedule){.kind = FR_SCHEDULE_CONSTANT},
               (const double[]){0.5, 0.5, 0.5, 0.5});
  assert_rates((fr_schedule){.kind = FR_SCHEDULE_STEP, .factor = 0.1, .every = 2},
               (const double[]){0.5, 0.5, 0.05, 0.05});
  assert_rates((fr_schedule){.kind = FR_SCHEDULE_EXPONENTIAL, .factor = 0.5},
               (const double[]){0.5, 0.25, 0.125, 0.0625});
  /* 10 of 20 steps rise to 1: the fifth is 5/10 */
  assert_rates((fr_schedule){.kind = FR_SCHEDULE_CONSTANT, .warmup = 2},
               (const double[]){0.25, 0.5, 0.5, 0.5});
}

/* What the last step of an epoch does is to be seen before and after it. */
typedef struct seen {
  size_t calls, step;
  const fr_net *net;
  float weight[4], gradient[4];
} seen;

static void inspect(void *self, const fr_net *net, size_t step) {
  seen *s = self;
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  assert_int_equal(tensor[0].count, 4);
  memcpy(s->weight, tensor[0].value, sizeof s->weight);
  memcpy(s->gradient, tensor[0].gradient, sizeof s->gradient);
  s->net = net;
  s->step = step;
  s->calls++;
}

static void epoch_done(void *self, const fr_epoch *epoch) {
  const seen *s = self;
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(s->net, &count);
  assert_int_equal(s->calls, epoch->epoch);
  assert_int_equal(s->step, epoch->step);
  for (size_t k = 0; k < 4; k++) {
    assert_true(s->gradient[k] != 0);
    const double to = (double)s->weight[k] - epoch->rate * (double)s->gradient[k];
    assert_true(fabs((double)tensor[0].value[k] - to) < 1e-6);
  }
}

static void the_last_step_of_an_epoch_is_shown(void **state) {
  (void)state;
  seen s = {0};
  const fr_observer observer = {.self = &s, .inspect = inspect, .epoch_done = epoch_done};
  fr_train_result result =
      run((fr_schedule){.kind = FR_SCHEDULE_EXPONENTIAL, .factor = 0.5}, &observer, 0);
  assert_int_equal(s.calls, EPOCHS);
  fr_train_result_release(&result);
}

static void threads_change_nothing(void **state) {
  (void)state;
  fr_train_result one = run((fr_schedule){0}, NULL, 1),
                  two = run((fr_schedule){0}, NULL, 2);
  for (size_t i = 0; i < EPOCHS; i++)
    assert_true(one.history[i].train_loss == two.history[i].train_loss);
  fr_train_result_release(&one);
  fr_train_result_release(&two);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_epoch_ends_at_its_rate),
      cmocka_unit_test(the_last_step_of_an_epoch_is_shown),
      cmocka_unit_test(threads_change_nothing),
  };
  return cmocka_run_group_tests_name("train/rates", tests, NULL, NULL);
}
