/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to steps: their order, how long each one holds, what was known of them when. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "carbon/intensity_csv.h"

#define DAY_S 86400

static enum fr_status fail_row(const fr__csv_rows *rows, const fr__csv_row *row,
                               const char *what, const fr__csv_row *other,
                               fr_error *err) {
  char text[FR__TIME_TEXT];
  fr__time_format(row->start_s[0] * 1000000000, text);
  return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: %s %s line %zu", rows->name, row->line,
                  text, what, other->line);
}

/* ---- month or day first ---- */

typedef struct reading {
  double travel_s; /* from row to row as they stand, forth or back */
  int64_t least_s; /* the shortest way between two that differ */
} reading;

static reading read_as(const fr__csv_rows *rows, size_t order) {
  reading r = {0, INT64_MAX};
  for (size_t i = 1; i < rows->count; i++) {
    const int64_t way = rows->row[i].start_s[order] - rows->row[i - 1].start_s[order];
    const int64_t length = way < 0 ? -way : way;
    r.travel_s += (double)length;
    if (length > 0 && length < r.least_s)
      r.least_s = length;
  }
  return r;
}

static bool reads_alike(const fr__csv_rows *rows) {
  for (size_t i = 0; i < rows->count; i++)
    if (rows->row[i].start_s[0] != rows->row[i].start_s[1] ||
        rows->row[i].end_s[0] != rows->row[i].end_s[1])
      return false;
  return true;
}

/* "02/03/2020": what a day above 12 has not told is told by rows that follow each other
 * within days: read the wrong way they jump by months. */
static enum fr_status choose_order(fr__csv_rows *rows, size_t *order, fr_error *err) {
  *order = rows->order[FR__MONTH_FIRST] ? FR__MONTH_FIRST : FR__DAY_FIRST;
  if (!rows->order[FR__MONTH_FIRST] && !rows->order[FR__DAY_FIRST])
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s: of its days some have the month first, others the day",
                    rows->name);
  if (!rows->slashed || rows->order[0] != rows->order[1] || reads_alike(rows))
    return FR_OK;
  const reading month = read_as(rows, FR__MONTH_FIRST),
                day = read_as(rows, FR__DAY_FIRST);
  *order = month.travel_s < day.travel_s ? FR__MONTH_FIRST : FR__DAY_FIRST;
  const bool within_days = month.least_s < DAY_S && day.least_s < DAY_S;
  const bool differ = month.travel_s < day.travel_s || day.travel_s < month.travel_s;
  if (within_days && differ)
    return FR_OK;
  return fr__fail(
      err, FR_ERR_FORMAT,
      "%s:%zu: is the month or the day first? ?dates=mdy or ?dates=dmy says it",
      rows->name, rows->row[0].line);
}

/* What is looked at from now on stands at 0. */
static enum fr_status settle_order(fr__csv_rows *rows, fr_error *err) {
  size_t order;
  const enum fr_status status = choose_order(rows, &order, err);
  for (size_t i = 0; status == FR_OK && order > 0 && i < rows->count; i++) {
    rows->row[i].start_s[0] = rows->row[i].start_s[order];
    rows->row[i].end_s[0] = rows->row[i].end_s[order];
  }
  return status;
}

/* ---- one after another ---- */

static int by_start(const void *a, const void *b) {
  const fr__csv_row *x = a, *y = b;
  if (x->start_s[0] != y->start_s[0])
    return x->start_s[0] < y->start_s[0] ? -1 : 1;
  return x->line < y->line ? -1 : x->line > y->line;
}

static void sort(fr__csv_rows *rows) {
  bool sorted = true;
  for (size_t i = 1; sorted && i < rows->count; i++)
    sorted = rows->row[i - 1].start_s[0] <= rows->row[i].start_s[0];
  if (!sorted)
    qsort(rows->row, rows->count, sizeof *rows->row, by_start);
}

static enum fr_status load(const fr__csv_rows *rows, fr__csv_row *row, fr_error *err) {
  return row->waits ? rows->load(rows->self, row, err) : FR_OK;
}

static bool same(double a, double b) { return !(a < b) && !(a > b); }

/* A time that stands twice is kept once, the one that tells something; two that tell
 * different things are refused. */
