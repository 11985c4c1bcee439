/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a schedule costs at least. Let each second of work earn `price` and let the sum of
 * the work be free: the best pieces then are found in one sweep over the points, and
 *   total(price) + price × work
 * is below the cost of every schedule that does the work (Lagrange; Fisher 1981,
 * Management Science 27(1)). It is concave in the price: the highest is sought.
 */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "carbon/plan_pieces.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

#define EARNED_CEILING ((int64_t)1 << 59) /* by all seconds of the window */
enum {
  STEPS = 64,
  TOLLS = 12,
  NEAR = 14 /* bits: the first limit of the search is not nearer to the bound */
};

/* A least total, and the work and pieces of the schedule behind it. */
typedef struct total {
  int64_t value, work;
  size_t pieces;
} total;

typedef struct seeker {
  const fr__points *points;
  const fr__rules *rules;
  fr__prices *prices;
  total *before; /* (count) */
  int64_t price_ceiling;
  int64_t toll; /* of the best bound so far */
} seeker;

static int64_t earned(const seeker *s, size_t i) {
  return s->points->cost[i] - s->prices->price * s->points->t[i];
}

/* What a further piece costs on top of its time. */
static int64_t fee(const seeker *s) {
  return s->prices->price * s->rules->resume + s->prices->toll;
}

/* ---- one sweep ---- */

/* The best beginnings of a piece that may end at the point that is looked at. */
typedef struct begun {
  total first, other; /* what ends, less earned(end) */
  size_t first_at, other_at;
} begun;

static void begin_pieces(const seeker *s, begun *b, size_t i) {
  const fr__points *p = s->points;
  for (; p->t[b->first_at] + s->rules->first <= p->t[i]; b->first_at++)
    if (-earned(s, b->first_at) < b->first.value)
      b->first = (total){-earned(s, b->first_at), -p->t[b->first_at], 1};
  for (; p->t[b->other_at] + s->rules->other <= p->t[i]; b->other_at++) {
    const size_t at = b->other_at;
    const total *old = &s->before[at];
    const int64_t value = old->value + p->extra[at] + fee(s) - earned(s, at);
    if (old->value < FR__NEVER && value < b->other.value)
      b->other = (total){value, old->work - p->t[at] - s->rules->resume, old->pieces + 1};
  }
}

/* The best that has a piece that ends at i. */
static total end_pieces(const seeker *s, const begun *b, size_t i) {
  total best = b->first.value <= b->other.value ? b->first : b->other;
  if (best.value < FR__NEVER) {
    best.value += earned(s, i);
    best.work += s->points->t[i];
  }
  return best;
}

static total sweep(const seeker *s) {
  const fr__points *p = s->points;
  total best = {FR__NEVER, 0, 0};
  for (size_t from = 0; from < p->count; from = p->end[from]) {
    begun b = {{FR__NEVER, 0, 0}, {FR__NEVER, 0, 0}, from, from};
    for (size_t i = from; i < p->end[from]; i++) {
      begin_pieces(s, &b, i);
      const total ended = end_pieces(s, &b, i);
      s->prices->ended[i] = ended.value;
      if (ended.value < best.value)
        best = ended;
      s->before[i] = best;
    }
  }
  return best;
}

/* ---- the highest bound ---- */

/* At a price: the bound, and what it grows by with the price. */
typedef struct tangent {
  int64_t price, bound, slope;
  size_t pieces;
} tangent;

static tangent at_price(seeker *s, int64_t price) {
  s->prices->price = price;
  const total best = sweep(s);
  const fr__rules *r = s->rules;
  const int64_t tolls = r->most > 0 ? s->prices->toll * (int64_t)(r->most - 1) : 0;
  return (tangent){price, best.value + price * r->work - tolls, r->work - best.work,
                   best.pieces};
}

/* Where two tangents meet, within (low, high). */
static int64_t meeting(const tangent *low, const tangent *high) {
  const double at =
      (double)low->price + ((double)(high->bound - low->bound) -
                            (double)high->slope * (double)(high->price - low->price)) /
                               (double)(low->slope - high->slope);
  const int64_t price = (int64_t)at;
  return most(low->price + 1, least(high->price - 1, price));
}

/* What a bound may be off by: the search begins no nearer to it. Of costs near nothing
 * a share of them is nothing: then of the work at a high price. */
static double tolerance(const seeker *s, int64_t bound) {
  const double dear = (double)s->price_ceiling * (double)s->rules->work;
  return ldexp(fmax((double)bound, ldexp(dear, -10)), -NEAR);
}

/* Whether no bound between them is worth another sweep: none is above where they meet. */
static bool is_near(const seeker *s, const tangent *low, const tangent *high,
                    int64_t best) {
  if (low->slope <= 0 || high->slope >= 0 || high->price - low->price <= 1)
    return true;
  const int64_t more = meeting(low, high) - low->price + 1;
  const double top = (double)low->bound + (double)low->slope * (double)more;
  return top - (double)best <= tolerance(s, best);
}

static const tangent *higher(const tangent *a, const tangent *b) {
  return a->bound >= b->bound ? a : b;
}

/* Prices around the best one: at the low one too little work pays, at the high one
 * enough. */
