/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phases: each thread has a tree of the paths that it was in and stands at one of its
 * nodes.
 *
 * The owner moves through its tree and writes three counters per node; nobody else does.
 * The sampler reads them without a lock: each counter only grows, and what the owner
 * spends since its last move is added under a version that is odd while the owner moves.
 * A thread's first phase, and a path's first visit, take the lock.
 */
#ifndef FR_METER_PHASE_H
#define FR_METER_PHASE_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "meter/ledger.h"

#define FR__PHASE_DEPTH 16
#define FR__PHASE_NODES                                                                  \
  256 /* paths of one thread; further ones count as their parent                         \
       */
#define FR__PHASE_NAME 64

typedef struct fr__node {
  _Atomic uint64_t count; /* times entered */
  _Atomic uint64_t wall_ns;
  _Atomic uint64_t cpu_ns;
  char name[FR__PHASE_NAME];
  char path[128];
  uint32_t parent, first_child,
      next_sibling; /* 0: none; node 0 is the root, "unmarked" */
  uint32_t depth;
  /* the sampler's, under the meter's lock: up to the last sample */
  uint64_t seen_count, seen_wall_ns, seen_cpu_ns;
  uint64_t base_count, base_wall_ns, base_cpu_ns; /* at the meter's start */
  uint64_t new_cpu_ns; /* in the sample that is being shared out */
  double energy_j, program_j;
  double shared_energy_j,
      shared_program_j; /* of these, beside other phases in one sample */
} fr__node;

typedef struct fr__thread {
  struct fr__thread *next;
  uint64_t owner; /* never used for another thread, unlike pthread_t */
  clockid_t clock;
  uint32_t skipped;         /* begins that no node was made for; the owner's */
  uint64_t read_wall_ns;    /* when the CPU clock was last read; the owner's */
  _Atomic uint32_t version; /* odd while the owner moves */
  _Atomic uint32_t current;
  _Atomic uint64_t moved_wall_ns, moved_cpu_ns; /* clocks at the last move */
  _Atomic uint32_t count;                       /* nodes in use */
  fr__node node[FR__PHASE_NODES];
} fr__thread;

typedef struct fr__phases {
  uint64_t id;          /* never used for another meter, unlike its address */
  pthread_mutex_t lock; /* of the list's growth */
  fr__thread *_Atomic first;
  double unmarked_shared_energy_j, unmarked_shared_program_j;
} fr__phases;

void fr__phases_init(fr__phases *phases);
void fr__phases_release(fr__phases *phases);

/* On the calling thread, any time. */
void fr__phases_begin(fr__phases *phases, const char *name);
void fr__phases_end(fr__phases *phases);

/* The sampler's; one caller at a time. restart: figures are counted from here on. */
void fr__phases_restart(fr__phases *phases);
void fr__phases_share(fr__phases *phases, const fr__step *step);

/* Rows by path, "unmarked" last: what the wholes, those of the report, hold beyond the
 * phases. *phase is the caller's (free). */
enum fr_status fr__phases_report(const fr__phases *phases, const fr_meter_report *whole,
                                 fr_phase_report **phase, size_t *count, fr_error *err);

#endif
