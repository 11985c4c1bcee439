/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings shorter than a window, padded: they are learned, and the padding changes
 * nothing. */
#include "../test.h"

#include <math.h>

#include "base/rng.h"
#include "frugal/train.h"

enum { TRIALS = 60, SHORTEST = 20, LONGEST = 60 };

static char *folder;
static char spec[700];

/* A sign a trial, 20 to 60 rows: a slow turn or a fast one, at any phase, and noise. */
static int write_trials(void **state) {
  (void)state;
  folder = test_folder_make();
  char path[600];
  snprintf(path, sizeof path, "%s/signs.csv", folder);
  snprintf(spec, sizeof spec, "csv:%s?label=sign&trial=trial&rate=50", path);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fr__rng rng;
  fr__rng_init(&rng, 11, 0);
  fprintf(file, "sign,trial,x,y\n");
  for (int i = 0; i < TRIALS; i++) {
    const size_t rows = SHORTEST + fr__rng_below(&rng, LONGEST - SHORTEST + 1);
    const double phase = 6.28 * fr__rng_uniform(&rng), rate = i % 2 == 0 ? 0.2 : 0.6;
    for (size_t t = 0; t < rows; t++)
      fprintf(file, "%s,%d,%.6f,%.6f\n", i % 2 == 0 ? "slow" : "fast", i,
              5 + sin(phase + rate * (double)t) + 0.1 * fr__rng_normal(&rng),
              cos(phase + rate * (double)t) + 0.1 * fr__rng_normal(&rng));
  }
  return fclose(file);
}

static int remove_trials(void **state) {
  (void)state;
  test_folder_remove(folder);
  return 0;
}

static fr_prepared prepare(size_t window, bool keep_short) {
  fr_dataset *data;
  fr_prepared p;
  const fr_prepare_options options = {.task = FR_TASK_ACTIVITY,
                                      .window = window,
                                      .step = window / 2,
                                      .split = "trial",
                                      .validate = "none",
                                      .keep_short = keep_short};
  ASSERT_OK(fr_data_open(spec, NULL, &data, err));
  ASSERT_OK(fr_prepared_init(&p, data, &options, NULL, err));
  fr_data_free(data);
  return p;
}

static fr_net *make_net(const char *text, size_t steps) {
  fr_net *net;
  ASSERT_OK(fr_net_new(text, (fr_shape){steps, 2}, 2, &net, err));
  fr_net_init(net, 4, 0);
  return net;
}

static void every_short_trial_is_one_sample(void **state) {
  (void)state;
  fr_prepared p = prepare(64, true);
  assert_int_equal(p.train.count + p.test.count, TRIALS);
  for (size_t i = 0; i < p.train.count; i++) {
    const size_t steps = p.train.length[i];
    assert_true(steps >= SHORTEST && steps <= LONGEST);
    assert_true(p.train.x[i][steps * 2 - 1] != 0);
    for (size_t k = steps * 2; k < 64 * 2; k++)
      assert_true(p.train.x[i][k] == 0);
  }
  fr_prepared_release(&p);
}

/* What is long enough is cut as ever, beside what is not. */
static void long_and_short_ones_mix(void **state) {
  (void)state;
  fr_prepared kept = prepare(40, true), dropped = prepare(40, false);
  size_t whole = 0;
  for (size_t i = 0; i < kept.train.count; i++)
    whole += kept.train.length[i] == 40;
  for (size_t i = 0; i < kept.test.count; i++)
    whole += kept.test.length[i] == 40;
  assert_int_equal(whole, dropped.train.count + dropped.test.count);
  assert_true(kept.train.count + kept.test.count > whole);
  assert_null(dropped.train.length);
  fr_prepared_release(&kept);
  fr_prepared_release(&dropped);
}

static const char *const networks[] = {
    "conv1d(6,5) bn relu maxpool(2) lstm(5) dense(classes)",
    "gru(4,all,both) attention(2) layernorm avgpool(all) dense(classes)",
    "residual(conv1d(4,3) bn) relu spatialdropout(0.2) maxpool(all) dense(classes)",
};

static void the_padding_changes_no_output(void **state) {
  (void)state;
  fr_prepared near = prepare(64, true), far = prepare(96, true);
  assert_int_equal(near.test.count, far.test.count);
  const fr_loss_options loss = {.kind = FR_LOSS_CROSS_ENTROPY};
  for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
    fr_net *a = make_net(networks[i], 64), *b = make_net(networks[i], 96);
    ASSERT_OK(fr_net_copy(b, a, fr_net_layer_count(a), err));
    fr_metrics x, y;
    ASSERT_OK(fr_test(a, &near.test, &loss, 7, NULL, &x, err));
    ASSERT_OK(fr_test(b, &far.test, &loss, 16, NULL, &y, err));
    assert_int_equal(x.samples, near.test.count);
    assert_memory_equal(x.confusion, y.confusion, 4 * sizeof *x.confusion);
    assert_true(fabs(x.loss - y.loss) < 1e-6);
    fr_metrics_release(&x);
    fr_metrics_release(&y);
    fr_net_free(a);
    fr_net_free(b);
  }
  fr_prepared_release(&near);
  fr_prepared_release(&far);
}

