/* SPDX-License-Identifier: Apache-2.0 */
/* Mixup: with whom, by which share, with which targets; and that changes of samples are
 * the same whoever makes them, in whatever batches. */
#include "toy.h"

#include "../test.h"
#include "data/augment.h"
#include "train/run.h"

enum { COUNT = 24, CLASSES = 3, STEPS = 3, WIDTH = STEPS * COUNT, VALUES = 3 };

/* Sample k is 1 in channel k of its steps, so that a mixture tells what it is made of. */
typedef struct marked {
  float x[COUNT][WIDTH], value[COUNT * VALUES];
  const float *at[COUNT];
  uint32_t label[COUNT], length[COUNT];
  fr_samples samples;
  fr_net *net;
  fr_train_options options;
  fr_augment augment;
  fr__run run;
} marked;

static uint32_t length_of(size_t k) { return 1 + (uint32_t)k % STEPS; }

static marked *new_marked(const char *text, bool values, bool balanced, bool shorter) {
  marked *m = calloc(1, sizeof *m);
  for (size_t k = 0; k < COUNT; k++) {
    m->at[k] = m->x[k];
    m->label[k] = (uint32_t)(k * k % CLASSES);
    m->length[k] = shorter ? length_of(k) : STEPS;
    for (size_t t = 0; t < m->length[k]; t++)
      m->x[k][t * COUNT + k] = 1;
    for (size_t v = 0; v < VALUES; v++)
      m->value[k * VALUES + v] = (k + v) % 5 == 0 ? NAN : (float)((k + v) % 2);
  }
  m->samples = (fr_samples){.count = COUNT,
                            .steps = STEPS,
                            .channels = COUNT,
                            .x = m->at,
                            .label = values ? NULL : m->label,
                            .values = values ? VALUES : 0,
                            .value = values ? m->value : NULL,
                            .length = shorter ? m->length : NULL};
  ASSERT_OK(fr_augment_parse(text, &m->augment, err));
  m->options = fr_train_default_options();
  m->options.augment = &m->augment;
  m->options.balanced = balanced;
  ASSERT_OK(fr_net_new("lstm(2) dense(classes)", (fr_shape){STEPS, COUNT}, CLASSES,
                       &m->net, err));
  m->run = (fr__run){.net = m->net, .options = &m->options};
  ASSERT_OK(fr__feed_init(&m->run.train, m->net, &m->samples, "training", err));
  ASSERT_OK(
      fr__order_init(&m->run.order, COUNT, balanced ? m->label : NULL, CLASSES, err));
  return m;
}

static fr__batch new_batch(const marked *m) {
  fr__batch batch;
  ASSERT_OK(fr__batch_init(&batch, COUNT, WIDTH, CLASSES, true, err));
  ASSERT_OK(fr__batch_reserve_augment(&batch, &m->augment, fr_net_input(m->net), err));
  return batch;
}

static void free_marked(marked *m) {
  fr__feed_release(&m->run.train);
  fr__order_release(&m->run.order);
  fr_net_free(m->net);
  free(m);
}

/* The sample that row i is mixed with: the other channel that is not 0 in the first step;
 * the sample itself where there is none. */
static size_t partner_of(const marked *m, const fr__batch *batch, size_t i) {
  const size_t own = m->run.order.sample[i];
  for (size_t k = 0; k < COUNT; k++)
    if (k != own && batch->x[i * WIDTH + k] != 0)
      return k;
  return own;
}

