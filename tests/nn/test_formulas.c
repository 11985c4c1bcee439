/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The poster's two formulas (P1), to rounding: output = f(b + Σ x w), and for a sigmoid
 * output under squared loss δ = (y - t) y (1 - y), gradient δ h.
 */
#include <math.h>

#include "made.h"

#define INPUTS 52
#define HIDDEN 7
#define OUTPUTS 5
#define BATCH 6

typedef struct case_data {
  fr_net *net;
  float x[BATCH * INPUTS];
  uint32_t label[BATCH];
} case_data;

static void begin(case_data *data) {
  fr__rng rng;
  fr__rng_init(&rng, 3, 0);
  data->net = made_net("dense(7) sigmoid dense(5) sigmoid", (fr_shape){1, INPUTS},
                       OUTPUTS, BATCH, 0);
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(data->net, &count);
  for (size_t i = 0; i < count; i++)
    made_numbers(&rng, -1, 1, tensor[i].value, tensor[i].count);
  made_numbers(&rng, -1, 1, data->x, BATCH * INPUTS);
  for (size_t b = 0; b < BATCH; b++)
    data->label[b] = (uint32_t)fr__rng_below(&rng, OUTPUTS);
}

/* f(b + Σ x w) for neuron j, f the sigmoid, in double precision */
static double neuron(const fr_tensor *weight, const fr_tensor *bias, size_t j,
                     const double *x) {
  double sum = (double)bias->value[j];
  for (size_t i = 0; i < weight->shape[0]; i++)
    sum += x[i] * (double)weight->value[i * weight->shape[1] + j];
  return 1 / (1 + exp(-sum));
}

/* The whole network for one sample. */
static void evaluate(const case_data *data, size_t b, double h[HIDDEN],
                     double y[OUTPUTS]) {
  double x[INPUTS];
  for (size_t i = 0; i < INPUTS; i++)
    x[i] = (double)data->x[b * INPUTS + i];
  for (size_t j = 0; j < HIDDEN; j++)
    h[j] = neuron(made_tensor(data->net, "0.weight"), made_tensor(data->net, "0.bias"), j,
                  x);
  for (size_t j = 0; j < OUTPUTS; j++)
    y[j] = neuron(made_tensor(data->net, "2.weight"), made_tensor(data->net, "2.bias"), j,
                  h);
}

static void output_is_f_of_weighted_sum(void **state) {
  (void)state;
  case_data data;
  begin(&data);
  const float *out = fr_net_forward(data.net, data.x, BATCH, 0, 4, false);
  for (size_t b = 0; b < BATCH; b++) {
    double h[HIDDEN], y[OUTPUTS];
    evaluate(&data, b, h, y);
    for (size_t j = 0; j < OUTPUTS; j++)
      assert_near((double)out[b * OUTPUTS + j], y[j], 3e-6, "output");
  }
  fr_net_free(data.net);
}

static void gradient_is_delta_times_h(void **state) {
  (void)state;
  case_data data;
  begin(&data);
  float d[BATCH * OUTPUTS];
  double delta[BATCH][OUTPUTS], hidden[BATCH][HIDDEN], wanted_loss = 0;
  const float *out = fr_net_forward(data.net, data.x, BATCH, 0, 4, true);
  const double loss = made_loss(FR_LOSS_SQUARED, out, data.label, BATCH, OUTPUTS, d);
  fr_net_backward(data.net, d, BATCH);
  for (size_t b = 0; b < BATCH; b++) {
    double y[OUTPUTS];
    evaluate(&data, b, hidden[b], y);
    for (size_t j = 0; j < OUTPUTS; j++) {
      const double t = data.label[b] == j ? 1 : 0;
      delta[b][j] = (y[j] - t) * y[j] * (1 - y[j]);
      wanted_loss += 0.5 * (y[j] - t) * (y[j] - t) / BATCH;
    }
  }
  assert_near(loss, wanted_loss, 1e-6, "loss");
  const fr_tensor *weight = made_tensor(data.net, "2.weight");
  const fr_tensor *bias = made_tensor(data.net, "2.bias");
  for (size_t j = 0; j < OUTPUTS; j++) {
    double sum = 0;
    for (size_t b = 0; b < BATCH; b++)
      sum += delta[b][j] / BATCH;
    assert_near((double)bias->gradient[j], sum, 1e-6, "gradient of a bias");
    for (size_t i = 0; i < HIDDEN; i++) {
      sum = 0;
      for (size_t b = 0; b < BATCH; b++)
        sum += delta[b][j] * hidden[b][i] / BATCH;
      assert_near((double)weight->gradient[i * OUTPUTS + j], sum, 1e-6,
                  "gradient of a weight");
    }
  }
  fr_net_free(data.net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(output_is_f_of_weighted_sum),
      cmocka_unit_test(gradient_is_delta_times_h),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
