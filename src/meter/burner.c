/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/burner.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"

#define WORDS ((size_t)4 << 20) /* 32 MiB, read by all: beyond the caches of most */
#define PIECE ((size_t)1 << 16) /* words between two looks at what is asked */

struct fr__burners {
  pthread_t *thread; /* (count) owned */
  size_t count;
  uint64_t *memory; /* (WORDS) owned */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  size_t next;        /* index of the thread that starts next; under the lock */
  atomic_size_t busy; /* written under the lock */
  atomic_int kind;
  atomic_bool over;
  _Atomic uint64_t sink; /* what was computed: else it could be left out */
};

static uint64_t do_arithmetic(void) {
  double x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (size_t i = 0; i < PIECE; i++)
    for (int k = 0; k < 8; k++)
      x[k] = x[k] * 0.999999 + 1e-6;
  double sum = 0;
  for (int k = 0; k < 8; k++)
    sum += x[k];
  return (uint64_t)sum;
}

static uint64_t read_memory(const uint64_t *from) {
  uint64_t sum = 0;
  for (size_t i = 0; i < PIECE; i++)
    sum += from[i];
  return sum;
}

/* As long as more than `index` are to burn. */
static void burn(fr__burners *b, size_t index) {
  size_t at = index * (WORDS / 16) % WORDS;
  while (atomic_load_explicit(&b->busy, memory_order_relaxed) > index) {
    const bool memory =
        atomic_load_explicit(&b->kind, memory_order_relaxed) == FR__BURN_MEMORY;
    const uint64_t done = memory ? read_memory(b->memory + at) : do_arithmetic();
    atomic_store_explicit(&b->sink, done, memory_order_relaxed);
    at = (at + PIECE) % WORDS;
  }
}

static void *wait_and_burn(void *self) {
  fr__burners *b = self;
  pthread_mutex_lock(&b->lock);
  const size_t index = b->next++;
  while (!atomic_load(&b->over)) {
    if (atomic_load(&b->busy) <= index) {
      pthread_cond_wait(&b->changed, &b->lock);
      continue;
    }
    pthread_mutex_unlock(&b->lock);
    burn(b, index);
    pthread_mutex_lock(&b->lock);
  }
  pthread_mutex_unlock(&b->lock);
  return NULL;
}

/* Signals are the program's. */
static int start(fr__burners *b) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(&b->thread[b->count], NULL, wait_and_burn, b);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  b->count += failed == 0;
  return failed;
}

static size_t processors(size_t most) {
  cpu_set_t set;
  const int here = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
  const size_t count = here > 0 && (size_t)here < most ? (size_t)here : most;
  return count > 0 ? count : 1;
}

enum fr_status fr__burners_new(size_t most, fr__burners **out, fr_error *err) {
  const size_t count = processors(most);
  fr__burners *b = calloc(1, sizeof *b);
  if (b == NULL)
    return fr__fail_memory(err, "threads that keep processors busy");
  pthread_mutex_init(&b->lock, NULL);
  pthread_cond_init(&b->changed, NULL);
  b->thread = calloc(count, sizeof *b->thread);
  b->memory = malloc(WORDS * sizeof *b->memory);
  if (b->thread == NULL || b->memory == NULL) {
    fr__burners_free(b);
    return fr__fail_memory(err, "threads that keep processors busy");
  }
  for (size_t i = 0; i < WORDS; i++) /* pages that nobody wrote are all one */
    b->memory[i] = i;
  int failed = 0;
  while (b->count < count && failed == 0)
    failed = start(b);
  if (failed != 0) {
    fr__burners_free(b);
    return fr__fail_errno(err, failed, "a thread cannot be started");
  }
  *out = b;
  return FR_OK;
}

void fr__burners_free(fr__burners *burners) {
  fr__burners *b = burners;
  if (b == NULL)
    return;
  pthread_mutex_lock(&b->lock);
  atomic_store(&b->over, true);
  atomic_store(&b->busy, 0);
  pthread_cond_broadcast(&b->changed);
  pthread_mutex_unlock(&b->lock);
  for (size_t i = 0; i < b->count; i++)
    pthread_join(b->thread[i], NULL);
  pthread_cond_destroy(&b->changed);
  pthread_mutex_destroy(&b->lock);
  free(b->thread);
  free(b->memory);
  free(b);
}

size_t fr__burners_count(const fr__burners *burners) { return burners->count; }

void fr__burners_set(fr__burners *burners, size_t busy, enum fr__burn kind) {
  pthread_mutex_lock(&burners->lock);
  atomic_store(&burners->kind, (int)kind);
  atomic_store(&burners->busy, busy);
  pthread_cond_broadcast(&burners->changed);
  pthread_mutex_unlock(&burners->lock);
}
