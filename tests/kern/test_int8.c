/* SPDX-License-Identifier: Apache-2.0 */
/* Products of bytes and what belongs to them against plain loops in 64 bits: not a bit
 * may differ, in any instruction set. */
#include "each_isa.h"

#include <math.h>

#include "kern/int8.h"

static const char *const names[] = {"scalar", OWN_NAME,     "avx2", "avxvnni",
                                    "avx512", "avx512vnni", "amx"};
#define NAMES (sizeof names / sizeof *names)

#ifdef FR_TESTS_AMX_EMULATED
#include "kern/int8_ops.h"

extern const fr__int8_ops fr__kern_int8_amxemulated;

/* Products on tiles in plain C; all else needs avx512vnni and bf16. */
static void emulated_set(void (*check)(const fr__int8_kern *kern)) {
  fr__int8_kern kern;
  if (!fr__isa_works(FR__ISA_AVX512VNNI) || !fr__isa_works(FR__ISA_AVX512BF16)) {
    print_message("# tiles are not emulated here\n");
    return;
  }
  assert_int_equal(fr__int8_kern_init(&kern, NULL), FR_OK);
  kern.ops = &fr__kern_int8_amxemulated;
  check(&kern);
  fr__int8_kern_release(&kern);
}
#else
static void emulated_set(void (*check)(const fr__int8_kern *kern)) { (void)check; }
#endif

static void each_set(void (*check)(const fr__int8_kern *kern)) {
  for (size_t i = 0; i < NAMES; i++) {
    fr__int8_kern kern;
    assert_int_equal(setenv("FRUGAL_CPU", names[i], 1), 0);
    assert_int_equal(fr__int8_kern_init(&kern, NULL), FR_OK);
    if (strcmp(fr__int8_kern_name(&kern), names[i]) == 0)
      check(&kern);
    else
      print_message("# %s is not to be had here\n", names[i]);
    fr__int8_kern_release(&kern);
  }
  assert_int_equal(unsetenv("FRUGAL_CPU"), 0);
  emulated_set(check);
}

static int8_t random_byte(void) {
  const size_t kind = random_below(8);
  return (int8_t)(kind == 0 ? -128 : kind == 1 ? 127 : (int)random_below(256) - 128);
}

/* At least one, each allocation its own: the address sanitizer sees a step beyond. */
static int8_t *random_bytes(size_t n) {
  int8_t *x = malloc(n + (n == 0));
  assert_non_null(x);
  for (size_t i = 0; i < n; i++)
    x[i] = random_byte();
  return x;
}

static void check_shape(const fr__int8_kern *kern, size_t m, size_t n, size_t k,
                        size_t ld_x, int32_t zero) {
  int8_t *x = random_bytes((m - 1) * ld_x + k), *w = random_bytes(n * k);
  const size_t ld_sum = fr__int8_columns(n) + random_below(2) * 32;
  const size_t bytes = (fr__int8_packed_bytes(kern, n, k) + 63) / 64 * 64;
  void *packed = aligned_alloc(64, bytes != 0 ? bytes : 64);
  int32_t *sum = malloc(m * ld_sum * sizeof *sum);
  assert_true(packed != NULL && sum != NULL);
  fr__int8_pack(kern, w, n, k, zero, packed);
  const fr__int8_product product = {m, n, k, x, ld_x, zero, packed, sum, ld_sum};
  fr__int8_multiply(kern, &product);
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) {
      int64_t want = 0;
      for (size_t p = 0; p < k; p++)
        want += (int64_t)(x[i * ld_x + p] - zero) * w[j * k + p];
      if (sum[i * ld_sum + j] != want)
        fail_msg("%s m %zu n %zu k %zu ld %zu zero %d: (%zu, %zu) is %d, not %lld",
                 fr__int8_kern_name(kern), m, n, k, ld_x, zero, i, j, sum[i * ld_sum + j],
                 (long long)want);
    }
  free(x);
  free(w);
  free(packed);
  free(sum);
}

static void check_products(const fr__int8_kern *kern) {
  for (size_t i = 0; i < 300; i++) {
    const size_t k = 1 + random_below(90), kind = random_below(4);
    const size_t ld_x =
        kind == 0 ? 1 + random_below(k) : k + (kind == 1) * random_below(9);
    check_shape(kern, 1 + random_below(50), 1 + random_below(150), k, ld_x,
                (int32_t)random_below(256) - 128);
  }
  check_shape(kern, 124, 64, 320, 64, 3);    /* a convolution */
  check_shape(kern, 7, 3, 65536, 4, -128);   /* the longest sums, which overlap */
  check_shape(kern, 40, 2, 40000, 40000, 5); /* more than the scratch holds */
  check_shape(kern, 3, 2, 30000, 50000, 5);
}

static void test_products(void **state) {
  (void)state;
  each_set(check_products);
}

