/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/host.h"

#include <math.h>
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
  const fr__load load = fr__host_now(world);
  host->before_ns = load.t_ns;
  host->start_awake_ns = host->before_awake_ns = load.awake_ns;
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

/* Counts what others have had, where it is time to look. */
static void count_others(fr__host *host, const fr__load *now) {
  double ticks = 0;
  const bool due = host->last || now->t_ns >= host->read_ns + host->rest_ns;
  const bool known = due && read_ticks(host->stat, &ticks);
  if (due)
    host->read_ns = now->t_ns;
  double counted_s = fmax(host->counted_s, host->told_s);
  if (known)
    counted_s =
        fmax(counted_s, ticks * host->tick_s - host->stat_start_s - now->process_s);
  if (counted_s > host->counted_s)
    host->grown_ns = now->t_ns;
  host->counted_s = counted_s;
}

/* What all cores can have done since then, less this process's part. */
static double room_s(const fr__host *host, const fr__load *now, uint64_t since_awake_ns,
                     double process_s) {
  const double span_s = (double)(now->awake_ns - since_awake_ns) * 1e-9;
  return fmax((double)host->cores * span_s - process_s, 0);
}

/* Of what is counted and not given out yet, what is given out now. */
static double part_of(const fr__host *host, const fr__load *now) {
  const double waiting_s = host->counted_s - host->other_s;
  if (host->cores == 0)
    return waiting_s;
  if (host->last)
    return fmin(
        waiting_s,
        fmax(room_s(host, now, host->start_awake_ns, now->process_s) - host->other_s, 0));
  const uint64_t next_ns = host->grown_ns + host->spread_ns;
  const double span_s = (double)(now->t_ns - host->before_ns);
  const double until_s = next_ns > now->t_ns ? (double)(next_ns - host->before_ns) : 0;
  const double spread_s = until_s > span_s ? waiting_s * span_s / until_s : waiting_s;
  return fmin(spread_s,
              room_s(host, now, host->before_awake_ns, now->process_s - host->before_s));
}

void fr__host_read(fr__host *host, fr__load *out) {
  *out = fr__host_now(host->world);
  out->process_s = process_s(host->world) - host->process_start_s;
  count_others(host, out);
  host->other_s += part_of(host, out);
  out->busy_s = out->process_s + host->other_s;
  out->late_s = host->counted_s - host->other_s;
  host->before_ns = out->t_ns;
  host->before_awake_ns = out->awake_ns;
  host->before_s = out->process_s;
}

double fr__host_slack_s(const fr__host *host) {
  return host->tick_s + (host->last ? 0 : (double)host->rest_ns * 1e-9);
}
