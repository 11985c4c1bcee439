/* SPDX-License-Identifier: Apache-2.0 */
/* A trained network in every scheme: its answers, its bytes, its file. */
#include "../test.h"

#include <math.h>

#include "base/rng.h"
#include "frugal/quantize.h"

enum { STEPS = 16, CHANNELS = 3, COUNT = 240, CLASSES = 3, SIZE = STEPS * CHANNELS };

static float values[COUNT][SIZE];
static const float *pointers[COUNT];
static uint32_t labels[COUNT], lengths[COUNT];
static float answers[COUNT * CLASSES];

/* Class k: a wave in channel k. */
static fr_samples make_samples(size_t first, size_t count) {
  fr__rng rng;
  fr__rng_init(&rng, 4, 1);
  for (size_t i = 0; i < COUNT; i++) {
    labels[i] = (uint32_t)(i % CLASSES);
    lengths[i] = STEPS;
    pointers[i] = values[i];
    for (size_t k = 0; k < SIZE; k++) {
      const double wave =
          k % CHANNELS == labels[i] ? sin(0.8 * (double)(k / CHANNELS)) : 0;
      values[i][k] = (float)(wave + 0.4 * fr__rng_normal(&rng));
    }
    for (size_t k = 0; k < CLASSES; k++)
      answers[i * CLASSES + k] = k == labels[i] ? 1 : k == 0 && i % 7 == 0 ? NAN : 0;
  }
  return (fr_samples){.count = count,
                      .steps = STEPS,
                      .channels = CHANNELS,
                      .x = pointers + first,
                      .label = labels + first};
}

static fr_net *trained(const char *arch, const fr_samples *train) {
  fr_net *net = NULL;
  fr_train_options options = fr_train_default_options();
  fr_train_result result;
  options.epochs = 40;
  options.optimizer.learning_rate = 0.01f;
  options.batch = 16;
  ASSERT_OK(fr_net_new(arch, (fr_shape){STEPS, CHANNELS}, CLASSES, &net, err));
  fr_net_init(net, 3, 0);
  ASSERT_OK(fr_train(net, train, NULL, &options, NULL, NULL, &result, err));
  fr_train_result_release(&result);
  return net;
}

static fr_quantized *quantized(const fr_net *net, enum fr_scheme scheme,
                               const fr_samples *train) {
  fr_quantized *q = NULL;
  const fr_train_options usual = fr_train_default_options();
  fr_train_options options = fr_quantize_options(&usual);
  options.epochs = 3;
  options.batch = 16;
  ASSERT_OK(fr_quantize(net, scheme, train, NULL, &options, NULL, NULL, &q, err));
  assert_int_equal(fr_quantized_scheme(q), scheme);
  return q;
}

static fr_metrics tested(fr_quantized *q, const fr_samples *samples, size_t batch) {
  fr_metrics m;
  const fr_loss_options loss = {.kind = samples->value != NULL ? FR_LOSS_BINARY
                                                               : FR_LOSS_CROSS_ENTROPY};
  ASSERT_OK(fr_quantized_test(q, samples, &loss, batch, NULL, &m, err));
  return m;
}

static const char *const archs[] = {
    "conv1d(8,3) bn relu maxpool(2) conv1d(8,3) relu avgpool(all) dense(classes)",
    "conv1d(8,3,pad=same) relu lstm(8) dense(classes)",
    "gru(8,all) bn dropout(0.1) lstm(6,both) dense(classes)"};

static void test_answers_stay_in_every_scheme(void **state) {
  (void)state;
  const fr_samples train = make_samples(0, 160), test = make_samples(160, 80);
  for (size_t a = 0; a < sizeof archs / sizeof *archs; a++) {
    fr_net *net = trained(archs[a], &train);
    double floats = 0;
    size_t bytes = 0;
    for (enum fr_scheme s = FR_SCHEME_F32; s < FR_SCHEMES; s++) {
      fr_quantized *q = quantized(net, s, &train);
      fr_metrics m = tested(q, &test, 7);
      floats = s == FR_SCHEME_F32 ? m.accuracy : floats;
      bytes = s == FR_SCHEME_F32 ? fr_quantized_bytes(q) : bytes;
      assert_true(floats > 0.8);
      if (m.accuracy < floats - 0.05)
        fail_msg("'%s' in %s: %.3f, not %.3f", archs[a], fr_scheme_name(s), m.accuracy,
                 floats);
      assert_true(s == FR_SCHEME_F32 || fr_quantized_bytes(q) < bytes * 7 / 10);
      assert_true(fr_quantized_operations(q) > 0);
      fr_metrics_release(&m);
      fr_quantized_free(q);
    }
    fr_net_free(net);
  }
}

