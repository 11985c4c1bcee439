/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_pruned BEFORE AFTER...: what testing takes with each model after the first,
 * against the first, in batches of 64 and of single samples: prepared, in turns, ROUNDS
 * times over, in CPU time of the process; the median of the ratios and their range.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "frugal/model.h"

#define ROUNDS 9
#define SPAN_NS 40000000.0 /* of one measurement */
#define LARGEST_BATCH 64

typedef struct work {
  fr_net *net;
  const float *x;
  size_t batch;
} work;

static double time_of(const work *w) {
  size_t times = 1;
  for (;;) {
    const uint64_t start = fr__clock_process_cpu_ns();
    for (size_t i = 0; i < times; i++)
      (void)fr_net_forward(w->net, w->x, w->batch, 0, fr_net_layer_count(w->net), false);
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

static bool prepare(fr_net *net, size_t batch, fr_error *err) {
  return fr_net_reserve(net, batch, false, 0, err) == FR_OK &&
         fr_net_prepare(net, err) == FR_OK;
}

static bool run(const fr_model *before, const fr_model *after, const char *path,
                const float *x, size_t batch, fr_error *err) {
  double ratio[ROUNDS], ns[ROUNDS];
  if (!prepare(before->net, batch, err) || !prepare(after->net, batch, err))
    return false;
  const work first = {before->net, x, batch}, second = {after->net, x, batch};
  for (int i = 0; i < ROUNDS; i++) {
    const double old = time_of(&first);
    ns[i] = time_of(&second);
    ratio[i] = ns[i] / old;
  }
  qsort(ratio, ROUNDS, sizeof *ratio, compare);
  qsort(ns, ROUNDS, sizeof *ns, compare);
  size_t products;
  const size_t sparse = fr_net_sparse_layers(after->net, &products);
  printf("%-28s batch %2zu: %8.2f us a sample, ratio %.3f (%.3f to %.3f), operations "
         "%.3f, sparse %zu of %zu\n",
         path, batch, ns[ROUNDS / 2] / (double)batch * 1e-3, ratio[ROUNDS / 2], ratio[0],
         ratio[ROUNDS - 1],
         (double)fr_net_operations(after->net) / (double)fr_net_operations(before->net),
         sparse, products);
  return true;
}

/* Numbers as normalised recordings have them, near enough: from -1 to 1. */
static float *make_input(const fr_net *net) {
  const fr_shape in = fr_net_input(net);
  const size_t count = LARGEST_BATCH * in.steps * in.channels;
  float *x = calloc(count, sizeof *x);
  for (size_t i = 0; x != NULL && i < count; i++)
    x[i] = (float)(i * 7919 % 2003) * 1e-3f - 1.0f;
  return x;
}

static bool run_all(const fr_model *before, int count, char **paths, fr_error *err) {
  static const size_t batches[] = {64, 1};
  float *x = make_input(before->net);
  bool good = x != NULL;
  for (int i = 0; i < count && good; i++) {
    fr_model after = {0};
    good = fr_model_load(&after, paths[i], err) == FR_OK;
    for (size_t b = 0; b < 2 && good; b++)
      good = run(before, &after, paths[i], x, batches[b], err);
    fr_model_release(&after);
  }
  free(x);
  return good;
}

int main(int argc, char **argv) {
  fr_model before = {0};
  fr_error err = {.text = "usage: bench_pruned BEFORE AFTER..."};
  const bool good = argc > 2 && fr_model_load(&before, argv[1], &err) == FR_OK &&
                    run_all(&before, argc - 2, argv + 2, &err);
  if (!good)
    fprintf(stderr, "%s\n", err.text);
  fr_model_release(&before);
  return !good;
}
