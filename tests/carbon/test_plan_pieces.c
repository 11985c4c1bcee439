/* SPDX-License-Identifier: Apache-2.0 */
/* A job in pieces costs as little as the cheapest of all ways to run it, second by
 * second. Two counts that share nothing with the planner: every set of seconds of a short
 * window, and every state of a longer one. */
#include "../test.h"

#include "plan_cases.h"

#define NEVER 1e30

/* What the counts are told: intensities by second (below 0: a gap) and rules. */
typedef struct puzzle {
  double g[160];
  int seconds, work, least, resume, most; /* most 0: any number of pieces */
  double joules; /* of resuming, as a multiple of a second's energy */
} puzzle;

/* Joules of resuming: evenly over the first seconds of a piece. */
static double resuming(const puzzle *p, int start) {
  const int over = p->resume > 0 ? p->resume : 1;
  double sum = 0;
  for (int t = start; t < start + over && t < p->seconds; t++)
    sum += p->g[t] * p->joules / over;
  return sum;
}

/* ---- every set of seconds ---- */

/* Cost of the seconds in `set`, whose runs are the pieces; NEVER where a rule is broken.
 */
static double cost_of_set(const puzzle *p, unsigned set) {
  int pieces = 0, work = 0;
  double cost = 0;
  for (int t = 0; t < p->seconds;) {
    if ((set >> t & 1) == 0) {
      t++;
      continue;
    }
    const int start = t;
    for (; t < p->seconds && (set >> t & 1) != 0; t++) {
      if (p->g[t] < 0)
        return NEVER;
      cost += p->g[t];
    }
    const int done = t - start - (pieces > 0 ? p->resume : 0);
    if (done < p->least)
      return NEVER;
    if (pieces++ > 0)
      cost += resuming(p, start);
    work += done;
  }
  return work == p->work && (p->most == 0 || pieces <= p->most) ? cost : NEVER;
}

static double cheapest_set(const puzzle *p) {
  double best = NEVER;
  for (unsigned set = 1; set < 1u << p->seconds; set++)
    best = fmin(best, cost_of_set(p, set));
  return best;
}

/* ---- every state ---- */

enum { SECONDS = 121, WORK = 61, PIECES = 8 };

/* cost[work done][pieces begun], at rest after a second. A piece is tried from each of
 * its starts to each of its ends. */
static double cheapest_state(const puzzle *p) {
  static double rest[SECONDS][WORK][PIECES];
  const int most = p->most > 0 ? p->most : PIECES - 1;
  for (int t = 0; t <= p->seconds; t++)
    for (int w = 0; w <= p->work; w++)
      for (int k = 0; k <= most; k++)
        rest[t][w][k] = w == 0 && k == 0 ? 0 : NEVER;
  for (int end = 1; end <= p->seconds; end++) {
    for (int w = 0; w <= p->work; w++)
      for (int k = 0; k <= most; k++)
        rest[end][w][k] = rest[end - 1][w][k];
    double cost = 0;
    for (int start = end - 1; start >= 0 && p->g[start] >= 0; start--) {
      cost += p->g[start];
      for (int k = 0; k < most; k++) {
        const int done = end - start - (k > 0 ? p->resume : 0);
        /* A piece that touches the one before is that one gone on. */
        const int before = k > 0 ? start - 1 : start;
        for (int w = done; done >= p->least && before >= 0 && w <= p->work; w++) {
          const double all =
              rest[before][w - done][k] + cost + (k > 0 ? resuming(p, start) : 0);
          if (all < rest[end][w][k + 1])
            rest[end][w][k + 1] = all;
        }
      }
    }
  }
  double best = NEVER;
  for (int k = 1; k <= most; k++)
    best = fmin(best, rest[p->seconds][p->work][k]);
  return best;
}

/* ---- the planner's ---- */

static fr_job job_of(const puzzle *p, int64_t now) {
  /* A watt, so that a second is a joule. */
  return (fr_job){.energy_j = joules(p->work),
                  .duration_s = p->work,
                  .now_s = now,
                  .deadline_s = now + p->seconds,
                  .interruptible = true,
                  .min_piece_s = p->least,
                  .most_pieces = (size_t)p->most,
                  .resume_s = p->resume,
                  .resume_j = p->joules};
}

static void check_rules(const puzzle *p, const fr_timetable *s, int64_t now) {
  int64_t work = 0;
  for (size_t i = 0; i < s->count; i++) {
    const int64_t start = s->piece[i].start_s, end = s->piece[i].end_s;
    const int64_t done = end - start - (i > 0 ? p->resume : 0);
    assert_true(start >= now && end <= now + p->seconds);
    assert_true(i == 0 || start > s->piece[i - 1].end_s);
    assert_true(done >= (p->least < p->work ? p->least : p->work));
    work += done;
  }
  assert_int_equal(work, p->work);
  assert_true(p->most == 0 || s->count <= (size_t)p->most);
}

