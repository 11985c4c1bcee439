/* SPDX-License-Identifier: Apache-2.0 */
/* A job in pieces. */
#include <stdlib.h>

#include "base/error.h"
#include "carbon/plan_pieces.h"

/* ---- nothing but the time counts: the cheapest seconds ---- */

/* Seconds at that price or below, as far as `enough`. */
static int64_t seconds_up_to(const fr__window *w, int64_t price) {
  int64_t seconds = 0;
  for (size_t i = 0; i < w->count; i++)
    seconds += w->segment[i].price <= price ? w->segment[i].end - w->segment[i].start : 0;
  return seconds;
}

/* The least price at which there are `seconds` in all; -1: there never are. */
static int64_t price_for(const fr__window *w, int64_t seconds) {
  int64_t low = 0, high = 0;
  for (size_t i = 0; i < w->count; i++)
    high = w->segment[i].price > high ? w->segment[i].price : high;
  if (seconds_up_to(w, high) < seconds)
    return -1;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (seconds_up_to(w, middle) >= seconds)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* All seconds below the price that is needed, and of those at it the earliest. */
static enum fr_status take_seconds(const fr__window *w, int64_t seconds, fr__pieces *out,
                                   fr_error *err) {
  enum fr_status status = FR_OK;
  const int64_t price = price_for(w, seconds);
  int64_t at_price = seconds - (price > 0 ? seconds_up_to(w, price - 1) : 0);
  for (size_t i = 0; status == FR_OK && price >= 0 && i < w->count; i++) {
    const fr__segment *s = &w->segment[i];
    int64_t taken = s->price <= price ? s->end - s->start : 0;
    if (s->price == price) {
      taken = taken < at_price ? taken : at_price;
      at_price -= taken;
    }
    if (taken > 0)
      status = fr__pieces_add(out, s->start, s->start + taken, err);
    out->cost += taken * s->price;
  }
  return status;
}

static bool is_allowed(const fr__pieces *pieces, const fr_job *job) {
  bool allowed = job->most_pieces == 0 || pieces->count <= job->most_pieces;
  for (size_t i = 0; i < pieces->count; i++)
    allowed =
        allowed && pieces->piece[i].end_s - pieces->piece[i].start_s >= job->min_piece_s;
  return allowed && (pieces->count == 1 || (!(job->resume_j > 0) && job->resume_s == 0));
}

static void take_over(fr__pieces *out, fr__pieces *better) {
  const fr__pieces old = *out;
  *out = *better;
  *better = old;
}

/* ---- pieces of a least length that cost something to begin ---- */

static enum fr_status search(const fr__window *window, const fr__rules *rules,
                             fr__pieces *out, fr_error *err) {
  fr__points points = {0};
  fr__prices prices = {0};
  const bool any = out->count > 0;
  const int64_t guess = price_for(window, rules->work);
  const int64_t ceiling = any ? out->cost + 1 : (int64_t)1 << FR__COST_BITS;
  enum fr_status status = fr__points_init(&points, window, rules, ceiling, err);
  if (status == FR_OK)
    status = fr__prices_init(&prices, &points, rules, guess, err);
  const bool fits = status == FR_OK && prices.bound < FR__NEVER;
  if (fits)
    status = fr__fill(window, &points, rules, &prices, out, err);
  if (fits && status == FR_OK)
    status = fr__search(window, &points, rules, &prices, out, err);
  fr__prices_release(&prices);
  fr__points_release(&points);
  return status;
}

enum fr_status fr__plan_pieces(const fr__window *window, const fr_job *job,
                               fr__pieces *out, fr_error *err) {
  fr__pieces seconds = {0};
  fr__rules rules;
  fr__rules_init(&rules, job);
  enum fr_status status = take_seconds(window, job->duration_s, &seconds, err);
  /* They are what costs least without any rule: dearer ones are not looked for. */
  const bool cheaper = seconds.count > 0 && (out->count == 0 || seconds.cost < out->cost);
  const bool allowed = cheaper && is_allowed(&seconds, job);
  if (status == FR_OK && allowed)
    take_over(out, &seconds);
  else if (status == FR_OK && cheaper && rules.first <= rules.work / 2)
    status = search(window, &rules, out, err);
  free(seconds.piece);
  return status;
}
