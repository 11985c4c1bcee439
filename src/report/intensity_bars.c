/* SPDX-License-Identifier: Apache-2.0 */
/* Places beside each other. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "frugal/picture.h"
#include "report/gnuplot.h"
#include "report/picture.h"
#include "report/table.h"

#define WIDTH 860
#define ROW 22 /* pixels of a bar, with the gap above it */
#define BOTTOM 56.0
#define RIGHT 96.0 /* for the figure behind the longest bar */
#define NAMES 300  /* most pixels of names */
#define HOME "#d55e00"
#define OTHER "#0072b2"

static enum fr_status check(const fr_report_bars *of, fr_error *err) {
  if (of->bars == 0)
    return fr__fail(err, FR_ERR_NOT_FOUND, "there is no region to draw");
  if (of->bars > FR_REPORT_BARS)
    return fr__fail(err, FR_ERR_LIMIT, "%zu bars are more than a picture has: %d",
                    of->bars, FR_REPORT_BARS);
  for (size_t i = 0; i < of->bars; i++)
    if (!isnan(of->bar[i].value) &&
        (!isfinite(of->bar[i].value) || !isfinite(of->bar[i].low) ||
         !isfinite(of->bar[i].high) || of->bar[i].value < 0))
      return fr__fail(err, FR_ERR_ARGUMENT, "the figure of '%.64s' makes no sense",
                      of->bar[i].name);
  return FR_OK;
}

static double longest(const fr_report_bars *of) {
  double most = 0;
  for (size_t i = 0; i < of->bars; i++)
    if (!isnan(of->bar[i].value))
      most = fmax(most, fmax(of->bar[i].value, of->bar[i].high));
  return most > 0 ? most : 1;
}

static double names_width(const fr_report_bars *of) {
  size_t most = 0;
  for (size_t i = 0; i < of->bars; i++) {
    const size_t wide = fr__text_width(of->bar[i].name, strlen(of->bar[i].name));
    most = wide > most ? wide : most;
  }
  return fmin((double)most * FR__PICTURE_LETTER, NAMES) + 24;
}

/* What fits beside the bars; a tic's text is a format to gnuplot. */
static void put_name(const char *name, fr__buf *out) {
  char text[320];
  const size_t most = (size_t)(NAMES / FR__PICTURE_LETTER), length = strlen(name);
  size_t at = 0, used = 0, wide = 0;
  while (at < length && used < sizeof text - 8) {
    uint32_t point;
    const size_t n = fr__utf8_next(name + at, length - at, &point);
    wide += fr__text_width(name + at, n);
    if (wide > most)
      break;
    if (name[at] == '%')
      text[used++] = '%';
    memcpy(text + used, name + at, n);
    used += n;
    at += n;
  }
  (void)snprintf(text + used, sizeof text - used, "%s", at < length ? "…" : "");
  fr__gnuplot_quote(out, text);
}

static void put_frame(const fr_report_bars *of, const fr__picture *picture,
                      fr__buf *out) {
  fr__picture_begin(picture, of->title, of->note, out);
  fr__picture_margins(picture, names_width(of), RIGHT,
                      of->note != NULL ? FR__PICTURE_HEAD : 38, BOTTOM, out);
  fr__buf_printf(
      out,
      "set border 2 lc rgb '%s'\nset xrange [0:%.9g]\nset yrange [%zu.5:-0.5]\n"
      "set xtics scale 0\nset grid xtics lt 1 lw 0.6 lc rgb '%s'\n"
      "set xlabel ",
      FR__PICTURE_INK, longest(of), of->bars - 1, FR__PICTURE_LINES);
  fr__gnuplot_quote(out, of->unit);
  fr__buf_printf(
      out, " offset 0,0.4 textcolor rgb '%s'\nunset key\nset ytics scale 0 font ',12' (",
      FR__PICTURE_SOFT);
  for (size_t i = 0; i < of->bars; i++) {
    fr__buf_add(out, i > 0 ? ", " : "");
    put_name(of->bar[i].name, out);
    fr__buf_printf(out, " %zu", i);
  }
  fr__buf_add(out, ")\n");
}

static void put_figure(const fr_report_bar *bar, size_t row, fr__buf *out) {
  const double end = isnan(bar->value) ? 0 : fmax(bar->value, bar->high);
  char text[64];
  if (isnan(bar->value))
    (void)snprintf(text, sizeof text, "not known");
  else if (bar->value >= 1e5)
    (void)snprintf(text, sizeof text, "%.3g", bar->value);
  else
    (void)snprintf(text, sizeof text, "%.*f",
                   bar->value >= 99.5   ? 0
                   : bar->value >= 9.95 ? 1
                                        : 2,
                   bar->value);
  fr__buf_printf(out,
                 "set label '%s%s' at first %.9g, first %zu left offset 0.8,0 font ',11' "
                 "textcolor rgb '%s'\n",
                 text, bar->home ? ", home" : "", end, row,
                 bar->home ? HOME : FR__PICTURE_INK);
}

/* $bars: row, value, low, high, colour; $ends of those with an interval. */
static void put_data(const fr_report_bars *of, fr__buf *out) {
  fr__buf_add(out, "$bars << EOD\n");
  for (size_t i = 0; i < of->bars; i++)
    if (!isnan(of->bar[i].value))
      fr__buf_printf(out, "%zu %.9g %s\n", i, of->bar[i].value,
                     of->bar[i].home ? "0xd55e00" : "0x0072b2");
  fr__buf_add(out, "EOD\n$ends << EOD\n");
  for (size_t i = 0; i < of->bars; i++)
    if (!isnan(of->bar[i].value) && of->bar[i].high > of->bar[i].low)
      fr__buf_printf(out, "%zu %.9g %.9g %.9g\n", i, of->bar[i].value, of->bar[i].low,
                     of->bar[i].high);
  fr__buf_add(out, "EOD\n");
}

static bool any(const fr_report_bars *of, bool interval) {
  for (size_t i = 0; i < of->bars; i++)
    if (!isnan(of->bar[i].value) && (!interval || of->bar[i].high > of->bar[i].low))
      return true;
  return false;
}

static void put_plot(const fr_report_bars *of, fr__buf *out) {
  fr__buf_add(out, "set style fill solid 0.85 noborder\nplot ");
  if (any(of, false))
    fr__buf_add(out, "$bars using 2:1:(0):2:($1-0.36):($1+0.36):3 with boxxyerror lc rgb "
                     "variable");
  else
    fr__buf_add(out, "NaN");
  if (any(of, true))
    fr__buf_printf(out,
                   ", $ends using 2:1:3:4 with xerrorbars pt 0 ps 0.4 lw 1.3 lc rgb "
                   "'%s'",
                   FR__PICTURE_INK);
  fr__buf_add(out, "\n");
}

enum fr_status fr_report_intensity_regions(const fr_report_bars *of, const char *path,
                                           fr_error *err) {
  fr__picture picture = {.width = WIDTH};
  fr__buf script;
  enum fr_status status = fr__picture_medium(path, &picture.medium, err);
  if (status == FR_OK)
    status = check(of, err);
  if (status != FR_OK)
    return status;
  const int head = of->note != NULL ? FR__PICTURE_HEAD : 38;
  picture.height = head + (int)BOTTOM + (int)of->bars * ROW + 8;
  fr__buf_init(&script, 0);
  put_frame(of, &picture, &script);
  for (size_t i = 0; i < of->bars; i++)
    put_figure(&of->bar[i], i, &script);
  put_data(of, &script);
  put_plot(of, &script);
  status = fr__picture_write(&script, path, err);
  fr__buf_release(&script);
  return status;
}
