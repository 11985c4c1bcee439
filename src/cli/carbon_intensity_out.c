/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon intensity: what it found, as text and JSON. */
#include <stdio.h>
#include <string.h>

#include "base/iso8601.h"
#include "cli/bars.h"
#include "cli/carbon_intensity.h"
#include "cli/grams.h"
#include "cli/when.h"
#include "report/table.h"

#define STEPS_CEILING 100000 /* in JSON; --csv has no such */
#define ROWS_CEILING 4000    /* of the table */

/* ---- JSON ---- */

static fr_measure measure_of(const cli_intensity *asked, const fr_intensity_step *s) {
  return (fr_measure){s->g_per_kwh, s->low, s->high, FR_UNIT_GRAM_CO2E_PER_KWH,
                      asked->past.count > 0 ? asked->past.source
                                            : asked->forecast.ahead.source};
}

static json_t *json_of_step(const cli_intensity *asked, const fr_intensity_step *s) {
  if (s->end_s <= s->start_s)
    return json_null();
  return json_pack("{s:o, s:o, s:o, s:b, s:b}", "start", cli_json_time(s->start_s), "end",
                   cli_json_time(s->end_s), "intensity",
                   cli_json_measure(measure_of(asked, s)), "estimated",
                   (s->marks & FR_STEP_ESTIMATED) != 0, "forecast",
                   (s->marks & FR_STEP_FORECAST) != 0);
}

static json_t *json_of_span(const cli_intensity *asked, const cli_intensity_span *span) {
  const double all_s = (double)(span->end_s - span->start_s);
  const bool known = span->known_s > 0;
  return json_pack(
      "{s:o, s:o, s:o, s:o, s:o, s:f, s:o}", "start", cli_json_time(span->start_s), "end",
      cli_json_time(span->end_s), "mean", cli_json_measure(span->mean), "least",
      json_of_step(asked, &span->least), "most", json_of_step(asked, &span->most),
      "known_share", span->known_s / all_s, "estimated_share",
      known ? json_real(span->estimated_s / span->known_s) : json_null());
}

static json_t *json_of_steps(const cli_intensity *asked, const fr_series *series,
                             cli_result *result) {
  if (series->count > STEPS_CEILING) {
    cli_warn(result, "%zu steps are more than JSON tells: --csv FILE has them",
             series->count);
    return json_null();
  }
  json_t *list = json_array();
  for (size_t i = 0; i < series->count; i++)
    json_array_append_new(list, json_of_step(asked, &series->step[i]));
  return list;
}

static json_t *json_of_ahead(const cli_intensity *asked, cli_result *result) {
  if (asked->forecast.ahead.count == 0)
    return json_null();
  const cli_intensity_span span =
      cli_intensity_sum(&asked->forecast.ahead, asked->now_s, asked->until_s);
  json_t *ahead = json_of_span(asked, &span);
  json_object_set_new(ahead, "method", json_string(asked->forecast.method));
  json_object_set_new(ahead, "skill", cli_json_skill(&asked->forecast.skill));
  json_object_set_new(ahead, "steps",
                      json_of_steps(asked, &asked->forecast.ahead, result));
  return ahead;
}

static const fr_series *told(const cli_intensity *asked) {
  return asked->past.count > 0 ? &asked->past : &asked->forecast.ahead;
}

static json_t *json_of_latest(const cli_intensity *asked) {
  json_t *latest = json_of_step(asked, &asked->latest);
  if (json_is_object(latest))
    json_object_set_new(latest, "age_s",
                        json_integer((json_int_t)(asked->now_s - asked->latest.end_s)));
  return latest;
}

