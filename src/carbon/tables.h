/* SPDX-License-Identifier: Apache-2.0 */
/* What the files under tables/ are read with, and yearly means of zones. */
#ifndef FR_CARBON_TABLES_H
#define FR_CARBON_TABLES_H

#include "frugal/intensity.h"

/* Factors as the tables write them: all of them are averages, of a place. */
#define FR__SCOPE_LIFECYCLE                                                              \
  { FR_FACTOR_LIFECYCLE, FR_SIGNAL_AVERAGE, FR_BASIS_LOCATION }
#define FR__SCOPE_DIRECT                                                                 \
  { FR_FACTOR_DIRECT, FR_SIGNAL_AVERAGE, FR_BASIS_LOCATION }
#define FR__SCOPE_UNKNOWN                                                                \
  { FR_FACTOR_UNKNOWN, FR_SIGNAL_AVERAGE, FR_BASIS_LOCATION }

typedef struct fr__zone {
  const char *zone; /* ISO 3166 code of a country or state, Electricity Maps' of a grid */
  const char *other; /* alpha-3, CarbonCast's, ENTSO-E's; "" */
  const char *name;
  double g_per_kwh;
  int year;
  fr_scope scope;
  const char *source;
} fr__zone;

/* The newest row of the zone (of either name, or one that people use: "UK"), in any case;
 * year 0: any; factor unknown: life-cycle where there is one. NULL: there is none. */
const fr__zone *fr__zone_find(const char *name, size_t length, int year,
                              enum fr_factor factor);

#endif
