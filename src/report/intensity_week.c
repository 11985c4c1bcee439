/* SPDX-License-Identifier: Apache-2.0 */
/* Intensity by hour and weekday. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "frugal/picture.h"
#include "report/gnuplot.h"
#include "report/picture.h"

#define WIDTH 960
#define HEIGHT 406
#define LEFT 56.0
#define RIGHT 94.0
#define BOTTOM 50.0
#define TOP 14                     /* pixels below the title: the unit of the colours */
#define HOURS_CEILING (200 * 8784) /* of a picture: two hundred years */
#define DAYS 7
#define HOURS 24

typedef struct week {
  double grams[DAYS][HOURS]; /* g/kWh × s, then the mean */
  double seconds[DAYS][HOURS];
  double low, high;
  int64_t from_s, to_s;
  char zone[2][16]; /* names of the clock meanwhile; "": it had no other one */
} week;

static struct tm civil(int64_t at_s, bool local) {
  const time_t at = (time_t)at_s;
  struct tm tm = {0};
  if (local)
    (void)localtime_r(&at, &tm);
  else
    (void)gmtime_r(&at, &tm);
  return tm;
}

static void note_zone(week *w, const char *name) {
  char *zone = w->zone[0][0] == '\0' || strncmp(w->zone[0], name, 15) == 0 ? w->zone[0]
                                                                           : w->zone[1];
  (void)snprintf(zone, sizeof *w->zone, "%.15s", name);
}

/* Each part of the step to the hour that the clock shows then; Monday is the first. */
static void take_step(week *w, const fr_report_step *s, bool local) {
  for (int64_t at = s->start_s, next; at < s->end_s; at = next) {
    const struct tm tm = civil(at, local);
    next = at + 3600 - tm.tm_min * 60 - (tm.tm_sec < 60 ? tm.tm_sec : 59);
    if (next > s->end_s)
      next = s->end_s;
    const int day = (tm.tm_wday + 6) % DAYS;
    note_zone(w, tm.tm_zone);
    w->grams[day][tm.tm_hour] += s->g_per_kwh * (double)(next - at);
    w->seconds[day][tm.tm_hour] += (double)(next - at);
  }
}

static enum fr_status take(const fr_report_intensity *of, week *w, fr_error *err) {
  if (of->steps == 0)
    return fr__fail(err, FR_ERR_NOT_FOUND, "there is no intensity to draw");
  w->from_s = of->step[0].start_s;
  w->to_s = of->step[of->steps - 1].end_s;
  const double hours = ((double)w->to_s - (double)w->from_s) / 3600;
  if (!(hours > 0 && hours <= HOURS_CEILING))
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "one intensity for all times has no picture by hour and weekday");
  for (size_t i = 0; i < of->steps; i++)
    if (isfinite(of->step[i].g_per_kwh))
      take_step(w, &of->step[i], of->local);
  w->low = HUGE_VAL;
  for (int d = 0; d < DAYS; d++)
    for (int h = 0; h < HOURS; h++) {
      if (!(w->seconds[d][h] > 0))
        continue;
      w->grams[d][h] /= w->seconds[d][h];
      w->low = fmin(w->low, w->grams[d][h]);
      w->high = fmax(w->high, w->grams[d][h]);
    }
  return FR_OK;
}

/* ---- the picture ---- */

/* "local time (CET, CEST)": what the clock was called meanwhile. */
static void name_clock(const week *w, bool local, char *text, size_t size) {
  if (local)
    (void)snprintf(text, size, "local time (%s%s%s)", w->zone[0],
                   w->zone[1][0] != '\0' ? ", " : "", w->zone[1]);
  else
    (void)snprintf(text, size, "UTC");
}

static void put_title(const fr_report_intensity *of, const week *w,
                      const fr__picture *picture, fr__buf *out) {
  char title[320], note[400], from[16], to[16], clock[64];
  const struct tm first = civil(w->from_s, of->local),
                  last = civil(w->to_s - 1, of->local);
  (void)strftime(from, sizeof from, "%Y-%m-%d", &first);
  (void)strftime(to, sizeof to, "%Y-%m-%d", &last);
  name_clock(w, of->local, clock, sizeof clock);
  (void)snprintf(title, sizeof title, "%.200s%smean by hour and weekday, %s",
                 of->title != NULL ? of->title : "",
                 of->title != NULL && *of->title != '\0' ? ": " : "", clock);
  (void)snprintf(note, sizeof note, "%s to %s%s%.340s", from, to,
                 of->note != NULL ? "; " : "", of->note != NULL ? of->note : "");
  fr__picture_begin(picture, title, note, out);
}

