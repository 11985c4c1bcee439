/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller of a run never waits for a thread to wake: it works through the tasks itself
 * and, when none is left, waits for those only that have joined. A thread that wakes too
 * late finds the run closed and sleeps on.
 */
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"

typedef struct worker {
  fr__pool *pool;
  pthread_t thread;
} worker;

/* The tasks of a run. */
typedef struct job {
  fr__pool_task *task; /* NULL: closed, nobody joins any more */
  void *self;
  size_t count;
} job;

struct fr__pool {
  pthread_mutex_t lock;
  pthread_cond_t begun; /* a run, or the end */
  pthread_cond_t left;  /* the last thread that had joined */
  job job;              /* under the lock, as are: */
  size_t joined;        /* threads at work on it, the caller aside */
  bool ending;
  atomic_size_t next; /* task that is not taken yet */
  atomic_flag busy;   /* a run is on */
  size_t workers;     /* threads started */
  worker worker[];    /* number of a thread: its place + 1 */
};

static void take_tasks(fr__pool *pool, const job *j, size_t number) {
  for (;;) {
    const size_t index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
    if (index >= j->count)
      return;
    j->task(j->self, index, number);
  }
}

/* Under the lock: is there something that a thread could do? */
static bool has_work(fr__pool *pool) {
  return pool->job.task != NULL &&
         atomic_load_explicit(&pool->next, memory_order_relaxed) < pool->job.count;
}

static void *worker_main(void *argument) {
  const worker *self = argument;
  fr__pool *pool = self->pool;
  const size_t number = (size_t)(self - pool->worker) + 1;
  pthread_mutex_lock(&pool->lock);
  while (!pool->ending) {
    if (!has_work(pool)) {
      pthread_cond_wait(&pool->begun, &pool->lock);
      continue;
    }
    const job j = pool->job;
    pool->joined++;
    pthread_mutex_unlock(&pool->lock);
    take_tasks(pool, &j, number);
    pthread_mutex_lock(&pool->lock);
    if (--pool->joined == 0)
      pthread_cond_signal(&pool->left);
  }
  pthread_mutex_unlock(&pool->lock);
  return NULL;
}

static void open_run(fr__pool *pool, const job *j) {
  const size_t helpful = j->count - 1;
  pthread_mutex_lock(&pool->lock);
  pool->job = *j;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  if (helpful >= pool->workers)
    pthread_cond_broadcast(&pool->begun);
  else
    for (size_t i = 0; i < helpful; i++)
      pthread_cond_signal(&pool->begun);
  pthread_mutex_unlock(&pool->lock);
}

static void close_run(fr__pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->job = (job){0};
  while (pool->joined > 0)
    pthread_cond_wait(&pool->left, &pool->lock);
  pthread_mutex_unlock(&pool->lock);
}

/* The number of the calling thread; 0 where it is none of the pool's own. */
static size_t own_number(const fr__pool *pool) {
  const pthread_t self = pthread_self();
  for (size_t i = 0; i < pool->workers; i++)
    if (pthread_equal(pool->worker[i].thread, self))
      return i + 1;
  return 0;
}

static void run_alone(fr__pool_task *task, void *self, size_t count, size_t number) {
  for (size_t i = 0; i < count; i++)
    task(self, i, number);
}

void fr__pool_run(fr__pool *pool, fr__pool_task *task, void *self, size_t count) {
  if (pool == NULL || pool->workers == 0) {
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

size_t fr__pool_threads(const fr__pool *pool) {
  return pool != NULL ? pool->workers + 1 : 1;
}

/* Starts the next thread, all signals blocked: they are for the program's own. */
static int start_worker(fr__pool *pool) {
  worker *w = &pool->worker[pool->workers];
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

enum fr_status fr__pool_new(size_t threads, fr__pool **out, fr_error *err) {
  if (threads > FR__POOL_THREADS)
    return fr__fail(err, FR_ERR_ARGUMENT, "%zu threads are more than the ceiling of %zu",
                    threads, FR__POOL_THREADS);
  if (threads == 0)
    threads = own_cpus();
  fr__pool *pool = calloc(1, sizeof *pool + (threads - 1) * sizeof *pool->worker);
  if (pool == NULL)
    return fr__fail_memory(err, "the threads");
  atomic_init(&pool->next, 0);
  atomic_flag_clear(&pool->busy);
  int failure = init_locks(pool);
  if (failure != 0) {
    free(pool);
    return fr__fail_errno(err, failure, "the locks of %zu threads", threads);
  }
  while (failure == 0 && pool->workers < threads - 1) {
    failure = start_worker(pool);
    pool->workers += failure == 0;
  }
  if (failure != 0) {
    const enum fr_status status =
        fr__fail_errno(err, failure, "only %zu of %zu threads can be started",
                       pool->workers + 1, threads);
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
  pool->ending = true;
  pthread_cond_broadcast(&pool->begun);
  pthread_mutex_unlock(&pool->lock);
  for (size_t i = 0; i < pool->workers; i++)
    pthread_join(pool->worker[i].thread, NULL);
  pthread_cond_destroy(&pool->left);
  pthread_cond_destroy(&pool->begun);
  pthread_mutex_destroy(&pool->lock);
  free(pool);
}
