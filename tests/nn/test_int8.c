/* SPDX-License-Identifier: Apache-2.0 */
/* Integer inference: near float32 for every family, exact where numbers allow it. */
#include "made.h"

#include <math.h>

#include "frugal/int8.h"
#include "nn/int8.h"
#include "nn/net.h"
#include "nn/program.h"

enum { SAMPLES = 48, CLASSES = 5 };

/* Samples as normalised recordings look: walks around 0. */
typedef struct samples {
  float *value;
  const float *x[SAMPLES];
  size_t size;
} samples;

static samples make_samples(fr_shape shape, uint64_t seed) {
  samples s = {.size = shape.steps * shape.channels};
  s.value = calloc(SAMPLES * s.size, sizeof *s.value);
  fr__rng rng;
  fr__rng_init(&rng, seed, 1);
  for (size_t i = 0; i < SAMPLES; i++) {
    float *x = s.value + i * s.size;
    for (size_t k = 0; k < s.size; k++) {
      const double before = k >= shape.channels ? (double)x[k - shape.channels] : 0;
      x[k] = (float)(0.8 * before + 0.6 * fr__rng_normal(&rng));
    }
    s.x[i] = x;
  }
  return s;
}

/* Statistics of bn as training leaves them, biases that are not zero. */
static void stir(fr_net *net) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  fr__rng rng;
  fr__rng_init(&rng, 5, 2);
  for (size_t i = 0; i < count; i++) {
    const bool variance = strstr(tensor[i].name, "variance") != NULL;
    if (tensor[i].rank == 1)
      for (size_t k = 0; k < tensor[i].count; k++)
        tensor[i].value[k] =
            variance ? (float)(0.3 + fr__rng_uniform(&rng))
                     : tensor[i].value[k] + (float)(0.2 * fr__rng_normal(&rng));
  }
}

static fr_net *made_stirred(const char *arch, fr_shape shape) {
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new(arch, shape, CLASSES, &net, err));
  fr_net_init(net, 3, 0);
  stir(net);
  ASSERT_OK(fr_net_reserve(net, 1, false, 0, err));
  return net;
}

/* Root mean square of int8 - float32, as a share of the spread of float32's outputs. */
static double error_of(const char *arch, fr_shape shape) {
  fr_net *net = made_stirred(arch, shape);
  samples s = make_samples(shape, 9);
  fr_int8 *int8 = NULL;
  ASSERT_OK(fr_int8_new(net, s.x, SAMPLES, &int8, err));
  double wrong = 0, sum = 0, squares = 0;
  for (size_t i = 0; i < SAMPLES; i++) {
    float got[CLASSES];
    fr_int8_run(int8, s.x[i], got);
    const float *want = fr_net_forward(net, s.x[i], 1, 0, fr_net_layer_count(net), false);
    for (size_t k = 0; k < CLASSES; k++) {
      wrong += pow((double)got[k] - (double)want[k], 2);
      sum += (double)want[k];
      squares += (double)want[k] * (double)want[k];
    }
  }
  const double n = SAMPLES * CLASSES;
  fr_int8_free(int8);
  fr_net_free(net);
  free(s.value);
  return sqrt(wrong / n) / sqrt(squares / n - sum / n * sum / n);
}

