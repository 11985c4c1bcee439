/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of the optimizers against PyTorch (tests/golden/loss_optimizer.py) and values
 * worked out by hand. */
#include <math.h>

#include "../golden/loss_optimizer.h"
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
  const struct {
    fr_optimizer_options options;
    const char *sentence;
  } rows[] = {
      {{.kind = FR_OPTIMIZER_SGD, .learning_rate = -1},
       "learning rate -1 is not between 0 and 1e+06"},
      {{.kind = FR_OPTIMIZER_SGD, .momentum = 1},
       "momentum 1 is not between 0 and 0.9999"},
      {{.kind = FR_OPTIMIZER_SGD, .nesterov = true},
       "Nesterov's momentum needs one above 0"},
      {{.kind = FR_OPTIMIZER_ADAM, .epsilon = 1e-8f, .nesterov = true},
       "Nesterov's momentum is for sgd, not for adam"},
      {{.kind = FR_OPTIMIZER_ADAMW, .beta2 = NAN, .epsilon = 1e-8f},
       "beta2 nan is not between 0 and 0.999999"},
      {{.kind = FR_OPTIMIZER_RMSPROP}, "epsilon 0 is not between 1e-16 and 1"},
      {{.kind = FR_OPTIMIZER_RMSPROP, .alpha = 1, .epsilon = 1},
       "alpha 1 is not between 0 and 0.999999"},
      {{.kind = FR_OPTIMIZER_SGD, .clip_norm = INFINITY},
       "clipping by norm inf is not between 0 and 1e+30"},
      {{.kind = FR_OPTIMIZER_SGD, .clip_value = -2},
       "clipping by value -2 is not between 0 and 1e+30"},
      {{.kind = (enum fr_optimizer_kind)4}, "there is no optimizer 4"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fr_optimizer *optimizer = NULL;
    fr_error err = {0};
    assert_int_equal(fr_optimizer_new(net, 0, &rows[i].options, NULL, &optimizer, &err),
                     FR_ERR_ARGUMENT);
    assert_string_equal(err.text, rows[i].sentence);
    assert_null(optimizer);
  }
  fr_net_free(net);
}

static void optimizers_have_names(void **state) {
  (void)state;
  enum fr_optimizer_kind kind = FR_OPTIMIZER_SGD;
  for (int i = FR_OPTIMIZER_SGD; i <= FR_OPTIMIZER_RMSPROP; i++) {
    assert_true(fr_optimizer_parse(fr_optimizer_name((enum fr_optimizer_kind)i), &kind));
    assert_int_equal(kind, i);
  }
  assert_true(fr_optimizer_parse("rmsprop", &kind) && kind == FR_OPTIMIZER_RMSPROP);
  assert_false(fr_optimizer_parse("Adam", &kind));
}

/* ---- ten steps beside PyTorch ---- */

enum { B = 5, STEPS = 10, WEIGHTS = 14 };

static void sines(int key, float *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    x[i] = (float)(0.8 * sin(1.7 * (double)i + 0.9 * key));
}

/* The script's network, its tensors sines of the keys 2, 3, 4, 5. No function of it is
 * an approximation, whose errors Adam would enlarge where gradients are small. */
static fr_net *golden_net(void) {
  fr_net *net = made_net("dense(2) leaky(0.25) dense(2)", (fr_shape){1, 3}, 2, B, 0);
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  assert_int_equal(count, 4);
  for (size_t i = 0; i < count; i++)
    sines(2 + (int)i, tensor[i].value, tensor[i].count);
  return net;
}

/* One step on the script's batch; the loss before it. */
static double golden_step(fr_net *net, fr_optimizer *optimizer) {
  static const uint32_t label[B] = {0, 1, 1, 0, 1};
  float x[B * 3], d[B * 2];
  sines(1, x, B * 3);
  const float *y = fr_net_forward(net, x, B, 0, 3, true);
  const double loss = made_loss(FR_LOSS_CROSS_ENTROPY, y, label, B, 2, d);
  fr_net_backward(net, d, B);
  assert_true(fr_optimizer_step(optimizer));
  return loss;
}

