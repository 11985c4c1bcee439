/* SPDX-License-Identifier: Apache-2.0 */
/* Products that leave zeros out against a plain loop in double precision: any rows, any
 * density, rows that overlap, pieces over threads. */
#include "each_isa.h"

#include <math.h>

#include "base/arena.h"
#include "kern/sparse.h"

typedef struct product {
  fr__gemm g;
  size_t a_size, b_size, c_size;
  float *a, *b, *c, *bias, *before;
  void *room;
  fr__sparse sparse;
} product;

static size_t batch_of(const fr__gemm *g) { return g->batch > 0 ? g->batch : 1; }

static void product_init(product *p, fr__gemm g, double density) {
  const size_t batch = batch_of(&g);
  *p = (product){.g = g};
  p->a_size = (batch - 1) * g.stride_a + (g.m - 1) * g.lda + g.k;
  p->c_size = (batch - 1) * g.stride_c + (g.m - 1) * g.ldc + g.n;
  p->b_size = (g.k - 1) * g.ldb + g.n;
  p->g.a = p->a = random_floats(p->a_size);
  p->g.b = p->b = random_floats(p->b_size);
  p->g.c = p->c = random_floats(p->c_size);
  p->before = copy_floats(p->c, p->c_size);
  p->bias = random_floats(g.n);
  p->g.bias = random_below(2) == 0 ? p->bias : NULL;
  for (size_t i = 0; i < p->b_size; i++)
    if (random_between(0, 1) >= (float)density)
      p->b[i] = 0;
  const size_t numbers = fr__gemm_sparse_numbers(&p->g);
  p->room = calloc(fr__gemm_sparse_floats(g.n, numbers), sizeof(float));
  fr__gemm_sparse_fill(&p->g, numbers, p->room, &p->sparse);
  p->g.sparse = &p->sparse;
}

static void product_release(product *p) {
  free(p->a);
  free(p->b);
  free(p->c);
  free(p->bias);
  free(p->before);
  free(p->room);
}

static double element(const product *p, size_t item, size_t r, size_t c,
                      double *magnitude) {
  const fr__gemm *g = &p->g;
  double sum = g->bias != NULL ? (double)g->bias[c] : 0;
  if (g->accumulate)
    sum += (double)p->before[item * g->stride_c + r * g->ldc + c];
  *magnitude = 1 + fabs(sum);
  for (size_t k = 0; k < g->k; k++) {
    const double x =
        (double)p->a[item * g->stride_a + r * g->lda + k] * (double)p->b[k * g->ldb + c];
    sum += x;
    *magnitude += fabs(x);
  }
  return g->rectify && sum < 0 ? 0 : sum;
}

static void check_product(const product *p) {
  const fr__gemm *g = &p->g;
  for (size_t i = 0; i < batch_of(g); i++)
    for (size_t r = 0; r < g->m; r++)
      for (size_t c = 0; c < g->n; c++) {
        double magnitude;
        const double wanted = element(p, i, r, c, &magnitude);
        const double got = (double)p->c[i * g->stride_c + r * g->ldc + c];
        if (!(fabs(got - wanted) <= 4e-7 * magnitude))
          fail_msg("(%zu, %zu) of item %zu of %zu x %zu x %zu: %g where %g is right", r,
                   c, i, g->m, g->k, g->n, got, wanted);
      }
}

/* Of dense layers and states: rows side by side, any distance apart. */
static fr__gemm any_product(void) {
  fr__gemm g = {.m = 1 + random_below(150),
                .n = 1 + random_below(70),
                .k = 1 + random_below(90),
                .batch = random_below(4),
                .accumulate = random_below(2) == 0,
                .rectify = random_below(2) == 0};
  g.lda = g.k + random_below(9);
  g.ldb = g.n + random_below(5);
  g.ldc = g.n + random_below(5);
  g.stride_a = g.m * g.lda + random_below(3);
  g.stride_c = g.m * g.ldc + random_below(3);
  return g;
}

/* Of convolutions: a row begins amid the one before. */
static fr__gemm overlapping_product(void) {
  const size_t channels = 1 + random_below(30), width = 2 + random_below(6);
  fr__gemm g = any_product();
  g.lda = channels;
  g.k = width * channels;
  g.stride_a = (g.m + width - 1) * channels;
  return g;
}

