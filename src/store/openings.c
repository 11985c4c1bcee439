/* SPDX-License-Identifier: Apache-2.0 */
/* Openings of test sides: a figure is worth what the number of looks before it leaves. */
#include "store/store.h"

#include "base/clock.h"
#include "base/error.h"

#include <math.h>

static void bind_text(sqlite3_stmt *to, int column, const char *text) {
  sqlite3_bind_text(to, column, text != NULL ? text : "", -1, SQLITE_STATIC);
}

static void bind_number(sqlite3_stmt *to, int column, double value) {
  if (!isnan(value))
    sqlite3_bind_double(to, column, value);
}

/* Openings of that protocol up to `id`: others may log theirs meanwhile. */
static enum fr_status count_until(fr_store *store, const char *protocol, int64_t id,
                                  size_t *count, fr_error *err) {
  sqlite3_stmt *ask = fr__store_take(store, SQL_OPENINGS, err);
  if (ask == NULL)
    return FR_ERR_IO;
  bind_text(ask, 1, protocol);
  sqlite3_bind_int64(ask, 2, id);
  const bool told = sqlite3_step(ask) == SQLITE_ROW;
  if (told)
    *count = (size_t)sqlite3_column_int64(ask, 0);
  const enum fr_status status =
      told ? FR_OK : fr__store_fail(store, "count openings in", err);
  sqlite3_reset(ask);
  return status;
}

enum fr_status fr_store_opening_add(fr_store *store, const fr_opening *opening,
                                    int64_t *id, size_t *count, fr_error *err) {
  sqlite3_stmt *insert = fr__store_take(store, SQL_OPENING, err);
  if (insert == NULL)
    return FR_ERR_IO;
  bind_text(insert, 1, opening->protocol);
  if (opening->run != 0)
    sqlite3_bind_int64(insert, 2, opening->run);
  sqlite3_bind_int64(insert, 3, fr__clock_utc_ns());
  const char *const texts[] = {opening->command, opening->data, opening->terms,
                               opening->network, opening->model};
  for (int i = 0; i < 5; i++)
    bind_text(insert, i + 4, texts[i]);
  sqlite3_bind_int64(insert, 9, (int64_t)opening->seed);
  const bool stored = sqlite3_step(insert) == SQLITE_DONE;
  const enum fr_status status =
      stored ? FR_OK : fr__store_fail(store, "log an opening in", err);
  const int64_t added = sqlite3_last_insert_rowid(store->db);
  sqlite3_reset(insert);
  if (status != FR_OK)
    return status;
  *id = added;
  return count_until(store, opening->protocol, added, count, err);
}

enum fr_status fr_store_opening_found(fr_store *store, const fr_opening *opening,
                                      fr_error *err) {
  sqlite3_stmt *update = fr__store_take(store, SQL_OPENING_FOUND, err);
  if (update == NULL)
    return FR_ERR_IO;
  sqlite3_bind_int64(update, 1, opening->id);
  bind_number(update, 2, opening->accuracy);
  bind_number(update, 3, opening->macro_f1);
  bind_number(update, 4, opening->weighted_f1);
  bind_number(update, 5, opening->balanced_accuracy);
  enum fr_status status = FR_OK;
  if (sqlite3_step(update) != SQLITE_DONE)
    status = fr__store_fail(store, "write what an opening found to", err);
  else if (sqlite3_changes(store->db) == 0)
    status = fr__fail(err, FR_ERR_NOT_FOUND, "'%s' has no opening %lld", store->path,
                      (long long)opening->id);
  sqlite3_reset(update);
  return status;
}

/* "" where a damaged file has none. */
static const char *text_of(sqlite3_stmt *from, int column) {
  const unsigned char *text = sqlite3_column_text(from, column);
  return text != NULL ? (const char *)text : "";
}

static double number_of(sqlite3_stmt *from, int column) {
  return sqlite3_column_type(from, column) == SQLITE_NULL
             ? (double)NAN
             : sqlite3_column_double(from, column);
}

static fr_opening read_opening(sqlite3_stmt *from) {
  return (fr_opening){.id = sqlite3_column_int64(from, 0),
                      .protocol = text_of(from, 1),
                      .run = sqlite3_column_int64(from, 2),
                      .opened_utc_ns = sqlite3_column_int64(from, 3),
                      .command = text_of(from, 4),
                      .data = text_of(from, 5),
                      .terms = text_of(from, 6),
                      .network = text_of(from, 7),
                      .model = text_of(from, 8),
                      .seed = (uint64_t)sqlite3_column_int64(from, 9),
                      .accuracy = number_of(from, 10),
                      .macro_f1 = number_of(from, 11),
                      .weighted_f1 = number_of(from, 12),
                      .balanced_accuracy = number_of(from, 13)};
}

enum fr_status fr_store_openings_each(fr_store *store, const char *protocol,
                                      bool (*each)(void *self, const fr_opening *opening),
                                      void *self, fr_error *err) {
  if (store->version < 3) /* an older file that is only read has none */
    return FR_OK;
  sqlite3_stmt *walk = NULL;
  enum fr_status status = fr__store_prepare(
      store,
      "SELECT id, protocol, run, opened, command, data, terms, network, model, seed,"
      " accuracy, macro_f1, weighted_f1, balanced_accuracy FROM openings"
      " WHERE ?1 IS NULL OR protocol = ?1 ORDER BY id",
      &walk, err);
  if (status == FR_OK && protocol != NULL)
    bind_text(walk, 1, protocol);
  bool more = true;
  while (status == FR_OK && more) {
    const int code = sqlite3_step(walk);
    if (code == SQLITE_DONE)
      break;
    if (code != SQLITE_ROW) {
      status = fr__store_fail(store, "read", err);
      break;
    }
    const fr_opening opening = read_opening(walk);
    more = each(self, &opening);
  }
  sqlite3_finalize(walk);
  return status;
}