static void shares_add_to_one(void **state) {
  (void)state;
  marked *m = new_marked("mixup(1)", false, false, false);
  fr__batch batch = new_batch(m);
  bool met[COUNT] = {false};
  for (size_t epoch = 1; epoch < 20; epoch++) {
    fr__order_draw(&m->run.order, 1, epoch);
    fr__run_fill(&m->run, epoch, 0, COUNT, &batch);
    for (size_t i = 0; i < COUNT; i++) {
      const size_t own = m->run.order.sample[i], other = partner_of(m, &batch, i);
      const float *x = batch.x + i * WIDTH, share = batch.share[i];
      float sum = 0;
      for (size_t k = 0; k < COUNT; k++)
        sum += x[k];
      assert_true(fabsf(sum - 1) < 1e-6f);
      assert_true(other == own || (x[own] == share && x[other] == 1 - share));
      assert_int_equal(batch.label[i], m->label[own]);
      assert_int_equal(batch.other[i], m->label[other]);
      met[other] = true;
    }
  }
  for (size_t k = 0; k < COUNT; k++)
    assert_true(met[k]);
  const fr_targets train = fr__feed_targets(&m->run.train, &batch, true);
  const fr_targets validate = fr__feed_targets(&m->run.train, &batch, false);
  assert_true(train.other == batch.other && train.share == batch.share);
  assert_true(validate.other == NULL && validate.share == NULL);
  fr__batch_release(&batch);
  free_marked(m);
}

/* A value that one of the two lacks is missing. */
static void values_are_mixed_alike(void **state) {
  (void)state;
  marked *m = new_marked("mixup(1)", true, false, false);
  fr__batch batch = new_batch(m);
  size_t missing = 0;
  fr__order_draw(&m->run.order, 1, 1);
  fr__run_fill(&m->run, 1, 0, COUNT, &batch);
  for (size_t i = 0; i < COUNT; i++) {
    const size_t own = m->run.order.sample[i], other = partner_of(m, &batch, i);
    const float share = batch.share[i];
    for (size_t v = 0; v < VALUES; v++) {
      const float a = m->value[own * VALUES + v], b = m->value[other * VALUES + v];
      const float is = batch.value[i * VALUES + v];
      assert_true(isnan(is) == (isnan(a) || isnan(b)));
      assert_true(isnan(is) || fabsf(is - share * a - (1 - share) * b) < 1e-6f);
      missing += isnan(is) ? 1 : 0;
    }
  }
  assert_true(missing > 0 && missing < COUNT * VALUES);
  fr__batch_release(&batch);
  free_marked(m);
}

/* What stands before the mixup is done to each with its own draw, what stands behind to
 * the mixture. */
static void items_are_done_in_their_order(void **state) {
  (void)state;
  marked *before = new_marked("scale(0.3) mixup(1)", false, false, false);
  marked *behind = new_marked("mixup(1) scale(0.3)", false, false, false);
  fr__batch a = new_batch(before), b = new_batch(behind);
  const fr_augment alone = {.count = 1, .item = {{FR_AUGMENT_SCALE, {0.3f}}}};
  fr__order_draw(&before->run.order, 1, 4);
  fr__order_draw(&behind->run.order, 1, 4);
  fr__run_fill(&before->run, 4, 0, COUNT, &a);
  fr__run_fill(&behind->run, 4, 0, COUNT, &b);
  float factor[COUNT], work[STEPS * 16];
  for (size_t k = 0; k < COUNT; k++) {
    factor[k] = 1;
    fr_augment_apply(&alone, 1, 4, k, &factor[k], 1, 1, work);
  }
  for (size_t i = 0; i < COUNT; i++) {
    const size_t own = before->run.order.sample[i], other = partner_of(before, &a, i);
    const size_t partner = partner_of(behind, &b, i);
    const float *x = a.x + i * WIDTH, *y = b.x + i * WIDTH;
    if (other != own) {
      assert_true(fabsf(x[own] - a.share[i] * factor[own]) < 1e-6f);
      assert_true(fabsf(x[other] - (1 - a.share[i]) * factor[other]) < 1e-6f);
    }
    if (partner != own)
      assert_true(fabsf(y[own] * (1 - b.share[i]) - y[partner] * b.share[i]) < 1e-6f);
  }
  fr__batch_release(&a);
  fr__batch_release(&b);
  free_marked(before);
  free_marked(behind);
}

