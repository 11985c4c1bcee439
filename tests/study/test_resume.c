/* SPDX-License-Identifier: Apache-2.0 */
/* A study runs, is interrupted and goes on without repeating what is finished. */
#include "place.h"

#include "base/error.h"

#include <math.h>
#include <unistd.h>

typedef struct watcher {
  size_t stop_at; /* runs done; SIZE_MAX: never */
  fr_study_progress last;
} watcher;

static void on_progress(void *self, const fr_study_progress *progress) {
  watcher *w = self;
  w->last = *progress;
}

static bool may_go_on(void *self) {
  const watcher *w = self;
  return w->last.done < w->stop_at;
}

static enum fr_status run(const place *p, const char *yaml, watcher *w, json_t **result,
                          fr_error *err) {
  fr_study *study = yaml_study(yaml);
  const fr_study_options options = {.store = p->store,
                                    .argv = "[\"frugal\"]",
                                    .progress = on_progress,
                                    .may_go_on = may_go_on,
                                    .self = w};
  int64_t id = 0;
  const enum fr_status status = fr_study_run(study, &options, &id, err);
  fr_run stored = {0};
  assert_int_equal(fr_store_run_get(p->store, id, &stored, NULL), FR_OK);
  assert_string_equal(stored.command, "study");
  assert_string_equal(stored.state, status == FR_OK ? "done" : "failed");
  if (status == FR_OK)
    *result = json_loads(stored.result, 0, NULL);
  fr_run_release(&stored);
  fr_study_free(study);
  return status;
}

static json_t *run_whole(const place *p, const char *yaml, watcher *w) {
  json_t *result = NULL;
  fr_error err = {0};
  w->stop_at = SIZE_MAX;
  if (run(p, yaml, w, &result, &err) != FR_OK)
    fail_msg("%s", err.text);
  assert_non_null(result);
  return result;
}

static bool count_cells(void *self, const fr_run *r) {
  *(size_t *)self += strcmp(r->command, "cell") == 0 && strcmp(r->state, "done") == 0;
  return true;
}

static size_t finished(const place *p) {
  size_t count = 0;
  assert_int_equal(fr_store_runs(p->store, -1, count_cells, &count, NULL), FR_OK);
  return count;
}

static size_t reused(const json_t *result) {
  return (size_t)json_integer_value(json_object_get(result, "reused"));
}

static void the_result_is_whole(const json_t *result) {
  static const struct {
    const char *key;
    size_t count;
  } lists[] = {{"cells", 20},     {"ratios", 105}, {"claims", 2},
               {"break_even", 5}, {"runs", 18},    {"equivalents", 7}};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    assert_int_equal(json_array_size(json_object_get(result, lists[i].key)),
                     lists[i].count);
  const json_t *cell = json_array_get(json_object_get(result, "cells"), 1);
  assert_string_equal(json_string_value(json_object_get(cell, "name")), "RMB");
  assert_string_equal(json_string_value(json_object_get(cell, "mechanism")), "append");
  assert_true(fr__row_value(cell, "program") > 0.0);
  assert_true(fr__row_value(cell, "accuracy") > 0.0);
  assert_true(fr__row_value(cell, "pretraining") > 0.0);
  assert_true(fr__row_value(result, "grams") > 0.0);
}

/* Nine cells, two repeats. */
static void a_study_stops_and_goes_on(void **state) {
  const place *p = *state;
  watcher w = {.stop_at = 7};
  json_t *result = NULL;
  fr_error err = {0};
  assert_int_equal(run(p, YAML_TINY, &w, &result, &err), FR_ERR_CANCELLED);
  const size_t before = finished(p);
  assert_true(before >= 7 && before < 18);

  result = run_whole(p, YAML_TINY, &w);
  assert_int_equal(reused(result), before);
  assert_int_equal(finished(p), 18);
  assert_int_equal(w.last.done, 18);
  assert_int_equal(w.last.cells, 18);
  the_result_is_whole(result);
  json_t *again = run_whole(p, YAML_TINY, &w);
  assert_int_equal(reused(again), 18);
  assert_int_equal(finished(p), 18);
  /* figures of cells come from the store alone */
  assert_true(
      json_equal(json_object_get(result, "cells"), json_object_get(again, "cells")));
  assert_true(
      json_equal(json_object_get(result, "ratios"), json_object_get(again, "ratios")));
  json_decref(again);
  json_decref(result);
}

#define SMALL(training)                                                                  \
  "name: s\nrepeats: 1\ntraining: " training "\n"                                        \
  "networks: [{code: S, name: small, arch: 'dense(4) relu dense(classes)'}]\n" YAML_DATA \
  "mechanisms: [{name: append}]\n"                                                       \
  "groups: [{name: g, data: [M], mechanisms: [append], source: E}]\n"

static void a_changed_setting_runs_anew(void **state) {
  const place *p = *state;
  watcher w = {0};
  json_t *first = run_whole(p, SMALL("{epochs: 2}"), &w);
  json_t *same = run_whole(p, SMALL("{epochs: 2, batch: 64}"), &w); /* the default */
  json_t *other = run_whole(p, SMALL("{epochs: 2, learning-rate: 0.01}"), &w);
  assert_int_equal(reused(first), 0);
  assert_int_equal(reused(same), 3);
  assert_int_equal(reused(other), 0);
  assert_int_equal(finished(p), 6);
  json_decref(first);
  json_decref(same);
  json_decref(other);
}

static void a_lost_network_is_trained_again(void **state) {
  const place *p = *state;
  watcher w = {0};
  char folder[sizeof p->path + 8];
  json_decref(run_whole(p, SMALL("{epochs: 2}"), &w));
  snprintf(folder, sizeof folder, "%s.cells", p->path);
  assert_int_equal(access(folder, R_OK), 0);
  test_folder_remove(strdup(folder));
  json_t *result = run_whole(p, SMALL("{epochs: 2}"), &w);
  assert_int_equal(reused(result), 2); /* all but the source */
  json_decref(result);
}

static void equal_seeds_give_equal_accuracy(void **state) {
  const place *p = *state;
  watcher w = {0};
  json_t *first = run_whole(p, SMALL("{epochs: 3}"), &w);
  char other[sizeof p->path + 16];
  snprintf(other, sizeof other, "%s/other.sqlite", p->directory);
  place q = *p;
  assert_int_equal(fr_store_open(other, &q.store, NULL), FR_OK);
  json_t *second = run_whole(&q, SMALL("{epochs: 3}"), &w);
  fr_store_close(q.store);
  for (size_t i = 0; i < 3; i++) {
    const json_t *a = json_array_get(json_object_get(first, "runs"), i);
    const json_t *b = json_array_get(json_object_get(second, "runs"), i);
    static const char *const same[] = {"train.accuracy", "test.accuracy", "train.steps"};
    for (size_t k = 0; k < 3; k++)
      assert_true(fr__row_value(a, same[k]) == fr__row_value(b, same[k]));
  }
  json_decref(first);
  json_decref(second);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_study_stops_and_goes_on, place_make,
                                      place_remove),
      cmocka_unit_test_setup_teardown(a_changed_setting_runs_anew, place_make,
                                      place_remove),
      cmocka_unit_test_setup_teardown(a_lost_network_is_trained_again, place_make,
                                      place_remove),
      cmocka_unit_test_setup_teardown(equal_seeds_give_equal_accuracy, place_make,
                                      place_remove),
  };
  return cmocka_run_group_tests_name("study/resume", tests, NULL, NULL);
}
