/* SPDX-License-Identifier: Apache-2.0 */
/* What a forecast's error makes of a schedule: the grams of it on each past day. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/student.h"
#include "carbon/plan.h"
#include "frugal/forecast.h"

#define JOULES_PER_KWH 3.6e6
#define TAIL 0.025 /* on each side of the interval */

enum fr_status fr__outcomes_init(fr__outcomes *outcomes, const fr_place *place,
                                 const fr_job *job, const fr_timetable *schedule,
                                 fr_error *err) {
  const fr_forecast *f = place->forecast;
  const size_t count = f->perfect ? 1 : f->scenarios > 1 ? f->scenarios : 0;
  *outcomes = (fr__outcomes){0};
  if (count == 0)
    return FR_OK;
  if (count > SIZE_MAX / sizeof *outcomes->mean ||
      (outcomes->mean = malloc(count * sizeof *outcomes->mean)) == NULL)
    return fr__fail_memory(err, "the forecast's errors");
  outcomes->count = count;
  for (size_t k = 0; k < count; k++)
    outcomes->mean[k] = fr__timetable_mean(
        &f->ahead, f->perfect ? NULL : &f->error[k * f->ahead.count], job, schedule);
  return FR_OK;
}

void fr__outcomes_release(fr__outcomes *outcomes) {
  free(outcomes->mean);
  *outcomes = (fr__outcomes){0};
}

/*
 * The interval of a value that grows with the energy, whose bounds are `energy`'s. Its
 * error on past days, of which there are `days` that have nothing to do with each other,
 * is about nothing: with `squares` as their mean square, told ± t(days) × its root
 * (Student).
 */
static fr_measure interval(double told, double squares, size_t days,
                           const fr_measure *energy) {
  const double less = energy->low / energy->value, more = energy->high / energy->value;
  const double half =
      squares > 0 ? fr__t_quantile(1 - TAIL, (double)days) * sqrt(squares) : 0;
  const double low = told - half, high = told + half;
  return (fr_measure){.value = told,
                      .low = fmin(told, low * (low > 0 ? less : more)),
                      .high = fmax(told, high * (high > 0 ? more : less)),
                      .unit = FR_UNIT_GRAM_CO2E,
                      .source = energy->source};
}

/* Which errors are of the same day: the k-th of both, or, with different numbers of
 * them, any with any. */
static size_t pairs_of(size_t a, size_t b) { return a == b ? a : a * b; }

/* Of days; a place where what comes is known has one that counts for any. */
static size_t least(size_t a, size_t b) {
  return a == 1 ? b : b == 1 ? a : a < b ? a : b;
}

static double grams_per_mean(const fr_timetable *s, double pue) {
  return s->energy_j.value * (pue / JOULES_PER_KWH);
}

/* Two options beside each other on past days. */
typedef struct versus {
  const fr__outcomes *now, *other;
  double now_each, other_each; /* grams per g/kWh */
  double data;                 /* grams */
} versus;

/* now - (other + data) on the i-th day or pair of days. */
static double gain_on(const versus *v, size_t i) {
  const size_t a = v->other->count, b = v->now->count;
  return v->now->mean[a == b ? i : i / a] * v->now_each -
         (v->other->mean[a == b ? i : i % a] * v->other_each + v->data);
}

/*
 * The chance is of the errors about their mean, which is no more than chance itself: the
 * forecast tells too much as often as too little (docs/plan.md).
 */
static void weigh_gain(fr_option *option, const versus *v, const fr_measure *energy) {
  const size_t count = pairs_of(v->other->count, v->now->count);
  const double told = option->gain.value;
  double squares = 0, errors = 0;
  size_t gains = 0;
  for (size_t i = 0; i < count; i++) {
    const double error = gain_on(v, i) - told;
    squares += error * error;
    errors += error;
  }
  for (size_t i = 0; i < count; i++)
    gains += gain_on(v, i) - errors / (double)count > 0;
  option->gain = interval(told, squares / (double)count,
                          least(v->other->count, v->now->count), energy);
  option->chance = (double)gains / (double)count;
}

static void weigh_grams(fr_option *option, const fr_place *place,
                        const fr__outcomes *outcomes) {
  const double told = option->schedule.grams.value;
  const double each = grams_per_mean(&option->schedule, place->pue);
  double squares = 0;
  for (size_t i = 0; i < outcomes->count; i++) {
    const double error = outcomes->mean[i] * each - told;
    squares += error * error;
  }
  option->grams = interval(told, squares / (double)outcomes->count, outcomes->count,
                           &option->schedule.energy_j);
  option->grams.low = fmax(0, option->grams.low);
}

void fr__option_weigh(fr_option *option, const fr_place *place,
                      const fr__outcomes *outcomes, const fr_option *now,
                      const fr_place *home, const fr__outcomes *now_outcomes) {
  option->error_known = outcomes->count > 0 && now_outcomes->count > 0;
  option->chance = (double)NAN;
  option->grams = option->schedule.grams;
  if (outcomes->count > 0)
    weigh_grams(option, place, outcomes);
  if (fr_measure_known(option->data_grams))
    option->grams = fr_measure_add(option->grams, option->data_grams);
  option->gain =
      interval(now->grams.value - option->grams.value, 0, 1, &now->schedule.energy_j);
  if (!option->error_known)
    return;
  const versus v = {
      .now = now_outcomes,
      .other = outcomes,
      .now_each = grams_per_mean(&now->schedule, home->pue),
      .other_each = grams_per_mean(&option->schedule, place->pue),
      .data = fr_measure_known(option->data_grams) ? option->data_grams.value : 0};
  weigh_gain(option, &v, &now->schedule.energy_j);
}
