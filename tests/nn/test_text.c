/* SPDX-License-Identifier: Apache-2.0 */
/* Networks from their text: normal form, shapes, counts, and a sentence for what is
 * wrong. */
#include "made.h"

static const fr_shape sequence = {128, 6};

static void normal_form(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"  dense( classes )\n", "dense(5)"},
      {"conv1d(8,5)\tflatten()  dense(classes)", "conv1d(8,5) flatten dense(5)"},
      {"conv1d(8,5,1,none) dense(5)", "conv1d(8,5) dense(5)"},
      {"conv1d(8,5,same) dense(5)", "conv1d(8,5,pad=same) dense(5)"},
      {"conv1d(8,5,2,pad=causal) dense(5)", "conv1d(8,5,2,pad=causal) dense(5)"},
      {"conv1d(classes,128)", "conv1d(5,128)"},
      {"lstm(7,all) lstm(5)", "lstm(7,all) lstm(5)"},
      {"maxpool(2) avgpool(all) leaky dense(5)",
       "maxpool(2) avgpool(all) leaky(0.01) dense(5)"},
      {"bn dropout(0.25) gelu sigmoid tanh softmax relu leaky(.5) dense(5)",
       "bn dropout(0.25) gelu sigmoid tanh softmax relu leaky(0.5) dense(5)"},
      {"bn(1e-5) bn(.001) layernorm() layernorm(1e-3) spatialdropout(.5) hardswish "
       "avgpool(all) dense(5)",
       "bn bn(0.001) layernorm layernorm(0.001) spatialdropout(0.5) hardswish "
       "avgpool(all) dense(5)"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fr_net *net = NULL, *again = NULL;
    ASSERT_OK(fr_net_new(rows[i][0], sequence, 5, &net, err));
    assert_string_equal(fr_net_text(net), rows[i][1]);
    ASSERT_OK(fr_net_new(fr_net_text(net), sequence, 5, &again, err));
    assert_string_equal(fr_net_text(again), rows[i][1]);
    fr_net_free(net);
    fr_net_free(again);
  }
}

static void sentences(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"maxpool(2) relu conv1d(64,99) dense(classes)",
       "layer 3 'conv1d(64,99)': width 99 exceeds the 64 steps it is given"},
      {"dense(4) sparse(3)",
       "layer 2 'sparse(3)': no such layer; there are dense, conv1d, lstm"},
      {"", "the network's text has no layer"},
      {" \n", "the network's text has no layer"},
      {"dense(5", "network text, column 6: this parenthesis never ends"},
      {"dense(5))", "network text, column 9: unexpected ')'"},
      {"relu, dense(5)", "network text, column 5: unexpected ','"},
      {"dense(5)\x80", "network text, column 9: unexpected byte 0x80"},
      {"dense(\x1b[2J)", "network text, column 7: unexpected byte 0x1b"},
      {"Dense(5)", "network text, column 1: unexpected 'D'"},
      {"dense", "layer 1 'dense': takes no fewer than 1 argument: dense(units)"},
      {"dense(3,4)", "layer 1 'dense(3,4)': takes no more than 1 argument: dense(units)"},
      {"dense(3,)", "layer 1 'dense(3,)': argument 2 is empty"},
      {"dense(0)", "layer 1 'dense(0)': the count of units '0' is not a whole number "
                   "from 1 to 65536"},
      {"dense(99999999999999999999)",
       "layer 1 'dense(99999999999999999999)': the count of units "
       "'99999999999999999999' is not a whole number from 1 to 65536"},
      {"dense(f(1,2))", "layer 1 'dense(f(1,2))': the count of units 'f(1,2)' is not a "
                        "whole number from 1 to 65536"},
      {"conv1d(4,3,2,wide)", "layer 1 'conv1d(4,3,2,wide)': 'wide' is not dilation=, "
                             "groups=, same, causal or none"},
      {"conv1d(4,3,-1)", "layer 1 'conv1d(4,3,-1)': stride '-1' is not a whole number "
                         "from 1 to 65536"},
      {"lstm(4,some)", "layer 1 'lstm(4,some)': 'some' is not all, last or both"},
      {"lstm(8,all,last)",
       "layer 1 'lstm(8,all,last)': 'last' after 'all': it takes one of them"},
      {"gru(8,last,last)",
       "layer 1 'gru(8,last,last)': 'last' after 'last': it takes one of them"},
      {"conv1d(4,3,pad=smae)",
       "layer 1 'conv1d(4,3,pad=smae)': padding 'smae' is not none, same or causal"},
      {"relu  dense (5)",
       "network text, column 13: '(' must follow a layer's name at once"},
      {"softmax\n(2)", "network text, column 9: '(' must follow a layer's name at once"},
      {"dropout(1)", "layer 1 'dropout(1)': share '1' is not a number from 0 to 0.99"},
      {"dropout(nan)",
       "layer 1 'dropout(nan)': share 'nan' is not a number from 0 to 0.99"},
      {"spatialdropout", "layer 1 'spatialdropout': takes no fewer than 1 argument: "
                         "spatialdropout(share)"},
      {"bn(0)", "layer 1 'bn(0)': epsilon '0' is not a number from 1e-12 to 1"},
      {"layernorm(2)",
       "layer 1 'layernorm(2)': epsilon '2' is not a number from 1e-12 to 1"},
      {"hardswish(6)",
       "layer 1 'hardswish(6)': takes no more than 0 arguments: hardswish"},
      {"avgpool(129)",
       "layer 1 'avgpool(129)': width 129 exceeds the 128 steps it is given"},
      {"conv1d(5,3)", "layer 1 'conv1d(5,3)': a network ends in one number for each of 5 "
                      "classes, not in 126 steps of 5 channels"},
      {"dense(6)", "layer 1 'dense(6)': a network ends in one number for each of 5 "
                   "classes, not in 1 steps of 6 channels"},
      {"dense(60000) dense(60000) dense(5)",
       "layer 2 'dense(60000)': more than 268435456 parameters up to here"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fr_net *net = NULL;
    fr_error err = {0};
    assert_int_equal(fr_net_new(rows[i][0], sequence, 5, &net, &err), FR_ERR_FORMAT);
    assert_true(strlen(err.text) >= strlen(rows[i][1])); /* a list may go on */
    assert_memory_equal(err.text, rows[i][1], strlen(rows[i][1]));
    assert_null(net);
  }
}

