/* SPDX-License-Identifier: Apache-2.0 */
/* Intensity over time: steps of any length, in order, with or without gaps. */
#include "frugal/intensity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "carbon/source.h"

void fr_series_release(fr_series *series) {
  free(series->step);
  *series = (fr_series){0};
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static bool in_order(const fr_intensity_step *s) {
  return s->low >= 0 && s->low <= s->g_per_kwh && s->g_per_kwh <= s->high &&
         s->high <= FR_INTENSITY_CEILING;
}

static enum fr_status fail_at(int64_t t_s, const char *what, fr_error *err) {
  char text[FR__TIME_TEXT];
  fr__time_format(t_s < INT64_MAX / 1000000000 ? t_s * 1000000000 : 0, text);
  return fr__fail(err, FR_ERR_ARGUMENT, "the intensity at %s %s", text, what);
}

static enum fr_status make_room(fr_series *series, fr_error *err) {
  if (series->count < series->capacity)
    return FR_OK;
  if (series->count == FR_SERIES_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "more than %zu intensities", FR_SERIES_CEILING);
  const size_t capacity = series->capacity > 0 ? 2 * series->capacity : 64;
  fr_intensity_step *step = realloc(series->step, capacity * sizeof *step);
  if (step == NULL)
    return fr__fail_memory(err, "intensities");
  series->step = step;
  series->capacity = capacity;
  return FR_OK;
}

enum fr_status fr__series_push(fr_series *series, const fr_intensity_step *step,
                               fr_error *err) {
  if (step->end_s <= step->start_s)
    return fail_at(step->start_s, "ends before it begins", err);
  if (!in_order(step))
    return fail_at(step->start_s, "is not between 0 and 5000 gCO2e/kWh", err);
  const enum fr_status status = make_room(series, err);
  if (status == FR_OK)
    series->step[series->count++] = *step;
  return status;
}

enum fr_status fr_series_add(fr_series *series, const fr_intensity_step *step,
                             fr_error *err) {
  if (series->count > 0 && step->start_s < series->step[series->count - 1].end_s)
    return fail_at(step->start_s, "begins before the one before it ends", err);
  return fr__series_push(series, step, err);
}

/* ---- into order ---- */

static int by_start(const void *a, const void *b) {
  const fr_intensity_step *x = a, *y = b;
  if (x->start_s != y->start_s)
    return x->start_s < y->start_s ? -1 : 1;
  return x->end_s < y->end_s ? -1 : x->end_s > y->end_s;
}

static bool alike(const fr_intensity_step *a, const fr_intensity_step *b) {
  return a->start_s == b->start_s && a->end_s == b->end_s &&
         !(a->g_per_kwh < b->g_per_kwh) && !(a->g_per_kwh > b->g_per_kwh);
}

enum fr_status fr__series_settle(fr_series *series, const char *name, fr_error *err) {
  size_t kept = 0;
  if (series->count > 1)
    qsort(series->step, series->count, sizeof *series->step, by_start);
  for (size_t i = 0; i < series->count; i++) {
    const fr_intensity_step *step = &series->step[i];
    const fr_intensity_step *last = kept > 0 ? &series->step[kept - 1] : NULL;
    if (last != NULL && alike(last, step))
      continue;
    if (last != NULL && step->start_s < last->end_s) {
      char text[FR__TIME_TEXT];
      fr__time_format(step->start_s * 1000000000, text);
      return fr__fail(err, FR_ERR_FORMAT, "%s: two intensities for %s", name, text);
    }
    series->step[kept++] = *step;
  }
  series->count = kept;
  return FR_OK;
}

/* ---- looking ---- */

size_t fr__series_after(const fr_series *series, int64_t t_s) {
  size_t low = 0, high = series->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (series->step[middle].end_s > t_s)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

const fr_intensity_step *fr_series_at(const fr_series *series, int64_t t_s) {
  const size_t i = fr__series_after(series, t_s);
  return i < series->count && series->step[i].start_s <= t_s ? &series->step[i] : NULL;
}

bool fr_series_gap(const fr_series *series, int64_t from_s, int64_t to_s,
                   int64_t *gap_from_s, int64_t *gap_to_s) {
  int64_t at = from_s;
  for (size_t i = fr__series_after(series, from_s); at < to_s; i++) {
    const bool more = i < series->count;
    if (!more || series->step[i].start_s > at) {
      *gap_from_s = at;
      *gap_to_s = more ? least(to_s, series->step[i].start_s) : to_s;
      return true;
    }
    at = series->step[i].end_s;
  }
  return false;
}

fr_measure fr_series_mean(const fr_series *series, int64_t from_s, int64_t to_s) {
  double seconds = 0, value = 0, low = 0, high = 0;
  for (size_t i = fr__series_after(series, from_s);
       i < series->count && series->step[i].start_s < to_s; i++) {
    const fr_intensity_step *s = &series->step[i];
    const double part = (double)least(s->end_s, to_s) - (double)most(s->start_s, from_s);
    seconds += part;
    value += part * s->g_per_kwh;
    low += part * s->low;
    high += part * s->high;
  }
  if (!(seconds > 0))
    return fr_measure_absent(FR_UNIT_GRAM_CO2E_PER_KWH);
  return (fr_measure){value / seconds, low / seconds, high / seconds,
                      FR_UNIT_GRAM_CO2E_PER_KWH, series->source};
}

enum fr_status fr_series_take(fr_series *series, const fr_series *from, int64_t from_s,
                              int64_t to_s, fr_error *err) {
  enum fr_status status = FR_OK;
  if (series->count == 0) {
    memcpy(series->zone, from->zone, sizeof series->zone);
    memcpy(series->origin, from->origin, sizeof series->origin);
    series->scope = from->scope;
    series->source = from->source;
    series->read_s = from->read_s;
    memcpy(series->warning, from->warning, sizeof series->warning);
  }
  for (size_t i = fr__series_after(from, from_s);
       status == FR_OK && i < from->count && from->step[i].start_s < to_s; i++) {
    fr_intensity_step step = from->step[i];
    step.start_s = most(step.start_s, from_s);
    step.end_s = least(step.end_s, to_s);
    status = fr_series_add(series, &step, err);
  }
  return status;
}

enum fr_status fr__series_constant(fr_series *out, double g_per_kwh,
                                   enum fr_source source, const fr_intensity_query *query,
                                   fr_error *err) {
  out->source = source;
  return fr_series_add(out,
                       &(fr_intensity_step){.start_s = query->from_s,
                                            .end_s = query->to_s,
                                            .g_per_kwh = g_per_kwh,
                                            .low = g_per_kwh,
                                            .high = g_per_kwh},
                       err);
}
