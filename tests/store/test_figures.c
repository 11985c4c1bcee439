/* SPDX-License-Identifier: Apache-2.0 */
/* Measures keep their bounds, unit and source; what was not measured is NULL, not 0. */
#include "place.h"

#include <math.h>
#include <sqlite3.h>

typedef struct seen {
  size_t count;
  char name[4][32];
  fr_measure m[4];
} seen;

static bool keep(void *self, const char *name, fr_measure m) {
  seen *s = self;
  snprintf(s->name[s->count], sizeof s->name[0], "%s", name);
  s->m[s->count++] = m;
  return s->count < 4;
}

static int64_t begin(fr_store *store) {
  int64_t id = 0;
  assert_int_equal(fr_store_run_begin(store, &(fr_run){0}, &id, NULL), FR_OK);
  return id;
}

static void measures_come_back(void **state) {
  fr_store *store = place_open(*state);
  const int64_t id = begin(store);
  const fr_measure energy = {1.5, 1.25, 2.75, FR_UNIT_JOULE, FR_SOURCE_POWERCAP};
  assert_int_equal(fr_store_figure(store, id, "energy", energy, NULL), FR_OK);
  assert_int_equal(
      fr_store_figure(store, id, "delta", fr_measure_absent(FR_UNIT_JOULE), NULL), FR_OK);
  seen s = {0};
  assert_int_equal(fr_store_figures(store, id, keep, &s, NULL), FR_OK);
  assert_int_equal(s.count, 2);
  assert_string_equal(s.name[0], "delta");
  assert_false(fr_measure_known(s.m[0]));
  assert_int_equal(s.m[0].unit, FR_UNIT_JOULE);
  assert_string_equal(s.name[1], "energy");
  assert_memory_equal(&s.m[1], &energy, sizeof energy);
  fr_store_close(store);
}

static void an_absent_measure_is_null_in_the_file(void **state) {
  const place *p = *state;
  fr_store *store = place_open(p);
  const int64_t id = begin(store);
  assert_int_equal(
      fr_store_figure(store, id, "delta", fr_measure_absent(FR_UNIT_JOULE), NULL), FR_OK);
  fr_store_close(store);
  sqlite3 *db = NULL;
  sqlite3_stmt *ask = NULL;
  assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT value, low, high, source FROM figures",
                                      -1, &ask, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_step(ask), SQLITE_ROW);
  for (int i = 0; i < 3; i++)
    assert_int_equal(sqlite3_column_type(ask, i), SQLITE_NULL);
  assert_string_equal((const char *)sqlite3_column_text(ask, 3), "none");
  sqlite3_finalize(ask);
  sqlite3_close(db);
}

static void a_figure_is_replaced_and_nan_refused(void **state) {
  fr_store *store = place_open(*state);
  const int64_t id = begin(store);
  fr_measure m = {1, 1, 1, FR_UNIT_WATT, FR_SOURCE_MODEL};
  assert_int_equal(fr_store_figure(store, id, "power", m, NULL), FR_OK);
  m.value = m.low = m.high = 2;
  assert_int_equal(fr_store_figure(store, id, "power", m, NULL), FR_OK);
  m.value = NAN;
  assert_int_equal(fr_store_figure(store, id, "power", m, NULL), FR_ERR_NUMERIC);
  seen s = {0};
  assert_int_equal(fr_store_figures(store, id, keep, &s, NULL), FR_OK);
  assert_int_equal(s.count, 1);
  assert_true(s.m[0].value == 2.0);
  assert_int_equal(fr_store_figure(store, 77, "power", s.m[0], NULL), FR_ERR_ARGUMENT);
  fr_store_close(store);
}

typedef struct line {
  size_t count;
  fr_store_sample at[8];
} line;

static bool keep_sample(void *self, const fr_store_sample *sample) {
  line *l = self;
  l->at[l->count++] = *sample;
  return l->count < 8;
}

static void samples_come_back_in_time_order(void **state) {
  fr_store *store = place_open(*state);
  const int64_t id = begin(store), other = begin(store);
  const fr_store_sample late[] = {
      {.t_ns = 200, .power_w = 3, .energy_j = 2, .program_j = 1},
      {.t_ns = 300, .power_w = 4, .energy_j = 3, .program_j = 1.5}};
  const fr_store_sample early[] = {
      {.t_ns = 100, .power_w = 2, .energy_j = 1, .program_j = 0.5}};
  assert_int_equal(fr_store_samples(store, id, late, 2, NULL), FR_OK);
  assert_int_equal(fr_store_samples(store, id, early, 1, NULL), FR_OK);
  assert_int_equal(fr_store_samples(store, other, early, 1, NULL), FR_OK);
  line l = {0};
  assert_int_equal(fr_store_samples_each(store, id, keep_sample, &l, NULL), FR_OK);
  assert_int_equal(l.count, 3);
  assert_int_equal(l.at[0].t_ns, 100);
  assert_int_equal(l.at[2].t_ns, 300);
  assert_true(l.at[2].program_j == 1.5);
  fr_store_close(store);
}

static void samples_of_no_run_leave_nothing(void **state) {
  fr_store *store = place_open(*state);
  const fr_store_sample sample = {.t_ns = 1, .power_w = 1};
  assert_int_equal(fr_store_samples(store, 5, &sample, 1, NULL), FR_ERR_ARGUMENT);
  const int64_t id = begin(store); /* the transaction is over */
  assert_int_equal(fr_store_samples(store, id, &sample, 1, NULL), FR_OK);
  fr_store_close(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE_TEST(measures_come_back),
      PLACE_TEST(an_absent_measure_is_null_in_the_file),
      PLACE_TEST(a_figure_is_replaced_and_nan_refused),
      PLACE_TEST(samples_come_back_in_time_order),
      PLACE_TEST(samples_of_no_run_leave_nothing),
  };
  return cmocka_run_group_tests_name("store/figures", tests, NULL, NULL);
}
