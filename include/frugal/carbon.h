/* SPDX-License-Identifier: Apache-2.0 */
/* carbon: joules to grams of CO2 equivalent. */
#ifndef FRUGAL_CARBON_H
#define FRUGAL_CARBON_H

#include "frugal/base.h"

typedef struct fr_intensity {
  fr_measure g_per_kwh;
  char zone[64];    /* "DE", "world" */
  char scope[64];   /* "life-cycle, average, location-based" */
  char origin[256]; /* source and year of the row */
} fr_intensity;

/* `table:ZONE` (ISO 3166 alpha-2 or alpha-3, or "world"), or a bare number of gCO2e/kWh.
 * Further sources come behind the same call. */
enum fr_status fr_intensity_find(const char *spec, fr_intensity *out, fr_error *err);

/* energy (J) × intensity × pue; absent where either is absent. pue >= 1. */
fr_measure fr_carbon_grams(fr_measure energy_j, const fr_intensity *intensity,
                           double pue);

/* A row of the poster's table: "Car, avg incl. fuel, 1 lifetime", 126,000 lb. */
typedef struct fr_equivalent {
  const char *name;
  double pounds;
  double grams;
  const char *source;
} fr_equivalent;
const fr_equivalent *fr_equivalents(size_t *count);

#endif
