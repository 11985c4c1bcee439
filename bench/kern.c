/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How near the kernels come to what this core can do. For each instruction set: the peak
 * of multiply-adds in registers, then the products that training meets, then the
 * element-wise kernels. Everything is measured in turn, ROUNDS times over, in CPU time of
 * the process; the table shows the median and the best.
 *
 * With a number of threads: what they gain. Everything once alone and once shared, in
 * time of the clock, the element-wise kernels on as many elements as are worth sharing.
 *
 * "peers": the products beside those of other libraries, one thread each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "gemm_peers.h"
#include "kern/int8.h"
#include "kern/choice.h"
#include "kern/kern.h"
#include "peak.h"

#define ROUNDS 5
#define SPAN_NS 20000000.0 /* of one measurement */

typedef struct bench {
  const char *name;
  fr__gemm gemm;
} bench;

static const bench products[] = {
    {"conv 124x60x64 x64",
     {.m = 124,
      .k = 60,
      .n = 64,
      .lda = 12,
      .ldb = 64,
      .ldc = 64,
      .batch = 64,
      .stride_a = 1536,
      .stride_c = 7936}},
    {"conv 124x320x64 x64",
     {.m = 124,
      .k = 320,
      .n = 64,
      .lda = 64,
      .ldb = 64,
      .ldc = 64,
      .batch = 64,
      .stride_a = 8192,
      .stride_c = 7936}},
    {"conv dW 60x124x64 +64",
     {.m = 60,
      .k = 124,
      .n = 64,
      .trans_a = true,
      .lda = 12,
      .ldb = 64,
      .ldc = 64,
      .batch = 64,
      .stride_a = 1536,
      .stride_b = 7936}},
    {"conv dW 320x124x64 +64",
     {.m = 320,
      .k = 124,
      .n = 64,
      .trans_a = true,
      .lda = 64,
      .ldb = 64,
      .ldc = 64,
      .batch = 64,
      .stride_a = 8192,
      .stride_b = 7936}},
    {"conv dX 124x64x320 x64",
     {.m = 124,
      .k = 64,
      .n = 320,
      .trans_b = true,
      .lda = 64,
      .ldb = 64,
      .ldc = 320,
      .batch = 64,
      .stride_a = 7936,
      .stride_c = 39680}},
    {"dense 64x225x512",
     {.m = 64, .k = 225, .n = 512, .lda = 225, .ldb = 512, .ldc = 512}},
    {"dense 64x512x256",
     {.m = 64, .k = 512, .n = 256, .lda = 512, .ldb = 256, .ldc = 256}},
    {"dense dW 225x64x512",
     {.m = 225, .k = 64, .n = 512, .trans_a = true, .lda = 225, .ldb = 512, .ldc = 512}},
    {"dense dX 64x512x225",
     {.m = 64, .k = 512, .n = 225, .trans_b = true, .lda = 512, .ldb = 512, .ldc = 225}},
    {"lstm 64x128x512",
     {.m = 64,
      .k = 128,
      .n = 512,
      .lda = 128,
      .ldb = 512,
      .ldc = 512,
      .accumulate = true}},
    {"lstm dh 64x512x128",
     {.m = 64,
      .k = 512,
      .n = 128,
      .trans_b = true,
      .lda = 512,
      .ldb = 512,
      .ldc = 128,
      .accumulate = true}},
    {"head 64x128x6", {.m = 64, .k = 128, .n = 6, .lda = 128, .ldb = 6, .ldc = 6}},
    {"one row 1x512x256",
     {.m = 1, .k = 512, .n = 256, .lda = 512, .ldb = 256, .ldc = 256}},
    {"one row 1x128x512",
     {.m = 1, .k = 128, .n = 512, .lda = 128, .ldb = 512, .ldc = 512}},
};
#define PRODUCTS (sizeof products / sizeof *products)

static const char *const elementwise[] = {
    "exp",       "sigmoid",     "tanh",     "relu", "axpy", "column sum", "lstm forward",
    "lstm back", "gru forward", "gru back", "adam", "sgd",  "rmsprop"};