/* What it says to cost is what its pieces cost. */
static double cost_again(const puzzle *p, const fr_timetable *s, int64_t now) {
  double cost = 0;
  for (size_t i = 0; i < s->count; i++) {
    for (int64_t t = s->piece[i].start_s; t < s->piece[i].end_s; t++)
      cost += p->g[t - now];
    cost += i > 0 ? resuming(p, (int)(s->piece[i].start_s - now)) : 0;
  }
  assert_near(s->grams.value * 3.6e6, cost, 1e-9);
  return cost;
}

static void see(puzzle *p, const fr_series *series, int64_t now) {
  for (int i = 0; i < p->seconds; i++) {
    const fr_intensity_step *step = fr_series_at(series, now + i);
    p->g[i] = step != NULL ? step->g_per_kwh : -1;
  }
}

typedef double counter(const puzzle *);

static size_t agree(fr__rng *rng, puzzle *p, int64_t longest, int64_t dearest, bool gaps,
                    counter *cheapest) {
  const int64_t now = between(rng, -90, 5000);
  fr_series series = random_series(rng, now, now + p->seconds, longest, dearest, gaps);
  see(p, &series, now);
  const fr_job job = job_of(p, now);
  const double best = cheapest(p);
  fr_timetable s = {0};
  fr_error err = {0};
  const enum fr_status status = fr_timetable_best(&series, &job, 1, &s, &err);
  size_t pieces = 0;
  if (best >= NEVER) {
    assert_int_equal(status, FR_ERR_NOT_FOUND);
  } else {
    if (status != FR_OK)
      fail_msg("%s", err.text);
    check_rules(p, &s, now);
    assert_near(cost_again(p, &s, now), best, 1e-9);
    assert_near(s.loss_g, 0, 0);
    pieces = s.count;
  }
  fr_timetable_release(&s);
  fr_series_release(&series);
  return pieces;
}

static double some_joules(fr__rng *rng) {
  const double most[] = {0, 0, 0.5, 4, 40};
  return most[between(rng, 0, 4)] * (double)between(rng, 1, 16) / 16;
}

static void it_agrees_with_every_set_of_seconds(void **state) {
  (void)state;
  fr__rng rng;
  size_t found[16] = {0};
  fr__rng_init(&rng, 8, 2);
  for (int round = 0; round < 6000; round++) {
    puzzle p = {.seconds = (int)between(&rng, 4, 13)};
    p.work = (int)between(&rng, 1, round % 2 == 0 ? p.seconds : p.seconds / 2);
    p.least = (int)between(&rng, 1, between(&rng, 1, p.work < 4 ? p.work : 4));
    p.resume = (int)between(&rng, 0, 2) * (int)between(&rng, 0, 1);
    p.most = between(&rng, 0, 2) == 0 ? (int)between(&rng, 1, 4) : 0;
    p.joules = some_joules(&rng);
    found[agree(&rng, &p, between(&rng, 1, 4), between(&rng, 1, 300), round % 3 == 0,
                cheapest_set)]++;
  }
  for (size_t pieces = 0; pieces < 5; pieces++)
    assert_in_range(found[pieces], 10, 5500);
}

static void it_agrees_with_every_state(void **state) {
  (void)state;
  fr__rng rng;
  size_t found[PIECES] = {0};
  fr__rng_init(&rng, 8, 3);
  for (int round = 0; round < 4000; round++) {
    puzzle p = {.seconds = (int)between(&rng, 60, SECONDS - 1),
                .work = (int)between(&rng, 5, 40)};
    if (round % 10 == 0) /* all of the time */
      p.work = p.seconds = (int)between(&rng, 20, WORK - 1);
    p.least = (int)between(&rng, 1 + (p.work - 1) / (PIECES - 1), 15);
    if (p.least > p.work)
      p.least = p.work;
    p.resume = round % 2 == 0 ? (int)between(&rng, 0, 6) : 0;
    p.most = between(&rng, 0, 1) == 0 ? (int)between(&rng, 1, 4) : 0;
    p.joules = some_joules(&rng);
    found[agree(&rng, &p, between(&rng, 1, 25), between(&rng, 1, 300), round % 3 == 0,
                cheapest_state)]++;
  }
  for (size_t pieces = 0; pieces < 6; pieces++)
    assert_in_range(found[pieces], 10, 3500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_agrees_with_every_set_of_seconds),
      cmocka_unit_test(it_agrees_with_every_state),
  };
  return cmocka_run_group_tests_name("carbon/plan_pieces", tests, NULL, NULL);
}
