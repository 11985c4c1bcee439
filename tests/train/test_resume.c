/* SPDX-License-Identifier: Apache-2.0 */
/* A run that is killed at any moment and taken up again, as often as one likes, ends in
 * the bits of one that nobody disturbed (the linker wraps what writes files: see
 * meson.build). */
#include "checkpointed.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRIALS = 12, KILLS = 4, SEED = 4711 };

/* Moments are counted: the start of each phase, each step and epoch, and each call that
 * changes a file, before, amid and after it. */
static size_t moments;
static size_t last; /* the moment that kills; 0: none */

static bool is_last(void) { return ++moments == last; }

static void pass_moment(void) {
  if (is_last())
    (void)raise(SIGKILL);
}

ssize_t __real_write(int fd, const void *bytes, size_t size);
int __real_rename(const char *from, const char *to);
int __real_unlinkat(int directory, const char *name, int flags);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlinkat(int directory, const char *name, int flags);

ssize_t __wrap_write(int fd, const void *bytes, size_t size) {
  pass_moment();
  if (is_last()) { /* killed amid it */
    (void)__real_write(fd, bytes, size / 2);
    (void)raise(SIGKILL);
  }
  return __real_write(fd, bytes, size);
}

/* Without the disk: it is the process that dies here, not the machine. */
int __wrap_fsync(int fd) {
  (void)fd;
  pass_moment();
  return 0;
}

int __wrap_rename(const char *from, const char *to) {
  pass_moment();
  const int result = __real_rename(from, to);
  pass_moment();
  return result;
}

int __wrap_unlinkat(int directory, const char *name, int flags) {
  pass_moment();
  return __real_unlinkat(directory, name, flags);
}

static void on_phase(void *self, const char *name) {
  (void)self;
  (void)name;
  pass_moment();
}

static void on_step(void *self, size_t step, double loss) {
  (void)self;
  (void)step;
  (void)loss;
  pass_moment();
}

static void on_epoch(void *self, const fr_epoch *epoch) {
  (void)self;
  (void)epoch;
  pass_moment();
}

static const fr_observer observer = {
    .phase_begin = on_phase, .step_done = on_step, .epoch_done = on_epoch};

/* True where it was killed at moment `at` of its own. */
static bool run_child(const trial *t, size_t at) {
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    moments = 0;
    last = at;
    _exit(trial_run(t, &observer, NULL).status == FR_OK ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFEXITED(status))
    assert_int_equal(WEXITSTATUS(status), 0);
  else
    assert_int_equal(WTERMSIG(status), SIGKILL);
  return WIFSIGNALED(status);
}

static void clear_folder(const char *folder) {
  char command[600];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  assert_int_equal(system(command), 0);
}

/* Why the run ends. */
static enum fr_stop assert_survives(trial t) {
  char *folder = test_folder_make();
  fr__rng rng;
  fr__rng_init(&rng, SEED, 0);
  trial undisturbed = t;
  undisturbed.checkpoint.folder = NULL;
  outcome whole = trial_run(&undisturbed, NULL, NULL);
  t.checkpoint.folder = folder;
  moments = last = 0;
  outcome counted = trial_run(&t, &observer, NULL);
  const size_t all = moments;
  assert_same_outcome(&whole, &counted);
  outcome_release(&counted);
  size_t taken_up = 0, killed = 0;
  for (int i = 0; i < TRIALS; i++) {
    clear_folder(folder);
    const size_t kills = 1 + fr__rng_below(&rng, KILLS);
    for (size_t k = 0; k < kills; k++)
      killed += run_child(&t, 1 + fr__rng_below(&rng, all));
    outcome resumed = trial_run(&t, NULL, NULL);
    assert_same_outcome(&whole, &resumed);
    taken_up += resumed.result.resumed_from > 0;
    outcome_release(&resumed);
  }
  assert_true(killed > TRIALS / 2);
  assert_true(taken_up > TRIALS / 2);
  const enum fr_stop stop = whole.result.stop;
  outcome_release(&whole);
  test_folder_remove(folder);
  return stop;
}

static void with_dropout_bn_augmentation_balance_accumulation(void **state) {
  (void)state;
  assert_survives(trial_of_everything(NULL));
}

static void with_frozen_layers_and_a_teacher(void **state) {
  (void)state;
  trial t = trial_of_everything(NULL);
  t.arch = "dense(6) bn tanh dropout(0.1) dense(5) bn relu dense(classes)";
  t.teacher = "dense(9) tanh dense(classes)";
  t.options.loss.distill = 0.5f;
  t.options.loss.temperature = 2;
  t.options.first_trained = 3;
  t.options.augment = NULL;
  t.options.optimizer = fr_train_default_options().optimizer;
  assert_survives(t);
}

static void with_layers_that_thaw(void **state) {
  (void)state;
  trial t = trial_of_everything(NULL);
  t.arch = "dense(6) bn tanh dropout(0.1) dense(5) bn relu dense(classes)";
  t.options.epochs = 7;
  t.options.first_trained = 7;
  t.options.unfreeze = 2;
  t.options.augment = NULL;
  t.options.optimizer = fr_train_default_options().optimizer;
  assert_survives(t);
  t.options.precision = FR_TRAIN_BF16;
  t.options.threads = 2;
  assert_survives(t);
}

static void with_a_teacher_of_augmented_samples(void **state) {
  (void)state;
  trial t = trial_of_everything(NULL);
  t.teacher = "dense(9) tanh dense(classes)";
  t.options.loss.distill = 0.5f;
  t.options.accumulate = 0;
  t.options.optimizer.kind = FR_OPTIMIZER_RMSPROP;
  t.options.optimizer.momentum = 0.5f;
  t.options.optimizer.learning_rate = 0.005f;
  assert_survives(t);
}

static void with_checkpoints_after_epochs_only_and_no_validation(void **state) {
  (void)state;
  trial t = trial_of_everything(NULL);
  t.validated = false;
  t.checkpoint.every_s = (double)INFINITY;
  t.options.balanced = false;
  t.options.optimizer.kind = FR_OPTIMIZER_SGD;
  t.options.optimizer.momentum = 0;
  assert_survives(t);
}

static void with_an_early_end(void **state) {
  (void)state;
  trial t = trial_of_everything(NULL);
  t.options.epochs = 60;
  t.options.patience = 2;
  t.options.optimizer.learning_rate = 0.5f;
  assert_int_equal(assert_survives(t), FR_STOP_PATIENCE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(with_dropout_bn_augmentation_balance_accumulation),
      cmocka_unit_test(with_frozen_layers_and_a_teacher),
      cmocka_unit_test(with_layers_that_thaw),
      cmocka_unit_test(with_a_teacher_of_augmented_samples),
      cmocka_unit_test(with_checkpoints_after_epochs_only_and_no_validation),
      cmocka_unit_test(with_an_early_end),
  };
  return cmocka_run_group_tests_name("train/resume", tests, NULL, NULL);
}
