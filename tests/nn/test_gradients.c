/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every layer's gradients against central differences. The layer under test stands behind
 * conv1d(C,1) with the identity as its weights: the gradient of those is the product of
 * the input with the layer's input gradient, which so is checked too.
 */
#include <math.h>

#include "made.h"

#define LARGEST 4096 /* numbers in a batch */

typedef struct probe {
  fr_net *net;
  size_t batch, classes;
  float *x;
  float *weight; /* of the outputs, (B, K): the loss is their weighted sum */
} probe;

static double loss(const probe *p) {
  fr_net_seed(p->net, 5); /* the same units drop each time */
  const float *y =
      fr_net_forward(p->net, p->x, p->batch, 0, fr_net_layer_count(p->net), true);
  double sum = 0;
  for (size_t i = 0; i < p->batch * p->classes; i++)
    sum += (double)p->weight[i] * (double)y[i];
  return sum;
}

static double difference(const probe *p, float *value, double h) {
  const float kept = *value;
  *value = (float)((double)kept + h);
  const double above = loss(p), up = (double)*value;
  *value = (float)((double)kept - h);
  const double below = loss(p), down = (double)*value;
  *value = kept;
  return (above - below) / (up - down);
}

/* Richardson's extrapolation of two central differences: error of fourth order. */
static double slope(const probe *p, float *value, double h) {
  return (4 * difference(p, value, h) - difference(p, value, 2 * h)) / 3;
}

static double greatest(const float *x, size_t n) {
  double most = 0;
  for (size_t i = 0; i < n; i++)
    most = fmax(most, fabs((double)x[i]));
  return most;
}

static void check_tensor(const probe *p, const fr_tensor *tensor, const float *gradient,
                         double h, fr__rng *rng) {
  const size_t tries = tensor->count < 10 ? tensor->count : 10;
  const double tolerance = 3e-3 * fmax(1, greatest(gradient, tensor->count));
  for (size_t i = 0; i < tries; i++) {
    const size_t at = tries == tensor->count ? i : fr__rng_below(rng, tensor->count);
    char what[200];
    snprintf(what, sizeof what, "'%s' B=%zu %s[%zu]", fr_net_text(p->net), p->batch,
             tensor->name, at);
    assert_near((double)gradient[at], slope(p, tensor->value + at, h), tolerance, what);
  }
}

static void check_net(const probe *p, double h, fr__rng *rng) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(p->net, &count);
  float **gradient = calloc(count, sizeof *gradient);
  loss(p);
  fr_net_backward(p->net, p->weight, p->batch);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].gradient) {
      gradient[i] = malloc(tensor[i].count * sizeof(float));
      memcpy(gradient[i], tensor[i].gradient, tensor[i].count * sizeof(float));
    }
  for (size_t i = 0; i < count; i++)
    if (gradient[i])
      check_tensor(p, &tensor[i], gradient[i], h, rng);
  for (size_t i = 0; i < count; i++)
    free(gradient[i]);
  free(gradient);
}

/* Distinct numbers in [-2, 2], as far from one another and from 0 as there is room: no
 * step of a difference crosses the corner of a relu or of a maximum. */
static void spread(fr__rng *rng, float *x, size_t n) {
  size_t *order = malloc(n * sizeof *order);
  for (size_t i = 0; i < n; i++)
    order[i] = i;
  fr__rng_shuffle(rng, order, n);
  for (size_t i = 0; i < n; i++)
    x[i] = (float)(4.0 * ((double)order[i] + 0.5) / (double)n - 2.0);
  if (n % 2 == 1)
    for (size_t i = 0; i < n; i++)
      x[i] += (float)(1.0 / (double)n);
  free(order);
}

static void set_identity(const fr_tensor *weight) {
  for (size_t i = 0; i < weight->shape[1]; i++)
    for (size_t j = 0; j < weight->shape[2]; j++)
      weight->value[i * weight->shape[2] + j] = i == j ? 1.0f : 0.0f;
}

/* Biases and the like away from the values that they begin with. */
static void shake(const fr_net *net, fr__rng *rng) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].layer > 0 && tensor[i].rank == 1)
      made_numbers(rng, 0.5, 1.5, tensor[i].value, tensor[i].count);
}

static void check(const char *layers, fr_shape in, size_t classes, size_t batch, double h,
                  uint64_t seed) {
  fr__rng rng;
  fr__rng_init(&rng, seed, 1);
  char arch[256];
  snprintf(arch, sizeof arch, "conv1d(%zu,1) %s dense(classes)", in.channels, layers);
  float x[LARGEST], weight[LARGEST];
  probe p = {made_net(arch, in, classes, batch, 0), batch, classes, x, weight};
  const size_t inputs = batch * in.steps * in.channels;
  assert_true(inputs <= LARGEST && batch * classes <= LARGEST);
  shake(p.net, &rng);
  set_identity(made_tensor(p.net, "0.weight"));
  spread(&rng, x, inputs);
  made_numbers(&rng, -1, 1, weight, batch * classes);
  check_net(&p, h, &rng);
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
}

static void lstm_agrees(void **state) {
  (void)state;
  check_shapes("lstm(4)", 1, SMOOTH);
  check_shapes("lstm(5,all)", 1, SMOOTH);
  check_shapes("lstm(1)", 1, SMOOTH);
  check_shapes("lstm(17,all) lstm(3)", 1, SMOOTH);
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
}

static void activations_agree(void **state) {
  (void)state;
  check_shapes("relu", 1, CORNERS);
  check_shapes("leaky(0.3)", 1, CORNERS);
  check_shapes("gelu", 1, SMOOTH);
  check_shapes("sigmoid", 1, SMOOTH);
  check_shapes("tanh", 1, SMOOTH);
  check_shapes("softmax", 1, SMOOTH);
  check_shapes("flatten", 1, SMOOTH);
}

static void dropout_agrees(void **state) {
  (void)state;
  check_shapes("dropout(0.4)", 1, SMOOTH);
  check_shapes("tanh dropout(0.5)", 1, SMOOTH);
}

/* Layers that write over their input next to layers that read their output. */
static void chains_agree(void **state) {
  (void)state;
  check_shapes("conv1d(5,3,pad=same) bn tanh lstm(4,all) gelu", 1, SMOOTH);
  check_shapes("conv1d(4,3) bn sigmoid dropout(0.3) tanh avgpool(2) dense(6)", 4, SMOOTH);
  check_shapes("tanh sigmoid softmax flatten tanh dropout(0.2) dropout(0.2)", 1, SMOOTH);
  check_shapes("lstm(3,all) dropout(0.2) tanh lstm(3,all) sigmoid flatten", 1, SMOOTH);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dense_agrees),   cmocka_unit_test(conv1d_agrees),
      cmocka_unit_test(lstm_agrees),    cmocka_unit_test(pooling_agrees),
      cmocka_unit_test(bn_agrees),      cmocka_unit_test(activations_agree),
      cmocka_unit_test(dropout_agrees), cmocka_unit_test(chains_agree),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
