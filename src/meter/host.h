/* SPDX-License-Identifier: Apache-2.0 */
/* Who was busy: the machine's busy core-seconds and this program's. */
#ifndef FR_METER_HOST_H
#define FR_METER_HOST_H

#include "frugal/base.h"
#include "meter/world.h"

typedef struct fr__load {
  uint64_t t_ns;     /* monotonic, time that the machine was suspended included */
  uint64_t awake_ns; /* the same without that time */
  double process_s;  /* CPU time of all threads of this process */
  double busy_s;     /* core-seconds of the machine, this process included */
  double late_s;     /* of others, counted already and not in busy_s yet */
} fr__load;

typedef struct fr__host {
  fr__world *world;  /* borrowed */
  fr__channel *stat; /* /proc/stat; NULL: it cannot be read */
  double tick_s;
  double process_start_s;
  double stat_start_s;
  uint64_t rest_ns;   /* /proc/stat is read no sooner than this after the last time: it
                         costs more than all else, and says nothing new within a tick */
  uint64_t read_ns;   /* when it was */
  uint64_t spread_ns; /* what ticks bring is given out over this time */
  uint64_t grown_ns;  /* when they last brought something */
  size_t cores;       /* logical processors; 0: not known, and nothing is spread */
  double counted_s;   /* of other programs since init, as far as it was counted */
  double other_s;     /* of it, what is in busy_s; never falls */
  double told_s; /* what they are known to have had at least, in nanoseconds' steps */
  uint64_t start_awake_ns;
  uint64_t before_ns, before_awake_ns; /* at the read before … */
  double before_s;                     /* … with this process's time */
  bool last; /* no more follow: all that is counted is given out */
} fr__host;

/* This process's CPU time is always real, /proc/stat the world's; in a recording this
 * process has no part. Load is counted from here on. Fails where `needed` and /proc/stat
 * cannot be read. */
enum fr_status fr__host_init(fr__host *host, fr__world *world, bool needed,
                             fr_error *err);
void fr__host_release(fr__host *host);

/* The world's clocks; no load. */
fr__load fr__host_now(fr__world *world);

/*
 * The load since init. The kernel counts the machine in ticks of 10 ms and a process in
 * nanoseconds: busy_s is the process's own time plus what /proc/stat has beyond it, so
 * that two loads of this program that differ never look the same. What ticks bring at
 * once was not spent at once: it is given out until the next ones are looked for, and
 * never faster than all cores can work.
 */
void fr__host_read(fr__host *host, fr__load *out);

/* What busy_s may be off by, of each processor, beside late_s: a tick, and what is not
 * looked at yet. */
double fr__host_slack_s(const fr__host *host);

#endif
