/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every family of layers beside PyTorch (tests/golden/layers.txt): outputs, the loss, all
 * gradients, the input's included, ten steps of training, and what testing gives behind
 * them.
 */
#include "golden.h"

/* Shares of the greatest number of a tensor. PyTorch's numbers are of double precision,
 * and ours are off by up to 1e-6 in the first step, ten times less than is let pass; ten
 * steps widen that. What is wrong by a ten-thousandth fails. */
#define SHARE 1e-5
#define LEAST 1e-6
#define SHARE_AFTER 1e-4
#define SHARE_CURVE 1e-5

static int setup(void **state) {
  *state = golden_new("layers.txt");
  return 0;
}

static int teardown(void **state) {
  golden_free(*state);
  return 0;
}

/* A gradient of each trained tensor, no more and no fewer. */
static void gradients_agree(const golden_case *c) {
  size_t count = 0, seen = 0, wanted = 0;
  const fr_tensor *tensor = fr_net_tensors(c->net, &count);
  for (size_t i = 0; i < count; i++) {
    if (!tensor[i].gradient)
      continue;
    const golden_entry *entry = golden_entry_of(c, "gradient", tensor[i].name);
    assert_int_equal(entry->count, tensor[i].count);
    golden_agree(c, tensor[i].gradient, entry, SHARE, LEAST);
    seen++;
  }
  if (c->dx) {
    const golden_entry *entry = golden_entry_of(c, "gradient", "input");
    assert_int_equal(entry->count, c->batch * c->inputs);
    golden_agree(c, c->dx, entry, SHARE, LEAST);
    seen++;
  }
  for (size_t i = 0; i < c->entry_count; i++)
    wanted += strcmp(c->entry[i].word, "gradient") == 0;
  assert_int_equal(seen, wanted);
}

static void output_agrees(const golden_case *c, const char *word, double share) {
  const golden_entry *entry = golden_entry_of(c, word, NULL);
  assert_int_equal(entry->count, c->batch * c->classes);
  golden_agree(c, c->output, entry, share, LEAST);
}

/* Running statistics behind the ten steps. */
static void statistics_agree(const golden_case *c) {
  for (size_t i = 0; i < c->entry_count; i++)
    if (strcmp(c->entry[i].word, "statistics") == 0) {
      const fr_tensor *tensor = made_tensor(c->net, c->entry[i].text);
      assert_int_equal(tensor->count, c->entry[i].count);
      golden_agree(c, tensor->value, &c->entry[i], SHARE_AFTER, LEAST);
    }
}

static void case_agrees(golden_case *c) {
  const fr_optimizer_options sgd = {
      .kind = FR_OPTIMIZER_SGD,
      .learning_rate = (float)golden_entry_of(c, "rate", NULL)->number[0]};
  golden_pass(c, true);
  output_agrees(c, "output", SHARE);
  gradients_agree(c);
  golden_fill_tensors(c); /* the pass has moved the running statistics */
  golden_curve(c, "curve", &sgd, SHARE_CURVE);
  golden_forward(c, false);
  output_agrees(c, "after", SHARE_AFTER);
  statistics_agree(c);
}

/* All cases of a family, of which there must be `count`. */
static void family_agrees(void **state, const char *name, size_t count) {
  const golden_file *file = *state;
  size_t seen = 0;
  for (size_t at = 0; at < file->entry_count;) {
    if (strcmp(file->entry[at].word, "case") != 0 ||
        strcmp(file->entry[at].text, name) != 0) {
      at++;
      continue;
    }
    golden_case c = golden_open(file, &at);
    case_agrees(&c);
    golden_close(&c);
    seen++;
  }
  assert_int_equal(seen, count);
}

static void both_sides_make_the_same_numbers(void **state) { golden_check_hash(*state); }

static void dense_agrees(void **state) { family_agrees(state, "dense", 4); }
static void conv1d_agrees(void **state) { family_agrees(state, "conv1d", 14); }
static void pools_agree(void **state) { family_agrees(state, "pool", 6); }
static void lstm_agrees(void **state) { family_agrees(state, "lstm", 7); }
static void gru_agrees(void **state) { family_agrees(state, "gru", 7); }
static void bn_agrees(void **state) { family_agrees(state, "bn", 5); }
static void layernorm_agrees(void **state) { family_agrees(state, "layernorm", 3); }
static void attention_agrees(void **state) { family_agrees(state, "attention", 4); }
static void activations_agree(void **state) { family_agrees(state, "activation", 15); }
static void residual_agrees(void **state) { family_agrees(state, "residual", 4); }
static void parallel_agrees(void **state) { family_agrees(state, "parallel", 3); }
static void chains_agree(void **state) { family_agrees(state, "chain", 2); }
static void frozen_layers_run_as_in_testing(void **state) {
  family_agrees(state, "frozen", 3);
}
static void samples_of_their_own_lengths_agree(void **state) {
  family_agrees(state, "lengths", 15);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_sides_make_the_same_numbers),
      cmocka_unit_test(dense_agrees),
      cmocka_unit_test(conv1d_agrees),
      cmocka_unit_test(pools_agree),
      cmocka_unit_test(lstm_agrees),
      cmocka_unit_test(gru_agrees),
      cmocka_unit_test(bn_agrees),
      cmocka_unit_test(layernorm_agrees),
      cmocka_unit_test(attention_agrees),
      cmocka_unit_test(activations_agree),
      cmocka_unit_test(residual_agrees),
      cmocka_unit_test(parallel_agrees),
      cmocka_unit_test(chains_agree),
      cmocka_unit_test(frozen_layers_run_as_in_testing),
      cmocka_unit_test(samples_of_their_own_lengths_agree),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
