/* SPDX-License-Identifier: Apache-2.0 */
/* Initial weights and dropout: their distributions, and the same numbers for a seed. */
#include <math.h>

#include "made.h"

static double deviation(const fr_tensor *tensor) {
  double sum = 0;
  for (size_t i = 0; i < tensor->count; i++)
    sum += (double)tensor->value[i] * (double)tensor->value[i];
  return sqrt(sum / (double)tensor->count);
}

/* 3 % is four standard errors of the deviation of some 10,000 numbers. */
static void check_deviation(const fr_net *net, const char *name, double wanted) {
  assert_near(deviation(made_tensor(net, name)) / wanted, 1, 0.03, name);
}

static void weights_are_hes_or_glorots(void **state) {
  (void)state;
  fr_net *net = made_net("conv1d(64,5) bn maxpool(2) relu conv1d(64,5) tanh lstm(64,all) "
                         "avgpool(all) dense(200) leaky dropout(0.1) dense(100)",
                         (fr_shape){40, 32}, 100, 1, 0);
  check_deviation(net, "0.weight", sqrt(2.0 / (5 * 32)));  /* relu, behind bn and pool */
  check_deviation(net, "4.weight", sqrt(2.0 / (10 * 64))); /* tanh: 2 / (in + out) */
  check_deviation(net, "6.weight", sqrt(2.0 / (64 + 64)));
  check_deviation(net, "6.recurrent", sqrt(2.0 / (64 + 64)));
  check_deviation(net, "8.weight", sqrt(2.0 / 64));           /* leaky */
  check_deviation(net, "11.weight", sqrt(2.0 / (200 + 100))); /* the end */
  const fr_tensor *bias = made_tensor(net, "6.bias");
  for (size_t i = 0; i < 256; i++) /* gates i, f, g, o: 1 for f */
    assert_true(bias->value[i] == (i >= 64 && i < 128 ? 1.0f : 0.0f));
  assert_true(made_tensor(net, "1.weight")->value[3] == 1.0f);
  assert_true(made_tensor(net, "1.running_variance")->value[3] == 1.0f);
  fr_net_free(net);
}

static void weights_are_zero_before(void **state) {
  (void)state;
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new("dense(3)", (fr_shape){1, 2}, 3, &net, err));
  for (size_t i = 0; i < 6; i++)
    assert_true(made_tensor(net, "0.weight")->value[i] == 0.0f);
  fr_net_free(net);
}

static void seed_fixes_weights(void **state) {
  (void)state;
  const char *arch = "dense(40) relu dense(40) relu dense(3)";
  fr_net *a = made_net(arch, (fr_shape){1, 20}, 3, 1, 0);
  fr_net *b = made_net(arch, (fr_shape){1, 20}, 3, 1, 0);
  const size_t bytes = 1600 * sizeof(float);
  const float *wa = made_tensor(a, "2.weight")->value;
  float *wb = made_tensor(b, "2.weight")->value;
  assert_memory_equal(wa, wb, bytes);
  fr_net_init(b, 8, 0);
  assert_memory_not_equal(wa, wb, bytes);
  fr_net_init(b, 7, 3); /* layers before 3 stay as they are */
  assert_memory_not_equal(wa, wb, bytes);
  assert_memory_equal(made_tensor(a, "4.weight")->value,
                      made_tensor(b, "4.weight")->value, 120 * sizeof(float));
  fr_net_free(a);
  fr_net_free(b);
}

#define UNITS 20000