/* A mixture has the steps of the longer one. */
static void lengths_are_the_longer_ones(void **state) {
  (void)state;
  marked *m = new_marked("mixup(1) jitter(0.01)", false, false, true);
  fr__batch batch = new_batch(m);
  size_t longer = 0;
  fr__order_draw(&m->run.order, 1, 1);
  fr__run_fill(&m->run, 1, 0, COUNT, &batch);
  for (size_t i = 0; i < COUNT; i++) {
    const size_t own = m->run.order.sample[i], length = batch.length[i];
    assert_true(length >= length_of(own) && length <= STEPS);
    longer += length > length_of(own);
    for (size_t k = length * COUNT; k < WIDTH; k++)
      assert_true(batch.x[i * WIDTH + k] == 0);
    assert_true(batch.x[i * WIDTH + length * COUNT - 1] != 0);
  }
  assert_true(longer > 3);
  fr__batch_release(&batch);
  free_marked(m);
}

static const char everything[] =
    "scale(0.1) permute(2) timewarp(0.2) mixup(0.5) crop(0.9) "
    "magwarp(0.1) dropchannel(0.2) jitter(0.1)";

/* The epoch at once, and in batches of 7, of 1. */
static void batches_change_nothing(void **state) {
  (void)state;
  for (int balanced = 0; balanced < 2; balanced++) {
    marked *m = new_marked(everything, false, balanced == 1, true);
    fr__batch whole = new_batch(m), part = new_batch(m);
    fr__order_draw(&m->run.order, 1, 2);
    fr__run_fill(&m->run, 2, 0, COUNT, &whole);
    for (size_t size = 1; size < 8; size += 6)
      for (size_t at = 0; at < COUNT; at += size) {
        const size_t n = COUNT - at < size ? COUNT - at : size;
        fr__run_fill(&m->run, 2, at, n, &part);
        assert_memory_equal(part.x, whole.x + at * WIDTH, n * WIDTH * sizeof *part.x);
        assert_memory_equal(part.share, whole.share + at, n * sizeof *part.share);
        assert_memory_equal(part.other, whole.other + at, n * sizeof *part.other);
        assert_memory_equal(part.length, whole.length + at, n * sizeof *part.length);
      }
    fr__batch_release(&whole);
    fr__batch_release(&part);
    free_marked(m);
  }
}

/* ---- whole runs ---- */

static fr_net *train_toy(const char *text, size_t threads, bool values,
                         double *accuracy) {
  static toy a, b;
  static float value[2][TOY_COUNT * TOY_CLASSES];
  fr_samples train = toy_samples(&a, 1), validate = toy_samples(&b, 2);
  fr_samples *const sides[] = {&train, &validate};
  for (size_t s = 0; s < 2 && values; s++) {
    for (size_t i = 0; i < TOY_COUNT * TOY_CLASSES; i++)
      value[s][i] = sides[s]->label[i / TOY_CLASSES] == i % TOY_CLASSES;
    sides[s]->label = NULL;
    sides[s]->value = value[s];
    sides[s]->values = TOY_CLASSES;
  }
  fr_augment augment;
  ASSERT_OK(fr_augment_parse(text, &augment, err));
  fr_train_options options = fr_train_default_options();
  options.epochs = 60;
  options.batch = 16;
  options.threads = threads;
  options.optimizer.learning_rate = 0.02f;
  options.loss.kind = values ? FR_LOSS_BINARY : FR_LOSS_CROSS_ENTROPY;
  options.augment = &augment;
  fr_net *net = toy_net("dense(16) relu dense(16) relu dense(classes)", 5);
  fr_train_result result;
  ASSERT_OK(fr_train(net, &train, &validate, &options, NULL, NULL, &result, err));
  *accuracy = result.best_validate_accuracy;
  fr_train_result_release(&result);
  return net;
}

