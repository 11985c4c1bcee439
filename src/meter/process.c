/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/process.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"

void fr__process_name(const char *bytes, size_t size, char name[FR__PROCESS_NAME]) {
  fr__printable(bytes, size, name, FR__PROCESS_NAME);
}

/* state ppid … (14) utime stime cutime cstime … (20) num_threads itrealvalue starttime */
static bool parse_fields(const char *text, double tick_s, fr__process_stat *out) {
  uint64_t own[2], start;
  int64_t children[2], threads;
  const char *format =
      " %*c %" SCNd64 " %*s %*s %*s %*s %*s %*s %*s %*s %*s"
      " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 " %*s %*s %" SCNd64 " %*s %" SCNu64;
  const int got = sscanf(text, format, &out->parent, &own[0], &own[1], &children[0],
                         &children[1], &threads, &start);
  if (got != 7 || out->parent < 0 || children[0] < 0 || children[1] < 0)
    return false;
  out->own_s = ((double)own[0] + (double)own[1]) * tick_s;
  out->children_s = ((double)children[0] + (double)children[1]) * tick_s;
  out->threads = threads > 0 && threads <= UINT32_MAX ? (uint32_t)threads : 1;
  out->start_ticks = start;
  return true;
}

bool fr__process_parse(const char *text, size_t size, double tick_s,
                       fr__process_stat *out) {
  char *end = NULL;
  const long long pid = strtoll(text, &end, 10);
  const char *close = memrchr(text, ')', size);
  if (pid <= 0 || end == text || strncmp(end, " (", 2) != 0 || close == NULL ||
      close < end + 2)
    return false;
  fr__process_stat read = {.pid = pid};
  if (!parse_fields(close + 1, tick_s, &read))
    return false;
  fr__process_name(end + 2, (size_t)(close - end - 2), read.name);
  *out = read;
  return true;
}

double fr__process_schedstat(const char *text, double ticks_s, double tick_s) {
  uint64_t ns;
  if (sscanf(text, "%" SCNu64, &ns) != 1)
    return ticks_s;
  const double exact_s = (double)ns * 1e-9;
  return exact_s >= ticks_s && exact_s < ticks_s + 2 * tick_s ? exact_s : ticks_s;
}

bool fr__process_busy(const char *text, double tick_s, double *busy_s) {
  uint64_t user, nice, system, irq = 0, softirq = 0;
  const char *format =
      "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %*s %*s %" SCNu64 " %" SCNu64;
  if (sscanf(text, format, &user, &nice, &system, &irq, &softirq) < 3)
    return false;
  *busy_s =
      ((double)user + (double)nice + (double)system + (double)irq + (double)softirq) *
      tick_s;
  return true;
}

bool fr__pids_add(fr__pids *pids, int64_t pid) {
  if (pids->count == pids->room) {
    const size_t room = pids->room > 0 ? 2 * pids->room : 256;
    int64_t *grown =
        room <= FR__PROCESSES ? realloc(pids->pid, room * sizeof *grown) : NULL;
    if (grown == NULL)
      return false;
    pids->pid = grown;
    pids->room = room;
  }
  pids->pid[pids->count++] = pid;
  return true;
}

int64_t fr__pid_parse(const char *name) {
  if (name[0] < '1' || name[0] > '9' || strlen(name) > 10)
    return 0;
  char *end;
  const long long pid = strtoll(name, &end, 10);
  return *end == '\0' && pid <= INT32_MAX ? pid : 0;
}
