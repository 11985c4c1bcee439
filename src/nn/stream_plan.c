/* SPDX-License-Identifier: Apache-2.0 */
/* What windows that slide share of each layer, the room for it, and what it costs. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "nn/stream.h"

static size_t greater(size_t x, size_t y) { return x > y ? x : y; }

/* ---- sights ---- */

/* Euclid: the greatest common divisor; y is not 0. */
static size_t divisor(size_t x, size_t y) {
  while (x != 0) {
    const size_t rest = y % x;
    y = x;
    x = rest;
  }
  return y;
}

size_t fr__sight_move(const fr__sight *sight, size_t hop) {
  return hop / divisor(hop, sight->apart);
}

size_t fr__sight_phases(const fr__sight *sight, size_t hop) {
  return sight->apart / divisor(hop, sight->apart);
}

bool fr__sight_shares(const fr__sight *sight, size_t hop) {
  return sight->lead + sight->trail + fr__sight_move(sight, hop) < sight->steps;
}

static fr__sight sight_alone(size_t steps) {
  return (fr__sight){.steps = steps, .lead = steps, .apart = 1};
}

/* Step t sees steps t stride - left to t stride - left + extent - 1 of `in`: it is shared
 * where all of them are. */
static fr__sight sight_of_spans(const fr__sight *in, const fr__span *span, size_t steps) {
  if (steps == 1)
    return sight_alone(1);
  const size_t end = in->steps - in->trail + span->left;
  const size_t before = end < span->extent ? 0 : (end - span->extent) / span->stride + 1;
  fr__sight out = {.steps = steps, .apart = in->apart * span->stride};
  out.lead = (in->lead + span->left + span->stride - 1) / span->stride;
  out.trail = steps - (before < steps ? before : steps);
  return out.lead + out.trail < steps ? out : sight_alone(steps);
}

/* A step that comes of the same step of several sights. */
static fr__sight sight_of_both(const fr__sight *a, const fr__sight *b) {
  fr__sight out = *a;
  if (a->steps != b->steps || a->apart != b->apart)
    return sight_alone(a->steps);
  out.lead = greater(a->lead, b->lead);
  out.trail = greater(a->trail, b->trail);
  return out.lead + out.trail < out.steps ? out : sight_alone(out.steps);
}

/* ---- layers ---- */

static enum fr_status check_carried(const fr__node *node, size_t hop, fr_error *err) {
  const char *why = NULL;
  if (node->layer->both)
    why = "one of its directions begins at a window's end";
  else if (node->in.lead + node->in.trail > 0)
    why = "the layers before it begin anew with each window, or are padded";
  else if (fr__sight_move(&node->in, hop) > node->in.steps)
    why = "windows leave out steps between one and the next";
  if (!why)
    return FR_OK;
  return fr__layer_fail(node->layer, err, "its state cannot be carried on: %s", why);
}

static enum fr_status plan_states(fr__node *node, const fr_stream *stream,
                                  fr_error *err) {
  const fr__layer *layer = node->layer;
  node->out = sight_alone(layer->out.steps);
  if (stream->states == FR_STREAM_CARRY) {
    const enum fr_status status = check_carried(node, stream->hop, err);
    if (layer->all)
      node->out = node->in;
    node->carries = true;
    node->own.all = true; /* the states of new steps, of which y takes what it gives */
    return status;
  }
  if (!fr__sight_shares(&node->in, stream->hop))
    node->flow = FR__FLOW_WHOLE; /* no product with the input is there already */
  return FR_OK;
}

static enum fr_status plan_branches(fr__node *node, const fr_stream *stream,
                                    fr_error *err) {
  const fr__layer *layer = node->layer;
  enum fr_status status = FR_OK;
  node->branch = calloc(layer->branch_count, sizeof *node->branch);
  if (!node->branch)
    return fr__fail_memory(err, "a stream");
  node->out = node->in;
  if (layer->out.steps != layer->in.steps)
    node->out = sight_alone(layer->out.steps);
  for (size_t b = 0; b < layer->branch_count && status == FR_OK; b++) {
    fr__flow_chain *branch = &node->branch[b];
    status = fr__flow_init(branch, &layer->branch[b], node->in, stream, err);
    if (status == FR_OK && layer->out.steps == layer->in.steps)
      node->out = sight_of_both(&node->out, &branch->sight);
  }
  return status;
}

static enum fr_status plan_node(fr__node *node, const fr_stream *stream, fr_error *err) {
  const fr__layer *layer = node->layer;
  node->own = *layer;
  node->own.kept = false;
  node->own.length = NULL;
  node->flow = layer->ops->flow;
  switch (node->flow) {
  case FR__FLOW_STEPS: node->out = node->in; return FR_OK;
  case FR__FLOW_SPANS:
    node->span = layer->ops->span(layer);
    node->own.padding = FR__PAD_NONE; /* zeros are laid around here */
    node->out = sight_of_spans(&node->in, &node->span, layer->out.steps);
    return FR_OK;
  case FR__FLOW_STATES: return plan_states(node, stream, err);
  case FR__FLOW_BRANCHES: return plan_branches(node, stream, err);
  case FR__FLOW_WHOLE: break;
  }
  node->out = sight_alone(layer->out.steps);
  return FR_OK;
}

enum fr_status fr__flow_init(fr__flow_chain *flow, const fr__chain *chain, fr__sight in,
                             const fr_stream *stream, fr_error *err) {
  enum fr_status status = FR_OK;
  flow->sight = in;
  flow->node = calloc(chain->count > 0 ? chain->count : 1, sizeof *flow->node);
  if (!flow->node)
    return fr__fail_memory(err, "a stream");
  flow->count = chain->count;
  for (size_t i = 0; i < chain->count && status == FR_OK; i++) {
    fr__node *node = &flow->node[i];
    node->layer = &chain->layer[i];
    node->in = flow->sight;
    node->over = i > 0 && node->layer->ops->flow == FR__FLOW_STEPS;
    status = plan_node(node, stream, err);
    flow->sight = node->out;
  }
  return status;
}

