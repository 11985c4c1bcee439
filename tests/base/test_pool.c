/* SPDX-License-Identifier: Apache-2.0 */
/* A pool of threads: every task once, asleep when idle, whole when something fails. */
#include "../test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/pool.h"

#define MOST ((size_t)8)

/* ---- the linker puts these before the C library's ---- */

static atomic_size_t allocations;
static size_t allocation_to_fail; /* 1: the next; 0: none */
static size_t thread_to_fail;     /* 1: the next; 0: none */
static size_t threads_started, threads_joined;

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*function)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*function)(void *), void *argument);
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result);

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  atomic_fetch_add(&allocations, 1);
  if (allocation_to_fail > 0 && --allocation_to_fail == 0)
    return NULL;
  return __real_aligned_alloc(alignment, size);
}

void *__wrap_malloc(size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __real_malloc(size);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*function)(void *), void *argument) {
  if (thread_to_fail > 0 && --thread_to_fail == 0)
    return EAGAIN;
  threads_started++;
  return __real_pthread_create(thread, attributes, function, argument);
}

int __wrap_pthread_join(pthread_t thread, void **result) {
  threads_joined++;
  return __real_pthread_join(thread, result);
}

static fr__pool *pool_of(size_t threads) {
  fr__pool *pool = NULL;
  ASSERT_OK(fr__pool_new(threads, &pool, err));
  assert_int_equal(fr__pool_threads(pool), threads);
  return pool;
}

/* ---- tasks ---- */

#define TASKS ((size_t)100)

typedef struct tally {
  size_t threads;
  unsigned done[TASKS]; /* plain: two threads on one of them are a race */
  atomic_bool in_use[MOST];
  atomic_size_t wrong;
} tally;

static void count_task(void *self, size_t index, size_t worker) {
  tally *t = self;
  if (index >= TASKS || worker >= t->threads) {
    atomic_fetch_add(&t->wrong, 1);
    return;
  }
  if (atomic_exchange(&t->in_use[worker], true))
    atomic_fetch_add(&t->wrong, 1);
  t->done[index]++;
  atomic_store(&t->in_use[worker], false);
}

static void test_each_task_runs_once(void **state) {
  (void)state;
  for (size_t threads = 1; threads <= MOST; threads++) {
    fr__pool *pool = pool_of(threads);
    tally t = {.threads = threads};
    unsigned want[TASKS] = {0};
    for (size_t run = 0; run < 3000; run++) {
      const size_t count = run % (TASKS + 1);
      fr__pool_run(pool, count_task, &t, count);
      for (size_t i = 0; i < count; i++)
        want[i]++;
    }
    assert_memory_equal(t.done, want, sizeof want);
    assert_int_equal(atomic_load(&t.wrong), 0);
    fr__pool_free(pool);
  }
}

static void test_without_a_pool_in_order(void **state) {
  (void)state;
  tally t = {.threads = 1};
  fr__pool_run(NULL, count_task, &t, TASKS);
  for (size_t i = 0; i < TASKS; i++)
    assert_int_equal(t.done[i], 1);
  assert_int_equal(fr__pool_threads(NULL), 1);
  fr__pool_free(NULL);
}

/* Each task waits for all others: it ends only if every thread of the pool takes one. */
typedef struct meeting {
  pthread_barrier_t all;
  atomic_size_t open_signals;
} meeting;

static void meet_task(void *self, size_t index, size_t worker) {
  meeting *m = self;
  sigset_t blocked;
  (void)index;
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  if (worker != 0 && (!sigismember(&blocked, SIGINT) || !sigismember(&blocked, SIGTERM) ||
                      !sigismember(&blocked, SIGCHLD)))
    atomic_fetch_add(&m->open_signals, 1);
  pthread_barrier_wait(&m->all);
}

static void test_all_threads_help_and_take_no_signals(void **state) {
  (void)state;
  for (size_t threads = 1; threads <= MOST; threads++) {
    fr__pool *pool = pool_of(threads);
    meeting m = {.open_signals = 0};
    assert_int_equal(pthread_barrier_init(&m.all, NULL, (unsigned)threads), 0);
    for (size_t run = 0; run < 200; run++)
      fr__pool_run(pool, meet_task, &m, threads);
    assert_int_equal(atomic_load(&m.open_signals), 0);
    pthread_barrier_destroy(&m.all);
    fr__pool_free(pool);
  }
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  assert_false(sigismember(&blocked, SIGINT)); /* the caller's own are as before */
}

typedef struct outer {
  fr__pool *pool;
  size_t done[TASKS];
  atomic_size_t wrong;
} outer;

typedef struct inner {
  outer *of;
  size_t index, worker, next;
} inner;

static void inner_task(void *self, size_t index, size_t worker) {
  inner *n = self;
  if (worker != n->worker || index != n->next++)
    atomic_fetch_add(&n->of->wrong, 1);
  n->of->done[n->index]++;
}

static void outer_task(void *self, size_t index, size_t worker) {
  outer *o = self;
  inner n = {.of = o, .index = index, .worker = worker};
  fr__pool_run(o->pool, inner_task, &n, index % 3); /* one task alone, too */
}

static void test_a_run_inside_a_task_is_serial(void **state) {
  (void)state;
  outer o = {.pool = pool_of(4)};
  for (size_t run = 0; run < 500; run++)
    fr__pool_run(o.pool, outer_task, &o, TASKS);
  for (size_t i = 0; i < TASKS; i++)
    assert_int_equal(o.done[i], 500 * (i % 3));
  assert_int_equal(atomic_load(&o.wrong), 0);
  fr__pool_free(o.pool);
}

static void add_task(void *self, size_t index, size_t worker) {
  (void)worker;
  ((unsigned *)self)[index]++;
}

