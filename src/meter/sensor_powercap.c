/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /sys/class/powercap/intel-rapl:N, which AMD's processors have too: packages, their DRAM
 * and parts below them, or psys (Documentation/power/powercap/powercap.rst).
 * intel-rapl-mmio:N shows the same packages by another way: they are twins, of which the
 * first that works counts. Where TPMI brings them (intel_rapl_tpmi), they are
 * intel-rapl:N.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "meter/sensor.h"
#include "meter/sysfs.h"

#define CLASS "/sys/class/powercap"
#define CONSTRAINTS 8

/* By the zone's `name`, never by its number: sockets come in any order. */
static enum fr__domain_kind kind_of(const char *name) {
  if (strcmp(name, "psys") == 0)
    return FR__DOMAIN_PLATFORM;
  if (strncmp(name, "package", strlen("package")) == 0)
    return FR__DOMAIN_PACKAGE;
  if (strcmp(name, "dram") == 0)
    return FR__DOMAIN_DRAM;
  return FR__DOMAIN_PART;
}

static void refuse(fr__domain *domain, const char *path, int number) {
  const bool forbidden = number == EACCES || number == EPERM;
  domain->state = forbidden ? FR_SENSOR_FORBIDDEN : FR_SENSOR_ABSENT;
  snprintf(domain->reason, sizeof domain->reason, "energy_uj cannot be read: %s",
           strerror(number));
  if (forbidden) /* 0400 root since Linux 5.10, against CVE-2020-8694 */
    snprintf(domain->fix, sizeof domain->fix,
             "sudo chmod a+r %.180s   # until reboot; docs/meter.md has the udev rule",
             path);
}

/* Wraps to 0 after max_energy_range_uj; without it a counter that goes back is
 * unexplained. */
static void read_range(fr__domain *domain, fr__world *world, const char *directory) {
  char path[FR__SYSFS_PATH + 32];
  uint64_t range;
  snprintf(path, sizeof path, "%s/max_energy_range_uj", directory);
  domain->modulus_known = fr__world_u64(world, path, &range) == 0 && range > 0;
  if (domain->modulus_known)
    domain->modulus = range + 1; /* UINT64_MAX + 1 is 0: 2^64 */
  else
    snprintf(domain->reason, sizeof domain->reason,
             "max_energy_range_uj cannot be read: gaps at wraps are bridged");
}

/* The highest of all constraints (long term, short term, peak), limits that are set and
 * those that can be; 0 where none is told or in force. */
static double read_limit_w(fr__world *world, const char *directory) {
  static const char *const files[] = {"power_limit_uw", "max_power_uw"};
  uint64_t most_uw = 0, uw;
  for (int i = 0; i < CONSTRAINTS; i++) {
    for (size_t f = 0; f < 2; f++) {
      char path[FR__SYSFS_PATH + 48];
      snprintf(path, sizeof path, "%s/constraint_%d_%s", directory, i, files[f]);
      if (fr__world_u64(world, path, &uw) == 0 && uw > most_uw)
        most_uw = uw;
    }
  }
  return (double)most_uw * 1e-6;
}

/* "intel-rapl:0:1" is a zone, of what the kernel calls a control type; "intel-rapl" alone
 * is that type. */
static bool is_zone(const char *name) {
  const char *colon = strchr(name, ':');
  const char *rapl = strstr(name, "rapl");
  return colon != NULL && rapl != NULL && rapl < colon;
}

/* By which way the zone is counted: the processor's registers before memory's. */
static unsigned way_of(const char *zone) {
  return strncmp(zone, "intel-rapl:", strlen("intel-rapl:")) == 0             ? 0
         : strncmp(zone, "intel-rapl-mmio:", strlen("intel-rapl-mmio:")) == 0 ? 1
                                                                              : 2;
}

/* The class lists a zone beside its parent, and its parent's directory holds it again. */
static bool is_known(const fr__sensor *sensor, const char *zone) {
  char start[64];
  const int length = snprintf(start, sizeof start, "powercap %.24s (", zone);
  for (size_t i = 0; i < sensor->count; i++) {
    if (strncmp(sensor->domain[i].name, start, (size_t)length) == 0)
      return true;
  }
  return false;
}

