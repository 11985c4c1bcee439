/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relu, leaky(slope), gelu, hardswish, sigmoid, tanh, softmax. All but gelu and hardswish
 * find their derivative in their output, so that they may write it over their input.
 */
#include "nn/layer.h"

static size_t elements(const fr__layer *layer, const fr__pass *pass) {
  return pass->batch * fr__shape_elements(layer->in);
}

/* ---- relu: max(x, 0) ---- */

static void relu_forward(fr__layer *layer, const fr__pass *pass) {
  fr__relu(pass->kern, layer->x, layer->y, elements(layer, pass));
}

static void relu_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                          float *dx) {
  if (dx)
    fr__relu_backward(pass->kern, layer->y, dy, dx, elements(layer, pass));
}

/* ---- leaky: x where x > 0, else slope x; the slope is not negative, so that y has x's
 * sign */

static enum fr_status leaky_parse(fr__layer *layer, const fr__arguments *arguments,
                                  fr_error *err) {
  enum fr_status status = fr__arguments_between(arguments, 0, 1, err);
  layer->factor = 0.01f;
  if (status == FR_OK && arguments->count == 1)
    status = fr__argument_number(arguments, 0, "slope", 0, 1, &layer->factor, err);
  if (status == FR_OK)
    fr__layer_set_text(layer, "leaky(%.7g)", (double)layer->factor);
  return status;
}

static void leaky_forward(fr__layer *layer, const fr__pass *pass) {
  const size_t n = elements(layer, pass);
  for (size_t i = 0; i < n; i++)
    layer->y[i] = layer->x[i] > 0 ? layer->x[i] : layer->factor * layer->x[i];
}

static void leaky_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                           float *dx) {
  const size_t n = dx ? elements(layer, pass) : 0;
  for (size_t i = 0; i < n; i++)
    dx[i] = layer->y[i] > 0 ? dy[i] : layer->factor * dy[i];
}

/* ---- gelu: Hendrycks and Gimpel 2016, section 2, the form with tanh:
 *      x/2 (1 + tanh u), u = sqrt(2/π) (x + 0.044715 x³) ---- */

#define GELU_SCALE 0.79788456f /* sqrt(2/π) */
#define GELU_CUBE 0.044715f

/* tanh u of the batch */
static size_t gelu_workspace(const fr__layer *layer, size_t batch, bool train) {
  (void)train;
  return batch * fr__shape_elements(layer->in);
}

static void gelu_forward(fr__layer *layer, const fr__pass *pass) {
  const size_t n = elements(layer, pass);
  const float *x = layer->x;
  float *th = layer->workspace;
  for (size_t i = 0; i < n; i++)
    th[i] = GELU_SCALE * (x[i] + GELU_CUBE * x[i] * x[i] * x[i]);
  fr__tanh(pass->kern, th, th, n);
  for (size_t i = 0; i < n; i++)
    layer->y[i] = 0.5f * x[i] * (1.0f + th[i]);
}

/* dy/dx = (1 + tanh u)/2 + x/2 (1 - tanh² u) sqrt(2/π) (1 + 3·0.044715 x²) */
static void gelu_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                          float *dx) {
  const size_t n = dx ? elements(layer, pass) : 0;
  const float *x = layer->x, *th = layer->workspace;
  for (size_t i = 0; i < n; i++) {
    const float du = GELU_SCALE * (1.0f + 3.0f * GELU_CUBE * x[i] * x[i]);
    dx[i] = dy[i] * 0.5f * (1.0f + th[i] + x[i] * (1.0f - th[i] * th[i]) * du);
  }
}

/* ---- hardswish: x min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, section 5.2), whose
 *      derivative is 0 up to -3, 1 from 3 on, (2 x + 3) / 6 between ---- */

static void hardswish_forward(fr__layer *layer, const fr__pass *pass) {
  const size_t n = elements(layer, pass);
  for (size_t i = 0; i < n; i++) {
    const float x = layer->x[i], up = x > -3.0f ? x + 3.0f : 0.0f;
    layer->y[i] = x * ((up < 6.0f ? up : 6.0f) / 6.0f);
  }
}

static void hardswish_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                               float *dx) {
  const size_t n = dx ? elements(layer, pass) : 0;
  for (size_t i = 0; i < n; i++) {
    const float x = layer->x[i];
    const float slope = x < 3.0f ? (2.0f * x + 3.0f) / 6.0f : 1.0f;
    dx[i] = x > -3.0f ? dy[i] * slope : 0.0f;
  }
}

/* ---- sigmoid: 1 / (1 + exp -x), dy/dx = y (1 - y) ---- */

static void sigmoid_forward(fr__layer *layer, const fr__pass *pass) {
  fr__sigmoid(pass->kern, layer->x, layer->y, elements(layer, pass));
}

static void sigmoid_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                             float *dx) {
  const size_t n = dx ? elements(layer, pass) : 0;
  const float *y = layer->y;
  for (size_t i = 0; i < n; i++)
    dx[i] = dy[i] * y[i] * (1.0f - y[i]);
}

