/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a tree or a recording: files alone, each read anew every time. */
#include "meter/process.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool world_forked(fr__process_source *source, int64_t *from, int64_t *to) {
  (void)source;
  *from = *to = 0;
  return true;
}

static bool take_name(void *self, const char *name) {
  const int64_t pid = fr__pid_parse(name);
  return pid == 0 || fr__pids_add(self, pid);
}

static int compare_pids(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int world_list(fr__process_source *source, fr__pids *out) {
  out->count = 0;
  const int failed = fr__world_list(source->world, "/proc", take_name, out);
  if (failed == 0 && out->count > 0)
    qsort(out->pid, out->count, sizeof *out->pid, compare_pids);
  return failed;
}

/* Of one-line files; a name with a newline in it is cut off there and the line refused.
 */
static int read_text(fr__process_source *source, int64_t pid, const char *name,
                     char text[FR__PROCESS_STAT]) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%" PRId64 "/%s", pid, name);
  const int failed = fr__world_text(source->world, path, text, FR__PROCESS_STAT);
  return failed == ENOENT ? ESRCH : failed;
}

static int world_stat(fr__process_source *source, int64_t pid, fr__process_stat *out) {
  char text[FR__PROCESS_STAT];
  const int failed = read_text(source, pid, "stat", text);
  if (failed != 0)
    return failed;
  const bool good = fr__process_parse(text, strlen(text), source->tick_s, out);
  return good && out->pid == pid ? 0 : EINVAL;
}

static int world_own(fr__process_source *source, int64_t pid, double *cpu_s) {
  fr__process_stat stat;
  const int failed = world_stat(source, pid, &stat);
  if (failed != 0)
    return failed;
  char text[FR__PROCESS_STAT];
  const bool exact = stat.threads == 1 && read_text(source, pid, "schedstat", text) == 0;
  *cpu_s = exact ? fr__process_schedstat(text, stat.own_s, source->tick_s) : stat.own_s;
  return 0;
}

static int world_busy(fr__process_source *source, double *busy_s) {
  char text[FR__PROCESS_STAT];
  const int failed = fr__world_text(source->world, "/proc/stat", text, sizeof text);
  if (failed != 0)
    return failed;
  return fr__process_busy(text, source->tick_s, busy_s) ? 0 : EINVAL;
}

const fr__process_ops fr__process_world = {.forked = world_forked,
                                           .list = world_list,
                                           .stat = world_stat,
                                           .own = world_own,
                                           .busy = world_busy};
