/* SPDX-License-Identifier: Apache-2.0 */
/* `table:ZONE[@YEAR][?year=YEAR&factor=lifecycle|direct]`: yearly means that are compiled
 * in, of zones and of cloud regions. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"
#include "carbon/source.h"
#include "carbon/tables.h"
#include "frugal/region.h"

typedef struct asked {
  char name[64];
  int year; /* 0: the newest */
  enum fr_factor factor;
} asked;

static bool is_word(const char *text, size_t length, const char *word) {
  return strlen(word) == length && strncmp(text, word, length) == 0;
}

static bool take_year(const char *text, size_t length, int *year) {
  char digits[8];
  int64_t number = 0;
  if (length == 0 || length >= sizeof digits)
    return false;
  memcpy(digits, text, length);
  digits[length] = '\0';
  if (!fr__parse_integer(digits, 1900, 2200, &number))
    return false;
  *year = (int)number;
  return true;
}

/* "year=2021&factor=direct" */
static enum fr_status take_keys(const char *text, asked *out, fr_error *err) {
  while (*text != '\0') {
    const size_t length = strcspn(text, "&"), key = strcspn(text, "=&");
    const char *value = text + key + 1;
    const size_t rest = key < length ? length - key - 1 : 0;
    if (!(is_word(text, key, "year") && take_year(value, rest, &out->year)) &&
        !(is_word(text, key, "factor") && fr__factor_read(value, rest, &out->factor)))
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "'%.*s' is none of year=YEAR and factor=lifecycle|direct, which "
                      "table: takes",
                      (int)(length < 64 ? length : 64), text);
    text += length + (text[length] == '&' ? 1 : 0);
  }
  return FR_OK;
}

static enum fr_status take_apart(const char *spec, asked *out, fr_error *err) {
  const size_t length = strcspn(spec, "@?");
  const char *rest = spec + length;
  if (length >= sizeof out->name)
    return fr__fail(err, FR_ERR_NOT_FOUND, "no zone has a name as long as '%.64s'", spec);
  memcpy(out->name, spec, length);
  out->name[length] = '\0';
  if (*rest == '@') {
    const size_t digits = strcspn(rest + 1, "?");
    if (!take_year(rest + 1, digits, &out->year))
      return fr__fail(err, FR_ERR_ARGUMENT, "'%.32s' is not a year, as in 'DE@2021'",
                      rest + 1);
    rest += 1 + digits;
  }
  return *rest == '?' ? take_keys(rest + 1, out, err) : FR_OK;
}

/* ---- what is there, where it is not what was asked for ---- */

static const char *factor_name(enum fr_factor factor) {
  static const char *const names[] = {"", "direct ", "life-cycle "};
  return names[factor];
}

/* `year` and `factor` are of what there is instead. */
static enum fr_status fail_other(const asked *a, const char *name, int year,
                                 enum fr_factor factor, fr_error *err) {
  char wanted[16] = "";
  if (a->year != 0)
    (void)snprintf(wanted, sizeof wanted, " for %d", a->year);
  return fr__fail(err, FR_ERR_NOT_FOUND,
                  "no %scarbon intensity of %s is known%s: a %sone of %d is",
                  factor_name(a->factor), name, wanted, factor_name(factor), year);
}

static enum fr_status fail_unknown(const asked *a, fr_error *err) {
  return fr__fail(err, FR_ERR_NOT_FOUND,
                  "no carbon intensity is known for zone '%s': use an ISO 3166 code such "
                  "as 'DE', 'DEU' or 'US-CA', a cloud region such as 'gcp:europe-west3', "
                  "or 'world'",
                  a->name);
}

/* ---- rows ---- */

typedef struct row {
  const char *zone, *name, *source;
  double g_per_kwh;
  int year;
  fr_scope scope;
} row;

static bool fits(const asked *a, double g_per_kwh, int year, fr_scope scope) {
  return !isnan(g_per_kwh) && (a->year == 0 || a->year == year) &&
         (a->factor == FR_FACTOR_UNKNOWN || a->factor == scope.factor);
}

static enum fr_status row_of_region(const asked *a, const fr_region *region,
                                    char zone[64], row *out, fr_error *err) {
  size_t count;
  const fr_region_year *year = fr_region_years(region, &count);
  (void)snprintf(zone, 64, "%s:%s", region->provider, region->code);
  *out = (row){zone,           region->place, region->g_source, region->g_per_kwh,
               region->g_year, region->scope};
  if (fits(a, region->g_per_kwh, region->g_year, region->scope))
    return FR_OK;
  for (size_t i = 0; i < count; i++) /* the newest first */
    if (fits(a, year[i].g_per_kwh, year[i].year, year[i].scope)) {
      out->g_per_kwh = year[i].g_per_kwh;
      out->year = year[i].year;
      out->scope = year[i].scope;
      return FR_OK;
    }
  return fail_other(a, zone, region->g_year, region->scope.factor, err);
}

/* What is nearest to it: that factor in another year, else that year with another. */
static enum fr_status fail_zone(const asked *a, size_t length, fr_error *err) {
  const fr__zone *other = fr__zone_find(a->name, length, 0, a->factor);
  if (other == NULL)
    other = fr__zone_find(a->name, length, a->year, FR_FACTOR_UNKNOWN);
  if (other == NULL)
    other = fr__zone_find(a->name, length, 0, FR_FACTOR_UNKNOWN);
  return fail_other(a, other->zone, other->year, other->scope.factor, err);
}

static enum fr_status find(const asked *a, char zone[64], row *out, fr_error *err) {
  const size_t length = strlen(a->name);
  const fr__zone *found = fr__zone_find(a->name, length, a->year, a->factor);
  if (found != NULL) {
    *out = (row){found->zone,      found->name, found->source,
                 found->g_per_kwh, found->year, found->scope};
    return FR_OK;
  }
  if (fr__zone_find(a->name, length, 0, FR_FACTOR_UNKNOWN) != NULL)
    return fail_zone(a, length, err);
  const fr_region *region = fr_region_find(a->name, NULL);
  return region != NULL ? row_of_region(a, region, zone, out, err) : fail_unknown(a, err);
}

static enum fr_status read(const char *spec, const fr_intensity_query *query,
                           fr_series *out, fr_error *err) {
  asked a = {.factor = query->factor};
  char zone[64];
  row found = {0};
  enum fr_status status = take_apart(spec, &a, err);
  if (status == FR_OK)
    status = find(&a, zone, &found, err);
  if (status != FR_OK)
    return status;
  (void)snprintf(out->zone, sizeof out->zone, "%s", found.zone);
  (void)snprintf(out->origin, sizeof out->origin, "%s, mean of %d; %s", found.name,
                 found.year, found.source);
  out->scope = found.scope;
  return fr__series_constant(out, found.g_per_kwh, FR_SOURCE_TABLE_OF_FACTS, query, err);
}

const fr__intensity_source fr__intensity_table = {"table", "table:ZONE", read,
                                                  FR_INTENSITY_CONSTANT};
