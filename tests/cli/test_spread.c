/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of durations are within 1.6 % of those of the sorted list. */
#include "../test.h"

#include <math.h>

#include "base/rng.h"
#include "cli/spread.h"

#define COUNT 5000

static int by_value(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void quantiles_are_those_of_the_list(void **state) {
  (void)state;
  static const double shares[] = {0.01, 0.5, 0.95, 0.99, 1};
  static uint64_t list[COUNT];
  static cli_spread spread;
  fr__rng rng;
  fr__rng_init(&rng, 1, 0);
  uint64_t sum = 0;
  for (size_t i = 0; i < COUNT; i++) { /* nanoseconds to hours */
    list[i] = (uint64_t)exp(30 * fr__rng_uniform(&rng));
    sum += list[i];
    cli_spread_add(&spread, list[i]);
  }
  qsort(list, COUNT, sizeof *list, by_value);
  for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
    const size_t at = (size_t)ceil(shares[i] * COUNT) - 1;
    const double want_us = (double)list[at] * 1e-3;
    assert_true(fabs(cli_spread_quantile_us(&spread, shares[i]) / want_us - 1) < 0.016);
  }
  assert_true(spread.count == COUNT && spread.sum_ns == sum);
}

static void every_duration_has_its_step(void **state) {
  (void)state;
  for (unsigned bit = 0; bit < 64; bit++)
    for (int by = -1; by <= 1; by++) {
      static cli_spread spread;
      const uint64_t ns = ((uint64_t)1 << bit) + (uint64_t)by;
      memset(&spread, 0, sizeof spread);
      cli_spread_add(&spread, ns);
      assert_true(fabs(cli_spread_quantile_us(&spread, 0.5) - (double)ns * 1e-3) <=
                  (double)ns * 1.6e-5);
    }
}

static void none_have_no_quantile(void **state) {
  (void)state;
  static const cli_spread spread;
  assert_true(isnan(cli_spread_quantile_us(&spread, 0.5)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quantiles_are_those_of_the_list),
      cmocka_unit_test(every_duration_has_its_step),
      cmocka_unit_test(none_have_no_quantile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
