/* SPDX-License-Identifier: Apache-2.0 */
/* The header fields of an answer: how long it may be kept, and when to ask again. */
#include "base/http_parts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/iso8601.h"

/* Ten years: what is told beyond it counts as that (RFC 9111, 1.2.2, allows a ceiling) */
#define LONGEST_S ((int64_t)10 * 366 * 86400)

void fr__http_fields_init(fr__http_fields *fields) {
  *fields = (fr__http_fields){.date_s = FR__HTTP_UNKNOWN,
                              .expires_s = FR__HTTP_UNKNOWN,
                              .modified_s = FR__HTTP_UNKNOWN,
                              .retry_s = FR__HTTP_UNKNOWN,
                              .max_age_s = FR__HTTP_UNKNOWN,
                              .limit_left = FR__HTTP_UNKNOWN,
                              .limit_reset_s = FR__HTTP_UNKNOWN};
}

/* ---- dates ---- */

static unsigned month_of(const char name[4]) {
  static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
  for (unsigned i = 0; i < 12; i++)
    if (strncasecmp(months + 3 * (size_t)i, name, 3) == 0 && name[3] == '\0')
      return i + 1;
  return 0;
}

int64_t fr__http_date(const char *text) {
  int day = 0, year = 0, hour = 0, minute = 0, second = 0;
  char month[4] = "";
  const char *const comma = strchr(text, ',');
  const char *const rest = comma != NULL ? comma + 1 : text;
  if (comma != NULL) {
    const char *const form = strchr(rest, '-') != NULL ? "%2d-%3[A-Za-z]-%4d %2d:%2d:%2d"
                                                       : "%2d %3[A-Za-z] %4d %2d:%2d:%2d";
    if (sscanf(rest, form, &day, month, &year, &hour, &minute, &second) != 6)
      return FR__HTTP_UNKNOWN;
  } else if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d", month, &day,
                    &hour, &minute, &second, &year) != 6) {
    return FR__HTTP_UNKNOWN;
  }
  if (year >= 0 && year < 100) /* RFC 850: two digits, nearest */
    year += year < 70 ? 2000 : 1900;
  const unsigned number = month_of(month);
  if (year < 1900 || !fr__civil_is_day(year, number, day) || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 60)
    return FR__HTTP_UNKNOWN;
  const fr__civil civil = {.year = year,
                           .month = number,
                           .day = (unsigned)day,
                           .hour = (unsigned)hour,
                           .minute = (unsigned)minute,
                           .second = (unsigned)second};
  return fr__civil_seconds(&civil, FR__TIME_UTC, false);
}

/* ---- fields ---- */

/* A count of seconds or requests, at most LONGEST_S; FR__HTTP_UNKNOWN where it is none
 * (RFC 9111, 1.2.2). A comma or a semicolon may follow (RateLimit's old forms). */
static int64_t whole(const char *text) {
  int64_t value = 0;
  size_t i = 0;
  for (; text[i] >= '0' && text[i] <= '9'; i++)
    if (value <= LONGEST_S)
      value = value * 10 + (text[i] - '0');
  if (i == 0 || (text[i] != '\0' && strchr(" ,;\"", text[i]) == NULL))
    return FR__HTTP_UNKNOWN;
  return value < LONGEST_S ? value : LONGEST_S;
}

/* A moment told in seconds from now, or, by some servers, in seconds since 1970. */
static int64_t moment(const char *text, int64_t now_s) {
  long long since_1970 = 0;
  if (strlen(text) >= 10 && sscanf(text, "%12lld", &since_1970) == 1 &&
      since_1970 > 1000000000)
    return since_1970;
  const int64_t seconds = whole(text);
  return seconds == FR__HTTP_UNKNOWN ? seconds : now_s + seconds;
}

static void take_directive(fr__http_fields *f, const char *text, size_t length) {
  char word[64];
  if (length >= sizeof word)
    return;
  memcpy(word, text, length);
  word[length] = '\0';
  if (strcasecmp(word, "no-store") == 0) {
    f->no_store = true;
  } else if (strncasecmp(word, "no-cache", 8) == 0) {
    f->no_cache = true;
  } else if (strncasecmp(word, "max-age=", 8) == 0) {
    const int64_t told = whole(word + 8 + (word[8] == '"'));
    const int64_t age = told != FR__HTTP_UNKNOWN ? told : 0; /* nonsense: over (4.2.1) */
    if (f->max_age_s == FR__HTTP_UNKNOWN || age < f->max_age_s)
      f->max_age_s = age;
  }
}

