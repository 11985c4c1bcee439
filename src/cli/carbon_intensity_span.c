/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon intensity: hours, days and months of a series, and the series as a file.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "carbon/source.h"
#include "cli/carbon_intensity.h"

#define DAY_S 86400

/* ---- sums ---- */

static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

cli_intensity_span cli_intensity_sum(const fr_series *series, int64_t from_s,
                                     int64_t to_s) {
  cli_intensity_span span = {.start_s = from_s, .end_s = to_s};
  span.mean = fr_series_mean(series, from_s, to_s);
  for (size_t i = fr__series_after(series, from_s);
       i < series->count && series->step[i].start_s < to_s; i++) {
    const fr_intensity_step *s = &series->step[i];
    const double seconds = (double)(earlier(s->end_s, to_s) - later(s->start_s, from_s));
    if (!(span.known_s > 0) || s->g_per_kwh < span.least.g_per_kwh)
      span.least = *s;
    if (!(span.known_s > 0) || s->g_per_kwh > span.most.g_per_kwh)
      span.most = *s;
    span.known_s += seconds;
    if ((s->marks & FR_STEP_ESTIMATED) != 0)
      span.estimated_s += seconds;
  }
  return span;
}

/* ---- the wall's clock ---- */

int64_t cli_intensity_next(int64_t t_s, enum cli_by by) {
  const int64_t past = ((t_s % 3600) + 3600) % 3600;
  const time_t t = (time_t)t_s;
  struct tm tm;
  if (by == CLI_BY_HOUR || localtime_r(&t, &tm) == NULL)
    return t_s - past + 3600;
  tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
  tm.tm_isdst = -1; /* whatever is then in force */
  if (by == CLI_BY_MONTH) {
    tm.tm_mday = 1;
    tm.tm_mon++;
  } else
    tm.tm_mday++;
  const int64_t next_s = (int64_t)mktime(&tm);
  return next_s > t_s ? next_s : t_s + DAY_S;
}

enum cli_by cli_intensity_by(const cli_intensity *asked, int64_t span_s) {
  if (asked->by != CLI_BY_SPAN)
    return asked->by;
  if (span_s <= 2 * DAY_S)
    return CLI_BY_HOUR;
  return span_s <= 62 * DAY_S ? CLI_BY_DAY : CLI_BY_MONTH;
}

/* ---- a file ---- */

static void add_steps(const cli_intensity *asked, const fr_series *series,
                      fr__buf *text) {
  for (size_t i = 0; i < series->count; i++) {
    const fr_intensity_step *s = &series->step[i];
    char start[FR__TIME_TEXT], end[FR__TIME_TEXT];
    fr__time_format(s->start_s * 1000000000, start);
    fr__time_format(s->end_s * 1000000000, end);
    fr__buf_printf(text, "%s,%s,%.10g,%.10g,%.10g,%s,%s\n", start, end,
                   fr__unit_from_g_per_kwh(asked->unit, s->g_per_kwh),
                   fr__unit_from_g_per_kwh(asked->unit, s->low),
                   fr__unit_from_g_per_kwh(asked->unit, s->high),
                   (s->marks & FR_STEP_ESTIMATED) != 0 ? "true" : "false",
                   (s->marks & FR_STEP_FORECAST) != 0 ? "true" : "false");
  }
}

enum fr_status cli_intensity_write_csv(const cli_intensity *asked, fr_error *err) {
  fr__buf text;
  fr__buf_init(&text, (size_t)1 << 30);
  fr__buf_printf(&text, "start,end,%s,low,high,estimated,forecast\n", asked->unit_name);
  add_steps(asked, &asked->past, &text);
  add_steps(asked, &asked->forecast.ahead, &text);
  const enum fr_status status =
      text.status == FR_OK ? fr__file_write(asked->csv, text.text, text.length, err)
                           : text.status;
  fr__buf_release(&text);
  return status;
}
