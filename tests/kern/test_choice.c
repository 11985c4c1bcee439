/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernels are chosen, and what FRUGAL_CPU does to it. */
#include "each_isa.h"

static size_t rank(const char *name) {
  for (size_t i = 0; i < ISA_NAMES; i++)
    if (strcmp(isa_names[i], name) == 0)
      return i;
  fail_msg("'%s' is no instruction set", name);
  return 0;
}

static size_t chosen_rank(void) {
  fr__kern kern;
  assert_int_equal(fr__kern_init(&kern, NULL), FR_OK);
  const size_t chosen = rank(fr__kern_name(&kern));
  fr__kern_release(&kern);
  return chosen;
}

static void test_held_down(void **state) {
  (void)state;
  unsetenv("FRUGAL_CPU");
  const size_t best = chosen_rank();
  for (size_t i = 0; i < ISA_NAMES; i++) {
    setenv("FRUGAL_CPU", isa_names[i], 1);
    assert_int_equal(chosen_rank(), i < best ? i : best);
  }
  setenv("FRUGAL_CPU", "", 1);
  assert_int_equal(chosen_rank(), best);
  unsetenv("FRUGAL_CPU");
}

static void test_unknown_name(void **state) {
  (void)state;
  fr__kern kern = {0};
  fr_error err = {0};
  setenv("FRUGAL_CPU", "sse9", 1);
  assert_int_equal(fr__kern_init(&kern, &err), FR_ERR_ARGUMENT);
  assert_non_null(strstr(err.text, "'sse9'"));
  assert_non_null(strstr(err.text, "avx2"));
  assert_null(kern.ops);
  unsetenv("FRUGAL_CPU");
}

static void test_scratch_is_aligned(void **state) {
  (void)state;
  fr__kern kern;
  assert_int_equal(fr__kern_init(&kern, NULL), FR_OK);
  assert_int_equal((uintptr_t)kern.scratch % 64, 0);
  fr__kern_release(&kern);
  assert_null(kern.scratch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_held_down),
      cmocka_unit_test(test_unknown_name),
      cmocka_unit_test(test_scratch_is_aligned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
