/* SPDX-License-Identifier: Apache-2.0 */
/* Products of matrices against a plain loop in double precision, of operands as they are
 * and of operands rounded to bf16. */
#include "each_isa.h"

#include <math.h>

/* Arrays of one product, each exactly as long as its last element needs. */
typedef struct product {
  fr__gemm g;
  size_t a_size, b_size, c_size;
  float *a, *b, *c, *bias;
} product;

static size_t batch_of(const fr__gemm *g) { return g->batch != 0 ? g->batch : 1; }

static size_t extent(size_t rows, size_t ld, size_t columns, size_t batch,
                     size_t stride) {
  return rows == 0 || columns == 0 ? 0 : (batch - 1) * stride + (rows - 1) * ld + columns;
}

static void product_init(product *p, fr__gemm g, bool bias) {
  const size_t batch = batch_of(&g);
  *p = (product){.g = g};
  p->a_size =
      extent(g.trans_a ? g.k : g.m, g.lda, g.trans_a ? g.m : g.k, batch, g.stride_a);
  p->b_size =
      extent(g.trans_b ? g.n : g.k, g.ldb, g.trans_b ? g.k : g.n, batch, g.stride_b);
  p->c_size = extent(g.m, g.ldc, g.n, batch, g.stride_c);
  p->g.a = p->a = random_floats(p->a_size);
  p->g.b = p->b = random_floats(p->b_size);
  p->g.c = p->c = random_floats(p->c_size);
  p->bias = random_floats(g.n);
  p->g.bias = bias ? p->bias : NULL;
}

static void product_release(product *p) {
  free(p->a);
  free(p->b);
  free(p->c);
  free(p->bias);
}

/* Of the product at hand. */
static enum fr__format format;

/* To 8 bits of significand, ties to even, by the C library's rounding. */
static double operand(float x) {
  int exponent;
  const double fraction = frexp((double)x, &exponent);
  return format == FR__FORMAT_F32 ? (double)x
                                  : ldexp(nearbyint(fraction * 256.0), exponent - 8);
}

static float *rounded(const float *from, size_t count) {
  float *x = copy_floats(from, count);
  for (size_t i = 0; i < count; i++)
    x[i] = (float)operand(x[i]);
  return x;
}

static double row_times_column(const fr__gemm *g, size_t item, size_t r, size_t c) {
  const float *a = g->a + item * g->stride_a;
  const float *b = g->b + item * g->stride_b;
  double sum = 0.0;
  for (size_t p = 0; p < g->k; p++)
    sum += (double)(g->trans_a ? a[p * g->lda + r] : a[r * g->lda + p]) *
           (double)(g->trans_b ? b[c * g->ldb + p] : b[p * g->ldb + c]);
  return sum;
}

/* What element (r, c) of product `item` should be, `before` being what C held. */
static double expected(const fr__gemm *g, const float *before, size_t item, size_t r,
                       size_t c) {
  const bool reduced = batch_of(g) > 1 && g->stride_c == 0;
  double sum = g->bias != NULL ? (double)g->bias[c] : 0.0;
  if (g->accumulate)
    sum += (double)before[item * g->stride_c + r * g->ldc + c];
  for (size_t i = reduced ? 0 : item; i < (reduced ? batch_of(g) : item + 1); i++)
    sum += row_times_column(g, i, r, c);
  return g->rectify && sum < 0.0 ? 0.0 : sum;
}

static void check_product(const fr__kern *kern, product *p) {
  const fr__gemm *g = &p->g;
  const bool reduced = batch_of(g) > 1 && g->stride_c == 0;
  const size_t items = reduced ? 1 : batch_of(g);
  const double terms = (double)(g->k * (reduced ? batch_of(g) : 1)) + 2.0;
  const double bound = 2.4e-7 * terms + 1e-6; /* partial sums grow, too */
  float *before = copy_floats(p->c, p->c_size);
  float *mark =
      copy_floats(p->c, p->c_size); /* what C should be where it is not written */
  float *a = rounded(p->a, p->a_size), *b = rounded(p->b, p->b_size);
  fr__gemm exact = *g;
  exact.a = a;
  exact.b = b;
  fr__gemm_run(kern, g);
  for (size_t i = 0; i < items; i++)
    for (size_t r = 0; r < g->m; r++)
      for (size_t c = 0; c < g->n; c++) {
        const size_t at = i * g->stride_c + r * g->ldc + c;
        const double want = expected(&exact, before, i, r, c);
        if (!(fabs((double)p->c[at] - want) <= bound))
          fail_msg("%s m %zu n %zu k %zu batch %zu: (%zu, %zu) of %zu is %g, not %g",
                   fr__kern_name(kern), g->m, g->n, g->k, g->batch, r, c, i,
                   (double)p->c[at], want);
        mark[at] = p->c[at];
      }
  if (p->c_size != 0)
    assert_memory_equal(mark, p->c, p->c_size * sizeof *mark);
  free(before);
  free(mark);
  free(a);
  free(b);
}

