/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon intensity: its options, and what is read. */
#include "cli/carbon_intensity.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/iso8601.h"
#include "cli/carbon.h"
#include "cli/planning_places.h"
#include "cli/when.h"

#define DAY_S ((int64_t)86400)

enum {
  KEY_FROM = 1,
  KEY_TO,
  KEY_LAST,
  KEY_AHEAD,
  KEY_NOW,
  KEY_FACTOR,
  KEY_UNIT,
  KEY_BY,
  KEY_FORECAST,
  KEY_OFFLINE,
  KEY_CSV,
  KEY_CHART,
  KEY_HEAT_MAP
};

typedef struct asked {
  cli_output output;
  cli_intensity intensity;
  int64_t from_s, to_s, last_s, ahead_s, now_s; /* FR_TIME_EARLIEST, 0: not told */
} asked;

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What is looked at:", 1},
    {"from", KEY_FROM, "TIME", 0, "from then on: 2026-05-04T03:00Z, or local time", 1},
    {"to", KEY_TO, "TIME", 0, "up to then (default --now)", 1},
    {"last", KEY_LAST, "DURATION", 0, "so long up to then: 24h, 7d (default 24h)", 1},
    {"ahead", KEY_AHEAD, "DURATION", 0, "what is forecast after --now: 24h", 1},
    {"now", KEY_NOW, "TIME", 0,
     "nothing later is looked at but forecasts made by then (default: the clock)", 1},
    {"forecast", KEY_FORECAST, "perfect", 0,
     "what a file has later is told as what lies ahead", 1},
    {"factor", KEY_FACTOR, "lifecycle|direct", 0,
     "which of both, where a source has them (default: the source's usual one)", 1},
    {"offline", KEY_OFFLINE, NULL, 0, "no server is asked: what is kept, and its age", 1},
    {NULL, 0, NULL, 0, "How it is told:", 2},
    {"unit", KEY_UNIT, "UNIT", 0, "g/kWh (default), lb/MWh, kg/MJ, kg/MWh ...", 2},
    {"by", KEY_BY, "hour|day|month", 0, "rows of the table (default: by the length)", 2},
    {"csv", KEY_CSV, "FILE", 0, "the steps, as --intensity csv:FILE reads them", 2},
    {"chart", KEY_CHART, "FILE", 0, "intensity over time, SVG or PNG by its ending", 2},
    {"heat-map", KEY_HEAT_MAP, "FILE", 0, "hour by weekday, SVG or PNG", 2},
    {0},
};

/* ---- options ---- */

static enum cli_by by_of(struct argp_state *state, const char *text) {
  static const char *const names[] = {"", "hour", "day", "month"};
  for (size_t i = 1; i < 4; i++)
    if (strcmp(text, names[i]) == 0)
      return (enum cli_by)i;
  argp_error(state, "--by takes hour, day or month, not '%s'", text);
  return CLI_BY_SPAN;
}

