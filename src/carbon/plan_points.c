/* SPDX-License-Identifier: Apache-2.0 */
/* The times at which pieces of a best schedule begin and end. */
#include <stdlib.h>

#include "base/error.h"
#include "carbon/plan_pieces.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

void fr__rules_init(fr__rules *rules, const fr_job *job) {
  const double watts = job->energy_j.value / (double)job->duration_s;
  const int64_t over = most(job->resume_s, 1);
  *rules = (fr__rules){.work = job->duration_s,
                       .first = most(job->min_piece_s, 1),
                       .resume = job->resume_s,
                       .joules_over = over,
                       .joules = job->resume_j / watts / (double)over,
                       .most = job->most_pieces};
  rules->other = rules->first + rules->resume;
  if (rules->most >= (uint64_t)(rules->work / rules->first))
    rules->most = 0; /* more do not fit anyway */
}

/* The joules of resuming over time that costs `cost` at the job's power. A piece that
 * costs as much as `ceiling` is in no best schedule. */
static int64_t extra_of(const fr__rules *rules, int64_t cost, int64_t ceiling) {
  const double extra = rules->joules * (double)cost;
  return extra < (double)ceiling ? (int64_t)(extra + 0.5) : ceiling;
}

int64_t fr__extra(const fr__window *window, const fr__rules *rules, int64_t t,
                  int64_t ceiling) {
  if (!(rules->joules > 0))
    return 0;
  return extra_of(
      rules, fr__window_cost(window, t + rules->joules_over) - fr__window_cost(window, t),
      ceiling);
}

/* The same of all points, whose times only grow. */
static void find_extras(fr__points *p, const fr__window *w, const fr__rules *rules,
                        int64_t ceiling) {
  size_t at = 0;
  for (size_t i = 0; i < p->count; i++) {
    const int64_t until = p->t[i] + rules->joules_over;
    while (at + 1 < w->count && w->segment[at].end < until)
      at++;
    const fr__segment *s = &w->segment[at];
    const int64_t covered = most(least(until, s->end) - s->start, 0);
    p->extra[i] =
        rules->joules > 0
            ? extra_of(rules, s->cost + s->price * covered - p->cost[i], ceiling)
            : 0;
  }
}

/* ---- all of a stretch in order ---- */

enum { OFFSETS = 7 };

typedef struct offsets {
  int64_t by[OFFSETS];
  unsigned char marks[OFFSETS];
  size_t count;
} offsets;

static void add_offset(offsets *o, int64_t by, unsigned char marks) {
  o->by[o->count] = by;
  o->marks[o->count++] = marks;
}

/*
 * Edges; a least piece before and behind each. The joules of resuming bend the cost of a
 * piece also where they end at an edge.
 */
static void find_offsets(const fr__rules *r, offsets *o) {
  *o = (offsets){0};
  add_offset(o, 0, FR__POINT_EDGE | FR__POINT_BEND);
  add_offset(o, r->first, 0);
  add_offset(o, -r->first, 0);
  if (r->resume > 0) {
    add_offset(o, r->other, 0);
    add_offset(o, -r->other, 0);
  }
  if (r->joules > 0) {
    add_offset(o, -r->joules_over, FR__POINT_BEND);
    add_offset(o, r->other - r->joules_over, 0);
  }
}

/* Segments [from, to) of a window, and the edge behind the last. */
typedef struct stretch {
  const fr__segment *segment;
  size_t from, to;
} stretch;

static int64_t edge(const stretch *s, size_t i) {
  return s->from + i < s->to ? s->segment[s->from + i].start : s->segment[s->to - 1].end;
}

static void append(fr__points *p, const stretch *s, size_t *segment, int64_t t,
                   unsigned char marks) {
  while (*segment + 1 < s->to && s->segment[*segment].end < t)
    ++*segment;
  const fr__segment *at = &s->segment[*segment];
  p->t[p->count] = t;
  p->cost[p->count] = at->cost + at->price * (t - at->start);
  p->marks[p->count++] = marks;
}

/* Edges moved by each offset are in order: so is what is merged of them. */
static void merge(fr__points *p, const stretch *s, const offsets *o) {
  const size_t edges = s->to - s->from + 1, first = p->count;
  const int64_t begin = edge(s, 0), end = edge(s, edges - 1);
  size_t head[OFFSETS] = {0}, segment = s->from;
  int64_t next[OFFSETS];
  for (size_t k = 0; k < o->count; k++) {
    while (head[k] < edges && edge(s, head[k]) + o->by[k] < begin)
      head[k]++;
    next[k] = head[k] < edges ? edge(s, head[k]) + o->by[k] : INT64_MAX;
  }
  for (;;) {
    int64_t t = INT64_MAX;
    unsigned char marks = 0;
    for (size_t k = 0; k < o->count; k++)
      t = least(t, next[k]);
    if (t > end)
      break;
    for (size_t k = 0; k < o->count; k++)
      if (next[k] == t) {
        marks = (unsigned char)(marks | o->marks[k]);
        next[k] = ++head[k] < edges ? edge(s, head[k]) + o->by[k] : INT64_MAX;
      }
    append(p, s, &segment, t, marks);
  }
  for (size_t i = first; i < p->count; i++)
    p->end[i] = p->count;
}

enum fr_status fr__points_init(fr__points *points, const fr__window *window,
                               const fr__rules *rules, int64_t ceiling, fr_error *err) {
  offsets o;
  find_offsets(rules, &o);
  const size_t room = 2 * window->count * o.count + 1; /* stretches have an edge more */
  *points = (fr__points){.t = malloc(room * sizeof *points->t),
                         .cost = malloc(room * sizeof *points->cost),
                         .extra = malloc(room * sizeof *points->extra),
                         .marks = malloc(room),
                         .end = malloc(room * sizeof *points->end)};
  if (points->t == NULL || points->cost == NULL || points->extra == NULL ||
      points->marks == NULL || points->end == NULL)
    return fr__fail_memory(err, "the times of a schedule");
  for (size_t i = 0; i < window->count; i = window->segment[i].stretch_end)
    merge(points, &(stretch){window->segment, i, window->segment[i].stretch_end}, &o);
  find_extras(points, window, rules, ceiling);
  return FR_OK;
}

void fr__points_release(fr__points *points) {
  free(points->t);
  free(points->cost);
  free(points->extra);
  free(points->marks);
  free(points->end);
  *points = (fr__points){0};
}
