/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of the optimizers against values worked out by hand. */
#include <math.h>

#include "made.h"

/* dense(1) on one input: y = w x + b. With d loss / d y = d the gradients are w: d x, b:
 * d. */
typedef struct line {
  fr_net *net;
  fr_optimizer *optimizer;
  float *weight, *bias;
} line;

static line made_line(const fr_optimizer_options *options, const float *rate_scale) {
  line l = {.net = made_net("dense(1)", (fr_shape){1, 1}, 1, 1, 0)};
  ASSERT_OK(fr_optimizer_new(l.net, 0, options, rate_scale, &l.optimizer, err));
  l.weight = made_tensor(l.net, "0.weight")->value;
  l.bias = made_tensor(l.net, "0.bias")->value;
  *l.weight = 1;
  *l.bias = 0;
  return l;
}

static void line_free(line *l) {
  fr_optimizer_free(l->optimizer);
  fr_net_free(l->net);
}

/* Gradient of the weight: d x = 2 d. */
static void step(line *l, float d) {
  const float x = 2;
  fr_net_forward(l->net, &x, 1, 0, 1, true);
  fr_net_backward(l->net, &d, 1);
  fr_optimizer_step(l->optimizer);
}

static void sgd_has_momentum(void **state) {
  (void)state;
  fr_optimizer_options options = fr_optimizer_default_options();
  options.kind = FR_OPTIMIZER_SGD;
  options.learning_rate = 0.1f;
  options.momentum = 0.5f;
  line l = made_line(&options, NULL);
  step(&l, 1); /* v = 2; w = 1 - 0.2 */
  assert_near((double)*l.weight, 0.8, 1e-6, "weight after a step");
  assert_near((double)*l.bias, -0.1, 1e-6, "bias after a step");
  step(&l, -1); /* v = 0.5 2 - 2 = -1; w = 0.8 + 0.1 */
  assert_near((double)*l.weight, 0.9, 1e-6, "weight after two");
  step(&l, 0); /* v = -0.5 */
  assert_near((double)*l.weight, 0.95, 1e-6, "weight after three");
  line_free(&l);
}

static void decay_is_decoupled_in_adamw_alone(void **state) {
  (void)state;
  for (int kind = FR_OPTIMIZER_SGD; kind <= FR_OPTIMIZER_RMSPROP; kind++) {
    fr_optimizer_options options =
        fr_optimizer_usual_options((enum fr_optimizer_kind)kind);
    options.learning_rate = 0.1f;
    options.weight_decay = 0.5f;
    options.momentum = 0;
    line l = made_line(&options, NULL);
    step(&l, 0); /* no gradient but that of the decay, 0.5 */
    const double wanted[] = {[FR_OPTIMIZER_SGD] = 1 - 0.1 * 0.5,
                             [FR_OPTIMIZER_ADAM] =
                                 1 - 0.1, /* the first step is the sign of the gradient */
                             [FR_OPTIMIZER_ADAMW] = 1 - 0.1 * 0.5,
                             [FR_OPTIMIZER_RMSPROP] = 1 - 0.1 / sqrt(1 - 0.99)};
    assert_near((double)*l.weight, wanted[kind], 1e-5, fr_optimizer_name(options.kind));
    line_free(&l);
  }
}

/*
 * Adam, beta1 = 0.5, beta2 = 0.75, rate 0.1, epsilon 0.25; the weight's gradients are 2
 * and -4. The first step: m = 1, v = 1, corrected 2 and 4, so that w = 1 - 0.1 2 / (2 +
 * 0.25).
 *
 * The second: m = -1.5, v = 0.75 + 4 = 4.75, corrected -1.5 / 0.75 = -2 and 4.75 /
 * 0.4375, so that w grows by 0.1 2 / (sqrt(4.75 / 0.4375) + 0.25).
 */
