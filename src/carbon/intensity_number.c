/* SPDX-License-Identifier: Apache-2.0 */
/* A number that the user gives. */
#include "base/csv.h"
#include "base/error.h"
#include "carbon/source.h"

#include <stdio.h>
#include <string.h>

enum fr_status fr__intensity_number(const char *spec, const fr_intensity_query *query,
                                    fr_series *out, fr_error *err) {
  double number = 0;
  if (!fr__parse_number(spec, strlen(spec), &number))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "intensity '%.64s' is not a number of gCO2e/kWh", spec);
  if (!(number >= 0 && number <= FR_INTENSITY_CEILING))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "intensity '%s' is not between 0 and %g gCO2e/kWh", spec,
                    FR_INTENSITY_CEILING);
  (void)snprintf(out->zone, sizeof out->zone, "given");
  (void)snprintf(out->origin, sizeof out->origin, "a number given by the user");
  return fr__series_constant(out, number, FR_SOURCE_IMPORT, query, err);
}
