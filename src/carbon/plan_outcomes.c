/* SPDX-License-Identifier: Apache-2.0 */
/* What a forecast's error makes of a schedule: the grams of it on each past day. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "carbon/plan.h"
#include "frugal/forecast.h"

#define JOULES_PER_KWH 3.6e6
#define TAIL 0.025 /* on each side of the interval */

enum fr_status fr__outcomes_init(fr__outcomes *outcomes, const fr_place *place,
                                 const fr_job *job, const fr_timetable *schedule,
                                 fr_error *err) {
  const fr_forecast *f = place->forecast;
  const size_t count = f->perfect ? 1 : f->scenarios;
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

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The p-quantile of sorted values at (n + 1) p (Hyndman and Fan 1996, type 6), which is
 * the least or most of a few. */
static double quantile(const double *sorted, size_t count, double p) {
  const double at = ((double)count + 1) * p - 1;
  if (!(at > 0))
    return sorted[0];
  const size_t below = (size_t)at;
  if (below + 1 >= count)
    return sorted[count - 1];
  return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

static double mean_over(const double *value, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += value[i] - value[0]; /* equal ones have their mean to the bit */
  return value[0] + sum / (double)count;
}

/* Values that grow with the energy, whose bounds are `energy`'s. */
static fr_measure interval(double *value, size_t count, const fr_measure *energy) {
  const double less = energy->low / energy->value, more = energy->high / energy->value;
  fr_measure m = {.value = mean_over(value, count),
                  .unit = FR_UNIT_GRAM_CO2E,
                  .source = energy->source};
  qsort(value, count, sizeof *value, by_value);
  const double low = quantile(value, count, TAIL),
               high = quantile(value, count, 1 - TAIL);
  m.low = fmin(m.value, low * (low > 0 ? less : more));
  m.high = fmax(m.value, high * (high > 0 ? more : less));
  return m;
}

/* Which errors are of the same day: the k-th of both, or, with different numbers of
 * them, any with any. */
static size_t pairs_of(size_t a, size_t b) { return a == b ? a : a * b; }

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
  option->gain = interval(gain, count, &now->schedule.energy_j);
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
  option->grams = interval(grams, outcomes->count, &option->schedule.energy_j);
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
  option->gain = interval(&(double){value}, 1, &now->schedule.energy_j);
  return status;
}
