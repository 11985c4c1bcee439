/* SPDX-License-Identifier: Apache-2.0 */
#include "recognize/score.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "nn/metrics.h"

enum outcome { OPEN, HIT, WRONG, DUPLICATE };

typedef struct sign {
  fr__truth truth;
  enum outcome outcome; /* OPEN: missed */
} sign;

typedef struct line {
  fr__said said;
  enum outcome outcome; /* OPEN: false alarm */
  double delay_s;       /* of a hit */
} line;

typedef struct match {
  sign *sign; /* (signs), by start */
  line *line; /* (lines), by time */
  size_t signs, lines;
} match;

/* ---- who belongs to whom ---- */

static bool belongs(const line *l, const sign *s) {
  return l->said.said_s >= s->truth.start_s &&
         l->said.said_s <= s->truth.end_s + FR__SCORE_LATE_S;
}

/* The first of the line's own name that is `outcome`; NULL where there is none. */
static sign *find_same(const match *m, const line *l, enum outcome outcome) {
  for (size_t i = 0; i < m->signs; i++)
    if (m->sign[i].truth.sign == l->said.sign && m->sign[i].outcome == outcome &&
        belongs(l, &m->sign[i]))
      return &m->sign[i];
  return NULL;
}

/* The last that is still open: what is being signed when the line is said. */
static sign *find_open(const match *m, const line *l) {
  for (size_t i = m->signs; i-- > 0;)
    if (m->sign[i].outcome == OPEN && belongs(l, &m->sign[i]))
      return &m->sign[i];
  return NULL;
}

/* Hits first, so that no wrong line takes a sign from the right one behind it. */
static void match_lines(match *m) {
  for (size_t i = 0; i < m->lines; i++) {
    line *const l = &m->line[i];
    sign *const s = find_same(m, l, OPEN);
    if (s == NULL)
      continue;
    s->outcome = l->outcome = HIT;
    l->delay_s = l->said.said_s - s->truth.end_s;
  }
  for (size_t i = 0; i < m->lines; i++) {
    line *const l = &m->line[i];
    if (l->outcome != OPEN)
      continue;
    if (find_same(m, l, HIT) != NULL) {
      l->outcome = DUPLICATE;
      continue;
    }
    sign *const s = find_open(m, l);
    if (s != NULL)
      s->outcome = l->outcome = WRONG;
  }
}

/* ---- figures ---- */

/* P(X <= n) of a Poisson count of mean `mean`. */
static double poisson_up_to(size_t n, double mean) {
  double sum = 0;
  for (size_t k = 0; k <= n; k++)
    sum += exp((double)k * log(mean) - mean - lgamma((double)k + 1));
  return sum;
}

/* The mean at which a count of at most `n` has probability `p`: falls as the mean grows.
 */
