/* SPDX-License-Identifier: Apache-2.0 */
/* A network learns more classes: its rows stay, what is replayed is chosen well, new rows
 * begin where they belong, and what was learned is kept or told to be lost. */
#include "blobs.h"

#include <unistd.h>

#include "../golden/herding.h"
#include "adapt/extend.h"

enum { HEAD = 4 };

static blobs train_blobs, validate_blobs, test_blobs;
static fr_samples train, validate, test;
static fr_net *old;

static int make(void **state) {
  (void)state;
  train = blob_samples(&train_blobs, BLOBS, 11);
  validate = blob_samples(&validate_blobs, BLOBS, 12);
  test = blob_samples(&test_blobs, BLOBS, 13);
  old = blob_old();
  return 0;
}

static int drop(void **state) {
  (void)state;
  fr_net_free(old);
  return 0;
}

/* ---- growing ---- */

static void grown_rows_are_kept_to_the_bit_and_found_by_name(void **state) {
  (void)state;
  char *const mixed[] = {blob_names[4], blob_names[2], blob_names[0],
                         blob_names[5], blob_names[3], blob_names[1]};
  static const size_t was[] = {9, 2, 0, 9, 3, 1};
  const fr_names olds = blob_classes(BLOB_OLD);
  const fr_names classes = {BLOBS, (char **)(uintptr_t)mixed};
  fr_net *net = NULL;
  ASSERT_OK(fr_extend_grow(old, &olds, &classes, &net, err));
  assert_string_equal(fr_net_text(net), "dense(24) relu dense(16) relu dense(6)");
  const fr__extend_rows have = fr__extend_rows_of(old, HEAD);
  const fr__extend_rows rows = fr__extend_rows_of(net, HEAD);
  assert_int_equal(rows.inputs, 16);
  for (size_t k = 0; k < BLOBS; k++) {
    const bool kept = was[k] < BLOB_OLD;
    const float bias = kept ? have.bias[was[k]] : 0;
    assert_memory_equal(&rows.bias[k], &bias, sizeof bias);
    for (size_t i = 0; i < rows.inputs; i++) {
      const float weight = kept ? have.weight[i * BLOB_OLD + was[k]] : 0;
      assert_memory_equal(&rows.weight[i * BLOBS + k], &weight, sizeof weight);
    }
  }
  size_t count;
  const fr_tensor *a = fr_net_tensors(old, &count), *b = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count && a[i].layer < HEAD; i++)
    assert_memory_equal(a[i].value, b[i].value, a[i].count * sizeof(float));
  fr_net_free(net);
}

static void refused(const fr_net *net, const fr_names *olds, const fr_names *classes,
                    const char *saying) {
  fr_net *out = NULL;
  fr_error err = {.text = ""};
  assert_int_equal(fr_extend_grow(net, olds, classes, &out, &err), FR_ERR_ARGUMENT);
  assert_null(out);
  if (strstr(err.text, saying) == NULL)
    fail_msg("'%s' does not say '%s'", err.text, saying);
}

static void what_cannot_grow_says_why(void **state) {
  (void)state;
  const fr_names olds = blob_classes(BLOB_OLD), three = blob_classes(3);
  const fr_names all = blob_classes(BLOBS);
  char *const twice[] = {blob_names[0], blob_names[1], blob_names[2],
                         blob_names[3], blob_names[4], blob_names[4]};
  const fr_names doubled = {BLOBS, (char **)(uintptr_t)twice};
  const fr_shape input = {4, 2};
  fr_net *net = NULL;
  refused(old, &olds, &olds, "no class is new");
  refused(old, &olds, &three, "'d' is to be kept");
  refused(old, &three, &all, "3 names do not fit the 4 outputs");
  refused(old, &olds, &doubled, "'e' occurs twice");
  ASSERT_OK(fr_net_new("dense(classes) bn", input, BLOB_OLD, &net, err));
  refused(net, &olds, &all, "weights of its own");
  fr_net_free(net);
  ASSERT_OK(fr_net_new("conv1d(classes,3) avgpool(all)", input, BLOB_OLD, &net, err));
  refused(net, &olds, &all, "no dense layer");
  fr_net_free(net);
}

/* ---- choosing ---- */

static void herding_is_that_of_the_paper(void **state) {
  (void)state;
  size_t chosen[HERD_WANT];
  ASSERT_OK(fr_extend_herd(herd_points, HERD_COUNT, HERD_WIDTH, HERD_WANT, chosen, err));
  for (size_t k = 0; k < HERD_WANT; k++)
    assert_int_equal(chosen[k], herd_chosen[k]);
}

