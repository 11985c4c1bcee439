/* SPDX-License-Identifier: Apache-2.0 */
/* The same bits on every number of threads, in every number of pieces. */
#include "each_isa.h"

#include <stdatomic.h>

#include "base/pool.h"
#include "kern/split.h"

/* The linker puts this before the C library's; true: there is no memory. */
static bool no_memory;

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return no_memory ? NULL : __real_aligned_alloc(alignment, size);
}

static const size_t thread_counts[] = {1, 2, 3, 5, 8};
#define THREAD_COUNTS (sizeof thread_counts / sizeof *thread_counts)

/* A kern of the same instruction set with `threads`; the caller's (release_threaded). */
static fr__kern threaded(const fr__kern *kern, size_t threads) {
  fr__kern own;
  fr__pool *pool = NULL;
  assert_int_equal(setenv("FRUGAL_CPU", fr__kern_name(kern), 1), 0);
  assert_int_equal(fr__kern_init(&own, NULL), FR_OK);
  own.bf16 = kern->bf16; /* emulated, maybe */
  assert_int_equal(fr__pool_new(threads, &pool, NULL), FR_OK);
  assert_int_equal(fr__kern_set_pool(&own, pool, NULL), FR_OK);
  return own;
}

static void release_threaded(fr__kern *kern) {
  fr__pool *pool = kern->pool;
  fr__kern_release(kern);
  fr__pool_free(pool);
}

/* Calls `check` with a kern of every `step`-th number of threads. */
static void each_count(const fr__kern *kern, size_t step,
                       void (*check)(const fr__kern *alone, const fr__kern *shared)) {
  for (size_t i = 0; i < THREAD_COUNTS; i += step) {
    fr__kern shared = threaded(kern, thread_counts[i]);
    check(kern, &shared);
    release_threaded(&shared);
  }
}

/* ---- products ---- */

typedef struct product {
  fr__gemm g;
  float *a, *b, *c, *bias;
  size_t c_size;
} product;

static size_t batch_of(const fr__gemm *g) { return g->batch != 0 ? g->batch : 1; }

static size_t extent(size_t rows, size_t ld, size_t columns, size_t batch,
                     size_t stride) {
  return rows == 0 || columns == 0 ? 0 : (batch - 1) * stride + (rows - 1) * ld + columns;
}

static product product_of(fr__gemm g) {
  const size_t batch = batch_of(&g);
  const size_t a_rows = g.trans_a ? g.k : g.m, b_rows = g.trans_b ? g.n : g.k;
  product p = {.c_size = extent(g.m, g.ldc, g.n, batch, g.stride_c)};
  p.a = random_floats(extent(a_rows, g.lda, g.trans_a ? g.m : g.k, batch, g.stride_a));
  p.b = random_floats(extent(b_rows, g.ldb, g.trans_b ? g.k : g.n, batch, g.stride_b));
  p.c = random_floats(p.c_size);
  p.bias = random_floats(g.n);
  p.g = g;
  p.g.a = p.a;
  p.g.b = p.b;
  p.g.bias = random_below(2) == 0 ? p.bias : NULL;
  return p;
}

static void product_release(product *p) {
  free(p->a);
  free(p->b);
  free(p->c);
  free(p->bias);
}

/* What C becomes, in `pieces` pieces; 0: as its size demands. The caller's (free). */
static float *result(const fr__kern *kern, const product *p, size_t pieces) {
  fr__gemm g = p->g;
  float *c = copy_floats(p->c, p->c_size);
  g.c = c;
  if (pieces != 0)
    fr__gemm_pieces(kern, &g, pieces);
  else
    fr__gemm_run(kern, &g);
  return c;
}

static void check_same(const fr__kern *alone, const fr__kern *shared, const product *p,
                       size_t pieces) {
  const fr__gemm *g = &p->g;
  float *want = result(alone, p, 0), *got = result(shared, p, pieces);
  if (p->c_size != 0 && memcmp(want, got, p->c_size * sizeof *want) != 0)
    fail_msg("%s m %zu n %zu k %zu%s%s batch %zu (%zu) differs on %zu threads in %zu",
             fr__kern_name(alone), g->m, g->n, g->k, g->trans_a ? " A'" : "",
             g->trans_b ? " B'" : "", g->batch, g->stride_c,
             fr__pool_threads(shared->pool), pieces);
  free(want);
  free(got);
}

