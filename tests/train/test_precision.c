/* SPDX-License-Identifier: Apache-2.0 */
/* What a run computes in: what is told, what `auto` chooses and what it costs. */
#include "checkpointed.h"

enum { PER_EPOCH = 10, EPOCHS = 40, TRIAL_STEPS = 16, STOP = 95 };

/* Long enough for a trial; nothing is written. */
static trial trial_of(enum fr_train_precision precision) {
  trial t = trial_of_everything(NULL);
  t.options.epochs = EPOCHS;
  t.options.accumulate = 1;
  t.options.patience = 0;
  t.options.precision = precision;
  return t;
}

static bool multiplies_bf16(void) {
  fr_net *net = toy_net("dense(classes)", 1);
  const bool fast = fr_net_precision_is_fast(net, FR_PRECISION_BF16, NULL);
  fr_net_free(net);
  return fast;
}

static void names_are_what_people_write(void **state) {
  enum fr_train_precision read;
  (void)state;
  static const struct {
    const char *name;
    enum fr_train_precision precision;
  } known[] = {{"f32", FR_TRAIN_F32},
               {"float32", FR_TRAIN_F32},
               {"bf16", FR_TRAIN_BF16},
               {"auto", FR_TRAIN_AUTO}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    assert_true(fr_train_precision_parse(known[i].name, &read));
    assert_int_equal(read, known[i].precision);
  }
  assert_false(fr_train_precision_parse("int8", &read));
  assert_false(fr_train_precision_parse("", &read));
  assert_string_equal(fr_train_precision_name(FR_TRAIN_BF16), "bf16");
}

static void what_is_told_is_done(void **state) {
  (void)state;
  const trial f32 = trial_of(FR_TRAIN_F32), bf16 = trial_of(FR_TRAIN_BF16);
  outcome a = trial_run(&f32, NULL, NULL), b = trial_run(&bf16, NULL, NULL);
  assert_int_equal(a.status, FR_OK);
  assert_int_equal(b.status, FR_OK);
  assert_int_equal(fr_net_precision(a.net), FR_PRECISION_F32);
  assert_int_equal(fr_net_precision(b.net), FR_PRECISION_BF16);
  assert_int_equal(b.result.precision, FR_PRECISION_BF16);
  assert_string_equal(b.result.precision_reason, "");
  assert_false(toy_same_weights(a.net, b.net));
  assert_true(a.result.operations == b.result.operations);
  outcome_release(&a);
  outcome_release(&b);
}

/* The trial leaves no trace in the run: its bits are those of a run that was told. */
static void a_choice_is_as_if_it_was_told(void **state) {
  (void)state;
  const trial t = trial_of(FR_TRAIN_AUTO);
  outcome a = trial_run(&t, NULL, NULL);
  assert_int_equal(a.status, FR_OK);
  assert_true(a.result.precision_reason[0] != '\0');
  const trial told = trial_of((enum fr_train_precision)a.result.precision);
  outcome b = trial_run(&told, NULL, NULL);
  assert_true(toy_same_weights(a.net, b.net));
  assert_int_equal(a.result.steps, b.result.steps);
  assert_true(same_bits(a.result.best_validate_loss, b.result.best_validate_loss));
  if (!multiplies_bf16()) {
    assert_int_equal(a.result.precision, FR_PRECISION_F32);
    assert_int_equal(a.result.trial.steps, 0);
    assert_true(a.result.operations == b.result.operations);
  } else { /* crescents are easily told apart in both */
    assert_int_equal(a.result.precision, FR_PRECISION_BF16);
    assert_int_equal(a.result.trial.steps, PER_EPOCH); /* at most an epoch */
    assert_true(a.result.operations > b.result.operations);
    assert_true(a.result.operations < b.result.operations + b.result.operations / 10);
  }
  outcome_release(&a);
  outcome_release(&b);
}

static void nothing_is_tried_where_nothing_would_show(void **state) {
  (void)state;
  trial t = trial_of(FR_TRAIN_AUTO);
  t.validated = false;
  outcome o = trial_run(&t, NULL, NULL);
  assert_int_equal(o.result.precision, FR_PRECISION_F32);
  assert_int_equal(o.result.trial.steps, 0);
  assert_true(o.result.precision_reason[0] != '\0');
  outcome_release(&o);
  t = trial_of(FR_TRAIN_AUTO);
  t.options.epochs = TRIAL_STEPS * 20 / PER_EPOCH - 1;
  o = trial_run(&t, NULL, NULL);
  assert_int_equal(o.result.precision, FR_PRECISION_F32);
  assert_int_equal(o.result.trial.steps, 0);
  if (multiplies_bf16())
    assert_non_null(strstr(o.result.precision_reason, "too short"));
  outcome_release(&o);
}

enum { TIMES = 10 }; /* that each sample occurs, so that bn's averages are there */

typedef struct far {
  toy toy;
  const float *x[TIMES * TOY_COUNT];
  uint32_t label[TIMES * TOY_COUNT];
} far;

