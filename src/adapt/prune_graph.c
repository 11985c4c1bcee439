/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows the channels of a network from layer to layer. Each output of a layer that
 * makes new ones is a node; nodes that must go together are joined (disjoint sets, Tarjan
 * 1975); what is left at the end are the units. Node 0 is what may not go.
 */
#include "adapt/prune_graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/recurrent.h"

/* The channels of the value between two layers. */
typedef struct value {
  size_t count;
  uint32_t *node; /* (count), owned */
} value;

typedef struct walk {
  fr__prune_graph *graph;
  uint32_t *parent; /* (nodes), owned */
  size_t nodes;
  fr_error *err;
} walk;

static enum fr_status fail_memory(const walk *w) {
  return fr__fail_memory(w->err, "what the network's units are");
}

/* ---- sets of nodes ---- */

static uint32_t root_of(uint32_t *parent, uint32_t node) {
  while (parent[node] != node) {
    parent[node] = parent[parent[node]];
    node = parent[node];
  }
  return node;
}

/* The lower node stands for both: node 0 for all that it is joined with. */
static void join(walk *w, uint32_t a, uint32_t b) {
  a = root_of(w->parent, a);
  b = root_of(w->parent, b);
  if (a < b)
    w->parent[b] = a;
  else
    w->parent[a] = b;
}

static enum fr_status add_nodes(walk *w, size_t count, uint32_t *first) {
  uint32_t *parent = NULL;
  if (w->nodes + count < UINT32_MAX)
    parent = realloc(w->parent, (w->nodes + count) * sizeof *parent);
  if (parent == NULL)
    return fail_memory(w);
  w->parent = parent;
  *first = (uint32_t)w->nodes;
  for (size_t i = 0; i < count; i++)
    parent[w->nodes + i] = (uint32_t)(w->nodes + i);
  w->nodes += count;
  return FR_OK;
}

/* ---- values and axes ---- */

static uint32_t *new_nodes(size_t count) { return calloc(count + 1, sizeof(uint32_t)); }

/* `times` copies of each run of nodes. */
static uint32_t *repeated(const uint32_t *node, size_t count, size_t times) {
  uint32_t *copy = new_nodes(count * times);
  for (size_t i = 0; copy != NULL && i < times; i++)
    memcpy(copy + i * count, node, count * sizeof *copy);
  return copy;
}

/* The channels of v become `count` nodes, which it takes over; NULL: out of memory. */
static enum fr_status set_value(const walk *w, value *v, uint32_t *node, size_t count) {
  if (node == NULL)
    return fail_memory(w);
  free(v->node);
  *v = (value){count, node};
  return FR_OK;
}

/* `count` of `times` runs: what the axis has. */
static enum fr_status set_axis(walk *w, const fr__layer *layer, size_t tensor,
                               size_t axis, bool reads, const value *v, size_t times) {
  const size_t index = (size_t)(layer->tensor + tensor - w->graph->net->tensor);
  fr__axis *to = &w->graph->axis[index][axis];
  *to = (fr__axis){repeated(v->node, v->count, times), reads};
  return to->unit != NULL ? FR_OK : fail_memory(w);
}

static enum fr_status add_maker(walk *w, const fr__layer *layer, const value *v) {
  fr__prune_graph *g = w->graph;
  fr__maker *maker = realloc(g->maker, (g->makers + 1) * sizeof *maker);
  if (maker == NULL)
    return fail_memory(w);
  g->maker = maker;
  maker[g->makers] = (fr__maker){layer, v->count, repeated(v->node, v->count, 1)};
  return maker[g->makers++].unit != NULL ? FR_OK : fail_memory(w);
}

/* *made becomes the nodes of a layer's outputs, all of them new. */
static enum fr_status make_value(walk *w, const fr__layer *layer, size_t count,
                                 value *made) {
  uint32_t first = 0;
  enum fr_status status = add_nodes(w, count, &first);
  if (status == FR_OK)
    status = set_value(w, made, new_nodes(count), count);
  for (size_t i = 0; i < count && status == FR_OK; i++)
    made->node[i] = first + (uint32_t)i;
  return status == FR_OK ? add_maker(w, layer, made) : status;
}

