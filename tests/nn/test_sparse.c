/* SPDX-License-Identifier: Apache-2.0 */
/* Networks whose weights are mostly 0: prepared, they leave zeros out, answer the same,
 * and count what they execute. */
#include "made.h"

#include <math.h>

#define BATCH 64

/* Leaves about a share of the weights of products. */
static void thin_out(fr__rng *rng, const fr_net *net, double share) {
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  for (size_t t = 0; t < count; t++)
    for (size_t i = 0; tensor[t].rank > 1 && i < tensor[t].count; i++)
      if (fr__rng_uniform(rng) >= share)
        tensor[t].value[i] = 0;
}

static size_t numbers_of(const fr_net *net, const char *name) {
  const fr_tensor *tensor = made_tensor(net, name);
  size_t numbers = 0;
  for (size_t i = 0; i < tensor->count; i++)
    numbers += tensor->value[i] != 0;
  return numbers;
}

static void assert_same_answers(fr_net *net, fr__rng *rng, size_t sparse) {
  const fr_shape in = fr_net_input(net);
  const size_t layers = fr_net_layer_count(net), classes = fr_net_classes(net);
  const size_t width = in.steps * in.channels;
  float *x = calloc(BATCH * width, sizeof *x);
  double *first = calloc(BATCH * classes, sizeof *first);
  made_numbers(rng, -1, 1, x, BATCH * width);
  ASSERT_OK(fr_net_reserve(net, BATCH, false, 0, err));
  const float *y = fr_net_forward(net, x, BATCH, 0, layers, false);
  for (size_t i = 0; i < BATCH * classes; i++)
    first[i] = (double)y[i];
  size_t products;
  ASSERT_OK(fr_net_prepare(net, err));
  assert_true(fr_net_sparse_layers(net, &products) >= sparse);
  assert_true(products > sparse);
  for (size_t batch = BATCH; batch > 0; batch /= 3) {
    y = fr_net_forward(net, x, batch, 0, layers, false);
    for (size_t i = 0; i < batch * classes; i++)
      assert_near((double)y[i], first[i], 2e-5 * (1 + fabs(first[i])), fr_net_text(net));
  }
  free(x);
  free(first);
}

static void sparse_networks_answer_the_same(void **state) {
  (void)state;
  static const struct {
    const char *arch;
    size_t sparse;
  } nets[] = {
      {"dense(128) relu dense(128) relu dense(classes)", 2},
      {"conv1d(64,5) relu maxpool(2) conv1d(64,5,pad=same) bn relu avgpool(all) "
       "dense(classes)",
       2},
      {"conv1d(64,4,2) relu lstm(64,all,both) gru(64) dense(classes)", 2},
      {"conv1d(64,3) residual(conv1d(64,3) relu conv1d(64,3)) avgpool(all) "
       "dense(classes)",
       2},
  };
  fr__rng rng;
  fr__rng_init(&rng, 5, 0);
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
    fr_net *net = made_net(nets[i].arch, (fr_shape){40, 16}, 4, BATCH, 0);
    thin_out(&rng, net, 0.06);
    assert_same_answers(net, &rng, nets[i].sparse);
    fr_net_free(net);
  }
}

static void operations_are_those_that_are_executed(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 6, 0);
  fr_net *net = made_net("conv1d(64,5) relu lstm(64) dense(classes)", (fr_shape){40, 16},
                         4, BATCH, 0);
  const uint64_t whole = fr_net_operations(net);
  thin_out(&rng, net, 0.05);
  assert_int_equal(fr_net_operations(net), whole);
  ASSERT_OK(fr_net_prepare(net, err));
  const size_t layers = fr_net_sparse_layers(net, NULL);
  assert_true(layers == 2 || layers == 3); /* the head where vectors are short */
  const size_t head = layers == 3 ? numbers_of(net, "3.weight") : 64 * 4;
  /* two for each number in each of 36 steps; relu; 9 a state */
  const uint64_t wanted =
      36 * 2 * numbers_of(net, "0.weight") + 36 * 64 +
      36 * (2 * (numbers_of(net, "2.weight") + numbers_of(net, "2.recurrent")) + 9 * 64) +
      2 * head;
  assert_int_equal(fr_net_operations(net), wanted);
  assert_int_equal(fr_net_layer_operations(net, 0), 36 * 2 * numbers_of(net, "0.weight"));
  /* training knows nothing of it */
  float *x = calloc(BATCH * 40 * 16, sizeof *x);
  (void)fr_net_forward(net, x, BATCH, 0, fr_net_layer_count(net), true);
  assert_int_equal(fr_net_operations(net), whole);
  assert_int_equal(fr_net_sparse_layers(net, NULL), 0);
  free(x);
  fr_net_free(net);
}

static void dense_weights_bf16_and_single_frames_are_left_alone(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 7, 0);
  fr_net *net =
      made_net("lstm(64) dense(64) dense(classes)", (fr_shape){8, 16}, 4, BATCH, 0);
  ASSERT_OK(fr_net_prepare(net, err));
  assert_int_equal(fr_net_sparse_layers(net, NULL), 0);
  thin_out(&rng, net, 0.05);
  fr_net_set_precision(net, FR_PRECISION_BF16);
  ASSERT_OK(fr_net_prepare(net, err));
  assert_int_equal(fr_net_sparse_layers(net, NULL), 0);
  fr_net_set_precision(net, FR_PRECISION_F32);
  ASSERT_OK(fr_net_prepare(net, err));
  assert_true(fr_net_sparse_layers(net, NULL) > 0);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sparse_networks_answer_the_same),
      cmocka_unit_test(operations_are_those_that_are_executed),
      cmocka_unit_test(dense_weights_bf16_and_single_frames_are_left_alone),
  };
  return cmocka_run_group_tests_name("nn/sparse", tests, NULL, NULL);
}
