/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No allocation happens during training steps; and wherever an allocation fails, the call
 * says so and leaves its arguments as they were. The linker leads every allocation here.
 */
#include "../allocations.h"
#include "made.h"
#include "nn/layer.h"

/* Layers of every family. */
#define ARCH                                                                             \
  "conv1d(6,3,pad=same) bn relu maxpool(2) "                                             \
  "residual(conv1d(6,3,dilation=2,groups=2) hardswish layernorm) "                       \
  "parallel(conv1d(6,3,groups=6) | | gru(3,all,both) spatialdropout(0.2)) attention(3) " \
  "avgpool(2) lstm(8,all) gelu dropout(0.3) lstm(5) softmax dense(7) leaky bn sigmoid "  \
  "flatten dense(4) tanh dense(classes)"
#define BATCH 5

static const fr_shape input = {14, 3};

static void every_family_is_there(void **state) {
  (void)state;
  char names[1024];
  fr__layer_names(names, sizeof names);
  for (char *name = strtok(names, ", "); name; name = strtok(NULL, ", "))
    if (!strstr(ARCH, name))
      fail_msg("no layer of family %s", name);
}

static void steps_allocate_nothing(void **state) {
  (void)state;
  const uint32_t label[BATCH] = {0, 1, 2, 0, 1}, length[BATCH] = {14, 9, 4, 1, 14};
  float x[BATCH * 14 * 3] = {1}, d[BATCH * 3];
  fr_net *net = made_net(ARCH, input, 3, BATCH, 0);
  fr_optimizer_options options = fr_optimizer_default_options();
  fr_optimizer *optimizer = NULL;
  fr_metrics metrics;
  ASSERT_OK(fr_optimizer_new(net, 0, &options, NULL, &optimizer, err));
  ASSERT_OK(fr_metrics_init(&metrics, 3, err));
  const size_t layers = fr_net_layer_count(net);
  allocations = 0;
  for (size_t batch = 1; batch <= BATCH; batch++) {
    fr_net_seed(net, batch);
    fr_net_set_lengths(net, batch % 2 == 0 ? length : NULL);
    const float *y = fr_net_forward(net, x, batch, 0, layers, true);
    const double loss = made_loss(FR_LOSS_CROSS_ENTROPY, y, label, batch, 3, d);
    fr_net_backward(net, d, batch);
    fr_optimizer_step(optimizer);
    y = fr_net_forward(net, x, batch, 0, layers, false);
    fr_metrics_add(&metrics, y, label, batch, loss);
  }
  fr_metrics_finish(&metrics);
  assert_int_equal(allocations, 0);
  fr_metrics_release(&metrics);
  fr_optimizer_free(optimizer);
  fr_net_free(net);
}

/* All that allocates, with the n-th allocation failing; true where none failed. */
static bool attempt(size_t n) {
  fr_net *net = NULL;
  fr_optimizer *optimizer = NULL;
  fr_metrics metrics = {0};
  fr_error err = {0};
  const fr_optimizer_options options = fr_optimizer_default_options();
  allocations = 0;
  fail_at = n;
  enum fr_status status = fr_net_new(ARCH, input, 3, &net, &err);
  if (status == FR_OK)
    status = fr_net_reserve(net, BATCH, true, 0, &err);
  if (status == FR_OK)
    status = fr_optimizer_new(net, 0, &options, NULL, &optimizer, &err);
  if (status == FR_OK)
    status = fr_metrics_init(&metrics, 3, &err);
  fail_at = 0;
  if (status != FR_OK) {
    assert_int_equal(status, FR_ERR_MEMORY);
    assert_true(err.text[0] != '\0');
  }
  fr_metrics_release(&metrics);
  fr_optimizer_free(optimizer);
  fr_net_free(net);
  return status == FR_OK;
}

static void each_allocation_may_fail(void **state) {
  (void)state;
  size_t n = 1;
  while (!attempt(n))
    n++;
  assert_true(n > 12 && n < 100);
}

/* A network whose second reservation fails works on with the first. */
static void failed_reservation_changes_nothing(void **state) {
  (void)state;
  float x[BATCH * 14 * 3], before[BATCH * 3];
  fr__rng rng;
  fr__rng_init(&rng, 1, 0);
  made_numbers(&rng, -1, 1, x, BATCH * 14 * 3);
  fr_net *net = made_net(ARCH, input, 3, BATCH, 0);
  const size_t layers = fr_net_layer_count(net);
  memcpy(before, fr_net_forward(net, x, BATCH, 0, layers, false), sizeof before);
  for (size_t n = 1; n <= 2; n++) {
    allocations = 0;
    fail_at = n;
    assert_int_equal(fr_net_reserve(net, 2 * BATCH, true, 3, NULL), FR_ERR_MEMORY);
    fail_at = 0;
  }
  assert_non_null(made_tensor(net, "0.weight")->gradient);
  const float *y = fr_net_forward(net, x, BATCH, 0, layers, false);
  assert_memory_equal(before, y, sizeof before);
  fr_net_free(net);
}

