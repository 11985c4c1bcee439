/* SPDX-License-Identifier: Apache-2.0 */
/* Places where a job could run: compiled-in facts, and over them the user's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "carbon/tables.h"
#include "frugal/region.h"

#define SITES_CEILING 5000

void fr_sites_release(fr_sites *sites) {
  free(sites->site);
  *sites = (fr_sites){0};
}

static void set_text(char *to, size_t size, const char *text) {
  (void)snprintf(to, size, "%s", text);
}

/* ---- one ---- */

static void begin(fr_site *site, const char *name) {
  *site = (fr_site){.pue = NAN,
                    .latency_ms = NAN,
                    .price_per_h = NAN,
                    .water_l_per_kwh = NAN,
                    .carbon_free = NAN};
  set_text(site->name, sizeof site->name, name);
}

static void from_region(fr_site *site, const fr_region *region) {
  char name[sizeof site->name];
  (void)snprintf(name, sizeof name, "%s:%s", region->provider, region->code);
  begin(site, name);
  site->region = region;
  set_text(site->place, sizeof site->place, region->place);
  set_text(site->country, sizeof site->country, region->country);
  set_text(site->state, sizeof site->state, region->state);
  set_text(site->zone, sizeof site->zone, region->zone);
  if (!isnan(region->g_per_kwh))
    (void)snprintf(site->intensity, sizeof site->intensity, "table:%s", name);
  site->pue = region->pue;
  site->carbon_free = region->carbon_free;
}

/* The country is what stands before the zone's first hyphen, as in "US-CAL-CISO". */
static void set_zone(fr_site *site, const fr__zone *zone) {
  set_text(site->zone, sizeof site->zone, zone->zone);
  set_text(site->place, sizeof site->place, zone->name);
  (void)snprintf(site->intensity, sizeof site->intensity, "table:%s", zone->zone);
  if (strcspn(zone->zone, "-") == 2)
    (void)snprintf(site->country, sizeof site->country, "%.2s", zone->zone);
  if (strlen(zone->zone) > 3 && strlen(zone->zone) <= 6)
    set_text(site->state, sizeof site->state, zone->zone);
}

static const fr__zone *find_zone(const char *name) {
  return fr__zone_find(name, strlen(name), 0, FR_FACTOR_UNKNOWN);
}

static void take_number(double *to, double told) {
  if (!isnan(told))
    *to = told;
}

static void take_criterion(fr_site *site, const fr_criterion *told) {
  const fr__zone *zone = *told->zone != '\0' ? find_zone(told->zone) : NULL;
  if (zone != NULL && site->region == NULL)
    set_zone(site, zone);
  else if (zone != NULL)
    (void)snprintf(site->intensity, sizeof site->intensity, "table:%s", zone->zone);
  if (*told->zone != '\0')
    set_text(site->zone, sizeof site->zone, told->zone);
  if (*told->country != '\0')
    set_text(site->country, sizeof site->country, told->country);
  if (*told->intensity != '\0')
    set_text(site->intensity, sizeof site->intensity, told->intensity);
  take_number(&site->pue, told->pue);
  take_number(&site->latency_ms, told->latency_ms);
  take_number(&site->price_per_h, told->price_per_h);
  take_number(&site->water_l_per_kwh, told->water_l_per_kwh);
  take_number(&site->carbon_free, told->carbon_free);
}

/* Whether a row of the criteria names this site. */
static bool is_of(const fr_criterion *row, const fr_site *site) {
  return strcasecmp(row->region, site->name) == 0 ||
         (site->region != NULL && fr_region_find(row->region, NULL) == site->region);
}

/* ---- many ---- */

typedef struct picking {
  const fr_criteria *criteria;
  fr_sites *out;
  fr_error *err;
} picking;

static enum fr_status add(const picking *p, fr_site site) {
  fr_sites *out = p->out;
  for (size_t i = 0; i < out->count; i++)
    if (strcasecmp(out->site[i].name, site.name) == 0)
      return FR_OK;
  for (size_t i = 0; p->criteria != NULL && i < p->criteria->count; i++)
    if (is_of(&p->criteria->row[i], &site))
      take_criterion(&site, &p->criteria->row[i]);
  if (out->count >= SITES_CEILING)
    return fr__fail(p->err, FR_ERR_LIMIT, "more than %d regions", SITES_CEILING);
  if (out->count == out->capacity) {
    const size_t more = out->capacity > 0 ? 2 * out->capacity : 64;
    fr_site *grown = realloc(out->site, more * sizeof *grown);
    if (grown == NULL)
      return fr__fail_memory(p->err, "regions");
    out->site = grown;
    out->capacity = more;
  }
  out->site[out->count++] = site;
  return FR_OK;
}

