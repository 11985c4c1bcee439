/* SPDX-License-Identifier: Apache-2.0 */
/* Frozen layers run once a sample, stay as they are, and change nothing else. */
#include "toy.h"

enum { HIDDEN = 6, FROZEN = 3 };

static const char arch[] = "dense(6) bn tanh dropout(0.1) dense(5) relu dense(classes)";
static const char head[] = "dropout(0.1) dense(5) relu dense(classes)";

typedef struct phases {
  size_t frozen, forward, depth;
} phases;

static void phase_begin(void *self, const char *name) {
  phases *seen = self;
  seen->frozen += strcmp(name, "frozen") == 0;
  seen->forward += strcmp(name, "forward") == 0;
  seen->depth++;
}

static void phase_end(void *self) { ((phases *)self)->depth--; }

static fr_train_options frozen_options(size_t first) {
  fr_train_options options = fr_train_default_options();
  options.epochs = 4;
  options.batch = 16;
  options.first_trained = first;
  return options;
}

/* What the frozen layers make of the samples, into `out`, and samples that point there.
 */
static fr_samples outputs(fr_net *net, const fr_samples *samples,
                          float out[TOY_COUNT][HIDDEN], const float *rows[TOY_COUNT]) {
  assert_int_equal(fr_net_reserve(net, 1, false, 0, NULL), FR_OK);
  for (size_t i = 0; i < samples->count; i++) {
    memcpy(out[i], fr_net_forward(net, samples->x[i], 1, 0, FROZEN, false),
           sizeof out[i]);
    rows[i] = out[i];
  }
  return (fr_samples){.count = samples->count,
                      .steps = 1,
                      .channels = HIDDEN,
                      .x = rows,
                      .label = samples->label};
}

/* Training behind frozen layers is training a head alone on their outputs, to the bit. */
static void it_equals_training_the_head_alone(void **state) {
  (void)state;
  static toy a, b;
  static float out_a[TOY_COUNT][HIDDEN], out_b[TOY_COUNT][HIDDEN];
  static const float *rows_a[TOY_COUNT], *rows_b[TOY_COUNT];
  const fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  fr_net *whole = toy_net(arch, 5), *before = toy_net(arch, 5), *alone = NULL;
  assert_int_equal(fr_net_new(head, (fr_shape){1, HIDDEN}, TOY_CLASSES, &alone, NULL),
                   FR_OK);
  size_t count, head_count;
  const fr_tensor *from = fr_net_tensors(whole, &count);
  const fr_tensor *to = fr_net_tensors(alone, &head_count);
  from += count - head_count;
  for (size_t i = 0; i < head_count; i++)
    memcpy(to[i].value, from[i].value, to[i].count * sizeof(float));
  const fr_samples inner = outputs(whole, &train, out_a, rows_a);
  const fr_samples inner_validate = outputs(whole, &validate, out_b, rows_b);

  const fr_train_options options = frozen_options(FROZEN),
                         alone_options = frozen_options(0);
  phases seen = {0};
  const fr_observer observer = {
      .self = &seen, .phase_begin = phase_begin, .phase_end = phase_end};
  fr_train_result one, other;
  assert_int_equal(
      fr_train(whole, &train, &validate, &options, &observer, NULL, &one, NULL), FR_OK);
  assert_int_equal(
      fr_train(alone, &inner, &inner_validate, &alone_options, NULL, NULL, &other, NULL),
      FR_OK);
  for (size_t i = 0; i < head_count; i++)
    assert_memory_equal(to[i].value, from[i].value, to[i].count * sizeof(float));
  assert_true(one.best_validate_loss == other.best_validate_loss);
  toy_assert_same_layers(whole, before, FROZEN);
  assert_false(toy_same_weights(whole, before));
  assert_int_equal(seen.frozen, 2); /* of training, of validation; not of each epoch */
  assert_int_equal(seen.depth, 0);
  fr_train_result_release(&one);
  fr_train_result_release(&other);
  fr_net_free(whole);
  fr_net_free(before);
  fr_net_free(alone);
}

/* From a layer without weights on, training begins at the next that has some. */
static void layers_without_weights_are_frozen_with_them(void **state) {
  (void)state;
  static toy a;
  const fr_samples train = toy_samples(&a, 1);
  fr_net *one = toy_net("dense(6) tanh dense(classes)", 5);
  fr_net *other = toy_net("dense(6) tanh dense(classes)", 5);
  const fr_train_options at_tanh = frozen_options(1), at_dense = frozen_options(2);
  fr_train_result x, y;
  assert_int_equal(fr_train(one, &train, NULL, &at_tanh, NULL, NULL, &x, NULL), FR_OK);
  assert_int_equal(fr_train(other, &train, NULL, &at_dense, NULL, NULL, &y, NULL), FR_OK);
  assert_true(toy_same_weights(one, other));
  assert_true(x.operations == y.operations);
  fr_train_result_release(&x);
  fr_train_result_release(&y);
  fr_net_free(one);
  fr_net_free(other);
}

static void nothing_to_train_is_refused(void **state) {
  (void)state;
  static toy a;
  const fr_samples train = toy_samples(&a, 1);
  fr_net *net = toy_net("dense(classes) tanh", 5);
  fr_train_result result;
  fr_error err = {.text = ""};
  fr_train_options options = frozen_options(1);
  assert_int_equal(fr_train(net, &train, NULL, &options, NULL, NULL, &result, &err),
                   FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "weights to train"));
  options.first_trained = 2;
  assert_int_equal(fr_train(net, &train, NULL, &options, NULL, NULL, &result, &err),
                   FR_ERR_ARGUMENT);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_equals_training_the_head_alone),
      cmocka_unit_test(layers_without_weights_are_frozen_with_them),
      cmocka_unit_test(nothing_to_train_is_refused),
  };
  return cmocka_run_group_tests_name("train/frozen", tests, NULL, NULL);
}
