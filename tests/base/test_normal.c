/* SPDX-License-Identifier: Apache-2.0 */
/* Normal numbers by the block are those of the generator and the formula, in double. */
#include "../test.h"

#include <math.h>

#include "base/normal.h"
#include "base/rng.h"

enum { LANES = FR__NORMAL_LANES, COUNT = 2 * LANES * 50 };

/* One lane: xoshiro128++ as its authors give it. */
typedef struct lane {
  uint32_t s[4];
} lane;

static uint32_t rotate(uint32_t x, int k) { return (x << k) | (x >> (32 - k)); }

static uint32_t lane_next(lane *l) {
  uint32_t *s = l->s;
  const uint32_t result = rotate(s[0] + s[3], 7) + s[0], t = s[1] << 9;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 11);
  return result;
}

/* Box and Muller's pair for the two words of a lane: the first is 24 bits of (0, 1], the
 * second the angle, its lower 30 bits as a fraction of a quarter from -1/2 on. */
static void pair(uint32_t first, uint32_t second, double *cosine, double *sine) {
  const double u = (double)((first >> 8) + 1) / 16777216;
  double share = (double)(second & 0x3fffffffu) / 1073741824;
  if (share >= 0.5)
    share -= 1;
  const double angle = 1.5707963267948966 * ((double)(second >> 30) + share);
  const double radius = sqrt(-2 * log(u));
  *cosine = radius * cos(angle);
  *sine = radius * sin(angle);
}

static void they_are_those_of_the_formula(void **state) {
  (void)state;
  fr__normals normals;
  static float x[COUNT];
  fr__normals_init(&normals, 3, 4);
  lane lanes[LANES];
  for (size_t i = 0; i < LANES; i++)
    for (size_t k = 0; k < 4; k++)
      lanes[i].s[k] = normals.s[k][i];
  fr__normals_add(&normals, 1, x, COUNT);
  for (size_t at = 0; at < COUNT; at += 2 * LANES)
    for (size_t i = 0; i < LANES; i++) {
      const uint32_t first = lane_next(&lanes[i]), second = lane_next(&lanes[i]);
      double cosine, sine;
      pair(first, second, &cosine, &sine);
      assert_true(fabs((double)x[at + i] - cosine) < 2e-6);
      assert_true(fabs((double)x[at + LANES + i] - sine) < 2e-6);
    }
}

/* From {1, 2, 3, 4}, by hand: (1 + 4) rotated by 7 is 640, and 1 more; then s is {7, 0,
 * 1026, 12288}, and 12295 rotated is 1573760, and 7 more. */
static void the_generator_is_the_published_one(void **state) {
  (void)state;
  lane l = {{1, 2, 3, 4}};
  assert_int_equal(lane_next(&l), 641);
  assert_int_equal(lane_next(&l), 1573767);
}

static void they_have_their_moments(void **state) {
  (void)state;
  enum { N = 200000 };
  static float x[N];
  fr__normals normals;
  fr__normals_init(&normals, 1, 2);
  fr__normals_add(&normals, 1, x, N);
  double sum = 0, squares = 0, fourth = 0, beside = 0;
  for (size_t i = 0; i < N; i++) {
    const double z = (double)x[i];
    sum += z;
    squares += z * z;
    fourth += z * z * z * z;
    beside += i > 0 ? z * (double)x[i - 1] : 0;
  }
  /* Four times the deviation of each mean: 1, sqrt 2, sqrt 96 and 1, over sqrt N. */
  assert_true(fabs(sum / N) < 0.009);
  assert_true(fabs(squares / N - 1) < 0.0127);
  assert_true(fabs(fourth / N - 3) < 0.088);
  assert_true(fabs(beside / N) < 0.009);
}

static void any_count_is_the_start_of_more(void **state) {
  (void)state;
  static float all[COUNT], some[COUNT];
  fr__normals normals;
  fr__normals_init(&normals, 9, 0);
  fr__normals_add(&normals, 0.5f, all, COUNT);
  for (size_t n = 0; n < 3 * LANES; n++) {
    memset(some, 0, sizeof some);
    fr__normals_init(&normals, 9, 0);
    fr__normals_add(&normals, 0.5f, some, n);
    assert_memory_equal(some, all, n * sizeof *all);
    assert_true(some[n] == 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(they_are_those_of_the_formula),
      cmocka_unit_test(the_generator_is_the_published_one),
      cmocka_unit_test(they_have_their_moments),
      cmocka_unit_test(any_count_is_the_start_of_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
