/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/host.h"

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
static bool read_ticks(fr__channel *stat, double *busy) {
  char text[FR__SYSFS_TEXT];
  if (stat == NULL || fr__channel_text(stat, text, sizeof text) != 0)
    return false;
  unsigned long long user, nice, system, idle, iowait, irq = 0, softirq = 0;
  if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
             &iowait, &irq, &softirq) < 4)
    return false;
  *busy = (double)user + (double)nice + (double)system + (double)irq + (double)softirq;
  return true;
}

static double process_s(const fr__world *world) {
  return fr__world_is_replay(world) ? 0 : (double)fr__clock_process_cpu_ns() * 1e-9;
}

enum fr_status fr__host_init(fr__host *host, fr__world *world, bool needed,
                             fr_error *err) {
  *host = (fr__host){.world = world};
  const int failed = fr__world_open(world, "/proc/stat", &host->stat);
  if (failed != 0 && needed)
    return fr__fail_errno(err, failed, "'%s/proc/stat' cannot be opened",
                          fr__world_root(world));
  double ticks = 0;
  if (!read_ticks(host->stat, &ticks)) {
    fr__host_release(host);
    if (needed)
      return fr__fail(err, FR_ERR_FORMAT,
                      "'%s/proc/stat' does not begin with a line 'cpu'",
                      fr__world_root(world));
  }
  const long per_second = sysconf(_SC_CLK_TCK);
  host->tick_s = per_second > 0 ? 1.0 / (double)per_second : 0.01;
  host->process_start_s = process_s(world);
  host->stat_start_s = ticks * host->tick_s;
  return FR_OK;
}

void fr__host_release(fr__host *host) {
  fr__channel_close(host->stat);
  host->stat = NULL;
}

fr__load fr__host_now(fr__world *world) {
  fr__load load = {0};
  fr__world_clocks(world, &load.t_ns, &load.awake_ns);
  return load;
}

void fr__host_read(fr__host *host, fr__load *out) {
  double ticks = 0;
  *out = fr__host_now(host->world);
  const bool due = out->t_ns >= host->read_ns + host->rest_ns;
  const bool known = due && read_ticks(host->stat, &ticks);
  if (due)
    host->read_ns = out->t_ns;
  out->process_s = process_s(host->world) - host->process_start_s;
  const double other_s = ticks * host->tick_s - host->stat_start_s - out->process_s;
  if (known && other_s > host->other_s)
    host->other_s = other_s;
  out->busy_s = out->process_s + host->other_s;
}