static void weights_agree(const fr_net *net, const double *wanted, const char *what) {
  size_t count = 0, at = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < tensor[i].count; k++, at++)
      assert_near((double)tensor[i].value[k], wanted[at], 5e-6, what);
  assert_int_equal(at, WEIGHTS);
}

typedef struct curve {
  const char *name;
  const double *wanted; /* STEPS losses, then the weights after each step */
  fr_optimizer_options options;
  const char *schedule; /* NULL: none */
} curve;

static void curve_agrees(const curve *c) {
  fr_net *net = golden_net();
  fr_optimizer *optimizer = NULL;
  fr_schedule schedule = {0};
  ASSERT_OK(fr_optimizer_new(net, 0, &c->options, NULL, &optimizer, err));
  if (c->schedule)
    ASSERT_OK(fr_schedule_parse(c->schedule, &schedule, err));
  for (uint64_t step = 0; step < STEPS; step++) {
    const double factor = fr_schedule_factor(&schedule, step, STEPS, STEPS);
    fr_optimizer_set_rate(optimizer, (float)((double)c->options.learning_rate * factor));
    assert_near(golden_step(net, optimizer), c->wanted[step], 2e-6, c->name);
    weights_agree(net, c->wanted + STEPS + step * WEIGHTS, c->name);
  }
  assert_int_equal(fr_optimizer_steps(optimizer), STEPS);
  fr_optimizer_free(optimizer);
  fr_net_free(net);
}

#define SGD .kind = FR_OPTIMIZER_SGD
#define ADAM_OF(the_kind)                                                                \
  .kind = (the_kind), .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f
