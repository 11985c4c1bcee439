/* SPDX-License-Identifier: Apache-2.0 */
/* A network without the units that are gone: its text, and the weights that are left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapt/prune_graph.h"
#include "base/buf.h"
#include "base/error.h"

/* ---- text ---- */

static const fr__maker *maker_of(const fr__prune_graph *graph, const fr__layer *layer) {
  for (size_t m = 0; m < graph->makers; m++)
    if (graph->maker[m].layer == layer)
      return &graph->maker[m];
  return NULL;
}

/* Outputs that stay, of those that the layer's text counts: both directions of a
 * recurrent layer have as many. */
static size_t outputs_left(const fr__maker *maker, const bool *gone) {
  const size_t left = fr__units_left(maker->unit, maker->count, gone);
  return left * maker->layer->units / maker->count;
}

/* Of a depthwise convolution there are as many groups as channels that come in. */
static size_t groups_left(const fr__maker *maker, size_t units) {
  const fr__layer *layer = maker->layer;
  const bool depthwise = layer->groups > 1 && layer->in.channels == layer->groups;
  return depthwise ? units / (layer->units / layer->groups) : layer->groups;
}

/* "conv1d(64,5,groups=4)" with other counts. */
static void add_made(const fr__maker *maker, const bool *gone, fr__buf *text) {
  static const char key[] = ",groups=";
  const char *old = maker->layer->text;
  const size_t units = outputs_left(maker, gone);
  const size_t open = strcspn(old, "(") + 1;
  const char *rest = old + open + strspn(old + open, "0123456789");
  const char *groups = strstr(rest, key);
  fr__buf_add_bytes(text, old, open);
  fr__buf_printf(text, "%zu", units);
  if (groups == NULL) {
    fr__buf_add(text, rest);
    return;
  }
  fr__buf_add_bytes(text, rest, (size_t)(groups - rest));
  groups += sizeof key - 1;
  fr__buf_printf(text, "%s%zu%s", key, groups_left(maker, units),
                 groups + strspn(groups, "0123456789"));
}

static void add_chain(const fr__prune_graph *graph, const fr__chain *chain,
                      const bool *gone, fr__buf *text) {
  for (size_t i = 0; i < chain->count; i++) {
    const fr__layer *layer = &chain->layer[i];
    const fr__maker *maker = maker_of(graph, layer);
    fr__buf_add(text, i > 0 ? " " : "");
    if (maker != NULL) {
      add_made(maker, gone, text);
    } else if (layer->branch_count > 0) {
      fr__buf_printf(text, "%s(", layer->ops->name);
      for (size_t b = 0; b < layer->branch_count; b++) {
        fr__buf_add(text, b > 0 ? " | " : "");
        add_chain(graph, &layer->branch[b], gone, text);
      }
      fr__buf_add(text, ")");
    } else {
      fr__buf_add(text, layer->text);
    }
  }
}

/* ---- weights ---- */

/* The indices along each axis that stay; counts beside them. */
typedef struct selection {
  size_t count[FR_TENSOR_RANK];
  size_t *index[FR_TENSOR_RANK]; /* owned */
} selection;

static bool select_axis(const fr__axis *axis, size_t count, const bool *gone,
                        selection *to, size_t a) {
  to->index[a] = calloc(count + 1, sizeof **to->index);
  if (to->index[a] == NULL)
    return false;
  for (size_t i = 0; i < count; i++)
    if (axis->unit == NULL || axis->unit[i] == FR__UNIT_PINNED || !gone[axis->unit[i]])
      to->index[a][to->count[a]++] = i;
  return true;
}

static void release_selection(selection *s) {
  for (size_t a = 0; a < FR_TENSOR_RANK; a++)
    free(s->index[a]);
}

/* Copies the part from axis a on; returns where what follows goes. */
static float *gather(const fr_tensor *tensor, const selection *s, size_t a,
                     const float *from, float *to) {
  size_t stride = 1;
  if (a == tensor->rank) {
    *to = *from;
    return to + 1;
  }
  for (size_t b = a + 1; b < tensor->rank; b++)
    stride *= tensor->shape[b];
  for (size_t i = 0; i < s->count[a]; i++)
    to = gather(tensor, s, a + 1, from + s->index[a][i] * stride, to);
  return to;
}

