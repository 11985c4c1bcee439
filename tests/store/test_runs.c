/* SPDX-License-Identifier: Apache-2.0 */
/* A run comes back as it was begun and ended; cells are found by key; lists are newest
 * first. */
#include "place.h"

static int64_t begin(fr_store *store, int64_t parent, const char *name, const char *key) {
  int64_t id = 0;
  const fr_run run = {.parent = parent,
                      .command = (char[]){"cell"},
                      .name = (char *)(uintptr_t)name,
                      .key = (char *)(uintptr_t)key,
                      .argv = (char[]){"[\"frugal\"]"}};
  assert_int_equal(fr_store_run_begin(store, &run, &id, NULL), FR_OK);
  return id;
}

static void a_run_comes_back(void **state) {
  fr_store *store = place_open(*state);
  const int64_t id = begin(store, 0, "o'clock \"é\"", "k");
  fr_run run = {0};
  assert_int_equal(fr_store_run_get(store, id, &run, NULL), FR_OK);
  assert_int_equal(run.id, id);
  assert_int_equal(run.parent, 0);
  assert_string_equal(run.command, "cell");
  assert_string_equal(run.name, "o'clock \"é\"");
  assert_string_equal(run.state, "running");
  assert_string_equal(run.host, "");
  assert_true(run.started_utc_ns > 1600000000000000000);
  assert_int_equal(run.ended_utc_ns, 0);
  assert_null(run.result);
  fr_run_release(&run);

  assert_int_equal(fr_store_run_end(store, id, "done", "{\"a\":1}", NULL), FR_OK);
  assert_int_equal(fr_store_run_get(store, id, &run, NULL), FR_OK);
  assert_string_equal(run.state, "done");
  assert_string_equal(run.result, "{\"a\":1}");
  assert_true(run.ended_utc_ns >= run.started_utc_ns);
  fr_run_release(&run);
  fr_store_close(store);
}

static void what_is_not_there_is_not_found(void **state) {
  fr_store *store = place_open(*state);
  fr_run run = {0};
  fr_error err = {0};
  assert_int_equal(fr_store_run_get(store, 7, &run, &err), FR_ERR_NOT_FOUND);
  assert_non_null(strstr(err.text, "'7'"));
  assert_int_equal(fr_store_run_end(store, 7, "done", NULL, &err), FR_ERR_NOT_FOUND);
  assert_int_equal(fr_store_cell_find(store, "", &run, &err), FR_ERR_ARGUMENT);
  assert_int_equal(fr_store_cell_find(store, "x", &run, &err), FR_ERR_NOT_FOUND);
  fr_store_close(store);
}

static void refused_states_change_nothing(void **state) {
  fr_store *store = place_open(*state);
  const int64_t id = begin(store, 0, "", "");
  fr_error err = {0};
  assert_int_equal(fr_store_run_end(store, id, "perhaps", NULL, &err), FR_ERR_ARGUMENT);
  assert_true(err.text[0] != '\0');
  fr_run run = {0};
  assert_int_equal(fr_store_run_get(store, id, &run, NULL), FR_OK);
  assert_string_equal(run.state, "running");
  fr_run_release(&run);
  fr_store_close(store);
}

static void the_newest_finished_cell_is_found(void **state) {
  fr_store *store = place_open(*state);
  const int64_t study = begin(store, 0, "s", "");
  const int64_t first = begin(store, study, "first", "K");
  const int64_t second = begin(store, study, "second", "K");
  begin(store, study, "unfinished", "K");
  const int64_t bad = begin(store, study, "failed", "K");
  assert_int_equal(fr_store_run_end(store, first, "done", "1", NULL), FR_OK);
  assert_int_equal(fr_store_run_end(store, second, "done", "2", NULL), FR_OK);
  assert_int_equal(fr_store_run_end(store, bad, "failed", NULL, NULL), FR_OK);
  fr_run run = {0};
  assert_int_equal(fr_store_cell_find(store, "K", &run, NULL), FR_OK);
  assert_string_equal(run.name, "second");
  fr_run_release(&run);
  fr_store_close(store);
}

typedef struct names {
  char text[256];
  size_t stop_after, count;
} names;

static bool collect(void *self, const fr_run *run) {
  names *n = self;
  strcat(n->text, run->name);
  return ++n->count != n->stop_after;
}

static void lists_are_newest_first_by_parent(void **state) {
  fr_store *store = place_open(*state);
  const int64_t a = begin(store, 0, "a", "");
  begin(store, a, "b", "");
  begin(store, 0, "c", "");
  begin(store, a, "d", "");
  names top = {0}, children = {0}, all = {0}, two = {.stop_after = 2};
  assert_int_equal(fr_store_runs(store, 0, collect, &top, NULL), FR_OK);
  assert_int_equal(fr_store_runs(store, a, collect, &children, NULL), FR_OK);
  assert_int_equal(fr_store_runs(store, -1, collect, &all, NULL), FR_OK);
  assert_int_equal(fr_store_runs(store, -1, collect, &two, NULL), FR_OK);
  assert_string_equal(top.text, "ca");
  assert_string_equal(children.text, "db");
  assert_string_equal(all.text, "dcba");
  assert_string_equal(two.text, "dc");
  fr_store_close(store);
}

static void a_parent_must_exist(void **state) {
  fr_store *store = place_open(*state);
  const fr_run run = {.parent = 99};
  int64_t id = -5;
  assert_int_equal(fr_store_run_begin(store, &run, &id, NULL), FR_ERR_ARGUMENT);
  assert_int_equal(id, -5);
  fr_store_close(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE_TEST(a_run_comes_back),
      PLACE_TEST(what_is_not_there_is_not_found),
      PLACE_TEST(refused_states_change_nothing),
      PLACE_TEST(the_newest_finished_cell_is_found),
      PLACE_TEST(lists_are_newest_first_by_parent),
      PLACE_TEST(a_parent_must_exist),
  };
  return cmocka_run_group_tests_name("store/runs", tests, NULL, NULL);
}