static void fill_result(const cli_intensity *asked, const cli_intensity_span *past,
                        json_t *by, cli_result *result) {
  const fr_series *series = told(asked);
  json_t *r = result->result;
  char scope[FR_SCOPE_TEXT];
  fr_scope_text(series->scope, scope);
  json_object_set_new(r, "verb", json_string("intensity"));
  json_object_set_new(r, "intensity_spec", json_string(asked->spec));
  json_object_set_new(r, "zone", json_string(series->zone));
  json_object_set_new(r, "origin", json_string(series->origin));
  json_object_set_new(r, "scope", json_string(scope));
  json_object_set_new(r, "now", cli_json_time(asked->now_s));
  json_object_set_new(r, "read",
                      series->read_s > 0 ? cli_json_time(series->read_s) : json_null());
  json_object_set_new(r, "constant", json_boolean(asked->constant));
  json_object_set_new(r, "latest", asked->constant ? json_null() : json_of_latest(asked));
  json_object_set_new(r, "past",
                      asked->past.count > 0 ? json_of_span(asked, past) : json_null());
  json_object_set_new(r, "by", by);
  json_object_set_new(r, "steps", json_of_steps(asked, &asked->past, result));
  json_object_set_new(r, "ahead", json_of_ahead(asked, result));
}

/* ---- text ---- */

static void format_value(const cli_intensity *asked, double g_per_kwh, char text[32]) {
  (void)snprintf(text, 32, "%.4g", fr__unit_from_g_per_kwh(asked->unit, g_per_kwh));
}

static void add_value(const cli_intensity *asked, const char *what, fr_measure m,
                      fr__buf *text) {
  char value[3][32];
  format_value(asked, m.value, value[0]);
  format_value(asked, m.low, value[1]);
  format_value(asked, m.high, value[2]);
  fr__buf_printf(text, "%-14s %s %s", what, value[0], asked->unit_name);
  if (m.low < m.value || m.high > m.value)
    fr__buf_printf(text, " (%s to %s)", value[1], value[2]);
}

static void add_step(const cli_intensity *asked, const char *what,
                     const fr_intensity_step *s, fr__buf *text) {
  char start[FR__LOCAL_TEXT], length[32];
  fr__time_format_local(s->start_s, start);
  cli_span_format(s->end_s - s->start_s, length, sizeof length);
  add_value(asked, what, measure_of(asked, s), text);
  fr__buf_printf(text, ", %s for %s%s\n", start, length,
                 (s->marks & FR_STEP_ESTIMATED) != 0 ? ", estimated" : "");
}

static void add_share(const char *what, double part, double whole, fr__buf *text) {
  const double percent = 100 * part / whole;
  fr__buf_printf(text, "%-14s %s%.3g %% of the time\n", what,
                 percent > 0 && percent < 0.01 ? "less than " : "",
                 percent > 0 && percent < 0.01 ? 0.01 : percent);
}

static void add_span(const cli_intensity *asked, const cli_intensity_span *span,
                     fr__buf *text) {
  char from[FR__LOCAL_TEXT], to[FR__LOCAL_TEXT];
  fr__time_format_local(span->start_s, from);
  fr__time_format_local(span->end_s, to);
  add_value(asked, "mean", span->mean, text);
  fr__buf_printf(text, ", %s to %s\n", from, to);
  add_step(asked, "least", &span->least, text);
  add_step(asked, "most", &span->most, text);
  if (span->estimated_s > 0)
    add_share("estimated", span->estimated_s, span->known_s, text);
  const double missing_s = (double)(span->end_s - span->start_s) - span->known_s;
  if (missing_s > 0)
    add_share("not known", missing_s, missing_s + span->known_s, text);
}

static void add_origin(const cli_intensity *asked, fr__buf *text) {
  const fr_series *series = told(asked);
  char scope[FR_SCOPE_TEXT], age[32];
  fr_scope_text(series->scope, scope);
  if (series->zone[0] != '\0')
    fr__buf_printf(text, "%-14s %s\n", "zone", series->zone);
  fr__buf_printf(text, "%-14s %s\n%-14s %s\n", "scope", scope, "origin", series->origin);
  if (series->read_s > 0) {
    cli_span_format(asked->now_s - series->read_s, age, sizeof age);
    fr__buf_printf(text, "%-14s %s ago\n", "read", age);
  }
}

