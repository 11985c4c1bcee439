/* SPDX-License-Identifier: Apache-2.0 */
/* The live chart as text: a function of what was seen and of the window's size. */
#include "cli/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "report/table.h"

enum {
  MOST_COLUMNS = 1000,
  MOST_ROWS = 400,
  AXIS = 8,        /* columns of the numbers at the left, with their line */
  LEAST_CHART = 3, /* rows of a chart, below which there is none */
  LEAST_WIDTH = 24,
  FIGURES = 52 /* columns of now, min, mean and max */
};

typedef struct canvas {
  size_t columns, rows; /* of characters */
  size_t across, down;  /* dots of one character */
  unsigned char *dot;   /* (rows * down, columns * across), 1: set; owned */
  double *low, *high;   /* (columns * across) of the trace; NaN: not known; owned */
  double top_w;         /* of the axis, whose foot is 0 */
} canvas;

/* ---- lines of text ---- */

/* At most `columns` characters of `text`, what a terminal would obey or cannot show
 * replaced; returns the columns that it takes. */
static size_t put_cut(fr__buf *out, const char *text, size_t columns, bool utf8) {
  size_t left = strlen(text), used = 0;
  while (left > 0) {
    uint32_t point;
    const size_t n = fr__utf8_next(text, left, &point);
    const bool plain = point >= 0x20 && point < 0x7f;
    const bool shown = plain || (utf8 && point >= 0xa0);
    const size_t width = shown ? fr__text_width(text, n) : 1;
    if (used + width > columns)
      break;
    fr__buf_add_bytes(out, shown ? text : "?", shown ? n : 1);
    used += width;
    text += n;
    left -= n;
  }
  return used;
}

static void put_blank(fr__buf *out, size_t count) {
  for (size_t i = 0; i < count; i++)
    fr__buf_add(out, " ");
}

/* Three digits that count: "8.25", "31.2", "164"; "-" where it is not known. */
static void format_w(double watts, char text[16]) {
  const double size = fabs(watts);
  if (!isfinite(watts) || size >= 1e7)
    snprintf(text, 16, "-");
  else
    snprintf(text, 16, "%.*f", size < 9.995 ? 2 : size < 99.95 ? 1 : 0, watts);
}

static void put_series(fr__buf *out, const cli_watch_series *s, size_t name_columns,
                       size_t columns, bool utf8) {
  char now[16], least[16], mean[16], most[16], text[128];
  fr__buf name;
  fr__buf_init(&name, 0);
  const size_t used = put_cut(&name, s->name, name_columns, utf8);
  put_blank(&name, name_columns - used);
  format_w(s->now_w, now);
  format_w(s->min_w, least);
  format_w(s->mean_w, mean);
  format_w(s->max_w, most);
  const size_t room = columns > name_columns ? columns - name_columns : 0;
  if (room >= FIGURES)
    snprintf(text, sizeof text, " %6s W now  %6s min  %6s mean  %6s max", now, least,
             mean, most);
  else if (room >= 34)
    snprintf(text, sizeof text, " %s W now  %s mean  %s max", now, mean, most);
  else
    snprintf(text, sizeof text, " %s W", now);
  fr__buf_add(&name, text);
  put_cut(out, fr__buf_text(&name), columns, utf8);
  fr__buf_release(&name);
}

/* "title            perf, 1 package   1:05 min   3.2 kJ" */
static void put_head(const cli_watch_view *v, size_t columns, bool utf8, fr__buf *out) {
  char time[32], energy[32] = "", right[256];
  cli_format_duration(v->elapsed_s, time, sizeof time);
  if (isfinite(v->energy_j))
    cli_format_si(v->energy_j, "J", energy, sizeof energy);
  snprintf(right, sizeof right, "  %.160s%s%s  %s", v->sensor != NULL ? v->sensor : "",
           v->sensor != NULL && *v->sensor != '\0' ? "  " : "", time, energy);
  const size_t wide = strlen(right);
  const char *title = v->title != NULL ? v->title : "";
  if (columns < wide + 8) {
    put_cut(out, title, columns, utf8);
    return;
  }
  const size_t used = put_cut(out, title, columns - wide, utf8);
  put_blank(out, columns - wide - used);
  put_cut(out, right, wide, utf8);
}

/* ---- the chart ---- */

/* A round number at or above. */
static double nice(double watts) {
  static const double step[] = {1, 1.5, 2, 3, 4, 5, 6, 8};
  if (!(watts > 1e-3))
    return 1e-3;
  const double decade = pow(10, floor(log10(watts)));
  for (size_t i = 0; i < sizeof step / sizeof *step; i++)
    if (watts <= step[i] * decade)
      return step[i] * decade;
  return 10 * decade;
}

