/* SPDX-License-Identifier: Apache-2.0 */
/* lstm and gru: values of PyTorch, gradients, both directions, samples of their own
 * lengths. */
#include "../golden/sequence_golden.h"
#include "nn/net.h"
#include "sequences.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void lstm_is_pytorch_s(void **state) {
  (void)state;
  check_golden("lstm(3,all,both)", 2, 6, true, golden_lstm_all, COUNT(golden_lstm_all));
  check_golden("lstm(3,both)", 2, 6, false, golden_lstm_last, COUNT(golden_lstm_last));
}

static void gru_is_pytorch_s(void **state) {
  (void)state;
  check_golden("gru(3,all,both)", 2, 6, true, golden_gru_all, COUNT(golden_gru_all));
  check_golden("gru(3,both)", 2, 6, false, golden_gru_last, COUNT(golden_gru_last));
}

/* A family, which states, which directions, by number. */
static void name_layer(size_t kind, size_t units, char *text, size_t size, sequences *s) {
  const bool both = (kind & 4) != 0;
  s->every_step = (kind & 2) != 0;
  s->width = both ? 2 * units : units;
  snprintf(text, size, "%s(%zu,%s%s)", (kind & 1) != 0 ? "gru" : "lstm", units,
           s->every_step ? "all" : "last", both ? ",both" : "");
  s->layer = text;
}

/* Calls check for each kind of layer on shapes of one step, one sample, odd units, and
 * random ones. */
static void each_kind(void (*check)(sequences *s, fr__rng *rng)) {
  static const struct {
    size_t steps, channels, units, batch;
  } corners[] = {{1, 3, 5, 4}, {6, 1, 3, 1}, {1, 1, 1, 1}, {2, 4, 17, 3}};
  fr__rng rng;
  fr__rng_init(&rng, 11, 0);
  sequences *s = calloc(1, sizeof *s);
  assert_non_null(s);
  for (size_t i = 0; i < 8 * (COUNT(corners) + 3); i++) {
    char text[48];
    const size_t corner = i / 8;
    size_t units = 1 + fr__rng_below(&rng, 20);
    s->steps = 1 + fr__rng_below(&rng, 9);
    s->channels = 1 + fr__rng_below(&rng, 5);
    s->batch = 1 + fr__rng_below(&rng, 5);
    if (corner < COUNT(corners)) {
      units = corners[corner].units;
      s->steps = corners[corner].steps;
      s->channels = corners[corner].channels;
      s->batch = corners[corner].batch;
    }
    name_layer(i % 8, units, text, sizeof text, s);
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
  each_kind(slopes);
}

static void gradients_agree_with_lengths(void **state) {
  (void)state;
  each_kind(slopes_with_lengths);
}

static void padding_changes_nothing(void **state) {
  (void)state;
  each_kind(check_lengths);
}

/* More samples than one block of the products, more steps than numbers in a line. */
static void long_padding_changes_nothing(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 12, 0);
  sequences *s = calloc(1, sizeof *s);
  assert_non_null(s);
  for (size_t kind = 0; kind < 8; kind++) {
    char text[48];
    s->steps = 70;
    s->channels = 3;
    s->batch = 7;
    name_layer(kind, 13, text, sizeof text, s);
    check_lengths(s, &rng);
  }
  free(s);
}

