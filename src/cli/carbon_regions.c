/* SPDX-License-Identifier: Apache-2.0 */
/* frugal carbon regions: what is known of each. */
#include "cli/carbon_regions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "frugal/picture.h"

enum {
  KEY_PROVIDER = 1,
  KEY_COUNTRY,
  KEY_SORT,
  KEY_CRITERIA,
  KEY_LATENCY,
  KEY_CHART,
  KEY_HOME
};

enum sort { SORT_GRAMS, SORT_NAME, SORT_CARBON_FREE };

typedef struct asked {
  cli_output output;
  const char *provider, *criteria, *chart, *home;
  fr_site_filter filter;
  enum sort sort;
} asked;

static const struct argp_option options[] = {
    {"provider", KEY_PROVIDER, "NAME", 0,
     "gcp, aws or azure; also a region or zone, several with commas (default: all)", 1},
    {"country", KEY_COUNTRY, "LIST", 0,
     "EU, EEA, ISO codes of countries and states: DE,FR,US-CA", 1},
    {"max-latency", KEY_LATENCY, "MS", 0,
     "only regions that the criteria tell as near as that: 80ms", 1},
    {"sort", KEY_SORT, "BY", 0, "grams (default), name or carbon-free", 1},
    {"criteria", KEY_CRITERIA, "FILE", 0,
     "what you know of regions, over what is compiled in: CSV with region,country,zone,"
     "intensity,pue,latency_ms,price_per_h,water_l_per_kwh,carbon_free",
     1},
    {"chart", KEY_CHART, "FILE.svg|png", 0, "the grids beside each other, as a picture",
     2},
    {"home", KEY_HOME, "REGION", 0, "which is marked there: gcp:europe-west3", 2},
    {0},
};

static void take_sort(struct argp_state *state, const char *text, enum sort *sort) {
  if (strcmp(text, "grams") == 0)
    *sort = SORT_GRAMS;
  else if (strcmp(text, "name") == 0)
    *sort = SORT_NAME;
  else if (strcmp(text, "carbon-free") == 0)
    *sort = SORT_CARBON_FREE;
  else
    argp_error(state, "--sort takes grams, name or carbon-free, not '%s'", text);
}

static error_t parse(int key, char *text, struct argp_state *state) {
  static const cli_unit milliseconds[] = {{"ms", 1}, {"s", 1000}, {"", 1}};
  asked *a = state->input;
  fr_error err;
  switch (key) {
  case ARGP_KEY_INIT: state->child_inputs[0] = &a->output; return 0;
  case KEY_PROVIDER: a->provider = text; return 0;
  case KEY_COUNTRY:
    if (fr_residency_check(text, &err) != FR_OK)
      argp_error(state, "--country: %s", err.text);
    a->filter.residency = text;
    return 0;
  case KEY_LATENCY:
    if (!cli_amount(text, milliseconds, 3, &a->filter.max_latency_ms))
      argp_error(state, "--max-latency takes 80ms, not '%s'", text);
    return 0;
  case KEY_SORT: take_sort(state, text, &a->sort); return 0;
  case KEY_CRITERIA: a->criteria = text; return 0;
  case KEY_CHART: a->chart = text; return 0;
  case KEY_HOME: a->home = text; return 0;
  case ARGP_KEY_END:
    if (a->home != NULL && a->chart == NULL)
      argp_error(state, "--home is of --chart");
    return 0;
  case ARGP_KEY_ARG: argp_error(state, "'%s' is one word too many", text); return 0;
  default: return ARGP_ERR_UNKNOWN;
  }
}

static const struct argp_child children[] = {{&cli_output_argp, 0, "Output:", 90}, {0}};
static const struct argp argp = {
    options,
    parse,
    NULL,
    "Cloud regions: the intensity of the grid there, a year's mean (location-based), and "
    "beside it the provider's own carbon-free share (contracts counted), PUE and source. "
    "Neither is made out of the other.",
    children,
    NULL,
    NULL};

/* ---- what is known ---- */

/* A cloud region's grid is in its row; of another one it is read. */
static void find_grid(cli_region *row, cli_result *result) {
  const fr_site *site = &row->site;
  fr_error err;
  char own[128] = "";
  if (site->region != NULL)
    (void)snprintf(own, sizeof own, "table:%s", site->name);
  row->own = site->region != NULL && strcmp(site->intensity, own) == 0;
  if (*site->intensity == '\0' ||
      fr_intensity_find(site->intensity, &row->grid, &err) != FR_OK) {
    row->grid = (fr_intensity){.g_per_kwh = fr_measure_absent(FR_UNIT_GRAM_CO2E_PER_KWH)};
    cli_warn(result, "no intensity of '%s' is known: %s", site->name,
             *site->intensity == '\0' ? "the criteria tell neither zone nor intensity"
                                      : err.text);
  }
}

/* What the bars' factors are, where they are one. */
static const char *note_of(const cli_region *row, size_t count, char text[160]) {
  const fr_scope *first = NULL;
  char scope[FR_SCOPE_TEXT];
  for (size_t i = 0; i < count; i++) {
    if (!fr_measure_known(row[i].grid.g_per_kwh))
      continue;
    if (first != NULL && !fr_scope_same(*first, row[i].grid.scope))
      return "location-based; some factors are direct and some life-cycle: the table "
             "tells which";
    first = &row[i].grid.scope;
  }
  if (first == NULL)
    return NULL;
  fr_scope_text(*first, scope);
  (void)snprintf(text, 160, "%s", scope);
  return text;
}

