/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of HWiNFO's log, and what its watts come to. */
#include "meter/hwinfo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "meter/hwinfo_text.h"

#define CELLS ((size_t)16 << 20) /* rows × columns of power */
#define MOST_W 1e6               /* a reading beyond it is none */
#define GAP 10                   /* usual intervals without a row */
#define LONGEST_NS (30 * 366 * DAY_NS)
#define DAY_NS ((int64_t)86400 * 1000000000)

typedef struct row {
  fr__hwinfo_date date;
  int64_t time_ns; /* of the day */
} row;

typedef struct reader {
  fr__csv csv;
  fr__hwinfo *log;
  size_t column[FR__HWINFO_COLUMNS]; /* in the file */
  double scale[FR__HWINFO_COLUMNS];
  fr__csv_field device[FR__HWINFO_COLUMNS]; /* length 0: not told */
  row *row;                                 /* (rows) owned */
  size_t rows, capacity;
  bool counted[FR__HWINFO_COLUMNS]; /* adds to the power */
} reader;

/* ---- the header ---- */

/* The sign that the first line has most of. */
static char separator_of(const char *text, size_t size) {
  static const char signs[] = {',', ';', '\t'};
  size_t count[sizeof signs] = {0}, best = 0;
  for (size_t i = 0; i < size && text[i] != '\n'; i++)
    for (size_t s = 0; s < sizeof signs; s++)
      count[s] += text[i] == signs[s];
  for (size_t s = 1; s < sizeof signs; s++)
    if (count[s] > count[best])
      best = s;
  return signs[best];
}

static enum fr_status add_column(reader *r, size_t index, char *name, double scale,
                                 fr_error *err) {
  fr__hwinfo *const log = r->log;
  if (log->columns == FR__HWINFO_COLUMNS) {
    free(name);
    return fr__fail(err, FR_ERR_LIMIT, "%s: more than %d columns of power", r->csv.name,
                    FR__HWINFO_COLUMNS);
  }
  r->column[log->columns] = index;
  r->scale[log->columns] = scale;
  log->name[log->columns++] = name;
  return FR_OK;
}

static enum fr_status read_header(reader *r, fr_error *err) {
  bool more = false;
  enum fr_status status = fr__csv_next(&r->csv, &more, err);
  if (status == FR_OK && !more)
    return fr__fail(err, FR_ERR_FORMAT, "'%s' is empty", r->csv.name);
  if (status == FR_OK)
    status = fr__csv_keep_header(&r->csv, err);
  r->log->name = calloc(FR__HWINFO_COLUMNS, sizeof *r->log->name);
  if (status == FR_OK && r->log->name == NULL)
    status = fr__fail_memory(err, "a log's columns");
  for (size_t i = 2; status == FR_OK && i < r->csv.count; i++) {
    double scale;
    char *name = fr__hwinfo_name_of(&r->csv.field[i], &scale);
    if (name == NULL)
      status = fr__fail_memory(err, "a log's columns");
    else if (scale > 0)
      status = add_column(r, i, name, scale, err);
    else
      free(name);
  }
  if (status == FR_OK && r->log->columns == 0)
    status = fr__fail(err, FR_ERR_FORMAT,
                      "%s:1: no column in watts ('CPU Package Power [W]'): not a log of "
                      "HWiNFO, or one without power",
                      r->csv.name);
  return status;
}

/* ---- rows ---- */

