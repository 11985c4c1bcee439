/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define PREFIX "frugal-"
#define CEILING (1 << 20) /* bytes of the kernel's lists */

static bool because(char reason[FR__CGROUP_REASON], const char *what, int number) {
  snprintf(reason, FR__CGROUP_REASON, "%s: %s", what, strerror(number));
  return false;
}

static bool refuse(char reason[FR__CGROUP_REASON], const char *sentence) {
  snprintf(reason, FR__CGROUP_REASON, "%s", sentence);
  return false;
}

/* The line "0::/path" (cgroups(7)). */
static bool own_name(const char *text, char name[FR__CGROUP_PATH]) {
  for (const char *line = text; line != NULL && *line != '\0';) {
    const size_t length = strcspn(line, "\n");
    if (strncmp(line, "0::/", 4) == 0 && length - 3 < FR__CGROUP_PATH) {
      memcpy(name, line + 3, length - 3);
      name[length - 3] = '\0';
      return true;
    }
    line = line[length] == '\n' ? line + length + 1 : NULL;
  }
  return false;
}

/* "36 35 98:0 ROOT MOUNTPOINT options … - TYPE source options" (proc(5)). */
static bool parse_mount(const char *line, size_t length, char root[FR__CGROUP_PATH],
                        char point[FR__CGROUP_PATH]) {
  char copy[2 * FR__CGROUP_PATH];
  if (length >= sizeof copy)
    return false;
  memcpy(copy, line, length);
  copy[length] = '\0';
  return strstr(copy, " - cgroup2 ") != NULL &&
         sscanf(copy, "%*s %*s %*s %511s %511s", root, point) == 2;
}

static bool find_mount(const char *text, char root[FR__CGROUP_PATH],
                       char point[FR__CGROUP_PATH]) {
  for (const char *line = text; *line != '\0';) {
    const size_t length = strcspn(line, "\n");
    if (parse_mount(line, length, root, point))
      return true;
    line += length + (line[length] == '\n');
  }
  return false;
}

bool fr__cgroup_own(const char *self_cgroup, const char *mountinfo,
                    char path[FR__CGROUP_PATH], char reason[FR__CGROUP_REASON]) {
  char name[FR__CGROUP_PATH], root[FR__CGROUP_PATH], point[FR__CGROUP_PATH];
  if (!own_name(self_cgroup, name) || !find_mount(mountinfo, root, point))
    return refuse(reason, "cgroup v2 is not mounted");
  /* What is mounted may be a part of the tree only, as in containers. */
  const size_t above = strcmp(root, "/") == 0 ? 0 : strlen(root);
  if (strncmp(name, "/..", 3) == 0 || strncmp(name, root, above) != 0 ||
      (above > 0 && name[above] != '\0' && name[above] != '/'))
    return refuse(reason, "this process's cgroup is outside of what is mounted");
  if (strchr(point, '\\') != NULL)
    return refuse(reason, "cgroup v2 is mounted at a name with blanks in it");
  const char *below = strcmp(name + above, "/") == 0 ? "" : name + above;
  const int length = snprintf(path, FR__CGROUP_PATH, "%s%s", point, below);
  if (length >= FR__CGROUP_PATH)
    return refuse(reason, "the name of this process's cgroup is too long");
  return true;
}

static bool find_own(char path[FR__CGROUP_PATH], char reason[FR__CGROUP_REASON]) {
  char *cgroup = NULL, *mounts = NULL;
  size_t size;
  fr_error err;
  bool found = false;
  if (fr__file_read("/proc/self/cgroup", CEILING, &cgroup, &size, &err) == FR_OK &&
      fr__file_read("/proc/self/mountinfo", CEILING, &mounts, &size, &err) == FR_OK)
    found = fr__cgroup_own(cgroup, mounts, path, reason);
  else
    snprintf(reason, FR__CGROUP_REASON, "%.*s", FR__CGROUP_REASON - 1, err.text);
  free(cgroup);
  free(mounts);
  return found;
}