static void same(const fr_metrics *a, const fr_metrics *b) {
  assert_memory_equal(a->confusion, b->confusion,
                      CLASSES * CLASSES * sizeof *a->confusion);
  assert_true(fabs(a->loss - b->loss) <= 1e-12 * fabs(a->loss));
}

/* From the numbers that a model file keeps, and in batches of another size. */
static void test_what_is_opened_gives_the_same_bits(void **state) {
  (void)state;
  const fr_samples train = make_samples(0, 160), test = make_samples(160, 80);
  fr_net *net = trained(archs[0], &train);
  for (enum fr_scheme s = FR_SCHEME_F32; s < FR_SCHEMES; s++) {
    fr_quantized *q = quantized(net, s, &train), *opened = NULL;
    ASSERT_OK(
        fr_quantized_open(fr_quantized_net(q), s, fr_quantized_ranges(q), &opened, err));
    fr_metrics a = tested(q, &test, 16), b = tested(opened, &test, 16);
    same(&a, &b);
    fr_metrics_release(&b);
    if (s >= FR_SCHEME_INT8_DYNAMIC) { /* each sample by itself: no other is seen */
      b = tested(opened, &test, 1);
      assert_memory_equal(a.confusion, b.confusion,
                          CLASSES * CLASSES * sizeof *a.confusion);
      assert_true(fabs(a.loss - b.loss) < 1e-6);
      fr_metrics_release(&b);
    }
    fr_metrics_release(&a);
    fr_quantized_free(q);
    fr_quantized_free(opened);
  }
  fr_net_free(net);
}

static void test_the_network_stays_as_it_is(void **state) {
  (void)state;
  const fr_samples train = make_samples(0, 160);
  fr_net *net = trained(archs[0], &train);
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  float kept[72];
  memcpy(kept, tensor[0].value, sizeof kept);
  for (enum fr_scheme s = FR_SCHEME_F32; s < FR_SCHEMES; s++)
    fr_quantized_free(quantized(net, s, &train));
  assert_memory_equal(tensor[0].value, kept, sizeof kept);
  assert_string_equal(
      fr_net_text(net),
      "conv1d(8,3) bn relu maxpool(2) conv1d(8,3) relu avgpool(all) dense(3)");
  fr_net_free(net);
}

/* At a rate that ruins it, one epoch loses; what calibration gives is kept instead, and
 * on any other the validation side has no fewer right answers. */
static void test_trained_for_int8_is_never_worse_where_it_is_validated(void **state) {
  (void)state;
  static const float rates[] = {1e-3f, 3.0f};
  const fr_samples train = make_samples(0, 160), validate = make_samples(160, 80);
  fr_net *net = trained(archs[0], &train);
  fr_train_options options = fr_train_default_options();
  fr_quantized *calibrated = quantized(net, FR_SCHEME_INT8, &train);
  fr_metrics least = tested(calibrated, &validate, 16);
  options.epochs = 1;
  for (size_t i = 0; i < 2; i++) {
    fr_quantized *q = NULL, *alone = NULL;
    options.optimizer.learning_rate = rates[i];
    ASSERT_OK(fr_quantize(net, FR_SCHEME_INT8_AWARE, &train, &validate, &options, NULL,
                          NULL, &q, err));
    ASSERT_OK(fr_quantize(net, FR_SCHEME_INT8_AWARE, &train, NULL, &options, NULL, NULL,
                          &alone, err));
    fr_metrics kept = tested(q, &validate, 16), last = tested(alone, &validate, 16);
    assert_int_equal(fr_quantized_scheme(q), FR_SCHEME_INT8_AWARE);
    assert_true(fr_quantized_trained(q) > fr_quantized_trained(alone));
    assert_true(kept.accuracy >= least.accuracy);
    if (i == 1) {
      assert_true(last.accuracy < least.accuracy);
      same(&kept, &least);
    }
    fr_metrics_release(&kept);
    fr_metrics_release(&last);
    fr_quantized_free(q);
    fr_quantized_free(alone);
  }
  fr_metrics_release(&least);
  fr_quantized_free(calibrated);
  fr_net_free(net);
}

