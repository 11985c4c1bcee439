/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From which density on the zeros of a right-hand side are worth leaving out: products
 * that testing meets, packed and sparse in turns, ROUNDS times over, in CPU time of the
 * process; the median of the ratios, and what the table of kern/sparse_choice.c would
 * say.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "kern/kern.h"
#include "kern/sparse.h"

#define ROUNDS 7
#define SPAN_NS 3000000.0

typedef struct bench {
  const char *name;
  fr__gemm gemm;
} bench;

static const bench products[] = {
    {"conv 124x60x64",
     {.m = 124, .k = 60, .n = 64, .lda = 12, .stride_a = 1536, .stride_c = 7936}},
    {"conv 124x320x64",
     {.m = 124, .k = 320, .n = 64, .lda = 64, .stride_a = 8192, .stride_c = 7936}},
    {"conv 28x800x160",
     {.m = 28, .k = 800, .n = 160, .lda = 160, .stride_a = 5120, .stride_c = 4480}},
    {"states 64x128x512", {.m = 64, .k = 128, .n = 512, .lda = 128}},
    {"states 8x128x512", {.m = 8, .k = 128, .n = 512, .lda = 128}},
    {"states 1x128x512", {.m = 1, .k = 128, .n = 512, .lda = 128}},
    {"dense 64x512x256", {.m = 64, .k = 512, .n = 256, .lda = 512}},
};
enum { PRODUCTS = sizeof products / sizeof *products };

static const double densities[] = {0.5, 0.3, 0.2, 0.1, 0.05, 0.02};
enum { DENSITIES = sizeof densities / sizeof *densities };

/* xorshift64* (Vigna 2016) */
static float uniform(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return (float)((*state * 2685821657736338717u) >> 40) * 0x1p-24f;
}

static double time_of(const fr__kern *kern, const fr__gemm *g) {
  size_t times = 1;
  for (;;) {
    const uint64_t start = fr__clock_process_cpu_ns();
    for (size_t i = 0; i < times; i++)
      fr__gemm_run(kern, g);
    const double ns = (double)(fr__clock_process_cpu_ns() - start);
    if (ns > SPAN_NS)
      return ns / (double)times;
    times *= 2;
  }
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Time of the sparse product over that of the packed one. */
static double ratio(const fr__kern *kern, const fr__gemm *packed, const fr__gemm *sparse,
                    double *ns) {
  double each[ROUNDS], times[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) {
    times[i] = time_of(kern, sparse);
    each[i] = times[i] / time_of(kern, packed);
  }
  qsort(each, ROUNDS, sizeof *each, compare);
  qsort(times, ROUNDS, sizeof *times, compare);
  *ns = times[ROUNDS / 2];
  return each[ROUNDS / 2];
}

static void run(const fr__kern *kern, const bench *what, float *a, float *b, float *c,
                float *room) {
  fr__gemm g = what->gemm;
  uint64_t state = 88172645463325252u;
  g.a = a;
  g.b = b;
  g.c = c;
  g.ldb = g.ldc = g.n;
  g.batch = g.stride_a > 0 ? 8 : 1;
  printf("%-20s", what->name);
  for (size_t d = 0; d < DENSITIES; d++) {
    for (size_t i = 0; i < g.n * g.k; i++)
      b[i] = uniform(&state) < (float)densities[d] ? uniform(&state) - 0.5f : 0.0f;
    const size_t numbers = fr__gemm_sparse_numbers(&g);
    fr__sparse sparse;
    fr__gemm packed = g, skips = g;
    fr__gemm_pack(kern, &g, room);
    packed.packed = room;
    packed.packed_n = g.n;
    fr__gemm_sparse_fill(&g, numbers, room + fr__gemm_packed_ceiling(g.n, g.k), &sparse);
    skips.sparse = &sparse;
    double ns;
    const double r = ratio(kern, &packed, &skips, &ns);
    printf("  %5.2f%s", r, fr__gemm_sparse_pays(kern, &g, g.m, numbers) ? "*" : " ");
  }
  printf("\n");
}

int main(void) {
  enum { FLOATS = 1 << 21 };
  fr__kern kern;
  fr_error err;
  if (fr__kern_init(&kern, &err) != FR_OK) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  float *array[4];
  for (size_t i = 0; i < 4; i++) {
    array[i] = aligned_alloc(FR__ALIGN, FLOATS * sizeof(float));
    for (size_t k = 0; array[i] != NULL && k < FLOATS; k++)
      array[i][k] = (float)(k % 101) * 0.01f;
    if (array[i] == NULL)
      return 1;
  }
  printf("%s: time of the sparse product over the packed one; *: it is chosen\n%-20s",
         fr__kern_name(&kern), "share of numbers");
  for (size_t d = 0; d < DENSITIES; d++)
    printf("  %5g ", densities[d]);
  printf("\n");
  for (size_t i = 0; i < PRODUCTS; i++)
    run(&kern, &products[i], array[0], array[1], array[2], array[3]);
  for (size_t i = 0; i < 4; i++)
    free(array[i]);
  fr__kern_release(&kern);
  return 0;
}