static bool canvas_init(canvas *c, size_t columns, size_t rows, bool utf8) {
  *c = (canvas){.columns = columns, .rows = rows, .across = utf8 ? 2 : 1};
  c->down = utf8 ? 4 : 2;
  const size_t across = columns * c->across;
  c->dot = calloc(across * rows * c->down, 1);
  c->low = calloc(across, sizeof *c->low);
  c->high = calloc(across, sizeof *c->high);
  if (c->dot == NULL || c->low == NULL || c->high == NULL)
    return false;
  for (size_t x = 0; x < across; x++)
    c->low[x] = c->high[x] = (double)NAN;
  return true;
}

static void canvas_release(canvas *c) {
  free(c->dot);
  free(c->low);
  free(c->high);
}

/* A sample's power held since the sample before: each dot column gets the range of what
 * was in its time. */
static void spread(const cli_watch_view *v, double from_s, double span_s, canvas *c) {
  const double across = (double)(c->columns * c->across);
  for (size_t i = 0; i < v->count; i++) {
    const double begin_s = i > 0 ? v->t_s[i - 1] : v->t_s[i];
    double x0 = (begin_s - from_s) / span_s * across;
    double x1 = (v->t_s[i] - from_s) / span_s * across;
    if (!isfinite(v->power_w[i]) || !(x1 >= 0) || !(x0 <= across))
      continue;
    x0 = fmin(fmax(floor(x0), 0), across - 1);
    x1 = fmin(fmax(ceil(x1) - 1, x0), across - 1);
    for (size_t x = (size_t)x0; x <= (size_t)x1; x++) {
      c->low[x] = fmin(c->low[x], v->power_w[i]);
      c->high[x] = fmax(c->high[x], v->power_w[i]);
    }
  }
}

static double span_of(const cli_watch_view *v, double *from_s) {
  const double last_s = v->count > 0 ? v->t_s[v->count - 1] : 0;
  const double seen_s = v->count > 0 ? last_s - v->t_s[0] : 0;
  const double span_s = v->span_s > 0 ? v->span_s : seen_s > 0 ? seen_s : 1;
  *from_s = last_s - span_s;
  return span_s;
}

static void choose_top(const cli_watch_view *v, canvas *c) {
  double most = isfinite(v->normal_w) ? v->normal_w : 0;
  for (size_t x = 0; x < c->columns * c->across; x++)
    most = fmax(most, isnan(c->high[x]) ? 0 : c->high[x]);
  c->top_w = nice(most * 1.02);
}

/* The dot's row from above. */
static size_t level(const canvas *c, double watts) {
  const size_t down = c->rows * c->down;
  const double y = watts / c->top_w * (double)(down - 1);
  return down - 1 - (size_t)lround(fmin(fmax(y, 0), (double)(down - 1)));
}

static void set_dots(canvas *c, size_t x, size_t y0, size_t y1) {
  for (size_t y = y0; y <= y1; y++)
    c->dot[y * c->columns * c->across + x] = 1;
}

/* A line without breaks: each column reaches to its neighbour's range. */
static void trace(canvas *c) {
  for (size_t x = 0; x < c->columns * c->across; x++) {
    if (isnan(c->low[x]))
      continue;
    double low = c->low[x], high = c->high[x];
    if (x > 0 && !isnan(c->low[x - 1])) {
      high = fmax(high, c->low[x - 1]);
      low = fmin(low, c->high[x - 1]);
    }
    set_dots(c, x, level(c, high), level(c, low));
  }
}

static void draw_normal(const cli_watch_view *v, canvas *c) {
  const size_t across = c->columns * c->across;
  for (size_t x = 0; isfinite(v->normal_w) && x < across; x += 2 * c->across)
    set_dots(c, x, level(c, v->normal_w), level(c, v->normal_w));
}

/* Unicode's braille patterns: dots 1 to 3 and 7 on the left, 4 to 6 and 8 on the right.
 */
