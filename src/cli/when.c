/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- spans ---- */

static void add_part(int64_t count, const char *of, char *text, size_t size) {
  const size_t used = strlen(text);
  if (count > 0 && used < size)
    (void)snprintf(text + used, size - used, "%s%lld %s", used > 0 ? " " : "",
                   (long long)count, of);
}

void cli_span_format(int64_t seconds, char *text, size_t size) {
  text[0] = '\0';
  const int64_t days = seconds / 86400;
  const int64_t whole = seconds >= 60 ? (seconds + 30) / 60 * 60 : seconds;
  if (days >= 2) {
    const int64_t hours = (seconds % 86400 + 1800) / 3600;
    add_part(days + hours / 24, "days", text, size);
    add_part(hours % 24, "h", text, size);
    return;
  }
  add_part(whole / 3600, "h", text, size);
  add_part(whole % 3600 / 60, "min", text, size);
  if (seconds < 60)
    (void)snprintf(text, size, "%lld s", (long long)seconds);
}

/* ---- times ---- */

static struct tm local(int64_t t_s) {
  const time_t t = (time_t)t_s;
  struct tm tm = {.tm_mday = 1};
  return localtime_r(&t, &tm) != NULL ? tm : (struct tm){.tm_mday = 1, .tm_zone = "UTC"};
}

int64_t cli_wall_seconds(int64_t t_s) { return t_s + local(t_s).tm_gmtoff; }

void cli_wall_format(int64_t wall_s, const char *format, char *text, size_t size) {
  const time_t t = (time_t)wall_s;
  struct tm tm = {.tm_mday = 1};
  if (gmtime_r(&t, &tm) == NULL || strftime(text, size, format, &tm) == 0)
    text[0] = '\0';
}

static void add_zone(int64_t t_s, char text[CLI_WHEN_TEXT]) {
  const struct tm tm = local(t_s);
  const size_t used = strlen(text);
  if (tm.tm_zone != NULL)
    (void)snprintf(text + used, CLI_WHEN_TEXT - used, " %.12s", tm.tm_zone);
}

static const char *clock_form(int64_t t_s, bool day) {
  if (local(t_s).tm_sec != 0)
    return day ? "%a %-d %b %H:%M:%S" : "%H:%M:%S";
  return day ? "%a %-d %b %H:%M" : "%H:%M";
}

void cli_when_format(int64_t t_s, bool zone, char text[CLI_WHEN_TEXT]) {
  cli_wall_format(cli_wall_seconds(t_s), clock_form(t_s, true), text, CLI_WHEN_TEXT);
  if (zone)
    add_zone(t_s, text);
}

static int64_t wall_day(int64_t t_s) {
  const int64_t wall_s = cli_wall_seconds(t_s);
  return (wall_s - ((wall_s % 86400) + 86400) % 86400) / 86400;
}

void cli_when_after(int64_t t_s, int64_t of_s, bool zone, char text[CLI_WHEN_TEXT]) {
  const bool day = wall_day(t_s) != wall_day(of_s);
  cli_wall_format(cli_wall_seconds(t_s), clock_form(t_s, day), text, CLI_WHEN_TEXT);
  if (zone)
    add_zone(t_s, text);
}

/* The first second in (from, to] whose offset is not that of `from_s`. */
static int64_t change_within(int64_t from_s, int64_t to_s) {
  const long offset = local(from_s).tm_gmtoff;
  while (to_s - from_s > 1) {
    const int64_t middle = from_s + (to_s - from_s) / 2;
    if (local(middle).tm_gmtoff == offset)
      from_s = middle;
    else
      to_s = middle;
  }
  return to_s;
}

void cli_zone_format(int64_t from_s, int64_t to_s, char text[CLI_WHEN_TEXT]) {
  char when[CLI_WHEN_TEXT];
  const char *name = local(from_s).tm_zone;
  (void)snprintf(text, CLI_WHEN_TEXT, "%.12s", name != NULL ? name : "UTC");
  for (int64_t at = from_s; at < to_s; at += 86400 * 7) { /* no change is shorter */
    const int64_t next = at + 86400 * 7 < to_s ? at + 86400 * 7 : to_s;
    if (local(at).tm_gmtoff == local(next).tm_gmtoff)
      continue;
    cli_when_format(change_within(at, next), true, when);
    (void)snprintf(text, CLI_WHEN_TEXT, "%.12s, from %.28s", name != NULL ? name : "UTC",
                   when);
    return;
  }
}