static size_t random_size(size_t most) {
  static const size_t likely[] = {0,  1,  2,  13, 14,  15,  16,  17,
                                  28, 31, 32, 33, 112, 113, 127, 128};
  const size_t size = likely[random_below(sizeof likely / sizeof *likely)];
  return random_below(3) == 0 && size <= most ? size : random_below(most + 1);
}

/* The sizes meet rows alone, edges, copies of B and several pieces of k. */
static fr__gemm random_shape(size_t most) {
  fr__gemm g = {.m = random_size(most), .n = random_size(most), .k = random_size(most)};
  if (random_below(6) == 0)
    g.k = 250 + random_below(500);
  g.trans_a = random_below(2) == 0;
  g.trans_b = random_below(2) == 0;
  g.accumulate = random_below(2) == 0;
  g.batch = random_below(3) == 0 ? random_below(10) : 0;
  g.lda = (g.trans_a ? g.m : g.k) + random_below(2);
  g.ldb = (g.trans_b ? g.k : g.n) + random_below(2);
  g.ldc = g.n + random_below(2);
  g.stride_a = (g.trans_a ? g.k : g.m) * g.lda + random_below(2);
  g.stride_b = random_below(2) * ((g.trans_b ? g.n : g.k) * g.ldb + random_below(2));
  g.stride_c = random_below(3) == 0 ? 0 : g.m * g.ldc + random_below(2);
  if (random_below(4) == 0 && g.lda > 3)
    g.lda = 3; /* overlapping rows, as a convolution's */
  return g;
}

static void check_pieces(const fr__kern *alone, const fr__kern *shared) {
  for (size_t i = 0; i < 250; i++) {
    product p = product_of(random_shape(i % 10 == 0 ? 300 : 130));
    check_same(alone, shared, &p, 1 + random_below(40));
    product_release(&p);
  }
}

static void each_count_of_pieces(const fr__kern *kern) {
  each_count(kern, 1, check_pieces);
}

static void test_products_in_any_pieces(void **state) {
  (void)state;
  each_isa(each_count_of_pieces);
}

/* Shared for their size: each is 16 million multiply-adds at least. */
static const fr__gemm big[] = {
    /* a convolution, and its weight gradient, summed over the batch */
    {.m = 124,
     .n = 64,
     .k = 320,
     .lda = 64,
     .ldb = 64,
     .ldc = 64,
     .batch = 17,
     .stride_a = 8192,
     .stride_c = 7936},
    {.m = 320,
     .n = 64,
     .k = 124,
     .lda = 64,
     .trans_a = true,
     .ldb = 64,
     .ldc = 64,
     .batch = 17,
     .stride_a = 8192,
     .stride_b = 7936},
    /* dense layers, straight and transposed, and one row alone */
    {.m = 201, .n = 515, .k = 300, .lda = 300, .ldb = 515, .ldc = 515},
    {.m = 201, .n = 515, .k = 300, .lda = 201, .trans_a = true, .ldb = 515, .ldc = 515},
    {.m = 201, .n = 515, .k = 300, .lda = 300, .ldb = 300, .trans_b = true, .ldc = 515},
    {.m = 1, .n = 9001, .k = 2100, .lda = 2100, .ldb = 9001, .ldc = 9001},
    {.m = 6000, .n = 6, .k = 500, .lda = 500, .ldb = 6, .ldc = 6},
    /* many rows, each an item of a batch */
    {.m = 1,
     .n = 70,
     .k = 300,
     .lda = 300,
     .ldb = 70,
     .ldc = 70,
     .batch = 1000,
     .stride_a = 300,
     .stride_c = 70},
};
#define BIG (sizeof big / sizeof *big)

static void check_big(const fr__kern *alone, const fr__kern *shared) {
  for (size_t i = 0; i < BIG; i++) {
    fr__gemm g = big[i];
    g.accumulate = i % 2 != 0;
    product p = product_of(g);
    check_same(alone, shared, &p, 0);
    product_release(&p);
  }
}