static void mixtures_are_learned_from(void **state) {
  (void)state;
  for (int values = 0; values < 2; values++) {
    double accuracy;
    fr_net_free(train_toy("jitter(0.02) mixup(0.2)", 1, values == 1, &accuracy));
    assert_true(accuracy > 0.9);
  }
}

static void threads_change_no_bit(void **state) {
  (void)state;
  double one, three;
  fr_net *a = train_toy("mixup(0.4) scale(0.1) dropchannel(0.1)", 1, false, &one);
  fr_net *b = train_toy("mixup(0.4) scale(0.1) dropchannel(0.1)", 3, false, &three);
  assert_true(toy_same_weights(a, b));
  assert_true(one == three);
  fr_net_free(a);
  fr_net_free(b);
}

/* Three batches of ten, added up, are one of thirty: a sample is changed and mixed alike
 * in both. */
static void added_batches_are_one(void **state) {
  (void)state;
  static toy t;
  const fr_samples train = toy_samples(&t, 1);
  const float weight[TOY_CLASSES] = {0.5f, 2};
  fr_net *net[2];
  for (size_t i = 0; i < 2; i++) {
    fr_augment augment;
    fr_train_result result;
    ASSERT_OK(fr_augment_parse("scale(0.1) mixup(0.5) jitter(0.1)", &augment, err));
    fr_train_options options = fr_train_default_options();
    options.epochs = 6;
    options.batch = i == 0 ? 30 : 10;
    options.accumulate = i == 0 ? 1 : 3;
    options.augment = &augment;
    options.optimizer = fr_optimizer_usual_options(FR_OPTIMIZER_SGD);
    options.optimizer.learning_rate = 0.1f;
    options.loss.class_weight = weight;
    options.loss.label_smoothing = 0.1f;
    net[i] = toy_net("dense(8) tanh dense(classes)", 5);
    ASSERT_OK(fr_train(net[i], &train, NULL, &options, NULL, NULL, &result, err));
    fr_train_result_release(&result);
  }
  size_t count;
  const fr_tensor *a = fr_net_tensors(net[0], &count);
  const fr_tensor *b = fr_net_tensors(net[1], &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < a[i].count; k++)
      assert_true(fabsf(a[i].value[k] - b[i].value[k]) < 1e-4f);
  fr_net_free(net[0]);
  fr_net_free(net[1]);
}

static void what_cannot_be_done_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t first;
    const char *sentence;
  } rows[] = {
      {"rotate(90)", 0,
       "an augmentation of vectors or key points does not know the channels yet "
       "(fr_augment_bind)"},
      {"jitter(1) timewarp(0.1)", 0,
       "augmentation timewarp changes time, which feature vectors have not"},
      {"mixup(1)", 1,
       "augmentation and frozen layers exclude each other: their outputs are computed "
       "once a sample"},
  };
  static toy t;
  const fr_samples train = toy_samples(&t, 1);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fr_augment augment;
    fr_error error = {0};
    fr_train_result result;
    ASSERT_OK(fr_augment_parse(rows[i].text, &augment, err));
    fr_train_options options = fr_train_default_options();
    options.augment = &augment;
    options.first_trained = rows[i].first;
    fr_net *net = toy_net("dense(3) relu dense(classes)", 1);
    assert_int_equal(fr_train(net, &train, NULL, &options, NULL, NULL, &result, &error),
                     FR_ERR_ARGUMENT);
    assert_string_equal(error.text, rows[i].sentence);
    fr_net_free(net);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shares_add_to_one),
      cmocka_unit_test(values_are_mixed_alike),
      cmocka_unit_test(items_are_done_in_their_order),
      cmocka_unit_test(lengths_are_the_longer_ones),
      cmocka_unit_test(batches_change_nothing),
      cmocka_unit_test(mixtures_are_learned_from),
      cmocka_unit_test(threads_change_no_bit),
      cmocka_unit_test(added_batches_are_one),
      cmocka_unit_test(what_cannot_be_done_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
