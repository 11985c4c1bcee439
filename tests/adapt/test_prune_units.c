/* SPDX-License-Identifier: Apache-2.0 */
/* Units are really taken out: shapes and operations shrink as computed by hand, and what
 * is left answers as if the others were never read. */
#include "../nn/drawn.h"

#include <math.h>

#include "adapt/prune_graph.h"

static fr_net *shrunk(const fr_net *net, double amount, bool global) {
  fr_prune_options options = fr_prune_default_options();
  fr_net *out = NULL;
  options.amount = amount;
  options.criterion = FR_PRUNE_L1;
  options.global = global;
  ASSERT_OK(fr_prune_shrink(net, &options, NULL, &out, err));
  return out;
}

static void assert_shrinks_to(const char *arch, fr_shape in, double amount,
                              const char *expected) {
  fr_net *net = made_net(arch, in, 3, 2, 0), *small = shrunk(net, amount, false);
  assert_string_equal(fr_net_text(small), expected);
  fr_net_free(small);
  fr_net_free(net);
}

static void half_of_every_layer_goes(void **state) {
  (void)state;
  const fr_shape in = {16, 5};
  assert_shrinks_to("dense(8) relu dense(6) tanh dense(classes)", in, 0.5,
                    "dense(4) relu dense(3) tanh dense(3)");
  assert_shrinks_to("conv1d(8,3) bn relu maxpool(2) flatten dense(4) dense(classes)", in,
                    0.5, "conv1d(4,3) bn relu maxpool(2) flatten dense(2) dense(3)");
  assert_shrinks_to("lstm(8,all) lstm(6,last,both) dense(classes)", in, 0.5,
                    "lstm(4,all) lstm(3,both) dense(3)");
  assert_shrinks_to("gru(8,all,both) gru(6) dense(classes)", in, 0.5,
                    "gru(4,all,both) gru(3) dense(3)");
  /* a depthwise convolution has as many channels as what feeds it */
  assert_shrinks_to(
      "conv1d(8,1) conv1d(16,3,groups=8) conv1d(6,1) avgpool(all) dense(classes)", in,
      0.5, "conv1d(4,1) conv1d(8,3,groups=4) conv1d(3,1) avgpool(all) dense(3)");
  /* of groups the same places go in each */
  assert_shrinks_to("conv1d(8,1) conv1d(12,3,groups=2) avgpool(all) dense(classes)", in,
                    0.5, "conv1d(4,1) conv1d(6,3,groups=2) avgpool(all) dense(3)");
  /* 7 of 10 stay where a third goes: 3.33 is 3 */
  assert_shrinks_to("dense(10) dense(classes)", in, 1.0 / 3, "dense(7) dense(3)");
  /* one stays, whatever is asked for */
  assert_shrinks_to("dense(10) dense(5) dense(classes)", in, 0.99,
                    "dense(1) dense(1) dense(3)");
}

static void what_is_added_shrinks_together(void **state) {
  (void)state;
  const fr_shape in = {16, 5};
  assert_shrinks_to(
      "conv1d(8,3) residual(conv1d(4,3) relu conv1d(8,3)) avgpool(all) "
      "dense(classes)",
      in, 0.5,
      "conv1d(4,3) residual(conv1d(2,3,pad=same) relu conv1d(4,3,pad=same)) "
      "avgpool(all) dense(3)");
  assert_shrinks_to(
      "conv1d(8,3) parallel(conv1d(4,1) | | conv1d(2,3)) avgpool(all) "
      "dense(classes)",
      in, 0.5,
      "conv1d(4,3) parallel(conv1d(2,1,pad=same) |  | conv1d(1,3,pad=same)) "
      "avgpool(all) dense(3)");
  /* 8 to 4 is 4 to 2: the matrix stays; 4 to 3 would be 2 to 2, and takes one more */
  assert_shrinks_to("conv1d(8,3) residual(conv1d(4,3)) avgpool(all) dense(classes)", in,
                    0.5,
                    "conv1d(4,3) residual(conv1d(2,3,pad=same)) avgpool(all) dense(3)");
  assert_shrinks_to("conv1d(4,3) residual(conv1d(3,3)) avgpool(all) dense(classes)", in,
                    0.5,
                    "conv1d(2,3) residual(conv1d(3,3,pad=same)) avgpool(all) dense(3)");
}

