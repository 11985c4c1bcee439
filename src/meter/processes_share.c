/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sharing out: of the energy above the machine's idle power, a process has the part that
 * its CPU time is of all CPU time in the same span,
 *
 *     joules of a process = (energy - idle power * span) * its CPU time / all CPU time.
 *
 * What other guests took (steal) is in nobody's CPU time.
 *
 * The model has a price for a core-second. A process, whose clock counts in nanoseconds,
 * then costs that and no more, and what remains of the machine's energy, which rests on
 * ticks, is that of other programs whom no row has:
 *
 *     joules of a process = its CPU time * watts of a busy core.
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

/* ---- by the model's watts ---- */

/* As far as `pool_j` reaches, all of one side in proportion; what is missing stays due:
 * ticks tell it later. Returns what was given. */
typedef struct fr__price {
  fr_measure core_w;
  double part; /* of what is due that is paid now */
  double paid_j;
} fr__price;

static void pay(fr__share *share, fr__price *price) {
  const double paid_s = share->due_s * price->part;
  const double paid_j = paid_s * price->core_w.value;
  share->due_s -= paid_s;
  share->energy_j += paid_j;
  share->own_j += paid_j;
  share->own_low_j += paid_s * price->core_w.low;
  share->own_high_j += paid_s * price->core_w.high;
  price->paid_j += paid_j;
}

static double pay_side(fr_processes *p, bool program, double pool_j) {
  const fr_measure core_w = p->options.core_w;
  const double wanted_j = due_s_of(p, program) * core_w.value;
  fr__price price = {core_w, wanted_j > pool_j ? pool_j / wanted_j : 1, 0};
  for (size_t i = 0; i < p->table.count; i++)
    if (p->table.row[i].of_program == program)
      pay(&p->table.row[i].share, &price);
  for (size_t i = 0; i < p->count; i++)
    if (p->ended[i].of_program == program)
      pay(&p->ended[i].share, &price);
  if (program) {
    pay(&p->root.share, &price);
    pay(&p->short_lived.share, &price);
  }
  return fmin(price.paid_j, pool_j);
}

/* What nobody's clock explains may be ticks that came too early: it can be taken back. */
static void share_by_price(fr_processes *p, double energy_j) {
  const fr_measure core_w = p->options.core_w;
  fr__share *rest = &p->other.share;
  double pool_j = rest->own_j + energy_j;
  rest->energy_j -= rest->own_j;
  rest->due_s = 0;
  pool_j -= pay_side(p, true, pool_j);
  pool_j -= pay_side(p, false, pool_j);
  rest->own_j = pool_j;
  rest->own_low_j = pool_j * core_w.low / core_w.value;
  rest->own_high_j = pool_j * core_w.high / core_w.value;
  rest->energy_j += pool_j;
}

bool fr__processes_priced(const fr_processes *p) {
  return fr_measure_known(p->options.core_w) && p->options.core_w.value > 0 &&
         !p->options.charge_idle;
}

/* ---- all ---- */

/* What the machine at rest had of it; with a price it is not what is left, but has
 * bounds of its own. */
static void keep_idle(fr_processes *p, const fr__dynamic *dynamic, double span_s,
                      double energy_j) {
  const fr_measure idle = p->options.idle_w;
  const bool apart = fr__processes_priced(p) && fr_measure_known(idle);
  p->idle_j += energy_j - dynamic->energy_j;
  p->idle_low_j += apart ? idle.low * span_s : energy_j - dynamic->high_j;
  p->idle_high_j += apart ? idle.high * span_s : energy_j - dynamic->low_j;
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
  keep_idle(p, &dynamic, span_s, energy_j);
  if (fr__processes_priced(p)) {
    share_by_price(p, dynamic.energy_j);
  } else if (due_s > 0) {
    const double part = program_s / due_s;
    p->mixed_j += dynamic.energy_j * part * (1 - part);
    give_all(p, &dynamic);
  } else {
    give_others(p, &dynamic);
  }
}