static double poisson_mean(size_t n, double p) {
  double low = 0, high = (double)n + 10 * sqrt((double)n + 1) + 10;
  for (int i = 0; i < 100; i++) {
    const double middle = (low + high) / 2;
    if (poisson_up_to(n, middle) > p)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Between the ranks, as NumPy's percentile does. */
static double quantile(const double *sorted, size_t n, double p) {
  const double at = p * (double)(n - 1);
  const size_t i = (size_t)at;
  const double rest = at - (double)i;
  return i + 1 < n ? sorted[i] + rest * (sorted[i + 1] - sorted[i]) : sorted[i];
}

static void say_delays(const match *m, double *room /* (lines) */, fr__score *s) {
  size_t n = 0;
  for (size_t i = 0; i < m->lines; i++)
    if (m->line[i].outcome == HIT)
      room[n++] = m->line[i].delay_s;
  qsort(room, n, sizeof *room, by_size);
  s->delay_median_s = n > 0 ? quantile(room, n, 0.5) : (double)NAN;
  s->delay_95_s = n > 0 ? quantile(room, n, 0.95) : (double)NAN;
}

static void count(const match *m, fr__score *s) {
  s->signs = m->signs;
  s->lines = m->lines;
  for (size_t i = 0; i < m->lines; i++) {
    s->hits += m->line[i].outcome == HIT;
    s->wrong += m->line[i].outcome == WRONG;
    s->duplicates += m->line[i].outcome == DUPLICATE;
    s->false_alarms += m->line[i].outcome == OPEN;
  }
  s->missed = s->signs - s->hits - s->wrong;
}

/* Length of the stream less that of its signs, which may overlap. */
static double outside(const match *m, double duration_s) {
  double left = duration_s, end = 0;
  for (size_t i = 0; i < m->signs; i++) {
    const fr__truth *const t = &m->sign[i].truth;
    const double from = fmax(t->start_s, end), to = fmin(t->end_s, duration_s);
    if (to > from)
      left -= to - from;
    end = fmax(end, to);
  }
  return left;
}

static void say_rates(const match *m, double duration_s, fr__score *s) {
  const double minutes = duration_s / 60;
  s->duration_s = duration_s;
  s->outside_s = outside(m, duration_s);
  s->recall = s->signs > 0 ? (double)s->hits / (double)s->signs : (double)NAN;
  s->recall_low = s->recall_high = (double)NAN;
  if (s->signs > 0)
    fr__wilson((double)s->hits, (double)s->signs, &s->recall_low, &s->recall_high);
  s->precision = s->lines > 0 ? (double)s->hits / (double)s->lines : (double)NAN;
  s->errors_per_min = (double)(s->lines - s->hits) / minutes;
  s->false_alarms_per_min = s->false_alarms_low = s->false_alarms_high = (double)NAN;
  const double free_min = s->outside_s / 60;
  if (!(free_min > 0))
    return;
  const size_t n = s->false_alarms;
  s->false_alarms_per_min = (double)n / free_min;
  s->false_alarms_low = n > 0 ? poisson_mean(n - 1, 0.975) / free_min : 0;
  s->false_alarms_high = poisson_mean(n, 0.025) / free_min;
}

/* ---- together ---- */

static int by_start(const void *a, const void *b) {
  const fr__truth *const x = &((const sign *)a)->truth, *const y =
                                                            &((const sign *)b)->truth;
  if (x->start_s != y->start_s)
    return x->start_s > y->start_s ? 1 : -1;
  return (x->end_s > y->end_s) - (x->end_s < y->end_s);
}

static int by_time(const void *a, const void *b) {
  const double x = ((const line *)a)->said.said_s, y = ((const line *)b)->said.said_s;
  return (x > y) - (x < y);
}

static enum fr_status check(const match *m, double duration_s, fr_error *err) {
  if (!(duration_s > 0 && isfinite(duration_s)))
    return fr__fail(err, FR_ERR_ARGUMENT, "a stream of %g s cannot be scored",
                    duration_s);
  for (size_t i = 0; i < m->signs; i++) {
    const fr__truth *const t = &m->sign[i].truth;
    if (!isfinite(t->start_s) || !isfinite(t->end_s) || t->end_s < t->start_s)
      return fr__fail(err, FR_ERR_ARGUMENT, "a sign from %g s to %g s cannot be",
                      t->start_s, t->end_s);
  }
  for (size_t i = 0; i < m->lines; i++)
    if (!isfinite(m->line[i].said.said_s))
      return fr__fail(err, FR_ERR_ARGUMENT, "a line without a time cannot be scored");
  return FR_OK;
}

enum fr_status fr__score_lines(const fr__truth *truth, size_t signs, const fr__said *said,
                               size_t lines, double duration_s, fr__score *out,
                               fr_error *err) {
  match m = {calloc(signs + 1, sizeof *m.sign), calloc(lines + 1, sizeof *m.line), signs,
             lines};
  double *const room = calloc(lines + 1, sizeof *room);
  enum fr_status status = FR_OK;
  if (m.sign == NULL || m.line == NULL || room == NULL) {
    status = fr__fail_memory(err, "a score");
    goto done;
  }
  for (size_t i = 0; i < signs; i++)
    m.sign[i].truth = truth[i];
  for (size_t i = 0; i < lines; i++)
    m.line[i].said = said[i];
  status = check(&m, duration_s, err);
  if (status != FR_OK)
    goto done;
  qsort(m.sign, signs, sizeof *m.sign, by_start);
  qsort(m.line, lines, sizeof *m.line, by_time);
  match_lines(&m);
  fr__score s = {0};
  count(&m, &s);
  say_rates(&m, duration_s, &s);
  say_delays(&m, room, &s);
  *out = s;
done:
  free(m.sign);
  free(m.line);
  free(room);
  return status;
}
