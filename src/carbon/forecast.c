/* SPDX-License-Identifier: Apache-2.0 */
/* Forecasts of intensity, and what they were off by on past days. */
#include "carbon/forecast.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/student.h"

#define LEVEL 0.90                         /* of the intervals */
#define LEAST_KNOWN 24                     /* hours */
#define TIME_LIMIT_S ((int64_t)9000000000) /* 2255: nanoseconds of it fit */

void fr_forecast_release(fr_forecast *forecast) {
  fr_series_release(&forecast->ahead);
  free(forecast->error);
  free(forecast->by_step);
  *forecast = (fr_forecast){0};
}

static void take_names(fr_series *ahead, const fr_series *from) {
  memcpy(ahead->zone, from->zone, sizeof ahead->zone);
  memcpy(ahead->origin, from->origin, sizeof ahead->origin);
  ahead->scope = from->scope;
  ahead->source = from->source;
  ahead->read_s = from->read_s;
}

static enum fr_status check_times(int64_t now_s, int64_t until_s, fr_error *err) {
  if (now_s >= until_s)
    return fr__fail(err, FR_ERR_ARGUMENT, "a forecast ends after it begins");
  if (now_s < -TIME_LIMIT_S || until_s > TIME_LIMIT_S)
    return fr__fail(err, FR_ERR_ARGUMENT, "a forecast's time is out of range");
  return FR_OK;
}

/* ---- what is told ---- */

/* Where in the grid of hours that goes on behind the past the forecast lies. */
typedef struct reach {
  size_t first; /* lead of the hour that holds now */
  size_t count;
} reach;

static reach reach_of(const fr__hours *hours, int64_t now_s, int64_t until_s) {
  const size_t first = (size_t)((now_s - hours->end_s) / FR__HOUR_S);
  const int64_t end_s = until_s - hours->end_s;
  return (reach){first, (size_t)((end_s + FR__HOUR_S - 1) / FR__HOUR_S) - first};
}

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static enum fr_status tell(const fr__model *model, const fr__weights *weights, reach r,
                           int64_t now_s, int64_t until_s, fr_series *ahead,
                           fr_error *err) {
  const fr__hours *hours = model->hours;
  enum fr_status status = FR_OK;
  for (size_t i = 0; status == FR_OK && i < r.count; i++) {
    const size_t lead = r.first + i;
    const int64_t start_s = hours->end_s + (int64_t)lead * FR__HOUR_S;
    const double g = fr__model_tell(model, weights, hours->count, lead);
    status =
        fr_series_add(ahead,
                      &(fr_intensity_step){.start_s = most(start_s, now_s),
                                           .end_s = least(start_s + FR__HOUR_S, until_s),
                                           .g_per_kwh = g,
                                           .low = g,
                                           .high = g,
                                           .marks = FR_STEP_FORECAST},
                      err);
  }
  return status;
}

/* ---- what it was off by ---- */

/* The first hour before which enough is known. */
static size_t first_origin(const fr__hours *hours) {
  size_t known = 0, i = 0;
  for (; i < hours->count && known < LEAST_KNOWN; i++)
    known += isnan(hours->value[i]) ? 0 : 1;
  return i;
}

/* Days before the end of the past on which a whole curve can be compared with what came;
 * the newest first. */
static size_t past_days(const fr__hours *hours, reach r,
                        size_t day[FR_FORECAST_SCENARIOS]) {
  const size_t hours_ahead = r.first + r.count;
  const size_t known = hours->count - first_origin(hours);
  size_t count = 0, d = (hours_ahead + FR__DAY_HOURS - 1) / FR__DAY_HOURS;
  for (; count < FR_FORECAST_SCENARIOS && d * FR__DAY_HOURS <= known; d++)
    day[count++] = d;
  return count;
}

