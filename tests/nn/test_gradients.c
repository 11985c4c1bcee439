/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every layer's gradients against central differences. The layer under test stands behind
 * conv1d(C,1) with the identity as its weights: the gradient of those is the product of
 * the input with the layer's input gradient, which so is checked too.
 */
#include "differences.h"

#define LARGEST 4096 /* numbers in a batch */

static void set_identity(const fr_tensor *weight) {
  for (size_t i = 0; i < weight->shape[1]; i++)
    for (size_t j = 0; j < weight->shape[2]; j++)
      weight->value[i * weight->shape[2] + j] = i == j ? 1.0f : 0.0f;
}

static void check(const char *layers, fr_shape in, size_t classes, size_t batch, double h,
                  uint64_t seed) {
  fr__rng rng;
  fr__rng_init(&rng, seed, 1);
  char arch[256];
  snprintf(arch, sizeof arch, "conv1d(%zu,1) %s dense(classes)", in.channels, layers);
  float x[LARGEST], weight[LARGEST];
  probe p = {.net = made_net(arch, in, classes, batch, 0),
             .batch = batch,
             .classes = classes,
             .x = x,
             .weight = weight};
  const size_t inputs = batch * in.steps * in.channels;
  assert_true(inputs <= LARGEST && batch * classes <= LARGEST);
  probe_shake(p.net, &rng);
  set_identity(made_tensor(p.net, "0.weight"));
  probe_spread(&rng, x, inputs);
  made_numbers(&rng, -1, 1, weight, batch * classes);
  probe_net(&p, 10, h, &rng);
  fr_net_free(p.net);
}

/* On shapes of every kind: length 1, batch 1, one class, odd counts of channels. */
static void check_shapes(const char *layers, size_t least_steps, double h) {
  static const struct {
    size_t steps, channels, classes, batch;
  } shapes[] = {{1, 5, 3, 4}, {9, 3, 1, 2}, {6, 7, 4, 1}, {1, 1, 1, 1}, {13, 4, 2, 3}};
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
    if (shapes[i].steps >= least_steps)
      check(layers, (fr_shape){shapes[i].steps, shapes[i].channels}, shapes[i].classes,
            shapes[i].batch, h, 100 + i);
}

#define SMOOTH 2e-2
#define CORNERS 1e-3

static void dense_agrees(void **state) {
  (void)state;
  check_shapes("dense(6)", 1, SMOOTH);
  check_shapes("dense(1)", 1, SMOOTH);
  check_shapes("dense(33) tanh", 1, SMOOTH);
}

static void conv1d_agrees(void **state) {
  (void)state;
  check_shapes("conv1d(5,1)", 1, SMOOTH);
  check_shapes("conv1d(5,3)", 3, SMOOTH);
  check_shapes("conv1d(3,4,2)", 4, SMOOTH);
  check_shapes("conv1d(17,2,3)", 2, SMOOTH);
  check_shapes("conv1d(5,3,pad=same)", 1, SMOOTH);
  check_shapes("conv1d(5,4,2,pad=same)", 1, SMOOTH);
  check_shapes("conv1d(5,2,5,pad=same)", 1, SMOOTH);
  check_shapes("conv1d(4,3,pad=causal)", 1, SMOOTH);
  check_shapes("conv1d(4,7,3,pad=causal)", 1, SMOOTH);
  check_shapes("conv1d(5,3,dilation=2)", 5, SMOOTH);
  check_shapes("conv1d(3,2,2,dilation=3,pad=same)", 1, SMOOTH);
  check_shapes("conv1d(4,3,dilation=4,pad=causal)", 1, SMOOTH);
}

static void lstm_agrees(void **state) {
  (void)state;
  check_shapes("lstm(4)", 1, SMOOTH);
  check_shapes("lstm(5,all)", 1, SMOOTH);
  check_shapes("lstm(1)", 1, SMOOTH);
  check_shapes("lstm(17,all) lstm(3)", 1, SMOOTH);
}

