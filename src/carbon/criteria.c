/* SPDX-License-Identifier: Apache-2.0 */
/* What the user knows of regions: a CSV file. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/error.h"
#include "base/file.h"
#include "frugal/region.h"

#define FILE_CEILING ((size_t)16 << 20)

typedef struct column {
  const char *name;
  size_t offset, size; /* size 0: a number */
  double low, high;
} column;

#define TEXT(field)                                                                      \
  { #field, offsetof(fr_criterion, field), sizeof((fr_criterion *)0)->field, 0, 0 }
#define NUMBER(field, low, high)                                                         \
  { #field, offsetof(fr_criterion, field), 0, (low), (high) }

static const column columns[] = {
    TEXT(region),
    TEXT(country),
    TEXT(zone),
    TEXT(intensity),
    NUMBER(pue, 1, 10),
    NUMBER(latency_ms, 0, 1e6),
    NUMBER(price_per_h, 0, 1e9),
    NUMBER(water_l_per_kwh, 0, 1000),
    NUMBER(carbon_free, 0, 1),
};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* ---- header ---- */

static const column *column_of(fr__csv_field field) {
  for (size_t i = 0; i < COLUMNS; i++)
    if (strlen(columns[i].name) == field.length &&
        strncmp(columns[i].name, field.text, field.length) == 0)
      return &columns[i];
  return NULL;
}

static enum fr_status check_header(const fr__csv *csv, fr_error *err) {
  for (size_t i = 0; i < csv->count; i++) {
    const fr__csv_field name = csv->field[i];
    if (column_of(name) == NULL)
      return fr__fail(err, FR_ERR_FORMAT,
                      "%s:%zu: '%.*s' is no column of a criteria file: region, country, "
                      "zone, intensity, pue, latency_ms, price_per_h, water_l_per_kwh, "
                      "carbon_free are",
                      csv->name, csv->line, (int)(name.length < 64 ? name.length : 64),
                      name.text);
    if (fr__csv_find(csv, column_of(name)->name) != i)
      return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: column '%s' stands twice", csv->name,
                      csv->line, column_of(name)->name);
  }
  if (fr__csv_find(csv, "region") == FR_NONE)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: there is no column 'region'", csv->name,
                    csv->line);
  return FR_OK;
}

/* ---- rows ---- */

static enum fr_status take_text(const fr__csv *csv, size_t index, const column *c,
                                fr_criterion *row, fr_error *err) {
  const fr__csv_field field = csv->field[index];
  char *to = (char *)row + c->offset;
  if (field.length >= c->size)
    return fr__csv_fail(csv, index, "is too long", err);
  for (size_t i = 0; i < field.length; i++)
    if ((unsigned char)field.text[i] < ' ')
      return fr__csv_fail(csv, index, "has a character that cannot be printed", err);
  memcpy(to, field.text, field.length);
  to[field.length] = '\0';
  return FR_OK;
}

static enum fr_status take_number(const fr__csv *csv, size_t index, const column *c,
                                  fr_criterion *row, fr_error *err) {
  double *to = (double *)(void *)((char *)row + c->offset), number;
  const enum fr_status status = fr__csv_number(csv, index, &number, err);
  if (status != FR_OK)
    return status;
  if (!(number >= c->low && number <= c->high))
    return fr__csv_fail(csv, index,
                        c->high > 1
                            ? c->low > 0 ? "is not 1 to 10" : "is below 0, or too much"
                            : "is not a share: 0 to 1",
                        err);
  *to = number;
  return FR_OK;
}

static enum fr_status take_row(const fr__csv *csv, fr_criterion *row, fr_error *err) {
  *row = (fr_criterion){.pue = NAN,
                        .latency_ms = NAN,
                        .price_per_h = NAN,
                        .water_l_per_kwh = NAN,
                        .carbon_free = NAN};
  for (size_t i = 0; i < csv->count && i < csv->header_count; i++) {
    const column *c = column_of(csv->header[i]);
    enum fr_status status = FR_OK;
    if (c->size > 0)
      status = take_text(csv, i, c, row, err);
    else if (csv->field[i].length > 0)
      status = take_number(csv, i, c, row, err);
    if (status != FR_OK)
      return status;
  }
  if (csv->count > csv->header_count)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: %zu fields, where the header has %zu",
                    csv->name, csv->line, csv->count, csv->header_count);
  if (*row->region == '\0' || strchr(row->region, ',') != NULL)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: '%s' is no name of a region", csv->name,
                    csv->line, row->region);
  return FR_OK;
}

static bool stands(const fr_criteria *criteria, const char *name) {
  for (size_t i = 0; i < criteria->count; i++)
    if (strcasecmp(criteria->row[i].region, name) == 0)
      return true;
  return false;
}

static enum fr_status add_row(const fr__csv *csv, fr_criteria *criteria, size_t *capacity,
                              fr_error *err) {
  fr_criterion row;
  const enum fr_status status = take_row(csv, &row, err);
  if (status != FR_OK)
    return status;
  if (stands(criteria, row.region))
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: region '%s' stands twice", csv->name,
                    csv->line, row.region);
  if (criteria->count >= FR_CRITERIA_CEILING)
    return fr__fail(err, FR_ERR_LIMIT, "%s has more than %d regions", csv->name,
                    FR_CRITERIA_CEILING);
  if (criteria->count == *capacity) {
    const size_t more = *capacity > 0 ? 2 * *capacity : 16;
    fr_criterion *grown = realloc(criteria->row, more * sizeof *grown);
    if (grown == NULL)
      return fr__fail_memory(err, "criteria");
    criteria->row = grown;
    *capacity = more;
  }
  criteria->row[criteria->count++] = row;
  return FR_OK;
}

static enum fr_status read_rows(fr__csv *csv, fr_criteria *out, fr_error *err) {
  size_t capacity = 0;
  bool more;
  enum fr_status status = fr__csv_next(csv, &more, err);
  if (status == FR_OK && !more)
    return fr__fail(err, FR_ERR_FORMAT, "'%s' is empty", csv->name);
  if (status == FR_OK)
    status = check_header(csv, err);
  if (status == FR_OK)
    status = fr__csv_keep_header(csv, err);
  while (status == FR_OK && (status = fr__csv_next(csv, &more, err)) == FR_OK && more)
    status = add_row(csv, out, &capacity, err);
  return status;
}

void fr_criteria_release(fr_criteria *criteria) {
  free(criteria->row);
  *criteria = (fr_criteria){0};
}

enum fr_status fr_criteria_read(const char *path, fr_criteria *out, fr_error *err) {
  fr_criteria read = {0};
  char *text = NULL;
  size_t size;
  fr__csv csv;
  enum fr_status status = fr__file_read(path, FILE_CEILING, &text, &size, err);
  if (status != FR_OK)
    return status;
  fr__csv_init(&csv, path, text, size, ',');
  status = read_rows(&csv, &read, err);
  if (status == FR_OK)
    *out = read;
  else
    fr_criteria_release(&read);
  fr__csv_release(&csv);
  free(text);
  return status;
}
