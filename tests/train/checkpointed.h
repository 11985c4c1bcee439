/* SPDX-License-Identifier: Apache-2.0 */
/* Runs with everything on that a checkpoint has to keep, and their comparison. */
#ifndef TESTS_TRAIN_CHECKPOINTED_H
#define TESTS_TRAIN_CHECKPOINTED_H

#include "toy.h"

#include "../test.h"

#define EVERY_STEP 1e-9 /* seconds */

/* A run that can be repeated: its own network, its own samples. */
typedef struct trial {
  const char *arch;
  bool validated;
  fr_train_options options;
  fr_checkpoint_options checkpoint;
  const char *teacher; /* NULL: none */
} trial;

typedef struct outcome {
  enum fr_status status;
  fr_error err;
  fr_net *net;
  fr_train_result result;
} outcome;

static inline trial trial_of_everything(const char *folder) {
  static const fr_augment jitter = {.count = 3,
                                    .item = {{FR_AUGMENT_JITTER, {0.05f}},
                                             {FR_AUGMENT_SCALE, {0.1f}},
                                             {FR_AUGMENT_MIXUP, {0.2f}}}};
  trial t = {.arch = "dense(12) bn relu dropout(0.2) dense(classes)",
             .validated = true,
             .options = fr_train_default_options(),
             .checkpoint = {.folder = folder, .every_s = EVERY_STEP, .resume = true}};
  t.options.epochs = 5;
  t.options.batch = 16;
  t.options.accumulate = 2;
  t.options.balanced = true;
  t.options.augment = &jitter;
  t.options.optimizer.kind = FR_OPTIMIZER_SGD;
  t.options.optimizer.momentum = 0.9f;
  t.options.optimizer.weight_decay = 0.01f;
  t.options.optimizer.learning_rate = 0.05f;
  t.options.schedule = (fr_schedule){.kind = FR_SCHEDULE_COSINE, .final = 0.1};
  return t;
}

static inline outcome trial_run(const trial *t, const fr_observer *observer,
                                const fr_budget *budget) {
  static toy a, b;
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  outcome o = {.net = toy_net(t->arch, 5)};
  fr_train_options options = t->options;
  options.checkpoint = t->checkpoint.folder != NULL ? &t->checkpoint : NULL;
  options.teacher = t->teacher != NULL ? toy_net(t->teacher, 7) : NULL;
  o.status = fr_train(o.net, &train, t->validated ? &validate : NULL, &options, observer,
                      budget, &o.result, &o.err);
  fr_net_free(options.teacher);
  return o;
}

static inline void outcome_release(outcome *o) {
  fr_train_result_release(&o->result);
  fr_net_free(o->net);
  *o = (outcome){0};
}

static inline bool same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

static inline void assert_same_epoch(const fr_epoch *a, const fr_epoch *b) {
  assert_int_equal(a->epoch, b->epoch);
  assert_int_equal(a->epochs, b->epochs);
  assert_int_equal(a->step, b->step);
  assert_true(same_bits(a->train_loss, b->train_loss));
  assert_true(same_bits(a->validate_loss, b->validate_loss));
  assert_true(same_bits(a->validate_accuracy, b->validate_accuracy));
  assert_true(same_bits(a->rate, b->rate));
  assert_int_equal(a->best, b->best);
}

static inline void assert_same_outcome(const outcome *a, const outcome *b) {
  if (a->status != FR_OK || b->status != FR_OK)
    fail_msg("%s | %s", a->err.text, b->err.text);
  assert_true(toy_same_weights(a->net, b->net));
  const fr_train_result *x = &a->result, *y = &b->result;
  assert_int_equal(x->stop, y->stop);
  assert_int_equal(x->epochs, y->epochs);
  assert_int_equal(x->steps, y->steps);
  assert_int_equal(x->best_epoch, y->best_epoch);
  assert_true(same_bits(x->best_validate_loss, y->best_validate_loss));
  assert_true(same_bits(x->best_validate_accuracy, y->best_validate_accuracy));
  assert_true(x->operations == y->operations);
  for (size_t i = 0; i < x->epochs; i++)
    assert_same_epoch(&x->history[i], &y->history[i]);
}

#endif
