/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, the schema and what SQLite's errors mean. */
#include "store/store.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS 10000 /* how long a writer waits for another */

/* Times are nanoseconds since 1970 UTC; a measure that is absent has NULL for its numbers
 * and 'none' for its source. */
static const char first_schema[] =
    "CREATE TABLE IF NOT EXISTS runs("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " parent INTEGER REFERENCES runs(id) ON DELETE CASCADE,"
    " command TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL,"
    " state TEXT NOT NULL CHECK(state IN ('running', 'done', 'failed')),"
    " argv TEXT NOT NULL, version TEXT NOT NULL, host TEXT NOT NULL, cpu TEXT NOT NULL,"
    " started INTEGER NOT NULL, ended INTEGER, result TEXT);"
    "CREATE INDEX IF NOT EXISTS runs_by_key ON runs(key) WHERE key <> '';"
    "CREATE INDEX IF NOT EXISTS runs_by_parent ON runs(parent);"
    "CREATE TABLE IF NOT EXISTS figures("
    " run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, value REAL, low REAL, high REAL,"
    " unit TEXT NOT NULL, source TEXT NOT NULL,"
    " CHECK((source = 'none') = (value IS NULL)),"
    " PRIMARY KEY(run, name)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS samples("
    " id INTEGER PRIMARY KEY,"
    " run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
    " t_ns INTEGER NOT NULL, power_w REAL, energy_j REAL, program_j REAL);"
    "CREATE INDEX IF NOT EXISTS samples_by_run ON samples(run, t_ns);"
    "PRAGMA application_id = 1718773612;" /* FR__STORE_APPLICATION */
    "PRAGMA user_version = 1;";

/* Which process a run belongs to; domains, marks and phases of the timeline. */
static const char second_schema[] =
    "ALTER TABLE runs ADD COLUMN boot TEXT;"
    "ALTER TABLE runs ADD COLUMN pid INTEGER;"
    "ALTER TABLE runs ADD COLUMN pid_start INTEGER;"
    "ALTER TABLE samples ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE samples ADD COLUMN domain_w TEXT;"
    "CREATE TABLE domains("
    " run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
    " number INTEGER NOT NULL, name TEXT NOT NULL,"
    " PRIMARY KEY(run, number)) WITHOUT ROWID;"
    "CREATE TABLE phases("
    " run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
    " number INTEGER NOT NULL, path TEXT NOT NULL,"
    " begin_ns INTEGER NOT NULL, end_ns INTEGER,"
    " PRIMARY KEY(run, number)) WITHOUT ROWID;"
    "PRAGMA user_version = 2;";

/* When test sides were opened, and what was found there; kept when the run is not. */
static const char third_schema[] =
    "CREATE TABLE openings("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, protocol TEXT NOT NULL,"
    " run INTEGER REFERENCES runs(id) ON DELETE SET NULL, opened INTEGER NOT NULL,"
    " command TEXT NOT NULL, data TEXT NOT NULL, terms TEXT NOT NULL,"
    " network TEXT NOT NULL, model TEXT NOT NULL, seed INTEGER NOT NULL,"
    " accuracy REAL, macro_f1 REAL, weighted_f1 REAL, balanced_accuracy REAL);"
    "CREATE INDEX openings_by_protocol ON openings(protocol, id);"
    "PRAGMA user_version = 3;";

/* Step i makes schema i + 1 of schema i. */
static const char *const steps[] = {first_schema, second_schema, third_schema};

_Static_assert(FR__STORE_APPLICATION == 1718773612, "the schema names the application");
_Static_assert(FR__STORE_VERSION == sizeof steps / sizeof *steps, "a step for each");

static enum fr_status status_of(int code) {
  switch (code & 0xff) {
  case SQLITE_NOMEM: return FR_ERR_MEMORY;
  case SQLITE_NOTADB:
  case SQLITE_CORRUPT: return FR_ERR_FORMAT;
  case SQLITE_READONLY:
  case SQLITE_PERM: return FR_ERR_PERMISSION;
  case SQLITE_CONSTRAINT:
  case SQLITE_MISMATCH: return FR_ERR_ARGUMENT;
  case SQLITE_TOOBIG: return FR_ERR_LIMIT;
  default: return FR_ERR_IO;
  }
}

enum fr_status fr__store_fail(const fr_store *store, const char *doing, fr_error *err) {
  const int code = sqlite3_errcode(store->db);
  const char *hint = (code & 0xff) == SQLITE_CORRUPT
                         ? " (sqlite3's '.recover' saves what is left of it)"
                         : "";
  return fr__fail(err, status_of(code), "cannot %s '%s': %s%s", doing, store->path,
                  sqlite3_errmsg(store->db), hint);
}

