/* SPDX-License-Identifier: Apache-2.0 */
/* `csv:FILE`: Electricity Maps' yearly files, CarbonCast's, and any with a column of
 * times and one of intensities whose unit stands in its name. */
#include "carbon/intensity_csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/iso8601.h"
#include "base/printable.h"
#include "carbon/source.h"

#define SPEC_CEILING 4096
#define BYTES_OF_ROW 64                  /* few: so many rows have room at once */
#define NEAR 4096                        /* bytes of a row that is skimmed */
#define FILE_CEILING ((size_t)256 << 20) /* bytes */

/* ---- FILE?key=value&... ---- */

static enum fr_status parse_dates(fr__csv_spec *spec, const char *value, fr_error *err) {
  spec->order[FR__MONTH_FIRST] = strcmp(value, "mdy") == 0;
  spec->order[FR__DAY_FIRST] = strcmp(value, "dmy") == 0;
  return spec->order[0] || spec->order[1]
             ? FR_OK
             : fr__fail(err, FR_ERR_ARGUMENT, "dates=%.32s: not mdy or dmy", value);
}

static enum fr_status parse_factor(fr__csv_spec *spec, const char *value, fr_error *err) {
  return fr__factor_read(value, strlen(value), &spec->factor)
             ? FR_OK
             : fr__fail(err, FR_ERR_ARGUMENT, "factor=%.32s: not lifecycle or direct",
                        value);
}

static enum fr_status parse_option(fr__csv_spec *spec, char *option, fr_error *err) {
  char *value = strchr(option, '=');
  if (value != NULL)
    *value++ = '\0';
  if (value == NULL || *value == '\0')
    return fr__fail(err, FR_ERR_ARGUMENT, "'%s': '%.64s' is not key=value", spec->file,
                    option);
  if (strcmp(option, "zone") == 0)
    spec->zone = value;
  else if (strcmp(option, "column") == 0)
    spec->column = value;
  else if (strcmp(option, "factor") == 0)
    return parse_factor(spec, value, err);
  else if (strcmp(option, "dates") == 0)
    return parse_dates(spec, value, err);
  else if (strcmp(option, "unit") == 0) {
    spec->has_unit = fr__unit_read(value, strlen(value), &spec->unit);
    if (!spec->has_unit)
      return fr__fail(err, FR_ERR_ARGUMENT,
                      "unit=%.32s: not a unit such as g/kWh, lb/MWh, kg/MJ", value);
  } else if (strcmp(option, "times") == 0) {
    spec->local = strcmp(value, "local") == 0;
    if (!spec->local && strcmp(value, "utc") != 0)
      return fr__fail(err, FR_ERR_ARGUMENT, "times=%.32s: not utc or local", value);
  } else
    return fr__fail(err, FR_ERR_ARGUMENT,
                    "'%.64s' is no option of csv: column, dates, factor, times, unit, "
                    "zone",
                    option);
  return FR_OK;
}

void fr__csv_spec_release(fr__csv_spec *spec) {
  free(spec->text);
  *spec = (fr__csv_spec){0};
}

enum fr_status fr__csv_spec_parse(const char *rest, fr__csv_spec *out, fr_error *err) {
  fr__csv_spec spec = {.order = {true, true}, .unit = FR__G_PER_KWH};
  enum fr_status status = FR_OK;
  if (strlen(rest) > SPEC_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "a name of a file of more than %d bytes",
                    SPEC_CEILING);
  spec.text = strdup(rest);
  if (spec.text == NULL)
    return fr__fail_memory(err, "the name of a file");
  spec.file = spec.text;
  char *next = access(rest, F_OK) == 0 ? NULL : strchr(spec.text, '?');
  if (next != NULL)
    *next++ = '\0';
  while (status == FR_OK && next != NULL && *next != '\0') {
    char *option = next;
    next = strchr(option, '&');
    if (next != NULL)
      *next++ = '\0';
    status = parse_option(&spec, option, err);
  }
  if (status != FR_OK)
    fr__csv_spec_release(&spec);
  else
    *out = spec;
  return status;
}

/* ---- the cells of a row ---- */