#define ELEMENTWISE (sizeof elementwise / sizeof *elementwise)
#define ELEMENTS ((size_t)8192) /* the steps': 64 rows of 128 units */
#define ELEMENTS_SHARED ((size_t)1 << 21)

typedef struct results {
  double of[PRODUCTS + ELEMENTWISE + 1][ROUNDS]; /* GFLOP/s; of elements: 10^9 a second */
} results;

#define FLOATS ((size_t)12 << 20) /* of each of the arrays, enough for every product */
typedef struct arrays {
  float *a, *b, *c, *d;
  size_t elements;
} arrays;

static void run_lstm(const fr__kern *kern, const arrays *s, bool forward) {
  const size_t n = s->elements, rows = n / 128;
  float *const t = s->d + n, *const d_gates = s->c + n;
  const fr__lstm_step step = {rows, 128, s->a, 512, s->b, 128,
                              s->c, 128, s->d, 128, t,    128};
  const fr__lstm_back back = {rows, 128,  s->a, 512,  s->b,    128, t,
                              128,  s->d, 128,  s->c, d_gates, 512};
  if (forward)
    fr__lstm_forward(kern, &step);
  else
    fr__lstm_backward(kern, &back);
}

static void run_gru(const fr__kern *kern, const arrays *s, bool forward) {
  const size_t n = s->elements, rows = n / 128;
  float *const d_x = s->c + n, *const d_h = s->d + n, *const h_in = s->b + 3 * n;
  const fr__gru_step step = {rows, 128, s->a, 384, s->b, 384, h_in, 128, s->c, 128};
  const fr__gru_back back = {rows, 128, s->a, 384, s->b, 384, h_in, 128,
                             s->d, 128, s->c, 128, d_x,  384, d_h,  384};
  if (forward)
    fr__gru_forward(kern, &step);
  else
    fr__gru_backward(kern, &back);
}

static void run_elementwise(const fr__kern *kern, const arrays *s, size_t which) {
  const size_t n = s->elements;
  const fr__adam_step adam = {1e-9f, 0.9f, 0.999f, 1e-8f, 0.0f};
  const fr__sgd_step sgd = {1e-9f, 0.9f, 0.0f, true};
  const fr__rmsprop_step rmsprop = {1e-9f, 0.99f, 1e-8f, 0.9f, 0.0f};
  switch (which) {
  case 0: fr__exp(kern, s->a, s->c, n); break;
  case 1: fr__sigmoid(kern, s->a, s->c, n); break;
  case 2: fr__tanh(kern, s->a, s->c, n); break;
  case 3: fr__relu(kern, s->a, s->c, n); break;
  case 4: fr__axpy(kern, 1e-9f, s->a, s->c, n); break;
  case 5: fr__column_sum(kern, s->a, n / 64, 64, s->c); break;
  case 6: run_lstm(kern, s, true); break;
  case 7: run_lstm(kern, s, false); break;
  case 8: run_gru(kern, s, true); break;
  case 9: run_gru(kern, s, false); break;
  case 10: fr__adam(kern, &adam, s->a, s->b, s->c, s->d, n); break;
  case 11: fr__sgd(kern, &sgd, s->a, s->b, s->c, n); break;
  default: fr__rmsprop(kern, &rmsprop, s->a, s->b, s->c, s->d, n); break;
  }
}

typedef uint64_t clock_function(void);

/* 10^9 operations (products) or elements a second of `clock`. */
static double rate(const fr__kern *kern, const arrays *s, size_t which,
                   clock_function *clock) {
  fr__gemm g = {0};
  double work = (double)s->elements, done = 0.0;
  if (which < PRODUCTS) {
    g = products[which].gemm;
    g.a = s->a;
    g.b = s->b;
    g.c = s->c;
    work = 2.0 * (double)(g.m * g.n * g.k * (g.batch != 0 ? g.batch : 1));
  }
  const uint64_t start = clock();
  uint64_t spent = 0;
  while ((double)spent < SPAN_NS) {
    for (int i = 0; i < 4; i++, done += work)
      if (which < PRODUCTS)
        fr__gemm_run(kern, &g);
      else
        run_elementwise(kern, s, which - PRODUCTS);
    spent = clock() - start;
  }
  return done / (double)spent;
}

