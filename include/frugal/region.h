/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region: where a job could run: cloud regions that are compiled in, and what the user
 * adds to them. What no source tells is NaN, or "", and never a guess.
 */
#ifndef FRUGAL_REGION_H
#define FRUGAL_REGION_H

#include "frugal/base.h"
#include "frugal/intensity.h"

/* ---- cloud regions ---- */

typedef struct fr_region {
  const char *provider; /* "gcp", "aws", "azure" */
  const char *code;     /* "europe-west3": unique within its provider */
  const char *place;    /* "Frankfurt, Germany" */
  const char *country;  /* ISO 3166-1 alpha-2 */
  const char *state;    /* ISO 3166-2, of countries that have them: "US-VA"; else "" */
  const char *zone;     /* of the grid, as Electricity Maps calls it; "": not known */
  double g_per_kwh;     /* gCO2e/kWh of the grid there (location-based), a year's mean */
  double carbon_free;   /* [0, 1]: the provider's own figure, its contracts counted */
  double pue;           /* >= 1: the provider's mean */
  int g_year, carbon_free_year, pue_year; /* 0: its source tells none */
  const char *g_source, *carbon_free_source, *pue_source;
  fr_scope scope; /* of g_per_kwh */
} fr_region;

/* Ordered by provider and code. Static storage. */
const fr_region *fr_regions(size_t *count);

/* "gcp:europe-west3", or "europe-west3" where one provider has it; in any case. NULL:
 * none, which *err says. */
const fr_region *fr_region_find(const char *name, fr_error *err);

/* The figures of one year, of regions whose provider tells them by year. */
typedef struct fr_region_year {
  const char *provider, *code;
  int year;
  double g_per_kwh, carbon_free; /* NaN: not known */
  fr_scope scope;
} fr_region_year;

/* Newest first; *count 0 where the provider tells none by year. Static storage. */
const fr_region_year *fr_region_years(const fr_region *region, size_t *count);

/* ---- residency ---- */

/* "EU" (the members that the Treaty on European Union, article 52, names, of 2020: 27),
 * "EEA" (and Iceland, Liechtenstein, Norway), ISO codes of countries and states, "UK",
 * with commas between. FR_ERR_ARGUMENT names the word that is none of them. */
enum fr_status fr_residency_check(const char *list, fr_error *err);
/* Whether `list` allows that country and state (may be ""). */
bool fr_residency_allows(const char *list, const char *country, const char *state);

/* ---- what the user adds: a CSV file ---- */

/*
 * A row of it. Columns, of which all but the first may be missing, and each field empty:
 * region,country,zone,intensity,pue,latency_ms,price_per_h,water_l_per_kwh,carbon_free
 */
typedef struct fr_criterion {
  char region[96]; /* a cloud region's name, or one of the user's own */
  char country[8]; /* ISO 3166-1 alpha-2 */
  char zone[64];
  char intensity[256]; /* a SPEC of fr_intensity_read */
  double pue, latency_ms, price_per_h, water_l_per_kwh, carbon_free; /* NaN: not told */
} fr_criterion;

typedef struct fr_criteria {
  fr_criterion *row; /* (count) owned */
  size_t count;
} fr_criteria;

#define FR_CRITERIA_CEILING 1000 /* rows */

void fr_criteria_release(fr_criteria *criteria);
/* Refuses by name: a column that it does not know, a region that stands twice, a number
 * out of its range. */
enum fr_status fr_criteria_read(const char *path, fr_criteria *out, fr_error *err);

/* ---- both together ---- */

/* A place where a job could run: the compiled-in facts, over which the user's go. */
typedef struct fr_site {
  char name[96];           /* "gcp:europe-west3", "DE", "basement" */
  const fr_region *region; /* NULL: a zone, or the user's own */
  char place[96], country[8], state[8], zone[64];
  char intensity[256]; /* a SPEC for fr_intensity_read; "": none is known */
  double pue, latency_ms, price_per_h, water_l_per_kwh, carbon_free; /* NaN: not known */
} fr_site;

typedef struct fr_sites {
  fr_site *site; /* (count) owned */
  size_t count, capacity;
} fr_sites;

void fr_sites_release(fr_sites *sites);

/*
 * What `names` names, each once, in its order: "all", a provider, a region, a row of the
 * criteria, "criteria" (all of its rows), a zone of `table:`, with commas between.
 * `criteria` may be NULL.
 */
enum fr_status fr_sites_select(const char *names, const fr_criteria *criteria,
                               fr_sites *out, fr_error *err);

typedef struct fr_site_filter {
  const char *residency; /* of fr_residency_check; NULL: anywhere */
  double max_latency_ms; /* NaN: any */
} fr_site_filter;

/* Takes out what the filter does not allow, which is also what is not known to be
 * allowed: *unknown (may be NULL) counts these. FR_ERR_NOT_FOUND where none is left. */
enum fr_status fr_sites_keep(fr_sites *sites, const fr_site_filter *filter,
                             size_t *unknown, fr_error *err);

#endif