/* What is tested again and again is measured, and must not wait for memory each time. */
static void the_same_reservation_again_allocates_nothing(void **state) {
  (void)state;
  float x[BATCH * 14 * 3], before[BATCH * 3];
  fr__rng rng;
  fr__rng_init(&rng, 1, 0);
  made_numbers(&rng, -1, 1, x, BATCH * 14 * 3);
  fr_net *net = made_net(ARCH, input, 3, BATCH, 0);
  const size_t layers = fr_net_layer_count(net);
  ASSERT_OK(fr_net_reserve(net, BATCH, false, 0, err));
  memcpy(before, fr_net_forward(net, x, BATCH, 0, layers, false), sizeof before);
  allocations = 0;
  ASSERT_OK(fr_net_reserve(net, BATCH, false, 0, err));
  assert_int_equal(allocations, 0);
  const float *y = fr_net_forward(net, x, BATCH, 0, layers, false);
  assert_memory_equal(before, y, sizeof before);
  assert_null(made_tensor(net, "0.weight")->gradient);
  ASSERT_OK(fr_net_reserve(net, BATCH, true, 0, err)); /* which takes more */
  assert_true(allocations > 0);
  assert_non_null(made_tensor(net, "0.weight")->gradient);
  fr_net_free(net);
}

/* Every loss and optimizer, each with all that it knows, and the answers of labels. */
static void every_update_allocates_nothing(void **state) {
  (void)state;
  const uint32_t label[BATCH] = {0, 1, 2, FR_NONE, 1};
  const float value[BATCH * 3] = {1, 0, 0, 1}, weight[3] = {1, 2, 3};
  float x[BATCH * 3] = {1}, d[BATCH * 3];
  const fr_loss_options loss[] = {{.label_smoothing = 0.1f,
                                   .focal = 2,
                                   .class_weight = weight,
                                   .distill = 0.5f,
                                   .temperature = 2},
                                  {.kind = FR_LOSS_SQUARED},
                                  {.kind = FR_LOSS_BINARY, .class_weight = weight}};
  const fr_targets targets[] = {
      {.label = label, .teacher = value}, {.value = value}, {.value = value}};
  fr_net *net = made_net("dense(3)", (fr_shape){1, 3}, 3, BATCH, 0);
  fr_metrics metrics;
  ASSERT_OK(fr_metrics_init_labels(&metrics, 3, 2 * BATCH, err));
  for (int kind = FR_OPTIMIZER_SGD; kind <= FR_OPTIMIZER_RMSPROP; kind++) {
    fr_optimizer_options o = fr_optimizer_usual_options((enum fr_optimizer_kind)kind);
    o.clip_norm = o.clip_value = o.weight_decay = 0.1f;
    fr_optimizer *optimizer = NULL;
    ASSERT_OK(fr_optimizer_new(net, 0, &o, NULL, &optimizer, err));
    allocations = 0;
    for (size_t i = 0; i < 3; i++) {
      const float *y = fr_net_forward(net, x, BATCH, 0, 1, true);
      fr_loss_compute(&loss[i], y, &targets[i], BATCH, 3, d);
      fr_net_backward(net, d, BATCH);
      assert_true(fr_optimizer_step(optimizer));
      fr_metrics_add_values(&metrics, y, value, BATCH, 0);
    }
    assert_int_equal(allocations, 0);
    fr_optimizer_free(optimizer);
  }
  fr_metrics_release(&metrics);
  fr_net_free(net);
}

/* The n-th allocation of what looks back on a test fails. */
static bool attempt_figures(size_t n, bool labels) {
  const uint32_t label[] = {1, 0};
  const float value[] = {1, 0, 0, 1};
  float weight[2] = {7, 7};
  fr_metrics m = {0};
  fr_metrics_bounds bounds = {.macro_f1_low = 7};
  fr_error err = {0};
  allocations = 0;
  fail_at = n;
  enum fr_status status =
      labels ? fr_metrics_init_labels(&m, 2, 2, &err) : fr_metrics_init(&m, 2, &err);
  if (status == FR_OK) {
    if (labels)
      fr_metrics_add_values(&m, value, value, 2, 0);
    else
      fr_metrics_add(&m, value, label, 2, 0);
    fr_metrics_finish(&m);
    status = fr_metrics_intervals(&m, 1, &bounds, &err);
  }
  if (status == FR_OK)
    status = fr_loss_balanced_weights(label, 2, 2, weight, &err);
  fail_at = 0;
  fr_metrics_release(&m);
  if (status == FR_OK)
    return true;
  assert_int_equal(status, FR_ERR_MEMORY);
  assert_true(err.text[0] != '\0' && weight[0] == 7.0f);
  return false;
}

static void each_allocation_of_figures_may_fail(void **state) {
  (void)state;
  for (int labels = 0; labels < 2; labels++) {
    size_t n = 1;
    while (!attempt_figures(n, labels != 0))
      n++;
    assert_in_range(n, 6, 10);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_family_is_there),
      cmocka_unit_test(steps_allocate_nothing),
      cmocka_unit_test(each_allocation_may_fail),
      cmocka_unit_test(failed_reservation_changes_nothing),
      cmocka_unit_test(the_same_reservation_again_allocates_nothing),
      cmocka_unit_test(every_update_allocates_nothing),
      cmocka_unit_test(each_allocation_of_figures_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
