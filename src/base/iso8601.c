/* SPDX-License-Identifier: Apache-2.0 */
#include "base/iso8601.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/csv.h"
#include "base/error.h"

#define DAY_S 86400
#define TEXT_CEILING 64 /* bytes of a time, blanks around it not counted */
#define SHOWN 48        /* bytes of one that a message shows */

/* ---- the calendar ---- */

static bool is_leap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool fr__civil_is_day(int64_t year, int64_t month, int64_t day) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
         day <= days[month - 1] + (month == 2 && is_leap(year));
}

/* Days since 1970-01-01, counted from March on, so that a leap day is a year's last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day) {
  const int64_t y = month > 2 ? year : year - 1; /* the year that began in March */
  const int64_t m = (month + 9) % 12;            /* March is 0 */
  const int64_t before = 365 * y + y / 4 - y / 100 + y / 400;
  return before + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* ---- reading ---- */

/* Exactly `count` digits at *at. */
static bool take_digits(const char **at, const char *end, unsigned count,
                        unsigned *value) {
  const char *p = *at;
  unsigned sum = 0;
  for (unsigned i = 0; i < count; i++, p++) {
    if (p == end || (unsigned char)(*p - '0') > 9)
      return false;
    sum = sum * 10 + (unsigned)(*p - '0');
  }
  *at = p;
  *value = sum;
  return true;
}

static bool take(const char **at, const char *end, char c) {
  const bool there = *at < end && **at == c;
  *at += there;
  return there;
}

/* Digits behind a point or a comma, if there is one; what they tell is dropped. */
static bool pass_fraction(const char **at, const char *end) {
  if (!take(at, end, '.') && !take(at, end, ','))
    return true;
  const char *const first = *at;
  while (*at < end && (unsigned char)(**at - '0') <= 9)
    ++*at;
  return *at > first;
}

/* "+02:00", "+0200", "+02". */
static bool take_offset(const char **at, const char *end, fr__civil *out) {
  const bool west = **at == '-';
  unsigned hours, minutes = 0;
  ++*at;
  if (!take_digits(at, end, 2, &hours))
    return false;
  const bool colon = take(at, end, ':');
  if ((colon || *at < end) && !take_digits(at, end, 2, &minutes))
    return false;
  const int seconds = (int)(hours * 3600 + minutes * 60);
  out->offset_s = west ? -seconds : seconds;
  return hours < 24 && minutes < 60;
}

/* All that follows the time of the day. */
static bool take_zone(const char *at, const char *end, fr__civil *out) {
  out->zoned = true;
  out->offset_s = 0;
  take(&at, end, ' ');
  if (at < end && (*at == '+' || *at == '-'))
    return take_offset(&at, end, out) && at == end;
  const size_t left = (size_t)(end - at);
  return (left == 1 && (*at == 'Z' || *at == 'z')) ||
         (left == 3 &&
          (strncasecmp(at, "UTC", 3) == 0 || strncasecmp(at, "GMT", 3) == 0));
}

static bool take_clock(const char *at, const char *end, fr__civil *out) {
  if (end - at > 1 && at[1] == ':') { /* 3:04 */
    if (!take_digits(&at, end, 1, &out->hour))
      return false;
  } else if (!take_digits(&at, end, 2, &out->hour))
    return false;
  if (!take(&at, end, ':') || !take_digits(&at, end, 2, &out->minute))
    return false;
  out->second = 0;
  if (take(&at, end, ':') &&
      (!take_digits(&at, end, 2, &out->second) || !pass_fraction(&at, end)))
    return false;
  const bool midnight = out->hour == 24 && out->minute == 0 && out->second == 0;
  if (!midnight && (out->hour > 23 || out->minute > 59 || out->second > 60))
    return false;
  return at == end || take_zone(at, end, out);
}

static void pass_blanks(const char **text, const char **end) {
  while (*text < *end && (**text == ' ' || **text == '\t'))
    ++*text;
  while (*text < *end && ((*end)[-1] == ' ' || (*end)[-1] == '\t'))
    --*end;
}

bool fr__civil_read_clock(const char *text, size_t length, fr__civil *out) {
  const char *end = text + length;
  pass_blanks(&text, &end);
  return end - text <= TEXT_CEILING && take_clock(text, end, out);
}

bool fr__civil_read(const char *text, size_t length, fr__civil *out) {
  const char *at = text, *end = text + length;
  fr__civil civil = {0};
  unsigned year;
  pass_blanks(&at, &end);
  if (end - at > TEXT_CEILING || !take_digits(&at, end, 4, &year) ||
      !take(&at, end, '-') || !take_digits(&at, end, 2, &civil.month) ||
      !take(&at, end, '-') || !take_digits(&at, end, 2, &civil.day) ||
      !fr__civil_is_day(year, civil.month, civil.day))
    return false;
  civil.year = (int)year;
  civil.whole_day = at == end;
  if (!civil.whole_day) {
    const char mark = *at++;
    if ((mark != 'T' && mark != 't' && mark != ' ') || !take_clock(at, end, &civil))
      return false;
  }
  *out = civil;
  return true;
}

