/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bars.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/when.h"

enum {
  AXIS = 7, /* columns of the numbers at the left, with their line */
  LEAST_COLUMNS = 24,
  MOST_COLUMNS = 400,
  USUAL_ROWS = 6,
  MOST_ROWS = 40,
  LABEL = 8 /* columns that a label of a time takes at most, with a blank */
};

typedef struct picture {
  const cli_bars *bars;
  int64_t column_s; /* of one column */
  size_t columns, rows;
  double value[MOST_COLUMNS]; /* NaN: not known */
  double top;
} picture;

/* ---- what is shown ---- */

static int64_t column_seconds(int64_t span_s, size_t columns) {
  static const int64_t usual[] = {1,    2,     5,     10,    15,    30,   60,
                                  120,  300,   600,   900,   1200,  1800, 3600,
                                  7200, 10800, 14400, 21600, 43200, 86400};
  const int64_t least = (span_s + (int64_t)columns - 1) / (int64_t)columns;
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
    if (usual[i] >= least)
      return usual[i];
  return (least + 86399) / 86400 * 86400;
}

static int64_t start_of(const picture *p, size_t column) {
  return p->bars->from_s + (int64_t)column * p->column_s;
}

static int64_t end_of(const picture *p, size_t column) {
  const int64_t end_s = start_of(p, column) + p->column_s;
  return end_s < p->bars->to_s ? end_s : p->bars->to_s;
}

/* A round number at or above. */
static double round_up(double value) {
  static const double step[] = {1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10};
  const double decade = pow(10, floor(log10(value)));
  size_t i = 0;
  while (i + 1 < sizeof step / sizeof *step && step[i] * decade < value)
    i++;
  return step[i] * decade;
}

static bool look(picture *p, const cli_bars *bars, size_t columns) {
  const size_t room = columns - AXIS < MOST_COLUMNS ? columns - AXIS : MOST_COLUMNS;
  double most = (double)NAN;
  *p = (picture){.bars = bars, .rows = bars->rows > 0 ? bars->rows : USUAL_ROWS};
  if (p->rows > MOST_ROWS)
    p->rows = MOST_ROWS;
  p->column_s = column_seconds(bars->to_s - bars->from_s, room);
  p->columns = (size_t)((bars->to_s - bars->from_s + p->column_s - 1) / p->column_s);
  for (size_t i = 0; i < p->columns; i++) {
    const fr_measure mean = fr_series_mean(bars->series, start_of(p, i), end_of(p, i));
    p->value[i] = fr_measure_known(mean) ? mean.value : (double)NAN;
    most = fmax(most, p->value[i]);
  }
  p->top = most > 0 ? round_up(most) : 1;
  return !isnan(most);
}

/* ---- the bars ---- */

