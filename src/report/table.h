/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables as text. Columns are as wide as what they hold (UTF-8, by display width); where
 * the whole is wider than the terminal, flexible columns are broken at spaces, and where
 * that is not enough each row becomes a few lines "title: text". Nothing is ever cut off.
 */
#ifndef FR_REPORT_TABLE_H
#define FR_REPORT_TABLE_H

#include "base/buf.h"
#include "frugal/base.h"

enum fr__align { FR__ALIGN_LEFT, FR__ALIGN_RIGHT };

#define FR__TABLE_COLUMNS 32   /* ceiling */
#define FR__TABLE_CELLS 200000 /* ceiling */

typedef struct fr__table_column {
  char *title; /* owned */
  enum fr__align align;
  bool flexible; /* may be broken over several lines */
} fr__table_column;

typedef struct fr__table {
  char *caption; /* owned; NULL: none */
  fr__table_column column[FR__TABLE_COLUMNS];
  size_t columns;
  char **cell; /* owned, row after row; a row is full before the next begins */
  size_t cells;
  size_t capacity;
  enum fr_status status; /* the first failure; later calls do nothing */
} fr__table;

void fr__table_init(fr__table *table, const char *caption);
void fr__table_release(fr__table *table);
/* All columns come before the first cell. */
void fr__table_column_add(fr__table *table, const char *title, enum fr__align align,
                          bool flexible);
/* The next cell, from left to right, row after row; NULL is "". The text is copied, with
 * control characters (a terminal would obey them) made visible as '?'. */
void fr__table_add(fr__table *table, const char *text);
void fr__table_addf(fr__table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends the table to *out, each line at most `width` columns where that can be. */
enum fr_status fr__table_render(const fr__table *table, size_t width, fr__buf *out,
                                fr_error *err);

/* Columns that `length` bytes of UTF-8 take on a terminal: 0 for combining marks, 2 for
 * wide characters. A byte that is not UTF-8 takes one. */
size_t fr__text_width(const char *text, size_t length);

/* Bytes of the character at `text` (1 where it is not UTF-8), its code point in *point.
 */
size_t fr__utf8_next(const char *text, size_t length, uint32_t *point);

/* Appends words of `text` broken into lines of `width`, each after `indent` spaces. */
void fr__text_wrap(fr__buf *out, const char *text, size_t width, size_t indent);

#endif