static void put_braille(const canvas *c, size_t row, size_t column, fr__buf *out) {
  static const unsigned char bit[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
  unsigned dots = 0;
  for (size_t y = 0; y < 4; y++)
    for (size_t x = 0; x < 2; x++)
      if (c->dot[(row * 4 + y) * c->columns * 2 + column * 2 + x] != 0)
        dots |= bit[y][x];
  const char text[] = {(char)0xe2, (char)(0xa0 | dots >> 6), (char)(0x80 | (dots & 0x3f)),
                       '\0'};
  fr__buf_add(out, dots == 0 ? " " : text);
}

static void put_ascii(const canvas *c, size_t row, size_t column, fr__buf *out) {
  const bool upper = c->dot[row * 2 * c->columns + column] != 0;
  const bool lower = c->dot[(row * 2 + 1) * c->columns + column] != 0;
  fr__buf_add(out, upper && lower ? ":" : upper ? "'" : lower ? "." : " ");
}

static void put_label(const canvas *c, size_t row, bool utf8, fr__buf *out) {
  char text[16] = "";
  if (row == 0)
    format_w(c->top_w, text);
  else if (row == c->rows - 1)
    snprintf(text, sizeof text, "0");
  else if (c->rows % 2 == 1 && row == c->rows / 2)
    format_w(c->top_w / 2, text);
  fr__buf_printf(out, "%*s%s", AXIS - 1, text, utf8 ? "│" : "|");
}

static void put_chart(const cli_watch_view *v, size_t columns, size_t rows, bool utf8,
                      fr__buf *out) {
  canvas c;
  double from_s;
  if (!canvas_init(&c, columns - AXIS, rows, utf8)) {
    out->status = FR_ERR_MEMORY;
  } else {
    const double span_s = span_of(v, &from_s);
    spread(v, from_s, span_s, &c);
    choose_top(v, &c);
    trace(&c);
    draw_normal(v, &c);
    for (size_t row = 0; row < rows; row++) {
      put_label(&c, row, utf8, out);
      for (size_t column = 0; column < c.columns; column++)
        (utf8 ? put_braille : put_ascii)(&c, row, column, out);
      fr__buf_add(out, "\n");
    }
  }
  canvas_release(&c);
}

static void put_times(const cli_watch_view *v, size_t columns, fr__buf *out) {
  char from[40], past[32];
  double from_s;
  cli_format_duration(span_of(v, &from_s), past, sizeof past);
  snprintf(from, sizeof from, "-%s", past);
  put_blank(out, AXIS);
  fr__buf_add(out, from);
  const size_t used = AXIS + strlen(from) + strlen("now");
  put_blank(out, columns > used ? columns - used : 1);
  fr__buf_add(out, "now");
}

/* ---- the whole ---- */

/* As much of the names as leaves room for the figures. */
static size_t longest_name(const cli_watch_view *v, size_t domains, size_t columns) {
  const size_t room = columns > FIGURES + 28 ? columns - FIGURES : 28;
  size_t most = strlen("total");
  for (size_t d = 0; d < domains; d++) {
    const size_t n = fr__text_width(v->domain[d].name, strlen(v->domain[d].name));
    most = n > most ? n : most;
  }
  return most < room ? most : room;
}

static void put_last(const cli_watch_view *v, size_t columns, bool utf8, fr__buf *out) {
  fr__buf line;
  fr__buf_init(&line, 0);
  if (v->phase != NULL)
    fr__buf_printf(&line, "phase %s", v->phase);
  if (v->note != NULL)
    fr__buf_printf(&line, "%s%s", v->phase != NULL ? "   " : "", v->note);
  put_cut(out, fr__buf_text(&line), columns, utf8);
  fr__buf_release(&line);
}

void cli_watch_render(const cli_watch_view *view, size_t columns, size_t rows, bool utf8,
                      fr__buf *out) {
  columns = columns < MOST_COLUMNS ? columns : MOST_COLUMNS;
  rows = rows < MOST_ROWS ? rows : MOST_ROWS;
  const bool head = rows >= 2, last = view->phase != NULL || view->note != NULL;
  size_t left = rows - head - 1; /* 1: the total */
  const size_t told = last && left > LEAST_CHART ? 1 : 0;
  left -= told;
  const bool chart = left >= LEAST_CHART + 1 && columns >= LEAST_WIDTH;
  size_t domains = chart ? (left - LEAST_CHART - 1) / 2 : left;
  domains = domains < view->domains ? domains : view->domains;
  const size_t names = longest_name(view, domains, columns);
  if (head) {
    put_head(view, columns, utf8, out);
    fr__buf_add(out, "\n");
  }
  put_series(out, &view->total, domains > 0 ? names : strlen("total"), columns, utf8);
  for (size_t d = 0; d < domains; d++) {
    fr__buf_add(out, "\n");
    put_series(out, &view->domain[d], names, columns, utf8);
  }
  if (chart) {
    fr__buf_add(out, "\n");
    put_chart(view, columns, left - domains - 1, utf8, out);
    put_times(view, columns, out);
  }
  if (told == 1) {
    fr__buf_add(out, "\n");
    put_last(view, columns, utf8, out);
  }
}
