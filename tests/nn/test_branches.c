/* SPDX-License-Identifier: Apache-2.0 */
/* Chains inside layers: residual and parallel, inside one another, frozen, as the lowest
 * that is trained; and whether recurrent layers give all states before them and in them.
 */
#include <math.h>

#include "made.h"

#define STEPS 7
#define CHANNELS 4
#define BATCH 3
#define INPUTS (BATCH * STEPS * CHANNELS)

static const fr_shape input = {STEPS, CHANNELS};

static void draw(uint64_t seed, float *x, size_t n) {
  fr__rng rng;
  fr__rng_init(&rng, seed, 0);
  made_numbers(&rng, -1.5, 1.5, x, n);
}

static void take(const fr_net *to, const char *name, const fr_net *from,
                 const char *other) {
  const fr_tensor *a = made_tensor(to, name), *b = made_tensor(from, other);
  assert_int_equal(a->count, b->count);
  memcpy(a->value, b->value, a->count * sizeof(float));
}

/* ---- values ---- */

static void residual_adds_its_input(void **state) {
  (void)state;
  float x[INPUTS];
  draw(1, x, INPUTS);
  fr_net *net =
      made_net("residual(conv1d(4,3) tanh) flatten", input, STEPS * CHANNELS, BATCH, 0);
  fr_net *f =
      made_net("conv1d(4,3,pad=same) tanh flatten", input, STEPS * CHANNELS, BATCH, 0);
  take(f, "0.weight", net, "0.0.weight");
  take(f, "0.bias", net, "0.0.bias");
  const float *y = fr_net_forward(net, x, BATCH, 0, 2, true);
  const float *fx = fr_net_forward(f, x, BATCH, 0, 3, true);
  for (size_t i = 0; i < INPUTS; i++)
    assert_near((double)y[i], (double)x[i] + (double)fx[i], 1e-6, "x + f(x)");
  fr_net_free(net);
  fr_net_free(f);
}

/* Where channels change: x P + f(x). */
static void residual_projects_its_input(void **state) {
  (void)state;
  float x[INPUTS];
  draw(2, x, INPUTS);
  fr_net *net = made_net("residual(conv1d(6,1)) flatten", input, STEPS * 6, BATCH, 0);
  const fr_tensor *shortcut = made_tensor(net, "0.shortcut");
  const fr_tensor *weight = made_tensor(net, "0.0.weight");
  assert_int_equal(shortcut->shape[0], CHANNELS);
  assert_int_equal(shortcut->shape[1], 6);
  const float *y = fr_net_forward(net, x, BATCH, 0, 2, true);
  for (size_t r = 0; r < BATCH * STEPS; r++)
    for (size_t o = 0; o < 6; o++) {
      double sum = 0;
      for (size_t i = 0; i < CHANNELS; i++)
        sum += (double)x[r * CHANNELS + i] *
               ((double)shortcut->value[i * 6 + o] + (double)weight->value[i * 6 + o]);
      assert_near((double)y[r * 6 + o], sum, 1e-5, "x P + f(x)");
    }
  fr_net_free(net);
}

static void parallel_puts_side_by_side(void **state) {
  (void)state;
  float x[INPUTS];
  draw(3, x, INPUTS);
  fr_net *net =
      made_net("parallel(conv1d(3,3) | | tanh) flatten", input, STEPS * 11, BATCH, 0);
  fr_net *f = made_net("conv1d(3,3,pad=same) flatten", input, STEPS * 3, BATCH, 0);
  take(f, "0.weight", net, "0.0.0.weight");
  take(f, "0.bias", net, "0.0.0.bias");
  const float *y = fr_net_forward(net, x, BATCH, 0, 2, true);
  const float *fx = fr_net_forward(f, x, BATCH, 0, 2, true);
  for (size_t r = 0; r < BATCH * STEPS; r++) {
    for (size_t c = 0; c < 3; c++)
      assert_true(y[r * 11 + c] == fx[r * 3 + c]);
    for (size_t c = 0; c < CHANNELS; c++) {
      const double in = (double)x[r * CHANNELS + c];
      assert_near((double)y[r * 11 + 3 + c], in, 0, "the input itself");
      assert_near((double)y[r * 11 + 7 + c], tanh(in), 3e-6, "tanh");
    }
  }
  fr_net_free(net);
  fr_net_free(f);
}