/* Weights after training, too: gradients, batch statistics, augmentation. No bias stands
 * right in front of bn, where its gradient is rounding alone. */
static void training_does_not_see_the_padding(void **state) {
  (void)state;
  fr_prepared near = prepare(64, true), far = prepare(96, true);
  const fr_augment augment = {
      .count = 2, .item = {{FR_AUGMENT_JITTER, {0.05f}}, {FR_AUGMENT_SCALE, {0.1f}}}};
  fr_train_options options = fr_train_default_options();
  options.epochs = 2;
  options.batch = 8;
  options.augment = &augment;
  static const char text[] = "conv1d(6,5,same) relu bn maxpool(2) lstm(5) dense(classes)";
  fr_net *a = make_net(text, 64), *b = make_net(text, 96);
  fr_train_result x, y;
  ASSERT_OK(fr_train(a, &near.train, &near.validate, &options, NULL, NULL, &x, err));
  ASSERT_OK(fr_train(b, &far.train, &far.validate, &options, NULL, NULL, &y, err));
  size_t count;
  const fr_tensor *v = fr_net_tensors(a, &count), *w = fr_net_tensors(b, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < v[i].count; k++)
      if (fabsf(v[i].value[k] - w[i].value[k]) > 1e-4f)
        fail_msg("'%s' [%zu]: %g and %g", v[i].name, k, (double)v[i].value[k],
                 (double)w[i].value[k]);
  fr_train_result_release(&x);
  fr_train_result_release(&y);
  fr_net_free(a);
  fr_net_free(b);
  fr_prepared_release(&near);
  fr_prepared_release(&far);
}

static void short_signs_are_learned(void **state) {
  (void)state;
  fr_prepared p = prepare(64, true);
  fr_train_options options = fr_train_default_options();
  options.epochs = 30;
  options.batch = 8;
  options.optimizer.learning_rate = 0.01f;
  fr_net *net = make_net(networks[0], 64);
  fr_train_result result;
  fr_metrics metrics;
  ASSERT_OK(fr_train(net, &p.train, &p.validate, &options, NULL, NULL, &result, err));
  ASSERT_OK(fr_test(net, &p.test, &options.loss, 8, NULL, &metrics, err));
  assert_true(metrics.samples >= TRIALS / 4 && metrics.accuracy > 0.9);
  fr_metrics_release(&metrics);
  fr_train_result_release(&result);
  fr_net_free(net);
  fr_prepared_release(&p);
}

/* Outputs of frozen layers are kept for each sample, whose steps are then theirs. */
static void frozen_layers_keep_lengths(void **state) {
  (void)state;
  fr_prepared near = prepare(64, true), far = prepare(96, true);
  fr_train_options options = fr_train_default_options();
  options.epochs = 2;
  options.batch = 8;
  options.first_trained = 4;
  fr_net *a = make_net(networks[0], 64), *b = make_net(networks[0], 96);
  fr_train_result x, y;
  ASSERT_OK(fr_train(a, &near.train, &near.validate, &options, NULL, NULL, &x, err));
  ASSERT_OK(fr_train(b, &far.train, &far.validate, &options, NULL, NULL, &y, err));
  assert_true(fabs(x.history[1].train_loss - y.history[1].train_loss) < 1e-5);
  fr_train_result_release(&x);
  fr_train_result_release(&y);
  fr_net_free(a);
  fr_net_free(b);
  fr_prepared_release(&near);
  fr_prepared_release(&far);
}

/* Where the user names none, the data set's own window and half of it. */
static void a_data_set_has_its_own_window(void **state) {
  (void)state;
  fr_dataset *data;
  fr_prepared p;
  fr_prepare_options options = {.task = FR_TASK_GESTURE, .validate = "none"};
  ASSERT_OK(fr_data_open("synthetic:signs=2&trials=3&seconds=1.5&features=raw", NULL,
                         &data, err));
  assert_int_equal(data->window, 45);
  ASSERT_OK(fr_prepared_init(&p, data, &options, NULL, err));
  assert_true(p.windows.length == 45 && p.windows.step == 23);
  fr_prepared_release(&p);
  options.rate_hz = 10;
  ASSERT_OK(fr_prepared_init(&p, data, &options, NULL, err));
  assert_true(p.windows.length == 15 && p.windows.step == 8);
  fr_prepared_release(&p);
  options.window = 20;
  options.rate_hz = 0;
  ASSERT_OK(fr_prepared_init(&p, data, &options, NULL, err));
  assert_int_equal(p.windows.length, 20);
  fr_prepared_release(&p);
  fr_data_free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_short_trial_is_one_sample),
      cmocka_unit_test(long_and_short_ones_mix),
      cmocka_unit_test(the_padding_changes_no_output),
      cmocka_unit_test(training_does_not_see_the_padding),
      cmocka_unit_test(short_signs_are_learned),
      cmocka_unit_test(frozen_layers_keep_lengths),
      cmocka_unit_test(a_data_set_has_its_own_window),
  };
  return cmocka_run_group_tests_name("train/short", tests, write_trials, remove_trials);
}
