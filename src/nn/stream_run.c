/* SPDX-License-Identifier: Apache-2.0 */
/* One window after another: what is new of each layer's output. */
#include <string.h>

#include "nn/stream.h"

/* ---- rows that slide ---- */

static float *rows_of(const fr__slide *slide, size_t index) {
  return slide->rows + index % slide->phases * slide->room * slide->width;
}

/* Moves on to window `index`; returns its first row. Rows that it shares with the window
 * before are there. */
static float *move_on(const fr__slide *slide, size_t index) {
  size_t *at = &slide->at[index % slide->phases];
  float *rows = rows_of(slide, index);
  if (index < slide->phases || slide->room == slide->steps) {
    *at = 0;
    return rows;
  }
  *at += slide->move;
  if (*at + slide->steps > slide->room) {
    memmove(rows, rows + *at * slide->width,
            (slide->steps - slide->move) * slide->width * sizeof *rows);
    *at = 0;
  }
  return rows + *at * slide->width;
}

/* Steps of a window that have to be computed: [0, lead) and [from, steps). */
typedef struct fresh {
  size_t lead, from;
} fresh;

static fresh fresh_of(const fr__sight *sight, const fr_stream *stream) {
  const size_t hop = stream->hop;
  if (!fr__sight_shares(sight, hop) || stream->index < fr__sight_phases(sight, hop))
    return (fresh){0, 0};
  return (fresh){sight->lead, sight->steps - sight->trail - fr__sight_move(sight, hop)};
}

/* ---- steps [from, to) of y ---- */

typedef struct window {
  const fr_stream *stream;
  const fr__pass *pass;
  float *x, *y;                            /* of the whole window */
  const float *branch[FR__LAYER_BRANCHES]; /* outputs of them */
} window;

static void run_steps(fr__node *node, const window *w, size_t from, size_t to) {
  fr__layer *own = &node->own;
  own->in.steps = own->out.steps = to - from;
  own->x = w->x + from * own->in.channels;
  own->y = w->y + from * own->out.channels;
  own->ops->forward(own, w->pass);
}

/* Steps [from, from + count) of x, counted as if `left` zeros stood before it. */
static const float *with_zeros(const fr__node *node, const float *x, size_t from,
                               size_t count) {
  const size_t channels = node->own.in.channels, left = node->span.left;
  const size_t end = left + node->in.steps;
  const size_t first = from > left ? from : left;
  const size_t last = from + count < end ? from + count : end;
  if (first == from && last == from + count)
    return x + (from - left) * channels;
  memset(node->padded, 0, count * channels * sizeof *x);
  if (first < last)
    memcpy(node->padded + (first - from) * channels, x + (first - left) * channels,
           (last - first) * channels * sizeof *x);
  return node->padded;
}

static void run_spans(fr__node *node, const window *w, size_t from, size_t to) {
  const fr__span *span = &node->span;
  fr__layer *own = &node->own;
  own->out.steps = to - from;
  own->in.steps = (to - from - 1) * span->stride + span->extent;
  own->x = with_zeros(node, w->x, from * span->stride, own->in.steps);
  own->y = w->y + from * own->out.channels;
  own->ops->forward(own, w->pass);
}

static void run_join(fr__node *node, const window *w, size_t from, size_t to) {
  fr__layer *own = &node->own;
  own->in.steps = own->out.steps = to - from;
  own->x = w->x + from * own->in.channels;
  own->y = w->y + from * own->out.channels;
  for (size_t b = 0; b < own->branch_count; b++)
    own->ops->join(own, w->pass, b,
                   w->branch[b] + from * node->layer->branch[b].out.channels);
}

typedef void run_rows(fr__node *node, const window *w, size_t from, size_t to);

static void run_fresh(fr__node *node, const window *w, const fr__sight *sight,
                      run_rows *run) {
  const fresh f = fresh_of(sight, w->stream);
  if (f.lead > 0)
    run(node, w, 0, f.lead);
  run(node, w, f.from, sight->steps);
}

