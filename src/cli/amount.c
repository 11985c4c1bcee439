/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/amount.h"

#include <math.h>
#include <string.h>

#include "base/csv.h"

/* A number above 0, and where its unit begins; NULL where it is none. */
static const char *number_of(const char *text, double *value) {
  const char *end = fr__scan_number(text, text + strlen(text), value);
  while (end != NULL && *end == ' ')
    end++;
  return end != NULL && *value > 0 && isfinite(*value) ? end : NULL;
}

bool cli_amount(const char *text, const cli_unit *units, size_t count, double *value) {
  const char *name = number_of(text, value);
  for (size_t i = 0; name != NULL && i < count; i++)
    if (strcmp(name, units[i].name) == 0) {
      *value *= units[i].factor;
      return isfinite(*value);
    }
  return false;
}
