/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intensity: how many grams of CO2 equivalent a kilowatt hour is worth, at one time or
 * over time. Times are whole seconds since 1970-01-01T00:00:00Z, without leap seconds;
 * intervals hold their beginning and not their end.
 */
#ifndef FRUGAL_INTENSITY_H
#define FRUGAL_INTENSITY_H

#include "frugal/base.h"

/* ---- what a factor counts (Greenhouse Gas Protocol, Scope 2 Guidance, 2015) ---- */

enum fr_factor { FR_FACTOR_UNKNOWN, FR_FACTOR_DIRECT, FR_FACTOR_LIFECYCLE };
enum fr_signal { FR_SIGNAL_UNKNOWN, FR_SIGNAL_AVERAGE, FR_SIGNAL_MARGINAL };
enum fr_basis { FR_BASIS_UNKNOWN, FR_BASIS_LOCATION, FR_BASIS_MARKET };

typedef struct fr_scope {
  enum fr_factor factor; /* what comes out of the chimney, or mines and building too */
  enum fr_signal signal; /* all plants that run, or those that one more kWh starts */
  enum fr_basis basis;   /* the grid that one is on, or the contracts that one has */
} fr_scope;

#define FR_SCOPE_TEXT 64
/* "life-cycle, average, location-based"; what is not known is left out; "not told". */
void fr_scope_text(fr_scope scope, char text[FR_SCOPE_TEXT]);
bool fr_scope_same(fr_scope a, fr_scope b);

/* ---- one number ---- */

typedef struct fr_intensity {
  fr_measure g_per_kwh;
  char zone[64]; /* "DE", "world" */
  fr_scope scope;
  char origin[256]; /* source and year of the row */
} fr_intensity;

/*
 * The mean that `spec` (see fr_intensity_read) stands for where no time is told: a row of
 * a table, a number as it is; of a source over time its mean over the last 365 days that
 * it has, which `origin` says.
 */
enum fr_status fr_intensity_find(const char *spec, fr_intensity *out, fr_error *err);

/* ---- over time ---- */

enum fr_step_mark {
  FR_STEP_ESTIMATED = 1, /* its source says that it is not measured */
  FR_STEP_FORECAST = 2   /* it was told before its end */
};

typedef struct fr_intensity_step {
  int64_t start_s, end_s;      /* end_s > start_s */
  double g_per_kwh, low, high; /* low <= g_per_kwh <= high */
  unsigned marks;              /* of fr_step_mark */
} fr_intensity_step;

/* Steps in order of time, none into another; gaps are allowed. `= {0}` is empty. */
typedef struct fr_series {
  fr_intensity_step *step; /* (count) owned */
  size_t count, capacity;
  char zone[64];
  char origin[256];
  fr_scope scope;
  enum fr_source source;
  int64_t read_s;    /* when a server told it, the oldest of it; 0: no server did */
  char warning[256]; /* what a reader of it should be told: it is old, since the server
                        cannot be reached; a part is not to be had. "": nothing */
} fr_series;

/* Steps: forty years of five minutes each. */
#define FR_SERIES_CEILING ((size_t)4 << 20)
#define FR_INTENSITY_CEILING 5000.0 /* gCO2e/kWh: three times the dirtiest plant's */

void fr_series_release(fr_series *series);
/* Behind the last one. FR_ERR_ARGUMENT for a step that begins before the last one's end,
 * is empty, or has numbers that are not 0 to FR_INTENSITY_CEILING in order. */
enum fr_status fr_series_add(fr_series *series, const fr_intensity_step *step,
                             fr_error *err);
/* The step at that time; NULL in a gap. Borrowed. */
const fr_intensity_step *fr_series_at(const fr_series *series, int64_t t_s);
/* The first gap of [from_s, to_s) into *gap_from_s and *gap_to_s; false: there is none.
 */
bool fr_series_gap(const fr_series *series, int64_t from_s, int64_t to_s,
                   int64_t *gap_from_s, int64_t *gap_to_s);
/* The mean over time of what of [from_s, to_s) is covered; absent where nothing is. */
fr_measure fr_series_mean(const fr_series *series, int64_t from_s, int64_t to_s);
/* Adds the part of `from` within [from_s, to_s), its ends cut, to `series`, and takes
 * zone, scope, origin, source over where `series` is empty. */
enum fr_status fr_series_take(fr_series *series, const fr_series *from, int64_t from_s,
                              int64_t to_s, fr_error *err);

/* ---- where it is read from ---- */

typedef struct fr_intensity_query {
  int64_t now_s;         /* no step that ends later is looked at, but as a forecast */
  int64_t from_s, to_s;  /* what is wanted; FR_TIME_EARLIEST: as much as there is */
  bool perfect;          /* what a file has after now_s is its forecast */
  bool offline;          /* of servers only what is kept */
  enum fr_factor factor; /* unknown: the source's usual one */
} fr_intensity_query;

#define FR_TIME_EARLIEST INT64_MIN
#define FR_TIME_LATEST INT64_MAX

/*
 * What `spec` says of [from_s, to_s): what was known at now_s, then, marked, the source's
 * own forecast where it has one. A table's row and a number are one step. There may be
 * gaps, and nothing at all (count 0). `out` is the caller's (release).
 *
 *   table:ZONE      a yearly mean (ISO 3166 code, grid zone, cloud region, "world")
 *   400, 882lb/MWh  a number, of gCO2e/kWh where no unit is told
 *   csv:FILE        hourly files: Electricity Maps', CarbonCast's, any; whole steps
 *                   that reach into what is asked
 *   electricitymaps:ZONE, watttime:REGION, uk:[REGION]  servers
 * docs/intensity.md has their options.
 */
enum fr_status fr_intensity_read(const char *spec, const fr_intensity_query *query,
                                 fr_series *out, fr_error *err);

/* What a spec names, by its form alone. */
enum fr_intensity_kind {
  FR_INTENSITY_UNKNOWN,  /* no spec */
  FR_INTENSITY_CONSTANT, /* the same at all times: a number, a row of a table */
  FR_INTENSITY_FILE,
  FR_INTENSITY_SERVER
};
enum fr_intensity_kind fr_intensity_kind_of(const char *spec);

#endif
