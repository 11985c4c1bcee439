/* SPDX-License-Identifier: Apache-2.0 */
/* The power timeline of a run: domains, samples, stretches of phases. */
#include "store/store.h"

#include "base/buf.h"
#include "base/csv.h"
#include "base/error.h"

#include <math.h>
#include <string.h>

/* One row; what is bound stays the caller's. */
static enum fr_status put(fr_store *store, sqlite3_stmt *row, const char *doing,
                          fr_error *err) {
  const bool stored = sqlite3_step(row) == SQLITE_DONE;
  const enum fr_status status = stored ? FR_OK : fr__store_fail(store, doing, err);
  sqlite3_reset(row);
  sqlite3_clear_bindings(row);
  return status;
}

typedef enum fr_status put_row(fr_store *store, int64_t run, const void *rows, size_t i,
                               fr_error *err);

/* All rows or none; for nothing no lock is taken. */
static enum fr_status put_all(fr_store *store, int64_t run, const void *rows,
                              size_t count, put_row *row, const char *doing,
                              fr_error *err) {
  if (count == 0)
    return FR_OK;
  if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
    return fr__store_fail(store, doing, err);
  enum fr_status status = FR_OK;
  for (size_t i = 0; i < count && status == FR_OK; i++)
    status = row(store, run, rows, i, err);
  if (status == FR_OK && sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
    status = fr__store_fail(store, doing, err);
  if (status != FR_OK)
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
  return status;
}

/* ---- domains ---- */

static enum fr_status put_domain(fr_store *store, int64_t run, const void *rows, size_t i,
                                 fr_error *err) {
  const char *const *const name = rows;
  sqlite3_stmt *row = fr__store_take(store, SQL_DOMAIN, err);
  if (row == NULL)
    return FR_ERR_IO;
  sqlite3_bind_int64(row, 1, run);
  sqlite3_bind_int64(row, 2, (int64_t)i);
  sqlite3_bind_text(row, 3, name[i], -1, SQLITE_STATIC);
  return put(store, row, "write a domain to", err);
}

enum fr_status fr_store_domains(fr_store *store, int64_t run, const char *const *name,
                                size_t count, fr_error *err) {
  if (count > FR_STORE_DOMAINS)
    return fr__fail(err, FR_ERR_LIMIT, "more than %d domains", FR_STORE_DOMAINS);
  return put_all(store, run, name, count, put_domain, "write domains to", err);
}

/* ---- samples ---- */

/* "[12.5,null,3]", as JSON functions of SQLite and everyone else reads it. */
static void format_domains(const fr_store_sample *sample, fr__buf *out) {
  for (size_t i = 0; i < sample->domains; i++) {
    fr__buf_add(out, i == 0 ? "[" : ",");
    if (isfinite(sample->domain_w[i]))
      fr__buf_printf(out, "%.6g", sample->domain_w[i]);
    else
      fr__buf_add(out, "null");
  }
  fr__buf_add(out, "]");
}

static enum fr_status put_sample(fr_store *store, int64_t run, const void *rows, size_t i,
                                 fr_error *err) {
  const fr_store_sample *const sample = (const fr_store_sample *)rows + i;
  if (sample->domains > FR_STORE_DOMAINS)
    return fr__fail(err, FR_ERR_LIMIT, "more than %d domains", FR_STORE_DOMAINS);
  sqlite3_stmt *row = fr__store_take(store, SQL_SAMPLE, err);
  if (row == NULL)
    return FR_ERR_IO;
  fr__buf domains;
  fr__buf_init(&domains, 0);
  sqlite3_bind_int64(row, 1, run);
  sqlite3_bind_int64(row, 2, (int64_t)sample->t_ns);
  sqlite3_bind_double(row, 3, sample->power_w);
  sqlite3_bind_double(row, 4, sample->energy_j);
  sqlite3_bind_double(row, 5, sample->program_j);
  sqlite3_bind_int64(row, 6, sample->marked);
  if (sample->domains > 0) {
    format_domains(sample, &domains);
    sqlite3_bind_text(row, 7, fr__buf_text(&domains), -1, SQLITE_STATIC);
  }
  const enum fr_status status = domains.status == FR_OK
                                    ? put(store, row, "write a sample to", err)
                                    : fr__fail_memory(err, "a sample");
  fr__buf_release(&domains);
  return status;
}

enum fr_status fr_store_samples(fr_store *store, int64_t run,
                                const fr_store_sample *sample, size_t count,
                                fr_error *err) {
  return put_all(store, run, sample, count, put_sample, "write samples to", err);
}

/* ---- phases ---- */

static enum fr_status put_phase(fr_store *store, int64_t run, const void *rows, size_t i,
                                fr_error *err) {
  const fr_store_phase *const phase = (const fr_store_phase *)rows + i;
  sqlite3_stmt *row = fr__store_take(store, SQL_PHASE, err);
  if (row == NULL)
    return FR_ERR_IO;
  sqlite3_bind_int64(row, 1, run);
  sqlite3_bind_int64(row, 2, phase->number);
  sqlite3_bind_text(row, 3, phase->path, -1, SQLITE_STATIC);
  sqlite3_bind_int64(row, 4, (int64_t)phase->begin_ns);
  if (phase->end_ns != 0)
    sqlite3_bind_int64(row, 5, (int64_t)phase->end_ns);
  return put(store, row, "write a phase to", err);
}

enum fr_status fr_store_phases(fr_store *store, int64_t run, const fr_store_phase *phase,
                               size_t count, fr_error *err) {
  return put_all(store, run, phase, count, put_phase, "write phases to", err);
}

/* ---- reading ---- */

typedef bool take_row(sqlite3_stmt *from, void *to);

static enum fr_status walk(fr_store *store, int64_t run, const char *sql, take_row *take,
                           void *to, fr_error *err) {
  sqlite3_stmt *rows = NULL;
  enum fr_status status = fr__store_prepare(store, sql, &rows, err);
  if (status == FR_OK)
    sqlite3_bind_int64(rows, 1, run);
  bool more = true;
  while (status == FR_OK && more) {
    const int code = sqlite3_step(rows);
    if (code == SQLITE_DONE)
      break;
    if (code == SQLITE_ROW)
      more = take(rows, to);
    else
      status = fr__store_fail(store, "read", err);
  }
  sqlite3_finalize(rows);
  return status;
}

/* A file of the first schema, opened for reading, has neither domains nor phases. */
static bool is_old(const fr_store *store) { return store->version < 2; }

typedef struct sample_walk {
  bool (*each)(void *self, const fr_store_sample *sample);
  void *self;
} sample_walk;

static size_t parse_domains(const char *text, double domain_w[FR_STORE_DOMAINS]) {
  size_t count = 0;
  if (text == NULL || *text != '[')
    return 0;
  const char *const end = text + strlen(text);
  while (count < FR_STORE_DOMAINS && *text != ']' && text < end) {
    const char *const number = text + 1;
    const char *behind = fr__scan_number(number, end, &domain_w[count]);
    if (behind == NULL && strncmp(number, "null", 4) == 0) {
      domain_w[count] = NAN;
      behind = number + 4;
    }
    if (behind == NULL || (*behind != ',' && *behind != ']'))
      return count;
    count++;
    text = behind;
  }
  return count;
}

/* SQLite keeps NaN as NULL. */
static double number_of(sqlite3_stmt *from, int column) {
  return sqlite3_column_type(from, column) == SQLITE_NULL
             ? (double)NAN
             : sqlite3_column_double(from, column);
}

static bool take_sample(sqlite3_stmt *from, void *to) {
  const sample_walk *const w = to;
  double domain_w[FR_STORE_DOMAINS];
  const size_t domains =
      parse_domains((const char *)sqlite3_column_text(from, 5), domain_w);
  return w->each(w->self,
                 &(fr_store_sample){.t_ns = (uint64_t)sqlite3_column_int64(from, 0),
                                    .power_w = number_of(from, 1),
                                    .energy_j = number_of(from, 2),
                                    .program_j = number_of(from, 3),
                                    .marked = sqlite3_column_int64(from, 4) != 0,
                                    .domains = domains,
                                    .domain_w = domains > 0 ? domain_w : NULL});
}

enum fr_status fr_store_samples_each(fr_store *store, int64_t run,
                                     bool (*each)(void *self,
                                                  const fr_store_sample *sample),
                                     void *self, fr_error *err) {
  return walk(store, run,
              is_old(store) ? "SELECT t_ns, power_w, energy_j, program_j, 0, NULL"
                              " FROM samples WHERE run = ?1 ORDER BY t_ns, id"
                            : "SELECT t_ns, power_w, energy_j, program_j, marked,"
                              " domain_w FROM samples WHERE run = ?1 ORDER BY t_ns, id",
              take_sample, &(sample_walk){each, self}, err);
}

typedef struct phase_walk {
  bool (*each)(void *self, const fr_store_phase *phase);
  void *self;
} phase_walk;

static bool take_phase(sqlite3_stmt *from, void *to) {
  const phase_walk *const w = to;
  const char *path = (const char *)sqlite3_column_text(from, 1);
  return w->each(w->self,
                 &(fr_store_phase){.number = sqlite3_column_int64(from, 0),
                                   .path = path != NULL ? path : "",
                                   .begin_ns = (uint64_t)sqlite3_column_int64(from, 2),
                                   .end_ns = (uint64_t)sqlite3_column_int64(from, 3)});
}

enum fr_status fr_store_phases_each(fr_store *store, int64_t run,
                                    bool (*each)(void *self, const fr_store_phase *phase),
                                    void *self, fr_error *err) {
  return is_old(store)
             ? FR_OK
             : walk(store, run,
                    "SELECT number, path, begin_ns, end_ns FROM phases WHERE run = ?1"
                    " ORDER BY begin_ns, number",
                    take_phase, &(phase_walk){each, self}, err);
}

typedef struct domain_walk {
  bool (*each)(void *self, const char *name);
  void *self;
} domain_walk;

static bool take_domain(sqlite3_stmt *from, void *to) {
  const domain_walk *const w = to;
  const char *name = (const char *)sqlite3_column_text(from, 0);
  return w->each(w->self, name != NULL ? name : "");
}

enum fr_status fr_store_domains_each(fr_store *store, int64_t run,
                                     bool (*each)(void *self, const char *name),
                                     void *self, fr_error *err) {
  return is_old(store)
             ? FR_OK
             : walk(store, run,
                    "SELECT name FROM domains WHERE run = ?1 ORDER BY number LIMIT 64",
                    take_domain, &(domain_walk){each, self}, err);
}

/* ---- what it comes to ---- */

typedef struct sum {
  fr_store_power power;
  double power_s; /* watts times seconds */
  double span_s;  /* seconds of known power; negative: none yet */
  double usual_s; /* how long the first sample was */
  bool known;     /* a sample was fit for least and most */
} sum;

static bool add_sample(void *self, const fr_store_sample *sample) {
  sum *const s = self;
  fr_store_power *const p = &s->power;
  const double watts = sample->power_w;
  const double span_s = ((double)sample->t_ns - (double)p->last_ns) * 1e-9;
  if (isfinite(watts) && span_s > 0) { /* a log's first row is of no time */
    /* as a meter does (fr_meter_report): what stop cut off, and estimates, are neither */
    if (!sample->marked && span_s >= s->usual_s / 2) {
      p->min_w = s->known ? fmin(p->min_w, watts) : watts;
      p->max_w = s->known ? fmax(p->max_w, watts) : watts;
      s->known = true;
    }
    s->span_s = fmax(s->span_s, 0) + span_s;
    s->power_s += watts * span_s;
  }
  s->usual_s = s->usual_s > 0 ? s->usual_s : span_s;
  p->count++;
  p->marked += sample->marked;
  p->last_ns = sample->t_ns;
  p->energy_j = sample->energy_j;
  p->program_j = sample->program_j;
  return true;
}

enum fr_status fr_store_power_of(fr_store *store, int64_t run, fr_store_power *out,
                                 fr_error *err) {
  sum s = {.span_s = -1};
  const enum fr_status status = fr_store_samples_each(store, run, add_sample, &s, err);
  if (status != FR_OK)
    return status;
  fr_store_power *const p = &s.power;
  p->mean_w = s.span_s > 0 ? s.power_s / s.span_s : p->max_w;
  p->min_w = s.known ? fmin(p->min_w, p->mean_w) : p->mean_w;
  p->max_w = s.known ? fmax(p->max_w, p->mean_w) : p->mean_w;
  if (s.span_s < 0)
    s.power.min_w = s.power.mean_w = s.power.max_w = (double)NAN;
  *out = s.power;
  return FR_OK;
}
