/* SPDX-License-Identifier: Apache-2.0 */
/* Runs: begun, ended, found, listed. */
#include "store/store.h"

#include "base/clock.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define RUN_COLUMNS                                                                      \
  "SELECT id, parent, command, name, key, state, argv, version, host, cpu, started,"     \
  " ended, result, boot, pid, pid_start FROM runs "
/* Of a file of the first schema that is only read. */
#define RUN_COLUMNS_OLD                                                                  \
  "SELECT id, parent, command, name, key, state, argv, version, host, cpu, started,"     \
  " ended, result, NULL, NULL, NULL FROM runs "

void fr_run_release(fr_run *run) {
  char *const texts[] = {run->command, run->name, run->key, run->state, run->argv,
                         run->version, run->host, run->cpu, run->result};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    free(texts[i]);
  *run = (fr_run){0};
}

static void bind_text(sqlite3_stmt *to, int column, const char *text) {
  sqlite3_bind_text(to, column, text != NULL ? text : "", -1, SQLITE_STATIC);
}

enum fr_status fr_store_run_begin(fr_store *store, const fr_run *run, int64_t *id,
                                  fr_error *err) {
  sqlite3_stmt *insert = fr__store_take(store, SQL_RUN_BEGIN, err);
  if (insert == NULL)
    return FR_ERR_IO;
  if (run->parent != 0)
    sqlite3_bind_int64(insert, 1, run->parent);
  const char *const texts[] = {run->command, run->name, run->key, run->argv,
                               run->version, run->host, run->cpu};
  for (int i = 0; i < 7; i++)
    bind_text(insert, i + 2, texts[i]);
  sqlite3_bind_int64(insert, 9, fr__clock_utc_ns());
  fr__life life;
  fr__life_own(&life);
  sqlite3_bind_text(insert, 10, life.boot, -1, SQLITE_STATIC);
  sqlite3_bind_int64(insert, 11, life.pid);
  sqlite3_bind_int64(insert, 12, life.start);
  const int code = sqlite3_step(insert);
  enum fr_status status = FR_OK;
  if (code != SQLITE_DONE)
    status = fr__store_fail(store, "begin a run in", err);
  else
    *id = sqlite3_last_insert_rowid(store->db);
  sqlite3_reset(insert);
  return status;
}

enum fr_status fr_store_run_end(fr_store *store, int64_t id, const char *state,
                                const char *result, fr_error *err) {
  sqlite3_stmt *update = fr__store_take(store, SQL_RUN_END, err);
  if (update == NULL)
    return FR_ERR_IO;
  sqlite3_bind_int64(update, 1, id);
  bind_text(update, 2, state);
  if (result != NULL)
    bind_text(update, 3, result);
  sqlite3_bind_int64(update, 4, fr__clock_utc_ns());
  enum fr_status status = FR_OK;
  if (sqlite3_step(update) != SQLITE_DONE)
    status = fr__store_fail(store, "end a run in", err);
  else if (sqlite3_changes(store->db) == 0)
    status = fr__fail(err, FR_ERR_NOT_FOUND, "'%s' has no run %lld", store->path,
                      (long long)id);
  sqlite3_reset(update);
  return status;
}

enum fr_status fr_store_run_so_far(fr_store *store, int64_t id, const char *result,
                                   fr_error *err) {
  sqlite3_stmt *update = fr__store_take(store, SQL_RUN_SO_FAR, err);
  if (update == NULL)
    return FR_ERR_IO;
  sqlite3_bind_int64(update, 1, id);
  bind_text(update, 2, result);
  enum fr_status status = FR_OK;
  if (sqlite3_step(update) != SQLITE_DONE)
    status = fr__store_fail(store, "write a result to", err);
  else if (sqlite3_changes(store->db) == 0)
    status = fr__fail(err, FR_ERR_NOT_FOUND, "'%s' has no run %lld that goes on",
                      store->path, (long long)id);
  sqlite3_reset(update);
  sqlite3_clear_bindings(update);
  return status;
}

/* A copy of a column; NULL columns give NULL. False out of memory. */
static bool copy_text(sqlite3_stmt *from, int column, char **out) {
  const unsigned char *text = sqlite3_column_text(from, column);
  if (text == NULL)
    return sqlite3_column_type(from, column) == SQLITE_NULL;
  *out = strdup((const char *)text);
  return *out != NULL;
}

/* A run that never ended and whose process is gone. */
static bool is_cut_off(sqlite3_stmt *from, const fr_run *run) {
  const char *boot = (const char *)sqlite3_column_text(from, 13);
  fr__life life = {.pid = sqlite3_column_int64(from, 14),
                   .start = sqlite3_column_int64(from, 15)};
  if (strcmp(run->state, "running") != 0 || boot == NULL ||
      strlen(boot) >= sizeof life.boot)
    return false;
  strcpy(life.boot, boot);
  return fr__life_gone(&life, run->host);
}