/* Only those whose grid is known. */
static enum fr_status draw(const asked *a, const cli_region *row, size_t count,
                           fr_error *err) {
  fr_report_bar *bar = calloc(count + 1, sizeof *bar);
  const fr_region *home = a->home != NULL ? fr_region_find(a->home, NULL) : NULL;
  char note[160];
  fr_report_bars of = {.title = "Carbon intensity of the grid, a year's mean",
                       .note = note_of(row, count, note),
                       .unit = "gCO2e/kWh",
                       .bar = bar};
  bool found = a->home == NULL;
  if (bar == NULL)
    return fr__fail_memory(err, "a picture");
  for (size_t i = 0; i < count; i++) {
    const fr_measure g = row[i].grid.g_per_kwh;
    const fr_site *site = &row[i].site;
    const bool here = a->home != NULL && (strcasecmp(site->name, a->home) == 0 ||
                                          (home != NULL && site->region == home));
    found = found || here;
    if (fr_measure_known(g))
      bar[of.bars++] = (fr_report_bar){site->name, g.value, g.low, g.high, here};
  }
  const enum fr_status status =
      found ? fr_report_intensity_regions(&of, a->chart, err)
            : fr__fail(err, FR_ERR_NOT_FOUND, "--home '%.96s' is none of the regions",
                       a->home);
  free(bar);
  return status;
}

/* Unknown ones last; the name decides between equals. */
static int by_number(double a, double b, const char *name, const char *other) {
  if (isnan(a) != isnan(b))
    return isnan(a) ? 1 : -1;
  if (!isnan(a) && (a < b || a > b))
    return a < b ? -1 : 1;
  return strcmp(name, other);
}

static double grams_of(const cli_region *row) {
  return fr_measure_known(row->grid.g_per_kwh) ? row->grid.g_per_kwh.value : NAN;
}

static int by_grams(const void *left, const void *right) {
  const cli_region *a = left, *b = right;
  return by_number(grams_of(a), grams_of(b), a->site.name, b->site.name);
}

static int by_name(const void *left, const void *right) {
  return strcmp(((const cli_region *)left)->site.name,
                ((const cli_region *)right)->site.name);
}

static int by_carbon_free(const void *left, const void *right) {
  const cli_region *a = left, *b = right;
  return by_number(-a->site.carbon_free, -b->site.carbon_free, a->site.name,
                   b->site.name);
}

static enum fr_status select_sites(const asked *a, fr_sites *sites, size_t *unknown,
                                   fr_error *err) {
  fr_criteria criteria = {0};
  char names[512];
  enum fr_status status = FR_OK;
  if (a->criteria != NULL)
    status = fr_criteria_read(a->criteria, &criteria, err);
  const bool own = a->criteria != NULL && a->provider == NULL;
  (void)snprintf(names, sizeof names, "%s%s", a->provider != NULL ? a->provider : "all",
                 own ? ",criteria" : "");
  if (status == FR_OK)
    status = fr_sites_select(names, a->criteria != NULL ? &criteria : NULL, sites, err);
  if (status == FR_OK)
    status = fr_sites_keep(sites, &a->filter, unknown, err);
  fr_criteria_release(&criteria);
  return status;
}

static enum fr_status tell(const asked *a, const fr_sites *sites, cli_result *result,
                           fr__buf *text, fr_error *err) {
  static int (*const order[])(const void *,
                              const void *) = {[SORT_GRAMS] = by_grams,
                                               [SORT_NAME] = by_name,
                                               [SORT_CARBON_FREE] = by_carbon_free};
  cli_region *row = calloc(sites->count + 1, sizeof *row);
  if (row == NULL)
    return fr__fail_memory(err, "regions");
  for (size_t i = 0; i < sites->count; i++) {
    row[i].site = sites->site[i];
    find_grid(&row[i], result);
  }
  qsort(row, sites->count, sizeof *row, order[a->sort]);
  enum fr_status status = cli_regions_tell(row, sites->count, result, text, err);
  if (status == FR_OK && a->chart != NULL)
    status = draw(a, row, sites->count, err);
  free(row);
  return status;
}

int cli_carbon_regions(int argc, char **argv) {
  asked a = {.filter = {.max_latency_ms = NAN}};
  if (argp_parse(&argp, argc, argv, 0, NULL, &a) != 0)
    return CLI_USAGE;
  const char *const written[] = {a.output.json, a.chart};
  fr_sites sites = {0};
  fr_error err = {0};
  cli_result result;
  fr__buf text;
  size_t unknown = 0;
  cli_result_init(&result, "carbon");
  fr__buf_init(&text, 0);
  enum fr_status status = cli_check_files(written, 2, &err);
  if (status == FR_OK)
    status = select_sites(&a, &sites, &unknown, &err);
  if (status == FR_OK && unknown > 0)
    cli_warn(&result,
             "%zu regions are left out, since their latency or country is not known",
             unknown);
  if (status == FR_OK)
    status = tell(&a, &sites, &result, &text, &err);
  const int code = status == FR_OK
                       ? cli_result_print(&result, &a.output, fr__buf_text(&text))
                       : cli_fail(&err);
  cli_result_release(&result);
  fr__buf_release(&text);
  fr_sites_release(&sites);
  return code;
}
