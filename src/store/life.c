/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the process that began a run is still there: a number alone says little, since
 * numbers are used again. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_line(const char *path, char *text, size_t size) {
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return false;
  const bool read = fgets(text, (int)size, file) != NULL;
  fclose(file);
  if (read)
    text[strcspn(text, "\n")] = '\0';
  return read;
}

/* Field 22 of /proc/PID/stat (proc(5)); the name before it may hold anything. A process
 * that only waits to be reaped (state Z) is gone. 0: none. */
static int64_t start_of(int64_t pid) {
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
  if (!read_line(path, line, sizeof line))
    return 0;
  const char *at = strrchr(line, ')');
  if (at == NULL || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
    return 0;
  for (int field = 2; field < 22 && at != NULL; field++)
    at = strchr(at + 1, ' ');
  return at != NULL ? strtoll(at + 1, NULL, 10) : 0;
}

void fr__life_own(fr__life *out) {
  char boot[48], space[32] = "";
  *out = (fr__life){.pid = getpid(), .start = start_of(getpid())};
  if (!read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot))
    return;
  const ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
  space[n > 0 ? n : 0] = '\0';
  snprintf(out->boot, sizeof out->boot, "%s %s", boot, space);
}

static bool same_boot(const char *a, const char *b) {
  const size_t length = strcspn(a, " ");
  return length == strcspn(b, " ") && strncmp(a, b, length) == 0;
}

bool fr__life_gone(const fr__life *life, const char *host) {
  fr__life own;
  char here[256] = "";
  fr__life_own(&own);
  if (life->pid <= 0 || life->start <= 0 || life->boot[0] == '\0' || own.boot[0] == '\0')
    return false;
  if (strcmp(life->boot, own.boot) == 0)
    return start_of(life->pid) != life->start;
  if (same_boot(life->boot, own.boot))
    return false; /* another container: its numbers mean nothing here */
  (void)gethostname(here, sizeof here - 1);
  return strcmp(host, here) == 0;
}
