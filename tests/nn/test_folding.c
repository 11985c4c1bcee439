/* SPDX-License-Identifier: Apache-2.0 */
/* Batch normalisation as part of a product: the same outputs, fewer layers. */
#include "made.h"

enum { CLASSES = 3, BATCH = 5 };

/* Statistics as training leaves them. */
static void stir(fr_net *net) {
  size_t count;
  const fr_tensor *tensor = fr_net_tensors(net, &count);
  fr__rng rng;
  fr__rng_init(&rng, 5, 2);
  for (size_t i = 0; i < count; i++)
    if (tensor[i].rank == 1)
      made_numbers(&rng, strstr(tensor[i].name, "variance") ? 0.2 : -0.8, 1.5,
                   tensor[i].value, tensor[i].count);
}

static void check_outputs(const char *arch, const char *folded, const uint32_t *length) {
  const fr_shape shape = {16, 4};
  fr_net *net = made_net(arch, shape, CLASSES, BATCH, 0), *out = NULL;
  stir(net);
  ASSERT_OK(fr_net_fold(net, &out, err));
  assert_string_equal(fr_net_text(out), folded);
  ASSERT_OK(fr_net_reserve(out, BATCH, false, 0, err));
  fr__rng rng;
  fr__rng_init(&rng, 9, 1);
  float x[BATCH * 64];
  made_numbers(&rng, -2, 2, x, BATCH * 64);
  for (size_t b = 0; length && b < BATCH; b++)
    memset(x + b * 64 + length[b] * 4, 0, (16 - length[b]) * 4 * sizeof *x);
  fr_net_set_lengths(net, length);
  fr_net_set_lengths(out, length);
  const float *want = fr_net_forward(net, x, BATCH, 0, fr_net_layer_count(net), false);
  const float *got = fr_net_forward(out, x, BATCH, 0, fr_net_layer_count(out), false);
  for (size_t i = 0; i < BATCH * CLASSES; i++)
    assert_near((double)got[i], (double)want[i], 2e-5, arch);
  fr_net_free(net);
  fr_net_free(out);
}

static const struct {
  const char *arch, *folded;
} cases[] = {
    {"dense(8) bn relu dense(3)", "dense(8) relu dense(3)"},
    {"dense(8) relu bn dense(3)", "dense(8) relu dense(3)"},
    {"dense(8) bn dropout(0.2) bn dense(3) bn", "dense(8) dropout(0.2) dense(3)"},
    {"conv1d(6,3) bn relu avgpool(all) dense(3)",
     "conv1d(6,3) relu avgpool(all) dense(3)"},
    {"bn conv1d(6,3) relu bn conv1d(8,5,2,groups=2) avgpool(all) bn dense(3)",
     "conv1d(6,3) relu conv1d(8,5,2,groups=2) avgpool(all) dense(3)"},
    {"bn conv1d(6,3,pad=same) relu bn maxpool(2) dense(3)",
     "bn conv1d(6,3,pad=same) relu bn maxpool(2) dense(3)"},
    {"bn lstm(5,all,both) bn gru(4,both) bn dense(3)",
     "lstm(5,all,both) gru(4,both) dense(3)"},
    {"residual(conv1d(4,3) bn relu bn conv1d(6,3) bn) relu avgpool(all) dense(3)",
     "residual(conv1d(4,3,pad=same) relu bn conv1d(6,3,pad=same)) relu avgpool(all) "
     "dense(3)"},
    {"parallel(conv1d(4,3) bn | bn | bn gelu) avgpool(all) dense(3)",
     "parallel(conv1d(4,3,pad=same) | bn | bn gelu) avgpool(all) dense(3)"},
    {"relu dense(3)", "relu dense(3)"},
};

static void test_outputs_stay(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check_outputs(cases[i].arch, cases[i].folded, NULL);
}

static void test_outputs_of_short_samples_stay(void **state) {
  (void)state;
  const uint32_t length[BATCH] = {16, 9, 12, 16, 8};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    check_outputs(cases[i].arch, cases[i].folded, length);
  check_outputs("conv1d(4,3) relu bn dense(3)", "conv1d(4,3) relu bn dense(3)", length);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_outputs_stay),
      cmocka_unit_test(test_outputs_of_short_samples_stay),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