static void note(fr_forecast_skill *skill, double error, double real) {
  skill->tested++;
  skill->bias -= error;
  skill->mae += fabs(error);
  skill->rmse += error * error;
  skill->mape += real > 0 ? fabs(error) / real : 0;
}

static void settle_skill(fr_forecast_skill *skill) {
  const double n = (double)skill->tested;
  if (skill->tested == 0)
    return;
  skill->bias /= n;
  skill->mae /= n;
  skill->rmse = sqrt(skill->rmse / n);
  skill->mape /= n;
}

/* One day's curve. An hour that is not known takes the error of the one before. */
static void compare(const fr__model *model, const fr__weights *weights, size_t origin,
                    reach r, double *error, fr_forecast *out) {
  double last = 0;
  for (size_t i = 0; i < r.count; i++) {
    const double real = model->hours->value[origin + r.first + i];
    if (!isnan(real)) {
      last = real - fr__model_tell(model, weights, origin, r.first + i);
      note(&out->by_step[i], last, real);
      note(&out->skill, last, real);
    }
    error[i] = last;
  }
}

static enum fr_status measure(const fr__model *model, const fr__weights *weights,
                              const size_t *day, size_t days, reach r, fr_forecast *out,
                              fr_error *err) {
  if (days == 0)
    return FR_OK;
  out->error = calloc(days * r.count, sizeof *out->error);
  out->by_step = calloc(r.count, sizeof *out->by_step);
  if (out->error == NULL || out->by_step == NULL)
    return fr__fail_memory(err, "a forecast's errors");
  out->scenarios = days;
  for (size_t k = 0; k < days; k++)
    compare(model, &weights[k], model->hours->count - day[k] * FR__DAY_HOURS, r,
            out->error + k * r.count, out);
  settle_skill(&out->skill);
  for (size_t i = 0; i < r.count; i++)
    settle_skill(&out->by_step[i]);
  return FR_OK;
}

/* ---- intervals ---- */

static double spread_of(const fr__hours *hours) {
  double sum = 0, square = 0;
  const double n = (double)hours->known;
  for (size_t i = 0; i < hours->count; i++)
    sum += isnan(hours->value[i]) ? 0 : hours->value[i];
  for (size_t i = 0; i < hours->count; i++)
    square += isnan(hours->value[i]) ? 0 : pow(hours->value[i] - sum / n, 2);
  return square / n;
}

/* The mean square of a step's errors and its neighbours'. */
static double square_at(const fr_forecast *f, size_t i) {
  const size_t from = i > 0 ? i - 1 : 0;
  const size_t to = i + 1 < f->ahead.count ? i + 1 : i;
  double sum = 0;
  for (size_t j = from; j <= to; j++)
    sum += f->by_step[j].rmse * f->by_step[j].rmse;
  return sum / (double)(to - from + 1);
}

/*
 * Told ± t × s, t of Student's distribution, s² the mean square of the errors on `days`
 * days. Few days say little: the variance of all that is known joins in, as of 2 / days
 * further ones.
 */
static void bound(fr_forecast *f, const fr__hours *hours) {
  const double days = (double)f->scenarios, variance = spread_of(hours);
  const double more = days > 0 ? 2 / days : 1;
  const double t = fr__t_quantile(0.5 + LEVEL / 2, fmax(days, 1));
  for (size_t i = 0; i < f->ahead.count; i++) {
    fr_intensity_step *step = &f->ahead.step[i];
    const double square = days > 0 ? days * square_at(f, i) : 0;
    const double half = t * sqrt((square + more * variance) / (days + more));
    step->low = fmax(0, step->g_per_kwh - half);
    step->high = fmin(FR_INTENSITY_CEILING, step->g_per_kwh + half);
  }
}

/* ---- together ---- */

