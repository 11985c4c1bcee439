/* SPDX-License-Identifier: Apache-2.0 */
#include "frugal/base.h"

#include <string.h>

static const char *const unit_symbols[] = {
#define FR_UNIT_SYMBOL(id, symbol) [id] = symbol,
    FR_UNIT_TABLE(FR_UNIT_SYMBOL)
#undef FR_UNIT_SYMBOL
};

static const char *const source_names[] = {
#define FR_SOURCE_STRING(id, name) [id] = name,
    FR_SOURCE_TABLE(FR_SOURCE_STRING)
#undef FR_SOURCE_STRING
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const char *fr_unit_symbol(enum fr_unit unit) {
  return (size_t)unit < COUNT(unit_symbols) ? unit_symbols[unit] : "?";
}

const char *fr_source_name(enum fr_source source) {
  return (size_t)source < COUNT(source_names) ? source_names[source] : "?";
}

static bool find(const char *const *names, size_t count, const char *name, size_t *at) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) {
      *at = i;
      return true;
    }
  return false;
}

bool fr_unit_parse(const char *symbol, enum fr_unit *out) {
  size_t at;
  if (!find(unit_symbols, COUNT(unit_symbols), symbol, &at))
    return false;
  *out = (enum fr_unit)at;
  return true;
}

bool fr_source_parse(const char *name, enum fr_source *out) {
  size_t at;
  if (!find(source_names, COUNT(source_names), name, &at))
    return false;
  *out = (enum fr_source)at;
  return true;
}

fr_measure fr_measure_absent(enum fr_unit unit) {
  return (fr_measure){.unit = unit, .source = FR_SOURCE_NONE};
}

bool fr_measure_known(fr_measure m) { return m.source != FR_SOURCE_NONE; }

fr_measure fr_measure_add(fr_measure a, fr_measure b) {
  if (!fr_measure_known(a) || !fr_measure_known(b))
    return fr_measure_absent(a.unit);
  a.value += b.value;
  a.low += b.low;
  a.high += b.high;
  return a;
}

fr_measure fr_measure_scale(fr_measure m, double factor, enum fr_unit unit) {
  if (!fr_measure_known(m))
    return fr_measure_absent(unit);
  m.value *= factor;
  m.low *= factor;
  m.high *= factor;
  m.unit = unit;
  return m;
}
