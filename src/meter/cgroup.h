/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control group (cgroup v2) of the program's own, where this user may make one: its CPU
 * time then holds everything that the program starts, however short-lived, in
 * microseconds. No controller is needed, a group counts its time by itself.
 */
#ifndef FR_METER_CGROUP_H
#define FR_METER_CGROUP_H

#include "frugal/base.h"

#define FR__CGROUP_PATH 512
#define FR__CGROUP_REASON 256

typedef struct fr__cgroup {
  char path[FR__CGROUP_PATH]; /* ".../frugal-PID"; empty: none was made */
  int usage;                  /* its cpu.stat, kept open; -1: none */
} fr__cgroup;

/* Makes the group frugal-PID below this process's own and puts `pid` into it. Otherwise
 * false, with `reason` in a sentence, and nothing is left behind. Empty groups that a
 * killed meter left are removed. */
bool fr__cgroup_init(fr__cgroup *cgroup, int64_t pid, char reason[FR__CGROUP_REASON]);

/* What is still in it goes back to the group above, then it is removed. */
void fr__cgroup_release(fr__cgroup *cgroup);

/* CPU time of all that was ever in it, in seconds; false where it cannot be read. */
bool fr__cgroup_usage(const fr__cgroup *cgroup, double *cpu_s);

/* The processes in it now. */
void fr__cgroup_each(const fr__cgroup *cgroup, void (*each)(void *self, int64_t pid),
                     void *self);

/* The folder of the group that /proc/self/cgroup tells, from that text and the one of
 * /proc/self/mountinfo; false with a reason where it is in no cgroup v2. */
bool fr__cgroup_own(const char *self_cgroup, const char *mountinfo,
                    char path[FR__CGROUP_PATH], char reason[FR__CGROUP_REASON]);

#endif
