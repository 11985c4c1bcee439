/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon regions: the table, its sources below it, and JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/carbon_regions.h"
#include "report/table.h"

#define SOURCES 64 /* told apart */
#define UNKNOWN "–"

/* ---- sources, each once, by number ---- */

typedef struct sources {
  char text[SOURCES][256];
  size_t count;
} sources;

/* The number of it, from 1; 0: there is none, or no room for it. */
static size_t number_of(sources *s, const char *text) {
  if (text == NULL || *text == '\0')
    return 0;
  for (size_t i = 0; i < s->count; i++)
    if (strncmp(s->text[i], text, sizeof s->text[i] - 1) == 0)
      return i + 1;
  if (s->count == SOURCES)
    return 0;
  (void)snprintf(s->text[s->count], sizeof *s->text, "%s", text);
  return ++s->count;
}

/* A cloud region's source, without which zone's row or which region's grid it is, which
 * would make it a source of its own; of what was read for another, its origin. */
static const char *grid_source(const cli_region *row, char text[256]) {
  if (!row->own)
    return fr_measure_known(row->grid.g_per_kwh) ? row->grid.origin : "";
  const char *source = row->site.region->g_source;
  const char *grid = strstr(source, ": the grid of "), *of = strstr(source, ": ");
  if (grid == NULL)
    return of != NULL ? of + 2 : source;
  (void)snprintf(text, 256, "%.*s", (int)(grid - source), source);
  return text;
}

static bool is_own(double told, double compiled) {
  return !isnan(told) && !isnan(compiled) && !(told < compiled) && !(told > compiled);
}

static const char *carbon_free_source(const fr_site *site) {
  if (isnan(site->carbon_free))
    return "";
  return site->region != NULL && is_own(site->carbon_free, site->region->carbon_free)
             ? site->region->carbon_free_source
             : "the criteria";
}

static const char *pue_source(const fr_site *site) {
  if (isnan(site->pue))
    return "";
  return site->region != NULL && is_own(site->pue, site->region->pue)
             ? site->region->pue_source
             : "the criteria";
}

static int carbon_free_year(const fr_site *site) {
  return site->region != NULL && is_own(site->carbon_free, site->region->carbon_free)
             ? site->region->carbon_free_year
             : 0;
}

static int pue_year(const fr_site *site) {
  return site->region != NULL && is_own(site->pue, site->region->pue)
             ? site->region->pue_year
             : 0;
}

/* ---- JSON ---- */

static json_t *json_of_text(const char *text) {
  return *text != '\0' ? json_string(text) : json_null();
}

static json_t *json_of_year(int year) {
  return year != 0 ? json_integer(year) : json_null();
}

static json_t *json_of_years(const fr_region *region) {
  json_t *list = json_array();
  size_t count;
  const fr_region_year *year = fr_region_years(region, &count);
  for (size_t i = 0; i < count; i++) {
    char scope[FR_SCOPE_TEXT];
    fr_scope_text(year[i].scope, scope);
    json_array_append_new(list, json_pack("{s:i, s:o, s:s, s:o}", "year", year[i].year,
                                          "g_per_kwh", cli_json_number(year[i].g_per_kwh),
                                          "scope", scope, "carbon_free",
                                          cli_json_number(year[i].carbon_free)));
  }
  return list;
}