/* Training keeps every output, testing writes into arrays in turn: the same numbers. */
static void testing_is_training(void **state) {
  (void)state;
  static const char *const texts[] = {
      "residual(conv1d(4,3) relu conv1d(5,3) tanh) relu conv1d(3,2) dense(classes)",
      "gelu parallel(tanh | relu | conv1d(3,3) sigmoid) leaky dense(classes)",
      "relu parallel(residual(lstm(3)) relu | | parallel(flatten | dense(3))) dense(2)",
      "tanh residual(residual(sigmoid tanh) layernorm relu) sigmoid dense(classes)",
  };
  const fr_shape one = {1, STEPS * CHANNELS};
  float x[INPUTS];
  draw(4, x, INPUTS);
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    fr_net *net = made_net(texts[i], i == 2 ? one : input, 2, BATCH, 0);
    const size_t layers = fr_net_layer_count(net);
    float y[BATCH * 2];
    memcpy(y, fr_net_forward(net, x, BATCH, 0, layers, true), sizeof y);
    ASSERT_OK(fr_net_reserve(net, BATCH, false, 0, err));
    assert_memory_equal(y, fr_net_forward(net, x, BATCH, 0, layers, false), sizeof y);
    ASSERT_OK(fr_net_reserve(net, BATCH, true, 1, err));
    assert_memory_equal(y, fr_net_forward(net, x, BATCH, 0, layers, true), sizeof y);
    fr_net_free(net);
  }
}

/* ---- the way of the gradient ---- */

#define FLOW 4 /* classes */

/* Gradients of layers from `first` on do not depend on whether those below are trained.
 */
static void same_from(const char *arch, size_t first) {
  fr_net *net[2];
  float x[INPUTS], d[BATCH * FLOW];
  draw(5, x, INPUTS);
  draw(6, d, BATCH * FLOW);
  for (size_t i = 0; i < 2; i++) {
    net[i] = made_net(arch, input, FLOW, BATCH, i == 0 ? 0 : first);
    fr_net_forward(net[i], x, BATCH, 0, fr_net_layer_count(net[i]), true);
    fr_net_backward(net[i], d, BATCH);
  }
  size_t count = 0;
  const fr_tensor *whole = fr_net_tensors(net[0], &count);
  const fr_tensor *part = fr_net_tensors(net[1], &count);
  for (size_t i = 0; i < count; i++) {
    assert_true(!part[i].trained ||
                (part[i].layer >= first) == (part[i].gradient != NULL));
    if (part[i].gradient)
      assert_memory_equal(whole[i].gradient, part[i].gradient,
                          whole[i].count * sizeof(float));
  }
  fr_net_free(net[0]);
  fr_net_free(net[1]);
}

static void lowest_layer_may_hold_branches(void **state) {
  (void)state;
  same_from("conv1d(4,1) residual(conv1d(4,3) tanh) dense(classes)", 1);
  same_from("conv1d(4,1) residual(tanh conv1d(6,3) relu) dense(classes)", 1);
  same_from("conv1d(4,1) residual(tanh) relu dense(classes)", 1);
  same_from("conv1d(4,1) residual(parallel(tanh | )) dense(classes)", 1);
  same_from("conv1d(4,1) parallel(tanh | | conv1d(2,3) bn) dense(classes)", 1);
  same_from("conv1d(4,1) parallel(tanh | relu) dense(classes)", 1);
  same_from("conv1d(4,1) tanh parallel(residual(relu lstm(3)) | gelu) dense(classes)", 2);
  same_from("conv1d(4,1) residual(tanh) residual(residual(conv1d(3,3))) dense(classes)",
            1);
}