typedef struct reader {
  const fr__csv_spec *spec;
  const fr_intensity_query *query;
  fr__csv csv;
  fr__csv_columns columns;
  fr__csv_rows rows;
  fr__csv_field zone;   /* of the first row */
  fr__csv_field origin; /* the first that is told */
  bool skims;           /* rows wait: no quotes, no column that must be looked at first */
} reader;

static bool is_there(const reader *r, uint32_t column) {
  return column != FR_NONE && column < r->csv.count;
}

/* "12/31/2020 23:00" by both orders; false: it is none by either. */
static bool read_slashed(const fr__csv_field *field, fr__civil *by, bool *order) {
  int64_t part[3] = {0};
  size_t i = 0, digits = 0, which = 0;
  for (; i < field->length && which < 3; i++) {
    const unsigned digit = (unsigned char)(field->text[i] - '0');
    if (digit <= 9 && ++digits <= 4)
      part[which] = part[which] * 10 + digit;
    else if (field->text[i] == '/' && digits > 0 && which < 2)
      which++, digits = 0;
    else
      break;
  }
  if (which != 2 || digits != 4)
    return false;
  fr__civil clock = {.whole_day = i == field->length};
  if (!clock.whole_day &&
      (field->text[i] != ' ' ||
       !fr__civil_read_clock(field->text + i, field->length - i, &clock)))
    return false;
  for (size_t k = 0; k < FR__DATE_ORDERS; k++) {
    const int64_t month = part[k], day = part[1 - k];
    order[k] = order[k] && fr__civil_is_day(part[2], month, day);
    by[k] = clock;
    by[k].year = order[k] ? (int)part[2] : 1970;
    by[k].month = order[k] ? (unsigned)month : 1;
    by[k].day = order[k] ? (unsigned)day : 1;
  }
  return order[0] || order[1];
}

/* "1672531200", or 13 digits with milliseconds. Others are days written together, such as
 * 2023010112 or 202301011200, and so are ten digits that would lie behind 2033. */
static bool read_unix(const fr__csv_field *field, int64_t *out_s) {
  char text[16];
  int64_t number;
  const bool milli = field->length == 13;
  if (!milli && field->length != 9 && field->length != 10)
    return false;
  memcpy(text, field->text, field->length);
  text[field->length] = '\0';
  if (strspn(text, "0123456789") != field->length ||
      !fr__parse_integer(text, 0, INT64_MAX, &number))
    return false;
  *out_s = milli ? number / 1000 : number;
  return *out_s < INT64_C(1990000000);
}

/* Of the hour that the clock shows twice, where summer time ends, the second one follows
 * the first. */
static int64_t seconds_of(const reader *r, const fr__civil *civil, int64_t before_s) {
  const enum fr__time_zone zone = r->spec->local ? FR__TIME_LOCAL : FR__TIME_UTC;
  const int64_t first = fr__civil_seconds(civil, zone, false);
  if (zone == FR__TIME_UTC || civil->zoned || first > before_s)
    return first;
  const int64_t second = fr__civil_seconds(civil, zone, true);
  return second > before_s ? second : first;
}

static enum fr_status read_time(reader *r, uint32_t column, const int64_t *before_s,
                                int64_t *out_s, fr_error *err) {
  fr__civil civil[FR__DATE_ORDERS];
  int64_t number;
  if (!is_there(r, column))
    return fr__csv_fail(&r->csv, column, "is not there", err);
  const fr__csv_field *field = &r->csv.field[column];
  if (fr__civil_read(field->text, field->length, &civil[0])) {
    out_s[0] = out_s[1] = seconds_of(r, &civil[0], before_s[0]);
    return FR_OK;
  }
  if (read_unix(field, &number)) {
    out_s[0] = out_s[1] = number;
    return FR_OK;
  }
  if (!read_slashed(field, civil, r->rows.order))
    return fr__csv_fail(&r->csv, column,
                        memchr(field->text, '/', field->length) != NULL
                            ? "is not a time, or has month and day in another order than "
                              "those before it"
                            : "is not a time",
                        err);
  for (size_t k = 0; k < FR__DATE_ORDERS; k++)
    out_s[k] = seconds_of(r, &civil[k], before_s[k]);
  r->rows.slashed = true;
  return FR_OK;
}

