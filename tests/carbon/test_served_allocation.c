/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a server, reading its answer, keeping it: wherever an allocation fails, the call
 * says so or does without. The server is a process of its own. */
#include "../allocations.h"
#include "served.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char history[] = "{\"zone\":\"DE\",\"history\":[{\"carbonIntensity\":322,"
                              "\"datetime\":\"2019-05-21T00:00:00.000Z\"}]}";
static const char past[] = "{\"zone\":\"DE\",\"data\":[{\"carbonIntensity\":322,"
                           "\"datetime\":\"2019-05-21T00:00:00.000Z\"}]}";

static pid_t serve(char url[64]) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    loopback *const server = loopback_start();
    loopback_say(server, &(loopback_answer){.target = "/carbon-intensity/history",
                                            .status = 200,
                                            .body = history});
    loopback_say(server, &(loopback_answer){
                             .status = 200, .header = "ETag: \"1\"\r\n", .body = past});
    (void)!write(ends[1], loopback_url(server), 64);
    for (;;)
      pause();
  }
  assert_int_equal(read(ends[0], url, 64), 64);
  close(ends[0]);
  close(ends[1]);
  return pid;
}

/* With the n-th allocation failing; true: there were not so many. */
static bool attempt(size_t n) {
  const int64_t day = INT64_C(1558396800); /* 2019-05-21 */
  const fr_intensity_query query = {
      .now_s = day + 2 * HOUR, .from_s = day, .to_s = day + 2 * HOUR};
  fr_series series = {0};
  fr_error err = {0};
  char *const folder = test_folder_make();
  setenv("XDG_CACHE_HOME", folder, 1);
  allocations = 0;
  fail_at = n;
  const enum fr_status status =
      fr_intensity_read("electricitymaps:DE", &query, &series, &err);
  const bool enough = allocations < n;
  fail_at = 0;
  assert_true(status == FR_OK || status == FR_ERR_MEMORY);
  assert_int_equal(series.count, status == FR_OK ? 1 : 0);
  assert_int_equal(err.status, status);
  fr_series_release(&series);
  test_folder_remove(folder);
  return enough;
}

static void every_allocation_may_fail(void **state) {
  char url[64];
  size_t n = 1;
  const pid_t pid = serve(url);
  (void)state;
  setenv("FRUGAL_ELECTRICITYMAPS_URL", url, 1);
  setenv("FRUGAL_ELECTRICITYMAPS_KEY", "0123456789", 1);
  while (!attempt(n))
    n++;
  assert_true(n > 10);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
  return cmocka_run_group_tests_name("served allocation", tests, NULL, NULL);
}