static void herding_takes_all_and_no_more(void **state) {
  (void)state;
  size_t chosen[3];
  static const float same[] = {1, 1, 1, 1, 0, 0};
  fr_error why;
  ASSERT_OK(fr_extend_herd(same, 3, 2, 3, chosen, err));
  assert_int_equal(chosen[0] + chosen[1] + chosen[2], 3);
  assert_int_equal(chosen[0], 0); /* the first of equals */
  assert_int_equal(fr_extend_herd(same, 3, 2, 4, chosen, &why), FR_ERR_ARGUMENT);
}

/* Old class 0 at (1, 0), 1 at (-1, 0): their middle is 0. Class 2 is at (0, 3). Rows of
 * length 5 that answer 5 each: w = (0, 5), b = 5 - 15. */
static void a_new_row_points_to_its_class(void **state) {
  (void)state;
  float weight[] = {3, -3, 0, 4, 4, 0}, bias[] = {2, 2, 9};
  static const uint32_t from[] = {0, 1, FR_NONE};
  static const float x[5][2] = {{1, 0}, {-1, 0}, {0, 2}, {0, 4}, {0, 3}};
  const float *at[] = {x[0], x[1], x[2], x[3], x[4]};
  uint32_t label[] = {0, 1, 2, 2, 2};
  const fr_samples seen = {
      .count = 5, .steps = 1, .channels = 2, .x = at, .label = label};
  const fr__extend_rows rows = {2, 3, weight, bias};
  ASSERT_OK(fr__extend_imprint(&rows, from, &seen, err));
  assert_float_equal(weight[2], 0, 1e-6);
  assert_float_equal(weight[5], 5, 1e-6);
  assert_float_equal(bias[2], -10, 1e-5);
  assert_true(weight[0] == 3 && weight[3] == 4 && bias[0] == 2);
  weight[5] = 50;
  fr__extend_align(&rows, from);
  assert_float_equal(weight[5], 5, 1e-5);
  assert_true(weight[0] == 3 && weight[4] == 4);
}

/* ---- the whole ---- */

static fr_net *extend(const fr_extend_options *how, const fr_train_options *o,
                      const fr_budget *budget, fr_extend_result *result) {
  const fr_names olds = blob_classes(BLOB_OLD), classes = blob_classes(BLOBS);
  fr_net *net = NULL;
  ASSERT_OK(fr_extend_train(old, &olds, &classes, &train, &validate, o, how, NULL, budget,
                            &net, result, err));
  return net;
}

/* Recall over old classes, or new ones. */
static double recall(fr_net *net, bool olds) {
  fr_metrics m;
  const fr_loss_options plain = {.kind = FR_LOSS_CROSS_ENTROPY};
  uint64_t right = 0;
  ASSERT_OK(fr_test(net, &test, &plain, 16, NULL, &m, err));
  const size_t first = olds ? 0 : BLOB_OLD, end = olds ? BLOB_OLD : BLOBS;
  for (size_t k = first; k < end; k++)
    right += m.confusion[k * BLOBS + k];
  fr_metrics_release(&m);
  return (double)right / (double)((end - first) * BLOB_EACH);
}

static void old_and_new_are_known_at_last(void **state) {
  (void)state;
  const fr_extend_options how = fr_extend_default_options();
  const fr_train_options o = blob_options(40);
  fr_extend_result r;
  fr_net *net = extend(&how, &o, NULL, &r);
  assert_int_equal(r.old_classes, BLOB_OLD);
  assert_int_equal(r.new_classes, BLOBS - BLOB_OLD);
  assert_int_equal(r.replayed, BLOB_OLD * how.replay);
  assert_int_equal(r.fresh, (BLOBS - BLOB_OLD) * BLOB_EACH);
  assert_true(r.before_accuracy > 0.95);
  assert_true(recall(net, true) > 0.93);
  assert_true(recall(net, false) > 0.93);
  assert_int_equal(r.trained.epochs, r.stage[0].epochs + r.stage[1].epochs);
  for (size_t i = 0; i < r.trained.epochs; i++)
    assert_int_equal(r.trained.history[i].epoch, i + 1);
  fr_extend_result_release(&r);
  fr_net_free(net);
}

