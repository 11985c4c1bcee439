/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated text, a row at a time, without copying (RFC 4180; LF or CRLF; an
 * optional UTF-8 byte order mark). */
#ifndef FR_BASE_CSV_H
#define FR_BASE_CSV_H

#include "frugal/base.h"

#define FR__CSV_LINE_CEILING ((size_t)1 << 20) /* bytes of one row */
#define FR__CSV_FIELD_CEILING 4096             /* fields of one row */

typedef struct fr__csv_field {
  const char *text; /* not NUL-terminated; into the cursor's text; quotes are taken off */
  size_t length;
} fr__csv_field;

typedef struct fr__csv {
  const char *name; /* for messages; borrowed */
  char *text;       /* borrowed; quoted fields are unescaped in place */
  size_t size;
  size_t at;
  size_t line;          /* of the row last read; the first is 1 */
  fr__csv_field *field; /* the row last read; owned */
  size_t count;
  size_t capacity;
  char separator;
} fr__csv;

/* `text` of `size` bytes must be writable and outlive the cursor, and be followed by one
 * readable NUL byte. */
void fr__csv_init(fr__csv *csv, const char *name, char *text, size_t size,
                  char separator);
void fr__csv_release(fr__csv *csv);

/* The next row into field and count; empty lines are passed over. *more is false at the
 * end. */
enum fr_status fr__csv_next(fr__csv *csv, bool *more, fr_error *err);

/* The index of the column of that name in the row last read; FR_NONE where there is none.
 */
uint32_t fr__csv_find(const fr__csv *csv, const char *name);

/* Column `index` of the row last read as a finite number; fails with "name:line: column N
 * …". */
enum fr_status fr__csv_number(const fr__csv *csv, size_t index, double *out,
                              fr_error *err);

/*
 * Parses a decimal number at `text` (at most `length` bytes, all of them) as strtod would
 * in the C locale, without a locale and without a NUL. Correctly rounded to float after a
 * conversion to double. Accepts what C99 strtod does except hexadecimal; "nan" and "inf"
 * only as such words. False where it is not a number.
 */
bool fr__parse_number(const char *text, size_t length, double *out);

/* A whole number in [low, high]. */
bool fr__parse_integer(const char *text, int64_t low, int64_t high, int64_t *out);

#endif