static void each_count_of_big(const fr__kern *kern) { each_count(kern, 1, check_big); }

static void test_big_products(void **state) {
  (void)state;
  each_isa(each_count_of_big);
}

/* ---- everything else ---- */

/* Elements: pieces of the cheapest for all of eight threads, and a tail. */
#define MANY (((size_t)1 << 19) + 4099)

typedef void array_function(const fr__kern *kern, float *const array[4], size_t n);

static void run_exp(const fr__kern *kern, float *const a[4], size_t n) {
  fr__exp(kern, a[0], a[1], n);
}

static void run_sigmoid(const fr__kern *kern, float *const a[4], size_t n) {
  fr__sigmoid(kern, a[0], a[1], n);
}

static void run_tanh(const fr__kern *kern, float *const a[4], size_t n) {
  fr__tanh(kern, a[0], a[0], n);
}

static void run_relu(const fr__kern *kern, float *const a[4], size_t n) {
  fr__relu(kern, a[0], a[1], n);
}

static void run_relu_backward(const fr__kern *kern, float *const a[4], size_t n) {
  fr__relu_backward(kern, a[0], a[1], a[2], n);
}

static void run_axpy(const fr__kern *kern, float *const a[4], size_t n) {
  fr__axpy(kern, 0.3f, a[0], a[1], n);
}

static void run_column_sum(const fr__kern *kern, float *const a[4], size_t n) {
  const size_t columns[] = {1, 17, 64, 100, 333, 4099};
  float *sum = a[1];
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    fr__column_sum(kern, a[0], n / columns[i], columns[i], sum);
    sum += columns[i];
  }
}

static void run_normalize(const fr__kern *kern, float *const a[4], size_t n) {
  const size_t columns[] = {64, 333, 4099};
  float *sum = a[3];
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
    const size_t c = columns[i], rows = n / c;
    float *const of[] = {sum, sum + c, sum + 2 * c, sum + 3 * c};
    fr__column_moments(kern, a[0], rows / 3, c, 0, of[0], of[1]);
    fr__column_moments(kern, a[0] + rows / 3 * c, rows - rows / 3, c, rows / 3, of[0],
                       of[1]);
    fr__column_products(kern, a[0], a[1], rows, c, of[0], of[2], of[3]);
    fr__scale_shift(kern, a[0], rows, c, of[1], of[2], a[2]);
    const fr__normalize_back back = {rows,  c,     a[0],  a[2], of[0],
                                     of[1], of[2], of[3], a[2]};
    fr__normalize_backward(kern, &back);
    sum += 4 * c;
  }
}

static void run_adam(const fr__kern *kern, float *const a[4], size_t n) {
  const fr__adam_step step = {0.01f, 0.9f, 0.999f, 1e-8f, 1e-4f};
  fr__relu(kern, a[3], a[3], n); /* a second moment is not negative */
  fr__adam(kern, &step, a[0], a[1], a[2], a[3], n);
}

static void run_sgd(const fr__kern *kern, float *const a[4], size_t n) {
  const fr__sgd_step with = {0.01f, 0.9f, 1e-4f, true}, without = {0.01f, 0.0f, 0.0f, 0};
  fr__sgd(kern, &with, a[0], a[1], a[2], n);
  fr__sgd(kern, &without, a[0], a[3], NULL, n);
}

static void run_rmsprop(const fr__kern *kern, float *const a[4], size_t n) {
  const fr__rmsprop_step step = {0.01f, 0.99f, 1e-8f, 0.9f, 1e-4f};
  fr__relu(kern, a[2], a[2], n);
  fr__rmsprop(kern, &step, a[0], a[1], a[2], a[3], n);
}

/* 700 rows of 61 units, 4 gates of each: what fits the arrays. */
#define ROWS ((size_t)700)
#define UNITS ((size_t)61)

