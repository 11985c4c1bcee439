/* SPDX-License-Identifier: Apache-2.0 */
/* Layers against a script that was written from the papers: tests/golden/nn_golden.py. */
#include <math.h>

#include "../golden/nn_golden.h"
#include "made.h"

/* The same numbers as the script's. */
static void sines(int key, float *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    x[i] = (float)(0.8 * sin(1.7 * (double)i + 0.9 * key));
}

static void agree(const float *got, const double *wanted, size_t n, const char *what) {
  for (size_t i = 0; i < n; i++)
    assert_near((double)got[i], wanted[i], 2e-5 * fmax(1, fabs(wanted[i])), what);
}

#define AGREE(got, wanted) agree(got, wanted, sizeof(wanted) / sizeof(wanted)[0], #wanted)

/* Forward and backward with sines for the input (key 1), the trained tensors (2, 3, …)
 * and d loss / d output (9). */
static const float *run(fr_net *net, float *x, size_t inputs, size_t batch) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  float d[128];
  sines(1, x, inputs);
  sines(9, d, batch * fr_net_classes(net));
  for (size_t i = 0; i < count; i++)
    if (tensor[i].gradient)
      sines(2 + (int)i, tensor[i].value, tensor[i].count);
  const float *y = fr_net_forward(net, x, batch, 0, fr_net_layer_count(net), true);
  fr_net_backward(net, d, batch);
  return y;
}

static void lstm_agrees(void **state) {
  (void)state;
  float x[30];
  fr_net *net = made_net("lstm(4,all) flatten", (fr_shape){5, 3}, 20, 2, 0);
  AGREE(run(net, x, 30, 2), golden_lstm_y);
  AGREE(made_tensor(net, "0.weight")->gradient, golden_lstm_weight);
  AGREE(made_tensor(net, "0.recurrent")->gradient, golden_lstm_recurrent);
  AGREE(made_tensor(net, "0.bias")->gradient, golden_lstm_bias);
  fr_net_free(net);
}

/* Without `all`, and in testing, where only two states are kept at a time. */
static void lstm_gives_its_last_state(void **state) {
  (void)state;
  float x[30];
  fr_net *net = made_net("lstm(4)", (fr_shape){5, 3}, 4, 2, 0);
  for (int train = 1; train >= 0; train--) {
    ASSERT_OK(fr_net_reserve(net, 2, train != 0, 0, err));
    size_t count = 0;
    const fr_tensor *tensor = fr_net_tensors(net, &count);
    sines(1, x, 30);
    for (size_t i = 0; i < count; i++)
      sines(2 + (int)i, tensor[i].value, tensor[i].count);
    const float *y = fr_net_forward(net, x, 2, 0, 1, train != 0);
    agree(y, golden_lstm_y + 16, 4, "last state of sample 0");
    agree(y + 4, golden_lstm_y + 36, 4, "last state of sample 1");
  }
  fr_net_free(net);
}

static void conv1d_agrees(void **state) {
  (void)state;
  float x[42];
  fr_net *net = made_net("conv1d(4,3,2,pad=same) flatten", (fr_shape){7, 3}, 16, 2, 0);
  AGREE(run(net, x, 42, 2), golden_conv1d_y);
  AGREE(made_tensor(net, "0.weight")->gradient, golden_conv1d_weight);
  AGREE(made_tensor(net, "0.bias")->gradient, golden_conv1d_bias);
  fr_net_free(net);
}

static void bn_agrees(void **state) {
  (void)state;
  float x[18];
  fr_net *net = made_net("bn flatten", (fr_shape){2, 3}, 6, 3, 0);
  AGREE(run(net, x, 18, 3), golden_bn_y);
  AGREE(made_tensor(net, "0.weight")->gradient, golden_bn_weight);
  AGREE(made_tensor(net, "0.bias")->gradient, golden_bn_bias);
  AGREE(made_tensor(net, "0.running_mean")->value, golden_bn_running_mean);
  AGREE(made_tensor(net, "0.running_variance")->value, golden_bn_running_variance);
  assert_null(made_tensor(net, "0.running_mean")->gradient);
  fr_net_free(net);
}

static void gelu_agrees(void **state) {
  (void)state;
  float x[12];
  fr_net *net = made_net("gelu", (fr_shape){1, 12}, 12, 1, 0);
  sines(1, x, 12);
  for (size_t i = 0; i < 12; i++)
    x[i] *= 3;
  AGREE(fr_net_forward(net, x, 1, 0, 1, false), golden_gelu_y);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lstm_agrees),   cmocka_unit_test(lstm_gives_its_last_state),
      cmocka_unit_test(conv1d_agrees), cmocka_unit_test(bn_agrees),
      cmocka_unit_test(gelu_agrees),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
