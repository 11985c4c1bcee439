/* SPDX-License-Identifier: Apache-2.0 */
/* What works here, what lies, and what needs a permission. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "meter/sensor.h"

const char *fr_sensor_state_name(enum fr_sensor_state state) {
  switch (state) {
  case FR_SENSOR_WORKING: return "working";
  case FR_SENSOR_DEAD: return "dead";
  case FR_SENSOR_FORBIDDEN: return "forbidden";
  case FR_SENSOR_ABSENT: return "absent";
  }
  return "unknown";
}

/* Why a domain that works is in the total or not, where nothing else was said. */
static const char *role_of(const fr__domain *domain) {
  if (domain->counted)
    return "advances under load";
  if (domain->kind == FR__DOMAIN_PART)
    return "advances under load; inside its package, hence not added to it";
  return "advances under load; inside the platform's counter, or beside one that is "
         "missing, "
         "hence not added";
}

static void fill_domain(const fr__sensor *sensor, const fr__domain *domain,
                        fr_sensor_report *out) {
  *out = (fr_sensor_report){.source = sensor->ops->source, .state = domain->state};
  const bool silent = domain->state == FR_SENSOR_WORKING && domain->reason[0] == '\0';
  snprintf(out->name, sizeof out->name, "%s", domain->name);
  snprintf(out->reason, sizeof out->reason, "%s",
           silent ? role_of(domain) : domain->reason);
  snprintf(out->fix, sizeof out->fix, "%s", domain->fix);
}

static void fill_absent(const fr__sensor *sensor, fr_sensor_report *out) {
  *out = (fr_sensor_report){.source = sensor->ops->source, .state = FR_SENSOR_ABSENT};
  snprintf(out->name, sizeof out->name, "%s", sensor->ops->name);
  snprintf(out->reason, sizeof out->reason, "%s", sensor->reason);
}

static size_t rows_of(const fr__sensor *sensor) {
  return sensor->count > 0 ? sensor->count : 1;
}

static enum fr_status fill(const fr__sensor *sensor, size_t chosen,
                           fr_doctor_report *report, fr_error *err) {
  size_t count = 0, at = 0;
  for (size_t s = 0; s < FR__SENSORS; s++)
    count += rows_of(&sensor[s]);
  fr_sensor_report *row = calloc(count, sizeof *row);
  if (row == NULL)
    return fr__fail_memory(err, "a report of sensors");
  *report = (fr_doctor_report){.count = count, .sensor = row, .chosen = count};
  for (size_t s = 0; s < FR__SENSORS; s++) {
    if (sensor[s].count == 0)
      fill_absent(&sensor[s], &row[at++]);
    for (size_t i = 0; i < sensor[s].count; i++, at++) {
      fill_domain(&sensor[s], &sensor[s].domain[i], &row[at]);
      if (s == chosen && sensor[s].domain[i].counted && report->chosen == count)
        report->chosen = at;
    }
  }
  return FR_OK;
}

enum fr_status fr_doctor_run(const char *root, fr_doctor_report *report, fr_error *err) {
  fr__sensor sensor[FR__SENSORS];
  size_t chosen;
  fr__world *world = NULL;
  enum fr_status status = fr__world_new(root, &world, err);
  if (status == FR_OK)
    status =
        fr__sensor_try(fr__sensor_table, FR__SENSORS, NULL, world, sensor, &chosen, err);
  if (status != FR_OK) {
    fr__world_free(world);
    return status;
  }
  status = fill(sensor, chosen, report, err);
  for (size_t s = 0; s < FR__SENSORS; s++)
    fr__sensor_close(&sensor[s]);
  fr__world_free(world);
  return status;
}

void fr_doctor_report_release(fr_doctor_report *report) {
  free(report->sensor);
  report->sensor = NULL;
  report->count = 0;
}
