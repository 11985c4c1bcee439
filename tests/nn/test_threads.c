/* SPDX-License-Identifier: Apache-2.0 */
/* Results do not depend on the number of threads, bit for bit. */
#include "made.h"

enum { BATCH = 70, STEPS = 3, CLASSES = 5, T = 40, C = 7 };

static const char *const texts[] = {
    "dense(300) relu dense(classes)",
    "conv1d(64,5) relu bn conv1d(32,3,pad=same) relu avgpool(all) dense(classes)",
    "lstm(48) lstm(33) dense(classes)",
    "gru(40,all,both) lstm(24,all,both) gru(17) dense(classes)",
    ("residual(conv1d(40,3) relu dropout(0.2) conv1d(40,3)) relu maxpool(4) "
     "parallel(conv1d(16,3) | ) gelu avgpool(all) dense(classes)"),
};

/* The weights after a few steps on the same numbers. */
static fr_net *train(const char *text, size_t threads, bool of_lengths) {
  static float x[BATCH * T * C], d[BATCH * CLASSES];
  uint32_t label[BATCH], length[BATCH];
  fr__rng rng;
  fr__rng_init(&rng, 11, 0);
  made_numbers(&rng, -1, 1, x, sizeof x / sizeof *x);
  for (size_t b = 0; b < BATCH; b++) {
    label[b] = (uint32_t)(b % CLASSES);
    length[b] = of_lengths ? (uint32_t)(b * 7 % (T + 1)) : T;
    memset(x + (b * T + length[b]) * C, 0, (T - length[b]) * C * sizeof *x);
  }
  fr_net *net = made_net(text, (fr_shape){T, C}, CLASSES, BATCH, 0);
  ASSERT_OK(fr_net_set_threads(net, threads, err));
  fr_net_set_lengths(net, of_lengths ? length : NULL);
  fr_optimizer *optimizer = NULL;
  const fr_optimizer_options options = fr_optimizer_default_options();
  ASSERT_OK(fr_optimizer_new(net, 0, &options, NULL, &optimizer, err));
  for (size_t step = 0; step < STEPS; step++) {
    const float *y = fr_net_forward(net, x, BATCH, 0, fr_net_layer_count(net), true);
    (void)made_loss(FR_LOSS_CROSS_ENTROPY, y, label, BATCH, CLASSES, d);
    fr_net_backward(net, d, BATCH);
    (void)fr_optimizer_step(optimizer);
  }
  fr_optimizer_free(optimizer);
  fr_net_set_lengths(net, NULL);
  return net;
}

static void assert_same_bits(const fr_net *one, const fr_net *other) {
  size_t count = 0, others = 0;
  const fr_tensor *a = fr_net_tensors(one, &count), *b = fr_net_tensors(other, &others);
  assert_int_equal(count, others);
  for (size_t i = 0; i < count; i++) {
    assert_memory_equal(a[i].value, b[i].value, a[i].count * sizeof(float));
    if (a[i].gradient)
      assert_memory_equal(a[i].gradient, b[i].gradient, a[i].count * sizeof(float));
  }
}

static void assert_any_count(const char *text, bool of_lengths) {
  static const size_t counts[] = {2, 3, 8};
  fr_net *alone = train(text, 1, of_lengths);
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
    fr_net *shared = train(text, counts[c], of_lengths);
    assert_same_bits(alone, shared);
    fr_net_free(shared);
  }
  fr_net_free(alone);
}

static void any_count_gives_the_same_bits(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    assert_any_count(texts[i], false);
    assert_any_count(texts[i], true);
  }
}

static void a_count_can_be_changed(void **state) {
  (void)state;
  fr_net *net = made_net("dense(classes)", (fr_shape){1, 4}, 3, 2, 0);
  fr_error wrong = {0};
  assert_int_equal(fr_net_set_threads(net, 0, &wrong), FR_ERR_ARGUMENT);
  assert_string_equal(wrong.text, "0 is not a count of threads from 1 to 256");
  assert_int_equal(fr_net_set_threads(net, 257, &wrong), FR_ERR_ARGUMENT);
  ASSERT_OK(fr_net_set_threads(net, 4, err));
  ASSERT_OK(fr_net_set_threads(net, 1, err));
  ASSERT_OK(fr_net_set_threads(net, 2, err));
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_count_gives_the_same_bits),
      cmocka_unit_test(a_count_can_be_changed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