/* A frozen layer's branches run as in testing: running statistics, no dropping. */
static void frozen_branches_run_as_in_testing(void **state) {
  (void)state;
  const char *arch = "residual(bn parallel(dropout(0.5) | spatialdropout(0.5)) "
                     "residual(dropout(0.5) bn)) dense(classes)";
  float x[INPUTS], y[BATCH * FLOW], d[BATCH * FLOW];
  draw(7, x, INPUTS);
  draw(8, d, BATCH * FLOW);
  fr_net *net = made_net(arch, input, FLOW, BATCH, 1);
  memcpy(y, fr_net_forward(net, x, BATCH, 0, 2, false), sizeof y);
  assert_memory_equal(y, fr_net_forward(net, x, BATCH, 0, 2, true), sizeof y);
  fr_net_backward(net, d, BATCH);
  assert_null(made_tensor(net, "0.0.weight")->gradient);
  assert_null(made_tensor(net, "0.2.1.weight")->gradient);
  assert_true(made_tensor(net, "0.0.running_mean")->value[0] == 0.0f);
  ASSERT_OK(fr_net_reserve(net, BATCH, true, 0, err));
  assert_memory_not_equal(y, fr_net_forward(net, x, BATCH, 0, 2, true), sizeof y);
  assert_true(made_tensor(net, "0.0.running_mean")->value[0] != 0.0f);
  fr_net_free(net);
}

/* ---- what is known of them ---- */

static void tensors_are_named(void **state) {
  (void)state;
  static const char *const names[] = {
      "0.0.weight",   "0.0.bias",     "0.shortcut", "1.0.0.weight",
      "1.0.0.bias",   "1.2.1.weight", "1.2.1.bias", "1.2.2.0.weight",
      "1.2.2.0.bias", "2.weight",     "2.bias",
  };
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new("residual(conv1d(6,3) relu) "
                       "parallel(conv1d(2,3) | | tanh conv1d(2,1) residual(conv1d(2,1))) "
                       "dense(classes)",
                       input, 2, &net, err));
  size_t count = 0;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  assert_int_equal(count, sizeof names / sizeof names[0]);
  for (size_t i = 0; i < count; i++) {
    assert_string_equal(tensor[i].name, names[i]);
    assert_int_equal(tensor[i].layer, (size_t)(names[i][0] - '0'));
  }
  assert_int_equal(fr_net_layer_parameters(net, 0), 3 * 4 * 6 + 6 + 4 * 6);
  assert_int_equal(fr_net_layer_shape(net, 1).channels, 2 + 6 + 2);
  fr_net_free(net);
}

/* Of steps and channels by hand: the branches', the product with the shortcut, the sum.
 */
static void operations_are_those_of_the_branches(void **state) {
  (void)state;
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new("residual(conv1d(4,3) relu) residual(conv1d(6,3)) "
                       "parallel(relu | conv1d(2,1) | ) dense(classes)",
                       input, 2, &net, err));
  const size_t conv = 2 * 3 * 4 * 4 * STEPS, relu = 4 * STEPS;
  assert_int_equal(fr_net_layer_operations(net, 0), conv + relu + 4 * STEPS);
  assert_int_equal(fr_net_layer_operations(net, 1),
                   2 * 3 * 4 * 6 * STEPS + 2 * 4 * 6 * STEPS + 6 * STEPS);
  assert_int_equal(fr_net_layer_operations(net, 2), 6 * STEPS + 2 * 6 * 2 * STEPS);
  fr_net_free(net);
}

static void randomness_is_seen_inside(void **state) {
  (void)state;
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new("residual(tanh) parallel( | residual(dropout(0.1))) "
                       "spatialdropout(0.2) dense(classes)",
                       input, 2, &net, err));
  assert_false(fr_net_layer_is_random(net, 0));
  assert_true(fr_net_layer_is_random(net, 1));
  assert_true(fr_net_layer_is_random(net, 2));
  fr_net_free(net);
}

