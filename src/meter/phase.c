/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/phase.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

static _Atomic uint64_t last_id; /* of phases and of threads */

/* Where the calling thread finds itself again without a search. */
static _Thread_local uint64_t own_id;
static _Thread_local struct {
  uint64_t phases_id;
  fr__thread *thread;
} own;

static uint64_t next_id(void) {
  return atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
}

void fr__phases_init(fr__phases *phases) {
  *phases = (fr__phases){.id = next_id()};
  pthread_mutex_init(&phases->lock, NULL);
}

void fr__phases_release(fr__phases *phases) {
  for (fr__thread *t = atomic_load(&phases->first); t != NULL;) {
    fr__thread *next = t->next;
    free(t);
    t = next;
  }
  pthread_mutex_destroy(&phases->lock);
}

static fr__thread *first_of(const fr__phases *phases) {
  return atomic_load_explicit(&phases->first, memory_order_acquire);
}

static fr__thread *register_thread(fr__phases *phases) {
  fr__thread *t = calloc(1, sizeof *t);
  if (t == NULL)
    return NULL; /* this thread's time stays unmarked */
  t->owner = own_id;
  if (pthread_getcpuclockid(pthread_self(), &t->clock) != 0)
    t->clock = CLOCK_MONOTONIC_COARSE; /* never of use: see cpu_of */
  snprintf(t->node[0].path, sizeof t->node[0].path, "unmarked");
  atomic_init(&t->count, 1);
  atomic_init(&t->moved_wall_ns, fr__clock_ns());
  atomic_init(&t->moved_cpu_ns, fr__clock_thread_cpu_ns());
  pthread_mutex_lock(&phases->lock);
  t->next = first_of(phases);
  atomic_store_explicit(&phases->first, t, memory_order_release);
  pthread_mutex_unlock(&phases->lock);
  return t;
}

/* A thread that works for two meters in turn lands here each time. */
static fr__thread *find_thread(fr__phases *phases) {
  if (own_id == 0)
    own_id = next_id();
  fr__thread *t = first_of(phases);
  while (t != NULL && t->owner != own_id)
    t = t->next;
  if (t == NULL)
    t = register_thread(phases);
  own.phases_id = t != NULL ? phases->id : 0;
  own.thread = t;
  return t;
}

static fr__thread *this_thread(fr__phases *phases) {
  return own.phases_id == phases->id ? own.thread : find_thread(phases);
}

static uint64_t get(const _Atomic uint64_t *x) {
  return atomic_load_explicit(x, memory_order_relaxed);
}

/* The owner is the only writer: load and store need not be one operation. */
static void add(_Atomic uint64_t *x, uint64_t n) {
  atomic_store_explicit(x, get(x) + n, memory_order_relaxed);
}

/*
 * The CPU clock now. Reading it is a system call (200 to 400 ns), the monotonic clock is
 * not (20 ns): within EXACT_NS of the last true reading the thread is taken to have run
 * all the time. Had it been put aside, more time than that would have passed, and the
 * clock is read; so what is assumed is never further off than EXACT_NS, and the next
 * reading settles it.
 */
static uint64_t cpu_now(fr__thread *t, uint64_t wall_ns) {
  enum { EXACT_NS = 100000 };
  const uint64_t moved_cpu_ns = get(&t->moved_cpu_ns);
  if (wall_ns - t->read_wall_ns < EXACT_NS)
    return moved_cpu_ns + (wall_ns - get(&t->moved_wall_ns));
  t->read_wall_ns = wall_ns;
  const uint64_t cpu_ns = fr__clock_thread_cpu_ns();
  return cpu_ns > moved_cpu_ns ? cpu_ns : moved_cpu_ns;
}