/* The longest sum of the greatest numbers. */
static void check_greatest(const fr__int8_kern *kern) {
  enum { K = 65536 };
  int8_t *x = malloc(K), *w = malloc(K);
  int32_t sum[64];
  void *packed = aligned_alloc(64, (fr__int8_packed_bytes(kern, 1, K) + 63) / 64 * 64);
  assert_true(x != NULL && w != NULL && packed != NULL);
  memset(x, 127, K);
  memset(w, 127, K);
  fr__int8_pack(kern, w, 1, K, -128, packed);
  const fr__int8_product product = {1, 1, K, x, K, -128, packed, sum, 64};
  fr__int8_multiply(kern, &product);
  assert_int_equal(sum[0], 255 * 127 * K);
  free(x);
  free(w);
  free(packed);
}

static void test_greatest_sum(void **state) {
  (void)state;
  each_set(check_greatest);
}

static int8_t byte_of(int64_t sum, int32_t mul, int64_t add, int32_t shift) {
  const int64_t q = (sum * mul + add) >> shift; /* floors with every compiler here */
  return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

static void check_scales(const fr__int8_kern *kern) {
  for (size_t i = 0; i < 200; i++) {
    const size_t rows = 1 + random_below(5), columns = 1 + random_below(40);
    const size_t ld_sum = fr__int8_columns(columns);
    int32_t sum[5 * 64], mul[64];
    int64_t add[64];
    int8_t y[5 * 64], *x = random_bytes(rows * columns);
    fr__int8_requantizing s = {rows, columns, mul, add, (int32_t)random_below(50),
                               y,    columns};
    for (size_t c = 0; c < columns; c++) {
      mul[c] = (int32_t)(random_bits() >> 34) - (1 << 29);
      add[c] = (int64_t)(random_bits() >> 4) >> random_below(40);
    }
    for (size_t k = 0; k < rows * ld_sum; k++)
      sum[k] = (int32_t)((int64_t)(random_bits() >> 32) - 2147483648) >> random_below(28);
    fr__int8_requantize(kern, &s, sum, ld_sum);
    for (size_t k = 0; k < rows * columns; k++)
      assert_int_equal(y[k], byte_of(sum[k / columns * ld_sum + k % columns],
                                     mul[k % columns], add[k % columns], s.shift));
    fr__int8_requantize_bytes(kern, &s, x);
    for (size_t k = 0; k < rows * columns; k++)
      assert_int_equal(y[k], byte_of(x[k], mul[k % columns], add[k % columns], s.shift));
    free(x);
  }
}

static void test_scales(void **state) {
  (void)state;
  each_set(check_scales);
}

static void check_columns(const fr__int8_kern *kern) {
  for (size_t i = 0; i < 100; i++) {
    const size_t rows = 1 + random_below(200), columns = 1 + random_below(100);
    int8_t *x = random_bytes(rows * columns), greatest[100];
    int32_t sum[100];
    fr__int8_column_sum(kern, x, rows, columns, sum);
    fr__int8_column_max(kern, x, rows, columns, greatest);
    for (size_t c = 0; c < columns; c++) {
      int32_t want = 0;
      int8_t most = -128;
      for (size_t r = 0; r < rows; r++) {
        want += x[r * columns + c];
        most = x[r * columns + c] > most ? x[r * columns + c] : most;
      }
      assert_int_equal(sum[c], want);
      assert_int_equal(greatest[c], most);
    }
    free(x);
  }
}

static void test_columns(void **state) {
  (void)state;
  each_set(check_columns);
}

/* Halves away from zero, by the C library. */
static void check_quantize(const fr__int8_kern *kern) {
  const float special[] = {0.0f, -0.0f, NAN, INFINITY, -INFINITY, 1e30f, 0.25f, -0.25f};
  float x[140];
  int8_t y[140];
  for (size_t i = 0; i < 140; i++)
    x[i] = i < 8 ? special[i] : 0.25f * (float)(int)random_below(1200) - 150.0f;
  for (int32_t zero = -128; zero < 128; zero += 17)
    for (size_t n = 0; n <= 140; n += 1 + random_below(9)) {
      fr__int8_quantize(kern, x, n, 2.0f, zero, y);
      for (size_t i = 0; i < n; i++) {
        const double q = isnan(x[i]) ? 0.0 : round((double)x[i]);
        const double want =
            fmin(fmax(fmin(fmax(q, -512.0), 512.0) + zero, -128.0), 127.0);
        assert_int_equal(y[i], (int)want);
      }
    }
}

static void test_quantize(void **state) {
  (void)state;
  each_set(check_quantize);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_products), cmocka_unit_test(test_greatest_sum),
      cmocka_unit_test(test_scales),   cmocka_unit_test(test_columns),
      cmocka_unit_test(test_quantize),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