static void copies_take_branches_along(void **state) {
  (void)state;
  const char *arch = "residual(conv1d(6,3) bn) parallel(conv1d(2,1) | ) dense(classes)";
  fr_net *from = made_net(arch, input, 3, 1, 0), *to = NULL;
  ASSERT_OK(fr_net_new(arch, input, 5, &to, err));
  ASSERT_OK(fr_net_copy(to, from, 2, err));
  static const char *const names[] = {"0.0.weight", "0.1.running_variance", "0.shortcut",
                                      "1.0.0.weight"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const fr_tensor *a = made_tensor(to, names[i]);
    assert_memory_equal(a->value, made_tensor(from, names[i])->value,
                        a->count * sizeof(float));
    assert_true(a->value[0] != 0.0f);
  }
  fr_error err = {0};
  assert_int_equal(fr_net_copy(to, from, 3, &err), FR_ERR_ARGUMENT);
  fr_net_free(from);
  fr_net_free(to);
}

/* ---- text ---- */

static void normal_forms(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"residual( conv1d(4,3)\trelu )", "residual(conv1d(4,3,pad=same) relu)"},
      {"residual(conv1d(4,1,none))", "residual(conv1d(4,1,pad=none))"},
      {"parallel(|)", "parallel( | )"},
      {"parallel(relu|| conv1d(classes,3,causal))",
       "parallel(relu |  | conv1d(2,3,pad=causal))"},
      {"residual(parallel(residual(tanh()) | relu) conv1d(4,1))",
       "residual(parallel(residual(tanh) | relu) conv1d(4,1,pad=same))"},
      /* recurrent layers give all states where a sequence is taken */
      {"lstm(4) residual(lstm(4))", "lstm(4,all) residual(lstm(4,all))"},
      {"lstm(4) residual(bn relu) conv1d(2,1)",
       "lstm(4,all) residual(bn relu) conv1d(2,1)"},
      {"lstm(4) residual(relu)", "lstm(4) residual(relu)"},
      {"lstm(4) parallel( | tanh) relu maxpool(2)",
       "lstm(4,all) parallel( | tanh) relu maxpool(2)"},
      {"lstm(4) parallel( | dense(3))", "lstm(4) parallel( | dense(3))"},
      {"parallel(lstm(4) | lstm(3)) avgpool(all)",
       "parallel(lstm(4,all) | lstm(3,all)) avgpool(all)"},
      {"parallel(lstm(4) relu | lstm(3))", "parallel(lstm(4) relu | lstm(3))"},
      {"lstm(4,last) residual(lstm(4))", "lstm(4,last) residual(lstm(4))"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char arch[256], wanted[256];
    fr_net *net = NULL, *again = NULL;
    snprintf(arch, sizeof arch, "%s dense(classes)", rows[i][0]);
    snprintf(wanted, sizeof wanted, "%s dense(2)", rows[i][1]);
    ASSERT_OK(fr_net_new(arch, input, 2, &net, err));
    assert_string_equal(fr_net_text(net), wanted);
    ASSERT_OK(fr_net_new(wanted, input, 2, &again, err));
    assert_string_equal(fr_net_text(again), wanted);
    fr_net_free(net);
    fr_net_free(again);
  }
}

