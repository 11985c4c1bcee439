/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's perf events power/energy-*: 64-bit counters that the kernel itself keeps
 * from wrapping, one per package. Unit, scale and configuration are read from sysfs
 * (Documentation/ABI/testing/sysfs-bus-event_source-devices-events).
 */
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "meter/sensor.h"
#include "meter/sysfs.h"

#define DEVICE "%s/sys/bus/event_source/devices/power"
#define CPUS 64 /* packages, hence processors in the cpumask */

typedef struct event {
  char name[40]; /* "energy-pkg" */
  uint64_t config;
  double unit_j;
} event;

static enum fr__domain_kind kind_of(const char *event_name) {
  if (strcmp(event_name, "energy-psys") == 0)
    return FR__DOMAIN_PLATFORM;
  if (strcmp(event_name, "energy-pkg") == 0)
    return FR__DOMAIN_PACKAGE;
  if (strcmp(event_name, "energy-ram") == 0)
    return FR__DOMAIN_DRAM;
  return FR__DOMAIN_PART;
}

/* "0-1,4" into cpu[]; the number of processors. */
static size_t parse_cpus(const char *text, int cpu[CPUS]) {
  size_t n = 0;
  while (*text != '\0') {
    char *end;
    const long first = strtol(text, &end, 10);
    if (end == text || first < 0)
      break;
    long last = first;
    if (*end == '-')
      last = strtol(end + 1, &end, 10);
    for (long i = first; i <= last && n < CPUS && i < 1 << 20; i++)
      cpu[n++] = (int)i;
    text = *end == ',' ? end + 1 : "";
  }
  return n;
}

/* events/NAME holds "event=0x02", NAME.scale joules of one count, NAME.unit "Joules". */
static int read_event(const char *root, const char *name, event *out) {
  char path[FR__SYSFS_PATH], text[FR__SYSFS_TEXT];
  snprintf(path, sizeof path, DEVICE "/events/%s", root, name);
  int failed = fr__sysfs_text(path, text);
  if (failed != 0)
    return failed;
  const char *at = strstr(text, "event=");
  if (at == NULL)
    return EINVAL;
  out->config = strtoull(at + strlen("event="), NULL, 16);
  snprintf(path, sizeof path, DEVICE "/events/%s.unit", root, name);
  failed = fr__sysfs_text(path, text);
  if (failed != 0 || strcmp(text, "Joules") != 0)
    return failed != 0 ? failed : EINVAL;
  snprintf(path, sizeof path, DEVICE "/events/%s.scale", root, name);
  failed = fr__sysfs_text(path, text);
  if (failed != 0)
    return failed;
  out->unit_j = strtod(text, NULL);
  snprintf(out->name, sizeof out->name, "%.39s", name);
  return out->unit_j > 0 && out->unit_j < 1 ? 0 : EINVAL;
}

