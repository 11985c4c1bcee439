/* SPDX-License-Identifier: Apache-2.0 */
/* Which source a spec names, and what is known of it at a time. */
#include "frugal/intensity.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/csv.h"
#include "base/error.h"
#include "carbon/source.h"

static const fr__intensity_source *const sources[] = {
    &fr__intensity_table,    &fr__intensity_electricitymaps,
    &fr__intensity_watttime, &fr__intensity_csv,
    &fr__intensity_uk,
};
enum { SOURCES = sizeof sources / sizeof *sources };

static const fr__intensity_source *find_source(const char *spec, const char **rest) {
  const size_t length = strcspn(spec, ":");
  for (size_t i = 0; spec[length] == ':' && i < SOURCES; i++)
    if (strlen(sources[i]->name) == length &&
        strncmp(spec, sources[i]->name, length) == 0) {
      *rest = spec + length + 1;
      return sources[i];
    }
  return NULL;
}

static bool is_number(const char *spec) {
  double number;
  return fr__scan_number(spec, spec + strlen(spec), &number) != NULL;
}

static enum fr_status fail_unknown(const char *spec, fr_error *err) {
  fr__buf forms;
  fr__buf_init(&forms, 0);
  for (size_t i = 0; i < SOURCES; i++)
    fr__buf_printf(&forms, "'%s', ", sources[i]->form);
  const enum fr_status status = fr__fail(
      err, FR_ERR_ARGUMENT, "intensity '%.64s' is none of %sor a number of gCO2e/kWh",
      spec, fr__buf_text(&forms));
  fr__buf_release(&forms);
  return status;
}

/* What is measured after now is taken out, whatever its source gave. */
static void forget_later(fr_series *series, int64_t now_s) {
  size_t kept = 0;
  for (size_t i = 0; i < series->count; i++)
    if (series->step[i].end_s <= now_s || (series->step[i].marks & FR_STEP_FORECAST) != 0)
      series->step[kept++] = series->step[i];
  series->count = kept;
}

enum fr_status fr_intensity_read(const char *spec, const fr_intensity_query *query,
                                 fr_series *out, fr_error *err) {
  const char *rest = spec;
  const fr__intensity_source *source = find_source(spec, &rest);
  fr_series read = {0};
  if (source == NULL && !is_number(spec))
    return fail_unknown(spec, err);
  if (query->to_s <= query->from_s)
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "a time that ends before it begins has no intensity");
  const enum fr_status status = source != NULL
                                    ? source->read(rest, query, &read, err)
                                    : fr__intensity_number(spec, query, &read, err);
  if (status != FR_OK) {
    fr_series_release(&read);
    return status;
  }
  if (source != NULL && source->kind != FR_INTENSITY_CONSTANT)
    forget_later(&read, query->now_s);
  *out = read;
  return FR_OK;
}

enum fr_intensity_kind fr_intensity_kind_of(const char *spec) {
  const char *rest;
  const fr__intensity_source *source = find_source(spec, &rest);
  if (source != NULL)
    return source->kind;
  return is_number(spec) ? FR_INTENSITY_CONSTANT : FR_INTENSITY_UNKNOWN;
}

/* ---- one number ---- */

#define YEAR_S (365 * (int64_t)86400)

/* And what its server left to be said: a mean of old answers says so. */
static void tell_span(const fr_series *series, int64_t from_s, int64_t to_s,
                      char origin[256]) {
  char from[FR__TIME_TEXT], to[FR__TIME_TEXT];
  const bool warned = series->warning[0] != '\0';
  fr__time_format(from_s * 1000000000, from);
  fr__time_format(to_s * 1000000000, to);
  (void)snprintf(origin, 256, "%.*s; mean from %s to %s%s%.110s", warned ? 70 : 160,
                 series->origin, from, to, warned ? "; " : "", series->warning);
}

static enum fr_status sum_up(const char *spec, const fr_series *series, fr_intensity *out,
                             fr_error *err) {
  fr_intensity found = {.scope = series->scope};
  if (series->count == 0)
    return fr__fail(err, FR_ERR_NOT_FOUND, "'%.128s' tells no intensity up to now", spec);
  const fr_intensity_step *first = &series->step[0];
  const fr_intensity_step *last = &series->step[series->count - 1];
  memcpy(found.zone, series->zone, sizeof found.zone);
  memcpy(found.origin, series->origin, sizeof found.origin);
  const bool constant = first->start_s == FR_TIME_EARLIEST;
  const int64_t year = constant ? 0 : last->end_s - YEAR_S;
  const int64_t from_s = year > first->start_s ? year : first->start_s;
  const int64_t to_s = constant ? 1 : last->end_s; /* over a second: not rounded */
  found.g_per_kwh = fr_series_mean(series, from_s, to_s);
  if (!constant)
    tell_span(series, from_s, to_s, found.origin);
  *out = found;
  return FR_OK;
}

enum fr_status fr_intensity_find(const char *spec, fr_intensity *out, fr_error *err) {
  const int64_t now_s = fr__clock_utc_ns() / 1000000000;
  const fr_intensity_query all = {
      .now_s = now_s, .from_s = FR_TIME_EARLIEST, .to_s = now_s};
  fr_series series = {0};
  enum fr_status status = fr_intensity_read(spec, &all, &series, err);
  if (status == FR_OK)
    status = sum_up(spec, &series, out, err);
  fr_series_release(&series);
  return status;
}
