/* SPDX-License-Identifier: Apache-2.0 */
/* gnuplot scripts of fronts. Margins are set in pixels, so that labels can be placed. */
#include "report/front.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/format.h"
#include "report/gnuplot.h"
#include "report/table.h"

#define WIDTH 460.0 /* of a panel, in pixels */
#define HEIGHT 430.0
#define LEFT 62.0
#define RIGHT 16.0
#define TOP 66.0
#define BOTTOM 62.0
#define LETTER 6.7 /* pixels of a letter at 12 points */
#define CROWD 16   /* points from which bars are too many */
#define INK "#222222"
#define SOFT "#666666"
#define LINES "#d0d0d0"

static const char *const colour[FR__FRONT_NETS] = {"#0072b2", "#e69f00", "#009e73",
                                                   "#cc79a7", "#d55e00", "#56b4e9"};
/* Filled on the front, empty beside it. */
static const int filled[FR__FRONT_NETS] = {7, 5, 9, 13, 11, 15};

typedef struct view { /* of a panel */
  double low, high;   /* joules */
  double bottom, top; /* percent */
  double factor;      /* joules to the axis */
  const char *unit;
} view;

static view unit_of(double joules) {
  if (joules >= 2e4)
    return (view){.factor = 1e-3, .unit = "kJ"};
  if (joules >= 0.5)
    return (view){.factor = 1, .unit = "J"};
  if (joules >= 5e-4)
    return (view){.factor = 1e3, .unit = "mJ"};
  return (view){.factor = 1e6, .unit = "µJ"};
}

static view view_of(const fr__front_panel *panel) {
  double low = HUGE_VAL, high = 0, bottom = 100, top = 0;
  for (size_t i = 0; i < panel->points; i++) {
    const fr__front_point *p = &panel->point[i];
    low = fmin(low, p->energy.value);
    high = fmax(high, p->energy.value);
    bottom = fmin(bottom, 100 * p->accuracy.value);
    top = fmax(top, 100 * p->accuracy.value);
  }
  view v = unit_of(sqrt(low * high));
  const double room = fmax(1.5, 0.18 * (top - bottom));
  const double spread = fmax(1.35, pow(high / low, 0.16));
  v.low = low / spread;
  v.high = high * spread;
  v.bottom = fmax(0, bottom - room);
  v.top = fmin(top + room, 100.5);
  return v;
}

/* ---- axes ---- */

/* 1, 2, 5 of each decade, more where there is little of one, less over many. */
static void put_tics(const view *v, fr__buf *out) {
  static const double few[] = {1}, some[] = {1, 2, 5},
                      many[] = {1, 1.5, 2, 3, 4, 5, 6, 8};
  const double decades = log10(v->high / v->low);
  const double *list = decades > 2.5 ? few : decades > 0.9 ? some : many;
  const size_t count = decades > 2.5 ? 1 : decades > 0.9 ? 3 : 8;
  bool any = false;
  fr__buf_add(out, "set xtics (");
  for (double d = floor(log10(v->low * v->factor)); d <= ceil(log10(v->high * v->factor));
       d++)
    for (size_t i = 0; i < count; i++) {
      const double at = list[i] * pow(10, d);
      if (at < v->low * v->factor || at > v->high * v->factor)
        continue;
      fr__buf_printf(out, "%s'%.4g' %.9g", any ? ", " : "", at, at);
      any = true;
    }
  fr__buf_add(out, ")\n");
}

static void put_axes(const view *v, fr__buf *out) {
  fr__buf_printf(out, "set logscale x\nset xrange [%.9g:%.9g]\nset yrange [%.6g:%.6g]\n",
                 v->low * v->factor, v->high * v->factor, v->bottom, v->top);
  put_tics(v, out);
  fr__buf_add(out, "set ytics autofreq\nset format y '%g'\n");
}

/* Words around the plot, at places of their own: gnuplot would push them out of fixed
 * margins. `left` is that of the panel, as a share of the picture. */
