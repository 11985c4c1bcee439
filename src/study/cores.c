/* SPDX-License-Identifier: Apache-2.0 */
/* Which cores are there for the jobs of a study, and which of them are idle. */
#include "study/jobs.h"

#include "base/file.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS 150   /* between two looks at what cores do */
#define BUSY 0.3      /* share of that time from which on a core is not idle */
#define CEILING 65536 /* bytes of a file of the kernel's */

typedef struct ticks {
  double busy, all;
} ticks;

static char *read_kernel(const char *path) {
  char *text = NULL;
  size_t size = 0;
  return fr__file_read(path, CEILING, &text, &size, NULL) == FR_OK ? text : NULL;
}

/* Of /proc/stat: user nice system idle iowait irq softirq steal. What is stolen counts as
 * busy: another machine has the core. */
static void look(ticks of[FR__CORES]) {
  char *text = read_kernel("/proc/stat");
  for (char *line = text; line != NULL; line = strchr(line, '\n')) {
    line += *line == '\n';
    unsigned cpu = 0;
    unsigned long long t[8] = {0};
    if (sscanf(line, "cpu%u %llu %llu %llu %llu %llu %llu %llu %llu", &cpu, &t[0], &t[1],
               &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) < 5 ||
        cpu >= FR__CORES)
      continue;
    of[cpu] = (ticks){0};
    for (size_t i = 0; i < 8; i++) {
      of[cpu].all += (double)t[i];
      of[cpu].busy += i == 3 || i == 4 ? 0.0 : (double)t[i];
    }
  }
  free(text);
}

/* Threads of one core share its units: the first of them stands for it. */
static bool is_first_of_core(size_t cpu) {
  char path[96];
  snprintf(path, sizeof path,
           "/sys/devices/system/cpu/cpu%zu/topology/thread_siblings_list", cpu);
  char *text = read_kernel(path);
  const bool first = text == NULL || strtoul(text, NULL, 10) == cpu;
  free(text);
  return first;
}

/* CPUs' worth of time that the control groups of this process grant; `most` at most. */
static size_t granted(size_t most) {
  char *text = read_kernel("/proc/self/cgroup"), *group = NULL;
  if (text != NULL && (group = strstr(text, "0::/")) != NULL) {
    group += 3;
    group[strcspn(group, "\n")] = '\0';
  }
  for (char *end; group != NULL && (end = strrchr(group, '/')) != NULL; *end = '\0') {
    char path[512];
    double quota = 0.0, period = 0.0;
    snprintf(path, sizeof path, "/sys/fs/cgroup%.400s/cpu.max", group);
    char *limit = read_kernel(path);
    if (limit != NULL && sscanf(limit, "%lf %lf", &quota, &period) == 2 && period > 0.0 &&
        quota / period < (double)most)
      most = quota < period ? 1 : (size_t)(quota / period);
    free(limit);
  }
  free(text);
  return most;
}

size_t fr__cores_find(size_t cpu[FR__CORES], size_t *idle) {
  ticks before[FR__CORES] = {0}, after[FR__CORES] = {0};
  const struct timespec rest = {.tv_nsec = LOOK_MS * 1000000L};
  size_t count = 0, busy[FR__CORES], busy_count = 0;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    CPU_SET(0, &allowed);
  look(before);
  nanosleep(&rest, NULL);
  look(after);
  for (size_t i = 0; i < FR__CORES; i++) {
    const double all = after[i].all - before[i].all;
    if (!CPU_ISSET(i, &allowed) || !is_first_of_core(i))
      continue;
    if (all > 0.0 && after[i].busy - before[i].busy < BUSY * all)
      cpu[count++] = i;
    else
      busy[busy_count++] = i;
  }
  *idle = granted(count);
  for (size_t i = 0; i < busy_count; i++)
    cpu[count++] = busy[i];
  return count;
}
