/* SPDX-License-Identifier: Apache-2.0 */
/* What each unit is worth, and which ones go. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/prune_graph.h"
#include "base/error.h"

/* ---- scores ---- */

/* Numbers before and behind an axis: a tensor is (before, shape[axis], behind). */
typedef struct strides {
  size_t before, behind;
} strides;

static strides strides_of(const fr_tensor *tensor, size_t axis) {
  strides s = {1, 1};
  for (size_t a = 0; a < tensor->rank; a++)
    if (a != axis)
      *(a < axis ? &s.before : &s.behind) *= tensor->shape[a];
  return s;
}

/* What a number of a tensor is worth. */
typedef double worth(const fr_tensor *tensor, size_t index);

static double absolute(const fr_tensor *tensor, size_t index) {
  return fabs((double)tensor->value[index]);
}

static double square(const fr_tensor *tensor, size_t index) {
  return (double)tensor->value[index] * (double)tensor->value[index];
}

/* The change of the loss, to the first order, when the weight becomes 0, but for its
 * sign. */
static double first_order(const fr_tensor *tensor, size_t index) {
  return (double)tensor->value[index] * (double)tensor->gradient[index];
}

static void add_axis(const fr_tensor *tensor, size_t axis, const uint32_t *unit,
                     worth *of, double *sum) {
  const strides s = strides_of(tensor, axis);
  size_t at = 0;
  for (size_t b = 0; b < s.before; b++)
    for (size_t i = 0; i < tensor->shape[axis]; i++)
      for (size_t k = 0; k < s.behind; k++, at++)
        if (unit[i] != FR__UNIT_PINNED)
          sum[unit[i]] += of(tensor, at);
}

/* By the weights of one layer that make its units; 0 for others. */
static void layer_sums(const fr__prune_graph *graph, const fr__maker *maker, worth *of,
                       double *sum) {
  const size_t first = (size_t)(maker->layer->tensor - graph->net->tensor);
  memset(sum, 0, graph->units * sizeof *sum);
  for (size_t t = first; t < first + maker->layer->tensor_count; t++)
    for (size_t a = 0; a < graph->net->tensor[t].rank; a++) {
      const fr__axis *axis = &graph->axis[t][a];
      if (axis->unit != NULL && !axis->reads && graph->net->tensor[t].rank > 1)
        add_axis(&graph->net->tensor[t], a, axis->unit, of, sum);
    }
}

/* Adds each unit's share of the layer's mean; counts the layers it is in. */
static void add_shares(const fr__maker *maker, enum fr_prune_criterion criterion,
                       double *sum, size_t units, double *score, uint32_t *layers) {
  double total = 0;
  size_t count = 0;
  for (size_t i = 0; i < maker->count; i++) {
    const uint32_t unit = maker->unit[i];
    if (unit == FR__UNIT_PINNED || sum[unit] < 0)
      continue;
    const double value = criterion == FR_PRUNE_L2 ? sqrt(sum[unit]) : sum[unit];
    total += value;
    count++;
    sum[unit] = -1 - value; /* once, though it has several outputs */
  }
  const double mean = count > 0 ? total / (double)count : 0;
  for (size_t u = 0; u < units; u++)
    if (sum[u] < 0) {
      score[u] += mean > 0 ? (-1 - sum[u]) / mean : 1;
      layers[u]++;
    }
}

enum fr_status fr__prune_magnitudes(const fr__prune_graph *graph,
                                    enum fr_prune_criterion criterion, double *score,
                                    fr_error *err) {
  const size_t units = graph->units;
  double *sum = calloc(units + 1, sizeof *sum);
  uint32_t *layers = calloc(units + 1, sizeof *layers);
  memset(score, 0, units * sizeof *score);
  for (size_t m = 0; sum != NULL && layers != NULL && m < graph->makers; m++) {
    layer_sums(graph, &graph->maker[m], criterion == FR_PRUNE_L2 ? square : absolute,
               sum);
    add_shares(&graph->maker[m], criterion, sum, units, score, layers);
  }
  for (size_t u = 0; layers != NULL && u < units; u++)
    score[u] /= layers[u] > 0 ? layers[u] : 1;
  const bool done = sum != NULL && layers != NULL;
  free(sum);
  free(layers);
  return done ? FR_OK : fr__fail_memory(err, "the scores of units");
}

