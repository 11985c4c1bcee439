/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV cursor. */
#include "base/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void fr__csv_init(fr__csv *csv, const char *name, char *text, size_t size,
                  char separator) {
  *csv = (fr__csv){.name = name, .text = text, .size = size, .separator = separator};
  if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
    csv->at = 3;
}

void fr__csv_release(fr__csv *csv) {
  free(csv->field);
  free(csv->header);
  *csv = (fr__csv){0};
}

static enum fr_status add_field(fr__csv *csv, const char *text, size_t length,
                                fr_error *err) {
  if (csv->count == csv->capacity) {
    if (csv->count >= FR__CSV_FIELD_CEILING)
      return fr__fail(err, FR_ERR_LIMIT, "%s:%zu: more than %d columns", csv->name,
                      csv->line, FR__CSV_FIELD_CEILING);
    const size_t capacity = csv->capacity == 0 ? 32 : 2 * csv->capacity;
    fr__csv_field *const field = realloc(csv->field, capacity * sizeof *field);
    if (field == NULL)
      return fr__fail_memory(err, "a row of columns");
    csv->field = field;
    csv->capacity = capacity;
  }
  csv->field[csv->count++] = (fr__csv_field){text, length};
  return FR_OK;
}

static enum fr_status too_long(const fr__csv *csv, fr_error *err) {
  return fr__fail(err, FR_ERR_LIMIT, "%s:%zu: a line of more than %zu bytes", csv->name,
                  csv->line, FR__CSV_LINE_CEILING);
}

/* A field whose opening quote is at *at; *at moves behind the closing one. Doubled quotes
 * are taken out in place. */
static enum fr_status quoted_field(fr__csv *csv, size_t *at, size_t limit,
                                   fr_error *err) {
  char *const start = csv->text + *at + 1;
  char *to = start;
  size_t from = *at + 1;
  for (; from < limit; from++) {
    const char c = csv->text[from];
    if (c == '"' && csv->text[from + 1] != '"')
      break; /* at most the NUL behind */
    if (c == '"')
      from++;
    csv->lines += c == '\n';
    *to++ = c;
  }
  if (from >= limit && limit < csv->size)
    return too_long(csv, err);
  if (from >= limit)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: column %zu: a quote is not closed",
                    csv->name, csv->line, csv->count + 1);
  *at = from + 1;
  return add_field(csv, start, (size_t)(to - start), err);
}

static enum fr_status plain_field(fr__csv *csv, size_t *at, size_t limit, fr_error *err) {
  const char *const start = csv->text + *at;
  const char *const end = csv->text + limit;
  const char separator = csv->separator;
  const char *p = start;
  while (p < end && *p != separator && *p != '\n')
    p++;
  if (p == end && limit < csv->size)
    return too_long(csv, err);
  *at = (size_t)(p - csv->text);
  size_t length = (size_t)(p - start);
  if (length > 0 && (p == end || *p == '\n') && p[-1] == '\r')
    length--;
  return add_field(csv, start, length, err);
}

/* One row from csv->at on, which is inside the text. */
static enum fr_status read_row(fr__csv *csv, fr_error *err) {
  const size_t rest = csv->size - csv->at;
  const size_t limit =
      csv->at + (rest < FR__CSV_LINE_CEILING ? rest : FR__CSV_LINE_CEILING);
  size_t at = csv->at;
  csv->count = 0;
  for (;;) {
    const bool quoted = at < limit && csv->text[at] == '"';
    const enum fr_status status =
        quoted ? quoted_field(csv, &at, limit, err) : plain_field(csv, &at, limit, err);
    if (status != FR_OK)
      return status;
    if (quoted && at + 1 < csv->size && csv->text[at] == '\r' &&
        csv->text[at + 1] == '\n')
      at++;
    if (at >= csv->size || csv->text[at] == '\n')
      break;
    if (csv->text[at] != csv->separator)
      return fr__fail(err, FR_ERR_FORMAT,
                      "%s:%zu: column %zu: text behind a closing quote", csv->name,
                      csv->line, csv->count);
    at++;
  }
  csv->lines += at < csv->size;
  csv->at = at + (at < csv->size);
  return FR_OK;
}

enum fr_status fr__csv_next(fr__csv *csv, bool *more, fr_error *err) {
  *more = false;
  while (csv->at < csv->size) {
    csv->line = csv->lines + 1;
    const enum fr_status status = read_row(csv, err);
    if (status != FR_OK)
      return status;
    if (csv->count > 1 || csv->field[0].length > 0) {
      *more = true;
      break;
    }
  }
  return FR_OK;
}

enum fr_status fr__csv_keep_header(fr__csv *csv, fr_error *err) {
  fr__csv_field *const header = malloc((csv->count + 1) * sizeof *header);
  if (header == NULL)
    return fr__fail_memory(err, "a header");
  if (csv->count > 0)
    memcpy(header, csv->field, csv->count * sizeof *header);
  free(csv->header);
  csv->header = header;
  csv->header_count = csv->count;
  return FR_OK;
}

uint32_t fr__csv_find(const fr__csv *csv, const char *name) {
  const fr__csv_field *const field = csv->header != NULL ? csv->header : csv->field;
  const size_t count = csv->header != NULL ? csv->header_count : csv->count;
  const size_t length = strlen(name);
  for (size_t i = 0; i < count; i++)
    if (field[i].length == length && memcmp(field[i].text, name, length) == 0)
      return (uint32_t)i;
  return FR_NONE;
}

#define SHOWN 48 /* bytes of a field that a message shows */

/* The field's start, with what a terminal should not get replaced. */
static void show(const fr__csv_field *field, char shown[SHOWN + 4]) {
  size_t n = 0;
  for (; n < field->length && n < SHOWN; n++) {
    const unsigned char c = (unsigned char)field->text[n];
    shown[n] = c < 0x20 || c == 0x7f ? '?' : (char)c;
  }
  strcpy(shown + n, field->length > SHOWN ? "..." : "");
}

enum fr_status fr__csv_fail(const fr__csv *csv, size_t index, const char *what,
                            fr_error *err) {
  if (index >= csv->count)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: %zu columns, column %zu is missing",
                    csv->name, csv->line, csv->count, index + 1);
  char text[SHOWN + 4];
  show(&csv->field[index], text);
  if (index >= csv->header_count)
    return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: column %zu: '%s' %s", csv->name,
                    csv->line, index + 1, text, what);
  char header[SHOWN + 4];
  show(&csv->header[index], header);
  return fr__fail(err, FR_ERR_FORMAT, "%s:%zu: column %zu '%s': '%s' %s", csv->name,
                  csv->line, index + 1, header, text, what);
}

enum fr_status fr__csv_number(const fr__csv *csv, size_t index, double *out,
                              fr_error *err) {
  double value = 0;
  if (index >= csv->count ||
      !fr__parse_number(csv->field[index].text, csv->field[index].length, &value))
    return fr__csv_fail(csv, index, "is not a number", err);
  if (!isfinite(value))
    return fr__csv_fail(csv, index, "is not a finite number", err);
  *out = value;
  return FR_OK;
}
