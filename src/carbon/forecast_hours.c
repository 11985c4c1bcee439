/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of any length become hours that end where the newest known step ends. */
#include "carbon/forecast.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "carbon/source.h"

static bool measured_by(const fr_intensity_step *step, int64_t now_s) {
  return step->end_s <= now_s && (step->marks & FR_STEP_FORECAST) == 0;
}

/* Behind the last step that is known by then; 0: there is none. */
static size_t known_by(const fr_series *past, int64_t now_s) {
  size_t count = fr__series_after(past, now_s);
  while (count > 0 && !measured_by(&past->step[count - 1], now_s))
    count--;
  return count;
}

typedef struct grid {
  double *sum, *seconds; /* (hours) */
  int64_t start_s;
  size_t hours;
} grid;

static void spread(const grid *g, const fr_intensity_step *step) {
  const int64_t end_s = g->start_s + (int64_t)g->hours * FR__HOUR_S;
  int64_t at = step->start_s > g->start_s ? step->start_s : g->start_s;
  const int64_t to = step->end_s < end_s ? step->end_s : end_s;
  while (at < to) {
    const int64_t i = (at - g->start_s) / FR__HOUR_S;
    const int64_t hour_end = g->start_s + (i + 1) * FR__HOUR_S;
    const int64_t next = hour_end < to ? hour_end : to;
    g->sum[i] += (double)(next - at) * step->g_per_kwh;
    g->seconds[i] += (double)(next - at);
    at = next;
  }
}

/* How many hours the past spans, rounded up, at most FR__PAST_HOURS. */
static size_t span(const fr_series *past, size_t count) {
  const int64_t end_s = past->step[count - 1].end_s;
  const int64_t start_s = past->step[0].start_s;
  if (start_s <= end_s - FR__PAST_HOURS * FR__HOUR_S)
    return FR__PAST_HOURS;
  return (size_t)((end_s - start_s + FR__HOUR_S - 1) / FR__HOUR_S);
}

static void settle(const grid *g, fr__hours *out) {
  for (size_t i = 0; i < g->hours; i++) {
    const bool known = 2 * g->seconds[i] >= (double)FR__HOUR_S;
    out->known += known;
    out->value[i] = known ? g->sum[i] / g->seconds[i] : (double)NAN;
  }
}

enum fr_status fr__hours_read(const fr_series *past, int64_t now_s, fr__hours *out,
                              fr_error *err) {
  const size_t count = known_by(past, now_s);
  *out = (fr__hours){0};
  if (count == 0 || past->step[count - 1].end_s < now_s - FR_FORECAST_REACH_S)
    return FR_OK;
  const size_t hours = span(past, count);
  double *value = calloc(2 * hours, sizeof *value);
  if (value == NULL)
    return fr__fail_memory(err, "hours of intensity");
  const int64_t end_s = past->step[count - 1].end_s;
  const grid g = {value, value + hours, end_s - (int64_t)hours * FR__HOUR_S, hours};
  for (size_t i = count; i-- > 0 && past->step[i].end_s > g.start_s;)
    if (measured_by(&past->step[i], now_s))
      spread(&g, &past->step[i]);
  *out = (fr__hours){.value = value, .count = hours, .end_s = end_s};
  settle(&g, out);
  return FR_OK;
}