/* ---- tanh, dy/dx = 1 - y² ---- */

static void tanh_forward(fr__layer *layer, const fr__pass *pass) {
  fr__tanh(pass->kern, layer->x, layer->y, elements(layer, pass));
}

static void tanh_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                          float *dx) {
  const size_t n = dx ? elements(layer, pass) : 0;
  const float *y = layer->y;
  for (size_t i = 0; i < n; i++)
    dx[i] = dy[i] * (1.0f - y[i] * y[i]);
}

/* ---- softmax over the channels of each step: exp x_c / Σ exp x_k ---- */

static void softmax_row(const fr__kern *kern, const float *x, float *y, size_t channels) {
  float greatest = x[0], sum = 0;
  for (size_t c = 1; c < channels; c++)
    greatest = x[c] > greatest ? x[c] : greatest;
  for (size_t c = 0; c < channels; c++)
    y[c] = x[c] - greatest;
  fr__exp(kern, y, y, channels);
  for (size_t c = 0; c < channels; c++)
    sum += y[c];
  for (size_t c = 0; c < channels; c++)
    y[c] /= sum;
}

static void softmax_forward(fr__layer *layer, const fr__pass *pass) {
  const size_t channels = layer->in.channels, rows = pass->batch * layer->in.steps;
  for (size_t r = 0; r < rows; r++)
    softmax_row(pass->kern, layer->x + r * channels, layer->y + r * channels, channels);
}

/* dx_c = y_c (dy_c - Σ_k dy_k y_k) */
static void softmax_backward(fr__layer *layer, const fr__pass *pass, const float *dy,
                             float *dx) {
  const size_t channels = layer->in.channels;
  const size_t rows = dx ? pass->batch * layer->in.steps : 0;
  for (size_t r = 0; r < rows; r++) {
    const float *y = layer->y + r * channels, *d = dy + r * channels;
    float dot = 0;
    for (size_t c = 0; c < channels; c++)
      dot += d[c] * y[c];
    for (size_t c = 0; c < channels; c++)
      dx[r * channels + c] = y[c] * (d[c] - dot);
  }
}

const fr__layer_ops fr__layer_relu = {
    .name = "relu",
    .usage = "relu",
    .place = FR__PLACE_OVER,
    .kin = FR__KIN_RECTIFIER,
    .reads_output = true,
    .rectifier = true,
    .flow = FR__FLOW_STEPS,
    .parse = fr__layer_parse_bare,
    .operations = fr__layer_operations_each,
    .forward = relu_forward,
    .backward = relu_backward,
};

const fr__layer_ops fr__layer_leaky = {
    .name = "leaky",
    .usage = "leaky[(slope)]",
    .place = FR__PLACE_OVER,
    .kin = FR__KIN_RECTIFIER,
    .reads_output = true,
    .flow = FR__FLOW_STEPS,
    .parse = leaky_parse,
    .operations = fr__layer_operations_each,
    .forward = leaky_forward,
    .backward = leaky_backward,
};

const fr__layer_ops fr__layer_gelu = {
    .name = "gelu",
    .usage = "gelu",
    .place = FR__PLACE_NEW,
    .kin = FR__KIN_RECTIFIER,
    .flow = FR__FLOW_STEPS,
    .parse = fr__layer_parse_bare,
    .operations = fr__layer_operations_each,
    .workspace = gelu_workspace,
    .forward = gelu_forward,
    .backward = gelu_backward,
};

const fr__layer_ops fr__layer_hardswish = {
    .name = "hardswish",
    .usage = "hardswish",
    .place = FR__PLACE_NEW,
    .kin = FR__KIN_RECTIFIER,
    .flow = FR__FLOW_STEPS,
    .parse = fr__layer_parse_bare,
    .operations = fr__layer_operations_each,
    .forward = hardswish_forward,
    .backward = hardswish_backward,
};

const fr__layer_ops fr__layer_sigmoid = {
    .name = "sigmoid",
    .usage = "sigmoid",
    .place = FR__PLACE_OVER,
    .reads_output = true,
    .flow = FR__FLOW_STEPS,
    .parse = fr__layer_parse_bare,
    .operations = fr__layer_operations_each,
    .forward = sigmoid_forward,
    .backward = sigmoid_backward,
};

const fr__layer_ops fr__layer_tanh = {
    .name = "tanh",
    .usage = "tanh",
    .place = FR__PLACE_OVER,
    .reads_output = true,
    .flow = FR__FLOW_STEPS,
    .parse = fr__layer_parse_bare,
    .operations = fr__layer_operations_each,
    .forward = tanh_forward,
    .backward = tanh_backward,
};

const fr__layer_ops fr__layer_softmax = {
    .name = "softmax",
    .usage = "softmax",
    .place = FR__PLACE_OVER,
    .reads_output = true,
    .flow = FR__FLOW_STEPS,
    .parse = fr__layer_parse_bare,
    .operations = fr__layer_operations_each,
    .forward = softmax_forward,
    .backward = softmax_backward,
};