static void take_cache_control(fr__http_fields *f, const char *value) {
  while (*value != '\0') {
    value += strspn(value, " \t,");
    const size_t length = strcspn(value, " \t,");
    take_directive(f, value, length);
    value += length;
  }
}

static void keep_text(char out[FR__HTTP_TEXT], const char *value) {
  for (const char *c = value; *c != '\0'; c++)
    if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
      return;
  if (strlen(value) < FR__HTTP_TEXT)
    (void)snprintf(out, FR__HTTP_TEXT, "%s", value);
}

static void take_date(int64_t *out, const char *value) { *out = fr__http_date(value); }

static void take_field(fr__http_fields *f, const char *name, const char *value,
                       int64_t now_s) {
  if (strcasecmp(name, "cache-control") == 0) {
    take_cache_control(f, value);
  } else if (strcasecmp(name, "date") == 0) {
    take_date(&f->date_s, value);
  } else if (strcasecmp(name, "expires") == 0) {
    f->expires = true;
    take_date(&f->expires_s, value);
  } else if (strcasecmp(name, "last-modified") == 0) {
    take_date(&f->modified_s, value);
    keep_text(f->modified, f->modified_s != FR__HTTP_UNKNOWN ? value : "");
  } else if (strcasecmp(name, "etag") == 0) {
    keep_text(f->etag, value);
  } else if (strcasecmp(name, "age") == 0) {
    const int64_t age = whole(value);
    f->age_s = age != FR__HTTP_UNKNOWN ? age : 0;
  } else if (strcasecmp(name, "retry-after") == 0) {
    const int64_t seconds = whole(value);
    f->retry_s = seconds != FR__HTTP_UNKNOWN ? now_s + seconds : fr__http_date(value);
  } else if (strcasecmp(name, "ratelimit-remaining") == 0 ||
             strcasecmp(name, "x-ratelimit-remaining") == 0) {
    f->limit_left = whole(value);
  } else if (strcasecmp(name, "ratelimit-reset") == 0 ||
             strcasecmp(name, "x-ratelimit-reset") == 0) {
    f->limit_reset_s = moment(value, now_s);
  }
}

void fr__http_fields_add(fr__http_fields *fields, const char *line, size_t length,
                         int64_t now_s) {
  char text[1024];
  while (length > 0 && strchr("\r\n \t", line[length - 1]) != NULL)
    length--;
  const char *const colon = memchr(line, ':', length);
  if (colon == NULL || length >= sizeof text || memchr(line, '\0', length) != NULL)
    return;
  memcpy(text, line, length);
  text[length] = '\0';
  text[colon - line] = '\0';
  const char *const value = text + (colon - line) + 1;
  take_field(fields, text, value + strspn(value, " \t"), now_s);
}

/* ---- how long it holds ---- */

int64_t fr__http_lifetime(const fr__http_fields *f, int64_t answered_s, int64_t usual_s) {
  const int64_t date_s = f->date_s != FR__HTTP_UNKNOWN ? f->date_s : answered_s;
  if (f->max_age_s != FR__HTTP_UNKNOWN)
    return f->max_age_s;
  if (f->expires)
    return f->expires_s != FR__HTTP_UNKNOWN && f->expires_s > date_s
               ? f->expires_s - date_s
               : 0;
  if (usual_s > 0)
    return usual_s;
  return f->modified_s != FR__HTTP_UNKNOWN && f->modified_s < date_s
             ? (date_s - f->modified_s) / 10
             : 0;
}

int64_t fr__http_initial_age(const fr__http_fields *f, int64_t asked_s,
                             int64_t answered_s) {
  const int64_t apparent = f->date_s != FR__HTTP_UNKNOWN && f->date_s < answered_s
                               ? answered_s - f->date_s
                               : 0;
  const int64_t delay = answered_s > asked_s ? answered_s - asked_s : 0;
  const int64_t corrected = f->age_s + delay;
  return apparent > corrected ? apparent : corrected;
}
