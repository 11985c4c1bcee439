/* SPDX-License-Identifier: Apache-2.0 */
/* What the outside is told: phases, steps, progress, counted operations; and that no step
 * allocates (the linker wraps malloc and its kin: see meson.build). */
#include "../allocations.h"
#include "checkpointed.h"

enum { DEPTH = 4, NAMES = 32, PATH = 64 };

typedef struct journal {
  char path[DEPTH][PATH]; /* of the phases open now */
  size_t depth;
  char seen[NAMES][PATH];
  size_t count[NAMES], names;
  size_t steps, epochs;
  double progress;
  size_t allocations; /* before the first step, and while checkpoints were written */
  size_t before;      /* the checkpoint that is being written */
} journal;

static void phase_begin(void *self, const char *name) {
  journal *l = self;
  char path[PATH];
  assert_true(l->depth < DEPTH);
  snprintf(path, sizeof path, "%.30s%s%.30s", l->depth == 0 ? "" : l->path[l->depth - 1],
           l->depth == 0 ? "" : "/", name);
  memcpy(l->path[l->depth++], path, sizeof path);
  size_t i = 0;
  while (i < l->names && strcmp(l->seen[i], path) != 0)
    i++;
  if (i == l->names) {
    assert_true(l->names < NAMES);
    memcpy(l->seen[l->names++], path, sizeof path);
  }
  l->count[i]++;
  if (strcmp(name, "checkpoint") == 0)
    l->before = allocations;
}

static void phase_end(void *self) {
  journal *l = self;
  assert_true(l->depth > 0);
  l->depth--;
  if (strcmp(l->path[l->depth], "train/checkpoint") == 0)
    l->allocations += allocations - l->before;
}

static void step_done(void *self, size_t step, double loss) {
  journal *l = self;
  if (l->steps++ == 0)
    l->allocations = allocations;
  assert_int_equal(step, l->steps);
  assert_int_equal(allocations, l->allocations);
  assert_true(isfinite(loss));
}

static void epoch_done(void *self, const fr_epoch *epoch) {
  journal *l = self;
  assert_int_equal(epoch->epoch, ++l->epochs);
  assert_int_equal(epoch->step, l->steps);
  assert_int_equal(l->depth, 0);
  assert_int_equal(allocations, l->allocations);
}

static void progress(void *self, const char *what, double done) {
  journal *l = self;
  assert_non_null(what);
  assert_true(done >= l->progress && done <= 1);
  l->progress = done;
}

static size_t count_of(const journal *l, const char *path) {
  for (size_t i = 0; i < l->names; i++)
    if (strcmp(l->seen[i], path) == 0)
      return l->count[i];
  return 0;
}

static fr_observer observe(journal *l) {
  return (fr_observer){.self = l,
                       .phase_begin = phase_begin,
                       .phase_end = phase_end,
                       .step_done = step_done,
                       .epoch_done = epoch_done,
                       .progress = progress};
}

static void training_tells_what_it_does(void **state) {
  (void)state;
  static toy a, b;
  static journal l;
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  fr_net *net = toy_net("dense(8) relu dense(8) relu dense(classes)", 5);
  fr_train_options options = fr_train_default_options();
  options.epochs = 3;
  options.first_trained = 2;
  const fr_observer observer = observe(&l);
  fr_train_result result;
  assert_int_equal(
      fr_train(net, &train, &validate, &options, &observer, NULL, &result, NULL), FR_OK);
  assert_int_equal(l.depth, 0);
  assert_int_equal(l.steps, 9); /* 64 + 64 + 22, three times */
  assert_int_equal(l.epochs, 3);
  assert_true(l.progress == 1);
  assert_int_equal(count_of(&l, "train"), 4); /* the frozen layers, then the epochs */
  assert_int_equal(count_of(&l, "train/frozen"), 2);
  assert_int_equal(count_of(&l, "train/gather"), 9);
  assert_int_equal(count_of(&l, "train/forward"), 9);
  assert_int_equal(count_of(&l, "train/backward"), 9);
  assert_int_equal(count_of(&l, "train/update"), 9);
  assert_int_equal(count_of(&l, "validate"), 3);
  assert_int_equal(l.names, 7);
  fr_train_result_release(&result);
  fr_net_free(net);
}

