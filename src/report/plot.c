/* SPDX-License-Identifier: Apache-2.0 */
/* gnuplot scripts of the charts. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/chart.h"
#include "report/format.h"
#include "report/gnuplot.h"
#include "report/table.h"

#define WIDTH 470        /* of a panel in a file, in pixels */
#define WIDTH_INLINE 420 /* in a page, where a phone makes it smaller still */
#define HEIGHT 400
#define LOG_SPAN 10   /* largest over smallest value from which an axis is logarithmic */
#define MOST_LABELS 8 /* values written above bars */
#define MOST_ROWS 48  /* categories that one panel can show */
#define INK "#222222" /* replaced by the page's own in SVG inside a page */
#define LINES "#d0d0d0"

/* Okabe and Ito's palette (2008), dark and light in turn, so that it also works in grey.
 */
static const char *const colour[FR__REPORT_SERIES] = {"#0072b2", "#e69f00", "#009e73",
                                                      "#cc79a7"};

typedef struct scale {
  double low, high; /* of the axis, in its unit */
  double factor;    /* figure to axis */
  const char *unit; /* "mJ", "%" */
  bool logarithmic;
} scale;

static bool in_panel(const fr__row *row, enum fr__panel panel) {
  return fr__row_is_test(row) == (panel == FR__PANEL_TEST);
}

static enum fr__quantity quantity_of(const fr__grid *grid, enum fr__plot plot) {
  return plot == FR__PLOT_ACCURACY ? FR__ACCURACY : fr__grid_energy(grid);
}

static const fr__figure *figure_at(const fr__grid *grid, size_t r, size_t s,
                                   enum fr__quantity quantity) {
  const fr__cell *cell = grid->row[r].cell[s];
  return cell != NULL && cell->figure[quantity].known ? &cell->figure[quantity] : NULL;
}

/* ---- training energy against what it buys ---- */

/* The test cell of the same data, network and mechanism as training row `r`. */
static const fr__figure *bought(const fr__grid *grid, size_t r, size_t s) {
  const fr__cell *train = grid->row[r].cell[s];
  for (size_t t = 0; train != NULL && t < grid->rows; t++) {
    const fr__cell *test = grid->row[t].cell[s];
    if (test == NULL || !fr__row_is_test(&grid->row[t]))
      continue;
    if (strcmp(test->data, train->data) == 0 && strcmp(test->net, train->net) == 0)
      return figure_at(grid, t, s, FR__ACCURACY);
  }
  return NULL;
}

static bool has_trade(const fr__grid *grid) {
  for (size_t r = 0; r < grid->rows; r++)
    for (size_t s = 0; s < grid->series_count; s++)
      if (in_panel(&grid->row[r], FR__PANEL_TRAIN) && bought(grid, r, s) != NULL &&
          figure_at(grid, r, s, fr__grid_energy(grid)) != NULL)
        return true;
  return false;
}

bool fr__panel_has(const fr__grid *grid, enum fr__plot plot, enum fr__panel panel) {
  const enum fr__quantity quantity = quantity_of(grid, plot);
  if (plot == FR__PLOT_TRADE)
    return panel == FR__PANEL_TRAIN && has_trade(grid);
  for (size_t r = 0; r < grid->rows; r++)
    for (size_t s = 0; s < grid->series_count; s++)
      if (in_panel(&grid->row[r], panel) && figure_at(grid, r, s, quantity) != NULL)
        return true;
  return false;
}

/* ---- axes ---- */

/* The prefix that keeps the numbers above the bars short. */
static scale joules_up_to(double top) {
  if (top >= 2e4)
    return (scale){.factor = 1e-3, .unit = "kJ"};
  if (top >= 1.5 || top <= 0)
    return (scale){.factor = 1, .unit = "J"};
  if (top >= 1.5e-3)
    return (scale){.factor = 1e3, .unit = "mJ"};
  return (scale){.factor = 1e6, .unit = "µJ"};
}