static enum fr_status unite_two(const fr__csv_rows *rows, fr__csv_row *last,
                                fr__csv_row *row, fr_error *err) {
  enum fr_status status = load(rows, last, err);
  if (status == FR_OK)
    status = load(rows, row, err);
  if (status != FR_OK)
    return status;
  if (last->end_s[0] != row->end_s[0] ||
      !(isnan(last->value) || isnan(row->value) || same(last->value, row->value)))
    return fail_row(rows, row,
                    "tells something else than the same time (of local times without "
                    "a zone, where summer time ends, ?times=local tells two apart) in",
                    last, err);
  if (isnan(last->value))
    *last = *row;
  return FR_OK;
}

static enum fr_status unite(fr__csv_rows *rows, fr_error *err) {
  enum fr_status status = FR_OK;
  size_t kept = 0;
  for (size_t i = 0; status == FR_OK && i < rows->count; i++) {
    fr__csv_row *row = &rows->row[i];
    fr__csv_row *last = kept > 0 ? &rows->row[kept - 1] : NULL;
    if (last != NULL && last->start_s[0] == row->start_s[0])
      status = unite_two(rows, last, row, err);
    else if (&rows->row[kept++] != row)
      rows->row[kept - 1] = *row;
  }
  rows->count = kept;
  return status;
}

/* ---- how long each one holds ---- */

#define DISTANCES 64 /* different ones that are counted */

/* The most frequent way from one row to the next; 0: there are not two. */
static int64_t usual_step(const fr__csv_rows *rows) {
  int64_t distance[DISTANCES];
  size_t times[DISTANCES], count = 0, best = 0;
  for (size_t i = 1; i < rows->count; i++) {
    const int64_t d = rows->row[i].start_s[0] - rows->row[i - 1].start_s[0];
    size_t k = 0;
    while (k < count && distance[k] != d)
      k++;
    if (k == DISTANCES)
      continue;
    if (k == count) {
      distance[count] = d;
      times[count++] = 0;
    }
    times[k]++;
  }
  for (size_t k = 1; k < count; k++)
    if (times[k] > times[best] ||
        (times[k] == times[best] && distance[k] < distance[best]))
      best = k;
  return count > 0 ? distance[best] : 0;
}

static enum fr_status find_ends(fr__csv_rows *rows, fr_error *err) {
  const int64_t usual = usual_step(rows);
  for (size_t i = 0; i < rows->count; i++) {
    fr__csv_row *row = &rows->row[i];
    const fr__csv_row *next = i + 1 < rows->count ? row + 1 : NULL;
    if (row->end_s[0] != FR_TIME_EARLIEST) {
      if (next != NULL && next->start_s[0] < row->end_s[0])
        return fail_row(rows, next, "begins before the end of", row, err);
      continue;
    }
    if (usual == 0)
      return fr__fail(err, FR_ERR_FORMAT,
                      "%s:%zu: one row alone does not tell how long it holds: a column "
                      "'end' does",
                      rows->name, row->line);
    row->end_s[0] = row->start_s[0] + usual;
    if (next != NULL && next->start_s[0] < row->end_s[0])
      row->end_s[0] = next->start_s[0];
  }
  return FR_OK;
}

/* ---- what is asked for ---- */

static enum fr_status give(const fr__csv_row *row, const fr_intensity_query *query,
                           fr_series *out, fr_error *err) {
  fr_intensity_step step = {row->start_s[0], row->end_s[0], row->value,
                            row->low,        row->high,     row->marks};
  const bool ahead = step.end_s > query->now_s;
  const bool known = !row->later && (!ahead || (step.marks & FR_STEP_FORECAST) != 0);
  if (isnan(row->value) || !(known || query->perfect))
    return FR_OK;
  if (ahead)
    step.marks |= FR_STEP_FORECAST;
  return fr_series_add(out, &step, err);
}

static enum fr_status give_all(const fr__csv_rows *rows, const fr_intensity_query *query,
                               fr_series *out, fr_error *err) {
  enum fr_status status = FR_OK;
  for (size_t i = 0; status == FR_OK && i < rows->count; i++) {
    fr__csv_row *row = &rows->row[i];
    if (row->end_s[0] <= query->from_s || row->start_s[0] >= query->to_s)
      continue;
    status = load(rows, row, err);
    if (status == FR_OK)
      status = give(row, query, out, err);
  }
  return status;
}

enum fr_status fr__csv_rows_settle(fr__csv_rows *rows, const fr_intensity_query *query,
                                   fr_series *out, fr_error *err) {
  enum fr_status status = settle_order(rows, err);
  if (status == FR_OK) {
    sort(rows);
    status = unite(rows, err);
  }
  if (status == FR_OK)
    status = find_ends(rows, err);
  return status == FR_OK ? give_all(rows, query, out, err) : status;
}
