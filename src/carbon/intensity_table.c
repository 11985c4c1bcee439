/* SPDX-License-Identifier: Apache-2.0 */
/* `table:ZONE`: yearly means that are compiled in. */
#include "base/error.h"
#include "carbon/source.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct country {
  const char *alpha_2, *alpha_3, *name;
  double g_per_kwh;
  int year;
  const char *source;
} country;

static const country countries[] = {
#define ROW(alpha_2, alpha_3, name, g_per_kwh, year, source)                             \
  {(alpha_2), (alpha_3), (name), (g_per_kwh), (year), (source)},
#include "carbon/tables/country_intensity.txt"
#undef ROW
};

static const country *find_country(const char *zone) {
  for (size_t i = 0; i < sizeof countries / sizeof *countries; i++)
    if (*zone != '\0' && (strcasecmp(zone, countries[i].alpha_3) == 0 ||
                          strcasecmp(zone, countries[i].alpha_2) == 0))
      return &countries[i];
  return NULL;
}

static enum fr_status read(const char *zone, const fr_intensity_query *query,
                           fr_series *out, fr_error *err) {
  const country *row = find_country(zone);
  if (row == NULL)
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "no carbon intensity is known for zone '%.64s': use an ISO 3166 code "
                    "such as 'DE' or 'DEU', or 'world'",
                    zone);
  const bool world = *row->alpha_2 == '\0';
  (void)snprintf(out->zone, sizeof out->zone, "%s", world ? row->alpha_3 : row->alpha_2);
  (void)snprintf(out->origin, sizeof out->origin, "%s, mean of %d; %s", row->name,
                 row->year, row->source);
  /* Ember's factors, which Our World in Data publishes, are life-cycle; the IEA's are
   * not. */
  out->scope = (fr_scope){world ? FR_FACTOR_DIRECT : FR_FACTOR_LIFECYCLE,
                          FR_SIGNAL_AVERAGE, FR_BASIS_LOCATION};
  return fr__series_constant(out, row->g_per_kwh, FR_SOURCE_TABLE_OF_FACTS, query, err);
}

const fr__intensity_source fr__intensity_table = {"table", "table:ZONE", read, true};
