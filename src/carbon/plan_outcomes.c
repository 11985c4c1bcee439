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

static double mean_over(const double *value, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += value[i] - value[0]; /* equal ones have their mean to the bit */
  return value[0] + sum / (double)count;
}

/* Half the width of the interval that the value of one day more lies in (Student), the
 * values being of `days` days that have nothing to do with each other. */
static double half_width(const double *value, size_t count, size_t days, double mean) {
  const double n = (double)days;
  double squares = 0;
  for (size_t i = 0; i < count; i++)
    squares += (value[i] - mean) * (value[i] - mean);
  if (days < 2 || !(squares > 0))
    return 0;
  const double variance = squares / (double)count * n / (n - 1);
  return fr__t_quantile(1 - TAIL, n - 1) * sqrt(variance * (1 + 1 / n));
}

/* Values that grow with the energy, whose bounds are `energy`'s. */
static fr_measure interval(const double *value, size_t count, size_t days,
                           const fr_measure *energy) {
  const double less = energy->low / energy->value, more = energy->high / energy->value;
  const double mean = mean_over(value, count);
  const double half = half_width(value, count, days, mean);
  const double low = mean - half, high = mean + half;
  return (fr_measure){.value = mean,
                      .low = fmin(mean, low * (low > 0 ? less : more)),
                      .high = fmax(mean, high * (high > 0 ? more : less)),
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

/* gain = now - (option + data), for each pair of outcomes. */
static enum fr_status weigh_gain(fr_option *option, const fr_place *place,
                                 const fr__outcomes *outcomes, const fr_option *now,
                                 const fr_place *home, const fr__outcomes *now_outcomes,
                                 fr_error *err) {
  const double data = option->data_grams.value;
  const double ours = grams_per_mean(&option->schedule, place->pue);
  const double theirs = grams_per_mean(&now->schedule, home->pue);
  const size_t a = outcomes->count, b = now_outcomes->count, count = pairs_of(a, b);
  double *gain = malloc(count * sizeof *gain);
  if (gain == NULL)
    return fr__fail_memory(err, "the forecast's errors");
  size_t gains = 0;
  for (size_t i = 0; i < count; i++) {
    gain[i] = now_outcomes->mean[a == b ? i : i / a] * theirs -
              (outcomes->mean[a == b ? i : i % a] * ours + data);
    gains += gain[i] > 0;
  }
  option->gain = interval(gain, count, least(a, b), &now->schedule.energy_j);
  option->chance = (double)gains / (double)count;
  free(gain);
  return FR_OK;
}

static enum fr_status weigh_grams(fr_option *option, const fr_place *place,
                                  const fr__outcomes *outcomes, fr_error *err) {
  double *grams = malloc(outcomes->count * sizeof *grams);
  if (grams == NULL)
    return fr__fail_memory(err, "the forecast's errors");
  const double each = grams_per_mean(&option->schedule, place->pue);
  for (size_t i = 0; i < outcomes->count; i++)
    grams[i] = outcomes->mean[i] * each;
  const size_t count = outcomes->count;
  option->grams = interval(grams, count, count, &option->schedule.energy_j);
  option->grams.low = fmax(0, option->grams.low);
  free(grams);
  return FR_OK;
}

enum fr_status fr__option_weigh(fr_option *option, const fr_place *place,
                                const fr__outcomes *outcomes, const fr_option *now,
                                const fr_place *home, const fr__outcomes *now_outcomes,
                                fr_error *err) {
  enum fr_status status = FR_OK;
  option->error_known = outcomes->count > 0 && now_outcomes->count > 0;
  option->chance = (double)NAN;
  option->grams = option->schedule.grams;
  if (outcomes->count > 0)
    status = weigh_grams(option, place, outcomes, err);
  if (fr_measure_known(option->data_grams))
    option->grams = fr_measure_add(option->grams, option->data_grams);
  if (status == FR_OK && option->error_known)
    return weigh_gain(option, place, outcomes, now, home, now_outcomes, err);
  const double value = now->grams.value - option->grams.value;
  option->gain = interval(&(double){value}, 1, 1, &now->schedule.energy_j);
  return status;
}
