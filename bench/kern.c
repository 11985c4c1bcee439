/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How near the kernels come to what this core can do. For each instruction set: the peak
 * of multiply-adds in registers, then the products that training meets, then the
 * element-wise kernels. Everything is measured in turn, ROUNDS times over, in CPU time of
 * the process; the table shows the median and the best.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
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

static const char *const elementwise[] = {"exp",          "sigmoid",   "tanh",
                                          "relu",         "axpy",      "column sum",
                                          "lstm forward", "lstm back", "adam"};
#define ELEMENTWISE (sizeof elementwise / sizeof *elementwise)
#define ELEMENTS ((size_t)8192) /* the lstm's: 64 rows of 128 units */

typedef struct results {
  double of[PRODUCTS + ELEMENTWISE + 1][ROUNDS]; /* GFLOP/s; of elements: 10^9 a second */
} results;

#define FLOATS ((size_t)4 << 20) /* of each of the arrays, enough for every product */
typedef struct arrays {
  float *a, *b, *c, *d;
} arrays;

static void run_elementwise(const fr__kern *kern, const arrays *s, size_t which) {
  const fr__lstm_step step = {
      64, 128, s->a, 512, s->b, 128, s->c, 128, s->d, 128, s->d + ELEMENTS, 128};
  const fr__lstm_back back = {64,
                              128,
                              s->a,
                              512,
                              s->b,
                              128,
                              s->c,
                              128,
                              s->d,
                              128,
                              s->d + ELEMENTS,
                              s->c + ELEMENTS,
                              512};
  const fr__adam_step adam = {1e-9f, 0.9f, 0.999f, 1e-8f, 0.0f};
  switch (which) {
  case 0: fr__exp(kern, s->a, s->c, ELEMENTS); break;
  case 1: fr__sigmoid(kern, s->a, s->c, ELEMENTS); break;
  case 2: fr__tanh(kern, s->a, s->c, ELEMENTS); break;
  case 3: fr__relu(kern, s->a, s->c, ELEMENTS); break;
  case 4: fr__axpy(kern, 1e-9f, s->a, s->c, ELEMENTS); break;
  case 5: fr__column_sum(kern, s->a, ELEMENTS / 64, 64, s->c); break;
  case 6: fr__lstm_forward(kern, &step); break;
  case 7: fr__lstm_backward(kern, &back); break;
  default: fr__adam(kern, &adam, s->a, s->b, s->c, s->d, ELEMENTS); break;
  }
}

/* 10^9 operations (products) or elements a second of CPU time. */
static double rate(const fr__kern *kern, const arrays *s, size_t which) {
  fr__gemm g = {0};
  double work = (double)ELEMENTS, done = 0.0;
  if (which < PRODUCTS) {
    g = products[which].gemm;
    g.a = s->a;
    g.b = s->b;
    g.c = s->c;
    work = 2.0 * (double)(g.m * g.n * g.k * (g.batch != 0 ? g.batch : 1));
  }
  const uint64_t start = fr__clock_process_cpu_ns();
  uint64_t spent = 0;
  while ((double)spent < SPAN_NS) {
    for (int i = 0; i < 4; i++, done += work)
      if (which < PRODUCTS)
        fr__gemm_run(kern, &g);
      else
        run_elementwise(kern, s, which - PRODUCTS);
    spent = fr__clock_process_cpu_ns() - start;
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
      r.of[i][round] = rate(kern, s, i);
  }
  print_results(fr__kern_name(kern), &r);
}

static const struct {
  const char *name;
  peak_function *peak;
} isas[] = {
#ifdef FR__KERN_HAVE_X86
    {"avx512", fr__kern_peak_avx512},
    {"avx2", fr__kern_peak_avx2},
#endif
    {"baseline", fr__kern_peak_baseline},
};

/* Without an argument every instruction set of this machine, else the one named. */
int main(int argc, char **argv) {
  float *all = calloc(4 * FLOATS, sizeof *all);
  if (all == NULL)
    return 1;
  const arrays s = {all, all + FLOATS, all + 2 * FLOATS, all + 3 * FLOATS};
  for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
    fr__kern kern;
    fr_error err;
    if (argc > 1 && strcmp(argv[1], isas[i].name) != 0)
      continue;
    setenv("FRUGAL_CPU", isas[i].name, 1);
    if (fr__kern_init(&kern, &err) != FR_OK) {
      fprintf(stderr, "kern: %s\n", err.text);
      free(all);
      return 1;
    }
    if (strcmp(fr__kern_name(&kern), isas[i].name) == 0)
      measure(&kern, isas[i].peak, &s);
    fr__kern_release(&kern);
  }
  free(all);
  return 0;
}