/* All regions of a provider; NULL: of all of them. */
static enum fr_status add_provider(const picking *p, const char *provider, bool *any) {
  size_t count;
  const fr_region *region = fr_regions(&count);
  enum fr_status status = FR_OK;
  fr_site site;
  for (size_t i = 0; i < count && status == FR_OK; i++)
    if (provider == NULL || strcasecmp(region[i].provider, provider) == 0) {
      from_region(&site, &region[i]);
      status = add(p, site);
      *any = true;
    }
  return status;
}

static enum fr_status add_row(const picking *p, const fr_criterion *row) {
  const fr_region *region = fr_region_find(row->region, NULL);
  const fr__zone *zone = find_zone(row->region);
  fr_site site;
  if (region != NULL) {
    from_region(&site, region);
  } else {
    begin(&site, row->region);
    if (zone != NULL)
      set_zone(&site, zone);
  }
  return add(p, site);
}

static enum fr_status add_rows(const picking *p) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; p->criteria != NULL && i < p->criteria->count && status == FR_OK;
       i++)
    status = add_row(p, &p->criteria->row[i]);
  return status;
}

static enum fr_status add_one(const picking *p, const char *name) {
  fr_site site;
  for (size_t i = 0; p->criteria != NULL && i < p->criteria->count; i++)
    if (strcasecmp(p->criteria->row[i].region, name) == 0)
      return add_row(p, &p->criteria->row[i]);
  const fr__zone *zone = find_zone(name);
  if (zone != NULL) {
    begin(&site, zone->zone);
    set_zone(&site, zone);
    return add(p, site);
  }
  const fr_region *region = fr_region_find(name, p->err);
  if (region == NULL)
    return FR_ERR_NOT_FOUND;
  from_region(&site, region);
  return add(p, site);
}

static enum fr_status add_name(const picking *p, const char *name) {
  bool any = false;
  if (strcasecmp(name, "criteria") == 0 && p->criteria != NULL)
    return add_rows(p);
  const enum fr_status status =
      add_provider(p, strcasecmp(name, "all") == 0 ? NULL : name, &any);
  return any || status != FR_OK ? status : add_one(p, name);
}

enum fr_status fr_sites_select(const char *names, const fr_criteria *criteria,
                               fr_sites *out, fr_error *err) {
  fr_sites sites = {0};
  const picking p = {criteria, &sites, err};
  enum fr_status status = FR_OK;
  for (const char *at = names; at != NULL && status == FR_OK;) {
    const size_t length = strcspn(at, ",");
    char name[96];
    if (length == 0 || length >= sizeof name) {
      status = fr__fail(err, FR_ERR_ARGUMENT, "'%.64s' is no name of a region", at);
      break;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)length, at);
    at = at[length] == ',' ? at + length + 1 : NULL;
    status = add_name(&p, name);
  }
  if (status == FR_OK)
    *out = sites;
  else
    fr_sites_release(&sites);
  return status;
}

/* ---- what is left ---- */

static bool is_kept(const fr_site *site, const fr_site_filter *filter, bool *known) {
  const bool near = isnan(filter->max_latency_ms) ||
                    site->latency_ms <= filter->max_latency_ms; /* not of NaN */
  const bool here = filter->residency == NULL ||
                    fr_residency_allows(filter->residency, site->country, site->state);
  *known = (near || !isnan(site->latency_ms)) && (here || *site->country != '\0');
  return near && here;
}

enum fr_status fr_sites_keep(fr_sites *sites, const fr_site_filter *filter,
                             size_t *unknown, fr_error *err) {
  size_t kept = 0, lost = 0;
  bool known;
  const enum fr_status status =
      filter->residency != NULL ? fr_residency_check(filter->residency, err) : FR_OK;
  if (status != FR_OK)
    return status;
  for (size_t i = 0; i < sites->count; i++)
    kept += is_kept(&sites->site[i], filter, &known);
  if (kept == 0) {
    for (size_t i = 0; i < sites->count; i++)
      lost += !is_kept(&sites->site[i], filter, &known) && !known;
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "none of %zu regions is left by latency and residency, which are not "
                    "known of %zu of them: a criteria file tells them",
                    sites->count, lost);
  }
  kept = 0;
  for (size_t i = 0; i < sites->count; i++)
    if (is_kept(&sites->site[i], filter, &known))
      sites->site[kept++] = sites->site[i];
    else
      lost += !known;
  sites->count = kept;
  if (unknown != NULL)
    *unknown = lost;
  return FR_OK;
}