static json_t *json_of_row(const cli_region *row) {
  const fr_site *s = &row->site;
  const fr_region *r = s->region;
  char scope[FR_SCOPE_TEXT];
  fr_scope_text(row->grid.scope, scope);
  json_t *o = json_object();
  json_object_set_new(o, "region", json_string(s->name));
  json_object_set_new(o, "provider", json_of_text(r != NULL ? r->provider : ""));
  json_object_set_new(o, "place", json_of_text(s->place));
  json_object_set_new(o, "country", json_of_text(s->country));
  json_object_set_new(o, "state", json_of_text(s->state));
  json_object_set_new(o, "zone", json_of_text(s->zone));
  json_object_set_new(o, "intensity", cli_json_measure(row->grid.g_per_kwh));
  const bool known = fr_measure_known(row->grid.g_per_kwh);
  json_object_set_new(o, "scope", known ? json_string(scope) : json_null());
  json_object_set_new(o, "intensity_year", json_of_year(row->own ? r->g_year : 0));
  json_object_set_new(o, "intensity_source",
                      json_of_text(row->own ? r->g_source : row->grid.origin));
  json_object_set_new(o, "carbon_free", cli_json_number(s->carbon_free));
  json_object_set_new(o, "carbon_free_year", json_of_year(carbon_free_year(s)));
  json_object_set_new(o, "carbon_free_source", json_of_text(carbon_free_source(s)));
  json_object_set_new(o, "pue", cli_json_number(s->pue));
  json_object_set_new(o, "pue_year", json_of_year(pue_year(s)));
  json_object_set_new(o, "pue_source", json_of_text(pue_source(s)));
  json_object_set_new(o, "latency_ms", cli_json_number(s->latency_ms));
  json_object_set_new(o, "price_per_h", cli_json_number(s->price_per_h));
  json_object_set_new(o, "water_l_per_kwh", cli_json_number(s->water_l_per_kwh));
  if (r != NULL)
    json_object_set_new(o, "years", json_of_years(r));
  return o;
}

/* ---- the table ---- */

typedef struct shown {
  bool latency, price, water; /* somebody tells one */
} shown;

static shown shown_of(const cli_region *row, size_t count) {
  shown s = {0};
  for (size_t i = 0; i < count; i++) {
    s.latency = s.latency || !isnan(row[i].site.latency_ms);
    s.price = s.price || !isnan(row[i].site.price_per_h);
    s.water = s.water || !isnan(row[i].site.water_l_per_kwh);
  }
  return s;
}

static void add_columns(fr__table *table, shown s) {
  fr__table_column_add(table, "Region", FR__ALIGN_LEFT, false);
  fr__table_column_add(table, "Place", FR__ALIGN_LEFT, true);
  fr__table_column_add(table, "g/kWh", FR__ALIGN_RIGHT, false);
  fr__table_column_add(table, "Year", FR__ALIGN_RIGHT, false);
  fr__table_column_add(table, "Factor", FR__ALIGN_LEFT, false);
  fr__table_column_add(table, "Carbon-free", FR__ALIGN_RIGHT, false);
  fr__table_column_add(table, "PUE", FR__ALIGN_RIGHT, false);
  if (s.latency)
    fr__table_column_add(table, "ms", FR__ALIGN_RIGHT, false);
  if (s.price)
    fr__table_column_add(table, "Price/h", FR__ALIGN_RIGHT, false);
  if (s.water)
    fr__table_column_add(table, "l/kWh", FR__ALIGN_RIGHT, false);
  fr__table_column_add(table, "Source", FR__ALIGN_LEFT, false);
}

static void add_number(fr__table *table, const char *format, double value) {
  char text[48];
  (void)snprintf(text, sizeof text, format, value);
  fr__table_add(table, isnan(value) ? UNKNOWN : text);
}

static const char *factor_of(const cli_region *row) {
  if (!fr_measure_known(row->grid.g_per_kwh))
    return UNKNOWN;
  switch (row->grid.scope.factor) {
  case FR_FACTOR_DIRECT: return "direct";
  case FR_FACTOR_LIFECYCLE: return "life-cycle";
  default: return "not told";
  }
}

static void add_carbon_free(fr__table *table, const fr_site *site) {
  const int year = carbon_free_year(site);
  char text[48];
  const int used = snprintf(text, sizeof text, "%.0f %%", 100 * site->carbon_free);
  if (year != 0)
    (void)snprintf(text + used, sizeof text - (size_t)used, " (%d)", year);
  fr__table_add(table, isnan(site->carbon_free) ? UNKNOWN : text);
}

