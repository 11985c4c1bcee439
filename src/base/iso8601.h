/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as people and servers write them (ISO 8601, RFC 3339), to seconds since
 * 1970-01-01T00:00:00Z without leap seconds, and durations. No allocation, no locale.
 */
#ifndef FR_BASE_ISO8601_H
#define FR_BASE_ISO8601_H

#include "frugal/base.h"

/* What a time is that tells no zone: of the command line local (TZ), of files UTC. */
enum fr__time_zone { FR__TIME_UTC, FR__TIME_LOCAL };

/* A day and a time of it, as they are written. */
typedef struct fr__civil {
  int year;              /* 1 to 9999 */
  unsigned month, day;   /* from 1 */
  unsigned hour, minute; /* 24:00 is the end of the day */
  unsigned second;       /* 60: a leap second, taken for the next second's begin */
  bool zoned, whole_day; /* it tells a zone; it tells no time of the day */
  int offset_s;          /* from UTC, where it is zoned: east is positive */
} fr__civil;

/*
 * "2023-10-29T02:30:00Z", all of `length` bytes, blanks around them passed over: a blank
 * or a 't' in T's place, seconds and their fraction (which is dropped) or not, "Z",
 * "UTC", "+02:00", "+0200", "+02" or no zone, "2023-10-29" alone. False where it is
 * anything else, or a day that no calendar has.
 */
bool fr__civil_read(const char *text, size_t length, fr__civil *out);

/* "24:00", "3:04:05.5", a zone behind it or none: the time of a day alone. */
bool fr__civil_read_clock(const char *text, size_t length, fr__civil *out);

/* Whether the calendar has that day (Gregorian, also before 1582). */
bool fr__civil_is_day(int64_t year, int64_t month, int64_t day);

/*
 * The second that it is. Without a zone and `local`: RFC 5545 3.3.5: a time that stands
 * twice on the clock, where summer time ends, is its first, with `later` its second; one
 * that the clock passes over, where it begins, is read with the offset before.
 */
int64_t fr__civil_seconds(const fr__civil *civil, enum fr__time_zone zone, bool later);

/* Both at once. False: it is no time. */
bool fr__time_scan(const char *text, size_t length, enum fr__time_zone zone,
                   int64_t *out_s);
/* The same of an option, with a sentence that quotes it. */
enum fr_status fr__time_parse(const char *text, enum fr__time_zone zone, int64_t *out_s,
                              fr_error *err);

/* "90min", "1h30m", "2 d", "0.5h", "45s", "1w" (s, sec, m, min, h, d, w; their sum), 0
 * refused, at most 1,000 years; to whole seconds, rounded. */
enum fr_status fr__duration_parse(const char *text, int64_t *out_s, fr_error *err);

#define FR__LOCAL_TEXT 48
/* "2023-10-29 02:30 CEST", by TZ. */
void fr__time_format_local(int64_t time_s, char text[FR__LOCAL_TEXT]);

#endif
