/* SPDX-License-Identifier: Apache-2.0 */
#include "report/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THOUSANDS                                                                        \
  "\u202F" /* narrow no-break space (ISO 80000-1: groups of three digits) */
#define MOST_DECIMALS 6

/* Decimals that show `digits` significant digits of x. */
static int decimals_for(double x, int digits) {
  if (x == 0 || !isfinite(x))
    return 0;
  const int decimals = digits - 1 - (int)floor(log10(fabs(x)));
  return decimals < 0 ? 0 : decimals > MOST_DECIMALS ? MOST_DECIMALS : decimals;
}

/* Three significant digits of the value, and more where the bounds would otherwise look
 * the same as the value, up to five. */
static int decimals_of(double value, double low, double high) {
  const double largest = fmax(fabs(low), fmax(fabs(value), fabs(high)));
  const int base = decimals_for(value == 0 ? largest : value, 3);
  const double half = (high - low) / 2;
  if (half <= 0)
    return base;
  const int wanted = decimals_for(half, 1), most = decimals_for(largest, 5);
  return wanted <= base ? base : wanted < most ? wanted : most;
}

static void append(char text[FR__TEXT], const char *piece) {
  const size_t used = strlen(text);
  snprintf(text + used, FR__TEXT - used, "%s", piece);
}

/* Fixed decimals, a true minus sign, digits before the point in groups of three where
 * there are five or more. */
static void put_fixed(char text[FR__TEXT], double value, int decimals) {
  char plain[FR__TEXT];
  text[0] = '\0';
  if (value < 0)
    append(text, "\u2212");
  if (fabs(value) > 1e18)
    snprintf(plain, sizeof plain, "%.3g", fabs(value));
  else
    snprintf(plain, sizeof plain, "%.*f", decimals, fabs(value));
  const size_t whole = strcspn(plain, ".e");
  for (size_t i = 0; plain[i] != '\0'; i++) {
    const char digit[2] = {plain[i], '\0'};
    if (i > 0 && i < whole && (whole - i) % 3 == 0 && whole > 4)
      append(text, THOUSANDS);
    append(text, digit);
  }
}

typedef struct prefix {
  double factor;
  const char *text;
} prefix;

static prefix prefix_for(double value) {
  static const prefix table[] = {{1e12, "T"}, {1e9, "G"},  {1e6, "M"},  {1e3, "k"},
                                 {1, ""},     {1e-3, "m"}, {1e-6, "µ"}, {1e-9, "n"}};
  const double size = fabs(value);
  if (size == 0 || (size >= 1e-2 && size < 1e5))
    return (prefix){1, ""};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (size >= table[i].factor)
      return table[i];
  return (prefix){1e-9, "n"};
}

static bool takes_prefix(const char *unit) {
  return strcmp(unit, "J") == 0 || strcmp(unit, "W") == 0 || strcmp(unit, "s") == 0 ||
         strncmp(unit, "gCO2e", 5) == 0 || strcmp(unit, "g") == 0;
}

/* The unit as people write it: CO₂ with its index, core seconds with a space. */
static const char *written_unit(const char *unit) {
  if (strcmp(unit, "gCO2e") == 0)
    return "g CO₂e";
  if (strcmp(unit, "gCO2e/kWh") == 0)
    return "g CO₂e/kWh";
  if (strcmp(unit, "core-s") == 0)
    return "core s";
  return strcmp(unit, "1") == 0 ? "" : unit;
}

static fr__number_text absent(void) {
  return (fr__number_text){.value = FR__NOT_MEASURED};
}

static fr__number_text scaled(const fr__figure *f, double factor, const char *unit_prefix,
                              const char *unit) {
  fr__number_text out = {{0}, {0}};
  char value[FR__TEXT], low[FR__TEXT], high[FR__TEXT];
  const double v = f->value / factor, l = f->low / factor, h = f->high / factor;
  const int decimals = decimals_of(v, l, h);
  put_fixed(value, v, decimals);
  snprintf(out.value, sizeof out.value, "%.60s%s%.3s%.20s", value,
           *unit_prefix == '\0' && *unit == '\0' ? "" : "\u00A0", unit_prefix, unit);
  if (!f->interval || f->low == f->high)
    return out;
  put_fixed(low, l, decimals);
  put_fixed(high, h, decimals);
  snprintf(out.interval, sizeof out.interval,
           l < 0 ? "(%.40s to %.40s)" : "(%.40s–%.40s)", low, high);
  return out;
}

fr__number_text fr__format_figure(const fr__figure *f) {
  if (!f->known)
    return absent();
  if (strcmp(f->unit, "gCO2e") == 0 && fabs(f->value) >= 1e6)
    return scaled(f, 1e6, "", "t CO₂e");
  if (strcmp(f->unit, "gCO2e") == 0 && fabs(f->value) >= 1e3)
    return scaled(f, 1e3, "k", "g CO₂e");
  const prefix p = takes_prefix(f->unit) ? prefix_for(f->value) : (prefix){1, ""};
  return scaled(f, p.factor, p.text, written_unit(f->unit));
}

fr__number_text fr__format_share(const fr__figure *f) {
  return f->known ? scaled(f, 0.01, "", "%") : absent();
}

fr__number_text fr__format_quantity(const fr__figure *figure,
                                    enum fr__quantity quantity) {
  return quantity == FR__ACCURACY || quantity == FR__MACRO_F1 ||
                 quantity == FR__BALANCED_ACCURACY
             ? fr__format_share(figure)
             : fr__format_figure(figure);
}

void fr__format_join(const fr__number_text *number, char text[2 * FR__TEXT]) {
  snprintf(text, 2 * FR__TEXT, "%s%s%s", number->value,
           *number->interval == '\0' ? "" : " ", number->interval);
}

void fr__format_count(double value, char text[FR__TEXT]) {
  const bool whole = fabs(value - round(value)) < 1e-9 && fabs(value) < 1e15;
  put_fixed(text, whole ? round(value) : value, whole ? 0 : decimals_for(value, 3));
}