static void add_sources(fr__table *table, const cli_region *row, sources *from) {
  char short_text[256], text[64] = "";
  const size_t number[] = {number_of(from, grid_source(row, short_text)),
                           number_of(from, carbon_free_source(&row->site)),
                           number_of(from, pue_source(&row->site))};
  size_t used = 0;
  for (size_t i = 0; i < 3; i++) {
    const bool again =
        (i > 0 && number[i] == number[0]) || (i > 1 && number[i] == number[1]);
    if (number[i] != 0 && !again)
      used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu",
                               used > 0 ? ", " : "", number[i]);
  }
  fr__table_add(table, used > 0 ? text : UNKNOWN);
}

static void add_row(fr__table *table, const cli_region *row, shown s, sources *from) {
  const bool known = fr_measure_known(row->grid.g_per_kwh);
  fr__table_add(table, row->site.name);
  fr__table_add(table, *row->site.place != '\0' ? row->site.place : UNKNOWN);
  if (known)
    fr__table_addf(table, row->grid.g_per_kwh.value < 10 ? "%.1f" : "%.0f",
                   row->grid.g_per_kwh.value);
  else
    fr__table_add(table, UNKNOWN);
  if (row->own)
    fr__table_addf(table, "%d", row->site.region->g_year);
  else
    fr__table_add(table, known ? "" : UNKNOWN);
  fr__table_add(table, factor_of(row));
  add_carbon_free(table, &row->site);
  add_number(table, "%.4g", row->site.pue);
  if (s.latency)
    add_number(table, "%.4g", row->site.latency_ms);
  if (s.price)
    add_number(table, "%.4g", row->site.price_per_h);
  if (s.water)
    add_number(table, "%.3g", row->site.water_l_per_kwh);
  add_sources(table, row, from);
}

static void add_notes(const sources *from, fr__buf *text) {
  char line[300];
  fr__buf_add(text, "\n");
  for (size_t i = 0; i < from->count; i++) {
    (void)snprintf(line, sizeof line, "[%zu] %s", i + 1, from->text[i]);
    fr__text_wrap(text, line, cli_columns(), 0);
  }
  fr__buf_add(text, "\n");
  fr__text_wrap(text,
                "g/kWh: of the grid there, a year's mean (location-based). Carbon-free: "
                "the provider's own figure, its contracts counted; grams are never "
                "lowered by it. –: no source tells it.",
                cli_columns(), 0);
}

/* Figures of different kinds stand in one column all the same, and that is said. */
static void warn_of_scopes(const cli_region *row, size_t count, cli_result *result) {
  size_t direct = 0, whole = 0;
  for (size_t i = 0; i < count; i++) {
    const bool known = fr_measure_known(row[i].grid.g_per_kwh);
    direct += known && row[i].grid.scope.factor == FR_FACTOR_DIRECT ? 1 : 0;
    whole += known && row[i].grid.scope.factor == FR_FACTOR_LIFECYCLE ? 1 : 0;
  }
  if (direct > 0 && whole > 0)
    cli_warn(result,
             "%zu intensities are direct and %zu life-cycle: a life-cycle one is higher "
             "by what building and mining take, most where the grid is clean",
             direct, whole);
}

enum fr_status cli_regions_tell(const cli_region *row, size_t count, cli_result *result,
                                fr__buf *text, fr_error *err) {
  const shown s = shown_of(row, count);
  sources from = {.count = 0};
  json_t *list = json_array();
  fr__table table;
  fr__table_init(&table, NULL);
  add_columns(&table, s);
  for (size_t i = 0; i < count; i++) {
    add_row(&table, &row[i], s, &from);
    json_array_append_new(list, json_of_row(&row[i]));
  }
  json_object_set_new(result->result, "verb", json_string("regions"));
  json_object_set_new(result->result, "regions", list);
  warn_of_scopes(row, count, result);
  const enum fr_status status = fr__table_render(&table, cli_columns(), text, err);
  fr__table_release(&table);
  add_notes(&from, text);
  return status;
}
