/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include <math.h>

#include "base/rng.h"

/* Values of the reference algorithm from the state {1, 2, 3, 4}. */
static void matches_the_reference(void **state) {
  (void)state;
  const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240u,
                               1216172134540287360u};
  fr__rng rng = {{1, 2, 3, 4}};
  for (size_t i = 0; i < 5; i++)
    assert_true(fr__rng_next(&rng) == expected[i]);
}

static void streams_of_one_seed_differ(void **state) {
  (void)state;
  fr__rng a, b, again;
  fr__rng_init(&a, 7, 0);
  fr__rng_init(&b, 7, 1);
  fr__rng_init(&again, 7, 0);
  size_t same = 0;
  for (size_t i = 0; i < 100; i++) {
    const uint64_t x = fr__rng_next(&a);
    assert_true(x == fr__rng_next(&again));
    same += x == fr__rng_next(&b);
  }
  assert_int_equal(same, 0);
}

static void normal_has_its_moments(void **state) {
  (void)state;
  enum { N = 200000 };
  fr__rng rng;
  fr__rng_init(&rng, 1, 2);
  double sum = 0, squares = 0, fourth = 0;
  for (size_t i = 0; i < N; i++) {
    const double x = fr__rng_normal(&rng);
    assert_true(isfinite(x));
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  assert_true(fabs(sum / N) < 0.01);
  assert_true(fabs(squares / N - 1) < 0.02);
  assert_true(fabs(fourth / N - 3) < 0.15);
}

static void shuffle_is_an_even_permutation_of_all(void **state) {
  (void)state;
  enum { N = 4, TRIALS = 24000 };
  fr__rng rng;
  fr__rng_init(&rng, 3, 0);
  size_t seen[256] = {0};
  for (size_t trial = 0; trial < TRIALS; trial++) {
    size_t x[N] = {0, 1, 2, 3};
    fr__rng_shuffle(&rng, x, N);
    seen[x[0] | x[1] << 2 | x[2] << 4 | x[3] << 6]++;
  }
  size_t permutations = 0;
  for (size_t i = 0; i < 256; i++)
    if (seen[i] != 0) {
      permutations++;
      assert_in_range(seen[i], 850, 1150); /* 1000 expected, deviation 31 */
    }
  assert_int_equal(permutations, 24);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(matches_the_reference),
      cmocka_unit_test(streams_of_one_seed_differ),
      cmocka_unit_test(normal_has_its_moments),
      cmocka_unit_test(shuffle_is_an_even_permutation_of_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