void fr__prune_add_taylor(const fr__prune_graph *graph, double *sum, double *score) {
  memset(sum, 0, graph->units * sizeof *sum);
  for (size_t t = 0; t < graph->net->tensor_count; t++)
    for (size_t a = 0; a < graph->net->tensor[t].rank; a++) {
      const fr__axis *axis = &graph->axis[t][a];
      if (axis->unit != NULL && axis->reads && graph->net->tensor[t].gradient != NULL)
        add_axis(&graph->net->tensor[t], a, axis->unit, first_order, sum);
    }
  for (size_t u = 0; u < graph->units; u++)
    score[u] += sum[u] * sum[u];
}

/* ---- choice ---- */

typedef struct ranked {
  double score;
  uint32_t unit;
} ranked;

static int compare(const void *a, const void *b) {
  const ranked *left = a, *right = b;
  if (left->score != right->score)
    return left->score < right->score ? -1 : 1;
  return (left->unit > right->unit) - (left->unit < right->unit);
}

/* How much goes of each list. */
typedef struct share {
  double amount;
  double up; /* added before a count is cut off to a whole one */
} share;

/* In rounds the nearest count, lest what is cut off each time adds up. */
static share share_of(const fr_prune_options *options) {
  return (share){options->amount, options->how == FR_PRUNE_ONE_SHOT ? 1e-9 : 0.5};
}

/* The least of that share of `list` go. */
static void drop_least(ranked *list, size_t count, share of, bool *gone) {
  const double wanted = (double)count * of.amount + of.up;
  const size_t drop = wanted < (double)count ? (size_t)wanted : count;
  qsort(list, count, sizeof *list, compare);
  for (size_t i = 0; i < drop; i++)
    gone[list[i].unit] = true;
}

static void take(const double *score, uint32_t unit, ranked *list, size_t *count) {
  list[(*count)++] = (ranked){score[unit], unit};
}

static void see(const fr__maker *maker, bool *seen) {
  for (size_t i = 0; i < maker->count; i++)
    if (maker->unit[i] != FR__UNIT_PINNED)
      seen[maker->unit[i]] = true;
}

/* Those of a layer's units that no layer before it makes; how many. */
static size_t list_own(const fr__maker *maker, const double *score, bool *seen,
                       ranked *list) {
  size_t count = 0;
  for (size_t i = 0; i < maker->count; i++) {
    const uint32_t unit = maker->unit[i];
    if (unit == FR__UNIT_PINNED || seen[unit])
      continue;
    seen[unit] = true;
    take(score, unit, list, &count);
  }
  return count;
}

static size_t choose_in_layer(const fr__maker *maker, share of, const double *score,
                              bool *seen, ranked *list, bool *gone) {
  const size_t count = list_own(maker, score, seen, list);
  drop_least(list, count, of, gone);
  return count;
}

#define ALIGN 16 /* floats of the widest vectors */

/* Products work on whole vectors of outputs: 17 channels take as long as 32
 * (docs/prune.md). What stays of a layer becomes the nearest multiple. */
static void align_layer(const fr__maker *maker, size_t multiple, const double *score,
                        bool *seen, ranked *list, bool *gone) {
  const size_t count = list_own(maker, score, seen, list);
  size_t left = 0;
  for (size_t i = 0; i < count; i++)
    left += !gone[list[i].unit];
  if (left <= multiple)
    return;
  const size_t nearest = (left + multiple / 2) / multiple * multiple;
  const size_t kept = nearest < count ? nearest : count;
  qsort(list, count, sizeof *list, compare);
  for (size_t i = 0; i < count; i++)
    gone[list[i].unit] = i < count - kept;
}

static void choose_anywhere(const fr__prune_graph *graph, share of, const double *score,
                            ranked *list, bool *gone) {
  size_t count = 0;
  for (size_t u = 0; u < graph->units; u++)
    take(score, (uint32_t)u, list, &count);
  drop_least(list, count, of, gone);
}