static void check_isa(const fr__kern *kern) {
  static const double densities[] = {0, 0.02, 0.1, 0.5, 1};
  for (size_t i = 0; i < 120; i++) {
    product p;
    product_init(&p, i % 2 == 0 ? any_product() : overlapping_product(),
                 densities[random_below(5)]);
    fr__gemm_run(kern, &p.g);
    check_product(&p);
    product_release(&p);
  }
}

static void every_set_leaves_out_zeros_alone(void **state) {
  (void)state;
  each_isa(check_isa);
}

/* Nothing behind the arrays is read or written: they are as long as they need be (the
 * address sanitizer sees), and rows that are not C's stay. */
static void check_threads(const fr__kern *kern) {
  fr__kern shared;
  fr__pool *pool = NULL;
  (void)kern;
  assert_int_equal(fr__kern_init(&shared, NULL), FR_OK);
  for (size_t i = 0; i < 6; i++) {
    fr__gemm g = i % 2 == 0 ? any_product() : overlapping_product();
    product p;
    g.m = 400;
    g.n = 150;
    g.ldb = g.ldc = g.n;
    g.batch = 3;
    g.accumulate = false;
    g.stride_a = (g.m + 6) * g.lda;
    g.stride_c = g.m * g.ldc;
    product_init(&p, g, 0.3);
    fr__gemm_run(&shared, &p.g);
    float *alone = copy_floats(p.c, p.c_size);
    assert_int_equal(fr__pool_new(3, &pool, NULL), FR_OK);
    assert_int_equal(fr__kern_set_pool(&shared, pool, NULL), FR_OK);
    fr__gemm_run(&shared, &p.g);
    assert_memory_equal(alone, p.c, p.c_size * sizeof(float));
    assert_int_equal(fr__kern_set_pool(&shared, NULL, NULL), FR_OK);
    fr__pool_free(pool);
    free(alone);
    product_release(&p);
  }
  fr__kern_release(&shared);
}

static void threads_change_no_bit(void **state) {
  (void)state;
  each_isa(check_threads);
}

static void check_rows(const fr__kern *kern) {
  product p;
  fr__gemm g = any_product();
  g.m = 100;
  g.batch = 0;
  g.accumulate = false;
  product_init(&p, g, 0.2);
  fr__gemm_run(kern, &p.g);
  float *together = copy_floats(p.c, p.c_size);
  for (size_t r = 0; r < p.g.m; r++) { /* each alone is the same bits */
    fr__gemm one = p.g;
    one.m = 1;
    one.a += r * g.lda;
    one.c += r * g.ldc;
    fr__gemm_run(kern, &one);
  }
  assert_memory_equal(together, p.c, p.c_size * sizeof(float));
  free(together);
  product_release(&p);
}

static void an_element_does_not_depend_on_what_stands_beside_it(void **state) {
  (void)state;
  each_isa(check_rows);
}

static void check_choice(const fr__kern *kern) {
  fr__gemm g = {.m = 64, .n = 128, .k = 128, .lda = 128, .ldb = 128};
  assert_true(fr__gemm_sparse_pays(kern, &g, 64, 128 * 128 / 50));
  assert_false(fr__gemm_sparse_pays(kern, &g, 64, 128 * 128));
  g.lda = 50; /* 128 is not whole rows of 50 */
  assert_false(fr__gemm_sparse_pays(kern, &g, 64, 100));
  g.lda = g.k = 1 << 20; /* more than the scratch */
  assert_false(fr__gemm_sparse_pays(kern, &g, 64, 100));
}

static void it_is_chosen_where_it_pays(void **state) {
  (void)state;
  each_isa(check_choice);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_set_leaves_out_zeros_alone),
      cmocka_unit_test(threads_change_no_bit),
      cmocka_unit_test(an_element_does_not_depend_on_what_stands_beside_it),
      cmocka_unit_test(it_is_chosen_where_it_pays),
  };
  return cmocka_run_group_tests_name("kern/sparse", tests, NULL, NULL);
}
