/* SPDX-License-Identifier: Apache-2.0 */
/* Which samples an epoch takes. */
#include "toy.h"

#include "train/order.h"

enum { COUNT = 103, CLASSES = 5 };

/* 90 of class 0, 10 of class 2, 2 of class 3, 1 of class 4; none of class 1. */
static void make_labels(uint32_t label[COUNT]) {
  for (size_t i = 0; i < COUNT; i++)
    label[i] = i % 10 == 3 && i < 100 ? 2 : i == 50 || i == 60 ? 3 : i == 77 ? 4 : 0;
}

static void draw(fr__order *order, const uint32_t *label, uint64_t seed, size_t epoch) {
  fr_error err = {.text = ""};
  fr__order_init(order, COUNT, label, CLASSES, &err);
  assert_string_equal(err.text, "");
  fr__order_draw(order, seed, epoch);
}

static void each_sample_comes_once_an_epoch(void **state) {
  (void)state;
  fr__order order;
  size_t seen[COUNT] = {0};
  draw(&order, NULL, 1, 3);
  for (size_t i = 0; i < COUNT; i++)
    seen[order.sample[i]]++;
  for (size_t i = 0; i < COUNT; i++)
    assert_int_equal(seen[i], 1);
  fr__order_release(&order);
}

static void balanced_classes_come_equally_often(void **state) {
  (void)state;
  uint32_t label[COUNT];
  make_labels(label);
  for (size_t epoch = 1; epoch < 20; epoch++) {
    fr__order order;
    size_t seen[COUNT] = {0}, of[CLASSES] = {0}, least[CLASSES], most[CLASSES] = {0};
    draw(&order, label, 1, epoch);
    for (size_t i = 0; i < COUNT; i++)
      seen[order.sample[i]]++;
    for (size_t k = 0; k < CLASSES; k++)
      least[k] = SIZE_MAX;
    for (size_t i = 0; i < COUNT; i++) {
      const uint32_t k = label[i];
      of[k] += seen[i];
      least[k] = seen[i] < least[k] ? seen[i] : least[k];
      most[k] = seen[i] > most[k] ? seen[i] : most[k];
    }
    for (size_t k = 0; k < CLASSES; k++) {
      if (k == 1)
        continue;
      assert_true(of[k] == 25 || of[k] == 26); /* 103 / 4 */
      assert_true(most[k] - least[k] <= 1);
    }
    fr__order_release(&order);
  }
}

/* Not always the same class has the one more; not the same samples of class 0. */
static void what_is_left_over_is_drawn(void **state) {
  (void)state;
  uint32_t label[COUNT];
  make_labels(label);
  bool fewer[CLASSES] = {false}, seen[COUNT] = {false};
  for (size_t epoch = 1; epoch <= 40; epoch++) {
    fr__order order;
    size_t of[CLASSES] = {0};
    draw(&order, label, 1, epoch);
    for (size_t i = 0; i < COUNT; i++) {
      of[label[order.sample[i]]]++;
      seen[order.sample[i]] = true;
    }
    for (size_t k = 0; k < CLASSES; k++)
      fewer[k] = fewer[k] || of[k] == 25;
    fr__order_release(&order);
  }
  assert_true(fewer[0] && fewer[2] && fewer[3] && fewer[4]);
  for (size_t i = 0; i < COUNT; i++)
    assert_true(seen[i]);
}

static bool same(const fr__order *a, const fr__order *b) {
  return memcmp(a->sample, b->sample, COUNT * sizeof *a->sample) == 0;
}

static void it_depends_on_seed_and_epoch_alone(void **state) {
  (void)state;
  uint32_t label[COUNT];
  make_labels(label);
  for (int balanced = 0; balanced < 2; balanced++) {
    fr__order a, b;
    draw(&a, balanced ? label : NULL, 1, 7);
    draw(&b, balanced ? label : NULL, 1, 1);
    assert_false(same(&a, &b));
    fr__order_draw(&b, 1, 7); /* whatever came before */
    assert_true(same(&a, &b));
    fr__order_draw(&b, 2, 7);
    assert_false(same(&a, &b));
    fr__order_release(&a);
    fr__order_release(&b);
  }
}

/* One sample of the rare class in ten: without balance a line through the middle of
 * nowhere is good enough. */
static void a_rare_class_is_learned(void **state) {
  (void)state;
  static toy a, b;
  double recall[2];
  for (int balanced = 0; balanced < 2; balanced++) {
    fr_samples train = toy_samples(&a, 1);
    const fr_samples test = toy_samples(&b, 2);
    train.count = 84; /* 75 of class 0 to the front, and 9 of class 1 */
    for (size_t i = 0; i < 75; i++)
      a.x[i] = a.value[2 * i];
    for (size_t i = 75; i < 84; i++)
      a.x[i] = a.value[2 * (i - 75) + 1];
    for (size_t i = 0; i < 84; i++)
      a.label[i] = i >= 75;
    fr_net *net = toy_net("dense(classes)", 5);
    fr_train_options options = fr_train_default_options();
    options.balanced = balanced == 1;
    options.batch = 16;
    options.optimizer.learning_rate = 0.01f;
    fr_train_result result;
    fr_metrics metrics;
    assert_int_equal(fr_train(net, &train, NULL, &options, NULL, NULL, &result, NULL),
                     FR_OK);
    assert_int_equal(result.steps, 60 * 6); /* an epoch is as long */
    assert_int_equal(fr_test(net, &test, &options.loss, 64, NULL, &metrics, NULL), FR_OK);
    recall[balanced] = (double)metrics.confusion[3] / 75;
    fr_metrics_release(&metrics);
    fr_train_result_release(&result);
    fr_net_free(net);
  }
  assert_true(recall[1] > recall[0] + 0.15);
}

static void values_have_no_classes_to_balance(void **state) {
  (void)state;
  static toy a;
  static float value[TOY_COUNT * TOY_CLASSES];
  fr_samples train = toy_samples(&a, 1);
  train.label = NULL;
  train.values = TOY_CLASSES;
  train.value = value;
  fr_net *net = toy_net("dense(classes)", 5);
  fr_train_options options = fr_train_default_options();
  options.loss.kind = FR_LOSS_BINARY;
  options.balanced = true;
  fr_train_result result;
  fr_error err = {.text = ""};
  assert_int_equal(fr_train(net, &train, NULL, &options, NULL, NULL, &result, &err),
                   FR_ERR_ARGUMENT);
  assert_string_equal(err.text, "samples without labels have no classes to balance");
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_sample_comes_once_an_epoch),
      cmocka_unit_test(balanced_classes_come_equally_often),
      cmocka_unit_test(what_is_left_over_is_drawn),
      cmocka_unit_test(it_depends_on_seed_and_epoch_alone),
      cmocka_unit_test(a_rare_class_is_learned),
      cmocka_unit_test(values_have_no_classes_to_balance),
  };
  return cmocka_run_group_tests_name("train/sampling", tests, NULL, NULL);
}
