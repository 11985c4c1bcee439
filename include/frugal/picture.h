/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture: pictures of carbon intensity and of what is chosen by it. Each goes
 * to a file, SVG or PNG by the ending of its name (FR_ERR_ARGUMENT: another one), and
 * needs gnuplot: FR_ERR_NOT_FOUND says so where it is missing, and nothing is written.
 */
#ifndef FRUGAL_PICTURE_H
#define FRUGAL_PICTURE_H

#include "frugal/base.h"

/* Seconds since 1970-01-01T00:00:00Z; intervals hold their beginning and not their end.
 */
typedef struct fr_report_step {
  int64_t start_s, end_s;
  double g_per_kwh, low, high; /* gCO2e/kWh; low == high: no interval is known */
  bool forecast;
} fr_report_step;

typedef struct fr_report_span {
  int64_t start_s, end_s;
} fr_report_span;

typedef struct fr_report_intensity {
  const char *title;          /* "DE: 3 h from 02:00" */
  const char *note;           /* below it, smaller: scope, source; NULL: none */
  const fr_report_step *step; /* (steps) in order of time, gaps allowed; borrowed */
  size_t steps;
  const fr_report_span *chosen; /* (pieces) what is chosen; NULL: nothing */
  size_t pieces;
  bool now_known;
  int64_t now_s;
  bool local; /* times by TZ; else UTC; the picture tells which */
} fr_report_intensity;

/* Over time: what was measured, what is forecast (dashed, its interval shaded), what is
 * chosen (bands), now. A year of hours is drawn by the day: mean, least and most. */
enum fr_status fr_report_intensity_time(const fr_report_intensity *of, const char *path,
                                        fr_error *err);

/* The mean of each hour of each weekday, of all steps; a cell without any stays empty. */
enum fr_status fr_report_intensity_week(const fr_report_intensity *of, const char *path,
                                        fr_error *err);

typedef struct fr_report_bar {
  const char *name;        /* "gcp:europe-west3" */
  double value, low, high; /* low == high: no interval; value NaN: not known */
  bool home;               /* where one is now: marked */
} fr_report_bar;

typedef struct fr_report_bars {
  const char *title;
  const char *note;         /* NULL: none */
  const char *unit;         /* "gCO2e", "gCO2e/kWh" */
  const fr_report_bar *bar; /* (bars) from above; borrowed */
  size_t bars;
} fr_report_bars;

#define FR_REPORT_BARS 200 /* ceiling */

/* Places beside each other. */
enum fr_status fr_report_intensity_regions(const fr_report_bars *of, const char *path,
                                           fr_error *err);

#endif
