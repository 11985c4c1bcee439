/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sharing out: of the energy above the machine's idle power, a process has the part that
 * its CPU time is of all CPU time in the same span,
 *
 *     joules of a process = (energy - idle power * span) * its CPU time / all CPU time.
 *
 * What other guests took (steal) is in nobody's CPU time.
 */
#include "meter/processes.h"

#include <math.h>

#include "frugal/processes.h"

/* Energy less `idle_w` over the span; never below 0. */
static double above(double energy_j, double idle_w, double span_s) {
  return fmax(energy_j - fmax(idle_w, 0) * span_s, 0);
}

/* Of the program, or of all others. */
static double due_s_of(const fr_processes *p, bool program) {
  double due_s =
      program ? p->root.share.due_s + p->short_lived.share.due_s : p->other.share.due_s;
  for (size_t i = 0; i < p->table.count; i++)
    if (p->table.row[i].of_program == program)
      due_s += p->table.row[i].share.due_s;
  for (size_t i = 0; i < p->count; i++)
    if (p->ended[i].of_program == program)
      due_s += p->ended[i].share.due_s;
  return due_s;
}

/*
 * mixed_j: with a part f beside others of 1 - f, whose watts per core-second are r times
 * as high, it is f / (f + (1 - f) r); its derivative by r at r = 1 is f (1 - f).
 */
static void give(fr__share *share, const fr__dynamic *dynamic) {
  const double part = share->due_s / dynamic->due_s;
  share->energy_j += dynamic->energy_j * part;
  share->low_j += dynamic->low_j * part;
  share->high_j += dynamic->high_j * part;
  share->mixed_j += dynamic->energy_j * part * (1 - part);
  share->due_s = 0;
}

static void give_all(fr_processes *p, const fr__dynamic *dynamic) {
  for (size_t i = 0; i < p->table.count; i++)
    if (p->table.row[i].share.due_s > 0)
      give(&p->table.row[i].share, dynamic);
  for (size_t i = 0; i < p->count; i++)
    if (p->ended[i].share.due_s > 0)
      give(&p->ended[i].share, dynamic);
  give(&p->root.share, dynamic);
  give(&p->short_lived.share, dynamic);
  give(&p->other.share, dynamic);
}

/* Nobody is known to have been busy: it is not the program's. */
static void give_others(fr_processes *p, const fr__dynamic *dynamic) {
  p->other.share.energy_j += dynamic->energy_j;
  p->other.share.low_j += dynamic->low_j;
  p->other.share.high_j += dynamic->high_j;
}

void fr__processes_share(fr_processes *p, double span_s, double energy_j) {
  const fr_measure idle = p->options.idle_w;
  const double program_s = due_s_of(p, true);
  const double due_s = program_s + due_s_of(p, false);
  fr__dynamic dynamic = {energy_j, energy_j, energy_j, due_s};
  if (fr_measure_known(idle) && !(p->options.charge_idle && due_s > 0)) {
    dynamic.energy_j = above(energy_j, idle.value, span_s);
    dynamic.low_j = above(energy_j, idle.high, span_s);
    dynamic.high_j = above(energy_j, idle.low, span_s);
  }
  p->idle_j += energy_j - dynamic.energy_j;
  p->idle_low_j += energy_j - dynamic.high_j;
  p->idle_high_j += energy_j - dynamic.low_j;
  if (due_s > 0) {
    const double part = program_s / due_s;
    p->mixed_j += dynamic.energy_j * part * (1 - part);
    give_all(p, &dynamic);
  } else {
    give_others(p, &dynamic);
  }
}
