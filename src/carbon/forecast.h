/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a forecast: the past as hours, and the model that is fitted to them. */
#ifndef FR_CARBON_FORECAST_H
#define FR_CARBON_FORECAST_H

#include "frugal/forecast.h"

#define FR__HOUR_S ((int64_t)3600)
enum {
  FR__DAY_HOURS = 24,
  FR__PAST_HOURS = FR_FORECAST_PAST_S / 3600,
};

/* The past as values for an hour each, NaN where less than half of it is covered. */
typedef struct fr__hours {
  double *value; /* (count) owned */
  size_t count;
  size_t known;  /* of them not NaN */
  int64_t end_s; /* of the last one; where the newest step known ends */
} fr__hours;

/* What was measured by now_s. Nothing known within FR_FORECAST_REACH_S: count 0. `out` is
 * the caller's (free value). */
enum fr_status fr__hours_read(const fr_series *past, int64_t now_s, fr__hours *out,
                              fr_error *err);

enum { FR__FEATURES = 5, FR__KNOTS = 15 };

/* What is known at each hour of the past; see forecast_model.c. */
typedef struct fr__model {
  const fr__hours *hours; /* borrowed */
  double *profile;        /* (count + 24) the same hour of the days before, weighted;
                             NaN: none had a value */
  double *anomaly; /* (count) value less profile; NaN filled with the last, faded */
  double *sum;     /* (count + 1) of anomaly, up to each hour */
  double *week;    /* (days, 7) of weekdays' offsets, known when a day begins */
  int64_t first_day;
  double *store; /* owned: all of the above */
  double most;   /* the highest value */
} fr__model;

typedef struct fr__weights {
  double at[FR__KNOTS][FR__FEATURES];
} fr__weights;

enum fr_status fr__model_init(fr__model *model, const fr__hours *hours, fr_error *err);
void fr__model_release(fr__model *model);

/* Weights for a forecast made `days[i]` days before the end of the past, fitted to what
 * was known then, for leads below `reach`; days rise. */
enum fr_status fr__model_fit(const fr__model *model, const size_t *days, size_t count,
                             size_t reach, fr__weights *out /* (count) */, fr_error *err);

/* What is told at hour `origin` (of it and later ones nothing is known) of the hour
 * origin + lead. */
double fr__model_tell(const fr__model *model, const fr__weights *weights, size_t origin,
                      size_t lead);

#endif
