/* SPDX-License-Identifier: Apache-2.0 */
/* A program for the meter to watch: a function that runs in a process of its own, held
 * back at a gate until the meter is ready. */
#ifndef FR_TEST_METER_PROGRAM_H
#define FR_TEST_METER_PROGRAM_H

#include "tree.h"

#include "../test.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "frugal/processes.h"

typedef struct program {
  pid_t pid;
  int gate;
  bool ended;
  double core_s; /* of wait4, once ended: its waited-for children included */
} program;

/* A child that gives itself a name, runs and ends. */
static inline pid_t start(const char *name, void (*run)(void)) {
  const pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    prctl(PR_SET_NAME, name);
    run();
    _exit(0);
  }
  return pid;
}

static inline program program_hold(const char *name, void (*run)(void)) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    char byte;
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 1)
      _exit(1);
    prctl(PR_SET_NAME, name);
    run();
    _exit(0);
  }
  close(ends[0]);
  return (program){.pid = pid, .gate = ends[1]};
}

static inline void program_go(program *p) {
  assert_int_equal(write(p->gate, "", 1), 1);
  close(p->gate);
}

static inline double core_s_of(const struct rusage *use) {
  return (double)use->ru_utime.tv_sec + (double)use->ru_stime.tv_sec +
         ((double)use->ru_utime.tv_usec + (double)use->ru_stime.tv_usec) * 1e-6;
}

static inline bool program_ended(program *p) {
  struct rusage use;
  if (!p->ended && wait4(p->pid, NULL, WNOHANG, &use) == p->pid) {
    p->ended = true;
    p->core_s = core_s_of(&use);
  }
  return p->ended;
}

/* Waits for all children of the calling process. */
static inline void wait_all(void) {
  while (wait(NULL) > 0)
    ;
}

static inline const fr_process_report *row_named(const fr_processes_report *report,
                                                 const char *name) {
  for (size_t i = 0; i < report->count; i++)
    if (strcmp(report->process[i].name, name) == 0)
      return &report->process[i];
  return NULL;
}

/* What two readings of one machine may differ by: some ticks of the kernel's. */
static inline fr_measure joules(double value) {
  return (fr_measure){value, value, value, FR_UNIT_JOULE, FR_SOURCE_MODEL};
}

static inline fr_measure watts(double low, double value, double high) {
  return (fr_measure){value, low, high, FR_UNIT_WATT, FR_SOURCE_MODEL};
}

#endif