static double peak_rate(peak_function *peak) {
  float result = 0.999f;
  double done = 0.0;
  const uint64_t start = fr__clock_process_cpu_ns();
  uint64_t spent = 0;
  while ((double)spent < SPAN_NS) {
    done += peak(100000, &result);
    result = 0.999f;
    spent = fr__clock_process_cpu_ns() - start;
  }
  return done / (double)spent;
}

/* Small numbers, the same every time, so that nothing overflows or is subnormal. */
static void fill(const arrays *s) {
  float *const all[] = {s->a, s->b, s->c, s->d};
  for (size_t k = 0; k < 4; k++)
    for (size_t i = 0; i < FLOATS; i++)
      all[k][i] = (float)(i * 7 % 13 + 1) / 16.0f;
}

static int ascending(const void *x, const void *y) {
  const double a = *(const double *)x, b = *(const double *)y;
  return (a > b) - (a < b);
}

static void print_results(const char *name, results *r) {
  double *peak = r->of[PRODUCTS + ELEMENTWISE];
  qsort(peak, ROUNDS, sizeof *peak, ascending);
  printf("%s: peak %.1f GFLOP/s (median), %.1f (best)\n", name, peak[ROUNDS / 2],
         peak[ROUNDS - 1]);
  for (size_t i = 0; i < PRODUCTS + ELEMENTWISE; i++) {
    double *of = r->of[i];
    qsort(of, ROUNDS, sizeof *of, ascending);
    if (i < PRODUCTS)
      printf("  %-24s %8.1f %8.1f GFLOP/s  %3.0f %% of peak\n", products[i].name,
             of[ROUNDS / 2], of[ROUNDS - 1], 100.0 * of[ROUNDS / 2] / peak[ROUNDS / 2]);
    else
      printf("  %-24s %8.2f %8.2f 10^9 elements/s\n", elementwise[i - PRODUCTS],
             of[ROUNDS / 2], of[ROUNDS - 1]);
  }
}

static void measure(const fr__kern *kern, peak_function *peak, const arrays *s) {
  results r;
  fill(s);
  for (size_t round = 0; round < ROUNDS; round++) {
    r.of[PRODUCTS + ELEMENTWISE][round] = peak_rate(peak);
    for (size_t i = 0; i < PRODUCTS + ELEMENTWISE; i++)
      r.of[i][round] = rate(kern, s, i, fr__clock_process_cpu_ns);
  }
  print_results(fr__kern_name(kern), &r);
}

static double median(double of[ROUNDS]) {
  qsort(of, ROUNDS, sizeof *of, ascending);
  return of[ROUNDS / 2];
}

/* Alone and with the pool, in turn. */
static void measure_shared(const fr__kern *alone, const fr__kern *shared,
                           const arrays *s) {
  fill(s);
  printf("%s on %zu threads, 10^9 a second: alone, shared, ratio\n",
         fr__kern_name(shared), fr__pool_threads(shared->pool));
  for (size_t i = 0; i < PRODUCTS + ELEMENTWISE; i++) {
    double one[ROUNDS], more[ROUNDS];
    for (size_t round = 0; round < ROUNDS; round++) {
      one[round] = rate(alone, s, i, fr__clock_ns);
      more[round] = rate(shared, s, i, fr__clock_ns);
    }
    const double x = median(one), y = median(more);
    printf("  %-24s %8.2f %8.2f %6.2f\n",
           i < PRODUCTS ? products[i].name : elementwise[i - PRODUCTS], x, y, y / x);
  }
}

/* ---- beside other libraries ---- */

#define CONTENDERS 8
typedef struct contender {
  const char *name;
  const fr__kern *kern;  /* frugal's, else */
  const gemm_peer *peer; /* another's */
} contender;

/* frugal's own bytes look like another library's here: their B is packed before. */
typedef struct bytes {
  fr__int8_kern kern;
  fr__int8_product product;
  void *packed;
} bytes;

