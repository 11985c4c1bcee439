/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model. P(t) is the mean of the same hour of the days before t, each day back
 * weighing 0.92 as much; a(t) = x(t) - P(t) is how the hour t departed from it. Told at
 * the hour t of the hour t + h:
 *
 *   P(t + h) + w1 a(t-1) + w2 (a(t-1) - a(t-2)) + w3 (a(t-1) - a(t-3))
 *            + w4 mean of a over the last 24 h + w5 (week(t + h) - week(t-1))
 *
 * with week() the usual offset of that day of the week (UTC). The weights depend on h.
 * They are fitted by least squares over the 60 days before, each pulled towards a prior
 * by as much as `pull` days would. Constants, the prior among them, were chosen on
 * CarbonCast's year 2020 (CISO, DE, PJM, PL, SE) alone.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "carbon/forecast.h"

#define FADE_DAY 0.92   /* of a day's weight in the profile, per day */
#define FADE_WEEK 0.8   /* of a week's in the weekdays' offsets, per week */
#define FADE_GAP 0.95   /* of the last anomaly, per hour without a value */
#define WEEK_SHRINK 2.0 /* weeks of no offset that each weekday's mean begins with */
enum { WINDOW = 60, WEEK = 7, PAIRS = FR__FEATURES * (FR__FEATURES + 1) / 2 };
enum { BLOCK = PAIRS + FR__FEATURES + 1 }; /* products, with the target, count */

/* Leads, in hours, at which weights are fitted; between them they are straight lines. */
static const size_t knot[FR__KNOTS] = {0,  1,  2,  3,  5,  8,   12, 17,
                                       23, 24, 36, 47, 72, 120, 168};

static const fr__weights prior = {{{0.972, -0.142, 0.142, 0.002, 0.008},
                                   {0.935, -0.066, 0.218, 0.015, 0.055},
                                   {0.896, -0.008, 0.235, 0.026, 0.106},
                                   {0.853, -0.025, 0.272, 0.041, 0.155},
                                   {0.775, 0.036, 0.244, 0.063, 0.253},
                                   {0.685, 0.009, 0.206, 0.076, 0.404},
                                   {0.601, 0.018, 0.134, 0.074, 0.554},
                                   {0.576, 0.000, -0.028, 0.008, 0.663},
                                   {0.514, -0.058, 0.150, -0.015, 0.679},
                                   {0.567, -0.021, 0.181, 0.000, 0.685},
                                   {0.317, 0.005, 0.087, 0.085, 0.690},
                                   {0.254, -0.033, 0.075, 0.059, 0.642},
                                   {0.296, -0.015, 0.024, 0.004, 0.588},
                                   {0.208, -0.012, 0.024, -0.031, 0.476},
                                   {0.250, 0.000, 0.000, -0.050, 0.400}}};

/* ---- the past, looked at once ---- */

static int64_t day_of(const fr__hours *hours, int64_t hour) {
  const int64_t s = hours->end_s + (hour - (int64_t)hours->count) * FR__HOUR_S;
  return s / 86400 - (s % 86400 < 0);
}

static size_t weekday(int64_t day) { return (size_t)((day % WEEK + WEEK) % WEEK); }

typedef struct mean {
  double sum, weight;
} mean;

/* A slot is an hour of the day; one that never had a value is not known. */
static void fill_profile(fr__model *m) {
  const fr__hours *hours = m->hours;
  mean slot[FR__DAY_HOURS] = {0};
  for (size_t i = 0; i < hours->count + FR__DAY_HOURS; i++) {
    mean *s = &slot[i % FR__DAY_HOURS];
    m->profile[i] = s->weight > 0 ? s->sum / s->weight : (double)NAN;
    if (i >= hours->count)
      continue;
    const bool known = !isnan(hours->value[i]);
    s->sum = FADE_DAY * s->sum + (known ? hours->value[i] : 0);
    s->weight = FADE_DAY * s->weight + known;
  }
}

static void fill_anomaly(fr__model *m) {
  double last = 0;
  for (size_t i = 0; i < m->hours->count; i++) {
    const double a = m->hours->value[i] - m->profile[i];
    last = !isnan(a) ? a : FADE_GAP * last;
    m->anomaly[i] = last;
    m->sum[i + 1] = m->sum[i] + last;
    m->most = fmax(m->most, m->hours->value[i]);
  }
}

/* The weekdays' offsets, day by day. */
typedef struct weekly {
  mean offset[WEEK];
  double day[WEEK]; /* means of the last days */
  size_t days;      /* without one that is not known */
} weekly;

/* The day that has ended, of which so much is known, counts from now on. */
static void close_day(weekly *w, mean day, int64_t number) {
  if (2 * day.weight < FR__DAY_HOURS) {
    w->days = 0;
    return;
  }
  double week = 0;
  w->day[w->days++ % WEEK] = day.sum / day.weight;
  if (w->days < WEEK)
    return;
  for (size_t i = 0; i < WEEK; i++)
    week += w->day[i] / WEEK;
  mean *offset = &w->offset[weekday(number)];
  offset->sum = FADE_WEEK * offset->sum + day.sum / day.weight - week;
  offset->weight = FADE_WEEK * offset->weight + 1;
}