/* Charges the time since the last move to the node that is left, and stands at `to`. */
static void move(fr__thread *t, uint32_t to, bool enters) {
  const uint64_t wall_ns = fr__clock_ns();
  const uint64_t cpu_ns = cpu_now(t, wall_ns);
  const uint32_t version = atomic_load_explicit(&t->version, memory_order_relaxed);
  fr__node *left = &t->node[atomic_load_explicit(&t->current, memory_order_relaxed)];
  atomic_store_explicit(&t->version, version + 1, memory_order_relaxed);
  atomic_thread_fence(memory_order_release);
  add(&left->wall_ns, wall_ns - get(&t->moved_wall_ns));
  add(&left->cpu_ns, cpu_ns - get(&t->moved_cpu_ns));
  add(&t->node[to].count, enters);
  atomic_store_explicit(&t->moved_wall_ns, wall_ns, memory_order_relaxed);
  atomic_store_explicit(&t->moved_cpu_ns, cpu_ns, memory_order_relaxed);
  atomic_store_explicit(&t->current, to, memory_order_relaxed);
  atomic_store_explicit(&t->version, version + 2, memory_order_release);
}

/* Names must not look like paths. */
static void join_path(fr__node *node, const fr__node *parent) {
  char name[FR__PHASE_NAME], joined[sizeof node->path + sizeof name + 1];
  snprintf(name, sizeof name, "%s", node->name);
  for (char *at = strchr(name, '/'); at != NULL; at = strchr(at, '/'))
    *at = '_';
  if (parent->depth == 0)
    snprintf(joined, sizeof joined, "%s", name);
  else
    snprintf(joined, sizeof joined, "%s/%s", parent->path, name);
  snprintf(node->path, sizeof node->path, "%.127s", joined);
}

static uint32_t add_child(fr__thread *t, uint32_t parent, const char *name) {
  const uint32_t at = atomic_load_explicit(&t->count, memory_order_relaxed);
  if (at == FR__PHASE_NODES || t->node[parent].depth == FR__PHASE_DEPTH)
    return 0;
  fr__node *node = &t->node[at];
  snprintf(node->name, sizeof node->name, "%s", name);
  join_path(node, &t->node[parent]);
  node->depth = t->node[parent].depth + 1;
  node->parent = parent;
  node->next_sibling = t->node[parent].first_child;
  t->node[parent].first_child = at;
  atomic_store_explicit(&t->count, at + 1, memory_order_release); /* now it is seen */
  return at;
}

static uint32_t child_of(fr__thread *t, uint32_t parent, const char *name) {
  uint32_t at = t->node[parent].first_child;
  while (at != 0 && strncmp(t->node[at].name, name, FR__PHASE_NAME - 1) != 0)
    at = t->node[at].next_sibling;
  return at != 0 ? at : add_child(t, parent, name);
}

void fr__phases_begin(fr__phases *phases, const char *name) {
  fr__thread *t = this_thread(phases);
  if (t == NULL)
    return;
  const uint32_t current = atomic_load_explicit(&t->current, memory_order_relaxed);
  const uint32_t child = t->skipped == 0 ? child_of(t, current, name) : 0;
  if (child != 0)
    move(t, child, true);
  else
    t->skipped++; /* its time is its parent's, and its end must find no one else's begin
                   */
}

void fr__phases_end(fr__phases *phases) {
  fr__thread *t = this_thread(phases);
  if (t == NULL)
    return;
  const uint32_t current = atomic_load_explicit(&t->current, memory_order_relaxed);
  if (t->skipped > 0)
    t->skipped--;
  else if (current != 0) /* an end without a begin is passed over */
    move(t, t->node[current].parent, false);
}

