/* SPDX-License-Identifier: Apache-2.0 */
#include "frugal/processes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "meter/processes.h"

/* How far watts per core-second may differ between programs: assumed, 95 %; the same as
 * between phases (ledger.c). */
#define SHARING_BAND 0.30

/* The share's own bounds, widened as the machine's energy is; what has the model's price
 * or was counted by a card has the bounds of that. */
static fr_measure measure(const fr__share *share, fr_measure energy) {
  if (!fr_measure_known(energy))
    return fr_measure_absent(FR_UNIT_JOULE);
  const double low = energy.value > 0 ? fmax(energy.low / energy.value, 0) : 1;
  const double high = energy.value > 0 ? energy.high / energy.value : 1;
  const double mixed_j = SHARING_BAND * share->mixed_j;
  const double value_j = fmax(share->energy_j - share->own_j - share->card_j, 0);
  const double own_low_j = share->own_low_j + share->card_low_j;
  const double own_high_j = share->own_high_j + share->card_high_j;
  return (fr_measure){
      .value = share->energy_j,
      .low = fmax(fmin(share->low_j, value_j) * low + own_low_j - mixed_j, 0),
      .high = fmax(share->high_j, value_j) * high + mixed_j + own_high_j,
      .unit = FR_UNIT_JOULE,
      .source = energy.source};
}

/* A part is no more than its whole may be. */
static fr_measure within(fr_measure part, fr_measure whole) {
  part.low = fmin(part.low, part.value);
  part.high = fmax(fmin(part.high, whole.high), part.value);
  return part;
}

static void add_share(fr__share *sum, const fr__share *share) {
  sum->energy_j += share->energy_j;
  sum->low_j += share->low_j;
  sum->high_j += share->high_j;
  sum->own_j += share->own_j;
  sum->own_low_j += share->own_low_j;
  sum->own_high_j += share->own_high_j;
  sum->card_j += share->card_j;
  sum->card_low_j += share->card_low_j;
  sum->card_high_j += share->card_high_j;
  sum->gpu_s += share->gpu_s;
}

typedef struct totals {
  fr_processes_report *report;
  fr_measure energy; /* the machine's */
  fr__share program, other;
} totals;

static void add_account(totals *t, const char *name, int64_t pid, bool of_program,
                        double core_s, const fr__share *share) {
  add_share(of_program ? &t->program : &t->other, share);
  *(of_program ? &t->report->program_core_s : &t->report->other_core_s) += core_s;
  if (core_s <= 0 && share->energy_j <= 0 && share->gpu_s <= 0)
    return;
  fr_process_report *row = &t->report->process[t->report->count++];
  *row = (fr_process_report){.pid = pid,
                             .core_s = core_s,
                             .gpu_s = share->gpu_s,
                             .energy = measure(share, t->energy),
                             .of_program = of_program};
  memcpy(row->name, name, sizeof row->name);
}

static void add_rows(totals *t, const fr_processes *p) {
  for (size_t i = 0; i < p->table.count; i++) {
    const fr__process *row = &p->table.row[i];
    fr__account whole = {.core_s = row->total_s, .share = row->share};
    if (row->of_program && row->pid == p->tree.root) {
      whole.core_s += p->root.core_s;
      add_share(&whole.share, &p->root.share);
    }
    add_account(t, row->name, row->pid, row->of_program, whole.core_s, &whole.share);
  }
  for (size_t i = 0; i < p->count; i++) {
    const fr__account *a = &p->ended[i];
    add_account(t, a->name, a->pid, a->of_program, a->core_s, &a->share);
  }
}

/* The root's own line, unless its row stands in the table still. */
static void add_root(totals *t, const fr_processes *p) {
  const fr__process *row = fr__process_find(&p->table, p->tree.root);
  if (row == NULL || !row->of_program)
    add_account(t, p->root.name, p->root.pid, true, p->root.core_s, &p->root.share);
}

static int compare(const void *a, const void *b) {
  const fr_process_report *x = a, *y = b;
  if (x->energy.value != y->energy.value)
    return x->energy.value < y->energy.value ? 1 : -1;
  if (x->core_s != y->core_s)
    return x->core_s < y->core_s ? 1 : -1;
  return (x->pid > y->pid) - (x->pid < y->pid);
}

static void add_cards(totals *t, const fr_processes *p) {
  fr_processes_report *r = t->report;
  const double waiting_j = fr__cards_waiting_j(p->cards);
  const double all_j = p->cards->rest_j + waiting_j;
  const fr__share rest = {.energy_j = all_j,
                          .card_j = all_j,
                          .card_low_j = p->cards->rest_low_j,
                          .card_high_j = p->cards->rest_high_j + waiting_j};
  r->gpu = fr__cards_are_there(p->cards);
  r->even = p->cards->even;
  r->program_gpu_s = t->program.gpu_s;
  r->other_gpu_s = t->other.gpu_s;
  if (p->cards->told)
    r->cards = within(measure(&rest, t->energy), t->energy);
}

static fr_measure idle_of(const fr_processes *p, fr_measure energy) {
  fr__share idle = {
      .energy_j = p->idle_j, .low_j = p->idle_low_j, .high_j = p->idle_high_j};
  if (fr__processes_priced(p)) /* it is a part of the model's sum, not a share of it */
    idle = (fr__share){.energy_j = p->idle_j,
                       .own_j = p->idle_j,
                       .own_low_j = p->idle_low_j,
                       .own_high_j = p->idle_high_j};
  return measure(&idle, energy);
}