static error_t parse_telling(int key, char *text, struct argp_state *state) {
  cli_intensity *i = &((asked *)state->input)->intensity;
  switch (key) {
  case KEY_UNIT:
    if (!fr__unit_read(text, strlen(text), &i->unit))
      argp_error(state, "--unit takes g/kWh, lb/MWh, kg/MJ, not '%s'", text);
    i->unit_name = text;
    return 0;
  case KEY_BY: i->by = by_of(state, text); return 0;
  case KEY_CSV: i->csv = text; return 0;
  case KEY_CHART: i->chart = text; return 0;
  case KEY_HEAT_MAP: i->heat_map = text; return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static error_t parse(int key, char *text, struct argp_state *state) {
  asked *a = state->input;
  cli_intensity *i = &a->intensity;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &a->output; return 0;
  case KEY_FROM: a->from_s = cli_time(state, "from", text); return 0;
  case KEY_TO: a->to_s = cli_time(state, "to", text); return 0;
  case KEY_LAST: a->last_s = cli_duration(state, "last", text); return 0;
  case KEY_AHEAD: a->ahead_s = cli_duration(state, "ahead", text); return 0;
  case KEY_NOW: a->now_s = cli_time(state, "now", text); return 0;
  case KEY_FACTOR: i->query.factor = cli_factor(state, text); return 0;
  case KEY_OFFLINE: i->query.offline = true; return 0;
  case KEY_FORECAST:
    if (strcmp(text, "perfect") != 0)
      argp_error(state, "--forecast takes perfect, not '%s'", text);
    i->query.perfect = true;
    return 0;
  case ARGP_KEY_ARG:
    if (i->spec != NULL)
      argp_error(state, "'%s' is one word too many", text);
    i->spec = text;
    return 0;
  case ARGP_KEY_END:
    if (a->last_s != 0 && a->from_s != FR_TIME_EARLIEST)
      argp_error(state, "--last and --from are two words for one thing");
    return 0;
  default: return parse_telling(key, text, state);
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, "Output:", 90}, {0}};
static const struct argp argp = {
    options,
    parse,
    "[SPEC]",
    "Grams of CO2 equivalent that a kilowatt hour is worth: now, over time and ahead.\v"
    "SPEC is what --intensity takes: table:ZONE, csv:FILE, electricitymaps:ZONE, "
    "watttime:REGION, uk:, or a number with or without its unit (default table:world).",
    children,
    NULL,
    NULL};

/* ---- reading ---- */

/* Too short a past leaves a warning, where there is something to show of it. */
static enum fr_status look_ahead(cli_intensity *i, const fr_series *read,
                                 cli_result *result, fr_error *err) {
  fr_error why = {0};
  const enum fr_status status =
      fr_forecast_given(read, i->now_s, i->until_s, i->query.perfect, &i->forecast, &why);
  if (status == FR_ERR_NOT_FOUND && i->past.count > 0) {
    cli_warn(result, "%s", why.text);
    return FR_OK;
  }
  return status == FR_OK ? FR_OK : fr__fail(err, status, "%s", why.text);
}

/* What was to be seen of [from_s, to_s), and what lies ahead, apart. */
static enum fr_status part(cli_intensity *i, const fr_series *read, cli_result *result,
                           fr_error *err) {
  fr_series known = *read; /* borrows its steps */
  size_t count = 0;
  if (i->constant)
    return fr_series_take(&i->past, read, i->from_s, i->to_s, err);
  while (count < read->count && read->step[count].end_s <= i->now_s)
    count++;
  known.count = count;
  enum fr_status status = fr_series_take(&i->past, &known, i->from_s, i->to_s, err);
  if (count > 0 && i->to_now)
    i->latest = read->step[count - 1];
  if (status == FR_OK && i->until_s > i->now_s)
    status = look_ahead(i, read, result, err);
  return status;
}

static enum fr_status read_span(cli_intensity *i, int64_t from_s, fr_series *read,
                                fr_error *err) {
  fr_intensity_query query = i->query;
  const int64_t past_s = cli_forecast_past(i->spec);
  query.now_s = i->now_s;
  query.from_s = from_s;
  if (i->until_s > i->now_s && from_s > i->now_s - past_s)
    query.from_s = i->now_s - past_s;
  query.to_s = i->until_s > i->now_s ? i->until_s : i->to_s;
  return fr_intensity_read(i->spec, &query, read, err);
}

/* A file whose last hour is long ago is looked at where it ends, if no time is told. */
static enum fr_status read_where_it_ends(asked *a, fr_series *read, cli_result *result,
                                         fr_error *err) {
  cli_intensity *i = &a->intensity;
  char age[32];
  const enum fr_status status = read_span(i, FR_TIME_EARLIEST, read, err);
  if (status != FR_OK || read->count == 0)
    return status;
  const fr_intensity_step *last = &read->step[read->count - 1];
  const int64_t old_s = i->now_s - last->end_s;
  i->from_s = last->end_s - (i->to_s - i->from_s);
  i->to_s = last->end_s;
  cli_span_format(old_s, age, sizeof age);
  cli_warn(result, "the last that '%.200s' knows is %s old: that is looked at", i->spec,
           age);
  return FR_OK;
}

static enum fr_status fail_nothing(const cli_intensity *i, fr_error *err) {
  char from[FR__LOCAL_TEXT], to[FR__LOCAL_TEXT];
  fr__time_format_local(i->from_s, from);
  fr__time_format_local(i->to_s, to);
  return fr__fail(err, FR_ERR_NOT_FOUND,
                  "'%.200s' tells no intensity from %s to %s that was known by then",
                  i->spec, from, to);
}

static enum fr_status read_all(asked *a, cli_result *result, fr_error *err) {
  cli_intensity *i = &a->intensity;
  const bool told = a->from_s != FR_TIME_EARLIEST || a->to_s != FR_TIME_EARLIEST;
  const bool file = fr_intensity_kind_of(i->spec) == FR_INTENSITY_FILE;
  fr_series read = {0};
  enum fr_status status = read_span(i, i->from_s, &read, err);
  if (status == FR_OK && read.count == 0 && file && !told && i->until_s == i->now_s) {
    fr_series_release(&read);
    status = read_where_it_ends(a, &read, result, err);
  }
  if (status == FR_OK && read.warning[0] != '\0')
    cli_warn(result, "%s", read.warning);
  if (status == FR_OK)
    status = part(i, &read, result, err);
  if (status == FR_OK && i->past.count == 0 && i->forecast.ahead.count == 0)
    status = fail_nothing(i, err);
  fr_series_release(&read);
  return status;
}

static enum fr_status find_span(asked *a, fr_error *err) {
  cli_intensity *i = &a->intensity;
  const int64_t clock_s = fr__clock_utc_ns() / 1000000000;
  i->now_s = a->now_s != FR_TIME_EARLIEST ? a->now_s : clock_s;
  i->to_s = a->to_s != FR_TIME_EARLIEST && a->to_s < i->now_s ? a->to_s : i->now_s;
  i->from_s = a->from_s != FR_TIME_EARLIEST
                  ? a->from_s
                  : i->to_s - (a->last_s > 0 ? a->last_s : DAY_S);
  i->until_s = i->now_s + a->ahead_s;
  if (a->to_s != FR_TIME_EARLIEST && a->to_s > i->until_s)
    i->until_s = a->to_s;
  if (i->from_s >= i->to_s)
    return fr__fail(err, FR_ERR_ARGUMENT, "nothing lies between --from and %s",
                    a->to_s < i->now_s ? "--to" : "now");
  if (i->spec == NULL)
    i->spec = "table:world";
  i->to_now = a->to_s == FR_TIME_EARLIEST || a->to_s >= i->now_s;
  i->constant = fr_intensity_kind_of(i->spec) == FR_INTENSITY_CONSTANT;
  return FR_OK;
}

static enum fr_status run(asked *a, cli_result *result, fr__buf *text, fr_error *err) {
  enum fr_status status = find_span(a, err);
  if (status == FR_OK)
    status = read_all(a, result, err);
  if (status == FR_OK && a->intensity.csv != NULL)
    status = cli_intensity_write_csv(&a->intensity, err);
  if (status == FR_OK)
    status = cli_intensity_draw(&a->intensity, err);
  return status == FR_OK ? cli_intensity_tell(&a->intensity, result, text, err) : status;
}

int cli_carbon_intensity(int argc, char **argv) {
  asked a = {.from_s = FR_TIME_EARLIEST,
             .to_s = FR_TIME_EARLIEST,
             .now_s = FR_TIME_EARLIEST,
             .intensity = {.unit = FR__G_PER_KWH, .unit_name = "gCO2e/kWh"}};
  argp_parse(&argp, argc, argv, 0, NULL, &a);
  const char *const written[] = {a.output.json, a.intensity.csv, a.intensity.chart,
                                 a.intensity.heat_map};
  fr_error err = {0};
  cli_result result;
  fr__buf text;
  cli_result_init(&result, "carbon");
  fr__buf_init(&text, 0);
  enum fr_status status = cli_check_files(written, 4, &err);
  if (status == FR_OK)
    status = run(&a, &result, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(&result, &a.output, fr__buf_text(&text))
                       : cli_fail(&err);
  fr_series_release(&a.intensity.past);
  fr_forecast_release(&a.intensity.forecast);
  fr__buf_release(&text);
  cli_result_release(&result);
  return code;
}
