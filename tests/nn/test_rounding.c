/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of fewer bits. */
#include "made.h"

#include <math.h>

#include "nn/round.h"

/* Halves by Python's struct ('e'), bf16 by comparing distances as fractions; both go to
 * the even one where it is as near. */
static const struct {
  float x;
  uint16_t f16, bf16;
} halves[] = {
    {0x0p+0f, 0x0000, 0x0000},          {0x1p+0f, 0x3c00, 0x3f80},
    {-0x1p+0f, 0xbc00, 0xbf80},         {0x1.99999ap-4f, 0x2e66, 0x3dcd},
    {0x1.555556p-2f, 0x3555, 0x3eab},   {0x1.ffcp+15f, 0x7bff, 0x4780},
    {0x1.ffdffap+15f, 0x7bff, 0x4780},  {0x1.ffep+15f, 0x7c00, 0x4780},
    {-0x1.117p+16f, 0xfc00, 0xc789},    {0x1p-14f, 0x0400, 0x3880},
    {0x1.ffb48p-15f, 0x03ff, 0x3880},   {0x1p-24f, 0x0001, 0x3380},
    {0x1.fff5cap-26f, 0x0000, 0x3300},  {0x1p-25f, 0x0000, 0x3300},
    {0x1.000002p-25f, 0x0001, 0x3300},  {0x1.7ff856p-24f, 0x0001, 0x33c0},
    {0x1.004p+0f, 0x3c01, 0x3f80},      {0x1.002p+0f, 0x3c00, 0x3f80},
    {0x1.006p+0f, 0x3c02, 0x3f80},      {0x1.002p+11f, 0x6800, 0x4500},
    {0x1.006p+11f, 0x6802, 0x4500},     {0x1.b7cdfep-34f, 0x0000, 0x2edc},
    {0x1.01p+0f, 0x3c04, 0x3f80},       {0x1.03p+0f, 0x3c0c, 0x3f82},
    {0x1.38ede8p+6f, 0x54e4, 0x429c},   {0x1.04b0d6p-13f, 0x0813, 0x3902},
    {-0x1.b35504p+1f, 0xc2cd, 0xc05a},  {0x1.d79368p+1f, 0x435e, 0x406c},
    {0x1.45c178p+6f, 0x5517, 0x42a3},   {0x1.4b7664p-10f, 0x152e, 0x3aa6},
    {0x1.15ff6ep-14f, 0x0458, 0x388b},  {-0x1.48f428p+0f, 0xbd24, 0xbfa4},
    {0x1.74d20ap+9f, 0x61d3, 0x443a},   {0x1.2054b6p-21f, 0x0009, 0x3510},
    {0x1.e6607cp+12f, 0x6f9a, 0x45f3},  {0x1.f87b76p-12f, 0x0fe2, 0x39fc},
    {0x1.9459ap-25f, 0x0001, 0x334a},   {0x1.307c42p-15f, 0x0261, 0x3818},
    {-0x1.b305d2p-15f, 0x8366, 0xb85a}, {0x1.517d9p-16f, 0x0151, 0x37a9},
    {0x1.860836p-15f, 0x030c, 0x3843},  {0x1.9cd2cep-23f, 0x0003, 0x344e},
    {0x1.9f886ap+0f, 0x3e7e, 0x3fd0},   {-0x1.f50538p-17f, 0x80fb, 0xb77b},
};

static void test_halves_are_the_nearest(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
    assert_int_equal(fr__f16_of(halves[i].x), halves[i].f16);
    assert_int_equal(fr__bf16_of(halves[i].x), halves[i].bf16);
  }
}

static void test_every_half_comes_back(void **state) {
  (void)state;
  for (uint32_t h = 0; h < 0x10000; h++) {
    const bool finite = (h & 0x7c00) != 0x7c00;
    if (finite)
      assert_int_equal(fr__f16_of(fr__from_f16((uint16_t)h)), h);
    if ((h & 0x7f80) != 0x7f80)
      assert_int_equal(fr__bf16_of(fr__from_bf16((uint16_t)h)), h);
  }
  assert_true(isinf(fr__from_f16(0x7c00)) && isnan(fr__from_f16(0x7e00)));
}