/* What keeps the old ones is the replay: without it they are lost. */
static void without_replay_old_classes_are_forgotten(void **state) {
  (void)state;
  fr_extend_options how = fr_extend_default_options();
  fr_train_options o = blob_options(40);
  fr_extend_result r;
  o.optimizer.learning_rate = 0.05f;
  how.refine = 0;
  how.distill = 0;
  fr_net *kept = extend(&how, &o, NULL, &r);
  fr_extend_result_release(&r);
  how.replay = 0;
  fr_net *lost = extend(&how, &o, NULL, &r);
  assert_int_equal(r.replayed, 0);
  assert_int_equal(r.stage[FR_EXTEND_REFINE].epochs, 0);
  assert_true(r.stage[FR_EXTEND_HEAD].epochs <= 3);
  assert_true(recall(kept, true) > recall(lost, true) + 0.02);
  fr_extend_result_release(&r);
  fr_net_free(kept);
  fr_net_free(lost);
}

static bool same_below(const fr_net *a, const fr_net *b, size_t layers) {
  size_t count;
  const fr_tensor *x = fr_net_tensors(a, &count), *y = fr_net_tensors(b, &count);
  bool same = true;
  for (size_t i = 0; i < count && x[i].layer < layers; i++)
    same = same && memcmp(x[i].value, y[i].value, x[i].count * sizeof(float)) == 0;
  return same;
}

static void refining_is_left_where_it_is_not_worth_it(void **state) {
  (void)state;
  fr_extend_options how = fr_extend_default_options();
  const fr_train_options o = blob_options(10);
  fr_extend_result r;
  how.worth = 50; /* nothing gains as much */
  fr_net *net = extend(&how, &o, NULL, &r);
  assert_int_equal(r.stage[FR_EXTEND_REFINE].epochs, 0);
  assert_true(same_below(net, old, HEAD));
  fr_extend_result_release(&r);
  fr_net_free(net);
  how.worth = 0;
  net = extend(&how, &o, NULL, &r);
  assert_true(r.stage[FR_EXTEND_REFINE].epochs > 0);
  assert_int_equal(r.stage[FR_EXTEND_REFINE].first_trained, 2);
  assert_true(same_below(net, old, 2));
  assert_int_equal(same_below(net, old, HEAD), !r.stage[FR_EXTEND_REFINE].kept);
  fr_extend_result_release(&r);
  fr_net_free(net);
}

/* A rate that ruins the network: the first stage's weights come back. */
static void what_was_refined_in_vain_is_taken_back(void **state) {
  (void)state;
  fr_extend_options how = fr_extend_default_options();
  const fr_train_options o = blob_options(20);
  fr_extend_result r;
  how.refine = 0;
  fr_net *head = extend(&how, &o, NULL, &r);
  const double loss = r.stage[FR_EXTEND_HEAD].loss;
  fr_extend_result_release(&r);
  how.refine = 1000;
  how.worth = 0;
  how.refine_epochs = 2;
  fr_net *net = extend(&how, &o, NULL, &r);
  assert_int_equal(r.stage[FR_EXTEND_REFINE].epochs, 2);
  assert_false(r.stage[FR_EXTEND_REFINE].kept);
  assert_true(same_below(net, head, fr_net_layer_count(net)));
  assert_true(r.trained.best_validate_loss == loss);
  fr_extend_result_release(&r);
  fr_net_free(net);
  fr_net_free(head);
}

/* Samples beyond the shots, and beyond the limit of an old class, are never looked at:
 * they are not even numbers. */
static void a_few_shots_are_all_that_is_seen(void **state) {
  (void)state;
  fr_extend_options how = fr_extend_default_options();
  fr_train_options o = blob_options(10);
  static const size_t limits[BLOBS] = {0, 2};
  size_t seen[BLOBS] = {0};
  blobs *const copy = malloc(sizeof *copy);
  fr_extend_result r;
  assert_non_null(copy);
  *copy = train_blobs;
  how.shots = 3;
  how.limits = limits;
  for (size_t i = 0; i < train.count; i++) {
    const uint32_t k = train.label[i];
    const size_t most = k >= BLOB_OLD ? 3 : limits[k] > 0 ? limits[k] : BLOB_EACH;
    if (seen[k]++ >= most)
      train_blobs.value[i][0] = train_blobs.value[i][1] = (float)NAN;
  }
  fr_net *net = extend(&how, &o, NULL, &r);
  assert_int_equal(r.fresh, 3 * (BLOBS - BLOB_OLD));
  assert_int_equal(r.replayed, (BLOB_OLD - 1) * how.replay + 2);
  assert_true(isnan(r.stage[FR_EXTEND_HEAD].loss)); /* nothing validates */
  assert_true(recall(net, true) > 0.9);
  assert_true(recall(net, false) > 0.9);
  memcpy(train_blobs.value, copy->value, sizeof copy->value);
  free(copy);
  fr_extend_result_release(&r);
  fr_net_free(net);
}

/* ---- budgets and taking up ---- */