static void ceilings(void **state) {
  (void)state;
  fr_net *net = NULL;
  fr_error err = {0};
  static char text[20000];
  for (size_t i = 0; i < 300; i++)
    strcat(text, "relu ");
  assert_int_equal(fr_net_new(text, sequence, 5, &net, &err), FR_ERR_LIMIT);
  assert_string_equal(err.text, "the network has more than 256 layers");
  memset(text, ' ', sizeof text - 1);
  assert_int_equal(fr_net_new(text, sequence, 5, &net, &err), FR_ERR_LIMIT);
  const fr_shape none = {0, 6}, huge = {(size_t)1 << 40, (size_t)1 << 40};
  assert_int_equal(fr_net_new("dense(5)", none, 5, &net, &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_net_new("dense(5)", huge, 5, &net, &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_net_new("dense(classes)", sequence, 0, &net, &err),
                   FR_ERR_ARGUMENT);
  assert_null(net);

  assert_int_equal(
      fr_net_new("conv1d(60000,1) avgpool(all) dense(2)", sequence, 2, &net, &err),
      FR_OK);
  assert_int_equal(fr_net_reserve(net, 1 << 20, true, 0, &err), FR_ERR_LIMIT);
  assert_int_equal(fr_net_reserve(net, 0, true, 0, &err), FR_ERR_ARGUMENT);
  fr_net_free(net);
}

typedef struct row {
  const char *arch;
  fr_shape out;
  size_t parameters;
  uint64_t operations;
} row;

/* Of the first layer, on 128 steps of 6 channels, by hand. */
static void shapes_and_counts(void **state) {
  (void)state;
  static const row rows[] = {
      {"conv1d(64,5)", {124, 64}, 5 * 6 * 64 + 64, 2ull * 5 * 6 * 64 * 124},
      {"conv1d(64,5,2)", {62, 64}, 1984, 2ull * 5 * 6 * 64 * 62},
      {"conv1d(64,4,3,pad=same)", {43, 64}, 1600, 2ull * 4 * 6 * 64 * 43},
      {"conv1d(64,5,pad=causal)", {128, 64}, 1984, 2ull * 5 * 6 * 64 * 128},
      {"dense(10)", {1, 10}, 7690, 2ull * 768 * 10},
      {"lstm(32)", {1, 32}, 4 * 32 * (6 + 32 + 1), 128ull * (8 * 38 * 32 + 9 * 32)},
      {"lstm(32,all)", {128, 32}, 4992, 128ull * (8 * 38 * 32 + 9 * 32)},
      {"maxpool(3)", {42, 6}, 0, 42 * 3 * 6},
      {"avgpool(all)", {1, 6}, 0, 768},
      {"conv1d(12,5,groups=6)", {124, 12}, 5 * 12 + 12, 2ull * 5 * 12 * 124},
      {"conv1d(12,5,2,dilation=3,groups=2)", {58, 12}, 192, 2ull * 5 * 3 * 12 * 58},
      {"bn", {128, 6}, 12, 2 * 768},
      {"layernorm", {128, 6}, 12, 7 * 768},
      {"hardswish", {128, 6}, 0, 768},
      {"spatialdropout(0.1)", {128, 6}, 0, 0},
      {"relu", {128, 6}, 0, 768},
      {"dropout(0.1)", {128, 6}, 0, 0},
      {"flatten", {1, 768}, 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char arch[100];
    snprintf(arch, sizeof arch, "%s dense(5)", rows[i].arch);
    fr_net *net = NULL;
    ASSERT_OK(fr_net_new(arch, sequence, 5, &net, err));
    assert_string_equal(fr_net_layer_text(net, 0), rows[i].arch);
    assert_int_equal(fr_net_layer_shape(net, 0).steps, rows[i].out.steps);
    assert_int_equal(fr_net_layer_shape(net, 0).channels, rows[i].out.channels);
    assert_int_equal(fr_net_layer_parameters(net, 0), rows[i].parameters);
    assert_int_equal(fr_net_layer_operations(net, 0), rows[i].operations);
    const size_t inputs = rows[i].out.steps * rows[i].out.channels;
    assert_int_equal(fr_net_parameters(net), rows[i].parameters + 5 * inputs + 5);
    assert_int_equal(fr_net_operations(net), rows[i].operations + 10 * inputs);
    fr_net_free(net);
  }
}

static void tensors_are_named(void **state) {
  (void)state;
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new("conv1d(8,5) bn relu lstm(4) dense(5)", sequence, 5, &net, err));
  static const char *const names[] = {"0.weight", "0.bias",         "1.weight",
                                      "1.bias",   "1.running_mean", "1.running_variance",
                                      "3.weight", "3.recurrent",    "3.bias",
                                      "4.weight", "4.bias"};
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  assert_int_equal(count, sizeof names / sizeof names[0]);
  for (size_t i = 0; i < count; i++)
    assert_string_equal(tensor[i].name, names[i]);
  assert_int_equal(tensor[0].rank, 3);
  assert_int_equal(tensor[0].shape[0], 5);
  assert_int_equal(tensor[0].shape[1], 6);
  assert_int_equal(tensor[0].shape[2], 8);
  assert_int_equal(tensor[7].shape[1], 16);
  fr_net_free(net);
}

static void presets(void **state) {
  (void)state;
  static const fr_shape shapes[] = {{1, 52}, {128, 6}, {128, 12}, {30, 63}};
  const char *const *names = fr_net_preset_names();
  for (size_t i = 0; names[i]; i++)
    for (size_t j = 0; j < 4; j++) {
      fr_net *net = NULL;
      const char *text = fr_net_preset(names[i], shapes[j]);
      if (!text)
        continue;
      ASSERT_OK(fr_net_new(names[i], shapes[j], 24, &net, err));
      if (shapes[j].channels <= 52) /* a phone's: what `big` may have of them */
        assert_true(fr_net_parameters(net) <= 250000);
      assert_int_equal(fr_net_classes(net), 24);
      fr_net_free(net);
    }
  for (size_t j = 0; j < 4; j++) {
    assert_non_null(fr_net_preset("small", shapes[j]));
    assert_non_null(fr_net_preset("big", shapes[j]));
  }
  assert_null(fr_net_preset("huge", shapes[0]));
}

static size_t parameters(const char *name, fr_shape shape) {
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new(name, shape, 38, &net, err));
  const size_t count = fr_net_parameters(net);
  fr_net_free(net);
  return count;
}

/* 28 numbers a frame of two hands as they are by default, 88 with all points, 128 with
   their depth; 34 of hands and arms; a hand's shape is 42 numbers of one frame. */
static void networks_of_signs_are_lean(void **state) {
  (void)state;
  static const size_t channels[] = {28, 34, 88, 128};
  for (size_t i = 0; i < 4; i++) {
    const fr_shape shape = {30, channels[i]};
    assert_true(parameters("sign-small", shape) <= 60000);
    assert_true(parameters("sign-tiny", shape) <= (channels[i] <= 88 ? 10000 : 13000));
  }
  assert_true(parameters("sign-small", (fr_shape){1, 42}) <= 60000);
  assert_true(parameters("sign-tiny", (fr_shape){1, 42}) <= 10000);
}

/* Every step of a network that was accepted, on zeros, whatever its layers. */
static void run_small(fr_net *net, fr_shape shape, size_t classes) {
  enum { BATCH = 2 };
  static const float x[BATCH * 9 * 3], d[BATCH * 5];
  const uint32_t length[BATCH] = {(uint32_t)shape.steps, 1};
  if (fr_net_parameters(net) > 20000 || fr_net_operations(net) > 200000)
    return;
  fr_net_init(net, 1, 0);
  ASSERT_OK(fr_net_reserve(net, BATCH, true, 0, err));
  for (int lengths = 0; lengths < 2; lengths++) {
    fr_net_set_lengths(net, lengths ? length : NULL);
    fr_net_forward(net, x, BATCH, 0, fr_net_layer_count(net), true);
    fr_net_backward(net, d, BATCH);
    assert_true(classes * BATCH <= sizeof d / sizeof d[0]);
    assert_true(fr_net_gradients_finite(net));
  }
}

/* Random sequences of pieces of the language: an answer each time, and nothing else. */
static void any_text_gets_an_answer(void **state) {
  (void)state;
  static const char *const pieces[] = {"dense",
                                       "conv1d",
                                       "lstm",
                                       "(",
                                       ")",
                                       ",",
                                       " ",
                                       "5",
                                       "classes",
                                       "65536",
                                       "all",
                                       "bn",
                                       "maxpool",
                                       "relu ",
                                       "same",
                                       "pad=",
                                       "dropout",
                                       "0.5",
                                       "-1",
                                       "1e9",
                                       "(classes)",
                                       "\n",
                                       "(2)",
                                       "(3,3)",
                                       "avgpool",
                                       "tanh ",
                                       "\xff",
                                       "x",
                                       "leaky ",
                                       "(all)",
                                       "gelu ",
                                       "9999",
                                       "residual(",
                                       "| ",
                                       "parallel(",
                                       ") ",
                                       "|",
                                       "gru(3) ",
                                       ",both",
                                       "groups=",
                                       "dilation=",
                                       "attention(1) ",
                                       "layernorm ",
                                       "hardswish ",
                                       "lstm(2) ",
                                       "residual(tanh ",
                                       "conv1d(4,2)",
                                       "parallel( | ",
                                       "spatialdropout(0.5) "};
  fr__rng rng;
  fr__rng_init(&rng, 11, 0);
  size_t accepted = 0, branched = 0;
  for (size_t i = 0; i < 40000; i++) {
    char text[512] = "";
    const size_t length = 1 + fr__rng_below(&rng, 14);
    for (size_t j = 0; j < length; j++)
      strcat(text, pieces[fr__rng_below(&rng, sizeof pieces / sizeof pieces[0])]);
    if (i % 4 == 0)
      strcat(text, ")");
    if (i % 2 == 0)
      strcat(text, " dense(classes)");
    const fr_shape shape = {1 + fr__rng_below(&rng, 9), 1 + fr__rng_below(&rng, 3)};
    fr_net *net = NULL;
    fr_error err = {0};
    const enum fr_status status = fr_net_new(text, shape, 5, &net, &err);
    accepted += status == FR_OK;
    branched += status == FR_OK && strchr(fr_net_text(net), '(') != NULL &&
                (strstr(fr_net_text(net), "residual") || strchr(fr_net_text(net), '|'));
    assert_int_equal(status == FR_OK, net != NULL);
    assert_int_equal(status == FR_OK, err.text[0] == '\0');
    if (net)
      run_small(net, shape, 5);
    fr_net_free(net);
  }
  print_message("%zu accepted, %zu with branches\n", accepted, branched);
  assert_true(accepted > 100 && branched > 20);
}

/* Bytes of every kind between parentheses and bars, cut off anywhere. */
static void no_text_of_brackets_breaks_the_parser(void **state) {
  (void)state;
  static const char alphabet[] = "((()))|||,  relu parallel residual conv1d bn 12=";
  fr__rng rng;
  fr__rng_init(&rng, 12, 0);
  for (size_t i = 0; i < 20000; i++) {
    char text[300] = "parallel(";
    size_t at = i % 2 == 0 ? strlen(text) : 0;
    const size_t end = at + fr__rng_below(&rng, i % 64 == 0 ? 250 : 20);
    for (; at < end; at++)
      text[at] = fr__rng_below(&rng, 200) == 0
                     ? (char)(1 + fr__rng_below(&rng, 255))
                     : alphabet[fr__rng_below(&rng, sizeof alphabet - 1)];
    text[at] = '\0';
    fr_net *net = NULL;
    fr_error err = {0};
    const enum fr_status status = fr_net_new(text, sequence, 5, &net, &err);
    assert_int_equal(status == FR_OK, net != NULL);
    assert_int_equal(status == FR_OK, err.text[0] == '\0');
    for (const char *c = err.text; *c; c++) /* fit for a terminal */
      assert_true((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f);
    fr_net_free(net);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(normal_form),
      cmocka_unit_test(sentences),
      cmocka_unit_test(ceilings),
      cmocka_unit_test(shapes_and_counts),
      cmocka_unit_test(tensors_are_named),
      cmocka_unit_test(presets),
      cmocka_unit_test(networks_of_signs_are_lean),
      cmocka_unit_test(any_text_gets_an_answer),
      cmocka_unit_test(no_text_of_brackets_breaks_the_parser),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
