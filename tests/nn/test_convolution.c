/* SPDX-License-Identifier: Apache-2.0 */
/* conv1d against its definition, output by output: every mix of width, stride, dilation,
 * groups and padding; and what its text may say. */
#include "made.h"

#define LARGEST_STEPS 16
#define LARGEST_CHANNELS 12
#define BATCH 2

typedef struct conv {
  size_t steps, in, out, width, stride, dilation, groups;
  const char *padding;
} conv;

/* Steps of zeros in front, and steps of the output, as ONNX has them: SAME_UPPER (the odd
 * zero at the end), all in front, or none. */
static void place(const conv *c, size_t *left, size_t *out_steps) {
  const size_t extent = (c->width - 1) * c->dilation + 1;
  *left = 0;
  if (strcmp(c->padding, "none") == 0) {
    *out_steps = (c->steps - extent) / c->stride + 1;
    return;
  }
  *out_steps = (c->steps + c->stride - 1) / c->stride;
  if (strcmp(c->padding, "causal") == 0) {
    *left = extent - 1;
    return;
  }
  const size_t reach = (*out_steps - 1) * c->stride + extent;
  *left = reach > c->steps ? (reach - c->steps) / 2 : 0;
}

/* y[t, o] = b[o] + Σ_w Σ_i x[t stride + w dilation - left, group(o) in/G + i] W[w, i, o]
 */
static double wanted(const conv *c, const float *x, const float *weight,
                     const float *bias, size_t left, size_t t, size_t o) {
  const size_t in = c->in / c->groups, group = o / (c->out / c->groups);
  double sum = (double)bias[o];
  for (size_t w = 0; w < c->width; w++) {
    const size_t at = t * c->stride + w * c->dilation;
    if (at < left || at - left >= c->steps)
      continue;
    for (size_t i = 0; i < in; i++)
      sum += (double)x[(at - left) * c->in + group * in + i] *
             (double)weight[(w * in + i) * c->out + o];
  }
  return sum;
}

static void check(const conv *c, fr__rng *rng) {
  char arch[128];
  size_t left, out_steps;
  float x[BATCH * LARGEST_STEPS * LARGEST_CHANNELS];
  place(c, &left, &out_steps);
  snprintf(arch, sizeof arch,
           "conv1d(%zu,%zu,%zu,dilation=%zu,groups=%zu,pad=%s) flatten", c->out, c->width,
           c->stride, c->dilation, c->groups, c->padding);
  fr_net *net = made_net(arch, (fr_shape){c->steps, c->in}, out_steps * c->out, BATCH, 0);
  const fr_tensor *weight = made_tensor(net, "0.weight");
  const fr_tensor *bias = made_tensor(net, "0.bias");
  assert_int_equal(weight->shape[0], c->width);
  assert_int_equal(weight->shape[1], c->in / c->groups);
  assert_int_equal(weight->shape[2], c->out);
  assert_int_equal(fr_net_layer_operations(net, 0),
                   2 * c->width * (c->in / c->groups) * c->out * out_steps);
  made_numbers(rng, -1, 1, bias->value, bias->count);
  made_numbers(rng, -1, 1, x, BATCH * c->steps * c->in);
  const float *y = fr_net_forward(net, x, BATCH, 0, 2, true);
  for (size_t b = 0; b < BATCH; b++)
    for (size_t t = 0; t < out_steps; t++)
      for (size_t o = 0; o < c->out; o++)
        assert_near(
            (double)y[(b * out_steps + t) * c->out + o],
            wanted(c, x + b * c->steps * c->in, weight->value, bias->value, left, t, o),
            1e-5, arch);
  fr_net_free(net);
}

static bool fits(const conv *c) {
  return strcmp(c->padding, "none") != 0 || (c->width - 1) * c->dilation + 1 <= c->steps;
}

