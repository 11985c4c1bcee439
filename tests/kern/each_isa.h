/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of the kernels: every instruction set of this machine, random
 * arrays. */
#ifndef FR_TESTS_KERN_EACH_ISA_H
#define FR_TESTS_KERN_EACH_ISA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kern/kern.h"

/* From the least to the most. */
#ifdef __aarch64__
#define OWN_NAME "neon"
static const char *const isa_names[] = {"scalar", OWN_NAME, "neonbf16"};
#else
#define OWN_NAME "sse2"
static const char *const isa_names[] = {"scalar", OWN_NAME,     "avx2",
                                        "avx512", "avx512bf16", "amx"};
#endif
#define ISA_NAMES (sizeof isa_names / sizeof *isa_names)

#ifdef FR_TESTS_AMX_EMULATED
#include "kern/choice.h"
#include "kern/ops.h"

extern const fr__products fr__kern_products_amxemulated;

/* Products on tiles, though in plain C: what packs for them needs avx512bf16. */
static inline void emulated_isa(void (*check)(const fr__kern *kern)) {
  fr__kern kern;
  if (!fr__isa_works(FR__ISA_AVX512BF16)) {
    print_message("# tiles are not emulated here\n");
    return;
  }
  assert_int_equal(fr__kern_init(&kern, NULL), FR_OK);
  kern.bf16 = &fr__kern_products_amxemulated;
  check(&kern);
  fr__kern_release(&kern);
}
#else
static inline void emulated_isa(void (*check)(const fr__kern *kern)) { (void)check; }
#endif

/* Calls `check` once for every set that this machine has. */
static inline void each_isa(void (*check)(const fr__kern *kern)) {
  for (size_t i = 0; i < ISA_NAMES; i++) {
    fr__kern kern;
    assert_int_equal(setenv("FRUGAL_CPU", isa_names[i], 1), 0);
    assert_int_equal(fr__kern_init(&kern, NULL), FR_OK);
    if (strcmp(fr__kern_name(&kern), isa_names[i]) == 0)
      check(&kern);
    else
      print_message("# %s is not to be had here\n", isa_names[i]);
    fr__kern_release(&kern);
  }
  assert_int_equal(unsetenv("FRUGAL_CPU"), 0);
  emulated_isa(check);
}

/* xorshift64* (Vigna 2016): the tests' own numbers. */
static uint64_t random_state = 88172645463325252u;

static inline uint64_t random_bits(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 2685821657736338717u;
}

static inline size_t random_below(size_t n) { return (size_t)(random_bits() >> 33) % n; }

static inline float random_between(float low, float high) {
  return low + (high - low) * (float)(random_bits() >> 40) * 0x1p-24f;
}

/* `count` floats in [-1, 1], at least one; the caller's (free). Each is an allocation of
 * its own, so that the address sanitizer sees a step beyond its end. */
static inline float *random_floats(size_t count) {
  float *x = malloc((count + (count == 0)) * sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < count; i++)
    x[i] = random_between(-1.0f, 1.0f);
  return x;
}

static inline float *copy_floats(const float *from, size_t count) {
  float *x = malloc((count + (count == 0)) * sizeof *x);
  assert_non_null(x);
  if (count != 0)
    memcpy(x, from, count * sizeof *x);
  return x;
}

#endif