static void what_cannot_go_stays_and_is_said(void **state) {
  (void)state;
  const fr_shape in = {16, 4};
  char pinned[FR_PRUNE_NOTE];
  fr_net *net = made_net("conv1d(8,3) attention(2) conv1d(6,1) residual(conv1d(6,3)) "
                         "avgpool(all) dense(classes)",
                         in, 3, 2, 0);
  assert_int_equal(fr_prune_units(net, pinned), 6);
  assert_string_equal(pinned, "1 'conv1d(8,3)'");
  fr_net *small = shrunk(net, 0.5, false);
  assert_string_equal(fr_net_text(small),
                      "conv1d(8,3) attention(2) conv1d(3,1) "
                      "residual(conv1d(3,3,pad=same)) avgpool(all) dense(3)");
  fr_net_free(small);
  fr_net_free(net);
  /* added to the input, which stays */
  net = made_net("residual(conv1d(4,3)) avgpool(all) dense(classes)", in, 3, 2, 0);
  assert_int_equal(fr_prune_units(net, pinned), 0);
  assert_string_equal(pinned, "1.1 'conv1d(4,3,pad=same)'");
  fr_net_free(net);
}

static void operations_and_parameters_shrink_as_by_hand(void **state) {
  (void)state;
  const fr_shape in = {10, 4};
  fr_net *net = made_net("conv1d(8,3) relu lstm(6) dense(classes)", in, 3, 2, 0);
  fr_net *small = shrunk(net, 0.5, false);
  /* conv 4 x (3 x 4) + 4, lstm (4 + 3) x 12 + 12, dense 3 x 3 + 3 */
  assert_int_equal(fr_net_parameters(small), 4 * 12 + 4 + 7 * 12 + 12 + 12);
  /* 8 steps: 2 x 12 x 4; relu 4; lstm 2 x 4 x 7 x 3 + 9 x 3; then 2 x 3 x 3 */
  assert_int_equal(fr_net_operations(small), 8 * (96 + 4 + 168 + 27) + 18);
  fr_net_free(small);
  fr_net_free(net);
}

/* A third of 40, 64, 18 less is 27, 43, 12; 12 fit one vector anyway. */
static void what_stays_is_whole_vectors(void **state) {
  (void)state;
  fr_prune_options options = fr_prune_default_options();
  fr_net *net =
      made_net("dense(40) dense(64) dense(18) dense(classes)", (fr_shape){1, 5}, 3, 2, 0);
  static const char *const expected[] = {"dense(32) dense(48) dense(12) dense(3)",
                                         "dense(27) dense(43) dense(12) dense(3)",
                                         "dense(28) dense(44) dense(12) dense(3)"};
  static const size_t aligns[] = {0, 1, 4};
  options.amount = 1.0 / 3;
  options.criterion = FR_PRUNE_L1;
  for (size_t i = 0; i < 3; i++) {
    fr_net *small = NULL;
    options.align = aligns[i];
    ASSERT_OK(fr_prune_shrink(net, &options, NULL, &small, err));
    assert_string_equal(fr_net_text(small), expected[i]);
    fr_net_free(small);
  }
  fr_net_free(net);
}