/* With B packed beforehand an element is the same bits. */
static void check_packed(const fr__kern *kern, const product *p) {
  fr__gemm g = p->g;
  if (g.stride_b != 0 && g.batch > 1)
    return;
  const size_t floats = fr__gemm_packed_floats(kern, g.n, g.k);
  float *packed = aligned_alloc(64, (floats + 16) / 16 * 64);
  float *c = copy_floats(p->c, p->c_size), *before = copy_floats(p->c, p->c_size);
  assert_non_null(packed);
  assert_true(floats <= fr__gemm_packed_ceiling(g.n, g.k));
  fr__gemm_pack(kern, &g, packed);
  fr__gemm_run(kern, &g);
  g.b = NULL;
  g.c = c;
  g.packed = packed;
  g.packed_n = g.n;
  fr__gemm_run(kern, &g);
  if (p->c_size != 0) {
    assert_memory_equal(c, p->c, p->c_size * sizeof *c);
    memcpy(p->c, before, p->c_size * sizeof *c);
  }
  free(packed);
  free(before);
  free(c);
}

/* Every test with both formats. */
static void (*check_either)(const fr__kern *kern);

static void check_formats(const fr__kern *kern) {
  fr__kern here = *kern;
  for (format = FR__FORMAT_F32; format <= FR__FORMAT_BF16; format++) {
    fr__kern_set_format(&here, format);
    check_either(&here);
  }
}

static void each_format(void (*check)(const fr__kern *kern)) {
  check_either = check;
  each_isa(check_formats);
}

static size_t random_size(void) {
  static const size_t likely[] = {0, 1, 2, 3, 14, 15, 16, 17, 31, 32, 33, 64};
  return random_below(2) == 0 ? likely[random_below(sizeof likely / sizeof *likely)]
                              : random_below(70);
}

static fr__gemm random_shape(void) {
  fr__gemm g = {.m = random_size(), .n = random_size(), .k = random_size()};
  if (random_below(8) == 0)
    g.k = 200 + random_below(500); /* more than one block of k */
  g.trans_a = random_below(2) == 0;
  g.trans_b = random_below(2) == 0;
  g.accumulate = random_below(2) == 0;
  g.rectify = random_below(4) == 0;
  g.batch = random_below(8) == 0 ? 30 : random_below(4);
  g.lda = (g.trans_a ? g.m : g.k) + random_below(3);
  g.ldb = (g.trans_b ? g.k : g.n) + random_below(3);
  g.ldc = g.n + random_below(3);
  g.stride_a = (g.trans_a ? g.k : g.m) * g.lda + random_below(2);
  g.stride_b = random_below(2) * ((g.trans_b ? g.n : g.k) * g.ldb + random_below(2));
  g.stride_c = random_below(3) == 0 ? 0 : g.m * g.ldc + random_below(2);
  if (random_below(4) == 0 && g.lda > 3)
    g.lda = 3; /* overlapping rows */
  return g;
}

static void check_random(const fr__kern *kern) {
  for (size_t i = 0; i < 300; i++) {
    product p;
    product_init(&p, random_shape(), random_below(2) == 0);
    check_packed(kern, &p);
    check_product(kern, &p);
    product_release(&p);
  }
}

static void test_random_shapes(void **state) {
  (void)state;
  each_format(check_random);
}

/* The shapes that training meets, and some whose A or B does not fit the scratch. */
static void check_real(const fr__kern *kern) {
  static const fr__gemm shapes[] = {
      /* a convolution of 5 steps over 12 channels, its second layer, its weight gradient
       */
      {.m = 124,
       .n = 64,
       .k = 60,
       .lda = 12,
       .ldb = 64,
       .ldc = 64,
       .batch = 4,
       .stride_a = 1536,
       .stride_c = 7936},
      {.m = 124,
       .n = 64,
       .k = 320,
       .lda = 64,
       .ldb = 64,
       .ldc = 64,
       .batch = 3,
       .stride_a = 8192,
       .stride_c = 7936},
      {.m = 60,
       .n = 64,
       .k = 124,
       .lda = 12,
       .trans_a = true,
       .ldb = 64,
       .ldc = 64,
       .batch = 8,
       .stride_a = 1536,
       .stride_b = 7936},
      {.m = 64, .n = 225, .k = 512, .lda = 512, .ldb = 512, .trans_b = true, .ldc = 225},
      {.m = 1, .n = 512, .k = 128, .lda = 128, .ldb = 512, .ldc = 512},
      {.m = 1,
       .n = 70,
       .k = 300,
       .lda = 300,
       .ldb = 70,
       .ldc = 70,
       .batch = 40,
       .stride_a = 300,
       .stride_c = 70},
      {.m = 130, .n = 1100, .k = 520, .lda = 520, .ldb = 1100, .ldc = 1100},
      /* A that does not fit the scratch when it is packed: dense, transposed, overlapping
       */
      {.m = 300, .n = 16, .k = 1000, .lda = 1000, .ldb = 16, .ldc = 16},
      {.m = 300, .n = 16, .k = 1000, .lda = 300, .trans_a = true, .ldb = 16, .ldc = 16},
      {.m = 2500, .n = 17, .k = 320, .lda = 64, .ldb = 17, .ldc = 17},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    product p;
    product_init(&p, shapes[i], true);
    check_product(kern, &p);
    product_release(&p);
  }
}