static enum fr_status forecast_with(const fr__model *model, int64_t now_s,
                                    int64_t until_s, fr_forecast *out, fr_error *err) {
  const reach r = reach_of(model->hours, now_s, until_s);
  size_t day[FR_FORECAST_SCENARIOS + 1] = {0}; /* the first is today's forecast */
  fr__weights weights[FR_FORECAST_SCENARIOS + 1];
  const size_t days = past_days(model->hours, r, day + 1);
  enum fr_status status =
      fr__model_fit(model, day, days + 1, r.first + r.count, weights, err);
  if (status == FR_OK)
    status = tell(model, &weights[0], r, now_s, until_s, &out->ahead, err);
  if (status == FR_OK)
    status = measure(model, weights + 1, day + 1, days, r, out, err);
  if (status == FR_OK)
    bound(out, model->hours);
  return status;
}

static enum fr_status forecast_hours(const fr_series *past, const fr__hours *hours,
                                     int64_t now_s, int64_t until_s, fr_forecast *out,
                                     fr_error *err) {
  fr__model model;
  fr_forecast made = {0};
  enum fr_status status = fr__model_init(&model, hours, err);
  if (status != FR_OK)
    return status;
  take_names(&made.ahead, past);
  (void)snprintf(made.method, sizeof made.method,
                 "same hour of the past %zu days, present level and weekday",
                 (hours->count + FR__DAY_HOURS - 1) / FR__DAY_HOURS);
  status = forecast_with(&model, now_s, until_s, &made, err);
  fr__model_release(&model);
  if (status == FR_OK)
    *out = made;
  else
    fr_forecast_release(&made);
  return status;
}

static enum fr_status check_past(const fr_series *past, const fr__hours *hours,
                                 int64_t now_s, int64_t until_s, fr_error *err) {
  char now[FR__TIME_TEXT], end[FR__TIME_TEXT];
  fr__time_format(now_s * 1000000000, now);
  fr__time_format(hours->end_s * 1000000000, end);
  const char *zone = past->zone[0] != '\0' ? past->zone : "there";
  if (hours->known < LEAST_KNOWN)
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "a forecast for '%s' needs %d hours of intensity before %s, and "
                    "gets better up to 100 days: %zu are known",
                    zone, LEAST_KNOWN, now, hours->known);
  if (until_s - hours->end_s > FR_FORECAST_REACH_S)
    return fr__fail(err, FR_ERR_NOT_FOUND,
                    "a forecast for '%s' reaches %d days from the newest intensity, "
                    "which is of %s",
                    zone, (int)(FR_FORECAST_REACH_S / 86400), end);
  return FR_OK;
}

/* One step over all that is asked: a number, a yearly mean. */
static const fr_intensity_step *constant_of(const fr_series *series, int64_t now_s,
                                            int64_t until_s) {
  const bool all = series->count == 1 && series->step[0].start_s <= now_s &&
                   series->step[0].end_s >= until_s &&
                   (series->step[0].marks & FR_STEP_FORECAST) == 0;
  return all ? &series->step[0] : NULL;
}

static enum fr_status forecast_constant(const fr_series *series, int64_t now_s,
                                        int64_t until_s, fr_forecast *out,
                                        fr_error *err) {
  fr_forecast made = {0};
  const enum fr_status status = fr_series_take(&made.ahead, series, now_s, until_s, err);
  if (status != FR_OK)
    return status;
  made.ahead.step[0].marks |= FR_STEP_FORECAST;
  (void)snprintf(made.method, sizeof made.method, "one value for all times");
  *out = made;
  return FR_OK;
}

enum fr_status fr_forecast_make(const fr_series *past, int64_t now_s, int64_t until_s,
                                fr_forecast *out, fr_error *err) {
  fr__hours hours = {0};
  enum fr_status status = check_times(now_s, until_s, err);
  if (status != FR_OK)
    return status;
  if (constant_of(past, now_s, until_s) != NULL)
    return forecast_constant(past, now_s, until_s, out, err);
  status = fr__hours_read(past, now_s, &hours, err);
  if (status == FR_OK)
    status = check_past(past, &hours, now_s, until_s, err);
  if (status == FR_OK)
    status = forecast_hours(past, &hours, now_s, until_s, out, err);
  free(hours.value);
  return status;
}

