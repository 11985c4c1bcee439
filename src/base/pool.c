/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller of a run never waits for a thread to wake: it works through the tasks itself
 * and, when none is left, waits for those only that have joined. A thread that wakes too
 * late finds the run closed.
 *
 * A run is handed over by one word, the gate: its number, whether it is open, and how
 * many threads have joined. After a run a thread watches the gate for SPIN_NS, which
 * takes it into the next run within a microsecond, then sleeps. To watch for as long as a
 * sleep costs is never worse than twice the best that one could do who knew when the next
 * run comes (Karlin, Manasse, McGeoch and Owicki 1994, Competitive randomized algorithms
 * for nonuniform problems, section 2); and a pool without runs sleeps.
 */
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"

#define SPIN_NS 50000u /* what it costs to wake a thread on a virtual machine */
#define LOOKS 32       /* at the gate, for one at the clock */

#define GATE_OPEN ((uint64_t)1 << 31) /* threads may join */
#define GATE_JOINED (GATE_OPEN - 1)   /* how many have, the caller aside */
#define GATE_RUN ((uint64_t)1 << 32)  /* the number of the run, from this bit on */

/* One for each thread, the caller the first. */
typedef struct worker {
  _Alignas(FR__ALIGN) atomic_size_t next; /* of its share of the tasks, not taken yet */
  size_t end;
  fr__pool *pool;
  pthread_t thread; /* not of the caller */
} worker;

/* The tasks of a run. */
typedef struct job {
  fr__pool_task *task;
  void *self;
  size_t count;
} job;

struct fr__pool {
  _Atomic uint64_t gate;
  job job;          /* written while the gate is closed and nobody is inside, as are
                       the shares */
  atomic_flag busy; /* a run is on */
  uint64_t spin_ns; /* 0: with more threads than CPUs watching would hold up work */

  pthread_mutex_t lock;
  pthread_cond_t begun;   /* a run, or the end */
  pthread_cond_t left;    /* the last thread that had joined */
  atomic_size_t sleeping; /* threads that wait for `begun` */
  atomic_bool waiting;    /* the caller waits for `left` */
  atomic_bool ending;

  size_t threads;  /* started, and the caller */
  worker worker[]; /* number of a thread: its place */
};

/* Its own share first, so that from run to run the same thread works on the same part of
 * an array, which then lies in its core's cache; then what others have left. */
static void take_tasks(fr__pool *pool, const job *j, size_t number) {
  for (size_t i = 0; i < pool->threads; i++) {
    worker *of = &pool->worker[(number + i) % pool->threads];
    size_t index;
    while ((index = atomic_fetch_add_explicit(&of->next, 1, memory_order_relaxed)) <
           of->end)
      j->task(j->self, index, number);
  }
}

static void share_out(fr__pool *pool, size_t count) {
  for (size_t i = 0; i < pool->threads; i++) {
    const size_t first = count * i / pool->threads;
    atomic_store_explicit(&pool->worker[i].next, first, memory_order_relaxed);
    pool->worker[i].end = count * (i + 1) / pool->threads;
  }
}

/* ---- watching the gate ---- */

