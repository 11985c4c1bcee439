/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A good schedule, soon: the pieces that pay at the best price do nearly the work that is
 * wanted. Their dearest ends are cut, or ends drawn out where that is cheapest. It is the
 * least where its cost meets the bound, and what the search has to better elsewhere.
 */
#include <stdlib.h>

#include "base/error.h"
#include "carbon/plan_pieces.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

#define STEPS_CEILING 4096 /* pieces, and changes of them: it is a guess only */

typedef struct draft {
  const fr__window *window;
  const fr__rules *rules;
  fr__pieces pieces;
} draft;

/* ---- the pieces that pay ---- */

static size_t best_first(const fr__points *p, const fr__prices *prices) {
  size_t best = 0;
  for (size_t i = 1; i < p->count; i++)
    if (prices->begun_first[i] < prices->begun_first[best])
      best = i;
  return best;
}

static int64_t earned(const fr__points *p, const fr__prices *prices, size_t i) {
  return p->cost[i] - prices->price * p->t[i];
}

/* The last end of a best piece that begins at `start`: one piece, not two that touch.
 * `total` is what is left. */
static size_t end_of(const fr__points *p, const fr__prices *prices, size_t start,
                     int64_t length, int64_t total) {
  size_t end = p->end[start] - 1;
  while (end > start && (p->t[end] < p->t[start] + length ||
                         earned(p, prices, end) + prices->after[end] != total))
    end--;
  return end;
}

/* The next beginning, none where no further piece pays. */
static size_t next_of(const fr__points *p, const fr__prices *prices, size_t end) {
  size_t start = end + 1;
  if (prices->after[end] >= 0)
    return p->count;
  while (start < p->count && prices->begun[start] != prices->after[end])
    start++;
  return start;
}

static enum fr_status trace(draft *d, const fr__points *p, const fr__prices *prices,
                            fr_error *err) {
  enum fr_status status = FR_OK;
  size_t start = best_first(p, prices);
  int64_t length = d->rules->first;
  int64_t total = prices->begun_first[start] + earned(p, prices, start);
  const int64_t fee = prices->price * d->rules->resume + prices->toll;
  while (status == FR_OK && start < p->count && d->pieces.count < STEPS_CEILING) {
    const size_t end = end_of(p, prices, start, length, total);
    if (end == start)
      break;
    status = fr__pieces_add(&d->pieces, p->t[start], p->t[end], err);
    start = next_of(p, prices, end);
    length = d->rules->other;
    if (start < p->count)
      total = prices->begun[start] + earned(p, prices, start) - p->extra[start] - fee;
  }
  return status;
}

/* ---- to the work that is wanted ---- */

static int64_t least_length(const draft *d, size_t i) {
  return i == 0 ? d->rules->first : d->rules->other;
}

static int64_t length_of(const draft *d, size_t i) {
  return d->pieces.piece[i].end_s - d->pieces.piece[i].start_s;
}

/* Above 0: too much. */
static int64_t excess_of(const draft *d) {
  int64_t work = d->rules->resume - d->rules->work;
  for (size_t i = 0; i < d->pieces.count; i++)
    work += length_of(d, i) - d->rules->resume;
  return work;
}

/* Of the further pieces that do no more than `excess`, or of all where that is 0, the one
 * that does least; 0: there is none. */
static size_t smallest(const draft *d, int64_t excess) {
  size_t best = 0;
  for (size_t i = 1; i < d->pieces.count; i++)
    if ((excess == 0 || length_of(d, i) - d->rules->resume <= excess) &&
        (best == 0 || length_of(d, i) < length_of(d, best)))
      best = i;
  return best;
}

static void drop(draft *d, size_t i) {
  fr_piece *piece = d->pieces.piece;
  for (size_t k = i + 1; k < d->pieces.count; k++)
    piece[k - 1] = piece[k];
  d->pieces.count--;
}

static void drop_some(draft *d) {
  const size_t most = d->rules->most;
  while (most > 0 && d->pieces.count > most)
    drop(d, smallest(d, 0));
  for (int64_t excess = excess_of(d); excess > 0; excess = excess_of(d)) {
    const size_t i = smallest(d, excess);
    if (i == 0)
      break;
    drop(d, i);
  }
}

