/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the store share. */
#ifndef FR_STORE_STORE_H
#define FR_STORE_STORE_H

#include "frugal/store.h"

#include <sqlite3.h>

#define FR__STORE_VERSION 1 /* of the schema, in user_version */
/* "frgl" in application_id: whose file this is */
#define FR__STORE_APPLICATION 0x6672676c
#define FR__STORE_TEXT_CEILING ((size_t)64 << 20) /* bytes of one text */

/* Statements that are prepared once a handle, at first use. */
#define FR__STORE_SQL_TABLE(X)                                                           \
  X(SQL_RUN_BEGIN, "INSERT INTO runs(parent, command, name, key, state, argv, version,"  \
                   " host, cpu, started)"                                                \
                   " VALUES(?1, ?2, ?3, ?4, 'running', ?5, ?6, ?7, ?8, ?9)")             \
  X(SQL_RUN_END, "UPDATE runs SET state = ?2, result = ?3, ended = ?4 WHERE id = ?1")    \
  X(SQL_FIGURE, "INSERT OR REPLACE INTO"                                                 \
                " figures(run, name, value, low, high, unit, source)"                    \
                " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                   \
  X(SQL_SAMPLE, "INSERT INTO samples(run, t_ns, power_w, energy_j, program_j)"           \
                " VALUES(?1, ?2, ?3, ?4, ?5)")

enum fr__store_sql {
#define FR__STORE_SQL_ENUM(id, text) id,
  FR__STORE_SQL_TABLE(FR__STORE_SQL_ENUM)
#undef FR__STORE_SQL_ENUM
      SQL_COUNT
};

struct fr_store {
  sqlite3 *db;
  char *path; /* owned */
  sqlite3_stmt *kept[SQL_COUNT];
};

/* Turns what SQLite last said into a status and a sentence about `doing`. */
enum fr_status fr__store_fail(const fr_store *store, const char *doing, fr_error *err);

/* The kept statement, ready for binding; NULL after a failure. */
sqlite3_stmt *fr__store_take(fr_store *store, enum fr__store_sql which, fr_error *err);

/* A statement of the caller's own (finalize it): walks may be nested. */
enum fr_status fr__store_prepare(fr_store *store, const char *sql, sqlite3_stmt **out,
                                 fr_error *err);

#endif
