/* SPDX-License-Identifier: Apache-2.0 */
/* A sampler's figures for its reader. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "meter/sampler.h"

void fr__sampler_describe(const fr__sampler *s, fr_meter_report *report) {
  *report = (fr_meter_report){.core_seconds = fr_measure_absent(FR_UNIT_CORE_SECOND),
                              .energy = fr_measure_absent(FR_UNIT_JOULE),
                              .program = fr_measure_absent(FR_UNIT_JOULE),
                              .interval_s = s->interval_s};
  fr__sensor_describe(&s->sensor, report->sensor);
  if (s->sensor.ops == &fr__sensor_model)
    snprintf(report->rule, sizeof report->rule, "%s", s->sensor.cpu.rule);
}

static void fill_power(const fr__ledger *ledger, fr_meter_report *report) {
  const double duration_s = report->duration_s;
  report->power_mean_w = duration_s > 0 ? ledger->reading.energy_j / duration_s : 0;
  const double mean_w = report->power_mean_w;
  const bool known = ledger->power_known;
  /* the mean has the cut-off rest and what is marked in it, minimum and maximum do not */
  report->power_min_w = known ? fmin(ledger->power_min_w, mean_w) : mean_w;
  report->power_max_w = known ? fmax(ledger->power_max_w, mean_w) : mean_w;
}

/* ---- domains ---- */

/* The model's own part: the cards beside it have rows of their own. */
static fr_measure model_alone(const fr__sampler *s, fr_measure m) {
  const double beside_j = s->ledger.reading.beside_j;
  const double band_j = s->ledger.beside_band * beside_j;
  m.value -= beside_j;
  m.low = fmax(m.low - (beside_j - band_j), 0);
  m.high -= beside_j + band_j;
  return m;
}

static void add_domains(const fr__sampler *s, const fr__sensor *sensor,
                        fr_meter_report *report) {
  for (size_t i = 0; i < sensor->count; i++) {
    const fr__domain *domain = &sensor->domain[i];
    if (domain->state != FR_SENSOR_WORKING)
      continue;
    fr_domain_report *out = &report->domain[report->domain_count++];
    *out = (fr_domain_report){.kind = fr__domain_kind_name(domain->kind),
                              .counted = domain->counted,
                              .bridged_j = domain->bridged_j + domain->pending_j};
    snprintf(out->name, sizeof out->name, "%s", domain->name);
    out->energy = sensor->ops == &fr__sensor_model
                      ? model_alone(s, report->energy)
                      : fr__ledger_domain(&s->ledger, sensor, domain);
  }
}

/* ---- notes ---- */