static void tell_week(const weekly *w, double out[WEEK]) {
  double middle = 0;
  for (size_t i = 0; i < WEEK; i++) {
    out[i] = w->offset[i].sum / (w->offset[i].weight + WEEK_SHRINK);
    middle += out[i] / WEEK;
  }
  for (size_t i = 0; i < WEEK; i++)
    out[i] -= middle;
}

/* An hour without a value counts as it would have been told, lest the day's mean be of
 * other hours than the week's. */
static void add_hour(mean *day, const fr__model *m, size_t i) {
  const double value = m->hours->value[i];
  const double usual = m->profile[i] + m->anomaly[i];
  if (isnan(value) && isnan(usual))
    return;
  day->sum += isnan(value) ? usual : value;
  day->weight += 1;
}

static void fill_week(fr__model *m) {
  const fr__hours *hours = m->hours;
  weekly w = {0};
  mean day = {0};
  int64_t number = m->first_day;
  for (size_t i = 0; i <= hours->count; i++) {
    const int64_t today = day_of(hours, (int64_t)i);
    if (today != number) {
      close_day(&w, day, number);
      day = (mean){0};
      number = today;
      tell_week(&w, m->week + (number - m->first_day) * WEEK);
    }
    if (i < hours->count)
      add_hour(&day, m, i);
  }
}

enum fr_status fr__model_init(fr__model *model, const fr__hours *hours, fr_error *err) {
  const size_t n = hours->count;
  fr__model m = {.hours = hours, .first_day = day_of(hours, 0)};
  const size_t days = (size_t)(day_of(hours, (int64_t)n) - m.first_day) + 1;
  m.store = calloc(3 * n + FR__DAY_HOURS + 1 + days * WEEK, sizeof *m.store);
  if (m.store == NULL)
    return fr__fail_memory(err, "a forecast");
  m.profile = m.store;
  m.anomaly = m.profile + n + FR__DAY_HOURS;
  m.sum = m.anomaly + n;
  m.week = m.sum + n + 1;
  fill_profile(&m);
  fill_anomaly(&m);
  fill_week(&m);
  *model = m;
  return FR_OK;
}

void fr__model_release(fr__model *model) {
  free(model->store);
  *model = (fr__model){0};
}

/* ---- what is told ---- */

/* Of an hour that is `lead` after the origin: the profile known there, of the hour before
 * where it is not. */
static double profile_at(const fr__model *m, size_t origin, size_t lead) {
  size_t slot = lead % FR__DAY_HOURS;
  for (size_t i = 0; i < FR__DAY_HOURS && isnan(m->profile[origin + slot]); i++)
    slot = (slot + FR__DAY_HOURS - 1) % FR__DAY_HOURS;
  return m->profile[origin + slot];
}

static double back(const fr__model *m, size_t origin, size_t hours) {
  return origin >= hours ? m->anomaly[origin - hours] : 0;
}

static void see(const fr__model *m, size_t origin, size_t lead, double f[FR__FEATURES]) {
  const size_t from = origin > FR__DAY_HOURS ? origin - FR__DAY_HOURS : 0;
  const double last = back(m, origin, 1);
  const int64_t today = day_of(m->hours, (int64_t)origin);
  const double *week = m->week + (today - m->first_day) * WEEK;
  f[0] = last;
  f[1] = last - back(m, origin, 2);
  f[2] = last - back(m, origin, 3);
  f[3] = origin > from ? (m->sum[origin] - m->sum[from]) / (double)(origin - from) : 0;
  f[4] = week[weekday(day_of(m->hours, (int64_t)(origin + lead)))] -
         week[weekday(day_of(m->hours, (int64_t)origin - 1))];
}

/* The weights at that lead: on the line between two knots, flat behind the last. */
static void weigh(const fr__weights *weights, size_t lead, double out[FR__FEATURES]) {
  size_t k = 0;
  while (k + 1 < FR__KNOTS && knot[k + 1] <= lead)
    k++;
  const size_t next = k + 1 < FR__KNOTS ? k + 1 : k;
  const double share =
      next > k ? (double)(lead - knot[k]) / (double)(knot[next] - knot[k]) : 0;
  for (size_t i = 0; i < FR__FEATURES; i++)
    out[i] = weights->at[k][i] + share * (weights->at[next][i] - weights->at[k][i]);
}

double fr__model_tell(const fr__model *model, const fr__weights *weights, size_t origin,
                      size_t lead) {
  double f[FR__FEATURES], w[FR__FEATURES];
  double told = profile_at(model, origin, lead);
  see(model, origin, lead, f);
  weigh(weights, lead, w);
  for (size_t i = 0; i < FR__FEATURES; i++)
    told += w[i] * f[i];
  return fmin(fmax(told, 0), fmin(2 * model->most, FR_INTENSITY_CEILING));
}

/* ---- the fit ---- */