/* A column of the greatest size 2.54: steps of 0.02, by hand. */
static void test_bytes_are_steps_of_the_channels_own(void **state) {
  (void)state;
  fr_net *net = made_net("dense(2)", (fr_shape){1, 4}, 2, 1, 0);
  float *w = made_tensor(net, "0.weight")->value;
  const float from[8] = {2.54f, 0, -1.0f, 0, 0.031f, 0, 0.009f, 0};
  const double to[4] = {127, -50, 2, 0}; /* 0.031 is 1.55 steps */
  memcpy(w, from, sizeof from);
  made_tensor(net, "0.bias")->value[0] = 0.123f;
  ASSERT_OK(fr_net_round(net, FR_SCHEME_INT8, err));
  const double scale = (double)fr__int8_column(w, 8, 2);
  assert_near(scale, 0.02, 1e-8, "the scale");
  for (size_t i = 0; i < 4; i++) {
    assert_near((double)w[2 * i], to[i] * 0.02, 1e-6, "a weight");
    assert_true((double)w[2 * i + 1] == 0);
  }
  assert_true(made_tensor(net, "0.bias")->value[0] == 0.123f);
  assert_true(fr__int8_column(w + 1, 7, 2) == 1); /* of a channel without a weight */
  fr_net_free(net);
}

static void test_what_is_rounded_stays(void **state) {
  (void)state;
  fr_net *net = made_net("conv1d(9,3) gru(7) dense(5)", (fr_shape){12, 3}, 5, 1, 0),
         *again = NULL;
  for (enum fr_scheme s = FR_SCHEME_F32; s < FR_SCHEMES; s++) {
    fr_net_init(net, 4 + s, 0);
    ASSERT_OK(fr_net_round(net, s, err));
    ASSERT_OK(fr_net_new(fr_net_text(net), (fr_shape){12, 3}, 5, &again, err));
    ASSERT_OK(fr_net_copy(again, net, 3, err));
    ASSERT_OK(fr_net_round(again, s, err));
    size_t count;
    const fr_tensor *a = fr_net_tensors(net, &count), *b = fr_net_tensors(again, &count);
    for (size_t i = 0; i < count; i++)
      assert_memory_equal(a[i].value, b[i].value, a[i].count * sizeof(float));
    fr_net_free(again);
  }
  fr_net_free(net);
}

static void test_a_scale_is_found_again(void **state) {
  (void)state;
  fr__rng rng;
  fr__rng_init(&rng, 3, 1);
  for (size_t i = 0; i < 20000; i++) {
    float w[6];
    made_numbers(&rng, -1, 1, w, 6);
    const float scale = fr__int8_column(w, 6, 1);
    for (size_t k = 0; k < 6; k++)
      w[k] = roundf(w[k] / scale) * scale;
    const float found = fr__int8_column(w, 6, 1);
    for (size_t k = 0; k < 6; k++)
      assert_true(roundf(w[k] / found) * found == w[k]);
  }
}

static void test_what_f16_does_not_hold_is_refused(void **state) {
  (void)state;
  fr_error why = {0};
  fr_net *net = made_net("dense(2)", (fr_shape){1, 2}, 2, 1, 0);
  made_tensor(net, "0.weight")->value[3] = 70000;
  assert_int_equal(fr_net_round(net, FR_SCHEME_F16, &why), FR_ERR_NUMERIC);
  assert_non_null(strstr(why.text, "value 3 of tensor '0.weight', 70000"));
  ASSERT_OK(fr_net_round(net, FR_SCHEME_BF16, err));
  fr_net_free(net);
}

/* dense(3) of 4 inputs: 12 weights and 3 biases. */
static void test_bytes_are_counted(void **state) {
  (void)state;
  fr_net *net = made_net("dense(3)", (fr_shape){1, 4}, 3, 1, 0);
  assert_int_equal(fr_net_bytes(net, FR_SCHEME_F32), 60);
  assert_int_equal(fr_net_bytes(net, FR_SCHEME_BF16), 36);
  assert_int_equal(fr_net_bytes(net, FR_SCHEME_F16), 36);
  assert_int_equal(fr_net_bytes(net, FR_SCHEME_INT8), 12 + 3 * 4 + 3 * 4);
  fr_net_free(net);
}

static void test_schemes_have_names(void **state) {
  (void)state;
  enum fr_scheme s;
  for (enum fr_scheme i = FR_SCHEME_F32; i < FR_SCHEMES; i++)
    assert_true(fr_scheme_parse(fr_scheme_name(i), &s) && s == i);
  assert_true(fr_scheme_parse("int8_aware", &s) && s == FR_SCHEME_INT8_AWARE);
  assert_true(fr_scheme_parse("float32", &s) && s == FR_SCHEME_F32);
  assert_false(fr_scheme_parse("int4", &s));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_halves_are_the_nearest),
      cmocka_unit_test(test_every_half_comes_back),
      cmocka_unit_test(test_bytes_are_steps_of_the_channels_own),
      cmocka_unit_test(test_what_is_rounded_stays),
      cmocka_unit_test(test_a_scale_is_found_again),
      cmocka_unit_test(test_what_f16_does_not_hold_is_refused),
      cmocka_unit_test(test_bytes_are_counted),
      cmocka_unit_test(test_schemes_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