/* On six channels; depthwise where as many groups. */
static void grouped_conv1d_agrees(void **state) {
  (void)state;
  static const char *const texts[] = {
      "conv1d(4,3,groups=2)",
      "conv1d(6,3,2,groups=3,pad=same)",
      "conv1d(9,2,dilation=2,groups=3,pad=causal)",
      "conv1d(6,3,groups=6)",
      "conv1d(6,4,2,dilation=2,groups=6,pad=same)",
      "conv1d(18,3,groups=6,pad=causal)",
      "conv1d(12,5,3,groups=6,pad=same)",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    check(texts[i], (fr_shape){7, 6}, 3, 2, SMOOTH, 200 + i);
    check(texts[i], (fr_shape){12, 6}, 1, 1, SMOOTH, 300 + i);
    if (strstr(texts[i], "pad="))
      check(texts[i], (fr_shape){1, 6}, 2, 3, SMOOTH, 400 + i);
  }
}

static void pooling_agrees(void **state) {
  (void)state;
  check_shapes("maxpool(2)", 2, CORNERS);
  check_shapes("maxpool(all)", 1, CORNERS);
  check_shapes("avgpool(4)", 4, SMOOTH);
  check_shapes("avgpool(all)", 1, SMOOTH);
}

static void bn_agrees(void **state) {
  (void)state;
  check_shapes("bn", 1, SMOOTH);
  check_shapes("tanh bn tanh", 1, SMOOTH);
  check_shapes("bn(0.1)", 1, SMOOTH);
}

static void layernorm_agrees(void **state) {
  (void)state;
  check_shapes("layernorm(0.1)", 1, SMOOTH);
  check_shapes("conv1d(19,1) layernorm tanh", 1, SMOOTH);
}

static void activations_agree(void **state) {
  (void)state;
  check_shapes("relu", 1, CORNERS);
  check_shapes("leaky(0.3)", 1, CORNERS);
  check_shapes("gelu", 1, SMOOTH);
  check_shapes("hardswish", 1, CORNERS);
  check_shapes("sigmoid", 1, SMOOTH);
  check_shapes("tanh", 1, SMOOTH);
  check_shapes("softmax", 1, SMOOTH);
  check_shapes("flatten", 1, SMOOTH);
}

static void dropout_agrees(void **state) {
  (void)state;
  check_shapes("dropout(0.4)", 1, SMOOTH);
  check_shapes("tanh dropout(0.5)", 1, SMOOTH);
  check_shapes("spatialdropout(0.4)", 1, SMOOTH);
  check_shapes("tanh spatialdropout(0.5)", 1, SMOOTH);
}

/* Layers that write over their input next to layers that read their output. */
static void chains_agree(void **state) {
  (void)state;
  check_shapes("conv1d(5,3,pad=same) bn tanh lstm(4,all) gelu", 1, SMOOTH);
  check_shapes("conv1d(4,3) bn sigmoid dropout(0.3) tanh avgpool(2) dense(6)", 4, SMOOTH);
  check_shapes("tanh sigmoid softmax flatten tanh dropout(0.2) dropout(0.2)", 1, SMOOTH);
  check_shapes("lstm(3,all) dropout(0.2) tanh lstm(3,all) sigmoid flatten", 1, SMOOTH);
}

/* Chains in a layer: their input's gradient is a sum. */
static void branches_agree(void **state) {
  (void)state;
  check_shapes("residual(conv1d(5,3) tanh)", 1, SMOOTH);
  check_shapes("residual(bn tanh dropout(0.3)) tanh", 1, SMOOTH);
  check_shapes("residual(sigmoid)", 1, SMOOTH);
  check_shapes("residual(parallel( | tanh)) sigmoid", 1, SMOOTH);
  check_shapes("tanh parallel(conv1d(3,3) sigmoid | | lstm(2,all) tanh)", 1, SMOOTH);
  check_shapes("parallel(avgpool(all) | lstm(3) | maxpool(all))", 1, CORNERS);
  check_shapes("residual(residual(lstm(4) tanh) conv1d(3,2)) tanh", 1, SMOOTH);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dense_agrees),          cmocka_unit_test(conv1d_agrees),
      cmocka_unit_test(grouped_conv1d_agrees), cmocka_unit_test(lstm_agrees),
      cmocka_unit_test(pooling_agrees),        cmocka_unit_test(bn_agrees),
      cmocka_unit_test(layernorm_agrees),      cmocka_unit_test(activations_agree),
      cmocka_unit_test(dropout_agrees),        cmocka_unit_test(chains_agree),
      cmocka_unit_test(branches_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