static scale scale_of(const fr__grid *grid, enum fr__panel panel,
                      enum fr__quantity quantity) {
  double least = INFINITY, most = 0, top = 0;
  if (quantity == FR__ACCURACY)
    return (scale){0, 112, 100, "%", false};
  for (size_t r = 0; r < grid->rows; r++)
    for (size_t s = 0; s < grid->series_count; s++) {
      const fr__figure *f = figure_at(grid, r, s, quantity);
      if (f == NULL || !in_panel(&grid->row[r], panel))
        continue;
      if (f->value > 0)
        least = fmin(least, f->low > 0 ? f->low : f->value);
      most = fmax(most, f->value);
      top = fmax(top, f->high);
    }
  scale axis = joules_up_to(most);
  axis.high = top > 0 ? top * axis.factor * 1.14 : 1;
  axis.logarithmic = most > 0 && most / least >= LOG_SPAN;
  if (!axis.logarithmic)
    return axis;
  axis.low = pow(10, floor(log10(least * axis.factor * 0.8)));
  axis.high = top * axis.factor * 2.5;
  return axis;
}

static void put_axes(const scale *axis, enum fr__quantity quantity, enum fr__panel panel,
                     fr__buf *out) {
  const bool share = quantity == FR__ACCURACY;
  fr__buf_printf(out, "%s logscale y\nset yrange [%.9g:%.9g]\n",
                 axis->logarithmic ? "set" : "unset", axis->low, axis->high);
  fr__buf_printf(out, "set ylabel '%s%s%s' textcolor rgb '" INK "'\n",
                 share ? "correct, " : "", axis->unit,
                 share                     ? ""
                 : panel == FR__PANEL_TEST ? " per 1,000 tests"
                                           : " per training");
  fr__buf_add(out, share ? "set ytics 0,20,100\n" : "set ytics autofreq\n");
  fr__buf_add(out, "set format y '%g'\n");
}

/* Second line of a category: the network that the poster's last letter stands for. */
static void put_category(const fr__row *row, size_t place, bool explain, fr__buf *out) {
  fr__gnuplot_quote(out, row->name);
  if (explain && *row->first->net != '\0') {
    fr__buf_add(out, ".\"\\n\".");
    fr__gnuplot_quote(out, row->first->net);
  }
  fr__buf_printf(out, " %zu", place);
}

static const char *data_of(const fr__row *row) {
  return *row->first->data_name != '\0' ? row->first->data_name : row->first->data;
}

/* Third line: the data set, once below the neighbours that share it. */
static void put_data_names(const fr__grid *grid, enum fr__panel panel, fr__buf *out) {
  size_t place = 0, begin = 0;
  const char *name = NULL;
  for (size_t r = 0; r <= grid->rows; r++) {
    if (r < grid->rows && !in_panel(&grid->row[r], panel))
      continue;
    const char *next = r < grid->rows ? data_of(&grid->row[r]) : NULL;
    if (name != NULL && (next == NULL || strcmp(name, next) != 0)) {
      fr__buf_add(out, "set label ");
      fr__gnuplot_quote(out, name);
      fr__buf_printf(out,
                     " at first %.2f, graph 0 center offset 0,-2.9 font ',13' "
                     "textcolor rgb '" INK "'\n",
                     (double)(begin + place - 1) / 2);
    }
    if (name == NULL || next == NULL || strcmp(name, next) != 0)
      begin = place;
    name = next;
    place++;
  }
}

static size_t panel_rows(const fr__grid *grid, enum fr__panel panel) {
  size_t rows = 0;
  for (size_t r = 0; r < grid->rows; r++)
    rows += in_panel(&grid->row[r], panel);
  return rows < MOST_ROWS ? rows : MOST_ROWS;
}

