/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured of a run: figures under a name. */
#include "store/store.h"

#include "base/error.h"

#include <math.h>

enum fr_status fr_store_figure(fr_store *store, int64_t run, const char *name,
                               fr_measure m, fr_error *err) {
  if (fr_measure_known(m) && isnan(m.value))
    return fr__fail(err, FR_ERR_NUMERIC, "figure '%s' is not a number", name);
  sqlite3_stmt *insert = fr__store_take(store, SQL_FIGURE, err);
  if (insert == NULL)
    return FR_ERR_IO;
  sqlite3_bind_int64(insert, 1, run);
  sqlite3_bind_text(insert, 2, name, -1, SQLITE_STATIC);
  if (fr_measure_known(m)) {
    sqlite3_bind_double(insert, 3, m.value);
    sqlite3_bind_double(insert, 4, m.low);
    sqlite3_bind_double(insert, 5, m.high);
  }
  sqlite3_bind_text(insert, 6, fr_unit_symbol(m.unit), -1, SQLITE_STATIC);
  sqlite3_bind_text(insert, 7, fr_source_name(m.source), -1, SQLITE_STATIC);
  const bool stored = sqlite3_step(insert) == SQLITE_DONE;
  const enum fr_status status =
      stored ? FR_OK : fr__store_fail(store, "write a figure to", err);
  sqlite3_reset(insert);
  return status;
}

static enum fr_status read_figure(sqlite3_stmt *from, fr_measure *out, fr_error *err) {
  fr_measure m = {.value = sqlite3_column_double(from, 1),
                  .low = sqlite3_column_double(from, 2),
                  .high = sqlite3_column_double(from, 3)};
  const char *name = (const char *)sqlite3_column_text(from, 0);
  const char *unit = (const char *)sqlite3_column_text(from, 4);
  const char *source = (const char *)sqlite3_column_text(from, 5);
  if (name == NULL || unit == NULL || source == NULL || !fr_unit_parse(unit, &m.unit) ||
      !fr_source_parse(source, &m.source))
    return fr__fail(err, FR_ERR_FORMAT, "figure '%s' has an unknown unit or source",
                    name != NULL ? name : "");
  *out = fr_measure_known(m) ? m : fr_measure_absent(m.unit);
  return FR_OK;
}

enum fr_status fr_store_figures(fr_store *store, int64_t run,
                                bool (*each)(void *self, const char *name, fr_measure m),
                                void *self, fr_error *err) {
  sqlite3_stmt *walk = NULL;
  enum fr_status status = fr__store_prepare(
      store,
      "SELECT name, value, low, high, unit, source FROM figures WHERE run = ?1"
      " ORDER BY name",
      &walk, err);
  if (status == FR_OK)
    sqlite3_bind_int64(walk, 1, run);
  bool more = true;
  while (status == FR_OK && more) {
    const int code = sqlite3_step(walk);
    if (code == SQLITE_DONE)
      break;
    fr_measure m;
    status = code == SQLITE_ROW ? read_figure(walk, &m, err)
                                : fr__store_fail(store, "read", err);
    if (status == FR_OK)
      more = each(self, (const char *)sqlite3_column_text(walk, 0), m);
  }
  sqlite3_finalize(walk);
  return status;
}
