/* SPDX-License-Identifier: Apache-2.0 */
/* gnuplot's script of a timeline: power over time with the range inside each bin, a line
 * per domain, normal power, spikes by name, phases as bands below. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/format.h"
#include "report/gnuplot.h"
#include "report/table.h"
#include "report/timeline.h"

#define WIDTH 960
#define WIDTH_NARROW 400
#define HEIGHT 400
#define MARGINS 130   /* of the width, around the plot */
#define ROW_HEIGHT 20 /* of a row of phases, in pixels */
#define LABELLED 12   /* spikes with their cause */
#define LANES 3       /* of labels above each other */
#define TITLE 84      /* columns */
#define LETTER 7.2    /* pixels of a letter in a label */
#define INK "#222222"
#define LINES "#d0d0d0"

typedef struct axis {
  double unit_s; /* seconds of one unit of time */
  const char *unit;
  double top_w, row_w; /* of the axis; of a row of phases below 0 */
  double plot;         /* pixels between the margins */
} axis;

/* ---- axes ---- */

static double spike_top(const fr__timeline *line) {
  return line->spikes > 0 ? 1.32 : 1.08;
}

static int width_of(enum fr__medium medium) {
  return medium == FR__SVG_NARROW ? WIDTH_NARROW : WIDTH;
}

static axis axis_of(const fr__timeline *line, enum fr__medium medium) {
  double most = fmax(line->normal_w, 0);
  for (size_t i = 0; i < FR__TIMELINE_BINS; i++)
    if (line->total[i].seconds > 0)
      most = fmax(most, line->total[i].high_w);
  axis a = {.unit_s = 1, .unit = "s", .top_w = most > 0 ? most * spike_top(line) : 1};
  if (line->span_s >= 3 * 3600)
    a = (axis){3600, "h", a.top_w, 0, 0};
  else if (line->span_s >= 180)
    a = (axis){60, "min", a.top_w, 0, 0};
  a.plot = width_of(medium) - MARGINS;
  a.row_w = a.top_w * ROW_HEIGHT / (HEIGHT * 0.72);
  return a;
}

/* The steps of the watts' axis: it has none below 0. */
static double tic_of(double top_w) {
  const double rough = top_w / 5, decade = pow(10, floor(log10(rough)));
  const double ratio = rough / decade;
  return decade * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
}

static void put_terminal(const fr__timeline *line, enum fr__medium medium, fr__buf *out) {
  const int height = HEIGHT + (int)line->depth * ROW_HEIGHT;
  fr__gnuplot_canvas(&(fr__canvas){medium, width_of(medium), height, 13, 2, 1}, out);
}

/* At most TITLE columns of the text; where it is longer, an ellipsis tells. */
static void cut_title(char *text) {
  size_t at = 0, columns = 0;
  while (text[at] != '\0') {
    uint32_t point;
    const size_t n = fr__utf8_next(text + at, strlen(text + at), &point);
    columns += fr__text_width(text + at, n);
    if (columns > TITLE) {
      strcpy(text + at, "…");
      return;
    }
    at += n;
  }
}

/* What ran, and below it what it drew. */
static void put_title(const fr__timeline *line, fr__buf *out) {
  char name[512], figures[256];
  const fr_store_power *p = &line->power;
  const bool cut_off = strcmp(line->run.state, "cut off") == 0;
  fr__timeline_title(line, name, sizeof name - 4); /* with room for the ellipsis */
  cut_title(name);
  const fr__figure joules = {.known = isfinite(p->energy_j),
                             .value = p->energy_j,
                             .low = p->energy_j,
                             .high = p->energy_j,
                             .unit = "J",
                             .source = ""};
  snprintf(figures, sizeof figures, "min %.1f W, mean %.1f W, max %.1f W, %s%s", p->min_w,
           p->mean_w, p->max_w, fr__format_figure(&joules).value,
           cut_off ? ", then it was cut off" : "");
  fr__buf_add(out, "set title ");
  fr__gnuplot_quote(out, name);
  fr__buf_add(out, ".\"\\n\".");
  fr__gnuplot_quote(out, figures);
  fr__buf_add(out, " offset 0,0.2 textcolor rgb '" INK "'\n");
}