static void put_categories(const fr__grid *grid, enum fr__panel panel, fr__buf *out) {
  const size_t rows = panel_rows(grid, panel);
  size_t place = 0, longest = 0;
  for (size_t r = 0; r < grid->rows; r++) {
    const size_t w = fr__text_width(grid->row[r].name, strlen(grid->row[r].name));
    if (in_panel(&grid->row[r], panel) && w > longest)
      longest = w;
  }
  const bool crowded = longest * rows > 44;
  const bool explain = !crowded && rows <= 5;
  fr__buf_printf(out, "set xrange [-0.6:%.1f]\nset xtics scale 0 font ',13' %s (",
                 (double)rows - 0.4, crowded ? "rotate by -35" : "norotate");
  for (size_t r = 0; r < grid->rows && place < rows; r++) {
    if (!in_panel(&grid->row[r], panel))
      continue;
    if (place > 0)
      fr__buf_add(out, ", ");
    put_category(&grid->row[r], place++, explain, out);
  }
  fr__buf_printf(out, ")\nset bmargin %d\n", explain ? 4 : crowded ? 7 : 3);
  fr__buf_add(out, "unset label\n");
  if (explain)
    put_data_names(grid, panel, out);
}

/* ---- bars ---- */

static double offset_of(const fr__grid *grid, size_t s) {
  return ((double)s - ((double)grid->series_count - 1) / 2) * 0.8 /
         (double)grid->series_count;
}

/* The number above a bar, short: its unit stands at the axis. */
static void bar_text(const fr__figure *f, double factor, char text[FR__TEXT]) {
  fr__figure bare = {.known = true, .unit = "", .source = ""};
  bare.value = bare.low = bare.high = f->value * factor;
  const fr__number_text number = fr__format_figure(&bare);
  memcpy(text, number.value, FR__TEXT);
  if (bare.value > 0.00095 && bare.value < 0.995) /* two digits, or neighbours touch */
    snprintf(text, FR__TEXT, bare.value > 0.095 ? "%.2f" : "%.2g", bare.value);
}

/* $P_S: place, value, low, high, text. */
static void put_series_data(const fr__grid *grid, enum fr__panel panel, size_t s,
                            enum fr__quantity quantity, const scale *axis, fr__buf *out) {
  const double factor = axis->factor;
  size_t place = 0;
  fr__buf_printf(out, "$p%d_%zu << EOD\n", (int)panel, s);
  for (size_t r = 0; r < grid->rows && place < MOST_ROWS; r++) {
    char text[FR__TEXT];
    if (!in_panel(&grid->row[r], panel))
      continue;
    const double x = (double)place++ + offset_of(grid, s);
    const fr__figure *f = figure_at(grid, r, s, quantity);
    if (f == NULL)
      continue;
    bar_text(f, factor, text);
    fr__buf_printf(out, "%.4f %.9g %.9g %.9g \"%s\"\n", x,
                   fmax(f->value * factor, axis->low), fmax(f->low * factor, axis->low),
                   f->high * factor, text);
  }
  fr__buf_add(out, "EOD\n");
}

/* $P_chance: a line across each category at the accuracy of guessing. */
static bool put_chance_data(const fr__grid *grid, enum fr__panel panel, fr__buf *out) {
  size_t place = 0, known = 0;
  fr__buf_printf(out, "$p%d_chance << EOD\n", (int)panel);
  for (size_t r = 0; r < grid->rows && place < MOST_ROWS; r++) {
    if (!in_panel(&grid->row[r], panel))
      continue;
    const double x = (double)place++ - 0.46, chance = grid->row[r].first->chance;
    if (chance < 0)
      continue;
    fr__buf_printf(out, "%.4f %.9g 0.92 0\n", x, chance * 100);
    known++;
  }
  fr__buf_add(out, "EOD\n");
  return known > 0;
}

/* Bars without a value say so, upright, where they would stand. */
static void put_absent(const fr__grid *grid, enum fr__panel panel,
                       enum fr__quantity quantity, fr__buf *out) {
  size_t place = 0;
  for (size_t r = 0; r < grid->rows && place < MOST_ROWS; r++) {
    if (!in_panel(&grid->row[r], panel))
      continue;
    for (size_t s = 0; s < grid->series_count; s++)
      if (figure_at(grid, r, s, quantity) == NULL)
        fr__buf_printf(out,
                       "set label '%s' at first %.4f, graph 0.02 rotate by 90 "
                       "font ',12' textcolor rgb '" INK "'\n",
                       grid->row[r].cell[s] == NULL ? "no such cell" : FR__NOT_MEASURED,
                       (double)place + offset_of(grid, s));
    place++;
  }
}

