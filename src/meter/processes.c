/* SPDX-License-Identifier: Apache-2.0 */
#include "frugal/processes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "meter/processes.h"

#define LEAST_J 1e-9 /* less is what subtraction leaves */

fr_processes_options fr_processes_default_options(void) {
  return (fr_processes_options){.cgroup = true,
                                .idle_w = fr_measure_absent(FR_UNIT_WATT),
                                .core_w = fr_measure_absent(FR_UNIT_WATT)};
}

/* The group is made last: from then on only memory can be missing. */
static void enter_group(fr_processes *p, int64_t pid) {
  char reason[FR__CGROUP_REASON] = "not asked for";
  const bool here = p->world == NULL;
  if (!here)
    snprintf(reason, sizeof reason, "a tree of files stands for the machine");
  if (here && p->options.cgroup && fr__cgroup_init(&p->cgroup, pid, reason))
    snprintf(p->how, sizeof p->how, "cgroup v2");
  else
    snprintf(p->how, sizeof p->how, "polling (%s)", reason);
}

static void no_row(void *self, const fr__process *row) { (void)self, (void)row; }

static enum fr_status begin(fr_processes *p, int64_t pid, fr_error *err) {
  enum fr_status status = fr__process_table_init(&p->table, p->world, err);
  if (status != FR_OK)
    return status;
  enter_group(p, pid);
  fr__cgroup *const cgroup = p->cgroup.usage >= 0 ? &p->cgroup : NULL;
  if (p->world == NULL && cgroup == NULL)
    (void)fr__tree_adopt();
  status = fr__process_table_scan(&p->table, no_row, NULL, err);
  if (status == FR_OK)
    status = fr__tree_init(&p->tree, &p->table, pid, p->world == NULL ? getpid() : 0,
                           cgroup, err);
  p->busy_base_s = p->table.busy_s;
  return status;
}

enum fr_status fr__processes_new(const fr_processes_options *options, fr__world *world,
                                 int64_t pid, fr_processes **out, fr_error *err) {
  fr_processes *p = calloc(1, sizeof *p);
  fr__account *ended = calloc(FR__ENDED, sizeof *ended);
  if (p == NULL || ended == NULL) {
    free(p);
    free(ended);
    return fr__fail_memory(err, "the processes");
  }
  pthread_mutex_init(&p->lock, NULL);
  p->options = options != NULL ? *options : fr_processes_default_options();
  p->world = world;
  p->ended = ended;
  p->cgroup.usage = -1;
  p->table.source = (fr__process_source){.proc = -1, .loadavg = -1, .stat = -1};
  p->short_lived.of_program = true;
  snprintf(p->short_lived.name, sizeof p->short_lived.name, "(short-lived)");
  snprintf(p->other.name, sizeof p->other.name, "(other programs)");
  p->cards = fr__cards_new(world != NULL ? fr__world_root(world) : "");
  const enum fr_status status =
      p->cards != NULL ? begin(p, pid, err) : fr__fail_memory(err, "the cards");
  if (status == FR_OK)
    *out = p;
  else
    fr_processes_free(p);
  return status;
}

enum fr_status fr_processes_new(const fr_processes_options *options, int64_t pid,
                                fr_processes **out, fr_error *err) {
  const char *root = options != NULL ? options->root : NULL;
  fr__world *world = NULL;
  enum fr_status status = FR_OK;
  if (root != NULL && root[0] != '\0')
    status = fr__world_new(root, &world, err);
  if (status == FR_OK)
    status = fr__processes_new(options, world, pid, out, err);
  if (status == FR_OK)
    (*out)->own_world = true;
  else
    fr__world_free(world);
  return status;
}

void fr_processes_free(fr_processes *p) {
  if (p == NULL)
    return;
  fr__cgroup_release(&p->cgroup);
  fr__process_table_release(&p->table);
  if (p->own_world)
    fr__world_free(p->world);
  fr__cards_free(p->cards);
  free(p->ended);
  pthread_mutex_destroy(&p->lock);
  free(p);
}

const char *fr_processes_how(const fr_processes *p) {
  return p != NULL ? p->how : "not looked at";
}

double fr_processes_busy(fr_processes *p) {
  if (p == NULL)
    return 0;
  pthread_mutex_lock(&p->lock);
  const fr__process *self =
      p->world == NULL ? fr__process_find(&p->table, getpid()) : NULL;
  const double busy_s = p->seen_s - (self != NULL ? self->total_s : 0);
  pthread_mutex_unlock(&p->lock);
  return busy_s;
}

void fr_processes_reaped(fr_processes *p, double cpu_s) {
  if (p == NULL)
    return;
  pthread_mutex_lock(&p->lock);
  fr__tree_reaped(&p->tree, cpu_s);
  pthread_mutex_unlock(&p->lock);
}

/* ---- those that ended ---- */

