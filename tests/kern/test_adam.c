/* SPDX-License-Identifier: Apache-2.0 */
/* Adam against the published algorithm in double precision. */
#include "each_isa.h"

#include <math.h>

#define STEPS 20

/* Algorithm 1 of Kingma and Ba, with the decay of Loshchilov and Hutter, as it is
 * printed. */
static double adam_alone(double value, const float *gradient, size_t stride) {
  const double alpha = 0.01, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = 0.02;
  double m = 0.0, v = 0.0;
  for (int t = 1; t <= STEPS; t++) {
    const double g = (double)gradient[(size_t)(t - 1) * stride];
    m = beta1 * m + (1.0 - beta1) * g;
    v = beta2 * v + (1.0 - beta2) * g * g;
    const double m_hat = m / (1.0 - pow(beta1, t)), v_hat = v / (1.0 - pow(beta2, t));
    value -= alpha * (m_hat / (sqrt(v_hat) + epsilon)) + alpha * decay * value;
  }
  return value;
}

static void adam_run(const fr__kern *kern, const float *gradient, float *value,
                     size_t n) {
  float *m = calloc(n + 1, sizeof *m), *v = calloc(n + 1, sizeof *v);
  assert_true(m != NULL && v != NULL);
  for (int t = 1; t <= STEPS; t++) {
    const double root = sqrt(1.0 - pow(0.999, t));
    const fr__adam_step step = {.rate = (float)(0.01 * root / (1.0 - pow(0.9, t))),
                                .beta1 = 0.9f,
                                .beta2 = 0.999f,
                                .epsilon = (float)(1e-8 * root),
                                .decay = 0.01f * 0.02f};
    fr__adam(kern, &step, gradient + (size_t)(t - 1) * n, value, m, v, n);
  }
  free(m);
  free(v);
}

static void check_adam(const fr__kern *kern) {
  for (size_t n = 0; n < 70; n += 1 + random_below(4)) {
    float *gradient = random_floats(STEPS * n), *value = random_floats(n);
    float *start = copy_floats(value, n);
    adam_run(kern, gradient, value, n);
    for (size_t i = 0; i < n; i++)
      assert_true(fabs((double)value[i] - adam_alone((double)start[i], gradient + i, n)) <
                  5e-6);
    free(gradient);
    free(value);
    free(start);
  }
}

static void test_adam(void **state) {
  (void)state;
  each_isa(check_adam);
}

/* A gradient of nought changes nothing but by the decay, and nothing becomes
 * not-a-number. */
static void check_zero_gradient(const fr__kern *kern) {
  const float gradient[3] = {0};
  float value[3] = {1.0f, -2.0f, 0.0f}, m[3] = {0}, v[3] = {0};
  const fr__adam_step step = {
      .rate = 0.01f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .decay = 0.5f};
  fr__adam(kern, &step, gradient, value, m, v, 3);
  assert_true(value[0] == 0.5f && value[1] == -1.0f && value[2] == 0.0f);
}

static void test_zero_gradient(void **state) {
  (void)state;
  each_isa(check_zero_gradient);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_adam),
      cmocka_unit_test(test_zero_gradient),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
