/* SPDX-License-Identifier: Apache-2.0 */
/* Layers before `first` run as in testing, get no gradient and are left as they are. */
#include <math.h>

#include "made.h"

#define ARCH                                                                             \
  "conv1d(6,3) bn relu dropout(0.5) maxpool(2) conv1d(5,2) relu dropout(0.5) "           \
  "avgpool(all) dense(classes)"
#define FIRST 5 /* the second conv1d */
#define STEPS 12
#define CHANNELS 3
#define CLASSES 4
#define BATCH 3

static const fr_shape input = {STEPS, CHANNELS};

static size_t value_count(const fr_net *net) {
  size_t count = 0, sum = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; i++)
    sum += tensor[i].count;
  return sum;
}

static float *values(const fr_net *net) {
  size_t count = 0, at = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  float *copy = malloc(value_count(net) * sizeof *copy);
  for (size_t i = 0; i < count; at += tensor[i++].count)
    memcpy(copy + at, tensor[i].value, tensor[i].count * sizeof *copy);
  return copy;
}

static void train_step(fr_net *net, fr_optimizer *optimizer, const float *x) {
  const uint32_t label[BATCH] = {0, 3, 1};
  float d[BATCH * CLASSES];
  const size_t layers = fr_net_layer_count(net);
  const float *y = fr_net_forward(net, x, BATCH, 0, layers, true);
  made_loss(FR_LOSS_CROSS_ENTROPY, y, label, BATCH, CLASSES, d);
  fr_net_backward(net, d, BATCH);
  fr_optimizer_step(optimizer);
}

static void prefix_stays(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 1, 0);
  float x[BATCH * STEPS * CHANNELS];
  made_numbers(&rng, -2, 2, x, BATCH * STEPS * CHANNELS);
  fr_net *net = made_net(ARCH, input, CLASSES, BATCH, FIRST);
  fr_optimizer_options options = fr_optimizer_default_options();
  options.weight_decay = 0.1f;
  fr_optimizer *optimizer = NULL;
  ASSERT_OK(fr_optimizer_new(net, FIRST, &options, NULL, &optimizer, err));
  float *before = values(net);
  for (int i = 0; i < 3; i++)
    train_step(net, optimizer, x);
  float *after = values(net);
  size_t count = 0, at = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t i = 0; i < count; at += tensor[i++].count) {
    const size_t bytes = tensor[i].count * sizeof(float);
    if (tensor[i].layer < FIRST) {
      assert_null(tensor[i].gradient);
      assert_memory_equal(before + at, after + at, bytes);
    } else {
      assert_non_null(tensor[i].gradient);
      assert_memory_not_equal(before + at, after + at, bytes);
    }
  }
  free(before);
  free(after);
  fr_optimizer_free(optimizer);
  fr_net_free(net);
}

/* In training too: no dropping, running statistics; and what it gave may be kept and fed
 * to the layers behind again. */
static void prefix_runs_as_in_testing(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 2, 0);
  float x[BATCH * STEPS * CHANNELS], kept[BATCH * 5 * 6];
  made_numbers(&rng, -2, 2, x, BATCH * STEPS * CHANNELS);
  fr_net *net = made_net(ARCH, input, CLASSES, BATCH, FIRST);
  const float *y = fr_net_forward(net, x, BATCH, 0, FIRST, false);
  memcpy(kept, y, sizeof kept);
  y = fr_net_forward(net, x, BATCH, 0, FIRST, true);
  assert_memory_equal(kept, y, sizeof kept);

  const size_t layers = fr_net_layer_count(net);
  float whole[BATCH * CLASSES];
  fr_net_seed(net, 4);
  memcpy(whole, fr_net_forward(net, x, BATCH, 0, layers, true), sizeof whole);
  fr_net_seed(net, 4);
  y = fr_net_forward(net, kept, BATCH, FIRST, layers, true);
  assert_memory_equal(whole, y, sizeof whole);
  fr_net_free(net);
}

/* The gradients of what is trained do not depend on what is frozen below. */
static void gradients_are_those_of_the_whole(void **state) {
  (void)state;
  const char *arch = "conv1d(6,3) tanh conv1d(5,2) relu avgpool(all) dense(classes)";
  fr__rng rng;
  fr__rng_init(&rng, 3, 0);
  float x[BATCH * STEPS * CHANNELS], d[BATCH * CLASSES];
  made_numbers(&rng, -2, 2, x, BATCH * STEPS * CHANNELS);
  made_numbers(&rng, -1, 1, d, BATCH * CLASSES);
  fr_net *net[2];
  for (size_t i = 0; i < 2; i++) {
    net[i] = made_net(arch, input, CLASSES, BATCH, i == 0 ? 0 : 2);
    fr_net_forward(net[i], x, BATCH, 0, 6, true);
    fr_net_backward(net[i], d, BATCH);
  }
  static const char *const names[] = {"2.weight", "2.bias", "5.weight", "5.bias"};
  for (size_t i = 0; i < 4; i++) {
    const fr_tensor *whole = made_tensor(net[0], names[i]);
    assert_memory_equal(whole->gradient, made_tensor(net[1], names[i])->gradient,
                        whole->count * sizeof(float));
  }
  fr_net_free(net[0]);
  fr_net_free(net[1]);
}

static void all_may_be_frozen(void **state) {
  (void)state;
  const float x[STEPS * CHANNELS] = {1}, d[CLASSES] = {1};
  fr_net *net = made_net(ARCH, input, CLASSES, 1, 10);
  fr_net_forward(net, x, 1, 0, 10, true);
  fr_net_backward(net, d, 1);
  fr_error err;
  assert_int_equal(fr_net_reserve(net, 1, true, 11, &err), FR_ERR_ARGUMENT);
  fr_net_free(net);
}

static void copy_takes_statistics_too(void **state) {
  (void)state;
  fr_net *from = made_net(ARCH, input, CLASSES, BATCH, 0), *to = NULL;
  ASSERT_OK(fr_net_new(ARCH, input, 2, &to, err));
  made_tensor(from, "1.running_mean")->value[2] = 9;
  ASSERT_OK(fr_net_copy(to, from, 9, err));
  assert_true(made_tensor(to, "1.running_mean")->value[2] == 9.0f);
  assert_memory_equal(made_tensor(to, "5.weight")->value,
                      made_tensor(from, "5.weight")->value, 60 * sizeof(float));
  fr_error err = {0};
  made_tensor(from, "0.bias")->value[0] = 5;
  assert_int_equal(fr_net_copy(to, from, 10, &err), FR_ERR_ARGUMENT);
  assert_string_equal(err.text, "layer 10 'dense(2)' cannot take the parameters of "
                                "'dense(4)': their shapes differ");
  assert_true(made_tensor(to, "0.bias")->value[0] == 0.0f); /* as it was */
  assert_int_equal(fr_net_copy(to, from, 11, &err), FR_ERR_ARGUMENT);
  fr_net_free(from);
  fr_net_free(to);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(prefix_stays),
      cmocka_unit_test(prefix_runs_as_in_testing),
      cmocka_unit_test(gradients_are_those_of_the_whole),
      cmocka_unit_test(all_may_be_frozen),
      cmocka_unit_test(copy_takes_statistics_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