static void *run_beside(void *pool) {
  unsigned done[TASKS] = {0};
  for (size_t run = 0; run < 1000; run++)
    fr__pool_run(pool, add_task, done, TASKS);
  for (size_t i = 0; i < TASKS; i++)
    if (done[i] != 1000)
      return pool;
  return NULL;
}

static void test_two_callers_at_once(void **state) {
  (void)state;
  fr__pool *pool = pool_of(3);
  pthread_t other;
  void *failed = NULL;
  assert_int_equal(pthread_create(&other, NULL, run_beside, pool), 0);
  assert_null(run_beside(pool));
  assert_int_equal(pthread_join(other, &failed), 0);
  assert_null(failed);
  fr__pool_free(pool);
}

static void rest(long milliseconds) {
  const struct timespec t = {.tv_nsec = milliseconds * 1000000L};
  nanosleep(&t, NULL);
}

/* With as many threads as CPUs they watch for the next run first, but not for long. */
static void test_sleeps_when_idle(void **state) {
  (void)state;
  for (size_t threads = 2; threads <= MOST; threads += MOST - 2) {
    fr__pool *pool = pool_of(threads);
    tally t = {.threads = threads};
    for (size_t run = 0; run < 100; run++)
      fr__pool_run(pool, count_task, &t, TASKS);
    rest(20); /* those who woke too late go back to sleep */
    const uint64_t before = fr__clock_process_cpu_ns();
    rest(200);
    assert_in_range(fr__clock_process_cpu_ns() - before, 0, 5000000);
    fr__pool_free(pool);
  }
}

/* Between runs of all kinds of rests threads sleep, watch or are on their way from one to
 * the other: each run must find them all. */
static void test_runs_at_any_distance(void **state) {
  (void)state;
  fr__pool *pool = pool_of(2);
  meeting m = {.open_signals = 0};
  assert_int_equal(pthread_barrier_init(&m.all, NULL, 2), 0);
  for (size_t run = 0; run < 2000; run++) {
    const uint64_t start = fr__clock_ns(), distance = run % 100 * 1000;
    while (fr__clock_ns() - start < distance)
      ;
    fr__pool_run(pool, meet_task, &m, 2);
  }
  pthread_barrier_destroy(&m.all);
  fr__pool_free(pool);
}

static void test_freed_right_after_work(void **state) {
  (void)state;
  for (size_t i = 0; i < 300; i++) {
    fr__pool *pool = pool_of(1 + i % MOST);
    tally t = {.threads = MOST};
    if (i % 3 != 0)
      fr__pool_run(pool, count_task, &t, i % TASKS);
    fr__pool_free(pool);
  }
  assert_int_equal(threads_started, threads_joined);
}

static void test_a_run_allocates_nothing(void **state) {
  (void)state;
  fr__pool *pool = pool_of(4);
  tally t = {.threads = 4};
  fr__pool_run(pool, count_task, &t, TASKS);
  const size_t before = atomic_load(&allocations);
  for (size_t run = 0; run < 100; run++)
    fr__pool_run(pool, count_task, &t, TASKS);
  assert_int_equal(atomic_load(&allocations), before);
  fr__pool_free(pool);
}

static void test_as_many_as_cpus(void **state) {
  (void)state;
  fr__pool *pool = NULL;
  ASSERT_OK(fr__pool_new(0, &pool, err));
  assert_in_range(fr__pool_threads(pool), 1, FR__POOL_THREADS);
  fr__pool_free(pool);
}

static void test_too_many_are_refused(void **state) {
  (void)state;
  fr__pool *pool = NULL;
  fr_error err = {0};
  assert_int_equal(fr__pool_new(257, &pool, &err), FR_ERR_ARGUMENT);
  assert_string_equal(err.text, "257 threads are more than the ceiling of 256");
  assert_int_equal(fr__pool_new(SIZE_MAX, &pool, NULL), FR_ERR_ARGUMENT);
  assert_null(pool);
}

/* Whichever thread cannot be started, those before it are ended. */
static void test_a_thread_that_cannot_start(void **state) {
  (void)state;
  for (size_t bad = 1; bad <= 4; bad++) {
    fr__pool *pool = NULL;
    fr_error err = {0};
    char want[40];
    const size_t started = threads_started, joined = threads_joined;
    thread_to_fail = bad;
    assert_int_equal(fr__pool_new(5, &pool, &err), FR_ERR_IO);
    snprintf(want, sizeof want, "only %zu of 5 threads", bad);
    assert_non_null(strstr(err.text, want));
    assert_null(pool);
    assert_int_equal(threads_started - started, bad - 1);
    assert_int_equal(threads_joined - joined, bad - 1);
  }
}

static void test_without_memory(void **state) {
  (void)state;
  fr__pool *pool = NULL;
  allocation_to_fail = 1;
  assert_int_equal(fr__pool_new(5, &pool, NULL), FR_ERR_MEMORY);
  assert_null(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_task_runs_once),
      cmocka_unit_test(test_without_a_pool_in_order),
      cmocka_unit_test(test_all_threads_help_and_take_no_signals),
      cmocka_unit_test(test_a_run_inside_a_task_is_serial),
      cmocka_unit_test(test_two_callers_at_once),
      cmocka_unit_test(test_sleeps_when_idle),
      cmocka_unit_test(test_runs_at_any_distance),
      cmocka_unit_test(test_freed_right_after_work),
      cmocka_unit_test(test_a_run_allocates_nothing),
      cmocka_unit_test(test_as_many_as_cpus),
      cmocka_unit_test(test_too_many_are_refused),
      cmocka_unit_test(test_a_thread_that_cannot_start),
      cmocka_unit_test(test_without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