static void run_lstm(const fr__kern *kern, float *const a[4], size_t n) {
  float *const c = a[2], *const h = a[2] + ROWS * UNITS, *const t = h + ROWS * UNITS;
  (void)n;
  const fr__lstm_step step = {ROWS, UNITS, a[0], 4 * UNITS, a[1], UNITS,
                              c,    UNITS, h,    UNITS,     t,    UNITS};
  const fr__lstm_back back = {ROWS,  UNITS, a[0],  4 * UNITS, a[1], UNITS,    t,
                              UNITS, h,     UNITS, c,         a[3], 4 * UNITS};
  fr__lstm_forward(kern, &step);
  fr__lstm_backward(kern, &back);
}

static void run_gru(const fr__kern *kern, float *const a[4], size_t n) {
  const size_t gates = 3 * UNITS;
  float *const h_in = a[2], *const h_out = a[2] + ROWS * UNITS;
  (void)n;
  const fr__gru_step step = {ROWS,  UNITS, a[0],  gates, a[1],
                             gates, h_in,  UNITS, h_out, UNITS};
  const fr__gru_back back = {ROWS,  UNITS, a[0],  gates, a[1], gates, h_in, UNITS,
                             h_out, UNITS, h_out, UNITS, a[3], gates, a[1], gates};
  fr__gru_forward(kern, &step);
  fr__gru_backward(kern, &back);
}

static array_function *const functions[] = {
    run_exp,  run_sigmoid,    run_tanh,     run_relu, run_relu_backward,
    run_axpy, run_column_sum, run_adam,     run_sgd,  run_rmsprop,
    run_lstm, run_gru,        run_normalize};
#define FUNCTIONS (sizeof functions / sizeof *functions)

static void copy_arrays(float *const from[4], float *to[4]) {
  for (size_t k = 0; k < 4; k++)
    memcpy(to[k], from[k], MANY * sizeof **to);
}

static void check_arrays(const fr__kern *alone, const fr__kern *shared) {
  float *start[4], *want[4], *got[4];
  for (size_t k = 0; k < 4; k++) {
    start[k] = random_floats(MANY);
    want[k] = copy_floats(start[k], MANY);
    got[k] = copy_floats(start[k], MANY);
  }
  for (size_t f = 0; f < FUNCTIONS; f++) {
    copy_arrays(start, want);
    copy_arrays(start, got);
    functions[f](alone, want, MANY);
    functions[f](shared, got, MANY);
    for (size_t k = 0; k < 4; k++)
      assert_memory_equal(want[k], got[k], MANY * sizeof **want);
  }
  for (size_t k = 0; k < 4; k++) {
    free(start[k]);
    free(want[k]);
    free(got[k]);
  }
}

static void each_count_of_arrays(const fr__kern *kern) {
  each_count(kern, 2, check_arrays);
}

static void test_elements_columns_and_rows(void **state) {
  (void)state;
  each_isa(each_count_of_arrays);
}

/* ---- what is shared, and with whom ---- */

/* A range tells its piece: together they are everything, once, cut at the grain. */
static void test_ranges_cover_everything(void **state) {
  (void)state;
  for (size_t i = 0; i < 2000; i++) {
    const size_t total = random_below(300), grain = 1 + random_below(40);
    const size_t pieces = 1 + random_below(20);
    size_t next = 0;
    for (size_t k = 0; k < pieces; k++) {
      const fr__range r = fr__split_range(total, grain, pieces, k);
      if (r.count == 0)
        continue;
      assert_int_equal(r.first, next);
      assert_int_equal(r.first % grain, 0);
      next = r.first + r.count;
    }
    assert_int_equal(next, total);
  }
}

static void test_small_work_stays_with_the_caller(void **state) {
  (void)state;
  fr__kern kern;
  assert_int_equal(fr__kern_init(&kern, NULL), FR_OK);
  assert_int_equal(fr__split_pieces(&kern, 1e9, 1.0), 1); /* no threads */
  fr__kern two = threaded(&kern, 2);
  assert_int_equal(fr__split_pieces(&two, 19.0, 10.0), 1);
  assert_int_equal(fr__split_pieces(&two, 21.0, 10.0), 2);
  assert_int_equal(fr__split_pieces(&two, 39.0, 10.0), 2); /* as many for each thread */
  assert_int_equal(fr__split_pieces(&two, 41.0, 10.0), 4);
  assert_int_equal(fr__split_pieces(&two, 1e30, 10.0), 2 * FR__PIECES_A_THREAD);
  assert_int_equal(fr__kern_shares(&two, 1e3), 1);
  assert_int_equal(fr__kern_shares(&two, 1e12), 2);
  assert_int_equal(fr__kern_shares(&kern, 1e12), 1);
  release_threaded(&two);
  fr__kern three = threaded(&kern, 3);
  assert_int_equal(fr__split_pieces(&three, 21.0, 10.0), 2); /* fewer than threads */
  assert_int_equal(fr__split_pieces(&three, 51.0, 10.0), 3);
  release_threaded(&three);
  fr__kern_release(&kern);
  unsetenv("FRUGAL_CPU");
}