static void add_latest(const cli_intensity *asked, fr__buf *text) {
  char age[32];
  if (asked->latest.end_s == 0)
    return;
  cli_span_format(asked->now_s - asked->latest.end_s, age, sizeof age);
  add_step(asked, "latest", &asked->latest, text);
  fr__buf_printf(text, "%-14s %s ago\n", "its end", age);
}

static void add_ahead(const cli_intensity *asked, fr__buf *text) {
  char error[32];
  if (asked->forecast.ahead.count == 0)
    return;
  const cli_intensity_span span =
      cli_intensity_sum(&asked->forecast.ahead, asked->now_s, asked->until_s);
  fr__buf_printf(text, "\n%-14s %s\n", "forecast", asked->forecast.method);
  if (asked->forecast.skill.tested > 0) {
    format_value(asked, asked->forecast.skill.mae, error);
    fr__buf_printf(text, "%-14s %s %s in the mean, on past days\n", "its error", error,
                   asked->unit_name);
  }
  add_span(asked, &span, text);
}

/* ---- picture and table ---- */

static void to_unit(fr_series *series, fr__intensity_unit unit) {
  for (size_t i = 0; i < series->count; i++) {
    fr_intensity_step *s = &series->step[i];
    s->g_per_kwh = fr__unit_from_g_per_kwh(unit, s->g_per_kwh);
    s->low = fr__unit_from_g_per_kwh(unit, s->low);
    s->high = fr__unit_from_g_per_kwh(unit, s->high);
  }
}

static enum fr_status add_bars(const cli_intensity *asked, fr__buf *text, fr_error *err) {
  fr_series all = {0};
  char zone[CLI_WHEN_TEXT];
  const bool ahead = asked->forecast.ahead.count > 0;
  const bool past = asked->past.count > 0;
  enum fr_status status =
      fr_series_take(&all, &asked->past, FR_TIME_EARLIEST, FR_TIME_LATEST, err);
  if (status == FR_OK)
    status = fr_series_take(&all, &asked->forecast.ahead, FR_TIME_EARLIEST,
                            FR_TIME_LATEST, err);
  if (status == FR_OK && all.count > 1) {
    to_unit(&all, asked->unit);
    const cli_bars bars = {.series = &all,
                           .from_s = past ? asked->from_s : asked->now_s,
                           .to_s = ahead ? asked->until_s : asked->to_s,
                           .now_s = ahead ? asked->now_s : FR_TIME_EARLIEST};
    cli_zone_format(bars.from_s, bars.to_s, zone);
    fr__buf_printf(text, "\n%s, %s\n", asked->unit_name, zone);
    cli_bars_add(&bars, cli_columns(), text);
  }
  fr_series_release(&all);
  return status;
}

/* Rows of a series, a span each. */
typedef struct rows {
  const cli_intensity *asked;
  const fr_series *series;
  int64_t from_s, to_s;
  enum cli_by by;
  bool ahead; /* low and high stand in the place of least and most */
  bool whole; /* each is one step at most: least and most tell nothing more */
  bool zones; /* the clock changes within: each has its zone */
  fr__table table;
  json_t *list; /* NULL: none is wanted */
  cli_result *result;
} rows;

static void add_row(rows *to, const cli_intensity_span *span) {
  char value[3][32] = {"-", "-", "-"}, when[CLI_WHEN_TEXT];
  if (span->known_s > 0) {
    format_value(to->asked, span->mean.value, value[0]);
    format_value(to->asked, to->ahead ? span->mean.low : span->least.g_per_kwh, value[1]);
    format_value(to->asked, to->ahead ? span->mean.high : span->most.g_per_kwh, value[2]);
  }
  if (to->by == CLI_BY_HOUR)
    cli_when_format(span->start_s, to->zones, when);
  else
    cli_wall_format(cli_wall_seconds(span->start_s),
                    to->by == CLI_BY_MONTH ? "%b %Y" : "%a %-d %b %Y", when, sizeof when);
  fr__table_add(&to->table, when);
  for (size_t i = 0; i < (to->whole ? 1 : 3); i++)
    fr__table_add(&to->table, value[i]);
  fr__table_add(&to->table, span->estimated_s > 0 ? "estimated" : "");
  if (to->list != NULL)
    json_array_append_new(to->list, json_of_span(to->asked, span));
}