sqlite3_stmt *fr__store_take(fr_store *store, enum fr__store_sql which, fr_error *err) {
  static const char *const sql[SQL_COUNT] = {
#define SQL_TEXT(id, text) [id] = (text),
      FR__STORE_SQL_TABLE(SQL_TEXT)
#undef SQL_TEXT
  };
  sqlite3_stmt *kept = store->kept[which];
  if (kept == NULL &&
      sqlite3_prepare_v3(store->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &kept,
                         NULL) != SQLITE_OK) {
    fr__store_fail(store, "ask", err);
    return NULL;
  }
  store->kept[which] = kept;
  sqlite3_reset(kept);
  sqlite3_clear_bindings(kept);
  return kept;
}

enum fr_status fr__store_prepare(fr_store *store, const char *sql, sqlite3_stmt **out,
                                 fr_error *err) {
  if (sqlite3_prepare_v2(store->db, sql, -1, out, NULL) != SQLITE_OK)
    return fr__store_fail(store, "ask", err);
  return FR_OK;
}

static enum fr_status ask_number(fr_store *store, const char *sql, int64_t *out,
                                 fr_error *err) {
  sqlite3_stmt *ask = NULL;
  enum fr_status status = fr__store_prepare(store, sql, &ask, err);
  if (status == FR_OK) {
    if (sqlite3_step(ask) == SQLITE_ROW)
      *out = sqlite3_column_int64(ask, 0);
    else
      status = fr__store_fail(store, "read", err);
  }
  sqlite3_finalize(ask);
  return status;
}

static enum fr_status execute(fr_store *store, const char *sql, fr_error *err) {
  if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
    return fr__store_fail(store, "prepare", err);
  return FR_OK;
}

/* From whatever schema the file has to this one, whole or not at all. Another process may
 * have done it meanwhile: the version is asked for again behind the lock. */
static enum fr_status migrate(fr_store *store, fr_error *err) {
  int64_t version = 0;
  enum fr_status status = execute(store, "BEGIN IMMEDIATE", err);
  if (status != FR_OK)
    return status;
  status = ask_number(store, "PRAGMA user_version", &version, err);
  for (int64_t v = version < 0 ? 0 : version; status == FR_OK && v < FR__STORE_VERSION;
       v++)
    status = execute(store, steps[v], err);
  if (status == FR_OK)
    status = execute(store, "COMMIT", err);
  if (status != FR_OK)
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
  return status;
}

/* What is in the file: refuses another program's and a newer schema. */
static enum fr_status check_schema(fr_store *store, int64_t *tables, fr_error *err) {
  int64_t application = 0, version = 0;
  /* Tables first: another process may be making them, and commits them with the rest. */
  enum fr_status status =
      ask_number(store, "SELECT count(*) FROM sqlite_master", tables, err);
  if (status == FR_OK)
    status = ask_number(store, "PRAGMA application_id", &application, err);
  if (status == FR_OK)
    status = ask_number(store, "PRAGMA user_version", &version, err);
  if (status != FR_OK)
    return status;
  if (application != FR__STORE_APPLICATION && (application != 0 || *tables != 0))
    return fr__fail(err, FR_ERR_FORMAT, "'%s' is a database of another program",
                    store->path);
  if (version > FR__STORE_VERSION)
    return fr__fail(err, FR_ERR_UNSUPPORTED,
                    "'%s' has schema %lld, this version knows up to %d", store->path,
                    (long long)version, FR__STORE_VERSION);
  store->version = (int)version;
  return FR_OK;
}

/* SQLite does not always wait for the lock that this change needs. */
static enum fr_status choose_wal(fr_store *store, fr_error *err) {
  int code = SQLITE_BUSY;
  for (int tries = 0; code == SQLITE_BUSY && tries < 100; tries++) {
    if (tries > 0)
      sqlite3_sleep(BUSY_MS / 100);
    code = sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) & 0xff;
  }
  return code == SQLITE_OK ? FR_OK : fr__store_fail(store, "prepare", err);
}

static enum fr_status open_file(fr_store *store, const char *name, int flags,
                                fr_error *err) {
  if (sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
    if (store->db == NULL)
      return fr__fail_memory(err, "the store");
    return fr__store_fail(store, "open", err);
  }
  sqlite3_extended_result_codes(store->db, 1);
  sqlite3_busy_timeout(store->db, BUSY_MS);
  sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, (int)FR__STORE_TEXT_CEILING);
  return FR_OK;
}

