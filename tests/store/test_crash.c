/* SPDX-License-Identifier: Apache-2.0 */
/* A killed process leaves its run "cut off" and the file whole; many processes write at
 * once. */
#include "place.h"

#include <signal.h>
#include <sys/wait.h>

static void wait_for(pid_t child, int *status) {
  assert_int_equal(waitpid(child, status, 0), child);
}

/* Runs in the child: no cmocka there. */
static int write_runs(const char *path, int count) {
  fr_store *store = NULL;
  if (fr_store_open(path, &store, NULL) != FR_OK)
    return 1;
  for (int i = 0; i < count; i++) {
    const fr_store_sample sample = {.t_ns = (uint64_t)i, .power_w = 1};
    int64_t id = 0;
    if (fr_store_run_begin(store, &(fr_run){0}, &id, NULL) != FR_OK ||
        fr_store_samples(store, id, &sample, 1, NULL) != FR_OK ||
        fr_store_run_end(store, id, "done", "{}", NULL) != FR_OK)
      return 2;
  }
  fr_store_close(store);
  return 0;
}

typedef struct tally {
  size_t running, done, cut_off;
} tally;

static bool count(void *self, const fr_run *run) {
  tally *t = self;
  t->running += strcmp(run->state, "running") == 0;
  t->cut_off += strcmp(run->state, "cut off") == 0;
  t->done += strcmp(run->state, "done") == 0;
  return true;
}

static void a_killed_run_is_listed_as_cut_off(void **state) {
  const place *p = *state;
  const pid_t child = fork();
  if (child == 0) {
    fr_store *store = NULL;
    int64_t id = 0;
    if (write_runs(p->path, 1) != 0 || fr_store_open(p->path, &store, NULL) != FR_OK ||
        fr_store_run_begin(store, &(fr_run){0}, &id, NULL) != FR_OK)
      _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  wait_for(child, &status);
  assert_true(WIFSIGNALED(status));
  fr_store *store = place_open(p);
  tally t = {0};
  assert_int_equal(fr_store_runs(store, -1, count, &t, NULL), FR_OK);
  assert_int_equal(t.running, 0);
  assert_int_equal(t.cut_off, 1);
  assert_int_equal(t.done, 1);
  fr_store_close(store);
}

static void processes_write_at_once(void **state) {
  const place *p = *state;
  pid_t child[4];
  for (size_t i = 0; i < 4; i++) {
    child[i] = fork();
    if (child[i] == 0)
      _exit(write_runs(p->path, 25));
  }
  for (size_t i = 0; i < 4; i++) {
    int status = 0;
    wait_for(child[i], &status);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
  }
  fr_store *store = place_open(p);
  tally t = {0};
  assert_int_equal(fr_store_runs(store, -1, count, &t, NULL), FR_OK);
  assert_int_equal(t.done, 100);
  fr_store_close(store);
}

static bool nest(void *self, const fr_run *run) {
  fr_run inner = {0};
  assert_int_equal(fr_store_run_get(self, run->id, &inner, NULL), FR_OK);
  fr_run_release(&inner);
  tally t = {0};
  assert_int_equal(fr_store_runs(self, -1, count, &t, NULL), FR_OK);
  assert_int_equal(t.done, 3);
  return true;
}

static void walks_may_be_nested(void **state) {
  const place *p = *state;
  assert_int_equal(write_runs(p->path, 3), 0);
  fr_store *store = place_open(p);
  assert_int_equal(fr_store_runs(store, -1, nest, store, NULL), FR_OK);
  fr_store_close(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      PLACE_TEST(a_killed_run_is_listed_as_cut_off),
      PLACE_TEST(processes_write_at_once),
      PLACE_TEST(walks_may_be_nested),
  };
  return cmocka_run_group_tests_name("store/crash", tests, NULL, NULL);
}
