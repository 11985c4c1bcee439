/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/budget.h"

#include <math.h>
#include <string.h>

#include "base/csv.h"
#include "base/error.h"

/* What a unit counts, in joules, grams or seconds. */
typedef struct unit {
  const char *name;
  size_t field; /* offset in cli_budget */
  double factor;
} unit;

#define ENERGY offsetof(cli_budget, energy_j)
#define GRAMS offsetof(cli_budget, grams)
#define DURATION offsetof(cli_budget, duration_s)

static const unit units[] = {
    {"J", ENERGY, 1},          {"kJ", ENERGY, 1e3},    {"MJ", ENERGY, 1e6},
    {"mJ", ENERGY, 1e-3},      {"Wh", ENERGY, 3600},   {"kWh", ENERGY, 3.6e6},
    {"gCO2e", GRAMS, 1},       {"kgCO2e", GRAMS, 1e3}, {"mgCO2e", GRAMS, 1e-3},
    {"gCO2", GRAMS, 1},        {"kgCO2", GRAMS, 1e3},  {"mgCO2", GRAMS, 1e-3},
    {"s", DURATION, 1},        {"min", DURATION, 60},  {"h", DURATION, 3600},
    {"d", DURATION, 24 * 3600}};

static enum fr_status fail(const char *text, size_t length, fr_error *err) {
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "'%.*s' is not a budget: 500J, 2gCO2e, 10min or accuracy=0.95 (energy "
                  "in mJ, J, kJ, MJ, Wh, kWh; time in s, min, h, d)",
                  (int)length, text);
}

static const unit *find_unit(const char *text, size_t length) {
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strlen(units[i].name) == length && memcmp(units[i].name, text, length) == 0)
      return &units[i];
  return NULL;
}

static enum fr_status parse_accuracy(const char *text, size_t length, cli_budget *budget,
                                     fr_error *err) {
  double share = 0;
  if (!fr__parse_number(text, length, &share) || !(share > 0 && share <= 1))
    return fr__fail(err, FR_ERR_ARGUMENT, "accuracy=%.*s is not a share above 0, up to 1",
                    (int)length, text);
  budget->accuracy = share;
  return FR_OK;
}

/* One limit: a number, blanks, a unit. */
static enum fr_status parse_limit(const char *text, size_t length, cli_budget *budget,
                                  fr_error *err) {
  static const char accuracy[] = "accuracy=";
  const size_t word = sizeof accuracy - 1;
  if (length > word && memcmp(text, accuracy, word) == 0)
    return parse_accuracy(text + word, length - word, budget, err);
  double value = 0;
  const char *end = text + length, *at = fr__scan_number(text, end, &value);
  while (at && at < end && *at == ' ')
    at++;
  const unit *u = at ? find_unit(at, (size_t)(end - at)) : NULL;
  if (!u || !(value > 0) || !isfinite(value * u->factor))
    return fail(text, length, err);
  *(double *)(void *)((char *)budget + u->field) = value * u->factor;
  return FR_OK;
}

enum fr_status cli_budget_parse(const char *text, cli_budget *out, fr_error *err) {
  cli_budget budget = {0};
  for (;;) {
    while (*text == ' ')
      text++;
    size_t length = strcspn(text, ",");
    const char *next = text + length;
    while (length > 0 && text[length - 1] == ' ')
      length--;
    const enum fr_status status = parse_limit(text, length, &budget, err);
    if (status != FR_OK)
      return status;
    if (*next == '\0')
      break;
    text = next + 1;
  }
  *out = budget;
  return FR_OK;
}
