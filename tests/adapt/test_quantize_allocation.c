/* SPDX-License-Identifier: Apache-2.0 */
/* Wherever an allocation fails while a network is quantized, opened or tested, the call
 * says so, and nothing is left behind. */
#include "../allocations.h"
#include "../train/toy.h"

#include "frugal/quantize.h"

static const char arch[] = "dense(8) bn relu dense(6) relu dense(classes)";

static toy a;
static fr_samples samples;

static int make_samples(void **state) {
  (void)state;
  samples = toy_samples(&a, 1);
  return 0;
}

static enum fr_status convert(const fr_net *net, enum fr_scheme scheme,
                              fr_quantized **out, fr_error *err) {
  const fr_train_options usual = fr_train_default_options();
  fr_train_options options = fr_quantize_options(&usual);
  options.epochs = 1;
  options.ahead = false;
  return fr_quantize(net, scheme, &samples, &samples, &options, NULL, NULL, out, err);
}

static enum fr_status open_and_test(const fr_quantized *q, fr_error *err) {
  fr_quantized *opened = NULL;
  fr_metrics metrics;
  const fr_loss_options loss = {.kind = FR_LOSS_CROSS_ENTROPY};
  enum fr_status status = fr_quantized_open(fr_quantized_net(q), fr_quantized_scheme(q),
                                            fr_quantized_ranges(q), &opened, err);
  if (status == FR_OK) {
    status = fr_quantized_test(opened, &samples, &loss, 8, NULL, &metrics, err);
    if (status == FR_OK)
      fr_metrics_release(&metrics);
  }
  fr_quantized_free(opened);
  return status;
}

/* With the n-th allocation failing; true where none failed. */
static bool attempt(const fr_net *net, enum fr_scheme scheme, const fr_quantized *q,
                    size_t n) {
  fr_quantized *made = NULL;
  fr_error err = {.text = ""};
  allocations = 0;
  fail_at = n;
  const enum fr_status status =
      q != NULL ? open_and_test(q, &err) : convert(net, scheme, &made, &err);
  const bool reached = allocations >= n;
  fail_at = 0;
  if (status != FR_OK) {
    assert_int_equal(status, FR_ERR_MEMORY);
    assert_non_null(strstr(err.text, "out of memory"));
    assert_null(made);
  }
  fr_quantized_free(made);
  return !reached;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  fr_net *net = toy_net(arch, 1);
  for (enum fr_scheme s = FR_SCHEME_F32; s < FR_SCHEMES; s++) {
    fr_quantized *q = NULL;
    size_t n = 1;
    while (!attempt(net, s, NULL, n))
      n++;
    assert_true(n > 10);
    assert_int_equal(convert(net, s, &q, NULL), FR_OK);
    n = 1;
    while (!attempt(net, s, q, n))
      n++;
    assert_true(n > 10);
    fr_quantized_free(q);
  }
  fr_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
  return cmocka_run_group_tests(tests, make_samples, NULL);
}