static void look_away(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Whether what a thread waits for is there; `run` is the one that it did last. */
typedef bool condition(fr__pool *pool, uint64_t run);

static bool is_called(fr__pool *pool, uint64_t run) {
  const uint64_t gate = atomic_load(&pool->gate);
  return (gate / GATE_RUN != run && (gate & GATE_OPEN) != 0) ||
         atomic_load(&pool->ending);
}

static bool is_empty(fr__pool *pool, uint64_t run) {
  (void)run;
  return (atomic_load(&pool->gate) & GATE_JOINED) == 0;
}

/* False: it did not come within the time that a sleep costs. */
static bool watch(fr__pool *pool, condition *is_there, uint64_t run) {
  if (is_there(pool, run))
    return true;
  const uint64_t start = pool->spin_ns > 0 ? fr__clock_ns() : 0;
  while (pool->spin_ns > 0 && fr__clock_ns() - start < pool->spin_ns)
    for (size_t i = 0; i < LOOKS; i++) {
      if (is_there(pool, run))
        return true;
      look_away();
    }
  return false;
}

/* ---- threads ----
 *
 * One who goes to sleep says so and looks once more; one who brings what he waits for
 * does it and looks then whether anybody sleeps. In the one order that all of these have
 * at least one of the two sees the other.
 */

static void await_call(fr__pool *pool, uint64_t run) {
  if (watch(pool, is_called, run))
    return;
  pthread_mutex_lock(&pool->lock);
  atomic_fetch_add(&pool->sleeping, 1);
  while (!is_called(pool, run))
    pthread_cond_wait(&pool->begun, &pool->lock);
  atomic_fetch_sub(&pool->sleeping, 1);
  pthread_mutex_unlock(&pool->lock);
}

/* False: the gate is closed. */
static bool join(fr__pool *pool, uint64_t *run, job *out) {
  uint64_t gate = atomic_load(&pool->gate);
  while ((gate & GATE_OPEN) != 0)
    if (atomic_compare_exchange_weak(&pool->gate, &gate, gate + 1)) {
      *run = gate / GATE_RUN;
      *out = pool->job;
      return true;
    }
  return false;
}

static void leave(fr__pool *pool) {
  const uint64_t before = atomic_fetch_sub(&pool->gate, 1);
  if ((before & GATE_JOINED) > 1 || !atomic_load(&pool->waiting))
    return;
  pthread_mutex_lock(&pool->lock);
  pthread_cond_signal(&pool->left);
  pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *argument) {
  const worker *self = argument;
  fr__pool *pool = self->pool;
  const size_t number = (size_t)(self - pool->worker);
  uint64_t run = 0;
  job j;
  for (;;) {
    await_call(pool, run);
    if (atomic_load(&pool->ending))
      return NULL;
    if (!join(pool, &run, &j))
      continue;
    take_tasks(pool, &j, number);
    leave(pool);
  }
}

/* ---- the caller ---- */

static void open_run(fr__pool *pool, const job *j) {
  const uint64_t run = atomic_load(&pool->gate) / GATE_RUN + 1;
  pool->job = *j;
  share_out(pool, j->count);
  atomic_store(&pool->gate, run * GATE_RUN | GATE_OPEN);
  const size_t sleeping = atomic_load(&pool->sleeping);
  const size_t helpful = j->count - 1, awake = pool->threads - 1 - sleeping;
  if (sleeping == 0 || helpful <= awake)
    return;
  pthread_mutex_lock(&pool->lock);
  if (helpful >= pool->threads - 1)
    pthread_cond_broadcast(&pool->begun);
  else
    for (size_t i = awake; i < helpful; i++)
      pthread_cond_signal(&pool->begun);
  pthread_mutex_unlock(&pool->lock);
}

static void close_run(fr__pool *pool) {
  atomic_fetch_and(&pool->gate, ~GATE_OPEN);
  if (watch(pool, is_empty, 0))
    return;
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->waiting, true);
  while (!is_empty(pool, 0))
    pthread_cond_wait(&pool->left, &pool->lock);
  atomic_store(&pool->waiting, false);
  pthread_mutex_unlock(&pool->lock);
}

/* The number of the calling thread; 0 where it is none of the pool's own. */
static size_t own_number(const fr__pool *pool) {
  const pthread_t self = pthread_self();
  for (size_t i = 1; i < pool->threads; i++)
    if (pthread_equal(pool->worker[i].thread, self))
      return i;
  return 0;
}

static void run_alone(fr__pool_task *task, void *self, size_t count, size_t number) {
  for (size_t i = 0; i < count; i++)
    task(self, i, number);
}