static void put_axes(const fr__timeline *line, const axis *a, fr__buf *out) {
  fr__buf_printf(out,
                 "set encoding utf8\nset border 3 lc rgb '" INK "'\n"
                 "set tics nomirror out textcolor rgb '" INK "'\n"
                 "set grid ytics lt 1 lw 0.6 lc rgb '" LINES "'\n"
                 "set lmargin 9\nset rmargin 3\n"
                 "set key outside center bottom horizontal Left reverse samplen 1.6 "
                 "textcolor rgb '" INK "'\n"
                 "set xlabel '%s' offset 0,0.6 textcolor rgb '" INK "'\n"
                 "set ylabel 'W' rotate by 0 textcolor rgb '" INK "'\n",
                 a->unit);
  fr__buf_printf(out, "set xrange [0:%.9g]\nset yrange [%.9g:%.9g]\n",
                 line->span_s / a->unit_s, -a->row_w * (double)line->depth, a->top_w);
  fr__buf_printf(out, "set ytics 0,%.9g,%.9g\nset format y '%%g'\n", tic_of(a->top_w),
                 a->top_w);
}

/* ---- data ---- */

/* $NAME: time, low, mean, high; an empty line where nothing is known. */
static void put_bins(const fr__timeline *line, const axis *a, const char *name,
                     const fr__bin *bin, fr__buf *out) {
  bool empty = false;
  fr__buf_printf(out, "$%s << EOD\n", name);
  for (size_t i = 0; i < FR__TIMELINE_BINS; i++) {
    if (bin[i].seconds <= 0) {
      fr__buf_add(out, empty ? "" : "\n");
      empty = true;
      continue;
    }
    empty = false;
    fr__buf_printf(out, "%.7g %.6g %.6g %.6g\n",
                   ((double)i + 0.5) * line->bin_s / a->unit_s, bin[i].low_w,
                   bin[i].joules / bin[i].seconds, bin[i].high_w);
  }
  fr__buf_add(out, "EOD\n");
}

/* ---- spikes ---- */

static bool is_labelled(const fr__timeline *line, size_t s) {
  size_t higher = 0;
  for (size_t i = 0; i < line->spikes; i++)
    higher += line->spike[i].height_w > line->spike[s].height_w ||
              (line->spike[i].height_w == line->spike[s].height_w && i < s);
  return higher < LABELLED;
}

static void put_spike_label(const fr__timeline *line, const axis *a, const fr__spike *s,
                            double lane_end[LANES], fr__buf *out) {
  char text[FR__TIMELINE_NAME + 32];
  snprintf(text, sizeof text, "%s%s+%.*f W", s->cause, *s->cause != '\0' ? " " : "",
           s->height_w < 10 ? 1 : 0, s->height_w);
  const double wide = (double)fr__text_width(text, strlen(text)) * LETTER;
  const double middle =
      (s->start_s + fmin(s->duration_s, line->span_s - s->start_s) / 2) / line->span_s;
  const double begin = fmin(fmax(middle * a->plot - wide / 2, 0), a->plot - wide);
  size_t lane = 0;
  while (lane < LANES && lane_end[lane] > begin)
    lane++;
  if (lane == LANES) /* no room: its band must do */
    return;
  lane_end[lane] = begin + wide + LETTER;
  fr__buf_add(out, "set label ");
  fr__gnuplot_quote(out, text);
  fr__buf_printf(
      out, " at first %.7g, first %.7g left font ',11' front textcolor rgb '" INK "'\n",
      fmax(begin, 0) / a->plot * line->span_s / a->unit_s,
      a->top_w * (0.97 - 0.065 * (double)lane));
}

static void put_spikes(const fr__timeline *line, const axis *a, fr__buf *out) {
  double lane_end[LANES] = {0};
  const double least_s = line->span_s / a->plot * 1.5; /* a pixel and a half is seen */
  for (size_t i = 0; i < line->spikes; i++) {
    const fr__spike *s = &line->spike[i];
    const double end_s = fmin(s->start_s + fmax(s->duration_s, least_s), line->span_s);
    fr__buf_printf(out,
                   "set object rectangle from first %.7g, first 0 to first %.7g, "
                   "first %.7g behind fc rgb '#f6d9a8' fs solid 1 noborder\n",
                   s->start_s / a->unit_s, end_s / a->unit_s, a->top_w);
    if (is_labelled(line, i))
      put_spike_label(line, a, s, lane_end, out);
  }
}

/* ---- phases ---- */