static void test_shapes_of_training(void **state) {
  (void)state;
  each_format(check_real);
}

static void check_addresses(const fr__kern *kern) {
  fr__gemm g = {.m = 29, .n = 45, .k = 300, .lda = 300, .ldb = 45, .ldc = 45};
  product p;
  product_init(&p, g, true);
  fr__gemm_run(kern, &p.g);
  float *first = copy_floats(p.c, p.c_size);
  for (size_t shift = 1; shift < 16; shift++) {
    float *a = random_floats(p.a_size + shift), *b = random_floats(p.b_size + shift);
    float *c = random_floats(p.c_size + shift);
    memcpy(a + shift, p.a, p.a_size * sizeof *a);
    memcpy(b + shift, p.b, p.b_size * sizeof *b);
    g = p.g;
    g.a = a + shift;
    g.b = b + shift;
    g.c = c + shift;
    fr__gemm_run(kern, &g);
    assert_memory_equal(c + shift, first, p.c_size * sizeof *c);
    free(a);
    free(b);
    free(c);
  }
  free(first);
  product_release(&p);
}

static void test_address_does_not_matter(void **state) {
  (void)state;
  each_format(check_addresses);
}

/* A row alone, a row among others and a row of a batch are the same bits. */
static void check_neighbours(const fr__kern *kern) {
  fr__gemm g = {.m = 61, .n = 37, .k = 270, .lda = 270, .ldb = 37, .ldc = 37};
  product p;
  product_init(&p, g, true);
  fr__gemm_run(kern, &p.g);
  float *alone = random_floats(p.c_size);
  for (size_t r = 0; r < g.m; r++) {
    fr__gemm one = p.g;
    one.m = 1;
    one.a = p.a + r * g.lda;
    one.c = alone + r * g.ldc;
    fr__gemm_run(kern, &one);
  }
  assert_memory_equal(alone, p.c, p.c_size * sizeof *alone);
  fr__gemm batch = p.g;
  batch.m = 1;
  batch.batch = g.m;
  batch.stride_a = g.lda;
  batch.stride_c = g.ldc;
  batch.c = alone;
  fr__gemm_run(kern, &batch);
  assert_memory_equal(alone, p.c, p.c_size * sizeof *alone);
  free(alone);
  product_release(&p);
}

static void test_neighbours_do_not_matter(void **state) {
  (void)state;
  each_format(check_neighbours);
}

/* What cannot be rounded: a number that is too large becomes infinite, what is not a
 * number stays one, wherever it stands. */
static void check_special(const fr__kern *kern) {
  const float values[] = {3.4e38f, -3.4e38f, INFINITY, NAN};
  for (size_t v = 0; v < 4; v++)
    for (size_t at = 0; at < 3; at++) {
      float a[3] = {1.0f, 1.0f, 1.0f}, b[3] = {1.0f, 1.0f, 1.0f}, c = 0.0f;
      a[at] = values[v];
      const fr__gemm g = {
          .m = 1, .n = 1, .k = 3, .a = a, .lda = 3, .b = b, .ldb = 1, .c = &c, .ldc = 1};
      fr__gemm_run(kern, &g);
      assert_true(isnan(values[v]) ? isnan(c) : fabsf(c) >= 3.3e38f);
      assert_true(isnan(c) || (c > 0.0f) == (values[v] > 0.0f));
    }
}

static void test_special_operands(void **state) {
  (void)state;
  each_format(check_special);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_shapes),
      cmocka_unit_test(test_shapes_of_training),
      cmocka_unit_test(test_address_does_not_matter),
      cmocka_unit_test(test_neighbours_do_not_matter),
      cmocka_unit_test(test_special_operands),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
