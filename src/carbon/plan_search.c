/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All schedules between the bound and a limit. A best schedule is some pieces whose ends
 * are points, one piece (the remainder) of which one end is a bend or an edge, and some
 * pieces whose ends are points. Those behind the remainder are put together from the last
 * to the first, those before it from the first on; of as much work, and as many pieces
 * where they are limited, the cheapest is kept by the time at which it leaves off. Then
 * each remainder is tried between two of them. What the prices show to end above the
 * limit is not followed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "carbon/plan_pieces.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

#define NOTHING UINT32_MAX
#define PARTS_CEILING ((size_t)1 << 20) /* kept at once on one side */

/* Pieces on one side of the remainder. */
typedef struct part {
  int64_t t; /* where its inner end is: the last end, or the first start */
  int64_t cost, work;
  uint32_t pieces, sum;
  uint32_t start, end; /* points: of the piece at its inner end */
  uint32_t outer;      /* the part without that piece; NOTHING: there is no other */
  uint32_t older;      /* as much work, farther out and dearer; or the next to settle */
} part;

/* Work and pieces, and the newest part that has them, which is the cheapest too. */
typedef struct amount {
  int64_t work;
  uint32_t pieces; /* 0 where they are not limited */
  uint32_t newest;
} amount;

typedef struct flank {
  part *part; /* (count) owned */
  size_t count, capacity;
  amount *sum; /* (sums) owned; sum[0] is of no work, its newest NOTHING */
  size_t sums, sums_capacity;
  uint32_t *slot;      /* (slots) owned: of sums, by hash */
  size_t slots;        /* a power of 2 */
  uint32_t *unsettled; /* (points) owned: parts whose inner end is a point, as a chain */
  int64_t least;       /* total at the prices of all that are settled, none at all too */
} flank;

typedef struct found {
  int64_t cost, start, end;
  uint32_t before, behind; /* NOTHING: no pieces are there */
} found;

typedef struct search {
  const fr__window *window;
  const fr__points *points;
  const fr__rules *rules;
  const fr__prices *prices;
  flank before, behind;
  int64_t limit; /* of the cost */
  int64_t most;  /* the same of totals at the prices */
  found best;
  size_t looks;
  bool is_cut; /* a ceiling was met */
  fr_error *err;
  enum fr_status status;
} search;

/* ---- a side ---- */

static enum fr_status side_init(flank *s, size_t points, fr_error *err) {
  *s = (flank){.unsettled = malloc((points + 1) * sizeof *s->unsettled)};
  return s->unsettled != NULL ? FR_OK : fr__fail_memory(err, "a search");
}

static void side_release(flank *s) {
  free(s->part);
  free(s->sum);
  free(s->slot);
  free(s->unsettled);
}

static void *grow(void *old, size_t *capacity, size_t size) {
  const size_t wanted = *capacity > 0 ? 2 * *capacity : 256;
  void *more = realloc(old, wanted * size);
  if (more != NULL)
    *capacity = wanted;
  return more;
}

static size_t slot_of(const flank *s, int64_t work, uint32_t pieces) {
  const uint64_t key =
      (uint64_t)work * 0x9E3779B97F4A7C15u + pieces * 0xC2B2AE3D27D4EB4Fu;
  size_t at = (size_t)(key >> 20) & (s->slots - 1);
  while (s->slot[at] != NOTHING &&
         (s->sum[s->slot[at]].work != work || s->sum[s->slot[at]].pieces != pieces))
    at = (at + 1) & (s->slots - 1);
  return at;
}

static bool rehash(flank *s) {
  const size_t slots = s->slots > 0 ? 2 * s->slots : 512;
  uint32_t *slot = malloc(slots * sizeof *slot);
  if (slot == NULL)
    return false;
  memset(slot, 0xff, slots * sizeof *slot);
  free(s->slot);
  s->slot = slot;
  s->slots = slots;
  for (size_t i = 0; i < s->sums; i++)
    slot[slot_of(s, s->sum[i].work, s->sum[i].pieces)] = (uint32_t)i;
  return true;
}

