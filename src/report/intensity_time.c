/* SPDX-License-Identifier: Apache-2.0 */
/* Intensity over time, with what is chosen of it. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "frugal/picture.h"
#include "report/gnuplot.h"
#include "report/picture.h"
#include "report/table.h"

#define WIDTH 960
#define HEIGHT 444
#define LEFT 64.0
#define RIGHT 32.0
#define BOTTOM 108.0
#define STEPS 1500 /* more are drawn by the day, or by BINS */
#define BINS 400
#define TICS 11
#define CHOSEN "#c9e8d6"
#define DAY_S 86400
#define WEEK_S 604800
#define EARLIEST INT64_C(-62135596800) /* 0001-01-01 */
#define LATEST INT64_C(253402300800)   /* 10000-01-01 */

typedef struct point { /* in seconds from the picture's beginning */
  double from, to, mean, low, high;
  bool forecast;
} point;

typedef struct view {
  int64_t from_s, to_s;
  int64_t offset_s; /* of the clock that is shown */
  char clock[48];   /* "UTC", "CEST, UTC+02:00", "UTC+03:00" where it has no name */
  point *point;     /* owned */
  size_t points;
  double bin_s; /* 0: each point is a step */
  double top;
} view;

/* ---- what is drawn ---- */

static enum fr_status check(const fr_report_intensity *of, fr_error *err) {
  if (of->steps == 0)
    return fr__fail(err, FR_ERR_NOT_FOUND, "there is no intensity to draw");
  for (size_t i = 0; i < of->steps; i++) {
    const fr_report_step *s = &of->step[i];
    if (s->start_s < EARLIEST || s->end_s > LATEST)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "one intensity for all times has no picture over time");
    if (s->end_s <= s->start_s || (i > 0 && s->start_s < s[-1].end_s) ||
        !isfinite(s->g_per_kwh) || !isfinite(s->low) || !isfinite(s->high))
      return fr__fail(err, FR_ERR_ARGUMENT, "step %zu of a picture makes no sense", i);
  }
  return FR_OK;
}