static const char *const families[] = {
    "dense(classes)",
    "dense(20) relu dense(classes)",
    "dense(20) bn relu dense(classes)",
    "conv1d(12,5) relu conv1d(8,3,2,pad=same) avgpool(all) dense(classes)",
    "conv1d(12,5,pad=causal,dilation=3) relu flatten dense(classes)",
    "conv1d(12,3,groups=2) leaky(0.1) maxpool(2) dense(classes)",
    "conv1d(12,5) relu bn maxpool(3) dense(classes)",
    "bn conv1d(12,5) gelu avgpool(4) dense(classes)",
    "conv1d(12,5) hardswish avgpool(all) dense(classes)",
    "dense(16) sigmoid dense(classes)",
    "dense(16) tanh dense(16) softmax dense(classes)",
    "conv1d(16,3) layernorm relu avgpool(all) dense(classes)",
    "lstm(16) dense(classes)",
    "lstm(16,all,both) lstm(12,last) dense(classes)",
    "lstm(8,last,both) dense(classes)",
    "gru(16) dense(classes)",
    "gru(16,all,both) gru(12,last,both) dense(classes)",
    "conv1d(16,3) attention(4) avgpool(all) dense(classes)",
    "residual(conv1d(6,3) relu) residual(conv1d(12,3) bn relu) avgpool(all) "
    "dense(classes)",
    "parallel(conv1d(4,3) relu | conv1d(6,5) | ) dropout(0.2) avgpool(all) "
    "dense(classes)",
    "residual(parallel(conv1d(3,3) relu | residual(conv1d(3,3)) conv1d(3,1))) relu "
    "maxpool(all) dense(classes)",
    "conv1d(12,5) relu spatialdropout(0.1) avgpool(all) dense(classes) softmax",
    "conv1d(5,24)",
};
#define FAMILIES (sizeof families / sizeof *families)

static void test_is_near_float32_for_every_family(void **state) {
  (void)state;
  const fr_shape shape = {24, 6};
  for (size_t i = 0; i < FAMILIES; i++) {
    const double wrong = error_of(families[i], shape);
    if (!(wrong < 0.025)) /* of the outputs' spread; at most 0.019 is seen */
      fail_msg("'%s': an error of %.4f of the spread", families[i], wrong);
  }
}

/* Inputs q / 128 and weights w / 128 are held exactly, so that only the 16 bits of the
 * output round: to half a step of 2 max / 32767. */
static void test_dense_rounds_at_its_output_only(void **state) {
  (void)state;
  enum { INPUTS = 7 };
  const fr_shape shape = {1, INPUTS};
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new("dense(2)", shape, 2, &net, err));
  float *w = made_tensor(net, "0.weight")->value, *b = made_tensor(net, "0.bias")->value;
  int q[INPUTS] = {-128, 127, 3, -77, 0, 64, -1};
  const int weights[INPUTS][2] = {{127, -5},  {-127, 127}, {1, 0},  {64, 33},
                                  {-90, -99}, {17, 2},     {-3, 50}};
  float x[INPUTS];
  int sum[2] = {0, 0};
  for (size_t i = 0; i < INPUTS; i++) {
    x[i] = (float)q[i] / 128;
    for (size_t o = 0; o < 2; o++) {
      w[i * 2 + o] = (float)weights[i][o] / 128;
      sum[o] += q[i] * weights[i][o];
    }
  }
  b[0] = 0.375f;
  b[1] = -1.5f;
  const double want[2] = {sum[0] / 16384.0 + 0.375, sum[1] / 16384.0 - 1.5};
  const double size = fmax(fabs(want[0]), fabs(want[1]));
  fr_int8 *int8 = NULL;
  const float *one = x;
  ASSERT_OK(fr_int8_new(net, &one, 1, &int8, err));
  float got[2];
  fr_int8_run(int8, x, got);
  for (size_t o = 0; o < 2; o++)
    assert_near((double)got[o], want[o], 0.51 * 2 * size / 32767, "an output");
  fr_int8_free(int8);
  fr_net_free(net);
}

/* A constant row has no deviation: layernorm gives its bias, whatever epsilon. */
static void test_layernorm_of_a_constant_row_is_its_bias(void **state) {
  (void)state;
  const fr_shape shape = {1, 4};
  fr_net *net = NULL;
  ASSERT_OK(fr_net_new("layernorm", shape, 4, &net, err));
  fr_net_init(net, 1, 0);
  float *bias = made_tensor(net, "0.bias")->value;
  for (size_t c = 0; c < 4; c++)
    bias[c] = (float)c - 1;
  const float spread[4] = {-1, 2, 0.5f, 1}, flat[4] = {0.7f, 0.7f, 0.7f, 0.7f};
  const float *x[2] = {spread, flat};
  fr_int8 *int8 = NULL;
  ASSERT_OK(fr_int8_new(net, x, 2, &int8, err));
  float got[4];
  fr_int8_run(int8, flat, got);
  for (size_t c = 0; c < 4; c++)
    assert_near((double)got[c], (double)bias[c], 0.02, "a normalised constant");
  fr_int8_free(int8);
  fr_net_free(net);
}

