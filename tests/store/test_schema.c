/* SPDX-License-Identifier: Apache-2.0 */
/* What is not our database, or is one of a newer version, is refused in one sentence. */
#include "place.h"

#include <sqlite3.h>
#include <sys/stat.h>

static void execute(const place *p, const char *sql) {
  sqlite3 *db = NULL;
  mkdir(p->directory, 0700);
  char deep[96];
  snprintf(deep, sizeof deep, "%s/deep", p->directory);
  mkdir(deep, 0700);
  assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

static void a_newer_schema_is_refused(void **state) {
  const place *p = *state;
  fr_store_close(place_open(p));
  execute(p, "PRAGMA user_version = 999");
  fr_store *store = NULL;
  fr_error err = {0};
  assert_int_equal(fr_store_open(p->path, &store, &err), FR_ERR_UNSUPPORTED);
  assert_null(store);
  assert_non_null(strstr(err.text, "schema 999"));
}

static void another_programs_file_is_refused(void **state) {
  const place *p = *state;
  execute(p, "CREATE TABLE photos(id)");
  fr_store *store = NULL;
  fr_error err = {0};
  assert_int_equal(fr_store_open(p->path, &store, &err), FR_ERR_FORMAT);
  assert_non_null(strstr(err.text, "another program"));
}

static void a_file_of_noise_is_refused(void **state) {
  const place *p = *state;
  execute(p, "SELECT 1");
  FILE *file = fopen(p->path, "wb");
  assert_non_null(file);
  for (int i = 0; i < 4096; i++)
    fputc(i * 7 & 0xff, file);
  fclose(file);
  fr_store *store = NULL;
  fr_error err = {0};
  assert_int_equal(fr_store_open(p->path, &store, &err), FR_ERR_FORMAT);
  assert_null(store);
}

static void a_directory_is_refused(void **state) {
  const place *p = *state;
  fr_store *store = NULL;
  fr_error err = {0};
  assert_int_not_equal(fr_store_open(p->directory, &store, &err), FR_OK);
  assert_non_null(strstr(err.text, p->directory));
}

static void the_default_lies_in_the_data_home(void **state) {
  const place *p = *state;
  char home[96];
  snprintf(home, sizeof home, "%s/deep", p->directory);
  setenv("XDG_DATA_HOME", home, 1);
  fr_store *store = NULL;
  assert_int_equal(fr_store_open(NULL, &store, NULL), FR_OK);
  char wanted[128];
  snprintf(wanted, sizeof wanted, "%s/frugal/runs.sqlite", home);
  assert_string_equal(fr_store_path(store), wanted);
  fr_store_close(store);
  remove(wanted);
  snprintf(wanted, sizeof wanted, "%s/frugal", home);
  remove(wanted);
}

/* As the first schema was written. */
static const char first_schema[] =
    "CREATE TABLE runs("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " parent INTEGER REFERENCES runs(id) ON DELETE CASCADE,"
    " command TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL,"
    " state TEXT NOT NULL CHECK(state IN ('running', 'done', 'failed')),"
    " argv TEXT NOT NULL, version TEXT NOT NULL, host TEXT NOT NULL, cpu TEXT NOT NULL,"
    " started INTEGER NOT NULL, ended INTEGER, result TEXT);"
    "CREATE TABLE samples(id INTEGER PRIMARY KEY,"
    " run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,"
    " t_ns INTEGER NOT NULL, power_w REAL, energy_j REAL, program_j REAL);"
    "INSERT INTO runs VALUES(7, NULL, 'train', 'n', 'k', 'done', '', '', '', '', 1, 2,"
    " '{}');"
    "INSERT INTO samples VALUES(1, 7, 1000000000, 5.0, 5.0, 1.0);"
    "PRAGMA application_id = 1718773612; PRAGMA user_version = 1;";

static void check_old_run(fr_store *store) {
  fr_run run = {0};
  fr_store_power power = {0};
  assert_int_equal(fr_store_run_get(store, 7, &run, NULL), FR_OK);
  assert_string_equal(run.state, "done");
  fr_run_release(&run);
  assert_int_equal(fr_store_cell_find(store, "k", &run, NULL), FR_OK);
  fr_run_release(&run);
  assert_int_equal(fr_store_power_of(store, 7, &power, NULL), FR_OK);
  assert_int_equal(power.count, 1);
  assert_true(power.mean_w == 5.0);
}

static void an_older_schema_is_read_as_it_is(void **state) {
  const place *p = *state;
  execute(p, first_schema);
  fr_store *store = NULL;
  assert_int_equal(fr_store_open_read(p->path, &store, NULL), FR_OK);
  check_old_run(store);
  fr_store_close(store);
  execute(p, "UPDATE runs SET name = 'm' WHERE (SELECT count(*) FROM sqlite_master) = 3");
}

static void an_older_schema_is_brought_up(void **state) {
  const place *p = *state;
  execute(p, first_schema);
  for (int twice = 0; twice < 2; twice++) {
    fr_store *store = place_open(p);
    check_old_run(store);
    int64_t id = 0;
    const double domain_w = 2;
    const fr_store_sample sample = {.t_ns = 1, .domains = 1, .domain_w = &domain_w};
    assert_int_equal(fr_store_run_begin(store, &(fr_run){0}, &id, NULL), FR_OK);
    assert_int_equal(fr_store_samples(store, id, &sample, 1, NULL), FR_OK);
    fr_store_close(store);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE_TEST(a_newer_schema_is_refused),
      PLACE_TEST(an_older_schema_is_read_as_it_is),
      PLACE_TEST(an_older_schema_is_brought_up),
      PLACE_TEST(another_programs_file_is_refused),
      PLACE_TEST(a_file_of_noise_is_refused),
      PLACE_TEST(a_directory_is_refused),
      PLACE_TEST(the_default_lies_in_the_data_home),
  };
  return cmocka_run_group_tests_name("store/schema", tests, NULL, NULL);
}
