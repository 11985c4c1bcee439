/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which numbers of a network belong to one unit: a neuron, a channel, a state, or several
 * of them that must go together (the two sides of a sum, a channel and its depthwise
 * filter). Every axis of every tensor is labelled with the units that its indices belong
 * to; what goes with a unit is then the same for all families of layers.
 */
#ifndef FR_ADAPT_PRUNE_GRAPH_H
#define FR_ADAPT_PRUNE_GRAPH_H

#include "frugal/prune.h"
#include "nn/net.h"

/* Of indices that always stay: the network's input, its classes, what is tied to them. */
#define FR__UNIT_PINNED UINT32_MAX

/* One axis of a tensor. */
typedef struct fr__axis {
  uint32_t *unit; /* (shape); NULL: nothing of it goes */
  bool reads;     /* the numbers along it multiply the units; else they make them */
} fr__axis;

/* A layer that makes units or has weights for each: at least one of them must stay. */
typedef struct fr__maker {
  const fr__layer *layer;
  size_t count;   /* of its outputs */
  uint32_t *unit; /* (count) whose each is */
} fr__maker;

typedef struct fr__prune_graph {
  const fr_net *net;
  size_t units;
  fr__axis (*axis)[FR_TENSOR_RANK]; /* (tensors) */
  fr__maker *maker;                 /* (makers), from the first layer to the last */
  size_t makers;
} fr__prune_graph;

/* Release it in every case. */
enum fr_status fr__prune_graph_init(fr__prune_graph *graph, const fr_net *net,
                                    fr_error *err);
void fr__prune_graph_release(fr__prune_graph *graph);

/* Layers whose units are all pinned though they are not the last product, in words, into
 * FR_PRUNE_NOTE bytes. */
void fr__prune_graph_pinned(const fr__prune_graph *graph, char *text);

/* How many of `count` indices stay. */
size_t fr__units_left(const uint32_t *unit, size_t count, const bool *gone);

/* What each unit is worth by the magnitude of the weights that make it, divided by the
 * mean in its layer: (units). */
enum fr_status fr__prune_magnitudes(const fr__prune_graph *graph,
                                    enum fr_prune_criterion criterion, double *score,
                                    fr_error *err);

/* Adds (sum of w dL/dw over the weights that read it)^2 of the gradients at hand to each
 * unit's score: `sum` (units) is room. */
void fr__prune_add_taylor(const fr__prune_graph *graph, double *sum, double *score);

/* Marks the units that go: (units) `gone`. */
enum fr_status fr__prune_choose(const fr__prune_graph *graph,
                                const fr_prune_options *options, const double *score,
                                bool *gone, fr_error *err);

/* The same of the units that count with one layer alone: each with the first that makes
 * it. How many they are; SIZE_MAX without memory. */
size_t fr__prune_choose_in(const fr__prune_graph *graph, size_t maker, double amount,
                           const double *score, bool *gone);

/* `from`, a network of the graph's text, without the units that are gone: *out is the
 * caller's. */
enum fr_status fr__prune_without(const fr__prune_graph *graph, const fr_net *from,
                                 const bool *gone, fr_net **out, fr_error *err);

#endif