static void put_frame(const week *w, const fr__picture *picture, fr__buf *out) {
  static const char *const day[DAYS] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  const double room = w->high > w->low ? 0 : fmax(1, 0.05 * w->high);
  fr__picture_margins(picture, LEFT, RIGHT, FR__PICTURE_HEAD + TOP, BOTTOM, out);
  fr__buf_printf(out,
                 "set border 0\nset tics scale 0\nset xrange [-0.5:23.5]\n"
                 "set yrange [6.5:-0.5]\nset cbrange [%.6g:%.6g]\n"
                 "set palette defined (0 '#fff7dc', 0.35 '#f6c667', 0.7 '#c8651b', "
                 "1 '#5f2a0d')\n"
                 "set colorbox user origin screen %.6g, screen %.6g size screen %.6g, "
                 "screen %.6g noborder\nset cbtics font ',11'\n"
                 "set label 4 'g/kWh' at screen %.6g, screen %.6g right font ',11' "
                 "textcolor rgb '%s'\n"
                 "set xlabel 'hour' offset 0,0.4 textcolor rgb '%s'\nset ytics (",
                 fmax(0, w->low - room), w->high + room,
                 1 - fr__picture_x(picture, RIGHT - 16), fr__picture_y(picture, BOTTOM),
                 fr__picture_x(picture, 14),
                 1 - fr__picture_y(picture, FR__PICTURE_HEAD + TOP + BOTTOM),
                 1 - fr__picture_x(picture, 14),
                 1 - fr__picture_y(picture, FR__PICTURE_HEAD + TOP - 12),
                 FR__PICTURE_SOFT, FR__PICTURE_SOFT);
  for (int d = 0; d < DAYS; d++)
    fr__buf_printf(out, "%s'%s' %d", d > 0 ? ", " : "", day[d], d);
  fr__buf_add(out, ")\nset xtics (");
  for (int h = 0; h < HOURS; h++)
    fr__buf_printf(out, "%s'%02d' %d", h > 0 ? ", " : "", h, h);
  fr__buf_add(out, ")\nunset key\n");
}

static void put_numbers(const week *w, fr__buf *out) {
  const double span = w->high - w->low;
  for (int d = 0; d < DAYS; d++)
    for (int h = 0; h < HOURS; h++) {
      const double g = w->grams[d][h];
      if (!(w->seconds[d][h] > 0))
        continue;
      const bool dark = span > 0 && (g - w->low) / span > 0.6;
      fr__buf_printf(out,
                     "set label '%.*f' at first %d, first %d center font ',%d' front "
                     "textcolor rgb '%s'\n",
                     w->high < 9.95 ? 1 : 0, g, h, d, w->high < 999.5 ? 10 : 8,
                     dark ? "#ffffff" : FR__PICTURE_INK);
    }
}

static void put_cells(const week *w, fr__buf *out) {
  fr__buf_add(out,
              "set object rectangle from graph 0, graph 0 to graph 1, graph 1 behind "
              "fc rgb '#ededed' fs solid 1 noborder\n$week << EOD\n");
  for (int d = 0; d < DAYS; d++)
    for (int h = 0; h < HOURS; h++)
      if (w->seconds[d][h] > 0)
        fr__buf_printf(out, "%d %d %.6g\n", h, d, w->grams[d][h]);
  /* gaps of white between cells: boxes, not an image, which SVG would carry as a bitmap
   */
  fr__buf_add(out, "EOD\nset style fill solid 1 border rgb '#ffffff'\n"
                   "plot $week using 1:2:($1-0.5):($1+0.5):($2-0.5):($2+0.5):3 with "
                   "boxxyerror lc palette\n");
}

enum fr_status fr_report_intensity_week(const fr_report_intensity *of, const char *path,
                                        fr_error *err) {
  fr__picture picture = {.width = WIDTH, .height = HEIGHT};
  week w = {0};
  fr__buf script;
  enum fr_status status = fr__picture_medium(path, &picture.medium, err);
  if (status == FR_OK)
    status = take(of, &w, err);
  if (status != FR_OK)
    return status;
  fr__buf_init(&script, 0);
  put_title(of, &w, &picture, &script);
  put_frame(&w, &picture, &script);
  put_numbers(&w, &script);
  put_cells(&w, &script);
  status = fr__picture_write(&script, path, err);
  fr__buf_release(&script);
  return status;
}
