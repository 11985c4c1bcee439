/* SPDX-License-Identifier: Apache-2.0 */
#include "carbon/unit.h"

#include <math.h>
#include <string.h>
#include <strings.h>

typedef struct word {
  const char *text;
  uint64_t value;
} word;

/* Hundred-thousandths of a gram, so that a pound is whole; longer words first. */
static const word masses[] = {{"kilograms", 100000000}, {"tonnes", 100000000000},
                              {"pounds", 45359237},     {"grams", 100000},
                              {"lbs", 45359237},        {"kg", 100000000},
                              {"lb", 45359237},         {"g", 100000},
                              {"t", 100000000000}};
/* Joules. */
static const word energies[] = {
    {"kwh", 3600000}, {"mwh", 3600000000}, {"gwh", 3600000000000}, {"wh", 3600},
    {"kj", 1000},     {"mj", 1000000},     {"gj", 1000000000},     {"j", 1}};

static bool is_letter(char c) { return (unsigned char)((c | 0x20) - 'a') < 26; }
static bool is_word(char c) {
  return is_letter(c) || (unsigned char)(c - '0') <= 9 || (unsigned char)c >= 0x80;
}

/* What follows `text`, in any case, at `at`; NULL: something else is there. */
static const char *pass(const char *at, const char *end, const char *text) {
  const size_t length = strlen(text);
  return (size_t)(end - at) >= length && strncasecmp(at, text, length) == 0 ? at + length
                                                                            : NULL;
}

static const char *pass_gap(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '_'))
    at++;
  return at;
}

/* "CO2", its 2 below the line or not, "e", "eq", "-eq" or "equivalent" behind it. */
static const char *pass_gas(const char *at, const char *end) {
  static const char *const forms[] = {"co2", "co\xe2\x82\x82"};
  static const char *const behind[] = {"equivalent", "-eq", "_eq", " eq", "eq", "e"};
  const char *next = NULL;
  for (size_t i = 0; next == NULL && i < 2; i++)
    next = pass(at, end, forms[i]);
  if (next == NULL)
    return at;
  for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
    const char *more = pass(next, end, behind[i]);
    if (more != NULL && (more == end || !is_letter(*more)))
      return more;
  }
  return next;
}

/* "/" or "per". */
static const char *pass_over(const char *at, const char *end) {
  const char *next = pass(at, end, "/");
  return next != NULL ? next : pass(at, end, "per");
}

static uint64_t common(uint64_t a, uint64_t b) {
  while (b != 0) {
    const uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* Times joules of a kWh, over hundred-thousandths of a gram: below 2^64 for all. */
static fr__intensity_unit unit_of(uint64_t mass, uint64_t energy_j) {
  const uint64_t over = 100000 * (energy_j / common(energy_j, 3600000));
  const uint64_t times = mass * (3600000 / common(energy_j, 3600000));
  const uint64_t both = common(times, over);
  return (fr__intensity_unit){(double)(times / both), (double)(over / both)};
}

static const char *energy_at(const char *at, const char *end, uint64_t *joules) {
  for (size_t i = 0; i < sizeof energies / sizeof *energies; i++) {
    const char *next = pass(at, end, energies[i].text);
    const bool milli = next != NULL && *at == 'm' && (at[1] == 'W' || at[1] == 'J');
    if (next != NULL && !milli && (next == end || !is_word(*next))) {
      *joules = energies[i].value;
      return next;
    }
  }
  return NULL;
}

/* The unit that begins at `at`, and where it ends; NULL: none does. */
static const char *scan(const char *at, const char *end, fr__intensity_unit *out) {
  for (size_t i = 0; i < sizeof masses / sizeof *masses; i++) {
    uint64_t joules = 0;
    const char *next = pass(at, end, masses[i].text);
    if (next != NULL)
      next = pass_over(pass_gap(pass_gas(pass_gap(next, end), end), end), end);
    if (next != NULL)
      next = energy_at(pass_gap(next, end), end, &joules);
    if (next != NULL) {
      *out = unit_of(masses[i].value, joules);
      return next;
    }
  }
  return NULL;
}

bool fr__unit_read(const char *text, size_t length, fr__intensity_unit *out) {
  fr__intensity_unit unit;
  const char *const end = text + length;
  if (scan(text, end, &unit) != end)
    return false;
  *out = unit;
  return true;
}

bool fr__unit_within(const char *name, size_t length, fr__intensity_unit *out) {
  const char *const end = name + length;
  for (const char *at = name; at < end; at++)
    if ((at == name || !is_word(at[-1])) && scan(at, end, out) != NULL)
      return true;
  return false;
}

/* Whole numbers below 2^53: equal or not, without rounding. */
bool fr__unit_same(fr__intensity_unit a, fr__intensity_unit b) {
  return !(a.numerator < b.numerator) && !(a.numerator > b.numerator) &&
         !(a.denominator < b.denominator) && !(a.denominator > b.denominator);
}

double fr__unit_to_g_per_kwh(fr__intensity_unit unit, double value) {
  return value * unit.numerator / unit.denominator;
}

double fr__unit_from_g_per_kwh(fr__intensity_unit unit, double g_per_kwh) {
  return g_per_kwh * unit.denominator / unit.numerator;
}