/* The number of that sum, made where there is none; NOTHING: out of memory. */
static uint32_t sum_of(flank *s, int64_t work, uint32_t pieces) {
  if (2 * (s->sums + 1) > s->slots && !rehash(s))
    return NOTHING;
  const size_t at = slot_of(s, work, pieces);
  if (s->slot[at] != NOTHING)
    return s->slot[at];
  if (s->sums == s->sums_capacity) {
    amount *more = grow(s->sum, &s->sums_capacity, sizeof *more);
    if (more == NULL)
      return NOTHING;
    s->sum = more;
  }
  s->sum[s->sums] = (amount){work, pieces, NOTHING};
  s->slot[at] = (uint32_t)s->sums;
  return (uint32_t)s->sums++;
}

static bool side_clear(flank *s, size_t points) {
  s->count = s->sums = 0;
  s->least = 0;
  memset(s->unsettled, 0xff, (points + 1) * sizeof *s->unsettled);
  if (s->slot != NULL)
    memset(s->slot, 0xff, s->slots * sizeof *s->slot);
  return sum_of(s, 0, 0) == 0;
}

static void fail(search *s, enum fr_status status) {
  if (s->status == FR_OK && status == FR_ERR_MEMORY)
    s->status = fr__fail_memory(s->err, "a search");
}

/* Keeps a part until the sweep comes past its inner end; one that is no cheaper than one
 * which leaves off sooner is none. */
static void keep(search *s, flank *side, part new, uint32_t point) {
  new.sum = sum_of(side, new.work, s->rules->most > 0 ? new.pieces : 0);
  if (side->count == PARTS_CEILING)
    s->is_cut = true;
  if (new.sum != NOTHING && side->count == side->capacity && !s->is_cut) {
    part *more = grow(side->part, &side->capacity, sizeof *more);
    if (more == NULL)
      new.sum = NOTHING;
    else
      side->part = more;
  }
  if (new.sum == NOTHING)
    fail(s, FR_ERR_MEMORY);
  if (new.sum == NOTHING || s->is_cut)
    return;
  const uint32_t newest = side->sum[new.sum].newest;
  if (newest != NOTHING && side->part[newest].cost <= new.cost)
    return;
  new.older = side->unsettled[point];
  side->part[side->count] = new;
  side->unsettled[point] = (uint32_t)side->count++;
}

static void settle(flank *side, size_t point, int64_t price) {
  for (uint32_t i = side->unsettled[point], next; i != NOTHING; i = next) {
    part *new = &side->part[i];
    amount *sum = &side->sum[new->sum];
    next = new->older;
    if (sum->newest != NOTHING && side->part[sum->newest].cost <= new->cost)
      continue;
    new->older = sum->newest;
    sum->newest = i;
    if (new->cost - price *new->work < side->least) /* tolls only add to it */
      side->least = new->cost - price *new->work;
  }
}

/* ---- pieces whose ends are points ---- */

static const part nothing = {0};

static const part *newest(const flank *side, size_t sum) {
  const uint32_t i = side->sum[sum].newest;
  return i == NOTHING ? &nothing : &side->part[i];
}

/* Of the parts that are settled, sum[0] stands for none at all. */
static bool has_parts(const flank *side, size_t sum) {
  return sum == 0 || side->sum[sum].newest != NOTHING;
}

static int64_t total_before(const search *s, const part *p) {
  const int64_t tolls = p->pieces > 0 ? s->prices->toll * (int64_t)(p->pieces - 1) : 0;
  return p->cost - s->prices->price * p->work + tolls;
}

static int64_t total_behind(const search *s, const part *p) {
  return p->cost - s->prices->price * p->work + s->prices->toll * (int64_t)p->pieces;
}

/* Any length from a bend to an edge; the least one from or to either. */
static bool is_allowed(const fr__points *p, size_t start, size_t end, bool is_least) {
  const bool bend = (p->marks[start] & FR__POINT_BEND) != 0;
  const bool edge = (p->marks[end] & FR__POINT_EDGE) != 0;
  return (bend && edge) || (is_least && (bend || edge));
}

/* Room for one piece more beside the remainder. */
static bool has_room(const search *s, const part *p) {
  return s->rules->most == 0 || p->pieces + 2 <= s->rules->most;
}