/* ---- families ---- */

static enum fr_status walk_dense(walk *w, const fr__layer *layer, value *v) {
  value made = {0};
  enum fr_status status = set_axis(w, layer, 0, 0, true, v, layer->in.steps);
  if (status == FR_OK)
    status = make_value(w, layer, layer->units, &made);
  for (size_t t = 0; t < 2 && status == FR_OK; t++)
    status = set_axis(w, layer, t, t == 0 ? 1 : 0, false, &made, 1);
  free(v->node);
  *v = made;
  return status;
}

/* Every group must stay as large as the others: what has the same place in each goes
 * together. */
static void join_groups(walk *w, const value *v, size_t groups) {
  const size_t width = v->count / groups;
  for (size_t g = 1; g < groups; g++)
    for (size_t i = 0; i < width; i++)
      join(w, v->node[i], v->node[g * width + i]);
}

/* A channel and its own filters are one unit. */
static void join_depthwise(walk *w, const value *in, const value *made) {
  const size_t multiple = made->count / in->count;
  for (size_t c = 0; c < made->count; c++)
    join(w, in->node[c / multiple], made->node[c]);
}

static enum fr_status walk_conv1d(walk *w, const fr__layer *layer, value *v) {
  const size_t group_in = layer->in.channels / layer->groups;
  const bool depthwise = layer->groups > 1 && group_in == 1;
  value made = {0};
  const value first_group = {group_in, v->node};
  enum fr_status status = make_value(w, layer, layer->units, &made);
  if (status == FR_OK && !depthwise)
    status = set_axis(w, layer, 0, 1, true, &first_group, 1);
  for (size_t t = 0; t < 2 && status == FR_OK; t++)
    status = set_axis(w, layer, t, t == 0 ? 2 : 0, false, &made, 1);
  if (status == FR_OK && depthwise) {
    join_depthwise(w, v, &made);
  } else if (status == FR_OK && layer->groups > 1) {
    join_groups(w, v, layer->groups);
    join_groups(w, &made, layer->groups);
  }
  free(v->node);
  *v = made;
  return status;
}

static enum fr_status direction_axes(walk *w, const fr__layer *layer, size_t first,
                                     const value *in, const value *states) {
  const fr__cell *cell = layer->ops->cell;
  const size_t tensors = fr__recurrent_tensor_count(cell);
  enum fr_status status =
      set_axis(w, layer, first + FR__RECURRENT_WEIGHT, 0, true, in, 1);
  if (status == FR_OK)
    status = set_axis(w, layer, first + FR__RECURRENT_RECURRENT, 0, true, states, 1);
  for (size_t t = 0; t < tensors && status == FR_OK; t++)
    status = set_axis(w, layer, first + t, t < FR__RECURRENT_BIAS ? 1 : 0, false, states,
                      cell->gates);
  return status;
}

/* A unit is a column of every gate, and a row of the recurrent matrix. The two directions
 * have as many units as each other. */
static enum fr_status walk_recurrent(walk *w, const fr__layer *layer, value *v) {
  const size_t directions = fr__recurrent_directions(layer), units = layer->units;
  const size_t tensors = fr__recurrent_tensor_count(layer->ops->cell);
  value made = {0};
  enum fr_status status = make_value(w, layer, directions * units, &made);
  for (size_t d = 0; d < directions && status == FR_OK; d++) {
    const value states = {units, made.node + d * units};
    status = direction_axes(w, layer, d * tensors, v, &states);
  }
  if (status == FR_OK)
    join_groups(w, &made, directions);
  free(v->node);
  *v = made;
  return status;
}