/* A band as long as a phase lasts, with its name where there is room. */
static void put_band(const fr__timeline *line, const axis *a, size_t row, size_t from,
                     size_t to, fr__buf *out) {
  static const char *const colour[] = {"#cfe3f3", "#d5ecd9", "#f1dced", "#e8e4c9",
                                       "#dcdcf2", "#f3d9d0", "#d0ebe9", "#e6e6e6"};
  const size_t path = line->phase[row][from].path - 1;
  const double begin = (double)from * line->bin_s, end = (double)to * line->bin_s;
  const double top = -a->row_w * (double)row, foot = top - a->row_w;
  fr__buf_printf(out,
                 "set object rectangle from first %.7g, first %.7g to first %.7g, first "
                 "%.7g fc rgb '%s' fs solid 1 border rgb '#ffffff'\n",
                 begin / a->unit_s, foot, end / a->unit_s, top,
                 colour[path % (sizeof colour / sizeof *colour)]);
  const char *slash = strrchr(line->path[path], '/');
  const char *name = slash != NULL ? slash + 1 : line->path[path];
  const double room = (end - begin) / line->span_s * a->plot;
  if ((double)fr__text_width(name, strlen(name)) * LETTER > room)
    return;
  fr__buf_add(out, "set label ");
  fr__gnuplot_quote(out, name);
  fr__buf_printf(
      out, " at first %.7g, first %.7g center font ',11' front textcolor rgb '" INK "'\n",
      (begin + end) / 2 / a->unit_s, (top + foot) / 2);
}

static void put_phases(const fr__timeline *line, const axis *a, fr__buf *out) {
  for (size_t row = 0; row < line->depth; row++)
    for (size_t i = 0, to; i < FR__TIMELINE_BINS; i = to) {
      const size_t path = line->phase[row][i].path;
      for (to = i + 1; to < FR__TIMELINE_BINS && line->phase[row][to].path == path; to++)
        ;
      if (path != 0)
        put_band(line, a, row, i, to, out);
    }
  if (line->depth > 0)
    fr__buf_add(out, "set arrow from graph 0, first 0 to graph 1, first 0 nohead lw 0.8 "
                     "lc rgb '" INK "'\n");
}

/* ---- the whole ---- */

/* Okabe and Ito's palette; the total is the first, darkest one. */
static const char *const domain_colour[FR__TIMELINE_DOMAINS] = {
    "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#666666"};

/* A total of one domain: its line would hide the total's. */
static bool is_total(const fr__timeline *line, size_t d) {
  for (size_t i = 0; i < FR__TIMELINE_BINS; i++) {
    const fr__bin *whole = &line->total[i], *part = &line->part[d][i];
    if ((whole->seconds > 0) != (part->seconds > 0) ||
        fabs(whole->joules - part->joules) > 1e-4 * fabs(whole->joules))
      return false;
  }
  return true;
}

static void put_plot(const fr__timeline *line, fr__buf *out) {
  fr__buf_add(out, "plot $total using 1:2:4 with filledcurves fs solid 0.3 noborder "
                   "lc rgb '#0072b2' notitle, $total using 1:3 with lines lw 1.6 "
                   "lc rgb '#0072b2' title 'power'");
  for (size_t d = 0; d < line->domains; d++) {
    if (is_total(line, d))
      continue;
    fr__buf_printf(out, ", $part%zu using 1:3 with lines lw 1.2 lc rgb '%s' title ", d,
                   domain_colour[d]);
    fr__gnuplot_quote(out, line->domain[d]);
  }
  if (line->normal_w >= 0)
    fr__buf_printf(out,
                   ", %.7g with lines dt (6,4) lw 1.4 lc rgb '" INK
                   "' title 'normal power, %.1f W'",
                   line->normal_w, line->normal_w);
  if (line->spikes > 0)
    fr__buf_printf(out,
                   ", NaN with boxes fs solid 1 noborder lc rgb '#f6d9a8' title "
                   "'%zu spike%s'",
                   line->all_spikes, line->all_spikes == 1 ? "" : "s");
  fr__buf_add(out, "\n");
}

void fr__timeline_script(const fr__timeline *timeline, enum fr__medium medium,
                         fr__buf *script) {
  const bool page = medium == FR__SVG_INLINE || medium == FR__SVG_NARROW;
  const axis a = axis_of(timeline, medium);
  put_terminal(timeline, medium, script);
  if (!page) /* which has it above */
    put_title(timeline, script);
  put_axes(timeline, &a, script);
  put_spikes(timeline, &a, script);
  put_phases(timeline, &a, script);
  put_bins(timeline, &a, "total", timeline->total, script);
  for (size_t d = 0; d < timeline->domains; d++) {
    char name[32];
    snprintf(name, sizeof name, "part%zu", d);
    put_bins(timeline, &a, name, timeline->part[d], script);
  }
  put_plot(timeline, script);
}