/* The first point at or behind t, from `low` on. */
static size_t point_at(const fr__points *p, size_t low, size_t high, int64_t t) {
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (p->t[middle] >= t)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static void add_before(search *s, uint32_t outer, size_t start) {
  const fr__points *p = s->points;
  const part from = outer == NOTHING ? nothing : s->before.part[outer];
  const bool is_first = from.pieces == 0;
  const int64_t length = is_first ? s->rules->first : s->rules->other;
  const int64_t resume = is_first ? 0 : s->rules->resume;
  const int64_t fixed = from.cost - p->cost[start] + (is_first ? 0 : p->extra[start]);
  for (size_t end = point_at(p, start, p->end[start], p->t[start] + length);
       end < p->end[start]; end++) {
    const int64_t spent = p->t[end] - p->t[start];
    part to = {.t = p->t[end],
               .cost = fixed + p->cost[end],
               .work = from.work + spent - resume,
               .pieces = from.pieces + 1,
               .start = (uint32_t)start,
               .end = (uint32_t)end,
               .outer = outer};
    if (to.work > s->rules->work - s->rules->first)
      break;
    s->looks++;
    if (is_allowed(p, start, end, spent == length) &&
        total_before(s, &to) + s->prices->after[end] <= s->most)
      keep(s, &s->before, to, (uint32_t)end);
  }
}

static void add_behind(search *s, uint32_t outer, size_t from_point, size_t end) {
  const fr__points *p = s->points;
  const part from = outer == NOTHING ? nothing : s->behind.part[outer];
  const int64_t length = s->rules->other;
  for (size_t start = point_at(p, from_point, end, p->t[end] - length + 1);
       start-- > from_point;) {
    const int64_t spent = p->t[end] - p->t[start];
    part to = {.t = p->t[start],
               .cost = from.cost + p->cost[end] - p->cost[start] + p->extra[start],
               .work = from.work + spent - s->rules->resume,
               .pieces = from.pieces + 1,
               .start = (uint32_t)start,
               .end = (uint32_t)end,
               .outer = outer};
    if (to.work > s->rules->work - s->rules->first)
      break;
    s->looks++;
    if (s->prices->before[start] < FR__NEVER &&
        is_allowed(p, start, end, spent == length) &&
        total_behind(s, &to) + s->prices->before[start] <= s->most)
      keep(s, &s->behind, to, (uint32_t)start);
  }
}

/* ---- the remainder ---- */

static void offer(search *s, int64_t cost, int64_t start, int64_t end, uint32_t before,
                  uint32_t behind) {
  if (cost < s->best.cost)
    s->best = (found){cost, start, end, before, behind};
}

/* The cheapest of a sum that ends before t, or begins behind it. */
static uint32_t ends_before(const search *s, size_t sum, int64_t t) {
  uint32_t i = s->before.sum[sum].newest;
  while (i != NOTHING && s->before.part[i].t >= t)
    i = s->before.part[i].older;
  return i;
}

static uint32_t begins_behind(const search *s, size_t sum, int64_t t) {
  uint32_t i = s->behind.sum[sum].newest;
  while (i != NOTHING && s->behind.part[i].t <= t)
    i = s->behind.part[i].older;
  return i;
}

/* Its length between pieces of these sums; 0: there is no room for it. */
static int64_t remainder_of(const search *s, const amount *before, const amount *behind) {
  const fr__rules *r = s->rules;
  const int64_t work = r->work - before->work - behind->work;
  if (work < r->first || (r->most > 0 && before->pieces + behind->pieces + 1 > r->most))
    return 0;
  return work + (before->work > 0 ? r->resume : 0);
}

/* It begins at a bend, behind `before`'s newest. */
static void try_from(search *s, size_t start, size_t sum) {
  const fr__points *p = s->points;
  const uint32_t before = s->before.sum[sum].newest;
  const part *b = newest(&s->before, sum);
  const int64_t stop = p->t[p->end[start] - 1];
  const int64_t fixed = b->cost - p->cost[start] + (b->pieces > 0 ? p->extra[start] : 0);
  for (size_t other = 0; other < s->behind.sums; other++) {
    const int64_t length = remainder_of(s, &s->before.sum[sum], &s->behind.sum[other]);
    const int64_t end = p->t[start] + length;
    s->looks++;
    if (length == 0 || end > stop)
      continue;
    const uint32_t behind = begins_behind(s, other, end);
    if (other > 0 && behind == NOTHING)
      continue;
    const int64_t cost = other > 0 ? s->behind.part[behind].cost : 0;
    offer(s, fixed + cost + fr__window_cost(s->window, end), p->t[start], end, before,
          behind);
  }
}

/* It ends at an edge, before what begins behind that. */
static void try_to(search *s, size_t from_point, size_t end, size_t sum,
                   uint32_t behind) {
  const fr__points *p = s->points;
  const int64_t fixed = p->cost[end] + (sum > 0 ? s->behind.part[behind].cost : 0);
  for (size_t other = 0; other < s->before.sums; other++) {
    const int64_t length = remainder_of(s, &s->before.sum[other], &s->behind.sum[sum]);
    const int64_t start = p->t[end] - length;
    s->looks++;
    if (length == 0 || start < p->t[from_point])
      continue;
    const uint32_t before = ends_before(s, other, start);
    if (other > 0 && before == NOTHING)
      continue;
    const int64_t cost = other == 0
                             ? 0
                             : s->before.part[before].cost +
                                   fr__extra(s->window, s->rules, start, FR__NEVER / 8);
    if (fixed + cost - fr__window_cost(s->window, start) < s->best.cost)
      offer(s, fixed + cost - fr__window_cost(s->window, start), start, p->t[end], before,
            behind);
  }
}

/* ---- sweeps ---- */

static bool goes_on(search *s) {
  s->is_cut = s->is_cut || s->looks > FR_PLAN_WORK_CEILING;
  return s->status == FR_OK && !s->is_cut;
}

static void add_all_behind(search *s, size_t from, size_t end) {
  const int64_t ended = s->prices->ended[end];
  const size_t sums = s->behind.sums;
  if (ended >= FR__NEVER || s->behind.least + ended > s->most)
    return;
  s->looks += sums;
  for (size_t i = 0; i < sums; i++) {
    const part *b = newest(&s->behind, i);
    if (has_parts(&s->behind, i) && has_room(s, b) &&
        total_behind(s, b) + ended <= s->most)
      add_behind(s, s->behind.sum[i].newest, from, end);
  }
}

/* Before a part is settled at a point nothing begins there: pieces do not touch. */
static void sweep_behind(search *s) {
  const fr__points *p = s->points;
  for (size_t to = p->count; to > 0 && goes_on(s);) {
    size_t from = to;
    while (from > 0 && p->end[from - 1] == to)
      from--;
    for (size_t end = to; end-- > from && goes_on(s);) {
      add_all_behind(s, from, end);
      settle(&s->behind, end, s->prices->price);
    }
    to = from;
  }
}

/* Whether a schedule in which a piece begins at that point can lie below the limit. */
static bool may_begin(const search *s, const part *before, size_t start) {
  const int64_t begun =
      before->pieces > 0 ? s->prices->begun[start] : s->prices->begun_first[start];
  return begun < FR__NEVER && total_before(s, before) + begun <= s->most;
}

static void begin_all(search *s, size_t start) {
  const size_t sums = s->before.sums;
  const bool bend = (s->points->marks[start] & FR__POINT_BEND) != 0;
  s->looks += sums;
  for (size_t i = 0; i < sums; i++) {
    if (!has_parts(&s->before, i) || !may_begin(s, newest(&s->before, i), start))
      continue;
    if (bend)
      try_from(s, start, i);
    if (has_room(s, newest(&s->before, i)))
      add_before(s, s->before.sum[i].newest, start);
  }
}

static void sweep_before(search *s) {
  const fr__points *p = s->points;
  for (size_t start = 0; start < p->count && goes_on(s); start++) {
    if (s->before.least + least(s->prices->begun[start], s->prices->begun_first[start]) <=
        s->most)
      begin_all(s, start);
    settle(&s->before, start, s->prices->price);
  }
}

static void sweep_ends(search *s) {
  const fr__points *p = s->points;
  size_t from = 0;
  for (size_t end = 0; end < p->count && goes_on(s); end++) {
    from = end > 0 && p->end[end] != p->end[end - 1] ? end : from;
    const int64_t ended = s->prices->ended[end];
    if ((p->marks[end] & FR__POINT_EDGE) == 0 || ended >= FR__NEVER ||
        s->behind.least + ended > s->most)
      continue;
    s->looks += s->behind.sums;
    for (size_t i = 0; i < s->behind.sums; i++) {
      const uint32_t behind = begins_behind(s, i, p->t[end]);
      const part *b = behind == NOTHING ? &nothing : &s->behind.part[behind];
      if ((i == 0 || behind != NOTHING) && total_behind(s, b) + ended <= s->most)
        try_to(s, from, end, i, behind);
    }
  }
}

/* All that cost no more than `limit`. */
static void search_up_to(search *s, int64_t limit) {
  const fr__rules *r = s->rules;
  s->limit = limit;
  s->most = limit - s->prices->price * r->work +
            (r->most > 0 ? s->prices->toll * (int64_t)(r->most - 1) : 0);
  if (!side_clear(&s->before, s->points->count) ||
      !side_clear(&s->behind, s->points->count))
    fail(s, FR_ERR_MEMORY);
  sweep_behind(s);
  sweep_before(s);
  sweep_ends(s);
}

/* ---- what was found ---- */

static int by_start(const void *a, const void *b) {
  const fr_piece *x = a, *y = b;
  return (x->start_s > y->start_s) - (x->start_s < y->start_s);
}

static enum fr_status add_parts(const search *s, const flank *side, uint32_t i,
                                fr__pieces *out, fr_error *err) {
  enum fr_status status = FR_OK;
  for (; status == FR_OK && i != NOTHING; i = side->part[i].outer)
    status = fr__pieces_add(out, s->points->t[side->part[i].start],
                            s->points->t[side->part[i].end], err);
  return status;
}

static enum fr_status put_together(const search *s, fr__pieces *out, fr_error *err) {
  fr__pieces pieces = {.cost = s->best.cost};
  enum fr_status status = fr__pieces_add(&pieces, s->best.start, s->best.end, err);
  if (status == FR_OK)
    status = add_parts(s, &s->before, s->best.before, &pieces, err);
  if (status == FR_OK)
    status = add_parts(s, &s->behind, s->best.behind, &pieces, err);
  if (status != FR_OK) {
    free(pieces.piece);
    return status;
  }
  qsort(pieces.piece, pieces.count, sizeof *pieces.piece, by_start);
  free(out->piece);
  *out = pieces;
  return FR_OK;
}

/* Raises the limit until the best that is known lies below it. */
static enum fr_status raise(search *s, fr__pieces *best, fr_error *err) {
  const int64_t top = best->count > 0 ? best->cost : FR__NEVER / 2;
  int64_t bound = s->prices->bound, more = bound >> 18;
  s->best = (found){.cost = top};
  while (s->status == FR_OK && bound < s->best.cost && !s->is_cut) {
    const int64_t old = s->best.cost;
    more = more < 1 ? 1 : 4 * more;
    search_up_to(s, old - bound > more ? bound + more : old - 1);
    if (s->status == FR_OK && s->best.cost < old)
      s->status = put_together(s, best, err);
    if (!s->is_cut)
      bound = s->limit + 1;
  }
  if (best->count > 0 && bound < best->cost)
    best->loss = best->cost - bound;
  return s->status;
}

enum fr_status fr__search(const fr__window *window, const fr__points *points,
                          const fr__rules *rules, const fr__prices *prices,
                          fr__pieces *best, fr_error *err) {
  search s = {
      .window = window, .points = points, .rules = rules, .prices = prices, .err = err};
  enum fr_status status = side_init(&s.before, points->count, err);
  if (status == FR_OK)
    status = side_init(&s.behind, points->count, err);
  if (status == FR_OK)
    status = raise(&s, best, err);
  if (status == FR_OK && s.is_cut && best->count == 0)
    status = fr__fail(err, FR_ERR_LIMIT,
                      "more ways to cut the job into pieces than can be looked at");
  side_release(&s.before);
  side_release(&s.behind);
  return status;
}