static bool same_field(const fr__csv_field *a, const fr__csv_field *b) {
  return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static bool is_header(const reader *r) {
  return same_field(&r->csv.field[0], &r->csv.header[0]);
}

/* Behind the repeated header stands which device each column is of. */
static bool is_device_line(const reader *r) {
  return r->csv.count > 2 && r->csv.field[0].length == 0 && r->csv.field[1].length == 0;
}

/* A log that was continued with other sensors has other columns from there on. */
static enum fr_status check_header(const reader *r, fr_error *err) {
  for (size_t c = 0; c < r->log->columns; c++) {
    const size_t i = r->column[c];
    if (i >= r->csv.count || !same_field(&r->csv.field[i], &r->csv.header[i]))
      return fr__fail(err, FR_ERR_FORMAT,
                      "%s:%zu: the columns change here: cut the log in two", r->csv.name,
                      r->csv.line);
  }
  return FR_OK;
}

static void take_devices(reader *r) {
  for (size_t c = 0; c < r->log->columns; c++)
    if (r->column[c] < r->csv.count)
      r->device[c] = r->csv.field[r->column[c]];
}

static enum fr_status reserve(reader *r, fr_error *err) {
  const size_t columns = r->log->columns;
  if (r->rows < r->capacity)
    return FR_OK;
  if (r->rows >= FR__HWINFO_SAMPLES || r->rows >= CELLS / columns)
    return fr__fail(err, FR_ERR_LIMIT, "%s:%zu: more than %zu rows of %zu columns",
                    r->csv.name, r->csv.line, r->rows, columns);
  const size_t capacity = r->capacity == 0 ? 1024 : 2 * r->capacity;
  row *rows = realloc(r->row, capacity * sizeof *rows);
  if (rows != NULL)
    r->row = rows;
  double *watts = realloc(r->log->domain_w, capacity * columns * sizeof *watts);
  if (watts != NULL)
    r->log->domain_w = watts;
  if (rows == NULL || watts == NULL)
    return fr__fail_memory(err, "a log's rows");
  r->capacity = capacity;
  return FR_OK;
}

/* More fields than the header: decimal commas between commas. */
static bool is_too_wide(const reader *r) {
  for (size_t i = r->csv.header_count; i < r->csv.count; i++)
    if (r->csv.field[i].length > 0)
      return true;
  return false;
}

/* The last line of a log that was cut off. */
static bool is_torn(const reader *r) {
  return r->csv.at >= r->csv.size && r->csv.size > 0 &&
         r->csv.text[r->csv.size - 1] != '\n' && r->csv.count < r->csv.header_count;
}

static void note_begin(reader *r) {
  const fr__csv_field *const date = &r->csv.field[0], *const time = &r->csv.field[1];
  snprintf(r->log->began, sizeof r->log->began, "%.*s %.*s",
           (int)(date->length < 31 ? date->length : 31), date->text,
           (int)(time->length < 31 ? time->length : 31), time->text);
}

static enum fr_status take_row(reader *r, fr_error *err) {
  row next;
  if (is_torn(r))
    return FR_OK;
  if (is_too_wide(r))
    return fr__fail(err, FR_ERR_FORMAT,
                    "%s:%zu: %zu columns where the header has %zu: are there decimal "
                    "commas between commas?",
                    r->csv.name, r->csv.line, r->csv.count, r->csv.header_count);
  if (!fr__hwinfo_date_of(&r->csv.field[0], &next.date))
    return fr__csv_fail(&r->csv, 0, "is not a date", err);
  if (r->csv.count < 2 || !fr__hwinfo_time_of(&r->csv.field[1], &next.time_ns))
    return fr__csv_fail(&r->csv, 1, "is not a time", err);
  const enum fr_status status = reserve(r, err);
  if (status != FR_OK)
    return status;
  if (r->rows == 0)
    note_begin(r);
  double *const watts = r->log->domain_w + r->rows * r->log->columns;
  for (size_t c = 0; c < r->log->columns; c++) {
    const size_t i = r->column[c];
    const double value =
        i < r->csv.count ? fr__hwinfo_number_of(&r->csv.field[i]) * r->scale[c] : NAN;
    watts[c] = fabs(value) <= MOST_W ? value : (double)NAN;
  }
  r->row[r->rows++] = next;
  return FR_OK;
}

static enum fr_status read_rows(reader *r, fr_error *err) {
  enum fr_status status = FR_OK;
  bool more = true;
  while (status == FR_OK) {
    status = fr__csv_next(&r->csv, &more, err);
    if (status != FR_OK || !more)
      break;
    if (is_header(r))
      status = check_header(r, err);
    else if (is_device_line(r))
      take_devices(r);
    else
      status = take_row(r, err);
  }
  if (status == FR_OK && r->rows == 0)
    status = fr__fail(err, FR_ERR_FORMAT, "'%s' has no row of readings", r->csv.name);
  return status;
}

/* ---- which columns make the power ---- */

static bool is_one_of(const reader *r, size_t a, size_t b) {
  return strcasecmp(r->log->name[a], r->log->name[b]) == 0;
}

static bool fits(const char *name, const char *wanted, bool whole) {
  return whole ? strcasecmp(name, wanted) == 0 : strcasestr(name, wanted) != NULL;
}

/* The first column of that name; FR_NONE. */
static uint32_t find(const reader *r, const char *wanted, bool whole) {
  for (size_t c = 0; c < r->log->columns; c++)
    if (fits(r->log->name[c], wanted, whole))
      return (uint32_t)c;
  return FR_NONE;
}

/* As HWiNFO names the package in English and German, on Intel and AMD. */
static uint32_t find_package(const reader *r) {
  static const struct {
    const char *name;
    bool whole;
  } usual[] = {{"CPU Package Power", true}, {"CPU-Gesamt-Leistungsaufnahme", true},
               {"CPU PPT", true},           {"Package Power", false},
               {"CPU Power", false},        {"Gesamt-Leistung", false}};
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
    const uint32_t c = find(r, usual[i].name, usual[i].whole);
    if (c != FR_NONE)
      return c;
  }
  return FR_NONE;
}

