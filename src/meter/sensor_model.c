/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No counter: busy core-seconds of the machine times the watts of a busy core, plus every
 * core's share of the package at rest. A domain whose raw counter is computed, in
 * nanojoules.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "meter/sensor.h"

#define UNIT_J 1e-9

static enum fr_status model_open(fr__sensor *sensor, fr__world *world, fr_error *err) {
  fr_error why;
  if (fr_cpu_power_find(fr__world_root(world), &sensor->cpu, &why) != FR_OK) {
    snprintf(sensor->reason, sizeof sensor->reason, "%.200s", why.text);
    return FR_OK;
  }
  char text[64];
  const int failed = fr__world_text(world, "/proc/stat", text, sizeof text);
  if (failed != 0) {
    snprintf(sensor->reason, sizeof sensor->reason,
             "/proc/stat, which tells the busy core-seconds, cannot be read: %s",
             strerror(failed));
    return FR_OK;
  }
  fr__domain *domain = fr__sensor_add(sensor);
  if (domain == NULL)
    return fr__fail_memory(err, "the model");
  snprintf(domain->name, sizeof domain->name, "model");
  domain->kind = FR__DOMAIN_PLATFORM;
  domain->state = FR_SENSOR_WORKING;
  domain->unit_j = UNIT_J;
  domain->modulus_known = true;
  domain->steady = true;
  snprintf(domain->reason, sizeof domain->reason, "%s", sensor->cpu.rule);
  return FR_OK;
}

/* Grows with load->awake_ns and load->busy_s; both start at 0 in fr__sensor_start. */
static int model_read(fr__sensor *sensor, fr__domain *domain, const fr__load *load,
                      uint64_t *raw) {
  const fr_cpu_power *cpu = &sensor->cpu;
  const double elapsed_s = (double)(load->awake_ns - sensor->start_ns) * 1e-9;
  const double energy_j = load->busy_s * cpu->core_w.value +
                          elapsed_s * cpu->idle_w.value * (double)cpu->cores;
  *raw = (uint64_t)(energy_j / domain->unit_j);
  return 0;
}

/* Computed when it is read: no update period. */
const fr__sensor_ops fr__sensor_model = {.name = "model",
                                         .source = FR_SOURCE_MODEL,
                                         .update_s = 0,
                                         .computed = true,
                                         .open = model_open,
                                         .read = model_read};