/* Tasks of the pool may use its kern: a small product in each, B transposed, so that it
 * is copied to the scratch, which has to be the thread's own. */
typedef struct nest {
  const fr__kern *kern;
  const product *p;
  const float *want;
  atomic_size_t wrong;
} nest;

static void nested_task(void *self, size_t index, size_t worker) {
  nest *n = self;
  (void)worker;
  float c[30 * 70];
  fr__gemm g = n->p->g;
  g.c = c;
  if (index % 2 == 0)
    fr__gemm_run(n->kern, &g);
  else
    fr__gemm_pieces(n->kern, &g, 3);
  if (memcmp(c, n->want, sizeof c) != 0)
    atomic_fetch_add(&n->wrong, 1);
}

static void check_nested(const fr__kern *alone, const fr__kern *shared) {
  product p = product_of((fr__gemm){
      .m = 30, .n = 70, .k = 300, .lda = 300, .ldb = 300, .trans_b = true, .ldc = 70});
  float *want = result(alone, &p, 0);
  nest n = {.kern = shared, .p = &p, .want = want};
  fr__pool_run(shared->pool, nested_task, &n, 300);
  assert_int_equal(atomic_load(&n.wrong), 0);
  free(want);
  product_release(&p);
}

static void each_count_of_nested(const fr__kern *kern) {
  each_count(kern, 2, check_nested);
}

static void test_tasks_may_use_the_kern(void **state) {
  (void)state;
  each_isa(each_count_of_nested);
}

/* From pool to pool and to none, the same kern goes on working. */
static void check_change(const fr__kern *kern) {
  fr__kern own = threaded(kern, 3);
  fr__pool *three = own.pool, *five = NULL;
  assert_int_equal(fr__pool_new(5, &five, NULL), FR_OK);
  check_nested(kern, &own);
  assert_int_equal(fr__kern_set_pool(&own, five, NULL), FR_OK);
  check_nested(kern, &own);
  assert_int_equal(fr__kern_set_pool(&own, NULL, NULL), FR_OK);
  check_big(kern, &own);
  fr__pool_free(three);
  fr__pool_free(five);
  fr__kern_release(&own);
}

static void test_the_pool_may_change(void **state) {
  (void)state;
  each_isa(check_change);
}

/* Where there is no memory for another pool's scratch, the kern keeps its own. */
static void check_no_memory(const fr__kern *kern) {
  fr__kern own = threaded(kern, 3);
  fr__pool *three = own.pool, *five = NULL;
  fr_error err = {0};
  assert_int_equal(fr__pool_new(5, &five, NULL), FR_OK);
  no_memory = true;
  assert_int_equal(fr__kern_set_pool(&own, five, &err), FR_ERR_MEMORY);
  no_memory = false;
  assert_int_equal(err.status, FR_ERR_MEMORY);
  assert_ptr_equal(own.pool, three);
  check_nested(kern, &own);
  fr__pool_free(five);
  release_threaded(&own);
}

static void test_without_memory_all_is_as_before(void **state) {
  (void)state;
  each_isa(check_no_memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_products_in_any_pieces),
      cmocka_unit_test(test_big_products),
      cmocka_unit_test(test_elements_columns_and_rows),
      cmocka_unit_test(test_ranges_cover_everything),
      cmocka_unit_test(test_small_work_stays_with_the_caller),
      cmocka_unit_test(test_tasks_may_use_the_kern),
      cmocka_unit_test(test_the_pool_may_change),
      cmocka_unit_test(test_without_memory_all_is_as_before),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
