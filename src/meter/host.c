/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "meter/sysfs.h"

/*
 * The line "cpu  user nice system idle iowait irq softirq steal guest guest_nice" in
 * ticks (proc(5)). Busy is user + nice + system + irq + softirq: idle and iowait are
 * rest, steal was another guest's, and guest and guest_nice are counted in user and nice
 * already.
 */
static bool read_ticks(int fd, double *busy) {
  char text[FR__SYSFS_TEXT];
  const ssize_t got = pread(fd, text, sizeof text - 1, 0);
  if (got <= 0)
    return false;
  text[got] = '\0';
  unsigned long long user, nice, system, idle, iowait, irq = 0, softirq = 0;
  if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
             &iowait, &irq, &softirq) < 4)
    return false;
  *busy = (double)user + (double)nice + (double)system + (double)irq + (double)softirq;
  return true;
}

static double process_s(void) { return (double)fr__clock_process_cpu_ns() * 1e-9; }

enum fr_status fr__host_init(fr__host *host, const char *root, fr_error *err) {
  char path[FR__SYSFS_PATH];
  snprintf(path, sizeof path, "%s/proc/stat", root);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fr__fail_errno(err, errno, "'%s' cannot be opened", path);
  double ticks;
  if (!read_ticks(fd, &ticks)) {
    close(fd);
    return fr__fail(err, FR_ERR_FORMAT, "'%s' does not begin with a line 'cpu'", path);
  }
  const long per_second = sysconf(_SC_CLK_TCK);
  host->stat = fd;
  host->tick_s = per_second > 0 ? 1.0 / (double)per_second : 0.01;
  host->process_start_s = process_s();
  host->stat_start_s = ticks * host->tick_s;
  host->other_s = 0;
  return FR_OK;
}

void fr__host_release(fr__host *host) {
  if (host->stat >= 0)
    close(host->stat);
  host->stat = -1;
}

void fr__host_read(fr__host *host, fr__load *out) {
  double ticks = 0;
  const bool known = read_ticks(host->stat, &ticks);
  out->t_ns = fr__clock_ns();
  out->process_s = process_s() - host->process_start_s;
  const double other_s = ticks * host->tick_s - host->stat_start_s - out->process_s;
  if (known && other_s > host->other_s)
    host->other_s = other_s;
  out->busy_s = out->process_s + host->other_s;
}
