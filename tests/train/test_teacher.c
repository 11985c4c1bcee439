/* SPDX-License-Identifier: Apache-2.0 */
/* A network learns from another's logits. */
#include "toy.h"

static size_t lessons;

static void phase_begin(void *self, const char *name) {
  (void)self;
  lessons += strcmp(name, "teacher") == 0;
}

static const fr_observer observer = {.phase_begin = phase_begin};

static fr_train_options distilling(fr_net *teacher) {
  fr_train_options options = fr_train_default_options();
  options.epochs = 30;
  options.batch = 16;
  options.optimizer.learning_rate = 0.01f;
  options.loss.distill = 1;
  options.loss.temperature = 2;
  options.teacher = teacher;
  return options;
}

static fr_net *learned(const fr_samples *train, const fr_train_options *options) {
  fr_net *net = toy_net("dense(16) relu dense(classes)", 6);
  fr_train_result result;
  fr_error err = {.text = ""};
  lessons = 0;
  fr_train(net, train, NULL, options, &observer, NULL, &result, &err);
  assert_string_equal(err.text, "");
  fr_train_result_release(&result);
  return net;
}

static double accuracy(fr_net *net, const fr_samples *samples) {
  fr_metrics metrics;
  assert_int_equal(fr_test(net, samples, &(fr_loss_options){0}, 50, NULL, &metrics, NULL),
                   FR_OK);
  const double share = metrics.accuracy;
  fr_metrics_release(&metrics);
  return share;
}

static fr_net *good_teacher(const fr_samples *train) {
  fr_train_options options = distilling(NULL);
  options.loss = (fr_loss_options){.kind = FR_LOSS_CROSS_ENTROPY};
  return learned(train, &options);
}

/* Every label is false, and with a share of 1 nobody looks at it. */
static void only_the_teacher_counts_where_its_share_is_all(void **state) {
  (void)state;
  static toy a, b;
  const fr_samples train = toy_samples(&a, 1), test = toy_samples(&b, 2);
  fr_net *teacher = good_teacher(&train), *before = good_teacher(&train);
  assert_true(accuracy(teacher, &test) > 0.95);
  for (size_t i = 0; i < TOY_COUNT; i++)
    a.label[i] = 1 - a.label[i];
  const fr_train_options options = distilling(teacher);
  fr_net *net = learned(&train, &options);
  assert_int_equal(lessons, 1); /* once, for all samples */
  assert_true(accuracy(net, &test) > 0.95);
  assert_true(toy_same_weights(teacher, before));
  fr_net_free(net);
  fr_net_free(teacher);
  fr_net_free(before);
}

/* Noise too small to change a float makes no difference, though every batch is asked
 * anew. */
static void logits_of_augmented_samples_come_batch_by_batch(void **state) {
  (void)state;
  static toy a;
  const fr_samples train = toy_samples(&a, 1);
  const fr_augment none = {.count = 1, .item = {{FR_AUGMENT_JITTER, {1e-30f}}}};
  const fr_augment much = {.count = 1, .item = {{FR_AUGMENT_JITTER, {0.5f}}}};
  fr_net *teacher = good_teacher(&train);
  fr_train_options options = distilling(teacher);
  options.epochs = 2;
  fr_net *once = learned(&train, &options);
  options.augment = &none;
  fr_net *batches = learned(&train, &options);
  assert_int_equal(lessons, 20);
  assert_true(toy_same_weights(once, batches));
  options.augment = &much;
  fr_net *changed = learned(&train, &options);
  assert_false(toy_same_weights(once, changed));
  fr_net_free(once);
  fr_net_free(batches);
  fr_net_free(changed);
  fr_net_free(teacher);
}

static void assert_refused(const fr_train_options *options, fr_net *net,
                           const char *word) {
  static toy a;
  const fr_samples train = toy_samples(&a, 1);
  fr_train_result result;
  fr_error err = {.text = ""};
  assert_int_equal(fr_train(net, &train, NULL, options, NULL, NULL, &result, &err),
                   FR_ERR_ARGUMENT);
  if (strstr(err.text, word) == NULL)
    fail_msg("no '%s' in: %s", word, err.text);
}

static void what_cannot_teach_is_refused(void **state) {
  (void)state;
  fr_net *net = toy_net("dense(classes)", 5), *other = NULL;
  fr_train_options options = distilling(NULL);
  assert_refused(&options, net, "no teacher");
  options.teacher = net;
  assert_refused(&options, net, "its own teacher");
  assert_int_equal(fr_net_new("dense(classes)", (fr_shape){1, 2}, 3, &other, NULL),
                   FR_OK);
  options.teacher = other;
  assert_refused(&options, net, "a teacher from (1, 2) to 3 classes cannot teach");
  options.loss.distill = 0;
  assert_refused(&options, net, "does nothing");
  fr_net_free(net);
  fr_net_free(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_the_teacher_counts_where_its_share_is_all),
      cmocka_unit_test(logits_of_augmented_samples_come_batch_by_batch),
      cmocka_unit_test(what_cannot_teach_is_refused),
  };
  return cmocka_run_group_tests_name("train/teacher", tests, NULL, NULL);
}
