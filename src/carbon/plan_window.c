/* SPDX-License-Identifier: Apache-2.0 */
/* The hours ahead as whole numbers, and the cheapest whole stretch of them. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "carbon/plan.h"
#include "carbon/source.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* ---- made of a series ---- */

/* 2^b such that the dearest second times all seconds stays below 2^FR__COST_BITS; and
 * no finer than doubles are. */
static double scale_for(double dearest, int64_t seconds) {
  const double largest = fmax(dearest, 1.0) * (double)seconds;
  return ldexp(1.0, (int)fmin(FR__COST_BITS - 1 - ilogb(largest), 40));
}

static void append(fr__window *w, int64_t start, int64_t end, int64_t price) {
  fr__segment *last = w->count > 0 ? &w->segment[w->count - 1] : NULL;
  if (last != NULL && last->end == start && last->price == price) {
    last->end = end;
    return;
  }
  const int64_t before =
      last == NULL ? 0 : last->cost + last->price * (last->end - last->start);
  w->segment[w->count++] = (fr__segment){start, end, price, before, 0};
}

static void find_stretches(fr__window *w) {
  size_t end = w->count;
  for (size_t i = w->count; i-- > 0;) {
    if (i + 1 < w->count && w->segment[i].end < w->segment[i + 1].start)
      end = i + 1;
    w->segment[i].stretch_end = end;
  }
}

enum fr_status fr__window_init(fr__window *window, const fr_series *ahead, int64_t from_s,
                               int64_t to_s, fr_error *err) {
  const size_t first = fr__series_after(ahead, from_s);
  size_t end = first;
  double dearest = 0;
  for (; end < ahead->count && ahead->step[end].start_s < to_s; end++)
    dearest = fmax(dearest, ahead->step[end].g_per_kwh);
  fr__segment *segment = malloc((end - first + 1) * sizeof *segment);
  if (segment == NULL)
    return fr__fail_memory(err, "the hours ahead");
  *window = (fr__window){.segment = segment, .begin_s = from_s, .seconds = to_s - from_s};
  window->scale = scale_for(dearest, window->seconds);
  for (size_t i = first; i < end; i++) {
    const fr_intensity_step *step = &ahead->step[i];
    append(window, most(step->start_s, from_s) - from_s,
           least(step->end_s, to_s) - from_s, llround(step->g_per_kwh * window->scale));
  }
  find_stretches(window);
  return FR_OK;
}

void fr__window_release(fr__window *window) {
  free(window->segment);
  *window = (fr__window){0};
}

/* ---- looking ---- */

size_t fr__window_at(const fr__window *window, int64_t t) {
  size_t low = 0, high = window->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (window->segment[middle].end > t)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* `at` is t's segment, or one that ends at t. */
static int64_t cost_within(const fr__segment *at, int64_t t) {
  return at->cost + at->price * most(t - at->start, 0);
}

int64_t fr__window_cost(const fr__window *window, int64_t t) {
  const size_t i = fr__window_at(window, t);
  if (i < window->count)
    return cost_within(&window->segment[i], t);
  return i > 0 ? cost_within(&window->segment[i - 1], window->segment[i - 1].end) : 0;
}

/* ---- the cheapest ---- */

typedef struct cheapest {
  int64_t start, cost;
  bool found;
} cheapest;

static void offer(cheapest *best, int64_t start, int64_t cost) {
  if (!best->found || cost < best->cost || (cost == best->cost && start < best->start))
    *best = (cheapest){start, cost, true};
}

/* Segments [from, to) without a gap: starts at each one's beginning, then ends at each
 * one's end. Both other ends only move on. */
static void look_at_stretch(const fr__segment *segment, size_t from, size_t to,
                            int64_t length, cheapest *best) {
  const int64_t begin = segment[from].start, end = segment[to - 1].end;
  for (size_t i = from, j = from; i < to && segment[i].start + length <= end; i++) {
    while (segment[j].end < segment[i].start + length)
      j++;
    offer(best, segment[i].start,
          cost_within(&segment[j], segment[i].start + length) - segment[i].cost);
  }
  for (size_t i = from, j = from; j < to; j++) {
    const int64_t start = segment[j].end - length;
    if (start < begin)
      continue;
    while (segment[i].end <= start)
      i++;
    offer(best, start,
          cost_within(&segment[j], segment[j].end) - cost_within(&segment[i], start));
  }
}

/*
 * Within a stretch the cost of [s, s + length) is piecewise linear in s, its slope
 * price(s + length) - price(s): it bends where s or s + length is an edge and nowhere
 * else, so that one of these is a least. In a run of equally good starts the first is an
 * edge of one of the two kinds likewise.
 */
bool fr__window_cheapest(const fr__window *window, int64_t length, int64_t *start,
                         int64_t *cost) {
  cheapest best = {0};
  for (size_t i = 0; i < window->count; i = window->segment[i].stretch_end)
    look_at_stretch(window->segment, i, window->segment[i].stretch_end, length, &best);
  *start = best.start;
  *cost = best.cost;
  return best.found;
}