static void the_least_neurons_go_by_their_weights(void **state) {
  (void)state;
  fr_net *net = made_net("dense(4) relu dense(classes)", (fr_shape){1, 2}, 2, 1, 0);
  static const float weight[8] = {1, -5, 0.5f, 2, -1, 0, 0.5f, 2}; /* columns: units */
  static const float out[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  memcpy(made_tensor(net, "0.weight")->value, weight, sizeof weight);
  memcpy(made_tensor(net, "2.weight")->value, out, sizeof out);
  for (int i = 0; i < 4; i++)
    made_tensor(net, "0.bias")->value[i] = (float)(10 + i);
  fr_net *small = shrunk(net, 0.5, false); /* sums of |w|: 2, 5, 1, 4 */
  static const float left[4] = {-5, 2, 0, 2}, left_out[4] = {3, 4, 7, 8},
                     bias[2] = {11, 13};
  assert_string_equal(fr_net_text(small), "dense(2) relu dense(2)");
  assert_memory_equal(made_tensor(small, "0.weight")->value, left, sizeof left);
  assert_memory_equal(made_tensor(small, "0.bias")->value, bias, sizeof bias);
  assert_memory_equal(made_tensor(small, "2.weight")->value, left_out, sizeof left_out);
  fr_net_free(small);
  fr_net_free(net);
}

static void globally_the_least_layer_loses_most(void **state) {
  (void)state;
  fr_net *net =
      made_net("dense(4) relu dense(4) relu dense(classes)", (fr_shape){1, 3}, 2, 1, 0);
  const double score[8] = {1, 2, 3, 4, 10, 20, 30, 40};
  fr_prune_options options = fr_prune_default_options();
  fr_net *small = NULL;
  options.global = true;
  ASSERT_OK(fr_prune_shrink(net, &options, score, &small, err));
  assert_string_equal(fr_net_text(small), "dense(1) relu dense(4) relu dense(2)");
  fr_net_free(small);
  fr_net_free(net);
}

/* ---- random networks ---- */

#define NETWORKS 600
#define BATCH 3

/* The weights of `net` that read what is gone become 0. */
static void stop_reading(const fr__prune_graph *graph, const bool *gone) {
  for (size_t t = 0; t < graph->net->tensor_count; t++)
    for (size_t a = 0; a < graph->net->tensor[t].rank; a++) {
      const fr_tensor *tensor = &graph->net->tensor[t];
      const fr__axis *axis = &graph->axis[t][a];
      size_t behind = 1;
      for (size_t b = a + 1; b < tensor->rank; b++)
        behind *= tensor->shape[b];
      for (size_t i = 0; axis->unit != NULL && axis->reads && i < tensor->count; i++) {
        const uint32_t unit = axis->unit[i / behind % tensor->shape[a]];
        if (unit != FR__UNIT_PINNED && gone[unit])
          tensor->value[i] = 0;
      }
    }
}

/* These mix the channels of a step: one less changes the others. */
static bool mixes(const fr_net *net) {
  return strstr(fr_net_text(net), "layernorm") || strstr(fr_net_text(net), "softmax");
}

static void assert_same_answers(fr__rng *rng, fr_net *a, fr_net *b) {
  const fr_shape in = fr_net_input(a);
  float x[BATCH * 9 * 6], first[BATCH * 4];
  const size_t classes = fr_net_classes(a);
  made_numbers(rng, -1, 1, x, BATCH * in.steps * in.channels);
  ASSERT_OK(fr_net_reserve(a, BATCH, false, 0, err));
  ASSERT_OK(fr_net_reserve(b, BATCH, false, 0, err));
  memcpy(first, fr_net_forward(a, x, BATCH, 0, fr_net_layer_count(a), false),
         BATCH * classes * sizeof *first);
  const float *second = fr_net_forward(b, x, BATCH, 0, fr_net_layer_count(b), false);
  for (size_t i = 0; i < BATCH * classes; i++)
    assert_near((double)second[i], (double)first[i], 2e-5 * (1 + fabs((double)first[i])),
                fr_net_text(b));
}

/* *removed: units; false where the network is not for this test. */
static bool check_network(fr__rng *rng, const char *piece, size_t *removed) {
  const fr_shape in = {1 + fr__rng_below(rng, 9), 1 + fr__rng_below(rng, 6)};
  fr_net *net = drawn_net(rng, piece, in, 1 + fr__rng_below(rng, 4)), *small = NULL;
  fr__prune_graph graph = {0};
  double score[512];
  bool gone[512];
  if (net == NULL || mixes(net)) {
    fr_net_free(net);
    return false;
  }
  fr_net_init(net, fr__rng_next(rng), 0);
  size_t tensors = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &tensors);
  for (size_t t = 0; t < tensors; t++)
    if (tensor[t].rank == 1) /* biases, and bn's numbers: above 0 for the variance */
      made_numbers(rng, 0.2, 1, tensor[t].value, tensor[t].count);
  ASSERT_OK(fr__prune_graph_init(&graph, net, err));
  assert_true(graph.units <= 512);
  for (size_t u = 0; u < graph.units; u++)
    score[u] = fr__rng_uniform(rng);
  const fr_prune_options options = {.amount = 0.1 + 0.8 * fr__rng_uniform(rng),
                                    .global = fr__rng_below(rng, 2) == 0};
  ASSERT_OK(fr__prune_choose(&graph, &options, score, gone, err));
  ASSERT_OK(fr_prune_shrink(net, &options, score, &small, err));
  for (size_t u = 0; u < graph.units; u++)
    *removed += gone[u];
  assert_true(fr_net_operations(small) <= fr_net_operations(net));
  stop_reading(&graph, gone);
  assert_same_answers(rng, net, small);
  fr__prune_graph_release(&graph);
  fr_net_free(small);
  fr_net_free(net);
  return true;
}

