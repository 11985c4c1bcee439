/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of threads that sleep while there is nothing to do, from 50 us after the last
 * run on. One run at a time: the tasks of a run are numbered, and whoever is free takes
 * the next number, so which thread does which task is left to chance. A result that must
 * not depend on it is made of tasks that each write a part of their own.
 */
#ifndef FR_BASE_POOL_H
#define FR_BASE_POOL_H

#include "frugal/base.h"

#define FR__POOL_THREADS ((size_t)256) /* ceiling */

typedef struct fr__pool fr__pool;

/* `threads` counts the caller, which works too: 1 starts none; 0 stands for one for each
 * CPU that this process may run on. More than the ceiling is FR_ERR_ARGUMENT. Where a
 * thread cannot be started, those before it are ended and the call fails. The threads
 * take no signals. */
enum fr_status fr__pool_new(size_t threads, fr__pool **out, fr_error *err);

/* Ends the threads and waits for them; NULL is accepted. Not during a run. */
void fr__pool_free(fr__pool *pool);

size_t fr__pool_threads(const fr__pool *pool); /* 1 of NULL */

/* Task `index` of a run. `worker` < fr__pool_threads is the number of the thread that
 * runs it; the caller of the run is 0. */
typedef void fr__pool_task(void *self, size_t index, size_t worker);

/*
 * Runs task(self, index, worker) once for each index below `count`, on the caller and as
 * many of the threads as there is work for, and returns when all are done; the caller
 * then sees what they wrote. A NULL pool, one thread or one task: all in the caller, in
 * order, without a lock. So too while the pool is at work: a run from inside of a task
 * keeps the number of the task's thread, one from a thread beside is 0. Allocates
 * nothing.
 */
void fr__pool_run(fr__pool *pool, fr__pool_task *task, void *self, size_t count);

#endif