#define RMSPROP .kind = FR_OPTIMIZER_RMSPROP
#define CURVE(what, ...)                                                                 \
  { #what, golden_curve_##what, {__VA_ARGS__ }, NULL }

static void curves_agree_with_pytorch(void **state) {
  (void)state;
  const curve curves[] = {
      CURVE(sgd, SGD, .learning_rate = 0.5f),
      CURVE(sgd_decay, SGD, .learning_rate = 0.5f, .weight_decay = 0.1f),
      CURVE(sgd_momentum, SGD, .learning_rate = 0.2f, .momentum = 0.8f),
      CURVE(sgd_nesterov, SGD, .learning_rate = 0.2f, .momentum = 0.8f, .nesterov = true,
            .weight_decay = 0.05f),
      CURVE(sgd_clip_norm, SGD, .learning_rate = 0.5f, .momentum = 0.5f,
            .clip_norm = 0.2f),
      CURVE(sgd_clip_value, SGD, .learning_rate = 0.5f, .momentum = 0.5f,
            .clip_value = 0.05f),
      CURVE(adam, ADAM_OF(FR_OPTIMIZER_ADAM), .learning_rate = 0.05f),
      CURVE(adam_decay, ADAM_OF(FR_OPTIMIZER_ADAM), .learning_rate = 0.05f,
            .weight_decay = 0.1f),
      CURVE(adam_betas, .kind = FR_OPTIMIZER_ADAM, .learning_rate = 0.05f, .beta1 = 0.5f,
            .beta2 = 0.7f, .epsilon = 0.01f),
      CURVE(adamw_decay, ADAM_OF(FR_OPTIMIZER_ADAMW), .learning_rate = 0.05f,
            .weight_decay = 0.5f),
      CURVE(adamw_clip_both, .kind = FR_OPTIMIZER_ADAMW, .learning_rate = 0.05f,
            .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 0.05f, .clip_value = 0.1f,
            .clip_norm = 0.2f),
      CURVE(rmsprop, RMSPROP, .learning_rate = 0.01f, .alpha = 0.99f, .epsilon = 1e-8f),
      CURVE(rmsprop_momentum, RMSPROP, .learning_rate = 0.01f, .momentum = 0.7f,
            .alpha = 0.9f, .epsilon = 1e-4f, .weight_decay = 0.1f),
      {"adamw_scheduled",
       golden_curve_adamw_scheduled,
       {ADAM_OF(FR_OPTIMIZER_ADAMW), .learning_rate = 0.2f, .weight_decay = 0.1f},
       "one-cycle(0.3,0.04,0.000004)"},
  };
  for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
    curve_agrees(&curves[i]);
}

/* ---- clipping, what is not finite, state ---- */

static void set_gradients(const line *l, float weight, float bias) {
  *made_tensor(l->net, "0.weight")->gradient = weight;
  *made_tensor(l->net, "0.bias")->gradient = bias;
}

/* (6, 8) has the norm 10; held to 7 first, (6, 7) has sqrt(85). */
static void norm_is_of_all_tensors(void **state) {
  (void)state;
  for (int by_value = 0; by_value < 2; by_value++) {
    const fr_optimizer_options options = {.kind = FR_OPTIMIZER_SGD,
                                          .learning_rate = 1,
                                          .clip_norm = 5,
                                          .clip_value = by_value ? 7.0f : 0.0f};
    line l = made_line(&options, NULL);
    set_gradients(&l, 6, -8);
    assert_true(fr_optimizer_step(l.optimizer));
    const double norm = by_value ? sqrt(85) : 10, bias = by_value ? 7 : 8;
    assert_near((double)*l.weight, 1 - 6 * 5 / norm, 1e-6, "weight");
    assert_near((double)*l.bias, bias * 5 / norm, 1e-6, "bias");
    set_gradients(&l, 3, 4); /* at the norm already: nothing happens */
    assert_true(fr_optimizer_step(l.optimizer));
    assert_near((double)*l.weight, 1 - 6 * 5 / norm - 3, 1e-6, "weight");
    line_free(&l);
  }
}

/* Squares of floats fit into a double, whatever they are. */
static void huge_gradients_have_a_norm(void **state) {
  (void)state;
  const fr_optimizer_options options = {
      .kind = FR_OPTIMIZER_SGD, .learning_rate = 1, .clip_norm = 1};
  line l = made_line(&options, NULL);
  set_gradients(&l, 3e38f, 0);
  assert_true(fr_optimizer_step(l.optimizer));
  assert_near((double)*l.weight, 0, 1e-6, "weight");
  line_free(&l);
}

static void what_is_not_finite_changes_nothing(void **state) {
  (void)state;
  static const float bad[] = {INFINITY, -INFINITY, NAN};
  for (int kind = FR_OPTIMIZER_SGD; kind <= FR_OPTIMIZER_RMSPROP; kind++)
    for (size_t i = 0; i < 12; i++) {
      fr_optimizer_options options =
          fr_optimizer_usual_options((enum fr_optimizer_kind)kind);
      options.weight_decay = 0.5f;
      options.clip_norm = (i & 1) != 0 ? 1.0f : 0.0f;
      options.clip_value = (i & 2) != 0 ? 1.0f : 0.0f;
      line l = made_line(&options, NULL);
      size_t count = 0;
      const float *moments = fr_optimizer_state(l.optimizer, &count);
      set_gradients(&l, 3, bad[i / 4]);
      assert_false(fr_optimizer_step(l.optimizer));
      assert_true(*l.weight == 1.0f && *l.bias == 0.0f);
      assert_int_equal(fr_optimizer_steps(l.optimizer), 0);
      assert_true(*made_tensor(l.net, "0.weight")->gradient == 3.0f);
      for (size_t k = 0; k < count; k++)
        assert_true(moments[k] == 0.0f);
      set_gradients(&l, 3, 1);
      assert_true(fr_optimizer_step(l.optimizer));
      line_free(&l);
    }
}

/* At every place of a tensor, beside the greatest and smallest numbers there are. */
static void gradients_are_looked_through(void **state) {
  (void)state;
  fr_net *net = made_net("dense(37)", (fr_shape){1, 1}, 37, 1, 0);
  float *gradient = made_tensor(net, "0.weight")->gradient;
  static const float finite[] = {3.4028235e38f, -3.4028235e38f, 1e-45f, -0.0f};
  static const float bad[] = {INFINITY, -INFINITY, NAN, -NAN};
  memset(made_tensor(net, "0.bias")->gradient, 0, 37 * sizeof(float));
  for (size_t at = 0; at < 37; at++)
    for (size_t i = 0; i < 4; i++) {
      for (size_t k = 0; k < 37; k++)
        gradient[k] = finite[(k + i) % 4];
      assert_true(fr_net_gradients_finite(net));
      gradient[at] = bad[i];
      assert_false(fr_net_gradients_finite(net));
    }
  fr_net_free(net);
}

/* Five steps, the state carried over into another optimizer, five more: the same bits. */
static void state_can_be_taken_up(void **state) {
  (void)state;
  for (int kind = FR_OPTIMIZER_SGD; kind <= FR_OPTIMIZER_RMSPROP; kind++) {
    fr_optimizer_options options =
        fr_optimizer_usual_options((enum fr_optimizer_kind)kind);
    options.momentum = 0.5f;
    fr_net *net = golden_net(), *whole = golden_net();
    fr_optimizer *first = NULL, *second = NULL, *through = NULL;
    ASSERT_OK(fr_optimizer_new(net, 0, &options, NULL, &first, err));
    ASSERT_OK(fr_optimizer_new(net, 0, &options, NULL, &second, err));
    ASSERT_OK(fr_optimizer_new(whole, 0, &options, NULL, &through, err));
    for (size_t i = 0; i < 10; i++)
      golden_step(whole, through);
    for (size_t i = 0; i < 5; i++)
      golden_step(net, first);
    size_t count = 0, again = 0;
    const float *from = fr_optimizer_state(first, &count);
    float *to = fr_optimizer_state(second, &again);
    assert_true(count == again && count >= WEIGHTS);
    memcpy(to, from, count * sizeof *to);
    fr_optimizer_set_steps(second, fr_optimizer_steps(first));
    for (size_t i = 0; i < 5; i++)
      golden_step(net, second);
    static const char *const names[] = {"0.weight", "0.bias", "2.weight", "2.bias"};
    for (size_t i = 0; i < 4; i++)
      assert_memory_equal(made_tensor(net, names[i])->value,
                          made_tensor(whole, names[i])->value,
                          made_tensor(net, names[i])->count * sizeof(float));
    fr_optimizer_free(first);
    fr_optimizer_free(second);
    fr_optimizer_free(through);
    fr_net_free(net);
    fr_net_free(whole);
  }
}

/* Only what is trained has moments: bn has four tensors of 3, two of them statistics. */
static void only_what_is_trained_has_state(void **state) {
  (void)state;
  fr_net *net = made_net("bn dense(1)", (fr_shape){1, 16}, 1, 2, 0);
  const struct {
    enum fr_optimizer_kind kind;
    float momentum;
    size_t arrays;
  } rows[] = {{FR_OPTIMIZER_SGD, 0, 0},     {FR_OPTIMIZER_SGD, 0.5f, 1},
              {FR_OPTIMIZER_ADAM, 0.5f, 2}, {FR_OPTIMIZER_ADAMW, 0, 2},
              {FR_OPTIMIZER_RMSPROP, 0, 1}, {FR_OPTIMIZER_RMSPROP, 0.5f, 2}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fr_optimizer_options options = fr_optimizer_usual_options(rows[i].kind);
    options.momentum = rows[i].momentum;
    fr_optimizer *optimizer = NULL;
    ASSERT_OK(fr_optimizer_new(net, 0, &options, NULL, &optimizer, err));
    size_t count = 0;
    fr_optimizer_state(optimizer, &count);
    /* 16 floats are a cache line: weight, bias, weight, and a line for one bias */
    assert_in_range(count, rows[i].arrays * 49, rows[i].arrays * 64);
    fr_optimizer_free(optimizer);
  }
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
      cmocka_unit_test(optimizers_have_names),
      cmocka_unit_test(curves_agree_with_pytorch),
      cmocka_unit_test(norm_is_of_all_tensors),
      cmocka_unit_test(huge_gradients_have_a_norm),
      cmocka_unit_test(what_is_not_finite_changes_nothing),
      cmocka_unit_test(gradients_are_looked_through),
      cmocka_unit_test(state_can_be_taken_up),
      cmocka_unit_test(only_what_is_trained_has_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