/* ---- recurrence ---- */

/* The product with the input, of steps [from, to); y are the gates. */
static void run_gates(fr__node *node, const window *w, size_t from, size_t to) {
  const fr__cell *cell = node->layer->ops->cell;
  fr__layer *own = &node->own;
  own->in.steps = to - from;
  own->x = w->x + from * own->in.channels;
  for (size_t d = 0; d < fr__recurrent_directions(own); d++) {
    const fr__slide *gates = &node->gates[d];
    const size_t phase = w->stream->index % gates->phases;
    fr__recurrent_gates(cell, own, w->pass, d,
                        rows_of(gates, w->stream->index) +
                            (gates->at[phase] + from) * gates->width);
  }
}

/* The gates are taken over, the states begin anew. */
static void run_restarted(fr__node *node, const window *w) {
  const float *gates[2] = {NULL, NULL};
  for (size_t d = 0; d < fr__recurrent_directions(node->layer); d++)
    gates[d] = move_on(&node->gates[d], w->stream->index);
  run_fresh(node, w, &node->in, run_gates);
  node->own.in.steps = node->in.steps;
  node->own.y = w->y;
  fr__recurrent_states(node->layer->ops->cell, &node->own, w->pass, gates);
}

/* The new steps alone, on from the state of the phase. */
static void run_carried(fr__node *node, const window *w) {
  const fr__cell *cell = node->layer->ops->cell;
  const size_t phases = fr__sight_phases(&node->in, w->stream->hop);
  const size_t move = fr__sight_move(&node->in, w->stream->hop);
  const size_t units = node->layer->units, index = w->stream->index;
  const size_t from = index < phases ? 0 : node->in.steps - move;
  const size_t floats = fr__recurrent_state(cell, node->layer);
  float *state = node->state + index % phases * floats;
  fr__layer *own = &node->own;
  if (index < phases)
    memset(state, 0, floats * sizeof *state);
  own->in.steps = node->in.steps - from;
  own->x = w->x + from * own->in.channels;
  const float *h = fr__recurrent_carry(cell, own, w->pass, state);
  const size_t given = node->layer->all ? own->in.steps : 1;
  memcpy(w->y + (node->layer->all ? from : 0) * units,
         h + (own->in.steps - given) * units, given * units * sizeof *h);
}

/* ---- layers ---- */

static void run_branches(fr__node *node, window *w) {
  for (size_t b = 0; b < node->layer->branch_count; b++)
    w->branch[b] = fr__flow_run(&node->branch[b], w->stream, w->x);
  run_fresh(node, w, &node->out, run_join);
}

static void run_whole(fr__node *node, const window *w) {
  node->own.x = w->x;
  node->own.y = w->y;
  node->own.ops->forward(&node->own, w->pass);
}

static void run_node(fr__node *node, window *w) {
  memcpy(node->own.packed, node->layer->packed, sizeof node->own.packed);
  memcpy(node->own.sparse, node->layer->sparse, sizeof node->own.sparse);
  switch (node->flow) {
  case FR__FLOW_WHOLE: run_whole(node, w); break;
  case FR__FLOW_STEPS: run_fresh(node, w, &node->out, run_steps); break;
  case FR__FLOW_SPANS: run_fresh(node, w, &node->out, run_spans); break;
  case FR__FLOW_STATES:
    if (node->carries)
      run_carried(node, w);
    else
      run_restarted(node, w);
    break;
  case FR__FLOW_BRANCHES: run_branches(node, w); break;
  }
}

float *fr__flow_run(fr__flow_chain *flow, const fr_stream *stream, float *x) {
  const fr__pass pass = {
      .kern = &stream->net->kern, .rng = &stream->net->rng, .batch = 1};
  window w = {.stream = stream, .pass = &pass, .x = x};
  for (size_t i = 0; i < flow->count; i++) {
    fr__node *node = &flow->node[i];
    w.y = node->over ? w.x : move_on(&node->y, stream->index);
    run_node(node, &w);
    w.x = w.y;
  }
  return w.x;
}