static void test_labels_are_tested_in_integers(void **state) {
  (void)state;
  const fr_samples train = make_samples(0, 160);
  fr_samples test = make_samples(160, 80);
  fr_net *net = trained(archs[0], &train);
  fr_quantized *q = quantized(net, FR_SCHEME_INT8, &train);
  test.label = NULL;
  test.values = CLASSES;
  test.value = answers + 160 * CLASSES;
  fr_metrics m = tested(q, &test, 16);
  assert_non_null(m.label);
  assert_true(m.answers < 80 * CLASSES && m.answers > 200); /* NaN counts nowhere */
  assert_true(m.accuracy > 0.6);
  fr_metrics_release(&m);
  fr_quantized_free(q);
  fr_net_free(net);
}

/* Each as float32 has it, and as it is alone; one in three is short. */
static void test_short_samples_are_what_they_are_alone(void **state) {
  (void)state;
  const fr_samples train = make_samples(0, 160);
  fr_samples test = make_samples(160, 80);
  fr_net *net = trained(archs[1], &train);
  fr_quantized *q = quantized(net, FR_SCHEME_INT8, &train);
  for (size_t i = 160; i < COUNT; i += 3) {
    lengths[i] = (uint32_t)(9 + i % 5);
    memset(values[i] + lengths[i] * CHANNELS, 0,
           (STEPS - lengths[i]) * CHANNELS * sizeof(float));
  }
  test.length = lengths + 160;
  fr_metrics floats, together = tested(q, &test, 16), alone = tested(q, &test, 1);
  const fr_loss_options loss = {.kind = FR_LOSS_CROSS_ENTROPY};
  ASSERT_OK(fr_test(net, &test, &loss, 16, NULL, &floats, err));
  assert_memory_equal(together.confusion, alone.confusion,
                      CLASSES * CLASSES * sizeof *alone.confusion);
  assert_true(fabs(together.accuracy - floats.accuracy) < 0.04);
  assert_true(fabs(together.loss - floats.loss) < 0.1 * floats.loss + 0.02);
  fr_metrics_release(&floats);
  fr_metrics_release(&together);
  fr_metrics_release(&alone);
  fr_quantized_free(q);
  fr_net_free(net);
}

static void test_refuses_with_a_sentence(void **state) {
  (void)state;
  const fr_samples train = make_samples(0, 160);
  fr_samples test = make_samples(160, 80);
  const fr_samples none = {.steps = STEPS, .channels = CHANNELS};
  fr_samples other = train;
  fr_error why = {.text = ""};
  fr_quantized *q = NULL;
  fr_metrics m;
  const fr_loss_options loss = {.kind = FR_LOSS_CROSS_ENTROPY};
  fr_net *net = trained("dense(classes)", &train);
  other.steps = STEPS / 2;
  assert_int_equal(
      fr_quantize(net, FR_SCHEME_INT8, &none, NULL, NULL, NULL, NULL, &q, &why),
      FR_ERR_ARGUMENT);
  assert_int_equal(
      fr_quantize(net, FR_SCHEME_INT8_AWARE, &other, NULL, NULL, NULL, NULL, &q, &why),
      FR_ERR_ARGUMENT);
  assert_true(strlen(why.text) > 10);
  assert_null(q);
  q = quantized(net, FR_SCHEME_INT8, &train);
  assert_int_equal(fr_quantized_test(q, &none, &loss, 8, NULL, &m, &why),
                   FR_ERR_ARGUMENT);
  lengths[165] = 9;
  test.length = lengths + 160;
  assert_int_equal(fr_quantized_test(q, &test, &loss, 8, NULL, &m, &why),
                   FR_ERR_UNSUPPORTED);
  assert_non_null(strstr(why.text, "a sample of 9 of 16 steps")); /* dense takes all */
  fr_quantized_free(q);
  q = quantized(net, FR_SCHEME_INT8_DYNAMIC, &train); /* takes short samples */
  assert_int_equal(fr_quantized_test(q, &test, &loss, 8, NULL, &m, &why), FR_OK);
  fr_metrics_release(&m);
  fr_quantized_free(q);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_answers_stay_in_every_scheme),
      cmocka_unit_test(test_what_is_opened_gives_the_same_bits),
      cmocka_unit_test(test_the_network_stays_as_it_is),
      cmocka_unit_test(test_trained_for_int8_is_never_worse_where_it_is_validated),
      cmocka_unit_test(test_labels_are_tested_in_integers),
      cmocka_unit_test(test_short_samples_are_what_they_are_alone),
      cmocka_unit_test(test_refuses_with_a_sentence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