/* What open works on. */
typedef struct walk {
  fr__sensor *sensor;
  fr__world *world;
  const char *parent; /* directory */
  bool nested;        /* zones below zones are looked for */
  bool full;
} walk;

/* "package-0", or "package-0/dram" for a zone whose name has two colons: its parent is
 * what stands before the second one. */
static void set_key(fr__domain *domain, fr__world *world, const char *zone,
                    const char *name) {
  char parent[FR__SYSFS_TEXT] = "", path[FR__SYSFS_PATH];
  const char *first = strchr(zone, ':');
  const char *second = first != NULL ? strchr(first + 1, ':') : NULL;
  if (second != NULL) {
    snprintf(path, sizeof path, CLASS "/%.*s/name", (int)(second - zone), zone);
    (void)fr__world_text(world, path, parent, sizeof parent);
  }
  snprintf(domain->key, sizeof domain->key, "%.30s%s%.30s", parent,
           parent[0] != '\0' ? "/" : "", name);
  domain->by = way_of(zone);
}

static void fill_zone(fr__domain *domain, fr__world *world, const char *directory,
                      const char *zone, const char *name) {
  char path[FR__SYSFS_PATH + 32];
  snprintf(domain->name, sizeof domain->name, "powercap %.24s (%.20s)", zone, name);
  domain->kind = kind_of(name);
  domain->unit_j = 1e-6;
  set_key(domain, world, zone, name);
  snprintf(path, sizeof path, "%s/energy_uj", directory);
  const int failed = fr__world_open(world, path, &domain->channel);
  if (failed != 0) {
    char shown[FR__SYSFS_PATH + 160];
    const bool replay = fr__world_is_replay(world);
    snprintf(shown, sizeof shown, "%.120s%s", replay ? "" : fr__world_root(world), path);
    refuse(domain, shown, failed);
    return;
  }
  domain->state = FR_SENSOR_WORKING;
  domain->power_limit_w = read_limit_w(world, directory);
  read_range(domain, world, directory);
}

static bool add_zone(void *self, const char *zone) {
  walk *w = self;
  char directory[FR__SYSFS_PATH], path[FR__SYSFS_PATH + 32], name[FR__SYSFS_TEXT];
  if (!is_zone(zone))
    return true;
  snprintf(directory, sizeof directory, "%.350s/%.100s", w->parent, zone);
  snprintf(path, sizeof path, "%s/name", directory);
  if (!is_known(w->sensor, zone) &&
      fr__world_text(w->world, path, name, sizeof name) == 0) {
    fr__domain *domain = fr__sensor_add(w->sensor);
    if (domain == NULL) {
      w->full = true;
      return false;
    }
    fill_zone(domain, w->world, directory, zone, name);
  } /* else not a zone, or unplugged meanwhile */
  if (w->nested) {
    walk below = {.sensor = w->sensor, .world = w->world, .parent = directory};
    (void)fr__world_list(w->world, directory, add_zone, &below);
    w->full |= below.full;
  }
  return !w->full;
}

static enum fr_status powercap_open(fr__sensor *sensor, fr__world *world, fr_error *err) {
  walk w = {.sensor = sensor, .world = world, .parent = CLASS, .nested = true};
  (void)fr__world_list(world, CLASS, add_zone, &w);
  if (w.full)
    return fr__fail_memory(err, "a powercap zone");
  if (sensor->count == 0)
    snprintf(
        sensor->reason, sizeof sensor->reason,
        "no zone intel-rapl in /sys/class/powercap: this processor, kernel or virtual "
        "machine has none");
  return FR_OK;
}

static int powercap_read(fr__sensor *sensor, fr__domain *domain, const fr__load *load,
                         uint64_t *raw) {
  (void)sensor, (void)load;
  return fr__channel_u64(domain->channel, raw);
}

/* RAPL renews its counters about every millisecond (Intel SDM vol. 3B, 15.10.1). */
const fr__sensor_ops fr__sensor_powercap = {.name = "powercap",
                                            .source = FR_SOURCE_POWERCAP,
                                            .update_s = 0.001,
                                            .open = powercap_open,
                                            .read = powercap_read};
