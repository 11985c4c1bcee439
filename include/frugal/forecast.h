/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forecast: what the intensity will be, told from what it was: the same hour of past days
 * weighted, and how the present departs from it, with the error that the same forecast
 * has had on past days. It sees no weather. docs/forecast.md has the formulas and what
 * plans made with it reach.
 */
#ifndef FRUGAL_FORECAST_H
#define FRUGAL_FORECAST_H

#include "frugal/intensity.h"

/* How far told and real values have been apart: told less real, g/kWh. */
typedef struct fr_forecast_skill {
  size_t tested;          /* values compared; 0: the numbers below mean nothing */
  double bias, mae, rmse; /* g/kWh; bias above 0: more was told than came */
  double mape;            /* mean of |told less real| ÷ real, a share; real 0 left out */
} fr_forecast_skill;

typedef struct fr_forecast {
  fr_series ahead;  /* owned: from now_s to until_s, marked FR_STEP_FORECAST; low and
                       high hold the real value nine times of ten (a 90 % interval);
                       of a source's own forecast, as the source tells them */
  size_t scenarios; /* 0: the error is not known (a source's own forecast), there is
                       none (perfect, constant), or the past is too short for it */
  double *error;    /* (scenarios, ahead.count) owned: real less told, g/kWh, of the same
                       forecast made at the same hour of as many past days, the newest
                       first. Whole days' curves, so that the error of a difference of
                       two times can be taken from them */
  bool perfect;     /* taken from what came, all of it */
  char method[96];  /* for people: "same hour of 58 days, level and weekday" */
  fr_forecast_skill skill;    /* over all steps */
  fr_forecast_skill *by_step; /* (ahead.count) owned; NULL without scenarios */
} fr_forecast;

void fr_forecast_release(fr_forecast *forecast);

#define FR_FORECAST_SCENARIOS 28                  /* at most */
#define FR_FORECAST_REACH_S ((int64_t)35 * 86400) /* from the newest value known */
#define FR_FORECAST_PAST_S ((int64_t)150 * 86400) /* up to it, that is used, at most */

/*
 * Of what was measured by now_s alone: steps that end later, or are marked
 * FR_STEP_FORECAST, are not looked at. The past is brought to a grid of hours that ends
 * with its newest step (a value for an hour of which half is covered; others are left
 * out of all means); so `ahead` has steps of an hour, the first one cut at now_s. At
 * most the last FR_FORECAST_PAST_S are used. One step that spans [now_s, until_s) is a
 * constant and is told as it is.
 *
 * FR_ERR_NOT_FOUND where fewer than 24 hours are known, or until_s is farther from the
 * newest than FR_FORECAST_REACH_S: the sentence says what is needed. FR_ERR_ARGUMENT
 * unless now_s < until_s. `out` is the caller's (release).
 */
enum fr_status fr_forecast_make(const fr_series *past, int64_t now_s, int64_t until_s,
                                fr_forecast *out, fr_error *err);

/*
 * The source's own forecast: the steps of `known` that are marked FR_STEP_FORECAST; or,
 * perfect, all that it has after now_s. What is missing of [now_s, until_s) is forecast
 * of the past as above, which `method` says; where the past is too short for that, it
 * stays a gap. FR_ERR_NOT_FOUND where there is nothing at all.
 */
enum fr_status fr_forecast_given(const fr_series *known, int64_t now_s, int64_t until_s,
                                 bool perfect, fr_forecast *out, fr_error *err);

#endif
