/* SPDX-License-Identifier: Apache-2.0 */
/* Which intensity a spec names: a row of the compiled-in table, or a bare number. */
#include "frugal/carbon.h"

#include "base/csv.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define INTENSITY_CEILING 5000.0 /* gCO2e/kWh: three times the dirtiest oil-fired plant  \
                                  */

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

static fr_measure exactly(double g_per_kwh, enum fr_source source) {
  return (fr_measure){g_per_kwh, g_per_kwh, g_per_kwh, FR_UNIT_GRAM_CO2E_PER_KWH, source};
}

static enum fr_status from_table(const char *zone, fr_intensity *out, fr_error *err) {
  const country *row = find_country(zone);
  if (row == NULL)
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "no carbon intensity is known for zone '%.64s': use an ISO 3166 code "
                    "such as 'DE' or 'DEU', or 'world'",
                    zone);
  fr_intensity found = {.g_per_kwh = exactly(row->g_per_kwh, FR_SOURCE_TABLE_OF_FACTS)};
  const bool world = *row->alpha_2 == '\0';
  snprintf(found.zone, sizeof found.zone, "%s", world ? row->alpha_3 : row->alpha_2);
  /* Ember's factors, which Our World in Data publishes, are life-cycle; the IEA's are
   * not. */
  snprintf(found.scope, sizeof found.scope, "%s, yearly mean, location-based",
           world ? "direct" : "life-cycle");
  snprintf(found.origin, sizeof found.origin, "%s, %d; %s", row->name, row->year,
           row->source);
  *out = found;
  return FR_OK;
}

static enum fr_status from_number(const char *spec, double number, fr_intensity *out,
                                  fr_error *err) {
  if (!(number >= 0.0 && number <= INTENSITY_CEILING))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "intensity '%s' is not between 0 and %g gCO2e/kWh", spec,
                    INTENSITY_CEILING);
  *out = (fr_intensity){.g_per_kwh = exactly(number, FR_SOURCE_IMPORT),
                        .zone = "given",
                        .scope = "not told",
                        .origin = "a number given by the user"};
  return FR_OK;
}

enum fr_status fr_intensity_find(const char *spec, fr_intensity *out, fr_error *err) {
  static const char table[] = "table:";
  double number = 0.0;
  if (strncmp(spec, table, sizeof table - 1) == 0)
    return from_table(spec + sizeof table - 1, out, err);
  if (fr__parse_number(spec, strlen(spec), &number))
    return from_number(spec, number, out, err);
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "intensity '%.64s' is neither 'table:ZONE' nor a number of gCO2e/kWh",
                  spec);
}