static void dropout_drops_its_share(void **state) {
  (void)state;
  fr_net *net = made_net("dropout(0.3)", (fr_shape){1, UNITS}, UNITS, 1, 0);
  float *x = malloc(UNITS * sizeof *x), *kept = malloc(UNITS * sizeof *kept);
  for (size_t i = 0; i < UNITS; i++)
    x[i] = 1;
  fr_net_seed(net, 1);
  const float *y = fr_net_forward(net, x, 1, 0, 1, true);
  size_t dropped = 0;
  for (size_t i = 0; i < UNITS; i++) {
    dropped += y[i] == 0.0f;
    assert_true(y[i] == 0.0f || fabsf(y[i] - 1 / 0.7f) < 1e-6f);
  }
  /* four standard deviations of a binomial count */
  assert_near((double)dropped, 0.3 * UNITS, 4 * sqrt(UNITS * 0.3 * 0.7), "dropped");
  memcpy(kept, y, UNITS * sizeof *kept);
  y = fr_net_forward(net, x, 1, 0, 1, true);
  assert_memory_not_equal(kept, y, UNITS * sizeof *kept); /* the stream goes on */
  fr_net_seed(net, 1);
  y = fr_net_forward(net, x, 1, 0, 1, true);
  assert_memory_equal(kept, y, UNITS * sizeof *kept);
  y = fr_net_forward(net, x, 1, 0, 1, false);
  assert_memory_equal(x, y, UNITS * sizeof *x); /* testing: the identity */
  free(x);
  free(kept);
  fr_net_free(net);
}

/* In testing bn uses the running statistics, whatever the batch. */
static void bn_tests_by_running_statistics(void **state) {
  (void)state;
  fr_net *net = made_net("bn", (fr_shape){1, 1}, 1, 2, 0);
  made_tensor(net, "0.running_mean")->value[0] = 2;
  made_tensor(net, "0.running_variance")->value[0] = 4 - 1e-5f;
  made_tensor(net, "0.weight")->value[0] = 3;
  made_tensor(net, "0.bias")->value[0] = 1;
  const float x[] = {4, 100};
  const float *y = fr_net_forward(net, x, 2, 0, 1, false);
  assert_near((double)y[0], 1 + 3 * (4 - 2) / 2.0, 1e-5, "y");
  assert_near((double)y[1], 1 + 3 * (100 - 2) / 2.0, 1e-4, "y");
  assert_true(made_tensor(net, "0.running_mean")->value[0] == 2.0f);
  y = fr_net_forward(net, x, 1, 0, 1, true); /* one row has no variance */
  assert_near((double)y[0], 4, 1e-5, "y of a batch of one");
  assert_true(made_tensor(net, "0.running_mean")->value[0] == 2.0f);
  fr_net_free(net);
}

/* Of each sample its own channels, each over all steps; what stays is doubled. */
static void spatial_dropout_drops_channels(void **state) {
  (void)state;
  enum { STEPS = 3, CHANNELS = 400, BATCH = 2 };
  float x[BATCH * STEPS * CHANNELS];
  size_t dropped = 0, differing = 0;
  for (size_t i = 0; i < sizeof x / sizeof x[0]; i++)
    x[i] = 1 + (float)(i % 7);
  fr_net *net = made_net("spatialdropout(0.5) flatten", (fr_shape){STEPS, CHANNELS},
                         STEPS * CHANNELS, BATCH, 0);
  const float *y = fr_net_forward(net, x, BATCH, 0, 2, true);
  for (size_t c = 0; c < CHANNELS; c++) {
    for (size_t b = 0; b < BATCH; b++) {
      const size_t at = b * STEPS * CHANNELS + c;
      const bool drops = y[at] == 0.0f;
      dropped += drops;
      for (size_t i = at; i < at + STEPS * CHANNELS; i += CHANNELS)
        assert_true(y[i] == (drops ? 0.0f : 2 * x[i]));
    }
    differing += (y[c] == 0.0f) != (y[STEPS * CHANNELS + c] == 0.0f);
  }
  assert_true(dropped > 330 && dropped < 470); /* 400, five standard errors of 14 */
  assert_true(differing > 150 && differing < 250);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weights_are_hes_or_glorots),
      cmocka_unit_test(weights_are_zero_before),
      cmocka_unit_test(seed_fixes_weights),
      cmocka_unit_test(spatial_dropout_drops_channels),
      cmocka_unit_test(dropout_drops_its_share),
      cmocka_unit_test(bn_tests_by_running_statistics),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