static void put_bars(const fr__grid *grid, enum fr__panel panel, fr__buf *out) {
  for (size_t s = 0; s < grid->series_count; s++) {
    fr__buf_printf(out, "%s$p%d_%zu using 1:2 with boxes lc rgb '%s' %s title ",
                   s == 0 ? "plot " : ", ", (int)panel, s, colour[s],
                   s < 2 ? "fs solid 1 border rgb '" INK "'"
                         : "fs pattern 2 border rgb '" INK "'");
    fr__gnuplot_quote(out, grid->series[s].label);
  }
  for (size_t s = 0; s < grid->series_count; s++)
    fr__buf_printf(out,
                   ", $p%d_%zu using 1:3:(0):($4-$3) with vectors heads nofilled "
                   "size graph 0.012,90 lw 1.4 lc rgb '" INK "' notitle",
                   (int)panel, s);
}

static void put_bar_panel(const fr__grid *grid, enum fr__panel panel,
                          enum fr__quantity quantity, fr__buf *out) {
  const scale axis = scale_of(grid, panel, quantity);
  const size_t bars = panel_rows(grid, panel) * grid->series_count;
  put_axes(&axis, quantity, panel, out);
  put_categories(grid, panel, out);
  put_absent(grid, panel, quantity, out);
  for (size_t s = 0; s < grid->series_count; s++)
    put_series_data(grid, panel, s, quantity, &axis, out);
  const bool chance = quantity == FR__ACCURACY && put_chance_data(grid, panel, out);
  fr__buf_printf(out, "set boxwidth %.4f\n", 0.72 / (double)grid->series_count);
  put_bars(grid, panel, out);
  for (size_t s = 0; bars <= MOST_LABELS && s < grid->series_count; s++)
    fr__buf_printf(out,
                   ", $p%d_%zu using 1:4:5 with labels center offset 0,0.6 font ',10' "
                   "textcolor rgb '" INK "' notitle",
                   (int)panel, s);
  if (chance)
    fr__buf_printf(out,
                   ", $p%d_chance using 1:2:3:4 with vectors nohead dt (6,4) lw 1.6 "
                   "lc rgb '" INK "' title 'guessing'",
                   (int)panel);
  fr__buf_add(out, "\n");
}

/* ---- the scatter of training energy and test accuracy ---- */

static void put_trade_data(const fr__grid *grid, size_t s, double *least, double *most,
                           fr__buf *out) {
  fr__buf_printf(out, "$t%zu << EOD\n", s);
  for (size_t r = 0; r < grid->rows; r++) {
    const fr__figure *x = figure_at(grid, r, s, fr__grid_energy(grid));
    const fr__figure *y = bought(grid, r, s);
    if (!in_panel(&grid->row[r], FR__PANEL_TRAIN) || x == NULL || y == NULL)
      continue;
    if (x->value <= 0)
      continue;
    const double low = x->low > 0 ? x->low : x->value;
    *least = fmin(*least, low);
    *most = fmax(*most, x->high);
    fr__buf_printf(out, "%.9g %.9g %.9g %.9g %.9g %.9g\n", x->value, y->value * 100, low,
                   x->high, y->low * 100, y->high * 100);
  }
  fr__buf_add(out, "EOD\n");
}

/* Names beside the points; the first of each data and network is enough to tell them. */
static void put_trade_names(const fr__grid *grid, fr__buf *out) {
  fr__buf_add(out, "unset label\n");
  for (size_t r = 0; r < grid->rows; r++)
    for (size_t s = 0; s < grid->series_count; s++) {
      const fr__figure *x = figure_at(grid, r, s, fr__grid_energy(grid));
      const fr__figure *y = bought(grid, r, s);
      if (!in_panel(&grid->row[r], FR__PANEL_TRAIN) || x == NULL || y == NULL)
        continue;
      fr__buf_add(out, "set label ");
      /* without the R that all of them begin with */
      fr__gnuplot_quote(out, grid->row[r].name + (grid->row[r].name[0] == 'R'));
      fr__buf_printf(out,
                     " at first %.9g, first %.9g %s font ',12' textcolor rgb '" INK "'\n",
                     x->value, y->value * 100,
                     s % 2 == 0 ? "left offset 0.5,0.6" : "left offset 0.5,-0.6");
    }
}

