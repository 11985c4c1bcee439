/* SPDX-License-Identifier: Apache-2.0 */
/* Regions whose name, or place, is near to a word that names none. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/planning_places.h"

enum { LONGEST = 96, MOST = 3 };

/* Letters to put in, take out or replace (Levenshtein 1966), in any case. */
static size_t distance(const char *a, const char *b) {
  size_t row[LONGEST + 1];
  const size_t length = strlen(b);
  if (strlen(a) > LONGEST || length > LONGEST)
    return LONGEST;
  for (size_t j = 0; j <= length; j++)
    row[j] = j;
  for (size_t i = 0; a[i] != '\0'; i++) {
    size_t corner = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < length; j++) {
      const bool same = tolower((unsigned char)a[i]) == tolower((unsigned char)b[j]);
      const size_t replaced = corner + !same;
      const size_t other = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
      corner = row[j + 1];
      row[j + 1] = replaced < other ? replaced : other;
    }
  }
  return row[length];
}

static size_t distance_of(const char *word, const fr_region *region) {
  char name[LONGEST];
  (void)snprintf(name, sizeof name, "%s:%s", region->provider, region->code);
  const size_t whole = distance(word, name), code = distance(word, region->code);
  if (strlen(word) >= 4 && strcasestr(region->place, word) != NULL)
    return 0;
  return whole < code ? whole : code;
}

void cli_places_near(const char *word, char *text, size_t size) {
  size_t count, told = 0, used = 0;
  const fr_region *region = fr_regions(&count);
  const size_t most = strlen(word) / 4 + 1;
  text[0] = '\0';
  for (size_t far = 0; far <= most && told < MOST; far++)
    for (size_t i = 0; i < count && told < MOST; i++)
      if (distance_of(word, &region[i]) == far && used < size)
        used += (size_t)snprintf(text + used, size - used, "%s'%s:%s'",
                                 told++ == 0 ? "; near to it: " : ", ",
                                 region[i].provider, region[i].code);
}