/* ---- a source's own ---- */

/* Of `known` what may be seen ahead. */
static enum fr_status take_given(const fr_series *known, int64_t now_s, int64_t until_s,
                                 bool perfect, fr_series *ahead, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; status == FR_OK && i < known->count; i++) {
    fr_intensity_step step = known->step[i];
    step.start_s = most(step.start_s, now_s);
    step.end_s = least(step.end_s, until_s);
    if (step.start_s >= step.end_s || !(perfect || (step.marks & FR_STEP_FORECAST) != 0))
      continue;
    step.marks |= FR_STEP_FORECAST;
    status = fr_series_add(ahead, &step, err);
  }
  return status;
}

/* Fills the gaps of `given` out of `made`. */
static enum fr_status join(const fr_series *given, const fr_series *made, int64_t now_s,
                           int64_t until_s, fr_series *out, fr_error *err) {
  enum fr_status status = FR_OK;
  int64_t at = now_s, gap_from_s = 0, gap_to_s = 0;
  while (status == FR_OK && fr_series_gap(given, at, until_s, &gap_from_s, &gap_to_s)) {
    if (at < gap_from_s)
      status = fr_series_take(out, given, at, gap_from_s, err);
    if (status == FR_OK)
      status = fr_series_take(out, made, gap_from_s, gap_to_s, err);
    at = gap_to_s;
  }
  if (status == FR_OK && at < until_s)
    status = fr_series_take(out, given, at, until_s, err);
  return status;
}

static void name_given(bool perfect, bool joined, char method[96]) {
  (void)snprintf(method, 96, "%s%s", perfect ? "what came" : "the source's own",
                 joined ? "; where it has none, the same hour of past days" : "");
}

/* Given with gaps: filled out of the past where that is long enough. */
static enum fr_status complete(const fr_series *known, int64_t now_s, int64_t until_s,
                               fr_forecast *given, fr_error *err) {
  fr_forecast made = {0};
  fr_series joined = {0};
  int64_t gap_from_s = 0, gap_to_s = 0;
  if (!fr_series_gap(&given->ahead, now_s, until_s, &gap_from_s, &gap_to_s))
    return FR_OK;
  enum fr_status status = fr_forecast_make(known, now_s, until_s, &made, err);
  if (status == FR_ERR_NOT_FOUND && given->ahead.count > 0)
    return FR_OK;
  if (status == FR_OK && given->ahead.count == 0) {
    fr_forecast_release(given);
    *given = made;
    return FR_OK;
  }
  if (status == FR_OK)
    status = join(&given->ahead, &made.ahead, now_s, until_s, &joined, err);
  fr_forecast_release(&made);
  if (status != FR_OK) {
    fr_series_release(&joined);
    return status;
  }
  fr_series_release(&given->ahead);
  take_names(&joined, known);
  given->ahead = joined;
  name_given(given->perfect, true, given->method);
  given->perfect = false; /* nobody knows what of it was off, and by how much */
  return FR_OK;
}

enum fr_status fr_forecast_given(const fr_series *known, int64_t now_s, int64_t until_s,
                                 bool perfect, fr_forecast *out, fr_error *err) {
  fr_forecast given = {.perfect = perfect};
  enum fr_status status = check_times(now_s, until_s, err);
  if (status != FR_OK)
    return status;
  if (constant_of(known, now_s, until_s) != NULL)
    return forecast_constant(known, now_s, until_s, out, err);
  take_names(&given.ahead, known);
  name_given(perfect, false, given.method);
  status = take_given(known, now_s, until_s, perfect, &given.ahead, err);
  if (status == FR_OK)
    status = complete(known, now_s, until_s, &given, err);
  if (status == FR_OK)
    *out = given;
  else
    fr_forecast_release(&given);
  return status;
}