static void put_words(const fr__front_panel *panel, size_t axis, const view *v,
                      double left, double panels, fr__buf *out) {
  char tests[FR__TEXT] = "";
  fr__format_count(panel->tests >= 1000 ? round(panel->tests / 100) * 100 : panel->tests,
                   tests);
  fr__buf_printf(out,
                 "set label '%s' at graph 0.5, screen %.5f center font ',15' textcolor "
                 "rgb '" INK "'\n",
                 fr__front_title(axis), 1 - 16 / HEIGHT);
  fr__buf_printf(out,
                 "set label '%s %s%s%s' at graph 0.5, screen %.5f center font ',13' "
                 "textcolor rgb '" INK "'\n",
                 v->unit,
                 axis == 0   ? "per training, with what came before it"
                 : axis == 1 ? "per 1,000 tests"
                             : "of a training and ",
                 axis == 2 ? tests : "", axis == 2 ? " tests" : "", 16 / HEIGHT);
  fr__buf_printf(out,
                 "set label 'correct, %%' at screen %.5f, graph 0.5 center rotate by 90 "
                 "font ',13' textcolor rgb '" INK "'\n",
                 left + 14 / WIDTH / panels);
  fr__buf_printf(out, "set key at screen %.5f, screen %.5f center center\n",
                 left + (LEFT + WIDTH - RIGHT) / 2 / WIDTH / panels, 1 - 42 / HEIGHT);
}

/* ---- labels ---- */

static double across(const view *v, double joules) {
  return (WIDTH - LEFT - RIGHT) * log(joules / v->low) / log(v->high / v->low);
}

static double up(const view *v, double percent) {
  return (HEIGHT - TOP - BOTTOM) * (percent - v->bottom) / (v->top - v->bottom);
}

/* "half" of a network that colour and shape tell. */
static const char *name_of(const fr__front_point *p) {
  return strcmp(p->mechanism, "scratch") == 0 ? "plain" : p->mechanism;
}

static void put_label(const fr__label *l, fr__buf *out) {
  const double w = WIDTH - LEFT - RIGHT, h = HEIGHT - TOP - BOTTOM;
  if (!l->placed)
    return;
  fr__buf_add(out, "set label ");
  fr__gnuplot_quote(out, l->text);
  fr__buf_printf(out,
                 " at graph %.5f, graph %.5f left font ',12' textcolor rgb '" INK "'\n",
                 l->x / w, l->y / h);
  if (!l->apart)
    return;
  const double end = fmin(fmax(l->at_x, l->x), l->x + l->width);
  const double side = l->y > l->at_y ? l->y - 7 : l->y + 7;
  fr__buf_printf(out,
                 "set arrow from graph %.5f, graph %.5f to graph %.5f, graph %.5f "
                 "nohead lw 0.7 lc rgb '" SOFT "'\n",
                 l->at_x / w, l->at_y / h, end / w, side / h);
}

