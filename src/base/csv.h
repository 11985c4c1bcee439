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
  size_t lines;         /* line feeds before `at` */
  fr__csv_field *field; /* the row last read; owned */
  size_t count;
  size_t capacity;
  fr__csv_field *header; /* the row that was kept as such; owned; NULL: none */
  size_t header_count;
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

/* Keeps the row last read as the header: its names stand in messages and are what
 * fr__csv_find looks through from then on. */
enum fr_status fr__csv_keep_header(fr__csv *csv, fr_error *err);

/* The index of the column of that name in the header, without one in the row last read;
 * FR_NONE where there is none. */
uint32_t fr__csv_find(const fr__csv *csv, const char *name);

/* Column `index` of the row last read as a finite number; fails with
 * "name:line: column N 'header': 'text' is not a number" (columns count from 1). */
enum fr_status fr__csv_number(const fr__csv *csv, size_t index, double *out,
                              fr_error *err);

/* The same sentence with `what` behind the text, for a reader's own rules about a field.
 */
enum fr_status fr__csv_fail(const fr__csv *csv, size_t index, const char *what,
                            fr_error *err);

/*
 * Parses a decimal number at `text` (at most `length` bytes, all of them; blanks around
 * it are passed over) as strtod would in the C locale, without a locale and without a
 * NUL: correctly rounded to double. Accepts what C99 strtod does except hexadecimal;
 * "nan" and "inf" only as such words, in any case. False where it is not a number, or has
 * more than 1,000 bytes.
 */
bool fr__parse_number(const char *text, size_t length, double *out);

/* The number that `text` begins with, at most up to `end`, without blanks or words;
 * returns what follows it, NULL where there is none. The hot path of the readers. */
const char *fr__scan_number(const char *text, const char *end, double *out);

/* A whole number in [low, high]. */
bool fr__parse_integer(const char *text, int64_t low, int64_t high, int64_t *out);

#endif