/* bn, layernorm: numbers beside each channel. */
static enum fr_status walk_beside(walk *w, const fr__layer *layer, value *v) {
  enum fr_status status = FR_OK;
  for (size_t t = 0; t < layer->tensor_count && status == FR_OK; t++)
    status = set_axis(w, layer, t, 0, false, v, 1);
  return status;
}

static enum fr_status walk_flatten(walk *w, const fr__layer *layer, value *v) {
  return set_value(w, v, repeated(v->node, v->count, layer->in.steps),
                   v->count * layer->in.steps);
}

static enum fr_status walk_chain(walk *w, const fr__chain *chain, value *v);

/* Without a matrix both sides of the sum are the same units; with one, its columns are
 * the branch's. */
static enum fr_status walk_residual(walk *w, const fr__layer *layer, value *v) {
  value f = {0};
  enum fr_status status = set_value(w, &f, repeated(v->node, v->count, 1), v->count);
  if (status == FR_OK)
    status = walk_chain(w, layer->branch, &f);
  if (status == FR_OK && layer->tensor_count > 0) {
    status = set_axis(w, layer, 0, 0, true, v, 1);
    if (status == FR_OK)
      status = set_axis(w, layer, 0, 1, false, &f, 1);
  }
  for (size_t i = 0; i < f.count && status == FR_OK && layer->tensor_count == 0; i++)
    join(w, v->node[i], f.node[i]);
  free(v->node);
  *v = f;
  return status;
}

static enum fr_status walk_parallel(walk *w, const fr__layer *layer, value *v) {
  value all = {0};
  enum fr_status status =
      set_value(w, &all, new_nodes(layer->out.channels), layer->out.channels);
  size_t at = 0;
  for (size_t b = 0; b < layer->branch_count && status == FR_OK; b++) {
    value one = {0};
    status = set_value(w, &one, repeated(v->node, v->count, 1), v->count);
    if (status == FR_OK)
      status = walk_chain(w, &layer->branch[b], &one);
    if (status == FR_OK)
      memcpy(all.node + at, one.node, one.count * sizeof *one.node);
    at += one.count;
    free(one.node);
  }
  free(v->node);
  *v = all;
  return status;
}

/* A family that nobody knows the insides of, such as attention, whose heads share its
 * channels: what it takes and gives stays. */
static enum fr_status walk_pinned(walk *w, const fr__layer *layer, value *v) {
  for (size_t i = 0; i < v->count; i++)
    join(w, 0, v->node[i]);
  return set_value(w, v, new_nodes(layer->out.channels), layer->out.channels);
}

typedef enum fr_status family_walk(walk *w, const fr__layer *layer, value *v);

static family_walk *find_family(const fr__layer *layer) {
  static const struct {
    const char *name;
    family_walk *go;
  } families[] = {{"dense", walk_dense},       {"conv1d", walk_conv1d},
                  {"lstm", walk_recurrent},    {"gru", walk_recurrent},
                  {"bn", walk_beside},         {"layernorm", walk_beside},
                  {"residual", walk_residual}, {"parallel", walk_parallel},
                  {"flatten", walk_flatten}};
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    if (strcmp(layer->ops->name, families[i].name) == 0)
      return families[i].go;
  return walk_pinned;
}

/* Without numbers of its own a layer that keeps the channels treats each alone. */
static bool lets_through(const fr__layer *layer) {
  return layer->tensor_count == 0 && layer->branch_count == 0 &&
         layer->in.channels == layer->out.channels && layer->ops->tensors == NULL;
}

static enum fr_status walk_chain(walk *w, const fr__chain *chain, value *v) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < chain->count && status == FR_OK; i++) {
    const fr__layer *layer = &chain->layer[i];
    if (strcmp(layer->ops->name, "flatten") == 0 || !lets_through(layer))
      status = find_family(layer)(w, layer, v);
  }
  return status;
}

/* ---- from nodes to units ---- */

static void relabel(const uint32_t *unit_of, uint32_t *parent, uint32_t *node,
                    size_t count) {
  for (size_t i = 0; node != NULL && i < count; i++)
    node[i] = unit_of[root_of(parent, node[i])];
}