/* The best of `count` that is gone comes back; false: none is. */
static bool bring_back(const uint32_t *unit, size_t count, const double *score,
                       bool *gone) {
  uint32_t best = FR__UNIT_PINNED;
  for (size_t i = 0; i < count; i++)
    if (unit[i] != FR__UNIT_PINNED && gone[unit[i]] &&
        (best == FR__UNIT_PINNED || score[unit[i]] > score[best]))
      best = unit[i];
  if (best != FR__UNIT_PINNED)
    gone[best] = false;
  return best != FR__UNIT_PINNED;
}

static void keep_one_in_each(const fr__prune_graph *graph, const double *score,
                             bool *gone) {
  for (size_t m = 0; m < graph->makers; m++) {
    const fr__maker *maker = &graph->maker[m];
    if (fr__units_left(maker->unit, maker->count, gone) == 0)
      (void)bring_back(maker->unit, maker->count, score, gone);
  }
}

static bool is_shortcut(const fr_tensor *tensor) {
  static const char name[] = ".shortcut";
  const size_t length = strlen(tensor->name);
  return length >= sizeof name - 1 &&
         strcmp(tensor->name + length - (sizeof name - 1), name) == 0;
}

/* A sum whose sides came to be of one width would lose its matrix: one unit more. */
static bool keep_matrices(const fr__prune_graph *graph, const double *score, bool *gone) {
  bool changed = false;
  for (size_t t = 0; t < graph->net->tensor_count; t++) {
    const fr_tensor *tensor = &graph->net->tensor[t];
    const uint32_t *in = graph->axis[t][0].unit, *out = graph->axis[t][1].unit;
    if (is_shortcut(tensor) && fr__units_left(in, tensor->shape[0], gone) ==
                                   fr__units_left(out, tensor->shape[1], gone))
      changed |= bring_back(out, tensor->shape[1], score, gone) ||
                 bring_back(in, tensor->shape[0], score, gone);
  }
  return changed;
}

static void mend(const fr__prune_graph *graph, const double *score, bool *gone) {
  keep_one_in_each(graph, score, gone);
  while (keep_matrices(graph, score, gone))
    continue;
}

static void choose(const fr__prune_graph *graph, const fr_prune_options *options,
                   const double *score, bool *seen, ranked *list, bool *gone) {
  const size_t multiple = options->align > 0 ? options->align : ALIGN;
  if (options->global)
    choose_anywhere(graph, share_of(options), score, list, gone);
  for (size_t m = 0; m < graph->makers && !options->global; m++)
    (void)choose_in_layer(&graph->maker[m], share_of(options), score, seen, list, gone);
  memset(seen, 0, graph->units * sizeof *seen);
  for (size_t m = 0; m < graph->makers && multiple > 1; m++)
    align_layer(&graph->maker[m], multiple, score, seen, list, gone);
  mend(graph, score, gone);
}

enum fr_status fr__prune_choose(const fr__prune_graph *graph,
                                const fr_prune_options *options, const double *score,
                                bool *gone, fr_error *err) {
  ranked *list = calloc(graph->units + 1, sizeof *list);
  bool *seen = calloc(graph->units + 1, sizeof *seen);
  const bool ready = list != NULL && seen != NULL;
  memset(gone, 0, graph->units * sizeof *gone);
  if (ready)
    choose(graph, options, score, seen, list, gone);
  free(list);
  free(seen);
  return ready ? FR_OK : fr__fail_memory(err, "the choice of units");
}

size_t fr__prune_choose_in(const fr__prune_graph *graph, size_t maker, double amount,
                           const double *score, bool *gone) {
  ranked *list = calloc(graph->units + 1, sizeof *list);
  bool *seen = calloc(graph->units + 1, sizeof *seen);
  size_t count = SIZE_MAX;
  memset(gone, 0, graph->units * sizeof *gone);
  if (list != NULL && seen != NULL) {
    for (size_t m = 0; m < maker; m++)
      see(&graph->maker[m], seen);
    count = choose_in_layer(&graph->maker[maker], (share){amount, 1e-9}, score, seen,
                            list, gone);
    mend(graph, score, gone);
  }
  free(list);
  free(seen);
  return count;
}