static void no_step_allocates_with_everything_on(void **state) {
  (void)state;
  static journal l;
  char *folder = test_folder_make();
  trial t = trial_of_everything(folder);
  t.teacher = "dense(9) tanh dense(classes)";
  t.options.loss.distill = 0.5f;
  t.options.optimizer.clip_norm = 1;
  t.options.threads = 2;
  l = (journal){0};
  const fr_observer observer = observe(&l);
  outcome o = trial_run(&t, &observer, NULL);
  assert_int_equal(o.status, FR_OK);
  assert_int_equal(l.depth, 0);
  assert_int_equal(l.steps, 25);
  assert_int_equal(count_of(&l, "train/checkpoint"), 25);
  assert_int_equal(count_of(&l, "train/augment"), 50); /* ten batches of 16 an epoch */
  assert_int_equal(count_of(&l, "train/teacher"), 50);
  assert_true(allocations > l.before); /* they are counted at all */
  outcome_release(&o);
  test_folder_remove(folder);
}

static void a_test_is_one_phase(void **state) {
  (void)state;
  static toy a;
  static journal l;
  const fr_samples samples = toy_samples(&a, 1);
  fr_net *net = toy_net("dense(classes)", 5);
  const fr_observer observer = observe(&l);
  fr_metrics metrics;
  assert_int_equal(fr_test(net, &samples,
                           &(fr_loss_options){.kind = FR_LOSS_CROSS_ENTROPY}, 16,
                           &observer, &metrics, NULL),
                   FR_OK);
  assert_int_equal(count_of(&l, "test"), 1);
  assert_int_equal(l.names, 1);
  assert_true(l.progress == 1);
  fr_metrics_release(&metrics);
  fr_net_free(net);
}

static void an_empty_observer_is_as_good_as_none(void **state) {
  (void)state;
  static toy a;
  const fr_samples train = toy_samples(&a, 1);
  fr_net *net = toy_net("dense(classes)", 5);
  const fr_train_options options = fr_train_default_options();
  const fr_observer observer = {0};
  const fr_budget budget = {0};
  fr_train_result result;
  assert_int_equal(
      fr_train(net, &train, NULL, &options, &observer, &budget, &result, NULL), FR_OK);
  fr_train_result_release(&result);
  fr_net_free(net);
}

/* With a teacher 2 -> 3 -> 2, and two batches a step, where they are asked for. */
static uint64_t operations_of(size_t first, size_t epochs, bool teacher, bool two) {
  static toy a, b;
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  fr_net *net = toy_net("dense(10) relu dense(classes)", 5);
  fr_train_options options = fr_train_default_options();
  options.optimizer.weight_decay = 0;
  options.epochs = epochs;
  options.first_trained = first;
  options.teacher = teacher ? toy_net("dense(3) relu dense(classes)", 5) : NULL;
  options.loss.distill = teacher ? 0.5f : 0;
  options.accumulate = two ? 2 : 0;
  fr_train_result result;
  assert_int_equal(fr_train(net, &train, &validate, &options, NULL, NULL, &result, NULL),
                   FR_OK);
  const uint64_t operations = result.operations;
  fr_train_result_release(&result);
  fr_net_free(options.teacher);
  fr_net_free(net);
  return operations;
}

/*
 * By hand, on 2 -> 10 -> 2: the layers take 40, 10 and 40 operations forward; backward 40
 * (no input gradient), 10 and 80; Adam 12 for each of 52 weights. 150 samples train in
 * three steps, 150 validate.
 */
static void operations_are_counted(void **state) {
  (void)state;
  const uint64_t epoch = 150 * (90 + 130) + 3 * 12 * 52 + 150 * 90;
  assert_int_equal(operations_of(0, 1, false, false), epoch);
  assert_int_equal(operations_of(0, 5, false, false), 5 * epoch);
  /* frozen 0 and 1: 50 a sample once; then 40 forward, 40 backward, 22 weights */
  const uint64_t head = 150 * (40 + 40) + 3 * 12 * 22 + 150 * 40;
  assert_int_equal(operations_of(2, 5, false, false), 300 * 50 + 5 * head);
  /* the teacher takes 12, 3 and 12 a training sample, once */
  assert_int_equal(operations_of(0, 5, true, false), 5 * epoch + 150 * 27);
  /* two updates instead of three; three batches of two operations a weight */
  const uint64_t added = epoch - 12 * 52 + 3 * 2 * 52;
  assert_int_equal(operations_of(0, 5, false, true), 5 * added);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(training_tells_what_it_does),
      cmocka_unit_test(no_step_allocates_with_everything_on),
      cmocka_unit_test(a_test_is_one_phase),
      cmocka_unit_test(an_empty_observer_is_as_good_as_none),
      cmocka_unit_test(operations_are_counted),
  };
  return cmocka_run_group_tests_name("train/observer", tests, NULL, NULL);
}
