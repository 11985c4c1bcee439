/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /sys/class/powercap/intel-rapl:N, which AMD's processors have too: packages, their DRAM
 * and parts below them, or psys (Documentation/power/powercap/powercap.rst).
 * intel-rapl-mmio:N shows the same packages a second time and is passed over.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "meter/sensor.h"
#include "meter/sysfs.h"

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
static void read_range(fr__domain *domain, const char *directory) {
  char path[FR__SYSFS_PATH + 32];
  uint64_t range;
  snprintf(path, sizeof path, "%s/max_energy_range_uj", directory);
  domain->modulus_known = fr__sysfs_u64(path, &range) == 0 && range > 0;
  if (domain->modulus_known)
    domain->modulus = range + 1; /* UINT64_MAX + 1 is 0: 2^64 */
  else
    snprintf(domain->reason, sizeof domain->reason,
             "max_energy_range_uj cannot be read: gaps at wraps are bridged");
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

static enum fr_status add_zone(fr__sensor *sensor, const char *parent, const char *zone,
                               fr_error *err) {
  char directory[FR__SYSFS_PATH], path[FR__SYSFS_PATH + 32], name[FR__SYSFS_TEXT];
  snprintf(directory, sizeof directory, "%.350s/%.100s", parent, zone);
  snprintf(path, sizeof path, "%s/name", directory);
  if (is_known(sensor, zone) || fr__sysfs_text(path, name) != 0)
    return FR_OK; /* or not a zone, or unplugged meanwhile */
  fr__domain *domain = fr__sensor_add(sensor);
  if (domain == NULL)
    return fr__fail_memory(err, "a powercap zone");
  snprintf(domain->name, sizeof domain->name, "powercap %.24s (%.20s)", zone, name);
  domain->kind = kind_of(name);
  domain->unit_j = 1e-6;
  snprintf(path, sizeof path, "%s/energy_uj", directory);
  domain->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (domain->fd < 0) {
    refuse(domain, path, errno);
    return FR_OK;
  }
  domain->state = FR_SENSOR_WORKING;
  read_range(domain, directory);
  return FR_OK;
}

static int is_zone(const struct dirent *entry) {
  return strncmp(entry->d_name, "intel-rapl:", strlen("intel-rapl:")) == 0;
}

static enum fr_status add_zones(fr__sensor *sensor, const char *parent, bool nested,
                                fr_error *err) {
  struct dirent **entry = NULL;
  const int found = scandir(parent, &entry, is_zone, alphasort);
  enum fr_status status = FR_OK;
  for (int i = 0; i < found; i++) {
    char path[FR__SYSFS_PATH];
    snprintf(path, sizeof path, "%.350s/%.100s", parent, entry[i]->d_name);
    if (status == FR_OK)
      status = add_zone(sensor, parent, entry[i]->d_name, err);
    if (status == FR_OK && nested)
      status = add_zones(sensor, path, false, err);
    free(entry[i]);
  }
  free(entry);
  return status;
}

static enum fr_status powercap_open(fr__sensor *sensor, const char *root, fr_error *err) {
  char path[FR__SYSFS_PATH];
  snprintf(path, sizeof path, "%s/sys/class/powercap", root);
  const enum fr_status status = add_zones(sensor, path, true, err);
  if (status == FR_OK && sensor->count == 0)
    snprintf(
        sensor->reason, sizeof sensor->reason,
        "no zone intel-rapl in /sys/class/powercap: this processor, kernel or virtual "
        "machine has none");
  return status;
}

static int powercap_read(const fr__sensor *sensor, const fr__domain *domain,
                         const fr__load *load, uint64_t *raw) {
  (void)sensor, (void)load;
  return fr__sysfs_u64_fd(domain->fd, raw);
}

/* RAPL renews its counters about every millisecond (Intel SDM vol. 3B, 15.10.1). */
const fr__sensor_ops fr__sensor_powercap = {.name = "powercap",
                                            .source = FR_SOURCE_POWERCAP,
                                            .update_s = 0.001,
                                            .open = powercap_open,
                                            .read = powercap_read};