/* How many days' worth of observations the prior is worth: far ahead, days that follow
 * each other say the same again and again. */
static double pull(size_t lead) { return 30 * fmax(1, (double)lead / 12); }

/* Adds what one day of origins, [from, to), says of that lead. */
static void add_block(const fr__model *m, size_t from, size_t to, size_t lead,
                      double block[BLOCK]) {
  for (size_t t = from; t < to; t++) {
    const double target = m->hours->value[t + lead] - profile_at(m, t, lead);
    double f[FR__FEATURES];
    if (isnan(target))
      continue;
    see(m, t, lead, f);
    size_t p = 0;
    for (size_t i = 0; i < FR__FEATURES; i++)
      for (size_t j = 0; j <= i; j++)
        block[p++] += f[i] * f[j];
    for (size_t i = 0; i < FR__FEATURES; i++)
      block[p++] += f[i] * target;
    block[p] += 1;
  }
}

/* Blocks of a lead: the first is of the day of origins whose targets are the newest; each
 * then becomes the sum of itself and all older ones. */
static void sum_blocks(const fr__model *m, size_t lead, size_t blocks,
                       double (*block)[BLOCK]) {
  const size_t first = FR__DAY_HOURS + 3; /* before it anomalies are not known */
  memset(block, 0, (blocks + 1) * sizeof *block);
  for (size_t b = blocks; b-- > 0;) {
    const size_t aside = lead + b * FR__DAY_HOURS;
    const size_t to = m->hours->count > aside ? m->hours->count - aside : 0;
    const size_t from = to > first + FR__DAY_HOURS ? to - FR__DAY_HOURS : first;
    memcpy(block[b], block[b + 1], sizeof *block);
    if (from < to)
      add_block(m, from, to, lead, block[b]);
  }
}

/* Cholesky's factor of a, in place, lower half; false where a is not positive. */
static bool factor(double a[FR__FEATURES][FR__FEATURES]) {
  for (size_t i = 0; i < FR__FEATURES; i++)
    for (size_t j = 0; j <= i; j++) {
      double s = a[i][j];
      for (size_t k = 0; k < j; k++)
        s -= a[i][k] * a[j][k];
      if (i == j && !(s > 0))
        return false;
      a[i][j] = i == j ? sqrt(s) : s / a[j][j];
    }
  return true;
}

static void solve(double l[FR__FEATURES][FR__FEATURES], double b[FR__FEATURES]) {
  for (size_t i = 0; i < FR__FEATURES; i++) {
    for (size_t k = 0; k < i; k++)
      b[i] -= l[i][k] * b[k];
    b[i] /= l[i][i];
  }
  for (size_t i = FR__FEATURES; i-- > 0;) {
    for (size_t k = i + 1; k < FR__FEATURES; k++)
      b[i] -= l[k][i] * b[k];
    b[i] /= l[i][i];
  }
}

/* (G + R)(w - prior) = X'y - G prior, R diagonal: `pull` days' part of G's diagonal. */
static void fit_block(const double newer[BLOCK], const double older[BLOCK], size_t lead,
                      const double start[FR__FEATURES], double out[FR__FEATURES]) {
  double g[FR__FEATURES][FR__FEATURES], b[FR__FEATURES];
  const double days = (newer[BLOCK - 1] - older[BLOCK - 1]) / FR__DAY_HOURS;
  size_t p = 0;
  memcpy(out, start, FR__FEATURES * sizeof *out);
  if (!(days > 0))
    return;
  for (size_t i = 0; i < FR__FEATURES; i++)
    for (size_t j = 0; j <= i; j++, p++)
      g[i][j] = g[j][i] = newer[p] - older[p];
  for (size_t i = 0; i < FR__FEATURES; i++, p++) {
    b[i] = newer[p] - older[p];
    for (size_t j = 0; j < FR__FEATURES; j++)
      b[i] -= g[i][j] * start[j];
  }
  for (size_t i = 0; i < FR__FEATURES; i++)
    g[i][i] += pull(lead) / fmax(1, days) * g[i][i] + 1e-6;
  if (!factor(g))
    return;
  solve(g, b);
  for (size_t i = 0; i < FR__FEATURES; i++)
    out[i] += b[i];
}

enum fr_status fr__model_fit(const fr__model *model, const size_t *days, size_t count,
                             size_t reach, fr__weights *out, fr_error *err) {
  const size_t blocks = days[count - 1] + WINDOW;
  double(*block)[BLOCK] = calloc(blocks + 1, sizeof *block);
  if (block == NULL)
    return fr__fail_memory(err, "a forecast's fit");
  for (size_t i = 0; i < count; i++)
    out[i] = prior;
  for (size_t k = 0; k < FR__KNOTS && (k == 0 || knot[k - 1] < reach); k++) {
    sum_blocks(model, knot[k], blocks, block);
    for (size_t i = 0; i < count; i++)
      fit_block(block[days[i]], block[days[i] + WINDOW], knot[k], prior.at[k],
                out[i].at[k]);
  }
  free(block);
  return FR_OK;
}
