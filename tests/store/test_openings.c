/* SPDX-License-Identifier: Apache-2.0 */
/* Each look at a test side stays in the log, counted by what was looked at. */
#include "place.h"

#include <math.h>
#include <sqlite3.h>

static const char one[] = "00000000000000aa", other[] = "00000000000000bb";

static int64_t add(fr_store *store, const char *protocol, int64_t run, size_t expected) {
  const fr_opening opening = {.protocol = protocol,
                              .run = run,
                              .command = "test",
                              .data = "synthetic:",
                              .terms = "subject, split trial",
                              .network = "dense(2)",
                              .model = "0123456789abcdef",
                              .seed = UINT64_MAX};
  int64_t id = 0;
  size_t count = 0;
  assert_int_equal(fr_store_opening_add(store, &opening, &id, &count, NULL), FR_OK);
  assert_true(id > 0);
  assert_int_equal(count, expected);
  return id;
}

typedef struct seen {
  size_t count;
  double accuracy[4];
  int64_t run[4];
  const char *protocol[4];
} seen;

static bool see(void *self, const fr_opening *opening) {
  seen *s = self;
  assert_true(s->count < 4);
  s->accuracy[s->count] = opening->accuracy;
  s->run[s->count] = opening->run;
  s->protocol[s->count] = strcmp(opening->protocol, one) == 0 ? one : other;
  assert_true(opening->opened_utc_ns > 0 && opening->seed == UINT64_MAX);
  assert_string_equal(opening->network, "dense(2)");
  assert_string_equal(opening->terms, "subject, split trial");
  s->count++;
  return true;
}

static void openings_are_counted_by_protocol(void **state) {
  fr_store *store = place_open(*state);
  add(store, one, 0, 1);
  add(store, other, 0, 1);
  add(store, one, 0, 2);
  add(store, one, 0, 3);
  seen all = {0}, some = {0};
  assert_int_equal(fr_store_openings_each(store, NULL, see, &all, NULL), FR_OK);
  assert_int_equal(all.count, 4);
  assert_ptr_equal(all.protocol[1], other); /* in the order of time */
  assert_int_equal(fr_store_openings_each(store, one, see, &some, NULL), FR_OK);
  assert_int_equal(some.count, 3);
  fr_store_close(store);
}

/* What looked and was killed has looked. */
static void an_opening_counts_before_it_found_anything(void **state) {
  fr_store *store = place_open(*state);
  const int64_t first = add(store, one, 0, 1);
  add(store, one, 0, 2);
  const fr_opening found = {.id = first,
                            .accuracy = 0.75,
                            .macro_f1 = 0.5,
                            .weighted_f1 = 0.6,
                            .balanced_accuracy = NAN};
  assert_int_equal(fr_store_opening_found(store, &found, NULL), FR_OK);
  seen s = {0};
  assert_int_equal(fr_store_openings_each(store, one, see, &s, NULL), FR_OK);
  assert_true(s.accuracy[0] == 0.75 && isnan(s.accuracy[1]));
  fr_error err;
  const fr_opening nowhere = {.id = 99};
  assert_int_equal(fr_store_opening_found(store, &nowhere, &err), FR_ERR_NOT_FOUND);
  fr_store_close(store);
}

static void an_opening_outlives_its_run(void **state) {
  const place *p = *state;
  fr_store *store = place_open(p);
  int64_t run = 0;
  assert_int_equal(fr_store_run_begin(store, &(fr_run){0}, &run, NULL), FR_OK);
  add(store, one, run, 1);
  fr_store_close(store);
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
  assert_int_equal(
      sqlite3_exec(db, "PRAGMA foreign_keys = ON; DELETE FROM runs", NULL, NULL, NULL),
      SQLITE_OK);
  sqlite3_close(db);
  store = place_open(p);
  seen s = {0};
  assert_int_equal(fr_store_openings_each(store, NULL, see, &s, NULL), FR_OK);
  assert_int_equal(s.count, 1);
  assert_int_equal(s.run[0], 0);
  add(store, one, 0, 2);
  fr_store_close(store);
}

static void an_older_store_has_none(void **state) {
  const place *p = *state;
  fr_store_close(place_open(p));
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
  assert_int_equal(
      sqlite3_exec(db, "DROP TABLE openings; PRAGMA user_version = 2", NULL, NULL, NULL),
      SQLITE_OK);
  sqlite3_close(db);
  fr_store *store = NULL;
  seen s = {0};
  assert_int_equal(fr_store_open_read(p->path, &store, NULL), FR_OK);
  assert_int_equal(fr_store_openings_each(store, NULL, see, &s, NULL), FR_OK);
  assert_int_equal(s.count, 0);
  fr_store_close(store);
  store = place_open(p); /* which brings it up */
  add(store, one, 0, 1);
  fr_store_close(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE_TEST(openings_are_counted_by_protocol),
      PLACE_TEST(an_opening_counts_before_it_found_anything),
      PLACE_TEST(an_opening_outlives_its_run),
      PLACE_TEST(an_older_store_has_none),
  };
  return cmocka_run_group_tests_name("store/openings", tests, NULL, NULL);
}
