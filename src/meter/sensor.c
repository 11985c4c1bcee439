/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/sensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

/* No package, memory or small machine takes more; a larger step is a reset that looks
 * like a wrap, or a counter that jumped. */
#define POWER_LIMIT_W 5000.0
/* A reading may come so much later than the clock says: updates and scheduling. */
#define LATE_NS 20000000u

const fr__sensor_ops *const fr__sensor_table[FR__SENSORS] = {
    &fr__sensor_perf, &fr__sensor_powercap, &fr__sensor_model};

enum fr_status fr__sensor_open(const fr__sensor_ops *ops, const char *root,
                               fr__sensor *out, fr_error *err) {
  *out = (fr__sensor){.ops = ops};
  const enum fr_status status = ops->open(out, root, err);
  if (status != FR_OK)
    fr__sensor_close(out);
  return status;
}

void fr__sensor_close(fr__sensor *sensor) {
  for (size_t i = 0; i < sensor->count; i++) {
    if (sensor->domain[i].fd >= 0)
      close(sensor->domain[i].fd);
  }
  free(sensor->domain);
  sensor->domain = NULL;
  sensor->count = 0;
}

fr__domain *fr__sensor_add(fr__sensor *sensor) {
  if (sensor->count == FR__DOMAINS)
    return NULL;
  fr__domain *grown = realloc(sensor->domain, (sensor->count + 1) * sizeof *grown);
  if (grown == NULL)
    return NULL;
  sensor->domain = grown;
  fr__domain *added = &grown[sensor->count++];
  *added = (fr__domain){.fd = -1};
  return added;
}

/* Counts from the last good reading to `raw`; UINT64_MAX where the way is not known. */
static uint64_t step_of(const fr__domain *domain, uint64_t raw) {
  if (raw >= domain->last)
    return raw - domain->last;
  if (!domain->modulus_known)
    return UINT64_MAX;
  /* modulus 0 is 2^64: unsigned arithmetic has it built in */
  return raw - domain->last + domain->modulus;
}

/* The gap since the last good reading, at the power before it. Called again for a longer
 * gap it adds only what is new, since good_ns moves along. */
static void bridge(fr__sensor *sensor, fr__domain *domain, uint64_t t_ns) {
  sensor->marked++;
  sensor->bridged_j += domain->power_w * (double)(t_ns - domain->good_ns) * 1e-9;
  domain->good_ns = t_ns;
}

bool fr__domain_take(fr__sensor *sensor, fr__domain *domain, uint64_t raw,
                     uint64_t t_ns) {
  const uint64_t step = step_of(domain, raw);
  const double joules = (double)step * domain->unit_j;
  const double span_s = (double)(t_ns - domain->good_ns + LATE_NS) * 1e-9;
  const bool possible = joules <= POWER_LIMIT_W * span_s &&
                        !(domain->modulus != 0 && raw >= domain->modulus);
  if (!possible) {
    bridge(sensor, domain, t_ns);
    domain->last = raw;
    return false;
  }
  if (t_ns > domain->good_ns)
    domain->power_w = joules / ((double)(t_ns - domain->good_ns) * 1e-9);
  domain->last = raw;
  domain->total += step;
  domain->good_ns = t_ns;
  return true;
}

static void read_domain(fr__sensor *sensor, fr__domain *domain, const fr__load *load) {
  uint64_t raw;
  /* A failed read loses nothing: the counter goes on, and the next good reading has it
   * all. */
  if (sensor->ops->read(sensor, domain, load, &raw) == 0)
    (void)fr__domain_take(sensor, domain, raw, load->t_ns);
  else
    sensor->marked++;
}

void fr__sensor_read(fr__sensor *sensor, const fr__load *load, fr__reading *out) {
  *out = (fr__reading){.energy_j = sensor->bridged_j};
  for (size_t i = 0; i < sensor->count; i++) {
    fr__domain *domain = &sensor->domain[i];
    if (!domain->counted)
      continue;
    read_domain(sensor, domain, load);
    out->energy_j += (double)domain->total * domain->unit_j;
    out->quantum_j += domain->unit_j;
  }
}

enum fr_status fr__sensor_start(fr__sensor *sensor, const fr__load *load, fr_error *err) {
  sensor->bridged_j = 0;
  sensor->marked = 0;
  sensor->start_ns = load->t_ns;
  for (size_t i = 0; i < sensor->count; i++) {
    fr__domain *domain = &sensor->domain[i];
    if (!domain->counted)
      continue;
    const int failed = sensor->ops->read(sensor, domain, load, &domain->last);
    if (failed != 0)
      return fr__fail_errno(err, failed, "sensor '%s' cannot be read", domain->name);
    domain->total = 0;
    domain->power_w = 0;
    domain->good_ns = load->t_ns;
  }
  return FR_OK;
}

static size_t counted(const fr__sensor *sensor, enum fr__domain_kind kind) {
  size_t n = 0;
  for (size_t i = 0; i < sensor->count; i++)
    n += sensor->domain[i].counted && sensor->domain[i].kind == kind;
  return n;
}

void fr__sensor_describe(const fr__sensor *sensor, char text[64]) {
  const size_t packages = counted(sensor, FR__DOMAIN_PACKAGE);
  const size_t dram = counted(sensor, FR__DOMAIN_DRAM);
  if (sensor->ops == &fr__sensor_model)
    snprintf(text, 64, "model");
  else if (packages == 0)
    snprintf(text, 64, "%s, platform", sensor->ops->name);
  else if (dram == 0)
    snprintf(text, 64, "%s, %zu package%s, DRAM not measured", sensor->ops->name,
             packages, packages == 1 ? "" : "s");
  else
    snprintf(text, 64, "%s, %zu package%s + %zu DRAM", sensor->ops->name, packages,
             packages == 1 ? "" : "s", dram);
}
