/* SPDX-License-Identifier: Apache-2.0 */
/* Products of floats by way of bytes: exact where bytes hold the numbers, within half a
 * step of each operand elsewhere, in every instruction set. */
#include "each_isa.h"

#include <math.h>

static const char *const sets[] = {"scalar", OWN_NAME,     "avx2", "avxvnni",
                                   "avx512", "avx512vnni", "amx"};
#define SETS (sizeof sets / sizeof *sets)

typedef struct shape {
  size_t m, n, k, lda, batch;
  bool trans_b, accumulate, bias, rectify;
} shape;

static const shape shapes[] = {
    {1, 1, 1, 1, 1, .bias = true},
    {1, 70, 33, 33, 1, .rectify = true},
    {5, 24, 64, 64, 1, .bias = true, .rectify = true},
    {40, 33, 7, 11, 1, .accumulate = true},
    {31, 64, 60, 12, 3, .bias = true, .rectify = true}, /* a convolution */
    {300, 17, 100, 20, 2, .bias = true},
    {300, 40, 3, 3, 1, .trans_b = true, .accumulate = true, .rectify = true},
    {2, 2000, 50, 50, 1, .trans_b = true},
    {3, 5, 65536, 65536, 1, .bias = true},
    {3, 5, 65540, 65540, 1, .bias = true}, /* by float32 */
};

typedef struct operands {
  float *a, *b, *bias, *c, *before, *packed;
  size_t stride_a, stride_c;
  fr__gemm g;
} operands;

static float *numbers(size_t n, float low, float high, bool whole) {
  float *x = malloc((n + 1) * sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < n; i++)
    x[i] = whole ? floorf(random_between(low, high + 1)) : random_between(low, high);
  return x;
}

static operands make(const fr__kern *kern, const shape *s, bool whole) {
  operands o = {.stride_a = (s->m - 1) * s->lda + s->k, .stride_c = s->m * s->n};
  o.a = numbers(s->batch * o.stride_a, whole ? 0 : -1, whole ? 254 : 2, whole);
  o.b = numbers(s->n * s->k, whole ? -126 : -1, whole ? 126 : 1, whole);
  o.bias = numbers(s->n, -3, 3, whole);
  o.before = numbers(s->batch * o.stride_c, -3, 3, whole);
  o.c = malloc(s->batch * o.stride_c * sizeof *o.c);
  memcpy(o.c, o.before, s->batch * o.stride_c * sizeof *o.c);
  for (size_t i = 0; whole && i < s->m * s->batch; i++) /* every row reaches 255 */
    o.a[i / s->m * o.stride_a + i % s->m * s->lda] = 255;
  for (size_t j = 0; whole && j < s->n; j++) /* and every column 127 */
    o.b[s->trans_b ? j * s->k : j] = 127;
  o.g = (fr__gemm){.m = s->m,
                   .n = s->n,
                   .k = s->k,
                   .a = o.a,
                   .lda = s->lda,
                   .b = o.b,
                   .ldb = s->trans_b ? s->k : s->n,
                   .trans_b = s->trans_b,
                   .c = o.c,
                   .ldc = s->n,
                   .accumulate = s->accumulate,
                   .bias = s->bias ? o.bias : NULL,
                   .rectify = s->rectify,
                   .batch = s->batch,
                   .stride_a = o.stride_a,
                   .stride_c = o.stride_c,
                   .packed_n = s->n};
  const size_t floats = fr__gemm_packed_floats(kern, s->n, s->k);
  assert_true(floats <= fr__gemm_packed_ceiling(s->n, s->k));
  o.packed = aligned_alloc(64, (floats * sizeof *o.packed + 63) / 64 * 64);
  assert_non_null(o.packed);
  fr__gemm_pack(kern, &o.g, o.packed);
  o.g.packed = o.packed;
  return o;
}

static void release(operands *o) {
  free(o->a);
  free(o->b);
  free(o->bias);
  free(o->before);
  free(o->c);
  free(o->packed);
}

static float at_b(const operands *o, size_t p, size_t j) {
  return o->b[o->g.trans_b ? j * o->g.k + p : p * o->g.n + j];
}

/* One element by its definition, and how far from it one may be: half a step of each
 * operand. `step`: of A's row, `steps`: of B's column. */
static double element(const operands *o, const float *row, size_t at, size_t j,
                      double step, double steps, double *bound) {
  const fr__gemm *g = &o->g;
  double sum = 0, off = 0;
  for (size_t p = 0; p < g->k; p++) {
    const double x = (double)row[p], w = (double)at_b(o, p, j);
    sum += x * w;
    off += fabs(w) * step / 2 + fabs(x) * steps / 2 + step * steps / 4;
  }
  *bound = off * 1.001 + 1e-5;
  sum += g->accumulate ? (double)o->before[at] : 0;
  sum += g->bias != NULL ? (double)g->bias[j] : 0;
  return g->rectify && sum < 0 ? 0 : sum;
}

