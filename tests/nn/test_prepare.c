/* SPDX-License-Identifier: Apache-2.0 */
/* Weights that are packed beforehand give the same bits, and are dropped when they
 * change. */
#include "../test.h"

#include "frugal/nn.h"

#define STEPS ((size_t)13)
#define CHANNELS ((size_t)7)
#define CLASSES ((size_t)5)
#define BATCH ((size_t)6)

static const char *const texts[] = {
    "dense(classes)",
    "dense(40) relu dense(300) relu dense(classes)",
    "conv1d(33,3) relu bn conv1d(64,2,2) relu avgpool(all) dense(classes)",
    "conv1d(8,3,dilation=2) conv1d(8,3,groups=4) conv1d(8,3,pad=same) flatten "
    "dense(classes)",
    "lstm(20) lstm(130) dense(classes)",
    "lstm(9,all,both) gru(17,both) dense(classes)",
    "gru(140,all) gru(3) dense(classes)",
    "residual(conv1d(7,3) relu) parallel(lstm(5,all) | conv1d(4,1)) attention(3) "
    "avgpool(all) dense(classes)",
};
#define TEXTS (sizeof texts / sizeof *texts)

static float x[BATCH * STEPS * CHANNELS];

static void fill_x(void) {
  for (size_t i = 0; i < sizeof x / sizeof *x; i++)
    x[i] = (float)((i * 2654435761u) % 1000) / 500.0f - 1.0f;
}

static fr_net *new_net(const char *text, enum fr_precision precision) {
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new(text, (fr_shape){STEPS, CHANNELS}, CLASSES, &net, err));
  fr_net_init(net, 3, 0);
  fr_net_set_precision(net, precision);
  ASSERT_OK(fr_net_reserve(net, BATCH, true, 0, err));
  return net;
}

static void answers(fr_net *net, size_t batch, float y[BATCH * CLASSES]) {
  const size_t layers = fr_net_layer_count(net);
  memcpy(y, fr_net_forward(net, x, batch, 0, layers, false), batch * CLASSES * sizeof *y);
}

static void check_text(const char *text, enum fr_precision precision) {
  fr_net *net = new_net(text, precision);
  for (size_t batch = 1; batch <= BATCH; batch += BATCH - 1) {
    float plain[BATCH * CLASSES], prepared[BATCH * CLASSES];
    fr_net_set_precision(net, precision); /* drops what was prepared */
    answers(net, batch, plain);
    ASSERT_OK(fr_net_prepare(net, err));
    answers(net, batch, prepared);
    assert_memory_equal(plain, prepared, batch * CLASSES * sizeof *plain);
    ASSERT_OK(fr_net_prepare(net, err)); /* again */
    answers(net, batch, prepared);
    assert_memory_equal(plain, prepared, batch * CLASSES * sizeof *plain);
  }
  fr_net_free(net);
}

/* int8 begins with what is prepared: tests/adapt/test_quantize.c */
static void bits_stay(void **state) {
  (void)state;
  for (size_t i = 0; i < TEXTS; i++)
    for (enum fr_precision p = FR_PRECISION_F32; p <= FR_PRECISION_BF16; p++)
      check_text(texts[i], p);
}

/* What a network answers that was never prepared, after the same change. */
static void check_change(void (*change)(fr_net *net)) {
  for (size_t i = 0; i < TEXTS; i++) {
    fr_net *net = new_net(texts[i], FR_PRECISION_F32);
    fr_net *other = new_net(texts[i], FR_PRECISION_F32);
    float want[BATCH * CLASSES], got[BATCH * CLASSES];
    ASSERT_OK(fr_net_prepare(net, err));
    change(net);
    change(other);
    answers(net, BATCH, got);
    answers(other, BATCH, want);
    assert_memory_equal(got, want, sizeof want);
    fr_net_free(net);
    fr_net_free(other);
  }
}

static void by_initial_values(fr_net *net) { fr_net_init(net, 4, 0); }

static void by_a_copy(fr_net *net) {
  fr_net *from = new_net(fr_net_text(net), FR_PRECISION_F32);
  fr_net_init(from, 5, 0);
  ASSERT_OK(fr_net_copy(net, from, fr_net_layer_count(net), err));
  fr_net_free(from);
}

static void by_a_step(fr_net *net) {
  const fr_optimizer_options options = fr_optimizer_default_options();
  fr_optimizer *optimizer = NULL;
  float d[BATCH * CLASSES];
  ASSERT_OK(fr_optimizer_new(net, 0, &options, NULL, &optimizer, err));
  for (size_t i = 0; i < sizeof d / sizeof *d; i++)
    d[i] = i % 3 == 0 ? 0.1f : -0.05f;
  (void)fr_net_forward(net, x, BATCH, 0, fr_net_layer_count(net), true);
  fr_net_backward(net, d, BATCH);
  assert_true(fr_optimizer_step(optimizer));
  fr_optimizer_free(optimizer);
}

static void changes_are_seen(void **state) {
  (void)state;
  check_change(by_initial_values);
  check_change(by_a_copy);
  check_change(by_a_step);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bits_stay),
      cmocka_unit_test(changes_are_seen),
  };
  fill_x();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
