/* SPDX-License-Identifier: Apache-2.0 */
/* What a report consists of, and its files as text. */
#ifndef FR_REPORT_PAGE_H
#define FR_REPORT_PAGE_H

#include "report/chart.h"
#include "report/front.h"
#include "report/result.h"
#include "report/table.h"

typedef struct fr__report {
  fr__result result;
  fr__grid *grid; /* owned, one per group of the result */
  size_t grids;
  fr__chart *chart; /* owned, FR__PLOTS per grid; those without anything have no stem */
  size_t charts;
  fr__front *front; /* owned, one per data set */
  size_t fronts;
} fr__report;

void fr__page_write(const fr__report *report, fr__buf *out);
void fr__csv_write(const fr__result *result, fr__buf *out);
void fr__text_write(const fr__report *report, size_t columns, fr__buf *out,
                    fr_error *err);

/* ---- what pages share ---- */

/* From <!DOCTYPE to <h1>; `kind` follows the title in the window's. */
void fr__page_open(fr__buf *out, const char *title, const char *kind);
/* Text inside an element or an attribute: nothing in it is markup any more. */
void fr__page_text(fr__buf *out, const char *text);
/* The same between two pieces of markup. */
void fr__page_element(fr__buf *out, const char *open, const char *text,
                      const char *close);
/* The table, released; nothing where it has no rows. */
void fr__page_table(fr__buf *out, fr__table *table);
/* A term and what it is; nothing where that is "". */
void fr__page_fact(fr__buf *out, const char *name, const char *text);
/* An array of sentences; others are passed over. */
void fr__page_warnings(fr__buf *out, const json_t *list);

/* The page's style sheet. */
extern const char fr__page_style[];

#endif