static bool same_shape(const fr_tensor *tensor, const selection *s) {
  for (size_t a = 0; a < tensor->rank; a++)
    if (tensor->shape[a] != s->count[a])
      return false;
  return true;
}

static enum fr_status copy_tensor(const fr__prune_graph *graph, const fr_net *from,
                                  size_t t, const bool *gone, fr_net *to, fr_error *err) {
  const fr_tensor *old = &from->tensor[t], *new = &to->tensor[t];
  selection s = {0};
  bool good = true;
  for (size_t a = 0; a < old->rank && good; a++)
    good = select_axis(&graph->axis[t][a], old->shape[a], gone, &s, a);
  enum fr_status status =
      good ? FR_OK : fr__fail_memory(err, "the weights of the pruned network");
  if (status == FR_OK && (new->rank != old->rank || !same_shape(new, &s)))
    status = fr__fail(err, FR_ERR_UNSUPPORTED,
                      "'%.64s' has another shape in '%.200s' than its units ask for",
                      old->name, to->text);
  if (status == FR_OK)
    (void)gather(old, &s, 0, old->value, new->value);
  release_selection(&s);
  return status;
}

static enum fr_status copy_tensors(const fr__prune_graph *graph, const fr_net *from,
                                   const bool *gone, fr_net *to, fr_error *err) {
  if (to->tensor_count != from->tensor_count)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "'%.200s' has %zu tensors where the network before had %zu", to->text,
                    to->tensor_count, from->tensor_count);
  enum fr_status status = FR_OK;
  for (size_t t = 0; t < from->tensor_count && status == FR_OK; t++)
    status = copy_tensor(graph, from, t, gone, to, err);
  return status;
}

enum fr_status fr__prune_without(const fr__prune_graph *graph, const fr_net *from,
                                 const bool *gone, fr_net **out, fr_error *err) {
  fr__buf text;
  fr_net *net = NULL;
  fr__buf_init(&text, 0);
  add_chain(graph, &graph->net->chain, gone, &text);
  enum fr_status status = text.status;
  if (status != FR_OK)
    (void)fr__fail_memory(err, "the text of the pruned network");
  else
    status = fr_net_new(fr__buf_text(&text), from->input, from->classes, &net, err);
  if (status == FR_OK)
    status = copy_tensors(graph, from, gone, net, err);
  if (status == FR_OK)
    *out = net;
  else
    fr_net_free(net);
  fr__buf_release(&text);
  return status;
}

/* ---- without training ---- */

enum fr_status fr_prune_shrink(const fr_net *net, const fr_prune_options *options,
                               const double *score, fr_net **out, fr_error *err) {
  fr__prune_graph graph;
  enum fr_status status = fr__prune_graph_init(&graph, net, err);
  double *own = calloc(graph.units + 1, sizeof *own);
  bool *gone = calloc(graph.units + 1, sizeof *gone);
  if (status == FR_OK && (own == NULL || gone == NULL))
    status = fr__fail_memory(err, "the choice of units");
  if (status == FR_OK && score == NULL)
    status = fr__prune_magnitudes(&graph, options->criterion, own, err);
  if (status == FR_OK)
    status = fr__prune_choose(&graph, options, score != NULL ? score : own, gone, err);
  if (status == FR_OK)
    status = fr__prune_without(&graph, net, gone, out, err);
  free(own);
  free(gone);
  fr__prune_graph_release(&graph);
  return status;
}

size_t fr_prune_units(const fr_net *net, char *pinned) {
  fr__prune_graph graph;
  const enum fr_status status = fr__prune_graph_init(&graph, net, NULL);
  const size_t units = status == FR_OK ? graph.units : SIZE_MAX;
  if (status == FR_OK && pinned != NULL)
    fr__prune_graph_pinned(&graph, pinned);
  fr__prune_graph_release(&graph);
  return units;
}