/* ---- to seconds ---- */

/* What the clock on the wall is ahead of UTC at that time. */
static int64_t offset_at(int64_t time_s) {
  const time_t t = (time_t)time_s;
  struct tm local;
  return localtime_r(&t, &local) != NULL ? (int64_t)local.tm_gmtoff : 0;
}

/* `wall_s` is what the clock on the wall shows, as if it were UTC. The offsets a day
 * before and after are those on both sides of a change, if there is one. */
static int64_t local_seconds(int64_t wall_s, bool later) {
  tzset();
  const int64_t early = wall_s - offset_at(wall_s - DAY_S);
  const int64_t late = wall_s - offset_at(wall_s + DAY_S);
  const bool early_is = early + offset_at(early) == wall_s;
  const bool late_is = late + offset_at(late) == wall_s;
  if (early_is && late_is)
    return (early < late) == later ? late : early;
  return late_is ? late : early;
}

int64_t fr__civil_seconds(const fr__civil *c, enum fr__time_zone zone, bool later) {
  const int64_t wall_s = days_of(c->year, c->month, c->day) * DAY_S +
                         (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 +
                         (int64_t)c->second;
  if (c->zoned)
    return wall_s - c->offset_s;
  return zone == FR__TIME_LOCAL ? local_seconds(wall_s, later) : wall_s;
}

bool fr__time_scan(const char *text, size_t length, enum fr__time_zone zone,
                   int64_t *out_s) {
  fr__civil civil;
  if (!fr__civil_read(text, length, &civil))
    return false;
  *out_s = fr__civil_seconds(&civil, zone, false);
  return true;
}

/* What a terminal should not get is replaced. */
static void show(const char *text, char shown[SHOWN + 1]) {
  size_t n = 0;
  for (; text[n] != '\0' && n < SHOWN; n++)
    shown[n] = (unsigned char)text[n] < 0x20 || text[n] == 0x7f ? '?' : text[n];
  shown[n] = '\0';
}

enum fr_status fr__time_parse(const char *text, enum fr__time_zone zone, int64_t *out_s,
                              fr_error *err) {
  char shown[SHOWN + 1];
  if (fr__time_scan(text, strlen(text), zone, out_s))
    return FR_OK;
  show(text, shown);
  return fr__fail(err, FR_ERR_ARGUMENT,
                  "'%s' is not a time such as 2026-05-04T03:02Z, 2026-05-04T05:02+02:00 "
                  "or '2026-05-04 05:02' (local)",
                  shown);
}

/* ---- durations ---- */

static double unit_seconds(const char *name, size_t length) {
  static const struct {
    const char *name;
    double seconds;
  } units[] = {{"s", 1},    {"sec", 1},   {"m", 60},       {"min", 60},
               {"h", 3600}, {"d", DAY_S}, {"w", 7 * DAY_S}};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strlen(units[i].name) == length && memcmp(units[i].name, name, length) == 0)
      return units[i].seconds;
  return 0;
}

static size_t letters(const char *text) {
  size_t n = 0;
  while ((unsigned char)((text[n] | 0x20) - 'a') < 26)
    n++;
  return n;
}

/* The sum of its parts; -1 where it is no duration. */
static double duration_of(const char *text) {
  const char *at = text, *const end = text + strlen(text);
  double sum = 0;
  while (at < end) {
    double number = 0;
    at = fr__scan_number(at, end, &number);
    if (at == NULL || !(number >= 0))
      return -1;
    at += strspn(at, " ");
    const size_t length = letters(at);
    const double seconds = unit_seconds(at, length);
    if (!(seconds > 0))
      return -1;
    sum += number * seconds;
    at += length;
    at += strspn(at, " ");
  }
  return sum;
}

enum fr_status fr__duration_parse(const char *text, int64_t *out_s, fr_error *err) {
  char shown[SHOWN + 1];
  const double seconds = strlen(text) <= TEXT_CEILING ? duration_of(text) : -1;
  show(text, shown);
  if (!(seconds >= 0.5))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%s' is not a duration such as 90min, 3h, 1h30m or 2d", shown);
  if (seconds > 1000 * 365.25 * DAY_S)
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s' is longer than 1,000 years", shown);
  *out_s = (int64_t)llround(seconds);
  return FR_OK;
}

/* ---- writing ---- */

void fr__time_format_local(int64_t time_s, char text[FR__LOCAL_TEXT]) {
  const time_t t = (time_t)time_s;
  struct tm local;
  tzset();
  if (localtime_r(&t, &local) == NULL ||
      strftime(text, FR__LOCAL_TEXT, "%Y-%m-%d %H:%M %Z", &local) == 0)
    (void)snprintf(text, FR__LOCAL_TEXT, "?");
}