static bool is_empty(const fr__csv_field *field) {
  static const char *const words[] = {"nan", "null", "na", "n/a", "none", "-"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (field->length == strlen(words[i]) &&
        strncasecmp(field->text, words[i], field->length) == 0)
      return true;
  return field->length == 0;
}

/* An empty cell is `otherwise`. */
static enum fr_status read_value(const reader *r, uint32_t column, double otherwise,
                                 double *out, fr_error *err) {
  double value;
  *out = otherwise;
  if (column == FR_NONE || (is_there(r, column) && is_empty(&r->csv.field[column])))
    return FR_OK;
  const enum fr_status status = fr__csv_number(&r->csv, column, &value, err);
  if (status != FR_OK)
    return status;
  *out = fr__unit_to_g_per_kwh(r->columns.unit, value);
  return *out >= 0 && *out <= FR_INTENSITY_CEILING
             ? FR_OK
             : fr__csv_fail(&r->csv, column, "is not between 0 and 5000 gCO2e/kWh", err);
}

static enum fr_status read_mark(const reader *r, uint32_t column, unsigned mark,
                                unsigned *marks, fr_error *err) {
  static const char *const yes[] = {"true", "1", "yes"};
  static const char *const no[] = {"false", "0", "no", ""};
  if (!is_there(r, column))
    return FR_OK;
  const fr__csv_field *field = &r->csv.field[column];
  for (size_t i = 0; i < 4; i++)
    if (field->length == strlen(no[i]) &&
        strncasecmp(field->text, no[i], field->length) == 0)
      return FR_OK;
  for (size_t i = 0; i < 3; i++)
    if (field->length == strlen(yes[i]) &&
        strncasecmp(field->text, yes[i], field->length) == 0) {
      *marks |= mark;
      return FR_OK;
    }
  return fr__csv_fail(&r->csv, column, "is neither true nor false", err);
}

static enum fr_status read_values(reader *r, fr__csv_row *row, fr_error *err) {
  const fr__csv_columns *c = &r->columns;
  enum fr_status status = read_value(r, c->value, (double)NAN, &row->value, err);
  if (status == FR_OK)
    status = read_value(r, c->low, row->value, &row->low, err);
  if (status == FR_OK)
    status = read_value(r, c->high, row->value, &row->high, err);
  if (status == FR_OK)
    status = read_mark(r, c->estimated, FR_STEP_ESTIMATED, &row->marks, err);
  if (status == FR_OK)
    status = read_mark(r, c->forecast, FR_STEP_FORECAST, &row->marks, err);
  if (status == FR_OK && (row->low > row->value || row->high < row->value))
    return fr__csv_fail(&r->csv, c->value, "is not between its low and its high", err);
  return status;
}

static enum fr_status read_times(reader *r, fr__csv_row *row, fr_error *err) {
  static const int64_t never[FR__DATE_ORDERS] = {INT64_MIN, INT64_MIN};
  const fr__csv_columns *c = &r->columns;
  const fr__csv_rows *rows = &r->rows;
  int64_t made_s[FR__DATE_ORDERS];
  const int64_t *before = rows->count > 0 ? rows->row[rows->count - 1].start_s : never;
  enum fr_status status = read_time(r, c->start, before, row->start_s, err);
  row->end_s[0] = row->end_s[1] = FR_TIME_EARLIEST;
  if (status == FR_OK && is_there(r, c->end)) {
    status = read_time(r, c->end, row->start_s, row->end_s, err);
    for (size_t k = 0; status == FR_OK && k < FR__DATE_ORDERS; k++)
      if (rows->order[k] && row->end_s[k] <= row->start_s[k])
        return fr__csv_fail(&r->csv, c->end, "is not after its start", err);
  }
  if (status == FR_OK && is_there(r, c->made) && r->csv.field[c->made].length > 0) {
    status = read_time(r, c->made, never, made_s, err);
    row->later = status == FR_OK && made_s[0] > r->query->now_s;
  }
  return status;
}

/* ---- rows ---- */

static bool same_field(const fr__csv_field *a, const char *text, size_t length) {
  return a->length == length && strncasecmp(a->text, text, length) == 0;
}

/* Whether the row is of the zone that is wanted; another one is refused where none is. */
static enum fr_status check_zone(reader *r, bool *wanted, fr_error *err) {
  *wanted = true;
  if (!is_there(r, r->columns.zone))
    return FR_OK;
  const fr__csv_field *zone = &r->csv.field[r->columns.zone];
  if (r->spec->zone != NULL) {
    *wanted = same_field(zone, r->spec->zone, strlen(r->spec->zone));
    return FR_OK;
  }
  if (r->zone.text == NULL)
    r->zone = *zone;
  return same_field(zone, r->zone.text, r->zone.length)
             ? FR_OK
             : fr__csv_fail(&r->csv, r->columns.zone,
                            "is another zone than that of the rows before: ?zone= says "
                            "which is meant",
                            err);
}

static enum fr_status add_row(fr__csv_rows *rows, const fr__csv_row *row, fr_error *err) {
  if (rows->count == FR_SERIES_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "%s: more than %zu rows", rows->name,
                    FR_SERIES_CEILING);
  if (rows->count == rows->capacity) {
    const size_t capacity = rows->capacity > 0 ? 2 * rows->capacity : rows->guess;
    fr__csv_row *more = realloc(rows->row, capacity * sizeof *more);
    if (more == NULL)
      return fr__fail_memory(err, "rows of intensities");
    rows->row = more;
    rows->capacity = capacity;
  }
  rows->row[rows->count++] = *row;
  return FR_OK;
}

/* All but the times of the row that the cursor is at. */
static enum fr_status read_rest(reader *r, fr__csv_row *row, fr_error *err) {
  if (is_there(r, r->columns.origin) && r->origin.length == 0)
    r->origin = r->csv.field[r->columns.origin];
  row->waits = false;
  return read_values(r, row, err);
}

static enum fr_status read_row(reader *r, fr_error *err) {
  fr__csv_row row = {.line = r->csv.line};
  bool wanted = true;
  enum fr_status status = check_zone(r, &wanted, err);
  if (status != FR_OK || !wanted)
    return status;
  status = read_times(r, &row, err);
  if (status == FR_OK)
    status = read_rest(r, &row, err);
  return status == FR_OK ? add_row(&r->rows, &row, err) : status;
}

static enum fr_status load_row(void *self, fr__csv_row *row, fr_error *err) {
  reader *r = self;
  bool more = false, wanted = true;
  r->csv.at = row->at;
  r->csv.lines = row->line - 1;
  enum fr_status status = fr__csv_next(&r->csv, &more, err);
  if (status == FR_OK)
    status = check_zone(r, &wanted, err);
  return status == FR_OK ? read_rest(r, row, err) : status;
}

/* Of a year of hours a planner wants days: the time alone is read, from a row that begins
 * with it or has it second, and what it tells waits until it is asked for. False: the row
 * is read as others are. */
static bool skim_row(reader *r, fr_error *err, enum fr_status *status) {
  const char *line = r->csv.text + r->csv.at, *const end = r->csv.text + r->csv.size;
  const char *const feed = memchr(line, '\n', (size_t)(end - line));
  fr__civil civil;
  if (feed == NULL || feed - line > NEAR)
    return false;
  const char *at = line;
  for (uint32_t c = 0; at != NULL && c < r->columns.start; c++) {
    at = memchr(at, r->csv.separator, (size_t)(feed - at));
    at += at != NULL;
  }
  const char *stop =
      at != NULL ? memchr(at, r->csv.separator, (size_t)(feed - at)) : NULL;
  if (stop == NULL || !fr__civil_read(at, (size_t)(stop - at), &civil))
    return false;
  const int64_t before_s =
      r->rows.count > 0 ? r->rows.row[r->rows.count - 1].start_s[0] : INT64_MIN;
  fr__csv_row row = {.line = r->csv.lines + 1, .at = r->csv.at, .waits = true};
  row.start_s[0] = row.start_s[1] = seconds_of(r, &civil, before_s);
  row.end_s[0] = row.end_s[1] = FR_TIME_EARLIEST;
  r->csv.at = (size_t)(feed + 1 - r->csv.text);
  r->csv.lines++;
  *status = add_row(&r->rows, &row, err);
  return true;
}

static enum fr_status read_rows(reader *r, fr_error *err) {
  bool more = true;
  enum fr_status status = FR_OK;
  while (status == FR_OK && more) {
    if (r->skims && r->rows.count > 0 && r->csv.at < r->csv.size &&
        skim_row(r, err, &status))
      continue;
    status = fr__csv_next(&r->csv, &more, err);
    if (status == FR_OK && more)
      status = read_row(r, err);
  }
  return status;
}

/* ---- the file ---- */

static void tell_origin(const reader *r, fr_series *out) {
  static const char *const whose[] = {"", "Electricity Maps (ODbL)",
                                      "CarbonCast (Apache-2.0)"};
  const char *kind = whose[r->columns.kind];
  char source[48], file[84]; /* with the rest below 160: what fr_intensity_find keeps */
  const char *name = fr__path_name(r->spec->file);
  fr__printable(r->origin.text != NULL ? r->origin.text : "", r->origin.length, source,
                sizeof source);
  fr__printable(name, strlen(name), file, sizeof file);
  (void)snprintf(out->origin, sizeof out->origin, "%s%s%s%s%s", kind,
                 *kind != '\0' && *source != '\0' ? ", " : "", source,
                 *kind != '\0' || *source != '\0' ? ": " : "", file);
  if (r->spec->zone != NULL)
    fr__printable(r->spec->zone, strlen(r->spec->zone), out->zone, sizeof out->zone);
  else if (r->zone.text != NULL)
    fr__printable(r->zone.text, r->zone.length, out->zone, sizeof out->zone);
  out->scope = r->columns.scope;
  out->source = FR_SOURCE_IMPORT;
}

/* The first line alone is looked at: a semicolon where it holds no comma. */
static char separator_of(const char *text) {
  const size_t length = strcspn(text, "\n");
  if (memchr(text, ',', length) != NULL)
    return ',';
  if (memchr(text, ';', length) != NULL)
    return ';';
  return memchr(text, '\t', length) != NULL ? '\t' : ',';
}

static enum fr_status read_header(reader *r, fr_error *err) {
  bool more = false;
  enum fr_status status = fr__csv_next(&r->csv, &more, err);
  if (status == FR_OK && !more)
    return fr__fail(err, FR_ERR_FORMAT, "%s: the file is empty", r->csv.name);
  if (status == FR_OK)
    status = fr__csv_keep_header(&r->csv, err);
  if (status == FR_OK)
    status = fr__csv_columns_find(&r->csv, r->spec, r->query->factor, &r->columns, err);
  return status;
}

static enum fr_status read_text(reader *r, fr_series *out, fr_error *err) {
  enum fr_status status = read_header(r, err);
  const fr__csv_columns *c = &r->columns;
  r->skims = c->end == FR_NONE && c->made == FR_NONE &&
             (c->zone == FR_NONE || r->spec->zone == NULL) &&
             memchr(r->csv.text, '"', r->csv.size) == NULL;
  if (status == FR_OK)
    status = read_rows(r, err);
  if (status == FR_OK && r->rows.count == 0)
    return fr__fail(err, FR_ERR_NOT_FOUND, "%s: no row%s%.64s", r->csv.name,
                    r->spec->zone != NULL ? " of zone " : "",
                    r->spec->zone != NULL ? r->spec->zone : "");
  if (status == FR_OK)
    status = fr__csv_rows_settle(&r->rows, r->query, out, err);
  if (status == FR_OK)
    tell_origin(r, out);
  return status;
}

static enum fr_status read_file(const char *rest, const fr_intensity_query *query,
                                fr_series *out, fr_error *err) {
  fr__csv_spec spec = {0};
  char *text = NULL;
  size_t size = 0;
  enum fr_status status = fr__csv_spec_parse(rest, &spec, err);
  if (status == FR_OK)
    status = fr__file_read(spec.file, FILE_CEILING, &text, &size, err);
  if (status == FR_OK) {
    reader r = {.spec = &spec, .query = query};
    r.rows = (fr__csv_rows){.name = spec.file, .load = load_row, .self = &r};
    memcpy(r.rows.order, spec.order, sizeof r.rows.order);
    r.rows.guess = size / BYTES_OF_ROW + 16;
    fr__csv_init(&r.csv, spec.file, text, size, separator_of(text));
    status = read_text(&r, out, err);
    free(r.rows.row);
    fr__csv_release(&r.csv);
  }
  free(text);
  fr__csv_spec_release(&spec);
  return status;
}

const fr__intensity_source fr__intensity_csv = {"csv", "csv:FILE", read_file,
                                                FR_INTENSITY_FILE};
