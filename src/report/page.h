/* SPDX-License-Identifier: Apache-2.0 */
/* What a report consists of, and its files as text. */
#ifndef FR_REPORT_PAGE_H
#define FR_REPORT_PAGE_H

#include "report/chart.h"
#include "report/result.h"

typedef struct fr__report {
  fr__result result;
  fr__grid *grid; /* owned, one per group of the result */
  size_t grids;
  fr__chart *chart; /* owned, FR__PLOTS per grid; those without anything have no stem */
  size_t charts;
} fr__report;

void fr__page_write(const fr__report *report, fr__buf *out);
void fr__csv_write(const fr__result *result, fr__buf *out);
void fr__text_write(const fr__report *report, size_t columns, fr__buf *out,
                    fr_error *err);

/* The page's style sheet. */
extern const char fr__page_style[];

#endif