static void sentences(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"residual", "layer 1 'residual': has no layer: residual(layers)"},
      {"residual( )", "layer 1 'residual( )': has no layer: residual(layers)"},
      {"parallel(relu)",
       "layer 1 'parallel(relu)': has one branch: parallel(layers | layers ...)"},
      {"relu residual(tanh maxpool(2))",
       "layer 2 'residual(tanh maxpool(2))': its branch makes 3 steps of 7, which cannot "
       "be added"},
      {"parallel(relu | maxpool(2))",
       "layer 1 'parallel(relu | maxpool(2))': branch 2 makes 3 steps, the first one 7: "
       "they cannot stand side by side"},
      {"relu residual(tanh conv1d(0,1))",
       "layer 2.2 'conv1d(0,1)': the count of channels '0' is not a whole number from 1 "
       "to 65536"},
      {"parallel(relu | tanh maxpool(9))",
       "layer 1.2.2 'maxpool(9)': width 9 exceeds the 7 steps it is given"},
      {"relu residual(tanh , relu)", "network text, column 20: unexpected ','"},
      {"relu residual(tanh | relu)", "network text, column 20: unexpected '|'"},
      {"relu | tanh", "network text, column 6: unexpected '|'"},
      {"relu parallel(tanh | relu",
       "network text, column 14: this parenthesis never ends"},
      {"relu residual(tanh(relu | x)",
       "network text, column 14: this parenthesis never ends"},
      {"residual(Tanh)", "network text, column 10: unexpected 'T'"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fr_net *net = NULL;
    fr_error err = {0};
    assert_int_equal(fr_net_new(rows[i][0], input, 2, &net, &err), FR_ERR_FORMAT);
    assert_string_equal(err.text, rows[i][1]);
    assert_null(net);
  }
}

/* `depth` layers of one kind, one inside the other. */
static enum fr_status nest(const char *open, const char *close, size_t depth,
                           fr_error *err) {
  char text[4096] = "";
  for (size_t i = 0; i < depth; i++)
    strcat(text, open);
  strcat(text, "relu");
  for (size_t i = 0; i < depth; i++)
    strcat(text, close);
  strcat(text, " dense(classes)");
  fr_net *net = NULL;
  const enum fr_status status = fr_net_new(text, input, 2, &net, err);
  fr_net_free(net);
  return status;
}

static void ceilings(void **state) {
  (void)state;
  static const char *const kinds[][2] = {
      {"residual(", ")"}, {"parallel(| ", ")"}, {"residual(parallel(| ", "))"}};
  for (size_t i = 0; i < 3; i++) {
    const size_t deepest = i < 2 ? 4 : 2;
    ASSERT_OK(nest(kinds[i][0], kinds[i][1], deepest, err));
    fr_error err = {0};
    assert_int_equal(nest(kinds[i][0], kinds[i][1], deepest + 1, &err), FR_ERR_FORMAT);
    assert_non_null(strstr(err.text, "more than 4 layers inside one another"));
    assert_int_equal(nest(kinds[i][0], kinds[i][1], 150, &err), FR_ERR_FORMAT);
  }
  fr_net *net = NULL;
  fr_error err = {0};
  assert_int_equal(fr_net_new("parallel(||||||||||||||||)", input, 2, &net, &err),
                   FR_ERR_FORMAT); /* 17 branches */
  assert_non_null(strstr(err.text, "has more than 16 branches"));
  char text[4096] = "residual(";
  for (size_t i = 0; i < 250; i++)
    strcat(text, "tanh ");
  strcat(text, ") dense(2)");
  assert_int_equal(fr_net_new(text, input, 2, &net, &err), FR_ERR_FORMAT);
  assert_non_null(strstr(err.text, "its text is longer than 1023 bytes"));
  strcpy(text, "residual(");
  for (size_t i = 0; i < 300; i++)
    strcat(text, "tanh ");
  strcat(text, ") dense(2)");
  assert_int_equal(fr_net_new(text, input, 2, &net, &err), FR_ERR_LIMIT);
  assert_null(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(residual_adds_its_input),
      cmocka_unit_test(residual_projects_its_input),
      cmocka_unit_test(parallel_puts_side_by_side),
      cmocka_unit_test(testing_is_training),
      cmocka_unit_test(lowest_layer_may_hold_branches),
      cmocka_unit_test(frozen_branches_run_as_in_testing),
      cmocka_unit_test(tensors_are_named),
      cmocka_unit_test(operations_are_those_of_the_branches),
      cmocka_unit_test(randomness_is_seen_inside),
      cmocka_unit_test(copies_take_branches_along),
      cmocka_unit_test(normal_forms),
      cmocka_unit_test(sentences),
      cmocka_unit_test(ceilings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
