/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the store share. */
#ifndef FR_STORE_STORE_H
#define FR_STORE_STORE_H

#include "frugal/store.h"

#include <sqlite3.h>

#define FR__STORE_VERSION 3 /* of the schema, in user_version */
/* "frgl" in application_id: whose file this is */
#define FR__STORE_APPLICATION 0x6672676c
#define FR__STORE_TEXT_CEILING ((size_t)64 << 20) /* bytes of one text */

/* Statements that are prepared once a handle, at first use. */
#define FR__STORE_SQL_TABLE(X)                                                           \
  X(SQL_RUN_BEGIN, "INSERT INTO runs(parent, command, name, key, state, argv, version,"  \
                   " host, cpu, started, boot, pid, pid_start)"                          \
                   " VALUES(?1, ?2, ?3, ?4, 'running', ?5, ?6, ?7, ?8, ?9, ?10, ?11,"    \
                   " ?12)")                                                              \
  X(SQL_RUN_END, "UPDATE runs SET state = ?2, result = ?3, ended = ?4 WHERE id = ?1")    \
  X(SQL_RUN_SO_FAR, "UPDATE runs SET result = ?2 WHERE id = ?1 AND state = 'running'")   \
  X(SQL_FIGURE, "INSERT OR REPLACE INTO"                                                 \
                " figures(run, name, value, low, high, unit, source)"                    \
                " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                   \
  X(SQL_SAMPLE, "INSERT INTO samples(run, t_ns, power_w, energy_j, program_j, marked,"   \
                " domain_w) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                         \
  X(SQL_DOMAIN, "INSERT OR REPLACE INTO domains(run, number, name) VALUES(?1, ?2, ?3)")  \
  X(SQL_PHASE, "INSERT OR REPLACE INTO phases(run, number, path, begin_ns, end_ns)"      \
               " VALUES(?1, ?2, ?3, ?4, ?5)")                                            \
  X(SQL_OPENING,                                                                         \
    "INSERT INTO openings(protocol, run, opened, command, data, terms, network, model,"  \
    " seed) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")                                 \
  X(SQL_OPENING_FOUND,                                                                   \
    "UPDATE openings SET accuracy = ?2, macro_f1 = ?3, weighted_f1 = ?4,"                \
    " balanced_accuracy = ?5 WHERE id = ?1")                                             \
  X(SQL_OPENINGS, "SELECT count(*) FROM openings WHERE protocol = ?1 AND id <= ?2")

enum fr__store_sql {
#define FR__STORE_SQL_ENUM(id, text) id,
  FR__STORE_SQL_TABLE(FR__STORE_SQL_ENUM)
#undef FR__STORE_SQL_ENUM
      SQL_COUNT
};

struct fr_store {
  sqlite3 *db;
  char *path;  /* owned */
  int version; /* of the file's schema: an older one where it is only read */
  sqlite3_stmt *kept[SQL_COUNT];
};

/* Turns what SQLite last said into a status and a sentence about `doing`. */
enum fr_status fr__store_fail(const fr_store *store, const char *doing, fr_error *err);

/* The kept statement, ready for binding; NULL after a failure. */
sqlite3_stmt *fr__store_take(fr_store *store, enum fr__store_sql which, fr_error *err);

/* A statement of the caller's own (finalize it): walks may be nested. */
enum fr_status fr__store_prepare(fr_store *store, const char *sql, sqlite3_stmt **out,
                                 fr_error *err);

/* ---- who is alive ---- */

/* Which process began a run, so that others can tell whether it is still there. */
typedef struct fr__life {
  char boot[96]; /* the boot's identity and the process numbers' namespace; "": unknown */
  int64_t pid;
  int64_t start; /* of the process, in ticks since boot */
} fr__life;

/* This process. */
void fr__life_own(fr__life *out);

/* Whether the process is certainly gone; `host` is the run's: another boot there is a
 * machine started anew, elsewhere it is another machine, of which nothing is known. */
bool fr__life_gone(const fr__life *life, const char *host);

#endif