/* A sample without any step has no state: zeros, and no part in any gradient. */
static void no_steps_give_zeros(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 13, 0);
  sequences *s = calloc(1, sizeof *s);
  assert_non_null(s);
  for (size_t kind = 0; kind < 8; kind++) {
    char text[48];
    s->steps = 4;
    s->channels = 2;
    s->batch = 2;
    name_layer(kind, 3, text, sizeof text, s);
    fill_sequences(s, &rng);
    const size_t outputs = sequence_outputs(s, s->steps);
    fr_net *net = sequence_net(s, s->steps, 2);
    sequence_forward(net, s->x, 2); /* leaves other numbers where zeros have to be */
    s->length[1] = 0;
    clear_behind(s);
    fr_net_set_lengths(net, s->length);
    const float *y = sequence_forward(net, s->x, 2);
    for (size_t i = 0; i < outputs; i++)
      assert_true(y[outputs + i] == 0);
    fr_net_backward(net, s->d, 2);
    float *got = copy_gradients(net);
    check_alone(net, s, 0);
    float *wanted = copy_gradients(net);
    assert_memory_equal(got, wanted, fr_net_parameters(net) * sizeof *got);
    free(got);
    free(wanted);
    fr_net_free(net);
  }
  free(s);
}

/* The output of the second half is that of the first with its weights on the sequence
 * turned round. */
static void reverse_is_forward_turned_round(void **state) {
  (void)state;
  static const char *const texts[][2] = {
      {"lstm(3,all,both) flatten", "lstm(3,all) flatten"},
      {"gru(3,all,both) flatten", "gru(3,all) flatten"}};
  for (size_t k = 0; k < 2; k++) {
    fr_net *both = made_net(texts[k][0], (fr_shape){4, 2}, 24, 1, 0);
    fr_net *one = made_net(texts[k][1], (fr_shape){4, 2}, 12, 1, 0);
    size_t count = 0, half = 0;
    const fr_tensor *from = fr_net_tensors(both, &count),
                    *to = fr_net_tensors(one, &half);
    for (size_t i = 0; i < half; i++)
      memcpy(to[i].value, from[half + i].value, to[i].count * sizeof(float));
    float x[8], turned[8];
    sines(1, x, 8);
    for (size_t i = 0; i < 8; i++)
      turned[i] = x[(3 - i / 2) * 2 + i % 2];
    const float *y = fr_net_forward(both, x, 1, 0, 2, false);
    const float *z = fr_net_forward(one, turned, 1, 0, 2, false);
    for (size_t t = 0; t < 4; t++)
      assert_memory_equal(y + t * 6 + 3, z + (3 - t) * 3, 3 * sizeof(float));
    fr_net_free(both);
    fr_net_free(one);
  }
}

/* In testing only two states of one direction are kept at a time, and R packed. */
static void testing_takes_little_memory(void **state) {
  (void)state;
  const size_t batch = 16, steps = 50, channels = 2, units = 32;
  static const char *const texts[] = {"lstm(32,both)", "gru(32,both)"};
  const size_t gates[] = {4, 3};
  for (size_t i = 0; i < 2; i++) {
    fr_net *net = NULL;
    ASSERT_OK(fr_net_new(texts[i], (fr_shape){steps, channels}, 2 * units, &net, err));
    ASSERT_OK(fr_net_reserve(net, batch, false, 0, err));
    const size_t packed = units * units * gates[i];
    const size_t allowed =
        (packed + batch * units * (gates[i] * steps + 2 * 4 + 2 * 2)) * 4;
    assert_true(net->activations.size <= allowed + 4096);
    ASSERT_OK(fr_net_reserve(net, batch, true, 0, err));
    assert_true(net->activations.size > 2 * allowed);
    fr_net_free(net);
  }
}

static void forms_are_normal(void **state) {
  (void)state;
  const fr_shape in = {6, 3};
  check_form("lstm( 4 , both )", in, 8, "lstm(4,both)");
  check_form("lstm(4,last,both)", in, 8, "lstm(4,both)");
  check_form("lstm(4,both) lstm(2)", in, 2, "lstm(4,all,both) lstm(2)");
  check_form("lstm(4,last,both) lstm(2)", in, 2, "lstm(4,last,both) lstm(2)");
  check_form("gru(5)", in, 5, "gru(5)");
  check_form("gru(5) attention(5) gru(2)", in, 2, "gru(5,all) attention(5) gru(2)");
  check_form("gru(5,all,both) flatten", in, 60, "gru(5,all,both) flatten");
}