static void test_what_is_not_a_number_counts_as_zero(void **state) {
  (void)state;
  const fr_shape shape = {4, 2};
  fr_net *net = made_stirred("dense(classes)", shape);
  samples s = make_samples(shape, 4);
  fr_int8 *int8 = NULL;
  ASSERT_OK(fr_int8_new(net, s.x, SAMPLES, &int8, err));
  float missing[8] = {1, NAN, -1, 0.5f, NAN, 0, 0, 1},
        zero[8] = {1, 0, -1, 0.5f, 0, 0, 0, 1};
  float a[CLASSES], b[CLASSES];
  fr_int8_run(int8, missing, a);
  fr_int8_run(int8, zero, b);
  assert_memory_equal(a, b, sizeof a);
  float large[8] = {1e30f, -1e30f, INFINITY, -INFINITY, 0, 0, 0, 0};
  fr_int8_run(int8, large, a);
  for (size_t k = 0; k < CLASSES; k++)
    assert_true(isfinite(a[k]));
  fr_int8_free(int8);
  fr_net_free(net);
  free(s.value);
}

static void test_the_same_samples_give_the_same_integers(void **state) {
  (void)state;
  const fr_shape shape = {24, 6};
  fr_net *net = made_stirred("conv1d(8,5) relu lstm(8) dense(classes)", shape);
  samples s = make_samples(shape, 2);
  fr_int8 *first = NULL, *second = NULL;
  ASSERT_OK(fr_int8_new(net, s.x, SAMPLES, &first, err));
  ASSERT_OK(fr_int8_new(net, s.x, SAMPLES, &second, err));
  for (size_t i = 0; i < SAMPLES; i++) {
    float a[CLASSES], b[CLASSES];
    fr_int8_run(first, s.x[i], a);
    fr_int8_run(second, s.x[i], b);
    assert_memory_equal(a, b, sizeof a);
  }
  fr_int8_free(first);
  fr_int8_free(second);
  fr_net_free(net);
  free(s.value);
}

/* Two ping-pong values of (24, 16) and (20, 16): whatever they share, not less than the
 * wider pair; weights take a byte each and some integers a channel. */
static void test_sizes_are_those_of_bytes(void **state) {
  (void)state;
  const fr_shape shape = {24, 6};
  fr_net *net =
      made_stirred("conv1d(16,5) relu conv1d(16,3) avgpool(all) dense(classes)", shape);
  samples s = make_samples(shape, 2);
  fr_int8 *int8 = NULL;
  ASSERT_OK(fr_int8_new(net, s.x, SAMPLES, &int8, err));
  const size_t weights = 16 * 5 * 6 + 16 * 3 * 16 + 16 * 5;
  assert_int_equal(fr_int8_weight_bytes(int8), weights + (16 + 16 + 5) * (4 + 8));
  assert_int_equal(fr_int8_activation_bytes(int8), 20 * 16 + 18 * 16 + CLASSES * 2);
  assert_int_equal(fr_int8_input(int8).steps, 24);
  assert_int_equal(fr_int8_classes(int8), CLASSES);
  fr_int8_free(int8);
  fr_net_free(net);
  free(s.value);
}

static void test_refuses_with_a_sentence(void **state) {
  (void)state;
  fr_error err = {0};
  fr_int8 *int8 = NULL;
  const fr_shape shape = {4, 2};
  fr_net *net = made_stirred("dense(classes)", shape);
  assert_int_equal(fr_int8_new(net, NULL, 0, &int8, &err), FR_ERR_ARGUMENT);
  float x[8] = {0, 1, NAN, 0, 0, 0, 0, 0};
  const float *one = x;
  assert_int_equal(fr_int8_new(net, &one, 1, &int8, &err), FR_ERR_NUMERIC);
  fr_net_free(net);

  const fr_shape wide = {70000, 1};
  net = made_stirred("dense(classes)", wide);
  float *many = calloc(70000, sizeof *many);
  one = many;
  assert_int_equal(fr_int8_new(net, &one, 1, &int8, &err), FR_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.text, "dense(5)"));
  assert_null(int8);
  free(many);
  fr_net_free(net);
}