void fr__pool_run(fr__pool *pool, fr__pool_task *task, void *self, size_t count) {
  if (pool == NULL || pool->threads == 1) {
    run_alone(task, self, count, 0);
  } else if (count < 2 || atomic_flag_test_and_set(&pool->busy)) {
    run_alone(task, self, count, own_number(pool));
  } else {
    const job j = {.task = task, .self = self, .count = count};
    open_run(pool, &j);
    take_tasks(pool, &j, 0);
    close_run(pool);
    atomic_flag_clear(&pool->busy);
  }
}

size_t fr__pool_threads(const fr__pool *pool) { return pool != NULL ? pool->threads : 1; }

/* Starts the next thread, all signals blocked: they are for the program's own. */
static int start_worker(fr__pool *pool) {
  worker *w = &pool->worker[pool->threads];
  sigset_t all, before;
  w->pool = pool;
  sigfillset(&all);
  int failure = pthread_sigmask(SIG_SETMASK, &all, &before);
  if (failure != 0)
    return failure;
  failure = pthread_create(&w->thread, NULL, worker_main, w);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failure;
}

static int init_locks(fr__pool *pool) {
  int failure = pthread_mutex_init(&pool->lock, NULL);
  if (failure != 0)
    return failure;
  failure = pthread_cond_init(&pool->begun, NULL);
  if (failure == 0) {
    failure = pthread_cond_init(&pool->left, NULL);
    if (failure != 0)
      pthread_cond_destroy(&pool->begun);
  }
  if (failure != 0)
    pthread_mutex_destroy(&pool->lock);
  return failure;
}

/* CPUs that this process may run on, at most the ceiling; 1 where the system does not
 * say. */
static size_t own_cpus(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  const size_t cpus = count > 0 ? (size_t)count : 1;
  return cpus < FR__POOL_THREADS ? cpus : FR__POOL_THREADS;
}

/* No thread is started yet. */
static fr__pool *new_pool(size_t threads) {
  const size_t size = sizeof(fr__pool) + threads * sizeof(worker);
  fr__pool *pool = aligned_alloc(FR__ALIGN, size);
  if (pool == NULL)
    return NULL;
  memset(pool, 0, size);
  atomic_flag_clear(&pool->busy);
  pool->spin_ns = threads <= own_cpus() ? SPIN_NS : 0;
  pool->threads = 1;
  return pool;
}

enum fr_status fr__pool_new(size_t threads, fr__pool **out, fr_error *err) {
  if (threads > FR__POOL_THREADS)
    return fr__fail(err, FR_ERR_ARGUMENT, "%zu threads are more than the ceiling of %zu",
                    threads, FR__POOL_THREADS);
  if (threads == 0)
    threads = own_cpus();
  fr__pool *pool = new_pool(threads);
  if (pool == NULL)
    return fr__fail_memory(err, "the threads");
  int failure = init_locks(pool);
  if (failure != 0) {
    free(pool);
    return fr__fail_errno(err, failure, "the locks of %zu threads", threads);
  }
  while (failure == 0 && pool->threads < threads) {
    failure = start_worker(pool);
    pool->threads += failure == 0;
  }
  if (failure != 0) {
    const enum fr_status status = fr__fail_errno(
        err, failure, "only %zu of %zu threads can be started", pool->threads, threads);
    fr__pool_free(pool);
    return status;
  }
  *out = pool;
  return FR_OK;
}

void fr__pool_free(fr__pool *pool) {
  if (pool == NULL)
    return;
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->ending, true);
  pthread_cond_broadcast(&pool->begun);
  pthread_mutex_unlock(&pool->lock);
  for (size_t i = 1; i < pool->threads; i++)
    pthread_join(pool->worker[i].thread, NULL);
  pthread_cond_destroy(&pool->left);
  pthread_cond_destroy(&pool->begun);
  pthread_mutex_destroy(&pool->lock);
  free(pool);
}
