/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's perf events power/energy-*: 64-bit counters that the kernel itself keeps
 * from wrapping, one per package. Unit, scale and configuration are read from sysfs
 * (Documentation/ABI/testing/sysfs-bus-event_source-devices-events).
 */
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

#define DEVICE "/sys/bus/event_source/devices/power"
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
static int read_event(fr__world *world, const char *name, event *out) {
  char path[FR__SYSFS_PATH], text[FR__SYSFS_TEXT];
  snprintf(path, sizeof path, DEVICE "/events/%s", name);
  int failed = fr__world_text(world, path, text, sizeof text);
  if (failed != 0)
    return failed;
  const char *at = strstr(text, "event=");
  if (at == NULL)
    return EINVAL;
  out->config = strtoull(at + strlen("event="), NULL, 16);
  snprintf(path, sizeof path, DEVICE "/events/%s.unit", name);
  failed = fr__world_text(world, path, text, sizeof text);
  if (failed != 0 || strcmp(text, "Joules") != 0)
    return failed != 0 ? failed : EINVAL;
  snprintf(path, sizeof path, DEVICE "/events/%s.scale", name);
  failed = fr__world_text(world, path, text, sizeof text);
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

/* The line that grants it, by what the kernel says about who may count. */
static void forbid(fr__domain *domain, fr__world *world, int number) {
  char self[96];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  self[length > 0 ? length : 0] = '\0';
  char text[FR__SYSFS_TEXT] = "unknown";
  (void)fr__world_text(world, "/proc/sys/kernel/perf_event_paranoid", text, sizeof text);
  domain->state = FR_SENSOR_FORBIDDEN;
  snprintf(domain->reason, sizeof domain->reason,
           "%.60s; kernel.perf_event_paranoid is %.20s, and counters of the whole "
           "machine need 0 or the capability CAP_PERFMON",
           strerror(number), text);
  if (strtol(text, NULL, 10) > 0)
    snprintf(
        domain->fix, sizeof domain->fix,
        "sudo sysctl kernel.perf_event_paranoid=0   # or: sudo setcap cap_perfmon+ep %s",
        self);
  else
    snprintf(domain->fix, sizeof domain->fix, "sudo setcap cap_perfmon+ep %s", self);
}

/* A file is open and adopted, or errno says why not. */
static int open_here(fr__world *world, uint32_t type, const event *e, int cpu,
                     fr__channel **out) {
  const int fd = open_event(type, e, cpu);
  if (fd < 0)
    return errno;
  char path[FR__SYSFS_PATH];
  snprintf(path, sizeof path, "perf:%s:%d", e->name, cpu);
  const int failed = fr__world_adopt(world, path, fd, out);
  if (failed != 0)
    close(fd);
  return failed;
}

/* "perf:energy-pkg:0", or "perf:energy-pkg" where a recording tells no processors. */
static int open_recorded(fr__world *world, const event *e, int cpu, bool alone,
                         fr__channel **out) {
  char path[FR__SYSFS_PATH];
  snprintf(path, sizeof path, "perf:%s:%d", e->name, cpu);
  const int failed = fr__world_open(world, path, out);
  if (failed != ENOENT || !alone)
    return failed;
  snprintf(path, sizeof path, "perf:%s", e->name);
  return fr__world_open(world, path, out);
}

static void start_domain(fr__domain *domain, fr__world *world, uint32_t type,
                         const event *e, int cpu, bool alone) {
  const bool here = fr__world_is_here(world);
  const int failed = here ? open_here(world, type, e, cpu, &domain->channel)
                          : open_recorded(world, e, cpu, alone, &domain->channel);
  if (failed == 0)
    domain->state = FR_SENSOR_WORKING;
  else if (failed == EACCES || failed == EPERM)
    forbid(domain, world, failed);
  else {
    domain->state = FR_SENSOR_ABSENT;
    if (here)
      snprintf(domain->reason, sizeof domain->reason, "listed, but cannot be opened: %s",
               strerror(failed));
    else
      snprintf(domain->reason, sizeof domain->reason,
               "listed below another root; perf counts on the running machine only");
  }
}

/* What open works on. */
typedef struct device {
  fr__sensor *sensor;
  fr__world *world;
  uint32_t type;
  int cpu[CPUS];
  size_t cpus;
  bool full;
} device;

static bool add_domain(device *d, const event *e, size_t i, size_t count) {
  fr__domain *domain = fr__sensor_add(d->sensor);
  if (domain == NULL) {
    d->full = true;
    return false;
  }
  snprintf(domain->name, sizeof domain->name,
           count > 1 ? "perf power/%s (cpu %d)" : "perf power/%s", e->name, d->cpu[i]);
  domain->kind = kind_of(e->name);
  domain->unit_j = e->unit_j;
  domain->modulus_known = true; /* 2^64 */
  start_domain(domain, d->world, d->type, e, d->cpu[i], i == 0);
  return true;
}

static bool add_event(void *self, const char *name) {
  device *d = self;
  event e;
  if (strncmp(name, "energy-", strlen("energy-")) != 0 || strchr(name, '.') != NULL ||
      read_event(d->world, name, &e) != 0)
    return true;
  /* Each package shows the one platform counter: it is taken once. */
  const size_t count = kind_of(e.name) == FR__DOMAIN_PLATFORM ? 1 : d->cpus;
  for (size_t i = 0; i < count && !d->full; i++)
    (void)add_domain(d, &e, i, count);
  return !d->full;
}

static enum fr_status perf_open(fr__sensor *sensor, fr__world *world, fr_error *err) {
  char text[FR__SYSFS_TEXT];
  uint64_t type = 0;
  const int failed = fr__world_u64(world, DEVICE "/type", &type);
  if (failed != 0) {
    snprintf(sensor->reason, sizeof sensor->reason,
             "no perf device 'power' (%s): this processor, kernel or virtual machine has "
             "no energy events",
             strerror(failed));
    return FR_OK;
  }
  device d = {.sensor = sensor, .world = world, .type = (uint32_t)type, .cpus = 1};
  if (fr__world_text(world, DEVICE "/cpumask", text, sizeof text) == 0 &&
      parse_cpus(text, d.cpu) > 0)
    d.cpus = parse_cpus(text, d.cpu); /* without a cpumask: processor 0 */
  (void)fr__world_list(world, DEVICE "/events", add_event, &d);
  if (d.full)
    return fr__fail_memory(err, "a perf energy event");
  if (sensor->count == 0)
    snprintf(sensor->reason, sizeof sensor->reason,
             "the perf device 'power' lists no energy event that can be read");
  return FR_OK;
}

static int perf_read(fr__sensor *sensor, fr__domain *domain, const fr__load *load,
                     uint64_t *raw) {
  (void)sensor, (void)load;
  return fr__channel_raw(domain->channel, 0, raw);
}

/* RAPL renews its counters about every millisecond (Intel SDM vol. 3B, 15.10.1). */
const fr__sensor_ops fr__sensor_perf = {.name = "perf",
                                        .source = FR_SOURCE_PERF,
                                        .update_s = 0.001,
                                        .open = perf_open,
                                        .read = perf_read};