/* ---- ranges ---- */

/* Saved and read again: a network with the same numbers. */
static void test_the_same_ranges_give_the_same_integers(void **state) {
  (void)state;
  const fr_shape shape = {24, 6};
  samples s = make_samples(shape, 2);
  for (size_t a = 0; a < FAMILIES; a++) {
    fr_net *net = made_stirred(families[a], shape), *folded = NULL, *same = NULL;
    fr_int8 *at_once = NULL, *built = NULL;
    fr_int8_ranges ranges, copy;
    ASSERT_OK(fr_int8_new(net, s.x, SAMPLES, &at_once, err));
    ASSERT_OK(fr_net_fold(net, &folded, err));
    ASSERT_OK(fr_net_round(folded, FR_SCHEME_INT8, err));
    ASSERT_OK(fr_int8_ranges_find(folded, s.x, SAMPLES, &ranges, err));
    ASSERT_OK(fr_net_new(fr_net_text(folded), shape, CLASSES, &same, err));
    ASSERT_OK(fr_net_copy(same, folded, fr_net_layer_count(folded), err));
    ASSERT_OK(fr_int8_ranges_copy(&ranges, &copy, err));
    ASSERT_OK(fr_int8_build(same, &copy, &built, err));
    for (size_t i = 0; i < SAMPLES; i++) {
      float x[CLASSES], y[CLASSES];
      fr_int8_run(at_once, s.x[i], x);
      fr_int8_run(built, s.x[i], y);
      assert_memory_equal(x, y, sizeof x);
    }
    fr_int8_ranges_release(&ranges);
    fr_int8_ranges_release(&copy);
    fr_int8_free(at_once);
    fr_int8_free(built);
    fr_net_free(net);
    fr_net_free(folded);
    fr_net_free(same);
  }
  free(s.value);
}

static void test_ranges_that_are_none_are_refused(void **state) {
  (void)state;
  const float bad[][2] = {
      {0.5f, 1}, {-1, -0.5f}, {NAN, 1}, {-1, INFINITY}, {-3e38f, 3e38f}};
  fr_net *net = made_stirred("lstm(3) dense(classes)", (fr_shape){4, 2});
  samples s = make_samples((fr_shape){4, 2}, 2);
  fr_error why = {0};
  fr_int8 *int8 = NULL;
  fr_int8_ranges r;
  size_t values, steps;
  ASSERT_OK(fr_int8_ranges_shape(net, &values, &steps, err));
  assert_true(values == 3 && steps == 2);
  ASSERT_OK(fr_int8_ranges_find(net, s.x, SAMPLES, &r, err));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    float kept[2];
    memcpy(kept, r.value + 2, sizeof kept);
    memcpy(r.value + 2, bad[i], sizeof kept);
    assert_int_equal(fr_int8_build(net, &r, &int8, &why), FR_ERR_FORMAT);
    memcpy(r.value + 2, kept, sizeof kept);
  }
  r.inside[0] = -1;
  assert_int_equal(fr_int8_build(net, &r, &int8, &why), FR_ERR_FORMAT);
  r.inside[0] = 1;
  r.values--;
  assert_int_equal(fr_int8_build(net, &r, &int8, &why), FR_ERR_FORMAT);
  assert_null(int8);
  fr_int8_ranges_release(&r);
  fr_net_free(net);
  free(s.value);
}

/* ---- the program ---- */

/* What is needed at the same time does not lie in the same place, but where a step may
 * write over what it reads. */
static void assert_apart(const fr__program *program) {
  for (size_t a = 0; a < program->value_count; a++)
    for (size_t b = 0; b < a; b++) {
      const fr__program_value *x = &program->value[a], *y = &program->value[b];
      const bool used = x->first <= x->last && y->first <= y->last;
      const bool together = x->first < y->last && y->first < x->last;
      const bool overlap =
          x->offset < y->offset + y->elements && y->offset < x->offset + x->elements;
      if (used && together && overlap)
        fail_msg("values %zu and %zu of %zu overlap", a, b, program->value_count);
    }
}