static void begin_table(rows *to) {
  static const char *const names[] = {"", "Hour", "Day", "Month"};
  static const char *const others[2][2] = {{"Least", "Most"}, {"Low", "High"}};
  fr__table_init(&to->table, NULL);
  fr__table_column_add(&to->table, names[to->by], FR__ALIGN_LEFT, false);
  fr__table_column_add(&to->table,
                       to->ahead   ? "Forecast"
                       : to->whole ? ""
                                   : "Mean",
                       FR__ALIGN_RIGHT, false);
  for (size_t i = 0; !to->whole && i < 2; i++)
    fr__table_column_add(&to->table, others[to->ahead][i], FR__ALIGN_RIGHT, false);
  fr__table_column_add(&to->table, "", FR__ALIGN_LEFT, false);
}

static bool steps_are_hours(const fr_series *series) {
  for (size_t i = 0; i < series->count; i++)
    if (series->step[i].start_s / 3600 != (series->step[i].end_s - 1) / 3600 ||
        (i > 0 && series->step[i].start_s / 3600 == series->step[i - 1].start_s / 3600))
      return false;
  return true;
}

static enum fr_status add_table(rows *to, fr__buf *text, fr_error *err) {
  char zone[CLI_WHEN_TEXT];
  size_t count = 0;
  int64_t at = to->from_s;
  to->by = cli_intensity_by(to->asked, to->to_s - to->from_s);
  to->whole = !to->ahead && to->by == CLI_BY_HOUR && steps_are_hours(to->series);
  cli_zone_format(to->from_s, to->to_s, zone);
  to->zones = strchr(zone, ',') != NULL;
  begin_table(to);
  for (; at < to->to_s && count < ROWS_CEILING; count++) {
    const int64_t next = cli_intensity_next(at, to->by);
    const cli_intensity_span span =
        cli_intensity_sum(to->series, at, next < to->to_s ? next : to->to_s);
    add_row(to, &span);
    at = next;
  }
  if (at < to->to_s)
    cli_warn(to->result,
             "the table ends after %d rows: --by day or --by month is shorter",
             ROWS_CEILING);
  fr__buf_add(text, "\n");
  const enum fr_status status = fr__table_render(&to->table, cli_columns(), text, err);
  fr__table_release(&to->table);
  return status;
}

static enum fr_status add_tables(const cli_intensity *asked, cli_result *result,
                                 fr__buf *text, json_t *by, fr_error *err) {
  rows past = {.asked = asked, .series = &asked->past, .list = by, .result = result};
  rows ahead = {
      .asked = asked, .series = &asked->forecast.ahead, .ahead = true, .result = result};
  enum fr_status status = FR_OK;
  past.from_s = asked->from_s;
  past.to_s = asked->to_s;
  ahead.from_s = asked->now_s;
  ahead.to_s = asked->until_s;
  if (past.series->count > 0)
    status = add_table(&past, text, err);
  if (status == FR_OK && ahead.series->count > 0)
    status = add_table(&ahead, text, err);
  return status;
}

enum fr_status cli_intensity_tell(const cli_intensity *asked, cli_result *result,
                                  fr__buf *text, fr_error *err) {
  const cli_intensity_span past =
      cli_intensity_sum(&asked->past, asked->from_s, asked->to_s);
  json_t *by = json_array();
  enum fr_status status = FR_OK;
  add_origin(asked, text);
  if (asked->constant) {
    add_value(asked, "intensity", past.mean, text);
    fr__buf_add(text, ", at any time\n");
  } else {
    add_latest(asked, text);
    if (past.known_s > 0)
      add_span(asked, &past, text);
    add_ahead(asked, text);
    status = add_bars(asked, text, err);
    if (status == FR_OK)
      status = add_tables(asked, result, text, by, err);
  }
  fill_result(asked, &past, by, result);
  return status;
}
