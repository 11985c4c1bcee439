/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of HWiNFO's log: dates, times, numbers and names in several customs. */
#ifndef FR_METER_HWINFO_TEXT_H
#define FR_METER_HWINFO_TEXT_H

#include "base/csv.h"

/* Days since 1970 by two readings of a date; -1: not one. "11.5.2026" and "2026-05-11"
 * have one, "5/11/2026" may be American (month first) or British. */
typedef struct fr__hwinfo_date {
  int32_t usual, month_first;
} fr__hwinfo_date;

bool fr__hwinfo_date_of(const fr__csv_field *field, fr__hwinfo_date *out);
/* "13:05:22.123", "1:05:22,123 PM": nanoseconds of the day. */
bool fr__hwinfo_time_of(const fr__csv_field *field, int64_t *out);
/* A decimal point or a decimal comma; NaN where it is no number. */
double fr__hwinfo_number_of(const fr__csv_field *field);

/* "CPU Package Power [W]" without its unit, as UTF-8, control characters replaced; *scale
 * is watts per unit, 0 where it is no power. The caller's (free); NULL out of memory. */
char *fr__hwinfo_name_of(const fr__csv_field *field, double *scale);

/* "CPU [#1]" of "CPU [#1]: Intel …: Enhanced": which device a column belongs to. */
size_t fr__hwinfo_device_of(const fr__csv_field *field);

#endif
