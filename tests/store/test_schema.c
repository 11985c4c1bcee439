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

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE_TEST(a_newer_schema_is_refused),
      PLACE_TEST(another_programs_file_is_refused),
      PLACE_TEST(a_file_of_noise_is_refused),
      PLACE_TEST(a_directory_is_refused),
      PLACE_TEST(the_default_lies_in_the_data_home),
  };
  return cmocka_run_group_tests_name("store/schema", tests, NULL, NULL);
}