static void sentences_say_what_is_wrong(void **state) {
  (void)state;
  const fr_shape in = {6, 3};
  check_sentence("gru", in,
                 "layer 1 'gru': takes no fewer than 1 argument: "
                 "gru(units[,all|last][,both])");
  check_sentence("gru(0)", in,
                 "layer 1 'gru(0)': the count of units '0' is not a whole number "
                 "from 1 to 65536");
  check_sentence("lstm(2,some)", in,
                 "layer 1 'lstm(2,some)': 'some' is not all, last or both");
  check_sentence("lstm(2,all,last)", in,
                 "layer 1 'lstm(2,all,last)': 'last' after 'all': it takes one of them");
  check_sentence("gru(2,both,all)", in,
                 "layer 1 'gru(2,both,all)': 'all' may not follow both");
  check_sentence("lstm(40000,both)", (fr_shape){1000, 1},
                 "layer 1 'lstm(40000,both)': 1000 steps of 80000 units exceed the "
                 "ceiling of 67108864");
}

/* Counted by hand for T 2, C 2, H 3. lstm: 4 gates of 3 units, each 2 + 3 products, then
 * 9 per unit. gru: 3 gates, then per unit 3 functions, 4 additions and products within
 * them, 4 for h. */
static void operations_are_counted(void **state) {
  (void)state;
  const struct {
    const char *text;
    size_t classes;
    uint64_t operations, parameters;
  } cases[] = {{"lstm(3)", 3, 2 * (4 * 3 * 5 * 2 + 9 * 3), 12 * 5 + 12},
               {"lstm(3,both)", 6, 4 * (4 * 3 * 5 * 2 + 9 * 3), 2 * (12 * 5 + 12)},
               {"gru(3)", 3, 2 * (3 * 3 * 5 * 2 + 11 * 3), 9 * 5 + 18},
               {"gru(3,both)", 6, 4 * (3 * 3 * 5 * 2 + 11 * 3), 2 * (9 * 5 + 18)}};
  for (size_t i = 0; i < COUNT(cases); i++) {
    fr_net *net = NULL;
    ASSERT_OK(fr_net_new(cases[i].text, (fr_shape){2, 2}, cases[i].classes, &net, err));
    assert_int_equal(fr_net_operations(net), cases[i].operations);
    assert_int_equal(fr_net_parameters(net), cases[i].parameters);
    fr_net_free(net);
  }
}

/* Gradients between layers lie in what recurrent layers above have done with: what all of
 * a step takes, Adam's moments included, leaves 100 MB some room for the program. */
static void training_takes_little_memory(void **state) {
  (void)state;
  fr_net *net =
      made_net("conv1d(64,5) relu conv1d(128,5) relu conv1d(192,5) relu conv1d(256,5) "
               "relu lstm(128) lstm(128) dense(classes)",
               (fr_shape){128, 12}, 24, 64, 0);
  const size_t parameters = fr_net_parameters(net) * sizeof(float);
  const size_t bytes = net->activations.size + net->gradients.size + 3 * parameters;
  assert_in_range(bytes, 60000000, 90000000);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lstm_is_pytorch_s),
      cmocka_unit_test(gru_is_pytorch_s),
      cmocka_unit_test(gradients_agree),
      cmocka_unit_test(gradients_agree_with_lengths),
      cmocka_unit_test(padding_changes_nothing),
      cmocka_unit_test(long_padding_changes_nothing),
      cmocka_unit_test(no_steps_give_zeros),
      cmocka_unit_test(reverse_is_forward_turned_round),
      cmocka_unit_test(testing_takes_little_memory),
      cmocka_unit_test(training_takes_little_memory),
      cmocka_unit_test(forms_are_normal),
      cmocka_unit_test(sentences_say_what_is_wrong),
      cmocka_unit_test(operations_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