/* Those on the front come first. */
static void put_labels(const fr__front_panel *panel, const view *v, fr__buf *out) {
  fr__label *label = calloc(panel->points + 1, sizeof *label);
  size_t count = 0;
  if (label == NULL) {
    out->status = FR_ERR_MEMORY;
    return;
  }
  for (int front = 1; front >= 0; front--)
    for (size_t i = 0; i < panel->points; i++) {
      const fr__front_point *p = &panel->point[i];
      if (p->on_front != (front == 1))
        continue;
      const char *text = name_of(p);
      label[count++] =
          (fr__label){.text = text,
                      .at_x = across(v, p->energy.value),
                      .at_y = up(v, 100 * p->accuracy.value),
                      .width = LETTER * (double)fr__text_width(text, strlen(text))};
    }
  fr__labels_place(label, count, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
  fr__buf_add(out, "unset label\nunset arrow\n");
  for (size_t i = 0; i < count; i++)
    put_label(&label[i], out);
  free(label);
}

/* ---- points ---- */

static size_t net_of(const fr__front *front, const char *net) {
  size_t i = 0;
  while (i + 1 < front->nets && strcmp(front->net[i], net) != 0)
    i++;
  return i;
}

/* $fNET_FRONT: joules, percent, and the bounds of both. */
static size_t put_points(const fr__front *front, size_t axis, const view *v, size_t net,
                         bool on_front, fr__buf *out) {
  const fr__front_panel *panel = &front->panel[axis];
  size_t count = 0;
  fr__buf_printf(out, "$f%zu_%zu_%d << EOD\n", axis, net, on_front);
  for (size_t i = 0; i < panel->points; i++) {
    const fr__front_point *p = &panel->point[i];
    if (p->on_front != on_front || net_of(front, p->net) != net)
      continue;
    const double low = p->energy.low > 0 ? p->energy.low : v->low;
    fr__buf_printf(out, "%.9g %.9g %.9g %.9g %.9g %.9g\n", p->energy.value * v->factor,
                   100 * p->accuracy.value, low * v->factor, p->energy.high * v->factor,
                   100 * p->accuracy.low, 100 * p->accuracy.high);
    count++;
  }
  fr__buf_add(out, "EOD\n");
  return count;
}

/* The best that so much energy buys: a stair that goes on to the right. */
static void put_stair(const fr__front_panel *panel, size_t axis, const view *v,
                      fr__buf *out) {
  double best = 0;
  fr__buf_printf(out, "$s%zu << EOD\n", axis);
  for (size_t i = 0; i < panel->points; i++) {
    const fr__front_point *p = &panel->point[i];
    if (!p->on_front || 100 * p->accuracy.value < best)
      continue;
    best = 100 * p->accuracy.value;
    fr__buf_printf(out, "%.9g %.9g\n", p->energy.value * v->factor, best);
  }
  fr__buf_printf(out, "%.9g %.9g\nEOD\n", v->high * v->factor, best);
}

/* Bars first, so that no mark is behind one; in a crowd those of the front alone. */
static void put_bars(const fr__front *front, size_t axis, const size_t count[][2],
                     fr__buf *out) {
  for (size_t n = 0; n < front->nets; n++)
    for (int on = front->panel[axis].points > CROWD ? 1 : 0; on < 2; on++)
      if (count[n][on] > 0)
        fr__buf_printf(out,
                       ", $f%zu_%zu_%d using 1:2:3:4:5:6 with xyerrorbars pt 0 ps 0 "
                       "lw 0.6 lc rgb '" SOFT "' notitle",
                       axis, n, on);
}

static void put_plot(const fr__front *front, size_t axis, const size_t count[][2],
                     fr__buf *out) {
  fr__buf_printf(out,
                 "plot $s%zu using 1:2 with steps lw 1.2 dt (6,4) lc rgb '" SOFT
                 "' title 'front'",
                 axis);
  put_bars(front, axis, count, out);
  for (size_t n = 0; n < front->nets; n++)
    for (int on = 1; on >= 0; on--) {
      if (count[n][on] == 0)
        continue;
      fr__buf_printf(out,
                     ", $f%zu_%zu_%d using 1:2 with points pt %d ps 1.1 lw 1.4 "
                     "lc rgb '%s' ",
                     axis, n, on, filled[n] - (on == 1 ? 0 : 1), colour[n]);
      if (on == 0 && count[n][1] > 0) {
        fr__buf_add(out, "notitle");
        continue;
      }
      fr__buf_add(out, "title ");
      fr__gnuplot_quote(out, front->net[n]);
    }
  fr__buf_add(out, "\n");
}

static void put_panel(const fr__front *front, size_t axis, double place, double panels,
                      fr__buf *out) {
  const fr__front_panel *panel = &front->panel[axis];
  const view v = view_of(panel);
  size_t count[FR__FRONT_NETS][2];
  fr__buf_printf(out,
                 "set lmargin at screen %.6f\nset rmargin at screen %.6f\n"
                 "set tmargin at screen %.6f\nset bmargin at screen %.6f\n",
                 (place + LEFT / WIDTH) / panels, (place + 1 - RIGHT / WIDTH) / panels,
                 1 - TOP / HEIGHT, BOTTOM / HEIGHT);
  put_axes(&v, out);
  put_labels(panel, &v, out);
  put_words(panel, axis, &v, place / panels, panels, out);
  put_stair(panel, axis, &v, out);
  for (size_t n = 0; n < front->nets; n++)
    for (int on = 0; on < 2; on++)
      count[n][on] = put_points(front, axis, &v, n, on == 1, out);
  put_plot(front, axis, (const size_t(*)[2])count, out);
}

static void put_style(enum fr__medium medium, int width, fr__buf *out) {
  fr__gnuplot_canvas(&(fr__canvas){medium, width, (int)HEIGHT, 15, 1.5, 2}, out);
  fr__buf_add(out, "set encoding utf8\nset border 3 lc rgb '" INK "'\n"
                   "set tics nomirror textcolor rgb '" INK "'\n"
                   "set grid xtics ytics lt 1 lw 0.6 lc rgb '" LINES "'\n"
                   "set key horizontal maxrows 1 Left reverse samplen "
                   "1.2 font ',13' textcolor rgb '" INK "'\n");
}

void fr__front_script(const fr__front *front, size_t first, size_t last,
                      enum fr__medium medium, fr__buf *script) {
  int panels = 0;
  for (size_t p = first; p <= last; p++)
    panels += front->panel[p].points > 0;
  put_style(medium, (int)WIDTH * panels, script);
  if (panels > 1)
    fr__buf_add(script, "set multiplot\n");
  double place = 0;
  for (size_t p = first; p <= last; p++)
    if (front->panel[p].points > 0)
      put_panel(front, p, place++, panels, script);
  if (panels > 1)
    fr__buf_add(script, "unset multiplot\n");
}
