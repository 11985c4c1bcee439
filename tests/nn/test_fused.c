/* SPDX-License-Identifier: Apache-2.0 */
/* A product that does the relu behind it gives the bits that relu would: all layers at
 * once answer as they do one by one, in testing and in training, and learn the same. */
#include "../test.h"

#include <math.h>

#include "frugal/nn.h"

#define STEPS ((size_t)11)
#define CHANNELS ((size_t)6)
#define CLASSES ((size_t)5)
#define BATCH ((size_t)4)

static const char *const texts[] = {
    "dense(40) relu dense(33) relu relu dense(classes) relu",
    "conv1d(33,3) relu conv1d(16,2,2) relu bn relu flatten relu dense(classes)",
    "conv1d(8,3,dilation=2) relu conv1d(8,3,groups=4) relu conv1d(8,3,groups=8) relu "
    "conv1d(7,3,pad=same) leaky relu dense(classes)",
    "residual(conv1d(6,3) relu) relu parallel(conv1d(4,1) relu | conv1d(4,1) | relu) "
    "avgpool(all) dense(classes) relu",
};
#define TEXTS (sizeof texts / sizeof *texts)

static const uint32_t lengths[BATCH] = {11, 9, 10, 11};
static float x[BATCH * STEPS * CHANNELS];

static void fill_x(void) {
  for (size_t i = 0; i < sizeof x / sizeof *x; i++)
    x[i] = (float)((i * 2654435761u) % 1000) / 500.0f - 1.0f;
}

static fr_net *new_net(const char *text, enum fr_precision precision, bool told) {
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new(text, (fr_shape){STEPS, CHANNELS}, CLASSES, &net, err));
  fr_net_init(net, 3, 0);
  fr_net_set_precision(net, precision);
  fr_net_set_lengths(net, told ? lengths : NULL);
  ASSERT_OK(fr_net_reserve(net, BATCH, true, 0, err));
  return net;
}

static void one_by_one(fr_net *net, bool train, float y[BATCH * CLASSES]) {
  const float *at = x;
  for (size_t i = 0; i < fr_net_layer_count(net); i++)
    at = fr_net_forward(net, at, BATCH, i, i + 1, train);
  memcpy(y, at, BATCH * CLASSES * sizeof *y);
}

static void at_once(fr_net *net, bool train, float y[BATCH * CLASSES]) {
  const size_t layers = fr_net_layer_count(net);
  memcpy(y, fr_net_forward(net, x, BATCH, 0, layers, train), BATCH * CLASSES * sizeof *y);
}

static void check_gradients(fr_net *a, fr_net *b) {
  float dy[BATCH * CLASSES];
  size_t count;
  for (size_t i = 0; i < BATCH * CLASSES; i++)
    dy[i] = (float)i - 7.5f;
  fr_net_backward(a, dy, BATCH);
  fr_net_backward(b, dy, BATCH);
  const fr_tensor *ta = fr_net_tensors(a, &count), *tb = fr_net_tensors(b, &count);
  for (size_t i = 0; i < count; i++)
    if (ta[i].gradient)
      assert_memory_equal(ta[i].gradient, tb[i].gradient, ta[i].count * sizeof(float));
}

static void check_text(const char *text, enum fr_precision precision, bool told) {
  fr_net *a = new_net(text, precision, told), *b = new_net(text, precision, told);
  float one[BATCH * CLASSES], all[BATCH * CLASSES];
  one_by_one(a, false, one);
  at_once(b, false, all);
  assert_memory_equal(one, all, sizeof one);
  one_by_one(a, true, one);
  at_once(b, true, all);
  assert_memory_equal(one, all, sizeof one);
  check_gradients(a, b);
  fr_net_free(a);
  fr_net_free(b);
}

static void bits_are_those_of_relu(void **state) {
  (void)state;
  for (size_t i = 0; i < TEXTS; i++)
    for (enum fr_precision p = FR_PRECISION_F32; p < FR_PRECISIONS; p++)
      for (int told = 0; told < 2; told++)
        check_text(texts[i], p, told);
}

/* y = max(x W + b, 0), by hand: 1·1 + 2·(-3) + 1 = -4, 1·2 + 2·1 + 0 = 4. */
static void negative_sums_become_zero(void **state) {
  (void)state;
  fr_net *net = NULL;
  size_t count;
  ASSERT_OK(fr_net_new("dense(2) relu", (fr_shape){1, 2}, 2, &net, err));
  ASSERT_OK(fr_net_reserve(net, 1, false, 0, err));
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  memcpy(tensor[0].value, (const float[]){1, 2, -3, 1}, 4 * sizeof(float));
  memcpy(tensor[1].value, (const float[]){1, 0}, 2 * sizeof(float));
  const float *y = fr_net_forward(net, (const float[]){1, 2}, 1, 0, 2, false);
  assert_true(y[0] == 0 && y[1] == 4);
  y = fr_net_forward(net, (const float[]){1, 2}, 1, 0, 1, false);
  assert_true(y[0] == -4);
  y = fr_net_forward(net, (const float[]){NAN, 2}, 1, 0, 2, false);
  assert_true(isnan(y[0])); /* a broken network shows */
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(bits_are_those_of_relu),
                                     cmocka_unit_test(negative_sums_become_zero)};
  fill_x();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