static void release_bytes(void *kept) {
  bytes *b = kept;
  fr__int8_kern_release(&b->kern);
  free(b->packed);
  free(b);
}

/* NULL where A is stored transposed: inference has no such product. */
static void *prepare_bytes(const fr__gemm *g) {
  bytes *b = g->trans_a ? NULL : calloc(1, sizeof *b);
  if (b == NULL || fr__int8_kern_init(&b->kern, NULL) != FR_OK) {
    free(b);
    return NULL;
  }
  const size_t size = fr__int8_packed_bytes(&b->kern, g->n, g->k);
  b->packed = aligned_alloc(FR__ALIGN, (size + FR__ALIGN - 1) / FR__ALIGN * FR__ALIGN);
  if (b->packed == NULL) {
    release_bytes(b);
    return NULL;
  }
  fr__int8_pack(&b->kern, (const int8_t *)g->b, g->n, g->k, 0, b->packed);
  b->product = (fr__int8_product){.m = g->m,
                                  .n = g->n,
                                  .k = g->k,
                                  .ld_x = g->lda,
                                  .packed = b->packed,
                                  .sum = (int32_t *)g->c,
                                  .ld_sum = fr__int8_columns(g->n)};
  return b;
}

static void run_bytes(void *kept, const fr__gemm *g) {
  bytes *b = kept;
  for (size_t i = 0; i == 0 || i < g->batch; i++) {
    b->product.x = (const int8_t *)g->a + i * g->stride_a;
    fr__int8_multiply(&b->kern, &b->product);
  }
}

static const gemm_peer frugal_bytes = {"frugal s8", prepare_bytes, run_bytes,
                                       release_bytes};

static fr__gemm product_of(const arrays *s, size_t which) {
  fr__gemm g = products[which].gemm;
  g.a = s->a;
  g.b = s->b;
  g.c = s->c;
  return g;
}

/* Every contender may pack a shared B beforehand, as a training step does. */
static void *prepare(const contender *of, fr__gemm *g, float *packed) {
  if (of->peer != NULL)
    return of->peer->prepare(g);
  if (g->stride_b == 0) {
    fr__gemm_pack(of->kern, g, packed);
    g->packed = packed;
    g->packed_n = g->n;
  }
  return packed;
}

/* GFLOP/s; 0 where it cannot. */
static double contend(const contender *of, const arrays *s, size_t which) {
  fr__gemm g = product_of(s, which);
  void *kept = prepare(of, &g, s->d);
  if (kept == NULL)
    return 0.0;
  const double work = 2.0 * (double)(g.m * g.n * g.k * (g.batch != 0 ? g.batch : 1));
  double done = 0.0;
  const uint64_t start = fr__clock_process_cpu_ns();
  uint64_t spent = 0;
  while ((double)spent < SPAN_NS) {
    for (int i = 0; i < 4; i++, done += work)
      if (of->peer != NULL)
        of->peer->run(kept, &g);
      else
        fr__gemm_run(of->kern, &g);
    spent = fr__clock_process_cpu_ns() - start;
  }
  if (of->peer != NULL)
    of->peer->release(kept);
  return done / (double)spent;
}

static void contend_all(const contender *of, size_t count, const arrays *s) {
  printf("GFLOP/s%*s", 19, "");
  for (size_t c = 0; c < count; c++)
    printf(" %12s", of[c].name);
  printf("\n");
  for (size_t i = 0; i < PRODUCTS; i++) {
    double rates[CONTENDERS][ROUNDS];
    fill(s);
    for (size_t round = 0; round < ROUNDS; round++)
      for (size_t c = 0; c < count; c++)
        rates[c][round] = contend(&of[c], s, i);
    printf("  %-24s", products[i].name);
    for (size_t c = 0; c < count; c++)
      if (rates[c][0] > 0.0)
        printf(" %12.1f", median(rates[c]));
      else
        printf(" %12s", "-");
    printf("\n");
  }
}