/* What stands in a cell; " " where nothing does. Row 0 is the highest. */
static const char *cell_of(const picture *p, size_t column, size_t row) {
  static const char *const eighths[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double value = p->value[column];
  const bool lowest = row + 1 == p->rows;
  if (isnan(value))
    return lowest ? "·" : " ";
  const double height = value / p->top * (double)p->rows * 8;
  const double above = height - (double)(p->rows - 1 - row) * 8;
  const double least = lowest && value > 0 ? 1 : 0;
  return eighths[(size_t)fmax(least, fmin(8, round(above)))];
}

/* Blanks wait until something follows them. */
static void add_cell(const char *cell, size_t *blanks, fr__buf *text) {
  if (*cell == ' ') {
    ++*blanks;
    return;
  }
  for (; *blanks > 0; --*blanks)
    fr__buf_add(text, " ");
  fr__buf_add(text, cell);
}

static void add_row(const picture *p, size_t row, fr__buf *text) {
  const double height = (double)(p->rows - row) / (double)p->rows;
  const bool told = row == 0 || (p->rows % 2 == 0 && row == p->rows / 2);
  size_t blanks = 0;
  if (told)
    fr__buf_printf(text, "%5.4g ┤", p->top * height);
  else
    fr__buf_add(text, "      │");
  for (size_t i = 0; i < p->columns; i++)
    add_cell(cell_of(p, i, row), &blanks, text);
  fr__buf_add(text, "\n");
}

/* ---- beneath ---- */

/* At least half of it is marked, or what is marked is within it. */
static bool is_marked(const picture *p, size_t column) {
  const int64_t start_s = start_of(p, column), end_s = end_of(p, column);
  int64_t marked_s = 0;
  bool whole = false;
  for (size_t i = 0; i < p->bars->marks; i++) {
    const cli_span *mark = &p->bars->mark[i];
    const int64_t from = mark->start_s > start_s ? mark->start_s : start_s;
    const int64_t to = mark->end_s < end_s ? mark->end_s : end_s;
    marked_s += to > from ? to - from : 0;
    whole = whole || (to > from && 2 * (to - from) >= mark->end_s - mark->start_s);
  }
  return whole || 2 * marked_s >= end_s - start_s;
}

static void add_marks(const picture *p, fr__buf *text) {
  size_t blanks = 0;
  fr__buf_printf(text, "%6.6s ", p->bars->name != NULL ? p->bars->name : "");
  for (size_t i = 0; i < p->columns; i++)
    add_cell(is_marked(p, i) ? "▀" : " ", &blanks, text);
  fr__buf_add(text, "\n");
}

/* ---- times ---- */

/* Seconds from one tick to the next: labels do not touch each other. */
static int64_t tick_seconds(const picture *p) {
  static const int64_t usual[] = {5,     10,    15,     30,     60,      300,    600,
                                  900,   1800,  3600,   7200,   10800,   14400,  21600,
                                  43200, 86400, 172800, 604800, 1209600, 2592000};
  enum { COUNT = sizeof usual / sizeof *usual };
  for (size_t i = 0; i < COUNT; i++)
    if (usual[i] >= p->column_s * LABEL)
      return usual[i];
  return p->column_s * LABEL;
}

static int64_t floor_to(int64_t value, int64_t step) {
  return value - ((value % step) + step) % step;
}

/* The label of the tick that lies in that column; "" where there is none. Ticks are round
 * times of the clock on the wall, which a change to summer time moves. */
static void label_of(const picture *p, size_t column, int64_t tick_s, char label[LABEL]) {
  const int64_t start_s = start_of(p, column);
  const int64_t wall_s = cli_wall_seconds(start_s);
  const int64_t before_s = cli_wall_seconds(start_s - p->column_s);
  const int64_t at_s = floor_to(wall_s, tick_s);
  label[0] = '\0';
  if (at_s == floor_to(before_s, tick_s) || wall_s < before_s)
    return;
  if (floor_to(at_s, 86400) == at_s)
    cli_wall_format(at_s, tick_s >= 86400 ? "%-d %b" : "%a %-d", label, LABEL);
  else
    cli_wall_format(at_s, tick_s < 60 ? "%T" : "%H:%M", label, LABEL);
}

static bool holds_now(const picture *p, size_t column) {
  const int64_t now_s = p->bars->now_s;
  return now_s != FR_TIME_EARLIEST && now_s >= start_of(p, column) &&
         now_s < end_of(p, column);
}

static void put(char *line, size_t size, size_t at, const char *label) {
  const size_t length = strlen(label);
  if (at + length <= size)
    memcpy(line + at, label, length);
}

static bool is_free(const char *line, size_t size, size_t at, size_t length) {
  const size_t from = at > 0 ? at - 1 : 0;
  for (size_t i = from; i < at + length + 1 && i < size; i++)
    if (line[i] != ' ')
      return false;
  return at + length <= size;
}

static void add_times(const picture *p, fr__buf *text) {
  const int64_t tick_s = tick_seconds(p);
  char line[MOST_COLUMNS + 1], label[LABEL];
  memset(line, ' ', p->columns);
  line[p->columns] = '\0';
  for (size_t i = 0; i < p->columns; i++)
    if (holds_now(p, i))
      put(line, p->columns, p->columns >= 3 && i > p->columns - 3 ? p->columns - 3 : i,
          "now");
  fr__buf_add(text, "    0 └");
  for (size_t i = 0; i < p->columns; i++) {
    label_of(p, i, tick_s, label);
    fr__buf_add(text, holds_now(p, i) || label[0] != '\0' ? "┴" : "─");
    if (is_free(line, p->columns, i, strlen(label)))
      put(line, p->columns, i, label);
  }
  while (p->columns > 0 && line[strlen(line) - 1] == ' ' && strlen(line) > 1)
    line[strlen(line) - 1] = '\0';
  fr__buf_add(text, "\n");
  if (p->bars->mark != NULL)
    add_marks(p, text);
  fr__buf_printf(text, "       %s\n", line);
}

void cli_bars_add(const cli_bars *bars, size_t columns, fr__buf *text) {
  picture *p =
      columns >= LEAST_COLUMNS && bars->to_s > bars->from_s ? malloc(sizeof *p) : NULL;
  if (p != NULL && look(p, bars, columns)) {
    for (size_t row = 0; row < p->rows; row++)
      add_row(p, row, text);
    add_times(p, text);
  }
  free(p);
}