/* A change of one end of a piece by some seconds, all at one price. */
typedef struct change {
  int64_t *end, by, price;
} change;

static void offer(change *best, int64_t *end, int64_t by, int64_t price, bool dearest) {
  if (by != 0 &&
      (best->end == NULL || (dearest ? price > best->price : price < best->price)))
    *best = (change){end, by, price};
}

/* The dearest end that may be cut. */
static change cut(const draft *d, int64_t excess) {
  change best = {0};
  for (size_t i = 0; i < d->pieces.count; i++) {
    fr_piece *piece = &d->pieces.piece[i];
    const int64_t slack = least(excess, length_of(d, i) - least_length(d, i));
    const fr__segment *s = d->window->segment;
    const fr__segment *head = &s[fr__window_at(d->window, piece->start_s)];
    const fr__segment *tail = &s[fr__window_at(d->window, piece->end_s - 1)];
    offer(&best, &piece->start_s, least(slack, head->end - piece->start_s), head->price,
          true);
    offer(&best, &piece->end_s, -least(slack, piece->end_s - tail->start), tail->price,
          true);
  }
  return best;
}

/* The cheapest end that may be drawn out; pieces stay a second apart. */
static change draw(const draft *d, int64_t lack) {
  const fr__window *w = d->window;
  change best = {0};
  for (size_t i = 0; i < d->pieces.count; i++) {
    fr_piece *piece = &d->pieces.piece[i];
    const int64_t from = i > 0 ? piece[-1].end_s + 1 : 0;
    const int64_t to = i + 1 < d->pieces.count ? piece[1].start_s - 1 : w->seconds;
    const size_t head = fr__window_at(w, piece->start_s - 1);
    const size_t tail = fr__window_at(w, piece->end_s);
    if (piece->start_s > from && w->segment[head].start < piece->start_s)
      offer(&best, &piece->start_s,
            -least(least(lack, piece->start_s - from),
                   piece->start_s - w->segment[head].start),
            w->segment[head].price, false);
    if (tail < w->count && piece->end_s < to && w->segment[tail].start <= piece->end_s)
      offer(&best, &piece->end_s,
            least(least(lack, to - piece->end_s), w->segment[tail].end - piece->end_s),
            w->segment[tail].price, false);
  }
  return best;
}

/* False: the work that is wanted is not met. */
static bool fit(draft *d) {
  drop_some(d);
  int64_t excess = excess_of(d);
  for (int i = 0; i < STEPS_CEILING && excess != 0; i++, excess = excess_of(d)) {
    const change c = excess > 0 ? cut(d, excess) : draw(d, -excess);
    if (c.end != NULL)
      *c.end += c.by;
    else if (excess > 0 && d->pieces.count > 1)
      drop(d, smallest(d, 0));
    else
      break;
  }
  return excess == 0;
}

static int64_t cost_of(const draft *d, int64_t ceiling) {
  int64_t cost = 0;
  for (size_t i = 0; i < d->pieces.count; i++) {
    const fr_piece *piece = &d->pieces.piece[i];
    cost += fr__window_cost(d->window, piece->end_s) -
            fr__window_cost(d->window, piece->start_s);
    if (i > 0)
      cost += fr__extra(d->window, d->rules, piece->start_s, ceiling);
    if (cost >= ceiling)
      break;
  }
  return cost;
}

enum fr_status fr__fill(const fr__window *window, const fr__points *points,
                        const fr__rules *rules, const fr__prices *prices,
                        fr__pieces *best, fr_error *err) {
  draft d = {.window = window, .rules = rules};
  const int64_t ceiling = best->count > 0 ? best->cost : FR__NEVER / 2;
  const enum fr_status status = trace(&d, points, prices, err);
  if (status == FR_OK && d.pieces.count > 0 && fit(&d)) {
    d.pieces.cost = cost_of(&d, ceiling);
    if (d.pieces.cost < ceiling) {
      free(best->piece);
      *best = d.pieces;
      d.pieces.piece = NULL;
    }
  }
  free(d.pieces.piece);
  return status;
}