static double span_of(const float *x, size_t n) {
  double low = 0, high = 0;
  for (size_t i = 0; i < n; i++) {
    low = fmin(low, (double)x[i]);
    high = fmax(high, (double)x[i]);
  }
  return high - low;
}

static double column_size(const operands *o, size_t j) {
  double size = 0;
  for (size_t p = 0; p < o->g.k; p++)
    size = fmax(size, fabs((double)at_b(o, p, j)));
  return size;
}

/* Some elements of large products, all of small ones. */
static void check_shape(const fr__kern *kern, const shape *s, bool whole) {
  operands o = make(kern, s, whole);
  fr__gemm_run(kern, &o.g);
  const bool run = s->m > 1 && s->lda < s->k;
  const size_t every = s->m * s->n * s->k > 1000000 ? 97 : 1;
  for (size_t at = 0; at < s->batch * o.stride_c; at += every) {
    const size_t item = at / o.stride_c, i = at % o.stride_c / s->n, j = at % s->n;
    const float *a = o.a + item * o.stride_a, *row = a + i * s->lda;
    const double span = run ? span_of(a, o.stride_a) : span_of(row, s->k);
    double bound;
    const double want =
        element(&o, row, at, j, span / 255, column_size(&o, j) / 127, &bound);
    if (whole) /* float32 holds the sum to its last bit */
      bound = s->k > 65536 ? 512 : fabs(want) * 0x1p-22;
    if (fabs((double)o.c[at] - want) > bound)
      fail_msg("(%zu, %zu, %zu)[%zu]: %g where %g was wanted, give or take %g", s->m,
               s->n, s->k, at, (double)o.c[at], want, bound);
  }
  release(&o);
}

static void each_set(void (*check)(const fr__kern *kern)) {
  for (size_t i = 0; i < SETS; i++) {
    fr__kern kern;
    assert_int_equal(setenv("FRUGAL_CPU", sets[i], 1), 0);
    assert_int_equal(fr__kern_init(&kern, NULL), FR_OK);
    fr__kern_set_format(&kern, FR__FORMAT_INT8);
    check(&kern);
    fr__kern_release(&kern);
  }
  assert_int_equal(unsetenv("FRUGAL_CPU"), 0);
}

static void check_whole(const fr__kern *kern) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    check_shape(kern, &shapes[i], true);
}

static void check_near(const fr__kern *kern) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    check_shape(kern, &shapes[i], false);
}

static void test_whole_numbers_are_exact(void **state) {
  (void)state;
  each_set(check_whole);
}

static void test_others_are_within_half_a_step(void **state) {
  (void)state;
  each_set(check_near);
}

static void check_same(const fr__kern *kern) {
  const shape s = {30, 40, 50, 10, 4, .bias = true};
  operands o = make(kern, &s, false);
  float *alone = malloc(o.stride_c * sizeof *alone);
  fr__kern plain = *kern;
  fr__gemm_run(kern, &o.g);
  for (size_t item = 0; item < s.batch; item++) {
    fr__gemm g = o.g;
    g.a += item * o.stride_a;
    g.c = alone;
    g.batch = 1;
    fr__gemm_run(&plain, &g);
    assert_memory_equal(alone, o.c + item * o.stride_c, o.stride_c * sizeof *alone);
  }
  free(alone);
  release(&o);
}

/* An item's numbers do not depend on what stands beside it. */
static void test_items_do_not_see_each_other(void **state) {
  (void)state;
  each_set(check_same);
}

static void check_unpacked(const fr__kern *kern) {
  const shape s = {5, 6, 7, 7, 1, .bias = true};
  operands o = make(kern, &s, false);
  float want[30];
  fr__kern floats = *kern;
  o.g.packed = NULL;
  fr__gemm_run(kern, &o.g);
  memcpy(want, o.c, sizeof want);
  fr__kern_set_format(&floats, FR__FORMAT_F32);
  fr__gemm_run(&floats, &o.g);
  assert_memory_equal(o.c, want, sizeof want);
  release(&o);
}

static void test_what_is_not_packed_is_float32(void **state) {
  (void)state;
  each_set(check_unpacked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_whole_numbers_are_exact),
      cmocka_unit_test(test_others_are_within_half_a_step),
      cmocka_unit_test(test_items_do_not_see_each_other),
      cmocka_unit_test(test_what_is_not_packed_is_float32),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