static bool no_more(void *self, const fr_epoch *epoch) {
  size_t *left = self;
  (void)epoch;
  return (*left)-- > 1;
}

static void a_budget_ends_either_stage(void **state) {
  (void)state;
  fr_extend_options how = fr_extend_default_options();
  const fr_train_options o = blob_options(5);
  how.worth = 0;
  size_t left = 2;
  const fr_budget budget = {.self = &left, .may_go_on = no_more};
  fr_extend_result r;
  fr_net *net = extend(&how, &o, &budget, &r);
  assert_int_equal(r.trained.stop, FR_STOP_BUDGET);
  assert_int_equal(r.trained.steps, 2);
  assert_int_equal(r.stage[FR_EXTEND_REFINE].epochs, 0);
  fr_extend_result_release(&r);
  fr_net_free(net);
  left = 5 * 6 + 2; /* the head's steps, and two more */
  net = extend(&how, &o, &budget, &r);
  assert_int_equal(r.trained.stop, FR_STOP_BUDGET);
  assert_true(r.stage[FR_EXTEND_REFINE].epochs == 1);
  assert_int_equal(r.trained.steps, 5 * 6 + 2);
  fr_extend_result_release(&r);
  fr_net_free(net);
}

static void a_run_is_taken_up_to_the_same_bits(void **state) {
  (void)state;
  char *folder = test_folder_make();
  fr_extend_options how = fr_extend_default_options();
  fr_train_options o = blob_options(5);
  fr_checkpoint_options checkpoint = {.folder = folder, .every_s = (double)INFINITY};
  fr_extend_result r;
  how.worth = 0;
  fr_net *whole = extend(&how, &o, NULL, &r);
  const size_t steps = r.trained.steps;
  fr_extend_result_release(&r);
  size_t left = 5 * 6 + 9;
  const fr_budget budget = {.self = &left, .may_go_on = no_more};
  o.checkpoint = &checkpoint;
  fr_net *cut = extend(&how, &o, &budget, &r);
  assert_int_equal(r.trained.stop, FR_STOP_BUDGET);
  fr_extend_result_release(&r);
  checkpoint.resume = true;
  fr_net *taken = extend(&how, &o, NULL, &r);
  assert_true(r.trained.resumed_from > 0);
  assert_int_equal(r.trained.steps, steps);
  assert_true(same_below(whole, taken, fr_net_layer_count(whole)));
  fr_extend_result_release(&r);
  fr_net_free(whole);
  fr_net_free(cut);
  fr_net_free(taken);
  test_folder_remove(folder);
}

/* ---- what is refused ---- */

static void impossible_wishes_are_refused(void **state) {
  (void)state;
  const fr_names olds = blob_classes(BLOB_OLD), classes = blob_classes(BLOBS);
  const fr_train_options o = blob_options(2);
  const struct {
    fr_extend_options how;
    size_t count;
    const char *saying;
  } rows[] = {{{.refine = -1}, BLOB_COUNT, "not both 0 or more"},
              {{.refine = 1, .refine_from = 9}, BLOB_COUNT, "the head is layer 5"},
              {{.refine = 1}, BLOB_OLD, "'e' has no sample"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fr_samples some = train;
    fr_error err = {.text = ""};
    fr_extend_result r;
    fr_net *net = NULL;
    some.count = rows[i].count;
    assert_int_equal(fr_extend_train(old, &olds, &classes, &some, NULL, &o, &rows[i].how,
                                     NULL, NULL, &net, &r, &err),
                     FR_ERR_ARGUMENT);
    if (strstr(err.text, rows[i].saying) == NULL)
      fail_msg("'%s' does not say '%s'", err.text, rows[i].saying);
    assert_null(net);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grown_rows_are_kept_to_the_bit_and_found_by_name),
      cmocka_unit_test(what_cannot_grow_says_why),
      cmocka_unit_test(herding_is_that_of_the_paper),
      cmocka_unit_test(herding_takes_all_and_no_more),
      cmocka_unit_test(a_new_row_points_to_its_class),
      cmocka_unit_test(old_and_new_are_known_at_last),
      cmocka_unit_test(without_replay_old_classes_are_forgotten),
      cmocka_unit_test(refining_is_left_where_it_is_not_worth_it),
      cmocka_unit_test(what_was_refined_in_vain_is_taken_back),
      cmocka_unit_test(a_few_shots_are_all_that_is_seen),
      cmocka_unit_test(a_budget_ends_either_stage),
      cmocka_unit_test(a_run_is_taken_up_to_the_same_bits),
      cmocka_unit_test(impossible_wishes_are_refused),
  };
  return cmocka_run_group_tests(tests, make, drop);
}
