/* SPDX-License-Identifier: Apache-2.0 */
/* Small problems are really learned. */
#include <math.h>

#include "made.h"

/* Full-batch training; returns the share of the batch that is right afterwards. */
static double learn(const char *arch, fr_shape input, size_t classes, const float *x,
                    const uint32_t *label, size_t batch, enum fr_loss loss,
                    const fr_optimizer_options *options, size_t steps) {
  fr_net *net = made_net(arch, input, classes, batch, 0);
  fr_optimizer *optimizer = NULL;
  ASSERT_OK(fr_optimizer_new(net, 0, options, NULL, &optimizer, err));
  float *d = malloc(batch * classes * sizeof *d);
  const size_t layers = fr_net_layer_count(net);
  for (size_t i = 0; i < steps; i++) {
    const float *y = fr_net_forward(net, x, batch, 0, layers, true);
    made_loss(loss, y, label, batch, classes, d);
    fr_net_backward(net, d, batch);
    fr_optimizer_step(optimizer);
  }
  fr_metrics metrics;
  ASSERT_OK(fr_metrics_init(&metrics, classes, err));
  fr_metrics_add(&metrics, fr_net_forward(net, x, batch, 0, layers, false), label, batch,
                 0);
  fr_metrics_finish(&metrics);
  const double accuracy = metrics.accuracy;
  fr_metrics_release(&metrics);
  free(d);
  fr_optimizer_free(optimizer);
  fr_net_free(net);
  return accuracy;
}

static void exclusive_or(void **state) {
  (void)state;
  const float x[] = {0, 0, 0, 1, 1, 0, 1, 1};
  const uint32_t label[] = {0, 1, 1, 0};
  fr_optimizer_options options = fr_optimizer_default_options();
  options.learning_rate = 0.05f;
  assert_true(learn("dense(8) tanh dense(2)", (fr_shape){1, 2}, 2, x, label, 4,
                    FR_LOSS_CROSS_ENTROPY, &options, 300) == 1);
  options.kind = FR_OPTIMIZER_SGD;
  options.learning_rate = 0.5f;
  assert_true(learn("dense(8) sigmoid dense(2) sigmoid", (fr_shape){1, 2}, 2, x, label, 4,
                    FR_LOSS_SQUARED, &options, 3000) == 1);
}

#define POINTS 100 /* of each arm */

/* Two arms of one turn and a half: no straight line parts them. */
static void spiral(void **state) {
  (void)state;
  float x[2 * POINTS * 2];
  uint32_t label[2 * POINTS];
  for (size_t i = 0; i < 2 * POINTS; i++) {
    const double t = (double)(i / 2) / POINTS,
                 turn = 3 * M_PI * t + M_PI * (double)(i % 2);
    x[2 * i] = (float)((0.2 + t) * cos(turn));
    x[2 * i + 1] = (float)((0.2 + t) * sin(turn));
    label[i] = (uint32_t)(i % 2);
  }
  fr_optimizer_options options = fr_optimizer_default_options();
  options.learning_rate = 0.01f;
  assert_true(learn("dense(32) bn relu dense(32) gelu dense(2)", (fr_shape){1, 2}, 2, x,
                    label, 2 * POINTS, FR_LOSS_CROSS_ENTROPY, &options, 600) >= 0.99);
}

#define SEQUENCES 96
#define STEPS 20

/* Which of three frequencies, at a random phase, on one of two channels. */
static void frequencies(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 4, 0);
  float x[SEQUENCES * STEPS * 2];
  uint32_t label[SEQUENCES];
  for (size_t b = 0; b < SEQUENCES; b++) {
    label[b] = (uint32_t)(b % 3);
    const double phase = 2 * M_PI * fr__rng_uniform(&rng);
    for (size_t t = 0; t < STEPS; t++) {
      float *at = x + (b * STEPS + t) * 2;
      at[0] = (float)sin((0.5 + 0.5 * (double)label[b]) * (double)t + phase);
      at[1] = (float)(0.2 * fr__rng_normal(&rng));
    }
  }
  static const char *const archs[] = {
      "lstm(16) dense(3)",
      "lstm(8,all) maxpool(all) dense(3)",
      "conv1d(16,5,pad=same) bn relu maxpool(2) conv1d(16,3) leaky avgpool(all) dense(3)",
  };
  fr_optimizer_options options = fr_optimizer_default_options();
  options.learning_rate = 0.02f;
  for (size_t i = 0; i < 3; i++)
    assert_true(learn(archs[i], (fr_shape){STEPS, 2}, 3, x, label, SEQUENCES,
                      FR_LOSS_CROSS_ENTROPY, &options, 150) >= 0.97);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exclusive_or),
      cmocka_unit_test(spiral),
      cmocka_unit_test(frequencies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