/* The folder is removed only where nobody is in it. */
static void remove_left(const char *own) {
  DIR *folder = opendir(own);
  const struct dirent *entry;
  while (folder != NULL && (entry = readdir(folder)) != NULL) {
    int64_t pid;
    char tail;
    if (sscanf(entry->d_name, PREFIX "%" SCNd64 "%c", &pid, &tail) == 1 && pid > 0 &&
        pid <= INT32_MAX && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
      (void)unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
  }
  if (folder != NULL)
    closedir(folder);
}

static int open_in(const char *folder, const char *name, int flags) {
  char path[FR__CGROUP_PATH + 64];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return open(path, flags | O_CLOEXEC);
}

static int put_in(const char *folder, int64_t pid) {
  const int fd = open_in(folder, "cgroup.procs", O_WRONLY);
  if (fd < 0)
    return errno;
  char text[32];
  const int length = snprintf(text, sizeof text, "%" PRId64 "\n", pid);
  const int failed = write(fd, text, (size_t)length) == length ? 0 : errno;
  close(fd);
  return failed;
}

bool fr__cgroup_init(fr__cgroup *cgroup, int64_t pid, char reason[FR__CGROUP_REASON]) {
  char own[FR__CGROUP_PATH];
  *cgroup = (fr__cgroup){.usage = -1};
  if (!find_own(own, reason))
    return false;
  remove_left(own);
  char path[FR__CGROUP_PATH + 32];
  snprintf(path, sizeof path, "%s/" PREFIX "%" PRId64, own, pid);
  if (strlen(path) >= sizeof cgroup->path)
    return refuse(reason, "the name of this process's cgroup is too long");
  if (mkdir(path, 0755) != 0)
    return because(reason, "a cgroup below this process's own cannot be made", errno);
  memcpy(cgroup->path, path, strlen(path) + 1);
  double cpu_s;
  cgroup->usage = open_in(path, "cpu.stat", O_RDONLY);
  const bool counts = cgroup->usage >= 0 && fr__cgroup_usage(cgroup, &cpu_s);
  const int failed = counts ? put_in(path, pid) : 0;
  if (counts && failed == 0)
    return true;
  fr__cgroup_release(cgroup);
  return counts ? because(reason, "the program cannot be put into a cgroup", failed)
                : refuse(reason, "the kernel does not count a cgroup's CPU time");
}

bool fr__cgroup_usage(const fr__cgroup *cgroup, double *cpu_s) {
  char text[512];
  const ssize_t got = pread(cgroup->usage, text, sizeof text - 1, 0);
  if (got <= 0)
    return false;
  text[got] = '\0';
  const char *line = strstr(text, "usage_usec ");
  uint64_t us;
  if (line == NULL || sscanf(line, "usage_usec %" SCNu64, &us) != 1)
    return false;
  *cpu_s = (double)us * 1e-6;
  return true;
}

void fr__cgroup_each(const fr__cgroup *cgroup, void (*each)(void *self, int64_t pid),
                     void *self) {
  const int fd = open_in(cgroup->path, "cgroup.procs", O_RDONLY);
  FILE *list = fd >= 0 ? fdopen(fd, "r") : NULL;
  int64_t pid;
  while (list != NULL && fscanf(list, "%" SCNd64, &pid) == 1)
    each(self, pid);
  if (list != NULL)
    fclose(list);
  else if (fd >= 0)
    close(fd);
}

static void put_back(void *self, int64_t pid) {
  const char *above = self;
  (void)put_in(above, pid);
}

void fr__cgroup_release(fr__cgroup *cgroup) {
  if (cgroup->usage >= 0)
    close(cgroup->usage);
  cgroup->usage = -1;
  if (cgroup->path[0] == '\0')
    return;
  char above[FR__CGROUP_PATH];
  memcpy(above, cgroup->path, sizeof above);
  *strrchr(above, '/') = '\0';
  /* Those that start others meanwhile need another turn. */
  for (int turn = 0; turn < 8 && rmdir(cgroup->path) != 0 && errno == EBUSY; turn++)
    fr__cgroup_each(cgroup, put_back, above);
  cgroup->path[0] = '\0';
}