static void join(fr__account *into, const fr__account *from) {
  into->core_s += from->core_s;
  into->step_s += from->step_s;
  into->share.due_s += from->share.due_s;
  into->share.energy_j += from->share.energy_j;
  into->share.low_j += from->share.low_j;
  into->share.high_j += from->share.high_j;
  into->share.mixed_j += from->share.mixed_j;
  into->share.own_j += from->share.own_j;
  into->share.own_low_j += from->share.own_low_j;
  into->share.own_high_j += from->share.own_high_j;
  into->share.card_j += from->share.card_j;
  into->share.card_low_j += from->share.card_low_j;
  into->share.card_high_j += from->share.card_high_j;
  into->share.gpu_s += from->share.gpu_s;
}

static fr__account *least(fr_processes *p) {
  fr__account *found = &p->ended[0];
  for (size_t i = 1; i < p->count; i++)
    if (p->ended[i].core_s < found->core_s)
      found = &p->ended[i];
  return found;
}

static fr__account account_of(const fr__process *row) {
  fr__account account = {.pid = row->pid,
                         .of_program = row->of_program,
                         .core_s = row->total_s,
                         .step_s = row->step_s,
                         .share = row->share};
  memcpy(account.name, row->name, sizeof account.name);
  return account;
}

/* A build may start thousands: the least are joined into one line. */
static void keep_ended(void *self, const fr__process *row) {
  fr_processes *p = self;
  fr__account account = account_of(row);
  account.step_s = 0;
  if (row->of_program && row->pid == p->tree.root) {
    join(&account, &p->root);
    p->root = account;
    return;
  }
  if (row->total_s <= 0 && row->share.gpu_s <= 0)
    return;
  if (p->count < FR__ENDED) {
    p->ended[p->count++] = account;
    return;
  }
  fr__account *place = least(p);
  if (place->core_s < account.core_s) {
    const fr__account smaller = *place;
    *place = account;
    account = smaller;
  }
  join(account.of_program ? &p->short_lived : &p->other, &account);
}

/* ---- a sample ---- */

static void count(fr__account *account, double step_s) {
  account->step_s = step_s;
  account->core_s += step_s;
  account->share.due_s += step_s;
}

/*
 * What the machine was busy beyond the rows: short-lived processes of others, those at
 * the ceiling, interrupts. The kernel counts it in ticks of 10 ms and the rows in
 * nanoseconds: only where the difference is greater than it ever was, it has grown.
 */
static double unseen(fr_processes *p) {
  const double busy_s = p->table.busy_s - p->busy_base_s;
  const double step_s = fmax(busy_s - p->seen_s - p->unseen_s, 0);
  p->unseen_s += step_s;
  return step_s;
}

static void begin_gpu_step(fr_processes *p) {
  if (!fr__cards_are_there(p->cards))
    return;
  for (size_t i = 0; i < p->table.count; i++)
    p->table.row[i].share.gpu_step_s = 0;
  for (size_t i = 0; i < p->count; i++)
    p->ended[i].share.gpu_step_s = 0;
  p->root.share.gpu_step_s = p->other.share.gpu_step_s = 0;
}

static enum fr_status look(fr_processes *p, fr_error *err) {
  begin_gpu_step(p);
  for (size_t i = 0; i < p->count; i++)
    p->ended[i].step_s = 0;
  fr__tree_before(&p->tree);
  const enum fr_status status = fr__process_table_scan(&p->table, keep_ended, p, err);
  if (status != FR_OK)
    return status;
  fr__tree_step(&p->tree, &p->table);
  for (size_t i = 0; i < p->table.count; i++) {
    p->table.row[i].share.due_s += p->table.row[i].step_s;
    p->seen_s += p->table.row[i].step_s;
  }
  p->seen_s += p->tree.short_step_s + p->tree.root_step_s;
  count(&p->short_lived, p->tree.short_step_s);
  count(&p->root, p->tree.root_step_s);
  count(&p->other, unseen(p));
  return FR_OK;
}

/* The cards' part waits for who used them; CPU time, where only they counted, for the
 * rest. */
static void take_energy(fr_processes *p, double span_s, double energy_j) {
  const double cards_j = fr__cards_collect(p->cards, span_s, energy_j);
  p->waiting_j += energy_j - cards_j;
  p->waiting_s += span_s;
  if (cards_j > 0 && p->waiting_j < LEAST_J)
    return;
  fr__processes_share(p, p->waiting_s, p->waiting_j);
  p->waiting_j = p->waiting_s = 0;
}

enum fr_status fr_processes_sample(fr_processes *p, double t_s, double energy_j,
                                   fr_error *err) {
  if (p == NULL)
    return FR_OK;
  if (!isfinite(t_s) || !isfinite(energy_j))
    return fr__fail(err, FR_ERR_NUMERIC, "a sample is not finite");
  pthread_mutex_lock(&p->lock);
  const enum fr_status status = look(p, err);
  if (status == FR_OK && energy_j > p->energy_j && t_s > p->t_s) {
    take_energy(p, t_s - p->t_s, energy_j - p->energy_j);
    p->t_s = t_s;
    p->energy_j = energy_j;
  }
  if (status == FR_OK)
    fr__cards_step(p, t_s);
  pthread_mutex_unlock(&p->lock);
  return status;
}