void fr__flow_release(fr__flow_chain *flow) {
  for (size_t i = 0; i < flow->count; i++) {
    fr__node *node = &flow->node[i];
    for (size_t b = 0; node->branch && b < node->layer->branch_count; b++)
      fr__flow_release(&node->branch[b]);
    free(node->branch);
  }
  free(flow->node);
  *flow = (fr__flow_chain){0};
}

/* ---- room ---- */

/* Twice a window, so that its rows are moved to the front but once in a window. */
static void lay_out_slide(fr__slide *slide, const fr__sight *sight, size_t width,
                          size_t hop, fr__arena *arena) {
  const bool shares = fr__sight_shares(sight, hop);
  fr__slide s = {.steps = sight->steps,
                 .width = width,
                 .move = fr__sight_move(sight, hop),
                 .phases = shares ? fr__sight_phases(sight, hop) : 1,
                 .room = shares ? 2 * sight->steps : sight->steps};
  s.rows = fr__arena_take(arena, s.phases * s.room * width, sizeof *s.rows);
  s.at = fr__arena_take(arena, s.phases, sizeof *s.at);
  if (arena->base)
    *slide = s;
}

static size_t workspace_of(const fr__node *node) {
  fr__layer layer = node->own;
  if (node->flow == FR__FLOW_BRANCHES)
    return 0;
  if (node->carries) /* the step before the first has its row, too */
    layer.in.steps++;
  return layer.ops->workspace ? layer.ops->workspace(&layer, 1, false) : 0;
}

static void lay_out_states(fr__node *node, size_t hop, fr__arena *arena) {
  const fr__cell *cell = node->layer->ops->cell;
  const size_t units = node->layer->units, steps = node->in.steps;
  if (!node->carries) {
    for (size_t d = 0; d < fr__recurrent_directions(node->layer); d++)
      lay_out_slide(&node->gates[d], &node->in, cell->gates * units, hop, arena);
    return;
  }
  float *rows = fr__arena_take(arena, (steps + 1) * units, sizeof *rows);
  float *state = fr__arena_take(
      arena, fr__sight_phases(&node->in, hop) * fr__recurrent_state(cell, node->layer),
      sizeof *state);
  if (arena->base) {
    node->own.y = rows;
    node->state = state;
  }
}

static void lay_out_node(fr__node *node, const fr_stream *stream, fr__arena *arena) {
  const fr__layer *layer = node->layer;
  const size_t channels = layer->in.channels;
  const fr__span *span = &node->span;
  float *padded = NULL;
  if (!node->over)
    lay_out_slide(&node->y, &node->out, layer->out.channels, stream->hop, arena);
  if (node->flow == FR__FLOW_STATES)
    lay_out_states(node, stream->hop, arena);
  if (node->flow == FR__FLOW_SPANS && layer->padding != FR__PAD_NONE)
    padded = fr__arena_take(
        arena, ((layer->out.steps - 1) * span->stride + span->extent) * channels,
        sizeof *padded);
  for (size_t b = 0; b < layer->branch_count; b++)
    fr__flow_lay_out(&node->branch[b], stream, arena);
  const size_t floats = workspace_of(node);
  float *workspace = floats > 0 ? fr__arena_take(arena, floats, sizeof(float)) : NULL;
  if (arena->base) {
    node->padded = padded;
    node->own.workspace = workspace;
  }
}

void fr__flow_lay_out(fr__flow_chain *flow, const fr_stream *stream, fr__arena *arena) {
  for (size_t i = 0; i < flow->count; i++)
    lay_out_node(&flow->node[i], stream, arena);
}

/* ---- cost ---- */

/* Steps of a sight that a window has to compute. */
static size_t fresh_steps(const fr__sight *sight, size_t hop) {
  return fr__sight_shares(sight, hop)
             ? sight->lead + sight->trail + fr__sight_move(sight, hop)
             : sight->steps;
}

static uint64_t states_operations(const fr__node *node, size_t hop) {
  const fr__layer *layer = node->layer;
  const fr__cell *cell = layer->ops->cell;
  fr__layer some = *layer;
  if (node->carries) {
    some.in.steps = fresh_steps(&node->in, hop);
    return layer->ops->operations(&some);
  }
  const uint64_t there = node->in.steps - fresh_steps(&node->in, hop);
  return layer->ops->operations(layer) - 2 * there * fr__recurrent_directions(layer) *
                                             cell->gates * layer->units *
                                             layer->in.channels;
}

static uint64_t node_operations(fr__node *node, const fr_stream *stream) {
  const fr__layer *layer = node->layer;
  uint64_t sum = 0, inside = 0;
  if (node->flow == FR__FLOW_STATES)
    return states_operations(node, stream->hop);
  for (size_t b = 0; b < layer->branch_count; b++) {
    sum += fr__flow_operations(&node->branch[b], stream);
    inside += fr__chain_operations(&layer->branch[b]);
  }
  const uint64_t step = (layer->ops->operations(layer) - inside) / layer->out.steps;
  return sum + step * fresh_steps(&node->out, stream->hop);
}

uint64_t fr__flow_operations(fr__flow_chain *flow, const fr_stream *stream) {
  uint64_t sum = 0;
  for (size_t i = 0; i < flow->count; i++)
    sum += node_operations(&flow->node[i], stream);
  return sum;
}
