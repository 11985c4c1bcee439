/* SPDX-License-Identifier: Apache-2.0 */
/* results.csv: a row per cell and quantity. */
#include <string.h>

#include "report/page.h"

/* RFC 4180: quotes where the text needs them, quotes inside doubled. */
static void put_field(fr__buf *out, const char *text) {
  if (strpbrk(text, ",\"\r\n") == NULL) {
    fr__buf_add(out, text);
    return;
  }
  fr__buf_add(out, "\"");
  for (; *text != '\0'; text++) {
    if (*text == '"')
      fr__buf_add(out, "\"");
    fr__buf_add_bytes(out, text, 1);
  }
  fr__buf_add(out, "\"");
}

static void put_names(const fr__cell *cell, enum fr__quantity quantity, fr__buf *out) {
  const char *const field[] = {cell->name,
                               cell->group,
                               cell->phase,
                               *cell->data_name != '\0' ? cell->data_name : cell->data,
                               cell->net,
                               cell->mechanism,
                               fr__quantity_key(quantity)};
  for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
    put_field(out, field[i]);
    fr__buf_add(out, ",");
  }
}

/* What was not measured has no number: value and bounds stay empty, the source is none.
 */
static void put_row(const fr__cell *cell, enum fr__quantity quantity, fr__buf *out) {
  const fr__figure *f = &cell->figure[quantity];
  put_names(cell, quantity, out);
  if (f->known)
    fr__buf_printf(out, "%.9g", f->value);
  fr__buf_add(out, ",");
  put_field(out, f->unit);
  fr__buf_add(out, ",");
  if (f->known && f->interval)
    fr__buf_printf(out, "%.9g,%.9g,", f->low, f->high);
  else
    fr__buf_add(out, ",,");
  put_field(out, f->known ? f->source : fr_source_name(FR_SOURCE_NONE));
  fr__buf_printf(out, ",%zu\n", cell->n);
}

void fr__csv_write(const fr__result *result, fr__buf *out) {
  fr__buf_add(out, "name,group,phase,data,net,mechanism,quantity,value,unit,low,high,"
                   "source,n\n");
  for (size_t i = 0; i < result->cells; i++)
    for (int q = 0; q < FR__QUANTITIES; q++)
      put_row(&result->cell[i], (enum fr__quantity)q, out);
}
