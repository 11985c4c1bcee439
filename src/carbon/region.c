/* SPDX-License-Identifier: Apache-2.0 */
/* Cloud regions, which are compiled in. */
#include "frugal/region.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "carbon/tables.h"

static const fr_region regions[] = {
#define REGION(provider, code, place, country, state, zone, g, g_year, factor, g_source, \
               free, free_year, free_source, pue, pue_year, pue_source)                  \
  {(provider), (code),        (place),      (country),         (state),     (zone),      \
   (g),        (free),        (pue),        (g_year),          (free_year), (pue_year),  \
   (g_source), (free_source), (pue_source), FR__SCOPE_##factor},
#include "carbon/tables/region.txt"
#undef REGION
};
enum { REGIONS = sizeof regions / sizeof *regions };

static const fr_region_year years[] = {
#define YEAR(provider, code, year, g, factor, free)                                      \
  {(provider), (code), (year), (g), (free), FR__SCOPE_##factor},
#include "carbon/tables/region_year.txt"
#undef YEAR
};
enum { YEARS = sizeof years / sizeof *years };

const fr_region *fr_regions(size_t *count) {
  *count = REGIONS;
  return regions;
}

const fr_region_year *fr_region_years(const fr_region *region, size_t *count) {
  size_t first = 0;
  while (first < YEARS && (strcmp(years[first].provider, region->provider) != 0 ||
                           strcmp(years[first].code, region->code) != 0))
    first++;
  size_t after = first;
  while (after < YEARS && strcmp(years[after].provider, region->provider) == 0 &&
         strcmp(years[after].code, region->code) == 0)
    after++;
  *count = after - first;
  return first < YEARS ? &years[first] : NULL;
}

static bool is_called(const fr_region *region, const char *name) {
  const size_t provider = strlen(region->provider);
  if (strncasecmp(name, region->provider, provider) == 0 && name[provider] == ':')
    name += provider + 1;
  return strcasecmp(name, region->code) == 0;
}

const fr_region *fr_region_find(const char *name, fr_error *err) {
  const fr_region *found = NULL;
  for (size_t i = 0; i < REGIONS; i++)
    if (is_called(&regions[i], name)) {
      if (found != NULL) {
        (void)fr__fail(err, FR_ERR_ARGUMENT,
                       "'%.64s' is a region of %s and of %s: say which, as in '%s:%s'",
                       name, found->provider, regions[i].provider, found->provider,
                       found->code);
        return NULL;
      }
      found = &regions[i];
    }
  if (found == NULL)
    (void)fr__fail(err, FR_ERR_NOT_FOUND,
                   "no cloud region '%.64s' is known: frugal carbon regions lists them",
                   name);
  return found;
}