/* The schema has no NULL in columns 2 to 9: a damaged file has. */
static bool is_damaged(sqlite3_stmt *from) {
  bool damaged = false;
  for (int column = 2; column < 10; column++)
    damaged = damaged || sqlite3_column_type(from, column) == SQLITE_NULL;
  return damaged;
}

static enum fr_status read_run(const fr_store *store, sqlite3_stmt *from, fr_run *out,
                               fr_error *err) {
  if (is_damaged(from))
    return fr__fail(err, FR_ERR_FORMAT,
                    "'%s' is damaged at run %lld (sqlite3's '.recover' saves what is "
                    "left of it)",
                    store->path, (long long)sqlite3_column_int64(from, 0));
  fr_run run = {.id = sqlite3_column_int64(from, 0),
                .parent = sqlite3_column_int64(from, 1),
                .started_utc_ns = sqlite3_column_int64(from, 10),
                .ended_utc_ns = sqlite3_column_int64(from, 11)};
  char **const texts[] = {&run.command, &run.name,    &run.key,  &run.state,
                          &run.argv,    &run.version, &run.host, &run.cpu};
  bool whole = copy_text(from, 12, &run.result);
  for (int i = 0; i < 8; i++)
    whole = whole && copy_text(from, i + 2, texts[i]);
  if (whole && is_cut_off(from, &run)) {
    free(run.state);
    run.state = strdup("cut off");
    whole = run.state != NULL;
  }
  if (!whole) {
    fr_run_release(&run);
    return fr__fail_memory(err, "a run");
  }
  *out = run;
  return FR_OK;
}

static enum fr_status get_one(fr_store *store, sqlite3_stmt *get, const char *what,
                              fr_run *run, fr_error *err) {
  const int code = sqlite3_step(get);
  if (code == SQLITE_ROW)
    return read_run(store, get, run, err);
  if (code != SQLITE_DONE)
    return fr__store_fail(store, "read", err);
  return fr__fail(err, FR_ERR_NOT_FOUND, "'%s' has no run '%s'", store->path, what);
}

enum fr_status fr_store_run_get(fr_store *store, int64_t id, fr_run *run, fr_error *err) {
  sqlite3_stmt *get = NULL;
  enum fr_status status = fr__store_prepare(
      store,
      store->version < 2 ? RUN_COLUMNS_OLD "WHERE id = ?1" : RUN_COLUMNS "WHERE id = ?1",
      &get, err);
  if (status == FR_OK) {
    char what[32];
    sqlite3_snprintf(sizeof what, what, "%lld", (long long)id);
    sqlite3_bind_int64(get, 1, id);
    status = get_one(store, get, what, run, err);
  }
  sqlite3_finalize(get);
  return status;
}

enum fr_status fr_store_cell_find(fr_store *store, const char *key, fr_run *run,
                                  fr_error *err) {
  if (key == NULL || *key == '\0')
    return fr__fail(err, FR_ERR_ARGUMENT, "an empty key finds no cell");
  sqlite3_stmt *get = NULL;
#define NEWEST_OF_KEY                                                                    \
  "WHERE key = ?1 AND key <> '' AND state = 'done' ORDER BY id DESC LIMIT 1"
  enum fr_status status = fr__store_prepare(
      store,
      store->version < 2 ? RUN_COLUMNS_OLD NEWEST_OF_KEY : RUN_COLUMNS NEWEST_OF_KEY,
      &get, err);
  if (status == FR_OK) {
    bind_text(get, 1, key);
    status = get_one(store, get, key, run, err);
  }
  sqlite3_finalize(get);
  return status;
}

enum fr_status fr_store_runs(fr_store *store, int64_t parent,
                             bool (*each)(void *self, const fr_run *run), void *self,
                             fr_error *err) {
  sqlite3_stmt *walk = NULL;
#define NEWEST_OF_PARENT "WHERE ?1 = -1 OR coalesce(parent, 0) = ?1 ORDER BY id DESC"
  enum fr_status status =
      fr__store_prepare(store,
                        store->version < 2 ? RUN_COLUMNS_OLD NEWEST_OF_PARENT
                                           : RUN_COLUMNS NEWEST_OF_PARENT,
                        &walk, err);
  if (status == FR_OK)
    sqlite3_bind_int64(walk, 1, parent);
  bool more = true;
  while (status == FR_OK && more) {
    const int code = sqlite3_step(walk);
    if (code == SQLITE_DONE)
      break;
    fr_run run = {0};
    status = code == SQLITE_ROW ? read_run(store, walk, &run, err)
                                : fr__store_fail(store, "read", err);
    if (status == FR_OK)
      more = each(self, &run);
    fr_run_release(&run);
  }
  sqlite3_finalize(walk);
  return status;
}