/* Crescents of size 1 at 1,000, where neighbours in bf16 are 4 apart: rounding leaves
 * nothing of them, while float32 keeps four digits, which bn makes visible. */
static fr_samples far_samples(far *f, uint64_t seed) {
  fr_samples samples = toy_samples(&f->toy, seed);
  for (size_t i = 0; i < TOY_COUNT; i++)
    for (size_t c = 0; c < TOY_CHANNELS; c++)
      f->toy.value[i][c] += 1000;
  for (size_t i = 0; i < TIMES * TOY_COUNT; i++) {
    f->x[i] = samples.x[i % TOY_COUNT];
    f->label[i] = samples.label[i % TOY_COUNT];
  }
  samples.x = f->x;
  samples.label = f->label;
  samples.count = TIMES * TOY_COUNT;
  return samples;
}

static void what_bf16_cannot_see_is_trained_in_float32(void **state) {
  static far a, b;
  (void)state;
  const fr_samples train = far_samples(&a, 1), validate = far_samples(&b, 2);
  fr_train_options options = trial_of(FR_TRAIN_AUTO).options;
  options.epochs = 100;
  options.batch = 15; /* 100 steps an epoch, a hundredth of all */
  options.augment = NULL;
  /* The first layer stays: a step there would move all averages by hundreds. */
  const float rate[] = {0, 1, 1, 1};
  options.rate_scale = rate;
  options.target_accuracy = 0.8;
  fr_train_result result = {0};
  fr_error err = {.text = ""};
  fr_net *net = toy_net("dense(12) bn relu dense(classes)", 5);
  assert_int_equal(fr_train(net, &train, &validate, &options, NULL, NULL, &result, &err),
                   FR_OK);
  if (result.precision != FR_PRECISION_F32)
    fail_msg("%s", result.precision_reason);
  assert_int_equal(fr_net_precision(net), FR_PRECISION_F32);
  assert_int_equal(result.stop, FR_STOP_TARGET);
  if (multiplies_bf16()) {
    assert_int_equal(result.trial.steps, 100);
    assert_true(result.trial.bf16 < result.trial.low);
    assert_true(result.trial.low < result.trial.f32);
    assert_true(result.trial.f32 < result.trial.high);
  }
  fr_train_result_release(&result);
  fr_net_free(net);
}

static bool before_stop(void *self, const fr_epoch *epoch) {
  return epoch->step < *(const size_t *)self;
}

static void a_run_is_taken_up_without_another_trial(void **state) {
  (void)state;
  char *folder = test_folder_make();
  trial t = trial_of(FR_TRAIN_AUTO);
  outcome whole = trial_run(&t, NULL, NULL);
  size_t stop = STOP;
  const fr_budget budget = {.self = &stop, .may_go_on = before_stop};
  t.checkpoint.folder = folder;
  outcome part = trial_run(&t, NULL, &budget);
  assert_int_equal(part.result.stop, FR_STOP_BUDGET);
  outcome_release(&part);

  /* Another precision is another run; the one that was chosen is this one. */
  trial other = t;
  const bool chose_bf16 = whole.result.precision == FR_PRECISION_BF16;
  other.options.precision = chose_bf16 ? FR_TRAIN_F32 : FR_TRAIN_BF16;
  outcome refused = trial_run(&other, NULL, NULL);
  assert_int_equal(refused.status, FR_ERR_ARGUMENT);
  assert_non_null(strstr(refused.err.text, "precision"));
  outcome_release(&refused);

  outcome rest = trial_run(&t, NULL, NULL);
  assert_int_equal(rest.result.resumed_from, STOP);
  assert_int_equal(rest.result.precision, whole.result.precision);
  assert_same_outcome(&whole, &rest); /* the operations, too: no second trial */
  outcome_release(&rest);
  outcome_release(&whole);
  test_folder_remove(folder);
}

static bool at_once(void *self) {
  (void)self;
  return true;
}

static void an_interruption_ends_a_trial(void **state) {
  (void)state;
  const trial t = trial_of(FR_TRAIN_AUTO);
  const fr_budget budget = {.interrupted = at_once};
  outcome o = trial_run(&t, NULL, &budget);
  assert_int_equal(o.status, FR_OK);
  assert_int_equal(o.result.stop, FR_STOP_INTERRUPTED);
  assert_int_equal(o.result.steps, 1);
  assert_int_equal(o.result.trial.steps, 0);
  assert_int_equal(o.result.precision, FR_PRECISION_F32);
  outcome_release(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_what_people_write),
      cmocka_unit_test(what_is_told_is_done),
      cmocka_unit_test(a_choice_is_as_if_it_was_told),
      cmocka_unit_test(nothing_is_tried_where_nothing_would_show),
      cmocka_unit_test(what_bf16_cannot_see_is_trained_in_float32),
      cmocka_unit_test(a_run_is_taken_up_without_another_trial),
      cmocka_unit_test(an_interruption_ends_a_trial),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
