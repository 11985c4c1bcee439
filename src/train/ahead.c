/* SPDX-License-Identifier: Apache-2.0 */
#include "train/ahead.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/error.h"
#include "train/run.h"

/* Floats of a batch: below, copying them costs no more than waking a thread. */
#define LEAST ((size_t)1 << 15)

enum state { IDLE, ASKED, READY, ENDING };

struct fr__ahead {
  const fr__run *r;
  fr__batch batch;
  size_t epoch, at, n; /* of what is asked for, or ready */
  enum state state;    /* under the lock, as is what stands above while ASKED */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_t thread;
};

static void *work(void *self) {
  fr__ahead *a = self;
  pthread_mutex_lock(&a->lock);
  while (a->state != ENDING) {
    if (a->state != ASKED) {
      pthread_cond_wait(&a->changed, &a->lock);
      continue;
    }
    pthread_mutex_unlock(&a->lock);
    fr__run_fill(a->r, a->epoch, a->at, a->n, &a->batch);
    pthread_mutex_lock(&a->lock);
    a->state = READY;
    pthread_cond_broadcast(&a->changed);
  }
  pthread_mutex_unlock(&a->lock);
  return NULL;
}

/* Signals are the caller's. */
static bool start(fr__ahead *a) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const bool started = pthread_create(&a->thread, NULL, work, a) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

static bool has_free_processor(const fr__run *r) {
  cpu_set_t set;
  const size_t threads = r->options->threads > 0 ? r->options->threads : 1;
  return sched_getaffinity(0, sizeof set, &set) == 0 && (size_t)CPU_COUNT(&set) > threads;
}

static void release(fr__ahead *a) {
  pthread_cond_destroy(&a->changed);
  pthread_mutex_destroy(&a->lock);
  fr__batch_release(&a->batch);
  free(a);
}

enum fr_status fr__ahead_new(const struct fr__run *r, fr__ahead **out, fr_error *err) {
  const size_t width = r->train.width, size = r->batch.size;
  *out = NULL;
  if (!r->options->ahead || size * width < LEAST || !has_free_processor(r))
    return FR_OK;
  fr__ahead *a = calloc(1, sizeof *a);
  if (a == NULL)
    return fr__fail_memory(err, "a batch ahead");
  *a = (fr__ahead){
      .r = r, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  const size_t classes = fr_net_classes(r->net);
  enum fr_status status = fr__batch_init(&a->batch, size, width, classes, false, err);
  if (status == FR_OK && r->batch.teacher != NULL)
    status = fr__batch_reserve_teacher(&a->batch, classes, err);
  if (status == FR_OK && r->options->augment != NULL)
    status = fr__batch_reserve_augment(&a->batch, r->options->augment,
                                       fr_net_input(r->net), err);
  if (status == FR_OK && start(a))
    *out = a;
  else
    release(a);
  return status;
}

void fr__ahead_free(fr__ahead *ahead) {
  if (ahead == NULL)
    return;
  fr__ahead_drop(ahead);
  pthread_mutex_lock(&ahead->lock);
  ahead->state = ENDING;
  pthread_cond_broadcast(&ahead->changed);
  pthread_mutex_unlock(&ahead->lock);
  pthread_join(ahead->thread, NULL);
  release(ahead);
}

void fr__ahead_begin(fr__ahead *ahead, size_t epoch, size_t at, size_t n) {
  if (ahead == NULL)
    return;
  pthread_mutex_lock(&ahead->lock);
  ahead->epoch = epoch;
  ahead->at = at;
  ahead->n = n;
  ahead->state = ASKED;
  pthread_cond_broadcast(&ahead->changed);
  pthread_mutex_unlock(&ahead->lock);
}

/* Whether anything was begun: it is then ready, and dropped. */
static bool wait_for(fr__ahead *a) {
  pthread_mutex_lock(&a->lock);
  while (a->state == ASKED)
    pthread_cond_wait(&a->changed, &a->lock);
  const bool ready = a->state == READY;
  a->state = IDLE;
  pthread_mutex_unlock(&a->lock);
  return ready;
}

static void exchange(fr__batch *a, fr__batch *b) {
  const fr__batch kept = *a;
  a->x = b->x;
  a->label = b->label;
  a->value = b->value;
  a->length = b->length;
  a->teacher = b->teacher;
  a->other = b->other;
  a->share = b->share;
  b->x = kept.x;
  b->label = kept.label;
  b->value = kept.value;
  b->length = kept.length;
  b->teacher = kept.teacher;
  b->other = kept.other;
  b->share = kept.share;
}

bool fr__ahead_take(fr__ahead *ahead, size_t epoch, size_t at, size_t n,
                    fr__batch *batch) {
  if (ahead == NULL || !wait_for(ahead) || ahead->epoch != epoch || ahead->at != at ||
      ahead->n != n)
    return false;
  exchange(&ahead->batch, batch);
  return true;
}

void fr__ahead_drop(fr__ahead *ahead) {
  if (ahead != NULL)
    (void)wait_for(ahead);
}
