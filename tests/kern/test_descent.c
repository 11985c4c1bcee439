/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient descent with momentum and RMSprop against the algorithms that PyTorch's
 * documentation prints for torch.optim.SGD and torch.optim.RMSprop, in double precision;
 * the decay is decoupled, as AdamW has it. */
#include "each_isa.h"

#include <math.h>

#define STEPS ((size_t)20)
#define RATE 0.01
#define DECAY 0.02

static double sgd_alone(double value, const float *gradient, size_t stride,
                        double momentum, bool nesterov) {
  double b = 0.0;
  for (size_t t = 0; t < STEPS; t++) {
    const double g = (double)gradient[t * stride];
    double step = g;
    if (momentum != 0.0) {
      b = t == 0 ? g : momentum * b + g;
      step = nesterov ? g + momentum * b : b;
    }
    value -= RATE * DECAY * value + RATE * step;
  }
  return value;
}

static double rmsprop_alone(double value, const float *gradient, size_t stride,
                            double momentum) {
  const double alpha = 0.99, epsilon = 1e-3;
  double v = 0.0, b = 0.0;
  for (size_t t = 0; t < STEPS; t++) {
    const double g = (double)gradient[t * stride];
    v = alpha * v + (1.0 - alpha) * g * g;
    double step = g / (sqrt(v) + epsilon);
    if (momentum > 0.0)
      step = b = momentum * b + step;
    value -= RATE * DECAY * value + RATE * step;
  }
  return value;
}

/* A run of one kind against the reference, for arrays of every length that matters. */
typedef struct kind {
  bool rmsprop, nesterov;
  float momentum;
} kind;

static void run(const fr__kern *kern, const kind *k, const float *gradient, float *value,
                size_t n) {
  const fr__sgd_step sgd = {(float)RATE, k->momentum, (float)(RATE * DECAY), k->nesterov};
  const fr__rmsprop_step rmsprop = {(float)RATE, 0.99f, 1e-3f, k->momentum,
                                    (float)(RATE * DECAY)};
  float *v = calloc(n + 1, sizeof *v), *room = calloc(n + 1, sizeof *room);
  assert_true(v != NULL && room != NULL);
  float *const velocity = k->momentum != 0.0f ? room : NULL;
  for (size_t t = 0; t < STEPS; t++)
    if (k->rmsprop)
      fr__rmsprop(kern, &rmsprop, gradient + t * n, value, v, velocity, n);
    else
      fr__sgd(kern, &sgd, gradient + t * n, value, velocity, n);
  free(v);
  free(room);
}

static void check_kind(const fr__kern *kern, const kind *k) {
  for (size_t n = 0; n < 70; n += 1 + random_below(4)) {
    float *gradient = random_floats(STEPS * n), *value = random_floats(n);
    float *start = copy_floats(value, n);
    run(kern, k, gradient, value, n);
    for (size_t i = 0; i < n; i++) {
      const double from = (double)start[i], momentum = (double)k->momentum;
      const double want = k->rmsprop
                              ? rmsprop_alone(from, gradient + i, n, momentum)
                              : sgd_alone(from, gradient + i, n, momentum, k->nesterov);
      assert_true(fabs((double)value[i] - want) < 2e-5);
    }
    free(gradient);
    free(value);
    free(start);
  }
}

static void check_sgd(const fr__kern *kern) {
  const kind kinds[] = {{.momentum = 0.0f},
                        {.nesterov = true},
                        {.momentum = 0.9f},
                        {.momentum = 0.9f, .nesterov = true}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    check_kind(kern, &kinds[i]);
}

static void test_sgd(void **state) {
  (void)state;
  each_isa(check_sgd);
}

static void check_rmsprop(const fr__kern *kern) {
  const kind kinds[] = {{.rmsprop = true}, {.rmsprop = true, .momentum = 0.9f}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    check_kind(kern, &kinds[i]);
}

static void test_rmsprop(void **state) {
  (void)state;
  each_isa(check_rmsprop);
}

/* A gradient of nought changes nothing but by the decay, and nothing becomes
 * not-a-number. */
static void check_zero_gradient(const fr__kern *kern) {
  const float gradient[3] = {0};
  float value[3] = {1.0f, -2.0f, 0.0f}, v[3] = {0}, velocity[3] = {0};
  const fr__rmsprop_step rmsprop = {0.01f, 0.99f, 1e-8f, 0.9f, 0.5f};
  const fr__sgd_step sgd = {0.01f, 0.9f, 0.5f, true};
  fr__rmsprop(kern, &rmsprop, gradient, value, v, velocity, 3);
  assert_true(value[0] == 0.5f && value[1] == -1.0f && value[2] == 0.0f);
  fr__sgd(kern, &sgd, gradient, value, velocity, 3);
  assert_true(value[0] == 0.25f && value[1] == -0.5f && value[2] == 0.0f);
}

static void test_zero_gradient(void **state) {
  (void)state;
  each_isa(check_zero_gradient);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sgd),
      cmocka_unit_test(test_rmsprop),
      cmocka_unit_test(test_zero_gradient),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
