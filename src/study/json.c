/* SPDX-License-Identifier: Apache-2.0 */
/* Measures and numbers as JSON, and back. */
#include "study/study.h"

#include <math.h>
#include <string.h>

json_t *fr__json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

json_t *fr__json_measure(fr_measure m) {
  if (!fr_measure_known(m) || !isfinite(m.value))
    return json_null();
  json_t *out = json_object();
  json_object_set_new(out, "value", json_real(m.value));
  json_object_set_new(out, "unit", json_string(fr_unit_symbol(m.unit)));
  json_object_set_new(out, "low", fr__json_number(m.low));
  json_object_set_new(out, "high", fr__json_number(m.high));
  json_object_set_new(out, "source", json_string(fr_source_name(m.source)));
  return out;
}

bool fr__json_measure_read(const json_t *object, fr_measure *out) {
  const json_t *value = json_object_get(object, "value");
  const char *unit = json_string_value(json_object_get(object, "unit"));
  const char *source = json_string_value(json_object_get(object, "source"));
  fr_measure m = {0};
  if (!json_is_number(value) || unit == NULL || source == NULL ||
      !fr_unit_parse(unit, &m.unit) || !fr_source_parse(source, &m.source))
    return false;
  const json_t *low = json_object_get(object, "low"),
               *high = json_object_get(object, "high");
  m.value = json_number_value(value);
  m.low = json_is_number(low) ? json_number_value(low) : m.value;
  m.high = json_is_number(high) ? json_number_value(high) : m.value;
  *out = m;
  return fr_measure_known(m);
}