/* The CPU clock of another thread; 0 where that thread has ended. */
static uint64_t cpu_of(const fr__thread *t) {
  struct timespec now;
  if (t->clock == CLOCK_MONOTONIC_COARSE || clock_gettime(t->clock, &now) != 0)
    return 0;
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

typedef struct underway {
  uint32_t node;
  uint64_t wall_ns,
      cpu_ns; /* of that node, the time since the owner's last move included */
} underway;

/* False where the owner moved meanwhile; then its last stay is counted in the next
 * sample. */
static bool look_underway(const fr__thread *t, underway *out) {
  const uint32_t version = atomic_load_explicit(&t->version, memory_order_acquire);
  out->node = atomic_load_explicit(&t->current, memory_order_relaxed);
  const fr__node *node = &t->node[out->node];
  const uint64_t moved_wall_ns = get(&t->moved_wall_ns),
                 moved_cpu_ns = get(&t->moved_cpu_ns);
  out->wall_ns = get(&node->wall_ns);
  out->cpu_ns = get(&node->cpu_ns);
  const uint64_t wall_ns = fr__clock_ns(), cpu_ns = cpu_of(t);
  out->wall_ns += wall_ns > moved_wall_ns ? wall_ns - moved_wall_ns : 0;
  out->cpu_ns += cpu_ns > moved_cpu_ns ? cpu_ns - moved_cpu_ns : 0;
  atomic_thread_fence(memory_order_acquire);
  return version % 2 == 0 &&
         atomic_load_explicit(&t->version, memory_order_relaxed) == version;
}

static void raise_to(uint64_t *seen, uint64_t now) { *seen = now > *seen ? now : *seen; }

/* Brings what is seen of each node up to date, and what of it is new. */
static void look_at(fr__thread *t) {
  enum { TRIES = 16 };
  underway stay = {0};
  bool steady = false;
  for (int i = 0; i < TRIES && !steady; i++)
    steady = look_underway(t, &stay);
  const uint32_t count = atomic_load_explicit(&t->count, memory_order_acquire);
  for (uint32_t i = 0; i < count; i++) {
    fr__node *node = &t->node[i];
    const bool stays = steady && stay.node == i;
    const uint64_t before_ns = node->seen_cpu_ns;
    raise_to(&node->seen_count, get(&node->count));
    raise_to(&node->seen_wall_ns, stays ? stay.wall_ns : get(&node->wall_ns));
    raise_to(&node->seen_cpu_ns, stays ? stay.cpu_ns : get(&node->cpu_ns));
    node->new_cpu_ns = node->seen_cpu_ns - before_ns;
  }
}

static uint32_t node_count(const fr__thread *t) {
  return atomic_load_explicit(&t->count, memory_order_acquire);
}

void fr__phases_restart(fr__phases *phases) {
  phases->unmarked_shared_energy_j = phases->unmarked_shared_program_j = 0;
  for (fr__thread *t = first_of(phases); t != NULL; t = t->next) {
    look_at(t);
    for (uint32_t i = 0; i < node_count(t); i++) {
      fr__node *node = &t->node[i];
      node->base_count = node->seen_count;
      node->base_wall_ns = node->seen_wall_ns;
      node->base_cpu_ns = node->seen_cpu_ns;
      node->energy_j = node->program_j = 0;
      node->shared_energy_j = node->shared_program_j = 0;
    }
  }
}

static void give(fr__node *node, const fr__step *step, double share) {
  node->energy_j += step->energy_j * share;
  node->program_j += step->program_j * share;
  node->shared_energy_j += step->energy_j * share * (1 - share);
  node->shared_program_j += step->program_j * share * (1 - share);
}

/*
 * share of a phase = its CPU time / this process's CPU time in the sample. The threads'
 * clocks are read one after another and a little after the process's, so that their sum
 * may exceed it: then the sum divides, and shares never exceed 1.
 */
void fr__phases_share(fr__phases *phases, const fr__step *step) {
  fr__thread *first = first_of(phases);
  double sum_s = 0;
  for (fr__thread *t = first; t != NULL; t = t->next) {
    look_at(t);
    for (uint32_t i = 0; i < node_count(t); i++)
      sum_s += (double)t->node[i].new_cpu_ns * 1e-9;
  }
  const double whole_s = fmax(sum_s, step->process_s);
  double unmarked = 1;
  for (fr__thread *t = first; t != NULL && whole_s > 0; t = t->next) {
    for (uint32_t i = 1; i < node_count(t); i++) {
      const double share = (double)t->node[i].new_cpu_ns * 1e-9 / whole_s;
      give(&t->node[i], step, share);
      unmarked -= share;
    }
  }
  const double spread = fmax(unmarked, 0) * (1 - fmax(unmarked, 0));
  phases->unmarked_shared_energy_j += step->energy_j * spread;
  phases->unmarked_shared_program_j += step->program_j * spread;
}