static void adam_follows_its_algorithm(void **state) {
  (void)state;
  fr_optimizer_options options = {.kind = FR_OPTIMIZER_ADAMW,
                                  .learning_rate = 0.1f,
                                  .beta1 = 0.5f,
                                  .beta2 = 0.75f,
                                  .epsilon = 0.25f};
  line l = made_line(&options, NULL);
  step(&l, 1);
  assert_near((double)*l.weight, 1 - 0.2 / 2.25, 1e-6, "weight after a step");
  assert_near((double)*l.bias, -0.1 / 1.25, 1e-6, "bias after a step");
  step(&l, -2);
  const double wanted = 1 - 0.2 / 2.25 + 0.2 / (sqrt(4.75 / 0.4375) + 0.25);
  assert_near((double)*l.weight, wanted, 1e-6, "weight after two");
  line_free(&l);
}

static void rate_is_scaled_per_layer(void **state) {
  (void)state;
  const float scale[] = {0, 0.5f, 1};
  fr_optimizer_options options = fr_optimizer_default_options();
  options.kind = FR_OPTIMIZER_SGD;
  options.learning_rate = 0.1f;
  options.momentum = 0;
  fr_net *net = made_net("dense(1) dense(1) dense(1)", (fr_shape){1, 1}, 1, 1, 0);
  fr_optimizer *optimizer = NULL;
  ASSERT_OK(fr_optimizer_new(net, 0, &options, scale, &optimizer, err));
  const float x = 1, d = 1;
  static const char *const names[] = {"0.bias", "1.bias", "2.bias"};
  for (size_t i = 0; i < 3; i++)
    *made_tensor(net, "0.weight")->value = 1;
  *made_tensor(net, "1.weight")->value = 1;
  *made_tensor(net, "2.weight")->value = 1;
  fr_net_forward(net, &x, 1, 0, 3, true);
  fr_net_backward(net, &d, 1);
  fr_optimizer_step(optimizer);
  for (size_t i = 0; i < 3; i++)
    assert_near((double)*made_tensor(net, names[i])->value, -0.1 * (double)scale[i], 1e-7,
                names[i]);
  fr_optimizer_free(optimizer);
  fr_net_free(net);
}

static void rate_may_change(void **state) {
  (void)state;
  fr_optimizer_options options = fr_optimizer_default_options();
  options.kind = FR_OPTIMIZER_SGD;
  options.momentum = 0;
  line l = made_line(&options, NULL);
  fr_optimizer_set_rate(l.optimizer, 0.25f);
  step(&l, 1);
  assert_near((double)*l.weight, 0.5, 1e-7, "weight");
  line_free(&l);
}

static void options_are_checked(void **state) {
  (void)state;
  fr_net *net = made_net("dense(1)", (fr_shape){1, 1}, 1, 1, 0);
  fr_optimizer *optimizer = NULL;
  fr_error err = {0};
  fr_optimizer_options options = fr_optimizer_default_options();
  options.learning_rate = -1;
  assert_int_equal(fr_optimizer_new(net, 0, &options, NULL, &optimizer, &err),
                   FR_ERR_ARGUMENT);
  assert_string_equal(err.text, "learning rate -1 is not between 0 and 1e+06");
  options = fr_optimizer_default_options();
  options.beta2 = NAN;
  assert_int_equal(fr_optimizer_new(net, 0, &options, NULL, &optimizer, &err),
                   FR_ERR_ARGUMENT);
  assert_null(optimizer);
  enum fr_optimizer_kind kind = FR_OPTIMIZER_SGD;
  assert_true(fr_optimizer_parse("adam", &kind) && kind == FR_OPTIMIZER_ADAM);
  assert_true(fr_optimizer_parse("sgd", &kind) && kind == FR_OPTIMIZER_SGD);
  assert_false(fr_optimizer_parse("Adam", &kind));
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sgd_has_momentum),
      cmocka_unit_test(decay_is_decoupled_in_adamw_alone),
      cmocka_unit_test(adam_follows_its_algorithm),
      cmocka_unit_test(rate_is_scaled_per_layer),
      cmocka_unit_test(rate_may_change),
      cmocka_unit_test(options_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