static enum fr_status open_database(fr_store *store, fr_error *err) {
  int64_t tables = 0;
  enum fr_status status =
      open_file(store, store->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
  if (status == FR_OK)
    status = check_schema(store, &tables, err);
  if (status == FR_OK && store->version < FR__STORE_VERSION)
    status = migrate(store, err);
  store->version = FR__STORE_VERSION;
  /* A row is on disk before the next checkpoint at the latest; a killed process loses
   * nothing, only a power cut may take the last transactions. */
  if (status == FR_OK)
    status = choose_wal(store, err);
  if (status == FR_OK)
    status =
        execute(store, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;", err);
  return status;
}

/* "file:PATH?immutable=1", with what a URI would take for signs written as %XX; the
 * caller's (free). */
static char *immutable_name(const char *path) {
  fr__buf name;
  fr__buf_init(&name, 0);
  fr__buf_add(&name, "file:");
  for (; *path != '\0'; path++)
    if (strchr("%?#", *path) != NULL)
      fr__buf_printf(&name, "%%%02X", (unsigned)(unsigned char)*path);
    else
      fr__buf_add_bytes(&name, path, 1);
  fr__buf_add(&name, "?immutable=1");
  return fr__buf_detach(&name);
}

/* WAL needs a file of its own beside the database, even for reading. Where it cannot be
 * made nobody writes either, and the database is read as it lies. */
static enum fr_status open_immutable(fr_store *store, int64_t *tables, fr_error *err) {
  char *name = immutable_name(store->path);
  if (name == NULL)
    return fr__fail_memory(err, "a path");
  sqlite3_close(store->db);
  store->db = NULL;
  enum fr_status status =
      open_file(store, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
  if (status == FR_OK)
    status = check_schema(store, tables, err);
  free(name);
  return status;
}

static enum fr_status open_for_reading(fr_store *store, fr_error *err) {
  int64_t tables = 0;
  if (access(store->path, F_OK) != 0)
    return fr__fail(err, FR_ERR_NOT_FOUND, "there is no store '%s' yet", store->path);
  enum fr_status status = open_file(store, store->path, SQLITE_OPEN_READONLY, err);
  if (status == FR_OK)
    status = check_schema(store, &tables, err);
  const int code = store->db != NULL ? sqlite3_errcode(store->db) & 0xff : SQLITE_OK;
  if (status != FR_OK && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) &&
      access(store->path, R_OK) == 0)
    status = open_immutable(store, &tables, err);
  if (status == FR_OK && tables == 0)
    status = fr__fail(err, FR_ERR_NOT_FOUND, "the store '%s' is empty", store->path);
  return status;
}

static char *default_path(fr_error *err) {
  char *home = fr__path_user("XDG_DATA_HOME", ".local/share");
  if (home == NULL) {
    fr__fail(err, FR_ERR_NOT_FOUND, "neither 'XDG_DATA_HOME' nor 'HOME' is set");
    return NULL;
  }
  char *path = fr__path_join(home, "runs.sqlite");
  if (path == NULL)
    fr__fail_memory(err, "a path");
  free(home);
  return path;
}

static enum fr_status make_parent(const char *path, fr_error *err) {
  const size_t length = (size_t)(fr__path_name(path) - path);
  if (length == 0)
    return FR_OK;
  char *directory = strndup(path, length);
  if (directory == NULL)
    return fr__fail_memory(err, "a path");
  const enum fr_status status = fr__dir_make(directory, err);
  free(directory);
  return status;
}

static enum fr_status new_store(const char *path, fr_store **out, fr_error *err) {
  fr_store *store = calloc(1, sizeof *store);
  if (store == NULL)
    return fr__fail_memory(err, "the store");
  store->path = path != NULL ? strdup(path) : default_path(err);
  *out = store;
  if (store->path == NULL)
    return path != NULL ? fr__fail_memory(err, "a path") : FR_ERR_NOT_FOUND;
  return FR_OK;
}

static enum fr_status settle(fr_store *store, enum fr_status status, fr_store **out) {
  if (status == FR_OK)
    *out = store;
  else
    fr_store_close(store);
  return status;
}

enum fr_status fr_store_open(const char *path, fr_store **out, fr_error *err) {
  fr_store *store = NULL;
  enum fr_status status = new_store(path, &store, err);
  if (status == FR_OK)
    status = make_parent(store->path, err);
  if (status == FR_OK)
    status = open_database(store, err);
  return settle(store, status, out);
}

enum fr_status fr_store_open_read(const char *path, fr_store **out, fr_error *err) {
  fr_store *store = NULL;
  enum fr_status status = new_store(path, &store, err);
  if (status == FR_OK)
    status = open_for_reading(store, err);
  return settle(store, status, out);
}

void fr_store_close(fr_store *store) {
  if (store == NULL)
    return;
  for (size_t i = 0; i < SQL_COUNT; i++)
    sqlite3_finalize(store->kept[i]);
  sqlite3_close(store->db);
  free(store->path);
  free(store);
}

const char *fr_store_path(const fr_store *store) { return store->path; }