static void every_mix_is_its_definition(void **state) {
  (void)state;
  static const char *const paddings[] = {"none", "same", "causal"};
  static const size_t groups[] = {1, 2, 3, 4};
  fr__rng rng;
  fr__rng_init(&rng, 5, 0);
  size_t checked = 0;
  for (size_t i = 0; i < 3000; i++) {
    const size_t g = groups[fr__rng_below(&rng, 4)];
    const conv c = {.steps = 1 + fr__rng_below(&rng, LARGEST_STEPS),
                    .in = g * (1 + fr__rng_below(&rng, 3)),
                    .out = g * (1 + fr__rng_below(&rng, 3)),
                    .width = 1 + fr__rng_below(&rng, 5),
                    .stride = 1 + fr__rng_below(&rng, 3),
                    .dilation = 1 + fr__rng_below(&rng, 4),
                    .groups = g,
                    .padding = paddings[i % 3]};
    if (!fits(&c))
      continue;
    check(&c, &rng);
    checked++;
  }
  assert_true(checked > 2000);
}

/* By hand: differences over two steps of each of two channels, dilation 2. */
static void depthwise_by_hand(void **state) {
  (void)state;
  const float x[] = {1, 10, 2, 20, 4, 40, 8, 80}, kernel[] = {-1, -1, 1, 2};
  const float wanted_y[] = {3, 70, 6, 140}; /* 4-1, 2*40-10, 8-2, 2*80-20 */
  fr_net *net =
      made_net("conv1d(2,2,dilation=2,groups=2) flatten", (fr_shape){4, 2}, 4, 1, 0);
  memcpy(made_tensor(net, "0.weight")->value, kernel, sizeof kernel);
  const float *y = fr_net_forward(net, x, 1, 0, 2, false);
  for (size_t i = 0; i < 4; i++)
    assert_near((double)y[i], (double)wanted_y[i], 0, "y");
  fr_net_free(net);
}

static const fr_shape input = {128, 6};

static void normal_forms(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"conv1d(6,3,dilation=1,groups=1)", "conv1d(6,3)"},
      {"conv1d(6,3,1,pad=none)", "conv1d(6,3)"},
      {"conv1d(6,3,causal,dilation=4)", "conv1d(6,3,dilation=4,pad=causal)"},
      {"conv1d(6,3, groups=6 ,dilation=2, 2)", ""},
      {"conv1d(6,3,2,pad=same,groups=3,dilation=2)",
       "conv1d(6,3,2,dilation=2,groups=3,pad=same)"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char arch[128];
    fr_net *net = NULL;
    snprintf(arch, sizeof arch, "%s dense(classes)", rows[i][0]);
    const enum fr_status status = fr_net_new(arch, input, 2, &net, NULL);
    assert_int_equal(status, rows[i][1][0] ? FR_OK : FR_ERR_FORMAT);
    if (net)
      assert_string_equal(fr_net_layer_text(net, 0), rows[i][1]);
    fr_net_free(net);
  }
}

static void sentences(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"conv1d(6,3,groups=4)", "6 channels to 6 cannot be parted into 4 groups"},
      {"conv1d(4,3,groups=3)", "6 channels to 4 cannot be parted into 3 groups"},
      {"conv1d(4,3,dilation=0)", "dilation '0' is not a whole number from 1 to 65536"},
      {"conv1d(4,3,groups=classes)",
       "groups 'classes' is not a whole number from 1 to 65536"},
      {"conv1d(4,3,2,4)", "'4' is not dilation=, groups=, same, causal or none"},
      {"conv1d(4,3,dilations=2)",
       "'dilations=2' is not dilation=, groups=, same, causal or none"},
      {"conv1d(4,3,pad=wide)", "padding 'wide' is not none, same or causal"},
      {"conv1d(4,3,same,causal)", "'causal' says again what was said before"},
      {"conv1d(4,3,groups=2,groups=2)", "'groups=2' says again what was said before"},
      {"conv1d(4,33,dilation=4)",
       "width 33 at dilation 4 exceeds the 128 steps it is given"},
      {"conv1d(4,65536,dilation=65536,pad=same)", "its padded input is too large"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char text[256];
    fr_net *net = NULL;
    fr_error err = {0};
    assert_int_equal(fr_net_new(rows[i][0], input, 2, &net, &err), FR_ERR_FORMAT);
    snprintf(text, sizeof text, "layer 1 '%s': %s", rows[i][0], rows[i][1]);
    assert_string_equal(err.text, text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_mix_is_its_definition),
      cmocka_unit_test(depthwise_by_hand),
      cmocka_unit_test(normal_forms),
      cmocka_unit_test(sentences),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
