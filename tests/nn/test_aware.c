/* SPDX-License-Identifier: Apache-2.0 */
/* Training for int8: what is rounded, and how gradients pass. */
#include "made.h"

#include <math.h>

#include "frugal/int8.h"

enum { CLASSES = 3, SAMPLES = 40 };

static void set_range(fr_net *net, const char *layer, float low, float high) {
  char name[32];
  (void)snprintf(name, sizeof name, "%s.low", layer);
  made_tensor(net, name)->value[0] = low;
  (void)snprintf(name, sizeof name, "%s.high", layer);
  made_tensor(net, name)->value[0] = high;
}

/* From -1 to 1.55 there are 255 steps of 0.01, and zero is -28. */
static void test_numbers_are_rounded_and_held(void **state) {
  (void)state;
  fr_net *net = made_net("fakequant", (fr_shape){1, 5}, 5, 1, 0);
  const float x[5] = {0, 0.123f, -0.456f, 7, -7};
  const double want[5] = {0, 0.12, -0.46, 1.55, -1};
  set_range(net, "0", -1, 1.55f);
  const float *y = fr_net_forward(net, x, 1, 0, 1, false);
  for (size_t i = 0; i < 5; i++)
    assert_near((double)y[i], want[i], 1e-6, "a rounded number");
  fr_net_free(net);
}

/* An end moves by 0.002 of the width, outwards where more than 0.01 % of the numbers are
 * beyond it: 1 + 0.002 2, -1 + 0.002 2. */
static void test_ranges_move_in_training_only(void **state) {
  (void)state;
  fr_net *net = made_net("fakequant", (fr_shape){1, 2}, 2, 1, 0);
  const float x[2] = {3, -0.5f}, y[2] = {3, -2};
  set_range(net, "0", -1, 1);
  (void)fr_net_forward(net, x, 1, 0, 1, false);
  assert_true(made_tensor(net, "0.high")->value[0] == 1);
  (void)fr_net_forward(net, x, 1, 0, 1, true);
  assert_near((double)made_tensor(net, "0.high")->value[0], 1.004, 1e-6, "high");
  assert_near((double)made_tensor(net, "0.low")->value[0], -0.996, 1e-6, "low");
  set_range(net, "0", 0, 0); /* none yet: the batch's */
  (void)fr_net_forward(net, y, 1, 0, 1, true);
  assert_true(made_tensor(net, "0.high")->value[0] == 3);
  assert_true(made_tensor(net, "0.low")->value[0] == -2);
  set_range(net, "0", 0, 1); /* 0 is held, though all is above it */
  (void)fr_net_forward(net, (const float[2]){0.5f, 0.6f}, 1, 0, 1, true);
  assert_true(made_tensor(net, "0.low")->value[0] == 0);
  fr_net_free(net);
}

enum { MANY = 20000 };

/* Of 0.01 to 200 in even steps, calibration leaves out the two greatest; so does an end
 * that moves, wherever it began, to some of its steps. */
static void test_ranges_leave_out_what_calibration_does(void **state) {
  (void)state;
  static float x[MANY];
  static const float begin[2] = {150, 300};
  fr_net *net = made_net("fakequant", (fr_shape){1, MANY}, MANY, 1, 0);
  for (size_t i = 0; i < MANY; i++)
    x[i] = 0.01f * (float)(i + 1);
  for (size_t b = 0; b < 2; b++) {
    set_range(net, "0", 0, begin[b]);
    for (size_t i = 0; i < 400; i++)
      (void)fr_net_forward(net, x, 1, 0, 1, true);
    assert_near((double)made_tensor(net, "0.high")->value[0], 199.98, 0.8, "high");
  }
  fr_net_free(net);
}

/*
 * x = (0.5, 20) through dense(2) whose first output is within its range and whose second
 * is beyond: d loss / d output = (2, 3). By hand, the first column's gradient is 2 x, and
 * the second's is 0, though 20 is rounded on its way in; its own layer holds it.
 */
static void test_gradients_pass_straight_through(void **state) {
  (void)state;
  fr_net *net = made_net("dense(2) fakequant dense(2)", (fr_shape){1, 2}, 2, 1, 0);
  float *w = made_tensor(net, "0.weight")->value,
        *v = made_tensor(net, "2.weight")->value;
  memcpy(w, (const float[]){1, 1, 0.01f, 1}, 4 * sizeof *w);
  memcpy(v, (const float[]){1, 0, 0, 1}, 4 * sizeof *v);
  set_range(net, "1", -8, 8);
  const float x[2] = {0.5f, 20}, d[2] = {2, 3};
  (void)fr_net_forward(net, x, 1, 0, 3, true);
  set_range(net, "1", -8, 8); /* as it was before it moved */
  fr_net_backward(net, d, 1);
  const float *g = made_tensor(net, "0.weight")->gradient;
  const double want[4] = {2 * 0.5, 0, 2 * 20, 0};
  for (size_t i = 0; i < 4; i++)
    assert_near((double)g[i], want[i], 1e-6, "a gradient");
  fr_net_free(net);
}

static fr_int8_ranges ranges_of(const fr_net *net, float x[SAMPLES][48]) {
  const float *pointer[SAMPLES];
  fr_int8_ranges ranges;
  for (size_t i = 0; i < SAMPLES; i++)
    pointer[i] = x[i];
  ASSERT_OK(fr_int8_ranges_find(net, pointer, SAMPLES, &ranges, err));
  return ranges;
}

