/* SPDX-License-Identifier: Apache-2.0 */
#include "report/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define GAP 2        /* spaces between columns */
#define NARROWEST 12 /* columns that a flexible column keeps */
#define TEXT_CEILING 65536

/* A control character, or one that turns the direction of what follows it. */
static bool unsafe(uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) ||
         (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

/* A copy fit for a terminal; NULL out of memory. */
static char *clean_copy(const char *text) {
  fr__buf out;
  fr__buf_init(&out, TEXT_CEILING);
  const size_t length = strlen(text);
  for (size_t at = 0; at < length;) {
    uint32_t point;
    const size_t n = fr__utf8_next(text + at, length - at, &point);
    const bool broken = n == 1 && point >= 0x80;
    if (broken || unsafe(point))
      fr__buf_add(&out, point == '\n' || point == '\t' ? " " : "?");
    else
      fr__buf_add_bytes(&out, text + at, n);
    at += n;
  }
  if (length == 0)
    fr__buf_add(&out, "");
  char *copy =
      out.length == 0 && out.status == FR_OK ? calloc(1, 1) : fr__buf_detach(&out);
  fr__buf_release(&out);
  return copy;
}

void fr__table_init(fr__table *table, const char *caption) {
  *table = (fr__table){.status = FR_OK};
  if (caption != NULL && (table->caption = clean_copy(caption)) == NULL)
    table->status = FR_ERR_MEMORY;
}

void fr__table_release(fr__table *table) {
  free(table->caption);
  for (size_t i = 0; i < table->columns; i++)
    free(table->column[i].title);
  for (size_t i = 0; i < table->cells; i++)
    free(table->cell[i]);
  free(table->cell);
  *table = (fr__table){.status = FR_OK};
}

void fr__table_column_add(fr__table *table, const char *title, enum fr__align align,
                          bool flexible) {
  if (table->status != FR_OK)
    return;
  if (table->columns == FR__TABLE_COLUMNS || table->cells != 0) {
    table->status = FR_ERR_LIMIT;
    return;
  }
  char *copy = clean_copy(title);
  if (copy == NULL)
    table->status = FR_ERR_MEMORY;
  else
    table->column[table->columns++] = (fr__table_column){copy, align, flexible};
}

static bool make_room(fr__table *table) {
  if (table->cells < table->capacity)
    return true;
  const size_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
  char **cell = realloc(table->cell, capacity * sizeof *cell);
  if (cell == NULL)
    return false;
  table->cell = cell;
  table->capacity = capacity;
  return true;
}

void fr__table_add(fr__table *table, const char *text) {
  if (table->status != FR_OK)
    return;
  if (table->cells >= FR__TABLE_CELLS) {
    table->status = FR_ERR_LIMIT;
    return;
  }
  char *copy = make_room(table) ? clean_copy(text == NULL ? "" : text) : NULL;
  if (copy == NULL)
    table->status = FR_ERR_MEMORY;
  else
    table->cell[table->cells++] = copy;
}

void fr__table_addf(fr__table *table, const char *format, ...) {
  char *text = NULL;
  va_list list;
  va_start(list, format);
  const int n = vasprintf(&text, format, list);
  va_end(list);
  if (n < 0) {
    table->status = FR_ERR_MEMORY;
    return;
  }
  fr__table_add(table, text);
  free(text);
}

/* ---- layout ---- */

static void spaces(fr__buf *out, size_t n) { fr__buf_printf(out, "%*s", (int)n, ""); }

static void natural_widths(const fr__table *table, size_t width[FR__TABLE_COLUMNS]) {
  for (size_t c = 0; c < table->columns; c++)
    width[c] = fr__text_width(table->column[c].title, strlen(table->column[c].title));
  for (size_t i = 0; i < table->cells; i++) {
    const size_t w = fr__text_width(table->cell[i], strlen(table->cell[i]));
    if (w > width[i % table->columns])
      width[i % table->columns] = w;
  }
}

static size_t total_width(const fr__table *table, const size_t width[FR__TABLE_COLUMNS]) {
  size_t sum = GAP * (table->columns - 1);
  for (size_t c = 0; c < table->columns; c++)
    sum += width[c];
  return sum;
}

/* Takes from the widest flexible column until the whole fits; false where it never does.
 */
static bool shrink(const fr__table *table, size_t width[FR__TABLE_COLUMNS],
                   size_t limit) {
  while (total_width(table, width) > limit) {
    size_t widest = table->columns;
    for (size_t c = 0; c < table->columns; c++)
      if (table->column[c].flexible && width[c] > NARROWEST &&
          (widest == table->columns || width[c] > width[widest]))
        widest = c;
    if (widest == table->columns)
      return false;
    width[widest]--;
  }
  return true;
}

/* Bytes of `text` that go on a line of `width`: up to the last space that fits, or as
 * many characters as fit where a word is longer than the line. At least one character. */
static size_t line_bytes(const char *text, size_t length, size_t width) {
  size_t used = 0, at = 0, last_space = 0;
  while (at < length) {
    uint32_t point;
    const size_t n = fr__utf8_next(text + at, length - at, &point);
    const size_t w = fr__text_width(text + at, n);
    if (point == ' ')
      last_space = at;
    if (used + w > width && at > 0)
      return last_space > 0 ? last_space : at;
    used += w;
    at += n;
  }
  return length;
}

/* The next line of *text into line and length; *text moves on. */
static void take_line(const char **text, size_t width, const char **line,
                      size_t *length) {
  while (**text == ' ')
    (*text)++;
  *line = *text;
  *length = line_bytes(*text, strlen(*text), width);
  *text += *length;
  while (*length > 0 && (*line)[*length - 1] == ' ')
    (*length)--;
}

static void put_aligned(fr__buf *out, const char *line, size_t length, size_t width,
                        enum fr__align align, bool last) {
  const size_t used = fr__text_width(line, length);
  const size_t pad = used < width ? width - used : 0;
  if (align == FR__ALIGN_RIGHT)
    spaces(out, pad);
  fr__buf_add_bytes(out, line, length);
  if (align == FR__ALIGN_LEFT && !last)
    spaces(out, pad);
}

static bool any_left(const char *const *text, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (*text[i] != '\0')
      return true;
  return false;
}

/* One row, over as many lines as its longest cell needs. */
static void put_row(const fr__table *table, const char *const *cell,
                    const size_t width[FR__TABLE_COLUMNS], fr__buf *out) {
  const char *rest[FR__TABLE_COLUMNS];
  for (size_t c = 0; c < table->columns; c++)
    rest[c] = cell[c];
  do {
    const size_t begin = out->length;
    for (size_t c = 0; c < table->columns; c++) {
      const char *line;
      size_t length;
      if (c > 0)
        spaces(out, GAP);
      take_line(&rest[c], width[c], &line, &length);
      put_aligned(out, line, length, width[c], table->column[c].align,
                  c + 1 == table->columns);
    }
    while (out->status == FR_OK && out->length > begin &&
           out->text[out->length - 1] == ' ')
      out->text[--out->length] = '\0';
    fr__buf_add(out, "\n");
  } while (any_left(rest, table->columns) && out->status == FR_OK);
}

static void put_rule(const fr__table *table, const size_t width[FR__TABLE_COLUMNS],
                     fr__buf *out) {
  for (size_t c = 0; c < table->columns; c++) {
    if (c > 0)
      spaces(out, GAP);
    for (size_t i = 0; i < width[c]; i++)
      fr__buf_add(out, "─");
  }
  fr__buf_add(out, "\n");
}

static void put_grid(const fr__table *table, const size_t width[FR__TABLE_COLUMNS],
                     fr__buf *out) {
  const char *title[FR__TABLE_COLUMNS];
  for (size_t c = 0; c < table->columns; c++)
    title[c] = table->column[c].title;
  put_row(table, title, width, out);
  put_rule(table, width, out);
  for (size_t i = 0; i + table->columns <= table->cells; i += table->columns)
    put_row(table, (const char *const *)table->cell + i, width, out);
}

/* For terminals too narrow for the grid. */
static void put_list(const fr__table *table, size_t width, fr__buf *out) {
  for (size_t i = 0; i < table->cells; i++) {
    const size_t c = i % table->columns;
    if (c == 0 && i > 0)
      fr__buf_add(out, "\n");
    if (*table->cell[i] == '\0')
      continue;
    fr__buf line;
    fr__buf_init(&line, 0);
    fr__buf_printf(&line, "%s: %s", table->column[c].title, table->cell[i]);
    fr__text_wrap(out, fr__buf_text(&line), width, c == 0 ? 0 : 2);
    if (line.status != FR_OK)
      out->status = line.status;
    fr__buf_release(&line);
  }
}

void fr__text_wrap(fr__buf *out, const char *text, size_t width, size_t indent) {
  const size_t room = width > indent + NARROWEST ? width - indent : NARROWEST;
  char *clean = clean_copy(text);
  if (clean == NULL) {
    out->status = FR_ERR_MEMORY;
    return;
  }
  const char *rest = clean;
  do {
    const char *line;
    size_t length;
    take_line(&rest, room, &line, &length);
    spaces(out, indent);
    fr__buf_add_bytes(out, line, length);
    fr__buf_add(out, "\n");
  } while (*rest != '\0' && out->status == FR_OK);
  free(clean);
}

enum fr_status fr__table_render(const fr__table *table, size_t width, fr__buf *out,
                                fr_error *err) {
  size_t column_width[FR__TABLE_COLUMNS] = {0};
  if (table->status != FR_OK)
    return fr__fail(err, table->status, "a table could not be kept: %s",
                    fr_status_text(table->status));
  if (table->columns == 0)
    return fr__fail(err, FR_ERR_ARGUMENT, "a table without columns");
  if (table->caption != NULL)
    fr__text_wrap(out, table->caption, width, 0);
  natural_widths(table, column_width);
  if (shrink(table, column_width, width))
    put_grid(table, column_width, out);
  else
    put_list(table, width, out);
  if (out->status == FR_OK)
    return FR_OK;
  return fr__fail(err, out->status, "a table is too long to write");
}
