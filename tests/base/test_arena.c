/* SPDX-License-Identifier: Apache-2.0 */
#include "../test.h"

#include "base/arena.h"

static void measures_then_takes(void **state) {
  (void)state;
  fr__arena arena = {0};
  assert_null(fr__arena_take(&arena, 3, sizeof(float)));
  assert_null(fr__arena_take(&arena, 100, sizeof(double)));
  const size_t need = arena.used;
  assert_int_equal(need, 64 + 832);
  ASSERT_OK(fr__arena_init(&arena, need, err));
  float *a = fr__arena_take(&arena, 3, sizeof(float));
  double *b = fr__arena_take(&arena, 100, sizeof(double));
  assert_non_null(a);
  assert_non_null(b);
  assert_int_equal((uintptr_t)a % FR__ALIGN, 0);
  assert_int_equal((uintptr_t)b % FR__ALIGN, 0);
  for (size_t i = 0; i < 100; i++)
    assert_true(b[i] == 0.0);
  fr__arena_release(&arena);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  fr__arena arena = {0};
  ASSERT_OK(fr__arena_init(&arena, 64, err));
  assert_null(fr__arena_take(&arena, 1000, 8));
  assert_non_null(fr__arena_take(&arena, 64, 1));
  fr__arena_release(&arena);
}

static void an_overflowing_size_fails_as_memory(void **state) {
  (void)state;
  fr__arena arena = {0};
  assert_null(fr__arena_take(&arena, SIZE_MAX / 2, 4));
  assert_null(fr__arena_take(&arena, 1, 1));
  fr_error err = {0};
  assert_int_equal(fr__arena_init(&arena, arena.used, &err), FR_ERR_MEMORY);
  assert_int_equal(err.status, FR_ERR_MEMORY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(measures_then_takes),
      cmocka_unit_test(refuses_what_does_not_fit),
      cmocka_unit_test(an_overflowing_size_fails_as_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