static void note(fr_meter_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void note(fr_meter_report *report, const char *format, ...) {
  const size_t at = strlen(report->notes);
  const size_t room = sizeof report->notes - at;
  va_list arguments;
  va_start(arguments, format);
  const int wrote = vsnprintf(report->notes + at, room, format, arguments);
  va_end(arguments);
  if (wrote < 0 || (size_t)wrote + 1 >= room)
    report->notes[at] = '\0'; /* whole sentences only */
  else
    strcat(report->notes, "\n");
}

static const char *plural(size_t n) { return n == 1 ? "" : "s"; }

static bool counts(const fr__sensor *sensor, enum fr__domain_kind kind) {
  for (size_t i = 0; i < sensor->count; i++) {
    if (sensor->domain[i].counted && sensor->domain[i].kind == kind)
      return true;
  }
  return false;
}

static void note_marks(const fr__sampler *s, fr_meter_report *report) {
  const fr_mark_counts *m = &report->marks;
  if (m->unplugged > 0)
    note(report, "a counter's zone was gone for %zu reading%s (ENODEV)", m->unplugged,
         plural(m->unplugged));
  if (m->failed > 0)
    note(report, "%zu reading%s failed", m->failed, plural(m->failed));
  if (m->back > 0)
    note(report, "a counter went back %zu time%s, and that was no wrap", m->back,
         plural(m->back));
  if (m->above > 0)
    note(report, "%zu step%s of a counter went beyond what this machine can draw",
         m->above, plural(m->above));
  if (report->bridged_j > 0)
    note(report, "%.3g J of the energy are estimated, over gaps, from the power before",
         report->bridged_j);
  if (report->suspended_s > 0.5)
    note(report, "the machine slept for %.1f s; what its counters missed is not known",
         report->suspended_s);
  if (fr__world_jumps(s->world) > 0)
    note(report, "the recording's clock went back %zu time%s", fr__world_jumps(s->world),
         plural(fr__world_jumps(s->world)));
}

static void add_notes(const fr__sampler *s, fr_meter_report *report) {
  const fr__sensor *sensor = &s->sensor;
  if (sensor->ops == &fr__sensor_model)
    note(report, "no counter works here: the energy is the model's");
  if (counts(sensor, FR__DOMAIN_PACKAGE) && !counts(sensor, FR__DOMAIN_DRAM))
    note(report, "DRAM is not measured here");
  if (s->beside[0].ops != NULL && !counts(&s->beside[0], FR__DOMAIN_GPU))
    note(report, "GPUs are shown, not added: the platform's counter may have them");
  for (size_t i = 0; i < sensor->count; i++) {
    const fr__domain *domain = &sensor->domain[i];
    if (domain->counted && !domain->steady && domain->advances == 0 &&
        domain->good_ns > domain->moved_ns)
      note(report, "%s did not advance: the run is shorter than its period",
           domain->name);
    if (domain->counted && !domain->modulus_known)
      note(report, "%s: max_energy_range_uj cannot be read; wraps are bridged",
           domain->name);
    if (domain->counted && sensor->marks.failed > 0 && domain->reason[0] != '\0')
      note(report, "%s: %s", domain->name, domain->reason);
  }
  note_marks(s, report);
}

/* ---- all of it ---- */

static fr_measure core_seconds(const fr__sampler *s) {
  const double core_s = s->ledger.load.process_s;
  return (fr_measure){.value = core_s,
                      .low = core_s,
                      .high = core_s,
                      .unit = FR_UNIT_CORE_SECOND,
                      .source = FR_SOURCE_CLOCK};
}

static void add_marks(const fr__sensor *sensor, fr_meter_report *report) {
  report->marks.failed += sensor->marks.failed;
  report->marks.unplugged += sensor->marks.unplugged;
  report->marks.back += sensor->marks.back;
  report->marks.above += sensor->marks.above;
  report->marks.suspended += sensor->marks.suspended;
  report->bridged_j += sensor->bridged_j;
}

enum fr_status fr__sampler_report(const fr__sampler *s, fr_meter_report *report,
                                  fr_error *err) {
  const fr__ledger *ledger = &s->ledger;
  fr__sampler_describe(s, report);
  size_t domains = s->sensor.count;
  for (size_t i = 0; i < FR__BESIDE; i++)
    domains += s->beside[i].count;
  report->domain = calloc(domains + 1, sizeof *report->domain);
  if (report->domain == NULL)
    return fr__fail_memory(err, "a report of domains");
  report->duration_s = (double)(ledger->load.t_ns - ledger->start_ns) * 1e-9;
  const double awake_s = (double)(ledger->load.awake_ns - ledger->start_awake_ns) * 1e-9;
  report->suspended_s = fmax(report->duration_s - awake_s, 0);
  report->energy = fr__ledger_energy(ledger, &s->sensor, fr__host_slack_s(&s->host));
  if (!fr__world_is_replay(s->world)) {
    report->core_seconds = core_seconds(s);
    report->program = fr__ledger_program(ledger, &s->sensor);
  }
  fill_power(ledger, report);
  report->update_s = fr__sensor_update_s(&s->sensor);
  const fr_bounds bounds = fr__ledger_bounds(ledger, &s->sensor);
  report->too_short = s->sensor.ops != &fr__sensor_model && fr_bounds_too_short(&bounds);
  report->samples = s->samples;
  report->marked = s->samples_marked;
  add_marks(&s->sensor, report);
  add_domains(s, &s->sensor, report);
  for (size_t i = 0; i < FR__BESIDE; i++) {
    add_marks(&s->beside[i], report);
    add_domains(s, &s->beside[i], report);
  }
  add_notes(s, report);
  return FR_OK;
}