static enum fr_status fail_with_columns(const reader *r, const char *column,
                                        fr_error *err) {
  char names[256] = "";
  for (size_t c = 0; c < r->log->columns; c++) {
    const size_t at = strlen(names);
    if (at + strlen(r->log->name[c]) + 8 > sizeof names)
      break;
    snprintf(names + at, sizeof names - at, "%s'%s'", c > 0 ? ", " : "", r->log->name[c]);
  }
  return fr__fail(err, FR_ERR_NOT_FOUND, "'%.80s' has no column '%.60s'; in watts are %s",
                  fr__path_name(r->csv.name),
                  column != NULL ? column : "CPU Package Power", names);
}

/* The name as asked for, without a unit behind it. */
static uint32_t find_asked(const reader *r, const char *column, bool *several) {
  double scale;
  char *bare = fr__hwinfo_name_of(&(fr__csv_field){column, strlen(column)}, &scale);
  uint32_t c = bare != NULL ? find(r, bare, true) : FR_NONE;
  if (c == FR_NONE && bare != NULL && *bare != '\0') {
    c = find(r, bare, false);
    for (size_t d = 0; c != FR_NONE && d < r->log->columns; d++)
      *several = *several || (fits(r->log->name[d], bare, false) && !is_one_of(r, c, d));
  }
  free(bare);
  return c;
}

static bool same_device(const reader *r, size_t a, size_t b) {
  const size_t n = fr__hwinfo_device_of(&r->device[a]);
  return n == fr__hwinfo_device_of(&r->device[b]) &&
         memcmp(r->device[a].text, r->device[b].text, n) == 0;
}

/* Columns of one name are added where they are known to be of different devices: the same
 * package may stand there twice. */
static size_t count_columns(reader *r, size_t first) {
  size_t count = 1;
  r->counted[first] = true;
  for (size_t c = first + 1; c < r->log->columns && r->device[first].length > 0; c++) {
    bool other = r->device[c].length > 0 && is_one_of(r, first, c);
    for (size_t d = first; d < c; d++)
      other = other && !(r->counted[d] && same_device(r, c, d));
    r->counted[c] = other;
    count += other;
  }
  return count;
}

