/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of this machine, cheaply: no file of a process is read unless it ran. */
#include "meter/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"

/* One read at the file's start, NUL behind it; 0 or errno. */
static int read_at_start(int fd, char *text, size_t size, size_t *got) {
  ssize_t n;
  do
    n = pread(fd, text, size - 1, 0);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return errno;
  text[n] = '\0';
  *got = (size_t)n;
  return 0;
}

/*
 * The newest pid is the last field of /proc/loadavg: where it stands still nothing was
 * started and the listing, by far the dearest part, can be left out.
 */
static bool here_forked(fr__process_source *source, int64_t *from, int64_t *to) {
  char text[128];
  size_t got;
  int64_t last = 0;
  if (read_at_start(source->loadavg, text, sizeof text, &got) != 0 ||
      sscanf(text, "%*s %*s %*s %*s %" SCNd64, &last) != 1) {
    *from = *to = 0;
    return true;
  }
  *from = source->last_pid;
  *to = last;
  source->last_pid = last;
  return *from != *to;
}

/* linux_dirent64 of getdents64(2): d_ino, d_off, d_reclen at 16, d_type, d_name at 19. */
static bool take_names(const char *entries, size_t size, fr__pids *out) {
  for (size_t at = 0; at + 19 < size;) {
    uint16_t length;
    memcpy(&length, entries + at + 16, sizeof length);
    const int64_t pid = fr__pid_parse(entries + at + 19);
    if (pid > 0 && !fr__pids_add(out, pid))
      return false;
    at += length;
  }
  return true;
}

/* The kernel lists processes in rising order. */
static int here_list(fr__process_source *source, fr__pids *out) {
  char entries[32768] __attribute__((aligned(8)));
  out->count = 0;
  if (lseek(source->proc, 0, SEEK_SET) < 0)
    return errno;
  long got;
  while ((got = syscall(SYS_getdents64, source->proc, entries, sizeof entries)) > 0)
    if (!take_names(entries, (size_t)got, out))
      return 0; /* at the ceiling: those beyond it are "other programs" */
  return got < 0 ? errno : 0;
}

static int read_of(fr__process_source *source, int64_t pid, const char *file, char *text,
                   size_t size, size_t *got) {
  char path[64];
  snprintf(path, sizeof path, "%" PRId64 "/%s", pid, file);
  const int fd = openat(source->proc, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOENT ? ESRCH : errno;
  const int failed = read_at_start(fd, text, size, got);
  close(fd);
  return failed;
}

static int here_stat(fr__process_source *source, int64_t pid, fr__process_stat *out) {
  char text[FR__PROCESS_STAT];
  size_t got = 0;
  const int failed = read_of(source, pid, "stat", text, sizeof text, &got);
  if (failed != 0)
    return failed;
  return fr__process_parse(text, got, source->tick_s, out) ? 0 : EINVAL;
}

static int here_words(fr__process_source *source, int64_t pid, char *text, size_t size,
                      size_t *got) {
  return read_of(source, pid, "cmdline", text, size, got);
}

/*
 * clock_getcpuclockid(3) without its check: the CPU clock of a whole process has its pid,
 * inverted, above three bits of kind, of which 2 is the scheduler's nanoseconds. All
 * threads count, ended ones too, and a zombie still has its time.
 */
static clockid_t process_clock(int64_t pid) {
  return (clockid_t)((~(uint32_t)pid << 3) | 2U);
}

static int here_own(fr__process_source *source, int64_t pid, double *cpu_s) {
  (void)source;
  struct timespec t;
  if (clock_gettime(process_clock(pid), &t) != 0)
    return errno == EINVAL ? ESRCH : errno;
  *cpu_s = (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
  return 0;
}

/* A listing of 300 costs as much as 1,000 questions. */
#define PROBES 256

/* The kernel takes our own thread's number for our process's; of others it knows that
 * they are no processes. */
static bool here_probe(fr__process_source *source, int64_t from, int64_t to,
                       fr__pids *out) {
  if (to - from > PROBES || to <= from)
    return false;
  out->count = 0;
  double own_s;
  for (int64_t pid = from + 1; pid <= to; pid++)
    if (here_own(source, pid, &own_s) == 0 && (pid != gettid() || pid == getpid()) &&
        !fr__pids_add(out, pid))
      return false;
  return true;
}

static int here_busy(fr__process_source *source, double *busy_s) {
  char text[256];
  size_t got;
  const int failed = read_at_start(source->stat, text, sizeof text, &got);
  if (failed != 0)
    return failed;
  return fr__process_busy(text, source->tick_s, busy_s) ? 0 : EINVAL;
}

const fr__process_ops fr__process_here = {.forked = here_forked,
                                          .list = here_list,
                                          .probe = here_probe,
                                          .stat = here_stat,
                                          .own = here_own,
                                          .words = here_words,
                                          .busy = here_busy};

static int open_file(const char *path, int flags, int *fd, fr_error *err) {
  *fd = open(path, O_RDONLY | O_CLOEXEC | flags);
  return *fd >= 0 ? FR_OK : fr__fail_errno(err, errno, "'%s' cannot be opened", path);
}

static enum fr_status open_here(fr__process_source *source, fr_error *err) {
  enum fr_status status = open_file("/proc", O_DIRECTORY, &source->proc, err);
  if (status == FR_OK)
    status = open_file("/proc/loadavg", 0, &source->loadavg, err);
  if (status == FR_OK)
    status = open_file("/proc/stat", 0, &source->stat, err);
  return status;
}

/* /proc of another pid namespace than ours would give pids that our clocks do not know.
 */
static enum fr_status check_here(fr__process_source *source, fr_error *err) {
  char text[32] = "";
  const ssize_t got = readlinkat(source->proc, "self", text, sizeof text - 1);
  double own_s;
  if (got <= 0 || fr__pid_parse(text) != (int64_t)getpid())
    return fr__fail(err, FR_ERR_UNSUPPORTED, "'/proc' shows another pid namespace");
  if (here_own(source, getpid(), &own_s) != 0)
    return fr__fail(err, FR_ERR_UNSUPPORTED, "the kernel has no CPU clocks of processes");
  return FR_OK;
}

enum fr_status fr__process_source_init(fr__process_source *source, fr__world *world,
                                       fr_error *err) {
  const long per_second = sysconf(_SC_CLK_TCK);
  *source =
      (fr__process_source){.ops = world == NULL ? &fr__process_here : &fr__process_world,
                           .tick_s = per_second > 0 ? 1.0 / (double)per_second : 0.01,
                           .proc = -1,
                           .loadavg = -1,
                           .stat = -1,
                           .world = world};
  if (world != NULL)
    return FR_OK;
  enum fr_status status = open_here(source, err);
  if (status == FR_OK)
    status = check_here(source, err);
  if (status != FR_OK)
    fr__process_source_release(source);
  return status;
}

static void close_file(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

void fr__process_source_release(fr__process_source *source) {
  close_file(&source->proc);
  close_file(&source->loadavg);
  close_file(&source->stat);
}
