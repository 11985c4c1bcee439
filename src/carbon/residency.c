/* SPDX-License-Identifier: Apache-2.0 */
/* Which countries a list such as "EU,CH" allows. */
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "carbon/tables.h"
#include "frugal/region.h"

/* Treaty on European Union, article 52 (1), in force since 2020-02-01: 27. */
static const char union_members[] = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU "
                                    "IE IT LT LU LV MT NL PL PT RO SE SI SK";
/* Agreement on the European Economic Area: these, and the Union's. */
static const char area_members[] = "IS LI NO";

static bool is_word(const char *text, size_t length, const char *word) {
  return length > 0 && strlen(word) == length && strncasecmp(text, word, length) == 0;
}

static bool is_among(const char *members, const char *country, size_t length) {
  for (const char *at = members; length == 2 && *at != '\0'; at += at[2] == ' ' ? 3 : 2)
    if (strncasecmp(at, country, 2) == 0)
      return true;
  return false;
}

/* Of names of one place the one that sites have: "DE" of "DEU", "GB" of "UK". */
static const char *code_of(const char *word, size_t *length) {
  const fr__zone *zone = fr__zone_find(word, *length, 0, FR_FACTOR_UNKNOWN);
  if (zone == NULL)
    return word;
  *length = strlen(zone->zone);
  return zone->zone;
}

/* A grid, such as US-CAL-CISO, is longer than the code of a state: no site is in one. */
static bool is_known(const char *word, size_t length) {
  enum { LONGEST = 6 };
  size_t count;
  const fr_region *region = fr_regions(&count);
  for (size_t i = 0; i < count; i++)
    if (is_word(word, length, region[i].country) ||
        is_word(word, length, region[i].state))
      return true;
  const fr__zone *zone = fr__zone_find(word, length, 0, FR_FACTOR_UNKNOWN);
  return is_word(word, length, "EEA") || is_among(area_members, word, length) ||
         (zone != NULL && strlen(zone->zone) <= LONGEST &&
          strcmp(zone->zone, "world") != 0);
}

static bool allows(const char *word, size_t length, const char *country,
                   const char *state) {
  const size_t two = strlen(country);
  if (two == 0)
    return false;
  word = code_of(word, &length);
  if (is_word(word, length, "EU") || is_word(word, length, "EEA"))
    return is_among(union_members, country, two) ||
           (length == 3 && is_among(area_members, country, two));
  return is_word(word, length, country) ||
         (*state != '\0' && is_word(word, length, state));
}

/* The next word of the list, without blanks around it; NULL at its end. */
static const char *next_word(const char **at, size_t *length) {
  if (*at == NULL)
    return NULL;
  const char *word = *at + strspn(*at, " "), *end = word + strcspn(word, ",");
  *at = *end == ',' ? end + 1 : NULL;
  while (end > word && end[-1] == ' ')
    end--;
  *length = (size_t)(end - word);
  return word;
}

enum fr_status fr_residency_check(const char *list, fr_error *err) {
  const char *at = list, *word;
  size_t length;
  while ((word = next_word(&at, &length)) != NULL)
    if (!is_known(word, length))
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "'%.*s' is none of EU, EEA and the ISO codes of countries and "
                      "states, such as DE or US-CA",
                      (int)(length < 64 ? length : 64), word);
  return FR_OK;
}

bool fr_residency_allows(const char *list, const char *country, const char *state) {
  const char *at = list, *word;
  size_t length;
  while ((word = next_word(&at, &length)) != NULL)
    if (allows(word, length, country, state))
      return true;
  return false;
}
