/* SPDX-License-Identifier: Apache-2.0 */
/* Who rose in a spike. */
#include "frugal/power.h"

#include <math.h>
#include <stdlib.h>

#define BEFORE_S 10.0
#define EDGE_S 1.0 /* right before, and right after */
#define GROUPS 20  /* what came before is looked at in so many pieces */
#define TRIM 0.2   /* of them left out at each end: other spikes are no habit */
#define TICK_S 0.01
#define STANDARD_ERRORS 1.0 /* a smaller rise is none */

/* Intervals first … last - 1. */
typedef struct stretch {
  size_t first, last;
} stretch;

static size_t length(stretch of) { return of.last - of.first; }

/* All intervals that the spike touches: accounts of processes come in ticks, late. */
static stretch within(const fr_spike *spike, const double *t_s, size_t count) {
  const double end_s = spike->start_s + spike->duration_s;
  stretch of = {0, 0};
  while (of.first < count && t_s[of.first + 1] <= spike->start_s)
    of.first++;
  of.last = of.first;
  while (of.last < count && t_s[of.last] < end_s)
    of.last++;
  return of;
}

/* The 10 s before it; where there is nothing, after it. */
static stretch beside(stretch in, const double *t_s, size_t count) {
  stretch of = {in.first, in.first};
  while (of.first > 0 && t_s[in.first] - t_s[of.first - 1] <= BEFORE_S)
    of.first--;
  if (of.first == 0 && in.first > 0 && length(of) == 0)
    of.first = in.first - 1; /* an interval longer than that */
  if (length(of) > 0)
    return of;
  of = (stretch){in.last, in.last};
  while (of.last < count && t_s[of.last + 1] - t_s[in.last] <= BEFORE_S)
    of.last++;
  return of;
}

static double used(const fr_actor *actor, stretch of) {
  double sum = 0;
  for (size_t i = of.first; i < of.last; i++)
    sum += actor->use_s[i];
  return sum;
}

static double lasted(const double *t_s, stretch of) {
  return t_s[of.last] - t_s[of.first];
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

typedef struct habit {
  double rate;    /* use per second: a trimmed mean */
  double spread;  /* of pieces */
  double piece_s; /* their length */
  double pieces;
} habit;

static habit habit_of(const fr_actor *actor, const double *t_s, stretch of) {
  double rate[GROUPS], sum = 0, squares = 0;
  size_t pieces = length(of) < GROUPS ? length(of) : GROUPS;
  if (pieces == 0)
    return (habit){.piece_s = 1, .pieces = 1};
  for (size_t k = 0; k < pieces; k++) {
    const stretch piece = {of.first + k * length(of) / pieces,
                           of.first + (k + 1) * length(of) / pieces};
    rate[k] = used(actor, piece) / lasted(t_s, piece);
  }
  qsort(rate, pieces, sizeof *rate, ascending);
  const size_t cut = (size_t)(TRIM * (double)pieces);
  for (size_t k = cut; k < pieces - cut; k++)
    sum += rate[k];
  const double mean = sum / (double)(pieces - 2 * cut);
  for (size_t k = 0; k < pieces; k++)
    squares += (rate[k] - mean) * (rate[k] - mean);
  return (habit){mean, sqrt(squares / (double)pieces), lasted(t_s, of) / (double)pieces,
                 (double)pieces};
}

/* The last intervals before a spike, or the first ones after it: one at least. */
static stretch edge(stretch in, const double *t_s, size_t count, bool before) {
  stretch of = before ? (stretch){in.first, in.first} : (stretch){in.last, in.last};
  while (before && of.first > 0 &&
         (length(of) == 0 || t_s[in.first] - t_s[of.first - 1] <= EDGE_S + TICK_S))
    of.first--;
  while (!before && of.last < count &&
         (length(of) == 0 || t_s[of.last + 1] - t_s[in.last] <= EDGE_S + TICK_S))
    of.last++;
  return of;
}

/* Use per second that was there before the spike and is there after it: what goes on
 * through a spike did not make it, though it may have begun shortly before. */
static double through(const fr_actor *actor, const double *t_s, stretch before,
                      stretch after) {
  if (length(before) == 0 || length(after) == 0)
    return 0;
  return fmin(used(actor, before) / lasted(t_s, before),
              used(actor, after) / lasted(t_s, after));
}

/*
 * The rise and its standard error: the wobble of the pieces before, averaged over the
 * spike and over what came before, and a tick of the kernel's accounts at each edge.
 */
static fr_cause rise_of(const fr_actor *actor, size_t index, const double *t_s,
                        size_t count, stretch in) {
  const habit usual = habit_of(actor, t_s, beside(in, t_s, count));
  const double going_on =
      through(actor, t_s, edge(in, t_s, count, true), edge(in, t_s, count, false));
  const double span_s = lasted(t_s, in);
  const double rise_s = used(actor, in) - fmax(usual.rate, going_on) * span_s;
  const double wobble_s =
      usual.spread * span_s * sqrt(usual.piece_s / span_s + 1 / usual.pieces);
  const double error_s = hypot(wobble_s, TICK_S);
  if (!(rise_s > STANDARD_ERRORS * error_s))
    return (fr_cause){.actor = index};
  return (fr_cause){
      .actor = index, .rise_s = rise_s, .confidence = erf(rise_s / error_s / sqrt(2))};
}

/* Keeps the `room` greatest rises in order; how many there are then. */
static size_t rank(fr_cause *cause, size_t kept, size_t room, fr_cause next) {
  size_t at = kept < room ? kept : room;
  while (at > 0 && cause[at - 1].rise_s < next.rise_s) {
    if (at < room)
      cause[at] = cause[at - 1];
    at--;
  }
  if (at < room)
    cause[at] = next;
  return kept < room ? kept + 1 : room;
}

size_t fr_spike_attribute(const fr_spike *spike, const double *t_s, size_t count,
                          const fr_actor *actor, size_t actors, fr_cause *cause,
                          size_t room) {
  const stretch in = within(spike, t_s, count);
  if (length(in) == 0)
    return 0;
  size_t kept = 0;
  double all_s = 0;
  for (size_t i = 0; i < actors; i++) {
    const fr_cause next = rise_of(&actor[i], i, t_s, count, in);
    all_s += next.rise_s;
    if (next.rise_s > 0)
      kept = rank(cause, kept, room, next);
  }
  for (size_t i = 0; i < kept; i++)
    cause[i].share = cause[i].rise_s / all_s;
  return kept;
}