/* The sum of the parts is uncertain together: the program's mix is with what is not the
 * program's alone. */
static void finish(totals *t, const fr_processes *p) {
  fr_processes_report *r = t->report;
  r->other_core_s += p->other.core_s;
  add_share(&t->other, &p->other.share);
  t->program.mixed_j = t->other.mixed_j = p->mixed_j;
  r->program = within(measure(&t->program, t->energy), t->energy);
  r->other = within(measure(&t->other, t->energy), t->energy);
  r->idle = within(idle_of(p, t->energy), t->energy);
  for (size_t i = 0; i < r->count; i++) {
    fr_process_report *row = &r->process[i];
    row->energy = within(row->energy, row->of_program ? r->program : r->other);
  }
  add_cards(t, p);
  if (r->count > 0)
    qsort(r->process, r->count, sizeof *r->process, compare);
}

enum fr_status fr_processes_read(fr_processes *p, fr_measure energy,
                                 fr_processes_report *report, fr_error *err) {
  fr_processes_report made = {.program = fr_measure_absent(FR_UNIT_JOULE),
                              .other = fr_measure_absent(FR_UNIT_JOULE),
                              .idle = fr_measure_absent(FR_UNIT_JOULE),
                              .cards = fr_measure_absent(FR_UNIT_JOULE)};
  if (p == NULL) {
    *report = made;
    return FR_OK;
  }
  pthread_mutex_lock(&p->lock);
  made.process = calloc(p->table.count + p->count + 2, sizeof *made.process);
  if (made.process != NULL) {
    totals t = {.report = &made, .energy = energy};
    add_rows(&t, p);
    add_root(&t, p);
    add_account(&t, p->short_lived.name, 0, true, p->short_lived.core_s,
                &p->short_lived.share);
    finish(&t, p);
    *report = made;
  }
  pthread_mutex_unlock(&p->lock);
  return made.process != NULL ? FR_OK : fr__fail_memory(err, "the processes' report");
}

void fr_processes_report_release(fr_processes_report *report) {
  free(report->process);
  report->process = NULL;
  report->count = 0;
}

static void add_own(double *core_s, double *energy_j, double own_s, double own_j) {
  *core_s += own_s;
  *energy_j += own_j;
}

void fr_processes_program(fr_processes *p, double *core_s, double *energy_j) {
  double sum_s = 0, sum_j = 0;
  if (p != NULL) {
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->table.count; i++) {
      const fr__process *row = &p->table.row[i];
      if (row->of_program)
        add_own(&sum_s, &sum_j, row->total_s, row->share.energy_j);
    }
    for (size_t i = 0; i < p->count; i++)
      if (p->ended[i].of_program)
        add_own(&sum_s, &sum_j, p->ended[i].core_s, p->ended[i].share.energy_j);
    add_own(&sum_s, &sum_j, p->root.core_s, p->root.share.energy_j);
    add_own(&sum_s, &sum_j, p->short_lived.core_s, p->short_lived.share.energy_j);
    pthread_mutex_unlock(&p->lock);
  }
  if (core_s != NULL)
    *core_s = sum_s;
  if (energy_j != NULL)
    *energy_j = sum_j;
}

/* ---- the last step ---- */

static double busy(const fr_process_use *use) { return use->core_s + use->gpu_s; }

/* Keeps the busiest in falling order. */
static size_t insert(fr_process_use *use, size_t count, size_t room,
                     const fr_process_use *one) {
  const double busy_s = one->core_s + one->gpu_s;
  if (busy_s <= 0 || (count == room && (room == 0 || busy(&use[room - 1]) >= busy_s)))
    return count;
  size_t at = count < room ? count : room - 1;
  for (; at > 0 && busy(&use[at - 1]) < busy_s; at--)
    use[at] = use[at - 1];
  use[at] = *one;
  return count < room ? count + 1 : room;
}

static fr_process_use use_of(const char *name, int64_t pid, double core_s, double gpu_s,
                             bool of_program) {
  fr_process_use use = {
      .pid = pid, .core_s = core_s, .gpu_s = gpu_s, .of_program = of_program};
  memcpy(use.name, name, sizeof use.name);
  return use;
}

size_t fr_processes_last(fr_processes *p, fr_process_use *use, size_t room) {
  if (p == NULL)
    return 0;
  pthread_mutex_lock(&p->lock);
  size_t count = 0;
  for (size_t i = 0; i < p->table.count; i++) {
    const fr__process *row = &p->table.row[i];
    const fr_process_use one =
        use_of(row->name, row->pid, row->step_s, row->share.gpu_step_s, row->of_program);
    count = insert(use, count, room, &one);
  }
  const fr_process_use own =
      use_of(p->short_lived.name, 0, p->short_lived.step_s, 0, true);
  const fr_process_use other =
      use_of(p->other.name, 0, p->other.step_s, p->other.share.gpu_step_s, false);
  count = insert(use, count, room, &own);
  count = insert(use, count, room, &other);
  pthread_mutex_unlock(&p->lock);
  return count;
}
