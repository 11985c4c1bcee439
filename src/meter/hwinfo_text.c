/* SPDX-License-Identifier: Apache-2.0 */
#include "meter/hwinfo_text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define FIRST_YEAR 1980
#define LAST_YEAR 2200 /* nanoseconds since 1970 still fit 63 bits */

/* A whole number of at most `digits` digits at *at; *at moves behind it. */
static bool take_number(const char **at, const char *end, int digits, int *out) {
  int value = 0, n = 0;
  for (; *at < end && isdigit((unsigned char)**at) && n < digits; n++, (*at)++)
    value = value * 10 + (**at - '0');
  *out = value;
  return n > 0;
}

static void trim(const fr__csv_field *field, const char **from, const char **to) {
  *from = field->text;
  *to = field->text + field->length;
  while (*from < *to && isspace((unsigned char)**from))
    (*from)++;
  while (*to > *from && isspace((unsigned char)(*to)[-1]))
    (*to)--;
}

/* ---- dates ---- */

static bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01 (Gregorian); -1: no such day. */
static int32_t days_of(int year, int month, int day) {
  static const int before[] = {0,   31,  59,  90,  120, 151, 181,
                               212, 243, 273, 304, 334, 365};
  if (year < 100)
    year += 2000;
  if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || day < 1)
    return -1;
  const int leap = is_leap(year) && month == 2;
  if (day > before[month] - before[month - 1] + leap)
    return -1;
  const int past = year - 1;
  const int leaps = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 4);
  return 365 * (year - 1970) + leaps + before[month - 1] + (is_leap(year) && month > 2) +
         day - 1;
}

bool fr__hwinfo_date_of(const fr__csv_field *field, fr__hwinfo_date *out) {
  const char *at, *end;
  int part[3];
  char sign = '\0';
  trim(field, &at, &end);
  for (int i = 0; i < 3; i++) {
    if (!take_number(&at, end, 4, &part[i]))
      return false;
    if (i == 2)
      break;
    if (at == end || strchr("./-", *at) == NULL || (sign != '\0' && *at != sign))
      return false;
    sign = *at++;
    while (at < end && *at == ' ')
      at++;
  }
  if (at < end && *at == '.')
    at++; /* "2026.5.11." */
  *out = part[0] > 99 ? (fr__hwinfo_date){days_of(part[0], part[1], part[2]), -1}
                      : (fr__hwinfo_date){days_of(part[2], part[1], part[0]), -1};
  if (part[0] <= 99 && sign != '.')
    out->month_first = days_of(part[2], part[0], part[1]);
  return at == end && (out->usual >= 0 || out->month_first >= 0);
}

/* ---- times ---- */

/* The digits behind a decimal sign, in nanoseconds. */
static int64_t take_fraction(const char **at, const char *end) {
  int64_t fraction = 0, unit = 100000000;
  for (; *at < end && isdigit((unsigned char)**at); (*at)++, unit /= 10)
    fraction += unit * (**at - '0');
  return fraction;
}

/* "AM" and "PM" after the time: hours to add; 0 also where neither stands there. */
static int half_day(const char **at, const char *end, int hour) {
  while (*at < end && **at == ' ')
    (*at)++;
  if (end - *at != 2 || toupper((unsigned char)(*at)[1]) != 'M' || hour > 12)
    return 0;
  const int sign = toupper((unsigned char)**at);
  if (sign != 'A' && sign != 'P')
    return 0;
  *at = end;
  return sign == 'A' ? (hour == 12 ? -12 : 0) : (hour == 12 ? 0 : 12);
}

bool fr__hwinfo_time_of(const fr__csv_field *field, int64_t *out) {
  const char *at, *end;
  int part[3];
  int64_t fraction = 0;
  trim(field, &at, &end);
  for (int i = 0; i < 3; i++) {
    if (!take_number(&at, end, 2, &part[i]))
      return false;
    if (i < 2 && (at == end || *at++ != ':'))
      return false;
  }
  if (at < end && (*at == '.' || *at == ',')) {
    at++;
    fraction = take_fraction(&at, end);
  }
  part[0] += half_day(&at, end, part[0]);
  if (at != end || part[0] > 23 || part[1] > 59 || part[2] > 60)
    return false;
  *out = ((int64_t)(part[0] * 60 + part[1]) * 60 + part[2]) * 1000000000 + fraction;
  return true;
}

/* ---- numbers and names ---- */

double fr__hwinfo_number_of(const fr__csv_field *field) {
  char text[40];
  double value;
  if (field->length == 0 || field->length >= sizeof text)
    return (double)NAN;
  memcpy(text, field->text, field->length);
  char *comma = memchr(text, ',', field->length);
  if (comma != NULL && memchr(text, '.', field->length) == NULL)
    *comma = '.';
  if (!fr__parse_number(text, field->length, &value) || !isfinite(value))
    return (double)NAN;
  return value;
}

/* Bytes of the UTF-8 character at `text`; 0: it is none. */
static size_t utf8_length(const unsigned char *text, size_t left) {
  const size_t length = *text < 0x80                    ? 1
                        : *text >= 0xc2 && *text < 0xe0 ? 2
                        : *text >= 0xe0 && *text < 0xf0 ? 3
                        : *text >= 0xf0 && *text < 0xf5 ? 4
                                                        : 0;
  if (length > left)
    return 0;
  for (size_t i = 1; i < length; i++)
    if ((text[i] & 0xc0) != 0x80)
      return 0;
  return length;
}

static void put_utf8(const fr__csv_field *field, size_t length, fr__buf *out) {
  const unsigned char *const text = (const unsigned char *)field->text;
  for (size_t i = 0; i < length;) {
    const size_t n = utf8_length(text + i, length - i);
    if (n == 0) { /* Latin-1 */
      const char two[] = {(char)(0xc0 | text[i] >> 6), (char)(0x80 | (text[i] & 0x3f)),
                          '\0'};
      fr__buf_add(out, text[i] < 0xa0 ? "?" : two);
    } else if (text[i] < 0x20 || text[i] == 0x7f) {
      fr__buf_add(out, "?");
    } else {
      fr__buf_add_bytes(out, text + i, n);
    }
    i += n == 0 ? 1 : n;
  }
}

char *fr__hwinfo_name_of(const fr__csv_field *field, double *scale) {
  static const struct {
    const char *text;
    double scale;
  } unit[] = {{"[W]", 1}, {"[mW]", 1e-3}, {"[kW]", 1e3}};
  const char *from, *to;
  fr__buf out;
  trim(field, &from, &to);
  *scale = 0;
  for (size_t i = 0; i < sizeof unit / sizeof *unit; i++) {
    const size_t length = strlen(unit[i].text);
    if ((size_t)(to - from) < length || memcmp(to - length, unit[i].text, length) != 0)
      continue;
    *scale = unit[i].scale;
    to -= length;
    break;
  }
  const fr__csv_field bare = {from, (size_t)(to - from)};
  trim(&bare, &from, &to);
  fr__buf_init(&out, 0);
  fr__buf_add(&out, "");
  put_utf8(&(fr__csv_field){from, (size_t)(to - from)}, (size_t)(to - from), &out);
  char *name = fr__buf_detach(&out);
  fr__buf_release(&out);
  return name;
}

size_t fr__hwinfo_device_of(const fr__csv_field *field) {
  const char *end = memchr(field->text, ']', field->length);
  return end != NULL ? (size_t)(end - field->text) + 1 : field->length;
}