static enum fr_status number_units(walk *w) {
  fr__prune_graph *g = w->graph;
  uint32_t *unit_of = new_nodes(w->nodes);
  if (unit_of == NULL)
    return fail_memory(w);
  unit_of[0] = FR__UNIT_PINNED;
  for (size_t i = 1; i < w->nodes; i++)
    if (root_of(w->parent, (uint32_t)i) == i)
      unit_of[i] = (uint32_t)g->units++;
  for (size_t t = 0; t < g->net->tensor_count; t++)
    for (size_t a = 0; a < FR_TENSOR_RANK; a++)
      relabel(unit_of, w->parent, g->axis[t][a].unit, g->net->tensor[t].shape[a]);
  for (size_t m = 0; m < g->makers; m++)
    relabel(unit_of, w->parent, g->maker[m].unit, g->maker[m].count);
  free(unit_of);
  return FR_OK;
}

enum fr_status fr__prune_graph_init(fr__prune_graph *graph, const fr_net *net,
                                    fr_error *err) {
  walk w = {.graph = graph, .err = err};
  value v = {0};
  uint32_t pinned;
  *graph = (fr__prune_graph){.net = net};
  graph->axis = calloc(net->tensor_count + 1, sizeof *graph->axis);
  enum fr_status status = graph->axis != NULL ? FR_OK : fail_memory(&w);
  if (status == FR_OK)
    status = add_nodes(&w, 1, &pinned);
  if (status == FR_OK)
    status = set_value(&w, &v, new_nodes(net->input.channels), net->input.channels);
  if (status == FR_OK)
    status = walk_chain(&w, &net->chain, &v);
  for (size_t i = 0; i < v.count && status == FR_OK; i++) /* the classes */
    join(&w, 0, v.node[i]);
  if (status == FR_OK)
    status = number_units(&w);
  free(v.node);
  free(w.parent);
  return status;
}

void fr__prune_graph_release(fr__prune_graph *graph) {
  for (size_t t = 0; graph->axis != NULL && t < graph->net->tensor_count; t++)
    for (size_t a = 0; a < FR_TENSOR_RANK; a++)
      free(graph->axis[t][a].unit);
  for (size_t m = 0; m < graph->makers; m++)
    free(graph->maker[m].unit);
  free(graph->axis);
  free(graph->maker);
  *graph = (fr__prune_graph){0};
}

size_t fr__units_left(const uint32_t *unit, size_t count, const bool *gone) {
  size_t left = 0;
  for (size_t i = 0; i < count; i++)
    left += unit[i] == FR__UNIT_PINNED || !gone[unit[i]];
  return left;
}

/* ---- what is said ---- */

static bool is_pinned(const fr__maker *maker) {
  for (size_t i = 0; i < maker->count; i++)
    if (maker->unit[i] != FR__UNIT_PINNED)
      return false;
  return true;
}

/* Numbers as people count: "3.1". */
static size_t put_path(const fr__path *path, char *text, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < path->count && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%zu", i > 0 ? "." : "",
                             path->number[i] + 1);
  return used;
}

void fr__prune_graph_pinned(const fr__prune_graph *graph, char *text) {
  size_t used = 0;
  text[0] = '\0';
  /* the last maker's outputs are the classes: that goes without saying */
  for (size_t m = 0; m + 1 < graph->makers && used < FR_PRUNE_NOTE; m++) {
    const fr__layer *layer = graph->maker[m].layer;
    if (!is_pinned(&graph->maker[m]))
      continue;
    used +=
        (size_t)snprintf(text + used, FR_PRUNE_NOTE - used, "%s", used > 0 ? ", " : "");
    if (used < FR_PRUNE_NOTE)
      used += put_path(&layer->path, text + used, FR_PRUNE_NOTE - used);
    if (used < FR_PRUNE_NOTE)
      used +=
          (size_t)snprintf(text + used, FR_PRUNE_NOTE - used, " '%.48s'", layer->text);
  }
}
