/* SPDX-License-Identifier: Apache-2.0 */
/* Yearly means of countries, states and grids. */
#include "carbon/tables.h"

#include <string.h>
#include <strings.h>

static const fr__zone zones[] = {
#define ROW(zone, other, name, g_per_kwh, year, factor, source)                          \
  {(zone), (other), (name), (g_per_kwh), (year), FR__SCOPE_##factor, (source)},
#include "carbon/tables/zone_intensity.txt"
#undef ROW
};

static const struct alias {
  const char *said, *zone;
} aliases[] = {
    {"UK", "GB"},    {"EL", "GR"},       {"EU27", "EU"},
    {"EU-27", "EU"}, {"WORLD", "world"}, {"Earth", "world"},
};

static bool is_called(const char *name, const char *said, size_t length) {
  return length > 0 && strlen(name) == length && strncasecmp(name, said, length) == 0;
}

static const char *resolve(const char *said, size_t *length) {
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (is_called(aliases[i].said, said, *length)) {
      *length = strlen(aliases[i].zone);
      return aliases[i].zone;
    }
  return said;
}

/* Life-cycle figures stand before direct ones, whatever their year: mixing them up from
 * year to year would tell a change that there was not. */
static bool is_better(const fr__zone *row, const fr__zone *than) {
  if (than == NULL)
    return true;
  const bool full = row->scope.factor == FR_FACTOR_LIFECYCLE;
  const bool was_full = than->scope.factor == FR_FACTOR_LIFECYCLE;
  return full != was_full ? full : row->year > than->year;
}

const fr__zone *fr__zone_find(const char *name, size_t length, int year,
                              enum fr_factor factor) {
  const fr__zone *best = NULL;
  name = resolve(name, &length);
  for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
    const fr__zone *row = &zones[i];
    if ((is_called(row->zone, name, length) || is_called(row->other, name, length)) &&
        (year == 0 || row->year == year) &&
        (factor == FR_FACTOR_UNKNOWN || row->scope.factor == factor) &&
        is_better(row, best))
      best = row;
  }
  return best;
}
