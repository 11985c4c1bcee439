/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How windows that slide share what layers compute.
 *
 * A window begins `hop` frames behind the one before. To a layer whose steps are `apart`
 * frames apart, that is hop / g of its steps in every (apart / g)th window, g being their
 * greatest common divisor: windows fall into apart / g phases, each a stream of its own
 * that moves on by hop / g steps at a time (its `move`). Step j of a window is step j +
 * move of the one before in its phase, unless it stands so near to an end of the window
 * that what lies outside (padding's zeros) has a part in it: `lead` steps at the
 * beginning and `trail` at the end are of that window alone. So a window costs a layer
 * the lead, and the last trail + move steps. A layer that may look at all steps, as a
 * dense one does, gives steps that are all of their window alone.
 */
#ifndef FR_NN_STREAM_H
#define FR_NN_STREAM_H

#include "frugal/stream.h"
#include "nn/net.h"
#include "nn/recurrent.h"

/* The steps of a window between two layers. */
typedef struct fr__sight {
  size_t steps;
  size_t lead, trail; /* of this window alone */
  size_t apart;       /* frames from one step to the next */
} fr__sight;

/* Rows of the windows of each phase, which lie one behind the other in time. */
typedef struct fr__slide {
  size_t steps, width; /* rows of a window, floats of a row */
  size_t move;         /* rows from one window of a phase to the next */
  size_t phases;
  size_t room; /* rows of each phase: `steps` where windows share none */
  float *rows; /* (phases, room, width) */
  size_t *at;  /* (phases) where the window begins */
} fr__slide;

typedef struct fr__node fr__node;

/* A chain of layers, as a stream runs it. */
typedef struct fr__flow_chain {
  fr__node *node; /* (count), owned */
  size_t count;
  fr__sight sight; /* behind the last */
} fr__flow_chain;

struct fr__node {
  const fr__layer *layer; /* the network's */
  fr__layer own;          /* the same with the steps and the room of one run */
  enum fr__flow flow;     /* WHOLE also where windows share too little */
  bool carries;           /* states are carried on */
  bool over;              /* y lies over x */
  fr__sight in, out;
  fr__slide y;
  fr__span span;          /* SPANS */
  float *padded;          /* (in.steps + zeros, C) where zeros may lie around x */
  fr__slide gates[2];     /* STATES: of each direction */
  float *state;           /* (phases, floats): carried on */
  fr__flow_chain *branch; /* (layer->branch_count), owned */
};

struct fr_stream {
  fr_net *net;
  size_t hop, window;
  enum fr_stream_states states;
  fr__flow_chain chain;
  fr__arena arena;
  uint64_t operations;

  float *frames;  /* (2 window, C) */
  size_t end;     /* frames in it */
  size_t missing; /* frames until the next window is complete */
  size_t index;   /* windows so far */
};

/* ---- stream_plan.c: what windows share ---- */

/* Greatest common divisor; x is not 0. */
size_t fr__sight_move(const fr__sight *sight, size_t hop);
size_t fr__sight_phases(const fr__sight *sight, size_t hop);
/* Whether a window takes over any step of the one before. */
bool fr__sight_shares(const fr__sight *sight, size_t hop);

enum fr_status fr__flow_init(fr__flow_chain *flow, const fr__chain *chain, fr__sight in,
                             const fr_stream *stream, fr_error *err);
void fr__flow_release(fr__flow_chain *flow);
/* A measuring arena leaves it as it is. */
void fr__flow_lay_out(fr__flow_chain *flow, const fr_stream *stream, fr__arena *arena);
/* FLOP of a window that is not the first. */
uint64_t fr__flow_operations(fr__flow_chain *flow, const fr_stream *stream);

/* ---- stream_run.c ---- */

/* The output for window `index`, whose input is x (in.steps, C). */
float *fr__flow_run(fr__flow_chain *flow, const fr_stream *stream, float *x);

#endif