static void fill(float x[SAMPLES][48]) {
  fr__rng rng;
  fr__rng_init(&rng, 6, 1);
  for (size_t i = 0; i < SAMPLES; i++)
    made_numbers(&rng, -2, 2, x[i], 48);
}

static const struct {
  const char *arch, *aware;
} cases[] = {
    {"dense(8) relu dense(3)", "fakequant dense(8) relu fakequant dense(3)"},
    {"conv1d(5,3) relu maxpool(2) gelu avgpool(all) dense(3)",
     "fakequant conv1d(5,3) relu fakequant maxpool(2) gelu fakequant avgpool(all) "
     "fakequant dense(3)"},
    {"conv1d(5,3) dropout(0.2) relu lstm(4) dense(3) softmax",
     "fakequant conv1d(5,3) dropout(0.2) relu fakequant lstm(4) fakequant dense(3) "
     "fakequant softmax"},
    {"residual(conv1d(6,3) relu) relu parallel(conv1d(2,3) | tanh) avgpool(all) dense(3)",
     "fakequant residual(conv1d(6,3,pad=same) relu fakequant) relu fakequant "
     "parallel(conv1d(2,3,pad=same) fakequant | tanh fakequant) fakequant avgpool(all) "
     "fakequant dense(3)"},
};

/* The network that is trained gives what integers will give, to some of their steps. */
static void test_it_foretells_the_integers(void **state) {
  (void)state;
  float x[SAMPLES][48];
  fill(x);
  for (size_t a = 0; a < sizeof cases / sizeof *cases; a++) {
    fr_net *net = made_net(cases[a].arch, (fr_shape){12, 4}, CLASSES, 1, 0), *aware;
    fr_int8_ranges ranges = ranges_of(net, x);
    fr_int8 *int8 = NULL;
    ASSERT_OK(fr_net_aware(net, &ranges, &aware, err));
    assert_string_equal(fr_net_text(aware), cases[a].aware);
    ASSERT_OK(fr_net_reserve(aware, 1, false, 0, err));
    ASSERT_OK(fr_net_round(net, FR_SCHEME_INT8, err));
    ASSERT_OK(fr_int8_build(net, &ranges, &int8, err));
    double greatest = 0, wrong = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
      float y[CLASSES];
      fr_int8_run(int8, x[i], y);
      const float *want =
          fr_net_forward(aware, x[i], 1, 0, fr_net_layer_count(aware), false);
      for (size_t k = 0; k < CLASSES; k++) {
        greatest = fmax(greatest, fabs((double)want[k]));
        wrong = fmax(wrong, fabs((double)want[k] - (double)y[k]));
      }
    }
    if (!(wrong < 0.03 * greatest))
      fail_msg("'%s': %g off, of %g", cases[a].arch, wrong, greatest);
    fr_int8_ranges_release(&ranges);
    fr_int8_free(int8);
    fr_net_free(aware);
    fr_net_free(net);
  }
}

/* A pass rounds them; what is updated is what they were. */
static void test_weights_are_rounded_for_a_pass(void **state) {
  (void)state;
  float x[SAMPLES][48];
  fill(x);
  fr_net *net = made_net("dense(3)", (fr_shape){12, 4}, CLASSES, 1, 0), *aware;
  fr_int8_ranges ranges = ranges_of(net, x);
  ASSERT_OK(fr_net_aware(net, &ranges, &aware, err));
  ASSERT_OK(fr_net_reserve(aware, 1, true, 0, err));
  const fr_tensor *kept = made_tensor(net, "0.weight"),
                  *own = made_tensor(aware, "1.weight");
  const float d[CLASSES] = {1, 0, 0};
  (void)fr_net_forward(aware, x[0], 1, 0, 2, false);
  assert_memory_equal(own->value, kept->value, kept->count * sizeof(float));
  (void)fr_net_forward(aware, x[0], 1, 0, 2, true);
  ASSERT_OK(fr_net_round(net, FR_SCHEME_INT8, err));
  for (size_t i = 0; i < kept->count; i++)
    assert_near((double)own->value[i], (double)kept->value[i], 1e-7, "a rounded weight");
  fr_net_backward(aware, d, 1);
  fr_net_init(net, 7, 0);
  assert_memory_equal(own->value, kept->value, kept->count * sizeof(float));
  own->value[0] = 0.25f;
  fr_net_aware_weights(aware, net);
  assert_true(kept->value[0] == 0.25f);
  made_tensor(aware, "0.high")->value[0] = 77;
  ASSERT_OK(fr_net_aware_ranges(aware, net, &ranges, err));
  assert_true(ranges.value[1] == 77);
  fr_int8_ranges_release(&ranges);
  fr_net_free(aware);
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_numbers_are_rounded_and_held),
      cmocka_unit_test(test_ranges_move_in_training_only),
      cmocka_unit_test(test_ranges_leave_out_what_calibration_does),
      cmocka_unit_test(test_gradients_pass_straight_through),
      cmocka_unit_test(test_it_foretells_the_integers),
      cmocka_unit_test(test_weights_are_rounded_for_a_pass),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