static enum fr_status choose(reader *r, const char *column, fr_error *err) {
  bool several = false;
  const uint32_t c = column != NULL ? find_asked(r, column, &several) : find_package(r);
  if (c == FR_NONE || several)
    return fail_with_columns(r, column, err);
  const size_t count = count_columns(r, c);
  if (count == 1)
    snprintf(r->log->chosen, sizeof r->log->chosen, "%s", r->log->name[c]);
  else
    snprintf(r->log->chosen, sizeof r->log->chosen, "%.200s of %zu devices",
             r->log->name[c], count);
  return FR_OK;
}

/* ---- time ---- */

/* Whether all dates are meant month first: the reading by which the log is shorter. */
static bool is_month_first(const reader *r) {
  bool usual = true, month_first = true;
  for (size_t i = 0; i < r->rows; i++) {
    usual = usual && r->row[i].date.usual >= 0;
    month_first = month_first && r->row[i].date.month_first >= 0;
  }
  if (!usual || !month_first)
    return month_first;
  const row *const first = &r->row[0], *const last = &r->row[r->rows - 1];
  const int32_t a = last->date.usual - first->date.usual;
  const int32_t b = last->date.month_first - first->date.month_first;
  return abs(b) < abs(a);
}

static int64_t time_of(const row *at, bool month_first) {
  const int32_t day = month_first ? at->date.month_first : at->date.usual;
  return (day >= 0 ? (int64_t)day * DAY_NS : 0) + at->time_ns;
}

