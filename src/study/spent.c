/* SPDX-License-Identifier: Apache-2.0 */
/* What was spent between two readings of the meter, as JSON. */
#include "study/study.h"

static json_t *phases_of(const fr_meter_report *spent) {
  json_t *list = json_array();
  for (size_t i = 0; i < spent->count; i++) {
    const fr_phase_report *p = &spent->phase[i];
    json_t *row = json_object();
    json_object_set_new(row, "path", json_string(p->path));
    json_object_set_new(row, "count", json_integer((json_int_t)p->count));
    json_object_set_new(row, "duration_s", fr__json_number(p->duration_s));
    json_object_set_new(row, "core_s", fr__json_number(p->core_s));
    json_object_set_new(row, "energy", fr__json_measure(p->energy));
    json_object_set_new(row, "program", fr__json_measure(p->program));
    json_array_append_new(list, row);
  }
  return list;
}

json_t *fr__json_spent(const fr_meter_report *spent) {
  json_t *out = json_object();
  json_object_set_new(out, "energy", fr__json_measure(spent->energy));
  json_object_set_new(out, "program", fr__json_measure(spent->program));
  json_object_set_new(out, "core_seconds", fr__json_measure(spent->core_seconds));
  json_object_set_new(out, "duration_s", fr__json_number(spent->duration_s));
  json_object_set_new(out, "phases", phases_of(spent));
  return out;
}

enum fr_status fr__spent_since(fr__gauge *gauge, const fr_meter_report *before,
                               json_t **out, fr_error *err) {
  fr_meter_report after = {0}, spent = {0};
  enum fr_status status = fr__gauge_read(gauge, &after, err);
  if (status == FR_OK)
    status = fr__gauge_difference(before, &after, &spent, err);
  if (status == FR_OK)
    *out = fr__json_spent(&spent);
  fr_meter_report_release(&spent);
  fr_meter_report_release(&after);
  return status;
}
