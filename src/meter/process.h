/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel tells about processes. Two sources behind one table: this machine (CPU
 * clocks of whole processes in nanoseconds, one system call each, /proc/PID/stat only for
 * what is new) and a tree of files that stands for it.
 */
#ifndef FR_METER_PROCESS_H
#define FR_METER_PROCESS_H

#include "frugal/base.h"
#include "meter/world.h"

#define FR__PROCESS_NAME 64
#define FR__PROCESS_STAT 1024 /* bytes of a stat line; the name in it has 64 at most */
#define FR__PROCESSES 65536   /* ceiling of how many are looked at one by one */

/* /proc/PID/stat, proc(5). */
typedef struct fr__process_stat {
  int64_t pid;
  int64_t parent;
  uint64_t start_ticks; /* since boot: with the pid it names a process for good */
  uint32_t threads;
  double own_s;      /* CPU time of all its threads, in ticks */
  double children_s; /* of children that it has waited for, and theirs; in ticks */
  char name[FR__PROCESS_NAME];
} fr__process_stat;

/* The name may hold any bytes, brackets and newlines too: it ends at the last ')'. False
 * where `text` is no such line. */
bool fr__process_parse(const char *text, size_t size, double tick_s,
                       fr__process_stat *out);

/* For people: what is no printable UTF-8 becomes '?', cut at a character's end. */
void fr__process_name(const char *bytes, size_t size, char name[FR__PROCESS_NAME]);

/* What an interpreter runs, from /proc/PID/cmdline (`size` bytes, NUL between words):
 * "python3" becomes "python3 train.py", where `name` is that of an interpreter and a
 * script or module is named. */
void fr__process_script(const char *words, size_t size, char name[FR__PROCESS_NAME]);
bool fr__process_is_interpreter(const char *name);

/*
 * The nanoseconds of /proc/PID/schedstat are the first thread's alone: they are taken
 * where they agree with the process's ticks, each of two cut at a tick.
 */
double fr__process_schedstat(const char *text, double ticks_s, double tick_s);

/* Core-seconds of the machine since boot: user, nice, system, irq and softirq of the
 * first line of /proc/stat; neither rest nor what other guests took. */
bool fr__process_busy(const char *text, double tick_s, double *busy_s);

typedef struct fr__pids {
  int64_t *pid; /* (count) rising; owned */
  size_t count, room;
} fr__pids;

typedef struct fr__process_source fr__process_source;

typedef struct fr__process_ops {
  /* Whether there may be new pids since the call before, and in which range, from < pid
   * <= to (it may wrap); both 0: any. */
  bool (*forked)(fr__process_source *source, int64_t *from, int64_t *to);
  /* 0 or errno; ESRCH: there is no such process (any more). */
  int (*list)(fr__process_source *source, fr__pids *out);
  /* Of a range that `forked` gave, those that are processes now, rising; false where it
   * is cheaper to list them all. NULL: always. */
  bool (*probe)(fr__process_source *source, int64_t from, int64_t to, fr__pids *out);
  int (*stat)(fr__process_source *source, int64_t pid, fr__process_stat *out);
  int (*own)(fr__process_source *source, int64_t pid, double *cpu_s);
  /* Its command line, NUL between words, *got bytes of it; 0 or errno. NULL: not told. */
  int (*words)(fr__process_source *source, int64_t pid, char *text, size_t size,
               size_t *got);
  int (*busy)(fr__process_source *source, double *busy_s);
} fr__process_ops;

struct fr__process_source {
  const fr__process_ops *ops;
  double tick_s;
  int proc, loadavg, stat; /* here: files kept open; -1: none */
  int64_t last_pid;        /* here: the newest one at the last look */
  fr__world *world;        /* not owned */
};

extern const fr__process_ops fr__process_here, fr__process_world;

/* `world` NULL: this machine. */
enum fr_status fr__process_source_init(fr__process_source *source, fr__world *world,
                                       fr_error *err);
void fr__process_source_release(fr__process_source *source);

/* Room for one more at the end; false at the ceiling or out of memory. */
bool fr__pids_add(fr__pids *pids, int64_t pid);

/* A whole name of digits, as /proc lists them; 0 for others. */
int64_t fr__pid_parse(const char *name);

#endif