static int compare(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Nanoseconds since the first row, the clock's steps backwards bridged; *usual is the
 * median interval. */
static enum fr_status lay_out_time(reader *r, int64_t *at, int64_t *usual,
                                   fr_error *err) {
  const bool month_first = is_month_first(r);
  int64_t *step = calloc(r->rows, sizeof *step);
  size_t forward = 0;
  if (step == NULL)
    return fr__fail_memory(err, "a log's times");
  for (size_t i = 1; i < r->rows; i++) {
    at[i] = time_of(&r->row[i], month_first) - time_of(&r->row[i - 1], month_first);
    if (at[i] > 0)
      step[forward++] = at[i];
  }
  qsort(step, forward, sizeof *step, compare);
  *usual = forward > 0 ? step[forward / 2] : 1000000000;
  free(step);
  at[0] = 0;
  for (size_t i = 1; i < r->rows; i++) {
    const int64_t forth = at[i] > 0 ? at[i] : *usual;
    if (forth > LONGEST_NS - at[i - 1])
      return fr__fail(err, FR_ERR_LIMIT, "'%s' spans more than 30 years", r->csv.name);
    r->log->back += at[i] <= 0;
    at[i] = at[i - 1] + forth;
  }
  return FR_OK;
}

/* ---- samples ---- */

static double power_at(const reader *r, size_t i) {
  const double *const watts = r->log->domain_w + i * r->log->columns;
  double power_w = 0;
  for (size_t c = 0; c < r->log->columns; c++)
    if (r->counted[c])
      power_w += watts[c];
  return power_w >= 0 ? power_w : (double)NAN;
}

/* As of a meter's samples (fr_meter_report): those that are at least half an interval
 * long. */
static void add_power(fr__hwinfo *log, double power_w, double span_s, int64_t usual) {
  if (span_s < (double)usual * 0.5e-9)
    return;
  log->min_w = fmin(log->min_w, power_w); /* NaN gives way */
  log->max_w = fmax(log->max_w, power_w);
}

/* HWiNFO's watts are the mean since its row before: the row's own interval has them, and
 * the first row has none. Behind a gap they are that of no interval that is known: no
 * energy is assumed in it. */
static void add_sample(reader *r, size_t i, int64_t t_ns, double power_w, int64_t usual) {
  fr__hwinfo *const log = r->log;
  const int64_t before = log->count > 0 ? (int64_t)log->sample[log->count - 1].t_ns : 0;
  const double span_s = log->count > 0 ? (double)(t_ns - before) * 1e-9 : 0;
  const bool gap = log->count > 0 && (t_ns - before) / GAP > usual;
  log->gaps += gap;
  log->gap_s += gap ? span_s : 0;
  log->energy_j += gap ? 0 : power_w * span_s;
  if (log->count > 0 && !gap)
    add_power(log, power_w, span_s, usual);
  double *const watts = log->domain_w + log->count * log->columns;
  memmove(watts, log->domain_w + i * log->columns, log->columns * sizeof *watts);
  for (size_t c = 0; gap && c < log->columns; c++)
    watts[c] = (double)NAN;
  log->sample[log->count++] = (fr_power_sample){.t_ns = (uint64_t)t_ns,
                                                .power_w = gap ? (double)NAN : power_w,
                                                .energy_j = log->energy_j,
                                                .marked = gap};
}

/* The mean has the short intervals, too: where it lies beyond least and most, it is they.
 */
static void tell_power(fr__hwinfo *log) {
  const bool known = log->count - 1 > log->gaps;
  log->mean_w = known ? log->energy_j / (log->duration_s - log->gap_s) : (double)NAN;
  log->min_w = fmin(log->min_w, log->mean_w);
  log->max_w = fmax(log->max_w, log->mean_w);
}

/* Times count from the first reading. */
static enum fr_status add_samples(reader *r, const int64_t *at, int64_t usual,
                                  fr_error *err) {
  fr__hwinfo *const log = r->log;
  int64_t start = 0;
  log->min_w = log->max_w = (double)NAN;
  for (size_t i = 0; i < r->rows; i++) {
    const double power_w = power_at(r, i);
    if (isnan(power_w)) {
      log->missing++;
      continue;
    }
    if (log->count == 0)
      start = at[i];
    add_sample(r, i, at[i] - start, power_w, usual);
  }
  if (log->count == 0)
    return fr__fail(err, FR_ERR_FORMAT, "'%s': the column '%s' has no reading",
                    r->csv.name, log->chosen);
  log->duration_s = (double)log->sample[log->count - 1].t_ns * 1e-9;
  tell_power(log);
  return FR_OK;
}

static enum fr_status add_up(reader *r, fr_error *err) {
  int64_t *at = calloc(r->rows, sizeof *at), usual = 0;
  r->log->sample = calloc(r->rows, sizeof *r->log->sample);
  enum fr_status status = at != NULL && r->log->sample != NULL
                              ? lay_out_time(r, at, &usual, err)
                              : fr__fail_memory(err, "a log's samples");
  if (status == FR_OK)
    status = add_samples(r, at, usual, err);
  free(at);
  return status;
}

enum fr_status fr__hwinfo_parse(const char *name, char *text, size_t size,
                                const char *column, fr__hwinfo *out, fr_error *err) {
  fr__hwinfo log = {0};
  reader r = {.log = &log};
  if (size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
    return fr__fail(err, FR_ERR_UNSUPPORTED, "'%s' is UTF-16: save it as UTF-8", name);
  fr__csv_init(&r.csv, name, text, size, separator_of(text, size));
  enum fr_status status = read_header(&r, err);
  if (status == FR_OK)
    status = read_rows(&r, err);
  if (status == FR_OK)
    status = choose(&r, column, err);
  if (status == FR_OK)
    status = add_up(&r, err);
  free(r.row);
  fr__csv_release(&r.csv);
  if (status == FR_OK)
    *out = log;
  else
    fr__hwinfo_release(&log);
  return status;
}

enum fr_status fr__hwinfo_read(const char *path, const char *column, fr__hwinfo *out,
                               fr_error *err) {
  char *text = NULL;
  size_t size = 0;
  enum fr_status status = fr__file_read(path, FR__HWINFO_BYTES, &text, &size, err);
  if (status == FR_OK)
    status = fr__hwinfo_parse(path, text, size, column, out, err);
  free(text);
  return status;
}

void fr__hwinfo_release(fr__hwinfo *log) {
  for (size_t c = 0; c < log->columns; c++)
    free(log->name[c]);
  free(log->name);
  free(log->sample);
  free(log->domain_w);
  *log = (fr__hwinfo){0};
}
