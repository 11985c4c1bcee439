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

#define PERIODS 20u /* so many renewals are enough to tell how often they come */
#define PERIODS_NS 100000000u

/* What is renewed: a counter, or the power that one is made of. */
static double shown(const fr__domain *domain, uint64_t raw) {
  return domain->integral_ns != 0 ? domain->integral_w : (double)raw;
}

/* Seconds between two renewals, by reading again and again for a tenth of a second; 0
 * where it was not renewed twice. Of a recording nothing is known between its rows. */
static double update_of(fr__sensor *sensor, fr__domain *domain) {
  if (domain->state != FR_SENSOR_WORKING || sensor->ops->computed ||
      fr__world_is_replay(sensor->world))
    return 0;
  const uint64_t end_ns = fr__world_ns(sensor->world) + PERIODS_NS;
  fr__load load = fr__host_now(sensor->world);
  uint64_t first_ns = 0, last_ns = 0, raw = 0;
  size_t changes = 0;
  (void)sensor->ops->read(sensor, domain, &load, &raw);
  double before = shown(domain, raw);
  for (; load.t_ns < end_ns && changes <= PERIODS; load = fr__host_now(sensor->world)) {
    if (sensor->ops->read(sensor, domain, &load, &raw) != 0 ||
        shown(domain, raw) == before)
      continue;
    before = shown(domain, raw);
    last_ns = load.t_ns;
    first_ns = changes++ == 0 ? last_ns : first_ns;
  }
  return changes > 1 ? (double)(last_ns - first_ns) * 1e-9 / (double)(changes - 1) : 0;
}

/* The package in front of "package-0/core". */
static void fill_inside(const fr__domain *domain, fr_sensor_report *out) {
  const size_t length = strcspn(domain->key, "/");
  if (domain->kind == FR__DOMAIN_PART && domain->key[length] == '/')
    snprintf(out->inside, sizeof out->inside, "%.*s", (int)length, domain->key);
}

static void fill_domain(fr__sensor *sensor, fr__domain *domain, bool counted,
                        fr_sensor_report *out) {
  *out = (fr_sensor_report){.source = sensor->ops->source,
                            .state = domain->state,
                            .kind = fr__domain_kind_name(domain->kind),
                            .counted = counted,
                            .unit_j = sensor->ops->computed ? 0 : domain->unit_j,
                            .power_limit_w = domain->power_limit_w,
                            .wrap_s = fr__domain_wrap_s(domain),
                            .update_s = update_of(sensor, domain)};
  fill_inside(domain, out);
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

static enum fr_status fill(fr__sensor *sensor, size_t chosen, fr_doctor_report *report,
                           fr_error *err) {
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
      const bool counted = s == chosen && sensor[s].domain[i].counted;
      fill_domain(&sensor[s], &sensor[s].domain[i], counted, &row[at]);
      if (counted && report->chosen == count)
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
