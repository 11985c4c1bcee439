/* SPDX-License-Identifier: Apache-2.0 */
/* Windows on their sides: moved in runs, parted where they share signal. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "data/split.h"

/* Seconds that two windows may share by rounding alone: double holds times since 1970 to
 * 2.4e-7 s. */
#define TOUCH_S 1e-5

static fr__place place_of(const fr_windows *windows, size_t i) {
  const fr_dataset *data = windows->data;
  const fr_record *r = &data->record[windows->at[i].record];
  fr__place p = {r->subject, r->activity, r->trial, r->start_s, r->start_s + r->span_s,
                 i};
  if (data->rate_hz > 0) {
    p.start_s += windows->at[i].start / data->rate_hz;
    p.end_s = p.start_s + (double)fr_window_steps(windows, i) / data->rate_hz;
  }
  return p;
}

enum fr_status fr__places_init(fr__places *places, const fr_windows *windows,
                               uint8_t *side, fr_error *err) {
  *places =
      (fr__places){windows->count, malloc(windows->count * sizeof *places->at), side};
  if (!places->at)
    return fr__fail_memory(err, "a split");
  for (size_t i = 0; i < windows->count; i++)
    places->at[i] = place_of(windows, i);
  return FR_OK;
}

void fr__places_release(fr__places *places) {
  free(places->at);
  *places = (fr__places){0};
}

static int compare_u32(uint32_t a, uint32_t b) { return (a > b) - (a < b); }

static int compare_history(const void *x, const void *y) {
  const fr__place *a = x, *b = y;
  int order = compare_u32(a->subject, b->subject);
  if (!order)
    order = compare_u32(a->activity, b->activity);
  if (!order)
    order = compare_u32(a->trial, b->trial);
  return order ? order : (a->window > b->window) - (a->window < b->window);
}

/* Who, what and in which trial: places that differ here share no signal. */
static int compare_source(const fr__place *a, const fr__place *b) {
  int order = compare_u32(a->subject, b->subject);
  if (!order)
    order = compare_u32(a->trial, b->trial);
  return order ? order : compare_u32(a->activity, b->activity);
}

static int compare_time(const void *x, const void *y) {
  const fr__place *a = x, *b = y;
  int order = compare_source(a, b);
  if (!order)
    order = (a->start_s > b->start_s) - (a->start_s < b->start_s);
  return order ? order : (a->window > b->window) - (a->window < b->window);
}

void fr__places_by_history(fr__places *places) {
  qsort(places->at, places->count, sizeof *places->at, compare_history);
}

size_t fr__places_run(const fr__places *places, size_t from) {
  const fr__place *first = &places->at[from];
  size_t to = from + 1;
  while (to < places->count && places->at[to].subject == first->subject &&
         places->at[to].activity == first->activity)
    to++;
  return to;
}

static int compare_diary(const void *x, const void *y) {
  const fr__place *a = x, *b = y;
  int order = compare_u32(a->subject, b->subject);
  if (!order)
    order = (a->start_s > b->start_s) - (a->start_s < b->start_s);
  return order ? order : (a->window > b->window) - (a->window < b->window);
}

void fr__places_by_diary(fr__places *places) {
  qsort(places->at, places->count, sizeof *places->at, compare_diary);
}

size_t fr__places_person(const fr__places *places, size_t from) {
  size_t to = from + 1;
  while (to < places->count && places->at[to].subject == places->at[from].subject)
    to++;
  return to;
}

static bool on_side(const fr__places *places, size_t i, enum fr_side side) {
  return places->side[places->at[i].window] == side;
}

void fr__places_move_last(fr__places *places, size_t from, size_t to, double share,
                          enum fr_side have, enum fr_side move) {
  size_t n = 0;
  for (size_t i = from; i < to; i++)
    n += on_side(places, i, have);
  if (n < 2)
    return;
  size_t left = (size_t)floor(share * (double)n + 0.5);
  left = left < 1 ? 1 : left > n - 1 ? n - 1 : left;
  for (size_t i = to; i-- > from && left > 0;) {
    if (!on_side(places, i, have))
      continue;
    places->side[places->at[i].window] = (uint8_t)move;
    left--;
  }
}

/* How many trials are among the places of [from, to) on side `have`. */
static size_t count_trials(const fr__places *places, size_t from, size_t to,
                           enum fr_side have) {
  size_t trials = 0;
  uint32_t last = 0;
  for (size_t i = from; i < to; i++) {
    if (!on_side(places, i, have) || (trials > 0 && places->at[i].trial == last))
      continue;
    last = places->at[i].trial;
    trials++;
  }
  return trials;
}

size_t fr__places_move_trials(fr__places *places, size_t from, size_t to, bool one,
                              enum fr_side have, enum fr_side move) {
  const size_t trials = count_trials(places, from, to, have);
  if (trials < 2)
    return 0;
  const size_t wanted = one || trials < 6 ? 1 : trials / 3;
  size_t moved = 0;
  uint32_t last = 0;
  for (size_t i = to; i-- > from;) {
    if (!on_side(places, i, have))
      continue;
    if (moved == 0 || places->at[i].trial != last) {
      if (moved == wanted)
        break;
      last = places->at[i].trial;
      moved++;
    }
    places->side[places->at[i].window] = (uint8_t)move;
  }
  return moved;
}

/* Places of one source in the order of time: whoever begins before the latest end of an
 * earlier kept window shares time with it. */
static void part_forward(fr__places *places, enum fr_side keep, enum fr_side lose) {
  double kept_until = -INFINITY;
  for (size_t i = 0; i < places->count; i++) {
    const fr__place *p = &places->at[i];
    if (i > 0 && compare_source(p, p - 1) != 0)
      kept_until = -INFINITY;
    if (on_side(places, i, keep) && p->end_s > kept_until)
      kept_until = p->end_s;
    else if (on_side(places, i, lose) && p->start_s < kept_until - TOUCH_S)
      places->side[p->window] = FR_SIDE_NONE;
  }
}

/* The mirror: whoever ends after the first start of a later kept window. */
static void part_backward(fr__places *places, enum fr_side keep, enum fr_side lose) {
  double kept_from = INFINITY;
  for (size_t i = places->count; i-- > 0;) {
    const fr__place *p = &places->at[i];
    if (i + 1 < places->count && compare_source(p, p + 1) != 0)
      kept_from = INFINITY;
    if (on_side(places, i, keep))
      kept_from = p->start_s;
    else if (on_side(places, i, lose) && p->end_s > kept_from + TOUCH_S)
      places->side[p->window] = FR_SIDE_NONE;
  }
}

void fr__places_part(fr__places *places, enum fr_side keep, enum fr_side lose) {
  qsort(places->at, places->count, sizeof *places->at, compare_time);
  part_forward(places, keep, lose);
  part_backward(places, keep, lose);
}