static void test_values_that_live_together_lie_apart(void **state) {
  (void)state;
  const char *const archs[] = {
      "conv1d(8,3) bn relu maxpool(2) residual(conv1d(8,3) relu conv1d(8,3)) dense(5)",
      "parallel(conv1d(4,3) relu | conv1d(6,5) gelu | ) residual(conv1d(16,3) "
      "parallel(lstm(4,all,both) | attention(4) | )) bn avgpool(all) dense(5)"};
  for (size_t i = 0; i < 2; i++) {
    fr_net *net = made_stirred(archs[i], (fr_shape){24, 6});
    fr__program program;
    ASSERT_OK(fr__program_init(&program, &net->chain, err));
    ASSERT_OK(fr__program_lay_out(&program, err));
    assert_apart(&program);
    fr__program_fuse(&program);
    ASSERT_OK(fr__program_lay_out(&program, err));
    assert_apart(&program);
    fr__program_release(&program);
    fr_net_free(net);
  }
}

/* Every family, one sample and groups of them. */
static void check_bits(const char *arch, fr_shape shape) {
  fr_net *net = made_stirred(arch, shape);
  samples s = make_samples(shape, 9);
  fr_int8 *int8 = NULL;
  float want[SAMPLES * CLASSES], alone[CLASSES], together[SAMPLES * CLASSES];
  ASSERT_OK(fr_int8_new(net, s.x, SAMPLES, &int8, err));
  for (size_t i = 0; i < SAMPLES; i++) {
    fr__int8_run_plain(int8, s.x[i], want + i * CLASSES);
    fr_int8_run(int8, s.x[i], alone);
    assert_memory_equal(alone, want + i * CLASSES, sizeof alone);
  }
  fr_int8_run_batch(int8, s.value, SAMPLES - 3, together);
  assert_memory_equal(together, want, (SAMPLES - 3) * CLASSES * sizeof *want);
  fr_int8_free(int8);
  fr_net_free(net);
  free(s.value);
}

static void test_kernels_give_the_same_bits(void **state) {
  (void)state;
  static const char *const sets[] = {"baseline", "avx2", "avxvnni", "avx512", ""};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    setenv("FRUGAL_CPU", sets[i], 1);
    for (size_t a = 0; a < FAMILIES; a++)
      check_bits(families[a], (fr_shape){24, 6});
    check_bits("conv1d(33,5) relu conv1d(64,5,2) relu lstm(40,both) dense(classes)",
               (fr_shape){90, 12});
    check_bits("conv1d(36,5,pad=same,groups=12) relu conv1d(72,3,2,groups=36,dilation=4) "
               "leaky(0.1) conv1d(8,3,pad=causal,dilation=7) avgpool(all) dense(classes)",
               (fr_shape){90, 12});
    check_bits("gru(37,all,both) gru(16,last) dense(classes)", (fr_shape){70, 3});
    check_bits("lstm(37) lstm(16,last) dense(70) relu dense(classes)", (fr_shape){70, 3});
  }
  unsetenv("FRUGAL_CPU");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_is_near_float32_for_every_family),
      cmocka_unit_test(test_dense_rounds_at_its_output_only),
      cmocka_unit_test(test_layernorm_of_a_constant_row_is_its_bias),
      cmocka_unit_test(test_what_is_not_a_number_counts_as_zero),
      cmocka_unit_test(test_the_same_samples_give_the_same_integers),
      cmocka_unit_test(test_sizes_are_those_of_bytes),
      cmocka_unit_test(test_refuses_with_a_sentence),
      cmocka_unit_test(test_kernels_give_the_same_bits),
      cmocka_unit_test(test_the_same_ranges_give_the_same_integers),
      cmocka_unit_test(test_ranges_that_are_none_are_refused),
      cmocka_unit_test(test_values_that_live_together_lie_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
