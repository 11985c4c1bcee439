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

/* ---- energy and power, or a range of it ---- */

static const cli_unit watts[] = {{"W", 1}, {"mW", 1e-3}, {"kW", 1e3}, {"MW", 1e6}};
static const cli_unit joules[] = {{"J", 1},     {"mJ", 1e-3},   {"uJ", 1e-6},
                                  {"kJ", 1e3},  {"MJ", 1e6},    {"GJ", 1e9},
                                  {"Wh", 3600}, {"kWh", 3.6e6}, {"MWh", 3.6e9}};

/* "25-35W": where the first number ends, and the other begins; NULL: it is one. */
static const char *second_of(const char *text, double *low) {
  const char *end = fr__scan_number(text, text + strlen(text), low);
  return end != NULL && *end == '-' && *low > 0 ? end + 1 : NULL;
}

static bool range(const char *text, const cli_unit *units, size_t count,
                  enum fr_unit unit, fr_measure *out) {
  double low = 0, high, number;
  const char *second = second_of(text, &low);
  if (!cli_amount(second != NULL ? second : text, units, count, &high))
    return false;
  if (second == NULL)
    low = high;
  else if (fr__scan_number(second, second + strlen(second), &number) != NULL)
    low *= high / number; /* the unit is both's */
  if (low > high)
    return false;
  *out = (fr_measure){low + (high - low) / 2, low, high, unit, FR_SOURCE_IMPORT};
  return true;
}

static const cli_unit grams[] = {{"g", 1},   {"mg", 1e-3},      {"kg", 1e3},
                                 {"t", 1e6}, {"lb", 453.59237}, {"kt", 1e9}};

bool cli_amount_energy(const char *text, fr_measure *out) {
  return range(text, joules, sizeof joules / sizeof *joules, FR_UNIT_JOULE, out);
}

bool cli_amount_power(const char *text, fr_measure *out) {
  return range(text, watts, sizeof watts / sizeof *watts, FR_UNIT_WATT, out);
}

bool cli_amount_grams(const char *text, fr_measure *out) {
  return range(text, grams, sizeof grams / sizeof *grams, FR_UNIT_GRAM_CO2E, out);
}