static void put_trade_panel(const fr__grid *grid, fr__buf *out) {
  static const int point[FR__REPORT_SERIES] = {7, 5, 9,
                                               13}; /* disc, square, triangle, rhomb */
  double least = INFINITY, most = 0;
  put_trade_names(grid, out);
  for (size_t s = 0; s < grid->series_count; s++)
    put_trade_data(grid, s, &least, &most, out);
  fr__buf_printf(out, "set logscale x\nset xrange [%.9g:%.9g]\nset yrange [0:105]\n",
                 least / 1.6, most * 2.2);
  fr__buf_add(out, "set xlabel 'J per training (logarithmic)' textcolor rgb '" INK "'\n"
                   "set ylabel 'correct, %' textcolor rgb '" INK "'\n"
                   "set ytics 0,20,100\nset xtics\nset grid x\nset bmargin 4\n");
  for (size_t s = 0; s < grid->series_count; s++) {
    fr__buf_printf(out,
                   "%s$t%zu using 1:2:3:4:5:6 with xyerrorbars pt %d ps 1.1 lw 1.2 "
                   "lc rgb '%s' title ",
                   s == 0 ? "plot " : ", ", s, point[s], colour[s]);
    fr__gnuplot_quote(out, grid->series[s].label);
  }
  fr__buf_add(out, "\n");
}

/* ---- the whole script ---- */

static void put_terminal(enum fr__medium medium, int panels, fr__buf *out) {
  const int width = (medium == FR__SVG_INLINE ? WIDTH_INLINE : WIDTH) * panels;
  fr__gnuplot_canvas(&(fr__canvas){medium, width, HEIGHT, 15, 2, 2}, out);
}

static void put_style(fr__buf *out) {
  fr__buf_add(out,
              "set encoding utf8\n"
              "set border 3 lc rgb '" INK "'\n"
              "set tics nomirror textcolor rgb '" INK "'\n"
              "set grid ytics lt 1 lw 0.6 lc rgb '" LINES "'\n"
              "set grid noxtics\nset lmargin 8\nset rmargin 2\n"
              "set key outside center top horizontal maxrows 1 Left reverse samplen 1.4 "
              "font ',14' "
              "textcolor rgb '" INK "'\n");
}

static void put_title(enum fr__plot plot, enum fr__panel panel, bool logarithmic,
                      fr__buf *out) {
  static const char *const title[FR__PANELS] = {"Training", "Testing"};
  fr__buf_printf(out, "set title '%s%s' offset 0,-0.7 textcolor rgb '" INK "'\n",
                 plot == FR__PLOT_TRADE ? "What training costs and buys" : title[panel],
                 logarithmic ? " (logarithmic axis)" : "");
}

void fr__chart_script(const fr__grid *grid, enum fr__plot plot, enum fr__panel first,
                      enum fr__panel last, enum fr__medium medium, fr__buf *script) {
  int panels = 0;
  for (enum fr__panel p = first; p <= last; p++)
    panels += fr__panel_has(grid, plot, p);
  put_terminal(medium, panels, script);
  put_style(script);
  if (panels > 1)
    fr__buf_printf(script, "set multiplot layout 1,%d\n", panels);
  for (enum fr__panel p = first; p <= last; p++) {
    if (!fr__panel_has(grid, plot, p))
      continue;
    put_title(plot, p,
              plot == FR__PLOT_ENERGY &&
                  scale_of(grid, p, quantity_of(grid, plot)).logarithmic,
              script);
    if (plot == FR__PLOT_TRADE)
      put_trade_panel(grid, script);
    else
      put_bar_panel(grid, p, quantity_of(grid, plot), script);
  }
  if (panels > 1)
    fr__buf_add(script, "unset multiplot\n");
}