static enum fr_status bench_peers(const arrays *s, fr_error *err) {
  fr__kern f32 = {0}, bf16 = {0};
  enum fr_status status = fr__kern_init(&f32, err);
  if (status == FR_OK)
    status = fr__kern_init(&bf16, err);
  if (status == FR_OK) {
    contender all[CONTENDERS] = {{"frugal f32", &f32, NULL}};
    size_t count = 1;
    if (fr__kern_fast(&bf16, FR__FORMAT_BF16) != NULL) {
      fr__kern_set_format(&bf16, FR__FORMAT_BF16);
      all[count++] = (contender){"frugal bf16", &bf16, NULL};
    }
    all[count++] = (contender){frugal_bytes.name, NULL, &frugal_bytes};
    for (size_t i = 0; gemm_peers[i] != NULL && count < CONTENDERS; i++)
      all[count++] = (contender){gemm_peers[i]->name, NULL, gemm_peers[i]};
    gemm_peers_print();
    contend_all(all, count, s);
  }
  fr__kern_release(&bf16);
  fr__kern_release(&f32);
  return status;
}

/* Other libraries read how many threads they may have when they are loaded. */
static void alone(char **argv) {
  if (getenv("OMP_NUM_THREADS") != NULL)
    return;
  setenv("OMP_NUM_THREADS", "1", 1);
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
  unsetenv("OPENBLAS_CORETYPE");
  unsetenv("OPENBLAS_L2_SIZE");
  execv("/proc/self/exe", argv);
}

static const struct {
  enum fr__isa isa;
  peak_function *peak;
} isas[] = {
#ifdef FR__KERN_HAVE_X86
    {FR__ISA_AVX512, fr__kern_peak_avx512},
    {FR__ISA_AVX2, fr__kern_peak_avx2},
#endif
    {FR__ISA_BASELINE, fr__kern_peak_baseline},
    {FR__ISA_SCALAR, fr__kern_peak_scalar},
};

/* One instruction set, where this machine has it; on one thread, or on `threads`. */
static enum fr_status bench_isa(size_t isa, size_t threads, const arrays *s,
                                fr_error *err) {
  fr__kern alone = {0}, shared = {0};
  fr__pool *pool = NULL;
  const char *name = fr__isa_name(isas[isa].isa);
  setenv("FRUGAL_CPU", name, 1);
  enum fr_status status = fr__kern_init(&alone, err);
  if (status == FR_OK)
    status = fr__kern_init(&shared, err);
  if (status == FR_OK)
    status = fr__pool_new(threads, &pool, err);
  if (status == FR_OK)
    status = fr__kern_set_pool(&shared, pool, err);
  if (status == FR_OK && strcmp(fr__kern_name(&alone), name) == 0) {
    if (threads > 1)
      measure_shared(&alone, &shared, s);
    else
      measure(&alone, isas[isa].peak, s);
  }
  fr__kern_release(&shared);
  fr__kern_release(&alone);
  fr__pool_free(pool);
  return status;
}

/* Without an argument every instruction set of this machine, else the one named, with a
 * number of threads; or "peers". */
int main(int argc, char **argv) {
  alone(argv);
  const size_t threads = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
  float *all = calloc(4 * FLOATS, sizeof *all);
  if (all == NULL)
    return 1;
  const arrays s = {all, all + FLOATS, all + 2 * FLOATS, all + 3 * FLOATS,
                    threads > 1 ? ELEMENTS_SHARED : ELEMENTS};
  enum fr_status status = FR_OK;
  fr_error err = {0};
  for (size_t i = 0; i < sizeof isas / sizeof *isas && status == FR_OK; i++)
    if (argc < 2 || strcmp(argv[1], fr__isa_name(isas[i].isa)) == 0)
      status = bench_isa(i, threads, &s, &err);
  if (status == FR_OK && argc > 1 && strcmp(argv[1], "peers") == 0)
    status = bench_peers(&s, &err);
  if (status != FR_OK)
    fprintf(stderr, "kern: %s\n", err.text);
  free(all);
  return status == FR_OK ? 0 : 1;
}
