/* SPDX-License-Identifier: Apache-2.0 */
/* A number that the user gives: "400", "400g/kWh", "882 lb/MWh", "0.111kg/MJ". */
#include "base/csv.h"
#include "base/error.h"
#include "carbon/source.h"
#include "carbon/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* In g/kWh; NaN where it is none. */
static double number_of(const char *spec) {
  const char *const end = spec + strlen(spec);
  fr__intensity_unit unit = FR__G_PER_KWH;
  double number = 0;
  const char *at = fr__scan_number(spec, end, &number);
  if (at == NULL)
    return (double)NAN;
  at += strspn(at, " ");
  if (at < end && !fr__unit_read(at, (size_t)(end - at), &unit))
    return (double)NAN;
  return fr__unit_to_g_per_kwh(unit, number);
}

enum fr_status fr__intensity_number(const char *spec, const fr_intensity_query *query,
                                    fr_series *out, fr_error *err) {
  const double number = number_of(spec);
  if (isnan(number))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "intensity '%.64s' is not a number of gCO2e/kWh, nor one with its "
                    "unit: 400, 882lb/MWh, 0.111kg/MJ",
                    spec);
  if (!(number >= 0 && number <= FR_INTENSITY_CEILING))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "intensity '%.64s' is not between 0 and %g gCO2e/kWh", spec,
                    FR_INTENSITY_CEILING);
  (void)snprintf(out->zone, sizeof out->zone, "given");
  (void)snprintf(out->origin, sizeof out->origin, "a number given by the user");
  return fr__series_constant(out, number, FR_SOURCE_IMPORT, query, err);
}