/* Not group-led, not inherited, of all processes: what an uncore counter permits. */
static int open_event(uint32_t type, const event *e, int cpu) {
  struct perf_event_attr attr = {.type = type, .size = sizeof attr, .config = e->config};
  return (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static void forbid(fr__domain *domain, int number) {
  char self[96];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  self[length > 0 ? length : 0] = '\0';
  char text[FR__SYSFS_TEXT] = "unknown";
  (void)fr__sysfs_text("/proc/sys/kernel/perf_event_paranoid", text);
  domain->state = FR_SENSOR_FORBIDDEN;
  snprintf(domain->reason, sizeof domain->reason,
           "%.60s; kernel.perf_event_paranoid is %.20s, and counters of the whole "
           "machine need 0 "
           "or the capability CAP_PERFMON",
           strerror(number), text);
  if (strtol(text, NULL, 10) > 0)
    snprintf(
        domain->fix, sizeof domain->fix,
        "sudo sysctl kernel.perf_event_paranoid=0   # or: sudo setcap cap_perfmon+ep %s",
        self);
  else
    snprintf(domain->fix, sizeof domain->fix, "sudo setcap cap_perfmon+ep %s", self);
}

static void start_domain(fr__domain *domain, uint32_t type, const event *e, int cpu) {
  domain->fd = open_event(type, e, cpu);
  if (domain->fd >= 0)
    domain->state = FR_SENSOR_WORKING;
  else if (errno == EACCES || errno == EPERM)
    forbid(domain, errno);
  else {
    domain->state = FR_SENSOR_ABSENT;
    snprintf(domain->reason, sizeof domain->reason, "listed, but cannot be opened: %s",
             strerror(errno));
  }
}

/* A recorded tree has no counters to open: its events are only listed. */
static void list_domain(fr__domain *domain) {
  domain->state = FR_SENSOR_ABSENT;
  snprintf(domain->reason, sizeof domain->reason,
           "listed below another root; perf counts on the running machine only");
}

static enum fr_status add_event(fr__sensor *sensor, const char *root, uint32_t type,
                                const event *e, const int *cpu, size_t cpus,
                                fr_error *err) {
  const enum fr__domain_kind kind = kind_of(e->name);
  /* Each package shows the one platform counter: it is taken once. */
  const size_t count = kind == FR__DOMAIN_PLATFORM ? 1 : cpus;
  for (size_t i = 0; i < count; i++) {
    fr__domain *domain = fr__sensor_add(sensor);
    if (domain == NULL)
      return fr__fail_memory(err, "a perf energy event");
    snprintf(domain->name, sizeof domain->name,
             count > 1 ? "perf power/%s (cpu %d)" : "perf power/%s", e->name, cpu[i]);
    domain->kind = kind;
    domain->unit_j = e->unit_j;
    domain->modulus_known = true; /* 2^64 */
    if (root[0] == '\0')
      start_domain(domain, type, e, cpu[i]);
    else
      list_domain(domain);
  }
  return FR_OK;
}

static int is_energy_event(const struct dirent *entry) {
  return strncmp(entry->d_name, "energy-", strlen("energy-")) == 0 &&
         strchr(entry->d_name, '.') == NULL;
}

static enum fr_status add_events(fr__sensor *sensor, const char *root, uint32_t type,
                                 const int *cpu, size_t cpus, fr_error *err) {
  char path[FR__SYSFS_PATH];
  snprintf(path, sizeof path, DEVICE "/events", root);
  struct dirent **entry = NULL;
  const int found = scandir(path, &entry, is_energy_event, alphasort);
  enum fr_status status = FR_OK;
  for (int i = 0; i < found; i++) {
    event e;
    if (status == FR_OK && read_event(root, entry[i]->d_name, &e) == 0)
      status = add_event(sensor, root, type, &e, cpu, cpus, err);
    free(entry[i]);
  }
  free(entry);
  return status;
}

static enum fr_status perf_open(fr__sensor *sensor, const char *root, fr_error *err) {
  char path[FR__SYSFS_PATH], text[FR__SYSFS_TEXT];
  uint64_t type = 0;
  snprintf(path, sizeof path, DEVICE "/type", root);
  const int failed = fr__sysfs_u64(path, &type);
  if (failed != 0) {
    snprintf(sensor->reason, sizeof sensor->reason,
             "no perf device 'power' (%s): this processor, kernel or virtual machine has "
             "no energy events",
             strerror(failed));
    return FR_OK;
  }
  int cpu[CPUS] = {0};
  size_t cpus = 1; /* without a cpumask: processor 0 */
  snprintf(path, sizeof path, DEVICE "/cpumask", root);
  if (fr__sysfs_text(path, text) == 0 && parse_cpus(text, cpu) > 0)
    cpus = parse_cpus(text, cpu);
  const enum fr_status status = add_events(sensor, root, (uint32_t)type, cpu, cpus, err);
  if (status == FR_OK && sensor->count == 0)
    snprintf(sensor->reason, sizeof sensor->reason,
             "the perf device 'power' lists no energy event that can be read");
  return status;
}

static int perf_read(const fr__sensor *sensor, const fr__domain *domain,
                     const fr__load *load, uint64_t *raw) {
  (void)sensor, (void)load;
  const ssize_t got = read(domain->fd, raw, sizeof *raw);
  if (got == (ssize_t)sizeof *raw)
    return 0;
  return got < 0 ? errno : EIO;
}

/* RAPL renews its counters about every millisecond (Intel SDM vol. 3B, 15.10.1). */
const fr__sensor_ops fr__sensor_perf = {.name = "perf",
                                        .source = FR_SOURCE_PERF,
                                        .update_s = 0.001,
                                        .open = perf_open,
                                        .read = perf_read};
