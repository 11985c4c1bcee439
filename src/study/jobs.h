/* SPDX-License-Identifier: Apache-2.0 */
/* Cells run side by side, each in a process of its own on a core of its own. */
#ifndef FR_STUDY_JOBS_H
#define FR_STUDY_JOBS_H

#include "study/study.h"

#define FR__CORES ((size_t)1024) /* ceiling */

/* Cores that this process may use, a CPU of each, those that are idle first; how many
 * there are. *idle: how many of them were idle just now, as far as the limits of control
 * groups go. Takes 150 ms. */
size_t fr__cores_find(size_t cpu[FR__CORES], size_t *idle);

/* ---- what parent and worker tell each other ---- */

enum fr__frame_kind {
  FR__FRAME_RUN,      /* to the worker: number of the run; behind it the source's JSON */
  FR__FRAME_PROGRESS, /* share of the run that is done */
  FR__FRAME_SAMPLES,  /* fr_store_sample, as they lie */
  FR__FRAME_RESULT,   /* the run's JSON */
  FR__FRAME_FAILED    /* fr_error */
};

typedef struct fr__frame {
  enum fr__frame_kind kind;
  size_t run;
  size_t size; /* bytes that follow */
  double done;
} fr__frame;

/* False: the other side is gone. */
bool fr__frame_send(int socket, const fr__frame *frame, const void *bytes);
/* *bytes (size, and a NUL behind) is the caller's (free). */
bool fr__frame_receive(int socket, fr__frame *frame, char **bytes);

/* A worker's life: runs what it is told until the parent is gone, never returns. The plan
 * is the process's own copy. */
_Noreturn void fr__worker(fr__plan *plan, int socket);

/* ---- the parent ---- */

/* How many jobs `asked` (study.h) comes to; *cores (FR__CORES) are theirs in turn. */
size_t fr__jobs_count(size_t asked, size_t *cores, size_t *core_count);

/* Runs what the store does not hold, `jobs` at a time. */
enum fr_status fr__jobs_run(fr__plan *plan, fr_error *err);

/* ---- run.c, for both ways to run ---- */

enum fr_status fr__run_begin(fr__plan *plan, size_t i, fr_error *err);
/* Stores what came out of a run that has begun, NULL: it failed; takes `result`. */
enum fr_status fr__run_end(fr__plan *plan, size_t i, json_t *result,
                           const fr_store_sample *sample, size_t samples, fr_error *err);

#endif