static void bracket(seeker *s, int64_t guess, tangent *low, tangent *high) {
  int64_t step = most(guess / 16, s->price_ceiling >> 9);
  *low = *high = at_price(s, least(most(guess, 1), s->price_ceiling));
  for (; high->slope > 0 && high->price < s->price_ceiling; step *= 2) {
    *low = *high;
    *high = at_price(s, least(s->price_ceiling, high->price + step));
  }
  for (; low->slope < 0 && low->price > 0; step *= 2) {
    *high = *low;
    *low = at_price(s, most(0, low->price - step));
  }
}

static tangent best_price(seeker *s, int64_t guess) {
  tangent low, high;
  bracket(s, guess, &low, &high);
  tangent best = *higher(&low, &high);
  for (int i = 0; i < STEPS && !is_near(s, &low, &high, best.bound); i++) {
    const tangent middle = at_price(s, meeting(&low, &high));
    best = *higher(&best, &middle);
    *(middle.slope > 0 ? &low : &high) = middle;
  }
  /* Where enough work pays there is more to make a schedule of. */
  const double less = (double)best.bound - (double)high.bound;
  return high.slope <= 0 && less <= tolerance(s, best.bound) ? high : best;
}

/* ---- tolls, where pieces are limited and more of them would pay ---- */

/* The same of a toll, at the best price for it. */
static tangent at_toll(seeker *s, int64_t toll, tangent *best) {
  s->prices->toll = toll;
  const tangent at = best_price(s, best->price);
  if (at.bound > best->bound || toll == 0) {
    *best = at;
    s->toll = toll;
  }
  return (tangent){toll, at.bound, (int64_t)at.pieces - (int64_t)s->rules->most,
                   at.pieces};
}

/* The bound is concave in the toll likewise; any toll's is one, the highest prunes most.
 */
static tangent best_toll(seeker *s, int64_t guess, int64_t ceiling) {
  tangent best = {.price = guess};
  tangent low = at_toll(s, 0, &best), high = low;
  if (s->rules->most == 0)
    return best;
  for (int64_t toll = most(best.bound >> 6, 1); high.slope > 0 && toll < ceiling;
       toll *= 4) {
    low = high;
    high = at_toll(s, toll, &best);
  }
  for (int i = 0; i < TOLLS && !is_near(s, &low, &high, best.bound); i++) {
    const tangent middle = at_toll(s, meeting(&low, &high), &best);
    *(middle.slope > 0 ? &low : &high) = middle;
  }
  return best;
}

/* ---- the same from the end on ---- */

static void sweep_stretch_back(seeker *s, size_t from, size_t to, int64_t *after) {
  const fr__points *p = s->points;
  fr__prices *prices = s->prices;
  int64_t first = FR__NEVER, other = FR__NEVER;
  size_t first_at = to, other_at = to; /* all from there on are looked at */
  for (size_t i = to; i-- > from;) {
    prices->after[i] = *after; /* of points behind i; mended below */
    for (; first_at > from && p->t[first_at - 1] >= p->t[i] + s->rules->first; first_at--)
      first = least(first, earned(s, first_at - 1) + prices->after[first_at - 1]);
    for (; other_at > from && p->t[other_at - 1] >= p->t[i] + s->rules->other; other_at--)
      other = least(other, earned(s, other_at - 1) + prices->after[other_at - 1]);
    prices->begun_first[i] = first < FR__NEVER ? first - earned(s, i) : FR__NEVER;
    prices->begun[i] =
        other < FR__NEVER ? other - earned(s, i) + p->extra[i] + fee(s) : FR__NEVER;
    prices->after[i] = *after = least(*after, prices->begun[i]);
  }
}

static void sweep_back(seeker *s) {
  int64_t after = 0;
  for (size_t to = s->points->count; to > 0;) {
    size_t from = to; /* the stretch that ends at `to` */
    while (from > 0 && s->points->end[from - 1] == to)
      from--;
    sweep_stretch_back(s, from, to, &after);
    to = from;
  }
}

enum fr_status fr__prices_init(fr__prices *prices, const fr__points *points,
                               const fr__rules *rules, int64_t guess, fr_error *err) {
  const size_t n = points->count + 1;
  *prices = (fr__prices){.bound = FR__NEVER,
                         .before = malloc(n * sizeof(int64_t)),
                         .ended = malloc(n * sizeof(int64_t)),
                         .after = malloc(n * sizeof(int64_t)),
                         .begun = malloc(n * sizeof(int64_t)),
                         .begun_first = malloc(n * sizeof(int64_t))};
  seeker s = {points, rules, prices, malloc(n * sizeof(total)), 0, 0};
  const bool made = prices->before != NULL && prices->ended != NULL &&
                    prices->after != NULL && prices->begun != NULL &&
                    prices->begun_first != NULL && s.before != NULL;
  if (made && points->count > 0) {
    s.price_ceiling = EARNED_CEILING / (points->t[points->count - 1] + rules->other);
    if (at_price(&s, 0).bound < FR__NEVER) {
      const tangent best =
          best_toll(&s, guess, EARNED_CEILING / 8 / (int64_t)(rules->most + 1));
      prices->toll = s.toll;
      prices->bound = most(0, at_price(&s, best.price).bound);
      for (size_t i = 0; i < points->count; i++)
        prices->before[i] = s.before[i].value;
      sweep_back(&s);
    }
  }
  free(s.before);
  return made ? FR_OK : fr__fail_memory(err, "prices of the hours ahead");
}

void fr__prices_release(fr__prices *prices) {
  free(prices->before);
  free(prices->ended);
  free(prices->after);
  free(prices->begun);
  free(prices->begun_first);
  *prices = (fr__prices){0};
}
