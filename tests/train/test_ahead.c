/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that another thread prepares change no bit. */
#include "toy.h"

#include <sched.h>

#include "../test.h"

/* 32 samples of 1,024 numbers are enough for the thread to be started. */
enum { COUNT = 150, STEPS = 64, CHANNELS = 16, CLASSES = 3, WIDTH = STEPS * CHANNELS };

typedef struct wide {
  float value[COUNT][WIDTH];
  const float *x[COUNT];
  uint32_t label[COUNT], length[COUNT];
} wide;

static fr_samples wide_samples(wide *w, uint64_t seed, bool shorter) {
  fr__rng rng;
  fr__rng_init(&rng, seed, 98);
  for (size_t i = 0; i < COUNT; i++) {
    w->label[i] = (uint32_t)(i * i % CLASSES);
    w->length[i] = shorter ? (uint32_t)(STEPS - i % 9) : STEPS;
    w->x[i] = w->value[i];
    for (size_t k = 0; k < WIDTH; k++)
      w->value[i][k] = k >= w->length[i] * CHANNELS
                           ? 0
                           : (float)(fr__rng_normal(&rng) + 0.1 * w->label[i]);
  }
  return (fr_samples){.count = COUNT,
                      .steps = STEPS,
                      .channels = CHANNELS,
                      .x = w->x,
                      .label = w->label,
                      .length = shorter ? w->length : NULL};
}

static fr_net *wide_net(const char *arch) {
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new(arch, (fr_shape){STEPS, CHANNELS}, CLASSES, &net, err));
  fr_net_init(net, 3, 0);
  return net;
}

/* How often samples were changed on the training thread. */
static void count_augment(void *self, const char *name) {
  *(size_t *)self += strcmp(name, "augment") == 0;
}

static fr_train_options wide_options(void) {
  static const fr_augment augment = {
      .count = 2, .item = {{FR_AUGMENT_SCALE, {0.1f}}, {FR_AUGMENT_JITTER, {0.1f}}}};
  fr_train_options options = fr_train_default_options();
  options.epochs = 3;
  options.patience = 0;
  options.batch = 32;
  options.augment = &augment;
  return options;
}

static bool has_two_processors(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
}

typedef struct seen {
  fr_net *net;
  fr_train_result result;
  size_t augmented;
} seen;

static seen run(fr_train_options options, bool ahead, bool shorter,
                const fr_budget *budget) {
  static wide a, b;
  const fr_samples train = wide_samples(&a, 1, shorter);
  const fr_samples validate = wide_samples(&b, 2, shorter);
  seen s = {.net = wide_net(shorter ? "lstm(6) dense(classes)"
                                    : "dense(6) relu dropout(0.2) dense(classes)")};
  const fr_observer observer = {.self = &s.augmented, .phase_begin = count_augment};
  options.ahead = ahead;
  ASSERT_OK(
      fr_train(s.net, &train, &validate, &options, &observer, budget, &s.result, err));
  return s;
}

static void seen_release(seen *s) {
  fr_train_result_release(&s->result);
  fr_net_free(s->net);
}

static void assert_no_bit_changes(fr_train_options options, bool shorter,
                                  const fr_budget *budget) {
  seen plain = run(options, false, shorter, budget);
  seen ahead = run(options, true, shorter, budget);
  assert_true(toy_same_weights(plain.net, ahead.net));
  assert_int_equal(plain.result.steps, ahead.result.steps);
  assert_true(plain.result.operations == ahead.result.operations);
  for (size_t i = 0; i < plain.result.epochs; i++)
    assert_memory_equal(&plain.result.history[i].train_loss,
                        &ahead.result.history[i].train_loss, sizeof(double));
  if (has_two_processors())
    assert_true(ahead.augmented < plain.augmented);
  seen_release(&plain);
  seen_release(&ahead);
}

static void no_bit_changes(void **state) {
  (void)state;
  assert_no_bit_changes(wide_options(), false, NULL);
}

static void nor_with_all_that_a_batch_has(void **state) {
  (void)state;
  fr_train_options options = wide_options();
  options.balanced = true;
  options.accumulate = 2;
  assert_no_bit_changes(options, true, NULL);
  options = wide_options();
  options.loss.distill = 0.5f;
  options.teacher = wide_net("dense(classes)");
  assert_no_bit_changes(options, false, NULL);
  fr_net_free(options.teacher);
}

static void nor_with_all_that_changes_a_sample(void **state) {
  (void)state;
  fr_augment augment;
  ASSERT_OK(fr_augment_parse("scale(0.1) permute(4) timewarp(0.2) mixup(0.3) crop(0.8) "
                             "magwarp(0.1) dropchannel(0.2) jitter(0.1)",
                             &augment, err));
  fr_train_options options = wide_options();
  options.augment = &augment;
  options.accumulate = 2;
  assert_no_bit_changes(options, true, NULL);
  options.balanced = true;
  assert_no_bit_changes(options, false, NULL);
}

static bool seven_steps(void *self, const fr_epoch *epoch) {
  (void)self;
  return epoch->step < 7;
}

static void a_run_may_end_amid_an_epoch(void **state) {
  (void)state;
  const fr_budget budget = {.may_go_on = seven_steps};
  assert_no_bit_changes(wide_options(), false, &budget);
}

static void a_trial_may_end_amid_an_epoch(void **state) {
  (void)state;
  fr_train_options options = wide_options();
  options.epochs = 64;
  options.precision = FR_TRAIN_AUTO;
  assert_no_bit_changes(options, false, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_bit_changes),
      cmocka_unit_test(nor_with_all_that_a_batch_has),
      cmocka_unit_test(nor_with_all_that_changes_a_sample),
      cmocka_unit_test(a_run_may_end_amid_an_epoch),
      cmocka_unit_test(a_trial_may_end_amid_an_epoch),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
