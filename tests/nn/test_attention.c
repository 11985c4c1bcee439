/* SPDX-License-Identifier: Apache-2.0 */
/* Self-attention: values of PyTorch, gradients, samples of their own lengths. */
#include "../golden/sequence_golden.h"
#include "nn/net.h"
#include "sequences.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void attention_is_pytorch_s(void **state) {
  (void)state;
  check_golden("attention(2)", 4, 4, true, golden_attention, COUNT(golden_attention));
}

/* Calls check on shapes of one step, one sample, one channel a head, and random ones. */
static void each_shape(void (*check)(sequences *s, fr__rng *rng)) {
  static const struct {
    size_t steps, channels, heads, batch;
  } shapes[] = {{1, 6, 3, 4}, {6, 5, 5, 1},   {1, 1, 1, 1}, {9, 7, 1, 3},
                {5, 6, 2, 5}, {17, 12, 4, 3}, {8, 9, 3, 8}};
  fr__rng rng;
  fr__rng_init(&rng, 21, 0);
  sequences *s = calloc(1, sizeof *s);
  assert_non_null(s);
  for (size_t i = 0; i < COUNT(shapes); i++) {
    char text[48];
    snprintf(text, sizeof text, "attention(%zu)", shapes[i].heads);
    s->layer = text;
    s->steps = shapes[i].steps;
    s->channels = s->width = shapes[i].channels;
    s->batch = shapes[i].batch;
    s->every_step = true;
    check(s, &rng);
  }
  free(s);
}

static void slopes(sequences *s, fr__rng *rng) { check_slopes(s, false, rng); }
static void slopes_with_lengths(sequences *s, fr__rng *rng) {
  check_slopes(s, true, rng);
}

static void gradients_agree(void **state) {
  (void)state;
  each_shape(slopes);
}

static void gradients_agree_with_lengths(void **state) {
  (void)state;
  each_shape(slopes_with_lengths);
}

static void padding_changes_nothing(void **state) {
  (void)state;
  each_shape(check_lengths);
}

/* A batch whose scores are too many to be done at once: groups of 3 samples and 2. */
static void groups_change_nothing(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 22, 0);
  sequences *s = calloc(1, sizeof *s);
  assert_non_null(s);
  *s = (sequences){.layer = "attention(8)",
                   .width = 16,
                   .every_step = true,
                   .steps = 200,
                   .channels = 16,
                   .batch = 5};
  check_lengths(s, &rng);
  free(s);
}

/* Scores of hundreds leave a softmax finite. */
static void large_scores_stay_finite(void **state) {
  (void)state;
  sequences *s = calloc(1, sizeof *s);
  assert_non_null(s);
  *s = (sequences){.layer = "attention(2)",
                   .width = 4,
                   .every_step = true,
                   .steps = 5,
                   .channels = 4,
                   .batch = 1,
                   .length = {5}};
  fr_net *net = sequence_net(s, 5, 1);
  sines(1, s->x, 20);
  sines(9, s->d, 20);
  for (size_t i = 0; i < 20; i++)
    s->x[i] *= 1e3f;
  const float *y = sequence_forward(net, s->x, 1);
  for (size_t i = 0; i < 20; i++)
    assert_true(isfinite(y[i]));
  fr_net_backward(net, s->d, 1);
  assert_true(fr_net_gradients_finite(net));
  fr_net_free(net);
  free(s);
}

/* Steps change places where the input's do: there is no order but the input's own. */
static void steps_have_no_order(void **state) {
  (void)state;
  sequences *s = calloc(1, sizeof *s);
  assert_non_null(s);
  *s = (sequences){.layer = "attention(2)",
                   .width = 4,
                   .every_step = true,
                   .steps = 5,
                   .channels = 4,
                   .batch = 1};
  fr_net *net = sequence_net(s, 5, 1);
  float y[20], turned[20];
  sines(1, s->x, 20);
  memcpy(y, sequence_forward(net, s->x, 1), sizeof y);
  for (size_t i = 0; i < 20; i++)
    turned[i] = s->x[(4 - i / 4) * 4 + i % 4];
  const float *z = sequence_forward(net, turned, 1);
  for (size_t i = 0; i < 20; i++)
    assert_near((double)z[i], (double)y[(4 - i / 4) * 4 + i % 4], 1e-6, "turned round");
  fr_net_free(net);
  free(s);
}

/* In testing the weights of a few samples are kept at a time, not of the batch: at most
 * 4 MiB of them, where they are 40 MiB together. */
static void testing_takes_little_memory(void **state) {
  (void)state;
  const size_t batch = 64, steps = 200, channels = 8;
  fr_net *net = NULL;
  ASSERT_OK(
      fr_net_new("attention(4) dense(2)", (fr_shape){steps, channels}, 2, &net, err));
  ASSERT_OK(fr_net_reserve(net, batch, false, 0, err));
  const size_t allowed = batch * steps * channels * (3 + 2) * sizeof(float);
  assert_true(net->activations.size <= allowed + (4u << 20) + 4096);
  fr_net_free(net);
}

static void text_is_checked(void **state) {
  (void)state;
  check_form("conv1d(6,1) attention( 3 ) gru(2)", (fr_shape){5, 4}, 2,
             "conv1d(6,1) attention(3) gru(2)");
  check_form("lstm(4) attention(2) flatten", (fr_shape){5, 3}, 20,
             "lstm(4,all) attention(2) flatten");
  check_sentence("attention", (fr_shape){5, 4},
                 "layer 1 'attention': takes no fewer than 1 argument: attention(heads)");
  check_sentence("attention(3)", (fr_shape){5, 4},
                 "layer 1 'attention(3)': 4 channels cannot be shared by 3 heads");
  check_sentence("attention(no)", (fr_shape){5, 4},
                 "layer 1 'attention(no)': the count of heads 'no' is not a whole number "
                 "from 1 to 65536");
  check_sentence(
      "attention(8)", (fr_shape){4096, 8},
      "layer 1 'attention(8)': 8 heads of 4096 x 4096 steps exceed the ceiling "
      "of 67108864");
}

/* By hand for T 3, C 4, 2 heads of 2: q, k, v 3·4·12 multiply-adds, scores and their
 * product with v 3·3·2 a head each, output 3·4·4; 9 scores a head are divided and
 * weighed. */
static void operations_are_counted(void **state) {
  (void)state;
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new("attention(2) flatten", (fr_shape){3, 4}, 12, &net, err));
  assert_int_equal(fr_net_operations(net),
                   2 * (3 * 4 * 12 + 2 * 18 + 2 * 18 + 3 * 4 * 4) + 2 * 2 * 9);
  assert_int_equal(fr_net_parameters(net), 4 * 12 + 12 + 4 * 4 + 4);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(attention_is_pytorch_s),
      cmocka_unit_test(gradients_agree),
      cmocka_unit_test(gradients_agree_with_lengths),
      cmocka_unit_test(padding_changes_nothing),
      cmocka_unit_test(groups_change_nothing),
      cmocka_unit_test(large_scores_stay_finite),
      cmocka_unit_test(steps_have_no_order),
      cmocka_unit_test(testing_takes_little_memory),
      cmocka_unit_test(text_is_checked),
      cmocka_unit_test(operations_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