static void any_network_answers_as_if_they_were_not_read(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 23, 0);
  size_t removed = 0, checked = 0;
  for (size_t i = 0; i < NETWORKS; i++)
    checked += check_network(&rng, drawn_pieces[i % DRAWN_PIECES], &removed);
  print_message("# %zu networks, %zu units\n", checked, removed);
  assert_true(checked > NETWORKS / 2 && removed > 2 * checked);
}

/* Of a unit that is scaled by 1 + e the loss has the derivative that is squared. */
static void taylor_agrees_with_differences(void **state) {
  (void)state;
  const fr_shape in = {6, 2};
  enum { UNITS = 4 + 3 + 3, CLASSES = 2 };
  fr_net *net = made_net("conv1d(4,3) bn relu lstm(3,all) conv1d(3,1) tanh avgpool(all) "
                         "dense(classes)",
                         in, CLASSES, BATCH, 0);
  fr__rng rng;
  fr__rng_init(&rng, 3, 0);
  float x[BATCH * 12], d[BATCH * CLASSES];
  const uint32_t label[BATCH] = {0, 1, 1};
  made_numbers(&rng, -1, 1, x, BATCH * 12);
  const size_t layers = fr_net_layer_count(net);
  (void)made_loss(FR_LOSS_CROSS_ENTROPY, fr_net_forward(net, x, BATCH, 0, layers, true),
                  label, BATCH, CLASSES, d);
  fr_net_backward(net, d, BATCH);
  fr__prune_graph graph;
  ASSERT_OK(fr__prune_graph_init(&graph, net, err));
  assert_int_equal(graph.units, UNITS);
  double sum[UNITS], score[UNITS] = {0};
  fr__prune_add_taylor(&graph, sum, score);
  /* the last convolution's units are read by the dense layer's rows */
  const fr_tensor *dense = made_tensor(net, "7.weight");
  for (size_t u = 0; u < 3; u++) {
    double loss[2];
    for (int side = 0; side < 2; side++) {
      const float e = side == 0 ? -0.01f : 0.01f;
      float kept[CLASSES];
      memcpy(kept, dense->value + u * CLASSES, sizeof kept);
      for (size_t k = 0; k < CLASSES; k++)
        dense->value[u * CLASSES + k] *= 1 + e;
      loss[side] =
          made_loss(FR_LOSS_CROSS_ENTROPY, fr_net_forward(net, x, BATCH, 0, layers, true),
                    label, BATCH, CLASSES, d);
      memcpy(dense->value + u * CLASSES, kept, sizeof kept);
    }
    const double slope = (loss[1] - loss[0]) / 0.02;
    assert_near(score[7 + u], slope * slope, 0.02 * slope * slope + 1e-9, "taylor");
  }
  fr__prune_graph_release(&graph);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(half_of_every_layer_goes),
      cmocka_unit_test(what_is_added_shrinks_together),
      cmocka_unit_test(what_cannot_go_stays_and_is_said),
      cmocka_unit_test(operations_and_parameters_shrink_as_by_hand),
      cmocka_unit_test(what_stays_is_whole_vectors),
      cmocka_unit_test(the_least_neurons_go_by_their_weights),
      cmocka_unit_test(globally_the_least_layer_loses_most),
      cmocka_unit_test(any_network_answers_as_if_they_were_not_read),
      cmocka_unit_test(taylor_agrees_with_differences),
  };
  return cmocka_run_group_tests_name("adapt/prune_units", tests, NULL, NULL);
}