static void set_clock(const fr_report_intensity *of, view *v) {
  const time_t at = (time_t)(of->now_known ? of->now_s : v->from_s);
  struct tm local;
  (void)snprintf(v->clock, sizeof v->clock, "UTC");
  if (!of->local || localtime_r(&at, &local) == NULL)
    return;
  v->offset_s = local.tm_gmtoff;
  const long minutes = labs(local.tm_gmtoff) / 60;
  const bool named = isalpha((unsigned char)local.tm_zone[0]) != 0;
  if (strcmp(local.tm_zone, "UTC") != 0)
    (void)snprintf(v->clock, sizeof v->clock, "%.16s%sUTC%c%02ld:%02ld",
                   named ? local.tm_zone : "", named ? ", " : "",
                   local.tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static void take_steps(const fr_report_intensity *of, view *v) {
  for (size_t i = 0; i < of->steps; i++) {
    const fr_report_step *s = &of->step[i];
    v->point[i] = (point){(double)(s->start_s - v->from_s),
                          (double)(s->end_s - v->from_s),
                          s->g_per_kwh,
                          s->low,
                          s->high,
                          s->forecast};
  }
  v->points = of->steps;
}

/* Measured and forecast ones apart: 2 for each bin. */
static void add_to_bins(const fr_report_step *s, const view *v, double first,
                        point *bin) {
  const double from = (double)(s->start_s - v->from_s) - first;
  const double to = (double)(s->end_s - v->from_s) - first;
  for (size_t b = (size_t)(from / v->bin_s); (double)b * v->bin_s < to; b++) {
    const double begin = fmax(from, (double)b * v->bin_s);
    const double end = fmin(to, (double)(b + 1) * v->bin_s);
    point *p = &bin[2 * b + (s->forecast ? 1 : 0)];
    const bool empty = !(p->to > 0); /* `to` is the seconds that are known, here */
    p->low = empty ? s->g_per_kwh : fmin(p->low, s->g_per_kwh);
    p->high = empty ? s->g_per_kwh : fmax(p->high, s->g_per_kwh);
    p->mean += s->g_per_kwh * (end - begin);
    p->to += end - begin;
    p->forecast = s->forecast;
  }
}

/* Days begin with the clock's; the first may be a part of one. */
static enum fr_status take_bins(const fr_report_intensity *of, view *v, fr_error *err) {
  const int64_t of_day = ((v->from_s + v->offset_s) % DAY_S + DAY_S) % DAY_S;
  const double first = v->bin_s < DAY_S ? 0 : -(double)of_day;
  const double span = (double)(v->to_s - v->from_s) - first;
  const size_t bins = (size_t)ceil(span / v->bin_s);
  point *bin = calloc(2 * bins + 2, sizeof *bin);
  if (bin == NULL)
    return fr__fail_memory(err, "a picture");
  for (size_t i = 0; i < of->steps; i++)
    add_to_bins(&of->step[i], v, first, bin);
  for (size_t b = 0; b < 2 * bins; b++) {
    if (!(bin[b].to > 0))
      continue;
    const double from = first + (double)(b / 2) * v->bin_s;
    v->point[v->points++] =
        (point){fmax(from, 0), from + v->bin_s, bin[b].mean / bin[b].to,
                bin[b].low,    bin[b].high,     bin[b].forecast};
  }
  free(bin);
  return FR_OK;
}

static enum fr_status look(const fr_report_intensity *of, view *v, fr_error *err) {
  *v = (view){.from_s = of->step[0].start_s, .to_s = of->step[of->steps - 1].end_s};
  const double span = (double)(v->to_s - v->from_s);
  const double days = span / (30.0 * DAY_S) > 1 ? ceil(span / DAY_S / 800) : 0;
  const size_t most = of->steps > 2 * BINS + 8 ? of->steps : 2 * BINS + 8;
  set_clock(of, v);
  v->point = calloc(most > 1800 ? most : 1800, sizeof *v->point);
  if (v->point == NULL)
    return fr__fail_memory(err, "a picture");
  enum fr_status status = FR_OK;
  if (of->steps > STEPS) {
    v->bin_s = days > 0 ? days * DAY_S : span / BINS;
    status = take_bins(of, v, err);
  } else {
    take_steps(of, v);
  }
  for (size_t i = 0; i < v->points; i++)
    v->top = fmax(v->top, v->point[i].high);
  v->top = v->top > 0 ? 1.1 * v->top : 1;
  return status;
}

/* ---- the axis of time ---- */

static const int steps_s[] = {300,   600,   900,   1800,   3600,   2 * 3600, 10800,
                              21600, 43200, DAY_S, 172800, 604800, 1209600};

static struct tm civil(const view *v, int64_t at_s) {
  const time_t shown = (time_t)(at_s + v->offset_s);
  struct tm tm = {0};
  (void)gmtime_r(&shown, &tm);
  return tm;
}

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

/* gnuplot breaks a line at \n in double quotes; there is none of the user's text. */
static void put_tic(const view *v, int64_t at_s, const char *above, const char *below,
                    bool *any, fr__buf *out) {
  fr__buf_printf(out, "%s\"%s%s%s\" %.9g", *any ? ", " : "", above,
                 *below != '\0' ? "\\n" : "", below, (double)(at_s - v->from_s));
  *any = true;
}

static void put_month_tics(const view *v, fr__buf *out) {
  static const int apart[] = {1, 2, 3, 4, 6, 12, 24, 60, 120, 240, 600, 1200};
  const double span = (double)(v->to_s - v->from_s) / DAY_S / 30.4;
  const struct tm tm = civil(v, v->from_s);
  size_t a = 0;
  bool any = false;
  while (a + 1 < sizeof apart / sizeof *apart && span / apart[a] > 12.5)
    a++;
  for (int month = tm.tm_year * 12 + tm.tm_mon;; month++) {
    struct tm first = {.tm_year = month / 12, .tm_mon = month % 12, .tm_mday = 1};
    const int64_t at_s = (int64_t)timegm(&first) - v->offset_s;
    char year[16];
    if (at_s >= v->to_s)
      break;
    if (at_s < v->from_s || month % apart[a] != 0)
      continue;
    (void)snprintf(year, sizeof year, "%d", 1900 + month / 12);
    const bool told = !any || month % 12 == 0;
    put_tic(v, at_s, apart[a] < 12 ? months[month % 12] : year,
            told && apart[a] < 12 ? year : "", &any, out);
  }
}

static void put_day_tics(const view *v, int step_s, fr__buf *out) {
  bool any = false;
  /* weeks begin on Monday, and 1970 did on a Thursday */
  const int64_t since = v->from_s + v->offset_s - (step_s % WEEK_S == 0 ? 4 * DAY_S : 0);
  int64_t at_s = v->from_s + (step_s - (since % step_s + step_s) % step_s) % step_s;
  for (; at_s < v->to_s; at_s += step_s) {
    const struct tm tm = civil(v, at_s);
    char above[24], below[24] = "";
    const bool dated = step_s >= DAY_S;
    if (dated)
      (void)snprintf(above, sizeof above, "%s", weekdays[tm.tm_wday]);
    else
      (void)snprintf(above, sizeof above, "%02d:%02d", tm.tm_hour, tm.tm_min);
    if (dated || !any || (tm.tm_hour == 0 && tm.tm_min == 0))
      (void)snprintf(below, sizeof below, "%s%s%d %s", dated ? "" : weekdays[tm.tm_wday],
                     dated ? "" : " ", tm.tm_mday, months[tm.tm_mon]);
    put_tic(v, at_s, above, below, &any, out);
  }
}

static void put_time_axis(const view *v, const fr__picture *picture, fr__buf *out) {
  const double span = (double)(v->to_s - v->from_s);
  const size_t steps = sizeof steps_s / sizeof *steps_s;
  size_t s = 0;
  while (s < steps && span / steps_s[s] > TICS)
    s++;
  const int first = civil(v, v->from_s).tm_year, last = civil(v, v->to_s - 1).tm_year;
  fr__buf_add(out, "set xtics (");
  if (s < steps)
    put_day_tics(v, steps_s[s], out);
  else
    put_month_tics(v, out);
  char clock[96];
  if (first == last)
    (void)snprintf(clock, sizeof clock, "%d, %s", 1900 + first, v->clock);
  else
    (void)snprintf(clock, sizeof clock, "%d to %d, %s", 1900 + first, 1900 + last,
                   v->clock);
  fr__buf_add(out, ")\nset label 3 ");
  fr__gnuplot_quote(out, clock);
  fr__buf_printf(out,
                 " at screen 0.5, screen %.6g center font ',11' textcolor rgb '%s'\n"
                 "set xrange [0:%.9g]\n",
                 fr__picture_y(picture, 36), FR__PICTURE_SOFT, span);
}

/* ---- marks ---- */

static void put_pieces(const fr_report_intensity *of, const view *v, fr__buf *out) {
  const double span = (double)(v->to_s - v->from_s);
  const double least = span / (WIDTH - LEFT - RIGHT) * 1.5; /* that it can be seen */
  for (size_t i = 0; i < of->pieces; i++) {
    const double from = fmax((double)(of->chosen[i].start_s - v->from_s), 0);
    const double to = fmin((double)(of->chosen[i].end_s - v->from_s), span);
    if (to > 0 && from < span)
      fr__buf_printf(
          out,
          "set object rectangle from first %.9g, graph 0 to first %.9g, graph 1 "
          "behind fc rgb '" CHOSEN "' fs solid 1 noborder\n",
          from, fmax(to, from + least));
  }
}

static void put_now(const fr_report_intensity *of, const view *v, fr__buf *out) {
  const double at = (double)(of->now_s - v->from_s), span = (double)(v->to_s - v->from_s);
  if (!of->now_known || at < 0 || at > span)
    return;
  const bool left = at > 0.9 * span;
  fr__buf_printf(
      out,
      "set arrow from first %.9g, graph 0 to first %.9g, graph 1 nohead front "
      "lw 1.2 lc rgb '%s'\n"
      "set label 'now' at first %.9g, graph 0.965 %s offset %s0.5,0 front font "
      "',11' textcolor rgb '%s'\n",
      at, at, FR__PICTURE_INK, at, left ? "right" : "left", left ? "-" : "",
      FR__PICTURE_INK);
}

/* ---- data ---- */

/* $NAME: time, mean, low, high; an empty line where nothing is known. A step is drawn
 * from its beginning to its end, a bin in its middle. */
static void put_points(const view *v, bool forecast, const char *name, fr__buf *out) {
  double last = -1;
  fr__buf_printf(out, "$%s << EOD\n", name);
  for (size_t i = 0; i < v->points; i++) {
    const point *p = &v->point[i];
    if (p->forecast != forecast)
      continue;
    if (last >= 0 && p->from > last + 0.5)
      fr__buf_add(out, "\n");
    last = p->to;
    const double middle = fmin((p->from + p->to) / 2, (double)(v->to_s - v->from_s));
    fr__buf_printf(out, "%.9g %.6g %.6g %.6g\n", v->bin_s > 0 ? middle : p->from, p->mean,
                   p->low, p->high);
    if (!(v->bin_s > 0))
      fr__buf_printf(out, "%.9g %.6g %.6g %.6g\n", p->to, p->mean, p->low, p->high);
  }
  fr__buf_add(out, "EOD\n");
}

static bool has(const view *v, bool forecast, bool interval) {
  for (size_t i = 0; i < v->points; i++)
    if (v->point[i].forecast == forecast &&
        (!interval || v->point[i].high > v->point[i].low))
      return true;
  return false;
}

static const char *const colours[] = {"#0072b2", "#d55e00"}; /* measured, forecast */
static const char *const dashes[] = {"dt 1", "dt (8,4)"};

static void put_curves(const view *v, fr__buf *out) {
  static const char *const name[] = {"known", "ahead"};
  fr__buf_add(out, "plot ");
  for (int f = 0; f < 2; f++)
    if (has(v, f == 1, true))
      fr__buf_printf(out,
                     "$%s using 1:3:4 with filledcurves fs solid 0.22 noborder lc rgb "
                     "'%s' notitle, ",
                     name[f], colours[f]);
  for (int f = 0; f < 2; f++)
    if (has(v, f == 1, false))
      fr__buf_printf(out, "$%s using 1:2 with lines lw 1.8 %s lc rgb '%s' notitle, ",
                     name[f], dashes[f], colours[f]);
}

/* The legend, in an order of its own: curves lie above the bands, which come first. */
static void put_key(const fr_report_intensity *of, const view *v, fr__buf *out) {
  const bool days = v->bin_s >= DAY_S && v->bin_s<1.5 * DAY_S, binned = v->bin_s> 0;
  const bool known = has(v, false, false), ahead = has(v, true, false);
  const bool both = known && ahead; /* then all has to be short, to fit a line */
  const char *by_day = both ? ", daily" : ", mean of the day";
  const char *mean = !binned ? "" : days ? by_day : ", mean";
  const char *range = days && !both ? "least and most of the day" : "least and most";
  const char *const title[] = {both ? "measured" : "intensity", "forecast"};
  for (int f = known ? 0 : 1; f < (ahead ? 2 : 1); f++) {
    fr__buf_printf(out, "%sNaN with lines lw 1.8 %s lc rgb '%s' title '%s%s'",
                   f == 1 && known ? ", " : "", dashes[f], colours[f], title[f], mean);
    if (has(v, f == 1, true) && !(binned && both && f == 0)) /* one for both */
      fr__buf_printf(out,
                     ", NaN with boxes fs solid 0.22 noborder lc rgb '%s' title '%s'",
                     colours[f], binned ? range : "its interval");
  }
  if (of->pieces > 0)
    fr__buf_add(out, ", NaN with boxes fs solid 1 noborder lc rgb '" CHOSEN
                     "' title 'chosen'");
  fr__buf_add(out, "\n");
}

static void put_all(const fr_report_intensity *of, const view *v,
                    const fr__picture *picture, fr__buf *out) {
  fr__picture_begin(picture, of->title, of->note, out);
  fr__picture_margins(picture, LEFT, RIGHT,
                      FR__PICTURE_HEAD + (of->note != NULL ? 14 : -4), BOTTOM, out);
  fr__buf_printf(out,
                 "set grid ytics lt 1 lw 0.6 lc rgb '%s'\nset yrange [0:%.6g]\n"
                 "set label 4 'g/kWh' at screen %.6g, screen %.6g left font ',11' "
                 "textcolor rgb '%s'\n"
                 "set key at screen 0.5, screen %.6g center bottom horizontal Left "
                 "reverse samplen 2 font ',11' maxrows 1 textcolor rgb '%s'\n",
                 FR__PICTURE_LINES, v->top, fr__picture_x(picture, 10),
                 1 - fr__picture_y(picture, of->note != NULL ? 57 : 38), FR__PICTURE_SOFT,
                 fr__picture_y(picture, 6), FR__PICTURE_INK);
  put_time_axis(v, picture, out);
  put_pieces(of, v, out);
  put_now(of, v, out);
  put_points(v, false, "known", out);
  put_points(v, true, "ahead", out);
  put_curves(v, out);
  put_key(of, v, out);
}

enum fr_status fr_report_intensity_time(const fr_report_intensity *of, const char *path,
                                        fr_error *err) {
  fr__picture picture = {.width = WIDTH, .height = HEIGHT};
  view v = {0};
  fr__buf script;
  enum fr_status status = fr__picture_medium(path, &picture.medium, err);
  if (status == FR_OK)
    status = check(of, err);
  if (status == FR_OK)
    status = look(of, &v, err);
  if (status != FR_OK) {
    free(v.point);
    return status;
  }
  fr__buf_init(&script, 0);
  put_all(of, &v, &picture, &script);
  status = fr__picture_write(&script, path, err);
  fr__buf_release(&script);
  free(v.point);
  return status;
}
