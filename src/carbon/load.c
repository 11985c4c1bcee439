/* SPDX-License-Identifier: Apache-2.0 */
/* Energy over time: stretches in which it is spent evenly. */
#include "frugal/footprint.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "carbon/sum.h"

#define NS_PER_S INT64_C(1000000000)
#define ENERGY_CEILING_J 1e21 /* more than mankind takes in a year */
#define TIME_CEILING_NS (INT64_C(4000000000) * NS_PER_S) /* the years 1843 to 2096 */

void fr_load_release(fr_load *load) {
  free(load->stretch);
  *load = (fr_load){0};
}

static enum fr_status check(const fr_stretch *s, fr_error *err) {
  if (s->start_ns < -TIME_CEILING_NS || s->end_ns > TIME_CEILING_NS)
    return fr__fail(err, FR_ERR_ARGUMENT, "energy before 1843 or after 2096");
  if (s->end_ns <= s->start_ns)
    return fr__fail(err, FR_ERR_ARGUMENT, "energy of a time that ends before it begins");
  if (!(-ENERGY_CEILING_J <= s->low_j && s->low_j <= s->energy_j &&
        s->energy_j <= s->high_j && s->high_j <= ENERGY_CEILING_J))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "an energy of %g J between %g and %g J makes no sense", s->energy_j,
                    s->low_j, s->high_j);
  return FR_OK;
}

static enum fr_status make_room(fr_load *load, fr_error *err) {
  if (load->count < load->capacity)
    return FR_OK;
  if (load->count == FR_LOAD_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "more than %zu stretches of energy",
                    FR_LOAD_CEILING);
  const size_t capacity = load->capacity > 0 ? 2 * load->capacity : 16;
  fr_stretch *stretch = realloc(load->stretch, capacity * sizeof *stretch);
  if (stretch == NULL)
    return fr__fail_memory(err, "energy over time");
  load->stretch = stretch;
  load->capacity = capacity;
  return FR_OK;
}

enum fr_status fr_load_add(fr_load *load, const fr_stretch *stretch, fr_error *err) {
  enum fr_status status = check(stretch, err);
  if (status == FR_OK)
    status = make_room(load, err);
  if (status == FR_OK)
    load->stretch[load->count++] = *stretch;
  return status;
}

enum fr_status fr_load_even(fr_load *load, fr_measure energy_j, int64_t start_ns,
                            int64_t end_ns, fr_error *err) {
  if (!fr_measure_known(energy_j) || energy_j.unit != FR_UNIT_JOULE)
    return fr__fail(err, FR_ERR_ARGUMENT, "the energy is not known in joules");
  const fr_stretch stretch = {start_ns, end_ns, energy_j.value, energy_j.low,
                              energy_j.high};
  const enum fr_status status = fr_load_add(load, &stretch, err);
  if (status == FR_OK)
    load->source = energy_j.source;
  return status;
}

fr_measure fr_load_energy(const fr_load *load) {
  fr__sum value = {0}, low = {0}, high = {0};
  for (size_t i = 0; i < load->count; i++) {
    fr__sum_add(&value, load->stretch[i].energy_j);
    fr__sum_add(&low, load->stretch[i].low_j);
    fr__sum_add(&high, load->stretch[i].high_j);
  }
  if (load->count == 0)
    return fr_measure_absent(FR_UNIT_JOULE);
  return (fr_measure){fr__sum_value(&value), fr__sum_value(&low), fr__sum_value(&high),
                      FR_UNIT_JOULE, load->source};
}

/* ---- its time ---- */

static int64_t seconds_below(int64_t ns) {
  return ns / NS_PER_S - (ns % NS_PER_S < 0 ? 1 : 0);
}

bool fr_load_span(const fr_load *load, int64_t *from_s, int64_t *to_s) {
  if (load->count == 0)
    return false;
  int64_t from_ns = load->stretch[0].start_ns, to_ns = load->stretch[0].end_ns;
  for (size_t i = 1; i < load->count; i++) {
    const fr_stretch *s = &load->stretch[i];
    from_ns = s->start_ns < from_ns ? s->start_ns : from_ns;
    to_ns = s->end_ns > to_ns ? s->end_ns : to_ns;
  }
  *from_s = seconds_below(from_ns);
  *to_s = -seconds_below(-to_ns);
  return true;
}

/* ---- shape and sum ---- */

static double length_of(const fr_stretch *s) { return (double)(s->end_ns - s->start_ns); }

/* Of the sums of energies, of their amounts and of lengths. */
static void sum_up(const fr_load *load, double *energy, double *amount, double *length) {
  fr__sum e = {0}, a = {0}, l = {0};
  for (size_t i = 0; i < load->count; i++) {
    fr__sum_add(&e, load->stretch[i].energy_j);
    fr__sum_add(&a, fabs(load->stretch[i].energy_j));
    fr__sum_add(&l, length_of(&load->stretch[i]));
  }
  *energy = fr__sum_value(&e);
  *amount = fr__sum_value(&a);
  *length = fr__sum_value(&l);
}

void fr_load_fit(fr_load *load, fr_measure energy_j) {
  double energy, amount, length;
  sum_up(load, &energy, &amount, &length);
  for (size_t i = 0; i < load->count; i++) {
    fr_stretch *s = &load->stretch[i];
    const bool shaped = fabs(energy) > 0;
    const double even = length_of(s) / length;
    const double part = shaped ? s->energy_j / energy : even;
    const double bound = shaped ? fabs(s->energy_j) / amount : even;
    s->energy_j = part * energy_j.value;
    s->low_j = s->energy_j - bound * (energy_j.value - energy_j.low);
    s->high_j = s->energy_j + bound * (energy_j.high - energy_j.value);
  }
  load->source = energy_j.source;
}
