/* SPDX-License-Identifier: Apache-2.0 */
/* Cells side by side: the same results as one after another, and no job outlives its
 * study. */
#include "place.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "study/jobs.h"

typedef struct watcher {
  size_t stop_at, kill_at; /* runs done; SIZE_MAX: never */
  size_t most;             /* jobs that were seen at once */
  fr_study_progress last;
} watcher;

/* Processes that this one has begun and not taken leave of; kills the first, if told. */
static size_t children(bool end_one) {
  char path[64];
  size_t count = 0;
  int pid;
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  FILE *file = fopen(path, "r");
  while (file != NULL && fscanf(file, "%d", &pid) == 1)
    if (count++ == 0 && end_one)
      kill(pid, SIGKILL);
  if (file != NULL)
    fclose(file);
  return count;
}

static void on_progress(void *self, const fr_study_progress *progress) {
  watcher *w = self;
  w->last = *progress;
  const bool end_one = progress->done >= w->kill_at;
  const size_t now = children(end_one);
  w->most = now > w->most ? now : w->most;
  if (end_one)
    w->kill_at = SIZE_MAX;
}

static bool may_go_on(void *self) {
  const watcher *w = self;
  return w->last.done < w->stop_at;
}

static enum fr_status run(const place *p, size_t jobs, watcher *w, json_t **result,
                          fr_error *err) {
  fr_study *study = yaml_study(YAML_TINY);
  const fr_study_options options = {.store = p->store,
                                    .argv = "[\"frugal\"]",
                                    .jobs = jobs,
                                    .progress = on_progress,
                                    .may_go_on = may_go_on,
                                    .self = w};
  int64_t id = 0;
  const enum fr_status status = fr_study_run(study, &options, &id, err);
  fr_run stored = {0};
  assert_int_equal(fr_store_run_get(p->store, id, &stored, NULL), FR_OK);
  assert_string_equal(stored.state, status == FR_OK ? "done" : "failed");
  if (status == FR_OK)
    *result = json_loads(stored.result, 0, NULL);
  fr_run_release(&stored);
  fr_study_free(study);
  assert_int_equal(children(false), 0);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  assert_int_equal(errno, ECHILD);
  return status;
}

static json_t *run_whole(const place *p, size_t jobs, watcher *w) {
  json_t *result = NULL;
  fr_error err = {0};
  *w = (watcher){.stop_at = SIZE_MAX, .kill_at = SIZE_MAX};
  if (run(p, jobs, w, &result, &err) != FR_OK)
    fail_msg("%s", err.text);
  assert_non_null(result);
  return result;
}

/* What does not depend on how long it took. */
static void assert_same_run(const json_t *a, const json_t *b) {
  static const char *const same[] = {"key", "name", "mechanism", "repeat", "seed"};
  static const char *const parts[] = {"train", "test"};
  static const char *const figures[] = {"accuracy",   "macro_f1", "balanced_accuracy",
                                        "loss",       "samples",  "operations",
                                        "best_epoch", "steps"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    assert_true(json_equal(json_object_get(a, same[i]), json_object_get(b, same[i])));
  for (size_t k = 0; k < 2; k++)
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
      const json_t *of = json_object_get(a, parts[k]), *to = json_object_get(b, parts[k]);
      const json_t *x = json_object_get(of, figures[i]);
      assert_true(x == NULL ? json_object_get(to, figures[i]) == NULL
                            : json_equal(x, json_object_get(to, figures[i])));
    }
}

static double value(const json_t *of, const char *key) {
  const json_t *measure = json_object_get(json_object_get(of, "spent"), key);
  return json_number_value(json_object_get(measure, "value"));
}

static void jobs_give_what_one_gives(void **state) {
  const place *p = *state;
  watcher w;
  json_t *alone = run_whole(p, 1, &w);
  assert_int_equal(w.most, 0);
  fr_store *store = NULL;
  place other = *p;
  snprintf(other.path, sizeof other.path, "%s/other.sqlite", p->directory);
  assert_int_equal(fr_store_open(other.path, &store, NULL), FR_OK);
  other.store = store;
  json_t *beside = run_whole(&other, 3, &w);
  assert_int_equal(w.most, 3);
  assert_int_equal(w.last.done, 18);
  const json_t *a = json_object_get(alone, "runs"), *b = json_object_get(beside, "runs");
  assert_int_equal(json_array_size(a), 18);
  assert_int_equal(json_array_size(b), 18);
  double core_s = 0.0;
  for (size_t i = 0; i < 18; i++) {
    assert_same_run(json_array_get(a, i), json_array_get(b, i));
    core_s += value(json_array_get(b, i), "core_seconds");
    const json_t *run = json_array_get(b, i);
    assert_true(value(run, "program") > 0.0);
    assert_true(value(run, "energy") > 0.0);
  }
  assert_true(value(beside, "core_seconds") >= core_s); /* reading is in it, too */
  json_decref(alone);
  json_decref(beside);
  fr_store_close(store);
}

static void jobs_stop_and_go_on(void **state) {
  const place *p = *state;
  watcher w = {.stop_at = 7, .kill_at = SIZE_MAX};
  json_t *result = NULL;
  fr_error err = {0};
  assert_int_equal(run(p, 2, &w, &result, &err), FR_ERR_CANCELLED);
  const size_t before = w.last.done;
  result = run_whole(p, 2, &w);
  assert_true(json_integer_value(json_object_get(result, "reused")) >=
              (json_int_t)before);
  assert_int_equal(w.last.done, 18);
  json_decref(result);
}

static void a_job_that_dies_is_told(void **state) {
  const place *p = *state;
  watcher w = {.stop_at = SIZE_MAX, .kill_at = 3};
  json_t *result = NULL;
  fr_error err = {0};
  assert_int_equal(run(p, 2, &w, &result, &err), FR_ERR_IO);
  assert_non_null(strstr(err.text, "ended of itself"));
  json_decref(run_whole(p, 2, &w));
}

static void cores_are_found(void **state) {
  (void)state;
  size_t cpu[FR__CORES], idle = SIZE_MAX;
  const size_t count = fr__cores_find(cpu, &idle);
  assert_in_range(count, 1, FR__CORES);
  assert_in_range(idle, 0, count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < i; k++)
      assert_int_not_equal(cpu[i], cpu[k]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(jobs_give_what_one_gives, place_make, place_remove),
      cmocka_unit_test_setup_teardown(jobs_stop_and_go_on, place_make, place_remove),
      cmocka_unit_test_setup_teardown(a_job_that_dies_is_told, place_make, place_remove),
      cmocka_unit_test(cores_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
