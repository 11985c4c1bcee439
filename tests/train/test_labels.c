/* SPDX-License-Identifier: Apache-2.0 */
/* Several yes or no a sample, some of them missing: from a data set to figures of labels.
 */
#include "toy.h"

#include "../data/made.h"

enum { RECORDS = 400, LABELS = 3, CHANNELS = 2 };

/* The signs of two values; a third label that nobody ever said yes to. Every third answer
 * is missing. */
static fr_dataset make_data(int8_t *told, float *values) {
  fr_dataset data = made_dataset("extrasensory", 0, CHANNELS, 2, 0, 0, RECORDS);
  made_names(&data.labels, LABELS, "L%zu");
  data.label = told;
  data.values = values;
  data.count = RECORDS;
  fr__rng rng;
  fr__rng_init(&rng, 5, 0);
  for (uint32_t i = 0; i < RECORDS; i++) {
    float *x = values + (size_t)i * CHANNELS;
    data.record[i] = (fr_record){i % 2, FR_NONE, FR_NONE, 60.0 * i, 20, 1, x};
    int8_t *label = told + (size_t)i * LABELS;
    for (size_t c = 0; c < CHANNELS; c++) {
      x[c] = (float)fr__rng_normal(&rng);
      label[c] = x[c] > 0;
    }
    label[2] = 0;
    label[i % LABELS] = -1;
  }
  return data;
}

static void labels_are_learned_past_missing_ones(void **state) {
  (void)state;
  static int8_t told[RECORDS * LABELS];
  static float values[RECORDS * CHANNELS];
  fr_dataset data = make_data(told, values);
  fr_prepared p;
  fr_error err = {.text = ""};
  const fr_prepare_options prepare = {
      .task = FR_TASK_LABELS, .split = "subject:2", .validate = "none", .seed = 1};
  fr_prepared_init(&p, &data, &prepare, NULL, &err);
  assert_string_equal(err.text, "");
  assert_int_equal(p.classes.count, 2);
  assert_int_equal(p.test.values, 2);

  fr_net *net = toy_net("dense(8) relu dense(classes)", 3);
  fr_train_options options = fr_train_default_options();
  options.epochs = 40;
  options.batch = 16;
  options.optimizer.learning_rate = 0.01f;
  options.loss.kind = FR_LOSS_BINARY;
  fr_train_result result;
  fr_metrics metrics;
  fr_train(net, &p.train, &p.validate, &options, NULL, NULL, &result, &err);
  assert_string_equal(err.text, "");
  assert_int_equal(fr_test(net, &p.test, &options.loss, 32, NULL, &metrics, &err), FR_OK);
  assert_int_equal(metrics.samples, RECORDS / 2);
  size_t known = 0;
  for (size_t i = 1; i < RECORDS; i += 2)
    known += (told[i * LABELS] >= 0 ? 1U : 0U) + (told[i * LABELS + 1] >= 0 ? 1U : 0U);
  assert_int_equal(metrics.answers, known);
  assert_true(metrics.balanced_accuracy > 0.95);

  fr_metrics_release(&metrics);
  fr_train_result_release(&result);
  fr_net_free(net);
  fr_prepared_release(&p);
  made_names_free(&data.labels);
  data.count = 0; /* of records whose values are not the heap's */
  made_free(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(labels_are_learned_past_missing_ones),
  };
  return cmocka_run_group_tests_name("train/labels", tests, NULL, NULL);
}
