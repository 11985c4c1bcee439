/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of `csv:` share: what was asked for, which column is what, the rows. */
#ifndef FR_CARBON_INTENSITY_CSV_H
#define FR_CARBON_INTENSITY_CSV_H

#include "base/csv.h"
#include "carbon/unit.h"
#include "frugal/intensity.h"

/* Which number of "01/02/2020" is the month; of both readings until the file tells. */
enum { FR__MONTH_FIRST, FR__DAY_FIRST, FR__DATE_ORDERS };

/* "FILE?factor=lifecycle&zone=DE&unit=g/kWh&column=NAME&times=local&dates=mdy". */
typedef struct fr__csv_spec {
  char *text; /* owned; the rest points into it */
  const char *file, *zone, *column;
  enum fr_factor factor; /* told in the spec; unknown: not told */
  fr__intensity_unit unit;
  bool has_unit, local;
  bool order[FR__DATE_ORDERS]; /* which are allowed */
} fr__csv_spec;

enum fr_status fr__csv_spec_parse(const char *rest, fr__csv_spec *out, fr_error *err);
void fr__csv_spec_release(fr__csv_spec *spec);

enum fr__csv_kind { FR__CSV_ANY, FR__CSV_ELECTRICITY_MAPS, FR__CSV_CARBONCAST };

/* Indices into a row; FR_NONE: the file has none. */
typedef struct fr__csv_columns {
  uint32_t start, end, value, low, high, estimated, forecast, made, zone, origin;
  fr__intensity_unit unit; /* of value, low and high */
  enum fr__csv_kind kind;
  fr_scope scope;
} fr__csv_columns;

/* By the header that the cursor keeps. `wanted` is the query's factor. */
enum fr_status fr__csv_columns_find(const fr__csv *csv, const fr__csv_spec *spec,
                                    enum fr_factor wanted, fr__csv_columns *out,
                                    fr_error *err);

/* As it stands in the file; a time by either order of day and month. */
typedef struct fr__csv_row {
  int64_t start_s[FR__DATE_ORDERS], end_s[FR__DATE_ORDERS]; /* end: FR_TIME_EARLIEST where
                                                               it is not told */
  double value, low, high; /* g/kWh; value NaN: the cell is empty */
  unsigned marks;
  bool later; /* told after the query's now: it is not known yet */
  bool waits; /* all but its start is yet to be read, from `at` of the text on */
  size_t line, at;
} fr__csv_row;

typedef struct fr__csv_rows {
  const char *name; /* of the file; borrowed */
  fr__csv_row *row; /* (count) owned */
  size_t count, capacity;
  size_t guess;                /* how many there may be; above 0 */
  bool order[FR__DATE_ORDERS]; /* what all of them can be */
  bool slashed;                /* some have a day that reads either way */
  /* Reads what of a row waits. */
  enum fr_status (*load)(void *self, fr__csv_row *row, fr_error *err);
  void *self;
} fr__csv_rows;

/* Orders them, finds each one's end, and puts those that are known at query->now_s and
 * reach into what is asked into `out`. */
enum fr_status fr__csv_rows_settle(fr__csv_rows *rows, const fr_intensity_query *query,
                                   fr_series *out, fr_error *err);

#endif
