/* SPDX-License-Identifier: Apache-2.0 */
/* Memory runs out at each allocation of a run in turn: that is a sentence, and no more
 * (the linker wraps malloc and its kin: see meson.build). */
#include "checkpointed.h"

enum { ALWAYS = -1, TRIES = 200 };

static int left = ALWAYS; /* allocations that still succeed */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool may_allocate(void) {
  if (left > 0)
    left--;
  return left != 0;
}

void *__wrap_malloc(size_t size) { return may_allocate() ? __real_malloc(size) : NULL; }

void *__wrap_calloc(size_t count, size_t size) {
  return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size) {
  return may_allocate() ? __real_realloc(old, size) : NULL;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return may_allocate() ? __real_aligned_alloc(alignment, size) : NULL;
}

static size_t resumed_from;

/* Ends with a budget after the sixth step. */
static bool six_steps(void *self, const fr_epoch *epoch) {
  (void)self;
  return epoch->step < 6;
}

static enum fr_status run_trial(const trial *t, int allowed) {
  static toy a, b;
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  const fr_budget budget = {.may_go_on = six_steps};
  fr_net *net = toy_net(t->arch, 5), *before = toy_net(t->arch, 5);
  fr_train_options options = t->options;
  options.checkpoint = t->checkpoint.folder != NULL ? &t->checkpoint : NULL;
  options.teacher = t->teacher != NULL ? toy_net(t->teacher, 7) : NULL;
  fr_train_result result = {0};
  fr_error err = {.text = ""};
  left = allowed;
  const enum fr_status status =
      fr_train(net, &train, &validate, &options, NULL, &budget, &result, &err);
  left = ALWAYS;
  resumed_from = result.resumed_from;
  if (status != FR_OK) {
    assert_int_equal(status, FR_ERR_MEMORY);
    assert_non_null(strstr(err.text, "out of memory"));
    assert_null(result.history);
    assert_true(toy_same_weights(net, before));
  }
  fr_train_result_release(&result);
  fr_net_free(options.teacher);
  fr_net_free(before);
  fr_net_free(net);
  return status;
}

/* Trains `net` with `allowed` allocations; the status, after looking at what must hold.
 */
static enum fr_status train_net(fr_net *net, const fr_train_options *options,
                                int allowed) {
  static toy a, b;
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  fr_train_result result = {0};
  fr_error err = {.text = ""};
  left = allowed;
  const enum fr_status status =
      fr_train(net, &train, &validate, options, NULL, NULL, &result, &err);
  left = ALWAYS;
  if (status != FR_OK) {
    assert_int_equal(status, FR_ERR_MEMORY);
    assert_non_null(strstr(err.text, "out of memory"));
    assert_null(result.history);
  }
  fr_train_result_release(&result);
  return status;
}

static enum fr_status train_with(int allowed) {
  fr_net *net = toy_net("dense(4) bn relu dense(classes)", 5);
  fr_net *before = toy_net("dense(4) bn relu dense(classes)", 5);
  fr_train_options options = fr_train_default_options();
  options.epochs = 2;
  options.first_trained = 1;
  const enum fr_status status = train_net(net, &options, allowed);
  if (status != FR_OK)
    assert_true(toy_same_weights(net, before));
  fr_net_free(net);
  fr_net_free(before);
  return status;
}

/* Layers thaw after the first epoch: what fails then leaves the best weights so far. */
static enum fr_status thaw_with(int allowed) {
  fr_net *net = toy_net("dense(4) bn relu dense(classes)", 5);
  fr_train_options options = fr_train_default_options();
  options.epochs = 2;
  options.accumulate = 2;
  options.batch = 16;
  options.first_trained = 3;
  options.unfreeze = 1;
  const enum fr_status status = train_net(net, &options, allowed);
  if (status != FR_OK)
    assert_true(fr_net_gradients_finite(net));
  fr_net_free(net);
  return status;
}

/* Without checkpoints, which are only warned about. */
static enum fr_status train_everything_with(int allowed) {
  trial t = trial_of_everything(NULL);
  t.teacher = "dense(9) tanh dense(classes)";
  t.options.loss.distill = 0.5f;
  return run_trial(&t, allowed);
}

static char *folder; /* with a checkpoint of the sixth step */

static enum fr_status resume_with(int allowed) {
  trial t = trial_of_everything(folder);
  const enum fr_status status = run_trial(&t, allowed);
  if (status == FR_OK)
    assert_int_equal(resumed_from, 6);
  return status;
}

static enum fr_status test_with(int allowed) {
  static toy a;
  const fr_samples samples = toy_samples(&a, 1);
  fr_net *net = toy_net("dense(4) bn relu dense(classes)", 5);
  fr_metrics metrics = {0};
  left = allowed;
  const enum fr_status status =
      fr_test(net, &samples, &(fr_loss_options){.kind = FR_LOSS_CROSS_ENTROPY}, 16, NULL,
              &metrics, NULL);
  left = ALWAYS;
  if (status != FR_OK)
    assert_int_equal(status, FR_ERR_MEMORY);
  assert_true((status == FR_OK) == (metrics.confusion != NULL));
  fr_metrics_release(&metrics);
  fr_net_free(net);
  return status;
}

/* allowed 1: the first allocation fails */
static void assert_every_failure_is_told(enum fr_status (*run)(int allowed),
                                         int at_least) {
  int allowed = 1;
  while (allowed < TRIES && run(allowed) != FR_OK)
    allowed++;
  assert_true(allowed > at_least);
  assert_true(allowed < TRIES);
}

static void training_survives_each_failure(void **state) {
  (void)state;
  assert_every_failure_is_told(train_with, 8);
}

static void thawing_survives_each_failure(void **state) {
  (void)state;
  assert_every_failure_is_told(thaw_with, 14);
}

static void everything_survives_each_failure(void **state) {
  (void)state;
  assert_every_failure_is_told(train_everything_with, 12);
}

static void taking_up_survives_each_failure(void **state) {
  (void)state;
  folder = test_folder_make();
  trial t = trial_of_everything(folder);
  assert_int_equal(run_trial(&t, ALWAYS), FR_OK);
  assert_every_failure_is_told(resume_with, 20);
  test_folder_remove(folder);
}

static void testing_survives_each_failure(void **state) {
  (void)state;
  assert_every_failure_is_told(test_with, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(training_survives_each_failure),
      cmocka_unit_test(thawing_survives_each_failure),
      cmocka_unit_test(everything_survives_each_failure),
      cmocka_unit_test(taking_up_survives_each_failure),
      cmocka_unit_test(testing_survives_each_failure),
  };
  return cmocka_run_group_tests_name("train/memory", tests, NULL, NULL);
}
